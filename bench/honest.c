/*
 * honest.c: clients on the kernel's TCP that want to be served, one byte each.
 *
 *   weir-bench-honest --to ADDRESS --port N --count N [--rate N] [--parallel N] [--limit-ms N]
 *
 * Theory of operation
 *
 * A client connects to an echo service, sends one byte, and is served when it has that byte back
 * within the limit (3 s) of the moment it began; the kernel sends its SYN again after 1 s, so that
 * one lost SYN is no failure but a slow client. Each client is a socket of its own, with the
 * kernel's own choice of port.
 *
 * With --rate, clients begin evenly over time, however those before them fare: an overloaded server
 * does not get fewer of them. That is an open loop, and the only one of which a success rate can be
 * told. Without it the next begins when fewer than --parallel are under way (1: one after another).
 *
 * One JSON object on standard output: how many tried, were served, were refused or reset, were too
 * late; and of those served the time to connect() and to the byte, in microseconds. Times are taken
 * when epoll tells, so the scheduler's delay is in them, for every server alike.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ll
#define COUNT_MAX 1000000u
#define READY_MAX 64

enum stage { STAGE_CONNECTING, STAGE_WAITING, STAGE_SERVED, STAGE_REFUSED, STAGE_LATE };

struct client {
	int64_t begun_ns, connected_ns, served_ns;
	int fd;
	enum stage stage;
};

struct bench {
	struct sockaddr_in to;
	uint64_t port, count, rate, parallel, limit_ms;
	struct client *clients; /* of `count` */
	int epoll_fd;
	int64_t start_ns;
	uint64_t begun, ended;
	uint64_t oldest; /* those before it have ended */
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "weir-bench-honest: %s: %s\n", what, why);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

static void end_client(struct bench *b, struct client *c, enum stage stage)
{
	close(c->fd);
	c->fd = -1;
	c->stage = stage;
	b->ended++;
}

static void begin_client(struct bench *b, int64_t now)
{
	struct client *c = &b->clients[b->begun];
	struct epoll_event ev = {.events = EPOLLOUT, .data.u64 = b->begun};
	int one = 1;

	b->begun++;
	c->begun_ns = now;
	c->stage = STAGE_CONNECTING;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket", strerror(errno));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (const struct sockaddr *)&b->to, sizeof(b->to)) != 0 &&
	    errno != EINPROGRESS)
		die("connect", strerror(errno)); /* nothing of the server's has been heard yet */
	if (epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		die("epoll_ctl", strerror(errno));
}

static void on_connected(struct bench *b, struct client *c, uint64_t index, int64_t now)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = index};
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0 ||
	    send(c->fd, "w", 1, MSG_NOSIGNAL) != 1) {
		end_client(b, c, STAGE_REFUSED);
		return;
	}
	c->connected_ns = now;
	c->stage = STAGE_WAITING;
	if (epoll_ctl(b->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) != 0)
		die("epoll_ctl", strerror(errno));
}

static void on_ready(struct bench *b, uint64_t index, int64_t now)
{
	struct client *c = &b->clients[index];
	char byte;

	if (c->stage == STAGE_CONNECTING) {
		on_connected(b, c, index, now);
	} else if (c->stage == STAGE_WAITING) {
		ssize_t got = recv(c->fd, &byte, 1, 0);

		if (got < 0 && errno == EAGAIN)
			return;
		c->served_ns = now;
		end_client(b, c, got == 1 && byte == 'w' ? STAGE_SERVED : STAGE_REFUSED);
	}
}

/* When the next client begins; INT64_MAX: not before another ends. */
static int64_t next_begin(const struct bench *b)
{
	if (b->begun == b->count || b->begun - b->ended >= b->parallel)
		return INT64_MAX;
	if (b->rate == 0)
		return b->start_ns;
	return b->start_ns + (int64_t)(b->begun * (uint64_t)SECOND_NS / b->rate);
}

static int64_t limit_of(const struct bench *b, const struct client *c)
{
	return c->begun_ns + (int64_t)b->limit_ms * 1000000;
}

/* Ends those whose time is over; they began in order, so the oldest comes first. */
static void end_late(struct bench *b, int64_t now)
{
	for (; b->oldest < b->begun; b->oldest++) {
		struct client *c = &b->clients[b->oldest];

		if (c->fd < 0)
			continue;
		if (limit_of(b, c) > now)
			return;
		end_client(b, c, STAGE_LATE);
	}
}

