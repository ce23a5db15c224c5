/*
 * relay_pump.c: moves a relay's bytes, and its ends of stream and resets.
 *
 * Theory of operation
 *
 * Descriptors are watched edge-triggered for everything from the start, so no call changes what is
 * watched; two flags remember what the last edge said. A direction moves bytes until one side has
 * nothing or takes nothing:
 *
 *   program -> host   weir_recv_peek, sendmsg from the engine's pages, weir_recv_consume
 *                     EOF: shutdown(SHUT_WR)
 *   host -> program   weir_send_reserve, readv into the engine's pages, weir_send_commit
 *                     0: weir_shutdown
 *
 * Whoever said "no more" calls back: the engine with READABLE or WRITABLE, the kernel with an edge.
 * A call that moved less than it was offered has found the end (epoll(7), question 9), which saves
 * one that would say EAGAIN; after a hang-up there is no further edge, so reading goes on to the
 * end.
 *
 * A turn is bounded (TURN_BYTES each way), so that one fast connection cannot starve the others; a
 * relay whose turn ended early goes on in the next round, after everybody else.
 *
 * A reset from the host reaches the program after what the host sent before it, as it would without
 * weir, where these bytes would be in the program's kernel already. The descriptor is read to its
 * end, and the connection is aborted when the program's side has acknowledged everything, or after
 * RESET_WAIT_NS if it does not read.
 */
#include "relay_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "weir/info.h"

/* Bytes of one call; 64 pages. */
#define CALL_BYTES (256u * 1024u)
#define CALL_SPANS 65
/* Bytes of one direction in one turn. */
#define TURN_BYTES (1024u * 1024u)
/* A server that answers an upload early and resets (RFC 9112 9.6) has its answer delivered in a
 * round trip; a program that has not read it by then is not reading. */
#define RESET_WAIT_NS 1000000000u

enum pump_result {
	PUMP_WAITS, /* one side has nothing or takes nothing */
	PUMP_TURN,  /* the turn is over */
	PUMP_GONE,  /* the relay is free */
};

/* An error of the descriptor that only means "later". */
static bool is_later(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

static size_t iov_from_spans(struct iovec *iov, const struct weir_span *spans, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		/* sendmsg only reads; struct iovec has no const. */
		iov[i].iov_base = (void *)(uintptr_t)spans[i].bytes;
		iov[i].iov_len = spans[i].len;
	}
	return count;
}

/* The program has ended its stream and all of it was handed on. */
static void end_program_side(struct relay *r)
{
	r->flags |= RELAY_PROG_ENDED;
	if (r->fd >= 0)
		(void)shutdown(r->fd, SHUT_WR); /* fails only if the other end is gone */
	if ((r->flags & RELAY_HOST_ENDED) != 0)
		relay_close_fd(r);
}

static enum pump_result pump_to_host(struct relay *r)
{
	struct weir_stack *s = r->table->stack;
	struct weir_span spans[CALL_SPANS];
	struct iovec iov[CALL_SPANS];
	struct msghdr msg = {.msg_iov = iov};
	size_t count, bytes, moved = 0;
	enum weir_err err;
	ssize_t n;

	while ((r->flags & RELAY_HOST_WRITABLE) != 0 && moved < TURN_BYTES) {
		err = weir_recv_peek(s, r->conn, spans, CALL_SPANS, &count, &bytes);
		if (err == WEIR_EOF)
			end_program_side(r);
		if (err != WEIR_OK)
			break;
		msg.msg_iovlen = iov_from_spans(iov, spans, count);
		n = sendmsg(r->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !is_later(errno)) {
			relay_host_reset(r);
			return PUMP_WAITS;
		}
		if (n < (ssize_t)bytes)
			r->flags &= ~RELAY_HOST_WRITABLE;
		if (n > 0)
			(void)weir_recv_consume(s, r->conn, (size_t)n,
						weir_loop_now(r->table->loop));
		moved += n > 0 ? (size_t)n : 0;
	}
	r->table->stats.progress += moved;
	return moved < TURN_BYTES ? PUMP_WAITS : PUMP_TURN;
}

