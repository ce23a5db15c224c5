/*
 * model.c: states, judged by the segments seen.
 *
 * Theory of operation
 *
 * The model follows RFC 9293 3.3.2 and nothing of the engine's. From what a life has said and heard
 * (talk.h, heard.c) and from the calls of its application follow facts that each state needs:
 *
 *   SYN-SENT                its SYN is out, nothing was acknowledged yet
 *   SYN-RECEIVED            its SYN is out, a SYN has come in
 *   from ESTABLISHED on     its SYN was acknowledged too
 *   ESTABLISHED             neither FIN: its user has not closed, the peer's was not acknowledged
 *   FIN-WAIT-1, -2          its user has closed; -2: its FIN is out and was acknowledged
 *   CLOSE-WAIT              the peer's FIN has come in, with all before it, and was acknowledged
 *   CLOSING, LAST-ACK       both
 *   TIME-WAIT               both, and its FIN was acknowledged
 *
 * and the other way round: once a FIN was sent, or the peer's was acknowledged, no state is right
 * that does not know of it. From one step to the next a state may change only along the arrows of
 * the RFC's figure 5, one or several of them. An end is orderly only after both FINs and their
 * acknowledgements; it is a reset or a refusal only if an RST or an ICMP error has come in, and a
 * timeout only after some time.
 *
 * Numbers: nothing is taken as received that has not come in, nothing as acknowledged that was not;
 * what the engine counts as sent is what was on the wire.
 *
 * Windows: when new data goes out, no more than the congestion window is out, but for one segment
 * for each acknowledgement that came in since the window last held everything, and everything that
 * was out at the last duplicate was acknowledged: limited transmit (RFC 3042) and the inflation of
 * fast recovery (RFC 6582) send so. The peer's window is judged on the wire (tap.c).
 *
 * Silence: as long as something is out, it is sent again and again: a gap longer than the longest
 * RTO or probe after it was sent, or some of it acknowledged (RFC 6298 5.3), means that no timer
 * runs (RFC 9293 3.8.1, 3.8.6.1). The stack's deadline must lie before the end of that gap.
 */
#include "sim/model.h"

#include "sim/tap.h"

#include "weir/info.h"

#define SLACK_NS 1000000000ull
/* Segments: limited transmit's two, what is under way, and a tail loss probe, which no window
 * holds back (RFC 8985 7.3). */
#define LIMITED_EXTRA 4u

static void fail(const struct sim_judged *j, const char *rule)
{
	sim_oracle_fail_talk(j->o, j->talk, j->side, rule,
			     "state: %s; it is %s; una %u nxt %u of %u, acked %u, received %u of "
			     "%u",
			     rule, weir_state_name(j->info->state), j->info->snd_una - j->me->iss,
			     j->info->snd_nxt - j->me->iss, j->me->nxt - j->me->iss,
			     j->me->acked - j->me->iss, j->info->rcv_nxt - j->me->irs,
			     sim_heard_edge(j->me));
}

/* --- Facts -------------------------------------------------------------------------------------
 */

static bool syn_heard(const struct sim_judged *j)
{
	return j->me->heard_count > 0 && j->me->heard[0].from == 0;
}

static bool syn_acked(const struct sim_judged *j)
{
	return j->me->has_acked && seq_gt(seq_make(j->me->acked), seq_make(j->me->iss));
}

static bool fin_acked(const struct sim_judged *j)
{
	return j->me->has_fin && j->me->has_acked &&
	       seq_gt(seq_make(j->me->acked), seq_make(j->me->fin));
}

/* The peer's FIN was acknowledged, so it was taken. */
static bool fin_taken(const struct sim_judged *j)
{
	return j->peer != NULL && j->peer->has_fin && j->me->has_ack &&
	       seq_gt(seq_make(j->me->ack), seq_make(j->peer->fin));
}

/* The peer's FIN has come in, with everything before it. */
static bool fin_heard(const struct sim_judged *j)
{
	return j->peer != NULL && j->peer->has_fin &&
	       (j->me->heard_all || sim_heard_edge(j->me) > j->peer->fin - j->peer->iss);
}

/* --- States ------------------------------------------------------------------------------------
 */

static void need(const struct sim_judged *j, bool fact, const char *rule)
{
	if (!fact)
		fail(j, rule);
}

static void judge_open(const struct sim_judged *j)
{
	need(j, j->me->has_syn, "no SYN was sent");
	need(j, syn_heard(j), "no SYN has come in");
	need(j, syn_acked(j), "its SYN was not acknowledged");
}

