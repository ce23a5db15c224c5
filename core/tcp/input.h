/*
 * input.h: a segment arrives at a connection (RFC 9293 3.10.7.3 and 3.10.7.4).
 */
#ifndef WEIR_TCP_INPUT_H
#define WEIR_TCP_INPUT_H

#include "tcp/tcb.h"

/* What one segment brings along through the steps; each step may change the copy of the segment
 * (trimming) and the verdict. */
struct tcp_in {
	struct tcp_env *env;
	struct tcb *t;
	struct tcp_seg seg; /* trimmed as the steps go */
	seq_t first;        /* of the segment as it came, before trimming */
	bool no_echo;       /* TSecr is no clock: it carried a SYN cookie's bits */
	bool ce;            /* the packet carried a congestion mark (RFC 3168) */
	uint32_t whole;     /* bytes of payload before trimming */
	bool in_window;     /* it passed the sequence check: its timestamp may be remembered */
	weir_time now;
	enum weir_counter verdict; /* ACCEPTED until a step says otherwise */
	seq_t answer_seq; /* if `answer`: an RST with this SEG.SEQ and no ACK is to be sent */
	bool answer;
};

enum tcp_step { TCP_STEP_ON, TCP_STEP_DONE };

/* Takes a segment for a connection in any state but CLOSED, LISTEN and TIME-WAIT; its checksum was
 * checked. Wishes for output and events stay in the connection; `in->verdict` says what became of
 * the segment, and `in->answer` whether the stack owes an RST that is not the connection's. */
void tcp_input(struct tcp_in *in);

/* The steps, in order. */
enum tcp_step input_synsent(struct tcp_in *in);   /* 3.10.7.3, whole */
enum tcp_step accept_paws(struct tcp_in *in);     /* RFC 7323 5.3 */
enum tcp_step accept_sequence(struct tcp_in *in); /* first: sequence number; second: RST */
enum tcp_step input_syn(struct tcp_in *in);       /* fourth: SYN */
enum tcp_step ack_process(struct tcp_in *in);     /* fifth: ACK */
void input_urgent(struct tcp_in *in);             /* sixth: URG */
void input_text(struct tcp_in *in);               /* seventh: text, eighth: FIN */

/* Ends the step with a verdict. */
static inline enum tcp_step input_done(struct tcp_in *in, enum weir_counter verdict)
{
	in->verdict = verdict;
	return TCP_STEP_DONE;
}

/* Remembers the timestamp if the rule lets it (RFC7323-17); `at` is the segment's first sequence
 * number before trimming. To be called when its ACK was found possible: a forger who only hits the
 * window must not set a time that PAWS would then hold against the peer. */
void input_ts_recent(struct tcp_in *in, seq_t at);

/* Age in nanoseconds of the timestamp that the segment echoes (RFC7323-15); WEIR_NEVER: none that
 * could be of ours. To be called before SND.UNA moves. */
uint64_t input_echo_age(const struct tcp_in *in);

#endif
