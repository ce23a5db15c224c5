/*
 * The loop: watches alone, and two stacks in two threads over a pair of links, with a transfer that
 * the receiving side echoes and hashes byte by byte against what was sent.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "weir/loop.h"

#define PORT         7
#define STREAM_BYTES (4u * 1024u * 1024u)
#define SPANS        17u

/* The byte at offset `i` of the stream; its period is no power of two. */
static uint8_t byte_at(uint64_t i)
{
	return (uint8_t)(i % 251 + (i >> 16));
}

static struct weir_endpoint endpoint(uint8_t last, uint16_t port)
{
	struct weir_endpoint e = {.addr = {.family = 4, .bytes = {192, 0, 2, last}}, .port = port};

	return e;
}

static struct weir_config small_config(void)
{
	struct weir_config cfg;

	weir_config_default(&cfg);
	cfg.conns_max = 16;
	cfg.halfs_max = 16;
	cfg.pages_max = 2048;
	weir_random_keys(&cfg);
	return cfg;
}

static void no_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	(void)user;
	(void)loop;
	(void)ev;
}

/* --- Watches ---------------------------------------------------------------------------------- */

struct watched {
	struct weir_loop *loop;
	struct weir_watch *own, *other;
	int calls;
};

/* Whichever of two ready watches is called first removes both. */
static void remove_both(void *user, uint32_t events)
{
	struct watched *w = user;

	assert_int_equal(events & EPOLLIN, EPOLLIN);
	w->calls++;
	weir_watch_remove(w->own);
	weir_watch_remove(w->other);
	weir_loop_stop(w->loop);
}

static void loop_open(struct weir_loop **loop, struct weir_link *ends[2])
{
	struct weir_config cfg = small_config();
	struct weir_loop_args args = {.config = &cfg, .event = no_event};

	assert_int_equal(weir_link_pipe_open(ends, 1500), 0);
	args.link = ends[0];
	assert_int_equal(weir_loop_open(loop, &args), 0);
}

static void test_watch_removed_in_its_batch(void **state)
{
	struct watched w = {0};
	struct weir_link *ends[2];
	int a = eventfd(1, EFD_CLOEXEC), b = eventfd(1, EFD_CLOEXEC);

	(void)state;
	loop_open(&w.loop, ends);
	w.own = weir_loop_watch(w.loop, a, EPOLLIN, remove_both, &w);
	w.other = weir_loop_watch(w.loop, b, EPOLLIN, remove_both, &w);
	assert_non_null(w.own);
	assert_non_null(w.other);
	assert_int_equal(weir_loop_run(w.loop), 0);
	assert_int_equal(w.calls, 1);
	/* The descriptors are free again. */
	w.own = weir_loop_watch(w.loop, a, EPOLLIN, remove_both, &w);
	w.other = weir_loop_watch(w.loop, b, 0, remove_both, &w);
	assert_int_equal(weir_loop_run(w.loop), 0);
	assert_int_equal(w.calls, 2);
	close(a);
	close(b);
	weir_loop_close(w.loop);
	weir_link_close(ends[1]);
}

/* A watch for nothing is not called, however ready its descriptor is, until it is set. */
static void set_other(void *user, uint32_t events)
{
	struct watched *w = user;

	(void)events;
	w->calls++;
	weir_watch_remove(w->own);
	assert_int_equal(weir_watch_set(w->other, EPOLLIN), 0);
}

static void stop_loop(void *user, uint32_t events)
{
	struct watched *w = user;

	(void)events;
	assert_int_equal(w->calls, 1);
	weir_loop_stop(w->loop);
}

static void test_watch_set(void **state)
{
	struct watched w = {0};
	struct weir_link *ends[2];
	int a = eventfd(1, EFD_CLOEXEC), b = eventfd(1, EFD_CLOEXEC);

	(void)state;
	loop_open(&w.loop, ends);
	w.other = weir_loop_watch(w.loop, b, 0, stop_loop, &w);
	w.own = weir_loop_watch(w.loop, a, EPOLLIN, set_other, &w);
	assert_int_equal(weir_loop_run(w.loop), 0);
	assert_null(weir_loop_watch(w.loop, -1, EPOLLIN, stop_loop, &w));
	close(a);
	close(b);
	weir_loop_close(w.loop); /* with a watch still there */
	weir_link_close(ends[1]);
}

static void test_bad_config(void **state)
{
	struct weir_config cfg = small_config();
	struct weir_loop_args args = {.config = &cfg, .event = no_event};
	struct weir_link *ends[2];
	struct weir_loop *loop;

	(void)state;
	cfg.conns_max = 0;
	assert_int_equal(weir_link_pipe_open(ends, 1500), 0);
	args.link = ends[0];
	assert_int_equal(weir_loop_open(&loop, &args), -1);
	assert_int_equal(errno, EINVAL);
	/* The link is still ours. */
	weir_link_close(ends[0]);
	weir_link_close(ends[1]);
}

static void test_link_gone(void **state)
{
	struct weir_link *ends[2];
	struct weir_loop *loop;

	(void)state;
	loop_open(&loop, ends);
	weir_link_close(ends[1]);
	assert_int_equal(weir_loop_run(loop), -1);
	weir_loop_close(loop);
}

/* --- Two stacks ------------------------------------------------------------------------------- */

