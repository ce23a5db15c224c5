/*
 * tcb.h: the state of one connection, a struct of structs, each owned by one source.
 *
 * Everything is by value: a connection can be copied, compared and pictured. It knows neither
 * addresses nor IP: the stack that owns it does (core/stack/conn.h). Buffers are pages and ranges
 * of pools shared through struct tcp_env, so an idle connection holds none.
 */
#ifndef WEIR_TCP_TCB_H
#define WEIR_TCP_TCB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pageq.h"
#include "base/pool.h"
#include "base/ranges.h"
#include "base/seq.h"
#include "base/tokens.h"
#include "tcp/cc_types.h"
#include "tcp/loss_types.h"
#include "wire/tcp_hdr.h"
#include "weir/weir.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* What all connections of a stack share. */
struct tcp_env {
	const struct weir_config *cfg;
	struct pool pages;    /* buffer pages */
	struct pool ranges;   /* out-of-order ranges */
	struct pool sends;    /* records of what is out: board.h */
	struct pool cc_loss;  /* private states of NewReno and CUBIC: one for each connection ... */
	struct pool cc_bbr;   /* ... and of BBR; of each only what is in use is ever touched */
	uint32_t sends_extra; /* of them taken beyond what each connection may always have */
	uint64_t counters[WEIR_CTR_COUNT];
};

/* Pages that any use may take. The rest, an eighth of the pool and what one queue needs to begin,
 * is kept for bytes in order: sends and bytes above a gap stop before it, or they could hold every
 * page while the byte that would free them finds none. */
static inline uint32_t tcp_pages_spare(const struct tcp_env *env)
{
	uint32_t kept = env->pages.count / 8 + 2;
	uint32_t unused = env->pages.count - env->pages.used;

	return unused > kept ? unused - kept : 0;
}

enum tcp_origin { TCP_ORIGIN_ACTIVE, TCP_ORIGIN_PASSIVE };

/* What the two ends agreed on with their SYNs, and what one of them is told. */
struct tcp_agreed {
	uint16_t mss;       /* the peer's MSS option, or the default (MUST-15) */
	uint8_t snd_wscale; /* shift of windows that come in */
	uint8_t rcv_wscale; /* shift of windows that go out */
	bool wscale_ok, ts_ok, sack_ok;
	bool ecn_ok;   /* RFC 3168 */
	bool accurate; /* RFC 9768 ... */
	bool mute;     /* ... and we never mark our packets as capable of it */
};

/* Send sequence space (RFC 9293 3.3.1). */
struct tcb_snd {
	seq_t iss;
	seq_t una;        /* oldest not acknowledged */
	seq_t nxt;        /* one past the highest ever sent */
	seq_t wl1, wl2;   /* SEG.SEQ and SEG.ACK of the last window update */
	seq_t up;         /* one past the last urgent byte, valid if up_set */
	uint32_t wnd;     /* bytes, scaled */
	uint32_t wnd_max; /* largest wnd ever seen: MAX.SND.WND of RFC 5961 and 9293 3.8.6.2.1 */
	uint32_t mss;     /* most payload of a segment, options taken off (MUST-16) */
	bool up_set;
	bool force; /* the override timer fired: send what the window takes */
};

/* What the receiver knows of the path: drs.c. Times are microseconds, modulo 2^32. */
struct drs {
	uint32_t rtt_us;   /* as data coming in shows it; 0: not known yet */
	uint32_t round_us; /* when the round began; 0: none yet */
	uint32_t edge_us;  /* when `mark` became the right edge; 0: no edge is timed */
	uint32_t mark;     /* with timestamps TSecr of the last sample, without the edge */
	uint32_t came;     /* bytes that came in this round */
	uint32_t most;     /* ... and in the largest of those before */
};

/* What the path takes, beside path_mss: mtup.c. Sizes are, as path_mss, of TCP payload and options
 * in one packet. */
struct mtup {
	seq_t watch_end;   /* a segment of `watch` bytes ends here */
	seq_t claim_seq;   /* what the claim quotes */
	uint32_t again_ms; /* nothing larger is tried before; milliseconds modulo 2^32 */
	uint16_t watch;    /* size of a segment that is out, larger than what is proven; 0: none */
	uint16_t proven;   /* largest that was acknowledged */
	uint16_t claim;    /* what an ICMP message says and nothing supports yet; 0: none */
	uint16_t high;     /* of the search: nothing larger gets through */
	uint16_t link;     /* what our link takes: what we announce */
	uint8_t wait;      /* round trips until the next probe, beginning with the next ACK */
	bool probing : 1;  /* what is watched is a probe */
	bool top : 1;      /* `high` itself needs no probe */
	bool blind : 1;    /* a black hole made path_mss what it is */
	bool news : 1;     /* ICMP made path_mss smaller: others are to hear of it */
	bool ip6 : 1;
};

