/*
 * exec.h: runs the statements of a script on a world.
 *
 * One table maps the first word of a line to a function. Statements that look at what went out, or
 * that give the stack something new to do, first make sure that nothing unexpected is waiting to go
 * out; so a script names every segment.
 */
#ifndef PKT_EXEC_H
#define PKT_EXEC_H

#include "text.h"
#include "world.h"

/* A statement: its words, where words[0] is its name. `due` is when it happens: w->now, or later
 * when the line began with +TIME; the clock has been moved there already, but for '>'. */
struct stmt {
	struct words words;
	weir_time due;   /* earliest */
	weir_time until; /* latest, for '>' and 'drain' */
	bool timed;
};

/* Runs one statement. */
void exec_line(struct world *w, const char *line);

/* Runs a test's lines; fails by world_fail(). */
void exec_block(struct world *w, const struct block *b);

/* The end of a test: nothing may be waiting to go out. */
void exec_end(struct world *w);

/* Statements, by file. */
void cmd_config(struct world *w, struct stmt *st);
void cmd_addr(struct world *w, struct stmt *st);
void cmd_flow(struct world *w, struct stmt *st);
void cmd_in(struct world *w, struct stmt *st);
void cmd_out(struct world *w, struct stmt *st);
void cmd_drain(struct world *w, struct stmt *st);

void cmd_call(struct world *w, struct stmt *st);

void cmd_state(struct world *w, struct stmt *st);
void cmd_trace(struct world *w, struct stmt *st);
void cmd_changed(struct world *w, struct stmt *st);
void cmd_event(struct world *w, struct stmt *st);
void cmd_events(struct world *w, struct stmt *st);
void cmd_counter(struct world *w, struct stmt *st);
void cmd_verdict(struct world *w, struct stmt *st);
void cmd_info(struct world *w, struct stmt *st);
void cmd_walk(struct world *w, struct stmt *st);
void cmd_usage(struct world *w, struct stmt *st);
void cmd_deadline(struct world *w, struct stmt *st);

/* Helpers of statements. */
int64_t stmt_number(struct world *w, const char *text);
struct flow *stmt_flow(struct world *w, const struct stmt *st); /* "@name", or flow a */
const char *stmt_arg(const struct stmt *st, const char *key);   /* of key=VALUE; NULL */
const char *stmt_result(const struct stmt *st);                 /* after "->"; NULL */
int64_t stmt_arg_number(struct world *w, const struct stmt *st, const char *key, int64_t none);
/* Index of the value called `name` in a table of `count` names; fails if there is none. */
int stmt_name(struct world *w, const char *name, const char *what, const char *(*name_of)(int),
	      int count);

#endif
