/*
 * Theory of operation
 *
 * A front (weir/front.h) answers SYNs to listeners in cookie mode before they come here. What it
 * must know and what it changes for us:
 *
 * The rules. Keys, clock, addresses and the sixteen forms of the SYN-ACK that cookies have
 * (synack.c) are copied as they are; `on` says for which listeners cookies_wanted() is true now. A
 * listener whose accept queue is full, that accepts held, or that is not on one address and port
 * is never on. A number counts the changes.
 *
 * Owners. A SYN of a pair with a connection, a record or a TIME-WAIT record is ours: a challenge
 * ACK, the SYN-ACK once more, the reuse of the pair. demux.c tells of every insert and remove, and
 * the slot of the pair's hash counts. A count of 255 stays for ever: it can no longer be known when
 * it would be 0. A slot that says "owned" of a pair that is not costs a look by us; the other error
 * cannot happen but in the moment in which the pair changes hands.
 *
 * Spent cookies (spent.h) forbid a cookie, too. They cannot be taken back one by one, so a slot has
 * the tick in which one was last noted, as a byte: after 255 ticks it is taken for new for two more
 * ticks, which again costs no more than a look.
 *
 * The mode. It begins by records; with a front no SYN comes here to make any, and those that there
 * are run out, so records alone would end the mode while the flood goes on, a thousand SYNs later
 * begin it again, and so on. Therefore a SYN that the front answered counts for a record until its
 * handshake completes or until the life of a record is over (pressure_life_ms(), 63 s), in slices
 * of an eighth of that. The mode ends when records and these together are fewer than
 * cookie_off_pct, that is when without cookies the queue would stay that empty: then a steady rate
 * of SYNs cannot begin it again.
 *
 * A cookie sent by the front counts as sent here: answered_ms is read when an ACK asks, for the
 * ACK may be here before any report.
 */
#include "stack/front.h"

#include "base/assert.h"
#include "stack/cookies.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/listeners.h"
#include "stack/pressure.h"
#include "stack/synack.h"

_Static_assert(WEIR_FRONT_TS == HALF_TS && WEIR_FRONT_SACK == HALF_SACK &&
		       WEIR_FRONT_WSCALE == HALF_WSCALE && WEIR_FRONT_ECN == SYNACK_ECN &&
		       WEIR_FRONT_FORMS == SYNACK_ACCECN && WEIR_FRONT_FORMS <= SYNACK_FORMS,
	       "a front chooses forms as we do, and no cookie has the option of Accurate ECN");
_Static_assert(WEIR_FRONT_GROUPS == NETIF_ADDRS_MAX, "each address may have a broadcast address");

#define SLOTS_EACH 16u        /* for each bucket of the owners' table */
#define SLOTS_MAX  (1u << 22) /* 8 MB */

uint32_t weir_front_slots(const struct weir_stack *s)
{
	uint64_t n = (uint64_t)SLOTS_EACH * (s->bucket_mask + 1ull);

	return n < SLOTS_MAX ? (uint32_t)n : SLOTS_MAX;
}

/* --- Owners --------------------------------------------------------------------------------- */

static void tuple_of(const struct weir_stack *s, uint32_t ref, struct weir_tuple *out)
{
	const struct half_slot *h;
	const struct timewait_slot *w;

	switch (ref_kind(ref)) {
	case REF_CONN:
		*out = ((struct conn *)pool_at(&s->conns, ref_slot(ref)))->tuple;
		break;
	case REF_HALF:
		h = half_at(s, ref_slot(ref));
		pair_key_tuple(s, &h->key, half_family(h), out);
		break;
	case REF_TIMEWAIT:
		w = pool_at(&s->timewaits, ref_slot(ref));
		pair_key_tuple(s, &w->key, timewait_family(w), out);
		break;
	}
}

static void own_all(struct weir_stack *s)
{
	struct weir_tuple t;

	for (uint32_t i = 0; i <= s->bucket_mask; i++) {
		for (uint32_t r = s->buckets[i]; r != REF_NONE; r = demux_next(s, r)) {
			tuple_of(s, r, &t);
			front_own(s, demux_hash(s, &t));
		}
	}
}

static void stamp(struct weir_stack *s, uint32_t slot)
{
	s->front.slots[slot].spent = WEIR_FRONT_STAMP(cookies_tick(s));
}

