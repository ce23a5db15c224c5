/*
 * answer.h: the SYN-ACK with a cookie that a front sends, from the SYN and the engine's rules.
 *
 * The engine's own functions hash, make the cookie and sum; its forms are filled in. What is here
 * reads the SYN, as strictly as the engine does, and says which SYNs are the engine's. Pure, and
 * built twice: for the kernel's virtual machine and, for tests, natively.
 */
#ifndef WEIR_KERN_ANSWER_H
#define WEIR_KERN_ANSWER_H

#include "tcp/accecn_syn.h"
#include "tcp/isn.h"
#include "tcp/syncookie.h"
#include "weir/front.h"
#include "wire/ip4.h"
#include "wire/tcp_hdr.h"

/* In the kernel nothing may be called. */
#define ANSWER_INLINE static inline __attribute__((always_inline))

/* What a SYN may carry behind its headers, which only counts for its checksum. */
#define ANSWER_DATA_MAX 1536u

#define ANSWER_IP6_LEN 40u

/* A SYN in its parts. */
struct answer_syn {
	uint8_t ip[ANSWER_IP6_LEN]; /* IPv4: 20 of them */
	/* 60 at most, and zeros: whoever reads an option at 20 + 63 stays inside. */
	uint8_t tcp[96];
	uint8_t data[ANSWER_DATA_MAX + 8]; /* zeros up to a multiple of 8 */
};

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
	uint8_t ace;  /* Accurate ECN: the three flags of the SYN-ACK; 0: not agreed on */
	bool partial; /* the device completes checksums: so it must for the SYN-ACK */
	/* Where the next option is. In memory, where the kernel's verifier forgets the value: it
	 * would go through the options once for each that it can have. */
	volatile uint32_t next;
};

/* --- Reading ---------------------------------------------------------------------------------- */

ANSWER_INLINE bool answer_is6(const uint8_t *ip)
{
	return ip[0] >> 4 == 6;
}

/* The IP header; *total gets the packet's length. SYNACK: TCP follows, behind 20 or 40 bytes. */
ANSWER_INLINE enum answer_verdict answer_look_ip(const uint8_t *ip, uint32_t *total)
{
	if (answer_is6(ip)) {
		*total = ANSWER_IP6_LEN + be16_get(ip + 4);
		return ip[6] == IP_PROTO_TCP ? ANSWER_SYNACK : ANSWER_NO_SYN;
	}
	*total = be16_get(ip + 2);
	if (ip[0] >> 4 != 4 || ip[9] != IP_PROTO_TCP)
		return ANSWER_NO_SYN;
	if (ip[0] != IP4_PLAIN || be16_get(ip + 6) & (IP4_FLAG_MF | IP4_FRAG_OFF))
		return ANSWER_UNUSUAL;
	return ANSWER_SYNACK;
}

