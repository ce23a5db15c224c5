/* What calls return when a connection fails: each errno where Linux has it, through SO_ERROR too.
 */
#include "play.h"

static int connecting(struct play *p)
{
	int fd = play_socket(p);

	play_nonblock(p, fd);
	assert_int_equal(play_connect(p, fd), -1);
	assert_int_equal(errno, EINPROGRESS);
	play_expect(p, SYN, 0, 0, 0);
	return fd;
}

static void test_refused(void **state)
{
	char buf[10];
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = connecting(&p);
	play_in(&p, (struct seg){.flags = RST | ACK, .ack = 1});
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_ERROR), 0); /* told once */
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 1), -1);
	assert_int_equal(errno, EPIPE);
	play_close(&p);
}

static void test_reset(void **state)
{
	char buf[10];
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_in(&p, (struct seg){.flags = RST, .seq = 1});
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), 0);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 10), -1);
	assert_int_equal(errno, EPIPE);
	play_close(&p);
	/* once the peer had ended its stream, it is our writing that fails */
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_in(&p, (struct seg){.flags = FIN | ACK, .seq = 1, .ack = 1});
	play_in(&p, (struct seg){.flags = RST, .seq = 2});
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_ERROR), EPIPE);
	play_close(&p);
}

/* Closing with unread data resets; SO_LINGER of 0 too. */
static void test_reset_by_us(void **state)
{
	struct linger linger = {.l_onoff = 1};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 100});
	play_expect(&p, ACK, 1, 0, 101);
	p.ifc.close(p.ifc.userdata, fd);
	assert_true(play_out(&p).flags & RST);
	play_close(&p);
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.setsockopt(p.ifc.userdata, fd, SOL_SOCKET, SO_LINGER, &linger,
					  sizeof(linger)),
			 0);
	p.ifc.close(p.ifc.userdata, fd);
	assert_true(play_out(&p).flags & RST);
	play_expect_none(&p);
	play_close(&p);
}

static void test_pipe(void **state)
{
	char buf[10] = {0};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.shutdown(p.ifc.userdata, fd, SHUT_WR), 0);
	play_expect(&p, FIN | ACK, 1, 0, 1);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 10), -1);
	assert_int_equal(errno, EPIPE);
	/* reading goes on (half-close) */
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 2, .len = 10});
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), 10);
	/* and ends by our own wish */
	assert_int_equal(p.ifc.shutdown(p.ifc.userdata, fd, SHUT_RD), 0);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), 0);
	play_close(&p);
}

/* Data that nobody acknowledges: R2 is five minutes, which pass in a moment. */
static void test_timeout(void **state)
{
	struct pollfd f = {.events = POLLIN};
	char buf[10] = {0};
	struct play p;
	long long began;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 10), 10);
	began = play_now(&p);
	f.fd = fd;
	assert_int_equal(p.ifc.poll(p.ifc.userdata, &f, 1, -1), 1);
	assert_int_equal(f.revents, POLLIN | POLLERR | POLLHUP);
	assert_in_range(play_now(&p) - began, 299000000, 421000000);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), -1);
	assert_int_equal(errno, ETIMEDOUT);
	play_close(&p);
}

static void test_user_timeout(void **state)
{
	struct pollfd f = {.events = POLLIN};
	char buf[10] = {0};
	struct play p;
	long long began;

	(void)state;
	play_open(&p, NULL, V4);
	f.fd = play_accepted(&p);
	assert_int_equal(play_setint(&p, f.fd, IPPROTO_TCP, 18 /* TCP_USER_TIMEOUT */, 3000), 0);
	assert_int_equal(p.ifc.write(p.ifc.userdata, f.fd, buf, 10), 10);
	began = play_now(&p);
	assert_int_equal(p.ifc.poll(p.ifc.userdata, &f, 1, -1), 1);
	assert_in_range(play_now(&p) - began, 2999000, 3400000);
	assert_int_equal(play_getint(&p, f.fd, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
	play_close(&p);
}

static void test_bad_calls(void **state)
{
	char buf[10] = {0};
	struct play p;
	int fd, second;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_socket(&p);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(p.ifc.shutdown(p.ifc.userdata, fd, SHUT_WR), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(play_accept(&p, fd), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(p.ifc.read(p.ifc.userdata, 1000, buf, 10), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(p.ifc.socket(p.ifc.userdata, AF_INET, SOCK_DGRAM, 0), -1);
	assert_int_equal(errno, ESOCKTNOSUPPORT);
	assert_int_equal(p.ifc.socket(p.ifc.userdata, AF_UNIX, SOCK_STREAM, 0), -1);
	assert_int_equal(errno, EAFNOSUPPORT);
	assert_int_equal(play_bind(&p, fd), 0);
	assert_int_equal(play_bind(&p, fd), -1);
	assert_int_equal(errno, EINVAL);
	second = play_socket(&p);
	assert_int_equal(play_bind(&p, second), -1);
	assert_int_equal(errno, EADDRINUSE);
	p.ifc.close(p.ifc.userdata, fd);
	p.ifc.close(p.ifc.userdata, second);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, NULL, 10), -1);
	assert_int_equal(errno, EFAULT);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 10});
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, NULL, 10), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 10), 10);
	assert_int_equal(p.ifc.send(p.ifc.userdata, fd, buf, 10, MSG_ZEROCOPY), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_by_us), cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_timeout),     cmocka_unit_test(test_user_timeout),
		cmocka_unit_test(test_bad_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
