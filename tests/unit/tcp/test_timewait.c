/*
 * TIME-WAIT records: RFC 9293 3.10.7.4, RFC 1337, RFC 6191, each outcome.
 */
#include "fixture.h"

#include "tcp/timewait.h"

#define WND     1000u
#define NOW     (5000 * NS_PER_MS)
#define SND_NXT 2000u
#define RCV_NXT 7000u /* the peer's FIN was 6999 */
#define TS      100u

static struct weir_config cfg;

static struct timewait make(uint8_t flags)
{
	struct timewait w = {.snd_nxt = {SND_NXT},
			     .rcv_nxt = {RCV_NXT},
			     .rcv_wnd = WND,
			     .snd_wnd_max = 500,
			     .ts_recent = TS,
			     .flags = flags};

	return w;
}

static void test_init(void **state)
{
	struct fix *f = *state;
	struct timewait w;

	fix_open(f, NULL);
	f->t.rcv.adv = seq_add(f->t.rcv.nxt, 40000);
	f->t.rcv_wscale = 3;
	f->t.snd.wnd_max = 1234;
	f->t.ts = (struct tsopt){.ok = true, .recent = 9};
	timewait_init(&w, &f->t);
	assert_int_equal(w.snd_nxt.v, SND);
	assert_int_equal(w.rcv_nxt.v, RCV);
	assert_int_equal(w.rcv_wnd, 40000);
	assert_int_equal(w.wnd_field, 5000);
	assert_int_equal(w.rcv_wscale, 3);
	assert_int_equal(w.snd_wnd_max, 1234);
	assert_int_equal(w.ts_recent, 9);
	assert_int_equal(w.flags, TIMEWAIT_TS);
	f->t.ts.ok = false;
	timewait_init(&w, &f->t);
	assert_int_equal(w.flags, 0);
}

struct row {
	const char *name;
	uint8_t flags;
	uint32_t seq, ack, len;
	enum timewait_action action;
	enum weir_counter verdict;
};

#define DO(what)  TIMEWAIT_DO_##what
#define CTR(what) WEIR_CTR_##what

static const struct row rows[] = {
	/* RFC1337-01 */
	{"RST at RCV.NXT", TCP_RST, RCV_NXT, 0, 0, DO(NOTHING), CTR(TIMEWAIT_RST)},
	{"RST in the window", TCP_RST, RCV_NXT + 1, 0, 0, DO(ACK), CTR(RST_CHALLENGED)},
	{"RST outside", TCP_RST, RCV_NXT + WND, 0, 0, DO(NOTHING), CTR(RST_OUTSIDE)},
	{"RST before", TCP_RST, RCV_NXT - 1, 0, 0, DO(NOTHING), CTR(RST_OUTSIDE)},
	/* RFC9293-MUST-13: the FIN again */
	{"FIN again", TCP_ACK | TCP_FIN, RCV_NXT - 1, SND_NXT, 0, DO(RESTART), CTR(TIMEWAIT_FIN)},
	{"FIN with its text", TCP_ACK | TCP_FIN, RCV_NXT - 11, SND_NXT, 10, DO(RESTART),
	 CTR(TIMEWAIT_FIN)},
	{"another FIN", TCP_ACK | TCP_FIN, RCV_NXT - 2, SND_NXT, 0, DO(ACK), CTR(TIMEWAIT_STRAY)},
	{"a FIN to come", TCP_ACK | TCP_FIN, RCV_NXT, SND_NXT, 0, DO(NOTHING), CTR(TIMEWAIT_STRAY)},
	/* RFC1337-02 */
	{"old data", TCP_ACK, RCV_NXT - 100, SND_NXT, 50, DO(ACK), CTR(TIMEWAIT_STRAY)},
	{"old ACK", TCP_ACK, RCV_NXT - 1, SND_NXT, 0, DO(ACK), CTR(TIMEWAIT_STRAY)},
	{"far data", TCP_ACK, RCV_NXT + WND, SND_NXT, 50, DO(ACK), CTR(TIMEWAIT_STRAY)},
	{"new data", TCP_ACK, RCV_NXT, SND_NXT, 50, DO(NOTHING), CTR(TIMEWAIT_STRAY)},
	{"ACK in its place", TCP_ACK, RCV_NXT, SND_NXT, 0, DO(NOTHING), CTR(TIMEWAIT_STRAY)},
	{"no ACK", TCP_PSH, RCV_NXT, 0, 10, DO(NOTHING), CTR(TIMEWAIT_STRAY)},
	/* RFC5961-08 */
	{"ACK too new", TCP_ACK, RCV_NXT, SND_NXT + 1, 0, DO(ACK), CTR(TIMEWAIT_STRAY)},
	{"ACK at the limit", TCP_ACK, RCV_NXT, SND_NXT - 500, 0, DO(NOTHING), CTR(TIMEWAIT_STRAY)},
	{"ACK too old", TCP_ACK, RCV_NXT, SND_NXT - 501, 0, DO(ACK), CTR(TIMEWAIT_STRAY)},
	/* SYNs without timestamps: RFC6191-02, -03, RFC9293-MAY-2 */
	{"newer SYN", TCP_SYN, RCV_NXT, 0, 0, DO(REUSE), CTR(TIMEWAIT_SYN)},
	{"SYN at the FIN", TCP_SYN, RCV_NXT - 1, 0, 0, DO(ACK), CTR(TIMEWAIT_SYN_OLD)},
	{"older SYN", TCP_SYN, RCV_NXT - 500, 0, 0, DO(ACK), CTR(TIMEWAIT_SYN_OLD)},
	{"SYN-ACK", TCP_SYN | TCP_ACK, RCV_NXT + 5, SND_NXT, 0, DO(ACK), CTR(TIMEWAIT_SYN_OLD)},
};