static void wait_for_next(struct bench *b, int64_t now)
{
	struct epoll_event ready[READY_MAX];
	int64_t at = next_begin(b);
	struct timespec wait;
	int i, n;

	if (b->oldest < b->begun && limit_of(b, &b->clients[b->oldest]) < at)
		at = limit_of(b, &b->clients[b->oldest]);
	at = at > now ? at - now : 0;
	wait.tv_sec = at / SECOND_NS;
	wait.tv_nsec = at % SECOND_NS;
	n = epoll_pwait2(b->epoll_fd, ready, READY_MAX, &wait, NULL);
	if (n < 0 && errno != EINTR)
		die("epoll_pwait2", strerror(errno));
	now = now_ns();
	for (i = 0; i < n; i++)
		on_ready(b, ready[i].data.u64, now);
}

static void run(struct bench *b)
{
	int64_t now;

	b->start_ns = now_ns();
	while (b->ended < b->count) {
		now = now_ns();
		end_late(b, now);
		while (next_begin(b) <= now)
			begin_client(b, now);
		if (b->ended < b->count)
			wait_for_next(b, now);
	}
}

/* --- Figures ------------------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that `part` of the n values do not exceed; 0 of none. */
static double quantile(const double *sorted, size_t n, double part)
{
	size_t at = (size_t)(part * (double)n);

	return n == 0 ? 0 : sorted[at < n ? at : n - 1];
}

static void print_times(const char *name, double *us, size_t n)
{
	qsort(us, n, sizeof(*us), compare);
	printf(", \"%s_median_us\": %.1f, \"%s_p99_us\": %.1f, \"%s_max_us\": %.1f", name,
	       quantile(us, n, 0.5), name, quantile(us, n, 0.99), name, quantile(us, n, 1));
}

static void report(const struct bench *b, double seconds)
{
	double *connect_us = calloc(b->count, sizeof(double));
	double *byte_us = calloc(b->count, sizeof(double));
	size_t served = 0, refused = 0, late = 0;
	uint64_t i;

	if (connect_us == NULL || byte_us == NULL)
		die("memory", strerror(errno));
	for (i = 0; i < b->count; i++) {
		const struct client *c = &b->clients[i];

		refused += c->stage == STAGE_REFUSED;
		late += c->stage == STAGE_LATE;
		if (c->stage != STAGE_SERVED)
			continue;
		connect_us[served] = (double)(c->connected_ns - c->begun_ns) / 1000;
		byte_us[served++] = (double)(c->served_ns - c->begun_ns) / 1000;
	}
	printf("{\"tried\": %zu, \"served\": %zu, \"refused\": %zu, \"late\": %zu, "
	       "\"seconds\": %.3f",
	       (size_t)b->count, served, refused, late, seconds);
	print_times("connect", connect_us, served);
	print_times("byte", byte_us, served);
	printf("}\n");
	free(connect_us);
	free(byte_us);
}

/* --- Options ------------------------------------------------------------------------------------
 */

static const struct option options[] = {
	{"to", required_argument, NULL, 't'},
	{"port", required_argument, NULL, 'p'},
	{"count", required_argument, NULL, 'c'},
	{"rate", required_argument, NULL, 'r'},
	{"parallel", required_argument, NULL, 'n'},
	{"limit-ms", required_argument, NULL, 'l'},
	{NULL, 0, NULL, 0},
};

static uint64_t read_number(uint64_t max)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(optarg, &end, 10);
	if (errno != 0 || end == optarg || *end != '\0' || *optarg == '-' || number < 1 ||
	    number > max)
		die(optarg, "a number in range is needed");
	return number;
}

static void read_options(struct bench *b, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == 't' && inet_pton(AF_INET, optarg, &b->to.sin_addr) != 1)
			die(optarg, "an IPv4 address is needed");
		else if (id == 'p')
			b->port = read_number(65535);
		else if (id == 'c')
			b->count = read_number(COUNT_MAX);
		else if (id == 'r')
			b->rate = read_number(COUNT_MAX);
		else if (id == 'n')
			b->parallel = read_number(COUNT_MAX);
		else if (id == 'l')
			b->limit_ms = read_number(3600000);
		else if (id == '?')
			die("options", "see the head of bench/honest.c");
	}
	if (optind < argc || b->to.sin_addr.s_addr == 0 || b->port == 0 || b->count == 0)
		die("options", "--to, --port and --count are needed, no others");
	/* With a rate, the rate alone decides. */
	if (b->parallel == 0)
		b->parallel = b->rate != 0 ? COUNT_MAX : 1;
}

int main(int argc, char **argv)
{
	struct bench b = {.to.sin_family = AF_INET, .limit_ms = 3000};

	read_options(&b, argc, argv);
	b.to.sin_port = htons((uint16_t)b.port);
	b.clients = calloc(b.count, sizeof(*b.clients));
	b.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (b.clients == NULL || b.epoll_fd < 0)
		die("start", strerror(errno));
	run(&b);
	report(&b, (double)(now_ns() - b.start_ns) / (double)SECOND_NS);
	free(b.clients);
	close(b.epoll_fd);
	return 0;
}
