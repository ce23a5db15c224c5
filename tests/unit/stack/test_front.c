/*
 * A front answers SYNs in the engine's place (weir/front.h): what the engine tells it, what it
 * tells the engine, and how long the cookie mode lasts; in virtual time. What a front sends is
 * tested in test_front_answer.c.
 */
#include "fixture.h"

#include "stack/cookies.h"
#include "stack/demux.h"
#include "stack/front.h"
#include "tcp/syncookie.h"
#include "weir/front.h"

#define SYNACK (TCP_SYN | TCP_ACK)
#define SLOTS  16384u
#define S      (1000 * NS_PER_MS)

/* What a front would have. */
static struct weir_front_slot slots[SLOTS];
static volatile uint64_t answered_ms[WEIR_FRONT_LISTENERS];

static weir_listener listen_on(struct stk *f, const struct weir_addr *addr, uint16_t port,
			       uint32_t backlog)
{
	struct weir_listen_args args = {.local = {.addr = *addr, .port = port}, .backlog = backlog};
	weir_listener l;

	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	return l;
}

static void open_front(struct stk *f)
{
	struct weir_front_args args = {
		.slots = slots, .slot_count = SLOTS, .answered_ms = answered_ms};

	memset(slots, 0, sizeof(slots));
	for (unsigned i = 0; i < WEIR_FRONT_LISTENERS; i++)
		answered_ms[i] = 0;
	assert_int_equal(weir_front_open(f->s, &args), WEIR_OK);
	assert_int_equal(weir_front_open(f->s, &args), WEIR_EXISTS);
}

static void begin(struct stk *f)
{
	stk_start(f);
	listen_on(f, &our4, PORT, 0);
	open_front(f);
}

static struct weir_front_rules rules(const struct stk *f)
{
	struct weir_front_rules r;

	weir_front_rules_get(f->s, &r);
	return r;
}

static const struct weir_front_slot *slot_of(const struct stk *f, const struct weir_tuple *t)
{
	return &slots[demux_hash(f->s, t) >> 32 & (SLOTS - 1)];
}

/* The front answers a SYN of `t`; the cookie. */
static seq_t front_answers(struct stk *f, const struct weir_tuple *t)
{
	answered_ms[0] = f->now / NS_PER_MS;
	return syncookie_make(f->s->cookie_key[0], demux_hash(f->s, t), seq_make(PEER_ISN),
			      cookies_tick(f->s), 1460);
}

static enum weir_counter ack(struct stk *f, const struct weir_tuple *t, seq_t cookie)
{
	enum weir_counter v = stk_in(f, t,
				     (struct tcp_seg){.seq = {PEER_ISN + 1},
						      .ack = seq_add(cookie, 1),
						      .wnd = 60000,
						      .flags = TCP_ACK});

	stk_drain(f);
	return v;
}

/* A client comes, and goes. Its SYN is answered by the front, or, where the slot says so, by us:
 * either way its ACK is taken. true: by the front. */
static bool serve(struct stk *f, uint16_t port)
{
	struct weir_tuple t = stk_peer(4, 9, port);
	bool ours = slot_of(f, &t)->owners || slot_of(f, &t)->spent;
	struct weir_event ev;

	if (ours) {
		(void)stk_syn(f, &t);
		assert_out(f, SYNACK);
	}
	assert_verdict(ack(f, &t, ours ? f->seg.seq : front_answers(f, &t)), ACCEPTED);
	ev = stk_event(f, WEIR_EV_ACCEPTED);
	assert_int_equal(weir_abort(f->s, ev.conn, f->now), WEIR_OK);
	stk_drain(f);
	return !ours;
}

/* --- Rules ------------------------------------------------------------------------------------ */

/* On: one address and port, early, with cookies; nothing else. */
static void test_which_listeners(void **state)
{
	struct stk *f = *state;
	struct weir_addr any = {0};
	struct weir_front_rules r;
	weir_listener held;

	f->cfg.cookies = 2;
	stk_start(f);
	listen_on(f, &our4, PORT, 0);
	listen_on(f, &our6, PORT, 0);
	listen_on(f, &any, PORT, 0);
	listen_on(f, &our4, 0, 0);
	assert_int_equal(weir_listen(f->s,
				     &(struct weir_listen_args){.local = {our4, PORT + 1},
								.mode = WEIR_ACCEPT_HELD},
				     &held),
			 WEIR_OK);
	weir_front_update(f->s, f->now);
	assert_false(weir_front_is_on(f->s)); /* no front */
	open_front(f);
	weir_front_update(f->s, f->now);
	assert_true(weir_front_is_on(f->s));
	r = rules(f);
	assert_int_equal(r.listeners, 5);
	for (unsigned i = 0; i < r.listeners; i++)
		assert_int_equal(r.listener[i].on, i < 2);
	assert_memory_equal(r.listener[0].addr, our4.bytes, 4);
	assert_int_equal(r.listener[0].port, PORT);
	assert_int_equal(r.groups, 1);
	assert_memory_equal(r.group[0], "\x0a\x00\x00\xff", 4);
	weir_front_close(f->s);
	assert_false(weir_front_is_on(f->s));
}

