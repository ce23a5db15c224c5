/*
 * The model of states finds what it should: for each of its rules a connection on paper about which
 * the engine would lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "paper.h"
#include "sim/model.h"
#include "weir/info.h"

#define SECOND 1000000000ull

enum { SYN = TCP_SYN, ACK = TCP_ACK, FIN = TCP_FIN };

/* Both users have yet to close; side `closes` does, if it is 0 or 1. */
static void begin(struct paper *p)
{
	paper_init(p);
	p->talk->end[0].fin_given = p->talk->end[1].fin_given = false;
	p->oracle.now = SECOND;
}

static void shake(struct paper *p)
{
	begin(p);
	paper_handshake(p);
}

/* `side` closes with nothing sent: its FIN reaches the other, and is acknowledged. */
static void fin_of(struct paper *p, unsigned side)
{
	const struct written fin = {side, FIN | ACK, 1, 1, 0, 500, PLAIN};

	p->talk->end[side].given = 0;
	p->talk->end[side].fin_given = true;
	paper_pass(p, &fin);
}

static void ack_of_fin(struct paper *p, unsigned side, uint32_t seq)
{
	const struct written ack = {side, ACK, seq, 2, 0, 500, PLAIN};

	paper_pass(p, &ack);
}

/* What an engine that tells the truth would say of an end with nothing sent. */
static struct weir_info truth(const struct paper *p, unsigned side, enum weir_state state)
{
	const struct sim_wire_end *me = &p->talk->wire[side];

	return (struct weir_info){.state = state,
				  .snd_una = me->has_acked ? me->acked : me->iss,
				  .snd_nxt = me->nxt,
				  .rcv_nxt = me->has_irs ? me->irs + sim_heard_edge(me) : 0,
				  .cwnd_bytes = 1000,
				  .mss_bytes = 60};
}

static struct sim_judged judged(struct paper *p, unsigned side, const struct weir_info *info)
{
	return (struct sim_judged){.o = &p->oracle,
				   .talks = &p->talks,
				   .talk = p->talk,
				   .side = side,
				   .me = &p->talk->wire[side],
				   .peer = &p->talk->wire[!side],
				   .info = info};
}

/* Did the oracle find this, and nothing else? NULL: nothing. */
static void expect(struct paper *p, const char *text)
{
	if (text == NULL && p->oracle.failed)
		fail_msg("%s", p->oracle.text);
	if (text != NULL && (!p->oracle.failed || strstr(p->oracle.text, text) == NULL))
		fail_msg("wanted \"%s\", got \"%s\"", text, p->oracle.text);
	sim_talks_free(&p->talks);
}

static void expect_state(struct paper *p, unsigned side, enum weir_state state, const char *text)
{
	struct weir_info info = truth(p, side, state);
	struct sim_judged j = judged(p, side, &info);

	assert_false(p->oracle.failed);
	sim_model_state(&j);
	expect(p, text);
}

/* --- States ----------------------------------------------------------------------------------- */

static void test_before_the_handshake_is_over(void **state)
{
	const struct written syn = {0, SYN, 0, 0, 0, 500, OPT_MSS};
	const struct written answer = {1, SYN | ACK, 0, 1, 0, 80, OPT_MSS};
	struct paper p;

	(void)state;
	begin(&p);
	paper_pass(&p, &syn);
	expect_state(&p, 0, WEIR_STATE_SYN_SENT, NULL);
	begin(&p);
	paper_pass(&p, &syn);
	expect_state(&p, 0, WEIR_STATE_SYN_RECEIVED, "no SYN has come in");
	begin(&p);
	paper_pass(&p, &syn);
	paper_send(&p, &answer); /* it is lost */
	expect_state(&p, 0, WEIR_STATE_ESTABLISHED, "no SYN has come in");
	begin(&p);
	paper_pass(&p, &syn);
	paper_pass(&p, &answer);
	expect_state(&p, 1, WEIR_STATE_SYN_RECEIVED, NULL);
	begin(&p);
	paper_pass(&p, &syn);
	paper_pass(&p, &answer);
	expect_state(&p, 1, WEIR_STATE_ESTABLISHED, "its SYN was not acknowledged");
	shake(&p);
	expect_state(&p, 0, WEIR_STATE_SYN_SENT, "a SYN was answered");
	begin(&p);
	expect_state(&p, 0, WEIR_STATE_SYN_SENT, "no SYN was sent");
}