/* From the headers without options: is it a SYN that a front may answer? `len`: of the packet. */
ANSWER_INLINE enum answer_verdict answer_look(const uint8_t *ip, const uint8_t *tcp, uint32_t len)
{
	uint32_t total, hdrs;
	enum answer_verdict v = answer_look_ip(ip, &total);

	if (v != ANSWER_SYNACK)
		return v;
	if ((tcp[13] & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return ANSWER_NO_SYN;
	hdrs = (answer_is6(ip) ? ANSWER_IP6_LEN : IP4_HDR_LEN) + (tcp[12] >> 4) * 4u;
	if (tcp[13] & TCP_FIN || tcp[12] >> 4 < TCP_HDR_LEN / 4 || total > len || total < hdrs ||
	    total > hdrs + ANSWER_DATA_MAX)
		return ANSWER_UNUSUAL;
	return ANSWER_SYNACK;
}

/* Bytes behind the IP header. */
ANSWER_INLINE uint32_t answer_tcp_len(const uint8_t *ip)
{
	return answer_is6(ip) ? be16_get(ip + 4) : be16_get(ip + 2) - IP4_HDR_LEN;
}

ANSWER_INLINE bool answer_eq16(const uint8_t *a, const uint8_t *b)
{
	return csum_load64(a) == csum_load64(b) && csum_load64(a + 8) == csum_load64(b + 8);
}

/* As ip6_source_ok(). */
ANSWER_INLINE bool answer_source6_ok(const uint8_t *src)
{
	uint32_t last = be32_get(src + 12);

	if (src[0] == 0xff)
		return false;
	if (csum_load64(src) != 0)
		return true;
	return be32_get(src + 8) != 0xffff && (be32_get(src + 8) != 0 || last > 1);
}

/* May the packet's source send at all? */
ANSWER_INLINE bool answer_source_ok(const struct weir_front_rules *r, const uint8_t *ip)
{
	if (answer_is6(ip))
		return answer_source6_ok(ip + 8);
	if (!csum_good(csum_add20(0, ip)) || !ip4_source_ok(ip + 12))
		return false;
	for (uint32_t i = 0; i < WEIR_FRONT_GROUPS; i++)
		if (i < r->groups && csum_load32(r->group[i]) == csum_load32(ip + 12))
			return false;
	return true;
}

ANSWER_INLINE bool answer_is_to(const struct weir_front_listener *l, const uint8_t *ip)
{
	if (answer_is6(ip))
		return l->family == 6 && answer_eq16(l->addr, ip + 24);
	return l->family == 4 && csum_load32(l->addr) == csum_load32(ip + 16);
}

/* The listener's index; WEIR_FRONT_LISTENERS: none that is on. */
ANSWER_INLINE uint32_t answer_listener(const struct weir_front_rules *r,
				       const struct answer_syn *syn)
{
	for (uint32_t i = 0; i < WEIR_FRONT_LISTENERS; i++)
		if (i < r->listeners && r->listener[i].on &&
		    r->listener[i].port == be16_get(syn->tcp + 2) &&
		    answer_is_to(&r->listener[i], syn->ip))
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
ANSWER_INLINE int answer_options(struct answer *a, const uint8_t *tcp)
{
	uint32_t len = (tcp[12] >> 4) * 4u - TCP_HDR_LEN;

	for (uint32_t i = 0; i < TCP_OPT_MAX; i++) {
		uint32_t off = a->next, step = 1;
		const uint8_t *opt = tcp + TCP_HDR_LEN + (off & 63u);

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

ANSWER_INLINE uint64_t answer_sum_addrs(const uint8_t *ip)
{
	if (answer_is6(ip))
		return csum_add16(csum_add16(0, ip + 8), ip + 24);
	return (uint64_t)csum_load32(ip + 12) + csum_load32(ip + 16);
}

/* Is the checksum right, or left to the device? A SYN of a socket of this machine has the sum of
 * the pseudo-header alone in its place. If either could be meant, the engine is to look. */
ANSWER_INLINE bool answer_checksum_ok(struct answer *a, const struct answer_syn *syn)
{
	uint32_t len = answer_tcp_len(syn->ip), hdr = (syn->tcp[12] >> 4) * 4u;
	uint64_t pseudo = csum_add64(answer_sum_addrs(syn->ip),
				     (uint64_t)be32_in_memory(len) + be32_in_memory(IP_PROTO_TCP));
	uint64_t sum = pseudo;
	uint16_t field;
	bool good;

	for (uint32_t i = 0; i < 8; i++) /* to the end of the header, and zeros */
		sum = csum_add64(sum, csum_load64(syn->tcp + 8 * i));
	for (uint32_t i = 0; i < ANSWER_DATA_MAX && i < len - hdr; i += 8)
		sum = csum_add64(sum, csum_load64(syn->data + i));
	memcpy(&field, syn->tcp + TCP_CSUM_OFFSET, sizeof(field));
	good = csum_good(sum);
	a->partial = field == csum_fold(pseudo);
	return good != a->partial;
}

ANSWER_INLINE uint32_t answer_ip_ecn(const uint8_t *ip)
{
	return (answer_is6(ip) ? ip[1] >> 4 : ip[1]) & 3u;
}

ANSWER_INLINE void answer_ecn(struct answer *a, const struct weir_front_rules *r,
			      const struct answer_syn *syn)
{
	uint32_t ace = (syn->tcp[12] & TCP_AE ? 4u : 0) | (uint32_t)syn->tcp[13] >> 6;
	enum accecn_kind kind = accecn_kind_of(r->ecn, ace);

	if (kind == ACCECN_KIND_CLASSIC)
		a->found |= WEIR_FRONT_ECN;
	else if (kind == ACCECN_KIND_ACCURATE)
		a->ace = (uint8_t)accecn_handshake_ace(answer_ip_ecn(syn->ip));
}

/* The hash of the pair, local end first. */
ANSWER_INLINE uint64_t answer_pair(const struct weir_front_rules *r, const struct answer_syn *syn)
{
	uint8_t id[ISN_ID6_LEN];

	if (answer_is6(syn->ip)) {
		memcpy(id, syn->ip + 24, 16);
		memcpy(id + 16, syn->ip + 8, 16);
		memcpy(id + 32, syn->tcp + 2, 2);
		memcpy(id + 34, syn->tcp, 2);
		return isn_keyed6(r->isn_key, ISN_USE_PAIR, id);
	}
	memcpy(id, syn->ip + 16, 4);
	memcpy(id + 4, syn->ip + 12, 4);
	memcpy(id + 8, syn->tcp + 2, 2);
	memcpy(id + 10, syn->tcp, 2);
	return isn_keyed4(r->isn_key, ISN_USE_PAIR, id);
}

/* Reads a SYN on which answer_look() said ANSWER_SYNACK. */
ANSWER_INLINE enum answer_verdict answer_read(struct answer *a, const struct weir_front_rules *r,
					      const struct answer_syn *syn)
{
	*a = (struct answer){.mss = answer_is6(syn->ip) ? 1220 : 536}; /* RFC9293-MUST-15 */
	a->listener = answer_listener(r, syn);
	if (a->listener == WEIR_FRONT_LISTENERS)
		return ANSWER_ELSEWHERE;
	if (!answer_source_ok(r, syn->ip))
		return ANSWER_UNUSUAL;
	if (!answer_checksum_ok(a, syn))
		return ANSWER_CHECKSUM;
	if (answer_options(a, syn->tcp) != 0)
		return ANSWER_UNUSUAL;
	answer_ecn(a, r, syn);
	a->found &= r->options;
	a->pair = answer_pair(r, syn);
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

/* Where TSval is in the TCP header: behind MSS and SACK permitted, or in the order of BSD behind
 * the window scale, too. Constants, for the kernel lets nobody write where it sees no bound. */
#define ANSWER_TS_AT     28u
#define ANSWER_TS_AT_BSD 32u

ANSWER_INLINE uint64_t answer_put_ts(uint32_t at, uint8_t *tcp, uint32_t val, uint32_t ecr)
{
	if (at == ANSWER_TS_AT)
		return answer_put32(tcp + ANSWER_TS_AT, val) +
		       answer_put32(tcp + ANSWER_TS_AT + 4, ecr);
	if (at == ANSWER_TS_AT_BSD)
		return answer_put32(tcp + ANSWER_TS_AT_BSD, val) +
		       answer_put32(tcp + ANSWER_TS_AT_BSD + 4, ecr);
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

/* The TCP header, `ip_len` bytes into the form. */
ANSWER_INLINE void answer_write_tcp(const struct answer *a, const struct weir_front_rules *r,
				    const struct answer_syn *syn, uint64_t now_ms,
				    const struct weir_front_form *f, uint8_t *out, uint32_t ip_len)
{
	uint32_t irs = be32_get(syn->tcp + 4);
	seq_t iss = syncookie_make(r->cookie_key, a->pair, seq_make(irs), answer_tick(r, now_ms),
				   a->mss);
	uint64_t addrs = answer_sum_addrs(syn->ip), words;
	uint8_t *tcp = out + ip_len;

	words = answer_put32(tcp, (uint32_t)be16_get(syn->tcp + 2) << 16 | be16_get(syn->tcp));
	words += answer_put32(tcp + 4, iss.v);
	words += answer_put32(tcp + 8, irs + 1);
	if (a->ace)
		words += tcp_hdr_put_ace(tcp, a->ace);
	if (f->ts_at)
		words += answer_put_ts(f->ts_at - ip_len, tcp, answer_ts(a, now_ms), a->ts_val);
	answer_put_sum(tcp + TCP_CSUM_OFFSET,
		       a->partial ? csum_fold(csum_add64(addrs, f->pseudo_sum))
				  : csum_finish(csum_add64(addrs, words + f->tcp_sum)));
}

/* Writes the SYN-ACK (WEIR_FRONT_FORM_BYTES at most) that answers `syn`; returns its length. */
ANSWER_INLINE uint32_t answer_write(const struct answer *a, const struct weir_front_rules *r,
				    const struct answer_syn *syn, uint64_t now_ms, uint8_t *out)
{
	/* Without timestamps there is but the MSS. */
	uint32_t form = a->found & WEIR_FRONT_TS ? a->found & (WEIR_FRONT_FORMS - 1) : 0;
	const struct weir_front_form *f;

	if (answer_is6(syn->ip)) {
		f = &r->form6[form];
		memcpy(out, f->bytes, sizeof(f->bytes));
		memcpy(out + 8, syn->ip + 24, 16);
		memcpy(out + 24, syn->ip + 8, 16);
		answer_write_tcp(a, r, syn, now_ms, f, out, ANSWER_IP6_LEN);
		return f->len;
	}
	f = &r->form4[form];
	memcpy(out, f->bytes, sizeof(f->bytes));
	memcpy(out + 12, syn->ip + 16, 4);
	memcpy(out + 16, syn->ip + 12, 4);
	answer_put_sum(out + 10, csum_finish(f->ip4_sum + answer_sum_addrs(syn->ip)));
	answer_write_tcp(a, r, syn, now_ms, f, out, IP4_HDR_LEN);
	return f->len;
}

#endif
