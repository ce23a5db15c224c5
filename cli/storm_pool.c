/*
 * storm_pool.c: many storms at once.
 *
 * Theory of operation
 *
 * The processes share one page-aligned block of memory. Each takes the next seed from a counter in
 * it, notes the seed and before each step the step in a slot of its own, and adds what the storm
 * did to the slot. A failure is written to a pipe, which the parent reads; it is smaller than
 * PIPE_BUF, so those of several processes do not mix.
 *
 * A process that ends by a signal has found a broken assertion, or memory misused: the parent makes
 * a failure of what its slot says and starts another in its place, which takes the next seed.
 */
#include "storm.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define COMMAND     "storm"
#define PROGRESS_MS 500

struct slot {
	pid_t pid; /* the parent's */
	bool busy; /* in the middle of `seed` */
	uint64_t seed, step;
	struct storm_total total;
};

struct shared {
	_Atomic uint64_t next; /* seeds taken so far */
	struct slot slot[STORM_JOBS_MAX];
};

_Static_assert(sizeof(struct storm_failure) <= PIPE_BUF, "failures are written whole");

struct pool {
	const struct storm_options *o;
	struct shared *shared;
	int pipe[2];
	double started;
	unsigned living;
	storm_report *report;
	void *user;
	struct storm_total *total;
};

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- In a process that runs storms ------------------------------------------------------------
 */

static void note_step(void *user, uint64_t step)
{
	struct slot *s = user;

	s->step = step;
}

static void add_result(struct storm_total *t, const struct storm_result *r)
{
	t->seeds++;
	t->segments += r->segments;
	t->connections += r->connections;
	t->bytes += r->bytes;
	t->steps += r->steps;
	t->crashes += r->crashes;
	t->digest += r->digest;
}

static void write_failure(int fd, const struct storm_failure *f)
{
	ssize_t n;

	do
		n = write(fd, f, sizeof(*f));
	while (n < 0 && errno == EINTR);
}

/* The next seed. false: there is none, or no time. */
static bool take_seed(const struct pool *p, uint64_t *seed)
{
	uint64_t number;

	if (p->o->seconds != 0 && seconds_now() - p->started >= (double)p->o->seconds)
		return false;
	number = atomic_fetch_add(&p->shared->next, 1);
	*seed = p->o->first + number;
	return number < p->o->seeds;
}

static void run_storms(const struct pool *p, struct slot *s)
{
	struct storm_watch watch = p->o->watch;
	struct storm_failure f = {.crashed = false};

	watch.user = s;
	watch.step = note_step;
	while (take_seed(p, &s->seed)) {
		s->step = 0;
		s->busy = true;
		storm_run(s->seed, &p->o->cut, &watch, &f.result);
		s->busy = false;
		add_result(&s->total, &f.result);
		f.seed = s->seed;
		if (f.result.failed)
			write_failure(p->pipe[1], &f);
	}
}

/* --- In the parent ------------------------------------------------------------------------------
 */

static int start(struct pool *p, unsigned number)
{
	struct slot *s = &p->shared->slot[number];
	pid_t pid;

	s->busy = false;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		cli_complain(COMMAND, "a process cannot be made: %s", strerror(errno));
		return -1;
	}
	if (pid == 0) {
		run_storms(p, s);
		_exit(0);
	}
	s->pid = pid;
	p->living++;
	return 0;
}

static void take_failure(struct pool *p, const struct storm_failure *f)
{
	if (p->total->failures++ == 0 || f->seed < p->total->first_failing)
		p->total->first_failing = f->seed;
	p->report(p->user, f);
}

static void read_failures(struct pool *p, int wait_ms)
{
	struct pollfd pfd = {.fd = p->pipe[0], .events = POLLIN};
	struct storm_failure f;

	while (poll(&pfd, 1, wait_ms) > 0 && read(p->pipe[0], &f, sizeof(f)) == sizeof(f)) {
		take_failure(p, &f);
		wait_ms = 0;
	}
}

