/*
 * weir-explore: explores the scenarios of sim/explore and says what it found.
 *
 * Exit status: 0 all as it must be; 1 a property fails that must hold, a counterexample is missing
 * that must exist, or a bound was reached; 2 wrong use.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/explore/search.h"
#include "story.h"

enum { EXIT_FAILS = 1, EXIT_USAGE = 2 };

static const char usage[] =
	"usage: weir-explore [options]\n"
	"Explores two hosts of the engine and a bad network between them, to a bound.\n"
	"\n"
	"  --list            the scenarios, and what each must show\n"
	"  --scenario NAME   only this one\n"
	"  --bound BOUND     small (the default), full, or what differs from small:\n"
	"                    drops=N,dups=N,delays=N,states=N,depth=N\n"
	"  --variants N      only the first N variants of each scenario\n"
	"  --ladder          print only how each counterexample came about\n"
	"  --tamper FAULT    plant a fault: payload, swallow, guess or oracle\n"
	"  --json            one JSON object\n"
	"  --help\n";

struct options {
	const char *scenario;
	const char *bound;
	unsigned variants;
	enum ex_tamper tamper;
	bool ladder, json;
};

struct totals {
	unsigned scenarios, failures;
	double seconds;
};

static int bad(const char *what, const char *value, const char *accepted)
{
	fprintf(stderr, "weir-explore: %s \"%s\": %s\n", what, value, accepted);
	return EXIT_USAGE;
}

/* --- Bounds ------------------------------------------------------------------------------- */

/* Sets "key=N" in `b`. */
static bool set_bound(struct ex_bounds *b, const char *item)
{
	const char *eq = strchr(item, '=');
	size_t n = eq ? (size_t)(eq - item) : 0;
	char *end;
	unsigned long v = eq ? strtoul(eq + 1, &end, 10) : 0;

	if (!eq || end == eq + 1 || *end)
		return false;
	if (!strncmp(item, "drops", n) && n == 5 && v <= UINT8_MAX)
		b->drops = (uint8_t)v;
	else if (!strncmp(item, "dups", n) && n == 4 && v <= UINT8_MAX)
		b->dups = (uint8_t)v;
	else if (!strncmp(item, "delays", n) && n == 6 && v <= UINT8_MAX)
		b->delays = (uint8_t)v;
	else if (!strncmp(item, "states", n) && n == 6 && v < UINT32_MAX)
		b->states_max = (uint32_t)v;
	else if (!strncmp(item, "depth", n) && n == 5 && v <= EX_PATH_MAX)
		b->depth_max = (uint32_t)v;
	else
		return false;
	return true;
}

static bool bounds_of(const char *text, const struct ex_scenario *s, struct ex_bounds *b)
{
	char copy[128], *save = NULL;

	*b = !strcmp(text, "full") ? s->full : s->small;
	if (!strcmp(text, "full") || !strcmp(text, "small"))
		return true;
	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save))
		if (!set_bound(b, item))
			return false;
	return true;
}

/* --- Results ------------------------------------------------------------------------------ */

