/*
 * Secrets: they come from the operating system, anew each time (RFC6528-02).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tcp/isn.h"
#include "weir/loop.h"
#include "weir/weir.h"

_Static_assert(sizeof(((struct weir_config *)0)->isn_key) >= 16, "RFC6528-01");

/* One key after the other: how many of 16 bytes are the same in the same place? By chance more
 * than eight are so once in 10^15 times. */
static unsigned same_bytes(const uint8_t a[16], const uint8_t b[16])
{
	unsigned same = 0;

	for (unsigned i = 0; i < 16; i++)
		same += a[i] == b[i];
	return same;
}

/*
 * Neither key repeats, and none is the other.
 * neg: RFC9293-MUST-9 RFC6528-02
 */
static void test_keys_differ(void **state)
{
	static struct weir_config a, b;

	(void)state;
	weir_config_default(&a);
	weir_config_default(&b);
	weir_random_keys(&a);
	weir_random_keys(&b);
	assert_true(same_bytes(a.isn_key, b.isn_key) <= 8);
	assert_true(same_bytes(a.hash_key, b.hash_key) <= 8);
	assert_true(same_bytes(a.isn_key, a.hash_key) <= 8);
	assert_true(same_bytes(b.isn_key, b.hash_key) <= 8);
}

/*
 * Two starts at the same time give the same tuple different ISNs; the same key gives the same one.
 * neg: RFC6528-01 RFC6528-02
 */
static void test_two_starts(void **state)
{
	static const uint8_t pair[12] = {10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80};
	static struct weir_config a, b;
	seq_t isn;

	(void)state;
	weir_random_keys(&a);
	weir_random_keys(&b);
	isn = isn_make(a.isn_key, pair, sizeof(pair), 0);
	assert_int_not_equal(isn.v, isn_make(b.isn_key, pair, sizeof(pair), 0).v);
	assert_int_equal(isn.v, isn_make(a.isn_key, pair, sizeof(pair), 0).v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test(test_two_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
