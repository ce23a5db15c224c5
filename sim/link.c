/*
 * link.c: a one-way path.
 *
 * Theory of operation
 *
 * A packet that is offered goes through the stages of a real path, in this order: the black hole
 * (from `dead_from` on, or while the link is cut, nothing arrives), a router that refuses it or
 * finds it too big, chance loss, alone or in a run, the queue in front of the rate (a packet that
 * would make more than `queue_bytes` wait is dropped: drop-tail), serialisation (len * 8 / rate,
 * after what was accepted before), propagation. Then chance decides whether the packet is held back
 * by up to `spread_ns` (later packets overtake it: reordering), whether a copy follows within
 * `spread_ns`, and for each of the two whether it is damaged. Without chance a link is a FIFO.
 *
 * The state is the generator and the end of the last serialisation; a backlog in bytes follows from
 * the latter, so no queue exists.
 *
 * What damage may be. The simulator demands that every stream arrives intact, so damage must be
 * such that the internet checksum is certain to show it; what it cannot show is a property of the
 * checksum and not of the engine. Inverting the bits of a run of at most 15 bits changes the sum of
 * 16-bit words by d * 2^k modulo 65,535, where d is a sum of +-2^i over the inverted bits, i from 0
 * to 14: d is not 0, as the highest inverted bit outweighs all others together, |d| < 65,535, and
 * 2^k has an inverse modulo 65,535. So the sum differs, wherever the run lies, across a word's
 * border too. (A run of 16 bits can turn 0x0000 into 0xffff, which has the same sum.)
 *
 * Two fields are left out, as the argument does not cover them: the payload length and the next
 * header of IPv6, which no header checksum protects (RFC 8200 8.1). A smaller length cuts bytes off
 * what is summed, another next header means other bytes at another place: such packets pass one
 * time in 65,536. The rest of the IPv6 header is either in the pseudo-header (addresses), or has no
 * meaning to the receiver (traffic class, flow label, hop limit), or shows at once (version).
 */
#include "sim/link.h"

#include <string.h>

#define DAMAGE_BITS_MAX       15u
#define IP6_UNPROTECTED_FIRST 4u /* payload length, 2 bytes, and next header */
#define IP6_UNPROTECTED_LAST  6u
#define BURST_NS              300000000u
#define ECN_CE                3u /* of two bits (RFC 3168 5): 0 not capable, 1 and 2 capable */
#define ECN_SHIFT6            4u /* where they lie in the second byte of an IPv6 header */

void sim_link_init(struct sim_link *l, const struct sim_link_config *cfg, uint64_t seed)
{
	memset(l, 0, sizeof(*l));
	l->cfg = *cfg;
	sim_rng_seed(&l->rng, seed);
	sim_rng_seed(&l->luck, ~seed);
}

/* Bytes that wait for the rate at `now`. */
static uint64_t backlog_bytes(const struct sim_link *l, weir_time now)
{
	if (l->cfg.rate_bits == 0 || l->busy_until <= now)
		return 0;
	return (uint64_t)((double)(l->busy_until - now) * (double)l->cfg.rate_bits / 8e9);
}

/* Takes the packet into the queue and returns when it arrives. */
static weir_time transmit(struct sim_link *l, weir_time now, size_t len)
{
	weir_time start = l->busy_until > now ? l->busy_until : now;

	if (l->cfg.rate_bits != 0)
		start += (uint64_t)len * 8u * 1000000000u / l->cfg.rate_bits;
	l->busy_until = start;
	return start + l->cfg.delay_ns;
}

static void add_copy(struct sim_link *l, struct sim_fate *out, weir_time at)
{
	bool damaged = sim_rng_chance(&l->rng, l->cfg.corrupt_ppm);

	out->copy[out->copies].at = at;
	out->copy[out->copies].damaged = damaged;
	out->copies++;
	l->stats.copies++;
	l->stats.damaged += damaged;
}

/* Is it lost with others in a row? */
static bool in_burst(struct sim_link *l, weir_time now)
{
	if (now >= l->burst_until)
		l->burst_left = 0;
	if (l->burst_left == 0 && sim_rng_chance(&l->luck, l->cfg.burst_ppm)) {
		l->burst_left = (uint32_t)sim_rng_range(&l->luck, 1, l->cfg.burst_max);
		l->burst_until = now + BURST_NS;
	}
	if (l->burst_left == 0)
		return false;
	l->burst_left--;
	return true;
}

