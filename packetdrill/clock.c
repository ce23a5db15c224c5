/*
 * Theory of operation: virtual time and the blocking threads
 *
 * packetdrill knows no clock but our gettimeofday() and usleep(), so time may be a number. It
 * stands still while packetdrill and the engine work, and jumps while packetdrill waits:
 *
 *   gettimeofday    moves it by one microsecond, since packetdrill spins on it for short waits
 *   usleep          goes from one timer of the engine to the next, running each at its time, and
 *                   ends where the sleep ends; packets carry the time of the timer that made them
 *   netdev_receive  with nothing queued, goes from timer to timer until a packet leaves
 *
 * So a script of minutes takes milliseconds, and two runs see the same times. clock=real replaces
 * the number by CLOCK_MONOTONIC and the jumps by sleeps; all else is the same.
 *
 * packetdrill runs the script in one thread, the driver here, which called init; it is the one
 * that moves time. A call that the script says blocks runs in a second thread, and the driver
 * goes on when the kernel shows that thread asleep. So pd_wait() must really sleep, on a
 * condition variable. What ends the sleep happens in the driver, in pd_settle(): a packet came
 * in, a timer ran, a call of the script's. It asks each waiter's `ready` and releases it.
 *
 * Released, the second thread finishes the call and asks the clock when the call returned, for
 * the script has an expectation of that. Therefore the driver stands still from the release to
 * that look: pd_leave() waits until nobody is `held`. A call of the second thread that returns
 * without having slept is held just so. The driver may be inside a jump of an hour when it
 * releases somebody: pd_clock_step() waits the same way before it goes on.
 *
 * The driver itself may block, in a call that the script does not mark as blocking (a poll() with
 * a timeout): then it moves time itself until the call is ready. If nothing can make it ready,
 * the call fails with EDEADLK and a line says so, as a script must not hang.
 *
 * At the end of a script, and before each plain call, packetdrill waits up to a second of real
 * time for the second thread to finish, and calls nothing meanwhile. If that thread waits for a
 * time-out, nobody would move time; so a waiter that sees the driver asleep outside of our code
 * for IDLE_MS moves time itself. That is the only place where real time matters.
 */
#include "clock.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pd.h"
#include "report.h"
#include "sock.h"

#define IDLE_MS       400
#define HELD_MS       10000 /* a released thread that takes so long is not waited for */
#define FINISH_MS     200
#define REAL_STEP_MS  1
#define VIRTUAL_START 1000000000000ll /* microseconds */
#define ROUNDS_MAX    1000000u

/* This thread was released, or returned from a call, and has not looked at the clock since. */
static _Thread_local bool owes_look;

static int64_t real_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void pd_clock_init(struct pd_clock *c, enum pd_clock_kind kind)
{
	*c = (struct pd_clock){.kind = kind, .driver = pthread_self()};
	c->now_us = kind == PD_CLOCK_REAL ? real_us() : VIRTUAL_START;
	c->driver_tid = (int)syscall(SYS_gettid);
	pthread_cond_init(&c->looked, NULL);
	owes_look = false;
}

static bool is_driver(const struct pd *pd)
{
	return pthread_equal(pthread_self(), pd->clock.driver);
}

/* Whether a thread sleeps, or has ended, as the kernel shows it. */
static bool sleeps(int tid)
{
	char path[64], text[256];
	const char *at;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "re");
	if (f == NULL)
		return true;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')'); /* the name before it may hold anything */
	return at != NULL && at[1] == ' ' && at[2] == 'S';
}

static void sleep_real(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	pthread_cond_timedwait(cond, lock, &ts);
}

static void debt_add(struct pd *pd)
{
	if (owes_look)
		return;
	owes_look = true;
	pd->clock.held++;
}

static void debt_pay(struct pd *pd)
{
	if (!owes_look)
		return;
	owes_look = false;
	pd->clock.held--;
	pd->clock.finishing_tid = (int)syscall(SYS_gettid);
	pthread_cond_broadcast(&pd->clock.looked);
}