void front_note_spent(struct weir_stack *s, uint64_t hash)
{
	if (s->front.slots)
		stamp(s, isn_pair_secret(hash) & s->front.slot_mask);
}

bool front_may_be_spent(struct weir_stack *s, uint64_t hash)
{
	uint32_t tick = cookies_tick(s);
	uint8_t spent;

	if (!s->front.slots)
		return true;
	spent = s->front.slots[isn_pair_secret(hash) & s->front.slot_mask].spent;
	return spent == WEIR_FRONT_STAMP(tick) || spent == WEIR_FRONT_STAMP(tick - 1);
}

enum weir_err weir_front_open(struct weir_stack *s, const struct weir_front_args *args)
{
	if (s->front.slots)
		return WEIR_EXISTS;
	if (!args->slot_count || args->slot_count & (args->slot_count - 1))
		return WEIR_BAD_ARG;
	s->front.slots = args->slots;
	s->front.slot_mask = args->slot_count - 1;
	s->front.answered_ms = args->answered_ms;
	own_all(s);
	for (uint32_t i = 0; spent_any(&s->spent) && i < args->slot_count; i++)
		stamp(s, i); /* whose they are is not known any more */
	front_rules_changed(s);
	return WEIR_OK;
}

void weir_front_close(struct weir_stack *s)
{
	if (!s->front.slots)
		return;
	for (uint32_t i = 0; i < s->listeners_top && i < WEIR_FRONT_LISTENERS; i++) {
		struct listener *l = &s->listeners[i];

		if (!front_sent_lately(s, l))
			continue;
		l->cookie_sent = true; /* what it sent may still come back */
		l->cookie_sent_at = s->now;
	}
	s->front = (struct front){.serial = s->front.serial + 1};
}

/* --- What it answered ------------------------------------------------------------------------- */

static struct front_load *load_of(struct weir_stack *s, const struct listener *l)
{
	uint32_t i = (uint32_t)(l - s->listeners);

	return i < WEIR_FRONT_LISTENERS ? &s->front.load[i] : NULL;
}

static uint64_t now_ms(const struct weir_stack *s)
{
	return s->now / NS_PER_MS;
}

static uint64_t slice_now(const struct weir_stack *s)
{
	return now_ms(s) / (pressure_life_ms(s) / (FRONT_SLICES - 1) + 1);
}

/* Slices that are over give their place to the present one and those between. */
static void turn(const struct weir_stack *s, struct front_load *load)
{
	uint64_t now = slice_now(s);

	if (now - load->slice >= FRONT_SLICES)
		load->slice = now - FRONT_SLICES; /* all are */
	while (load->slice != now)
		load->count[++load->slice % FRONT_SLICES] = 0;
}

void front_forget_listener(struct weir_stack *s, const struct listener *l)
{
	struct front_load *load = load_of(s, l);

	front_rules_changed(s);
	if (load)
		*load = (struct front_load){.since_ms = now_ms(s)};
}

bool front_sent_lately(const struct weir_stack *s, const struct listener *l)
{
	uint32_t i = (uint32_t)(l - s->listeners);
	uint64_t at, now = now_ms(s);

	if (!s->front.slots || i >= WEIR_FRONT_LISTENERS)
		return false;
	at = s->front.answered_ms[i];
	if (!at || at < s->front.load[i].since_ms)
		return false;
	return at >= now || now - at < cookies_life_ms(s);
}

void front_completed(struct weir_stack *s, const struct listener *l)
{
	struct front_load *load = load_of(s, l);

	if (s->front.slots && load)
		load->completed++;
}

uint64_t front_spared(const struct weir_stack *s, const struct listener *l)
{
	uint32_t i = (uint32_t)(l - s->listeners);
	uint64_t sum = 0, now = slice_now(s);
	const struct front_load *load = &s->front.load[i];

	if (!s->front.slots || i >= WEIR_FRONT_LISTENERS)
		return 0;
	for (uint64_t k = 0; k < FRONT_SLICES && k <= load->slice; k++)
		if (load->slice + FRONT_SLICES - k > now)
			sum += load->count[(load->slice - k) % FRONT_SLICES];
	return sum;
}