static void judge_ours(const struct sim_judged *j, bool closed)
{
	const struct sim_end *e = &j->talk->end[j->side];

	if (closed)
		need(j, e->fin_given, "its user has not closed");
	else
		need(j, !e->fin_given && !j->me->has_fin, "its user has closed");
}

static void judge_theirs(const struct sim_judged *j, bool closed)
{
	if (closed)
		need(j, fin_heard(j) && fin_taken(j), "the peer's FIN has not come in");
	else
		need(j, !fin_taken(j), "the peer's FIN was acknowledged");
}

void sim_model_state(const struct sim_judged *j)
{
	enum weir_state s = j->info->state;

	if (s >= WEIR_STATE_ESTABLISHED)
		judge_open(j);
	switch (s) {
	case WEIR_STATE_SYN_SENT:
		need(j, j->me->has_syn, "no SYN was sent");
		need(j, !j->me->has_irs, "a SYN was answered");
		break;
	case WEIR_STATE_SYN_RECEIVED:
		need(j, j->me->has_syn && syn_heard(j), "no SYN has come in");
		break;
	case WEIR_STATE_ESTABLISHED:
	case WEIR_STATE_CLOSE_WAIT:
		judge_ours(j, false);
		judge_theirs(j, s == WEIR_STATE_CLOSE_WAIT);
		break;
	case WEIR_STATE_FIN_WAIT_1:
	case WEIR_STATE_FIN_WAIT_2:
		judge_ours(j, true);
		judge_theirs(j, false);
		break;
	case WEIR_STATE_CLOSING:
	case WEIR_STATE_LAST_ACK:
	case WEIR_STATE_TIME_WAIT:
		judge_ours(j, true);
		judge_theirs(j, true);
		break;
	case WEIR_STATE_LISTEN:
	case WEIR_STATE_COUNT:
		fail(j, "not a state of a connection");
		break;
	case WEIR_STATE_CLOSED:
		break;
	}
	if (s == WEIR_STATE_FIN_WAIT_2 || s == WEIR_STATE_TIME_WAIT)
		need(j, fin_acked(j), "its FIN was not acknowledged");
}

/* --- Changes -----------------------------------------------------------------------------------
 */

#define B(s) (1u << WEIR_STATE_##s)

/* RFC 9293 figure 5, with the paths that one step may take; each state leads to CLOSED. */
static const uint16_t after[WEIR_STATE_COUNT] = {
	[WEIR_STATE_SYN_SENT] = B(SYN_RECEIVED) | B(ESTABLISHED) | B(FIN_WAIT_1) | B(FIN_WAIT_2) |
				B(CLOSE_WAIT) | B(CLOSING) | B(LAST_ACK) | B(TIME_WAIT),
	[WEIR_STATE_SYN_RECEIVED] = B(ESTABLISHED) | B(FIN_WAIT_1) | B(FIN_WAIT_2) | B(CLOSE_WAIT) |
				    B(CLOSING) | B(LAST_ACK) | B(TIME_WAIT),
	[WEIR_STATE_ESTABLISHED] = B(FIN_WAIT_1) | B(FIN_WAIT_2) | B(CLOSE_WAIT) | B(CLOSING) |
				   B(LAST_ACK),
	[WEIR_STATE_FIN_WAIT_1] = B(FIN_WAIT_2) | B(CLOSING) | B(TIME_WAIT),
	[WEIR_STATE_FIN_WAIT_2] = B(TIME_WAIT),
	[WEIR_STATE_CLOSE_WAIT] = B(LAST_ACK),
	[WEIR_STATE_CLOSING] = B(TIME_WAIT),
};

void sim_model_change(const struct sim_judged *j)
{
	struct sim_end *e = &j->talk->end[j->side];
	enum weir_state was = e->state, is = j->info->state;

	/* The first look, or an end that the application does not know of any more. */
	if (was != is && was != WEIR_STATE_CLOSED && is != WEIR_STATE_CLOSED &&
	    !(after[was] >> is & 1))
		sim_oracle_fail_talk(j->o, j->talk, j->side, "no arrow between states",
				     "state: no arrow leads from %s to %s", weir_state_name(was),
				     weir_state_name(is));
	e->state = is;
}

/* --- Numbers -----------------------------------------------------------------------------------
 */

void sim_model_numbers(const struct sim_judged *j)
{
	const struct weir_info *i = j->info;

	need(j, i->snd_nxt == j->me->nxt, "another SND.NXT than what was sent");
	need(j,
	     i->snd_una == j->me->iss ||
		     (j->me->has_acked && seq_leq(seq_make(i->snd_una), seq_make(j->me->acked))),
	     "SND.UNA beyond what was acknowledged");
	if (i->state == WEIR_STATE_SYN_SENT)
		return;
	need(j, j->me->heard_all || i->rcv_nxt - j->me->irs <= sim_heard_edge(j->me),
	     "RCV.NXT beyond what has come in");
	need(j, !j->me->has_ack || seq_leq(seq_make(j->me->ack), seq_make(i->rcv_nxt)),
	     "RCV.NXT behind what was acknowledged");
	need(j, i->state < WEIR_STATE_ESTABLISHED || i->cwnd_bytes > 0, "a cwnd of zero");
}

