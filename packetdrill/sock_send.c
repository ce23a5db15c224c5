#include "sock.h"

#include <errno.h>

#include "pd.h"
#include "report.h"

static struct weir_info info_of(struct pd *pd, const struct pd_sock *s)
{
	struct weir_info i;

	if (s->conn.v == 0 || weir_conn_info(pd->stack, s->conn, &i) != WEIR_OK)
		i = (struct weir_info){0};
	return i;
}

size_t pd_sock_unsent(struct pd *pd, struct pd_sock *s)
{
	struct weir_info i = info_of(pd, s);
	uint32_t sent = i.snd_nxt - i.snd_una;

	return i.sndq_bytes > sent ? i.sndq_bytes - sent : 0;
}

static uint64_t notsent_lowat(const struct pd *pd, const struct pd_sock *s)
{
	uint32_t own = (uint32_t)s->opts.value[PD_OPT_NOTSENT_LOWAT];

	return own ? own : pd->flags.notsent_lowat;
}

bool pd_sock_writable(struct pd *pd, struct pd_sock *s)
{
	size_t room;

	if (s->conn.v == 0 || s->phase != PD_PHASE_CONNECTED)
		return false;
	room = weir_send_room(pd->stack, s->conn);
	return room > 0 && room >= info_of(pd, s).sndq_bytes / 2 &&
	       pd_sock_unsent(pd, s) < notsent_lowat(pd, s);
}

static bool send_over(const struct pd_sock *s)
{
	return s->error || s->snd_shut || s->phase == PD_PHASE_ENDED;
}

static bool send_ready(struct pd *pd, void *arg)
{
	struct pd_sock *s = arg;

	if (s->phase == PD_PHASE_CONNECTING)
		return false;
	return send_over(s) || pd_sock_writable(pd, s);
}

static bool connected(struct pd *pd, void *arg)
{
	const struct pd_sock *s = arg;

	(void)pd;
	return s->phase != PD_PHASE_CONNECTING;
}

/* Bytes that go in at once; 0: no room. */
static size_t send_some(struct pd *pd, struct pd_sock *s, const uint8_t *bytes, size_t len,
			uint32_t flags)
{
	uint64_t lowat = notsent_lowat(pd, s);
	size_t taken = 0, chunk = len;

	if (lowat < UINT32_MAX) {
		/* Linux looks at the mark before each segment that it adds */
		pd_settle(pd);
		if (pd_sock_unsent(pd, s) >= lowat)
			return 0;
		chunk = info_of(pd, s).mss_bytes;
		if (chunk >= len)
			chunk = len;
		else
			flags |= WEIR_SEND_MORE;
	}
	weir_send(pd->stack, s->conn, bytes, chunk, flags, &taken, pd_now(pd));
	return taken;
}

/* 0; or the error that stopped it: EAGAIN, EDEADLK, or what the connection ended with. */
static int wait_for(struct pd *pd, bool (*ready)(struct pd *, void *), struct pd_sock *s,
		    bool nonblock, int64_t until)
{
	if (nonblock)
		return EAGAIN;
	switch (pd_wait(pd, ready, s, until)) {
	case PD_WAIT_READY:
		return 0;
	case PD_WAIT_LATE:
		return EAGAIN;
	case PD_WAIT_STUCK:
		return EDEADLK;
	}
	return EAGAIN;
}

struct sending {
	struct pd_sock *s;
	int flags;
	bool nonblock;
	int64_t until;
	size_t done;
};

/* 0; or the error. */
static int send_piece(struct pd *pd, struct sending *g, const struct iovec *piece, uint32_t flags)
{
	size_t at = 0;
	int error;

	if (piece->iov_len > 0 && piece->iov_base == NULL)
		return EFAULT;
	while (at < piece->iov_len) {
		size_t n;

		if (send_over(g->s))
			return g->s->error ? pd_sock_take_error(g->s) : EPIPE;
		n = send_some(pd, g->s, (const uint8_t *)piece->iov_base + at, piece->iov_len - at,
			      flags);
		at += n;
		g->done += n;
		if (n > 0)
			continue;
		g->s->nospace = true;
		error = wait_for(pd, send_ready, g->s, g->nonblock, g->until);
		if (error)
			return error;
	}
	return 0;
}

static int check_flags(struct pd_sock *s, int flags)
{
	if (flags & MSG_ZEROCOPY) {
		pd_report("MSG_ZEROCOPY: there is no kernel to lend memory to");
		return EOPNOTSUPP;
	}
	if (flags & MSG_FASTOPEN) {
		pd_report("MSG_FASTOPEN: the engine does not have Fast Open");
		return EOPNOTSUPP;
	}
	if (s->phase == PD_PHASE_NEW || s->phase == PD_PHASE_LISTENING)
		return EPIPE;
	return 0;
}

ssize_t pd_sock_send(struct pd *pd, struct pd_sock *s, const struct iovec *iov, size_t count,
		     int flags)
{
	struct sending g = {
		.s = s,
		.flags = flags,
		.nonblock = s->file.nonblock || flags & MSG_DONTWAIT,
		.until = pd_opts_until(pd, s, PD_OPT_SNDTIMEO),
	};
	bool more = flags & MSG_MORE || s->opts.value[PD_OPT_CORK];
	int error = check_flags(s, flags);
	size_t last = 0;

	for (size_t i = 0; i < count; i++)
		if (iov[i].iov_len > 0)
			last = i;
	if (error == 0 && s->phase == PD_PHASE_CONNECTING)
		error = wait_for(pd, connected, s, g.nonblock, g.until);
	if (error == 0 && send_over(s))
		error = s->error ? pd_sock_take_error(s) : EPIPE;
	for (size_t i = 0; i <= last && i < count && error == 0; i++) {
		uint32_t how = more || i < last ? WEIR_SEND_MORE : 0;

		if (flags & MSG_OOB && i == last)
			how |= WEIR_SEND_URGENT;
		error = send_piece(pd, &g, &iov[i], how);
	}
	if (error == 0 || g.done > 0)
		return (ssize_t)g.done;
	errno = error;
	return -1;
}
