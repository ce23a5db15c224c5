/*
 * cmd_bench.c: the command line of `weir bench`.
 */
#include "cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define COMMAND     "bench"
#define UNSET       UINT64_MAX
#define SEGMENT_MIN 64u
#define SEGMENT_MAX 65495u /* of an IPv4 packet of 65,535 bytes */
#define LIVE_MIN    64u    /* syn: half-open records at a time */
#define LIVE_MAX    (BENCH_RECORDS_MAX / 2)

enum option_value {
	OPT_SECONDS = 256,
	OPT_COUNT,
	OPT_SEGMENT,
	OPT_BATCH,
	OPT_SIZE,
	OPT_MODE,
	OPT_CONNECTIONS,
	OPT_ESTABLISHED,
	OPT_HALF_OPEN,
	OPT_TIME_WAIT,
	OPT_CC,
	OPT_SET,
	OPT_JSON,
};

static const struct option options[] = {
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"count", required_argument, NULL, OPT_COUNT},
	{"segment", required_argument, NULL, OPT_SEGMENT},
	{"batch", required_argument, NULL, OPT_BATCH},
	{"size", required_argument, NULL, OPT_SIZE},
	{"mode", required_argument, NULL, OPT_MODE},
	{"connections", required_argument, NULL, OPT_CONNECTIONS},
	{"established", required_argument, NULL, OPT_ESTABLISHED},
	{"half-open", required_argument, NULL, OPT_HALF_OPEN},
	{"time-wait", required_argument, NULL, OPT_TIME_WAIT},
	{"cc", required_argument, NULL, OPT_CC},
	{"set", required_argument, NULL, OPT_SET},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

#define TAKES(opt) (1u << ((opt)-OPT_SECONDS))
#define TIMED      (TAKES(OPT_SECONDS) | TAKES(OPT_COUNT))
#define RECORDS    (TAKES(OPT_ESTABLISHED) | TAKES(OPT_HALF_OPEN) | TAKES(OPT_TIME_WAIT))
#define ALL_TAKE   (TAKES(OPT_CC) | TAKES(OPT_SET) | TAKES(OPT_JSON))

struct bench {
	const char *name;
	int (*main)(const struct bench_options *o);
	uint32_t takes; /* its options */
	const char *text;
};

static const struct bench benches[] = {
	{"bulk", bench_bulk, TIMED | TAKES(OPT_SEGMENT) | TAKES(OPT_BATCH),
	 "one stream, as fast as it goes"},
	{"rr", bench_rr, TIMED | TAKES(OPT_SIZE), "requests and answers, one at a time"},
	{"connect", bench_connect, TIMED, "connections opened and closed, with TIME-WAIT"},
	{"syn", bench_syn, TIMED | TAKES(OPT_MODE) | TAKES(OPT_HALF_OPEN),
	 "a flood of SYNs, each answered"},
	{"memory", bench_memory, RECORDS, "bytes for each record"},
	{"timers", bench_timers, TIMED | TAKES(OPT_CONNECTIONS), "timers that fire"},
};
#define BENCHES (sizeof(benches) / sizeof(benches[0]))

