#include "seeds.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "show.h"
#include "sim/forge.h"

#define FAILURES_SHOWN 50u

/* What the crash handler prints: made before each run, as a handler may not format. */
static char crash_line[128];
static size_t crash_len;

/* An assertion of the engine is a trap: its seed must not be lost with the process. */
static void on_crash(int sig)
{
	ssize_t ignored = write(STDERR_FILENO, crash_line, crash_len);

	(void)ignored;
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_sanitizer_death(void)
{
	ssize_t ignored = write(STDERR_FILENO, crash_line, crash_len);

	(void)ignored;
}

/* Of the sanitizers' runtime, where there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_crashes(void)
{
	signal(SIGILL, on_crash);
	signal(SIGTRAP, on_crash);
	signal(SIGABRT, on_crash);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(on_sanitizer_death);
	else
		signal(SIGSEGV, on_crash);
}

void seeds_note(const char *again)
{
	static bool watching;

	if (!watching)
		watch_crashes();
	watching = true;
	crash_len = (size_t)snprintf(crash_line, sizeof(crash_line), "crashed; repeat with %s\n",
				     again);
}

static void add_ends(struct seeds_total *total, const struct sim_talk *t)
{
	for (unsigned side = 0; side < 2; side++) {
		const struct sim_end *e = &t->end[side];

		total->bytes += e->got;
		if (e->phase != SIM_PHASE_ENDED)
			continue;
		total->aborted += e->reason == WEIR_ABORTED;
		total->refused += e->reason == WEIR_REFUSED;
		total->timed_out += e->reason == WEIR_TIMEOUT;
		total->reset += e->reason == WEIR_RESET;
	}
}

static void add_run(struct seeds_total *total, const struct sim_world *w)
{
	total->runs++;
	total->frames += w->frames;
	total->steps += w->steps;
	for (unsigned i = 0; i < w->host_count * w->host_count; i++) {
		const struct sim_link_stats *s = &w->link[i].stats;

		total->lost += s->lost + s->overflowed + s->swallowed;
		total->duplicated += s->duplicated;
		total->reordered += s->reordered;
		total->damaged += s->damaged;
	}
	for (uint32_t i = 0; i < w->talks.count; i++)
		add_ends(total, &w->talks.list[i]);
}

/* What the hooks of one run work with; show first, as its hooks expect. */
struct watch {
	struct show show;
	struct sim_forge forge;
};

/* sim_hooks.tamper */
static void on_sent(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct watch *watch = user;

	sim_forge_beside(&watch->forge, w, from, f);
}

static struct sim_hooks hooks_of(const struct seeds_plan *plan, uint64_t seed, struct watch *watch)
{
	struct sim_hooks hooks = {.user = watch};

	sim_forge_init(&watch->forge, seed, SIM_FORGE_PPM);
	switch (plan->network) {
	case SEEDS_HONEST:
		break;
	case SEEDS_HOSTILE:
		hooks.tamper = on_sent;
		break;
	}
	return hooks;
}

static void run_one(const struct seeds_plan *plan, uint64_t seed, struct seeds_total *total)
{
	struct watch watch;
	struct sim_hooks hooks = hooks_of(plan, seed, &watch);
	struct sim_world w;
	char again[96];

	snprintf(again, sizeof(again), "WEIR_SIM_SEED=%" PRIu64 " %s", seed, plan->name);
	seeds_note(again);
	sim_scenario_make(&w, plan->kind, seed, &hooks);
	if (!sim_world_run(&w) && total->failures++ < FAILURES_SHOWN)
		fprintf(stderr, "seed %" PRIu64 ": %s; repeat with WEIR_SIM_SEED=%" PRIu64 " %s\n",
			seed, w.oracle.text, seed, plan->name);
	add_run(total, &w);
	sim_world_free(&w);
}

static void run_shown(const struct seeds_plan *plan, uint64_t seed, struct seeds_total *total)
{
	struct watch watch;
	struct sim_hooks hooks = hooks_of(plan, seed, &watch);
	struct sim_world w = {.host = NULL};

	setvbuf(stdout, NULL, _IOLBF, 0);
	show_hooks(&watch.show, &w, &hooks);
	sim_scenario_make(&w, plan->kind, seed, &hooks);
	show_world(&w);
	if (!sim_world_run(&w))
		total->failures++;
	add_run(total, &w);
	printf("# seed %" PRIu64 ": %s\n", seed, w.oracle.failed ? w.oracle.text : "no failure");
	sim_world_free(&w);
}

static void print_total(const char *name, const struct seeds_total *t)
{
	printf("%s: %" PRIu64 " runs, %" PRIu64 " failures, %" PRIu64 " frames, %" PRIu64
	       " steps, %" PRIu64 " bytes read; lost %" PRIu64 ", duplicated %" PRIu64
	       ", reordered %" PRIu64 ", damaged %" PRIu64 "; ends: aborted %" PRIu64
	       ", refused %" PRIu64 ", timed out %" PRIu64 ", reset %" PRIu64 "\n",
	       name, t->runs, t->failures, t->frames, t->steps, t->bytes, t->lost, t->duplicated,
	       t->reordered, t->damaged, t->aborted, t->refused, t->timed_out, t->reset);
}

void seeds_run(const struct seeds_plan *plan, struct seeds_total *total)
{
	const char *one = getenv("WEIR_SIM_SEED");
	const char *many = getenv("WEIR_SIM_SEEDS");
	uint64_t count = many != NULL ? strtoull(many, NULL, 0) : plan->count;

	memset(total, 0, sizeof(*total));
	if (one != NULL) {
		run_shown(plan, strtoull(one, NULL, 0), total);
		return;
	}
	for (uint64_t i = 0; i < count; i++)
		run_one(plan, plan->first + i, total);
	print_total(plan->name, total);
}
