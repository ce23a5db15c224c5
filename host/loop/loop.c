/*
 * loop.c: one thread that joins a stack, its link and ordinary descriptors.
 *
 * Theory of operation
 *
 * A round has six steps, always in this order:
 *
 *   sleep    epoll until a descriptor is ready or the stack's deadline has come
 *   input    every frame that is there, up to INPUT_MAX, goes into the stack
 *   watches  the callbacks of descriptors that are ready
 *   events   what the stack has to tell goes to the application
 *   round    the application's own step
 *   output   packets go to the link until the stack has none, up to OUTPUT_MAX
 *
 * Input comes before output so that one acknowledgement answers many segments, and callbacks come
 * between the two so that their data rides on that acknowledgement. Each step has a bound, so that
 * a flood on one side cannot starve the other; work that is left makes the next sleep a look. The
 * link is watched level-triggered: frames left over wake the next round by themselves. Output left
 * over shows as a deadline that is not in the future.
 *
 * Time is read when the sleep ends and again before output, since callbacks may take long;
 * it never goes back. Sleeps have nanosecond precision (epoll_pwait2), or on a kernel before 5.11
 * whole milliseconds rounded up: late rather than busy. Timers run inside output, so events may
 * come of it; they are handed out at once, and the next sleep is a look then.
 *
 * A callback may remove any watch, also one whose readiness lies ahead in the same batch: removal
 * unhooks the watch at once, marks it, and frees it when the batch is done.
 *
 * The stack's memory is mapped, not allocated: pages that were never used cost nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weir/loop.h"

#define INPUT_MAX  128 /* frames a round */
#define BATCH_MAX  32  /* frames a call of the link */
#define OUTPUT_MAX 256 /* packets a round */
#define READY_MAX  64  /* descriptors a round */

#define NS_PER_S  1000000000u
#define NS_PER_MS 1000000u

struct weir_watch {
	struct weir_watch *next, *prev; /* in loop->watches or loop->removed */
	struct weir_loop *loop;
	int fd;
	uint32_t events;
	void (*ready)(void *user, uint32_t events); /* NULL: removed */
	void *user;
};

struct weir_loop {
	struct weir_stack *stack;
	void *mem;
	size_t mem_len;
	struct weir_link *link;
	int epoll_fd;
	weir_time now;
	bool running;
	bool more;         /* something was done after the last output: do not sleep */
	bool coarse_sleep; /* the kernel has no epoll_pwait2 */
	struct weir_watch watches, removed; /* list heads */
	void (*event)(void *user, struct weir_loop *loop, const struct weir_event *ev);
	void (*round)(void *user, struct weir_loop *loop);
	void *user;
};

static void watch_link(struct weir_watch *head, struct weir_watch *w)
{
	w->next = head;
	w->prev = head->prev;
	head->prev->next = w;
	head->prev = w;
}

static void watch_unlink(struct weir_watch *w)
{
	w->prev->next = w->next;
	w->next->prev = w->prev;
}

static void free_watches(struct weir_watch *head)
{
	while (head->next != head) {
		struct weir_watch *w = head->next;

		watch_unlink(w);
		free(w);
	}
}

static int epoll_set(struct weir_loop *loop, int op, int fd, uint32_t events, void *who)
{
	struct epoll_event ev = {.events = events, .data.ptr = who};

	return epoll_ctl(loop->epoll_fd, op, fd, &ev);
}

struct weir_watch *weir_loop_watch(struct weir_loop *loop, int fd, uint32_t events,
				   void (*ready)(void *user, uint32_t events), void *user)
{
	struct weir_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	if (epoll_set(loop, EPOLL_CTL_ADD, fd, events, w) != 0) {
		free(w);
		return NULL;
	}
	w->loop = loop;
	w->fd = fd;
	w->events = events;
	w->ready = ready;
	w->user = user;
	watch_link(&loop->watches, w);
	return w;
}

int weir_watch_set(struct weir_watch *w, uint32_t events)
{
	if (w->events == events)
		return 0;
	if (epoll_set(w->loop, EPOLL_CTL_MOD, w->fd, events, w) != 0)
		return -1;
	w->events = events;
	return 0;
}

void weir_watch_remove(struct weir_watch *w)
{
	(void)epoll_set(w->loop, EPOLL_CTL_DEL, w->fd, 0, NULL);
	w->ready = NULL;
	watch_unlink(w);
	watch_link(&w->loop->removed, w);
}

