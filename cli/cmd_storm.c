/*
 * cmd_storm.c: the command line of `weir storm`.
 */
#include "cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storm.h"

#define COMMAND       "storm"
#define SEEDS_DEFAULT 100u
#define SEEDS_MAX     1000000000000u
#define LISTED_MAX    100u /* failures that --json lists */

enum option_value {
	OPT_SEED = 256,
	OPT_SEEDS,
	OPT_SECONDS,
	OPT_JOBS,
	OPT_JSON,
	OPT_EXPLAIN,
	OPT_SHRINK,
	OPT_WITHOUT,
	OPT_TALKS,
	OPT_TROUBLES,
	OPT_BYTES,
	OPT_UNTIL,
	OPT_PLANT,
};

static const struct option options[] = {
	{"seed", required_argument, NULL, OPT_SEED},
	{"seeds", required_argument, NULL, OPT_SEEDS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"jobs", required_argument, NULL, OPT_JOBS},
	{"json", no_argument, NULL, OPT_JSON},
	{"explain", no_argument, NULL, OPT_EXPLAIN},
	{"shrink", no_argument, NULL, OPT_SHRINK},
	{"without", required_argument, NULL, OPT_WITHOUT},
	{"talks", required_argument, NULL, OPT_TALKS},
	{"troubles", required_argument, NULL, OPT_TROUBLES},
	{"bytes", required_argument, NULL, OPT_BYTES},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"plant", required_argument, NULL, OPT_PLANT},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct command {
	struct storm_options run;
	bool has_seed, has_seeds;
	bool json, explain, shrink;
	json_t *listed;             /* failures, for --json */
	struct storm_failure first; /* the one with the lowest seed */
	bool any;
};

static int print_usage(void)
{
	printf("usage: weir storm [OPTION...]\n"
	       "\n"
	       "Runs random hosts, links and faults in virtual time, each storm from one seed,\n"
	       "and checks every invariant after every step. A failure prints one line with the\n"
	       "seed that repeats it.\n"
	       "\n"
	       "  --seed N         the first seed (default 1); alone: only this one\n"
	       "  --seeds N        how many seeds, from the first on (default %u)\n"
	       "  --seconds N      as many seeds as can be begun in this time\n"
	       "  --jobs N         processes (1 to %u; default: one for each CPU)\n"
	       "  --json           print one JSON object instead of text\n"
	       "\n"
	       "For one seed:\n"
	       "  --explain        draw the connection that failed, or all, as ladders\n"
	       "  --shrink         find the smallest storm that fails in the same way\n"
	       "\n"
	       "Leaving out parts of a storm, as --shrink does:\n"
	       "  --without LIST   these, joined by commas:\n",
	       SEEDS_DEFAULT, STORM_JOBS_MAX);
	for (unsigned p = 0; p < STORM_PART_COUNT; p++)
		printf("                     %-9s %s\n", storm_part_name((enum storm_part)p),
		       storm_part_text((enum storm_part)p));
	printf("  --talks LIST     only these connections, by number; none: no connection\n"
	       "  --troubles LIST  only these crashes, cuts and the like; none: none\n"
	       "  --bytes N        no end sends more\n"
	       "  --until STEP     stop before this step\n"
	       "\n"
	       "  --plant WHAT     a fault that must be found: a byte that the network changes,\n"
	       "                   an rst that it sends, a trap that ends the engine\n"
	       "  -h, --help       show this text\n"
	       "\n"
	       "Exit status: 0 no failure, 1 a failure was found, 2 wrong use.\n");
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- Options ------------------------------------------------------------------------------------
 */

static int read_parts(const char *text, uint32_t *out)
{
	uint32_t bits;

	if (storm_read_parts(text, &bits) == 0) {
		*out |= bits;
		return 0;
	}
	cli_complain(COMMAND,
		     "--without: '%s' is not a list of parts such as loss,crash (see --help)",
		     text);
	return -1;
}

static int read_list(const char *name, const char *text, unsigned max, uint64_t *out)
{
	*out = 0;
	if (strcmp(text, "none") == 0 || storm_read_numbers(text, max, out) == 0)
		return 0;
	cli_complain(COMMAND, "--%s: '%s' is neither 'none' nor a list of numbers below %u", name,
		     text, max);
	return -1;
}

static int read_plant(const char *text, enum storm_plant *out)
{
	if (storm_find_plant(text, out) == 0)
		return 0;
	cli_complain(COMMAND, "--plant: there is no '%s', only byte, rst and trap", text);
	return -1;
}

static int take_cut_option(struct storm_options *o, int found, const char *name)
{
	uint64_t bits;

	switch (found) {
	case OPT_WITHOUT:
		return read_parts(optarg, &o->cut.without);
	case OPT_TALKS:
		return read_list(name, optarg, STORM_TALKS_MAX, &o->cut.talks);
	case OPT_TROUBLES:
		if (read_list(name, optarg, STORM_TROUBLES_MAX, &bits) != 0)
			return -1;
		o->cut.troubles = (uint32_t)bits;
		return 0;
	case OPT_BYTES:
		return cli_read_option_number(COMMAND, name, 0, UINT64_MAX, &o->cut.bytes);
	case OPT_UNTIL:
		return cli_read_option_number(COMMAND, name, 1, UINT64_MAX, &o->cut.until);
	default: /* OPT_PLANT */
		return read_plant(optarg, &o->watch.plant);
	}
}

/* cli_options.take */
static int take_option(void *user, int found, const char *name)
{
	struct command *c = user;
	uint64_t number = 0;
	int failed;

	switch (found) {
	case OPT_SEED:
		c->has_seed = true;
		return cli_read_option_number(COMMAND, name, 0, INT64_MAX, &c->run.first);
	case OPT_SEEDS:
		c->has_seeds = true;
		return cli_read_option_number(COMMAND, name, 1, SEEDS_MAX, &c->run.seeds);
	case OPT_SECONDS:
		return cli_read_option_number(COMMAND, name, 1, 31536000, &c->run.seconds);
	case OPT_JOBS:
		failed = cli_read_option_number(COMMAND, name, 1, STORM_JOBS_MAX, &number);
		c->run.jobs = (unsigned)number;
		return failed;
	case OPT_JSON:
		c->json = true;
		return 0;
	case OPT_EXPLAIN:
		c->explain = true;
		return 0;
	case OPT_SHRINK:
		c->shrink = true;
		return 0;
	default:
		return take_cut_option(&c->run, found, name);
	}
}

/* What the options leave open, and what contradicts itself. */
static int settle(struct command *c, int argc, char **argv)
{
	bool many = c->has_seeds || c->run.seconds != 0;

	if (optind < argc) {
		cli_complain(COMMAND, "'%s' is not an option (see --help)", argv[optind]);
		return -1;
	}
	if (!c->has_seeds)
		c->run.seeds = c->run.seconds != 0 ? UINT64_MAX : c->has_seed ? 1 : SEEDS_DEFAULT;
	if ((c->explain || c->shrink) && (!c->has_seed || (many && c->run.seeds != 1))) {
		cli_complain(COMMAND, "--explain and --shrink are for one seed: --seed N");
		return -1;
	}
	if ((c->explain || c->shrink) && c->json) {
		cli_complain(COMMAND, "--json does not go together with --explain or --shrink");
		return -1;
	}
	c->run.watch.digest = c->json;
	if (c->run.seeds < c->run.jobs)
		c->run.jobs = (unsigned)c->run.seeds;
	return 0;
}

/* --- Results ------------------------------------------------------------------------------------
 */

/* storm_report */
static void on_failure(void *user, const struct storm_failure *f)
{
	struct command *c = user;

	if (!c->any || f->seed < c->first.seed)
		c->first = *f;
	c->any = true;
	fprintf(c->json ? stderr : stdout, "seed %" PRIu64 ", step %" PRIu64 ": %s\n", f->seed,
		f->result.steps, f->result.text);
	fflush(stdout);
	if (c->json && json_array_size(c->listed) < LISTED_MAX)
		json_array_append_new(
			c->listed, json_pack("{s:I, s:I, s:s}", "seed", (json_int_t)f->seed, "step",
					     (json_int_t)f->result.steps, "text", f->result.text));
}

static void print_json(struct command *c, const struct storm_total *t)
{
	char digest[17];
	json_t *first = c->any ? json_integer((json_int_t)t->first_failing) : json_null();
	json_t *out;

	snprintf(digest, sizeof(digest), "%016" PRIx64, t->digest);
	out = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:f, s:f, s:O}",
			"seeds", (json_int_t)t->seeds, "failures", (json_int_t)t->failures,
			"first_failing_seed", first, "segments", (json_int_t)t->segments,
			"connections", (json_int_t)t->connections, "bytes", (json_int_t)t->bytes,
			"steps", (json_int_t)t->steps, "crashes", (json_int_t)t->crashes,
			"first_seed", (json_int_t)c->run.first, "digest", digest, "seconds",
			t->seconds, "seeds_per_s",
			t->seconds > 0 ? (double)t->seeds / t->seconds : 0.0, "failed", c->listed);

	json_dumpf(out, stdout, JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(out);
}

