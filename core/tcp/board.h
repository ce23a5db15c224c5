/*
 * board.h: the sender's scoreboard: what is out, when it was sent, what has arrived, what is lost.
 *
 * A record is one transmission unit [lo, hi): what was sent at one time, be it one segment or a
 * super-segment. It is cut where a SACK block, an ACK or a retransmission cuts it, and only between
 * segments, so that a peer makes no more records than there are segments. Records live in a pool of
 * the stack; a connection with nothing in flight holds none.
 */
#ifndef WEIR_TCP_BOARD_H
#define WEIR_TCP_BOARD_H

#include "tcp/tcb.h"

enum send_flag {
	SEND_SACKED = 1,
	SEND_LOST = 2,
	SEND_AGAIN = 4,       /* sent more than once */
	SEND_APP_LIMITED = 8, /* sent while the user had nothing more to send */
	SEND_WHOLE = 16,      /* full segments only: more of them may join */
};

struct send {
	uint32_t next;           /* by sequence (and the pool's link while free): must be first */
	uint32_t prev;           /* by sequence */
	uint32_t later, earlier; /* by time; unused while SACKed or lost */
	seq_t lo, hi;
	weir_time at; /* last sent */
	/* What the rate sampler knew then. */
	weir_time delivered_at;
	uint32_t delivered; /* low bits */
	uint32_t lost;
	uint32_t span_us; /* since what began its sample was sent */
	uint32_t pipe;    /* it counted; once SACKed: how many segments it is */
	uint16_t first;   /* bytes of the first segment ... */
	uint16_t seg;     /* ... and of those behind it; the last may be shorter */
	uint8_t flags;    /* enum send_flag */
	uint8_t why;      /* enum weir_counter: why it is to go again, if lost */
};

_Static_assert(sizeof(struct send) == 64, "a record is one cache line");
_Static_assert(WEIR_CTR_COUNT <= UINT8_MAX, "send.why");

/* Records that a connection may have whatever the others have: the pool is carved so. */
#define BOARD_FLOOR 2u

/* Of a transmission, as rate.h knows it. */
struct send_stamp {
	weir_time at, delivered_at;
	uint32_t delivered, lost, span_us, pipe;
	uint8_t flags; /* SEND_APP_LIMITED or 0 */
};

/* What one ACK delivered: filled by board_sack() and board_acked(). */
struct board_news {
	/* Set before. */
	weir_time now;
	uint64_t min_rtt_ns;
	uint32_t echo; /* our timestamp that it echoes, valid if has_echo */
	uint32_t ts_offset;
	seq_t fack;    /* board.fack before */
	seq_t recover; /* what lies above it was sent after the present episode began */
	bool has_echo;
	/* Found. */
	bool newest;  /* the newest transmission that surely arrived: */
	weir_time at; /* ... when it was sent */
	seq_t end;    /* ... where it ends */
	struct send_stamp stamp;
	uint32_t sacked; /* bytes newly SACKed */
	uint32_t acked;  /* bytes newly acknowledged and not SACKed before */
	bool original;   /* of them some never sent again, below `recover` */
	bool again;      /* some that were sent again are acknowledged */
	bool reordering; /* some never sent again lie below what arrived before them */
};

void board_init(struct board *b);

/* Gives all records back. */
void board_clear(struct tcp_env *env, struct board *b);

static inline struct send *board_at(const struct tcp_env *env, uint32_t index)
{
	return pool_at(&env->sends, index);
}

/* New data [lo, hi) goes out in segments of `seg`; lo is where the last ended. */
void board_sent(struct tcp_env *env, struct board *b, seq_t lo, seq_t hi, uint32_t seg,
		const struct send_stamp *s);

/* [lo, hi), which was sent before, goes out again. */
void board_resent(struct tcp_env *env, struct board *b, seq_t lo, seq_t hi, uint32_t seg,
		  const struct send_stamp *s);

/* A block that the peer has: una < hi <= nxt, lo < hi. Bounded work: what it does not reach now is
 * found when the block is repeated. */
void board_sack(struct tcp_env *env, struct board *b, seq_t lo, seq_t hi, struct board_news *n);

/* Everything below `una` is acknowledged. */
void board_acked(struct tcp_env *env, struct board *b, seq_t una, struct board_news *n);

/* The record is lost, for the reason `why`; it is neither SACKed nor lost. */
void board_lose(struct tcp_env *env, struct board *b, uint32_t index, enum weir_counter why);

/* The first `len` bytes that are out are lost, or the segments that they are part of. */
void board_lose_first(struct tcp_env *env, struct board *b, uint32_t len, enum weir_counter why);

/* All that is not SACKED is lost. */
void board_lose_all(struct tcp_env *env, struct board *b, enum weir_counter why);

/* Nothing is lost after all. */
void board_lose_none(struct tcp_env *env, struct board *b);

/* The peer dropped what it had SACKed (RFC 2018 8): that is lost, for the reason `why`. */
void board_forget_sacked(struct tcp_env *env, struct board *b, enum weir_counter why);

/* The first lost record, NULL if there is none. */
struct send *board_first_lost(const struct tcp_env *env, struct board *b);

/* The last segment that is out: where it begins. There is one. */
seq_t board_last_segment(const struct tcp_env *env, const struct board *b);

/* A part of what is out goes again in a way that the board need not know (a probe of one byte):
 * only that no sample may be taken from it. */
void board_ambiguous(struct tcp_env *env, struct board *b);

/* Bytes that went again and are neither SACKed nor lost anew. A walk: for those who look on. */
uint32_t board_out_again(const struct tcp_env *env, const struct board *b);

/* NULL, or the invariant that does not hold; [una, nxt) is out. */
const char *board_check(const struct tcp_env *env, const struct board *b, seq_t una, seq_t nxt);

#endif
