/*
 * relay.c: the life of relays: their table, the engine's events, their end.
 *
 * Theory of operation
 *
 * The engine's one listener is a catch-all that holds every SYN. A SYN makes a relay, which
 * connects outside before anything is answered inside, so that a connection to a dead, closed or
 * unreachable destination fails inside exactly as it fails outside:
 *
 *   SYN              relay_open.c: the destination's class decides; then a non-blocking connect()
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
 */
#include "relay_impl.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "weir/info.h"

uint64_t relay_user(const struct relay *r)
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

void relay_tell(struct gate_relays *t, enum gate_notice what)
{
	uint32_t bit = 1u << what;

	if ((t->told & bit) == 0)
		t->notice(t->user, what);
	t->told |= bit;
}

/* --- Records ------------------------------------------------------------------------------- */

struct relay *relay_new(struct gate_relays *t, const struct weir_event *ev)
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

void relay_leave_connecting(struct relay *r)
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
	relay_leave_connecting(r);
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
		relay_open(t, ev);
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
		struct relay *r = &t->relays[i];

		/* The program has not ended its stream: the host shall not take it for whole. */
		if (r->phase == RELAY_OPEN && (r->flags & RELAY_PROG_ENDED) == 0)
			relay_close_fd_hard(r);
		if (r->phase != RELAY_FREE)
			relay_free(r);
	}
	weir_watch_remove(t->again_watch);
	close(t->again_fd);
	free(t);
}
