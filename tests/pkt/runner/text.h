/*
 * text.h: words, numbers and variables of a packet script.
 *
 * Nothing here knows about packets. All functions are total: what cannot be read gives -1, and the
 * caller says where.
 */
#ifndef PKT_TEXT_H
#define PKT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_WORDS_MAX 48
#define TEXT_LINE_MAX  512
#define TEXT_VARS_MAX  64
#define TEXT_NAME_MAX  32

/* A line cut into words. An option list "<...>" is one word. */
struct words {
	char buf[TEXT_LINE_MAX * 2];
	char *w[TEXT_WORDS_MAX];
	int count;
};

struct vars {
	struct {
		char name[TEXT_NAME_MAX];
		char value[64];
	} v[TEXT_VARS_MAX];
	int count;
};

/* Cuts `line`; a '#' that begins a word starts a comment. 0; -1: too long. */
int words_cut(struct words *out, const char *line);

/* Replaces $name and ${name}. 0; -1: an unknown variable (its name is left in `out`) or no room. */
int vars_expand(const struct vars *v, const char *in, char *out, size_t size);
void vars_set(struct vars *v, const char *name, const char *value);
const char *vars_get(const struct vars *v, const char *name);

/* Reads an integer or a sum, difference or product of integers, left to right: 1+2*3 is 9.
 * 0; -1: not one. */
int text_number(const char *s, int64_t *out);

/* Reads a time with its unit (ns us ms s m h d) as nanoseconds: 40ms, 1.5s, -2s. 0; -1. */
int text_time(const char *s, int64_t *ns);

/* Reads pairs of hexadecimal digits. The number of bytes; -1. */
int text_hex(const char *s, uint8_t *out, size_t size);

/* `word` is "key=VALUE": VALUE; otherwise NULL. */
const char *text_after(const char *word, const char *key);

/* Equal, with '-' the same as '_' and without regard to case. */
bool text_same(const char *a, const char *b);

#endif
