/*
 * cut.c: what of a storm is left out, as numbers, as text, and in a plan.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/storm/plan.h"

static const struct {
	const char *name, *text;
} parts[] = {
#define X(name, id, text) [STORM_##name] = {id, text},
#include "sim/storm/parts.def"
#undef X
};

const char *storm_part_name(enum storm_part p)
{
	return parts[p].name;
}

const char *storm_part_text(enum storm_part p)
{
	return parts[p].text;
}

/* --- In a plan ---------------------------------------------------------------------------------
 */

static bool leaves_out(const struct storm_cut *cut, enum storm_part p)
{
	return cut->without >> p & 1;
}

static void cut_link(struct sim_link_config *l, const struct storm_cut *cut)
{
	if (leaves_out(cut, STORM_LOSS))
		l->loss_ppm = 0;
	if (leaves_out(cut, STORM_BURST))
		l->burst_ppm = 0;
	if (leaves_out(cut, STORM_DUP))
		l->dup_ppm = 0;
	if (leaves_out(cut, STORM_REORDER))
		l->reorder_ppm = 0;
	if (leaves_out(cut, STORM_CORRUPT))
		l->corrupt_ppm = 0;
	if (leaves_out(cut, STORM_QUEUE))
		l->rate_bits = l->queue_bytes = 0;
	if (leaves_out(cut, STORM_ECN))
		l->ecn_ppm = 0;
	if (leaves_out(cut, STORM_ICMP))
		l->error_ppm = 0;
}

static void cut_tables(struct weir_config *c)
{
	struct weir_config roomy;

	weir_config_default(&roomy);
	c->conns_max = c->halfs_max = c->half_source_max = c->timewaits_max = STORM_TALKS_MAX;
	c->pages_max = 1024;
	c->ranges_max = 512;
	c->ranges_conn_max = roomy.ranges_conn_max;
	c->replies_max = 128;
}

/* The defaults, but for what belongs to the device, and the tables. */
static void cut_settings(struct sim_host_config *h)
{
	struct weir_config had = h->stack, *c = &h->stack;

	sim_stack_config(c, 0);
	memcpy(c->hash_key, had.hash_key, sizeof(c->hash_key));
	memcpy(c->isn_key, had.isn_key, sizeof(c->isn_key));
	c->conns_max = had.conns_max;
	c->halfs_max = had.halfs_max;
	c->half_source_max = had.half_source_max;
	c->timewaits_max = had.timewaits_max;
	c->pages_max = had.pages_max;
	c->ranges_max = had.ranges_max;
	c->ranges_conn_max = had.ranges_conn_max;
	c->replies_max = had.replies_max;
	h->device.mtu = 1500;
}

static void cut_host(struct sim_host_config *h, const struct storm_cut *cut)
{
	if (leaves_out(cut, STORM_TABLES))
		cut_tables(&h->stack);
	if (leaves_out(cut, STORM_SETTINGS))
		cut_settings(h);
	if (leaves_out(cut, STORM_OFFLOAD)) {
		h->device.gso = SIM_GSO_NONE;
		h->device.csum = SIM_CSUM_NONE;
		h->device.gso_max = 0;
	}
}

static void cut_end(struct sim_plan *p, const struct storm_cut *cut)
{
	if (p->total > cut->bytes)
		p->total = cut->bytes;
	if (leaves_out(cut, STORM_UNRULY) && p->close == SIM_CLOSE_ABORT)
		p->close = SIM_CLOSE_SHUTDOWN;
	if (leaves_out(cut, STORM_STALL))
		p->stall_ns = p->write_gap_ns = p->read_gap_ns = 0;
	if (leaves_out(cut, STORM_MEDDLE))
		p->meddle_ppm = 0;
	if (leaves_out(cut, STORM_URGENT))
		p->urgent_ppm = 0;
}

static void cut_talk(struct sim_talk_spec *t, unsigned n, const struct storm_cut *cut)
{
	t->skip = !(cut->talks >> n & 1) || (t->hasty && leaves_out(cut, STORM_AGAIN)) ||
		  (t->open == SIM_OPEN_BOTH && leaves_out(cut, STORM_BOTH));
	if (leaves_out(cut, STORM_UNRULY))
		t->reply = SIM_REPLY_ACCEPT;
	cut_end(&t->plan[0], cut);
	cut_end(&t->plan[1], cut);
}

