/*
 * Theory of operation
 *
 * A listener sends SYN cookies while half-open records are short: it begins when cookie_on_pct of
 * its backlog or of all records are in use, and ends when fewer than cookie_off_pct are. Records
 * that were made before stay and are served as ever; so do SYNs that come for them again.
 *
 * An ACK that nobody owns may answer a cookie. It is looked at only if this listener sent one
 * within the life of a cookie (or cookie_shared says that others send them too): at any other time
 * no guess can make a connection. With the right number, for the sequence number before its own,
 * it makes the connection at once and is then given to it, with its data.
 *
 * Nothing is kept for a cookie, so nothing tells an ACK that comes again from the first. While the
 * connection lives, it takes the repeated ACK; afterwards a record remembers, until no cookie of
 * that time is good any more, what was acknowledged (timewaits.h), and the ACK is refused. A record
 * that must make room leaves its mark (spent.h).
 *
 * A front (front.c) may answer SYNs in the listener's place: what it sends counts as sent here.
 *
 * Accurate ECN needs no room in a cookie: the flags of the third segment, which tell how the
 * SYN-ACK came, say that it was agreed on. Its option is left out: an answer to a forged SYN stays
 * small.
 *
 * A SYN that reuses a TIME-WAIT pair gets a record, never a cookie: its initial number must lie
 * beyond the old ones (RFC 1122 4.2.2.13).
 */
#include "stack/cookies.h"

#include <string.h>

#include "base/hash.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/synack.h"
#include "tcp/emit.h"
#include "tcp/isn.h"
#include "tcp/syncookie.h"
#include "tcp/window.h"

/* A key that the caller did not give: from the other secret, by a use of its own. */
static void key_from_isn_key(const uint8_t isn_key[16], uint8_t out[16])
{
	static const uint8_t use[2] = {'c', 'C'};

	for (unsigned i = 0; i < 2; i++) {
		uint64_t h = siphash24(isn_key, &use[i], 1);

		memcpy(out + 8 * i, &h, 8);
	}
}

void cookies_init(struct weir_stack *s)
{
	static const uint8_t none[16];

	memcpy(s->cookie_key[0], s->cfg.cookie_key, 16);
	if (!memcmp(s->cookie_key[0], none, 16))
		key_from_isn_key(s->cfg.isn_key, s->cookie_key[0]);
	s->cookie_keys = 1;
}

void weir_cookie_keys_set(struct weir_stack *s, const uint8_t now[16], const uint8_t before[16])
{
	memcpy(s->cookie_key[0], now, 16);
	s->cookie_keys = 1;
	front_rules_changed(s);
	if (!before)
		return;
	memcpy(s->cookie_key[1], before, 16);
	s->cookie_keys = 2;
}

/* The slow clock is read for each SYN, so it is divided by only when it moves. */
static void tick_renew(struct weir_stack *s)
{
	uint64_t clock_ms = s->now / NS_PER_MS + s->cfg.cookie_epoch_ms;
	uint64_t left_ms = s->cfg.cookie_tick_ms - clock_ms % s->cfg.cookie_tick_ms;

	s->cookie_tick = (uint32_t)(clock_ms / s->cfg.cookie_tick_ms);
	s->cookie_tick_end = (s->now / NS_PER_MS + left_ms) * NS_PER_MS;
}

uint32_t cookies_tick(struct weir_stack *s)
{
	if (s->now >= s->cookie_tick_end)
		tick_renew(s);
	return s->cookie_tick;
}

/* --- The SYN ------------------------------------------------------------------------------ */

static inline __attribute__((always_inline)) enum weir_counter answer(struct weir_stack *s,
								      struct listener *l,
								      const struct newcomer *n,
								      enum accecn_kind ecn)
{
	const struct tcp_opts *o = &n->seg->opts;
	unsigned options = half_options_of(&s->cfg, o);
	struct tcp_agreed agreed = {
		.snd_wscale = o->wscale,
		.wscale_ok = options & HALF_WSCALE,
		.sack_ok = options & HALF_SACK,
		.ecn_ok = ecn == ACCECN_KIND_CLASSIC,
	};
	uint16_t mss = o->has_mss ? o->mss : stack_mss_default(n->tuple->local.addr.family);
	struct synack a = {.tuple = n->tuple, .irs = n->seg->seq, .state = WEIR_STATE_LISTEN};

	l->cookie_sent = true;
	l->cookie_sent_at = s->now;
	a.iss = syncookie_make(s->cookie_key[0], n->hash, n->seg->seq, cookies_tick(s), mss);
	if (options & HALF_TS) { /* which carry the rest; else there is but the MSS */
		a.agreed = options | (agreed.ecn_ok ? SYNACK_ECN : 0);
		a.ts_val = syncookie_ts(tcp_ts_clock(s->now, isn_pair_ts_offset(n->hash)), &agreed);
		a.ts_ecr = o->ts_val;
	}
	if (ecn == ACCECN_KIND_ACCURATE)
		a.ace = accecn_handshake_ace(n->seg->ip_ecn);
	synack_reply(s, &a, WEIR_CTR_SENT_COOKIE);
	return WEIR_CTR_SYN_COOKIE;
}

