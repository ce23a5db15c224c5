/*
 * weir-paths: measures the engine on paths of every kind, in virtual time.
 *
 * Exit status: 0; 1 a criterion of the table is not met; 2 wrong use.
 */
#include <stdio.h>
#include <string.h>

#include "paths.h"

enum { STATUS_NOT_MET = 1, STATUS_USAGE = 2 };

const char *const paths_cc_name[PATHS_CCS] = {"newreno", "cubic", "bbr"};

static const char usage[] =
	"usage: weir-paths TABLE\n"
	"       weir-paths run [OPTION...]\n"
	"\n"
	"  goodput [newreno|cubic|bbr]  by loss, round trip and reordering (default cubic)\n"
	"  theory                       response functions, slow start, fairness\n"
	"  response, hystart, fairness  each of these alone\n"
	"  run                          one path; run --help tells its options\n";

static unsigned theory(void)
{
	unsigned failures = paths_theory();

	putchar('\n');
	failures += paths_hystart();
	putchar('\n');
	return failures + paths_fairness();
}

static int status_of(unsigned failures)
{
	return failures == 0 ? 0 : STATUS_NOT_MET;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (strcmp(name, "run") == 0)
		return paths_run(argc - 1, argv + 1);
	if (strcmp(name, "theory") == 0 && argc == 2)
		return status_of(theory());
	if (strcmp(name, "response") == 0 && argc == 2)
		return status_of(paths_theory());
	if (strcmp(name, "hystart") == 0 && argc == 2)
		return status_of(paths_hystart());
	if (strcmp(name, "fairness") == 0 && argc == 2)
		return status_of(paths_fairness());
	if (strcmp(name, "goodput") == 0 && argc == 2)
		return status_of(paths_goodput(PATHS_CUBIC));
	for (unsigned cc = 0; cc < PATHS_CCS && strcmp(name, "goodput") == 0 && argc == 3; cc++)
		if (strcmp(argv[2], paths_cc_name[cc]) == 0)
			return status_of(paths_goodput((enum paths_cc)cc));
	fprintf(stderr, "weir-paths: no such table\n%s", usage);
	return STATUS_USAGE;
}
