/*
 * kernel_peer.c: a plain client and server on the kernel's TCP, for measuring.
 *
 *   kernel_peer upload   ADDRESS PORT SECONDS           Gbit/s sent and taken by the far end
 *   kernel_peer download ADDRESS PORT SECONDS           Gbit/s received
 *   kernel_peer rr       ADDRESS PORT SECONDS SIZE      median round trip in microseconds
 *   kernel_peer connect  ADDRESS PORT SECONDS PARALLEL  connections a second, opened and closed
 *   kernel_peer serve    ADDRESS [CC]                   echo 7, discard 9, source 19, sized 20
 *
 * Each prints one number. CUBIC is asked for, since a machine's default may be another, or what CC
 * names. Sized: the client sends a number as 8 bytes in network order, the server that many bytes.
 */
#include "kernel_sock.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX   4000000u
#define PARALLEL_MAX 256u

static uint8_t chunk[CHUNK];
static const char *cc = "cubic";

static int open_client(const struct target *t)
{
	int fd = open_socket(t, 0);

	(void)tune_socket(fd, cc);
	if (connect(fd, (const struct sockaddr *)&t->addr, t->len) != 0)
		die("connect");
	return fd;
}

static void upload(const struct target *t, double seconds)
{
	int fd = open_client(t);
	double start = now_s(), end = start + seconds;
	uint64_t bytes = 0;

	while (now_s() < end) {
		ssize_t put = write(fd, chunk, sizeof(chunk));

		if (put < 0)
			die("write");
		bytes += (uint64_t)put;
	}
	/* The far end closes when it has read everything. */
	shutdown(fd, SHUT_WR);
	while (read(fd, chunk, sizeof(chunk)) > 0)
		continue;
	printf("%.3f\n", (double)bytes * 8e-9 / (now_s() - start));
	close(fd);
}

static void download(const struct target *t, double seconds)
{
	int fd = open_client(t);
	double start = now_s(), end = start + seconds;
	uint64_t bytes = 0;

	while (now_s() < end) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got <= 0)
			die("read");
		bytes += (uint64_t)got;
	}
	printf("%.3f\n", (double)bytes * 8e-9 / (now_s() - start));
	close(fd);
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void exchange(int fd, size_t size)
{
	size_t got = 0;

	if (write(fd, chunk, size) != (ssize_t)size)
		die("write");
	while (got < size) {
		ssize_t n = read(fd, chunk, size - got);

		if (n <= 0)
			die("read");
		got += (size_t)n;
	}
}

static void round_trips(const struct target *t, double seconds, size_t size)
{
	float *us = malloc(ROUNDS_MAX * sizeof(*us));
	int fd = open_client(t);
	double end = now_s() + seconds;
	double from, to = now_s();
	size_t n = 0;

	if (us == NULL || size == 0 || size > sizeof(chunk))
		die("rr");
	while (to < end && n < ROUNDS_MAX) {
		from = to;
		exchange(fd, size);
		to = now_s();
		us[n++] = (float)((to - from) * 1e6);
	}
	qsort(us, n, sizeof(*us), compare);
	printf("%.2f\n", (double)us[n / 2]);
	free(us);
	close(fd);
}

/* A connection that is being opened is waited for with EPOLLOUT; then it half-closes and is waited
 * for with EPOLLIN until the far end has closed too. */
static void connect_one(int epoll_fd, const struct target *t)
{
	int fd = open_socket(t, SOCK_NONBLOCK);
	struct epoll_event ev = {.events = EPOLLOUT, .data.fd = fd};

	(void)tune_socket(fd, cc);
	if (connect(fd, (const struct sockaddr *)&t->addr, t->len) != 0 && errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("epoll_ctl");
}

/* Whether the connection is over. */
static int connect_step(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (events & EPOLLIN) {
		if (read(fd, chunk, 1) != 0)
			die("read");
		close(fd);
		return 1;
	}
	if (shutdown(fd, SHUT_WR) != 0)
		die("shutdown");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &ev) != 0)
		die("epoll_ctl");
	return 0;
}

