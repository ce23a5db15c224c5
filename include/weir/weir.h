/*
 * weir.h: the engine, a TCP (RFC 9293) over IPv4 and IPv6 that does no I/O.
 *
 * The whole use in one sentence: input every frame you have; output until it returns nothing; read
 * events until there are none; sleep until the deadline or the next frame. Time comes in as an
 * argument and never goes back. The same bytes and times in give the same bytes out.
 *
 * One stack is used by one thread at a time. Nothing is allocated after weir_stack_init(); every
 * limit is a row of def/config.def. Handles carry a generation: a handle that has ended is
 * answered with WEIR_NO_CONN, never with another connection.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds on a monotonic clock of the caller's choice. */
typedef uint64_t weir_time;
#define WEIR_NEVER UINT64_MAX

/* Bytes of one buffer page. */
#define WEIR_PAGE_BYTES 4096u
/* Most header bytes of a packet: 40 of IPv6 and 60 of TCP, or an ICMP error with its quote. */
#define WEIR_HEAD_MAX 192u
/* Most payload spans of a packet: 64 KB in pages of 4 KB that need not start at a page's start. */
#define WEIR_SPANS_MAX 18u

enum weir_err {
#define X(name, text) WEIR_##name,
#include "weir/def/err.def"
#undef X
	WEIR_ERR_COUNT
};

enum weir_state {
#define X(name, text) WEIR_STATE_##name,
#include "weir/def/states.def"
#undef X
	WEIR_STATE_COUNT
};

enum weir_counter {
#define X(name, id, text, clause) WEIR_CTR_##name,
#include "weir/def/counters.def"
#undef X
	WEIR_CTR_COUNT
};

enum weir_event_kind {
#define X(name, id, text) WEIR_EV_##name,
#include "weir/def/events.def"
#undef X
	WEIR_EV_COUNT
};

enum weir_connopt {
#define X(name, id, min, max, text) WEIR_OPT_##name,
#include "weir/def/connopt.def"
#undef X
	WEIR_OPT_COUNT
};

enum weir_cc {
#define X(name, id, text) WEIR_CC_##name,
#include "weir/def/cc.def"
#undef X
	WEIR_CC_COUNT
};

/* The texts of the tables; every value of the enum has one. */
const char *weir_err_text(enum weir_err e);
const char *weir_state_name(enum weir_state s);
const char *weir_counter_name(enum weir_counter c);   /* "tcp-checksum" */
const char *weir_counter_text(enum weir_counter c);   /* "TCP checksum is wrong" */
const char *weir_counter_clause(enum weir_counter c); /* "RFC 9293 MUST-3" */
const char *weir_event_name(enum weir_event_kind k);
const char *weir_connopt_name(enum weir_connopt o);
const char *weir_cc_name(enum weir_cc c); /* "cubic" */

/* An address: family 4 (bytes 0..3) or 6 (bytes 0..15), network order; family 0: unspecified. */
struct weir_addr {
	uint8_t family;
	uint8_t bytes[16];
};

struct weir_endpoint {
	struct weir_addr addr;
	uint16_t port; /* host order; 0: unspecified */
};

struct weir_tuple {
	struct weir_endpoint local, remote;
};

/* Handles. A value of 0 is no handle. */
typedef struct {
	uint64_t v;
} weir_conn;
typedef struct {
	uint64_t v;
} weir_half;
typedef struct {
	uint64_t v;
} weir_listener;

struct weir_span {
	const uint8_t *bytes;
	size_t len;
};
struct weir_mspan {
	uint8_t *bytes;
	size_t len;
};

/* weir_frame.flags */
#define WEIR_FRAME_CSUM_OK 1u /* the device vouches for the TCP checksum */

/* A frame that came in: one IP packet without link header. */
struct weir_frame {
	const uint8_t *bytes;
	size_t len;        /* bytes; up to 65,535 */
	uint32_t flags;    /* WEIR_FRAME_* */
	uint16_t gso_size; /* payload bytes of each segment merged into this one; 0: not merged */
};

/* weir_packet.flags */
/* The TCP checksum field holds the folded pseudo-header sum; the link sums from csum_start on and
 * stores the result. */
#define WEIR_PACKET_CSUM_PARTIAL 1u

/* A packet to send: headers here, payload as spans into the engine's pages. It is valid until the
 * next call on the stack that is not weir_output(). */
struct weir_packet {
	uint8_t head[WEIR_HEAD_MAX];
	uint16_t head_len;
	uint16_t span_count;
	struct weir_span span[WEIR_SPANS_MAX];
	uint32_t total_len;   /* head_len and all spans */
	uint32_t flags;       /* WEIR_PACKET_* */
	uint16_t gso_size;    /* nonzero: the link cuts the payload into segments of this size */
	uint16_t l4_start;    /* where the TCP (or ICMP) header begins in head: csum_start */
	uint16_t csum_offset; /* of the checksum field from l4_start */
};

