#include "tcp/emit.h"

#include "base/assert.h"
#include "tcp/accecn.h"
#include "tcp/rcvq.h"
#include "tcp/sndq.h"
#include "tcp/window.h"

void tcp_syn_options(struct tcp_opts *o, const struct weir_config *cfg, uint16_t mss, uint8_t shift,
		     uint32_t ts_val)
{
	*o = (struct tcp_opts){
		.has_mss = true,
		.mss = mss,
		.has_wscale = cfg->window_scaling,
		.wscale = shift,
		.sack_permitted = cfg->sack,
		.has_ts = cfg->timestamps,
		.ts_val = ts_val,
	};
}

void tcp_synack_options(struct tcp_opts *o, const struct tcp_agreed *agreed, uint16_t mss,
			uint32_t ts_val, uint32_t ts_recent)
{
	*o = (struct tcp_opts){
		.has_mss = true,
		.mss = mss,
		.has_wscale = agreed->wscale_ok,
		.wscale = agreed->rcv_wscale,
		.sack_permitted = agreed->sack_ok,
		.has_ts = agreed->ts_ok,
		.ts_val = ts_val,
		.ts_ecr = ts_recent,
	};
}

static uint16_t announced_mss(const struct tcp_env *env, const struct tcb *t)
{
	uint64_t set = env->cfg->mss;

	return set && set < t->mtup.link ? (uint16_t)set : t->mtup.link; /* RFC1191-07 */
}

/* RFC3168-01 */
static void syn_ecn(const struct tcp_env *env, struct tcb *t, struct tcp_seg *seg)
{
	if (t->state != WEIR_STATE_SYN_SENT) {
		if (t->ecn & ECN_ON)
			seg->flags |= TCP_ECE;
		return;
	}
	accecn_syn(env, t, seg);
}

/* RFC3168-05, -08 to -12: ECT and CWR on new data alone, ECE on what acknowledges. */
static void data_ecn(struct tcb *t, struct tcp_plan *p, struct tcp_seg *seg)
{
	if (t->ecn & ECN_ACCURATE)
		accecn_emit(t, p, seg);
	if (!(t->ecn & ECN_ON))
		return;
	if ((t->ecn & ECN_ECHO) && (seg->flags & TCP_ACK))
		seg->flags |= TCP_ECE;
	p->ect = p->len && seq_eq(p->seq, t->snd.nxt) && p->why != WEIR_CTR_PROBE_WINDOW;
	if (p->ect && (t->ecn & ECN_CWR_DUE))
		seg->flags |= TCP_CWR;
}

static void syn_segment(struct tcp_env *env, struct tcb *t, uint32_t clock, struct tcp_seg *seg)
{
	uint16_t mss = announced_mss(env, t);
	struct tcp_agreed agreed = {
		.rcv_wscale = t->rcv_wscale,
		.wscale_ok = t->wscale_ok,
		.ts_ok = t->ts.ok,
		.sack_ok = t->sack_ok,
	};

	syn_ecn(env, t, seg);
	if (t->state == WEIR_STATE_SYN_SENT)
		tcp_syn_options(&seg->opts, env->cfg, mss, t->rcv_wscale, clock);
	else
		tcp_synack_options(&seg->opts, &agreed, mss, clock, t->ts.recent);
	seg->wnd = (uint16_t)tcb_rcv_wnd(t); /* as first offered (SHLD-14) */
}

/* RFC2883-02: behind a block that came twice stands the one that it is part of. */
static void whole_first(struct tcp_sack *blocks, unsigned n, const struct tcp_sack *part)
{
	for (unsigned i = 1; i < n; i++)
		if (seq_leq(blocks[i].lo, part->lo) && seq_leq(part->hi, blocks[i].hi)) {
			struct tcp_sack whole = blocks[i];

			blocks[i] = blocks[0];
			blocks[0] = whole;
		}
}

/* RFC 2018 4: the block that changed last comes first, but for one that came twice. */
static void sack_blocks(struct tcp_env *env, const struct tcb *t, struct tcp_opts *o)
{
	struct range recent[TCP_SACK_MAX];
	unsigned max = t->ts.ok ? TCP_SACK_MAX - 1 : TCP_SACK_MAX;
	unsigned again = t->ackgen.again ? 1 : 0;
	struct tcp_sack *blocks = o->sack + again;
	unsigned n;

	if (!t->sack_ok)
		return;
	n = ranges_recent(&t->rcvq.ooo, &env->ranges, recent, max - again);
	for (unsigned i = 0; i < n; i++) {
		blocks[i].lo = rcvq_seq(t, recent[i].lo);
		blocks[i].hi = rcvq_seq(t, recent[i].hi);
	}
	if (again) {
		o->sack[0] = (struct tcp_sack){t->ackgen.again_lo, t->ackgen.again_hi};
		whole_first(blocks, n, o->sack);
	}
	o->sack_count = (uint8_t)(again + n);
}

/* A mark of urgent data that lies ahead of this segment (RFC7323-28: at most 65,535). */
static void urgent(const struct tcb *t, struct tcp_seg *seg)
{
	uint32_t ahead;

	if (!t->snd.up_set || seq_leq(t->snd.up, seg->seq))
		return;
	ahead = t->snd.up.v - seg->seq.v;
	seg->urgent = ahead < 65535u ? (uint16_t)ahead : 65535u;
	seg->flags |= TCP_URG;
}

/* SACK blocks and Accurate ECN take room that snd.mss did not know of. */
static void fit(const struct tcb *t, struct tcp_plan *p, const struct tcp_opts *o)
{
	uint32_t room = t->path_mss < t->peer_mss ? t->path_mss : t->peer_mss;
	uint32_t opts = (uint32_t)tcp_opt_len(o);
	uint32_t most = room > opts ? room - opts : 1;

	if (p->len <= most)
		return;
	p->len = most;
	p->gso_size = 0;
	p->flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

void tcp_emit_segment(struct tcp_env *env, struct tcb *t, struct tcp_plan *p, weir_time now,
		      struct tcp_seg *seg)
{
	uint32_t clock = tcp_ts_clock(now, t->ts.offset);

	*seg = (struct tcp_seg){.seq = p->seq, .flags = p->flags};
	if (p->flags & TCP_SYN) {
		syn_segment(env, t, clock, seg);
	} else {
		if (t->ts.ok) {
			seg->opts.has_ts = true;
			seg->opts.ts_val = clock;
			seg->opts.ts_ecr = p->flags & TCP_ACK ? t->ts.recent : 0;
		}
		sack_blocks(env, t, &seg->opts);
		while (seg->opts.sack_count && tcp_opt_len(&seg->opts) > t->path_mss)
			seg->opts.sack_count--; /* a path of 68 bytes has no room for all */
		if (t->ecn & ECN_ACCURATE)
			accecn_option(t, p, &seg->opts);
		if ((seg->opts.sack_count || seg->opts.accecn) && p->len)
			fit(t, p, &seg->opts);
		seg->flags = p->flags;
		data_ecn(t, p, seg);
		seg->wnd = window_field(t, env, now);
		urgent(t, seg);
	}
	if (seg->flags & TCP_ACK)
		seg->ack = t->rcv.nxt;
	seg->len = p->len;
	seg->gso_size = p->gso_size;
}