/* The descriptor was read to its end. */
static void end_host_side(struct relay *r)
{
	r->flags &= ~RELAY_HOST_READABLE;
	if (r->link != NULL && gate_origin_link_was_reset(r->link))
		relay_host_reset(r);
	r->flags |= RELAY_HOST_ENDED;
	if ((r->flags & RELAY_HOST_RESET) != 0) {
		relay_close_fd(r);
		return;
	}
	(void)weir_shutdown(r->table->stack, r->conn, weir_loop_now(r->table->loop));
	if ((r->flags & RELAY_PROG_ENDED) != 0)
		relay_close_fd(r);
}

/* The result of one readv() of up to `room` bytes. */
static void take_read(struct relay *r, ssize_t n, size_t room)
{
	int error = errno;

	/* Also when nothing was read: an idle connection shall not keep what was reserved. */
	(void)weir_send_commit(r->table->stack, r->conn, n > 0 ? (size_t)n : 0, 0,
			       weir_loop_now(r->table->loop));
	if (n > 0) {
		if ((size_t)n < room && (r->flags & RELAY_HOST_HUP) == 0)
			r->flags &= ~RELAY_HOST_READABLE;
	} else if (n == 0) {
		end_host_side(r);
	} else if (!is_later(error)) {
		relay_host_reset(r);
		end_host_side(r);
	} else if (error != EINTR) {
		r->flags &= ~RELAY_HOST_READABLE;
	}
}

static enum pump_result pump_to_program(struct relay *r)
{
	struct weir_mspan spans[CALL_SPANS];
	struct iovec iov[CALL_SPANS];
	size_t count, i, room, moved = 0;
	ssize_t n;

	while ((r->flags & RELAY_HOST_READABLE) != 0 && moved < TURN_BYTES) {
		if (weir_send_reserve(r->table->stack, r->conn, CALL_BYTES, spans, CALL_SPANS,
				      &count) != WEIR_OK)
			return PUMP_WAITS;
		for (i = 0, room = 0; i < count; i++) {
			iov[i] = (struct iovec){spans[i].bytes, spans[i].len};
			room += spans[i].len;
		}
		n = readv(r->fd, iov, (int)count);
		take_read(r, n, room);
		moved += n > 0 ? (size_t)n : 0;
	}
	return moved < TURN_BYTES ? PUMP_WAITS : PUMP_TURN;
}

/* A reset is handed on when everything before it was. */
static enum pump_result finish_reset(struct relay *r)
{
	struct weir_stack *s = r->table->stack;
	weir_time now = weir_loop_now(r->table->loop);
	struct weir_info info;

	if ((r->flags & RELAY_HOST_RESET) == 0)
		return PUMP_WAITS;
	if (now - r->reset_at < RESET_WAIT_NS) {
		if ((r->flags & RELAY_HOST_ENDED) == 0)
			return PUMP_WAITS;
		if (weir_conn_info(s, r->conn, &info) == WEIR_OK && info.sndq_bytes > 0)
			return PUMP_WAITS;
	}
	(void)weir_abort(s, r->conn, now);
	relay_free(r);
	return PUMP_GONE;
}

void relay_pump(struct relay *r)
{
	enum pump_result to_host = PUMP_WAITS, to_program = PUMP_WAITS;

	if (r->fd >= 0 && (r->flags & RELAY_PROG_ENDED) == 0)
		to_host = pump_to_host(r);
	if (r->fd >= 0 && (r->flags & RELAY_HOST_ENDED) == 0)
		to_program = pump_to_program(r);
	if (finish_reset(r) == PUMP_GONE)
		return;
	if (to_host == PUMP_TURN || to_program == PUMP_TURN)
		relay_go_on(r);
}