static void connects(const struct target *t, double seconds, unsigned parallel)
{
	struct epoll_event ready[PARALLEL_MAX];
	int epoll_fd = epoll_create1(0);
	double start = now_s(), end = start + seconds;
	uint64_t done = 0;
	unsigned open;
	int i, n;

	if (parallel == 0 || parallel > PARALLEL_MAX)
		die("parallel");
	for (open = 0; open < parallel; open++)
		connect_one(epoll_fd, t);
	while (open > 0) {
		n = epoll_wait(epoll_fd, ready, PARALLEL_MAX, 10000);
		if (n <= 0)
			die("a connection does not end");
		for (i = 0; i < n; i++) {
			if (!connect_step(epoll_fd, ready[i].data.fd, ready[i].events))
				continue;
			done++;
			if (now_s() < end)
				connect_one(epoll_fd, t);
			else
				open--;
		}
	}
	printf("%.0f\n", (double)done / (now_s() - start));
}

/* --- The server: a thread for each connection ------------------------------------------------ */

static void *echo(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint8_t *buffer = malloc(CHUNK);
	ssize_t got;

	while (buffer != NULL && (got = read(fd, buffer, CHUNK)) > 0) {
		if (write(fd, buffer, (size_t)got) != got)
			break;
	}
	free(buffer);
	close(fd);
	return NULL;
}

static void *discard(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint8_t *buffer = malloc(CHUNK);

	while (buffer != NULL && read(fd, buffer, CHUNK) > 0)
		continue;
	free(buffer);
	close(fd);
	return NULL;
}

static void *source(void *arg)
{
	int fd = (int)(intptr_t)arg;

	while (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
		continue;
	close(fd);
	return NULL;
}

static void *sized(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint64_t left = 0;

	if (recv(fd, &left, sizeof(left), MSG_WAITALL) != (ssize_t)sizeof(left))
		left = 0;
	left = be64toh(left);
	while (left > 0) {
		ssize_t put = send(fd, chunk, left < CHUNK ? left : CHUNK, MSG_NOSIGNAL);

		if (put <= 0)
			break;
		left -= (uint64_t)put;
	}
	close(fd);
	return NULL;
}

struct service {
	unsigned port;
	void *(*run)(void *fd);
	int fd;
};

static void *accept_all(void *arg)
{
	const struct service *s = arg;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			die("accept");
		(void)tune_socket(fd, cc);
		if (pthread_create(&thread, NULL, s->run, (void *)(intptr_t)fd) != 0)
			die("thread");
		pthread_detach(thread);
	}
	return NULL;
}

static void serve(const char *address)
{
	static struct service services[] = {
		{7, echo, -1}, {9, discard, -1}, {19, source, -1}, {20, sized, -1}};
	pthread_t thread;
	int one = 1;
	size_t i;

	for (i = 0; i < 4; i++) {
		struct target t = target_of(address, services[i].port);
		int fd = open_socket(&t, 0);

		(void)tune_socket(fd, cc);
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&t.addr, t.len) != 0 || listen(fd, 4096) != 0)
			die("listen");
		services[i].fd = fd;
		if (pthread_create(&thread, NULL, accept_all, &services[i]) != 0)
			die("thread");
	}
	fprintf(stderr, "ready\n");
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	struct target t;

	if ((argc == 3 || argc == 4) && strcmp(argv[1], "serve") == 0) {
		cc = argc == 4 ? argv[3] : cc;
		serve(argv[2]);
		return 0;
	}
	if (argc < 5) {
		fprintf(stderr, "kernel_peer: wrong arguments\n");
		return 2;
	}
	t = target_of(argv[2], (unsigned)atoi(argv[3]));
	if (strcmp(argv[1], "upload") == 0)
		upload(&t, atof(argv[4]));
	else if (strcmp(argv[1], "download") == 0)
		download(&t, atof(argv[4]));
	else if (strcmp(argv[1], "rr") == 0 && argc == 6)
		round_trips(&t, atof(argv[4]), (size_t)atoi(argv[5]));
	else if (strcmp(argv[1], "connect") == 0 && argc == 6)
		connects(&t, atof(argv[4]), (unsigned)atoi(argv[5]));
	else
		return 2;
	return 0;
}
