/*
 * A hundred million forged ACKs to a listener that sends SYN cookies (RFC4987-07). A guess is right
 * once in 2^28 (tcp/syncookie.h), so 0.37 connections are to be expected; that it are more than 6
 * happens once in ten million times, and never with a fixed seed unless the cookie has lost bits.
 */
#include "fixture.h"

#include "sim/rng.h"

#define ACKS  100000000u
#define BOUND 6u

static void test_forged_acks(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct sim_rng rng;
	uint8_t bytes[100];
	size_t len;
	struct weir_frame frame = {.bytes = bytes, .flags = WEIR_FRAME_CSUM_OK};

	f->cfg.cookies = 2;
	f->cfg.conns_max = 64;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	assert_verdict(stk_syn(f, &t), SYN_COOKIE);
	assert_out(f, TCP_SYN | TCP_ACK);
	t.remote.port++;
	len = stk_packet(bytes, &t, (struct tcp_seg){.wnd = 60000, .flags = TCP_ACK});
	frame.len = len;
	sim_rng_seed(&rng, 4987);
	for (uint32_t i = 0; i < ACKS; i++) {
		uint64_t guess = sim_rng_next(&rng);

		memcpy(bytes + 24, &guess, 8); /* sequence number and ACK */
		if (weir_input(f->s, &frame, f->now) == WEIR_CTR_ACCEPTED)
			assert_int_equal(
				weir_abort(f->s, stk_event(f, WEIR_EV_ACCEPTED).conn, f->now),
				WEIR_OK);
	}
	print_message("%u forged ACKs: %llu connections\n", ACKS,
		      (unsigned long long)counter(f, OPENED_COOKIE));
	assert_true(counter(f, OPENED_COOKIE) <= BOUND);
	assert_int_equal(counter(f, COOKIE_BAD) + counter(f, OPENED_COOKIE), ACKS);
	stk_drain(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_forged_acks)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
