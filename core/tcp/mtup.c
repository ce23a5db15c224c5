/*
 * Theory of operation
 *
 * path_mss begins with what the link takes, or what other connections found out about the path, and
 * changes for four reasons.
 *
 * ICMP. A packet-too-big about something in flight that asks for less than path_mss is believed at
 * once if nothing as large as it forbids was ever acknowledged (`proven`): a connection that begins
 * has to trust it. A smaller claim contradicts what is known. It is kept until the segment that it
 * quotes is acknowledged, which refutes it, or times out, which supports it (RFC 5927 7.2); who
 * forges it gains nothing while data flows. cwnd keeps its number of segments (RFC4821-07).
 *
 * Age. Ten minutes after ICMP made it smaller, the link's size is tried again (RFC 1191 6.3, RFC
 * 8201 4); another message then comes and is no contradiction.
 *
 * A black hole. Each time that as many timeouts as R1 went by in a row for a segment larger than
 * that, the size falls to mtu_base, then to halves, no lower than 68 and 1,280 bytes of packet
 * (RFC 4821 7.7). That may have been an outage, so the old size is the first that the search tries.
 *
 * The search. path_mss is search_low, `high` search_high. A probe is a segment of new data larger
 * than path_mss; first `high` itself, then the middle, until less than STEP is between them. It
 * goes only when nothing is lost, cwnd and window take it and three full segments are queued behind
 * it, which show the gap if it is lost. Delivered, it is the new path_mss, with cwnd as it is. Lost
 * alone, it lowers `high`, its bytes go again in segments of path_mss, and congestion control does
 * not hear of it; the next waits for as many round trips as cwnd has segments, after a timeout five
 * times that. Lost among others it told nothing. When the search is over it begins anew after
 * pmtu_age_ms (RFC4821-08). It runs after a black hole, or always if mtu_probing is 2.
 *
 * One segment larger than what is proven is watched at a time; the probe is one such.
 */
#include "tcp/mtup.h"

#include "tcp/recovery.h"

#define STEP       8u            /* RFC 4821 7.6.1: worth no more probes */
#define BEHIND     3u            /* full segments behind a probe (RFC4821-02) */
#define AFTER_HOLE 10u           /* round trips from a black hole to the first probe */
#define FLOOR4     (68u - 40u)   /* RFC1191-02 */
#define FLOOR6     (1280u - 60u) /* RFC8201-01 */
#define TS_LEN     12u

static uint32_t options_len(const struct tcb *t)
{
	return t->ts.ok ? TS_LEN : 0;
}

static uint32_t clock_ms(weir_time now)
{
	return (uint32_t)(now / NS_PER_MS);
}

/* The largest that can make sense. */
static uint16_t most(const struct tcb *t)
{
	return t->mtup.link < t->peer_mss ? t->mtup.link : t->peer_mss;
}

static bool searches(const struct tcb *t, const struct tcp_env *env)
{
	return t->mtup.blind || env->cfg->mtu_probing == MTUP_ALWAYS;
}

/* cwnd in segments, and `times` that, as far as `wait` can count. */
static uint8_t rounds(const struct tcb *t, uint32_t times)
{
	uint32_t n = t->cc.cwnd / t->snd.mss * times;

	return n < 1 ? 1 : n < UINT8_MAX ? (uint8_t)n : UINT8_MAX;
}

static void rest(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	t->mtup.again_ms = clock_ms(now) + (uint32_t)env->cfg->pmtu_age_ms;
}

static void watch_nothing(struct mtup *m)
{
	m->watch = 0;
	m->probing = false;
}

static void set_size(struct tcb *t, uint32_t size)
{
	struct mtup *m = &t->mtup;

	t->path_mss = (uint16_t)size;
	if (m->proven > size)
		m->proven = (uint16_t)size;
	watch_nothing(m);
	m->claim = 0;
	tcb_set_mss(t);
}

void mtup_init(struct tcb *t, uint16_t link, weir_time now)
{
	t->path_mss = link;
	t->mtup = (struct mtup){.link = link, .high = link, .again_ms = clock_ms(now)};
}

