/*
 * The texts of the tables: every value has one, identifiers are unique, and some are spelled out
 * here, so that a row moved out of its enum's order is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "weir/info.h"
#include "weir/weir.h"

/* Adapters: the tables' functions as one type. */
static const char *err_text(unsigned i)
{
	return weir_err_text((enum weir_err)i);
}
static const char *state_name(unsigned i)
{
	return weir_state_name((enum weir_state)i);
}
static const char *counter_name(unsigned i)
{
	return weir_counter_name((enum weir_counter)i);
}
static const char *counter_text(unsigned i)
{
	return weir_counter_text((enum weir_counter)i);
}
static const char *counter_clause(unsigned i)
{
	return weir_counter_clause((enum weir_counter)i);
}
static const char *event_name(unsigned i)
{
	return weir_event_name((enum weir_event_kind)i);
}
static const char *connopt_name(unsigned i)
{
	return weir_connopt_name((enum weir_connopt)i);
}
static const char *cc_name(unsigned i)
{
	return weir_cc_name((enum weir_cc)i);
}

static const char *recovery_name(unsigned i)
{
	return weir_recovery_name((enum weir_recovery)i);
}

enum kind { IDENTIFIER, TEXT, CLAUSE };

static const struct {
	const char *(*of)(unsigned i);
	unsigned count;
	enum kind kind;
} tables[] = {
	{err_text, WEIR_ERR_COUNT, TEXT},
	{state_name, WEIR_STATE_COUNT, IDENTIFIER},
	{counter_name, WEIR_CTR_COUNT, IDENTIFIER},
	{counter_text, WEIR_CTR_COUNT, TEXT},
	{counter_clause, WEIR_CTR_COUNT, CLAUSE},
	{event_name, WEIR_EV_COUNT, IDENTIFIER},
	{connopt_name, WEIR_OPT_COUNT, IDENTIFIER},
	{cc_name, WEIR_CC_COUNT, IDENTIFIER},
	{recovery_name, WEIR_RECOVERY_RTO + 1, IDENTIFIER},
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

static void test_every_value(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLES; t++) {
		for (unsigned i = 0; i < tables[t].count; i++) {
			const char *text = tables[t].of(i);

			assert_non_null(text);
			if (tables[t].kind != CLAUSE)
				assert_true(text[0] != '\0');
			else if (text[0] != '\0')
				assert_memory_equal(text, "RFC ", 4);
			/* One line, and it ends without a full stop. */
			assert_null(strchr(text, '\n'));
			if (text[0] != '\0')
				assert_true(text[strlen(text) - 1] != '.');
		}
	}
}

static void test_unique(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLES; t++)
		for (unsigned i = 0; tables[t].kind != CLAUSE && i < tables[t].count; i++)
			for (unsigned k = 0; k < i; k++)
				assert_string_not_equal(tables[t].of(i), tables[t].of(k));
}

static void test_identifiers(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	(void)state;
	for (size_t t = 0; t < TABLES; t++)
		for (unsigned i = 0; tables[t].kind == IDENTIFIER && i < tables[t].count; i++)
			assert_int_equal(strspn(tables[t].of(i), allowed), strlen(tables[t].of(i)));
}

static void test_unknown(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLES; t++) {
		assert_string_equal(tables[t].of(tables[t].count), "unknown");
		assert_string_equal(tables[t].of(255), "unknown");
	}
}

static void test_spelled_out(void **state)
{
	(void)state;
	assert_int_equal(WEIR_OK, 0);
	assert_string_equal(weir_err_text(WEIR_OK), "success");
	assert_string_equal(weir_err_text(WEIR_RESET), "connection reset");
	assert_string_equal(weir_err_text(WEIR_ABORTED), "connection aborted by its user");
	assert_string_equal(weir_counter_name(WEIR_CTR_ACCEPTED), "accepted");
	assert_string_equal(weir_counter_name(WEIR_CTR_TCP_CHECKSUM), "tcp-checksum");
	assert_string_equal(weir_counter_text(WEIR_CTR_TCP_CHECKSUM), "TCP checksum is wrong");
	assert_string_equal(weir_counter_clause(WEIR_CTR_TCP_CHECKSUM), "RFC 9293 MUST-3");
	assert_string_equal(weir_counter_name(WEIR_CTR_RECOVERY_ENTERED), "recovery-entered");
	assert_string_equal(weir_event_name(WEIR_EV_SYN), "syn");
	assert_string_equal(weir_event_name(WEIR_EV_CLOSED), "closed");
	assert_string_equal(weir_connopt_name(WEIR_OPT_NODELAY), "nodelay");
	assert_string_equal(weir_connopt_name(WEIR_OPT_TTL), "ttl");
}

/* RFC 9293 3.3.2 */
static void test_states(void **state)
{
	static const char *const names[] = {
		[WEIR_STATE_CLOSED] = "CLOSED",
		[WEIR_STATE_LISTEN] = "LISTEN",
		[WEIR_STATE_SYN_SENT] = "SYN-SENT",
		[WEIR_STATE_SYN_RECEIVED] = "SYN-RECEIVED",
		[WEIR_STATE_ESTABLISHED] = "ESTABLISHED",
		[WEIR_STATE_FIN_WAIT_1] = "FIN-WAIT-1",
		[WEIR_STATE_FIN_WAIT_2] = "FIN-WAIT-2",
		[WEIR_STATE_CLOSE_WAIT] = "CLOSE-WAIT",
		[WEIR_STATE_CLOSING] = "CLOSING",
		[WEIR_STATE_LAST_ACK] = "LAST-ACK",
		[WEIR_STATE_TIME_WAIT] = "TIME-WAIT",
	};

	(void)state;
	assert_int_equal(WEIR_STATE_COUNT, 11);
	for (unsigned i = 0; i < WEIR_STATE_COUNT; i++)
		assert_string_equal(state_name(i), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value), cmocka_unit_test(test_unique),
		cmocka_unit_test(test_identifiers), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_spelled_out), cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
