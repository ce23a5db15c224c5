/*
 * bench_tools.c: configuration, memory and the clock of the benches.
 */
#include "bench.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* --- Configuration ------------------------------------------------------------------------------
 */

void bench_config(struct weir_config *cfg)
{
	weir_config_default(cfg);
	/* Any keys do; these make each run the same. */
	for (unsigned i = 0; i < sizeof(cfg->hash_key); i++) {
		cfg->hash_key[i] = (uint8_t)(0x57 + 29 * i);
		cfg->isn_key[i] = (uint8_t)(0xa3 + 31 * i);
	}
	cfg->conns_max = 16;
	cfg->halfs_max = 16;
	cfg->timewaits_max = 16;
	cfg->listeners_max = 4;
	cfg->pages_max = 64;
	cfg->ranges_max = 16;
	cfg->frags_max = 0;
	cfg->link_mtu = 1500;
	/* All clients are honest and many share an address. */
	bench_config_try(cfg, "half_source_max", 4194304);
	bench_config_try(cfg, "source_rate", 0);
}

void bench_config_try(struct weir_config *cfg, const char *name, uint64_t value)
{
	(void)weir_config_set(cfg, name, value);
}

bool bench_config_has(const char *name)
{
	const struct weir_config_row *row;

	for (unsigned i = 0; (row = weir_config_row(i)) != NULL; i++)
		if (strcmp(row->name, name) == 0)
			return true;
	return false;
}

int bench_config_finish(struct weir_config *cfg, const struct bench_options *o)
{
	const struct weir_config_row *row;

	for (unsigned i = 0; i < o->settings; i++)
		(void)weir_config_set(cfg, o->setting[i].name, o->setting[i].value);
	row = weir_config_check(cfg);
	if (row == NULL)
		return CLI_EXIT_OK;
	cli_complain("bench", "%s contradicts another setting: %s", row->name, row->text);
	return CLI_EXIT_BAD_USE;
}

/* --- Memory -------------------------------------------------------------------------------------
 */

struct weir_stack *bench_stack_make(struct bench_memory *m, const struct weir_config *cfg,
				    weir_time now)
{
	size_t len = weir_stack_bytes(cfg);
	struct weir_stack *s;
	void *bytes;

	bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	(void)madvise(bytes, len, MADV_NOHUGEPAGE); /* a kernel without them needs no advice */
	*m = (struct bench_memory){.bytes = bytes, .len = len};
	if (weir_stack_init(&s, bytes, len, cfg, now) != WEIR_OK) {
		bench_memory_free(m);
		return NULL;
	}
	return s;
}

void bench_memory_free(struct bench_memory *m)
{
	if (m->bytes != NULL)
		(void)munmap(m->bytes, m->len);
	*m = (struct bench_memory){0};
}

uint64_t bench_memory_resident(const struct bench_memory *m)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char in[4096];
	uint64_t pages = 0;

	for (size_t at = 0; at < m->len; at += page * sizeof(in)) {
		size_t len = m->len - at < page * sizeof(in) ? m->len - at : page * sizeof(in);

		if (mincore((uint8_t *)m->bytes + at, len, in) != 0)
			return 0;
		for (size_t i = 0; i < (len + page - 1) / page; i++)
			pages += in[i] & 1;
	}
	return pages * page;
}

/* --- Clock --------------------------------------------------------------------------------------
 */

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_clock_init(struct bench_clock *c, const struct bench_options *o)
{
	*c = (struct bench_clock){.count = o->count};
	c->ends_at = read_clock(CLOCK_MONOTONIC) + o->seconds * 1000000000u;
}

void bench_clock_run(struct bench_clock *c)
{
	c->wall_since = read_clock(CLOCK_MONOTONIC);
	c->cpu_since = read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_clock_pause(struct bench_clock *c)
{
	c->cpu_ns += read_clock(CLOCK_PROCESS_CPUTIME_ID) - c->cpu_since;
	c->wall_ns += read_clock(CLOCK_MONOTONIC) - c->wall_since;
}

uint64_t bench_clock_next(const struct bench_clock *c, uint64_t done, uint64_t chunk)
{
	if (c->count == 0)
		return done == 0 || read_clock(CLOCK_MONOTONIC) < c->ends_at ? chunk : 0;
	if (done >= c->count)
		return 0;
	return c->count - done < chunk ? c->count - done : chunk;
}

double bench_clock_each(const struct bench_clock *c, uint64_t n)
{
	return n > 0 ? (double)c->cpu_ns / (double)n : 0.0;
}

double bench_clock_rate(const struct bench_clock *c, uint64_t n)
{
	return c->cpu_ns > 0 ? (double)n * 1e9 / (double)c->cpu_ns : 0.0;
}

uint64_t bench_mix(uint64_t n)
{
	n += 0x9e3779b97f4a7c15u;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
	return n ^ (n >> 31);
}
