/*
 * answer.h: the SYN-ACK with a cookie that a front sends, from the SYN and the engine's rules.
 *
 * The engine's own functions hash, make the cookie and sum; its forms are filled in. What is here
 * reads the SYN, as strictly as the engine does, and says which SYNs are the engine's. Pure, and
 * built twice: for the kernel's virtual machine and, for tests, natively.
 */
#ifndef WEIR_KERN_ANSWER_H
#define WEIR_KERN_ANSWER_H

#include "tcp/isn.h"
#include "tcp/syncookie.h"
#include "weir/front.h"
#include "wire/ip4.h"
#include "wire/tcp_hdr.h"

/* In the kernel nothing may be called. */
#define ANSWER_INLINE static inline __attribute__((always_inline))

/* A SYN: headers, then zeros. Options begin at 40; whoever reads one at 40 + 63 stays inside. */
#define ANSWER_SYN_BYTES 128u
#define ANSWER_SYN_MAX   80u /* of them the packet: IPv4 20, TCP 60 */
#define ANSWER_HEAD      40u /* headers without options */

/* What a SYN may carry behind its headers, which only counts for its checksum; zeros up to a
 * multiple of 8. */
#define ANSWER_DATA_MAX 1536u

enum answer_verdict {
	ANSWER_SYNACK,  /* it is to be answered */
	ANSWER_NO_SYN,  /* no SYN at all; what follows is about SYNs */
	ANSWER_UNUSUAL, /* a fragment, with IP options or FIN, very long, malformed, of no sender */
	ANSWER_ELSEWHERE, /* to nobody who is in cookie mode */
	ANSWER_CHECKSUM,  /* wrong, or it cannot be said */
	ANSWER_OWNED,     /* its pair has an owner, or used a cookie */
	ANSWER_VERDICTS
};

