/*
 * path.c: an imperfect path between two network namespaces: two TUN devices, and the model of
 * weir/impair.h for each direction between them.
 *
 * Theory of operation
 *
 * One thread. A round takes all packets that are in either device, offers each to its direction's
 * model with the time at which it was taken, writes out what the models say has left, and waits for
 * the next packet or the next deadline. A deadline nearer than `spin_ns` is waited for without
 * sleeping, since a sleep wakes tens of microseconds late. How late packets left behind the model's
 * time is in the figures (`late_us`): the path's own error. Rates are not touched by it, since the
 * models reckon with their own times and not with those at which the program woke.
 *
 * The devices are made without IFF_VNET_HDR and without offload, so each read and write is one IP
 * packet as on a wire, and the kernel cuts up its super-segments before. Their queues are long
 * (4,096 packets): the bottleneck is the model's queue, not the device's.
 *
 * Bytes stay in a slot from the read to the last write; the slot's number is the model's id, and
 * there are as many slots as packets may be inside.
 *
 * Nothing leaves the two devices: the program opens no socket but to set them up.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "path_flow.h"
#include "path_options.h"
#include "weir/impair.h"
#include "weir/link.h"

#define BATCH     64u
#define SLOT_NONE UINT32_MAX
/* Lateness in octaves of microseconds: below 1, below 2, ... */
#define LATE_BUCKETS 32u

struct slot {
	struct flow_piece piece;
	uint32_t len;
	uint32_t next; /* free slot */
};

struct direction {
	struct weir_impair *im;
	void *mem;
	int from, to; /* devices */
	uint8_t side; /* of `from` */
	struct slot *slots;
	uint8_t *bytes; /* mtu of each slot */
	uint32_t free;
	uint64_t write_errors;
	uint64_t late[LATE_BUCKETS];
};

