/*
 * Settings by row: each row's default and limits, and contradictions between rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "weir/config.h"

/* The same rows, expanded independently: a member's own value, not an offset. */
static uint64_t *member(struct weir_config *cfg, const char *name)
{
#define X(row, def, min, max, unit, text) \
	if (strcmp(name, #row) == 0) \
		return &cfg->row;
#include "weir/def/config.def"
#undef X
	return NULL;
}

static unsigned rows(void)
{
	unsigned count = 0;

	while (weir_config_row(count) != NULL)
		count++;
	return count;
}

static void test_rows(void **state)
{
	unsigned count = rows();

	(void)state;
	assert_true(count > 40);
	assert_null(weir_config_row(count + 1));
	assert_null(weir_config_row(UINT32_MAX));
	for (unsigned i = 0; i < count; i++) {
		const struct weir_config_row *row = weir_config_row(i);

		assert_true(row->min <= row->def && row->def <= row->max);
		assert_true(row->unit[0] != '\0' && row->text[0] != '\0');
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(row->name, weir_config_row(k)->name);
	}
}

static void test_default(void **state)
{
	static const uint8_t zeros[16];
	struct weir_config cfg;

	(void)state;
	memset(&cfg, 0xaa, sizeof(cfg));
	weir_config_default(&cfg);
	for (unsigned i = 0; weir_config_row(i) != NULL; i++) {
		assert_true(*member(&cfg, weir_config_row(i)->name) == weir_config_row(i)->def);
		assert_true(weir_config_get(&cfg, i) == weir_config_row(i)->def);
	}
	assert_memory_equal(cfg.hash_key, zeros, 16);
	assert_memory_equal(cfg.isn_key, zeros, 16);
	assert_null(cfg.trace);
	assert_null(cfg.trace_user);
	assert_null(weir_config_check(&cfg));
	assert_int_equal(cfg.rto_initial_ms, 1000);
	assert_int_equal(cfg.initial_cwnd, 10);
}

/* RFC 9293 MUST-25 and others leave defaults that are not ours to change. */
static void test_required_defaults(void **state)
{
	struct weir_config cfg;

	(void)state;
	weir_config_default(&cfg);
	assert_int_equal(cfg.keepalive, 0);       /* MUST-25 */
	assert_true(cfg.keep_idle_ms >= 7200000); /* MUST-28 */
	assert_true(cfg.delack_ms < 500);         /* MUST-40 */
	assert_true(cfg.r2_ms >= 100000);         /* SHLD-11 */
	assert_true(cfg.syn_r2_ms >= 180000);     /* MUST-23 */
	assert_true(cfg.rto_max_ms >= 60000);     /* RFC 6298 2.5 */
}

static void test_set(void **state)
{
	(void)state;
	for (unsigned i = 0; weir_config_row(i) != NULL; i++) {
		const struct weir_config_row *row = weir_config_row(i);
		struct weir_config cfg, before;

		weir_config_default(&cfg);
		assert_int_equal(weir_config_set(&cfg, row->name, row->max), 0);
		assert_true(*member(&cfg, row->name) == row->max);
		assert_true(weir_config_get(&cfg, i) == row->max);
		assert_int_equal(weir_config_set(&cfg, row->name, row->min), 0);
		assert_true(*member(&cfg, row->name) == row->min);
		before = cfg;
		assert_int_equal(weir_config_set(&cfg, row->name, row->max + 1), -2);
		assert_int_equal(weir_config_set(&cfg, row->name, UINT64_MAX), -2);
		if (row->min > 0)
			assert_int_equal(weir_config_set(&cfg, row->name, row->min - 1), -2);
		assert_memory_equal(&cfg, &before, sizeof(cfg));
		/* No other row was touched. */
		*member(&cfg, row->name) = row->def;
		weir_config_default(&before);
		assert_memory_equal(&cfg, &before, sizeof(cfg));
	}
}

static void test_set_unknown(void **state)
{
	static const char *const names[] = {"",    "m",    "ms",       "msss",
					    "MSS", "mss ", "hash_key", "trace"};
	struct weir_config cfg, before;

	(void)state;
	weir_config_default(&cfg);
	before = cfg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(weir_config_set(&cfg, names[i], 1), -1);
	assert_memory_equal(&cfg, &before, sizeof(cfg));
}

static void test_check_ranges(void **state)
{
	(void)state;
	for (unsigned i = 0; weir_config_row(i) != NULL; i++) {
		const struct weir_config_row *row = weir_config_row(i);
		struct weir_config cfg;

		weir_config_default(&cfg);
		*member(&cfg, row->name) = row->max + 1;
		assert_ptr_equal(weir_config_check(&cfg), row);
		if (row->min > 0) {
			*member(&cfg, row->name) = row->min - 1;
			assert_ptr_equal(weir_config_check(&cfg), row);
		}
		/* The first of two. */
		*member(&cfg, weir_config_row(0)->name) = 0;
		assert_ptr_equal(weir_config_check(&cfg), weir_config_row(0));
	}
}

static const struct {
	const char *a;
	uint64_t a_value;
	const char *b;
	uint64_t b_value;
	const char *wrong; /* the row complained about; NULL: none */
} pairs[] = {
	{"port_first", 40000, "port_last", 39999, "port_first"},
	{"port_first", 40000, "port_last", 40000, NULL},
	{"port_first", 61000, "dscp", 0, "port_first"},
	{"port_first", 1, "port_last", 65535, NULL},
	{"rto_min_ms", 60000, "rto_max_ms", 60000, NULL},
	{"rto_initial_ms", 60000, "rto_max_ms", 60000, NULL},
	{"mss", 1460, "link_mtu", 1500, NULL},
	{"mss", 1461, "link_mtu", 1500, "mss"},
	{"mss", 0, "link_mtu", 68, NULL},
	{"mss", 28, "link_mtu", 68, NULL},
	{"mss", 29, "link_mtu", 68, "mss"},
	{"link_gso_max", 65535, "link_csum_offload", 0, "link_gso_max"},
	{"link_gso_max", 65535, "link_csum_offload", 1, NULL},
	{"link_gso_max", 0, "link_csum_offload", 1, NULL},
};

static void test_check_contradictions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct weir_config_row *wrong;
		struct weir_config cfg;

		weir_config_default(&cfg);
		assert_int_equal(weir_config_set(&cfg, pairs[i].a, pairs[i].a_value), 0);
		assert_int_equal(weir_config_set(&cfg, pairs[i].b, pairs[i].b_value), 0);
		wrong = weir_config_check(&cfg);
		if (pairs[i].wrong == NULL) {
			assert_null(wrong);
			continue;
		}
		assert_non_null(wrong);
		assert_string_equal(wrong->name, pairs[i].wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_required_defaults),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_unknown),
		cmocka_unit_test(test_check_ranges),
		cmocka_unit_test(test_check_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
