/*
 * Theory of operation
 *
 * Accurate ECN tells the sender how many of its packets came marked, not only that one did. Both
 * ends count; three flags of the header (ACE: AE, CWR, ECE) carry the low bits of the count of
 * marked packets, and an option the bytes by kind of mark.
 *
 *	SYN        ACE 7: we ask              SYN-ACK   ACE 2, 3, 4, 6: how the SYN came
 *	third ACK  ACE 2, 3, 4, 6: how the SYN-ACK came       from then on ACE = r.cep mod 8
 *
 * r.cep begins with 5, the bytes of ECT(0) and ECT(1) with 1, so that a path that clears them
 * shows. A SYN-ACK with ACE 1 agrees on RFC 3168 only, one with 0 or 7 on nothing. Two SYNs without
 * an answer, and the next ones do not ask; a server's second SYN-ACK goes without the option, its
 * third without flags, and then it never marks its own packets as capable (it cannot know what the
 * client made of it), nor when a SYN came that did not ask. The kind of feedback is settled by the
 * first SYN or SYN-ACK and never changes.
 *
 * As receiver. Every acceptable packet that came marked counts, ACKs too. Data that comes marked
 * after something that was not is acknowledged at once, and so is every second mark, or every third
 * if only ACKs are marked; such an ACK of ACKs carries no SACK blocks. The option goes with every
 * ACK if a counter of bytes grew since the last one; data gives up room for it only if that of
 * marked bytes did, or if so many packets are acknowledged that the count could have wrapped; for
 * what fills a packet, or many that a device cuts up, goes as one less. Two counters take the room
 * of one with its padding. Where there is no room for what changed and two SACK blocks the option
 * waits.
 *
 * As sender. The count may have wrapped when an ACK covers more than seven packets: then the most
 * that it can mean is taken, unless the option shows that fewer bytes were marked. ACKs that
 * neither acknowledge, nor SACK, nor bring new data are passed over: they may be old. A mark is one
 * signal a round trip to congestion control, as with RFC 3168 (recovery.c); CWR is not used. No
 * packet is sent capable, though marks are heeded, when the path is seen to change the ECN field of
 * a SYN or SYN-ACK, or bytes marked come without packets; a count of zero where none is possible
 * means that the peer does not count at all, and is not listened to.
 *
 * State: struct accecn and bits of tcb.ecn. RFC 9768.
 */
#include "tcp/accecn.h"

#include "tcp/ackgen.h"
#include "tcp/cc_ops.h"

#define BYTES_FIRST 1u
#define MASK24      0xffffffu
#define ACE_WRAP    8u
#define ACE_CE      6u
#define MARKS_MAX   7u
#define CAPABLE_MAX 15u
#define SYNS_ASKING 2u /* without an answer; then plain ones */
#define ECT_1       1u
#define ECT_0       2u
#define CE          3u
#define SACK_KEPT   2u /* blocks that go before the option (RFC 9768 3.2.3.3) */

/* --- Handshake -------------------------------------------------------------------------------- */

void accecn_syn(const struct tcp_env *env, struct tcb *t, struct tcp_seg *seg)
{
	bool again = t->retries >= SYNS_ASKING;

	t->ecn &= ECN_ACC_ASKED;
	if (again)
		return; /* RFC9768-05, RFC3168-04: a middlebox may not like the flags */
	if (env->cfg->ecn == ACCECN_SETTING_ASK) {
		t->ecn = ECN_ASKED | ECN_ACC_ASKED;
		tcp_set_ace(seg, 7);
	} else if (env->cfg->ecn == ACCECN_SETTING_ASK_CLASSIC) {
		t->ecn = ECN_ASKED;
		tcp_set_ace(seg, 3);
	}
}

void accecn_answered(const struct tcp_in *in, struct tcp_agreed *a)
{
	uint8_t asked = in->t->ecn;
	unsigned ace = tcp_ace(&in->seg);

	if (!(in->seg.flags & TCP_ACK))
		return;
	if (asked & ECN_ACC_ASKED)
		a->accurate = ace != 0 && ace != 1 && ace != 7;
	/* RFC3168-01: both flags together are a reflection of ours */
	a->ecn_ok = !a->accurate && (asked & ECN_ASKED) && (ace & 3) == 1;
}

void accecn_begin(struct tcb *t, const struct tcp_agreed *a)
{
	t->ecn = (uint8_t)(ECN_ACCURATE | (a->mute ? ECN_NO_ECT : 0));
	t->accecn = (struct accecn){
		.cep = ACCECN_CEP_FIRST,
		.e0b = BYTES_FIRST,
		.e1b = BYTES_FIRST,
		.told_cep = ACCECN_CEP_FIRST,
	};
}

