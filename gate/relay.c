/*
 * relay.c: the life of relays: from a held SYN to the end of both sides.
 *
 * Theory of operation
 *
 * The engine's one listener is a catch-all that holds every SYN. A SYN makes a relay, which
 * connects outside before anything is answered inside, so that a connection to a dead, closed or
 * unreachable destination fails inside exactly as it fails outside:
 *
 *   SYN              the destination's class decides (addr.h); then a non-blocking connect()
 *     connected      weir_half_accept: SYN-ACK           CONNECTING -> ACCEPTING
 *     failed         weir_half_refuse, by errno          CONNECTING -> free
 *   HALF_GONE        the program gave up                 -> free
 *   ACCEPTED         handshake complete                  ACCEPTING -> OPEN, both directions move
 *   READABLE, WRITABLE, edges of the descriptor          relay_pump.c
 *   CLOSED, orderly  both directions have ended          OPEN -> free
 *   CLOSED, reset    the program reset                   descriptor closed with a reset; -> free
 *
 * A relay is named to the engine by its place and its generation, so an event that comes late for a
 * record that was used again does not match.
 *
 * A destination that does not answer holds its attempt until the host's kernel gives up (two
 * minutes), and may not block anyone else: at most CONNECTING_MAX attempts wait, at most
 * CONNECTING_DEST_MAX of them for one destination; one more ends the oldest. The program's own
 * retransmission of its SYN then tries again.
 */
#include "relay_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "weir/info.h"

#define CONNECTING_MAX      2048u
#define CONNECTING_DEST_MAX 1024u

#define WATCHED (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

static uint64_t relay_user(const struct relay *r)
{
	return (uint64_t)r->generation << 32 | (uint32_t)(r - r->table->relays + 1);
}

/* The relay that `user` names, or NULL if it has ended. */
static struct relay *relay_find(struct gate_relays *t, uint64_t user)
{
	uint32_t place = (uint32_t)user;
	struct relay *r;

	if (place == 0 || place > GATE_RELAYS_MAX)
		return NULL;
	r = &t->relays[place - 1];
	return r->phase != RELAY_FREE && r->generation == user >> 32 ? r : NULL;
}

static void tell(struct gate_relays *t, enum gate_notice what)
{
	uint32_t bit = 1u << what;

	if ((t->told & bit) == 0)
		t->notice(t->user, what);
	t->told |= bit;
}

/* --- Records ------------------------------------------------------------------------------- */

static struct relay *relay_new(struct gate_relays *t, const struct weir_event *ev)
{
	struct relay *r = t->free;

	if (r == NULL)
		return NULL;
	t->free = r->next;
	t->stats.in_use++;
	r->half = ev->half;
	r->dest = ev->tuple.local;
	r->phase = RELAY_CONNECTING;
	r->next = &t->connecting;
	r->prev = t->connecting.prev;
	r->prev->next = r;
	t->connecting.prev = r;
	t->connecting_count++;
	return r;
}

static void leave_connecting(struct relay *r)
{
	if (r->phase != RELAY_CONNECTING)
		return;
	r->prev->next = r->next;
	r->next->prev = r->prev;
	r->table->connecting_count--;
}

static void leave_reset(struct relay *r)
{
	struct relay **at = &r->table->reset;

	if ((r->flags & RELAY_HOST_RESET) == 0)
		return;
	while (*at != r)
		at = &(*at)->reset_next;
	*at = r->reset_next;
}

static void leave_again(struct relay *r)
{
	struct gate_relays *t = r->table;
	struct relay **at = &t->again;

	if ((r->flags & RELAY_AGAIN) == 0)
		return;
	while (*at != r)
		at = &(*at)->again_next;
	*at = r->again_next;
	if (t->again_end == &r->again_next)
		t->again_end = at;
}

void relay_close_fd(struct relay *r)
{
	if (r->watch != NULL)
		weir_watch_remove(r->watch);
	if (r->fd >= 0)
		close(r->fd);
	r->watch = NULL;
	r->fd = -1;
}

