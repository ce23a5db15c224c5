/*
 * Runs packet scripts.
 *
 *   weir-pkt [options] PATH...    files, or folders of files *.pkt
 *     --rows FILE    the table of states and events: its rows are named with ok or FAIL
 *     --reqs FILE    the table of requirements: ids in scripts are compared with it
 *     --check        run nothing; every row has a script, and all names are known
 *     --must-fail    every test must fail, and say what its line "because" says
 *     --config N=V   a setting for all tests that do not set it themselves
 *     --only TEXT    only tests whose name or file contains it
 *     --verbose      the trace of every test, also of those that pass
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "rows.h"
#include "script.h"
#include "world.h"

struct options {
	const char *only;
	char config[64]; /* a statement; empty: none */
	bool check, must_fail, verbose;
};

static struct script script;
static struct rows rows, reqs;
static struct world world;

static void print_log(const struct world *w)
{
	unsigned from = w->log_count > WORLD_LOG_MAX ? w->log_count - WORLD_LOG_MAX : 0;

	for (unsigned i = from; i < w->log_count; i++)
		printf("  %s\n", w->log[i % WORLD_LOG_MAX]);
}

/* The line of the script at depth `d`. */
static const char *text_at(const struct world *w, int d)
{
	const struct block *b = script.test;
	size_t n = script.test_count;

	for (int pass = 0; pass < 2; pass++, b = script.macro, n = script.macro_count)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < b[i].count; k++)
				if (b[i].file == w->at[d].file && b[i].line[k].no == w->at[d].no)
					return b[i].line[k].text;
	return "";
}

static void print_failure(const struct world *w, const struct block *t)
{
	int d = w->depth > 0 ? w->depth - 1 : 0;
	const char *text = text_at(w, d);
	char plain[TEXT_LINE_MAX];

	printf("%s:%d: %s\n", w->at[d].file, w->at[d].no, w->why);
	if (vars_expand(&w->vars, text + strspn(text, " \t"), plain, sizeof(plain)) == 0)
		printf("  expected %s\n", plain);
	for (d--; d >= 0; d--)
		printf("  from %s:%d\n", w->at[d].file, w->at[d].no);
	printf("  in test \"%s\" over IPv%d; the trace so far:\n", t->name, w->family);
}

static bool run_one(const struct block *t, int family, const struct options *o)
{
	volatile bool ok = false;

	world_init(&world, &script, family);
	if (setjmp(world.failed) == 0) {
		if (o->config[0])
			exec_line(&world, o->config);
		exec_block(&world, t);
		world.depth = 1;
		exec_end(&world);
		ok = true;
	}
	if (o->must_fail)
		ok = !ok && t->because && strstr(world.why, t->because);
	if (!ok)
		print_failure(&world, t);
	if (!ok || o->verbose)
		print_log(&world);
	world_free(&world);
	return ok;
}

static void note_rows(const struct block *t, bool ok)
{
	for (size_t i = 0; i < t->row_count; i++) {
		struct row *row = rows_find(&rows, t->row[i]);

		if (!row)
			continue;
		row->failed += !ok;
	}
}

static bool run_test(const struct block *t, const struct options *o)
{
	bool ok = true;

	if (t->ip4)
		ok &= run_one(t, 4, o);
	if (t->ip6)
		ok &= run_one(t, 6, o);
	note_rows(t, ok);
	printf("%s %s (%s%s%s) %s:%d\n", ok ? "ok  " : "FAIL", t->name, t->ip4 ? "IPv4" : "",
	       t->ip4 && t->ip6 ? ", " : "", t->ip6 ? "IPv6" : "", t->file, t->no);
	fflush(stdout);
	return ok;
}

static int run_all(const struct options *o)
{
	unsigned ran = 0, failed = 0;

	for (size_t i = 0; i < script.test_count; i++) {
		const struct block *t = &script.test[i];

		if (o->only && !strstr(t->name, o->only) && !strstr(t->file, o->only))
			continue;
		ran++;
		failed += !run_test(t, o);
	}
	for (size_t i = 0; i < rows.count; i++)
		if (rows.row[i].tests)
			printf("%s row %s (%s)\n", rows.row[i].failed ? "FAIL" : "ok  ",
			       rows.row[i].name, rows.row[i].where);
	printf("%u tests, %u failed\n", ran, failed);
	if (ran == 0)
		printf("no test ran\n");
	return failed || ran == 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: weir-pkt [--rows FILE] [--reqs FILE] [--check] [--must-fail] "
			"[--config NAME=VALUE] [--only TEXT] [--verbose] PATH...\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	int bad = 0;

	for (int i = 1; i < argc && !bad; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--rows") == 0 && value)
			bad = rows_load(&rows, argv[++i], 2);
		else if (strcmp(argv[i], "--reqs") == 0 && value)
			bad = rows_load(&reqs, argv[++i], 1);
		else if (strcmp(argv[i], "--only") == 0 && value)
			o.only = argv[++i];
		else if (strcmp(argv[i], "--config") == 0 && value)
			snprintf(o.config, sizeof(o.config), "config %s", argv[++i]);
		else if (strcmp(argv[i], "--check") == 0)
			o.check = true;
		else if (strcmp(argv[i], "--must-fail") == 0)
			o.must_fail = true;
		else if (strcmp(argv[i], "--verbose") == 0)
			o.verbose = true;
		else if (argv[i][0] == '-')
			return usage();
		else
			bad = script_load(&script, argv[i]);
	}
	if (bad)
		return 2;
	if (o.check) {
		bad = rows_check(&rows, &reqs, &script, stdout);
		printf("%zu rows, %zu tests, %d mistakes\n", rows.count, script.test_count, bad);
		return bad != 0;
	}
	rows_check(&rows, &reqs, &script, NULL);
	return run_all(&o);
}
