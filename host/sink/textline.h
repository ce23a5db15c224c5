/*
 * textline.h: one line of output, built piece by piece with its width known.
 *
 * Widths are counted in columns: every character used is one column wide, colour sequences none.
 * A line that would outgrow its buffer is cut, never written beyond it.
 */
#ifndef WEIR_SINK_TEXTLINE_H
#define WEIR_SINK_TEXTLINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "weir/sink.h"

#define TEXTLINE_BYTES 2048u

struct textline {
	char bytes[TEXTLINE_BYTES];
	size_t len;    /* bytes */
	unsigned cols; /* columns */
};

/* What a ladder is drawn with. */
struct textstyle {
	const char *dash, *twin, *dots;  /* of one segment's arrow, of a run's, of no segment */
	const char *right, *left, *lost; /* arrow heads; the last for a segment without effect */
	const char *both;                /* between numbers of a run that goes both ways */
	const char *to;                  /* from an address to another */
	const char *note;                /* begins a continuation line; two columns and a blank */
	const char *times;               /* before a count of equal things */
	enum weir_colour colour;
	unsigned width; /* columns of a line */
};

enum textcolour { TEXT_PLAIN, TEXT_BOLD, TEXT_DIM, TEXT_RED, TEXT_YELLOW, TEXT_GREEN, TEXT_CYAN };

void textstyle_init(struct textstyle *st, enum weir_charset charset, enum weir_colour colour,
		    unsigned width);

/* Columns that a string takes. */
unsigned text_columns(const char *s);

void textline_start(struct textline *l);
void textline_add(struct textline *l, const char *s);
void textline_addf(struct textline *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds `unit` (one column) until the line is `cols` wide. */
void textline_fill(struct textline *l, const char *unit, unsigned cols);
/* Switches the colour; nothing when the style has none. */
void textline_colour(struct textline *l, const struct textstyle *st, enum textcolour c);
/* Writes the line without blanks at its end. */
void textline_print(const struct textline *l, FILE *out);

/* Writes words separated by blanks in as many lines as it takes, `first` before the first one and
 * `indent` blanks before the others; no line is wider than the style's width. What is in
 * parentheses and a number with its unit stay together where they fit; a word that is wider than a
 * line is cut. */
void textline_wrap(FILE *out, const struct textstyle *st, const char *first, unsigned indent,
		   enum textcolour c, const char *text);

#define TEXT_NUMBER_BYTES 32u
/* "104,857,600" */
const char *text_count(char buf[TEXT_NUMBER_BYTES], uint64_t n);
/* "0.214 ms", "59.875 s" */
const char *text_time(char buf[TEXT_NUMBER_BYTES], uint64_t ns);
/* As exact as TEXT_STAMP_COLS columns allow: "0.214 ms", "59.87512 s", "1234.567 s". */
#define TEXT_STAMP_COLS 10u
const char *text_stamp(char buf[TEXT_NUMBER_BYTES], uint64_t ns);

/* Copies a name of others (a program's, a host's): what is not printable ASCII becomes '?'. */
void text_copy_name(char *dst, size_t size, const char *src);

#endif
