/*
 * Pairs that differ in one field only, more of them than there are buckets to part them: every
 * SYN makes a record of its own, and a second one of the same pair finds it.
 */
#include "fixture.h"

#define PAIRS 200u

enum field { LOCAL_ADDR, LOCAL_PORT, REMOTE_ADDR, REMOTE_PORT };

/* Pair number `n`, in which only `field` is changed. */
static struct weir_tuple pair(uint8_t family, enum field field, uint8_t n)
{
	struct weir_tuple t = stk_peer(family, 9, 1000);
	unsigned last = family == 4 ? 3 : 15;

	t.local.addr.bytes[last - 1] = 1; /* addresses of others, which the catch-all takes */
	t.remote.addr.bytes[last - 1] = 2;
	switch (field) {
	case LOCAL_ADDR:
		t.local.addr.bytes[last] = n;
		break;
	case LOCAL_PORT:
		t.local.port = (uint16_t)(PORT + n);
		break;
	case REMOTE_ADDR:
		t.remote.addr.bytes[last] = n;
		break;
	case REMOTE_PORT:
		t.remote.port = (uint16_t)(1000 + n);
		break;
	}
	return t;
}

static void check_field(struct stk *f, uint8_t family, enum field field)
{
	struct weir_listen_args args = {.mode = WEIR_ACCEPT_EARLY};
	weir_listener l;

	f->cfg.halfs_max = PAIRS;
	f->cfg.half_source_max = PAIRS;
	f->cfg.cookies = 0;
	stk_start(f);
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	for (unsigned n = 1; n <= PAIRS; n++) {
		struct weir_tuple t = pair(family, field, (uint8_t)n);

		assert_verdict(stk_syn(f, &t), ACCEPTED);
		assert_out(f, TCP_SYN | TCP_ACK);
	}
	for (unsigned n = 1; n <= PAIRS; n++) {
		struct weir_tuple t = pair(family, field, (uint8_t)n);

		assert_verdict(stk_syn(f, &t), HALF_SYN_AGAIN);
		assert_out(f, TCP_SYN | TCP_ACK);
		assert_memory_equal(f->ip.src.bytes, t.local.addr.bytes, family == 4 ? 4 : 16);
		assert_memory_equal(f->ip.dst.bytes, t.remote.addr.bytes, family == 4 ? 4 : 16);
		assert_int_equal(f->seg.src_port, t.local.port);
		assert_int_equal(f->seg.dst_port, t.remote.port);
	}
}

static void test_records(void **state)
{
	struct stk *f = *state;

	for (enum field field = LOCAL_ADDR; field <= REMOTE_PORT; field++) {
		check_field(f, 4, field);
		check_field(f, 6, field);
	}
}

/* The same for connections, which the third segment makes of the records. */
static void test_connections(void **state)
{
	struct stk *f = *state;

	for (enum field field = LOCAL_ADDR; field <= REMOTE_PORT; field++) {
		uint8_t family = field % 2 ? 4 : 6;

		f->cfg.conns_max = PAIRS;
		check_field(f, family, field);
		for (unsigned n = 1; n <= PAIRS; n++) {
			struct weir_tuple t = pair(family, field, (uint8_t)n);
			struct weir_event ev;

			assert_verdict(stk_syn(f, &t), HALF_SYN_AGAIN);
			assert_out(f, TCP_SYN | TCP_ACK);
			stk_in(f, &t,
			       (struct tcp_seg){.seq = {PEER_ISN + 1},
						.ack = seq_add(f->seg.seq, 1),
						.wnd = 60000,
						.flags = TCP_ACK});
			ev = stk_event(f, WEIR_EV_ACCEPTED);
			assert_memory_equal(&ev.tuple.local.port, &t.local.port, 2);
			assert_memory_equal(&ev.tuple.remote.port, &t.remote.port, 2);
			assert_memory_equal(ev.tuple.local.addr.bytes, t.local.addr.bytes,
					    family == 4 ? 4 : 16);
			assert_memory_equal(ev.tuple.remote.addr.bytes, t.remote.addr.bytes,
					    family == 4 ? 4 : 16);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records),
		TEST(test_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
