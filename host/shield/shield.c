/*
 * Theory of operation
 *
 * The program (kern/shield.bpf.c) is loaded and attached to the device's egress once; whether it
 * acts is said by the map `shared`, which lies in our memory and in the kernel's at once. So does
 * the map `slots`, which is the memory that the engine is lent for what it owns.
 *
 * shield_round() looks after each round of the loop whether the engine's rules have changed: then
 * they are written to the half of `shared` that is not in force, and that half is named. A listener
 * that begins to send cookies is thus relieved in the same round. While any is on, a timer fires
 * ten times a second: it moves on the time until which the program may act, a second ahead, and
 * reports what it has answered. It does not fire while all are off.
 *
 * At the end, orderly, the program is taken from the device. If we are killed, the device may stay
 * (it may be the user's, who made it), and the program with it: it stops within a second, and the
 * next shield_open() replaces it, as handle and priority are always the same. The clsact
 * queueing discipline, which may have been there before and may serve others, stays.
 *
 * Without clang or libbpf at the build there is no program, and shield_open() says so.
 */
#include "host/shield/shield.h"

#include <stdio.h>

#ifdef WEIR_SHIELD_OBJECT

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kern/maps.h"

#define TC_HANDLE   1u
#define TC_PRIORITY 0x5e1du /* whose program it is; others' are mostly small numbers */
#define REPORT_MS   100u
#define LEASE_NS    1000000000u
#define NS_PER_MS   1000000u
#define CPUS_ENOUGH 1024

struct shield {
	struct weir_loop *loop;
	struct weir_stack *stack;
	struct bpf_object *object;
	struct shield_shared *shared;
	struct weir_front_slot *slots;
	size_t slots_len;
	struct bpf_tc_hook hook;
	bool attached, fronted, on;
	uint32_t serial; /* of the rules in force */
	int timer_fd;
	struct weir_watch *timer;
	struct shield_counts *each; /* one for each core */
	int cpus;
	uint64_t reported[WEIR_FRONT_LISTENERS];
	uint64_t answered;
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* --- While it is there ------------------------------------------------------------------------ */

static void report(struct shield *h)
{
	struct bpf_map *counts = bpf_object__find_map_by_name(h->object, "counts");
	weir_time now = weir_loop_now(h->loop);
	uint32_t first = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(counts), &first, h->each) != 0)
		return;
	for (unsigned i = 0; i < WEIR_FRONT_LISTENERS; i++) {
		uint64_t sum = 0, more;

		for (int cpu = 0; cpu < h->cpus; cpu++)
			sum += h->each[cpu].answered[i];
		more = sum - h->reported[i];
		h->reported[i] = sum;
		h->answered += more;
		weir_front_report(h->stack, i, more, now);
	}
}

static void lease_until(struct shield *h, uint64_t until_ns)
{
	__atomic_store_n(&h->shared->until_ns, until_ns, __ATOMIC_RELEASE);
}

static void on_timer(void *user, uint32_t events)
{
	struct shield *h = user;
	uint64_t expired;

	(void)events;
	if (read(h->timer_fd, &expired, sizeof(expired)) < 0)
		return; /* it was set anew since it fired */
	if (h->on)
		lease_until(h, weir_now() + LEASE_NS);
	report(h);
}

static void set_timer(const struct shield *h, uint32_t ms)
{
	struct itimerspec at = {.it_interval.tv_nsec = (long)ms * NS_PER_MS,
				.it_value.tv_nsec = (long)ms * NS_PER_MS};

	(void)timerfd_settime(h->timer_fd, 0, &at, NULL);
}

static void put_rules_in_force(struct shield *h)
{
	uint32_t other = !h->shared->in_force;

	weir_front_rules_get(h->stack, &h->shared->rules[other]);
	__atomic_store_n(&h->shared->in_force, other, __ATOMIC_RELEASE);
}

void shield_round(struct shield *h)
{
	uint32_t serial = weir_front_update(h->stack, weir_loop_now(h->loop));
	bool on = weir_front_is_on(h->stack);

	if (serial == h->serial)
		return;
	h->serial = serial;
	put_rules_in_force(h);
	if (on == h->on)
		return;
	h->on = on;
	lease_until(h, on ? weir_now() + LEASE_NS : 0);
	set_timer(h, on ? REPORT_MS : 0);
	if (!on)
		report(h);
}

uint64_t shield_answered(const struct shield *h)
{
	return h->answered;
}

/* --- Loading and attaching -------------------------------------------------------------------- */

static int complain(char *why, size_t len, const char *what, int error)
{
	if (error == EPERM || error == EACCES) /* the latter without CAP_PERFMON */
		snprintf(why, len,
			 "%s: not permitted (root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)",
			 what);
	else
		snprintf(why, len, "%s: %s", what, strerror(error));
	return -1;
}

