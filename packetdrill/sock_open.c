#include "sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "pd.h"
#include "ready.h"
#include "report.h"

#define LINGER_MAX_MS 60000

struct pd_sock *pd_sock_get(struct pd *pd, int fd)
{
	struct pd_file *f = pd_fds_get(pd, fd);

	if (f == NULL)
		return NULL;
	if (f->kind != PD_SOCK) {
		errno = ENOTSOCK;
		return NULL;
	}
	return pd_sock_of(f);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

int pd_sock_open(struct pd *pd, int domain, int type, int protocol)
{
	struct pd_sock *s;

	if (domain != AF_INET && domain != AF_INET6)
		return fail(EAFNOSUPPORT);
	if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM)
		return fail(ESOCKTNOSUPPORT);
	if (protocol != 0 && protocol != IPPROTO_TCP)
		return fail(EPROTONOSUPPORT);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return fail(ENOMEM);
	s->domain = domain;
	s->file.nonblock = type & SOCK_NONBLOCK;
	pd_opts_init(pd, &s->opts);
	if (pd_fds_open(pd, &s->file, PD_SOCK) != 0) {
		free(s);
		return -1;
	}
	return s->file.fd;
}

static bool same_addr(const struct weir_addr *a, const struct weir_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Whether another socket stands in the way of binding to `e` (as Linux sees it). */
static bool in_use(const struct pd *pd, const struct pd_sock *self, const struct weir_endpoint *e)
{
	for (unsigned i = 0; i < PD_FDS_MAX; i++) {
		const struct pd_sock *s = (const void *)pd->fds.file[i];

		if (s == NULL || s == self || s->file.kind != PD_SOCK || !s->bound)
			continue;
		if (s->local.port != e->port || s->phase == PD_PHASE_ENDED)
			continue;
		if (s->local.addr.family && e->addr.family && !same_addr(&s->local.addr, &e->addr))
			continue;
		if (s->phase == PD_PHASE_LISTENING || !self->opts.value[PD_OPT_REUSEADDR] ||
		    !s->opts.value[PD_OPT_REUSEADDR])
			return true;
	}
	return false;
}

static int choose_port(struct pd *pd, struct pd_sock *s, struct weir_endpoint *e)
{
	uint16_t first = (uint16_t)pd->flags.cfg.port_first;
	uint16_t last = (uint16_t)pd->flags.cfg.port_last;

	for (unsigned n = 0; n <= (unsigned)(last - first); n++) {
		if (pd->port_next < first || pd->port_next > last)
			pd->port_next = first;
		e->port = pd->port_next++;
		if (!in_use(pd, s, e))
			return 0;
	}
	return fail(EADDRINUSE);
}

int pd_sock_bind(struct pd *pd, struct pd_sock *s, const struct sockaddr *addr, socklen_t len)
{
	struct weir_endpoint e;
	int error;

	if (addr == NULL)
		return fail(EFAULT);
	error = pd_addr_in(s->domain, addr, len, &e);
	if (error)
		return fail(error);
	if (s->bound || s->phase != PD_PHASE_NEW)
		return fail(EINVAL);
	if (e.port != 0 && in_use(pd, s, &e))
		return fail(EADDRINUSE);
	if (e.port == 0 && choose_port(pd, s, &e) != 0)
		return -1;
	pd_addr_add(pd, &e.addr);
	s->local = e;
	s->bound = true;
	return 0;
}

int pd_sock_listen(struct pd *pd, struct pd_sock *s, int backlog)
{
	struct weir_listen_args args = {.mode = WEIR_ACCEPT_EARLY};
	enum weir_err e;

	if (s->phase == PD_PHASE_LISTENING)
		return 0;
	if (s->phase != PD_PHASE_NEW)
		return fail(EINVAL);
	if (!s->bound && choose_port(pd, s, &s->local) != 0)
		return -1;
	/* as Linux: one more than asked for may wait */
	s->backlog = backlog < 0 || backlog > 4096 ? 4096 : (unsigned)backlog;
	args.local = s->local;
	args.backlog = s->backlog + 1;
	e = weir_listen(pd->stack, &args, &s->listener);
	if (e != WEIR_OK)
		return fail(pd_errno_of(e));
	s->bound = true;
	s->phase = PD_PHASE_LISTENING;
	return 0;
}

static bool accept_ready(struct pd *pd, void *arg)
{
	const struct pd_sock *s = arg;

	(void)pd;
	return s->queue != NULL || s->phase != PD_PHASE_LISTENING;
}

int pd_sock_accept(struct pd *pd, struct pd_sock *s, struct sockaddr *addr, socklen_t *len)
{
	struct pd_sock *child;

	if (s->phase != PD_PHASE_LISTENING)
		return fail(EINVAL);
	if (s->queue == NULL && s->file.nonblock)
		return fail(EAGAIN);
	switch (pd_wait(pd, accept_ready, s, pd_opts_until(pd, s, PD_OPT_RCVTIMEO))) {
	case PD_WAIT_READY:
		break;
	case PD_WAIT_LATE:
		return fail(EAGAIN);
	case PD_WAIT_STUCK:
		return fail(EDEADLK);
	}
	child = s->queue;
	if (child == NULL)
		return fail(EINVAL);
	if (pd_fds_open(pd, &child->file, PD_SOCK) != 0)
		return -1;
	s->queue = child->queue_next;
	s->queued--;
	child->queue_next = child->queue_of = NULL;
	pd_addr_out(child->domain, &child->remote, addr, len);
	return child->file.fd;
}

static bool connect_ready(struct pd *pd, void *arg)
{
	const struct pd_sock *s = arg;

	(void)pd;
	return s->phase != PD_PHASE_CONNECTING;
}

/* The outcome of a connect that has begun. */
static int connect_outcome(struct pd *pd, struct pd_sock *s)
{
	int error;

	switch (pd_wait(pd, connect_ready, s, pd_opts_until(pd, s, PD_OPT_SNDTIMEO))) {
	case PD_WAIT_READY:
		break;
	case PD_WAIT_LATE:
		return fail(EINPROGRESS);
	case PD_WAIT_STUCK:
		return fail(EDEADLK);
	}
	s->told = true;
	error = pd_sock_take_error(s);
	if (error == 0 && s->phase == PD_PHASE_ENDED && s->conn.v == 0 && !s->fin_seen)
		error = ECONNABORTED;
	return error ? fail(error) : 0;
}

static int connect_again(struct pd *pd, struct pd_sock *s)
{
	switch (s->phase) {
	case PD_PHASE_CONNECTING:
		return s->file.nonblock ? fail(EALREADY) : connect_outcome(pd, s);
	case PD_PHASE_CONNECTED:
		return s->told ? fail(EISCONN) : connect_outcome(pd, s);
	case PD_PHASE_ENDED:
		return s->error ? fail(pd_sock_take_error(s)) : fail(ECONNABORTED);
	case PD_PHASE_LISTENING:
		return fail(EISCONN);
	case PD_PHASE_NEW:
		break;
	}
	return fail(EINVAL);
}

/* connect() to no address: the socket is as new. */
static int disconnect(struct pd *pd, struct pd_sock *s)
{
	if (s->phase == PD_PHASE_LISTENING)
		weir_listener_close(pd->stack, s->listener);
	else if (s->conn.v != 0)
		weir_abort(pd->stack, s->conn, pd_now(pd));
	s->phase = PD_PHASE_NEW;
	s->conn.v = 0;
	s->error = s->soft_error = 0;
	s->told = s->rcv_shut = s->snd_shut = s->fin_seen = false;
	s->urgent_valid = s->urgent_news = false;
	s->read_bytes = 0;
	return 0;
}

int pd_sock_connect(struct pd *pd, struct pd_sock *s, const struct sockaddr *addr, socklen_t len)
{
	struct weir_connect_args args = {.user = (uintptr_t)s};
	enum weir_err e;
	int error;

	if (addr == NULL)
		return fail(EFAULT);
	if (len >= (socklen_t)sizeof(addr->sa_family) && addr->sa_family == AF_UNSPEC)
		return disconnect(pd, s);
	if (s->phase != PD_PHASE_NEW)
		return connect_again(pd, s);
	error = pd_addr_in(s->domain, addr, len, &args.remote);
	if (error)
		return fail(error);
	pd_addr_default(pd, &args.remote.addr);
	args.local = s->local;
	if (s->local.addr.family && s->local.addr.family != args.remote.addr.family)
		return fail(ENETUNREACH);
	e = weir_connect(pd->stack, &args, pd_now(pd), &s->conn);
	if (e != WEIR_OK)
		return fail(e == WEIR_EXISTS ? EADDRNOTAVAIL : pd_errno_of(e));
	s->phase = PD_PHASE_CONNECTING;
	s->remote = args.remote;
	pd_opts_apply(pd, s);
	if (s->file.nonblock)
		return fail(EINPROGRESS);
	return connect_outcome(pd, s);
}

int pd_sock_shutdown(struct pd *pd, struct pd_sock *s, int how)
{
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return fail(EINVAL);
	if (s->phase == PD_PHASE_LISTENING && how != SHUT_WR) {
		weir_listener_close(pd->stack, s->listener);
		s->phase = PD_PHASE_NEW;
		return 0;
	}
	if (s->phase != PD_PHASE_CONNECTED && s->phase != PD_PHASE_CONNECTING)
		return fail(ENOTCONN);
	if (how != SHUT_WR)
		s->rcv_shut = true;
	if (how != SHUT_RD && !s->snd_shut) {
		s->snd_shut = true;
		weir_shutdown(pd->stack, s->conn, pd_now(pd));
	}
	pd_wake(pd, &s->file, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
	return 0;
}

/* Connections that nobody accepted are reset. */
static void drop_queue(struct pd *pd, struct pd_sock *s)
{
	while (s->queue != NULL) {
		struct pd_sock *child = s->queue;

		s->queue = child->queue_next;
		if (child->conn.v != 0)
			weir_abort(pd->stack, child->conn, pd_now(pd));
		free(child);
	}
	s->queued = 0;
}

static bool linger_ready(struct pd *pd, void *arg)
{
	const struct pd_sock *s = arg;
	struct weir_info i;

	if (s->conn.v == 0 || weir_conn_info(pd->stack, s->conn, &i) != WEIR_OK)
		return true;
	return i.state == WEIR_STATE_FIN_WAIT_2 || i.state == WEIR_STATE_TIME_WAIT ||
	       i.state == WEIR_STATE_CLOSED;
}

static void close_conn(struct pd *pd, struct pd_sock *s)
{
	int64_t linger_ms = (int64_t)s->opts.linger.l_linger * 1000;

	if (s->opts.linger.l_onoff && linger_ms == 0) {
		weir_abort(pd->stack, s->conn, pd_now(pd));
		return;
	}
	weir_close(pd->stack, s->conn, pd_now(pd));
	if (s->opts.linger.l_onoff && !s->file.nonblock)
		pd_wait(pd, linger_ready, s,
			pd_clock_after_ms(pd,
					  linger_ms < LINGER_MAX_MS ? linger_ms : LINGER_MAX_MS));
	if (s->conn.v != 0)
		weir_conn_user_set(pd->stack, s->conn, 0);
}

int pd_sock_close(struct pd *pd, struct pd_sock *s)
{
	if (s->phase == PD_PHASE_LISTENING) {
		weir_listener_close(pd->stack, s->listener);
		drop_queue(pd, s);
	} else if (s->conn.v != 0) {
		close_conn(pd, s);
	}
	pd_watch_drop_file(pd, &s->file);
	pd_fds_close(pd, &s->file);
	free(s);
	return 0;
}
