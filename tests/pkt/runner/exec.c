/*
 * Theory of operation
 *
 * A line is expanded ($variables), cut into words, perhaps moved in time (+TIME), and given to
 * the function of its first word. Three bits of the table say what happens before: the stack is
 * made when the first statement needs it, so that config lines can come first; nothing may be
 * waiting to go out before a statement that gives the engine something new to do; and the clock
 * is moved first, but for '>' and 'drain', which move it themselves because what goes out on the
 * way is what they look for.
 */
#include "exec.h"

#include <stdio.h>
#include <string.h>

#include "spec.h"

/* What a statement needs. */
#define NEEDS_STACK 1u /* makes the stack if it is not there */
#define NEEDS_QUIET 2u /* nothing may be waiting to go out */
#define MOVES_CLOCK 4u /* moves the clock to its time by itself */

static void cmd_let(struct world *w, struct stmt *st);
static void cmd_use(struct world *w, struct stmt *st);
static void cmd_nothing(struct world *w, struct stmt *st);
static void cmd_repeat(struct world *w, struct stmt *st);

static const struct {
	const char *name;
	void (*run)(struct world *w, struct stmt *st);
	unsigned needs;
} table[] = {
	{"config", cmd_config, 0},
	{"addr", cmd_addr, NEEDS_STACK},
	{"flow", cmd_flow, 0},
	{"let", cmd_let, 0},
	{"use", cmd_use, 0},
	{"repeat", cmd_repeat, 0},
	{"req", cmd_nothing, 0},
	{"neg", cmd_nothing, 0},
	{"<", cmd_in, NEEDS_STACK | NEEDS_QUIET},
	{">", cmd_out, NEEDS_STACK | MOVES_CLOCK},
	{"drain", cmd_drain, NEEDS_STACK | MOVES_CLOCK},
	{"quiet", cmd_nothing, NEEDS_STACK | NEEDS_QUIET},
	{"call", cmd_call, NEEDS_STACK | NEEDS_QUIET},
	{"state", cmd_state, NEEDS_STACK},
	{"trace", cmd_trace, NEEDS_STACK},
	{"changed", cmd_changed, NEEDS_STACK},
	{"event", cmd_event, NEEDS_STACK},
	{"events", cmd_events, NEEDS_STACK},
	{"counter", cmd_counter, NEEDS_STACK},
	{"verdict", cmd_verdict, NEEDS_STACK},
	{"info", cmd_info, NEEDS_STACK},
	{"walk", cmd_walk, NEEDS_STACK},
	{"usage", cmd_usage, NEEDS_STACK},
	{"deadline", cmd_deadline, NEEDS_STACK},
};

int64_t stmt_number(struct world *w, const char *text)
{
	int64_t v;

	if (text_number(text, &v) != 0 && text_time(text, &v) != 0)
		world_fail(w, "not a number: %s", text);
	return v;
}

struct flow *stmt_flow(struct world *w, const struct stmt *st)
{
	for (int i = 1; i < st->words.count; i++)
		if (st->words.w[i][0] == '@') {
			struct flow *f = world_flow(w, st->words.w[i] + 1);

			if (!f)
				world_fail(w, "unknown flow: %s", st->words.w[i]);
			return f;
		}
	return world_flow(w, "a");
}

const char *stmt_arg(const struct stmt *st, const char *key)
{
	for (int i = 1; i < st->words.count; i++)
		if (text_after(st->words.w[i], key))
			return text_after(st->words.w[i], key);
	return NULL;
}

int64_t stmt_arg_number(struct world *w, const struct stmt *st, const char *key, int64_t none)
{
	const char *text = stmt_arg(st, key);

	return text ? stmt_number(w, text) : none;
}

const char *stmt_result(const struct stmt *st)
{
	for (int i = 1; i + 1 < st->words.count; i++)
		if (strcmp(st->words.w[i], "->") == 0)
			return st->words.w[i + 1];
	return NULL;
}

int stmt_name(struct world *w, const char *name, const char *what, const char *(*name_of)(int),
	      int count)
{
	for (int i = 0; i < count; i++)
		if (text_same(name, name_of(i)))
			return i;
	world_fail(w, "unknown %s: %s", what, name);
}

static void cmd_nothing(struct world *w, struct stmt *st)
{
	(void)w;
	(void)st;
}

/* let NAME=VALUE ... */
static void cmd_let(struct world *w, struct stmt *st)
{
	for (int i = 1; i < st->words.count; i++) {
		char *word = st->words.w[i];
		char *eq = strchr(word, '=');
		char text[32];
		int64_t v;

		if (!eq)
			world_fail(w, "let NAME=VALUE");
		*eq = '\0';
		if (text_number(eq + 1, &v) == 0) {
			snprintf(text, sizeof(text), "%lld", (long long)v);
			vars_set(&w->vars, word, text);
		} else {
			vars_set(&w->vars, word, eq + 1);
		}
	}
}

