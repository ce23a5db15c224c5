/*
 * Theory of operation
 *
 * The engine keeps urgent data in the stream and tells where it ends (RFC 9293 MUST-31, -32; the
 * stream is what RFC 6093 wants). Linux's sockets take the last urgent byte out of the stream
 * unless SO_OOBINLINE is set, and so does this: a read stops before that byte, the next one skips
 * it, and MSG_OOB reads it in between. Positions are counts of bytes taken from the stream.
 *
 * A read goes on until it has as much as SO_RCVLOWAT, or MSG_WAITALL, asks for; what was read
 * before an error or the end of the stream is returned first.
 */
#include "sock.h"

#include <errno.h>
#include <string.h>

#include "pd.h"

#define SPANS 128u

/* A place in a list of buffers. */
struct cursor {
	const struct iovec *iov;
	size_t count, at, left;
	bool discard; /* MSG_TRUNC: bytes go nowhere */
};

static struct cursor cursor_of(const struct iovec *iov, size_t count, int flags)
{
	struct cursor c = {.iov = iov, .count = count, .discard = flags & MSG_TRUNC};

	for (size_t i = 0; i < count; i++)
		c.left += iov[i].iov_len;
	return c;
}

/* 0; EFAULT: the script gave no buffer. */
static int cursor_put(struct cursor *c, const uint8_t *bytes, size_t len)
{
	c->left -= len;
	while (len > 0 && !c->discard) {
		size_t room = c->iov->iov_len - c->at;
		size_t n = len < room ? len : room;

		if (room == 0) {
			c->iov++;
			c->at = 0;
			continue;
		}
		if (c->iov->iov_base == NULL)
			return EFAULT;
		memcpy((uint8_t *)c->iov->iov_base + c->at, bytes, n);
		c->at += n;
		bytes += n;
		len -= n;
	}
	return 0;
}

size_t pd_sock_readable(struct pd *pd, struct pd_sock *s)
{
	struct weir_info i;
	size_t n;

	if (s->conn.v == 0 || weir_conn_info(pd->stack, s->conn, &i) != WEIR_OK)
		return 0;
	n = i.rcvq_bytes;
	if (n > 0 && s->urgent_valid && !s->opts.value[PD_OPT_OOBINLINE] &&
	    s->urgent_at >= s->read_bytes && s->urgent_at < s->read_bytes + n)
		n--;
	return n;
}

/* Nothing more will come, or there is an error to tell. */
static bool at_end(const struct pd_sock *s)
{
	return s->error || s->rcv_shut || s->fin_seen || s->phase == PD_PHASE_ENDED;
}

bool pd_sock_may_read(struct pd *pd, struct pd_sock *s)
{
	size_t n = pd_sock_readable(pd, s);

	return (n > 0 && n >= (size_t)s->opts.value[PD_OPT_RCVLOWAT]) || at_end(s);
}

bool pd_sock_at_mark(struct pd *pd, struct pd_sock *s)
{
	(void)pd;
	return s->urgent_valid && s->urgent_at == s->read_bytes;
}

static bool stops_at_mark(const struct pd_sock *s)
{
	return s->urgent_valid && !s->opts.value[PD_OPT_OOBINLINE];
}

static void passed(struct pd_sock *s, size_t n)
{
	s->read_bytes += n;
	if (s->urgent_valid && s->urgent_at < s->read_bytes)
		s->urgent_valid = s->urgent_news = false;
}

/* Copies what can be read now. How much; -1: bad buffer. */
static ssize_t take(struct pd *pd, struct pd_sock *s, struct cursor *c, int flags)
{
	struct weir_span span[SPANS];
	size_t count, bytes, done = 0;

	if (stops_at_mark(s) && s->urgent_at == s->read_bytes && !(flags & MSG_PEEK) &&
	    weir_recv_consume(pd->stack, s->conn, 1, pd_now(pd)) == WEIR_OK)
		passed(s, 1); /* the urgent byte is not part of the stream */
	if (s->conn.v == 0 ||
	    weir_recv_peek(pd->stack, s->conn, span, SPANS, &count, &bytes) != WEIR_OK)
		return 0;
	if (stops_at_mark(s) && s->urgent_at > s->read_bytes &&
	    bytes > s->urgent_at - s->read_bytes)
		bytes = s->urgent_at - s->read_bytes;
	for (size_t i = 0; i < count && c->left > 0 && done < bytes; i++) {
		size_t n = span[i].len < bytes - done ? span[i].len : bytes - done;

		n = n < c->left ? n : c->left;
		if (cursor_put(c, span[i].bytes, n) != 0)
			return -1;
		done += n;
	}
	if (!(flags & MSG_PEEK) && done > 0) {
		weir_recv_consume(pd->stack, s->conn, done, pd_now(pd));
		passed(s, done);
	}
	return (ssize_t)done;
}

