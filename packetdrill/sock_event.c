/*
 * Theory of operation
 *
 * A connection's user value is the address of its socket. When a socket is closed the value
 * becomes 0, and what the connection still tells is for nobody.
 *
 * An event changes the socket's phase, error and flags, then wakes epoll's interests with the bits
 * that changed: that wake is what edge-triggered interest counts. Blocked calls need no wake, since
 * pd_settle() asks each whether it is ready.
 *
 * What Linux does at the end of a connection is done here too. A reset leaves ECONNRESET, or EPIPE
 * when the peer had ended its stream; both directions are shut. After an error was told once, reads
 * return 0 and writes EPIPE.
 */
#include "sock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "pd.h"
#include "ready.h"
#include "report.h"

int pd_errno_of(enum weir_err e)
{
	switch (e) {
	case WEIR_OK:
		return 0;
	case WEIR_AGAIN:
		return EAGAIN;
	case WEIR_EOF:
	case WEIR_NO_CONN:
	case WEIR_NOT_CONNECTED:
		return ENOTCONN;
	case WEIR_CLOSING:
		return EPIPE;
	case WEIR_EXISTS:
		return EADDRINUSE;
	case WEIR_NO_REMOTE:
		return EDESTADDRREQ;
	case WEIR_BAD_REMOTE:
		return ENETUNREACH;
	case WEIR_NO_LOCAL:
	case WEIR_NO_PORT:
		return EADDRNOTAVAIL;
	case WEIR_NO_RESOURCES:
	case WEIR_NO_MEMORY:
		return ENOBUFS;
	case WEIR_BAD_ARG:
	case WEIR_BAD_CONFIG:
	case WEIR_ERR_COUNT:
		return EINVAL;
	case WEIR_REFUSED:
		return ECONNREFUSED;
	case WEIR_RESET:
		return ECONNRESET;
	case WEIR_TIMEOUT:
		return ETIMEDOUT;
	case WEIR_UNREACHABLE:
		return EHOSTUNREACH;
	case WEIR_ABORTED:
		return ECONNABORTED;
	}
	return EINVAL;
}

int pd_sock_take_error(struct pd_sock *s)
{
	int e = s->error;

	s->error = 0;
	return e;
}

void pd_sock_end(struct pd *pd, struct pd_sock *s)
{
	s->phase = PD_PHASE_ENDED;
	s->conn.v = 0;
	s->rcv_shut = s->snd_shut = true;
	s->nospace = false;
	pd_wake(pd, &s->file, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

static struct pd_sock *listener_of(struct pd *pd, weir_listener l)
{
	for (unsigned i = 0; i < PD_FDS_MAX; i++) {
		struct pd_file *f = pd->fds.file[i];

		if (f != NULL && f->kind == PD_SOCK && l.v != 0 &&
		    pd_sock_of(f)->phase == PD_PHASE_LISTENING && pd_sock_of(f)->listener.v == l.v)
			return pd_sock_of(f);
	}
	return NULL;
}

static void on_accepted(struct pd *pd, const struct weir_event *ev)
{
	struct pd_sock *l = listener_of(pd, ev->listener);
	struct pd_sock *s, **at;

	if (l == NULL) {
		/* its listener was closed in the meantime */
		weir_abort(pd->stack, ev->conn, pd_now(pd));
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		pd_fail("out of memory");
	s->file.fd = -1;
	s->domain = l->domain;
	s->phase = PD_PHASE_CONNECTED;
	s->told = s->bound = true;
	s->local = ev->tuple.local;
	s->remote = ev->tuple.remote;
	s->conn = ev->conn;
	s->data_us = pd->clock.now_us;
	s->opts = l->opts;
	s->queue_of = l;
	weir_conn_user_set(pd->stack, s->conn, (uintptr_t)s);
	pd_opts_apply(pd, s);
	for (at = &l->queue; *at != NULL; at = &(*at)->queue_next)
		;
	*at = s;
	l->queued++;
	pd_wake(pd, &l->file, EPOLLIN);
}

static void on_closed(struct pd *pd, struct pd_sock *s, enum weir_err reason)
{
	int e = pd_errno_of(reason);

	if (reason == WEIR_RESET && s->fin_seen)
		e = EPIPE; /* the peer had ended its stream: our writing is what failed */
	if (reason == WEIR_TIMEOUT && s->soft_error)
		e = s->soft_error;
	if (e != 0)
		s->error = e;
	else
		s->fin_seen = true;
	pd_sock_end(pd, s);
}

static bool fin_came(enum weir_state s)
{
	return s == WEIR_STATE_CLOSE_WAIT || s == WEIR_STATE_CLOSING || s == WEIR_STATE_LAST_ACK ||
	       s == WEIR_STATE_TIME_WAIT;
}

/* New bytes, or the end of the stream. */
static void on_readable(struct pd *pd, struct pd_sock *s)
{
	struct weir_info i;

	if (weir_conn_info(pd->stack, s->conn, &i) == WEIR_OK && fin_came(i.state))
		s->fin_seen = true;
	s->data_us = pd->clock.now_us;
	pd_wake(pd, &s->file, EPOLLIN | (s->fin_seen ? EPOLLRDHUP : 0));
}

static void on_urgent(struct pd *pd, struct pd_sock *s)
{
	size_t until = weir_recv_urgent(pd->stack, s->conn);

	if (until == 0)
		return;
	s->urgent_valid = s->urgent_news = true;
	s->urgent_at = s->read_bytes + until - 1;
	pd_wake(pd, &s->file, EPOLLPRI);
}

void pd_sock_event(struct pd *pd, const struct weir_event *ev)
{
	struct pd_sock *s = (struct pd_sock *)(uintptr_t)ev->user;

	if (ev->kind == WEIR_EV_ACCEPTED) {
		on_accepted(pd, ev);
		return;
	}
	if (s == NULL)
		return;
	switch (ev->kind) {
	case WEIR_EV_CONNECTED:
		s->phase = PD_PHASE_CONNECTED;
		s->data_us = pd->clock.now_us;
		pd_wake(pd, &s->file, EPOLLOUT);
		break;
	case WEIR_EV_READABLE:
		on_readable(pd, s);
		break;
	case WEIR_EV_URGENT:
		on_urgent(pd, s);
		break;
	case WEIR_EV_SOFT_ERROR:
		if (ev->reason == WEIR_UNREACHABLE)
			s->soft_error = EHOSTUNREACH;
		break;
	case WEIR_EV_CLOSED:
		on_closed(pd, s, ev->reason);
		break;
	case WEIR_EV_WRITABLE: /* pd_sock_write_space() looks */
	case WEIR_EV_ACCEPTED:
	case WEIR_EV_SYN:
	case WEIR_EV_HALF_GONE:
	case WEIR_EV_COUNT:
		break;
	}
}

void pd_sock_write_space(struct pd *pd)
{
	for (unsigned i = 0; i < PD_FDS_MAX; i++) {
		struct pd_file *f = pd->fds.file[i];

		if (f == NULL || f->kind != PD_SOCK || !pd_sock_of(f)->nospace)
			continue;
		if (pd_sock_writable(pd, pd_sock_of(f))) {
			pd_sock_of(f)->nospace = false;
			pd_wake(pd, f, EPOLLOUT);
		}
	}
}