void mtup_agreed(struct tcb *t, const struct tcp_env *env)
{
	t->mtup.high = most(t);
	if (env->cfg->mtu_probing != MTUP_ALWAYS)
		return;
	if (t->mtup.high > t->path_mss)
		t->mtup.high = t->path_mss;
	if (t->path_mss > env->cfg->mtu_base)
		set_size(t, (uint32_t)env->cfg->mtu_base); /* RFC4821-01 */
}

static void lower(struct tcb *t, const struct tcp_env *env, uint32_t mss, weir_time now)
{
	uint32_t segments = t->cc.cwnd / t->snd.mss;

	set_size(t, mss);
	if (t->cc.cwnd > segments * t->snd.mss && segments)
		t->cc.cwnd = segments * t->snd.mss;
	t->mtup.high = (uint16_t)mss;
	t->mtup.blind = false;
	t->mtup.news = true;
	rest(t, env, now);
}

/* A router dropped the probe: the search has less to look for, and loss detection will find it. */
static enum weir_counter probe_refused(struct tcb *t, const struct tcp_env *env, uint32_t mss,
				       weir_time now)
{
	if (mss < t->mtup.high)
		t->mtup.high = (uint16_t)mss;
	t->mtup.top = true;
	rest(t, env, now); /* RFC8201-04 */
	return WEIR_CTR_ICMP_PMTU;
}

enum weir_counter mtup_claimed(struct tcb *t, const struct tcp_env *env, uint32_t mss, seq_t seq,
			       weir_time now)
{
	struct mtup *m = &t->mtup;

	if (mss >= t->path_mss) {
		if (m->probing && mss < m->watch &&
		    seq_eq(seq, seq_sub(m->watch_end, m->watch - options_len(t))))
			return probe_refused(t, env, mss, now);
		return WEIR_CTR_ICMP_IGNORED;
	}
	if (mss < m->proven) { /* RFC5927-03 */
		if (!m->claim) {
			m->claim = (uint16_t)mss;
			m->claim_seq = seq;
		}
		return WEIR_CTR_ICMP_HELD;
	}
	lower(t, env, mss, now);
	return WEIR_CTR_ICMP_PMTU;
}

void mtup_follow(struct tcb *t, const struct tcp_env *env, uint32_t mss, weir_time now)
{
	struct mtup *m = &t->mtup;

	if (mss > m->link)
		mss = m->link;
	if (mss > t->path_mss && (searches(t, env) || (int32_t)(clock_ms(now) - m->again_ms) < 0))
		return; /* it finds out itself */
	if (mss == t->path_mss)
		return;
	if (mss < t->path_mss)
		rest(t, env, now);
	set_size(t, mss);
	m->high = (uint16_t)mss;
}

bool mtup_aged(const struct tcb *t, const struct tcp_env *env, weir_time now)
{
	const struct mtup *m = &t->mtup;

	return t->path_mss < most(t) && !searches(t, env) &&
	       (int32_t)(clock_ms(now) - m->again_ms) >= 0;
}

/* Is there nothing that a probe would be in the way of, or that would hide its loss? */
static bool calm(const struct tcb *t)
{
	return t->rec.phase == RECOVERY_OPEN && t->board.lost == 0 && t->board.sacked == 0 &&
	       t->rec.dupacks == 0 && t->retries == 0 && t->rcvq.ooo.count == 0 &&
	       !t->ackgen.again && !t->snd.up_set;
}

uint32_t mtup_probe_len(struct tcb *t, const struct tcp_env *env, uint32_t queued, uint32_t room,
			weir_time now)
{
	struct mtup *m = &t->mtup;
	uint32_t size, len;

	if (t->path_mss >= most(t) || !searches(t, env) || m->probing || m->wait || !calm(t) ||
	    (int32_t)(clock_ms(now) - m->again_ms) < 0)
		return 0;
	if (t->path_mss + STEP > m->high) { /* the last search is over for long */
		m->high = most(t);
		m->top = false;
	}
	size = m->top ? (t->path_mss + m->high + 1u) / 2 : m->high;
	len = size - options_len(t);
	return queued >= len + BEHIND * t->snd.mss && room >= len ? len : 0;
}

