/*
 * lab_print.c: an experiment as text and as JSON.
 *
 * The text says what was done, then the figures of each variant and what they mean, the ladder of
 * one run that shows the matter, the states of both ends where these are the matter, and what the
 * figures say.
 */
#include <inttypes.h>
#include <jansson.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "weir/sink.h"

#define NAME_COLUMNS 12
#define THOUSANDTHS  1000.0

static const struct lab_text words_what = {{"What is done", "做法"}};
static const struct lab_text words_figures = {{"Figures", "结果"}};
static const struct lab_text words_ladder = {{"A telling run", "一次典型的运行"}};
static const struct lab_text words_paths = {{"States", "状态变化"}};
static const struct lab_text words_seen = {{"What was seen", "结论"}};
static const struct lab_text words_host[LAB_HOSTS] = {{{"client", "客户端"}},
						      {{"server", "服务器"}}};

void lab_print_list(enum lab_lang lang)
{
	const struct lab_experiment *e;

	for (unsigned i = 0; (e = lab_experiment(i)) != NULL; i++)
		printf("  %-*s %s\n", NAME_COLUMNS, e->name, e->title.in[lang]);
}

/* --- Figures ------------------------------------------------------------------------------- */

static bool is_mean(const struct lab_count *c)
{
	return c->merge == LAB_MEAN_MS || c->merge == LAB_MEAN;
}

/* Means have no value when nothing was counted. */
static bool has_value(const struct lab_count *c, const struct lab_figure *f)
{
	return !is_mean(c) || f->samples != 0;
}

/* Of microseconds in milliseconds, of thousandths in ones. */
static double mean_of(const struct lab_figure *f)
{
	return (double)f->value / (double)f->samples / THOUSANDTHS;
}

static void write_figure(char *out, size_t len, const struct lab_count *c,
			 const struct lab_figure *f)
{
	if (!has_value(c, f))
		snprintf(out, len, "-");
	else if (is_mean(c))
		snprintf(out, len, "%.3f", mean_of(f));
	else
		snprintf(out, len, "%" PRIu64, f->value);
}

static int longest_key(const struct lab_experiment *e)
{
	size_t most = 0;

	for (unsigned i = 0; i < e->counts; i++)
		if (strlen(e->count[i].key) > most)
			most = strlen(e->count[i].key);
	return (int)most;
}

/* Wide enough for the variant's name and all its figures. */
static int column_width(const struct lab_experiment *e, const struct lab_result *res, unsigned v)
{
	size_t most = strlen(e->variant[v].name);
	char text[32];

	for (unsigned i = 0; i < e->counts; i++) {
		write_figure(text, sizeof(text), &e->count[i], &res->figure[v][i]);
		if (strlen(text) > most)
			most = strlen(text);
	}
	return (int)most + 2;
}

static void print_table(const struct lab_experiment *e, const struct lab_result *res)
{
	int width[LAB_VARIANTS_MAX];
	int keys = longest_key(e);
	char text[32];

	printf("  %*s", keys, "");
	for (unsigned v = 0; v < e->variants; v++) {
		width[v] = column_width(e, res, v);
		printf("%*s", width[v], e->variant[v].name);
	}
	putchar('\n');
	for (unsigned i = 0; i < e->counts; i++) {
		printf("  %-*s", keys, e->count[i].key);
		for (unsigned v = 0; v < e->variants; v++) {
			write_figure(text, sizeof(text), &e->count[i], &res->figure[v][i]);
			printf("%*s", width[v], text);
		}
		putchar('\n');
	}
}

static void print_meanings(const struct lab_experiment *e, enum lab_lang lang)
{
	int width = longest_key(e);

	for (unsigned i = 0; i < e->counts; i++)
		printf("  %-*s  %s\n", width, e->count[i].key, e->count[i].text.in[lang]);
	putchar('\n');
}

static int longest_name(const struct lab_experiment *e)
{
	size_t most = 0;

	for (unsigned v = 0; v < e->variants; v++)
		if (strlen(e->variant[v].name) > most)
			most = strlen(e->variant[v].name);
	return (int)most;
}

static void print_variants(const struct lab_experiment *e, enum lab_lang lang)
{
	for (unsigned v = 0; v < e->variants; v++)
		printf("  %-*s  %s\n", longest_name(e), e->variant[v].name,
		       e->variant[v].text.in[lang]);
	putchar('\n');
}

/* --- A telling run -------------------------------------------------------------------------- */

struct drawing {
	const struct lab_experiment *experiment;
	struct weir_ladder *ladder;
};

/* lab_watch.trace */
static void on_trace(void *user, enum lab_host host, const struct weir_trace_record *r)
{
	struct drawing *d = user;

	if (host != d->experiment->view)
		return;
	if (d->experiment->draws == NULL || d->experiment->draws(r))
		weir_ladder_feed(d->ladder, r);
}

static struct weir_ladder *new_ladder(const struct lab_experiment *e)
{
	static const char *const name[LAB_HOSTS] = {"client", "server"};
	struct weir_ladder_args args = {.local_name = name[e->view],
					.remote_name = e->other != NULL ? e->other
									: name[!e->view]};

	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		args.charset = WEIR_CHARSET_UTF8;
	if (isatty(STDOUT_FILENO))
		args.colour = WEIR_COLOUR_ALWAYS;
	return weir_ladder_new(&args);
}

static void print_telling_head(const struct lab_experiment *e, const struct lab_result *res,
			       enum lab_lang lang)
{
	const char *name = e->variant[e->drawn_variant].name;
	uint64_t number = res->telling + 1;
	bool ladder = e->telling == LAB_LADDER;

