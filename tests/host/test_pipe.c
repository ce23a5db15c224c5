/*
 * The pair of links without a device.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "weir/link.h"

static struct weir_packet packet_of(const char *head, const char *payload)
{
	struct weir_packet p;

	memset(&p, 0, sizeof(p));
	p.head_len = (uint16_t)strlen(head);
	memcpy(p.head, head, p.head_len);
	p.span[0] = (struct weir_span){(const uint8_t *)payload, strlen(payload)};
	p.span_count = 1;
	p.total_len = (uint32_t)(p.head_len + p.span[0].len);
	return p;
}

static void test_both_ways(void **state)
{
	struct weir_packet ping = packet_of("head", "ping"), pong = packet_of("h", "pong");
	struct weir_frame frames[4];
	struct weir_link *ends[2];

	(void)state;
	assert_int_equal(weir_link_pipe_open(ends, 1500), 0);
	assert_int_equal(ends[0]->mtu, 1500);
	assert_false(ends[0]->csum_offload);
	assert_int_equal(ends[1]->ops->recv(ends[1], frames, 4), 0);
	assert_int_equal(ends[0]->ops->send(ends[0], &ping), 0);
	assert_int_equal(ends[0]->ops->send(ends[0], &pong), 0);
	assert_int_equal(ends[1]->ops->send(ends[1], &pong), 0);
	assert_int_equal(ends[1]->ops->recv(ends[1], frames, 4), 2);
	assert_int_equal(frames[0].len, 8);
	assert_memory_equal(frames[0].bytes, "headping", 8);
	assert_int_equal(frames[1].len, 5);
	assert_memory_equal(frames[1].bytes, "hpong", 5);
	assert_int_equal(ends[0]->ops->recv(ends[0], frames, 4), 1);
	assert_memory_equal(frames[0].bytes, "hpong", 5);
	assert_int_equal(ends[1]->frames_in, 2);
	weir_link_close(ends[0]);
	weir_link_close(ends[1]);
}

static void test_full(void **state)
{
	struct weir_packet p = packet_of("head", "payload");
	struct weir_frame frames[16];
	struct weir_link *ends[2];
	uint64_t got = 0;
	int n;

	(void)state;
	assert_int_equal(weir_link_pipe_open(ends, 1500), 0);
	while (ends[0]->ops->send(ends[0], &p) == 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ends[0]->send_errors, 1);
	while ((n = ends[1]->ops->recv(ends[1], frames, 16)) > 0)
		got += (uint64_t)n;
	assert_int_equal(got, ends[0]->frames_out);
	assert_int_equal(ends[0]->ops->send(ends[0], &p), 0);
	weir_link_close(ends[0]);
	weir_link_close(ends[1]);
}

static void test_far_end_gone(void **state)
{
	struct weir_frame frames[4];
	struct weir_link *ends[2];

	(void)state;
	assert_int_equal(weir_link_pipe_open(ends, 1500), 0);
	weir_link_close(ends[0]);
	assert_int_equal(ends[1]->ops->recv(ends[1], frames, 4), -1);
	weir_link_close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_far_end_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
