/*
 * recovery.h: which segment is sent again and when, and how far the window shrinks for it: fast
 * recovery with RACK-TLP and PRR (RFC 8985, 9937), or without SACK NewReno (RFC 6582); timeouts
 * with F-RTO (RFC 5682); limited transmit (RFC 3042); taking back what was for nothing.
 */
#ifndef WEIR_TCP_RECOVERY_H
#define WEIR_TCP_RECOVERY_H

#include "tcp/board.h"
#include "tcp/tcb.h"

void recovery_init(struct recovery *r, seq_t iss);

/* What an ACK told, after scoreboard and RACK took it in. */
struct recovery_ack {
	const struct board_news *news;
	struct cc_ack *cc; /* its `lost`, `delivered`, `recovering` and `resending` are filled in */
	uint32_t acked;    /* SND.UNA, which is the new one, moved by so much */
	uint32_t prior_flight; /* SND.NXT - SND.UNA before */
	uint32_t prior_sacked; /* bytes SACKed before */
	bool duplicate;        /* RFC5681-02 */
	bool dsack;            /* it reports [.., dsack_hi) as having come twice ... */
	seq_t dsack_hi;
	uint32_t dsack_bytes; /* ... so many bytes */
	bool ece;             /* it tells of a congestion mark (RFC 3168) */
	bool delayed; /* it echoes a timestamp from before anything was sent again (RFC 4015) */
};

/* An ACK came. */
void recovery_acked(struct tcb *t, struct tcp_env *env, struct recovery_ack *a);

/* RACK's timer found something lost, which is marked. */
void recovery_found(struct tcb *t, struct tcp_env *env, struct cc_ack *cc);

/* The tail loss probe repaired a loss: the window shrinks, nothing else happens (RFC8985-16). */
void recovery_probe_repaired(struct tcb *t, struct cc_ack *cc);

/* The retransmission timer expired, for the first time or again. */
void recovery_timeout(struct tcb *t, struct tcp_env *env, struct cc_ack *cc);

/* Everything that is out is to be sent again, because of `why`. */
void recovery_again(struct tcb *t, struct tcp_env *env, enum weir_counter why);

/* The peer acknowledges up to what it had SACKed, and not that: it has dropped it (RFC 2018 8). */
void recovery_reneged(struct tcb *t, struct tcp_env *env);

/* Bytes that congestion lets out beyond what is in the network. */
static inline uint32_t recovery_room(const struct tcb *t)
{
	uint32_t window = t->cc.cwnd;
	uint32_t pipe = tcb_pipe(t);

	/* RFC3042-01: two segments beyond cwnd, cwnd itself untouched (-02) */
	if (t->rec.phase == RECOVERY_FAST)
		window += t->rec.inflate;
	else if (t->rec.phase != RECOVERY_RTO && t->board.lost == 0)
		window += t->rec.allowed * t->snd.mss;
	return window > pipe ? window - pipe : 0;
}

/* Data [lo, hi) went out; `again`: it was out before. */
enum recovery_sent { RECOVERY_SENT_NEW, RECOVERY_SENT_AGAIN };
void recovery_sent(struct tcb *t, seq_t lo, seq_t hi, enum recovery_sent what, weir_time now);

/* Did the ACK echo a timestamp from before the episode's first retransmission? */
bool recovery_echo_delayed(const struct tcb *t, const struct tcp_opts *o);

#endif
