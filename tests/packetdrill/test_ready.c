/* poll and epoll: level, edge and one-shot; non-blocking calls. */
#include "play.h"

#include <stdlib.h>

static int poll_one(struct play *p, int fd, int events)
{
	struct pollfd f = {.fd = fd, .events = (short)events};

	p->ifc.poll(p->ifc.userdata, &f, 1, 0);
	return f.revents;
}

static void test_poll(void **state)
{
	struct pollfd f = {.fd = 999, .events = POLLIN};
	char buf[2000];
	struct play p;
	int fd, listener;

	(void)state;
	play_open(&p, NULL, V4);
	listener = play_listener(&p);
	assert_int_equal(poll_one(&p, listener, POLLIN), 0);
	play_in(&p, (struct seg){.flags = SYN});
	play_expect(&p, SYN | ACK, 0, 0, 1);
	assert_int_equal(poll_one(&p, listener, POLLIN), 0);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	assert_int_equal(poll_one(&p, listener, POLLIN), POLLIN);
	fd = play_accept(&p, listener);
	assert_int_equal(poll_one(&p, fd, POLLIN | POLLOUT), POLLOUT);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 100});
	assert_int_equal(poll_one(&p, fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, sizeof(buf)), 100);
	assert_int_equal(poll_one(&p, fd, POLLIN), 0);
	play_in(&p, (struct seg){.flags = FIN | ACK, .seq = 101, .ack = 1});
	assert_int_equal(poll_one(&p, fd, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	play_in(&p, (struct seg){.flags = RST, .seq = 102});
	assert_int_equal(poll_one(&p, fd, POLLIN | POLLOUT), POLLIN | POLLOUT | POLLERR | POLLHUP);
	assert_int_equal(p.ifc.poll(p.ifc.userdata, &f, 1, 0), 1);
	assert_int_equal(f.revents, POLLNVAL);
	assert_int_equal(poll_one(&p, play_socket(&p), POLLIN | POLLOUT), POLLOUT | POLLHUP);
	play_close(&p);
}

static int watch(struct play *p, int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};

	return p->ifc.epoll_ctl(p->ifc.userdata, ep, op, fd, &e);
}

/* The one event that there is now, or 0. */
static uint32_t ready(struct play *p, int ep)
{
	struct epoll_event e[4];
	int n = p->ifc.epoll_wait(p->ifc.userdata, ep, e, 4, 0);

	assert_in_range(n, 0, 1);
	return n ? e[0].events : 0;
}

static void test_epoll_level(void **state)
{
	char buf[2000];
	struct play p;
	int fd, ep;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	ep = p.ifc.epoll_create(p.ifc.userdata, 1);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_MOD, fd, EPOLLIN), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_ADD, fd, EPOLLIN), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(ready(&p, ep), 0);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 100});
	assert_int_equal(ready(&p, ep), EPOLLIN);
	assert_int_equal(ready(&p, ep), EPOLLIN); /* it is still so */
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 60), 60);
	assert_int_equal(ready(&p, ep), EPOLLIN);
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 60), 40);
	assert_int_equal(ready(&p, ep), 0);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT), 0);
	assert_int_equal(ready(&p, ep), EPOLLOUT);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_DEL, fd, 0), 0);
	assert_int_equal(ready(&p, ep), 0);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
	p.ifc.close(p.ifc.userdata, fd); /* takes its interests along */
	assert_int_equal(ready(&p, ep), 0);
	assert_int_equal(p.ifc.close(p.ifc.userdata, ep), 0);
	play_expect(&p, ACK, 1, 0, 101);
	play_expect(&p, ACK | FIN, 1, 0, 101);
	play_close(&p);
}

static void test_epoll_edge(void **state)
{
	char buf[2000];
	struct play p;
	int fd, ep;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	ep = p.ifc.epoll_create(p.ifc.userdata, 1);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 100});
	assert_int_equal(ready(&p, ep), EPOLLIN);
	assert_int_equal(ready(&p, ep), 0); /* told once */
	play_in(&p, (struct seg){.flags = ACK, .seq = 101, .ack = 1, .len = 100});
	assert_int_equal(ready(&p, ep), EPOLLIN); /* new bytes, a new edge */
	assert_int_equal(p.ifc.read(p.ifc.userdata, fd, buf, 50), 50);
	assert_int_equal(ready(&p, ep), 0);
	/* one-shot: once, until it is set again */
	assert_int_equal(watch(&p, ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
	assert_int_equal(ready(&p, ep), EPOLLIN);
	play_in(&p, (struct seg){.flags = ACK, .seq = 201, .ack = 1, .len = 100});
	assert_int_equal(ready(&p, ep), 0);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
	assert_int_equal(ready(&p, ep), EPOLLIN);
	play_close(&p);
}

/* A full send buffer: EAGAIN, no EPOLLOUT; an ACK makes an edge. */
static void test_epoll_out(void **state)
{
	static char bytes[40000];
	struct play p;
	uint32_t acked = 1;
	int fd, ep;

	(void)state;
	play_open(&p, "tcp_wmem=4096 20000 20000,segs=whole", V4);
	fd = play_accepted(&p);
	play_nonblock(&p, fd);
	ep = p.ifc.epoll_create(p.ifc.userdata, 1);
	assert_int_equal(watch(&p, ep, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLET), 0);
	assert_int_equal(ready(&p, ep), EPOLLOUT);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, bytes, sizeof(bytes)), 20000);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, bytes, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ready(&p, ep), 0);
	while (acked < 20001) {
		struct seg s = play_out(&p);

		acked = s.seq + s.len;
		play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = acked});
	}
	assert_int_equal(ready(&p, ep), EPOLLOUT);
	assert_int_equal(ready(&p, ep), 0);
	play_close(&p);
}

static void test_nonblocking(void **state)
{
	char buf[10];
	struct play p;
	int fd, listener;

	(void)state;
	play_open(&p, NULL, V4);
	listener = play_listener(&p);
	play_nonblock(&p, listener);
	assert_int_equal(play_accept(&p, listener), -1);
	assert_int_equal(errno, EAGAIN);
	p.ifc.close(p.ifc.userdata, listener);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.recv(p.ifc.userdata, fd, buf, 10, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poll),        cmocka_unit_test(test_epoll_level),
		cmocka_unit_test(test_epoll_edge),  cmocka_unit_test(test_epoll_out),
		cmocka_unit_test(test_nonblocking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