static void test_no_cookies_no_front(void **state)
{
	struct stk *f = *state;

	f->cfg.cookies = 0;
	begin(f);
	weir_front_update(f->s, f->now);
	assert_false(weir_front_is_on(f->s));
	f->cfg.cookies = 2;
	f->cfg.handshake_ways = 2;
	begin(f);
	weir_front_update(f->s, f->now);
	assert_false(weir_front_is_on(f->s));
}

/* Whoever changes what a front goes by is told of; otherwise the number stays. */
static void test_changes_are_numbered(void **state)
{
	static const uint8_t key[16] = {'k'};
	static const struct weir_addr other = {4, {10, 0, 1, 1}};
	struct stk *f = *state;
	uint32_t was, is;
	weir_listener l;

	begin(f);
	was = weir_front_update(f->s, f->now);
	assert_int_equal(weir_front_update(f->s, f->now), was);
	weir_cookie_keys_set(f->s, key, NULL);
	is = weir_front_update(f->s, f->now);
	assert_int_not_equal(is, was);
	assert_memory_equal(rules(f).cookie_key, key, 16);
	was = is;
	assert_int_equal(weir_addr_add(f->s, &other, 24), WEIR_OK);
	is = weir_front_update(f->s, f->now);
	assert_int_not_equal(is, was);
	assert_int_equal(rules(f).groups, 2);
	was = is;
	l = listen_on(f, &other, PORT, 0);
	is = weir_front_update(f->s, f->now);
	assert_int_not_equal(is, was);
	was = is;
	assert_int_equal(weir_listener_close(f->s, l), WEIR_OK);
	assert_int_not_equal(weir_front_update(f->s, f->now), was);
}

static void test_slot_count(void **state)
{
	struct stk *f = *state;
	struct weir_front_args args = {.slots = slots, .slot_count = SLOTS - 1};

	stk_start(f);
	assert_int_equal(weir_front_open(f->s, &args), WEIR_BAD_ARG);
	args.slot_count = 0;
	assert_int_equal(weir_front_open(f->s, &args), WEIR_BAD_ARG);
	/* 16 + 16 + 8 records: 64 buckets */
	assert_int_equal(weir_front_slots(f->s), 64 * 16);
	weir_front_close(f->s); /* there is none: nothing happens */
}

/* --- Owners ----------------------------------------------------------------------------------- */

static unsigned owned(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		n += slots[i].owners;
	return n;
}

/* From the SYN to the end of TIME-WAIT the pair has an owner, and the slot says so. */
static void test_owned_all_its_life(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn c;
	uint32_t iss;

	begin(f);
	assert_int_equal(owned(), 0);
	iss = stk_handshake(f, &t);
	assert_int_equal(slot_of(f, &t)->owners, 1);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(weir_close(f->s, c, f->now), WEIR_OK);
	stk_drain(f);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 2},
				.wnd = 60000,
				.flags = TCP_ACK | TCP_FIN});
	stk_drain(f);
	assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_OK);
	assert_int_equal(slot_of(f, &t)->owners, 1); /* TIME-WAIT */
	assert_int_equal(owned(), 1);
	f->now += f->cfg.timewait_ms * NS_PER_MS + S;
	stk_drain(f);
	assert_int_equal(owned(), 0);
}

/* What is there when the front comes, of every kind, is owned; IPv6, too: the slots are shared. */
static void test_owned_before(void **state)
{
	struct stk *f = *state;
	struct weir_tuple four = stk_peer(4, 9, 1000), six = stk_peer(6, 9, 1000);
	struct weir_tuple half = stk_peer(4, 10, 1000);

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_accept(f, &four);
	stk_accept(f, &six);
	stk_syn(f, &half);
	stk_drain(f);
	open_front(f);
	assert_int_equal(owned(), 3);
	assert_true(slot_of(f, &four)->owners && slot_of(f, &six)->owners &&
		    slot_of(f, &half)->owners);
}

/* 255 owners in one slot can no longer be counted: it is never free again. */
static void test_owners_saturate(void **state)
{
	struct stk *f = *state;

	begin(f);
	for (unsigned i = 0; i < 300; i++)
		front_own(f->s, 5ull << 32);
	assert_int_equal(slots[5].owners, 255);
	for (unsigned i = 0; i < 300; i++)
		front_disown(f->s, 5ull << 32);
	assert_int_equal(slots[5].owners, 255);
	for (unsigned i = 0; i < 254; i++)
		front_own(f->s, 6ull << 32);
	for (unsigned i = 0; i < 254; i++)
		front_disown(f->s, 6ull << 32);
	assert_int_equal(slots[6].owners, 0);
}