struct weir_event {
	enum weir_event_kind kind;
	weir_conn conn;          /* not for SYN and HALF_GONE */
	weir_half half;          /* for SYN and HALF_GONE */
	weir_listener listener;  /* for SYN and ACCEPTED */
	struct weir_tuple tuple; /* of the connection or half-open record */
	uint64_t user;           /* as given to connect, half_accept or weir_conn_user_set */
	/* For CLOSED, HALF_GONE and SOFT_ERROR; CLOSED with WEIR_OK: orderly. */
	enum weir_err reason;
};

struct weir_stack;

/* --- The stack ------------------------------------------------------------------------------ */

/* Bytes that a stack with this configuration needs; 0 if the configuration is not valid. */
size_t weir_stack_bytes(const struct weir_config *cfg);

/* Makes a stack in `mem` (aligned to 64 bytes, at least weir_stack_bytes(cfg) long), which then
 * belongs to it; there is no end call. WEIR_OK, WEIR_BAD_CONFIG, WEIR_NO_MEMORY. */
enum weir_err weir_stack_init(struct weir_stack **out, void *mem, size_t len,
			      const struct weir_config *cfg, weir_time now);

/* Adds an address of ours with its prefix length in bits (for the broadcast address).
 * WEIR_OK, WEIR_BAD_ARG (also: IPv6 over a link of less than 1,280 bytes), WEIR_NO_RESOURCES (16
 * addresses), WEIR_EXISTS. */
enum weir_err weir_addr_add(struct weir_stack *s, const struct weir_addr *addr, unsigned prefix);

/* Takes one frame in; never fails: what is wrong with it becomes a counted verdict, which is also
 * returned. The bytes are not used after the call. */
enum weir_counter weir_input(struct weir_stack *s, const struct weir_frame *f, weir_time now);

/* Runs the timers that are due and gives the next packet to send. false: nothing to send now. */
bool weir_output(struct weir_stack *s, struct weir_packet *p, weir_time now);

/* When weir_output() should be called again without new input: <= now if there is work,
 * WEIR_NEVER if there is none. */
weir_time weir_deadline(const struct weir_stack *s, weir_time now);

/* Gives the next event. false: none. Reading CLOSED ends the handle. Edge-triggered: READABLE
 * comes once for new bytes, WRITABLE once after a send that did not take everything. */
bool weir_event_next(struct weir_stack *s, struct weir_event *ev);

uint64_t weir_counter_get(const struct weir_stack *s, enum weir_counter c);
const struct weir_config *weir_stack_config(const struct weir_stack *s);

/* Changes the keys of SYN cookies: `now` (16 bytes) makes and accepts them, `before` only accepts;
 * NULL: none. To rotate without dropping handshakes in progress, give the old key as `before`; to
 * rotate several stacks that share it, first give all of them (old, new), then (new, old). */
void weir_cookie_keys_set(struct weir_stack *s, const uint8_t now[16], const uint8_t before[16]);

/* --- Listening (RFC 9293 3.10.1) -------------------------------------------------------------- */

enum weir_accept_mode {
	WEIR_ACCEPT_EARLY, /* SYN-ACK at once; ACCEPTED after the third segment */
	WEIR_ACCEPT_HELD,  /* a SYN event; nothing is answered before the application decides */
};

struct weir_listen_args {
	struct weir_endpoint local; /* family 0: any address, even one that is not ours;
				     * port 0: any port (a catch-all) */
	enum weir_accept_mode mode;
	uint32_t backlog; /* most half-open records, and most connections whose ACCEPTED was not
			   * read, each by itself (as in Linux); 0: halfs_max */
	uint64_t user;
};

/* The most specific listener wins: address and port, port, address, catch-all.
 * WEIR_OK, WEIR_EXISTS (the same local endpoint; MUST-41), WEIR_NO_LOCAL, WEIR_NO_RESOURCES. */
enum weir_err weir_listen(struct weir_stack *s, const struct weir_listen_args *args,
			  weir_listener *out);

/* Ends a listener and its half-open records; its connections stay. WEIR_OK, WEIR_NO_CONN. */
enum weir_err weir_listener_close(struct weir_stack *s, weir_listener l);

enum weir_refusal {
	WEIR_REFUSE_RST,           /* connection refused */
	WEIR_REFUSE_UNREACH_HOST,  /* ICMP 3/1; ICMPv6 1/3 */
	WEIR_REFUSE_UNREACH_NET,   /* ICMP 3/0; ICMPv6 1/0 */
	WEIR_REFUSE_UNREACH_ADMIN, /* ICMP 3/13; ICMPv6 1/1 */
	WEIR_REFUSE_DROP,          /* no answer at all */
};

/* Decides on a held SYN. After accept the SYN-ACK goes out, and ACCEPTED (or HALF_GONE) comes with
 * `user`. WEIR_OK, WEIR_NO_CONN (the record is gone or was decided). */
enum weir_err weir_half_accept(struct weir_stack *s, weir_half h, uint64_t user, weir_time now);
enum weir_err weir_half_refuse(struct weir_stack *s, weir_half h, enum weir_refusal how,
			       weir_time now);
/* Sets the user value of a held record, so that HALF_GONE tells it if the peer gives up before
 * the decision. WEIR_OK, WEIR_NO_CONN. */