struct path {
	struct path_options options;
	struct direction directions[2];
	struct flows *flows;
	int epoll, signals;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "weir-bench-path: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- Devices ------------------------------------------------------------------------------------
 */

static void enter_namespace(const char *name)
{
	char file[128];
	int fd;

	snprintf(file, sizeof(file), "/run/netns/%s", name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die(file);
	close(fd);
}

static int open_device(const struct path_end *end, uint32_t mtu)
{
	struct ifreq ifr;
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd;

	enter_namespace(end->namespace);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", end->device);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0)
		die("/dev/net/tun");
	if (weir_tun_configure(end->device, mtu, end->address[0] != '\0' ? end->address : NULL,
			       NULL) != 0)
		die(end->device);
	if (own < 0 || setns(own, CLONE_NEWNET) != 0)
		die("own namespace");
	close(own);
	return fd;
}

static void open_direction(struct path *p, unsigned i, const int *devices)
{
	struct direction *d = &p->directions[i];
	const struct weir_impair_conf *conf = &p->options.confs[i];
	size_t size = weir_impair_size(conf);

	d->from = devices[i];
	d->to = devices[1 - i];
	d->side = (uint8_t)i;
	d->mem = malloc(size);
	d->im = d->mem != NULL ? weir_impair_init(d->mem, size, conf) : NULL;
	d->slots = calloc(conf->packets_max, sizeof(*d->slots));
	d->bytes = malloc((size_t)conf->packets_max * p->options.mtu);
	if (d->im == NULL || d->slots == NULL || d->bytes == NULL)
		die("memory");
	for (uint32_t n = 0; n < conf->packets_max; n++)
		d->slots[n].next = n + 1 < conf->packets_max ? n + 1 : SLOT_NONE;
}

static void watch(const struct path *p, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("epoll_ctl");
}

static void open_path(struct path *p)
{
	struct sched_param priority = {.sched_priority = 1};
	int devices[2];
	sigset_t set;

	for (int i = 0; i < 2; i++)
		devices[i] = open_device(&p->options.ends[i], p->options.mtu);
	p->flows = flows_new();
	if (p->flows == NULL)
		die("memory");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->signals < 0 || p->epoll < 0)
		die("epoll");
	watch(p, p->signals);
	for (unsigned i = 0; i < 2; i++) {
		open_direction(p, i, devices);
		watch(p, devices[i]);
	}
	prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
	if (p->options.realtime && sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
		fprintf(stderr, "weir-bench-path: no real-time priority: %s\n", strerror(errno));
}

/* --- Packets ------------------------------------------------------------------------------------
 */

static uint8_t *bytes_of(const struct path *p, const struct direction *d, uint32_t slot)
{
	return d->bytes + (size_t)slot * p->options.mtu;
}

static void free_slot(struct direction *d, uint32_t slot)
{
	d->slots[slot].next = d->free;
	d->free = slot;
}

static void offer(struct path *p, struct direction *d, uint32_t slot, size_t len)
{
	uint8_t *bytes = bytes_of(p, d, slot);
	uint64_t now = now_ns();
	struct slot *s = &d->slots[slot];

	s->len = (uint32_t)len;
	s->piece = flows_enter(p->flows, bytes, len, d->side, now);
	if (weir_impair_offer(d->im, s->len, weir_impair_ecn_of(bytes, len), now, slot) ==
	    WEIR_IMPAIR_ACCEPTED) {
		flows_accept(p->flows, &s->piece);
		return;
	}
	flows_reject(p->flows, &s->piece);
	free_slot(d, slot);
}

static void take_in(struct path *p, struct direction *d)
{
	for (unsigned i = 0; i < BATCH && d->free != SLOT_NONE; i++) {
		uint32_t slot = d->free;
		ssize_t got = read(d->from, bytes_of(p, d, slot), p->options.mtu);

		if (got <= 0)
			return;
		d->free = d->slots[slot].next;
		offer(p, d, slot, (size_t)got);
	}
}

static void note_late(struct direction *d, uint64_t late_ns)
{
	unsigned bucket = 0;

	while (bucket + 1 < LATE_BUCKETS && late_ns >> bucket >= 1000)
		bucket++;
	d->late[bucket]++;
}

static void deliver(struct path *p, struct direction *d, const struct weir_impair_out *out,
		    uint64_t now)
{
	uint32_t slot = (uint32_t)out->id;
	uint8_t *bytes = bytes_of(p, d, slot);
	struct slot *s = &d->slots[slot];

	if (out->ce)
		weir_impair_set_ce(bytes, s->len);
	if (out->corrupt)
		weir_impair_damage(bytes, s->len, out->noise);
	if (write(d->to, bytes, s->len) != (ssize_t)s->len)
		d->write_errors++;
	if (out->corrupt)
		flows_lose(p->flows, &s->piece);
	else
		flows_deliver(p->flows, &s->piece, now);
	/* The same damage again is none: it inverts bits. */
	if (out->corrupt && !out->last)
		weir_impair_damage(bytes, s->len, out->noise);
	note_late(d, now - out->at);
}

static void let_out(struct path *p, struct direction *d)
{
	struct weir_impair_out out;
	uint64_t now = now_ns();

	while (weir_impair_next(d->im, now, &out)) {
		switch (out.fate) {
		case WEIR_IMPAIR_LEAVES:
			deliver(p, d, &out, now);
			break;
		case WEIR_IMPAIR_DROPPED:
			flows_lose(p->flows, &d->slots[out.id].piece);
			break;
		}
		if (out.last)
			free_slot(d, (uint32_t)out.id);
	}
}

/* Waits for packets or the next deadline. Whether to go on. */
static int wait_for_work(struct path *p)
{
	uint64_t a = weir_impair_deadline(p->directions[0].im);
	uint64_t b = weir_impair_deadline(p->directions[1].im);
	uint64_t deadline = a < b ? a : b, now = now_ns(), left;
	struct epoll_event ready[3];
	struct timespec ts;
	int n;

	left = deadline > now ? deadline - now : 0;
	if (left < p->options.spin_ns)
		left = 0;
	ts = (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
	n = epoll_pwait2(p->epoll, ready, 3, deadline == WEIR_NEVER ? NULL : &ts, NULL);
	if (n < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < n; i++) {
		if (ready[i].data.fd == p->signals)
			return 0;
	}
	return 1;
}

/* --- Figures ------------------------------------------------------------------------------------
 */

static json_t *late_json(const struct direction *d)
{
	static const struct {
		const char *name;
		unsigned permille;
	} quantiles[] = {{"p50", 500}, {"p99", 990}, {"p999", 999}, {"max", 1000}};
	json_t *o = json_object();
	uint64_t all = 0, seen = 0;
	unsigned bucket = 0;

	for (unsigned i = 0; i < LATE_BUCKETS; i++)
		all += d->late[i];
	for (unsigned q = 0; q < 4; q++) {
		for (; bucket < LATE_BUCKETS && seen * 1000 < all * quantiles[q].permille; bucket++)
			seen += d->late[bucket];
		json_object_set_new(o, quantiles[q].name,
				    json_integer(bucket == 0 ? 0 : (json_int_t)1 << (bucket - 1)));
	}
	return o;
}

static void set(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static json_t *direction_json(const struct direction *d)
{
	const struct weir_impair_stats *s = weir_impair_stats(d->im);
	json_t *o = json_object(), *verdicts = json_object();

	set(o, "packets", s->packets);
	set(o, "bytes", s->bytes);
	for (int v = 0; v < WEIR_IMPAIR_VERDICTS; v++)
		set(verdicts, weir_impair_verdict_name((enum weir_impair_verdict)v),
		    s->verdicts[v]);
	json_object_set_new(o, "verdicts", verdicts);
	set(o, "codel_drops", s->codel_drops);
	set(o, "marks_codel", s->marks_codel);
	set(o, "marks_queue", s->marks_queue);
	set(o, "held", s->held);
	set(o, "reordered", s->late);
	set(o, "copies", s->copies);
	set(o, "corrupted", s->corrupted);
	set(o, "out_packets", s->out_packets);
	set(o, "out_bytes", s->out_bytes);
	set(o, "queue_bytes_high", s->queue_bytes_high);
	set(o, "queue_packets_high", s->queue_packets_high);
	set(o, "sojourn_max_us", s->sojourn_max_ns / 1000);
	set(o, "sojourn_mean_us",
	    s->out_packets != 0 ? s->sojourn_sum_ns / s->out_packets / 1000 : 0);
	set(o, "write_errors", d->write_errors);
	json_object_set_new(o, "late_us", late_json(d));
	return o;
}

static void print_figures(const struct path *p, double seconds)
{
	json_t *o = json_object();

	json_object_set_new(o, "seconds", json_real(seconds));
	json_object_set_new(o, "a_to_b", direction_json(&p->directions[0]));
	json_object_set_new(o, "b_to_a", direction_json(&p->directions[1]));
	json_object_set_new(o, "flows", flows_json(p->flows));
	json_dumpf(o, stdout, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(o);
}

int main(int argc, char **argv)
{
	static struct path path;
	int rc = path_options_read(&path.options, argc, argv);
	uint64_t start = now_ns();

	if (rc != 0)
		return rc == 1 ? 0 : rc;
	open_path(&path);
	fprintf(stderr, "ready\n");
	do {
		for (int i = 0; i < 2; i++)
			take_in(&path, &path.directions[i]);
		for (int i = 0; i < 2; i++)
			let_out(&path, &path.directions[i]);
	} while (wait_for_work(&path));
	print_figures(&path, (double)(now_ns() - start) * 1e-9);
	for (int i = 0; i < 2; i++) {
		free(path.directions[i].mem);
		free(path.directions[i].slots);
		free(path.directions[i].bytes);
	}
	flows_free(path.flows);
	return 0;
}
