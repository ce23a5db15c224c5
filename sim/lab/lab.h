/*
 * lab.h: experiments that show why TCP's rules are as they are: two hosts of the shipped engine in
 * virtual time, one rule switched off and on, measured over many seeds.
 *
 * An experiment is a row of a table: its variants, what is counted, how one run goes, and how its
 * conclusion is put into words from the figures alone. The same experiment, seed and number of runs
 * give the same figures on every machine. Run i of every variant is made from the same numbers, so
 * that variants differ in their rule and in nothing else.
 */
#ifndef WEIR_SIM_LAB_H
#define WEIR_SIM_LAB_H

#include "weir/trace.h"

#define LAB_COUNTS_MAX   12u
#define LAB_VARIANTS_MAX 8u
#define LAB_SETTINGS_MAX 8u
#define LAB_RUNS_MAX     10000000u
#define LAB_RUNS_DEFAULT 100u
#define LAB_WORDS_MAX    4096u
#define LAB_PATH_MAX     16u /* states of one connection, in order */

enum lab_lang { LAB_EN, LAB_ZH, LAB_LANG_COUNT };

/* The same words in each language. */
struct lab_text {
	const char *in[LAB_LANG_COUNT];
};

/* Words that are put together; what does not fit is cut off. */
struct lab_words {
	enum lab_lang lang;
	size_t len;
	char text[LAB_WORDS_MAX]; /* NUL-terminated */
};
/* Appends, with the format of the words' language. Both formats take the same arguments. */
#define LAB_SAY(words, en, zh, ...) \
	lab_say((words), (words)->lang == LAB_ZH ? (zh) : (en), __VA_ARGS__)
void lab_say(struct lab_words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "in none of 5 runs", "in 3 of 5 runs", "in each of 5 runs"; in Chinese the same. */
void lab_say_runs(struct lab_words *w, uint64_t count, uint64_t runs);

/* How the figures of many runs become one. */
enum lab_merge {
	LAB_SUM,
	LAB_MAX,
	LAB_MEAN_MS, /* counted in microseconds; told as the mean in milliseconds */
	LAB_MEAN,    /* counted in thousandths; told as the mean */
};

struct lab_count {
	const char *key; /* as in JSON */
	enum lab_merge merge;
	struct lab_text text;
};

/* A row of def/config.def that a variant sets at the server or everywhere. */
enum lab_place { LAB_EVERYWHERE, LAB_AT_CLIENT, LAB_AT_SERVER };
struct lab_setting {
	const char *name; /* NULL ends a list */
	uint64_t value;
	enum lab_place place;
};

struct lab_variant {
	const char *name; /* as in JSON */
	struct lab_text text;
	unsigned how; /* what the experiment makes of it */
	struct lab_setting set[LAB_SETTINGS_MAX];
};

enum lab_host { LAB_CLIENT, LAB_SERVER, LAB_HOSTS };

/* The figures of one experiment. */
struct lab_figure {
	uint64_t value;   /* sum or maximum */
	uint64_t samples; /* that it was made from */
};
struct lab_result {
	uint64_t seed, runs;
	struct lab_figure figure[LAB_VARIANTS_MAX][LAB_COUNTS_MAX];
	uint64_t telling; /* the run that is drawn */
};

/* What is told of one run, beside what the experiment itself says of it. */
enum lab_telling {
	LAB_LADDER,
	LAB_STORY_ONLY,
	LAB_STORY_EACH, /* a line of each variant */
};

/* What its picture (weir lab --svg) is made of, for each variant. */
enum lab_picture {
	LAB_NO_PICTURE,
	LAB_PICTURE_LINES,    /* panels with lines over time */
	LAB_PICTURE_SEQUENCE, /* the bytes that the client sends, over time */
};

/* One panel of LAB_PICTURE_LINES. */
struct lab_panel {
	const char *title, *unit; /* what is drawn, in which unit; NULL ends a list */
	double scale;             /* times which values are told */
};

/* Are the states that both ends went through part of what is shown? */
enum lab_paths { LAB_NO_PATHS, LAB_PATHS, LAB_PATHS_AND_ISNS };

struct lab_run;

struct lab_experiment {
	const char *name;
	const char *section; /* of the document whose claim it shows */
	struct lab_text title;
	struct lab_text rule; /* what is done, and which rule is switched off and on */
	const struct lab_count *count;
	unsigned counts;
	const struct lab_variant *variant;
	unsigned variants;
	/* What is drawn: this variant, in the first run where this count is not 0 (else the first
	 * of all), as this host saw it. */
	unsigned drawn_variant, drawn_count;
	enum lab_host view;
	const char *other; /* the name of the ladder's other column; NULL: the other host's */
	enum lab_paths paths;
	enum lab_telling telling;
	struct lab_text legend; /* of LAB_STORY_EACH */
	enum lab_picture picture;
	const struct lab_panel *panel; /* of LAB_PICTURE_LINES */
	uint64_t picture_ns;           /* as long as is drawn; 0: all */
	uint64_t runs_default;         /* 0: LAB_RUNS_DEFAULT */
	/* Is this record to be drawn? NULL: every one is. */
	bool (*draws)(const struct weir_trace_record *r);
	void (*run)(struct lab_run *r);
	/* Says in a sentence or two what was seen. */
	void (*conclude)(const struct lab_result *res, struct lab_words *out);
};

/* Experiment `i`, in the order of the document; NULL past the last. */
const struct lab_experiment *lab_experiment(unsigned i);
/* That of this name, or NULL. */
const struct lab_experiment *lab_find(const char *name);

/* Runs every variant `runs` times (1 to LAB_RUNS_MAX). */
void lab_measure(const struct lab_experiment *e, uint64_t seed, uint64_t runs,
		 struct lab_result *out);

/* The states that a host's first connection went through, and its initial sequence number. */
struct lab_path {
	enum weir_state state[LAB_PATH_MAX];
	unsigned states; /* 0: it had no connection */
	uint32_t iss;    /* valid if states != 0 */
};

/* One run, watched. Any may be NULL. */
struct lab_watch {
	void *user;
	void (*trace)(void *user, enum lab_host host, const struct weir_trace_record *r);
	struct lab_words *story; /* what the experiment itself tells about the run */
	/* For pictures: a line of a panel has this name; it goes through this point. */
	void (*line)(void *user, unsigned panel, unsigned line, const char *name);
	void (*point)(void *user, unsigned panel, unsigned line, weir_time at, uint64_t value);
	/* `len` bytes from `seq` on, sent by the client at this moment, will not arrive. */
	void (*lost)(void *user, weir_time at, uint32_t seq, uint32_t len);
};
struct lab_sight {
	struct lab_path path[LAB_HOSTS];
	weir_time end;
};
/* Runs `run` of a variant again. */
void lab_look(const struct lab_experiment *e, unsigned variant, uint64_t seed, uint64_t run,
	      const struct lab_watch *watch, struct lab_sight *out);

#endif
