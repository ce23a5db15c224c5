/*
 * cmd_lab.c: the command line of `weir lab`.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define COMMAND   "lab"
#define NAMES_MAX 256u

enum option_value { OPT_RUNS = 256, OPT_SEED, OPT_JSON, OPT_SVG, OPT_LANG, OPT_HELP };

static const struct option options[] = {
	{"runs", required_argument, NULL, OPT_RUNS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"json", no_argument, NULL, OPT_JSON},
	{"svg", required_argument, NULL, OPT_SVG},
	{"lang", required_argument, NULL, OPT_LANG},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

struct command {
	const struct lab_experiment *experiment; /* NULL: list them */
	uint64_t runs, seed;                     /* runs 0: the experiment's own number */
	const char *svg;                         /* file; NULL: no picture */
	bool json, counted;                      /* counted: --runs or --seed was given */
	enum lab_lang lang;
};

static int print_usage(void)
{
	printf("usage: weir lab [NAME] [OPTION...]\n"
	       "\n"
	       "Shows why TCP's rules are as they are: two hosts of the shipped engine in virtual\n"
	       "time, one rule switched off and on, measured over many seeds. Without NAME it\n"
	       "lists the experiments:\n"
	       "\n");
	lab_print_list(LAB_EN);
	printf("\n"
	       "  --runs N          runs of each variant (1 to %u; default %u; reliability 20,\n"
	       "                    congestion 10)\n"
	       "  --seed N          what all runs are made from (default 1)\n"
	       "  --json            print one JSON object with the figures\n"
	       "  --svg FILE        write a picture, too (reliability, congestion)\n"
	       "  --lang en|zh      language of the text; ladders are in English\n"
	       "  -h, --help        show this text\n",
	       LAB_RUNS_MAX, LAB_RUNS_DEFAULT);
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int read_number(const char *name, const char *text, uint64_t min, uint64_t max,
		       uint64_t *out)
{
	if (cli_read_number(text, min, max, out) == 0)
		return 0;
	cli_complain(COMMAND, "--%s: '%s' is not a number from %" PRIu64 " to %" PRIu64, name, text,
		     min, max);
	return -1;
}

static int read_lang(const char *text, enum lab_lang *out)
{
	if (strcmp(text, "en") != 0 && strcmp(text, "zh") != 0) {
		cli_complain(COMMAND, "--lang: '%s' is neither en nor zh", text);
		return -1;
	}
	*out = text[0] == 'z' ? LAB_ZH : LAB_EN;
	return 0;
}

static int take_option(struct command *c, int found, const char *name)
{
	switch (found) {
	case OPT_RUNS:
		c->counted = true;
		return read_number(name, optarg, 1, LAB_RUNS_MAX, &c->runs);
	case OPT_SEED:
		c->counted = true;
		return read_number(name, optarg, 0, INT64_MAX, &c->seed);
	case OPT_JSON:
		c->json = true;
		return 0;
	case OPT_SVG:
		c->svg = optarg;
		return 0;
	default: /* OPT_LANG */
		return read_lang(optarg, &c->lang);
	}
}

enum which { ALL, WITH_PICTURE };

/* "handshake, two-way" */
static const char *list_names(enum which which, char names[NAMES_MAX])
{
	const struct lab_experiment *e;
	size_t used = 0;

	names[0] = '\0';
	for (unsigned i = 0; (e = lab_experiment(i)) != NULL && used < NAMES_MAX; i++)
		if (which == ALL || e->picture != LAB_NO_PICTURE)
			used += (size_t)snprintf(names + used, NAMES_MAX - used, "%s%s",
						 used > 0 ? ", " : "", e->name);
	return names;
}

/* 0: the command makes sense as a whole. */
static int judge(const struct command *c)
{
	char names[NAMES_MAX];

	if (c->experiment == NULL && (c->json || c->counted || c->svg != NULL)) {
		cli_complain(COMMAND,
			     "--runs, --seed, --json and --svg need the name of an experiment");
		return -1;
	}
	if (c->svg != NULL && c->experiment->picture == LAB_NO_PICTURE) {
		cli_complain(COMMAND, "--svg: there is no picture of '%s'; there is of %s",
			     c->experiment->name, list_names(WITH_PICTURE, names));
		return -1;
	}
	return 0;
}

static int take_name(struct command *c, int argc, char **argv)
{
	char names[NAMES_MAX];

	if (optind < argc) {
		c->experiment = lab_find(argv[optind]);
		if (c->experiment == NULL) {
			cli_complain(COMMAND, "there is no experiment '%s'; there are %s",
				     argv[optind], list_names(ALL, names));
			return -1;
		}
		optind++;
	}
	if (optind < argc) {
		cli_complain(COMMAND, "one experiment at a time: '%s' is too much", argv[optind]);
		return -1;
	}
	return judge(c);
}

/* 0: go on; otherwise the exit status is in *status. */
static int read_options(struct command *c, int argc, char **argv, int *status)
{
	int found, index = 0;

	*status = CLI_EXIT_BAD_USE;
	opterr = 0;
	while ((found = getopt_long(argc, argv, ":h", options, &index)) != -1) {
		if (found == 'h' || found == OPT_HELP) {
			*status = print_usage();
			return -1;
		}
		if (found == '?' || found == ':') {
			cli_complain_option(COMMAND, argv, found);
			return -1;
		}
		if (take_option(c, found, options[index].name) != 0)
			return -1;
	}
	return take_name(c, argc, argv);
}

static int run(const struct command *c)
{
	const struct lab_experiment *e = c->experiment;
	struct lab_result res;
	uint64_t runs = c->runs;

	if (runs == 0)
		runs = e->runs_default != 0 ? e->runs_default : LAB_RUNS_DEFAULT;
	lab_measure(e, c->seed, runs, &res);
	if (c->svg != NULL && lab_write_svg(e, &res, c->svg) != 0) {
		cli_complain(COMMAND, "--svg: cannot write '%s': %s", c->svg, strerror(errno));
		return CLI_EXIT_FAILED;
	}
	if (c->json)
		lab_print_json(e, &res);
	else
		lab_print_text(e, &res, c->lang);
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

int cmd_lab(int argc, char **argv)
{
	struct command c = {.seed = 1};
	int status;

	setlocale(LC_CTYPE, "");
	if (read_options(&c, argc, argv, &status) != 0)
		return status;
	if (c.experiment == NULL) {
		lab_print_list(c.lang);
		return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
	}
	return run(&c);
}
