/*
 * experiments.h: the experiments, one a source.
 */
#ifndef WEIR_SIM_LAB_EXPERIMENTS_H
#define WEIR_SIM_LAB_EXPERIMENTS_H

#include "sim/lab/lab.h"

extern const struct lab_experiment lab_handshake;
extern const struct lab_experiment lab_two_way;
extern const struct lab_experiment lab_half_open;
extern const struct lab_experiment lab_syn_flood;
extern const struct lab_experiment lab_close_ways;
extern const struct lab_experiment lab_half_close;
extern const struct lab_experiment lab_time_wait;
extern const struct lab_experiment lab_reliability;
extern const struct lab_experiment lab_congestion;

#endif
