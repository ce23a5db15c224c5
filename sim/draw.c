/*
 * draw.c: hosts, links and plans, drawn at random.
 *
 * The choices are skewed to where mistakes hide: nothing sent at all, one byte, a window smaller
 * than a segment, buffers of odd sizes, tables that are too small.
 */
#include "sim/draw.h"

#include <string.h>

#define MS           1000000u
#define SMALL_STREAM 2048u

void sim_stack_config(struct weir_config *cfg, uint64_t seed)
{
	weir_config_default(cfg);
	cfg->conns_max = 8;
	cfg->halfs_max = 8;
	cfg->timewaits_max = 8;
	cfg->listeners_max = 4;
	cfg->pages_max = 512;
	cfg->ranges_max = 256;
	cfg->replies_max = 64;
	cfg->half_source_max = 8;
	cfg->half_retries = 10;
	cfg->sources_max = 16; /* few hosts; every step checks them all */
	cfg->orphan_retries =
		0; /* a closed stream arrives whole, however bad the link: R2 is the end */
	for (unsigned i = 0; i < 2; i++) {
		uint64_t a = sim_mix(seed + 2 * i), b = sim_mix(seed + 2 * i + 1);

		memcpy(cfg->hash_key + 8 * i, &a, 8);
		memcpy(cfg->isn_key + 8 * i, &b, 8);
	}
}

void sim_host_addrs(struct sim_host_config *cfg, unsigned number)
{
	uint8_t n = (uint8_t)(number + 1);

	cfg->addr[0] = (struct weir_addr){4, {10, 0, (uint8_t)((number + 1) >> 8), n}};
	cfg->addr[1] = (struct weir_addr){6, {0xfd, 0}};
	cfg->addr[1].bytes[14] = (uint8_t)((number + 1) >> 8);
	cfg->addr[1].bytes[15] = n;
	cfg->addr_count = 2;
}

/* --- Hosts ------------------------------------------------------------------------------------ */

static uint64_t pick_buffer(struct sim_rng *r)
{
	static const uint32_t sizes[] = {600, 1460, 2048, 4096, 5000, 8192, 16384, 65535, 262144};

	return PICK(r, sizes);
}

static void pick_offload(struct sim_rng *r, struct sim_device *d)
{
	static const uint32_t limits[] = {9000, 20000, 65535};

	d->csum = sim_rng_chance(r, SIM_PPM / 2) ? SIM_CSUM_OFFLOAD : SIM_CSUM_NONE;
	d->gso = SIM_GSO_NONE;
	d->gso_max = 0;
	if (d->csum == SIM_CSUM_NONE || sim_rng_chance(r, SIM_PPM / 3))
		return;
	d->gso = sim_rng_chance(r, SIM_PPM / 3) ? SIM_GSO_PASS : SIM_GSO_CUT;
	d->gso_max = PICK(r, limits);
	if (d->gso_max < d->mtu)
		d->gso_max = 65535;
}

/* Settings that differ from the default in one run of eight each. */
static void pick_rare(struct sim_rng *r, struct weir_config *c)
{
	if (sim_rng_below(r, 8) == 0)
		c->rto_min_ms = 1000;
	if (sim_rng_below(r, 8) == 0)
		c->quickacks = 0;
	if (sim_rng_below(r, 8) == 0)
		c->delack_ms = sim_rng_below(r, 2) * 400;
	if (sim_rng_below(r, 8) == 0)
		c->initial_cwnd = sim_rng_range(r, 1, 4);
	if (sim_rng_below(r, 8) == 0)
		c->mss = sim_rng_range(r, 100, 536);
	if (sim_rng_below(r, 8) == 0)
		c->persist_max_ms = sim_rng_range(r, 1000, 5000);
	if (sim_rng_below(r, 8) == 0)
		c->ooo_ack_ms = 0;
	if (sim_rng_below(r, 8) == 0)
		c->dupthresh = sim_rng_range(r, 1, 5);
	c->cc = sim_rng_below(r, 3);
	if (sim_rng_below(r, 4) == 0)
		c->pacing = sim_rng_below(r, 3);
	if (sim_rng_below(r, 8) == 0)
		c->hystart = 0;
	if (sim_rng_below(r, 8) == 0)
		c->rack = 0;
	if (sim_rng_below(r, 8) == 0)
		c->tlp = 0;
	if (sim_rng_below(r, 8) == 0)
		c->frto = 0;
	if (sim_rng_below(r, 8) == 0)
		c->undo = 0;
}