static void test_states_of_the_open_connection(void **state)
{
	struct paper p;

	(void)state;
	shake(&p);
	expect_state(&p, 0, WEIR_STATE_ESTABLISHED, NULL);
	shake(&p);
	p.talk->end[0].fin_given = true;
	expect_state(&p, 0, WEIR_STATE_ESTABLISHED, "its user has closed");
	shake(&p);
	expect_state(&p, 0, WEIR_STATE_FIN_WAIT_1, "its user has not closed");
	shake(&p);
	expect_state(&p, 0, WEIR_STATE_CLOSE_WAIT, "the peer's FIN has not come in");
	shake(&p);
	expect_state(&p, 0, WEIR_STATE_LISTEN, "not a state of a connection");
}

static void test_states_after_our_fin(void **state)
{
	struct paper p;

	(void)state;
	shake(&p);
	fin_of(&p, 0);
	expect_state(&p, 0, WEIR_STATE_FIN_WAIT_1, NULL);
	shake(&p);
	fin_of(&p, 0);
	expect_state(&p, 0, WEIR_STATE_FIN_WAIT_2, "its FIN was not acknowledged");
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_state(&p, 0, WEIR_STATE_FIN_WAIT_2, NULL);
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_state(&p, 0, WEIR_STATE_TIME_WAIT, "the peer's FIN has not come in");
	shake(&p);
	fin_of(&p, 0);
	expect_state(&p, 0, WEIR_STATE_CLOSING, "the peer's FIN has not come in");
}

static void test_states_after_the_peers_fin(void **state)
{
	struct paper p;

	(void)state;
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_state(&p, 1, WEIR_STATE_CLOSE_WAIT, NULL);
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_state(&p, 1, WEIR_STATE_ESTABLISHED, "the peer's FIN was acknowledged");
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_state(&p, 1, WEIR_STATE_LAST_ACK, "its user has not closed");
	shake(&p);
	fin_of(&p, 0);
	fin_of(&p, 1);
	ack_of_fin(&p, 0, 2);
	expect_state(&p, 0, WEIR_STATE_CLOSING, NULL);
	shake(&p);
	fin_of(&p, 0);
	fin_of(&p, 1);
	ack_of_fin(&p, 0, 2);
	expect_state(&p, 0, WEIR_STATE_TIME_WAIT, "its FIN was not acknowledged");
}

static void expect_change(enum weir_state from, enum weir_state to, const char *text)
{
	struct paper p;
	struct weir_info info;
	struct sim_judged j;

	shake(&p);
	info = truth(&p, 0, to);
	j = judged(&p, 0, &info);
	p.talk->end[0].state = from;
	sim_model_change(&j);
	assert_int_equal(p.talk->end[0].state, to);
	expect(&p, text);
}

static void test_arrows(void **state)
{
	(void)state;
	expect_change(WEIR_STATE_SYN_SENT, WEIR_STATE_ESTABLISHED, NULL);
	expect_change(WEIR_STATE_FIN_WAIT_1, WEIR_STATE_TIME_WAIT, NULL);
	expect_change(WEIR_STATE_ESTABLISHED, WEIR_STATE_CLOSED, NULL);
	expect_change(WEIR_STATE_FIN_WAIT_2, WEIR_STATE_ESTABLISHED, "no arrow");
	expect_change(WEIR_STATE_CLOSE_WAIT, WEIR_STATE_TIME_WAIT, "no arrow");
	expect_change(WEIR_STATE_ESTABLISHED, WEIR_STATE_SYN_RECEIVED, "no arrow");
}

