/*
 * cmd_ss.c: the command line of `weir ss`.
 */
#include <getopt.h>
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
	OPT_HELP,
};

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"half-open", no_argument, NULL, OPT_HALF_OPEN},
	{"time-wait", no_argument, NULL, OPT_TIME_WAIT},
	{"sources", no_argument, NULL, OPT_SOURCES},
	{"counters", no_argument, NULL, OPT_COUNTERS},
	{"help", no_argument, NULL, OPT_HELP},
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

static void take_option(struct ss_options *o, enum option_value found)
{
	switch (found) {
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
	case OPT_HELP:
		break;
	}
}

/* 0: go on; otherwise the exit status is in *status. */
static int read_options(struct ss_options *o, int argc, char **argv, int *status)
{
	int found;

	opterr = 0;
	while ((found = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (found == 'h' || found == OPT_HELP) {
			*status = print_usage();
			return -1;
		}
		if (found == '?' || found == ':') {
			cli_complain_option(COMMAND, argv, found);
			*status = CLI_EXIT_BAD_USE;
			return -1;
		}
		take_option(o, (enum option_value)found);
	}
	if (optind == argc)
		return 0;
	cli_complain(COMMAND, "'%s': no such argument is taken (see --help)", argv[optind]);
	*status = CLI_EXIT_BAD_USE;
	return -1;
}

int cmd_ss(int argc, char **argv)
{
	struct ss_options o = {.json = false};
	json_t *all, *instances;
	unsigned failed;
	int status;

	if (read_options(&o, argc, argv, &status) != 0)
		return status;
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
