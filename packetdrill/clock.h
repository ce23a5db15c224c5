/*
 * clock.h: the time that packetdrill and the engine see, and the calls that wait for it.
 */
#ifndef WEIR_PACKETDRILL_CLOCK_H
#define WEIR_PACKETDRILL_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct pd;

enum pd_clock_kind { PD_CLOCK_VIRTUAL, PD_CLOCK_REAL };

#define PD_NEVER INT64_MAX

/* A call that sleeps until `ready` says yes or the time has come. It lives on its stack. */
struct pd_waiter {
	struct pd_waiter *next;
	bool (*ready)(struct pd *pd, void *arg);
	void *arg;
	int64_t until_us;
	bool released;
	pthread_cond_t wake;
};

struct pd_clock {
	enum pd_clock_kind kind;
	int64_t now_us;
	struct pd_waiter *waiters;
	unsigned held; /* threads that were released and have not looked at the clock since */
	pthread_cond_t looked;
	pthread_t driver;      /* the thread that made this stack: it moves the time */
	int driver_tid;        /* the same for /proc */
	uint64_t driver_calls; /* counts its callbacks */
	int finishing_tid;     /* a thread that has looked at the clock after its call; 0: none */
	bool driver_inside;
};

enum pd_wait_result {
	PD_WAIT_READY,
	PD_WAIT_LATE,  /* until_us has come */
	PD_WAIT_STUCK, /* nothing can ever make it ready */
};

void pd_clock_init(struct pd_clock *c, enum pd_clock_kind kind);

/* Around every callback: takes and gives back the lock; the second also runs what the call has
 * caused, and lets threads that it released return first. */
void pd_enter(struct pd *pd);
void pd_leave(struct pd *pd);

/* The end of gettimeofday and usleep, which packetdrill's threads call between system calls. */
void pd_leave_clock(struct pd *pd);

/* Looks at the clock, which moves on by a microsecond: packetdrill spins on it for short waits. */
int64_t pd_clock_look(struct pd *pd);

/* Moves the time to `until_us`, running all that falls due on the way, in order. */
void pd_clock_advance(struct pd *pd, int64_t until_us);

/* Moves the time to the next thing that falls due and runs it. false: there is none. */
bool pd_clock_step(struct pd *pd);

/* Sleeps until `ready` says yes. Looks first, so it need not sleep at all. */
enum pd_wait_result pd_wait(struct pd *pd, bool (*ready)(struct pd *pd, void *arg), void *arg,
			    int64_t until_us);

/* Runs the engine until it has nothing to do now, then releases whom that made ready. */
void pd_settle(struct pd *pd);

/* When a wait of `ms` that begins now ends; negative: never. */
int64_t pd_clock_after_ms(const struct pd *pd, int64_t ms);

#endif
