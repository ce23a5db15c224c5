/* Calls that block: released by a packet, by a timer, by their own time-out, and at the right
 * time. */
#include "play.h"

#define MS 1000ll

static int fd_of(void *arg)
{
	return *(int *)arg;
}

static long call_accept(struct play *p, void *arg)
{
	return play_accept(p, fd_of(arg));
}

static long call_connect(struct play *p, void *arg)
{
	return play_connect(p, fd_of(arg));
}

static long call_read(struct play *p, void *arg)
{
	static char buf[2000];

	return p->ifc.read(p->ifc.userdata, fd_of(arg), buf, sizeof(buf));
}

static long call_read_all(struct play *p, void *arg)
{
	static char buf[2000];

	return p->ifc.recv(p->ifc.userdata, fd_of(arg), buf, sizeof(buf), MSG_WAITALL);
}

static long call_write(struct play *p, void *arg)
{
	static char buf[60000];

	return p->ifc.write(p->ifc.userdata, fd_of(arg), buf, sizeof(buf));
}

static long call_poll(struct play *p, void *arg)
{
	struct pollfd f = {.fd = fd_of(arg), .events = POLLIN};

	return p->ifc.poll(p->ifc.userdata, &f, 1, 250);
}

static void test_accept(void **state)
{
	struct blocked b;
	struct play p;
	int listener;

	(void)state;
	play_open(&p, NULL, V4);
	listener = play_listener(&p);
	play_block(&b, &p, call_accept, &listener);
	assert_true(b.running);
	play_usleep(&p, 100 * MS);
	play_in(&p, (struct seg){.flags = SYN});
	play_expect(&p, SYN | ACK, 0, 0, 1);
	play_usleep(&p, 100 * MS);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	play_join(&b);
	assert_true(b.result >= 0);
	assert_in_range(b.end_us, 200 * MS, 200 * MS + 20);
	play_close(&p);
}

/* Blocks until the engine gives up: minutes, and nobody waits for them. */
static void test_connect_timeout(void **state)
{
	struct blocked b;
	struct play p;
	unsigned syns = 0;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_socket(&p);
	play_block(&b, &p, call_connect, &fd);
	assert_true(b.running);
	while (play_now(&p) < 240ll * 1000 * MS)
		play_usleep(&p, 10000 * MS);
	play_join(&b);
	assert_int_equal(b.result, -1);
	assert_int_equal(b.error, ETIMEDOUT);
	assert_in_range(b.end_us, 180ll * 1000 * MS, 200ll * 1000 * MS); /* RFC 9293 MUST-23 */
	while (syns < 3) {
		play_expect(&p, SYN, 0, 0, 0);
		syns++;
	}
	play_close(&p);
}

static void test_read(void **state)
{
	struct blocked b;
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_block(&b, &p, call_read, &fd);
	assert_true(b.running);
	play_usleep(&p, 50 * MS);
	play_in(&p, (struct seg){.flags = PSH | ACK, .seq = 1, .ack = 1, .len = 300});
	play_join(&b);
	assert_int_equal(b.result, 300);
	assert_in_range(b.end_us, 50 * MS, 50 * MS + 20);
	/* MSG_WAITALL goes on until it has all, or the stream ends */
	play_block(&b, &p, call_read_all, &fd);
	play_in(&p, (struct seg){.flags = PSH | ACK, .seq = 301, .ack = 1, .len = 300});
	play_usleep(&p, 10 * MS);
	assert_true(b.running);
	play_in(&p, (struct seg){.flags = FIN | ACK, .seq = 601, .ack = 1, .len = 200});
	play_join(&b);
	assert_int_equal(b.result, 500);
	play_close(&p);
}

/* SO_RCVTIMEO and the time-out of poll end a wait though nothing else happens. */
static void test_timeouts(void **state)
{
	struct timeval tv = {.tv_usec = 300000};
	struct blocked b;
	struct play p;
	long long began;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(
		p.ifc.setsockopt(p.ifc.userdata, fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	began = play_now(&p);
	play_block(&b, &p, call_read, &fd);
	play_usleep(&p, 1000 * MS);
	play_join(&b);
	assert_int_equal(b.result, -1);
	assert_int_equal(b.error, EAGAIN);
	assert_in_range(b.end_us - began, 300 * MS, 300 * MS + 20);
	play_block(&b, &p, call_poll, &fd);
	began = play_now(&p);
	play_usleep(&p, 1000 * MS);
	play_join(&b);
	assert_int_equal(b.result, 0);
	assert_in_range(b.end_us - began, 249 * MS, 251 * MS);
	/* in the driver's own thread too, which then moves the clock itself */
	began = play_now(&p);
	assert_int_equal(call_poll(&p, &fd), 0);
	assert_in_range(play_now(&p) - began, 250 * MS, 250 * MS + 20);
	play_close(&p);
}

/* Nobody moves the clock while packetdrill waits for the second thread at the end of a script: the
 * sleeper does. */
static void test_left_alone(void **state)
{
	struct blocked b;
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_block(&b, &p, call_poll, &fd);
	play_join(&b);
	assert_int_equal(b.result, 0);
	assert_in_range(b.end_us, 250 * MS, 250 * MS + 40);
	play_close(&p);
}

static void test_write(void **state)
{
	struct blocked b;
	struct play p;
	int fd;

	(void)state;
	play_open(&p, "tcp_wmem=4096 20000 20000,segs=whole", V4);
	fd = play_accepted(&p);
	play_block(&b, &p, call_write, &fd);
	assert_true(b.running);
	for (uint32_t acked = 1; acked < 60001;) {
		struct seg s = play_out(&p);

		assert_int_equal(s.seq, acked);
		acked += s.len;
		play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = acked});
	}
	play_join(&b);
	assert_int_equal(b.result, 60000);
	play_close(&p);
}

/* A call that can never end in the driver's thread is an error, not a hang. */
static void test_stuck(void **state)
{
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(call_read(&p, &fd), -1);
	assert_int_equal(errno, EDEADLK);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept), cmocka_unit_test(test_connect_timeout),
		cmocka_unit_test(test_read),   cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_write),  cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
