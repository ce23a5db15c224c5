/*
 * config.c: settings by row, from weir/def/config.def. A row knows where in struct weir_config its
 * value is; beyond the ranges that the rows hold, contradictions between rows are a list here.
 */
#include "weir/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/assert.h"

/* Bytes of an IPv4 and a TCP header without options (RFC 6691 2). */
#define CONFIG_HEADERS 40u

enum config_index {
#define X(name, def, min, max, unit, text) CONFIG_##name,
#include "weir/def/config.def"
#undef X
	CONFIG_COUNT
};

static const struct weir_config_row config_rows[] = {
#define X(name, def, min, max, unit, text) {#name, def, min, max, unit, text},
#include "weir/def/config.def"
#undef X
};

static const size_t config_offset[] = {
#define X(name, def, min, max, unit, text) offsetof(struct weir_config, name),
#include "weir/def/config.def"
#undef X
};

/* Each default is in its range: unsigned, below min wraps to above max. */
#define X(name, def, min, max, unit, text) \
	_Static_assert((uint64_t)(def) - (min) <= (uint64_t)(max) - (min), #name);
#include "weir/def/config.def"
#undef X

/* Rows of which the first must not be larger than the second. (The ranges of the RTO rows keep
 * them apart as they stand; a wider range must not open a gap here.) */
static const struct {
	unsigned low, high;
} config_ordered[] = {
	{CONFIG_port_first, CONFIG_port_last},
	{CONFIG_rto_min_ms, CONFIG_rto_max_ms},
	{CONFIG_rto_initial_ms, CONFIG_rto_max_ms},
};

static uint64_t *config_value(struct weir_config *cfg, unsigned i)
{
	return (uint64_t *)(void *)((char *)cfg + config_offset[i]);
}

void weir_config_default(struct weir_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->trace = NULL;
	cfg->trace_user = NULL;
	for (unsigned i = 0; i < CONFIG_COUNT; i++)
		*config_value(cfg, i) = config_rows[i].def;
}

const struct weir_config_row *weir_config_row(unsigned i)
{
	return i < CONFIG_COUNT ? &config_rows[i] : NULL;
}

uint64_t weir_config_get(const struct weir_config *cfg, unsigned i)
{
	weir_assert(i < CONFIG_COUNT);
	return *(const uint64_t *)(const void *)((const char *)cfg + config_offset[i]);
}

static bool config_in_range(unsigned i, uint64_t value)
{
	return value >= config_rows[i].min && value <= config_rows[i].max;
}

static bool config_same_name(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int weir_config_set(struct weir_config *cfg, const char *name, uint64_t value)
{
	for (unsigned i = 0; i < CONFIG_COUNT; i++) {
		if (!config_same_name(config_rows[i].name, name))
			continue;
		if (!config_in_range(i, value))
			return -2;
		*config_value(cfg, i) = value;
		return 0;
	}
	return -1;
}

/* A row that contradicts another, or CONFIG_COUNT. All values are in their ranges. */
static unsigned config_contradiction(const struct weir_config *cfg)
{
	for (unsigned k = 0; k < sizeof(config_ordered) / sizeof(config_ordered[0]); k++)
		if (weir_config_get(cfg, config_ordered[k].low) >
		    weir_config_get(cfg, config_ordered[k].high))
			return config_ordered[k].low;
	/* An MSS that invites packets which the link cannot carry (RFC 6691). */
	if (cfg->mss != 0 && cfg->mss + CONFIG_HEADERS > cfg->link_mtu)
		return CONFIG_mss;
	/* Each segment cut from a larger one needs a checksum of its own, which only the link can
	 * complete. */
	if (cfg->link_gso_max != 0 && cfg->link_csum_offload == 0)
		return CONFIG_link_gso_max;
	return CONFIG_COUNT;
}

const struct weir_config_row *weir_config_check(const struct weir_config *cfg)
{
	for (unsigned i = 0; i < CONFIG_COUNT; i++)
		if (!config_in_range(i, weir_config_get(cfg, i)))
			return &config_rows[i];
	return weir_config_row(config_contradiction(cfg));
}