/* Receive sequence space. */
struct tcb_rcv {
	seq_t irs;
	seq_t nxt;
	seq_t adv;        /* right edge: one past the last byte ever offered (RFC7323-08) */
	seq_t last_ack;   /* Last.ACK.sent (RFC7323-29) */
	seq_t fin;        /* sequence number of the peer's FIN, valid if fin_seen */
	seq_t up;         /* RCV.UP, valid if up_set */
	uint32_t space;   /* bytes of buffer that may be offered; at most user.rcvbuf counts */
	uint32_t seg_max; /* largest payload of one segment seen: RMSS as far as we know */
	bool fin_seen;    /* a FIN has come, perhaps above a gap */
	bool fin_done;    /* ... and everything before it too */
	bool up_set;
	struct drs drs;
};

/* Bytes to send: offset q.head is the byte at `head`. */
struct sndq {
	struct pageq q;
	seq_t head;        /* sequence number of the first byte kept */
	uint32_t len;      /* bytes from head on, sent or not */
	uint32_t reserved; /* bytes behind them that a commit may add */
	bool fin;          /* a FIN follows the last byte */
	bool more;         /* the user said that more follows at once */
	bool full;         /* the user was told AGAIN: WRITABLE is due when there is room */
};

/* Bytes received: from q.head to `nxt` in order, above it the ranges. */
struct rcvq {
	struct pageq q;
	uint64_t nxt; /* stream offset of RCV.NXT */
	struct ranges ooo;
};

struct tsopt {
	bool ok;
	uint32_t offset;   /* of our clock (RFC7323-26) */
	uint32_t recent;   /* TS.Recent */
	uint32_t recent_s; /* when it was set, in seconds, for the 24-day rule */
};

struct rtt {
	uint64_t srtt_ns, var_ns, rto_ns; /* srtt 0: no sample yet */
	uint64_t min_ns;    /* the least round trip of the last minutes; UINT64_MAX: none yet */
	weir_time timed_at; /* when the segment that ends at timed_seq went out */
	weir_time sent_at;  /* when anything that takes sequence space was last sent */
	seq_t timed_seq;
	uint32_t min_next_us; /* ... and of those since min_since_s */
	uint32_t min_since_s; /* seconds */
	bool timing;
	bool coarse;     /* what is timed began at some time in that millisecond */
	uint8_t backoff; /* doublings in force */
};

enum tcp_timer {
#define X(name, text) TIMER_##name,
#include "tcp/timers.def"
#undef X
	TIMER_COUNT
};

/* What the row RTX stands for (RFC8985-17: one at a time). */
enum rtx_kind {
	RTX_RTO,   /* the retransmission timeout */
	RTX_PROBE, /* the tail loss probe's */
	RTX_REO,   /* RACK's reordering timer */
};

struct timers {
	weir_time at[TIMER_COUNT]; /* WEIR_NEVER: off */
	weir_time rto_at;          /* while RTX is another kind: when the RTO is due */
	weir_time pace_at;         /* when the next data may go out (pace.h) */
};

struct ackgen {
	uint32_t bytes; /* received in order and not yet acknowledged */
	uint8_t quick;  /* segments that are still acknowledged at once */
	uint8_t dups;   /* duplicate ACKs owed (RFC5681-12) */
	bool now : 1;   /* an ACK is due at once */
	bool again : 1; /* ... and reports what came twice: [again_lo, again_hi) (RFC 2883) */
	enum weir_counter why : 8;
	seq_t again_lo, again_hi;
	struct tokens challenge;
	uint32_t oow_at_ms; /* when an unacceptable empty segment was last answered */
};

/* What the user set (def/connopt.def) and where his close stands. */
struct user {
	uint32_t sndbuf, rcvbuf; /* bytes: the most that auto-tuning goes to */
	uint32_t keep_idle_ms, keep_interval_ms;
	uint32_t user_timeout_ms; /* 0: never */
	uint8_t keep_count, keep_sent;
	uint8_t dscp, ttl;
	bool nodelay : 1, keepalive : 1;
	bool sndbuf_set : 1, rcvbuf_set : 1; /* by the user: no tuning */
	bool soft_muted : 1;                 /* SHLD-20: soft errors are not told */
	bool closed : 1;    /* weir_close() or weir_abort(): nobody reads any more */
	weir_time heard_at; /* when a segment of the peer was last accepted */
	weir_time stuck_at; /* since when the oldest byte waits; WEIR_NEVER: nothing waits */
};

