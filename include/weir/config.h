/*
 * config.h: the settings of an engine.
 *
 * Every setting is a row of def/config.def with its default, its range and its source; a caller
 * starts from weir_config_default() and changes what it needs. Secrets and the trace hook are not
 * rows: they have no default that a table could hold.
 */
#ifndef WEIR_CONFIG_H
#define WEIR_CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_trace_record;

struct weir_config {
#define X(name, def, min, max, unit, text) uint64_t name;
#include "weir/def/config.def"
#undef X
	uint8_t hash_key[16]; /* keys the table of sources (SipHash); random, from the OS */
	uint8_t isn_key[16];  /* keys ISNs, ports, timestamp offsets (RFC 6528) and the table of
			       * connections; random */
	/* Keys SYN cookies; zeros: made from isn_key. Stacks that share it (and isn_key, and the
	 * clock: cookie_epoch_ms) take each other's. See weir_cookie_keys_set(). */
	uint8_t cookie_key[16];

	/* Called once for every verdict and every state change; NULL: no trace. It must not call
	 * the engine. `record` and all it points to live only during the call. */
	void (*trace)(void *user, const struct weir_trace_record *record);
	void *trace_user;
};

/* One row of def/config.def, for usage texts and parsers. */
struct weir_config_row {
	const char *name;
	uint64_t def, min, max;
	const char *unit;
	const char *text;
};

/* Fills `cfg` with the table's defaults; keys are zero, trace is NULL. */
void weir_config_default(struct weir_config *cfg);

/* Row `i` of the table, or NULL past its end. */
const struct weir_config_row *weir_config_row(unsigned i);

/* The value of row `i` in `cfg`; `i` must be a row. */
uint64_t weir_config_get(const struct weir_config *cfg, unsigned i);

/* Sets the row called `name` (NUL-terminated). 0; -1: no such row; -2: value out of its range
 * (nothing is changed then). */
int weir_config_set(struct weir_config *cfg, const char *name, uint64_t value);

/* The first row whose value is out of its range, or contradicts another row; NULL: all good. */
const struct weir_config_row *weir_config_check(const struct weir_config *cfg);

#ifdef __cplusplus
}
#endif

#endif