/* --- Numbers, silence, windows ---------------------------------------------------------------- */

static void expect_numbers(const struct weir_info *change, const char *text)
{
	struct paper p;
	struct weir_info info;
	struct sim_judged j;

	shake(&p);
	info = truth(&p, 0, WEIR_STATE_ESTABLISHED);
	info.snd_nxt += change->snd_nxt;
	info.snd_una += change->snd_una;
	info.rcv_nxt += change->rcv_nxt;
	info.cwnd_bytes += change->cwnd_bytes;
	j = judged(&p, 0, &info);
	sim_model_numbers(&j);
	expect(&p, text);
}

static void test_numbers(void **state)
{
	(void)state;
	expect_numbers(&(struct weir_info){.snd_nxt = 0}, NULL);
	expect_numbers(&(struct weir_info){.snd_nxt = 1}, "another SND.NXT");
	expect_numbers(&(struct weir_info){.snd_una = 1}, "SND.UNA beyond");
	expect_numbers(&(struct weir_info){.rcv_nxt = 1}, "RCV.NXT beyond");
	expect_numbers(&(struct weir_info){.rcv_nxt = (uint32_t)-1}, "RCV.NXT behind");
	expect_numbers(&(struct weir_info){.cwnd_bytes = (uint32_t)-1000}, "a cwnd of zero");
}

static void test_silence(void **state)
{
	const struct written data = {0, ACK, 1, 1, 60, 500, PLAIN};
	struct paper p;

	(void)state;
	for (unsigned late = 0; late < 2; late++) {
		struct weir_info info;
		struct sim_judged j;

		shake(&p);
		paper_pass(&p, &data);
		info = truth(&p, 0, WEIR_STATE_ESTABLISHED);
		j = judged(&p, 0, &info);
		sim_model_silence(&j, 10 * SECOND);
		p.oracle.now += 10 * SECOND + late;
		sim_model_silence(&j, 10 * SECOND);
		expect(&p, late ? "was not sent again" : NULL);
	}
}

static void test_somebody_wakes(void **state)
{
	const struct written data = {0, ACK, 1, 1, 60, 500, PLAIN};
	struct paper p;

	(void)state;
	for (unsigned late = 0; late < 2; late++) {
		struct weir_info info;
		struct sim_judged j;

		shake(&p);
		paper_pass(&p, &data);
		info = truth(&p, 0, WEIR_STATE_ESTABLISHED);
		j = judged(&p, 0, &info);
		sim_model_wake(&j, p.oracle.now + 10 * SECOND + late, 10 * SECOND);
		expect(&p, late ? "nobody will wake" : NULL);
	}
	/* With nothing out nobody need wake. */
	for (unsigned out = 0; out < 2; out++) {
		struct weir_info info;
		struct sim_judged j;

		shake(&p);
		info = truth(&p, 0, WEIR_STATE_ESTABLISHED);
		info.snd_nxt += out;
		j = judged(&p, 0, &info);
		sim_model_wake(&j, WEIR_NEVER, 10 * SECOND);
		expect(&p, out ? "nobody will wake" : NULL);
	}
}

static void test_congestion_window(void **state)
{
	struct paper p;
	struct weir_info info;
	struct sim_judged j;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		shake(&p);
		info = truth(&p, 0, WEIR_STATE_ESTABLISHED);
		/* One acknowledgement has come in, and four segments are always granted. */
		info.pipe_bytes = 1000 + 5 * 60 + over;
		j = judged(&p, 0, &info);
		assert_int_equal(j.me->credit, 1);
		sim_model_window(&j);
		expect(&p, over ? "bytes in the network, cwnd is 1000" : NULL);
	}
}

/* --- Records ---------------------------------------------------------------------------------- */

static void expect_timewait(struct paper *p, const char *text)
{
	struct weir_info info = truth(p, 0, WEIR_STATE_TIME_WAIT);
	struct sim_judged j = judged(p, 0, &info);

	assert_false(p->oracle.failed);
	sim_model_timewait(&j);
	expect(p, text);
}

