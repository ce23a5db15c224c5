/* Connections through the adapter: both openings, all address families, data both ways, closing. */
#include "play.h"

#include <sys/ioctl.h>

static void round_trip(struct play *p, int fd)
{
	char buf[4000];

	play_in(p, (struct seg){.flags = PSH | ACK, .seq = 1, .ack = 1, .len = 1000});
	play_expect(p, ACK, 1, 0, 1001);
	assert_int_equal(p->ifc.read(p->ifc.userdata, fd, buf, sizeof(buf)), 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal((uint8_t)buf[i], (uint8_t)(1 + i));
	assert_int_equal(p->ifc.write(p->ifc.userdata, fd, buf, 500), 500);
	play_expect(p, PSH | ACK, 1, 500, 1001);
	play_in(p, (struct seg){.flags = ACK, .seq = 1001, .ack = 501});
	/* They close first. */
	play_in(p, (struct seg){.flags = FIN | ACK, .seq = 1001, .ack = 501});
	play_expect(p, ACK, 501, 0, 1002);
	assert_int_equal(p->ifc.read(p->ifc.userdata, fd, buf, sizeof(buf)), 0);
	assert_int_equal(p->ifc.close(p->ifc.userdata, fd), 0);
	play_expect(p, FIN | ACK, 501, 0, 1002);
	play_in(p, (struct seg){.flags = ACK, .seq = 1002, .ack = 502});
	play_expect_none(p);
}

static void passive(enum play_family family)
{
	struct play p;

	play_open(&p, NULL, family);
	round_trip(&p, play_accepted(&p));
	play_close(&p);
}

static void test_passive(void **state)
{
	(void)state;
	passive(V4);
	passive(V6);
	passive(MAPPED);
}

static void active(enum play_family family)
{
	struct play p;
	int fd;

	play_open(&p, NULL, family);
	fd = play_socket(&p);
	play_nonblock(&p, fd);
	assert_int_equal(play_connect(&p, fd), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(play_connect(&p, fd), -1);
	assert_int_equal(errno, EALREADY);
	play_expect(&p, SYN, 0, 0, 0);
	play_in(&p, (struct seg){.flags = SYN | ACK, .ack = 1});
	play_expect(&p, ACK, 1, 0, 1);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_ERROR), 0);
	assert_int_equal(play_connect(&p, fd), 0);
	assert_int_equal(play_connect(&p, fd), -1);
	assert_int_equal(errno, EISCONN);
	round_trip(&p, fd);
	play_close(&p);
}

static void test_active(void **state)
{
	(void)state;
	active(V4);
	active(V6);
	active(MAPPED);
}

/* We close first: FIN-WAIT, TIME-WAIT, and 2MSL later nothing is left. */
static void test_active_close(void **state)
{
	struct play p;
	int fd, listener;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	listener = play_socket(&p);
	assert_int_equal(p.ifc.close(p.ifc.userdata, fd), 0);
	play_expect(&p, FIN | ACK, 1, 0, 1);
	play_in(&p, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 2});
	play_expect(&p, ACK, 2, 0, 2);
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, 30002), 1);
	play_usleep(&p, 61000000);
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, 30002), 0);
	play_close(&p);
}

/* MSS, SACK-permitted, timestamps, NOP, window scale: Linux's order, or BSD's. */
static void test_syn_options(void **state)
{
	static const uint8_t linux_order[] = {2, 4, 5, 180, 4, 2, 8, 10};
	static const uint8_t bsd_order[] = {2, 4, 5, 180, 1, 3, 3, 8, 4, 2, 8, 10};
	struct play p;
	struct seg s;
	int fd;

	(void)state;
	play_open(&p, "synopt_order=linux", V4);
	fd = play_socket(&p);
	play_nonblock(&p, fd);
	play_connect(&p, fd);
	s = play_out(&p);
	assert_int_equal(s.opt_len, 20);
	assert_memory_equal(s.opt, linux_order, sizeof(linux_order));
	assert_memory_equal(s.opt + 16, "\1\3\3\10", 4);
	play_close(&p);
	play_open(&p, "synopt_order=bsd", V4);
	fd = play_socket(&p);
	play_nonblock(&p, fd);
	play_connect(&p, fd);
	s = play_out(&p);
	assert_memory_equal(s.opt, bsd_order, sizeof(bsd_order));
	play_close(&p);
}

/* A write of many segments leaves in segments, and PSH is on the last. */
static void test_many_segments(void **state)
{
	static char bytes[4000];
	struct play p;
	int fd;

	(void)state;
	play_open(&p, "mtu=576", V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, bytes, 1608), 1608);
	play_expect(&p, ACK, 1, 536, 1);
	play_expect(&p, ACK, 537, 536, 1);
	play_expect(&p, PSH | ACK, 1073, 536, 1);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1609});
	play_close(&p);
	play_open(&p, "mtu=576,segs=whole", V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, bytes, 1608), 1608);
	play_expect(&p, PSH | ACK, 1, 1608, 1);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1609});
	play_close(&p);
	play_open(&p, "mtu=576,segs=1", V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, bytes, 1608), 1608);
	play_expect(&p, ACK, 1, 536, 1);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passive),       cmocka_unit_test(test_active),
		cmocka_unit_test(test_active_close),  cmocka_unit_test(test_syn_options),
		cmocka_unit_test(test_many_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