/* --- Silence -----------------------------------------------------------------------------------
 */

static bool is_over(enum weir_state s)
{
	return s == WEIR_STATE_CLOSED || s == WEIR_STATE_TIME_WAIT;
}

void sim_model_silence(const struct sim_judged *j, uint64_t longest_ns)
{
	bool out = j->info->snd_una != j->info->snd_nxt;

	if (j->info->snd_una != j->me->una)
		j->me->stirred_at = j->o->now;
	j->me->una = j->info->snd_una;
	if (is_over(j->info->state) || !out)
		return;
	if (j->o->now > j->me->stirred_at + longest_ns)
		fail(j, "what is out was not sent again for longer than any timer runs");
}

void sim_model_wake(const struct sim_judged *j, weir_time deadline, uint64_t longest_ns)
{
	if (!is_over(j->info->state) && j->info->snd_una != j->info->snd_nxt &&
	    deadline > j->o->now + longest_ns)
		fail(j, "something is out and nobody will wake");
}

/* --- Records -----------------------------------------------------------------------------------
 */

void sim_model_timewait(const struct sim_judged *j)
{
	if (!fin_acked(j) || !fin_heard(j) || !fin_taken(j))
		fail(j, "TIME-WAIT without both FINs");
}

static bool any_syn_heard(const struct sim_wire_end *life, uint32_t boot)
{
	for (; life != NULL; life = life->past)
		if (life->syn_heard && life->syn_heard_boot == boot)
			return true;
	return false;
}

void sim_model_half(struct sim_oracle *o, const struct sim_talks *talks,
		    const struct sim_talk *newest, unsigned side)
{
	uint32_t boot = talks->boot[newest->spec.host[side]];

	for (const struct sim_talk *t = newest; t != NULL; t = sim_talks_older(talks, t))
		if (any_syn_heard(&t->wire[!side], boot))
			return;
	SIM_FAIL_TALK(o, newest, side, "state: a half-open record, but no SYN has come in");
}

/* --- Windows -----------------------------------------------------------------------------------
 */

void sim_model_window(const struct sim_judged *j)
{
	const struct weir_info *i = j->info;
	uint64_t out = i->pipe_bytes;
	uint64_t unit = j->me->len_max > i->mss_bytes ? j->me->len_max : i->mss_bytes;
	uint64_t most = i->cwnd_bytes + (j->me->credit + LIMITED_EXTRA) * unit;

	if (out > most)
		sim_oracle_fail_talk(
			j->o, j->talk, j->side, "more out than cwnd allows",
			"state: %llu bytes in the network, cwnd is %u, %u acknowledgements "
			"since it held all",
			(unsigned long long)out, i->cwnd_bytes, j->me->credit);
}

/* --- The end -----------------------------------------------------------------------------------
 */

static bool end_was_seen(const struct sim_judged *j, enum weir_err reason)
{
	const struct sim_end *e = &j->talk->end[j->side];

	switch (reason) {
	case WEIR_OK:
		return fin_acked(j) && fin_heard(j) && fin_taken(j);
	case WEIR_RESET:
		return j->me->rst_heard;
	case WEIR_REFUSED:
		return j->me->rst_heard || j->me->icmp_heard;
	case WEIR_UNREACHABLE:
		return j->me->icmp_heard;
	case WEIR_TIMEOUT: /* what nobody holds ends by itself after few retries */
		return e->closed || j->o->now - j->me->begun >= SLACK_NS / 2;
	case WEIR_ABORTED:
		return e->closed || e->aborted || e->lost;
	case WEIR_AGAIN:
	case WEIR_EOF:
	case WEIR_NO_CONN:
	case WEIR_CLOSING:
	case WEIR_EXISTS:
	case WEIR_NOT_CONNECTED:
	case WEIR_NO_REMOTE:
	case WEIR_BAD_REMOTE:
	case WEIR_NO_LOCAL:
	case WEIR_NO_RESOURCES:
	case WEIR_NO_PORT:
	case WEIR_BAD_ARG:
	case WEIR_BAD_CONFIG:
	case WEIR_NO_MEMORY:
	case WEIR_ERR_COUNT:
		break; /* what calls return: no reason to end */
	}
	return false;
}

