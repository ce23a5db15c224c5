/*
 * Secrets: they come from the operating system, anew each time (RFC6528-02).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

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

/* RFC9293-MUST-9, RFC6528-02: neither key repeats, and none is the other. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