struct wanted {
	struct pd_sock *s;
	size_t bytes;
};

static bool recv_ready(struct pd *pd, void *arg)
{
	const struct wanted *w = arg;

	return at_end(w->s) || pd_sock_readable(pd, w->s) >= w->bytes;
}

static ssize_t recv_oob(struct pd *pd, struct pd_sock *s, struct cursor *c, int flags)
{
	struct weir_span span[SPANS];
	size_t count, bytes, offset;

	if (!s->urgent_valid || !s->urgent_news || s->opts.value[PD_OPT_OOBINLINE]) {
		errno = EINVAL;
		return -1;
	}
	offset = s->urgent_at - s->read_bytes;
	if (weir_recv_peek(pd->stack, s->conn, span, SPANS, &count, &bytes) != WEIR_OK ||
	    bytes <= offset) {
		errno = EAGAIN;
		return -1;
	}
	if (c->left == 0)
		return 0;
	for (size_t i = 0; i < count; offset -= span[i++].len) {
		if (offset >= span[i].len)
			continue;
		if (cursor_put(c, span[i].bytes + offset, 1) != 0) {
			errno = EFAULT;
			return -1;
		}
		break;
	}
	if (!(flags & MSG_PEEK))
		s->urgent_news = false;
	return 1;
}

/* What a read returns that found nothing more. */
static ssize_t recv_end(struct pd_sock *s)
{
	if (s->error && !(s->fin_seen && s->phase != PD_PHASE_ENDED)) {
		errno = pd_sock_take_error(s);
		return -1;
	}
	return 0;
}

static ssize_t recv_loop(struct pd *pd, struct pd_sock *s, struct cursor *c, int flags)
{
	size_t lowat = (size_t)s->opts.value[PD_OPT_RCVLOWAT], done = 0;
	size_t target = flags & MSG_WAITALL || lowat > c->left ? c->left : lowat;
	int64_t until = pd_opts_until(pd, s, PD_OPT_RCVTIMEO);
	bool nonblock = s->file.nonblock || flags & MSG_DONTWAIT;

	for (;;) {
		struct wanted w = {.s = s};
		ssize_t n = take(pd, s, c, flags);

		if (n < 0) {
			errno = EFAULT;
			return done ? (ssize_t)done : -1;
		}
		done += (size_t)n;
		if ((n > 0 && (done >= target || flags & MSG_PEEK)) || c->left == 0)
			return (ssize_t)done;
		if (done > 0 && stops_at_mark(s) && s->urgent_at == s->read_bytes)
			return (ssize_t)done;
		if (at_end(s))
			return done ? (ssize_t)done : recv_end(s);
		errno = EAGAIN;
		if (nonblock)
			return done ? (ssize_t)done : -1;
		w.bytes = target > done ? target - done : 1;
		switch (pd_wait(pd, recv_ready, &w, until)) {
		case PD_WAIT_READY:
			break;
		case PD_WAIT_LATE:
			errno = EAGAIN;
			target = 1; /* what is there */
			nonblock = true;
			break;
		case PD_WAIT_STUCK:
			errno = EDEADLK;
			return done ? (ssize_t)done : -1;
		}
	}
}

ssize_t pd_sock_recv(struct pd *pd, struct pd_sock *s, const struct iovec *iov, size_t count,
		     int flags)
{
	struct cursor c = cursor_of(iov, count, flags);

	if (s->phase == PD_PHASE_NEW || s->phase == PD_PHASE_LISTENING) {
		errno = ENOTCONN;
		return -1;
	}
	if (flags & MSG_ERRQUEUE) {
		errno = EAGAIN; /* nothing is ever in it */
		return -1;
	}
	if (flags & MSG_OOB)
		return recv_oob(pd, s, &c, flags);
	return recv_loop(pd, s, &c, flags);
}