void accecn_first_option(struct tcp_opts *o)
{
	o->accecn = TCP_ACCECN_ORDER_0;
	o->accecn_count = TCP_ACCECN_FIELDS;
	o->accecn_field[TCP_ACCECN_E0B] = BYTES_FIRST;
	o->accecn_field[TCP_ACCECN_CEB] = 0;
	o->accecn_field[TCP_ACCECN_E1B] = BYTES_FIRST;
}

/* Our SYN or SYN-ACK, which never is capable, came with the ECN field that `ace` stands for. */
static void judge_path(struct tcp_in *in, unsigned ace)
{
	struct tcb *t = in->t;
	struct cc_ack a = {
		.now = in->now,
		.mss = t->snd.mss,
		.flight = t->cc.cwnd,
		.rtt_ns = WEIR_NEVER,
		.srtt_ns = t->rtt.srtt_ns,
		.ece = true,
	};

	if (ace == 3 || ace == 4 || ace == ACE_CE)
		t->ecn |= ECN_NO_ECT; /* 3.2.2.3 */
	if (ace != ACE_CE)
		return;
	tcb_cc_equip(t, in->env, in->now);
	cc_on_signal(&t->cc, CC_ECE, &a);
	if (!cc_of(t->cc.kind)->rules_recovery)
		t->cc.cwnd = t->cc.target;
	in->env->counters[WEIR_CTR_ECN_REDUCED]++;
}

static void count_bytes(struct accecn *a, uint8_t ip_ecn, uint32_t len)
{
	if (len == 0)
		return;
	switch (ip_ecn) {
	case ECT_0:
		a->e0b = (a->e0b + len) & MASK24;
		a->untold |= 1u << TCP_ACCECN_E0B;
		break;
	case ECT_1:
		a->e1b = (a->e1b + len) & MASK24;
		a->untold |= 1u << TCP_ACCECN_E1B;
		break;
	case CE:
		a->ceb = (a->ceb + len) & MASK24;
		a->untold |= 1u << TCP_ACCECN_CEB;
		break;
	}
}

/* 3.2.3.2.4: an option whose counters do not begin above zero was tampered with. */
static void judge_option(struct accecn *a, const struct tcp_opts *o)
{
	if (a->option_in || o->accecn_count == 0)
		return;
	a->option_in = 1;
	if (o->accecn_field[0] == 0)
		a->option_bad = 1;
	if (o->accecn_count == TCP_ACCECN_FIELDS && o->accecn_field[2] == 0)
		a->option_bad = 1;
}

void accecn_synack_came(struct tcp_in *in)
{
	struct accecn *a = &in->t->accecn;

	if (!(in->t->ecn & ECN_ACCURATE))
		return;
	a->synack_ecn = in->seg.ip_ecn & 3;
	a->handshake = 1;
	a->first_data = 1;
	a->was_ce = in->seg.ip_ecn == CE;
	a->cep += a->was_ce;
	count_bytes(a, in->seg.ip_ecn, in->seg.len);
	judge_option(a, &in->seg.opts);
	judge_path(in, tcp_ace(&in->seg));
}

void accecn_synack_again(struct tcp_in *in)
{
	struct tcb *t = in->t;
	unsigned ace = tcp_ace(&in->seg);

	if (!(t->ecn & ECN_ACCURATE) || t->origin != TCP_ORIGIN_ACTIVE || !t->ackgen.now ||
	    (in->seg.flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK) ||
	    !seq_eq(in->seg.seq, t->rcv.irs) || ace == 0 || ace == 1 || ace == 7)
		return;
	/* Who has sent or acknowledged data sends no SYN-ACK again: it is an old duplicate, and its
	 * sender would take the answer for a count. */
	if (!seq_eq(t->snd.una, seq_add(t->snd.iss, 1)) ||
	    !seq_eq(t->rcv.nxt, seq_add(t->rcv.irs, 1)))
		return;
	if (in->seg.ip_ecn == CE && t->accecn.cep == ACCECN_CEP_FIRST && t->accecn.synack_ecn != CE)
		t->accecn.cep++; /* once, however many come marked */
	t->accecn.synack_ecn = in->seg.ip_ecn & 3;
	t->accecn.handshake = 1;
}

void accecn_third_came(struct tcp_in *in)
{
	struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;
	unsigned ace = tcp_ace(s);
	bool bare = s->len == 0 && !(s->flags & TCP_FIN) && s->opts.sack_count == 0;

	if (!(t->ecn & ECN_ACCURATE))
		return;
	judge_option(&t->accecn, &s->opts);
	/* Also on data: no packet of ours could have been marked three times. */
	if (ace == 0) {
		t->ecn |= ECN_NO_ECT | ECN_DEAF; /* RFC9768-07 */
		return;
	}
	if (ace == ACE_CE)
		t->accecn.told_cep = ACCECN_CEP_FIRST + 1;
	if (bare || ace == ACE_CE)
		judge_path(in, ace);
	t->accecn.heard = !bare;
}