/* `n` that were counted have completed: the latest, with a short round trip. */
static void uncount(struct front_load *load, uint64_t n)
{
	for (uint64_t k = 0; k < FRONT_SLICES && k <= load->slice; k++) {
		uint64_t *count = &load->count[(load->slice - k) % FRONT_SLICES];
		uint64_t some = n < *count ? n : *count;

		*count -= some;
		n -= some;
	}
}

/* What has completed is uncounted only here: an ACK may be here before the report of its SYN. */
void weir_front_report(struct weir_stack *s, unsigned i, uint64_t count, weir_time now)
{
	struct front_load *load;

	weir_assert(i < WEIR_FRONT_LISTENERS);
	load = &s->front.load[i];
	stack_clock(s, now);
	*stack_counter(s, WEIR_CTR_FRONT_COOKIE) += count;
	turn(s, load);
	load->count[load->slice % FRONT_SLICES] += count;
	uncount(load, load->completed);
	load->completed = 0;
}

/* --- The rules -------------------------------------------------------------------------------- */

static bool may_be_on(const struct weir_stack *s, const struct listener *l)
{
	return l->used && l->mode == WEIR_ACCEPT_EARLY && l->local.addr.family != 0 &&
	       l->local.port != 0 && l->pending < l->backlog && cookies_on(s);
}

uint32_t weir_front_update(struct weir_stack *s, weir_time now)
{
	uint32_t on = 0;

	stack_clock(s, now);
	if (!s->front.slots)
		return s->front.serial;
	for (uint32_t i = 0; i < s->listeners_top && i < WEIR_FRONT_LISTENERS; i++)
		if (may_be_on(s, &s->listeners[i]) && cookies_wanted(s, &s->listeners[i]))
			on |= 1u << i;
	if (on != s->front.on) {
		s->front.on = on;
		front_rules_changed(s);
	}
	return s->front.serial;
}

bool weir_front_is_on(const struct weir_stack *s)
{
	return s->front.on != 0;
}

static void copy_form(struct weir_front_form *out, const struct synack_form *f)
{
	*out = (struct weir_front_form){
		.len = f->len,
		.ts_at = f->ts_at,
		.ip4_sum = f->ip4_sum,
		.tcp_sum = f->tcp_sum,
		.pseudo_sum = f->pseudo_sum,
	};
	memcpy(out->bytes, f->bytes, sizeof(out->bytes));
}

static void copy_addresses(const struct weir_stack *s, struct weir_front_rules *out)
{
	for (uint32_t i = 0; i < s->listeners_top && i < WEIR_FRONT_LISTENERS; i++) {
		struct weir_front_listener *l = &out->listener[i];

		memcpy(l->addr, s->listeners[i].local.addr.bytes, sizeof(l->addr));
		l->family = s->listeners[i].local.addr.family;
		l->port = s->listeners[i].local.port;
		l->on = s->front.on >> i & 1;
		out->listeners = i + 1;
	}
	for (unsigned i = 0; i < s->netif.count; i++)
		if (s->netif.own[i].broadcast != NETIF_BROADCAST)
			be32_put(out->group[out->groups++], s->netif.own[i].broadcast);
}

void weir_front_rules_get(const struct weir_stack *s, struct weir_front_rules *out)
{
	const struct weir_config *cfg = &s->cfg;

	*out = (struct weir_front_rules){
		.tick_ms = cfg->cookie_tick_ms,
		.epoch_ms = cfg->cookie_epoch_ms - WEIR_FRONT_LAG_MS,
		.slot_mask = s->front.slot_mask,
		.ecn = (uint32_t)cfg->ecn,
	};
	memcpy(out->isn_key, cfg->isn_key, sizeof(out->isn_key));
	memcpy(out->cookie_key, s->cookie_key[0], sizeof(out->cookie_key));
	out->options = (cfg->timestamps ? WEIR_FRONT_TS : 0) | (cfg->sack ? WEIR_FRONT_SACK : 0) |
		       (cfg->window_scaling ? WEIR_FRONT_WSCALE : 0) |
		       (cfg->ecn ? WEIR_FRONT_ECN : 0);
	copy_addresses(s, out);
	for (unsigned i = 0; i < WEIR_FRONT_FORMS; i++) {
		copy_form(&out->form4[i], &s->synack4[i]);
		copy_form(&out->form6[i], &s->synack6[i]);
	}
}