/* Explicit congestion notification: bits of tcb.ecn. */
enum tcb_ecn {
	ECN_ASKED = 1,   /* our last SYN asked for it */
	ECN_ON = 2,      /* that of RFC 3168 is agreed on */
	ECN_ECHO = 4,    /* a mark came: every ACK says so until CWR comes */
	ECN_CWR_DUE = 8, /* the window was reduced: the next new data says so */
	/* Accurate ECN (RFC 9768): accecn.h. */
	ECN_ACC_ASKED = 16, /* a SYN of ours asked for it */
	ECN_ACCURATE = 32,  /* agreed on; ECN_ON is not set then */
	ECN_NO_ECT = 64,    /* no packet of ours says that it may be marked */
	ECN_DEAF = 128,     /* what the peer tells of marks means nothing */
};

/* Accurate ECN (RFC 9768): accecn.c. What is counted is as wide as on the wire. */
struct accecn {
	/* As receiver: bytes that came with each mark, r.e0b, r.ceb, r.e1b. */
	uint32_t e0b : 24;
	uint32_t cep : 3;    /* r.cep: packets that came marked */
	uint32_t marks : 3;  /* of them since the last ACK; 7: or more */
	uint32_t was_ce : 1; /* the last packet was marked */
	uint32_t bare : 1;   /* the ACK that is due answers marked ACKs alone */
	uint32_t ceb : 24;
	uint32_t untold : 3;     /* bits of enum tcp_accecn_field that grew since the last option */
	uint32_t synack_ecn : 2; /* the ECN field of the peer's SYN-ACK ... */
	uint32_t handshake : 1;  /* ... which the next ACK tells */
	uint32_t first_data : 1; /* our first data goes with an option */
	uint32_t no_option : 1;  /* none is sent any more: they seem to get lost */
	uint32_t e1b : 24;
	uint32_t capable_out : 4; /* packets of ours that might be marked; 15: or more */
	uint32_t heard : 1;       /* the peer's count was read once */
	uint32_t option_in : 1;   /* so was an option ... */
	uint32_t option_bad : 1;  /* ... which had been zeroed: none is heeded */
	/* As sender: what the peer told last, s.ceb, s.cep. */
	uint32_t told_ceb : 24;
	uint32_t told_cep : 3;
};

/* What is to be sent of a SYN or, after a crossing one, of a SYN-ACK. */
enum tcb_syn { TCB_SYN_NONE, TCB_SYN_FIRST, TCB_SYN_AGAIN };

struct tcb {
	enum weir_state state : 8;
	enum tcp_origin origin : 8;
	enum weir_err reason : 8; /* why it ended; WEIR_OK while it lives or when orderly */
	enum weir_err soft : 8;   /* last soft error not yet reported (SHLD-25) */
	uint16_t events;          /* bits of enum weir_event_kind not yet read */
	uint8_t retries;          /* of the oldest segment */
	bool sack_ok : 1;
	bool wscale_ok : 1;    /* both SYNs carried window scale, or ours offers it */
	bool want_probe : 1;   /* a zero-window probe is to be sent */
	bool want_keep : 1;    /* a keep-alive probe is to be sent */
	bool want_rst : 1;     /* ended with an RST that is still to be sent */
	bool pace_waits : 1;   /* data waits for timers.pace_at */
	bool timers_moved : 1; /* timers_next() may be another than when the stack last looked */
	uint8_t want_syn : 2;  /* enum tcb_syn: a SYN or SYN-ACK is to be sent */
	uint8_t rcv_wscale, snd_wscale;
	uint8_t rtx_kind;  /* enum rtx_kind */
	uint8_t ecn;       /* enum tcb_ecn */
	uint16_t path_mss; /* most TCP payload and options that the path takes */
	uint16_t peer_mss; /* as the peer said */
	struct tcb_snd snd;
	struct tcb_rcv rcv;
	uint32_t retransmits;
	struct sndq sndq;
	struct rcvq rcvq;
	struct mtup mtup;
	struct tsopt ts;
	struct rtt rtt;
	struct cc cc;
	struct rack rack;
	struct rate rate;
	struct timers timers;
	struct board board;
	struct prr prr;
	struct recovery rec;
	struct ackgen ackgen;
	struct accecn accecn;
	struct user user;
	uint32_t segs_in, segs_out;
};

