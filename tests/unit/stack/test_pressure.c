/*
 * Which half-open records end for others: how long they live when many are in use, who gives way,
 * what a bucket holds, and held records whose destinations are dead.
 */
#include "fixture.h"

#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/pressure.h"

#define SYNACK (TCP_SYN | TCP_ACK)
#define MS     NS_PER_MS

static struct weir_tuple client(uint16_t port)
{
	return stk_peer(4, 9, port);
}

static void syns(struct stk *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct weir_tuple t = client((uint16_t)(1000 + i));

		assert_verdict(stk_syn(f, &t), ACCEPTED);
		stk_drain(f);
	}
}

#define NO_END ((1ull << 21) - 1) /* of what life() tries */

/* Milliseconds that the record of slot 0 may live, by trying. */
static uint64_t life(struct stk *f)
{
	weir_time now = f->s->now;
	uint64_t ms = 0;

	for (uint64_t step = 1 << 20; step; step /= 2) {
		f->s->now = now + (ms + step - 1) * MS;
		if (!pressure_ends(f->s, half_at(f->s, 0)))
			ms += step;
	}
	f->s->now = now;
	return ms;
}

/*
 * The life falls on a straight line from half_pressure_pct to 100 % of the listener's backlog.
 * neg: RFC4987-02
 */
static void test_line(void **state)
{
	static const struct {
		unsigned in_use;
		uint64_t life_ms;
	} rows[] = {{1, NO_END}, {8, NO_END}, {10, 48000}, {12, 33000}, {15, 10500}, {16, 3000}};
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		f->cfg.cookies = 0;
		f->cfg.halfs_max = 32;
		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 16);
		syns(f, rows[i].in_use);
		/* 10 of 16 are 62 %, 15 are 93 %: whole percents */
		assert_true(life(f) >= rows[i].life_ms);
		assert_true(life(f) <= rows[i].life_ms + 1200);
	}
}

/* All records count as the listener's do, whichever are fuller; none is ever fuller than full. */
static void test_fill(void **state)
{
	struct stk *f = *state;
	struct weir_listen_args args = {.local.port = 81, .backlog = 4};
	weir_listener l;

	f->cfg.cookies = 0;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 100);
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	syns(f, 4);
	assert_int_equal(pressure_pct(f->s, &f->s->listeners[0]), 25);
	for (uint16_t i = 0; i < 3; i++) {
		struct weir_tuple t = client(i);

		t.local.port = 81;
		assert_verdict(stk_syn(f, &t), ACCEPTED);
	}
	stk_drain(f);
	assert_int_equal(pressure_pct(f->s, &f->s->listeners[1]), 75);
	assert_int_equal(pressure_pct(f->s, &f->s->listeners[0]), 43);
}

static uint32_t age(struct stk *f)
{
	struct weir_info i;
	uint32_t cursor = 0;

	assert_true(weir_walk(f->s, WEIR_WALK_HALFS, &cursor, f->now, &i));
	return i.age_ms;
}

/* A record's age follows from its timer, over the wrap of its 32 bits of milliseconds, too. */
static void test_age(void **state)
{
	static const weir_time begins[] = {START, START + 1, ((1ull << 32) - 2500) * MS};
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(begins); i++) {
		struct weir_tuple t = client(1000);

		f->now = begins[i];
		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 0);
		stk_syn(f, &t);
		assert_int_equal(age(f), 0);
		for (uint32_t ms = 1; ms < 63000; ms++) {
			f->now = begins[i] + ms * MS;
			stk_drain(f);
			/* each of its six timers is in whole milliseconds, rounded up */
			assert_true(age(f) <= ms && age(f) + (begins[i] % MS ? 7 : 0) >= ms);
		}
		f->now = begins[i] + 63007 * MS;
		stk_drain(f);
		assert_int_equal(counter(f, HALF_EXPIRED), 1);
	}
}

static unsigned halfs_in_bucket(const struct stk *f)
{
	uint32_t ref = f->s->buckets[0];
	unsigned n = 0;

	for (; ref != REF_NONE; ref = half_at(f->s, ref_slot(ref))->next)
		n += ref_kind(ref) == REF_HALF;
	return n;
}

/*
 * All tuples fall into one bucket: it holds 16 records, and the oldest gives way to the next.
 * neg: RFC4987-04
 */
