/*
 * reasm.c: packets put together from fragments.
 *
 * Theory of operation
 *
 * TCP sends packets that may not be fragmented, but an old peer or a tunnel may still fragment what
 * it sends, and a host has to take that (RFC 1122 3.3.2, RFC 8200 5). Each packet that is in pieces
 * has a slot with room for the largest one. Units of 8 bytes are the grain of fragments, so a bit
 * for each tells what is there, and nothing has to be sorted: a piece is copied to its place.
 *
 *	put   finds the slot (source, destination, identification; for IPv4 the protocol too) or
 *	      takes a new one, if need be that of the oldest packet
 *	      a piece with a wrong length, or beyond 65,535 bytes, is dropped by itself
 *	      a piece that is there already, exactly, changes nothing
 *	      a piece that overlaps others ends the packet: what has come of it is thrown away and
 *	      what still comes is dropped until the 60 s are over (RFC 5722; done for IPv4, too)
 *	      all there: a header without options and extension headers is put in front, and the
 *	      packet goes through ip_in() like any other
 *	run   after 60 s from the first piece that came the packet is given up; its sender gets a
 *	      time exceeded if the piece with the upper layer's header was there
 *
 * ECN: a mark on any piece marks the packet; marked and not capable of marks together are an error
 * of somebody's, and the packet is dropped (RFC 3168 5.3).
 *
 * Limits: frags_max packets of about 68 KB. An attacker can keep honest fragments out by sending
 * first pieces; nothing but fragmented packets suffers. No ICMPv6 parameter problem is sent about
 * lengths (RFC 8200 says "should"): it would be an answer that an attacker chooses the size of.
 *
 * State: the slots. RFC 791 3.2, RFC 815, RFC 1122 3.3.2 (RFC1122-05), RFC 8200 4.5 (RFC8200-05).
 */
#include "net/reasm.h"

#include <string.h>

#include "wire/ip4.h"
#include "wire/ip6.h"

#define ECN_MASK    3u
#define ECN_NOT_ECT 0u
#define ECN_CE      3u

void reasm_init(struct reasm *r, struct arena *a, uint32_t count)
{
	*r = (struct reasm){.count = count};
	r->slot = arena_take(a, count * sizeof(*r->slot), 8);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *bytes = arena_carve(a, REASM_HDR_MAX + REASM_DATA_MAX, 8);

		if (r->slot)
			r->slot[i].bytes = bytes;
	}
}

static bool bit_get(const uint8_t *map, uint32_t n)
{
	return map[n / 8] >> n % 8 & 1;
}

static void bit_set(uint8_t *map, uint32_t n)
{
	map[n / 8] |= (uint8_t)(1u << n % 8);
}

static bool is_of(const struct reasm_slot *s, const struct ip_packet *p)
{
	return s->used && s->id == p->frag_id && s->src.family == p->src.family &&
	       (p->src.family == 6 || s->proto == p->proto) &&
	       !memcmp(s->src.bytes, p->src.bytes, sizeof(s->src.bytes)) &&
	       !memcmp(s->dst.bytes, p->dst.bytes, sizeof(s->dst.bytes));
}

static void give(struct reasm *r, struct reasm_slot *s)
{
	s->used = false;
	r->used--;
}

/* The slot of a packet, or a fresh one; of full slots the oldest. */
static struct reasm_slot *find(struct reasm *r, const struct ip_packet *p, weir_time now)
{
	struct reasm_slot *best = &r->slot[0];

	for (uint32_t i = 0; i < r->count; i++) {
		struct reasm_slot *s = &r->slot[i];

		if (is_of(s, p))
			return s;
		if (best->used && (!s->used || s->expires < best->expires))
			best = s;
	}
	r->used += !best->used;
	*best = (struct reasm_slot){
		.bytes = best->bytes,
		.src = p->src,
		.dst = p->dst,
		.id = p->frag_id,
		.expires = now + REASM_TIMEOUT_NS,
		.proto = p->proto,
		.tos = p->tos,
		.used = true,
	};
	return best;
}

/* Is the piece of `units` units at `first` there, as one piece and with these bytes? */
static bool is_there(const struct reasm_slot *s, const struct ip_packet *p, uint32_t first,
		     uint32_t units)
{
	if (!p->more_frags && s->total != p->frag_off + p->len)
		return false;
	for (uint32_t i = first; i < first + units; i++)
		if (!bit_get(s->have, i) || bit_get(s->starts, i) != (i == first))
			return false;
	if (p->more_frags && bit_get(s->have, first + units) && !bit_get(s->starts, first + units))
		return false; /* a part of a longer one */
	return !memcmp(s->bytes + REASM_HDR_MAX + p->frag_off, p->payload, p->len);
}

static bool overlaps(const struct reasm_slot *s, uint32_t first, uint32_t units)
{
	for (uint32_t i = first; i < first + units; i++)
		if (bit_get(s->have, i))
			return true;
	return false;
}