static int stack_open(struct weir_loop *loop, const struct weir_config *config)
{
	struct weir_config cfg = *config;

	cfg.link_mtu = loop->link->mtu;
	cfg.link_gso_max = loop->link->gso_max;
	cfg.link_csum_offload = loop->link->csum_offload;
	loop->mem_len = weir_stack_bytes(&cfg);
	if (loop->mem_len == 0) {
		errno = EINVAL;
		return -1;
	}
	loop->mem = mmap(NULL, loop->mem_len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (loop->mem == MAP_FAILED) {
		loop->mem = NULL;
		return -1;
	}
	loop->now = weir_now();
	if (weir_stack_init(&loop->stack, loop->mem, loop->mem_len, &cfg, loop->now) == WEIR_OK)
		return 0;
	errno = EINVAL;
	return -1;
}

/* Gives back everything but the link, which belongs to the caller until open has succeeded. */
static void loop_free(struct weir_loop *loop)
{
	free_watches(&loop->watches);
	free_watches(&loop->removed);
	if (loop->mem != NULL)
		munmap(loop->mem, loop->mem_len);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

int weir_loop_open(struct weir_loop **out, const struct weir_loop_args *args)
{
	struct weir_loop *loop = calloc(1, sizeof(*loop));
	int saved;

	if (loop == NULL)
		return -1;
	loop->watches.next = loop->watches.prev = &loop->watches;
	loop->removed.next = loop->removed.prev = &loop->removed;
	loop->link = args->link;
	loop->event = args->event;
	loop->round = args->round;
	loop->user = args->user;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	/* The link is the one descriptor whose pointer is no watch. */
	if (loop->epoll_fd >= 0 &&
	    epoll_set(loop, EPOLL_CTL_ADD, loop->link->fd, EPOLLIN, loop) == 0 &&
	    stack_open(loop, args->config) == 0) {
		*out = loop;
		return 0;
	}
	saved = errno;
	loop_free(loop);
	errno = saved;
	return -1;
}

void weir_loop_close(struct weir_loop *loop)
{
	struct weir_link *link = loop->link;

	loop_free(loop);
	weir_link_close(link);
}

struct weir_stack *weir_loop_stack(struct weir_loop *loop)
{
	return loop->stack;
}

weir_time weir_loop_now(const struct weir_loop *loop)
{
	return loop->now;
}

static void refresh_now(struct weir_loop *loop)
{
	weir_time now = weir_now();

	if (now > loop->now)
		loop->now = now;
}

/* Sleeps until something is ready or `deadline`. Ready descriptors, 0, or -1 with errno. */
static int sleep_until(struct weir_loop *loop, struct epoll_event *ready, weir_time deadline)
{
	weir_time now = weir_now();
	weir_time wait = deadline > now ? deadline - now : 0;
	struct timespec ts = {.tv_sec = (time_t)(wait / NS_PER_S),
			      .tv_nsec = (long)(wait % NS_PER_S)};
	int n;

	if (!loop->coarse_sleep) {
		n = epoll_pwait2(loop->epoll_fd, ready, READY_MAX,
				 deadline == WEIR_NEVER ? NULL : &ts, NULL);
		if (n >= 0 || errno == EINTR)
			return n < 0 ? 0 : n;
		if (errno != ENOSYS)
			return -1;
		loop->coarse_sleep = true;
	}
	wait = (wait + NS_PER_MS - 1) / NS_PER_MS;
	n = epoll_wait(loop->epoll_fd, ready, READY_MAX,
		       deadline == WEIR_NEVER ? -1 : (int)(wait < INT32_MAX ? wait : INT32_MAX));
	return n < 0 && errno == EINTR ? 0 : n;
}

/* 0; -1 with errno: the link failed. */
static int take_input(struct weir_loop *loop)
{
	struct weir_frame frames[BATCH_MAX];
	int total = 0;
	int i, n;

	do {
		n = loop->link->ops->recv(loop->link, frames, BATCH_MAX);
		if (n < 0)
			return -1;
		for (i = 0; i < n; i++)
			(void)weir_input(loop->stack, &frames[i], loop->now);
		total += n;
		/* A batch that is not full ended for want of frames, or of cache: what may be
		 * left is for the next round, after this one's acknowledgements. */
	} while (n == BATCH_MAX && total < INPUT_MAX);
	return 0;
}

static void call_watches(struct weir_loop *loop, const struct epoll_event *ready, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct weir_watch *w = ready[i].data.ptr;

		if ((void *)w != loop && w->ready != NULL)
			w->ready(w->user, ready[i].events);
	}
	free_watches(&loop->removed);
}

/* Whether there were any. */
static bool hand_out_events(struct weir_loop *loop)
{
	struct weir_event ev;
	bool any = false;

	/* Not bounded here: callbacks make no events without new input or time. */
	while (weir_event_next(loop->stack, &ev)) {
		loop->event(loop->user, loop, &ev);
		any = true;
	}
	return any;
}

static void send_output(struct weir_loop *loop)
{
	struct weir_packet p;
	int n;

	refresh_now(loop);
	for (n = 0; n < OUTPUT_MAX && weir_output(loop->stack, &p, loop->now); n++)
		(void)loop->link->ops->send(loop->link, &p); /* the link counts what it lost */
}

/* One round without its sleep. 0; -1 with errno: the link failed. */
static int do_round(struct weir_loop *loop, const struct epoll_event *ready, int n)
{
	int i;

	refresh_now(loop);
	for (i = 0; i < n; i++) {
		if (ready[i].data.ptr == loop && take_input(loop) != 0)
			return -1;
	}
	call_watches(loop, ready, n);
	(void)hand_out_events(loop);
	if (loop->round != NULL)
		loop->round(loop->user, loop);
	send_output(loop);
	loop->more = hand_out_events(loop);
	return 0;
}

int weir_loop_run(struct weir_loop *loop)
{
	struct epoll_event ready[READY_MAX];
	int n = 0;

	loop->running = true;
	/* The first round has no sleep: what was done to the stack before goes out at once. */
	while (do_round(loop, ready, n) == 0) {
		if (!loop->running)
			return 0;
		n = sleep_until(loop, ready,
				loop->more ? 0 : weir_deadline(loop->stack, loop->now));
		if (n < 0)
			break;
	}
	return -1;
}

void weir_loop_stop(struct weir_loop *loop)
{
	loop->running = false;
}
