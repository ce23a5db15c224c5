/*
 * cmd_lab.c: the command line of `weir lab`.
 */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define COMMAND   "lab"
#define NAMES_MAX 256u

enum option_value { OPT_RUNS = 256, OPT_SEED, OPT_JSON, OPT_SVG, OPT_LANG };

static const struct option options[] = {
	{"runs", required_argument, NULL, OPT_RUNS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"json", no_argument, NULL, OPT_JSON},
	{"svg", required_argument, NULL, OPT_SVG},
	{"lang", required_argument, NULL, OPT_LANG},
	{"help", no_argument, NULL, 'h'},
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

static int read_lang(const char *text, enum lab_lang *out)
{
	if (strcmp(text, "en") != 0 && strcmp(text, "zh") != 0) {
		cli_complain(COMMAND, "--lang: '%s' is neither en nor zh", text);
		return -1;
	}
	*out = text[0] == 'z' ? LAB_ZH : LAB_EN;
	return 0;
}

/* cli_options.take */
static int take_option(void *user, int found, const char *name)
{
	struct command *c = user;

	switch (found) {
	case OPT_RUNS:
		c->counted = true;
		return cli_read_option_number(COMMAND, name, 1, LAB_RUNS_MAX, &c->runs);
	case OPT_SEED:
		c->counted = true;
		return cli_read_option_number(COMMAND, name, 0, INT64_MAX, &c->seed);
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
	static const struct cli_options o = {COMMAND, options, print_usage, take_option};
	struct command c = {.seed = 1};
	int status;

	setlocale(LC_CTYPE, "");
	if (cli_take_options(&o, &c, argc, argv, &status) != 0)
		return status;
	if (take_name(&c, argc, argv) != 0)
		return CLI_EXIT_BAD_USE;
	if (c.experiment == NULL) {
		lab_print_list(c.lang);
		return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
	}
	return run(&c);
}