enum weir_err weir_half_user_set(struct weir_stack *s, weir_half h, uint64_t user);

/* --- Connections (RFC 9293 3.10) -------------------------------------------------------------- */
/*
 * A handle stays valid until its CLOSED event was read or it was aborted. Between a connection's
 * end and that event weir_send, weir_shutdown and weir_close answer with the reason of the end
 * (WEIR_RESET, WEIR_REFUSED, WEIR_TIMEOUT, WEIR_UNREACHABLE, WEIR_ABORTED), or WEIR_NO_CONN when it
 * was orderly. After weir_close nothing can be read any more, and READABLE does not come. CLOSED
 * may come before the end of the stream was peeked.
 */

struct weir_connect_args {
	struct weir_endpoint remote; /* must be complete */
	struct weir_endpoint local;  /* family 0: chosen; port 0: chosen (RFC 6056) */
	uint64_t user;
};

/* Active open. CONNECTED or CLOSED follows. WEIR_OK, WEIR_NO_REMOTE, WEIR_BAD_REMOTE (MUST-46),
 * WEIR_NO_LOCAL, WEIR_EXISTS, WEIR_NO_PORT, WEIR_NO_RESOURCES. */
enum weir_err weir_connect(struct weir_stack *s, const struct weir_connect_args *args,
			   weir_time now, weir_conn *out);

/* weir_send flags */
#define WEIR_SEND_URGENT 1u /* the last byte of this call ends the urgent data (MUST-30) */
#define WEIR_SEND_MORE   2u /* more follows at once: no PSH, and less than a segment may wait */

/* Queues up to `len` bytes; *taken tells how many. WEIR_OK (*taken > 0, or len == 0), WEIR_AGAIN
 * (no room; WRITABLE will come), WEIR_CLOSING, WEIR_NO_CONN. Allowed from SYN-SENT on. */
enum weir_err weir_send(struct weir_stack *s, weir_conn c, const void *bytes, size_t len,
			uint32_t flags, size_t *taken, weir_time now);

/* The same without a copy: reserve gives up to `max` writable spans for up to `want` bytes
 * (*count spans; WEIR_AGAIN if there is no room), commit queues the first `len` bytes of them.
 * No other call on the stack may come between the two. A commit of 0 bytes gives the reservation
 * back; without it the pages stay with the connection until it sends or ends. Errors as weir_send;
 * commit of more than was reserved: WEIR_BAD_ARG. */
enum weir_err weir_send_reserve(struct weir_stack *s, weir_conn c, size_t want,
				struct weir_mspan *spans, size_t max, size_t *count);
enum weir_err weir_send_commit(struct weir_stack *s, weir_conn c, size_t len, uint32_t flags,
			       weir_time now);

/* Room in the send buffer: what a weir_send takes at most (less when pages are short); 0 if there
 * is none, or no such connection. */
size_t weir_send_room(const struct weir_stack *s, weir_conn c);

/* Shows what can be read in order, as up to `max` spans, without taking it. *bytes is their sum.
 * WEIR_OK (*bytes > 0), WEIR_AGAIN, WEIR_EOF, WEIR_NO_CONN, or the reason of the connection's end.
 * The spans live until the next call on the stack that is not weir_recv_peek. */
enum weir_err weir_recv_peek(struct weir_stack *s, weir_conn c, struct weir_span *spans, size_t max,
			     size_t *count, size_t *bytes);
/* Takes `len` bytes (no more than peek showed) and opens the window (MUST-39 decides when).
 * WEIR_OK, WEIR_BAD_ARG, WEIR_NO_CONN. */
enum weir_err weir_recv_consume(struct weir_stack *s, weir_conn c, size_t len, weir_time now);

/* Ends our sending after what is queued (half-close); reading goes on. WEIR_OK, WEIR_CLOSING (it
 * was ended before), WEIR_NO_CONN. */
enum weir_err weir_shutdown(struct weir_stack *s, weir_conn c, weir_time now);
/* Ends both directions: FIN after what is queued, or RST if unread bytes wait (SHLD-3). The user
 * reads no more; CLOSED still comes. WEIR_OK, WEIR_CLOSING, WEIR_NO_CONN. */
enum weir_err weir_close(struct weir_stack *s, weir_conn c, weir_time now);
/* RST; queues are flushed and the handle ends at once, without an event. WEIR_OK, WEIR_NO_CONN. */
enum weir_err weir_abort(struct weir_stack *s, weir_conn c, weir_time now);

/* Sets one row of def/connopt.def. WEIR_OK, WEIR_BAD_ARG, WEIR_NO_CONN. */
enum weir_err weir_conn_set(struct weir_stack *s, weir_conn c, enum weir_connopt opt,
			    uint64_t value);
enum weir_err weir_conn_user_set(struct weir_stack *s, weir_conn c, uint64_t user);

/* Bytes from the next byte to read up to the urgent pointer; 0: none is pending (MUST-33). */
size_t weir_recv_urgent(const struct weir_stack *s, weir_conn c);

#ifdef __cplusplus
}
#endif

#endif