/* What a router says about it, if it has no way for it. */
static enum sim_fate_kind ask_router(struct sim_link *l, weir_time now, size_t piece,
				     struct sim_fate *out)
{
	out->tells = false;
	if (now >= l->cfg.dead_from || l->cut) {
		l->stats.swallowed++;
		out->error = SIM_ICMP_HOST;
		out->tells = l->cut && !l->cfg.silent && sim_rng_chance(&l->luck, SIM_PPM / 4);
		return SIM_FATE_SWALLOWED;
	}
	if (l->cfg.mtu != 0 && piece > l->cfg.mtu) {
		l->stats.too_big++;
		out->error = SIM_ICMP_TOO_BIG;
		out->tells = !l->cfg.silent;
		return SIM_FATE_TOO_BIG;
	}
	if (sim_rng_chance(&l->luck, l->cfg.error_ppm)) {
		l->stats.refused++;
		out->error = (enum sim_icmp_kind)sim_rng_below(&l->luck, l->cfg.error_last + 1);
		out->tells = true;
		return SIM_FATE_REFUSED;
	}
	return SIM_FATE_ARRIVES;
}

/* The stages that end a packet, in their order. */
static enum sim_fate_kind pass_stages(struct sim_link *l, weir_time now, size_t len, size_t piece,
				      struct sim_fate *out)
{
	enum sim_fate_kind kind = ask_router(l, now, piece, out);

	if (kind != SIM_FATE_ARRIVES)
		return kind;
	if (sim_rng_chance(&l->rng, l->cfg.loss_ppm) || in_burst(l, now)) {
		l->stats.lost++;
		return SIM_FATE_LOST;
	}
	if (l->cfg.queue_bytes != 0 && backlog_bytes(l, now) + len > l->cfg.queue_bytes) {
		l->stats.overflowed++;
		return SIM_FATE_OVERFLOWED;
	}
	return SIM_FATE_ARRIVES;
}

void sim_link_decide(struct sim_link *l, weir_time now, size_t len, size_t piece,
		     struct sim_fate *out)
{
	weir_time at;

	out->copies = 0;
	l->stats.packets++;
	l->stats.bytes += len;
	out->kind = pass_stages(l, now, len, piece, out);
	if (out->kind != SIM_FATE_ARRIVES)
		return;
	out->marked = sim_rng_chance(&l->luck, l->cfg.ecn_ppm);
	l->stats.marked += out->marked;
	at = transmit(l, now, len);
	if (sim_rng_chance(&l->rng, l->cfg.reorder_ppm)) {
		at += 1 + sim_rng_below(&l->rng, l->cfg.spread_ns);
		l->stats.reordered++;
	}
	add_copy(l, out, at);
	if (sim_rng_chance(&l->rng, l->cfg.dup_ppm)) {
		l->stats.duplicated++;
		add_copy(l, out, at + sim_rng_below(&l->rng, l->cfg.spread_ns + 1));
	}
}

void sim_link_mark(struct sim_link *l, struct sim_frame *f)
{
	bool v4 = f->bytes[0] >> 4 == 4;
	unsigned shift = v4 ? 0 : ECN_SHIFT6;
	uint8_t had = (uint8_t)(f->bytes[1] >> shift & ECN_CE);
	uint8_t mark = (uint8_t)sim_rng_below(&l->luck, ECN_CE + 1);

	if (had != 0 && sim_rng_below(&l->luck, 4) != 0)
		mark = ECN_CE;
	f->bytes[1] = (uint8_t)((f->bytes[1] & ~(ECN_CE << shift)) | mark << shift);
	if (v4)
		sim_frame_sum_ip4(f);
}

/* May a run of bits begin at bit `first` and end at bit `last`? See above. */
static bool may_damage(const struct sim_frame *f, uint64_t first, uint64_t last)
{
	if (f->bytes[0] >> 4 != 6)
		return true;
	return last < IP6_UNPROTECTED_FIRST * 8u || first >= (IP6_UNPROTECTED_LAST + 1) * 8u;
}

void sim_link_damage(struct sim_link *l, struct sim_frame *f)
{
	uint64_t run, first;

	do {
		run = sim_rng_chance(&l->rng, SIM_PPM / 2)
			      ? 1
			      : sim_rng_range(&l->rng, 1, DAMAGE_BITS_MAX);
		first = sim_rng_below(&l->rng, (uint64_t)f->len * 8u - run + 1);
	} while (!may_damage(f, first, first + run - 1));
	for (uint64_t bit = first; bit < first + run; bit++) {
		bool ends = bit == first || bit == first + run - 1;

		if (ends || sim_rng_chance(&l->rng, SIM_PPM / 2))
			f->bytes[bit / 8] ^= (uint8_t)(0x80u >> (bit % 8));
	}
}