static bool keeps_trouble(const struct sim_trouble *t, unsigned n, const struct storm_cut *cut)
{
	if (!(cut->troubles >> n & 1))
		return false;
	switch (t->kind) {
	case SIM_TROUBLE_CRASH:
		return !leaves_out(cut, STORM_CRASH);
	case SIM_TROUBLE_DEAF:
		return !leaves_out(cut, STORM_DEAF);
	case SIM_TROUBLE_CUT:
		return !leaves_out(cut, STORM_CUT);
	case SIM_TROUBLE_MTU:
		return !leaves_out(cut, STORM_MTU);
	}
	return true;
}

void storm_plan_cut(struct storm_plan *p, const struct storm_cut *cut)
{
	unsigned kept = 0;

	for (unsigned from = 0; from < p->hosts; from++) {
		cut_host(&p->host[from], cut);
		for (unsigned to = 0; to < p->hosts; to++)
			cut_link(&p->link[from][to], cut);
	}
	for (unsigned n = 0; n < p->talks; n++)
		cut_talk(&p->talk[n], n, cut);
	for (unsigned n = 0; n < p->troubles; n++)
		if (keeps_trouble(&p->trouble[n], n, cut))
			p->trouble[kept++] = p->trouble[n];
	p->troubles = kept;
	if (leaves_out(cut, STORM_FORGE))
		p->forge_ppm = 0;
}

/* --- As text -----------------------------------------------------------------------------------
 */

/* Length of the item at `text`; *next is what follows its comma, NULL: nothing. */
static size_t item(const char *text, const char **next)
{
	const char *comma = strchr(text, ',');

	*next = comma != NULL ? comma + 1 : NULL;
	return comma != NULL ? (size_t)(comma - text) : strlen(text);
}

int storm_read_parts(const char *text, uint32_t *out)
{
	const char *next;

	for (*out = 0; text != NULL; text = next) {
		size_t len = item(text, &next);
		unsigned p = 0;

		while (p < STORM_PART_COUNT &&
		       (strlen(parts[p].name) != len || strncmp(parts[p].name, text, len) != 0))
			p++;
		if (p == STORM_PART_COUNT)
			return -1;
		*out |= 1u << p;
	}
	return 0;
}

int storm_read_numbers(const char *text, unsigned max, uint64_t *out)
{
	const char *next;

	for (*out = 0; text != NULL; text = next) {
		size_t len = item(text, &next);
		unsigned value = 0;

		if (len == 0 || len > 3)
			return -1;
		for (size_t i = 0; i < len; i++) {
			if (text[i] < '0' || text[i] > '9')
				return -1;
			value = value * 10 + (unsigned)(text[i] - '0');
		}
		if (value >= max)
			return -1;
		*out |= 1ull << value;
	}
	return 0;
}

struct text {
	char *out;
	size_t len, used;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	if (t->used >= t->len)
		return;
	va_start(args, format);
	n = vsnprintf(t->out + t->used, t->len - t->used, format, args);
	va_end(args);
	t->used += (size_t)n;
}

/* " --option 1,4,5": those of the first `count` bits that are set, unless all are. */
static void add_numbers(struct text *t, const char *option, uint64_t bits, unsigned count)
{
	uint64_t all = count == 64 ? UINT64_MAX : (1ull << count) - 1;
	const char *between = " ";

	if ((bits & all) == all)
		return;
	add(t, " %s", option);
	for (unsigned n = 0; n < count; n++)
		if (bits >> n & 1) {
			add(t, "%s%u", between, n);
			between = ",";
		}
	if ((bits & all) == 0)
		add(t, " none");
}

void storm_write_cut(char *out, size_t len, const struct storm_cut *cut,
		     const struct storm_result *whole)
{
	struct text t = {.out = out, .len = len};
	const char *between = " --without ";

	out[0] = '\0';
	for (unsigned p = 0; p < STORM_PART_COUNT; p++)
		if (cut->without >> p & 1) {
			add(&t, "%s%s", between, parts[p].name);
			between = ",";
		}
	add_numbers(&t, "--talks", cut->talks, whole->talks);
	add_numbers(&t, "--troubles", cut->troubles, whole->troubles);
	if (cut->bytes != UINT64_MAX)
		add(&t, " --bytes %" PRIu64, cut->bytes);
	if (cut->until != 0)
		add(&t, " --until %" PRIu64, cut->until);
}