static void *map_memory(const struct shield *h, const char *name, size_t len)
{
	int fd = bpf_map__fd(bpf_object__find_map_by_name(h->object, name));
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static int load(struct shield *h)
{
	uint32_t slots = weir_front_slots(h->stack);
	size_t len;
	const void *bytes = shield_object(&len);

	libbpf_set_print(silent);
	h->object = bpf_object__open_mem(bytes, len, NULL);
	if (h->object == NULL ||
	    bpf_map__set_max_entries(bpf_object__find_map_by_name(h->object, "slots"),
				     slots / SHIELD_SLOTS_EACH) != 0 ||
	    bpf_object__load(h->object) != 0)
		return -1;
	h->slots_len = slots * sizeof(*h->slots);
	h->shared = map_memory(h, "shared", sizeof(*h->shared));
	h->slots = map_memory(h, "slots", h->slots_len);
	h->cpus = libbpf_num_possible_cpus();
	if (h->cpus <= 0 || h->cpus > CPUS_ENOUGH)
		return -1;
	h->each = calloc((size_t)h->cpus, sizeof(*h->each));
	return h->shared != NULL && h->slots != NULL && h->each != NULL ? 0 : -1;
}

/* What bpf_tc_attach() and bpf_tc_detach() name the program by. */
#define TC_OPTS(name) LIBBPF_OPTS(bpf_tc_opts, name, .handle = TC_HANDLE, .priority = TC_PRIORITY)

/* 0 or an errno. */
static int attach(struct shield *h, const char *device)
{
	struct bpf_program *p = bpf_object__find_program_by_name(h->object, "weir_shield");
	TC_OPTS(opts);
	int rc;

	h->hook = (struct bpf_tc_hook){.sz = sizeof(h->hook),
				       .ifindex = (int)if_nametoindex(device),
				       .attach_point = BPF_TC_EGRESS};
	rc = bpf_tc_hook_create(&h->hook);
	if (rc != 0 && rc != -EEXIST)
		return -rc;
	opts.prog_fd = bpf_program__fd(p);
	opts.flags = BPF_TC_F_REPLACE;
	rc = bpf_tc_attach(&h->hook, &opts);
	h->attached = rc == 0;
	return -rc;
}

static int lend_slots(struct shield *h)
{
	struct weir_front_args args = {.slots = h->slots,
				       .slot_count = weir_front_slots(h->stack),
				       .answered_ms = h->shared->answered_ms};

	h->fronted = weir_front_open(h->stack, &args) == WEIR_OK;
	return h->fronted ? 0 : -1;
}

static int start_timer(struct shield *h)
{
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (h->timer_fd < 0)
		return -1;
	h->timer = weir_loop_watch(h->loop, h->timer_fd, EPOLLIN, on_timer, h);
	return h->timer != NULL ? 0 : -1;
}

static int open_all(struct shield *h, const char *device, char *why, size_t len)
{
	int error;

	if (load(h) != 0)
		return complain(why, len, "the program cannot be loaded into the kernel", errno);
	if (lend_slots(h) != 0 || start_timer(h) != 0)
		return complain(why, len, "it cannot be set up", errno);
	error = attach(h, device);
	if (error != 0)
		return complain(why, len, "tc (clsact) does not take the program", error);
	return 0;
}

int shield_open(struct shield **out, struct weir_loop *loop, const char *name, char *why,
		size_t len)
{
	struct shield *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return complain(why, len, "it cannot be set up", ENOMEM);
	h->loop = loop;
	h->stack = weir_loop_stack(loop);
	h->timer_fd = -1;
	if (open_all(h, name, why, len) == 0) {
		*out = h;
		return 0;
	}
	shield_close(h);
	return -1;
}

void shield_close(struct shield *h)
{
	TC_OPTS(opts);

	if (h->shared != NULL)
		lease_until(h, 0);
	if (h->attached)
		(void)bpf_tc_detach(&h->hook, &opts);
	if (h->fronted) {
		report(h);
		weir_front_close(h->stack);
	}
	if (h->timer != NULL)
		weir_watch_remove(h->timer);
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	if (h->shared != NULL)
		munmap(h->shared, sizeof(*h->shared));
	if (h->slots != NULL)
		munmap(h->slots, h->slots_len);
	bpf_object__close(h->object);
	free(h->each);
	free(h);
}

#else

int shield_open(struct shield **out, struct weir_loop *loop, const char *name, char *why,
		size_t len)
{
	(void)loop;
	(void)name;
	*out = NULL;
	snprintf(why, len, "this weir was built without it (clang and libbpf were missing)");
	return -1;
}

void shield_round(struct shield *h)
{
	(void)h;
}

uint64_t shield_answered(const struct shield *h)
{
	(void)h;
	return 0;
}

void shield_close(struct shield *h)
{
	(void)h;
}

#endif
