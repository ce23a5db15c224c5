/*
 * lab.h: what `weir lab` prints: the list of experiments, and one with its figures, the ladder of a
 * telling run and a conclusion, as text or as one JSON object; and the picture that it writes.
 */
#ifndef WEIR_CLI_LAB_H
#define WEIR_CLI_LAB_H

#include "sim/lab/lab.h"

void lab_print_list(enum lab_lang lang);
void lab_print_text(const struct lab_experiment *e, const struct lab_result *res,
		    enum lab_lang lang);
void lab_print_json(const struct lab_experiment *e, const struct lab_result *res);

/* Writes the picture of an experiment that has one. 0; -1 with errno. */
int lab_write_svg(const struct lab_experiment *e, const struct lab_result *res, const char *path);

#endif
