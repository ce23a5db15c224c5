/*
 * Theory of operation
 *
 * A window smaller than the bandwidth-delay product holds the peer back; one that is larger only
 * promises memory. The receiver knows neither the peer's window nor the path, but it sees how many
 * bytes come in one round trip, which is that product while the peer sends all it may. It counts
 * them as they come, in order or not: what the user can take at once when a gap fills came in
 * several round trips.
 *
 * The round trip, as the receiver sees it: with timestamps, the age of the echo in a full segment,
 * smoothed by an eighth (small segments may have waited for their user); a new echo each time.
 * Without them, the time from the moment when the edge moved until bytes came that reach it. That
 * is too long when the peer is held back by something else, so the least counts, and the handshake
 * has a say. Timestamps tick in milliseconds: no round is shorter than one.
 *
 * Once a round, when the user reads or a gap keeps him from it, the space is weighed: wanted is
 * twice of what came and sixteen segments, once for the round that comes, once for the round that
 * the news takes to arrive. While the peer doubles its window each round, twice of that again, in
 * proportion to the growth over the most that any round had before. A flow that grows no more so
 * ends between two and four products.
 *
 * Limits. user.rcvbuf, the most; half of the pages that are spare, so that what all connections are
 * promised comes down as the pool fills; and while less than an eighth of it is free, nobody's
 * space grows, and space that the last round did not need is taken back. While more than half of
 * the space holds bytes that the user leaves unread, more of it would not help. The edge that was
 * offered stands whatever becomes of the space (SHLD-14). A user who sets a receive buffer gets
 * exactly it.
 */
#include "tcp/drs.h"

#include "tcp/rcvq.h"
#include "tcp/window.h"

#define SLACK_SEGS 16u        /* what arrives in bursts, and the delay of ACKs */
#define CAME_MAX   (1u << 26) /* no space is so large; sums stay inside 32 bits */
#define RTT_MIN_US 1000u
#define RTT_MAX_US (60u * 1000000u)

void drs_init(struct tcb *t, const struct tcp_env *env, uint32_t seg)
{
	uint32_t first = window_first(env->cfg, t->user.rcvbuf, seg);

	t->rcv.drs = (struct drs){.most = seg * (uint32_t)env->cfg->initial_cwnd};
	t->rcv.space = t->user.rcvbuf_set ? t->user.rcvbuf : first;
}

void drs_fixed(struct tcb *t)
{
	t->user.rcvbuf_set = true;
	t->rcv.space = t->user.rcvbuf;
}

/* Never 0, which stands for no time. */
static uint32_t clock_us(weir_time now)
{
	return (uint32_t)(now / 1000) | 1;
}

static uint32_t bounded_us(uint64_t ns)
{
	return ns / 1000 < RTT_MAX_US ? (uint32_t)(ns / 1000) : RTT_MAX_US;
}

/* As far as it is known; 0: not at all. */
static uint32_t rtt_us(const struct tcb *t)
{
	return t->rcv.drs.rtt_us ? t->rcv.drs.rtt_us : bounded_us(t->rtt.srtt_ns);
}

static void by_stamp(const struct tcp_in *in)
{
	struct drs *d = &in->t->rcv.drs;
	uint32_t known = rtt_us(in->t);
	uint64_t age_ns;
	uint32_t age;

	if (in->seg.opts.ts_ecr == d->mark || in->seg.len < in->t->rcv.seg_max)
		return;
	age_ns = input_echo_age(in);
	if (age_ns == WEIR_NEVER)
		return;
	d->mark = in->seg.opts.ts_ecr;
	age = bounded_us(age_ns);
	if (age < RTT_MIN_US)
		age = RTT_MIN_US;
	d->rtt_us = known ? known - known / 8 + age / 8 : age;
}

static void by_edge(struct tcb *t, weir_time now)
{
	struct drs *d = &t->rcv.drs;
	uint32_t took = clock_us(now) - d->edge_us;
	uint32_t known = rtt_us(t);

	if (!d->edge_us || seq_lt(t->rcv.nxt, seq_make(d->mark)))
		return;
	d->edge_us = 0;
	if (took < RTT_MIN_US)
		took = RTT_MIN_US;
	d->rtt_us = known && known < took ? known : took;
}

static bool round_over(const struct tcb *t, uint32_t now_us)
{
	uint32_t round = rtt_us(t);

	return round && now_us - t->rcv.drs.round_us >= round;
}

static void round_begins(struct drs *d, uint32_t now_us)
{
	d->came = 0;
	d->round_us = now_us;
}

/* What `came` bytes in one round ask for. */
static uint32_t wanted(const struct tcb *t, uint32_t came)
{
	const struct drs *d = &t->rcv.drs;
	uint32_t want = 2 * came + SLACK_SEGS * t->rcv.seg_max;
	uint32_t more = came > d->most ? came - d->most : 0;

	if (more >= d->most)
		return 2 * want;
	return want + (uint32_t)((uint64_t)want * more / d->most);
}

static uint32_t ceiling(const struct tcb *t, const struct tcp_env *env)
{
	uint64_t share = (uint64_t)tcp_pages_spare(env) * PAGEQ_PAGE / 2;

	return share < t->user.rcvbuf ? (uint32_t)share : t->user.rcvbuf;
}

/* A round is over. */
static void weigh(struct tcb *t, const struct tcp_env *env)
{
	struct drs *d = &t->rcv.drs;
	uint32_t want = wanted(t, d->came);
	uint32_t first = window_first(env->cfg, t->user.rcvbuf, t->rcv.seg_max);

	if (drs_pages_short(env)) {
		d->most = d->came ? d->came : 1;
		want = want > first ? want : first;
		t->rcv.space = want < t->rcv.space ? want : t->rcv.space;
		return;
	}
	if (d->came > d->most)
		d->most = d->came;
	if (want > ceiling(t, env))
		want = ceiling(t, env);
	if (want > t->rcv.space && rcvq_readable(t) <= t->rcv.space / 2)
		t->rcv.space = want;
}

void drs_arrived(const struct tcp_in *in)
{
	struct tcb *t = in->t;
	struct drs *d = &t->rcv.drs;

	/* A gap keeps the user from reading: that must not make the round a longer one, nor lose
	 * what it told. Without SACK duplicate ACKs must not change their window: RFC5681-02. */
	if (t->rcvq.ooo.count && d->round_us && round_over(t, clock_us(in->now))) {
		if (t->sack_ok && !t->user.rcvbuf_set)
			weigh(t, in->env);
		round_begins(d, clock_us(in->now));
	}
	d->came += in->seg.len < CAME_MAX - d->came ? in->seg.len : CAME_MAX - d->came;
	if (t->ts.ok)
		by_stamp(in);
	else
		by_edge(t, in->now);
}

void drs_offered(struct tcb *t, weir_time now)
{
	struct drs *d = &t->rcv.drs;

	if (t->ts.ok || d->edge_us)
		return;
	d->mark = t->rcv.adv.v;
	d->edge_us = clock_us(now);
}

void drs_taken(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	struct drs *d = &t->rcv.drs;
	uint32_t now_us = clock_us(now);

	if (t->user.rcvbuf_set || (d->round_us && !round_over(t, now_us)))
		return;
	if (d->round_us)
		weigh(t, env);
	round_begins(d, now_us);
}
