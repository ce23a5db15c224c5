/*
 * transfer.c: a client on the kernel's TCP that times transfers over a bad path.
 *
 *   transfer ADDRESS CC down SECONDS                 from source (19), for so long
 *   transfer ADDRESS CC up   SECONDS                 to discard (9), for so long
 *   transfer ADDRESS CC fetch BYTES COUNT LIMIT_S    from sized (20), one after the other
 *   transfer ADDRESS CC store BYTES COUNT LIMIT_S    to discard (9), likewise
 *
 * Prints one JSON object. For a time: `bytes` that had arrived when it was over (up: that were
 * acknowledged), `seconds`, `local_port`. For sizes: `times`, a list with the seconds from
 * connect() to the last byte (fetch) or to the far end's close, which comes when it has read
 * everything (store); null: not done within LIMIT_S, or reset.
 */
#include "kernel_sock.h"

#include <endian.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARD 9
#define SOURCE  19
#define SIZED   20

static uint8_t chunk[CHUNK];

struct transfer {
	int fd;
	double start, end; /* s */
	int port;
};

/* Waits for `events`. 0; -1: time is up. */
static int wait_for(const struct transfer *t, short events)
{
	struct pollfd p = {.fd = t->fd, .events = events};
	double left = t->end - now_s();
	struct timespec ts;

	if (left <= 0)
		return -1;
	ts.tv_sec = (time_t)left;
	ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
	return ppoll(&p, 1, &ts, NULL) > 0 ? 0 : -1;
}

static int open_transfer(struct transfer *t, const char *address, const char *cc, unsigned port,
			 double limit)
{
	struct target to = target_of(address, port);
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	int error = 0;

	t->fd = open_socket(&to, SOCK_NONBLOCK);
	if (tune_socket(t->fd, cc) != 0)
		die(cc);
	t->start = now_s();
	t->end = t->start + limit;
	if (connect(t->fd, (struct sockaddr *)&to.addr, to.len) != 0 && errno != EINPROGRESS)
		die("connect");
	if (getsockname(t->fd, (struct sockaddr *)&own, &len) != 0)
		die("getsockname");
	t->port = ntohs(own.sin_port);
	if (wait_for(t, POLLOUT) != 0)
		return -1;
	len = sizeof(error);
	(void)getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == 0 ? 0 : -1;
}

/* What is still queued goes with a reset. */
static void drop_transfer(const struct transfer *t)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(t->fd);
}

/* Reads up to `bytes`, or to the end. How many there were. */
static uint64_t receive(const struct transfer *t, uint64_t bytes)
{
	uint64_t got = 0;

	while (got < bytes) {
		size_t want = bytes - got < CHUNK ? (size_t)(bytes - got) : CHUNK;
		ssize_t n = read(t->fd, chunk, want);

		if (n > 0)
			got += (uint64_t)n;
		else if (n == 0 || errno != EAGAIN || wait_for(t, POLLIN) != 0)
			break;
	}
	return got;
}

/* Writes up to `bytes`. How many were taken. */
static uint64_t give(const struct transfer *t, uint64_t bytes)
{
	uint64_t put = 0;

	while (put < bytes) {
		size_t want = bytes - put < CHUNK ? (size_t)(bytes - put) : CHUNK;
		ssize_t n = send(t->fd, chunk, want, MSG_NOSIGNAL);

		if (n > 0)
			put += (uint64_t)n;
		else if (errno != EAGAIN || wait_for(t, POLLOUT) != 0)
			break;
	}
	return put;
}

static uint64_t acknowledged(const struct transfer *t)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		die("TCP_INFO");
	/* A SYN counts for one. */
	return info.tcpi_bytes_acked > 0 ? info.tcpi_bytes_acked - 1 : 0;
}

static void run_time(const char *address, const char *cc, const char *what, double seconds)
{
	int up = strcmp(what, "up") == 0;
	struct transfer t;
	uint64_t bytes = 0;

	if (open_transfer(&t, address, cc, up ? DISCARD : SOURCE, seconds) == 0) {
		if (up) {
			(void)give(&t, UINT64_MAX);
			bytes = acknowledged(&t);
		} else {
			bytes = receive(&t, UINT64_MAX);
		}
	}
	printf("{\"what\": \"%s\", \"bytes\": %llu, \"seconds\": %.6f, \"local_port\": %d}\n", what,
	       (unsigned long long)bytes, now_s() - t.start, t.port);
	drop_transfer(&t);
}

/* Whether it was done in time. */
static int run_one(struct transfer *t, const char *address, const char *cc, int store,
		   uint64_t bytes, double limit)
{
	uint64_t number = htobe64(bytes);

	if (open_transfer(t, address, cc, store ? DISCARD : SIZED, limit) != 0)
		return 0;
	if (store) {
		if (give(t, bytes) != bytes || shutdown(t->fd, SHUT_WR) != 0)
			return 0;
		/* Nothing comes but the end. */
		return wait_for(t, POLLIN) == 0 && read(t->fd, chunk, 1) == 0;
	}
	return write(t->fd, &number, sizeof(number)) == (ssize_t)sizeof(number) &&
	       receive(t, bytes) == bytes;
}

static void run_sizes(const char *address, const char *cc, char **args)
{
	int store = strcmp(args[0], "store") == 0, count = atoi(args[2]);
	uint64_t bytes = strtoull(args[1], NULL, 10);
	double limit = atof(args[3]);

	printf("{\"what\": \"%s\", \"bytes\": %llu, \"times\": [", args[0],
	       (unsigned long long)bytes);
	for (int i = 0; i < count; i++) {
		struct transfer t;
		int done = run_one(&t, address, cc, store, bytes, limit);
		double took = now_s() - t.start;

		if (done) {
			printf("%s%.6f", i == 0 ? "" : ", ", took);
			close(t.fd);
		} else {
			printf("%snull", i == 0 ? "" : ", ");
			drop_transfer(&t);
		}
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	if (argc == 5 && (strcmp(argv[3], "down") == 0 || strcmp(argv[3], "up") == 0)) {
		run_time(argv[1], argv[2], argv[3], atof(argv[4]));
		return 0;
	}
	if (argc == 7 && (strcmp(argv[3], "fetch") == 0 || strcmp(argv[3], "store") == 0)) {
		run_sizes(argv[1], argv[2], argv + 3);
		return 0;
	}
	fprintf(stderr, "transfer: wrong arguments\n");
	return 2;
}