static void print_text(const struct command *c, const struct storm_total *t)
{
	uint64_t n = t->seeds != 0 ? t->seeds : 1;

	printf("%" PRIu64 " seeds from %" PRIu64 " in %.1f s (%.0f a second): %" PRIu64
	       " failures\n",
	       t->seeds, c->run.first, t->seconds, (double)t->seeds / t->seconds, t->failures);
	printf("a seed: %.1f connections, %.0f segments, %.0f bytes, %.0f steps, %.2f crashes\n",
	       (double)t->connections / (double)n, (double)t->segments / (double)n,
	       (double)t->bytes / (double)n, (double)t->steps / (double)n,
	       (double)t->crashes / (double)n);
}

int cmd_storm(int argc, char **argv)
{
	static const struct cli_options o = {COMMAND, options, print_usage, take_option};
	struct command c = {.run = {.first = 1, .cut = STORM_WHOLE}};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct storm_total total;
	int status;

	setlocale(LC_CTYPE, "");
	c.run.jobs = cpus < 1 ? 1 : cpus > (long)STORM_JOBS_MAX ? STORM_JOBS_MAX : (unsigned)cpus;
	if (cli_take_options(&o, &c, argc, argv, &status) != 0)
		return status;
	if (settle(&c, argc, argv) != 0)
		return CLI_EXIT_BAD_USE;
	c.listed = json_array();
	if (storm_pool_run(&c.run, on_failure, &c, &total) != 0)
		return CLI_EXIT_FAILED;
	if (c.json)
		print_json(&c, &total);
	else
		print_text(&c, &total);
	json_decref(c.listed);
	if (c.shrink && c.any)
		storm_make_small(&c.run, &c.first);
	if (c.explain)
		storm_explain(&c.run, c.any ? &c.first : NULL);
	if (fflush(stdout) != 0)
		return CLI_EXIT_FAILED;
	return c.any ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}
