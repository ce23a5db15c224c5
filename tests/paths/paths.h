/*
 * paths.h: the tables of weir-paths, one a source. Each prints a text that is the same on every
 * machine, and returns how many of its criteria are not met.
 */
#ifndef WEIR_TESTS_PATHS_H
#define WEIR_TESTS_PATHS_H

#include "sim/dumbbell/dumbbell.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  (1000ull * NS_PER_MS)
#define MSS       1448u /* of 1,500 bytes, with timestamps */

/* Values of config.cc. */
enum paths_cc { PATHS_NEWRENO, PATHS_CUBIC, PATHS_BBR, PATHS_CCS };
extern const char *const paths_cc_name[PATHS_CCS];

/* Goodput by loss, round trip and reordering. */
unsigned paths_goodput(enum paths_cc cc);
/* Response functions, leaving slow start, fairness: against what the RFCs' formulas say. */
unsigned paths_theory(void);
unsigned paths_fairness(void);
unsigned paths_hystart(void);

/* One path, as the command line says; prints what came of it. The exit status. */
int paths_run(int argc, char **argv);

#endif