enum weir_counter cookies_answer(struct weir_stack *s, struct listener *l, const struct newcomer *n)
{
	enum accecn_kind ecn = accecn_asked(&s->cfg, n->seg);

	/* Most ask for nothing, and have a copy without all that is about ECN. */
	return ecn ? answer(s, l, n, ecn) : answer(s, l, n, ACCECN_KIND_NONE);
}

/* --- The ACK ------------------------------------------------------------------------------ */

static bool sent_lately(const struct weir_stack *s, const struct listener *l)
{
	if (l->cookie_sent && s->now - l->cookie_sent_at < cookies_life_ms(s) * NS_PER_MS)
		return true;
	return front_sent_lately(s, l);
}

static bool right(struct weir_stack *s, const struct newcomer *n, uint16_t *mss)
{
	seq_t irs = seq_sub(n->seg->seq, 1), cookie = seq_sub(n->seg->ack, 1);

	for (unsigned k = 0; k < s->cookie_keys; k++)
		if (syncookie_check(s->cookie_key[k], n->hash, irs, cookies_tick(s), cookie, mss))
			return true;
	return false;
}

/* RFC 9768 5.1: only who was answered with Accurate ECN has these flags on the third segment. */
static void read_ecn(const struct weir_stack *s, const struct tcp_seg *seg, struct tcp_agreed *out)
{
	out->accurate = s->cfg.ecn >= ACCECN_SETTING_ASK && tcp_ace(seg) >= 2;
}

static void read_agreed(const struct weir_stack *s, const struct tcp_seg *seg, uint16_t mss,
			struct tcp_agreed *out)
{
	*out = (struct tcp_agreed){.mss = mss};
	read_ecn(s, seg, out);
	if (!seg->opts.has_ts || !s->cfg.timestamps)
		return;
	out->ts_ok = true;
	syncookie_ts_read(seg->opts.ts_ecr, out);
	out->sack_ok = out->sack_ok && s->cfg.sack;
	out->ecn_ok = out->ecn_ok && s->cfg.ecn;
	out->accurate = out->accurate && !out->ecn_ok;
	out->wscale_ok = out->wscale_ok && s->cfg.window_scaling;
	if (out->wscale_ok)
		out->rcv_wscale = halfs_shift(s);
	else
		out->snd_wscale = 0;
}

static struct conn *open_conn(struct weir_stack *s, struct listener *l, const struct newcomer *n,
			      uint16_t mss)
{
	const struct tcp_seg *seg = n->seg;
	struct tcb_passive p = {
		.iss = seq_sub(seg->ack, 1),
		.irs = seq_sub(seg->seq, 1),
		.snd_wnd = seg->wnd,
		.rcv_wnd = halfs_window(s),
		.ts_recent = seg->opts.ts_val,
		.ts_offset = isn_pair_ts_offset(n->hash),
	};
	struct conn *c = conn_new(s, n->tuple, 0);

	read_agreed(s, seg, mss, &p.agreed);
	c->by_cookie = true;
	c->cookie_end_ms = fifo_due(s->now, cookies_life_ms(s));
	c->listener = (uint32_t)(l - s->listeners);
	l->pending++;
	tcb_open_passive(&c->tcb, &s->env, &p, s->now);
	tcb_event(&c->tcb, WEIR_EV_ACCEPTED);
	++*stack_counter(s, WEIR_CTR_OPENED_COOKIE);
	front_completed(s, l);
	return c;
}

/* May it answer a cookie at all? */
static bool may_answer(const struct weir_stack *s, const struct listener *l,
		       const struct tcp_seg *seg)
{
	return !(seg->flags & TCP_SYN) && l->mode == WEIR_ACCEPT_EARLY && s->cfg.cookies != 0 &&
	       (sent_lately(s, l) || s->cfg.cookie_shared);
}

bool cookies_good(struct weir_stack *s, const struct listener *l, const struct newcomer *n)
{
	uint16_t mss;

	return may_answer(s, l, n->seg) && right(s, n, &mss) && !cookies_spent(s, n->hash);
}

enum weir_counter cookies_take(struct weir_stack *s, struct listener *l, const struct newcomer *n,
			       const seq_t *used, struct conn **conn)
{
	uint16_t mss;

	if (!may_answer(s, l, n->seg))
		return WEIR_CTR_LISTEN_ACK;
	if (!right(s, n, &mss))
		return WEIR_CTR_COOKIE_BAD;
	if ((used && seq_eq(*used, n->seg->ack)) || cookies_spent(s, n->hash))
		return WEIR_CTR_COOKIE_REPLAYED;
	if (l->pending >= l->backlog)
		return WEIR_CTR_ACCEPT_FULL;
	if (s->conns.used == s->conns.count)
		return WEIR_CTR_HALF_NO_CONN;
	*conn = open_conn(s, l, n, mss);
	return WEIR_CTR_ACCEPTED;
}