void relay_close_fd_hard(struct relay *r)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	/* On a descriptor pair this has no effect; the origin sees the end of it either way. */
	if (r->fd >= 0)
		(void)setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	relay_close_fd(r);
}

void relay_free(struct relay *r)
{
	struct gate_relays *t = r->table;

	relay_close_fd(r);
	leave_connecting(r);
	leave_reset(r);
	leave_again(r);
	if (r->link != NULL)
		gate_origin_link_put(r->link);
	*r = (struct relay){.table = t, .fd = -1, .generation = r->generation + 1, .next = t->free};
	t->free = r;
	t->stats.in_use--;
}

void relay_go_on(struct relay *r)
{
	struct gate_relays *t = r->table;
	uint64_t one = 1;

	if ((r->flags & RELAY_AGAIN) != 0)
		return;
	if (t->again == NULL && write(t->again_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return; /* cannot be: the counter is 0 */
	r->flags |= RELAY_AGAIN;
	r->again_next = NULL;
	*t->again_end = r;
	t->again_end = &r->again_next;
}

void relay_host_reset(struct relay *r)
{
	if ((r->flags & RELAY_HOST_RESET) != 0)
		return;
	r->flags |= RELAY_HOST_RESET | RELAY_HOST_READABLE | RELAY_HOST_HUP;
	r->flags &= ~RELAY_HOST_WRITABLE;
	r->reset_at = weir_loop_now(r->table->loop);
	r->reset_next = r->table->reset;
	r->table->reset = r;
}

/* --- Opening ------------------------------------------------------------------------------- */

static enum weir_refusal refusal_of(int err)
{
	switch (err) {
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EINVAL:
		return WEIR_REFUSE_UNREACH_HOST;
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
		return WEIR_REFUSE_UNREACH_NET;
	case EACCES:
	case EPERM:
		return WEIR_REFUSE_UNREACH_ADMIN;
	case ETIMEDOUT:
		return WEIR_REFUSE_DROP;
	default: /* ECONNREFUSED, ECONNRESET, and our own want of descriptors or memory */
		return WEIR_REFUSE_RST;
	}
}

static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}

static void refuse(struct gate_relays *t, weir_half half, enum weir_refusal how)
{
	(void)weir_half_refuse(t->stack, half, how, weir_loop_now(t->loop));
}

static void fail_connecting(struct relay *r, int err)
{
	struct gate_relays *t = r->table;

	t->stats.failed++;
	if (is_shortage(err)) {
		t->stats.out_of_fds++;
		tell(t, GATE_NOTICE_DESCRIPTORS);
	}
	refuse(t, r->half, refusal_of(err));
	relay_free(r);
}

/* Makes room if too many attempts wait, or too many for the destination of `r`. */
static void bound_connecting(struct relay *r)
{
	struct gate_relays *t = r->table;
	struct relay *at, *oldest = NULL;
	unsigned same = 0;

	if (t->connecting_count <= CONNECTING_DEST_MAX)
		return;
	for (at = t->connecting.next; at != &t->connecting; at = at->next) {
		if (at->dest.port != r->dest.port ||
		    memcmp(&at->dest.addr, &r->dest.addr, sizeof(r->dest.addr)) != 0)
			continue;
		oldest = oldest == NULL ? at : oldest;
		same++;
	}
	if (same <= CONNECTING_DEST_MAX)
		oldest = t->connecting_count > CONNECTING_MAX ? t->connecting.next : NULL;
	if (oldest == NULL)
		return;
	t->stats.given_up++;
	refuse(t, oldest->half, WEIR_REFUSE_DROP);
	relay_free(oldest);
}

static void accept_connected(struct relay *r)
{
	struct gate_relays *t = r->table;

	leave_connecting(r);
	r->phase = RELAY_ACCEPTING;
	if (weir_half_accept(t->stack, r->half, relay_user(r), weir_loop_now(t->loop)) != WEIR_OK)
		relay_free(r);
}

/* The outcome of connect(), when the descriptor has become writable or failed. */
static void finish_connecting(struct relay *r)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err != 0)
		fail_connecting(r, err);
	else
		accept_connected(r);
}