static int print_usage(void)
{
	printf("usage: weir bench bulk|rr|connect|syn|memory|timers [OPTION...]\n"
	       "\n"
	       "The engine alone: two stacks joined in memory, or one and a peer without a stack,\n"
	       "in one thread. Checksums are computed and verified; time is processor time.\n"
	       "\n");
	for (size_t i = 0; i < BENCHES; i++)
		printf("  %-17s %s\n", benches[i].name, benches[i].text);
	printf("\n"
	       "  --seconds N       for how long (default 2)\n"
	       "  --count N         for that many segments, round trips, connections, SYNs or\n"
	       "                    timers instead, whose instructions are the same in each run\n"
	       "  --segment N       bulk: MSS in bytes (default 1460)\n"
	       "  --batch N         bulk: segments carried before ACKs are (default 32)\n"
	       "  --size N          rr: bytes of a request and of its answer (default 64)\n"
	       "  --mode MODE       syn: cookie or queue (default: cookie, if there are cookies)\n"
	       "  --connections N   timers: connections (default 10000)\n"
	       "  --established N, --half-open N, --time-wait N\n"
	       "                    memory: records of each kind (default 10000, 100000, 100000;\n"
	       "                    0 for those not named if one is)\n"
	       "                    syn: --half-open N records at a time in queue mode (65536)\n"
	       "  --cc NAME         congestion control: cubic (default), newreno or bbr\n"
	       "  --set NAME=VALUE  a setting of the engine, as in weir-tables(7)\n"
	       "  --json            print one JSON object instead of text\n"
	       "  -h, --help        show this text\n");
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- Output -------------------------------------------------------------------------------------
 */

int bench_fail(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_complain(COMMAND, "%s", text);
	return CLI_EXIT_FAILED;
}

int bench_report(const struct bench_options *o, json_t *figures, const char *format, ...)
{
	va_list args;

	if (o->output == BENCH_OUTPUT_JSON) {
		json_dumpf(figures, stdout, JSON_REAL_PRECISION(9));
	} else {
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
	}
	putchar('\n');
	json_decref(figures);
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- Options ------------------------------------------------------------------------------------
 */

static int read_mode(struct bench_options *o)
{
	if (strcmp(optarg, "cookie") == 0)
		o->mode = BENCH_MODE_COOKIE;
	else if (strcmp(optarg, "queue") == 0)
		o->mode = BENCH_MODE_QUEUE;
	else
		o->mode = BENCH_MODE_ANY;
	if (o->mode != BENCH_MODE_ANY)
		return 0;
	cli_complain(COMMAND, "--mode: there is no '%s', only cookie and queue", optarg);
	return -1;
}

/* NAME=VALUE, which must be right by itself. */
static int read_setting(struct bench_options *o)
{
	const char *equals = strchr(optarg, '=');
	struct bench_setting *t = &o->setting[o->settings];
	struct weir_config scratch;

	if (o->settings == BENCH_SETTINGS_MAX) {
		cli_complain(COMMAND, "--set: more than %u settings", BENCH_SETTINGS_MAX);
		return -1;
	}
	if (equals == NULL || (size_t)(equals - optarg) >= sizeof(t->name) ||
	    cli_read_number(equals + 1, 0, UINT64_MAX, &t->value) != 0) {
		cli_complain(COMMAND, "--set: '%s' is not NAME=NUMBER", optarg);
		return -1;
	}
	memcpy(t->name, optarg, (size_t)(equals - optarg));
	t->name[equals - optarg] = '\0';
	weir_config_default(&scratch);
	switch (weir_config_set(&scratch, t->name, t->value)) {
	case 0:
		o->settings++;
		return 0;
	case -1:
		cli_complain(COMMAND, "--set: there is no setting '%s' (see weir-tables(7))",
			     t->name);
		return -1;
	default:
		cli_complain(COMMAND, "--set: %s cannot be %" PRIu64 " (see weir-tables(7))",
			     t->name, t->value);
		return -1;
	}
}

static int read_cc(struct bench_options *o)
{
	struct bench_setting *t = &o->setting[o->settings];

	if (o->settings == BENCH_SETTINGS_MAX) {
		cli_complain(COMMAND, "--cc: more than %u settings", BENCH_SETTINGS_MAX);
		return -1;
	}
	if (cli_read_cc(COMMAND, optarg, &t->value) != 0)
		return -1;
	memcpy(t->name, "cc", sizeof("cc"));
	o->settings++;
	return 0;
}

/* What the command line has said. */
struct command {
	struct bench_options o;
	uint32_t given; /* TAKES() of each option */
};

/* cli_options.take */
static int take_option(void *user, int found, const char *name)
{
	struct command *c = user;
	struct bench_options *o = &c->o;

	c->given |= TAKES(found);
	switch (found) {
	case OPT_SECONDS:
		return cli_read_option_number(COMMAND, name, 1, 86400, &o->seconds);
	case OPT_COUNT:
		return cli_read_option_number(COMMAND, name, 1, INT64_MAX, &o->count);
	case OPT_SEGMENT:
		return cli_read_option_number(COMMAND, name, SEGMENT_MIN, SEGMENT_MAX, &o->segment);
	case OPT_BATCH:
		return cli_read_option_number(COMMAND, name, 1, 65536, &o->batch);
	case OPT_SIZE:
		return cli_read_option_number(COMMAND, name, 1, 1048576, &o->size);
	case OPT_MODE:
		return read_mode(o);
	case OPT_CONNECTIONS:
		return cli_read_option_number(COMMAND, name, 1, BENCH_RECORDS_MAX, &o->connections);
	case OPT_ESTABLISHED:
		return cli_read_option_number(COMMAND, name, 0, BENCH_RECORDS_MAX, &o->established);
	case OPT_HALF_OPEN:
		return cli_read_option_number(COMMAND, name, 0, BENCH_RECORDS_MAX, &o->half_open);
	case OPT_TIME_WAIT:
		return cli_read_option_number(COMMAND, name, 0, BENCH_RECORDS_MAX, &o->time_wait);
	case OPT_CC:
		return read_cc(o);
	case OPT_SET:
		return read_setting(o);
	default: /* OPT_JSON */
		o->output = BENCH_OUTPUT_JSON;
		return 0;
	}
}

static const struct bench *find_bench(const char *name)
{
	for (size_t i = 0; i < BENCHES; i++)
		if (strcmp(benches[i].name, name) == 0)
			return &benches[i];
	cli_complain(COMMAND,
		     "there is no '%s'; there are bulk, rr, connect, syn, memory and timers", name);
	return NULL;
}

/* The one operand. NULL: after a complaint. */
static const struct bench *read_operand(int argc, char **argv)
{
	if (optind == argc) {
		cli_complain(COMMAND, "which? bulk, rr, connect, syn, memory or timers");
		return NULL;
	}
	if (optind + 1 < argc) {
		cli_complain(COMMAND, "'%s' is one too many (see --help)", argv[optind + 1]);
		return NULL;
	}
	return find_bench(argv[optind]);
}

static void set_default(uint64_t *value, uint64_t otherwise)
{
	if (*value == UNSET)
		*value = otherwise;
}

/* What the options leave open, and what does not belong together. */
static int settle(struct command *c, const struct bench *b)
{
	struct bench_options *o = &c->o;
	bool named = (c->given & RECORDS) != 0;

	for (const struct option *p = options; p->name != NULL; p++)
		if (p->val >= OPT_SECONDS && (c->given & TAKES(p->val)) != 0 &&
		    !((b->takes | ALL_TAKE) & TAKES(p->val))) {
			cli_complain(COMMAND, "--%s is not for %s (see --help)", p->name, b->name);
			return -1;
		}
	if (b->main == bench_syn) {
		set_default(&o->half_open, 65536);
		if (o->half_open < LIVE_MIN || o->half_open > LIVE_MAX) {
			cli_complain(COMMAND, "--half-open: for syn a number from %u to %u",
				     LIVE_MIN, LIVE_MAX);
			return -1;
		}
	}
	set_default(&o->established, named ? 0 : 10000);
	set_default(&o->half_open, named ? 0 : 100000);
	set_default(&o->time_wait, named ? 0 : 100000);
	return 0;
}

int cmd_bench(int argc, char **argv)
{
	static const struct cli_options options_of = {COMMAND, options, print_usage, take_option};
	struct command c = {.o = {.seconds = 2,
				  .segment = 1460,
				  .batch = 32,
				  .size = 64,
				  .connections = 10000,
				  .established = UNSET,
				  .half_open = UNSET,
				  .time_wait = UNSET}};
	const struct bench *b;
	int status;

	if (cli_take_options(&options_of, &c, argc, argv, &status) != 0)
		return status;
	b = read_operand(argc, argv);
	if (b == NULL || settle(&c, b) != 0)
		return CLI_EXIT_BAD_USE;
	return b->main(&c.o);
}
