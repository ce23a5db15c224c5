/*
 * stack.h: the one struct of a stack and the records it owns. Private to core/stack.
 *
 * A tuple belongs to exactly one owner: a connection, a half-open record or a TIME-WAIT record. An
 * owner is named by a ref: its kind and its slot in the kind's pool.
 */
#ifndef WEIR_STACK_STACK_H
#define WEIR_STACK_STACK_H

#include <string.h>

#include "base/be.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/wheel.h"
#include "net/netif.h"
#include "net/pmtu.h"
#include "net/reasm.h"
#include "stack/spent.h"
#include "stack/fifo.h"
#include "stack/limits.h"
#include "tcp/half.h"
#include "tcp/output.h"
#include "tcp/tcb.h"
#include "tcp/timewait.h"
#include "weir/front.h"
#include "weir/trace.h"

enum ref_kind { REF_CONN, REF_HALF, REF_TIMEWAIT };
#define REF_NONE      UINT32_MAX
#define REF_SLOT_BITS 29u

static inline uint32_t ref_make(enum ref_kind kind, uint32_t slot)
{
	return (uint32_t)kind << REF_SLOT_BITS | slot;
}

static inline enum ref_kind ref_kind(uint32_t ref)
{
	return (enum ref_kind)(ref >> REF_SLOT_BITS);
}

static inline uint32_t ref_slot(uint32_t ref)
{
	return ref & ((1u << REF_SLOT_BITS) - 1);
}

/* The pair of a record: two IPv4 addresses in place, or a slot of the pool of IPv6 pairs. */
struct pair_key {
	uint32_t a, b; /* v4: local, remote, as in memory; v6: a is the slot */
	uint16_t local_port, remote_port;
};

struct addr6_pair {
	uint8_t local[16], remote[16];
};

struct conn {
	uint32_t next; /* in its bucket (and the pool's link while free): must be first */
	uint32_t gen;  /* outlives the slot's use */
	struct tcb tcb;
	struct weir_tuple tuple;
	struct wheel_node timer;
	struct list ready;   /* in stack.ready while it may have something to send */
	struct list event;   /* in stack.events while events wait */
	struct list starved; /* in stack.starved while a send waits for a page */
	uint64_t user;
	uint32_t flow;
	uint32_t timewait;      /* slot of its TIME-WAIT record, POOL_NONE: none */
	uint32_t listener;      /* slot, while its ACCEPTED was not read; POOL_NONE otherwise */
	bool attached;          /* owns its tuple */
	bool orphan;            /* ... and is counted in stack.orphans: its user has closed */
	bool by_cookie;         /* made by a SYN cookie, whose ACK must not make another ... */
	uint32_t cookie_end_ms; /* ... before this, in low 32 bits of milliseconds */
};
_Static_assert(sizeof(struct conn) <= 856, "a connection without its buffers");

struct half_slot {
	uint32_t next; /* as in struct conn */
	struct pair_key key;
	struct half half;
	struct fifo_node queue;
	uint16_t gen;
	uint16_t listener;
	uint32_t flow;
	uint64_t user;
};

enum half_stage {
	HALF_STAGE_FRESH, /* held, its SYN event not yet read */
	HALF_STAGE_HELD,  /* held, the application thinks */
	HALF_STAGE_GONE,  /* ended, its HALF_GONE event not yet read */
	HALF_STAGE_SENT,  /* SYN-ACK sent; + retries */
};
#define HALF_RETRIES_MAX 10u
#define HALF_STAGES      (HALF_STAGE_SENT + HALF_RETRIES_MAX + 1u)

struct timewait_slot {
	uint32_t next;
	struct pair_key key;
	struct timewait tw;
	struct fifo_node queue;
	uint32_t flow;
	uint32_t conn; /* slot whose CLOSED was not read yet, POOL_NONE otherwise */
};

/* An IPv6 pair lies beside them: 96 bytes together. */
_Static_assert(sizeof(struct half_slot) <= 64, "a flood of SYNs costs little");
_Static_assert(sizeof(struct timewait_slot) <= 64, "and so do many closed connections");
_Static_assert(sizeof(struct addr6_pair) <= 32, "the same with IPv6");

/* The address family of a record's key: 4 or 6. */
static inline uint8_t half_family(const struct half_slot *h)
{
	return h->half.flags & HALF_V6 ? 6 : 4;
}

static inline uint8_t timewait_family(const struct timewait_slot *w)
{
	return w->tw.flags & TIMEWAIT_V6 ? 6 : 4;
}

struct listener {
	struct weir_endpoint local;
	enum weir_accept_mode mode;
	uint32_t backlog;
	uint32_t halfs;   /* records of it */
	uint32_t pending; /* connections whose ACCEPTED was not read */
	uint32_t gen;
	uint64_t user;
	bool used;
	bool cookie_mode;         /* SYNs are answered with cookies */
	bool cookie_sent;         /* one was sent ... */
	weir_time cookie_sent_at; /* ... last at this time */
};

#define REPLY_BYTES_MAX 128u /* of a packet that an ICMP error quotes, or of one to be sent */

enum reply_kind {
	REPLY_SEGMENT, /* `seg` without payload, to be written */
	REPLY_WRITTEN, /* a SYN-ACK, as a whole packet */
	REPLY_ICMP,    /* an ICMP error */
};

#define SYNACK_FORMS   32u /* of a family: one for each choice of options */
#define SYNACK_LEN_MAX 92u /* IPv6 with all of them */

/* A SYN-ACK with blanks: see synack.c. */
struct synack_form {
	uint8_t bytes[SYNACK_LEN_MAX];
	uint8_t len, l4_start;
	uint8_t ts_at;                         /* where TSval goes; 0: no timestamps */
	uint8_t flags;                         /* of the weir_packet */
	uint16_t ip4_sum, tcp_sum, pseudo_sum; /* of what is there, folded */
};

