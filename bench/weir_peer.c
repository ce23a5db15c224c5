/*
 * weir_peer.c: a plain server on weir's TCP, the counterpart of kernel_peer's, for measuring.
 *
 *   weir_peer DEVICE MTU ADDRESS/PREFIX... [NAME=VALUE...]
 *
 * Attaches to a TUN device that exists and is up, and on each address serves discard (9), source
 * (19) and sized (20): the client sends a number as 8 bytes in network order, the server that many
 * bytes, and both close. NAME=VALUE are settings of the engine. SIGINT and SIGTERM end it.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "weir/link.h"
#include "weir/loop.h"
#include "weir/weir.h"

#define CHUNK   65536u
#define SPANS   17u
#define DISCARD 9u
#define SOURCE  19u
#define SIZED   20u

/* What a connection to `sized` is about. Its address is the connection's user value. */
struct request {
	uint8_t number[8];
	size_t got;
	uint64_t left;
};

static const uint8_t chunk[CHUNK];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "weir_peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Reads all there is; the first bytes go to the request, if there is one. */
static enum weir_err read_all(struct weir_stack *s, weir_conn c, struct request *r, weir_time now)
{
	struct weir_span spans[SPANS];
	size_t count, bytes;
	enum weir_err err;

	while ((err = weir_recv_peek(s, c, spans, SPANS, &count, &bytes)) == WEIR_OK) {
		for (size_t i = 0; r != NULL && i < spans[0].len && r->got < 8; i++)
			r->number[r->got++] = spans[0].bytes[i];
		/* One span at a time, so that none of the number is skipped. */
		(void)weir_recv_consume(s, c, r != NULL ? spans[0].len : bytes, now);
	}
	return err;
}

static void send_all(struct weir_stack *s, weir_conn c, uint64_t *left, weir_time now)
{
	size_t taken;

	while (*left > 0) {
		size_t len = *left < CHUNK ? (size_t)*left : CHUNK;

		if (weir_send(s, c, chunk, len, 0, &taken, now) != WEIR_OK)
			return;
		*left -= taken;
		if (taken < len)
			return;
	}
}

static void serve_sized(struct weir_stack *s, const struct weir_event *ev, weir_time now)
{
	struct request *r = (struct request *)(uintptr_t)ev->user;
	size_t had;

	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			die("memory");
		(void)weir_conn_user_set(s, ev->conn, (uint64_t)(uintptr_t)r);
	}
	had = r->got;
	(void)read_all(s, ev->conn, r, now);
	if (had < 8 && r->got == 8) {
		memcpy(&r->left, r->number, sizeof(r->left));
		r->left = be64toh(r->left);
	}
	if (r->got < 8)
		return;
	send_all(s, ev->conn, &r->left, now);
	if (r->left == 0)
		(void)weir_close(s, ev->conn, now);
}

static void on_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	struct weir_stack *s = weir_loop_stack(loop);
	weir_time now = weir_loop_now(loop);
	uint64_t endless = UINT64_MAX;

	(void)user;
	if (ev->kind == WEIR_EV_CLOSED)
		free((struct request *)(uintptr_t)ev->user);
	if (ev->kind == WEIR_EV_ACCEPTED)
		(void)weir_conn_set(s, ev->conn, WEIR_OPT_NODELAY, 1);
	if (ev->kind != WEIR_EV_ACCEPTED && ev->kind != WEIR_EV_READABLE &&
	    ev->kind != WEIR_EV_WRITABLE)
		return;
	if (ev->tuple.local.port == SIZED) {
		serve_sized(s, ev, now);
	} else if (ev->tuple.local.port == SOURCE) {
		(void)read_all(s, ev->conn, NULL, now);
		send_all(s, ev->conn, &endless, now);
	} else if (read_all(s, ev->conn, NULL, now) == WEIR_EOF) {
		(void)weir_close(s, ev->conn, now);
	}
}

static void on_signal(void *user, uint32_t events)
{
	(void)events;
	weir_loop_stop(user);
}

/* 0; -1: it is no NAME=VALUE. */
static int set_one(struct weir_config *config, char *setting)
{
	char *value = strchr(setting, '=');

	if (value == NULL)
		return -1;
	*value++ = '\0';
	errno = EINVAL;
	if (weir_config_set(config, setting, strtoull(value, NULL, 10)) != 0)
		die(setting);
	return 0;
}

static struct weir_link *open_link(char *name, uint32_t mtu)
{
	char made[16];
	struct weir_link *link;
	int fd = weir_tun_create(name, made);

	if (fd < 0 || weir_link_tun_adopt(fd, mtu, &link) != 0)
		die(name);
	return link;
}

static void add_address(struct weir_stack *s, char *cidr)
{
	struct weir_addr addr = {.family = 4};
	char *slash = strchr(cidr, '/');

	errno = EINVAL;
	if (slash == NULL)
		die(cidr);
	*slash = '\0';
	if (inet_pton(AF_INET, cidr, addr.bytes) != 1 ||
	    weir_addr_add(s, &addr, (unsigned)atoi(slash + 1)) != WEIR_OK)
		die(cidr);
}

static void listen_all(struct weir_stack *s)
{
	static const uint16_t ports[] = {DISCARD, SOURCE, SIZED};
	struct weir_listen_args args = {.mode = WEIR_ACCEPT_EARLY};
	weir_listener l;

	for (size_t i = 0; i < 3; i++) {
		args.local.port = ports[i];
		if (weir_listen(s, &args, &l) != WEIR_OK)
			die("listen");
	}
}

static int signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	static struct weir_config config;
	struct weir_loop_args args = {.config = &config, .event = on_event};
	struct weir_loop *loop;
	int addresses = 3;

	if (argc < 4) {
		fprintf(stderr, "weir_peer: wrong arguments\n");
		return 2;
	}
	weir_config_default(&config);
	while (argc > 3 && set_one(&config, argv[argc - 1]) == 0)
		argc--;
	weir_random_keys(&config);
	args.link = open_link(argv[1], (uint32_t)atoi(argv[2]));
	if (weir_loop_open(&loop, &args) != 0)
		die("engine");
	for (; addresses < argc; addresses++)
		add_address(weir_loop_stack(loop), argv[addresses]);
	listen_all(weir_loop_stack(loop));
	if (weir_loop_watch(loop, signal_fd(), EPOLLIN, on_signal, loop) == NULL)
		die("signals");
	fprintf(stderr, "ready\n");
	if (weir_loop_run(loop) != 0)
		die(argv[1]);
	weir_loop_close(loop);
	return 0;
}
