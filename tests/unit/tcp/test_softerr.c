/*
 * ICMP errors about a connection: RFC 5927, RFC9293-MUST-56, SHLD-25, -26, RFC1191-05, -06.
 */
#include "fixture.h"

#include "tcp/softerr.h"

static void open_busy(struct fix *f)
{
	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 5 * MSS);
	fix_drain(f);
}

/* RFC5927-01: SND.UNA <= SEG.SEQ < SND.NXT */
static void test_in_flight(void **state)
{
	static const struct {
		uint32_t seq;
		bool counts;
	} rows[] = {{SND - 1, false},       {SND, true},
		    {SND + 2500, true},     {SND + 5 * MSS - 1, true},
		    {SND + 5 * MSS, false}, {SND + 0x80000000u, false}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		seq_t seq = seq_make(rows[i].seq);

		open_busy(f);
		assert_int_equal(softerr_take(&f->t, &f->env, SOFTERR_SOFT, WEIR_UNREACHABLE, seq),
				 rows[i].counts ? WEIR_CTR_ICMP_SOFT : WEIR_CTR_ICMP_STRAY);
		assert_int_equal(!!(f->t.events & 1u << WEIR_EV_SOFT_ERROR), rows[i].counts);
		assert_int_equal(f->t.soft, rows[i].counts ? WEIR_UNREACHABLE : WEIR_OK);
		assert_int_equal(softerr_path(&f->t, &f->env, 500, seq, f->now),
				 rows[i].counts ? WEIR_CTR_ICMP_PMTU : WEIR_CTR_ICMP_STRAY);
		tcb_flush(&f->t, &f->env);
	}
}

/* RFC5927-02: only an attempt ends, and only by a hard error. */
static void test_what_ends(void **state)
{
	static const struct {
		enum weir_state state;
		enum softerr_kind kind;
		bool ends;
	} rows[] = {
		{WEIR_STATE_SYN_SENT, SOFTERR_HARD, true},
		{WEIR_STATE_SYN_SENT, SOFTERR_SOFT, false},
		{WEIR_STATE_SYN_RECEIVED, SOFTERR_HARD, false},
		{WEIR_STATE_ESTABLISHED, SOFTERR_HARD, false},
		{WEIR_STATE_ESTABLISHED, SOFTERR_SOFT, false},
		{WEIR_STATE_LAST_ACK, SOFTERR_HARD, false},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcb *t = &f->t;
		enum weir_counter v;

		fix_init(f);
		tcb_open_active(t, &f->env, seq_make(ISS), 0, f->now);
		assert_plan(f, SENT_SYN, ISS, 0, TCP_SYN);
		t->state = rows[i].state;
		v = softerr_take(t, &f->env, rows[i].kind, WEIR_REFUSED, seq_make(ISS));
		assert_int_equal(v, rows[i].ends ? WEIR_CTR_ICMP_HARD : WEIR_CTR_ICMP_SOFT);
		assert_int_equal(t->state, rows[i].ends ? WEIR_STATE_CLOSED : rows[i].state);
		assert_int_equal(t->reason, rows[i].ends ? WEIR_REFUSED : WEIR_OK);
		tcb_flush(t, &f->env);
	}
}

/* RFC1191-02, -05, -06: lowers, never raises; what is out goes again in smaller pieces. */
static void test_path(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	uint32_t cwnd;

	open_busy(f);
	cwnd = t->cc.cwnd * 6 / 10;
	assert_verdict(softerr_path(t, &f->env, MSS + 1, t->snd.una, f->now), ICMP_IGNORED);
	assert_verdict(softerr_path(t, &f->env, MSS, t->snd.una, f->now), ICMP_IGNORED);
	assert_int_equal(t->snd.mss, MSS);
	assert_no_plan(f);
	assert_verdict(softerr_path(t, &f->env, 600, t->snd.una, f->now), ICMP_PMTU);
	assert_int_equal(t->snd.mss, 600);
	assert_int_equal(t->cc.cwnd, cwnd); /* as many segments */
	assert_verdict(softerr_path(t, &f->env, 600, t->snd.una, f->now),
		       ICMP_IGNORED); /* a burst */
	assert_plan(f, RETX_PMTU, SND, 600, TCP_ACK);
	assert_no_plan(f); /* one, until an ACK comes */
	fix_ack(f, SND + 600, 65535);
	for (uint32_t at = 600; at < 5 * MSS; at += 600)
		assert_plan(f, RETX_PMTU, SND + at, at + 600 > 5 * MSS ? 5 * MSS - at : 600,
			    at + 600 < 5 * MSS ? TCP_ACK : TCP_ACK | TCP_PSH);
	assert_no_plan(f);
	assert_int_equal(t->cc.cwnd, cwnd + 600); /* slow start goes on */
}

/* RFC1191-07: options are taken off, and never less than a byte is sent. */
static void test_path_with_options(void **state)
{
	struct tcp_agreed ts = {.mss = 700, .ts_ok = true};
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, &ts);
	fix_send(f, 10);
	fix_drain(f);
	assert_int_equal(t->snd.mss, 688);
	assert_verdict(softerr_path(t, &f->env, 800, t->snd.una, f->now), ICMP_PMTU);
	assert_int_equal(t->snd.mss, 688); /* the peer's limit is the smaller one */
	softerr_path(t, &f->env, 400, t->snd.una, f->now);
	assert_int_equal(t->snd.mss, 388);
	softerr_path(t, &f->env, 5, t->snd.una, f->now);
	assert_int_equal(t->snd.mss, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_flight),
		TEST(test_what_ends),
		TEST(test_path),
		TEST(test_path_with_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
