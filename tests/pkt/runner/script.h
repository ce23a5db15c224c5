/*
 * script.h: packet scripts as they stand in their files.
 *
 * A file holds tests ("test NAME" up to the next) and macros ("macro NAME" ... "end"). Lines are
 * kept as text; what they mean is decided when they are run. Macros of all files are known in all
 * files. The grammar is in ../README.md.
 */
#ifndef PKT_SCRIPT_H
#define PKT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_ROWS_MAX 16

struct line {
	int no;
	char *text;
};

/* A test or a macro. */
struct block {
	char *name;
	const char *file;
	int no;
	struct line *line;
	size_t count;
	char *row[SCRIPT_ROWS_MAX]; /* "STATE | EVENT", of tests only */
	size_t row_count;
	char *because; /* of a test that must fail: what the failure says */
	bool ip4, ip6; /* run for this family */
};

struct script {
	struct block *test, *macro;
	size_t test_count, macro_count;
};

/* Reads a file, or all files *.pkt below a directory, in the order of their names. 0; -1 after a
 * line on standard error. */
int script_load(struct script *s, const char *path);

const struct block *script_macro(const struct script *s, const char *name);

#endif
