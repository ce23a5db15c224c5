/*
 * half.h: a half-open record: SYN-RECEIVED of a passive open, in twenty bytes (RFC 4987 3.4).
 *
 * No connection exists before the third segment: a flood of SYNs costs records, never connections.
 * The record knows only TCP; where it is stored, found and timed is the stack's (stack/halfs.h).
 */
#ifndef WEIR_TCP_HALF_H
#define WEIR_TCP_HALF_H

#include "tcp/accecn.h"
#include "tcp/tcb.h"

enum half_flag {
	HALF_TS = 1,         /* both ends use timestamps */
	HALF_SACK = 2,       /* both permit SACK */
	HALF_WSCALE = 4,     /* both scale windows */
	HALF_HELD = 8,       /* the application has not decided: no SYN-ACK was sent */
	HALF_V6 = 16,        /* the stack's: the key is an IPv6 pair */
	HALF_AGAIN = 64,     /* the SYN came again, and so went the SYN-ACK */
	HALF_TOLD = 32,      /* the stack's: the SYN event of a held record was read */
	HALF_COMPLETE = 128, /* the stack's: the third segment came, and there was no room */
};

struct half {
	seq_t iss, irs;
	uint32_t ts_recent;
	uint16_t mss; /* the peer's */
	uint16_t wnd; /* the SYN's window field */
	uint8_t snd_wscale : 4;
	uint8_t ecn : 2;     /* enum accecn_kind: what the first SYN asked for and may have */
	uint8_t syn_ecn : 2; /* the ECN field that the last SYN came with */
	uint8_t flags;       /* enum half_flag */
	uint8_t retries;     /* SYN-ACKs sent again */
	uint8_t challenges;  /* ACKs sent in answer to what was not acceptable */
};

#define HALF_ACE_RETRIES 2u /* SYN-ACKs sent again: from here on without Accurate ECN's flags */

_Static_assert(sizeof(struct half) == 20, "a half-open record stays small");

/* Takes over what a SYN says. `mss_default`: for a SYN without the option (MUST-15). */
static inline void half_init(struct half *h, const struct weir_config *cfg,
			     const struct tcp_seg *syn, seq_t iss, uint16_t mss_default);

enum half_action {
	HALF_DO_NOTHING,
	HALF_DO_SYNACK,   /* send the SYN-ACK again */
	HALF_DO_ACK,      /* send <SEQ=ISS+1><ACK=IRS+1> */
	HALF_DO_RST,      /* send an RST with SEG.ACK */
	HALF_DO_END,      /* the record ends; the listener is not touched */
	HALF_DO_REFUSE,   /* the same, and an RST answers the segment */
	HALF_DO_COMPLETE, /* make the connection and give it the segment */
};

/* RFC 9293 3.10.7.4 for SYN-RECEIVED of a passive origin. `rcv_wnd` is what the SYN-ACK offered. */
enum half_action half_input(struct half *h, const struct weir_config *cfg,
			    const struct tcp_seg *seg, uint32_t rcv_wnd,
			    enum weir_counter *verdict);

/* The options that both sides use, as flags: HALF_TS, HALF_SACK, HALF_WSCALE. */
static inline unsigned half_options(const struct half *h)
{
	return h->flags & (HALF_TS | HALF_SACK | HALF_WSCALE);
}

/* The flags of ECN on the SYN-ACK, as one number: none on the third of an Accurate ECN handshake
 * (RFC 9768 3.2.3.2.2). */
static inline unsigned half_ace(const struct half *h)
{
	switch ((enum accecn_kind)h->ecn) {
	case ACCECN_KIND_NONE:
		return 0;
	case ACCECN_KIND_CLASSIC:
		return 1;
	case ACCECN_KIND_ACCURATE:
	case ACCECN_KIND_MUTE:
		return h->retries < HALF_ACE_RETRIES ? accecn_handshake_ace(h->syn_ecn) : 0;
	}
	return 0;
}

/* What both sides agreed on. `rcv_wscale` is our shift. */
static inline void half_agreed(const struct half *h, uint8_t rcv_wscale, struct tcp_agreed *out);

/* --- Inlines: a flood of SYNs is made of these ------------------------------------------------ */

/* The options of a SYN that we use, too: HALF_TS, HALF_SACK, HALF_WSCALE. */
static inline unsigned half_options_of(const struct weir_config *cfg, const struct tcp_opts *o)
{
	return (o->has_ts && cfg->timestamps ? (unsigned)HALF_TS : 0) |
	       (o->sack_permitted && cfg->sack ? (unsigned)HALF_SACK : 0) |
	       (o->has_wscale && cfg->window_scaling ? (unsigned)HALF_WSCALE : 0);
}

static inline void half_init(struct half *h, const struct weir_config *cfg,
			     const struct tcp_seg *syn, seq_t iss, uint16_t mss_default)
{
	const struct tcp_opts *o = &syn->opts;

	*h = (struct half){
		.iss = iss,
		.irs = syn->seq,
		.mss = o->has_mss ? o->mss : mss_default,
		.wnd = syn->wnd,
	};
	h->flags = (uint8_t)half_options_of(cfg, o);
	if (h->flags & HALF_TS)
		h->ts_recent = o->ts_val;
	if (h->flags & HALF_WSCALE)
		h->snd_wscale = o->wscale & 0xf;
	h->ecn = (uint8_t)accecn_asked(cfg, syn) & 3;
	h->syn_ecn = syn->ip_ecn & 3;
}

static inline void half_agreed(const struct half *h, uint8_t rcv_wscale, struct tcp_agreed *out)
{
	*out = (struct tcp_agreed){
		.mss = h->mss,
		.snd_wscale = h->snd_wscale,
		.rcv_wscale = h->flags & HALF_WSCALE ? rcv_wscale : 0,
		.wscale_ok = h->flags & HALF_WSCALE,
		.ts_ok = h->flags & HALF_TS,
		.sack_ok = h->flags & HALF_SACK,
		.ecn_ok = h->ecn == ACCECN_KIND_CLASSIC,
		.accurate = h->ecn >= ACCECN_KIND_ACCURATE,
		.mute = h->ecn == ACCECN_KIND_MUTE,
	};
}

#endif
