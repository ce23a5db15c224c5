/*
 * fixture.h: one connection without a stack around it, for the tests of core/tcp.
 *
 * A test gets a struct fix with default settings; it may change f->cfg, then opens the connection.
 * Teardown checks that the queues gave back every page and range they took.
 */
#ifndef WEIR_TESTS_TCP_FIXTURE_H
#define WEIR_TESTS_TCP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tcp/board.h"
#include "tcp/emit.h"
#include "tcp/input.h"
#include "tcp/output.h"
#include "tcp/sndq.h"
#include "tcp/user.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define MSS   1000u
#define ISS   1000u
#define IRS   50000u
#define SND   (ISS + 1) /* our first byte */
#define RCV   (IRS + 1) /* the peer's first byte */
#define PAGES 512u
#define KEPT  (PAGES / 8 + 2) /* pages that only bytes in order may take */
#define SENDS 512u
#define START (1000 * NS_PER_MS)

struct fix {
	struct weir_config cfg;
	struct tcp_env env;
	struct tcb t;
	weir_time now;
	uint32_t gso_max;
	struct tcp_in in; /* the last segment that came in */
	uint32_t hogged[PAGES];
	unsigned hogs;
	void *mem, *sends;
	union {
		struct cc_bbr bbr;
		struct cc_cubic cubic;
		struct cc_reno reno;
	} cc[2];
};

static inline int fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct arena a;

	weir_config_default(&f->cfg);
	f->cfg.sndbuf = f->cfg.rcvbuf = 1048576;
	f->env.cfg = &f->cfg;
	f->now = START;
	f->mem = aligned_alloc(64, (PAGES + 8) * WEIR_PAGE_BYTES);
	arena_init(&a, f->mem, (PAGES + 8) * WEIR_PAGE_BYTES);
	pool_init(&f->env.pages, &a, PAGES, WEIR_PAGE_BYTES, 64);
	pool_init(&f->env.ranges, &a, 256, sizeof(struct range), 8);
	f->sends = aligned_alloc(64, SENDS * sizeof(struct send));
	arena_init(&a, f->sends, SENDS * sizeof(struct send));
	pool_init(&f->env.sends, &a, SENDS, sizeof(struct send), 64);
	arena_init(&a, f->cc, sizeof(f->cc));
	pool_init(&f->env.cc_loss, &a, 1, sizeof(f->cc[0]), 8);
	pool_init(&f->env.cc_bbr, &a, 1, sizeof(f->cc[0]), 8);
	f->cfg.sends_max = SENDS - BOARD_FLOOR;
	f->cfg.cc = CC_NEWRENO;
	f->cfg.hystart = 0; /* its limits are test_hystart.c's business */
	*state = f;
	return 0;
}

/* Takes pages away until `left` are free; before teardown they are given back. */
static inline void fix_hog(struct fix *f, uint32_t left)
{
	while (PAGES - f->env.pages.used > left)
		f->hogged[f->hogs++] = pool_take(&f->env.pages);
}

static inline void fix_unhog(struct fix *f)
{
	while (f->hogs)
		pool_give(&f->env.pages, f->hogged[--f->hogs]);
}

static inline int fix_teardown(void **state)
{
	struct fix *f = *state;
	int bad;

	if (f->t.snd.mss)
		tcb_flush(&f->t, &f->env);
	fix_unhog(f);
	bad = f->env.pages.used != 0 || f->env.ranges.used != 0 || f->env.sends.used != 0 ||
	      f->env.sends_extra != 0 || f->env.cc_loss.used != 0 || f->env.cc_bbr.used != 0;
	free(f->mem);
	free(f->sends);
	free(f);
	return bad;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fix_setup, fix_teardown)

/* Gives a segment to the connection; returns the verdict. */
static inline enum weir_counter fix_in(struct fix *f, struct tcp_seg seg)
{
	f->in = (struct tcp_in){.env = &f->env, .t = &f->t, .seg = seg, .now = f->now};
	tcp_input(&f->in);
	return f->in.verdict;
}

