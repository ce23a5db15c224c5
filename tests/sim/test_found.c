/*
 * What the simulator once found and random seeds seldom meet, each as a run of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/be.h"
#include "plain.h"

#define MS 1000000ull

static void expect_whole(struct sim_world *w)
{
	if (!sim_world_run(w))
		fail_msg("%s", w->oracle.text);
}

/* --- The connection's own SYN, come again, does not reopen its TIME-WAIT (RFC 6191 2) --------- */

struct late_syn {
	struct sim_frame *syn;
};

static void keep_and_repeat(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct late_syn *l = user;
	struct sim_packet pk;

	if (from != 0 || sim_packet_read(&pk, f) != SIM_PACKET_TCP)
		return;
	if (pk.tcp.flags & TCP_SYN)
		l->syn = sim_frame_copy(f);
	/* Its FIN is the last: 10 ms later the other side is in TIME-WAIT. */
	if ((pk.tcp.flags & TCP_FIN) && l->syn != NULL) {
		sim_world_inject(w, 0, 1, l->syn, 10 * MS);
		l->syn = NULL;
	}
}

/* With and without timestamps at the side that holds the record: without, the SYN carries them
 * though the connection had none. */
static void test_own_syn_in_time_wait(void **state)
{
	(void)state;
	for (unsigned both = 0; both < 2; both++) {
		struct late_syn late = {NULL};
		struct plain plain = {.hooks = {.user = &late, .tamper = keep_and_repeat},
				      .timestamps = {1, both}};
		struct sim_world w;

		plain_world(&w, &plain);
		w.talks.list[0].spec.plan[0].close = SIM_CLOSE_LAST;
		expect_whole(&w);
		assert_int_equal(weir_counter_get(w.host[1].stack, WEIR_CTR_TIMEWAIT_SYN), 0);
		assert_int_equal(weir_counter_get(w.host[1].stack, WEIR_CTR_TIMEWAIT_SYN_OLD), 1);
		sim_world_free(&w);
	}
}

/* --- A forged timestamp on a segment that is dropped for its ACK is not remembered ------------ */

#define TS_KIND 8u
#define TS_LEN  10u

/* The timestamp option of a segment that is not a SYN stands behind two NOPs. */
static void forge_timestamp(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	unsigned *seen = user;
	struct sim_frame *forged;
	struct sim_packet pk;
	uint8_t *tcp;

	if (from != 0 || sim_packet_read(&pk, f) != SIM_PACKET_TCP || pk.tcp.len == 0)
		return;
	if (++*seen != 3)
		return;
	forged = sim_frame_copy(f);
	tcp = forged->bytes + pk.l4_start;
	assert_int_equal(tcp[22], TS_KIND);
	assert_int_equal(tcp[23], TS_LEN);
	be32_put(tcp + 8, pk.tcp.ack.v + 0x10000000u);
	be32_put(tcp + 24, pk.tcp.opts.ts_val + 0x7000000u);
	sim_frame_sum(forged, pk.l4_start);
	sim_world_inject(w, 0, 1, forged, MS);
}

static void test_forged_timestamp(void **state)
{
	unsigned seen = 0;
	struct plain plain = {.hooks = {.user = &seen, .tamper = forge_timestamp},
			      .timestamps = {1, 1}};
	struct sim_world w;

	(void)state;
	plain_world(&w, &plain);
	expect_whole(&w);
	assert_int_equal(weir_counter_get(w.host[1].stack, WEIR_CTR_ACK_TOO_NEW), 1);
	assert_int_equal(weir_counter_get(w.host[1].stack, WEIR_CTR_PAWS), 0);
	sim_world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_syn_in_time_wait),
		cmocka_unit_test(test_forged_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