/* --- Receiver --------------------------------------------------------------------------------- */

static unsigned packets_of(const struct tcp_in *in)
{
	uint32_t each = in->seg.gso_size;

	return each && in->whole > each ? (in->whole + each - 1) / each : 1;
}

void accecn_arrived(struct tcp_in *in)
{
	struct tcb *t = in->t;
	struct accecn *a = &t->accecn;
	bool ce = in->seg.ip_ecn == CE, due = t->ackgen.now;
	bool unacked = in->whole || t->ackgen.bytes;
	unsigned n;

	count_bytes(a, in->seg.ip_ecn, in->whole);
	if (ce) {
		n = packets_of(in);
		in->env->counters[WEIR_CTR_ECN_MARKED] += n;
		a->cep = (a->cep + n) & 7;
		n += a->marks;
		a->marks = n < MARKS_MAX ? n & 7 : MARKS_MAX;
		/* RFC9768-08 */
		if ((in->whole && !a->was_ce) || a->marks >= (unacked ? 2u : 3u)) {
			ackgen_now(t, WEIR_CTR_SENT_ACK);
			a->bare = !unacked && !due;
		}
	}
	a->was_ce = ce;
}

void accecn_emit(struct tcb *t, struct tcp_plan *p, struct tcp_seg *seg)
{
	const struct accecn *a = &t->accecn;
	bool bare = p->len == 0 && !(p->flags & TCP_FIN) && seg->opts.sack_count == 0;

	if (a->handshake && bare)
		tcp_set_ace(seg, accecn_handshake_ace(a->synack_ecn));
	else
		tcp_set_ace(seg, a->cep);
	p->ect = p->len && seq_eq(p->seq, t->snd.nxt) && p->why != WEIR_CTR_PROBE_WINDOW &&
		 !(t->ecn & ECN_NO_ECT);
}

/* Counters from the first of the order on, as many as cover `wanted`. */
static void fill_option(const struct accecn *a, unsigned wanted, struct tcp_opts *o)
{
	const uint32_t field[TCP_ACCECN_FIELDS] = {a->e0b, a->ceb, a->e1b};
	bool e0b = wanted >> TCP_ACCECN_E0B & 1, e1b = wanted >> TCP_ACCECN_E1B & 1;
	bool reverse = e1b && !e0b;

	o->accecn = reverse ? TCP_ACCECN_ORDER_1 : TCP_ACCECN_ORDER_0;
	o->accecn_count = e0b && e1b ? TCP_ACCECN_FIELDS : 2;
	for (unsigned i = 0; i < o->accecn_count; i++)
		o->accecn_field[i] = field[reverse ? TCP_ACCECN_FIELDS - 1 - i : i];
}

/* Is an option due with the plan? */
static bool option_due(const struct accecn *a, const struct tcp_plan *p)
{
	if (a->no_option || !(p->flags & TCP_ACK) || p->why == WEIR_CTR_PROBE_MTU)
		return false;
	if (p->len && a->first_data)
		return true;
	return a->untold || (a->handshake && p->len == 0);
}

/* Data makes room for it if it tells of marks, or that there were none among so many packets that
 * the count alone could have wrapped. */
static bool has_room(const struct tcb *t, const struct tcp_plan *p, const struct tcp_opts *o)
{
	uint32_t room = t->path_mss < t->peer_mss ? t->path_mss : t->peer_mss;
	uint32_t len = (uint32_t)tcp_opt_len(o);

	if ((t->accecn.untold >> TCP_ACCECN_CEB & 1) ||
	    t->ackgen.bytes >= (ACE_WRAP - 1) * t->rcv.seg_max)
		return len < room;
	return len + p->len <= room;
}

void accecn_option(struct tcb *t, struct tcp_plan *p, struct tcp_opts *o)
{
	const struct accecn *a = &t->accecn;
	size_t others = o->has_ts ? 12 : 0, kept;
	unsigned grown = 0;

	if (a->bare && p->len == 0 && !t->ackgen.dups && !t->ackgen.again && !t->ackgen.bytes)
		o->sack_count = 0; /* RFC9768-08: an ACK of ACKs is no duplicate of one */
	if (!option_due(a, p))
		return;
	grown |= a->e0b != BYTES_FIRST ? 1u << TCP_ACCECN_E0B : 0;
	grown |= a->ceb != 0 ? 1u << TCP_ACCECN_CEB : 0;
	grown |= a->e1b != BYTES_FIRST ? 1u << TCP_ACCECN_E1B : 0;
	kept = o->sack_count < SACK_KEPT ? o->sack_count : SACK_KEPT;
	others += kept ? 4 + kept * 8 : 0;
	fill_option(a, grown, o);
	if (others + 12 > TCP_OPT_MAX && o->accecn_count == TCP_ACCECN_FIELDS)
		fill_option(a, a->untold, o);
	if (others + (o->accecn_count == TCP_ACCECN_FIELDS ? 12 : 8) > TCP_OPT_MAX ||
	    !has_room(t, p, o))
		o->accecn = TCP_ACCECN_NONE;
	p->accecn = o->accecn != TCP_ACCECN_NONE;
}