static bool is_good(const struct ex_result *r)
{
	return r->outcome == EX_HOLDS || r->outcome == EX_FOUND;
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void print_row(const struct ex_scenario *s, const struct ex_bounds *b,
		      const struct ex_result *r, double seconds)
{
	printf("%-23s %5u %4u %6u %8u %9u %11llu %5u %8.1f  %s", s->name, b->drops, b->dups,
	       b->delays, r->variants, r->states, (unsigned long long)r->transitions, r->depth,
	       seconds, ex_outcome_text(r->outcome));
	for (unsigned i = 0; i < EX_PROPERTIES; i++)
		if (r->violated & 1u << i)
			printf(" %s", ex_property_name((enum ex_property)(1u << i)));
	if (r->path_len)
		printf(" (%u steps)", r->path_len);
	printf("\n");
	fflush(stdout);
}

static void print_json(const struct ex_scenario *s, const struct ex_bounds *b,
		       const struct ex_result *r, double seconds, bool first)
{
	printf("%s\n  {\"scenario\": \"%s\", \"drops\": %u, \"dups\": %u, \"delays\": %u, "
	       "\"variants\": %u, \"states\": %u, \"transitions\": %llu, \"ends\": %llu, "
	       "\"merges_compared\": %llu, \"depth\": %u, \"cpu_s\": %.3f, \"result\": \"%s\", "
	       "\"ok\": %s, \"steps\": %u, \"violated\": [",
	       first ? "" : ",", s->name, b->drops, b->dups, b->delays, r->variants, r->states,
	       (unsigned long long)r->transitions, (unsigned long long)r->ends,
	       (unsigned long long)r->merged, r->depth, seconds, ex_outcome_text(r->outcome),
	       is_good(r) ? "true" : "false", r->path_len);
	for (unsigned i = 0, n = 0; i < EX_PROPERTIES; i++)
		if (r->violated & 1u << i)
			printf("%s\"%s\"", n++ ? ", " : "",
			       ex_property_name((enum ex_property)(1u << i)));
	printf("]}");
}

static void run_one(const struct options *o, const struct ex_scenario *s, const struct ex_bounds *b,
		    struct totals *t)
{
	static struct ex_result r;
	double start = cpu_seconds(), seconds;

	ex_search(s, b, o->variants, o->tamper, &r);
	seconds = cpu_seconds() - start;
	if (o->json)
		print_json(s, b, &r, seconds, t->scenarios == 0);
	else if (!o->ladder)
		print_row(s, b, &r, seconds);
	if (!o->json && r.path_len && (o->ladder || !is_good(&r)) &&
	    story_print(stdout, s, b, o->tamper, &r) != 0)
		fprintf(stderr, "weir-explore: out of memory\n");
	t->scenarios++;
	t->failures += !is_good(&r);
	t->seconds += seconds;
}

static int run(const struct options *o)
{
	struct totals t = {0};
	struct ex_bounds b;

	if (o->json)
		printf("{\"explore\": [");
	else if (!o->ladder)
		printf("%-23s %5s %4s %6s %8s %9s %11s %5s %8s  %s\n", "scenario", "drops", "dups",
		       "delays", "variants", "states", "transitions", "depth", "cpu s", "result");
	for (unsigned i = 0; ex_scenario(i); i++) {
		const struct ex_scenario *s = ex_scenario(i);

		if (o->scenario && strcmp(o->scenario, s->name))
			continue;
		bounds_of(o->bound, s, &b);
		run_one(o, s, &b, &t);
	}
	if (o->json)
		printf("\n], \"scenarios\": %u, \"failures\": %u, \"cpu_s\": %.3f}\n", t.scenarios,
		       t.failures, t.seconds);
	return t.failures ? EXIT_FAILS : 0;
}

/* --- Options ------------------------------------------------------------------------------ */

static int list(void)
{
	for (unsigned i = 0; ex_scenario(i); i++) {
		const struct ex_scenario *s = ex_scenario(i);

		printf("%-23s %s\n%-23s must %s:", s->name, s->title, "",
		       s->find ? "be found" : "hold");
		for (unsigned p = 0; p < EX_PROPERTIES; p++)
			if ((s->find ? s->find : s->hold) & 1u << p)
				printf(" %s", ex_property_name((enum ex_property)(1u << p)));
		printf("\n");
	}
	printf("\n");
	for (unsigned p = 0; p < EX_PROPERTIES; p++)
		printf("%-8s %s\n", ex_property_name((enum ex_property)(1u << p)),
		       ex_property_text((enum ex_property)(1u << p)));
	return 0;
}

static bool tamper_of(const char *name, enum ex_tamper *out)
{
	for (int t = EX_TAMPER_NONE; t < EX_TAMPER_COUNT; t++)
		if (!strcmp(ex_tamper_name((enum ex_tamper)t), name)) {
			*out = (enum ex_tamper)t;
			return true;
		}
	return false;
}

static bool scenario_exists(const char *name)
{
	for (unsigned i = 0; ex_scenario(i); i++)
		if (!strcmp(ex_scenario(i)->name, name))
			return true;
	return false;
}

static int check(const struct options *o)
{
	struct ex_bounds b;

	if (o->scenario && !scenario_exists(o->scenario))
		return bad("--scenario", o->scenario, "no such scenario; see --list");
	if (!bounds_of(o->bound, ex_scenario(0), &b))
		return bad("--bound", o->bound,
			   "small, full, or drops=N,dups=N,delays=N,states=N,depth=N (depth up to "
			   "256)");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"list", no_argument, NULL, 'l'},
		{"scenario", required_argument, NULL, 's'},
		{"bound", required_argument, NULL, 'b'},
		{"variants", required_argument, NULL, 'v'},
		{"ladder", no_argument, NULL, 'L'},
		{"tamper", required_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.bound = "small"};
	int c, status;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'l':
			return list();
		case 's':
			o.scenario = optarg;
			break;
		case 'b':
			o.bound = optarg;
			break;
		case 'v':
			o.variants = (unsigned)strtoul(optarg, NULL, 10);
			if (!o.variants)
				return bad("--variants", optarg, "a number from 1 on");
			break;
		case 'L':
			o.ladder = true;
			break;
		case 't':
			if (!tamper_of(optarg, &o.tamper))
				return bad("--tamper", optarg,
					   "none, payload, swallow, guess or oracle");
			break;
		case 'j':
			o.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return bad("argument", argv[optind], "none is taken; see --help");
	status = check(&o);
	return status ? status : run(&o);
}