static void test_input(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct row *r = &rows[i];
		struct timewait w = make(0);
		struct tcp_seg s = {
			.seq = {r->seq}, .ack = {r->ack}, .len = r->len, .flags = r->flags};
		enum weir_counter verdict = WEIR_CTR_COUNT;
		enum timewait_action action = timewait_input(&w, &cfg, &s, NOW, &verdict);

		if (action != r->action || verdict != r->verdict)
			fail_msg("%s: action %d, %s", r->name, (int)action,
				 weir_counter_name(verdict));
	}
}

/* RFC6191-01, -02: by timestamp first, by sequence number where they cannot tell. */
static void test_reuse(void **state)
{
	static const struct {
		uint8_t had_ts;
		int ts;  /* TSval - TS.Recent; 99: no option */
		int seq; /* SEG.SEQ - the peer's FIN */
		bool reuse;
	} cases[] = {
		{TIMEWAIT_TS, 1, -500, true},
		{TIMEWAIT_TS, 0, 1, true},
		{TIMEWAIT_TS, 0, 0, false},
		{TIMEWAIT_TS, -1, 500, false},
		{TIMEWAIT_TS, 99, 1, true},
		{TIMEWAIT_TS, 99, 0, false},
		{0, 1, -500, true}, /* timestamps would be new */
		{0, -50, -500, true},
		{0, 99, 1, true},
		{0, 99, 0, false},
		{0, 99, -1, false},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct timewait w = make(cases[i].had_ts);
		struct tcp_seg s = {.seq = {RCV_NXT - 1 + (uint32_t)cases[i].seq},
				    .flags = TCP_SYN,
				    .opts = {.has_ts = cases[i].ts != 99,
					     .ts_val = TS + (uint32_t)cases[i].ts}};
		enum weir_counter v;

		assert_int_equal(timewait_input(&w, &cfg, &s, NOW, &v),
				 cases[i].reuse ? TIMEWAIT_DO_REUSE : TIMEWAIT_DO_ACK);
	}
}

/* SHLD-4 and RFC 1337 are settings. */
static void test_settings(void **state)
{
	struct timewait w = make(0);
	struct tcp_seg syn = {.seq = {RCV_NXT + 100}, .flags = TCP_SYN};
	struct tcp_seg rst = {.seq = {RCV_NXT}, .flags = TCP_RST};
	enum weir_counter v;

	(void)state;
	cfg.timewait_reuse = 0;
	assert_int_equal(timewait_input(&w, &cfg, &syn, NOW, &v), TIMEWAIT_DO_ACK);
	cfg.timewait_rst_ignored = 0;
	assert_int_equal(timewait_input(&w, &cfg, &rst, NOW, &v), TIMEWAIT_DO_END);
	assert_verdict(v, TIMEWAIT_RST_END);
	weir_config_default(&cfg);
}

/* Strays are answered at most once in ooo_ack_ms, or two records could talk for ever. */
static void test_answers_are_throttled(void **state)
{
	struct timewait w = make(0);
	struct tcp_seg stray = {.seq = {RCV_NXT - 100}, .ack = {SND_NXT}, .flags = TCP_ACK};
	struct tcp_seg fin = {.seq = {RCV_NXT - 1}, .ack = {SND_NXT}, .flags = TCP_ACK | TCP_FIN};
	enum weir_counter v;

	(void)state;
	assert_int_equal(timewait_input(&w, &cfg, &stray, NOW, &v), TIMEWAIT_DO_ACK);
	assert_int_equal(timewait_input(&w, &cfg, &stray, NOW, &v), TIMEWAIT_DO_NOTHING);
	assert_int_equal(timewait_input(&w, &cfg, &stray, NOW + 490 * NS_PER_MS, &v),
			 TIMEWAIT_DO_NOTHING);
	assert_int_equal(timewait_input(&w, &cfg, &fin, NOW, &v), TIMEWAIT_DO_RESTART);
	assert_int_equal(timewait_input(&w, &cfg, &stray, NOW + 510 * NS_PER_MS, &v),
			 TIMEWAIT_DO_ACK);
}

/* A closed window: only an empty segment at RCV.NXT is in its place. */
static void test_closed_window(void **state)
{
	struct timewait w = make(0);
	struct tcp_seg s = {.seq = {RCV_NXT}, .ack = {SND_NXT}, .flags = TCP_ACK};
	enum weir_counter v;

	(void)state;
	w.rcv_wnd = 0;
	assert_int_equal(timewait_input(&w, &cfg, &s, NOW, &v), TIMEWAIT_DO_NOTHING);
	s.len = 1;
	assert_int_equal(timewait_input(&w, &cfg, &s, NOW, &v), TIMEWAIT_DO_ACK);
}

/* RFC9293-MAY-2: the next incarnation begins beyond all that this one used. */
static void test_next_isn(void **state)
{
	static const struct {
		uint32_t isn, next;
	} cases[] = {
		{SND_NXT + 1, SND_NXT + 1},
		{SND_NXT + 0x7fffffffu, SND_NXT + 0x7fffffffu},
		{SND_NXT, SND_NXT + 65537},
		{SND_NXT - 1, SND_NXT + 65537},
		{SND_NXT - 0x7fffffffu, SND_NXT + 65537},
	};
	struct timewait w = make(0);

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++)
		assert_int_equal(timewait_next_isn(&w, seq_make(cases[i].isn)).v, cases[i].next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_answers_are_throttled),
		cmocka_unit_test(test_closed_window),
		cmocka_unit_test(test_next_isn),
	};

	weir_config_default(&cfg);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
