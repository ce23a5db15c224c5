/*
 * Theory of operation
 *
 * A stack for each kind of record, over IPv4, with room for what is asked and next to none for
 * anything else. Records are made for real: connections by handshakes, half-open records by SYNs,
 * TIME-WAIT records by connections that the stack closes first, which pass through one slot. The
 * other end is a peer without a stack, so all memory is that of one end. Virtual time stands still:
 * no record ends.
 *
 * bytes_each is measured: resident bytes of the stack's memory, less those of a stack with room for
 * one, over the number of records. It contains the record, the index (at the size that it has for
 * that number, a power of two) and the count of each source. reserved_bytes_each is what
 * weir_stack_bytes() asks for: address space for which the system needs memory once it is touched;
 * it contains the place for IPv6 addresses, which lie beside the record.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"

enum kind { ESTABLISHED, HALF_OPEN, TIME_WAIT, KINDS };

struct store {
	struct weir_stack *stack;
	struct bench_memory memory;
	uint64_t count;
	uint64_t resident, reserved; /* bytes, for all records */
};

static void limits(struct weir_config *cfg, enum kind kind, uint64_t n)
{
	bench_config(cfg);
	cfg->conns_max = cfg->halfs_max = cfg->timewaits_max = 1;
	cfg->replies_max = 16;
	cfg->pages_max = 8;
	bench_config_try(cfg, "cookies", 0);
	bench_config_try(cfg, "half_pressure_pct", 100);
	switch (kind) {
	case ESTABLISHED:
		cfg->conns_max = n;
		break;
	case HALF_OPEN:
		cfg->halfs_max = n;
		break;
	case TIME_WAIT:
		cfg->timewaits_max = n;
		break;
	case KINDS:
		break;
	}
}

static bool make_one(struct bench_peer *p, enum kind kind, uint32_t i)
{
	weir_conn conn;

	switch (kind) {
	case ESTABLISHED:
		return bench_peer_open(p, i, &conn);
	case HALF_OPEN:
		return bench_peer_syn(p, i);
	case TIME_WAIT:
		return bench_peer_open(p, i, &conn) && bench_peer_close(p, i, conn);
	case KINDS:
		break;
	}
	return false;
}

static uint64_t records_of(const struct weir_stack *s, enum kind kind)
{
	struct weir_usage u;

	weir_stack_usage(s, &u);
	return kind == ESTABLISHED ? u.conns : kind == HALF_OPEN ? u.halfs : u.timewaits;
}

/* A stack with room for `room` records, and `n` of them. */
static int fill(struct store *st, const struct bench_options *o, enum kind kind, uint64_t room,
		uint64_t n)
{
	struct bench_peer peer;
	struct weir_config cfg;
	int status;

	limits(&cfg, kind, room);
	status = bench_config_finish(&cfg, o);
	if (status != CLI_EXIT_OK)
		return status;
	st->count = n;
	st->stack = bench_stack_make(&st->memory, &cfg, 1000000000);
	if (st->stack == NULL)
		return bench_fail("memory: none for %" PRIu64 " records", room);
	if (!bench_peer_init(&peer, st->stack, 1000000000))
		return bench_fail("memory: the engine refuses a listener");
	for (uint64_t i = 0; i < n; i++)
		if (!make_one(&peer, kind, (uint32_t)i))
			return bench_fail("memory: record %" PRIu64 " cannot be made", i + 1);
	if (records_of(st->stack, kind) != n)
		return bench_fail("memory: there are %" PRIu64 " records and not %" PRIu64,
				  records_of(st->stack, kind), n);
	return CLI_EXIT_OK;
}

static int measure(struct store *st, const struct bench_options *o, enum kind kind, uint64_t n)
{
	struct store empty = {0};
	uint64_t all;
	int status = fill(&empty, o, kind, 1, 0);

	if (status == CLI_EXIT_OK && n > 0)
		status = fill(st, o, kind, n, n);
	if (status == CLI_EXIT_OK && n > 0) {
		all = bench_memory_resident(&st->memory);
		st->resident = all - bench_memory_resident(&empty.memory);
		st->reserved = st->memory.len - empty.memory.len;
	}
	bench_memory_free(&empty.memory);
	return status;
}

/* Resident bytes of this process; 0: the system does not tell. */
static uint64_t rss_bytes(void)
{
	unsigned long long all, resident;
	FILE *f = fopen("/proc/self/statm", "r");
	int found = 0;

	if (f == NULL)
		return 0;
	found = fscanf(f, "%llu %llu", &all, &resident);
	fclose(f);
	return found == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static double each(uint64_t bytes, const struct store *st)
{
	return st->count > 0 ? (double)bytes / (double)st->count : 0.0;
}

static json_t *to_json(const struct store *st)
{
	return json_pack("{s:I, s:f, s:f, s:I}", "count", (json_int_t)st->count, "bytes_each",
			 each(st->resident, st), "reserved_bytes_each", each(st->reserved, st),
			 "resident_bytes", (json_int_t)st->resident);
}

static int report(const struct store st[KINDS], const struct bench_options *o)
{
	static const char *const name[KINDS] = {"established", "half_open", "time_wait"};
	json_t *j = json_pack("{s:s}", "bench", "memory");
	uint64_t rss = rss_bytes();
	char text[512];
	size_t used = 0;

	for (unsigned k = 0; k < KINDS; k++) {
		json_object_set_new(j, name[k], to_json(&st[k]));
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%-12s %9" PRIu64 " of %5.0f bytes (%.0f reserved)\n",
					 name[k], st[k].count, each(st[k].resident, &st[k]),
					 each(st[k].reserved, &st[k]));
	}
	json_object_set_new(j, "rss_bytes", json_integer((json_int_t)rss));
	return bench_report(o, j, "%sresident set of the process: %.1f MB", text,
			    (double)rss / 1e6);
}

int bench_memory(const struct bench_options *o)
{
	const uint64_t n[KINDS] = {o->established, o->half_open, o->time_wait};
	struct store st[KINDS] = {0};
	int status = CLI_EXIT_OK;

	for (unsigned k = 0; k < KINDS && status == CLI_EXIT_OK; k++)
		status = measure(&st[k], o, (enum kind)k, n[k]);
	if (status == CLI_EXIT_OK)
		status = report(st, o);
	for (unsigned k = 0; k < KINDS; k++)
		bench_memory_free(&st[k].memory);
	return status;
}