struct answer {
	uint64_t pair;     /* its hash: isn_pair() */
	uint32_t listener; /* index in the rules */
	uint32_t found;    /* options that both sides use, as WEIR_FRONT_* */
	uint32_t ts_val;
	uint16_t mss;
	uint8_t wscale;
	bool partial; /* the device completes checksums: so it must for the SYN-ACK */
	/* Where the next option is. In memory, where the kernel's verifier forgets the value: it
	 * would go through the options once for each that it can have. */
	volatile uint32_t next;
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* From the first ANSWER_HEAD bytes: is it a SYN that a front may answer? `len`: of the packet. */
ANSWER_INLINE enum answer_verdict answer_look(const uint8_t *head, uint32_t len)
{
	uint32_t total = be16_get(head + 2), tcp_len = (head[32] >> 4) * 4u;

	if (head[0] >> 4 != 4 || head[9] != IP_PROTO_TCP)
		return ANSWER_NO_SYN;
	if (head[0] != IP4_PLAIN)
		return ANSWER_UNUSUAL;
	if (be16_get(head + 6) & (IP4_FLAG_MF | IP4_FRAG_OFF))
		return ANSWER_UNUSUAL;
	if ((head[33] & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return ANSWER_NO_SYN;
	if (head[33] & TCP_FIN || total > len || tcp_len < TCP_HDR_LEN ||
	    total < IP4_HDR_LEN + tcp_len || total > IP4_HDR_LEN + tcp_len + ANSWER_DATA_MAX)
		return ANSWER_UNUSUAL;
	return ANSWER_SYNACK;
}

/* May `src` send at all? */
ANSWER_INLINE bool answer_source_ok(const struct weir_front_rules *r, const uint8_t *src)
{
	if (!ip4_source_ok(src))
		return false;
	for (uint32_t i = 0; i < WEIR_FRONT_GROUPS; i++)
		if (i < r->groups && csum_load32(r->group[i]) == csum_load32(src))
			return false;
	return true;
}

/* The listener's index; WEIR_FRONT_LISTENERS: none that is on. */
ANSWER_INLINE uint32_t answer_listener(const struct weir_front_rules *r, const uint8_t *syn)
{
	for (uint32_t i = 0; i < WEIR_FRONT_LISTENERS; i++)
		if (i < r->listeners && r->listener[i].on &&
		    r->listener[i].port == be16_get(syn + 22) &&
		    csum_load32(r->listener[i].addr) == csum_load32(syn + 16))
			return i;
	return WEIR_FRONT_LISTENERS;
}

/* One option of `room` bytes at most, as tcp_opt_parse() reads it. Its length; 0: malformed. */
ANSWER_INLINE uint32_t answer_option(struct answer *a, const uint8_t *opt, uint32_t room)
{
	uint32_t len = opt[1];

	if (room < 2 || len < 2 || len > room)
		return 0;
	switch (opt[0]) {
	case 2: /* MSS */
		a->mss = be16_get(opt + 2);
		return len == 4 ? len : 0;
	case 3: /* window scale */
		a->found |= WEIR_FRONT_WSCALE;
		a->wscale = opt[2] > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : opt[2];
		return len == 3 ? len : 0;
	case 4: /* SACK permitted */
		a->found |= WEIR_FRONT_SACK;
		return len == 2 ? len : 0;
	case 5: /* SACK, without meaning here */
		return len >= 10 && len <= 34 && (len - 10) % 8 == 0 ? len : 0;
	case 8: /* timestamps */
		a->found |= WEIR_FRONT_TS;
		a->ts_val = be32_get(opt + 2);
		return len == 10 ? len : 0;
	default:
		return len;
	}
}

/* -1: malformed. */
ANSWER_INLINE int answer_options(struct answer *a, const uint8_t *syn, uint32_t len)
{
	for (uint32_t i = 0; i < TCP_OPT_MAX; i++) {
		uint32_t off = a->next, step = 1;
		const uint8_t *opt = syn + ANSWER_HEAD + (off & 63u);

		if (off >= len || opt[0] == 0)
			return 0;
		if (opt[0] != 1)
			step = answer_option(a, opt, len - off);
		if (step == 0)
			return -1;
		a->next = off + step;
	}
	return 0;
}

/* Is the checksum right, or left to the device? A SYN of a socket of this machine has the sum of
 * the pseudo-header alone in its place. If either could be meant, the engine is to look. */
ANSWER_INLINE bool answer_checksum_ok(struct answer *a, const uint8_t *syn, uint32_t tcp_len,
				      const uint8_t *data)
{
	uint32_t len = be16_get(syn + 2) - IP4_HDR_LEN;
	uint64_t pseudo = csum_add_pseudo(0, syn + 12, syn + 16, 4, len, IP_PROTO_TCP);
	uint64_t sum = pseudo;
	uint16_t field;
	bool good;

	for (uint32_t i = 0; i < 8; i++) /* to the end of the header, and zeros */
		sum = csum_add64(sum, csum_load64(syn + IP4_HDR_LEN + 8 * i));
	for (uint32_t i = 0; i < ANSWER_DATA_MAX && i < len - tcp_len; i += 8)
		sum = csum_add64(sum, csum_load64(data + i));
	memcpy(&field, syn + IP4_HDR_LEN + TCP_CSUM_OFFSET, sizeof(field));
	good = csum_good(sum);
	a->partial = field == csum_fold(pseudo);
	return good != a->partial;
}

/* Reads a SYN on which answer_look() said ANSWER_SYNACK: headers in `syn`, the rest in `data`. */
ANSWER_INLINE enum answer_verdict answer_read(struct answer *a, const struct weir_front_rules *r,
					      const uint8_t *syn, const uint8_t *data)
{
	uint32_t tcp_len = (syn[32] >> 4) * 4u;
	uint8_t id[ISN_ID4_LEN];

	*a = (struct answer){.mss = 536}; /* RFC9293-MUST-15 */
	a->listener = answer_listener(r, syn);
	if (a->listener == WEIR_FRONT_LISTENERS)
		return ANSWER_ELSEWHERE;
	if (!csum_good(csum_add20(0, syn)) || !answer_source_ok(r, syn + 12))
		return ANSWER_UNUSUAL;
	if (!answer_checksum_ok(a, syn, tcp_len, data))
		return ANSWER_CHECKSUM;
	if (answer_options(a, syn, tcp_len - TCP_HDR_LEN) != 0)
		return ANSWER_UNUSUAL;
	if (tcp_asks_ecn(syn[33]))
		a->found |= WEIR_FRONT_ECN;
	a->found &= r->options;
	memcpy(id, syn + 16, 4);     /* local address */
	memcpy(id + 4, syn + 12, 4); /* remote */
	memcpy(id + 8, syn + 22, 2); /* local port */
	memcpy(id + 10, syn + 20, 2);
	a->pair = isn_keyed4(r->isn_key, ISN_USE_PAIR, id);
	return ANSWER_SYNACK;
}

/* --- Whose it is ------------------------------------------------------------------------------ */

ANSWER_INLINE uint32_t answer_tick(const struct weir_front_rules *r, uint64_t now_ms)
{
	return (uint32_t)((now_ms + r->epoch_ms) / r->tick_ms);
}

ANSWER_INLINE uint32_t answer_slot(const struct weir_front_rules *r, const struct answer *a)
{
	return isn_pair_secret(a->pair) & r->slot_mask;
}

ANSWER_INLINE enum answer_verdict answer_owned(const struct weir_front_slot *slot, uint32_t tick)
{
	uint8_t spent = slot->spent;

	if (slot->owners)
		return ANSWER_OWNED;
	if (spent == WEIR_FRONT_STAMP(tick + 1) || spent == WEIR_FRONT_STAMP(tick) ||
	    spent == WEIR_FRONT_STAMP(tick - 1))
		return ANSWER_OWNED;
	return ANSWER_SYNACK;
}

/* --- Writing ---------------------------------------------------------------------------------- */

ANSWER_INLINE uint64_t answer_put32(uint8_t *at, uint32_t v)
{
	uint32_t word = be32_in_memory(v);

	memcpy(at, &word, sizeof(word));
	return word;
}

ANSWER_INLINE void answer_put_sum(uint8_t *at, uint16_t sum)
{
	memcpy(at, &sum, sizeof(sum));
}

/* Where TSval is: behind MSS and SACK permitted, or in the order of BSD behind the window scale,
 * too. Constants, for the kernel does not let us write at a place that it cannot bound. */
#define ANSWER_TS_AT     (ANSWER_HEAD + 8u)
#define ANSWER_TS_AT_BSD (ANSWER_HEAD + 12u)

ANSWER_INLINE uint64_t answer_put_ts(const struct weir_front_form *f, uint8_t *out, uint32_t val,
				     uint32_t ecr)
{
	if (f->ts_at == ANSWER_TS_AT)
		return answer_put32(out + ANSWER_TS_AT, val) +
		       answer_put32(out + ANSWER_TS_AT + 4, ecr);
	if (f->ts_at == ANSWER_TS_AT_BSD)
		return answer_put32(out + ANSWER_TS_AT_BSD, val) +
		       answer_put32(out + ANSWER_TS_AT_BSD + 4, ecr);
	return 0;
}

/* The timestamp, in which what the cookie has no room for is kept. */
ANSWER_INLINE uint32_t answer_ts(const struct answer *a, uint64_t now_ms)
{
	struct tcp_agreed agreed = {
		.snd_wscale = a->wscale,
		.wscale_ok = a->found & WEIR_FRONT_WSCALE,
		.sack_ok = a->found & WEIR_FRONT_SACK,
		.ecn_ok = a->found & WEIR_FRONT_ECN,
	};

	return syncookie_ts((uint32_t)now_ms + isn_pair_ts_offset(a->pair), &agreed);
}

/* Writes the SYN-ACK (WEIR_FRONT_FORM_BYTES at most) that answers `syn`; returns its length. */
ANSWER_INLINE uint32_t answer_write(const struct answer *a, const struct weir_front_rules *r,
				    const uint8_t *syn, uint64_t now_ms, uint8_t *out)
{
	/* Without timestamps there is but the MSS. */
	uint32_t form = a->found & WEIR_FRONT_TS ? a->found : 0;
	const struct weir_front_form *f = &r->form[form & (WEIR_FRONT_FORMS - 1)];
	uint64_t addrs = (uint64_t)csum_load32(syn + 12) + csum_load32(syn + 16), words;
	uint32_t irs = be32_get(syn + 24);
	seq_t iss = syncookie_make(r->cookie_key, a->pair, seq_make(irs), answer_tick(r, now_ms),
				   a->mss);

	memcpy(out, f->bytes, sizeof(f->bytes));
	memcpy(out + 12, syn + 16, 4);
	memcpy(out + 16, syn + 12, 4);
	answer_put_sum(out + 10, csum_finish(f->ip4_sum + addrs));
	words = answer_put32(out + 20, (uint32_t)be16_get(syn + 22) << 16 | be16_get(syn + 20));
	words += answer_put32(out + 24, iss.v);
	words += answer_put32(out + 28, irs + 1);
	if (form)
		words += answer_put_ts(f, out, answer_ts(a, now_ms), a->ts_val);
	answer_put_sum(out + IP4_HDR_LEN + TCP_CSUM_OFFSET,
		       a->partial ? csum_fold(csum_add64(addrs, f->pseudo_sum))
				  : csum_finish(csum_add64(addrs, words + f->tcp_sum)));
	return f->len;
}

#endif