static void test_bucket_is_bounded(void **state)
{
	struct stk *f = *state;
	struct weir_tuple first = client(1000), second = client(1001), last = client(1039);

	f->cfg.cookies = 0;
	f->cfg.halfs_max = 64;
	stk_start(f);
	f->s->bucket_mask = 0;
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	syns(f, 16);
	assert_int_equal(halfs_in_bucket(f), DEMUX_HALFS_MAX);
	assert_int_equal(counter(f, HALF_PRESSED), 0);
	for (uint16_t i = 16; i < 40; i++) {
		struct weir_tuple t = client((uint16_t)(1000 + i));

		assert_verdict(stk_syn(f, &t), ACCEPTED);
		stk_drain(f);
		assert_int_equal(halfs_in_bucket(f), DEMUX_HALFS_MAX);
	}
	assert_int_equal(counter(f, HALF_PRESSED), 24);
	assert_int_equal(demux_find(f->s, &first), REF_NONE);
	assert_int_equal(demux_find(f->s, &second), REF_NONE);
	assert_int_not_equal(demux_find(f->s, &last), REF_NONE);
}

/* --- Held records ------------------------------------------------------------------------- */

/* SYN number `n` to destination number `dest`. */
static struct weir_tuple outward(uint32_t n, uint32_t dest)
{
	struct weir_tuple t = client((uint16_t)(1024 + n % 60000));

	t.local.port = 443;
	t.local.addr = (struct weir_addr){4, {203, 0, (uint8_t)(dest >> 8), (uint8_t)dest}};
	return t;
}

static void gateway(struct stk *f)
{
	struct weir_listen_args args = {.mode = WEIR_ACCEPT_HELD};
	weir_listener l;

	f->cfg.half_source_max = 4194304;
	stk_start(f);
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
}

/* Events up to the SYN of `t`; who sees another SYN leaves it undecided under a user value. */
static unsigned events_until(struct stk *f, const struct weir_tuple *t, unsigned *gone,
			     weir_half *half)
{
	struct weir_event ev;
	unsigned n = 0;

	while (weir_event_next(f->s, &ev)) {
		n++;
		if (ev.kind == WEIR_EV_HALF_GONE) {
			assert_int_equal(ev.reason, WEIR_NO_RESOURCES);
			++*gone;
			continue;
		}
		assert_int_equal(ev.kind, WEIR_EV_SYN);
		if (!memcmp(&ev.tuple, t, sizeof(*t))) {
			*half = ev.half;
			return n;
		}
		assert_int_equal(weir_half_user_set(f->s, ev.half, 99), WEIR_OK);
	}
	fail_msg("no event");
	return n;
}

/* A connection to a destination that answers: opened, closed, and counted in events. */
static unsigned served(struct stk *f, uint32_t n, uint32_t dest, unsigned *gone)
{
	struct weir_tuple t = outward(n, dest);
	weir_half half = {0};
	unsigned events;
	weir_conn c;

	assert_verdict(stk_syn(f, &t), HALF_HELD);
	events = events_until(f, &t, gone, &half);
	assert_int_equal(weir_half_accept(f->s, half, 1, f->now), WEIR_OK);
	assert_out(f, SYNACK);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = seq_add(f->seg.seq, 1),
				.wnd = 60000,
				.flags = TCP_ACK});
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(weir_abort(f->s, c, f->now), WEIR_OK);
	stk_drain(f);
	return events;
}

/*
 * 10,000 SYNs to a destination that nobody decides on. It has its share of the records and no
 * more, and a connection to another one is opened at once: its event is among the next, whether
 * the application reads them as they come or all at the end.
 */
static void test_dead_destination(void **state)
{
	struct stk *f = *state;
	unsigned gone = 0;

	f->cfg.halfs_max = 64;
	f->cfg.held_dest_max = 16;
	gateway(f);
	for (uint32_t i = 0; i < 10000; i++) {
		struct weir_tuple t = outward(i, 1);
		enum weir_counter v = stk_syn(f, &t);

		assert_int_equal(v, i < 16 ? WEIR_CTR_HALF_HELD : WEIR_CTR_LISTEN_DEST);
		assert_false(stk_out(f));
		assert_true(f->s->halfs.used <= 16);
		if (i == 0)
			continue; /* the first 16 stay unread for a while */
		if (i == 100)
			assert_int_equal(served(f, 20000 + i, 2, &gone), 16 + 1);
		else if (i > 100 && i % 100 == 0)
			assert_int_equal(served(f, 20000 + i, 2 + i % 7, &gone), 1);
	}
	assert_int_equal(counter(f, LISTEN_DEST), 10000 - 16);
	assert_int_equal(counter(f, HALF_EVICTED), 0);
	assert_int_equal(gone, 0);
}

/*
 * 10,000 SYNs to as many destinations, none of them decided: the oldest gives way to each new
 * one, who gave it a value is told, and a connection to one that answers is opened at once.
 */
