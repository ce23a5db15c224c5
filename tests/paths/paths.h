/*
 * paths.h: the tables of weir-paths, one a source. Each prints a text that is the same on every
 * machine, and returns how many of its criteria are not met.
 */
#ifndef WEIR_TESTS_PATHS_H
#define WEIR_TESTS_PATHS_H

#include "sim/dumbbell/dumbbell.h"
#include "weir/sink.h"

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

/* A picture of the first flow of a plan: begin before dumbbell_new(), end when it was run. 0; -1:
 * it cannot be written, which was said. */
struct paths_drawing {
	struct weir_picture *picture;
	struct weir_panel *sequence;
	struct weir_windows *windows;
};
void paths_draw_begin(struct paths_drawing *d, struct dumbbell_plan *p);
int paths_draw_end(struct paths_drawing *d, const struct dumbbell_flow *f, const char *path);

/* One path, as the command line says; prints what came of it. The exit status. */
int paths_run(int argc, char **argv);

#endif
