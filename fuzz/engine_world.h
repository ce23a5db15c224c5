/*
 * engine_world.h: the world around a stack that fuzz_engine.c plays: peers on the other side of the
 * link (engine_peer.c, with engine_flow.c and engine_frame.c), the application on this side
 * (engine_app.c), and the judge of every packet that the stack gives out (engine_out.c).
 *
 * The bytes of both streams are a function of their place in the stream, so whoever sees some of
 * them knows what they must be: peers send fuzz_pattern(sequence number), the application sends
 * fuzz_pattern(offset in its stream).
 */
#ifndef WEIR_FUZZ_ENGINE_WORLD_H
#define WEIR_FUZZ_ENGINE_WORLD_H

#include <stdbool.h>

#include "fuzz.h"
#include "weir/info.h"
#include "weir/trace.h"
#include "weir/weir.h"
#include "wire/tcp_hdr.h"

#define FLOWS_MAX  8u
#define CONNS_MAX  16u
#define HALFS_MAX  8u
#define LISTEN_MAX 4u
#define PAST_MAX   8u
#define FRAME_MAX  65535u

enum version { V4, V6 };

/* Which of our side's addresses: our own, or one that only a catch-all listener answers for. */
enum ours { OURS, FOREIGN };

/* What the peer's frames have brought to the stack on one tuple, whatever the stack made of it: see
 * engine_model.c. */
#define MODEL_RANGES 48u
#define MODEL_MARKS  16u

struct model {
	bool blind; /* it does not know everything: nothing is judged */
	unsigned range_count, syn_count, fin_count;
	struct {
		uint32_t lo, hi;
	} range[MODEL_RANGES];     /* sequence numbers that came, SYN and FIN counted */
	uint32_t syn[MODEL_MARKS]; /* sequence numbers of SYNs */
	uint32_t fin[MODEL_MARKS]; /* sequence numbers of FINs */
};

/* One connection as its peer sees it. All numbers are absolute sequence numbers. */
struct flow {
	bool used;
	enum version version;
	enum ours ours;
	uint8_t peer; /* number of the peer's address */
	uint16_t port, peer_port;
	uint32_t nxt;      /* the peer's next new byte */
	uint32_t una;      /* what the peer has acknowledged */
	uint32_t edge_max; /* the farthest right edge the peer has ever announced */
	uint8_t shift;     /* of the windows the peer announces */
	bool offered_ts;   /* in the peer's SYN */
	/* Learned from what the stack sent */
	bool synced;      /* its SYN was seen */
	uint32_t stk_iss; /* its initial sequence number */
	uint32_t stk_nxt; /* the end of what it has sent */
	uint32_t stk_ack; /* its last acknowledgement */
	uint32_t stk_wnd; /* its window in bytes */
	uint8_t stk_shift;
	uint32_t stk_ts;              /* its last timestamp */
	bool ws_offered, ws_withheld; /* by SYNs of the peer that have come */
	bool has_edge;
	uint32_t stk_edge; /* the farthest right edge it has announced since its SYN */
	struct model model;
};

struct app_conn {
	bool used;
	bool irs_known; /* in_seq is valid */
	bool closed;    /* by us: there is nothing to read any more */
	bool waits;     /* a send did not take everything: WRITABLE is due */
	weir_conn conn;
	struct weir_tuple tuple;
	uint32_t in_seq;  /* sequence number of the next byte to read */
	uint32_t out_off; /* offset of the next byte to send */
};

struct frame {
	uint8_t *bytes;
	size_t len;
	uint32_t flags; /* WEIR_FRAME_* */
	uint16_t gso_size;
};

struct world {
	struct fuzz_input in;
	struct weir_config cfg;
	struct weir_stack *stack;
	void *mem;
	weir_time now;
	struct flow flows[FLOWS_MAX];
	unsigned flow_last;    /* the one made last */
	uint8_t forgotten[32]; /* bits by a hash of tuples: their flow had to make room */
	struct frame past[PAST_MAX];
	unsigned past_next;
	struct app_conn conns[CONNS_MAX];
	unsigned conn_last;
	weir_half halfs[HALFS_MAX];
	unsigned half_next;
	weir_listener listeners[LISTEN_MAX];
	uint8_t trace_sum; /* of all that trace records point to */
	bool orderly;      /* connections are closed at the end, not aborted */
	unsigned hold;     /* actions that go on without output or events in between */
};

static inline uint8_t fuzz_pattern(uint32_t place)
{
	return (uint8_t)(place * 0x9e3779b1u >> 24);
}

/* engine_flow.c: what peers know of their connections. */

struct weir_addr world_ours_addr(enum version version, enum ours ours);
struct weir_addr world_peer_addr(enum version version, uint8_t peer);

