/*
 * rows.h: the tables of docs/conformance, and which of their rows the scripts answer.
 */
#ifndef PKT_ROWS_H
#define PKT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "script.h"

struct row {
	char *name; /* "STATE | EVENT", or a requirement's id */
	unsigned tests, failed;
	char where[160]; /* of the first script */
};

struct rows {
	struct row *row;
	size_t count;
};

/* Reads column 1, joined with column 2 by " | " if `columns` is 2, of a file with a header line.
 * 0; -1 after a line on standard error. */
int rows_load(struct rows *r, const char *path, int columns);

struct row *rows_find(struct rows *r, const char *name);

/* Every row has a test, and every row and requirement that a test names exists. The number of
 * mistakes, each with a line on `out` unless that is NULL. */
int rows_check(struct rows *r, struct rows *reqs, const struct script *s, FILE *out);

#endif
