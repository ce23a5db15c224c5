/*
 * test_origin.c: what weir.test answers, through the descriptors that a relay would hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "gate/digest.h"
#include "gate/origin.h"

#define TEXT_MAX (32u * 1024u * 1024u)

struct client {
	int fd;
	struct gate_origin_link *link;
	char *text; /* all that was read, with a NUL */
	size_t len;
};

static void client_open(struct client *c, struct gate_origin *o)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(40000)};

	memset(c, 0, sizeof(*c));
	c->fd = gate_origin_connect(o, (struct sockaddr *)&from, sizeof(from), &c->link);
	assert_true(c->fd >= 0);
	c->text = calloc(1, TEXT_MAX);
	assert_non_null(c->text);
}

static void client_close(struct client *c)
{
	close(c->fd);
	gate_origin_link_put(c->link);
	free(c->text);
}

/* Reads what is there; false at the end of the stream. */
static int client_read(struct client *c)
{
	ssize_t n = read(c->fd, c->text + c->len, TEXT_MAX - 1 - c->len);

	if (n > 0)
		c->len += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Sends it all, reading meanwhile so that nobody waits for the other for ever. */
static void client_send(struct client *c, const char *bytes, size_t len)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN | POLLOUT};
	ssize_t n;

	while (len > 0) {
		assert_true(poll(&p, 1, -1) == 1);
		if ((p.revents & POLLIN) != 0)
			(void)client_read(c);
		n = (p.revents & POLLOUT) != 0 ? send(c->fd, bytes, len, MSG_NOSIGNAL) : 0;
		if (n < 0)
			assert_int_equal(EAGAIN, errno);
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void client_read_all(struct client *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	do {
		assert_true(poll(&p, 1, -1) == 1);
	} while (client_read(c));
}

/* One request; the answer up to the end of the connection. */
static void fetch(struct client *c, struct gate_origin *o, const char *method, const char *path,
		  const char *body, size_t len)
{
	char head[256];
	int n = snprintf(head, sizeof(head),
			 "%s %s HTTP/1.1\r\nHost: weir.test\r\nConnection: close\r\n"
			 "Content-Length: %zu\r\n\r\n",
			 method, path, len);

	client_open(c, o);
	client_send(c, head, (size_t)n);
	client_send(c, body, len);
	client_read_all(c);
}

static const char *body_of(const struct client *c)
{
	const char *at = strstr(c->text, "\r\n\r\n");

	assert_non_null(at);
	return at + 4;
}

static size_t body_len(const struct client *c)
{
	return c->len - (size_t)(body_of(c) - c->text);
}

static int set_up(void **state)
{
	*state = gate_origin_start();
	return *state != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	gate_origin_stop(*state);
	return 0;
}

static void test_page(void **state)
{
	struct client c;

	fetch(&c, *state, "GET", "/", "", 0);
	assert_memory_equal("HTTP/1.1 200 ", c.text, 13);
	assert_non_null(strstr(c.text, "Content-Type: text/html"));
	assert_non_null(strstr(body_of(&c), "weir"));
	client_close(&c);
}

static void test_bytes(void **state)
{
	static const size_t lens[] = {0, 1, 10, 131072, 1000000};
	char want[GATE_DIGEST_HEX + 32], hex[GATE_DIGEST_HEX];
	uint8_t *bytes = malloc(1000000);
	struct gate_digest *d;
	struct client c;
	char path[64];
	size_t i;

	assert_non_null(bytes);
	gate_pattern_fill(bytes, 0, 1000000);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		d = gate_digest_new();
		assert_int_equal(0, gate_digest_add(d, bytes, lens[i]));
		assert_int_equal(0, gate_digest_hex(d, hex));
		gate_digest_free(d);
		snprintf(path, sizeof(path), "/bytes/%zu", lens[i]);
		snprintf(want, sizeof(want), "X-Content-SHA256: %s\r\n", hex);
		fetch(&c, *state, "GET", path, "", 0);
		assert_non_null(strstr(c.text, want));
		assert_int_equal(lens[i], body_len(&c));
		assert_memory_equal(bytes, body_of(&c), lens[i]);
		client_close(&c);
		fetch(&c, *state, "HEAD", path, "", 0);
		assert_non_null(strstr(c.text, want));
		assert_int_equal(0, body_len(&c));
		client_close(&c);
	}
	free(bytes);
}

static void test_sink(void **state)
{
	static const char want[] = "{\"bytes\": 3, \"sha256\": \"ba7816bf8f01cfea414140de5dae222"
				   "3b00361a396177a9cb410ff61f20015ad\"}\n";
	struct client c;

	fetch(&c, *state, "POST", "/sink", "abc", 3);
	assert_non_null(strstr(c.text, "Content-Type: application/json\r\n"));
	assert_string_equal(want, body_of(&c));
	client_close(&c);
	fetch(&c, *state, "PUT", "/sink", "abc", 3);
	assert_string_equal(want, body_of(&c));
	client_close(&c);
}

static void test_sink_large(void **state)
{
	size_t len = 8000003;
	uint8_t *bytes = malloc(len);
	struct gate_digest *d = gate_digest_new();
	char want[160], hex[GATE_DIGEST_HEX];
	struct client c;

	assert_non_null(bytes);
	gate_pattern_fill(bytes, 0, len);
	assert_int_equal(0, gate_digest_add(d, bytes, len));
	assert_int_equal(0, gate_digest_hex(d, hex));
	gate_digest_free(d);
	snprintf(want, sizeof(want), "{\"bytes\": %zu, \"sha256\": \"%s\"}\n", len, hex);
	fetch(&c, *state, "POST", "/sink", (char *)bytes, len);
	assert_string_equal(want, body_of(&c));
	client_close(&c);
	free(bytes);
}

