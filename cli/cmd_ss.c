/*
 * cmd_ss.c: the command line of `weir ss`.
 */
#include <stdio.h>

#include "cli.h"
#include "ss.h"

#define COMMAND "ss"

enum option_value {
	OPT_JSON = 256,
	OPT_HALF_OPEN,
	OPT_TIME_WAIT,
	OPT_SOURCES,
	OPT_COUNTERS,
};

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"half-open", no_argument, NULL, OPT_HALF_OPEN},
	{"time-wait", no_argument, NULL, OPT_TIME_WAIT},
	{"sources", no_argument, NULL, OPT_SOURCES},
	{"counters", no_argument, NULL, OPT_COUNTERS},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int print_usage(void)
{
	fputs("usage: weir ss [OPTION...]\n"
	      "\n"
	      "Lists the connections of your running 'weir run' and 'weir serve', as ss(8) lists\n"
	      "the kernel's, each with what the engine knows about it.\n"
	      "\n"
	      "  --half-open  also half-open connections: age, retries, when their timer ends\n"
	      "  --time-wait  also TIME-WAIT records: age, when they end\n"
	      "  --sources    who is limited, by source and by destination\n"
	      "  --counters   the engine's counters that are not 0\n"
	      "  --json       print one JSON object, with all of this\n"
	      "  -h, --help   show this text\n"
	      "\n"
	      "Exit status: 0; 1 if an instance did not answer, 2 wrong use.\n",
	      stdout);
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* cli_options.take */
static int take_option(void *user, int found, const char *name)
{
	struct ss_options *o = user;

	(void)name;
	switch ((enum option_value)found) {
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_HALF_OPEN:
		o->half_open = true;
		break;
	case OPT_TIME_WAIT:
		o->time_wait = true;
		break;
	case OPT_SOURCES:
		o->sources = true;
		break;
	case OPT_COUNTERS:
		o->counters = true;
		break;
	}
	return 0;
}

int cmd_ss(int argc, char **argv)
{
	static const struct cli_options options_of = {COMMAND, options, print_usage, take_option};
	struct ss_options o = {.json = false};
	json_t *all, *instances;
	unsigned failed;
	int status;

	if (cli_take_options(&options_of, &o, argc, argv, &status) != 0)
		return status;
	if (optind < argc) {
		cli_complain(COMMAND, "'%s': no such argument is taken (see --help)", argv[optind]);
		return CLI_EXIT_BAD_USE;
	}
	instances = ss_collect(&failed);
	if (o.json) {
		all = json_pack("{s:O}", "instances", instances);
		(void)json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(all);
	} else {
		ss_print(instances, &o);
	}
	json_decref(instances);
	if (fflush(stdout) != 0)
		return CLI_EXIT_FAILED;
	return failed == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