/* use MACRO [NAME=VALUE ...] */
static void cmd_use(struct world *w, struct stmt *st)
{
	const struct block *m;
	char name[TEXT_NAME_MAX];

	if (st->words.count < 2)
		world_fail(w, "use MACRO");
	snprintf(name, sizeof(name), "%s", st->words.w[1]);
	m = script_macro(w->script, name);
	if (!m)
		world_fail(w, "unknown macro: %s", name);
	for (int i = 1; i + 1 < st->words.count; i++)
		st->words.w[i] = st->words.w[i + 1];
	st->words.count--;
	cmd_let(w, st);
	exec_block(w, m);
}

/* repeat N MACRO: with $i from 0. */
static void cmd_repeat(struct world *w, struct stmt *st)
{
	const struct block *m;
	int64_t n;

	if (st->words.count != 3)
		world_fail(w, "repeat N MACRO");
	n = stmt_number(w, st->words.w[1]);
	m = script_macro(w->script, st->words.w[2]);
	if (!m)
		world_fail(w, "unknown macro: %s", st->words.w[2]);
	for (int64_t i = 0; i < n; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%lld", (long long)i);
		vars_set(&w->vars, "i", text);
		exec_block(w, m);
	}
}

/* Nothing may go out before `until`. */
static void stay_quiet(struct world *w, weir_time until)
{
	char text[512];

	if (!world_run(w, until))
		return;
	spec_show(w, &w->out, SHOW_OUT, text, sizeof(text));
	world_fail(w, "a segment that nobody expected went out\n  got      > %s  [%s]", text,
		   weir_counter_name(w->out_why));
}

static weir_time time_of(struct world *w, const char *text)
{
	int64_t ns;

	if (text_time(text, &ns) != 0 || ns < 0)
		world_fail(w, "not a time: %s", text);
	return (weir_time)ns;
}

/* "+40ms": exactly, within the millisecond in which timers are set; "+0s..500ms": between. */
static void take_time(struct world *w, struct stmt *st)
{
	char text[64];
	char *range;

	st->due = st->until = w->now;
	if (st->words.w[0][0] != '+')
		return;
	snprintf(text, sizeof(text), "%s", st->words.w[0] + 1);
	range = strstr(text, "..");
	if (range)
		*range = '\0';
	st->timed = true;
	st->due = w->now + time_of(w, text);
	st->until = range ? w->now + time_of(w, range + 2) : st->due + MS;
	memmove(st->words.w, st->words.w + 1, sizeof(st->words.w) - sizeof(st->words.w[0]));
	st->words.count--;
}

static void dispatch(struct world *w, struct stmt *st)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned needs = table[i].needs;

		if (strcmp(st->words.w[0], table[i].name) != 0)
			continue;
		if (needs & NEEDS_STACK)
			world_start(w);
		if (w->s && !(needs & MOVES_CLOCK) &&
		    (st->timed || (needs & NEEDS_QUIET && !w->hold)))
			stay_quiet(w, st->due);
		if (needs & (NEEDS_QUIET | MOVES_CLOCK))
			w->hold = false;
		table[i].run(w, st);
		return;
	}
	world_fail(w, "unknown statement: %s", st->words.w[0]);
}

void exec_line(struct world *w, const char *line)
{
	struct stmt st = {0};
	char text[TEXT_LINE_MAX];
	int64_t family = 0;

	if (vars_expand(&w->vars, line, text, sizeof(text)) != 0)
		world_fail(w, "unknown variable: $%s", text);
	if (words_cut(&st.words, text) != 0)
		world_fail(w, "too many words");
	if (st.words.count > 1 && strcmp(st.words.w[0], "ip4:") == 0)
		family = 4;
	else if (st.words.count > 1 && strcmp(st.words.w[0], "ip6:") == 0)
		family = 6;
	if (family) {
		if (family != w->family)
			return;
		memmove(st.words.w, st.words.w + 1, sizeof(st.words.w) - sizeof(st.words.w[0]));
		st.words.count--;
	}
	take_time(w, &st);
	if (st.words.count == 0)
		world_fail(w, "a time without a statement");
	dispatch(w, &st);
}

void exec_block(struct world *w, const struct block *b)
{
	if (w->depth == WORLD_DEPTH_MAX)
		world_fail(w, "macros are nested too deeply");
	w->at[w->depth].file = b->file;
	w->depth++;
	for (size_t i = 0; i < b->count; i++) {
		w->at[w->depth - 1].no = b->line[i].no;
		exec_line(w, b->line[i].text);
	}
	w->depth--;
}

void exec_end(struct world *w)
{
	if (w->s)
		stay_quiet(w, w->now);
}