/* A used cookie whose record had to go is noted with its tick, and noted of every pair when the
 * front comes later. */
static void test_spent(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint8_t stamp;

	f->cfg.cookies = 2;
	f->cfg.timewaits_max = 1;
	begin(f);
	stamp = WEIR_FRONT_STAMP(cookies_tick(f->s));
	for (uint16_t port = 1000; port < 1002; port++) {
		struct weir_event ev;

		t.remote.port = port;
		assert_verdict(ack(f, &t, front_answers(f, &t)), ACCEPTED);
		ev = stk_event(f, WEIR_EV_ACCEPTED);
		assert_int_equal(weir_abort(f->s, ev.conn, f->now), WEIR_OK);
		stk_drain(f);
	}
	assert_int_equal(counter(f, COOKIE_SPENT), 1);
	assert_int_equal(slot_of(f, &t)->spent, 0); /* has its record */
	t.remote.port = 1000;
	assert_int_equal(slot_of(f, &t)->spent, stamp);
	weir_front_close(f->s);
	open_front(f);
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(slots[i].spent, stamp);
}

/* A filter that is full says of each pair that its cookie was used. The front knows better and
 * sends cookies, which must be taken. */
static void test_spent_by_error(void **state)
{
	struct stk *f = *state;

	f->cfg.cookies = 2;
	f->cfg.timewaits_max = 1;
	f->cfg.cookie_spent_bits = 64;
	begin(f);
	for (uint16_t port = 1000; port < 1200; port++)
		serve(f, port);
	assert_in_range(counter(f, COOKIE_SPENT), 190, 200);
	for (uint16_t port = 2000; port < 2100; port++) {
		struct weir_tuple t = stk_peer(4, 9, port);

		assert_true(spent_may_have(&f->s->spent, demux_hash(f->s, &t), cookies_tick(f->s)));
		serve(f, port);
	}
}

/* --- What the front sent ---------------------------------------------------------------------- */

/* A cookie of the front makes a connection, before any report and as long as one lives; without
 * one, or after that, the right number makes none. */
static void test_cookies_of_the_front(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	seq_t cookie;

	begin(f);
	cookie = front_answers(f, &t);
	answered_ms[0] = 0; /* it has not: this is a guess */
	assert_verdict(ack(f, &t, cookie), LISTEN_ACK);
	assert_verdict(ack(f, &t, front_answers(f, &t)), ACCEPTED);
	assert_int_equal(counter(f, OPENED_COOKIE), 1);
	t.remote.port++;
	cookie = front_answers(f, &t);
	f->now += 2 * f->cfg.cookie_tick_ms * NS_PER_MS;
	assert_verdict(ack(f, &t, cookie), LISTEN_ACK);
	answered_ms[0] = f->now / NS_PER_MS + 5; /* its clock was read later than ours */
	cookie = syncookie_make(f->s->cookie_key[0], demux_hash(f->s, &t), seq_make(PEER_ISN),
				cookies_tick(f->s), 1460);
	assert_verdict(ack(f, &t, cookie), ACCEPTED);
}

/* ... also when the front has gone meanwhile, but not for another listener in its place. */
static void test_cookies_of_a_front_that_went(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	seq_t cookie;
	weir_listener l;

	stk_start(f);
	l = listen_on(f, &our4, PORT, 0);
	open_front(f);
	cookie = front_answers(f, &t);
	weir_front_close(f->s);
	assert_verdict(ack(f, &t, cookie), ACCEPTED);

	stk_start(f);
	l = listen_on(f, &our4, PORT, 0);
	open_front(f);
	cookie = front_answers(f, &t);
	f->now += S;
	assert_int_equal(weir_listener_close(f->s, l), WEIR_OK);
	stk_drain(f);
	weir_front_update(f->s, f->now);
	listen_on(f, &our4, PORT, 0);
	assert_verdict(ack(f, &t, cookie), LISTEN_ACK);
}

/* --- The mode --------------------------------------------------------------------------------- */

#define REPORT_NS (100 * NS_PER_MS)

/* `rate` SYNs a second come to the front for `seconds`, as far as it is on; the seconds in which
 * it was. What comes to the engine makes records. */
