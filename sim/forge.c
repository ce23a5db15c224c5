/*
 * forge.c: packets that must do no harm.
 *
 * Theory of operation
 *
 * Each forgery is made from the segment that was just seen, with its addresses, ports and right
 * checksums, and with what the tap knows of the connection (sim_wire_end), so that it lies just
 * beside what would be heeded:
 *
 *   RST          right of everything sent so far, so never at RCV.NXT (RFC 5961 3.2)
 *   SYN          left of the window (RFC 5961 4.2); not to a TIME-WAIT record, which a SYN with a
 *                newer timestamp may end (RFC 6191)
 *   ACK too new  acknowledges what will not be sent; with payload, which must go too (RFC 5961 5.2)
 *   old data     other bytes in the place of those that were acknowledged
 *   far data     beyond any window
 *   no ACK       FIN, payload and everything but ACK, SYN and RST
 *   malformed    a data offset or an option length that is wrong
 *   cut short    the first bytes of the packet
 *   fragment     a fragment of IPv4
 *   ICMP         host unreachable, quoting the segment seen: a soft error (RFC 9293 MUST-56)
 *   ICMP MTU     too big, with a smaller MTU that is allowed: the sender cuts smaller and goes on
 *
 * All arrive at once, before what was seen, so that what the tap knows still holds.
 */
#include "sim/forge.h"

#include <string.h>

#include "base/be.h"
#include "sim/icmp.h"
#include "wire/ip6.h"

#define FAR_AWAY    0x10000000u /* beyond any window here */
#define GARBAGE_MAX 100u

struct draft {
	struct sim_forge *forge;
	const struct sim_frame *seen;
	const struct sim_packet *pk;
	const struct sim_wire_end *from, *to; /* of the segment seen */
	uint16_t mtu;                         /* of the sender's device */
	bool back;                            /* goes to the sender */
};

void sim_forge_init(struct sim_forge *f, uint64_t seed, uint32_t ppm)
{
	memset(f, 0, sizeof(*f));
	sim_rng_seed(&f->rng, ~seed);
	f->ppm = ppm;
}

/* A segment like the one seen, with `len` bytes of garbage as payload and no options beyond its
 * own; the caller changes what it wants and calls sim_frame_sum(). */
static struct sim_frame *alike(const struct draft *d, uint32_t len)
{
	uint32_t head = d->pk->l4_start + d->pk->tcp.hdr_len;
	struct sim_frame *f = sim_frame_new(head + len);
	uint8_t *tcp = f->bytes + d->pk->l4_start;

	memcpy(f->bytes, d->seen->bytes, head);
	for (uint32_t i = 0; i < len; i++)
		f->bytes[head + i] = (uint8_t)sim_rng_next(&d->forge->rng);
	if (d->pk->src.addr.family == 4)
		be16_put(f->bytes + 2, (uint16_t)f->len);
	else
		be16_put(f->bytes + 4, (uint16_t)(f->len - IP6_HDR_LEN));
	tcp[13] = TCP_ACK;
	be16_put(tcp + 18, 0);
	return f;
}

static uint8_t *tcp_of(const struct draft *d, struct sim_frame *f)
{
	return f->bytes + d->pk->l4_start;
}

static struct sim_frame *forge_rst(const struct draft *d)
{
	struct sim_frame *f = alike(d, 0);
	uint32_t beyond = 1 + (uint32_t)sim_rng_below(&d->forge->rng, 2000);

	be32_put(tcp_of(d, f) + 4, d->from->nxt + beyond);
	tcp_of(d, f)[13] = TCP_RST;
	return f;
}

static struct sim_frame *forge_syn(const struct draft *d)
{
	struct sim_frame *f = alike(d, 0);

	be32_put(tcp_of(d, f) + 4,
		 d->from->iss - 1 - (uint32_t)sim_rng_below(&d->forge->rng, 1000));
	tcp_of(d, f)[13] = TCP_SYN;
	return f;
}

static struct sim_frame *forge_ack_too_new(const struct draft *d)
{
	struct sim_frame *f = alike(d, (uint32_t)sim_rng_below(&d->forge->rng, GARBAGE_MAX));

	be32_put(tcp_of(d, f) + 8, d->to->nxt + FAR_AWAY);
	return f;
}

static struct sim_frame *forge_old_data(const struct draft *d)
{
	uint32_t have = d->to->ack - d->from->iss - 1;
	uint32_t len = have < GARBAGE_MAX ? have : GARBAGE_MAX;
	struct sim_frame *f = alike(d, len);

	be32_put(tcp_of(d, f) + 4, d->to->ack - len);
	return f;
}

static struct sim_frame *forge_far_data(const struct draft *d)
{
	struct sim_frame *f = alike(d, GARBAGE_MAX);

	be32_put(tcp_of(d, f) + 4, d->from->nxt + FAR_AWAY);
	return f;
}

static struct sim_frame *forge_no_ack(const struct draft *d)
{
	struct sim_frame *f = alike(d, (uint32_t)sim_rng_below(&d->forge->rng, GARBAGE_MAX));

	tcp_of(d, f)[13] = (uint8_t)sim_rng_next(&d->forge->rng) &
			   (uint8_t) ~(TCP_ACK | TCP_SYN | TCP_RST);
	return f;
}

static struct sim_frame *forge_malformed(const struct draft *d)
{
	struct sim_frame *f = alike(d, 8);
	uint8_t *tcp = tcp_of(d, f);