static void tell_crash(struct storm_failure *f, const struct slot *s, int status)
{
	*f = (struct storm_failure){.seed = s->seed, .crashed = true};
	f->result.failed = true;
	f->result.steps = s->step;
	if (WIFSIGNALED(status))
		snprintf(f->result.text, sizeof(f->result.text),
			 "the engine stopped itself: signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(f->result.text, sizeof(f->result.text), "the process ended with status %d",
			 WEXITSTATUS(status));
}

static bool ended_well(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* 0; -1: no process can be made in its place. */
static int on_end(struct pool *p, unsigned number, int status)
{
	struct slot *s = &p->shared->slot[number];
	struct storm_failure f;

	p->living--;
	s->pid = 0;
	if (ended_well(status))
		return 0;
	if (s->busy) {
		s->total.seeds++;
		tell_crash(&f, s, status);
		take_failure(p, &f);
	}
	return start(p, number);
}

/* 0: go on; -1: as on_end(). */
static int reap(struct pool *p)
{
	for (unsigned i = 0; i < p->o->jobs; i++) {
		struct slot *s = &p->shared->slot[i];
		int status;

		if (s->pid > 0 && waitpid(s->pid, &status, WNOHANG) == s->pid &&
		    on_end(p, i, status) != 0)
			return -1;
	}
	return 0;
}

static void show_progress(const struct pool *p)
{
	uint64_t seeds = 0;

	if (!isatty(STDERR_FILENO))
		return;
	for (unsigned i = 0; i < p->o->jobs; i++)
		seeds += p->shared->slot[i].total.seeds;
	fprintf(stderr, "\r%llu seeds, %llu failures ", (unsigned long long)seeds,
		(unsigned long long)p->total->failures);
	if (p->living == 0)
		fputs("\r\033[K", stderr);
}

static void add_up(struct pool *p)
{
	for (unsigned i = 0; i < p->o->jobs; i++) {
		const struct storm_total *t = &p->shared->slot[i].total;

		p->total->seeds += t->seeds;
		p->total->segments += t->segments;
		p->total->connections += t->connections;
		p->total->bytes += t->bytes;
		p->total->steps += t->steps;
		p->total->crashes += t->crashes;
		p->total->digest += t->digest;
	}
	p->total->seconds = seconds_now() - p->started;
}

static int run_pool(struct pool *p)
{
	int failed = 0;

	for (unsigned i = 0; i < p->o->jobs && failed == 0; i++)
		failed = start(p, i);
	while (p->living > 0) {
		read_failures(p, p->o->seeds == 1 ? 1 : PROGRESS_MS / 10);
		if (reap(p) != 0)
			failed = -1;
		show_progress(p);
	}
	read_failures(p, 0);
	add_up(p);
	return failed;
}

int storm_pool_run(const struct storm_options *o, storm_report *report, void *user,
		   struct storm_total *total)
{
	struct pool p = {.o = o, .report = report, .user = user, .total = total};
	int failed;

	memset(total, 0, sizeof(*total));
	p.shared = mmap(NULL, sizeof(*p.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (p.shared == MAP_FAILED || pipe(p.pipe) != 0) {
		cli_complain(COMMAND, "shared memory or a pipe cannot be made: %s",
			     strerror(errno));
		return -1;
	}
	p.started = seconds_now();
	failed = run_pool(&p);
	close(p.pipe[0]);
	close(p.pipe[1]);
	munmap(p.shared, sizeof(*p.shared));
	return failed;
}

static void keep_failure(void *user, const struct storm_failure *f)
{
	*(struct storm_failure *)user = *f;
}

int storm_apart_run(uint64_t seed, const struct storm_cut *cut, enum storm_plant plant,
		    struct storm_failure *out)
{
	struct storm_options o = {.first = seed, .seeds = 1, .jobs = 1, .cut = *cut};
	struct storm_total total;

	o.watch.plant = plant;
	memset(out, 0, sizeof(*out));
	return storm_pool_run(&o, keep_failure, out, &total);
}