/* Waits until every released thread but this one has looked at the clock. */
static void wait_for_looks(struct pd *pd)
{
	int64_t began = real_us();

	if (pd->clock.kind == PD_CLOCK_REAL)
		return;
	while (pd->clock.held > (owes_look ? 1u : 0u)) {
		if (real_us() - began > HELD_MS * 1000)
			return;
		sleep_real(&pd->clock.looked, &pd->lock, HELD_MS);
	}
}

void pd_enter(struct pd *pd)
{
	pthread_mutex_lock(&pd->lock);
	if (is_driver(pd)) {
		pd->clock.driver_inside = true;
		pd->clock.driver_calls++;
		wait_for_looks(pd);
	}
	if (pd->clock.kind == PD_CLOCK_REAL) {
		pd->clock.now_us = real_us();
		pd_settle(pd);
	}
}

static void leave(struct pd *pd)
{
	if (is_driver(pd)) {
		wait_for_looks(pd);
		pd->clock.driver_inside = false;
	}
	pthread_mutex_unlock(&pd->lock);
}

void pd_leave(struct pd *pd)
{
	int saved = errno;

	pd_settle(pd);
	if (!is_driver(pd))
		debt_add(pd);
	leave(pd);
	errno = saved;
}

void pd_leave_clock(struct pd *pd)
{
	leave(pd);
}

int64_t pd_clock_look(struct pd *pd)
{
	if (pd->clock.kind == PD_CLOCK_VIRTUAL)
		pd->clock.now_us++;
	debt_pay(pd);
	return pd->clock.now_us;
}

int64_t pd_clock_after_ms(const struct pd *pd, int64_t ms)
{
	return ms < 0 ? PD_NEVER : pd->clock.now_us + ms * 1000;
}

/* When the engine or a waiter wants to run next. */
static int64_t next_due(const struct pd *pd)
{
	weir_time at = weir_deadline(pd->stack, pd_now(pd));
	int64_t due = at == WEIR_NEVER ? PD_NEVER : (int64_t)((at + 999) / 1000);

	for (const struct pd_waiter *w = pd->clock.waiters; w != NULL; w = w->next)
		if (!w->released && w->until_us < due)
			due = w->until_us;
	return due;
}

static void go_to(struct pd *pd, int64_t at_us)
{
	struct pd_clock *c = &pd->clock;

	if (c->kind == PD_CLOCK_VIRTUAL) {
		if (at_us > c->now_us)
			c->now_us = at_us;
		return;
	}
	while ((c->now_us = real_us()) < at_us) {
		int64_t left = at_us - c->now_us;
		struct timespec ts = {.tv_sec = left / 1000000,
				      .tv_nsec = (long)(left % 1000000) * 1000};

		pthread_mutex_unlock(&pd->lock);
		nanosleep(&ts, NULL);
		pthread_mutex_lock(&pd->lock);
	}
}

bool pd_clock_step(struct pd *pd)
{
	int64_t due;

	wait_for_looks(pd);
	due = next_due(pd);
	if (due == PD_NEVER)
		return false;
	go_to(pd, due);
	pd_settle(pd);
	wait_for_looks(pd);
	return true;
}

/* A thread that has looked at the clock has yet to tell packetdrill what its call returned, for
 * which it needs packetdrill's own lock. The driver gives that away just while it is in usleep(),
 * which takes no time here: so let the other one get to where it sleeps again. */
static void let_finish(struct pd *pd)
{
	int tid = pd->clock.finishing_tid;
	int64_t began = real_us();

	pd->clock.finishing_tid = 0;
	if (tid == 0 || pd->clock.kind == PD_CLOCK_REAL)
		return;
	pthread_mutex_unlock(&pd->lock);
	while (!sleeps(tid) && real_us() - began < FINISH_MS * 1000)
		sched_yield();
	pthread_mutex_lock(&pd->lock);
}

void pd_clock_advance(struct pd *pd, int64_t until_us)
{
	if (is_driver(pd))
		let_finish(pd);
	wait_for_looks(pd);
	while (next_due(pd) <= until_us)
		pd_clock_step(pd);
	go_to(pd, until_us);
	pd_settle(pd);
}