	if (d->pk->tcp.hdr_len > TCP_HDR_LEN && sim_rng_below(&d->forge->rng, 2)) {
		memset(tcp + TCP_HDR_LEN, 1, d->pk->tcp.hdr_len - TCP_HDR_LEN);
		tcp[TCP_HDR_LEN] = 8; /* timestamps ... */
		tcp[TCP_HDR_LEN + 1] = (uint8_t)sim_rng_below(&d->forge->rng, 10); /* not 10 */
	} else {
		tcp[12] = (uint8_t)(sim_rng_below(&d->forge->rng, 5) << 4);
	}
	return f;
}

static struct sim_frame *forge_cut_short(const struct draft *d)
{
	struct sim_frame *f = alike(d, 0);

	sim_frame_sum(f, d->pk->l4_start);
	f->len = (uint32_t)sim_rng_below(&d->forge->rng, f->len);
	return f;
}

static struct sim_frame *forge_fragment(const struct draft *d)
{
	struct sim_frame *f = alike(d, 16);

	if (d->pk->src.addr.family == 4)
		be16_put(f->bytes + 6, sim_rng_below(&d->forge->rng, 2) ? 0x2000 : 0x0004);
	else
		f->bytes[6] = 44; /* a fragment header, which the TCP header makes no sense as */
	return f;
}

static struct sim_frame *forge_too_big(const struct draft *d)
{
	uint32_t least = d->pk->src.addr.family == 4 ? 552 : 1280;
	uint32_t mtu =
		(uint32_t)sim_rng_range(&d->forge->rng, least, d->mtu > least ? d->mtu : least);

	return sim_icmp_make(d->seen, d->pk, SIM_ICMP_TOO_BIG, mtu, SIM_ICMP_FROM_END);
}

enum forgery {
	FORGE_RST,
	FORGE_SYN,
	FORGE_ACK_TOO_NEW,
	FORGE_OLD_DATA,
	FORGE_FAR_DATA,
	FORGE_NO_ACK,
	FORGE_MALFORMED,
	FORGE_CUT_SHORT,
	FORGE_FRAGMENT,
	FORGE_ICMP_UNREACH,
	FORGE_ICMP_TOO_BIG,
	FORGE_COUNT
};

static struct sim_frame *draw_up(struct draft *d, enum forgery kind)
{
	d->back = kind == FORGE_ICMP_UNREACH || kind == FORGE_ICMP_TOO_BIG;
	switch (kind) {
	case FORGE_RST:
		return forge_rst(d);
	case FORGE_SYN:
		return forge_syn(d);
	case FORGE_ACK_TOO_NEW:
		return forge_ack_too_new(d);
	case FORGE_OLD_DATA:
		return forge_old_data(d);
	case FORGE_FAR_DATA:
		return forge_far_data(d);
	case FORGE_NO_ACK:
		return forge_no_ack(d);
	case FORGE_MALFORMED:
		return forge_malformed(d);
	case FORGE_CUT_SHORT:
		return forge_cut_short(d);
	case FORGE_FRAGMENT:
		return forge_fragment(d);
	case FORGE_ICMP_UNREACH:
		return sim_icmp_make(d->seen, d->pk, SIM_ICMP_HOST, 0, SIM_ICMP_FROM_END);
	case FORGE_ICMP_TOO_BIG:
		return forge_too_big(d);
	case FORGE_COUNT:
		break;
	}
	return NULL;
}

static bool joined(const struct sim_wire_end *a, const struct sim_wire_end *b)
{
	return a->has_irs && b->has_irs && a->irs == b->iss && b->irs == a->iss && b->has_ack &&
	       a->past == NULL && b->past == NULL;
}

/* A SYN must meet a connection, one that nothing ends but FINs: a listener would answer it, and a
 * TIME-WAIT record may. `side` is the one whose segment was seen. */
static bool may_take_syn(const struct sim_world *w, const struct sim_talk *t, unsigned side)
{
	const struct sim_wire_end *from = &t->wire[side], *to = &t->wire[!side];
	bool over = from->has_fin && seq_gt(seq_make(to->ack), seq_make(from->fin));

	return t->spec.expect == SIM_EXPECT_INTACT && t->end[!side].phase == SIM_PHASE_OPEN &&
	       !over && to->boot == w->talks.boot[t->spec.host[!side]];
}

void sim_forge_beside(struct sim_forge *f, struct sim_world *w, unsigned from,
		      const struct sim_frame *seen)
{
	struct draft d = {.forge = f, .seen = seen};
	struct sim_packet pk;
	const struct sim_talk *t;
	struct sim_frame *forgery;
	enum forgery kind;
	unsigned side, to;

	if (!sim_rng_chance(&f->rng, f->ppm) || sim_packet_read(&pk, seen) != SIM_PACKET_TCP)
		return;
	t = sim_talks_find(&w->talks, &pk.src, &pk.dst, &side);
	/* Both ends have said who they are, and no older life of the pair is about. */
	if (t == NULL || !joined(&t->wire[side], &t->wire[!side]) ||
	    t->wire[side].life != seen->life)
		return;
	d.pk = &pk;
	d.from = &t->wire[side];
	d.to = &t->wire[!side];
	d.mtu = (uint16_t)w->host[from].cfg.device.mtu;
	kind = (enum forgery)sim_rng_below(&f->rng, FORGE_COUNT);
	if (kind == FORGE_SYN && !may_take_syn(w, t, side))
		return;
	forgery = draw_up(&d, kind);
	if (!d.back && kind != FORGE_CUT_SHORT)
		sim_frame_sum(forgery, pk.l4_start);
	f->forged++;
	to = t->spec.host[!side];
	sim_world_inject(w, d.back ? to : from, d.back ? from : to, forgery, 0);
}