static void keep(struct reasm_slot *s, const struct ip_packet *p, uint32_t first, uint32_t units)
{
	uint32_t end = (uint32_t)(p->frag_off + p->len);

	memcpy(s->bytes + REASM_HDR_MAX + p->frag_off, p->payload, p->len);
	for (uint32_t i = first; i < first + units; i++)
		bit_set(s->have, i);
	bit_set(s->starts, first);
	s->got += (uint32_t)p->len;
	s->high = end > s->high ? end : s->high;
	s->total = p->more_frags ? s->total : end;
	s->ecn_seen |= (uint8_t)(1u << (p->tos & ECN_MASK));
	if (p->frag_off)
		return;
	s->proto = p->proto;
	s->tos = p->tos;
	s->quote_len = (uint8_t)(p->head_len < REASM_QUOTE_MAX ? p->head_len : REASM_QUOTE_MAX);
	memcpy(s->quote, p->head, s->quote_len);
}

/* Puts the header in front of the data. */
static void finish(struct reasm_slot *s, struct weir_frame *whole)
{
	uint8_t tos = s->tos;

	if (s->ecn_seen >> ECN_CE & 1)
		tos |= ECN_CE;
	if (s->src.family == 4) {
		struct ip4_hdr h = {
			.total_len = (uint16_t)(IP4_HDR_LEN + s->total),
			.tos = tos,
			.ttl = 1,
			.proto = s->proto,
		};

		memcpy(h.src, s->src.bytes, 4);
		memcpy(h.dst, s->dst.bytes, 4);
		whole->bytes = s->bytes + REASM_HDR_MAX - IP4_HDR_LEN;
		whole->len = IP4_HDR_LEN + s->total;
		ip4_emit(s->bytes + REASM_HDR_MAX - IP4_HDR_LEN, &h);
	} else {
		struct ip6_hdr h = {
			.payload_len = (uint16_t)s->total,
			.tclass = tos,
			.hop_limit = 1,
			.next = s->proto,
		};

		memcpy(h.src, s->src.bytes, 16);
		memcpy(h.dst, s->dst.bytes, 16);
		whole->bytes = s->bytes;
		whole->len = IP6_HDR_LEN + s->total;
		ip6_emit(s->bytes, &h);
	}
}

/* May the piece be one of the packet by its length and place? */
static bool fits(const struct ip_packet *p)
{
	uint32_t hdr = p->src.family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN;

	return p->len && (!p->more_frags || p->len % REASM_UNIT == 0) &&
	       hdr + p->frag_off + p->len <= REASM_DATA_MAX;
}

/* Does it contradict what is known of the packet's length? */
static bool contradicts(const struct reasm_slot *s, const struct ip_packet *p)
{
	uint32_t end = (uint32_t)(p->frag_off + p->len);

	if (s->total && (end > s->total || (!p->more_frags && end != s->total)))
		return true;
	return !p->more_frags && end < s->high;
}

enum weir_counter reasm_put(struct reasm *r, const struct ip_packet *p, weir_time now,
			    struct weir_frame *whole)
{
	uint32_t first = p->frag_off / REASM_UNIT;
	uint32_t units = (uint32_t)((p->len + REASM_UNIT - 1) / REASM_UNIT);
	struct reasm_slot *s;

	if (r->count == 0 || !fits(p))
		return WEIR_CTR_FRAGMENT_DROPPED;
	s = find(r, p, now);
	if (s->dead)
		return WEIR_CTR_FRAGMENT_DROPPED;
	if (is_there(s, p, first, units))
		return WEIR_CTR_IP_FRAGMENT;
	if (contradicts(s, p) || overlaps(s, first, units)) {
		s->dead = true;
		s->quote_len = 0;
		return WEIR_CTR_FRAGMENT_DROPPED;
	}
	keep(s, p, first, units);
	if (!s->total || s->got != s->total)
		return WEIR_CTR_IP_FRAGMENT;
	give(r, s);
	if (s->ecn_seen >> ECN_CE & 1 && s->ecn_seen >> ECN_NOT_ECT & 1)
		return WEIR_CTR_FRAGMENT_DROPPED;
	*whole = (struct weir_frame){0};
	finish(s, whole);
	return WEIR_CTR_ACCEPTED;
}

const struct reasm_slot *reasm_expire(struct reasm *r, weir_time now)
{
	for (uint32_t i = 0; r->used && i < r->count; i++)
		if (r->slot[i].used && r->slot[i].expires <= now) {
			give(r, &r->slot[i]);
			return &r->slot[i];
		}
	return NULL;
}

weir_time reasm_next(const struct reasm *r)
{
	weir_time next = WEIR_NEVER;

	for (uint32_t i = 0; r->used && i < r->count; i++)
		if (r->slot[i].used && r->slot[i].expires < next)
			next = r->slot[i].expires;
	return next;
}