_Static_assert(WEIR_EV_COUNT <= 16, "tcb.events");
_Static_assert(sizeof(struct accecn) == 16, "four words");
_Static_assert(sizeof(struct tcb) <= 712, "a connection is 856 bytes with the stack's part");

/* Makes a closed connection with the settings of the configuration. `mss_local`: largest TCP
 * payload the link takes in one packet, without options; `mss_default`: the peer's until it says
 * otherwise (MUST-15). */
void tcb_init(struct tcb *t, const struct tcp_env *env, uint16_t mss_local, uint16_t mss_default,
	      weir_time now);

/* Sets what both sides know from the SYNs, once the handshake has them. */
void tcb_agree(struct tcb *t, const struct tcp_env *env, const struct tcp_agreed *a);

/* Makes the connection a half-open record stood for (RFC 9293 3.10.7.4: SYN-RECEIVED becomes
 * ESTABLISHED); the segment that completes it is then given to tcp_input(). */
struct tcb_passive {
	struct tcp_agreed agreed;
	seq_t iss, irs;
	uint32_t snd_wnd; /* of the SYN, not scaled */
	uint32_t rcv_wnd; /* offered on the SYN-ACK */
	uint32_t ts_recent, ts_offset;
	uint8_t retries;     /* SYN-ACKs sent again */
	weir_time synack_at; /* when the only one was sent; 0: not known (Karn) */
};
void tcb_open_passive(struct tcb *t, struct tcp_env *env, const struct tcb_passive *p,
		      weir_time now);

/* handshake_ways 2, after tcb_open_passive(): ESTABLISHED before anything was acknowledged; the
 * SYN-ACK is still to be sent, and is sent again like any SYN of a connection. */
void tcb_trust_syn(struct tcb *t, struct tcp_env *env, weir_time now);

/* Starts an active open: SYN-SENT with a SYN to be sent. */
void tcb_open_active(struct tcb *t, const struct tcp_env *env, seq_t iss, uint32_t ts_offset,
		     weir_time now);

/* The handshake is complete, or our side of it: the congestion window begins. */
void tcb_cc_start(struct tcb *t, struct tcp_env *env, weir_time now);

/* There is something to send: congestion control gets its private state. */
void tcb_cc_equip(struct tcb *t, struct tcp_env *env, weir_time now);

/* The user wants another kind. */
void tcb_cc_switch(struct tcb *t, struct tcp_env *env, uint8_t kind, weir_time now);

/* Gives all pages, ranges and states back. */
void tcb_flush(struct tcb *t, struct tcp_env *env);

/* Ends the connection at once: queues flushed, timers off, CLOSED with `reason`. */
void tcb_end(struct tcb *t, struct tcp_env *env, enum weir_err reason);

/* Marks an event for the user. */
static inline void tcb_event(struct tcb *t, enum weir_event_kind k)
{
	t->events |= (uint16_t)(1u << k);
}

/* Tells the user of a problem that ends nothing, unless he does not want to hear (SHLD-20). */
static inline void tcb_soft_error(struct tcb *t, enum weir_err what)
{
	if (t->user.soft_muted)
		return;
	t->soft = what;
	tcb_event(t, WEIR_EV_SOFT_ERROR);
}

/* Recomputes snd.mss from peer_mss, path_mss and the options that every segment carries. */
void tcb_set_mss(struct tcb *t);

/* Bytes sent and not acknowledged, SYN and FIN counted. */
static inline uint32_t tcb_flight(const struct tcb *t)
{
	return t->snd.nxt.v - t->snd.una.v;
}

/* Bytes that are in the network as far as we know (RFC 6675 "pipe"): what is out, less what arrived
 * above a gap, less what is lost and was not sent again. */
static inline uint32_t tcb_pipe(const struct tcb *t)
{
	return tcb_flight(t) - t->board.sacked - t->board.lost;
}

/* The receive window as the peer knows it. */
static inline uint32_t tcb_rcv_wnd(const struct tcb *t)
{
	return t->rcv.adv.v - t->rcv.nxt.v;
}

/* Does the state stand for a connection whose both SYNs are acknowledged? */
static inline bool tcb_synchronized(const struct tcb *t)
{
	return t->state >= WEIR_STATE_ESTABLISHED;
}

/* May the peer's data still be delivered? */
static inline bool tcb_receives(const struct tcb *t)
{
	return t->state == WEIR_STATE_ESTABLISHED || t->state == WEIR_STATE_FIN_WAIT_1 ||
	       t->state == WEIR_STATE_FIN_WAIT_2;
}

/* NULL: every invariant of the connection holds; otherwise the text of one that does not. */
const char *tcb_check(const struct tcp_env *env, const struct tcb *t);

#endif