static void echo(struct weir_stack *s, weir_conn c, weir_time now)
{
	struct weir_span spans[SPANS];
	size_t count, bytes, taken;
	enum weir_err err;

	while ((err = weir_recv_peek(s, c, spans, SPANS, &count, &bytes)) == WEIR_OK) {
		uint8_t copy[2048];
		size_t len = spans[0].len < sizeof(copy) ? spans[0].len : sizeof(copy);

		memcpy(copy, spans[0].bytes, len);
		if (weir_send(s, c, copy, len, 0, &taken, now) != WEIR_OK)
			return;
		assert_int_equal(weir_recv_consume(s, c, taken, now), WEIR_OK);
	}
	if (err == WEIR_EOF)
		(void)weir_close(s, c, now);
}

static void server_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	(void)user;
	if (ev->kind == WEIR_EV_READABLE || ev->kind == WEIR_EV_WRITABLE)
		echo(weir_loop_stack(loop), ev->conn, weir_loop_now(loop));
	if (ev->kind == WEIR_EV_CLOSED) {
		assert_int_equal(ev->reason, WEIR_OK);
		weir_loop_stop(loop);
	}
}

static void *server_run(void *arg)
{
	assert_int_equal(weir_loop_run(arg), 0);
	return NULL;
}

struct client {
	struct weir_loop *loop;
	uint64_t sent, received;
	int closed;
};

static void client_send(struct client *c, weir_conn conn)
{
	struct weir_stack *s = weir_loop_stack(c->loop);
	weir_time now = weir_loop_now(c->loop);
	uint8_t bytes[4096];
	size_t taken, i;

	while (c->sent < STREAM_BYTES) {
		size_t left = STREAM_BYTES - c->sent;
		size_t len = left < sizeof(bytes) ? left : sizeof(bytes);

		for (i = 0; i < len; i++)
			bytes[i] = byte_at(c->sent + i);
		if (weir_send(s, conn, bytes, len, 0, &taken, now) != WEIR_OK)
			return;
		c->sent += taken;
		/* WRITABLE comes after a send that did not take everything. */
		if (taken < len)
			return;
	}
	(void)weir_shutdown(s, conn, now);
}

static void client_receive(struct client *c, weir_conn conn)
{
	struct weir_stack *s = weir_loop_stack(c->loop);
	struct weir_span spans[SPANS];
	size_t count, bytes, i, j;

	while (weir_recv_peek(s, conn, spans, SPANS, &count, &bytes) == WEIR_OK) {
		for (i = 0; i < count; i++) {
			for (j = 0; j < spans[i].len; j++)
				assert_int_equal(spans[i].bytes[j], byte_at(c->received + j));
			c->received += spans[i].len;
		}
		assert_int_equal(weir_recv_consume(s, conn, bytes, weir_loop_now(c->loop)),
				 WEIR_OK);
	}
}

static void client_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	struct client *c = user;

	(void)loop;
	if (ev->kind == WEIR_EV_CONNECTED || ev->kind == WEIR_EV_WRITABLE)
		client_send(c, ev->conn);
	if (ev->kind == WEIR_EV_READABLE)
		client_receive(c, ev->conn);
	if (ev->kind == WEIR_EV_CLOSED) {
		assert_int_equal(ev->reason, WEIR_OK);
		c->closed++;
		weir_loop_stop(c->loop);
	}
}

static struct weir_loop *server_open(struct weir_link *link)
{
	struct weir_config cfg = small_config();
	struct weir_loop_args args = {.config = &cfg, .link = link, .event = server_event};
	struct weir_endpoint own = endpoint(2, PORT);
	struct weir_listen_args listen = {.local = own, .mode = WEIR_ACCEPT_EARLY};
	struct weir_loop *loop;
	weir_listener l;

	assert_int_equal(weir_loop_open(&loop, &args), 0);
	assert_int_equal(weir_addr_add(weir_loop_stack(loop), &own.addr, 24), WEIR_OK);
	assert_int_equal(weir_listen(weir_loop_stack(loop), &listen, &l), WEIR_OK);
	return loop;
}

static void client_open(struct client *c, struct weir_link *link)
{
	struct weir_config cfg = small_config();
	struct weir_loop_args args = {
		.config = &cfg, .link = link, .event = client_event, .user = c};
	struct weir_endpoint own = endpoint(1, 0);
	struct weir_connect_args connect = {.remote = endpoint(2, PORT)};
	weir_conn conn;

	assert_int_equal(weir_loop_open(&c->loop, &args), 0);
	assert_int_equal(weir_addr_add(weir_loop_stack(c->loop), &own.addr, 24), WEIR_OK);
	assert_int_equal(
		weir_connect(weir_loop_stack(c->loop), &connect, weir_loop_now(c->loop), &conn),
		WEIR_OK);
}

/* The link drops what its socket does not hold, so this also sees retransmission at work. */
static void test_two_stacks(void **state)
{
	struct client c = {0};
	struct weir_loop *server;
	struct weir_link *ends[2];
	pthread_t thread;

	(void)state;
	assert_int_equal(weir_link_pipe_open(ends, 1500), 0);
	server = server_open(ends[1]);
	client_open(&c, ends[0]);
	assert_int_equal(pthread_create(&thread, NULL, server_run, server), 0);
	assert_int_equal(weir_loop_run(c.loop), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(c.sent, STREAM_BYTES);
	assert_int_equal(c.received, STREAM_BYTES);
	assert_int_equal(c.closed, 1);
	weir_loop_close(c.loop);
	weir_loop_close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch_removed_in_its_batch),
		cmocka_unit_test(test_watch_set),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_link_gone),
		cmocka_unit_test(test_two_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