void sim_model_end(struct sim_oracle *o, const struct sim_talks *talks, struct sim_talk *t,
		   unsigned side, enum weir_err reason)
{
	struct sim_talk *where;
	struct sim_judged j = {.o = o,
			       .talks = talks,
			       .talk = t,
			       .side = side,
			       .me = sim_life_of_number(talks, t, side, t->end[side].life)};

	if (t->end[side].life == 0)
		return; /* it never came to a SYN */
	if (j.me->has_irs)
		j.peer = sim_life_of_isn(talks, t, !side, j.me->irs, &where);
	if (!end_was_seen(&j, reason))
		sim_oracle_fail_talk(o, t, side, "an end that nothing led to",
				     "state: it ended with \"%s\", but nothing that was seen led "
				     "to that",
				     weir_err_text(reason));
}

/* --- After each step ---------------------------------------------------------------------------
 */

/* What is known of a connection or record. false: nothing, it has not said a word yet. */
static bool find(struct sim_host *h, const struct weir_info *info, struct sim_judged *j)
{
	struct sim_talk *t, *newest, *where;
	unsigned side;

	newest = sim_talks_find(h->talks, &info->tuple.local, &info->tuple.remote, &side);
	t = newest != NULL ? sim_talks_owner(h->talks, newest, side) : NULL;
	if (t == NULL)
		return false;
	*j = (struct sim_judged){.o = h->oracle,
				 .talks = h->talks,
				 .talk = t,
				 .side = side,
				 .me = &t->wire[side],
				 .info = info};
	if (j->me->has_irs)
		j->peer = sim_life_of_isn(h->talks, newest, !side, j->me->irs, &where);
	return true;
}

static uint64_t longest_silence(const struct sim_host *h)
{
	const struct weir_config *c = &h->cfg.stack;
	uint64_t ms = c->rto_max_ms > c->persist_max_ms ? c->rto_max_ms : c->persist_max_ms;

	return ms * 1000000ull + SLACK_NS;
}

static void judge_conn(struct sim_host *h, const struct weir_info *info)
{
	uint64_t longest = longest_silence(h);
	struct sim_judged j;

	if (!find(h, info, &j)) {
		sim_oracle_fail(h->oracle, "host %u: state: a connection that has said nothing",
				h->number);
		return;
	}
	sim_model_state(&j);
	sim_model_change(&j);
	sim_model_numbers(&j);
	sim_model_silence(&j, longest);
	if (info->pipe_bytes <= info->cwnd_bytes &&
	    seq_geq(seq_make(j.me->acked), seq_make(j.me->credit_until)))
		j.me->credit = 0;
	sim_model_wake(&j, h->deadline, longest);
}

static void judge_timewaits(struct sim_host *h)
{
	uint32_t cursor = 0;
	struct weir_info info;
	struct sim_judged j;

	while (weir_walk(h->stack, WEIR_WALK_TIMEWAITS, &cursor, h->oracle->now, &info))
		if (find(h, &info, &j))
			sim_model_timewait(&j);
		else
			sim_oracle_fail(h->oracle, "host %u: TIME-WAIT of no connection",
					h->number);
}

static void judge_halfs(struct sim_host *h)
{
	uint32_t cursor = 0;
	struct weir_info info;
	const struct sim_talk *t;
	unsigned side;

	while (weir_walk(h->stack, WEIR_WALK_HALFS, &cursor, h->oracle->now, &info)) {
		t = sim_talks_find(h->talks, &info.tuple.local, &info.tuple.remote, &side);
		if (t != NULL)
			sim_model_half(h->oracle, h->talks, t, side);
		else
			sim_oracle_fail(h->oracle, "host %u: a half-open record of no connection",
					h->number);
	}
}

void sim_model_step(struct sim_host *h)
{
	uint32_t cursor = 0;
	struct weir_info info;

	while (!h->oracle->failed &&
	       weir_walk(h->stack, WEIR_WALK_CONNS, &cursor, h->oracle->now, &info))
		judge_conn(h, &info);
	if (!h->oracle->failed) {
		judge_timewaits(h);
		judge_halfs(h);
	}
}

void sim_model_sent(struct sim_host *h)
{
	struct sim_talk *t = h->oracle->sent_talk;
	unsigned side = h->oracle->sent_side;
	struct weir_info info;
	struct sim_judged j = {.o = h->oracle, .talks = h->talks, .talk = t, .side = side};

	h->oracle->sent_talk = NULL;
	if (t == NULL || weir_conn_info(h->stack, t->end[side].conn, &info) != WEIR_OK)
		return;
	j.me = &t->wire[side];
	j.info = &info;
	sim_model_window(&j);
}