static void close_both(struct paper *p);

static void test_time_wait_records(void **state)
{
	struct paper p;

	(void)state;
	close_both(&p);
	expect_timewait(&p, NULL);
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_timewait(&p, "TIME-WAIT without both FINs");
	shake(&p);
	fin_of(&p, 0);
	fin_of(&p, 1);
	ack_of_fin(&p, 0, 2);
	expect_timewait(&p, "TIME-WAIT without both FINs");
}

static void test_half_open_records(void **state)
{
	const struct written syn = {0, SYN, 0, 0, 0, 500, OPT_MSS};
	struct paper p;

	(void)state;
	begin(&p);
	paper_pass(&p, &syn);
	sim_model_half(&p.oracle, &p.talks, p.talk, 1);
	expect(&p, NULL);
	begin(&p);
	paper_send(&p, &syn); /* lost */
	sim_model_half(&p.oracle, &p.talks, p.talk, 1);
	expect(&p, "no SYN has come in");
	begin(&p);
	paper_pass(&p, &syn);
	p.talks.boot[1]++; /* the host that heard it has crashed since */
	sim_model_half(&p.oracle, &p.talks, p.talk, 1);
	expect(&p, "no SYN has come in");
}

/* --- Ends ------------------------------------------------------------------------------------- */

static void expect_end(struct paper *p, enum weir_err reason, const char *text)
{
	p->talk->end[0].life = p->talk->wire[0].life;
	sim_model_end(&p->oracle, &p->talks, p->talk, 0, reason);
	expect(p, text);
}

static void close_both(struct paper *p)
{
	shake(p);
	fin_of(p, 0);
	ack_of_fin(p, 1, 1);
	p->talk->end[1].given = 0;
	p->talk->end[1].fin_given = true;
	paper_pass(p, &(struct written){1, FIN | ACK, 1, 2, 0, 500, PLAIN});
	paper_pass(p, &(struct written){0, ACK, 2, 2, 0, 500, PLAIN});
}

static void test_ends_that_something_led_to(void **state)
{
	struct paper p;

	(void)state;
	close_both(&p);
	expect_end(&p, WEIR_OK, NULL);
	shake(&p);
	paper_pass(&p, &(struct written){1, TCP_RST, 1, 0, 0, 0, PLAIN});
	expect_end(&p, WEIR_RESET, NULL);
	shake(&p);
	p.talk->wire[0].icmp_heard = true;
	expect_end(&p, WEIR_UNREACHABLE, NULL);
	shake(&p);
	p.oracle.now += SECOND;
	expect_end(&p, WEIR_TIMEOUT, NULL);
	shake(&p);
	p.talk->end[0].closed = true;
	expect_end(&p, WEIR_ABORTED, NULL);
}

static void test_ends_that_nothing_led_to(void **state)
{
	static const enum weir_err lies[] = {WEIR_OK,          WEIR_RESET,   WEIR_REFUSED,
					     WEIR_UNREACHABLE, WEIR_TIMEOUT, WEIR_ABORTED,
					     WEIR_NO_CONN};
	struct paper p;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		shake(&p);
		expect_end(&p, lies[i], "nothing that was seen led to that");
	}
	/* Our FIN was acknowledged, the peer's has not come. */
	shake(&p);
	fin_of(&p, 0);
	ack_of_fin(&p, 1, 1);
	expect_end(&p, WEIR_OK, "nothing that was seen led to that");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_handshake_is_over),
		cmocka_unit_test(test_states_of_the_open_connection),
		cmocka_unit_test(test_states_after_our_fin),
		cmocka_unit_test(test_states_after_the_peers_fin),
		cmocka_unit_test(test_arrows),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_somebody_wakes),
		cmocka_unit_test(test_congestion_window),
		cmocka_unit_test(test_time_wait_records),
		cmocka_unit_test(test_half_open_records),
		cmocka_unit_test(test_ends_that_something_led_to),
		cmocka_unit_test(test_ends_that_nothing_led_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