/* An answer that belongs to no connection and waits for output. */
struct reply {
	enum reply_kind kind;
	enum weir_counter why;
	enum weir_state state; /* for the trace */
	uint32_t flow;         /* for the trace */
	union {
		struct {
			struct weir_tuple tuple; /* local is who sends */
			struct tcp_seg seg;      /* SEGMENT */
			uint32_t iss, irs;       /* SEGMENT, for the trace */
			uint32_t icmp_rest;      /* ICMP */
			uint8_t icmp_type, icmp_code;
			uint8_t wscale;    /* SEGMENT, for the trace: of the window field */
			uint8_t quote_len; /* ICMP */
		};
		const struct synack_form *form; /* WRITTEN: what was filled in */
	};
	_Alignas(8) uint8_t bytes[REPLY_BYTES_MAX]; /* WRITTEN: the packet; ICMP: the quote */
};

#define FRONT_SLICES 9u /* eight make a record's life, and the present one */

/* SYNs to a listener that a front answered and nobody completed: front.c. */
struct front_load {
	uint64_t count[FRONT_SLICES]; /* in each slice of time, by its number modulo FRONT_SLICES */
	uint64_t slice;               /* number of the latest */
	uint64_t completed;           /* since the last report */
	uint64_t since_ms;            /* the listener is there since then */
};

/* A front that answers SYNs: front.c. */
struct front {
	struct weir_front_slot *slots; /* NULL: there is none */
	uint32_t slot_mask;
	const volatile uint64_t *answered_ms;
	uint32_t serial; /* of the rules */
	uint32_t on;     /* listeners whose SYNs it answers, as bits */
	struct front_load load[WEIR_FRONT_LISTENERS];
};

#define COOKIE_KEYS   2u
#define PORT_COUNTERS 1024u

struct weir_stack {
	struct weir_config cfg;
	struct tcp_env env;
	struct netif netif;
	struct reasm reasm;
	struct pmtu pmtu;
	struct pool conns, halfs, timewaits, addr6;
	uint32_t *buckets;
	uint32_t bucket_mask;
	struct limits limits;
	struct listener *listeners;
	uint32_t listeners_top; /* none above it was ever used */
	struct fifo half_queue[HALF_STAGES];
	struct fifo timewait_queue;
	struct fifo cookie_queue; /* of TIME-WAIT records that a cookie outlives: timewaits.c */
	struct wheel wheel;
	struct list ready, events, starved;
	struct {
		uint16_t wnd, mss4, mss6;
		uint8_t shift;
	} offer; /* what SYN-ACKs offer: see halfs.h */
	struct synack_form synack4[SYNACK_FORMS], synack6[SYNACK_FORMS];
	uint32_t orphans; /* attached connections whose user has closed */
	struct ring replies;
	uint8_t *echo; /* one ICMP echo answer that waits */
	size_t echo_len;
	struct weir_tuple echo_tuple;
	uint8_t cookie_key[COOKIE_KEYS][16]; /* the first makes cookies */
	unsigned cookie_keys;                /* in use */
	struct spent spent;                  /* cookies that were used */
	uint32_t cookie_tick;                /* of their slow clock ... */
	weir_time cookie_tick_end;           /* ... until then */
	struct front front;
	struct tokens icmp_tokens;
	weir_time now;         /* latest time seen: time never goes back */
	weir_time records_ran; /* when the queues of the records were last run */
	weir_time timers_ran;  /* when all timers were */
	uint32_t flow_last;
	uint32_t port_seq[PORT_COUNTERS]; /* move the search for a port on: ports.c */
};

/* Later of `now` and the time seen so far, which it becomes. */
static inline weir_time stack_clock(struct weir_stack *s, weir_time now)
{
	if (now > s->now)
		s->now = now;
	return s->now;
}

/* A timer was set, perhaps for this very time: see weir_output(). */
static inline void stack_armed(struct weir_stack *s)
{
	s->timers_ran = WEIR_NEVER;
}

/* A segment for a listener, in a tuple that nobody owns. */
struct newcomer {
	const struct weir_tuple *tuple;
	uint64_t hash; /* of the tuple: demux_hash() */
	const struct tcp_seg *seg;
};

static inline uint64_t *stack_counter(struct weir_stack *s, enum weir_counter c)
{
	return &s->env.counters[c];
}

/* Bytes that name a tuple for keyed hashes: local and remote address, ports. At most 36. */
static inline size_t stack_tuple_id(const struct weir_tuple *t, uint8_t out[36])
{
	size_t n = netif_addr_len(t->local.addr.family);

	if (n == 4) { /* by sizes that the compiler knows: each segment comes here */
		memcpy(out, t->local.addr.bytes, 4);
		memcpy(out + 4, t->remote.addr.bytes, 4);
	} else {
		memcpy(out, t->local.addr.bytes, 16);
		memcpy(out + 16, t->remote.addr.bytes, 16);
	}
	be16_put(out + 2 * n, t->local.port);
	be16_put(out + 2 * n + 2, t->remote.port);
	return 2 * n + 4;
}

static inline enum tcp_opt_order stack_opt_order(const struct weir_stack *s)
{
	return s->cfg.synopt_bsd ? TCP_OPT_ORDER_BSD : TCP_OPT_ORDER_LINUX;
}

/* Largest TCP payload of one packet of the family on our link, without options. */
uint16_t stack_mss_local(const struct weir_stack *s, uint8_t family);
/* The peer's MSS until it says otherwise (RFC9293-MUST-15). */
static inline uint16_t stack_mss_default(uint8_t family)
{
	return family == 4 ? 536 : 1220;
}

#endif
