/*
 * synack.h: SYN-ACKs of half-open records and of cookies, written at once from a form.
 *
 * Under a flood a SYN-ACK is what the stack does most, and all but a few of its words are always
 * the same. So it is written when the SYN comes in, as the packet that goes out later.
 */
#ifndef WEIR_STACK_SYNACK_H
#define WEIR_STACK_SYNACK_H

#include "stack/reply.h"
#include "wire/checksum.h"

#define SYNACK_ECN    8u  /* beside the options: ECE is set, for ECN is agreed on */
#define SYNACK_ACCECN 16u /* the option of Accurate ECN */

/* What differs from one SYN-ACK to the next. */
struct synack {
	const struct weir_tuple *tuple;
	seq_t iss, irs;          /* ours and the peer's initial sequence number */
	uint32_t ts_val, ts_ecr; /* not looked at without HALF_TS */
	unsigned agreed;         /* HALF_TS, HALF_SACK, HALF_WSCALE: the options beside the MSS;
				  * SYNACK_ECN, SYNACK_ACCECN */
	unsigned ace;            /* Accurate ECN's flags, as one number */
	enum weir_state state;   /* for the trace ... */
	uint32_t flow;           /* ... as this */
};

/* Works out the forms, once for all, since no setting changes. */
void synack_init(struct weir_stack *s);

/* Puts a SYN-ACK among the replies; if the ring is full, REPLY_DROPPED is counted. */
static inline void synack_reply(struct weir_stack *s, const struct synack *a,
				enum weir_counter why);

/* Reads a packet that was written so. */
void synack_read(const struct weir_packet *p, struct weir_tuple *tuple, struct tcp_seg *seg);

/* --- Inlines: filling in a form --------------------------------------------------------------- */

#define SYNACK_IP4_CSUM_OFFSET 10u
#define SYNACK_IP4_ADDRS       12u
#define SYNACK_IP6_ADDRS       8u

/* Writes a word and returns it as part of a sum. Sums of words do not overflow here: there are
 * fewer than 2^32 of them. */
static inline uint64_t synack_fill32(uint8_t *at, uint32_t v)
{
	uint32_t word = be32_in_memory(v);

	memcpy(at, &word, sizeof(word));
	return word;
}

static inline void synack_put_sum(uint8_t *at, uint16_t sum)
{
	memcpy(at, &sum, sizeof(sum));
}

/* Writes the addresses, and the checksum of IPv4; returns the addresses' sum. */
static inline uint64_t synack_fill_ip(uint8_t *bytes, const struct synack_form *f,
				      const struct weir_tuple *t)
{
	const uint8_t *local = t->local.addr.bytes, *remote = t->remote.addr.bytes;
	uint64_t sum;

	if (t->local.addr.family == 6) {
		memcpy(bytes + SYNACK_IP6_ADDRS, local, 16);
		memcpy(bytes + SYNACK_IP6_ADDRS + 16, remote, 16);
		return csum_add16(csum_add16(0, local), remote);
	}
	memcpy(bytes + SYNACK_IP4_ADDRS, local, 4);
	memcpy(bytes + SYNACK_IP4_ADDRS + 4, remote, 4);
	sum = (uint64_t)csum_load32(local) + csum_load32(remote);
	synack_put_sum(bytes + SYNACK_IP4_CSUM_OFFSET, csum_finish(f->ip4_sum + sum));
	return sum;
}

/* Adds flags to the two bytes of data offset and flags, which have none of ECN; returns what the
 * sum grows by. */
static inline uint64_t synack_fill_ace(uint8_t *tcp, unsigned ace)
{
	const uint8_t more[4] = {(uint8_t)(ace >> 2), (uint8_t)((ace & 3) << 6)};

	tcp[12] |= more[0];
	tcp[13] |= more[1];
	return csum_load32(more);
}

static inline void synack_fill(const struct weir_stack *s, uint8_t *bytes,
			       const struct synack_form *f, const struct synack *a)
{
	const struct weir_tuple *t = a->tuple;
	uint8_t *tcp = bytes + f->l4_start;
	uint64_t addrs = synack_fill_ip(bytes, f, t), words;

	words = synack_fill32(tcp, (uint32_t)t->local.port << 16 | t->remote.port);
	words += synack_fill32(tcp + 4, a->iss.v);
	words += synack_fill32(tcp + 8, a->irs.v + 1);
	if (a->ace)
		words += synack_fill_ace(tcp, a->ace);
	if (f->ts_at) {
		words += synack_fill32(bytes + f->ts_at, a->ts_val);
		words += synack_fill32(bytes + f->ts_at + 4, a->ts_ecr);
	}
	if (s->cfg.link_csum_offload)
		synack_put_sum(tcp + TCP_CSUM_OFFSET, csum_fold(csum_add64(addrs, f->pseudo_sum)));
	else
		synack_put_sum(tcp + TCP_CSUM_OFFSET,
			       csum_finish(csum_add64(addrs, words + f->tcp_sum)));
}

static inline void synack_reply(struct weir_stack *s, const struct synack *a, enum weir_counter why)
{
	const struct synack_form *f = a->tuple->local.addr.family == 4 ? &s->synack4[a->agreed]
								       : &s->synack6[a->agreed];
	struct reply *r = reply_take(s, why);

	if (!r)
		return;
	r->kind = REPLY_WRITTEN;
	r->state = a->state;
	r->flow = a->flow;
	r->form = f;
	memcpy(r->bytes, f->bytes, sizeof(f->bytes));
	synack_fill(s, r->bytes, f, a);
}

#endif