/* Congestion control of every kind, and what finds losses with parts switched off. */
static void pick_recovery(struct sim_rng *r, struct weir_config *c)
{
	c->cc = sim_rng_below(r, 3);
	c->ecn = sim_rng_below(r, 5);
	if (sim_rng_below(r, 3) == 0)
		c->pacing = sim_rng_below(r, 3);
	if (sim_rng_below(r, 8) == 0)
		c->hystart = 0;
	if (sim_rng_below(r, 8) == 0)
		c->rack = 0;
	if (sim_rng_below(r, 8) == 0)
		c->tlp = 0;
	if (sim_rng_below(r, 8) == 0)
		c->frto = 0;
	if (sim_rng_below(r, 8) == 0)
		c->undo = 0;
}

/* Tables that are too small for what happens: work is refused, nothing established is harmed. Not
 * the TIME-WAIT table: a record that ends early cannot repeat a last ACK that was lost. */
static void pick_scarce(struct sim_rng *r, struct weir_config *c)
{
	if (sim_rng_below(r, 10) == 0)
		c->pages_max = sim_rng_range(r, 8, 32);
	if (sim_rng_below(r, 12) == 0)
		c->ranges_max = 16;
	if (sim_rng_below(r, 12) == 0)
		c->sends_max = 16;
	if (sim_rng_below(r, 12) == 0)
		c->ranges_conn_max = sim_rng_range(r, 1, 4);
	if (sim_rng_below(r, 12) == 0)
		c->replies_max = 16;
}

void sim_draw_host(struct sim_rng *r, struct sim_host_config *cfg, unsigned number, uint8_t family,
		   uint64_t seed)
{
	static const uint32_t mtus4[] = {576,  577,  1006, 1500,  1500,
					 1500, 4352, 9000, 65520, 65535};
	static const uint32_t mtus6[] = {1280, 1281, 1500, 1500, 1500, 4352, 9000, 65520, 65535};
	struct weir_config *c = &cfg->stack;

	memset(cfg, 0, sizeof(*cfg));
	sim_stack_config(c, sim_mix(seed ^ number));
	sim_host_addrs(cfg, number);
	cfg->device.mtu = family == 4 ? PICK(r, mtus4) : PICK(r, mtus6);
	pick_offload(r, &cfg->device);
	c->timestamps = sim_rng_below(r, 3) > 0;
	c->window_scaling = sim_rng_below(r, 3) > 0;
	c->sack = sim_rng_below(r, 3) > 0;
	c->synopt_bsd = sim_rng_below(r, 2);
	c->sndbuf = pick_buffer(r);
	c->rcvbuf = pick_buffer(r);
	c->nagle = sim_rng_below(r, 4) > 0;
	pick_rare(r, c);
	pick_recovery(r, c);
	pick_scarce(r, c);
}

/* --- Links ------------------------------------------------------------------------------------ */

static uint32_t pick_ppm(struct sim_rng *r, uint32_t max)
{
	return sim_rng_below(r, 3) == 0 ? 0 : (uint32_t)sim_rng_below(r, max + 1);
}

void sim_draw_link(struct sim_rng *r, struct sim_link_config *cfg)
{
	static const uint64_t rates[] = {0, 0, 1000000, 10000000, 100000000, 1000000000};
	static const uint32_t delays_us[] = {1, 50, 500, 5000, 20000, 100000, 300000};

	memset(cfg, 0, sizeof(*cfg));
	cfg->dead_from = WEIR_NEVER;
	cfg->rate_bits = PICK(r, rates);
	cfg->delay_ns = 1000ull * PICK(r, delays_us);
	cfg->queue_bytes = sim_rng_below(r, 2) ? sim_rng_range(r, 140000, 400000) : 0;
	cfg->loss_ppm = pick_ppm(r, 50000);
	cfg->corrupt_ppm = pick_ppm(r, 30000);
	cfg->dup_ppm = pick_ppm(r, 50000);
	cfg->reorder_ppm = pick_ppm(r, sim_rng_below(r, 12) ? 100000 : 700000);
	cfg->spread_ns = sim_rng_below(r, 4) ? cfg->delay_ns : 10 * cfg->delay_ns;
}

