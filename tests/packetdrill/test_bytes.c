/* Ways to read and write: peek, urgent data, several buffers, the cork, pipes and splice. */
#include "play.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>

static void test_peek(void **state)
{
	char buf[100];
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 50});
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 20, MSG_PEEK), 20);
	assert_int_equal(buf[0], 1);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 100, 0), 50);
	assert_int_equal(buf[49], 50);
	play_close(&p);
}

static void test_vectors(void **state)
{
	char a[10], b[30], c[5];
	struct iovec iov[] = {{a, 10}, {b, 0}, {b, 30}, {c, 5}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 4};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 90});
	play_expect(&p, ACK, 1, 0, 91);
	assert_int_equal(p.ifc.readv(p.ifc.userdata, fd, iov, 4), 45);
	assert_int_equal(b[0], 11);
	assert_int_equal(c[4], 45);
	assert_int_equal(p.ifc.recvmsg(p.ifc.userdata, fd, &msg, 0), 45);
	assert_int_equal(a[0], 46);
	assert_int_equal(p.ifc.writev(p.ifc.userdata, fd, iov, 4), 45);
	play_expect(&p, PSH | ACK, 1, 45, 91);
	play_in(&p, (struct seg){.flags = ACK, .seq = 91, .ack = 46});
	assert_int_equal(p.ifc.sendmsg(p.ifc.userdata, fd, &msg, 0), 45);
	play_expect(&p, PSH | ACK, 46, 45, 91);
	play_close(&p);
}

static void test_urgent(void **state)
{
	char buf[100];
	struct play p;
	struct seg s;
	int fd, mark;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	/* the pointer names the byte behind the urgent one, the 50th of the stream */
	play_in(&p, (struct seg){.flags = ACK | URG, .seq = 1, .ack = 1, .len = 80, .urgent = 50});
	play_expect(&p, ACK, 1, 0, 81);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 100, 0), 49);
	p.ifc.ioctl(p.ifc.userdata, fd, SIOCATMARK, &mark);
	assert_int_equal(mark, 1);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 1, MSG_OOB), 1);
	assert_int_equal(buf[0], 50);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 1, MSG_OOB), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 100, 0), 30);
	assert_int_equal(buf[0], 51);
	assert_int_equal(play_setint(&p, fd, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	play_in(&p, (struct seg){.flags = ACK | URG, .seq = 81, .ack = 1, .len = 10, .urgent = 5});
	play_expect(&p, ACK, 1, 0, 91);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 100, 0), 10);
	assert_int_equal(p.ifc.send(p.ifc.userdata, fd, buf, 10, MSG_OOB), 10);
	s = play_out(&p);
	assert_true(s.flags & URG);
	assert_int_equal(s.urgent, 10);
	play_close(&p);
}

static void test_cork(void **state)
{
	char buf[100] = {0};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, TCP_CORK, 1), 0);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 40), 40);
	play_usleep(&p, 50000);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 40), 40);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, TCP_CORK, 0), 0);
	play_expect(&p, PSH | ACK, 1, 80, 1);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 81});
	assert_int_equal(p.ifc.send(p.ifc.userdata, fd, buf, 40, MSG_MORE), 40);
	assert_int_equal(p.ifc.send(p.ifc.userdata, fd, buf, 10, 0), 10);
	play_expect(&p, PSH | ACK, 81, 50, 1);
	play_close(&p);
}

static ssize_t splice(struct play *p, int in, int out, size_t len)
{
	loff_t off_in = 0, off_out = 0;

	return p->ifc.splice(p->ifc.userdata, in, &off_in, out, &off_out, len, 0);
}

static void test_splice(void **state)
{
	char buf[100];
	struct play p;
	int fd, pipes[2];

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.pipe(p.ifc.userdata, pipes), 0);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 60});
	play_expect(&p, ACK, 1, 0, 61);
	assert_int_equal(splice(&p, fd, pipes[1], 100), 60);
	assert_int_equal(splice(&p, pipes[0], fd, 40), 40);
	play_expect(&p, PSH | ACK, 1, 40, 61);
	assert_int_equal(p.ifc.read(p.ifc.userdata, pipes[0], buf, 100), 20);
	assert_int_equal(buf[0], 41);
	assert_int_equal(p.ifc.write(p.ifc.userdata, pipes[1], buf, 5), 5);
	assert_int_equal(splice(&p, pipes[0], pipes[1], 5), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(p.ifc.close(p.ifc.userdata, pipes[0]), 0);
	assert_int_equal(p.ifc.write(p.ifc.userdata, pipes[1], buf, 5), -1);
	assert_int_equal(errno, EPIPE);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peek),   cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_urgent), cmocka_unit_test(test_cork),
		cmocka_unit_test(test_splice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
