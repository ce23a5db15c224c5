/* Rows and requirements, and who answers them. */
#include "rows.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int rows_load(struct rows *r, const char *path, int columns)
{
	char line[4096], name[1024];
	FILE *f = fopen(path, "r");
	bool first = true;

	if (!f) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		char *save, *a = strtok_r(line, "\t\r\n", &save);
		char *b = strtok_r(NULL, "\t\r\n", &save);

		if (first || !a || !b) {
			first = false;
			continue;
		}
		snprintf(name, sizeof(name), "%s%s%s", a, columns == 2 ? " | " : "",
			 columns == 2 ? b : "");
		r->row = realloc(r->row, (r->count + 1) * sizeof(*r->row));
		if (!r->row)
			abort();
		memset(&r->row[r->count], 0, sizeof(*r->row));
		r->row[r->count++].name = strdup(name);
	}
	fclose(f);
	return 0;
}

struct row *rows_find(struct rows *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->row[i].name, name) == 0)
			return &r->row[i];
	return NULL;
}

__attribute__((format(printf, 2, 3))) static int mistake(FILE *out, const char *fmt, ...)
{
	va_list ap;

	if (!out)
		return 1;
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	return 1;
}

static int check_rows_of(struct rows *r, const struct block *t, FILE *out)
{
	int bad = 0;

	for (size_t i = 0; i < t->row_count; i++) {
		struct row *row = rows_find(r, t->row[i]);

		if (!row) {
			bad += mistake(out, "%s:%d: unknown row: %s\n", t->file, t->no, t->row[i]);
			continue;
		}
		if (row->tests++ == 0)
			snprintf(row->where, sizeof(row->where), "%s:%d", t->file, t->no);
	}
	return bad;
}

/* The ids of "req ID ..." and "neg ID ..." lines. */
static int check_reqs_of(struct rows *reqs, const struct block *t, FILE *out)
{
	int bad = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct words w;

		if (words_cut(&w, t->line[i].text) != 0)
			continue;
		if (strcmp(w.w[0], "req") != 0 && strcmp(w.w[0], "neg") != 0)
			continue;
		for (int k = 1; k < w.count; k++) {
			struct row *row = rows_find(reqs, w.w[k]);

			if (row) {
				row->tests++;
				continue;
			}
			bad += mistake(out, "%s:%d: unknown requirement: %s\n", t->file,
				       t->line[i].no, w.w[k]);
		}
	}
	return bad;
}

int rows_check(struct rows *r, struct rows *reqs, const struct script *s, FILE *out)
{
	int bad = 0;

	for (size_t i = 0; i < s->test_count; i++) {
		bad += check_rows_of(r, &s->test[i], out);
		bad += check_reqs_of(reqs, &s->test[i], out);
	}
	for (size_t i = 0; i < r->count; i++)
		if (r->row[i].tests == 0) {
			bad += mistake(out, "no script answers the row: %s\n", r->row[i].name);
		}
	return bad;
}