/* The flow with the tuple of `like`, or NULL. */
struct flow *flow_find(struct world *w, const struct flow *like);
/* The same by the bytes of its addresses: ours and the peer's. */
struct flow *flow_at(struct world *w, enum version version, const uint8_t *ours,
		     const uint8_t *peer, uint16_t port, uint16_t peer_port);
/* A flow for the tuple of `like`, in the place of the oldest. */
struct flow *flow_new(struct world *w, const struct flow *like);
/* Remembers the right edge that a segment of the peer announces, if the stack may believe it. */
void flow_note_edge(struct flow *f, const struct tcp_seg *seg);

/* What a peer learns from a segment of the stack. */
void peer_learn(struct world *w, enum version version, const uint8_t *src, const uint8_t *dst,
		const struct tcp_seg *seg);
/* The flow of a segment that the stack sent, or NULL. */
struct flow *peer_flow(struct world *w, enum version version, const uint8_t *src,
		       const uint8_t *dst, const struct tcp_seg *seg);
/* Is it certain whether the stack's windows are scaled? Not when of two SYNs of the peer one
 * offered it and one did not. */
bool peer_knows_scale(const struct flow *f);
/* The window that a segment of the stack announces, in bytes. */
uint32_t peer_scaled(const struct flow *f, const struct tcp_seg *seg);
/* The flow that the next byte of the input names; NULL if there is none yet. */
struct flow *peer_pick(struct world *w);

/* The flow of a connection, or NULL. */
struct flow *peer_flow_of(struct world *w, const struct weir_tuple *tuple);

/* engine_frame.c: frames to the stack. */

/* What a segment may have besides its header and payload. */
struct bend {
	bool bad_checksum;
	bool vouched;           /* the device says that the checksum is right */
	bool ip_options;        /* IPv4 options, or an IPv6 extension header */
	const uint8_t *raw_opt; /* instead of seg->opts */
	size_t raw_opt_len;     /* a multiple of 4 */
};

/* A segment of the flow's peer, with its ports, and `seg->len` bytes of its stream. */
void frame_send(struct world *w, struct flow *f, struct tcp_seg *seg, struct bend b);

/* Hands a frame to the stack and keeps it for peer_replay(). */
void world_input(struct world *w, struct frame f);

/* Does a frame carry TCP with a right checksum? */
bool world_tcp_passes(const uint8_t *bytes, size_t len);

/* engine_peer.c: what peers do. Each takes its arguments from w->in. */

void peer_syn(struct world *w);
void peer_synack(struct world *w);
void peer_ack(struct world *w);
/* Acknowledges all that the stack has sent; `narrow` 0 is the widest window, 255 a closed one. */
void peer_ack_all(struct world *w, struct flow *f, uint8_t narrow);
void peer_data(struct world *w);
void peer_fin(struct world *w);
void peer_rst(struct world *w);
void peer_segment(struct world *w);
void peer_rewind(struct world *w);
void peer_replay(struct world *w);

/* engine_model.c: what the stack may acknowledge and deliver. */

/* A segment with a right checksum, or one that the device vouched for, reaches the stack. */
void model_note(struct model *m, const struct tcp_seg *seg);
/* May the stack say that it has everything up to `ack`? */
bool model_may_ack(const struct model *m, uint32_t ack);
/* May a stream begin with the byte `seq`? */
bool model_may_begin(const struct model *m, uint32_t seq);
/* May the stream end before the number `seq`? */
bool model_may_end(const struct model *m, uint32_t seq);

/* engine_stray.c: packets that belong to no connection, or say so. */
void stray_icmp(struct world *w);
void stray_packet(struct world *w);
void stray_raw(struct world *w);

/* engine_out.c: fuzz_assert()s all that a packet of the stack must obey. */
void out_check(struct world *w, const struct weir_packet *p);
/* Does the trace record of a segment that goes out say what the segment says? */
void out_record(struct world *w, const struct weir_trace_record *r);

/* engine_app.c: what the application does. */
void app_event(struct world *w, const struct weir_event *ev);
void app_listen_all(struct world *w, uint8_t which, uint32_t backlog);
void app_listen(struct world *w);
void app_unlisten(struct world *w);
void app_decide(struct world *w);
void app_connect(struct world *w);
void app_send(struct world *w);
void app_send_in_place(struct world *w);
void app_read(struct world *w);
void app_shutdown(struct world *w);
void app_close(struct world *w);
void app_abort(struct world *w);
void app_set(struct world *w);
void app_look(struct world *w);
void app_abort_all(struct world *w);
void app_close_all(struct world *w);
/* Nobody waits in vain: see the definition. */
void app_check_waits(struct world *w);

#endif