static unsigned flood(struct stk *f, unsigned rate, unsigned seconds)
{
	static uint16_t port = 1;
	unsigned on = 0;

	for (unsigned i = 0; i < seconds * 10; i++) {
		unsigned n = (i + 1) * rate / 10 - i * rate / 10;

		f->now += REPORT_NS;
		weir_front_update(f->s, f->now);
		on += weir_front_is_on(f->s);
		for (unsigned k = 0; k < n; k++) {
			struct weir_tuple t = stk_peer(4, 200, port++);

			if (weir_front_is_on(f->s))
				weir_front_report(f->s, 0, 1, f->now);
			else
				(void)stk_syn(f, &t);
			weir_front_update(f->s, f->now);
		}
		stk_drain(f);
	}
	return (on + 9) / 10;
}

/* Queue of 16: the mode begins at 12 (75 %) and ends below 8. A record lives 63 s. */
static void test_mode_lasts_as_long_as_the_flood(void **state)
{
	struct stk *f = *state;

	begin(f);
	flood(f, 100, 1);
	assert_true(weir_front_is_on(f->s));
	assert_int_equal(counter(f, COOKIE_MODES), 1);
	/* Its records have long run out, and it has not ended once. */
	assert_int_equal(flood(f, 100, 300), 300);
	assert_int_equal(f->s->halfs.used, 0);
	assert_int_equal(counter(f, COOKIE_MODES), 1);
	assert_true(counter(f, FRONT_COOKIE) > 29000);
	/* The flood ends: so does the mode, when records would have run out. */
	flood(f, 0, 60);
	assert_true(weir_front_is_on(f->s));
	flood(f, 0, 12);
	assert_false(weir_front_is_on(f->s));
}

/* At whatever steady rate: no flapping. Either it would fill the queue, and the mode stays, or not,
 * and it ends once. */
static void test_mode_does_not_flap(void **state)
{
	struct stk *f = *state;

	for (unsigned rate = 1; rate < 200; rate = rate * 2 + 1) {
		begin(f);
		flood(f, 100, 1);
		flood(f, rate, 600);
		assert_int_equal(counter(f, COOKIE_MODES), 1);
		assert_true(weir_front_is_on(f->s));
	}
	begin(f); /* 6 a minute: 6 records, of 8 */
	flood(f, 100, 1);
	for (unsigned i = 0; i < 60; i++) {
		flood(f, 1, 1);
		flood(f, 0, 9);
	}
	assert_int_equal(counter(f, COOKIE_MODES), 1);
	assert_false(weir_front_is_on(f->s));
}

#define CROWD 10u /* more than half of the queue */

/* SYNs that are completed are nobody's flood: with them alone the mode ends. Whether the ACKs or
 * the report are here first does not matter. */
static void test_mode_ends_with_honest_clients_alone(void **state)
{
	for (unsigned report_first = 0; report_first < 2; report_first++) {
		struct stk *f = *state;

		f->cfg.half_retries = 0; /* a record lives one second */
		f->cfg.timewaits_max = 1024;
		begin(f);
		flood(f, 100, 1);
		for (unsigned i = 0; i < 40 && weir_front_is_on(f->s); i++) {
			unsigned answered = 0;

			f->now += REPORT_NS;
			if (report_first)
				weir_front_report(f->s, 0, CROWD, f->now);
			for (unsigned k = 0; k < CROWD; k++)
				answered += serve(f, (uint16_t)(1000 + i * CROWD + k));
			if (!report_first)
				weir_front_report(f->s, 0, answered, f->now);
			weir_front_update(f->s, f->now);
		}
		assert_false(weir_front_is_on(f->s));
	}
}

/* Nobody takes connections over: SYNs are dropped, here as there. */
static void test_off_while_the_accept_queue_is_full(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);

	f->cfg.cookies = 2;
	stk_start(f);
	listen_on(f, &our4, PORT, 1);
	open_front(f);
	weir_front_update(f->s, f->now);
	assert_true(weir_front_is_on(f->s));
	assert_verdict(ack(f, &t, front_answers(f, &t)), ACCEPTED);
	weir_front_update(f->s, f->now);
	assert_false(weir_front_is_on(f->s));
	stk_event(f, WEIR_EV_ACCEPTED);
	weir_front_update(f->s, f->now);
	assert_true(weir_front_is_on(f->s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_which_listeners),
		TEST(test_no_cookies_no_front),
		TEST(test_changes_are_numbered),
		TEST(test_slot_count),
		TEST(test_owned_all_its_life),
		TEST(test_owned_before),
		TEST(test_owners_saturate),
		TEST(test_spent),
		TEST(test_spent_by_error),
		TEST(test_cookies_of_the_front),
		TEST(test_cookies_of_a_front_that_went),
		TEST(test_mode_lasts_as_long_as_the_flood),
		TEST(test_mode_does_not_flap),
		TEST(test_mode_ends_with_honest_clients_alone),
		TEST(test_off_while_the_accept_queue_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