static void on_descriptor(void *user, uint32_t events)
{
	struct relay *r = user;

	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		r->flags |= RELAY_HOST_READABLE;
	if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
		r->flags |= RELAY_HOST_WRITABLE;
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		r->flags |= RELAY_HOST_HUP;
	/* After its end of stream there is nothing to read that would tell. */
	if ((events & EPOLLERR) != 0 && (r->flags & RELAY_HOST_ENDED) != 0)
		relay_host_reset(r);
	if (r->phase == RELAY_CONNECTING && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
		finish_connecting(r);
	else if (r->phase == RELAY_OPEN)
		relay_pump(r);
}

/* A descriptor on its way to `dest`; -1 with errno. */
static int open_outside(const struct weir_endpoint *dest)
{
	struct sockaddr_storage to;
	socklen_t len = gate_sockaddr_set(&to, dest);
	int on = 1;
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void start_outside(struct relay *r, const struct weir_event *ev, enum gate_dest class)
{
	struct gate_relays *t = r->table;
	struct sockaddr_storage client;
	socklen_t len;

	if (class == GATE_DEST_ORIGIN) {
		len = gate_sockaddr_set(&client, &ev->tuple.remote);
		r->fd = gate_origin_connect(t->origin, (struct sockaddr *)&client, len, &r->link);
	} else {
		r->fd = open_outside(&r->dest);
	}
	if (r->fd < 0) {
		fail_connecting(r, errno);
		return;
	}
	r->watch = weir_loop_watch(t->loop, r->fd, WATCHED, on_descriptor, r);
	if (r->watch == NULL)
		fail_connecting(r, errno);
	else if (class == GATE_DEST_ORIGIN)
		accept_connected(r);
	else
		(void)weir_half_user_set(t->stack, r->half, relay_user(r));
}

static void on_syn(struct gate_relays *t, const struct weir_event *ev)
{
	enum gate_dest class = gate_dest_of(t->net, &ev->tuple.local);
	struct relay *r;

	if (class == GATE_DEST_INSIDE || class == GATE_DEST_NEVER) {
		t->stats.refused++;
		refuse(t, ev->half, WEIR_REFUSE_RST);
		return;
	}
	r = relay_new(t, ev);
	if (r == NULL) {
		t->stats.out_of_table++;
		tell(t, GATE_NOTICE_FULL);
		refuse(t, ev->half, WEIR_REFUSE_RST);
		return;
	}
	bound_connecting(r);
	start_outside(r, ev, class);
}

/* --- Events -------------------------------------------------------------------------------- */

static void on_accepted(struct gate_relays *t, struct relay *r, weir_conn conn)
{
	t->stats.opened++;
	r->phase = RELAY_OPEN;
	r->conn = conn;
	(void)weir_conn_set(t->stack, conn, WEIR_OPT_NODELAY, 1);
	relay_pump(r);
}

void gate_relays_event(struct gate_relays *t, const struct weir_event *ev)
{
	struct relay *r = ev->kind == WEIR_EV_SYN ? NULL : relay_find(t, ev->user);

	switch (ev->kind) {
	case WEIR_EV_SYN:
		on_syn(t, ev);
		return;
	case WEIR_EV_ACCEPTED:
		if (r != NULL)
			on_accepted(t, r, ev->conn);
		else
			(void)weir_abort(t->stack, ev->conn, weir_loop_now(t->loop));
		return;
	case WEIR_EV_HALF_GONE:
		if (r != NULL)
			relay_free(r);
		return;
	case WEIR_EV_READABLE:
	case WEIR_EV_WRITABLE:
		if (r != NULL && r->phase == RELAY_OPEN)
			relay_pump(r);
		return;
	case WEIR_EV_CLOSED:
		if (r == NULL)
			return;
		if (ev->reason != WEIR_OK)
			relay_close_fd_hard(r);
		relay_free(r);
		return;
	case WEIR_EV_CONNECTED:
	case WEIR_EV_URGENT:
	case WEIR_EV_SOFT_ERROR:
	case WEIR_EV_COUNT:
		return;
	}
}

void gate_relays_round(struct gate_relays *t)
{
	struct relay *r, *next;

	for (r = t->reset; r != NULL; r = next) {
		next = r->reset_next;
		relay_pump(r);
	}
}

/* The turn of those whose last one ended early; who is not done again comes after all others. */
static void on_again(void *user, uint32_t events)
{
	struct gate_relays *t = user;
	struct relay *r = t->again;
	struct relay *next;
	uint64_t count;

	(void)events;
	if (read(t->again_fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return;
	t->again = NULL;
	t->again_end = &t->again;
	for (; r != NULL; r = next) {
		next = r->again_next;
		r->flags &= ~RELAY_AGAIN;
		relay_pump(r);
	}
}

/* Whether bytes or the end of stream of the program have not been handed on. */
static bool is_unsent(const struct relay *r)
{
	struct weir_info info;

	if (r->phase == RELAY_ACCEPTING)
		return true;
	if (r->phase != RELAY_OPEN || r->fd < 0 || (r->flags & RELAY_PROG_ENDED) != 0)
		return false;
	if (weir_conn_info(r->table->stack, r->conn, &info) != WEIR_OK)
		return false;
	return info.rcvq_bytes > 0 || info.state > WEIR_STATE_FIN_WAIT_2;
}

enum gate_relays_rest gate_relays_rest(struct gate_relays *t)
{
	enum gate_relays_rest rest = GATE_REST_NONE;
	uint32_t i;

	for (i = 0; i < GATE_RELAYS_MAX; i++) {
		if (is_unsent(&t->relays[i]))
			return GATE_REST_UNSENT;
		if (t->relays[i].phase == RELAY_OPEN)
			rest = GATE_REST_IDLE;
	}
	return rest;
}

const struct gate_relays_stats *gate_relays_stats(const struct gate_relays *t)
{
	return &t->stats;
}

/* --- The table ----------------------------------------------------------------------------- */

int gate_relays_open(struct gate_relays **out, const struct gate_relays_args *args)
{
	struct gate_relays *t = calloc(1, sizeof(*t));
	uint32_t i;

	if (t == NULL)
		return -1;
	t->loop = args->loop;
	t->stack = weir_loop_stack(args->loop);
	t->net = args->net;
	t->origin = args->origin;
	t->notice = args->notice;
	t->user = args->user;
	t->again_end = &t->again;
	t->connecting.next = t->connecting.prev = &t->connecting;
	for (i = GATE_RELAYS_MAX; i-- > 0;) {
		t->relays[i] =
			(struct relay){.table = t, .fd = -1, .generation = 1, .next = t->free};
		t->free = &t->relays[i];
	}
	t->again_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->again_fd >= 0)
		t->again_watch = weir_loop_watch(t->loop, t->again_fd, EPOLLIN, on_again, t);
	if (t->again_watch != NULL) {
		*out = t;
		return 0;
	}
	if (t->again_fd >= 0)
		close(t->again_fd);
	free(t);
	return -1;
}

void gate_relays_close(struct gate_relays *t)
{
	uint32_t i;

	if (t == NULL)
		return;
	for (i = 0; i < GATE_RELAYS_MAX; i++) {
		if (t->relays[i].phase != RELAY_FREE)
			relay_free(&t->relays[i]);
	}
	weir_watch_remove(t->again_watch);
	close(t->again_fd);
	free(t);
}