static void release_ready(struct pd *pd)
{
	for (struct pd_waiter *w = pd->clock.waiters; w != NULL; w = w->next) {
		if (w->released)
			continue;
		if (!w->ready(pd, w->arg) && pd->clock.now_us < w->until_us)
			continue;
		w->released = true;
		pd->clock.held++; /* on behalf of the thread that sleeps there */
		pthread_cond_signal(&w->wake);
	}
}

void pd_settle(struct pd *pd)
{
	struct weir_packet packet;
	struct weir_event event;
	unsigned rounds = 0;

	do {
		while (weir_output(pd->stack, &packet, pd_now(pd)))
			pd_net_out(pd, &packet);
		while (weir_event_next(pd->stack, &event))
			pd_sock_event(pd, &event);
		if (++rounds > ROUNDS_MAX)
			pd_fail("the engine's work at one instant does not end");
	} while (weir_deadline(pd->stack, pd_now(pd)) <= pd_now(pd));
	pd_sock_write_space(pd);
	release_ready(pd);
}

/* The driver waits: it moves time until the call is ready. */
static enum pd_wait_result wait_driving(struct pd *pd, struct pd_waiter *self)
{
	for (;;) {
		if (self->ready(pd, self->arg))
			return PD_WAIT_READY;
		if (pd->clock.now_us >= self->until_us)
			return PD_WAIT_LATE;
		wait_for_looks(pd);
		if (next_due(pd) > self->until_us)
			pd_clock_advance(pd, self->until_us);
		else if (!pd_clock_step(pd))
			return PD_WAIT_STUCK;
	}
}

static void waiter_remove(struct pd *pd, struct pd_waiter *self)
{
	struct pd_waiter **at = &pd->clock.waiters;

	while (*at != self)
		at = &(*at)->next;
	*at = self->next;
}

static void waiter_add(struct pd *pd, struct pd_waiter *self)
{
	self->next = pd->clock.waiters;
	pd->clock.waiters = self;
}

static void wait_asleep(struct pd *pd, struct pd_waiter *self)
{
	unsigned step_ms = pd->clock.kind == PD_CLOCK_REAL ? REAL_STEP_MS : IDLE_MS;

	debt_pay(pd);
	waiter_add(pd, self);
	while (!self->released) {
		uint64_t calls = pd->clock.driver_calls;

		sleep_real(&self->wake, &pd->lock, step_ms);
		if (self->released)
			break;
		if (pd->clock.kind == PD_CLOCK_REAL) {
			pd->clock.now_us = real_us();
			pd_settle(pd);
		} else if (calls == pd->clock.driver_calls && !pd->clock.driver_inside &&
			   sleeps(pd->clock.driver_tid)) {
			waiter_remove(pd, self);
			if (wait_driving(pd, self) != PD_WAIT_STUCK)
				return;
			waiter_add(pd, self); /* the script may yet bring what is missing */
		}
	}
	waiter_remove(pd, self);
	owes_look = true; /* its release counted it as held */
}

enum pd_wait_result pd_wait(struct pd *pd, bool (*ready)(struct pd *pd, void *arg), void *arg,
			    int64_t until_us)
{
	struct pd_waiter self = {.ready = ready, .arg = arg, .until_us = until_us};
	enum pd_wait_result result;

	pd_settle(pd);
	if (ready(pd, arg))
		return PD_WAIT_READY;
	if (pd->clock.now_us >= until_us)
		return PD_WAIT_LATE;
	if (is_driver(pd)) {
		result = wait_driving(pd, &self);
		if (result == PD_WAIT_STUCK)
			pd_report("a call blocks that nothing can ever end");
		return result;
	}
	pthread_cond_init(&self.wake, NULL);
	wait_asleep(pd, &self);
	pthread_cond_destroy(&self.wake);
	return ready(pd, arg) ? PD_WAIT_READY : PD_WAIT_LATE;
}