void mtup_sent(struct tcb *t, const struct tcp_plan *p)
{
	struct mtup *m = &t->mtup;
	uint32_t len = p->gso_size ? p->gso_size : p->len;
	uint32_t size = len + options_len(t);

	if (!seq_eq(p->seq, t->snd.nxt) || len == 0)
		return;
	if (p->why == WEIR_CTR_PROBE_MTU)
		m->probing = true;
	else if (m->watch || size <= m->proven)
		return;
	m->watch = (uint16_t)size;
	m->watch_end = seq_add(p->seq, len);
}

/* The search is over, or goes on after a while. */
static void next_probe(struct tcb *t, const struct tcp_env *env, uint64_t after_ns, weir_time now)
{
	struct mtup *m = &t->mtup;
	uint32_t at = clock_ms(now + after_ns);

	if (t->path_mss + STEP > m->high)
		rest(t, env, now);
	else if ((int32_t)(at - m->again_ms) > 0)
		m->again_ms = at;
}

void mtup_acked(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	struct mtup *m = &t->mtup;
	uint16_t size = m->watch;

	if (m->claim && seq_gt(t->snd.una, m->claim_seq))
		m->claim = 0; /* RFC5927-04 */
	if (m->wait) {
		next_probe(t, env, m->wait * t->rtt.srtt_ns, now);
		m->wait = 0;
	}
	if (!size || seq_lt(t->snd.una, m->watch_end))
		return;
	if (m->probing) { /* RFC4821-03 */
		set_size(t, size);
		next_probe(t, env, 0, now);
		if (t->path_mss + STEP > most(t))
			m->blind = false;
	}
	m->proven = size;
	watch_nothing(m);
}

static void probe_failed(struct tcb *t)
{
	struct mtup *m = &t->mtup;

	if (m->high >= m->watch)
		m->high = m->watch - 1;
	m->top = true;
	m->wait = rounds(t, 1); /* RFC4821-05 */
	watch_nothing(m);
}

bool mtup_lost(struct tcb *t, seq_t end, enum mtup_loss how)
{
	struct mtup *m = &t->mtup;

	if (!m->probing)
		return false;
	if (how == MTUP_LOST_ALONE && seq_eq(end, m->watch_end)) {
		probe_failed(t);
		return true;
	}
	m->wait = rounds(t, 1); /* among others: of the probe it tells nothing */
	watch_nothing(m);
	return false;
}

static void black_hole(struct tcb *t, struct tcp_env *env)
{
	struct mtup *m = &t->mtup;
	uint32_t least = m->ip6 ? FLOOR6 : FLOOR4;
	uint32_t base = (uint32_t)env->cfg->mtu_base;
	uint32_t size = t->path_mss < most(t) ? t->path_mss : most(t);
	uint32_t to = size > base ? base : size / 2;
	uint32_t out = tcb_flight(t) < t->snd.mss ? tcb_flight(t) : t->snd.mss;

	if (to < least)
		to = least;
	if (to >= size || out + options_len(t) <= to)
		return; /* what vanishes is smaller than that */
	if (!m->blind)
		m->high = (uint16_t)size;
	set_size(t, to);
	m->blind = true;
	m->top = false;
	m->wait = AFTER_HOLE;
	env->counters[WEIR_CTR_MTU_BLACK_HOLE]++;
}

void mtup_timeout(struct tcb *t, struct tcp_env *env, weir_time now)
{
	struct mtup *m = &t->mtup;

	if (!tcb_synchronized(t) || t->snd.mss == 0)
		return;
	if (m->probing) { /* congestion rather than size: RFC 4821 7.6.3 */
		m->wait = rounds(t, 5);
		watch_nothing(m);
	}
	if (m->claim && seq_in(m->claim_seq, t->snd.una, tcb_flight(t)))
		lower(t, env, m->claim, now);
	else if (env->cfg->mtu_probing && (t->retries + 1u) % env->cfg->r1_retries == 0)
		black_hole(t, env); /* RFC4821-06 */
}
