/* Files and folders of scripts, kept as lines. */
#include "script.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"

/* Where a line of the file being read belongs. */
struct reader {
	struct script *s;
	const char *file;
	struct block *cur;
	bool in_macro;
	int no;
};

static void *grow(void *list, size_t count, size_t size)
{
	void *p = realloc(list, (count + 1) * size);

	if (!p)
		abort();
	memset((char *)p + count * size, 0, size);
	return p;
}

static char *copy(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();
	return p;
}

static int complain(const struct reader *r, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", r->file, r->no, what);
	return -1;
}

static void begin(struct reader *r, struct block **list, size_t *count, const char *name)
{
	*list = grow(*list, *count, sizeof(**list));
	r->cur = &(*list)[(*count)++];
	r->cur->name = copy(name);
	r->cur->file = r->file;
	r->cur->no = r->no;
	r->cur->ip4 = r->cur->ip6 = true;
}

static void add_line(struct block *b, int no, const char *text)
{
	b->line = grow(b->line, b->count, sizeof(*b->line));
	b->line[b->count].no = no;
	b->line[b->count++].text = copy(text);
}

/* What follows the first word, without blanks around it. */
static const char *rest_of(char *text, const char *word)
{
	char *p = strstr(text, word) + strlen(word);
	size_t n;

	while (*p == ' ' || *p == '\t')
		p++;
	n = strlen(p);
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		p[--n] = '\0';
	return p;
}

static int add_row(struct reader *r, const char *row)
{
	if (r->cur->row_count == SCRIPT_ROWS_MAX)
		return complain(r, "too many rows in one test");
	r->cur->row[r->cur->row_count++] = copy(row);
	return 0;
}

static int only(struct reader *r, const char *family)
{
	r->cur->ip4 = strcmp(family, "ip4") == 0;
	r->cur->ip6 = strcmp(family, "ip6") == 0;
	return r->cur->ip4 || r->cur->ip6 ? 0 : complain(r, "only: ip4 or ip6");
}

static int read_line(struct reader *r, char *text)
{
	struct words w;

	text[strcspn(text, "\r\n")] = '\0';
	if (words_cut(&w, text) != 0)
		return complain(r, "line too long");
	if (w.count == 0)
		return 0;
	if (strcmp(w.w[0], "macro") == 0 && w.count == 2) {
		r->in_macro = true;
		begin(r, &r->s->macro, &r->s->macro_count, w.w[1]);
		return 0;
	}
	if (strcmp(w.w[0], "end") == 0 && r->in_macro) {
		r->in_macro = false;
		r->cur = NULL;
		return 0;
	}
	if (strcmp(w.w[0], "test") == 0 && w.count > 1 && !r->in_macro) {
		begin(r, &r->s->test, &r->s->test_count, rest_of(text, "test"));
		return 0;
	}
	if (!r->cur)
		return complain(r, "a line outside test and macro");
	if (strcmp(w.w[0], "row") == 0)
		return add_row(r, rest_of(text, "row"));
	if (strcmp(w.w[0], "because") == 0) {
		r->cur->because = copy(rest_of(text, "because"));
		return 0;
	}
	if (strcmp(w.w[0], "only") == 0 && w.count == 2)
		return only(r, w.w[1]);
	add_line(r->cur, r->no, text);
	return 0;
}

static int load_file(struct script *s, const char *path)
{
	struct reader r = {.s = s, .file = copy(path)};
	char text[TEXT_LINE_MAX];
	FILE *f = fopen(path, "r");
	int bad = 0;

	if (!f) {
		perror(path);
		return -1;
	}
	while (!bad && fgets(text, sizeof(text), f)) {
		r.no++;
		bad = read_line(&r, text);
	}
	fclose(f);
	if (!bad && r.in_macro)
		bad = complain(&r, "macro without end");
	return bad;
}

static int wanted(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int load_dir(struct script *s, const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, wanted, alphasort);
	int bad = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		char sub[1024];
		size_t len = strlen(list[i]->d_name);
		struct stat st;

		snprintf(sub, sizeof(sub), "%s/%s", path, list[i]->d_name);
		if (stat(sub, &st) == 0 && S_ISDIR(st.st_mode))
			bad |= script_load(s, sub);
		else if (len > 4 && strcmp(list[i]->d_name + len - 4, ".pkt") == 0)
			bad |= load_file(s, sub);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return bad;
}

int script_load(struct script *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		perror(path);
		return -1;
	}
	return S_ISDIR(st.st_mode) ? load_dir(s, path) : load_file(s, path);
}

const struct block *script_macro(const struct script *s, const char *name)
{
	for (size_t i = 0; i < s->macro_count; i++)
		if (strcmp(s->macro[i].name, name) == 0)
			return &s->macro[i];
	return NULL;
}