/* --- Plans ------------------------------------------------------------------------------------ */

static uint64_t pick_total(struct sim_rng *r)
{
	switch (sim_rng_below(r, 20)) {
	case 0:
	case 1:
	case 2:
		return 0;
	case 3:
		return 1;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
		return sim_rng_range(r, 1, 1500);
	case 18:
		return sim_rng_range(r, 1, 40000);
	case 19:
		return sim_rng_range(r, 1, 131072);
	default:
		return sim_rng_range(r, 1, 10000);
	}
}

static void pick_pace(struct sim_rng *r, uint32_t *min, uint32_t *max, uint64_t *gap_ns)
{
	static const uint32_t sizes[] = {1, 7, 100, 536, 1460, 4096, SIM_WRITE_MAX};

	*min = 1;
	*max = PICK(r, sizes);
	if (sim_rng_below(r, 2))
		*min = *max;
	*gap_ns = 0;
	if (sim_rng_below(r, 4) == 0)
		*gap_ns = sim_rng_range(r, 1, 300 * (uint64_t)MS);
}

void sim_draw_plan(struct sim_rng *r, struct sim_plan *p)
{
	memset(p, 0, sizeof(*p));
	p->total = pick_total(r);
	pick_pace(r, &p->write_min, &p->write_max, &p->write_gap_ns);
	pick_pace(r, &p->read_min, &p->read_max, &p->read_gap_ns);
	if (sim_rng_below(r, 6) == 0) {
		p->stall_at = sim_rng_below(r, 3) ? sim_rng_below(r, 4000) : 1;
		p->stall_ns = sim_rng_range(r, MS, 20000 * (uint64_t)MS);
	}
	p->urgent_ppm = sim_rng_below(r, 10) ? 0 : 100000;
	p->more_ppm = sim_rng_below(r, 6) ? 0 : 500000;
	p->start = sim_rng_below(r, 2) ? SIM_START_AT_ONCE : SIM_START_CONNECTED;
	p->close = sim_rng_below(r, 4) ? SIM_CLOSE_SHUTDOWN : SIM_CLOSE_SHUT_ONLY;
	p->write = sim_rng_below(r, 3) ? SIM_WRITE_SEND : SIM_WRITE_RESERVE;
	p->nodelay = sim_rng_below(r, 4) == 0;
	p->keepalive = sim_rng_below(r, 8) == 0;
}

/* Keeps a run short: slow paces get small streams, in both directions of reading and writing. */
void sim_draw_bound(struct sim_plan p[2])
{
	for (unsigned side = 0; side < 2; side++) {
		bool slow = p[side].write_gap_ns != 0 || p[!side].read_gap_ns != 0;
		bool tiny = p[side].write_max < 100 || p[!side].read_max < 100;

		if ((slow || tiny) && p[side].total > SMALL_STREAM)
			p[side].total = SMALL_STREAM;
	}
}

/* How the two ends end, so that both streams can still be whole. */
void sim_draw_ends(struct sim_rng *r, struct sim_plan p[2])
{
	unsigned side = (unsigned)sim_rng_below(r, 2);

	switch (sim_rng_below(r, 6)) {
	case 0: /* the side waits for the other's end and then closes once */
		p[side].close = SIM_CLOSE_LAST;
		break;
	case 1: /* half-close: the side answers only after the other's end */
		p[side].start = SIM_START_EOF;
		break;
	case 2: /* nothing comes the other way, so that reading may be given up */
		p[side].close = SIM_CLOSE_EARLY;
		p[side].start = SIM_START_CONNECTED;
		p[!side].total = 0;
		/* FIN-WAIT-2 without a holder ends by a timer: the peer must not take long. */
		p[!side].read_gap_ns = p[!side].stall_ns = 0;
		break;
	default:
		break;
	}
}

weir_time sim_draw_start(struct sim_rng *r)
{
	switch (sim_rng_below(r, 3)) {
	case 0: /* milliseconds in 32 bits are about to wrap */
		return ((1ull << 32) - sim_rng_below(r, 3000)) * MS;
	case 1:
		return sim_rng_below(r, 5000) * MS;
	default:
		return sim_rng_below(r, 1ull << 60);
	}
}
