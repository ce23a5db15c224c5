/*
 * The send queue: bytes from SND.UNA on, in pages that go back as soon as they are acknowledged.
 */
#include "fixture.h"

/* Compares queued bytes with the pattern of fix_send(). */
static void assert_bytes(struct fix *f, uint32_t seq, uint32_t len)
{
	struct pageq_piece piece[18];
	size_t n = sndq_pieces(&f->t, &f->env, seq_make(seq), len, piece, LENGTH(piece));
	uint32_t at = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < piece[i].len; k++, at++)
			assert_int_equal(piece[i].bytes[k], (uint8_t)((seq - SND + at) * 3));
	assert_int_equal(at, len);
}

static void test_append_and_pieces(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 20000);
	assert_int_equal(f->t.sndq.len, 20000);
	assert_int_equal(sndq_end(&f->t.sndq).v, SND + 20000);
	assert_bytes(f, SND, 20000);
	assert_bytes(f, SND + 4095, 2); /* over a page's end */
	assert_bytes(f, SND + 12345, 1);
	assert_int_equal(sndq_pieces(&f->t, &f->env, seq_make(SND), 0, NULL, 0), 0);
}

static void test_room(void **state)
{
	struct fix *f = *state;
	uint8_t bytes[300] = {0};

	f->cfg.sndbuf = 250;
	fix_open(f, NULL);
	assert_int_equal(sndq_room(&f->t), 250);
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, 300), 250);
	assert_int_equal(sndq_room(&f->t), 0);
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, 1), 0);
	f->t.user.sndbuf = 100; /* made smaller than what is queued: no underflow */
	assert_int_equal(sndq_room(&f->t), 0);
	sndq_acked(&f->t, &f->env, seq_make(SND + 200));
	assert_int_equal(sndq_room(&f->t), 50);
}

/* Twice cwnd, 128 KB at least, sndbuf at most; what the user has set is that. */
static void test_limit(void **state)
{
	static const struct {
		uint32_t cwnd, limit;
	} rows[] = {{0, 131072},       {65536, 131072},   {65537, 131074},      {400000, 800000},
		    {524287, 1048574}, {524288, 1048576}, {UINT32_MAX, 1048576}};
	struct fix *f = *state;

	fix_open(f, NULL);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		f->t.cc.cwnd = rows[i].cwnd;
		assert_int_equal(sndq_limit(&f->t), rows[i].limit);
		assert_int_equal(sndq_room(&f->t), rows[i].limit);
	}
	f->t.cc.cwnd = 10 * MSS;
	f->t.user.sndbuf = 100000;
	assert_int_equal(sndq_limit(&f->t), 100000);
	user_set(&f->t, &f->env, WEIR_OPT_SNDBUF, 700000);
	assert_int_equal(sndq_limit(&f->t), 700000);
}

static void test_acked(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 20000);
	assert_int_equal(f->env.pages.used, 6);        /* five of data and the directory */
	sndq_acked(&f->t, &f->env, seq_make(SND - 1)); /* old: nothing */
	assert_int_equal(f->t.sndq.len, 20000);
	sndq_acked(&f->t, &f->env, seq_make(SND + 4096));
	assert_int_equal(f->env.pages.used, 5);
	assert_int_equal(f->t.sndq.head.v, SND + 4096);
	assert_bytes(f, SND + 4096, 15904);
	f->t.sndq.fin = true; /* the FIN is not a byte */
	sndq_acked(&f->t, &f->env, seq_make(SND + 20001));
	assert_int_equal(f->t.sndq.len, 0);
	assert_int_equal(f->t.sndq.head.v, SND + 20000);
	assert_int_equal(f->env.pages.used, 0); /* an empty queue holds no page */
}

/* RFC9293-X-07: the stream goes over the end of the sequence space. */
static void test_wraps(void **state)
{
	struct fix *f = *state;
	uint8_t bytes[8000];
	struct pageq_piece piece[4];

	fix_init(f);
	sndq_init(&f->t.sndq, seq_make(0xfffff000u));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i >> 4);
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(sndq_end(&f->t.sndq).v, 8000 - 4096);
	sndq_acked(&f->t, &f->env, seq_make(10));
	assert_int_equal(f->t.sndq.len, 8000 - 4096 - 10);
	assert_int_equal(sndq_pieces(&f->t, &f->env, seq_make(10), 1, piece, 4), 1);
	assert_int_equal(piece[0].bytes[0], (uint8_t)(4106 >> 4));
}

static void test_reserve_and_commit(void **state)
{
	struct fix *f = *state;
	struct pageq_piece piece[4];
	size_t n;

	fix_open(f, NULL);
	fix_send(f, 4090);
	n = sndq_reserve(&f->t, &f->env, 100, piece, LENGTH(piece));
	assert_int_equal(n, 2);
	assert_int_equal(piece[0].len, 6);
	assert_int_equal(piece[1].len, 94);
	assert_int_equal(f->t.sndq.len, 4090); /* nothing is queued yet */
	for (unsigned i = 0; i < 100; i++) {
		uint8_t *to = i < 6 ? piece[0].bytes + i : piece[1].bytes + i - 6;

		*to = (uint8_t)((4090 + i) * 3);
	}
	assert_false(sndq_commit(&f->t, &f->env, 101)); /* more than was given to fill */
	assert_true(sndq_commit(&f->t, &f->env, 50));
	assert_int_equal(f->t.sndq.len, 4140);
	assert_bytes(f, SND + 4000, 140);
}

static void test_reservation_given_back(void **state)
{
	struct fix *f = *state;
	struct pageq_piece piece[4];

	fix_open(f, NULL);
	assert_int_equal(sndq_reserve(&f->t, &f->env, 5000, piece, LENGTH(piece)), 2);
	assert_true(f->env.pages.used > 0);
	assert_true(sndq_commit(&f->t, &f->env, 0));
	assert_int_equal(f->env.pages.used, 0);
}

/* Sends stop before the last pages, which are kept for bytes in order. */
static void test_no_pages(void **state)
{
	struct fix *f = *state;
	struct pageq_piece piece[4];
	uint8_t bytes[10000] = {0};

	fix_open(f, NULL);
	fix_hog(f, KEPT + 2);
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, sizeof(bytes)), WEIR_PAGE_BYTES);
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, 1), 0);
	assert_int_equal(sndq_reserve(&f->t, &f->env, 1, piece, LENGTH(piece)), 0);
	assert_int_equal(f->t.sndq.len, WEIR_PAGE_BYTES);
	fix_unhog(f);
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, 100), 100);
	fix_hog(f, 0); /* the rest of a page that is held needs no other */
	assert_int_equal(sndq_append(&f->t, &f->env, bytes, 10000), WEIR_PAGE_BYTES - 100);
	assert_false(sndq_commit(&f->t, &f->env, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_append_and_pieces),
		TEST(test_room),
		TEST(test_limit),
		TEST(test_acked),
		TEST(test_wraps),
		TEST(test_reserve_and_commit),
		TEST(test_reservation_given_back),
		TEST(test_no_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
