/* Words, sums and times. */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Copies one word from *p to *to; an option list runs to its '>'. */
static void word_copy(const char **p, char **to)
{
	bool list = **p == '<' && (*p)[1] != '\0' && (*p)[1] != '=' &&
		    !isspace((unsigned char)(*p)[1]);

	while (**p != '\0') {
		char c = *(*p)++;

		if (!list && isspace((unsigned char)c)) {
			(*p)--;
			break;
		}
		*(*to)++ = c;
		if (list && c == '>')
			break;
	}
	*(*to)++ = '\0';
}

int words_cut(struct words *out, const char *line)
{
	char *to = out->buf;

	out->count = 0;
	if (strlen(line) >= TEXT_LINE_MAX)
		return -1;
	for (;;) {
		while (isspace((unsigned char)*line))
			line++;
		if (*line == '\0' || *line == '#')
			return 0;
		if (out->count == TEXT_WORDS_MAX)
			return -1;
		out->w[out->count++] = to;
		word_copy(&line, &to);
	}
}

const char *vars_get(const struct vars *v, const char *name)
{
	for (int i = 0; i < v->count; i++)
		if (strcmp(v->v[i].name, name) == 0)
			return v->v[i].value;
	return NULL;
}

void vars_set(struct vars *v, const char *name, const char *value)
{
	int i = 0;

	while (i < v->count && strcmp(v->v[i].name, name) != 0)
		i++;
	if (i == TEXT_VARS_MAX)
		return;
	if (i == v->count)
		v->count++;
	strncpy(v->v[i].name, name, sizeof(v->v[i].name) - 1);
	v->v[i].name[sizeof(v->v[i].name) - 1] = '\0';
	strncpy(v->v[i].value, value, sizeof(v->v[i].value) - 1);
	v->v[i].value[sizeof(v->v[i].value) - 1] = '\0';
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

int vars_expand(const struct vars *v, const char *in, char *out, size_t size)
{
	size_t n = 0;

	while (*in != '\0') {
		char name[TEXT_NAME_MAX];
		size_t len = 0;
		bool braces;
		const char *value;

		if (n + 1 >= size)
			return -1;
		if (*in != '$') {
			out[n++] = *in++;
			continue;
		}
		braces = *++in == '{';
		in += braces;
		while (name_char(*in) && len + 1 < sizeof(name))
			name[len++] = *in++;
		name[len] = '\0';
		in += braces && *in == '}';
		value = vars_get(v, name);
		if (!value || n + strlen(value) + 1 >= size) {
			strncpy(out, name, size - 1);
			out[size - 1] = '\0';
			return -1;
		}
		memcpy(out + n, value, strlen(value));
		n += strlen(value);
	}
	out[n] = '\0';
	return 0;
}

int text_number(const char *s, int64_t *out)
{
	int64_t sum = 0;
	char op = '+';

	for (;;) {
		char *end;
		long long v = strtoll(s, &end, 0);

		if (end == s)
			return -1;
		if (op == '+')
			sum += v;
		else if (op == '-')
			sum -= v;
		else
			sum *= v;
		if (*end == '\0') {
			*out = sum;
			return 0;
		}
		if (*end != '+' && *end != '-' && *end != '*')
			return -1;
		op = *end;
		s = end + 1;
	}
}

int text_time(const char *s, int64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} unit[] = {{"ns", 1.0}, {"us", 1e3},   {"ms", 1e6},   {"s", 1e9},
		    {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
	char *end;
	double v = strtod(s, &end);

	if (end == s)
		return -1;
	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (strcmp(end, unit[i].name) == 0) {
			v *= unit[i].ns;
			*ns = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
			return 0;
		}
	return -1;
}

int text_hex(const char *s, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (*s != '\0') {
		char pair[3] = {s[0], s[1], '\0'};
		char *end;

		if (n == size || !isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
			return -1;
		out[n++] = (uint8_t)strtoul(pair, &end, 16);
		s += 2;
	}
	return (int)n;
}

const char *text_after(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

bool text_same(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char x = *a == '-' ? '_' : (char)tolower((unsigned char)*a);
		char y = *b == '-' ? '_' : (char)tolower((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *a == *b;
}