void accecn_sent(struct tcb *t, const struct tcp_plan *p)
{
	struct accecn *a = &t->accecn;
	unsigned n = p->gso_size ? (p->len + p->gso_size - 1) / p->gso_size : 1;

	if (p->flags & TCP_SYN)
		return;
	if (p->ect) {
		n += a->capable_out;
		a->capable_out = n < CAPABLE_MAX ? n & 15 : CAPABLE_MAX;
	}
	if (p->len)
		a->first_data = 0;
	if (!(p->flags & TCP_ACK))
		return;
	a->marks = 0;
	a->bare = 0;
	a->handshake = 0;
	if (p->accecn)
		a->untold = 0;
}

/* 3.2.3.2.2: the first data went with an option, and nothing is heard of it. */
void accecn_timeout(struct tcb *t)
{
	if ((t->ecn & ECN_ACCURATE) && t->origin == TCP_ORIGIN_ACTIVE &&
	    seq_eq(t->snd.una, seq_add(t->snd.iss, 1)))
		t->accecn.no_option = 1;
}

/* --- Sender ----------------------------------------------------------------------------------- */

/* Has the ACK something that only a new one has? */
static bool is_new(const struct tcp_in *in, uint32_t acked, uint32_t sacked)
{
	return acked || sacked || (in->seg.len && seq_geq(in->seg.seq, in->t->rcv.nxt));
}

/* The growth of the peer's count of marked bytes; false: the ACK does not tell. */
static bool read_option(struct accecn *a, const struct tcp_opts *o, uint32_t *grown)
{
	unsigned at = TCP_ACCECN_CEB;

	judge_option(a, o);
	if (!o->accecn || a->option_bad || o->accecn_count <= at)
		return false;
	*grown = (o->accecn_field[at] - a->told_ceb) & MASK24;
	a->told_ceb = o->accecn_field[at] & MASK24;
	return true;
}

/* A.2: of what `delta` may stand for when `packets` were covered, the most; if the marked bytes are
 * known the least that holds them. */
static uint32_t most_marked(uint32_t delta, uint32_t packets, const uint32_t *bytes, uint32_t mss)
{
	uint32_t most, need;

	if (packets < ACE_WRAP)
		return delta;
	most = packets - ((packets - delta) & (ACE_WRAP - 1));
	if (!bytes)
		return most;
	need = (*bytes + mss - 1) / mss;
	need = need > delta ? (need - delta + ACE_WRAP - 1) / ACE_WRAP * ACE_WRAP : 0;
	return delta + need < most ? delta + need : most;
}

/* 3.2.2.4: zero, before three packets of ours could have been marked. */
static void judge_zero(struct tcb *t, unsigned ace)
{
	if (!t->accecn.heard && ace == 0 && t->accecn.capable_out < ACE_WRAP - ACCECN_CEP_FIRST)
		t->ecn |= ECN_NO_ECT | ECN_DEAF;
	t->accecn.heard = 1;
}

bool accecn_told(const struct tcp_in *in, uint32_t sacked, uint32_t *ce_bytes)
{
	struct tcb *t = in->t;
	struct accecn *a = &t->accecn;
	const struct tcp_seg *s = &in->seg;
	uint32_t acked = seq_gt(s->ack, t->snd.una) ? s->ack.v - t->snd.una.v : 0;
	uint32_t mss = t->snd.mss, grown = 0, packets, marked;
	unsigned ace = tcp_ace(s);
	bool option;

	if ((s->flags & TCP_SYN) || !in->in_window || seq_lt(s->ack, t->snd.una) ||
	    seq_eq(t->snd.una, t->snd.iss) || !is_new(in, acked, sacked))
		return false;
	judge_zero(t, ace);
	option = read_option(a, &s->opts, &grown);
	packets = t->ecn & ECN_NO_ECT ? 0 : (acked + sacked + mss - 1) / mss;
	marked = most_marked((ace - a->told_cep) & (ACE_WRAP - 1), packets, option ? &grown : NULL,
			     mss);
	a->told_cep = ace & 7;
	if (grown && !marked && a->capable_out < ACE_WRAP)
		t->ecn |= ECN_NO_ECT; /* 3.2.3.2.5: so few cannot have wrapped */
	if (!marked || (t->ecn & ECN_DEAF))
		return false;
	in->env->counters[WEIR_CTR_ECN_TOLD] += marked;
	*ce_bytes = grown ? grown : marked * mss;
	return tcb_flight(t) != 0;
}