	if (lang == LAB_ZH)
		printf("%s: %s, 第 %" PRIu64 " 次%s%s%s\n\n", words_ladder.in[lang], name, number,
		       ladder ? ", 从" : "", ladder ? words_host[e->view].in[lang] : "",
		       ladder ? "看" : "");
	else
		printf("%s: number %" PRIu64 " of %s%s%s%s\n\n", words_ladder.in[lang], number,
		       name, ladder ? ", as the " : "", ladder ? words_host[e->view].in[lang] : "",
		       ladder ? " saw it" : "");
}

static void print_telling(const struct lab_experiment *e, const struct lab_result *res,
			  enum lab_lang lang)
{
	static struct lab_words story;
	struct drawing d = {.experiment = e};
	struct lab_watch watch = {.user = &d, .story = &story};
	struct lab_sight sight;

	if (e->telling == LAB_LADDER) {
		d.ladder = new_ladder(e);
		watch.trace = on_trace;
		if (d.ladder == NULL)
			return;
	}
	story = (struct lab_words){.lang = lang};
	lab_look(e, e->drawn_variant, res->seed, res->telling, &watch, &sight);
	print_telling_head(e, res, lang);
	if (d.ladder != NULL) {
		weir_ladder_print(d.ladder, stdout, NULL, sight.end);
		weir_ladder_free(d.ladder);
	}
	if (story.len > 0)
		printf("%s\n", story.text);
}

static void print_path(const char *host, const struct lab_path *p, enum lab_paths paths)
{
	const char *arrow = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? " → " : " -> ";

	printf("    %s: ", host);
	for (unsigned i = 0; i < p->states; i++)
		printf("%s%s", i > 0 ? arrow : "", weir_state_name(p->state[i]));
	if (paths == LAB_PATHS_AND_ISNS)
		printf(" (ISN %" PRIu32 ")", p->iss);
	putchar('\n');
}

/* What the experiment says of each variant's run, in a line. */
static void print_stories(const struct lab_experiment *e, const struct lab_result *res,
			  enum lab_lang lang)
{
	static struct lab_words story;
	struct lab_watch watch = {.story = &story};
	struct lab_sight sight;

	if (lang == LAB_ZH)
		printf("%s: 第 %" PRIu64 " 次\n\n", words_ladder.in[lang], res->telling + 1);
	else
		printf("%s: number %" PRIu64 " of each\n\n", words_ladder.in[lang],
		       res->telling + 1);
	for (unsigned v = 0; v < e->variants; v++) {
		story = (struct lab_words){.lang = lang};
		lab_look(e, v, res->seed, res->telling, &watch, &sight);
		printf("  %-*s  %s\n", longest_name(e), e->variant[v].name, story.text);
	}
	printf("\n%s\n", e->legend.in[lang]);
}

static void print_paths(const struct lab_experiment *e, const struct lab_result *res,
			enum lab_lang lang)
{
	struct lab_watch watch = {.user = NULL};
	struct lab_sight sight;

	printf("%s\n\n", words_paths.in[lang]);
	for (unsigned v = 0; v < e->variants; v++) {
		lab_look(e, v, res->seed, res->telling, &watch, &sight);
		printf("  %s\n", e->variant[v].name);
		for (unsigned h = 0; h < LAB_HOSTS; h++)
			print_path(words_host[h].in[lang], &sight.path[h], e->paths);
	}
	putchar('\n');
}

void lab_print_text(const struct lab_experiment *e, const struct lab_result *res,
		    enum lab_lang lang)
{
	static struct lab_words seen;

	if (lang == LAB_ZH)
		printf("%s: %s (文档 %s)\n\n", e->name, e->title.in[lang], e->section);
	else
		printf("%s: %s (document %s)\n\n", e->name, e->title.in[lang], e->section);
	printf("%s\n\n%s\n", words_what.in[lang], e->rule.in[lang]);
	print_variants(e, lang);
	if (lang == LAB_ZH)
		printf("%s: 每种 %" PRIu64 " 次运行, 种子 %" PRIu64 "\n\n", words_figures.in[lang],
		       res->runs, res->seed);
	else
		printf("%s: %" PRIu64 " runs of each, seed %" PRIu64 "\n\n", words_figures.in[lang],
		       res->runs, res->seed);
	print_table(e, res);
	putchar('\n');
	print_meanings(e, lang);
	if (e->telling == LAB_STORY_EACH)
		print_stories(e, res, lang);
	else
		print_telling(e, res, lang);
	if (e->paths != LAB_NO_PATHS)
		print_paths(e, res, lang);
	seen = (struct lab_words){.lang = lang};
	e->conclude(res, &seen);
	printf("%s\n\n%s", words_seen.in[lang], seen.text);
}

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *json_figure(const struct lab_count *c, const struct lab_figure *f)
{
	if (!has_value(c, f))
		return json_null();
	if (is_mean(c))
		return json_real(mean_of(f));
	return json_integer((json_int_t)f->value);
}

void lab_print_json(const struct lab_experiment *e, const struct lab_result *res)
{
	json_t *variants = json_array(), *out;

	for (unsigned v = 0; v < e->variants; v++) {
		json_t *one = json_pack("{s:s}", "name", e->variant[v].name);

		for (unsigned i = 0; i < e->counts; i++)
			json_object_set_new(one, e->count[i].key,
					    json_figure(&e->count[i], &res->figure[v][i]));
		json_array_append_new(variants, one);
	}
	out = json_pack("{s:s, s:I, s:I, s:o}", "experiment", e->name, "runs",
			(json_int_t)res->runs, "seed", (json_int_t)res->seed, "variants", variants);
	json_dumpf(out, stdout, JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(out);
}