static void test_dead_destinations(void **state)
{
	struct stk *f = *state;
	struct weir_event ev;
	unsigned gone = 0;

	f->cfg.halfs_max = 64;
	gateway(f);
	for (uint32_t i = 0; i < 10000; i++) {
		struct weir_tuple t = outward(i, 100 + i);

		assert_verdict(stk_syn(f, &t), HALF_HELD);
		assert_true(f->s->halfs.used <= 64);
		/* a batch of seven is read at a time: the part kept for HALF_GONE is eight */
		if (i % 7 == 6)
			assert_true(served(f, 30000 + i, 2, &gone) <= 16);
	}
	assert_true(counter(f, HALF_EVICTED) >= 10000 - 64);
	while (weir_event_next(f->s, &ev))
		gone += ev.kind == WEIR_EV_HALF_GONE;
	assert_int_equal(gone, counter(f, HALF_EVICTED));
	assert_int_equal(counter(f, LISTEN_FULL), 0);
}

/* The one that goes is the oldest; who was not told of it is not told of its end. */
static void test_oldest_held_goes(void **state)
{
	struct stk *f = *state;
	struct weir_event ev;
	uint64_t user = 0;

	gateway(f); /* 16 records, of them 14 for held ones */
	for (uint32_t i = 0; i < 14; i++) {
		struct weir_tuple t = outward(i, i);

		assert_verdict(stk_syn(f, &t), HALF_HELD);
		if (i >= 3)
			continue;
		ev = stk_event(f, WEIR_EV_SYN);
		assert_int_equal(weir_half_user_set(f->s, ev.half, i), WEIR_OK);
	}
	/* 0 has no value, 1 and 2 have one, 3 was never told */
	for (uint32_t i = 0; i < 4; i++) {
		struct weir_tuple t = outward(50 + i, 50 + i), old = outward(i, i);

		assert_int_not_equal(demux_find(f->s, &old), REF_NONE);
		assert_verdict(stk_syn(f, &t), HALF_HELD);
		assert_int_equal(demux_find(f->s, &old), REF_NONE);
	}
	for (unsigned i = 0; i < 2; i++) {
		ev = stk_event(f, WEIR_EV_HALF_GONE);
		assert_int_equal(ev.reason, WEIR_NO_RESOURCES);
		assert_int_equal(ev.user, ++user);
	}
	ev = stk_event(f, WEIR_EV_SYN);
	assert_int_equal(ev.tuple.local.addr.bytes[3], 4);
}

/* An application that reads no events: nothing is ended in vain, and all goes on when it does. */
static void test_nobody_reads(void **state)
{
	struct stk *f = *state;
	struct weir_event ev;

	gateway(f);
	for (uint32_t i = 0; i < 14; i++) {
		struct weir_tuple t = outward(i, i);

		stk_syn(f, &t);
		ev = stk_event(f, WEIR_EV_SYN);
		weir_half_user_set(f->s, ev.half, 1 + i);
	}
	for (uint32_t i = 0; i < 10; i++) {
		struct weir_tuple t = outward(50 + i, 50 + i);

		assert_int_equal(stk_syn(f, &t), i < 2 ? WEIR_CTR_HALF_HELD : WEIR_CTR_LISTEN_FULL);
	}
	assert_int_equal(counter(f, HALF_EVICTED), 2);
	stk_event(f, WEIR_EV_HALF_GONE);
	assert_verdict(
		stk_syn(f, &(struct weir_tuple){outward(70, 70).local, outward(70, 70).remote}),
		HALF_HELD);
}

/* Those of an early listener never end for held ones while they are young, nor the other way. */
static void test_modes_are_apart(void **state)
{
	struct stk *f = *state;

	f->cfg.cookies = 0;
	gateway(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	syns(f, 8);
	for (uint32_t i = 0; i < 100; i++) {
		struct weir_tuple t = outward(i, i);

		assert_verdict(stk_syn(f, &t), HALF_HELD);
	}
	assert_int_equal(f->s->listeners[1].halfs, 8);
	for (uint16_t i = 0; i < 100; i++) {
		struct weir_tuple t = client((uint16_t)(5000 + i));

		assert_int_equal(stk_syn(f, &t), i < 2 ? WEIR_CTR_ACCEPTED : WEIR_CTR_LISTEN_FULL);
		stk_drain(f);
	}
	assert_int_equal(f->s->listeners[0].halfs, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line),
		TEST(test_fill),
		TEST(test_age),
		TEST(test_bucket_is_bounded),
		TEST(test_dead_destination),
		TEST(test_dead_destinations),
		TEST(test_oldest_held_goes),
		TEST(test_nobody_reads),
		TEST(test_modes_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