/* A segment without data from the peer, at the place where it is. */
static inline enum weir_counter fix_ack(struct fix *f, uint32_t ack, uint16_t wnd)
{
	return fix_in(f, (struct tcp_seg){
				 .seq = f->t.rcv.nxt, .ack = {ack}, .wnd = wnd, .flags = TCP_ACK});
}

/* `len` bytes at `seq`; byte number n of the peer's stream is (uint8_t)(n * 7). */
static inline enum weir_counter fix_data(struct fix *f, uint32_t seq, uint32_t len, uint8_t flags)
{
	static uint8_t bytes[65536];

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)((seq - RCV + i) * 7);
	return fix_in(f, (struct tcp_seg){.seq = {seq},
					  .ack = f->t.snd.una,
					  .wnd = 65535,
					  .len = len,
					  .payload = bytes,
					  .flags = (uint8_t)(TCP_ACK | flags)});
}

static inline void fix_init(struct fix *f)
{
	if (f->t.snd.mss)
		tcb_flush(&f->t, &f->env); /* a connection of before */
	tcb_init(&f->t, &f->env, MSS, 536, f->now);
}

/* Established, as after a passive open; `agreed` may be NULL: no options. */
static inline void fix_open(struct fix *f, const struct tcp_agreed *agreed)
{
	struct tcb_passive p = {.agreed = {.mss = MSS},
				.iss = {ISS},
				.irs = {IRS},
				.snd_wnd = 65535,
				.rcv_wnd = 65535};

	if (agreed)
		p.agreed = *agreed;
	fix_init(f);
	tcb_open_passive(&f->t, &f->env, &p, f->now);
	if (p.agreed.ts_ok)
		fix_in(f, (struct tcp_seg){.seq = {RCV},
					   .ack = {SND},
					   .wnd = 65535,
					   .flags = TCP_ACK,
					   .opts = {.has_ts = true}});
	else
		fix_ack(f, SND, 65535);
	assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
	f->t.events = 0;
}

/* Queues bytes as weir_send() does; they count up from 0 in steps of 3. */
static inline void fix_send_flags(struct fix *f, size_t len, uint32_t flags)
{
	uint8_t bytes[1000];

	for (size_t done = 0; done < len;) {
		size_t n = len - done < sizeof(bytes) ? len - done : sizeof(bytes);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)((sndq_end(&f->t.sndq).v - SND + i) * 3);
		assert_int_equal(sndq_append(&f->t, &f->env, bytes, n), n);
		done += n;
	}
	user_queued(&f->t, &f->env, flags, f->now);
}

static inline void fix_send(struct fix *f, size_t len)
{
	fix_send_flags(f, len, 0);
}

static inline bool fix_plan(struct fix *f, struct tcp_plan *p)
{
	return tcp_plan_next(&f->env, &f->t, f->gso_max, f->now, p);
}

/* Plans one segment and lets it leave. */
static inline bool fix_out(struct fix *f, struct tcp_plan *p)
{
	struct tcp_seg seg;

	if (!fix_plan(f, p))
		return false;
	tcp_emit_segment(&f->env, &f->t, p, f->now, &seg);
	tcp_plan_sent(&f->env, &f->t, p, f->now);
	return true;
}

/* Sends everything that may go now; returns how many segments left. */
static inline unsigned fix_drain(struct fix *f)
{
	struct tcp_plan p;
	unsigned n = 0;

	while (fix_out(f, &p))
		assert_true(++n < 10000);
	return n;
}

#define assert_plan(f, reason, at, bytes, bits) \
	do { \
		struct tcp_plan plan_; \
		assert_true(fix_out(f, &plan_)); \
		assert_string_equal(weir_counter_name(plan_.why), \
				    weir_counter_name(WEIR_CTR_##reason)); \
		assert_int_equal(plan_.seq.v, at); \
		assert_int_equal(plan_.len, bytes); \
		assert_int_equal(plan_.flags, bits); \
	} while (0)

#define assert_no_plan(f) \
	do { \
		struct tcp_plan plan_; \
		assert_false(fix_plan(f, &plan_)); \
	} while (0)

#define assert_verdict(got, expected) \
	assert_string_equal(weir_counter_name(got), weir_counter_name(WEIR_CTR_##expected))

#endif