static void test_echo(void **state)
{
	size_t len = 1000001;
	char *bytes = malloc(len);
	struct client c;

	assert_non_null(bytes);
	gate_pattern_fill((uint8_t *)bytes, 0, len);
	fetch(&c, *state, "POST", "/echo", bytes, len);
	assert_int_equal(len, body_len(&c));
	assert_memory_equal(bytes, body_of(&c), len);
	client_close(&c);
	free(bytes);
	fetch(&c, *state, "GET", "/echo", "", 0);
	assert_memory_equal("HTTP/1.1 200 ", c.text, 13);
	assert_int_equal(0, body_len(&c));
	client_close(&c);
}

static void test_echo_too_large(void **state)
{
	size_t len = 17 * 1024 * 1024;
	char *bytes = calloc(1, len);
	struct client c;

	assert_non_null(bytes);
	fetch(&c, *state, "POST", "/echo", bytes, len);
	assert_memory_equal("HTTP/1.1 413 ", c.text, 13);
	client_close(&c);
	free(bytes);
}

static void test_slow(void **state)
{
	struct client c;

	fetch(&c, *state, "GET", "/slow?ms=3", "", 0);
	assert_string_equal("waited 3 ms\n", body_of(&c));
	client_close(&c);
}

/* The end of the origin does not wait for those who wait. */
static void test_stop_ends_waiting(void **state)
{
	static const char request[] = "GET /slow?ms=600000 HTTP/1.1\r\nHost: weir.test\r\n\r\n";
	struct gate_origin *o = gate_origin_start();
	struct client c;

	(void)state;
	assert_non_null(o);
	client_open(&c, o);
	client_send(&c, request, sizeof(request) - 1);
	gate_origin_stop(o);
	client_read_all(&c);
	client_close(&c);
}

static void test_close(void **state)
{
	struct client c;

	fetch(&c, *state, "GET", "/close?how=fin", "", 0);
	assert_int_equal(0, c.len);
	assert_false(gate_origin_link_was_reset(c.link));
	client_close(&c);
	fetch(&c, *state, "GET", "/close?how=rst", "", 0);
	assert_int_equal(0, c.len);
	assert_true(gate_origin_link_was_reset(c.link));
	client_close(&c);
}

struct error_row {
	const char *method, *path, *status;
};

static const struct error_row error_rows[] = {
	{"GET", "/none", "404"},
	{"POST", "/none", "404"},
	{"GET", "/byte", "404"},
	{"GET", "/sink", "405"},
	{"DELETE", "/", "405"},
	{"POST", "/bytes/5", "405"},
	{"GET", "/bytes/", "400"},
	{"GET", "/bytes/x", "400"},
	{"GET", "/bytes/-1", "400"},
	{"GET", "/bytes/100000000001", "400"},
	{"GET", "/bytes/99999999999999999999999", "400"},
	{"GET", "/slow", "400"},
	{"GET", "/slow?ms=600001", "400"},
	{"GET", "/close", "400"},
	{"GET", "/close?how=up", "400"},
};

static void test_errors(void **state)
{
	struct client c;
	size_t i;

	for (i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
		fetch(&c, *state, error_rows[i].method, error_rows[i].path, "", 0);
		if (strncmp(c.text + 9, error_rows[i].status, 3) != 0)
			fail_msg("%s %s: %.20s", error_rows[i].method, error_rows[i].path, c.text);
		client_close(&c);
	}
}

/* A client that ends its sending still gets its answer. */
static void test_half_close(void **state)
{
	static const char request[] = "GET /bytes/100000 HTTP/1.1\r\nHost: weir.test\r\n\r\n";
	struct client c;

	client_open(&c, *state);
	client_send(&c, request, sizeof(request) - 1);
	assert_int_equal(0, shutdown(c.fd, SHUT_WR));
	client_read_all(&c);
	assert_int_equal(100000, body_len(&c));
	client_close(&c);
}

/* Connections that are all open at once, and an end in the middle of an answer. */
static void test_many(void **state)
{
	enum { MANY = 100 };
	static const char request[] = "GET /bytes/3000000 HTTP/1.1\r\nHost: weir.test\r\n\r\n";
	struct client *c = calloc(MANY, sizeof(*c));
	int i;

	assert_non_null(c);
	for (i = 0; i < MANY; i++) {
		struct sockaddr_in from = {.sin_family = AF_INET};

		c[i].fd = gate_origin_connect(*state, (struct sockaddr *)&from, sizeof(from),
					      &c[i].link);
		assert_true(c[i].fd >= 0);
		client_send(&c[i], request, sizeof(request) - 1);
	}
	for (i = 0; i < MANY; i++) {
		struct pollfd p = {.fd = c[i].fd, .events = POLLIN};
		char some[16];

		assert_true(poll(&p, 1, -1) == 1);
		assert_int_equal(16, read(c[i].fd, some, sizeof(some)));
		assert_memory_equal("HTTP/1.1 200 ", some, 13);
		client_close(&c[i]);
	}
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sink, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sink_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_echo, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_echo_too_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slow, set_up, tear_down),
		cmocka_unit_test(test_stop_ends_waiting),
		cmocka_unit_test_setup_teardown(test_close, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_close, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
