/*
 * loop.h: one thread that joins a stack, its link and ordinary descriptors, with epoll.
 *
 * Each wake-up takes in as many frames as there are (up to a bound, so that nobody starves), calls
 * the watchers of ready descriptors, hands out the stack's events, then sends until the stack has
 * nothing more, and sleeps until the stack's deadline.
 */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include "weir/link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_loop;
struct weir_watch;

struct weir_loop_args {
	const struct weir_config *config; /* link_* rows are taken from the link; keys must be set,
					   * weir_random_keys() does it */
	struct weir_link *link;           /* the loop takes it */
	void (*event)(void *user, struct weir_loop *loop, const struct weir_event *ev);
	/* Called once a round after events, before output; may be NULL. */
	void (*round)(void *user, struct weir_loop *loop);
	void *user;
};

/* Fills the keys of `cfg` from the operating system's random source. */
void weir_random_keys(struct weir_config *cfg);

/* Nanoseconds of CLOCK_MONOTONIC. */
weir_time weir_now(void);

/* Makes a loop and its stack. 0; -1 with errno (EINVAL: the configuration is not valid). */
int weir_loop_open(struct weir_loop **out, const struct weir_loop_args *args);
void weir_loop_close(struct weir_loop *loop);

struct weir_stack *weir_loop_stack(struct weir_loop *loop);
/* The time of this round: what the callbacks pass to the engine. */
weir_time weir_loop_now(const struct weir_loop *loop);

/* Watches `fd` for `events` (EPOLLIN | EPOLLOUT | EPOLLET ...; 0 for none but errors). The
 * callback may remove any watch, its own included. NULL with errno. */
struct weir_watch *weir_loop_watch(struct weir_loop *loop, int fd, uint32_t events,
				   void (*ready)(void *user, uint32_t events), void *user);
int weir_watch_set(struct weir_watch *w, uint32_t events);
/* Stops watching; the descriptor stays open. */
void weir_watch_remove(struct weir_watch *w);

/* Runs rounds until weir_loop_stop(). 0; -1 with errno if the link failed. */
int weir_loop_run(struct weir_loop *loop);
void weir_loop_stop(struct weir_loop *loop);

#ifdef __cplusplus
}
#endif

#endif
