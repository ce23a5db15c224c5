/*
 * names.c: the texts of the tables in weir/def. Each table is expanded here once, in the order of
 * its enum, so that an enum value is an index. What is not a value of its enum (read from a file,
 * say) is called "unknown" instead of stopping the process.
 */
#include <stddef.h>

#include "weir/info.h"
#include "weir/weir.h"

#define NAMES_COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char names_unknown[] = "unknown";

static const char *const names_err[] = {
#define X(name, text) text,
#include "weir/def/err.def"
#undef X
};

static const char *const names_state[] = {
#define X(name, text) text,
#include "weir/def/states.def"
#undef X
};

static const struct {
	const char *id, *text, *clause;
} names_counter[] = {
#define X(name, id, text, clause) {id, text, clause},
#include "weir/def/counters.def"
#undef X
};

static const char *const names_event[] = {
#define X(name, id, text) id,
#include "weir/def/events.def"
#undef X
};

static const char *const names_connopt[] = {
#define X(name, id, min, max, text) id,
#include "weir/def/connopt.def"
#undef X
};

static const char *const names_cc[] = {
#define X(name, id, text) id,
#include "weir/def/cc.def"
#undef X
};

static const char *const names_recovery[] = {
	[WEIR_RECOVERY_OPEN] = "open",
	[WEIR_RECOVERY_CWR] = "cwr",
	[WEIR_RECOVERY_FAST] = "fast",
	[WEIR_RECOVERY_RTO] = "rto",
};

_Static_assert(NAMES_COUNT(names_err) == WEIR_ERR_COUNT, "a text for each error");
_Static_assert(NAMES_COUNT(names_state) == WEIR_STATE_COUNT, "a name for each state");
_Static_assert(NAMES_COUNT(names_counter) == WEIR_CTR_COUNT, "a row for each counter");
_Static_assert(NAMES_COUNT(names_event) == WEIR_EV_COUNT, "a name for each event");
_Static_assert(NAMES_COUNT(names_connopt) == WEIR_OPT_COUNT, "a name for each option");
_Static_assert(NAMES_COUNT(names_cc) == WEIR_CC_COUNT, "a name for each congestion control");
_Static_assert(WEIR_OK == 0 && WEIR_STATE_CLOSED == 0 && WEIR_CTR_ACCEPTED == 0, "first rows");

const char *weir_err_text(enum weir_err e)
{
	return (size_t)e < WEIR_ERR_COUNT ? names_err[e] : names_unknown;
}

const char *weir_state_name(enum weir_state s)
{
	return (size_t)s < WEIR_STATE_COUNT ? names_state[s] : names_unknown;
}

const char *weir_counter_name(enum weir_counter c)
{
	return (size_t)c < WEIR_CTR_COUNT ? names_counter[c].id : names_unknown;
}

const char *weir_counter_text(enum weir_counter c)
{
	return (size_t)c < WEIR_CTR_COUNT ? names_counter[c].text : names_unknown;
}

const char *weir_counter_clause(enum weir_counter c)
{
	return (size_t)c < WEIR_CTR_COUNT ? names_counter[c].clause : names_unknown;
}

const char *weir_event_name(enum weir_event_kind k)
{
	return (size_t)k < WEIR_EV_COUNT ? names_event[k] : names_unknown;
}

const char *weir_connopt_name(enum weir_connopt o)
{
	return (size_t)o < WEIR_OPT_COUNT ? names_connopt[o] : names_unknown;
}

const char *weir_cc_name(enum weir_cc c)
{
	return (size_t)c < WEIR_CC_COUNT ? names_cc[c] : names_unknown;
}

const char *weir_recovery_name(enum weir_recovery phase)
{
	return (size_t)phase < NAMES_COUNT(names_recovery) ? names_recovery[phase] : names_unknown;
}
