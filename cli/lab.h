/*
 * lab.h: what `weir lab` prints: the list of experiments, and one with its figures, the ladder of a
 * telling run and a conclusion, as text or as one JSON object.
 */
#ifndef WEIR_CLI_LAB_H
#define WEIR_CLI_LAB_H

#include "sim/lab/lab.h"

void lab_print_list(enum lab_lang lang);
void lab_print_text(const struct lab_experiment *e, const struct lab_result *res,
		    enum lab_lang lang);
void lab_print_json(const struct lab_experiment *e, const struct lab_result *res);

#endif
