/* fcntl, ioctl, socket options, TCP_INFO, and the private options that look into the tables. */
#include "play.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#define SYN_RECEIVED 30001
#define TIME_WAIT    30002
#define CLOSED_HELD  30003

static void test_fcntl(void **state)
{
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_socket(&p);
	assert_int_equal(p.ifc.fcntl(p.ifc.userdata, fd, F_GETFL), O_RDWR);
	play_nonblock(&p, fd);
	assert_int_equal(p.ifc.fcntl(p.ifc.userdata, fd, F_GETFL), O_RDWR | O_NONBLOCK);
	play_close(&p);
}

static int ask(struct play *p, int fd, unsigned long request)
{
	int value = -1;

	assert_int_equal(p->ifc.ioctl(p->ifc.userdata, fd, request, &value), 0);
	return value;
}

static void test_ioctl(void **state)
{
	char buf[3000] = {0};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, "segs=whole", V4);
	fd = play_accepted(&p);
	assert_int_equal(ask(&p, fd, FIONREAD), 0);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 700});
	assert_int_equal(ask(&p, fd, FIONREAD), 700);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 3000), 3000);
	assert_int_equal(ask(&p, fd, SIOCOUTQ), 3000);
	assert_int_equal(ask(&p, fd, SIOCOUTQNSD), 3000 - 5 * 536); /* Nagle holds the rest */
	play_in(&p, (struct seg){.flags = ACK, .seq = 701, .ack = 1001});
	assert_int_equal(ask(&p, fd, SIOCOUTQ), 2000);
	play_close(&p);
}

static void test_values(void **state)
{
	struct timeval tv = {.tv_sec = 3}, got = {0};
	socklen_t len = sizeof(got);
	char name[16] = {0};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, "tcp_congestion_control=reno", V4);
	fd = play_accepted(&p);
	assert_int_equal(play_setint(&p, fd, SOL_SOCKET, SO_SNDBUF, 21000), 0);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_SNDBUF), 42000);
	assert_int_equal(play_setint(&p, fd, SOL_SOCKET, SO_KEEPALIVE, 5), 0);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	assert_int_equal(play_getint(&p, fd, IPPROTO_TCP, TCP_MAXSEG), 536);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, 9999, 0), -1);
	assert_int_equal(errno, ENOPROTOOPT);
	assert_int_equal(
		p.ifc.setsockopt(p.ifc.userdata, fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(p.ifc.getsockopt(p.ifc.userdata, fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len),
			 0);
	assert_int_equal(got.tv_sec, 3);
	len = sizeof(name);
	assert_int_equal(
		p.ifc.getsockopt(p.ifc.userdata, fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, "reno");
	assert_int_equal(
		p.ifc.setsockopt(p.ifc.userdata, fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3), 0);
	len = sizeof(name);
	assert_int_equal(
		p.ifc.getsockopt(p.ifc.userdata, fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, "bbr");
	assert_int_equal(
		p.ifc.setsockopt(p.ifc.userdata, fd, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5), -1);
	assert_int_equal(errno, ENOENT);
	play_close(&p);
}

/* An option that was set on the listener holds for what it accepts, and TOS shows on the wire. */
static void test_inherit(void **state)
{
	char buf[10] = {0};
	struct play p;
	int listener, fd;

	(void)state;
	play_open(&p, NULL, V4);
	listener = play_listener(&p);
	assert_int_equal(play_setint(&p, listener, IPPROTO_IP, IP_TOS, 0x2c), 0);
	assert_int_equal(play_setint(&p, listener, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	play_in(&p, (struct seg){.flags = SYN});
	play_expect(&p, SYN | ACK, 0, 0, 1);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	fd = play_accept(&p, listener);
	assert_int_equal(play_getint(&p, fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 5), 5);
	assert_int_equal(play_out(&p).tos, 0x2c);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 5), 5);
	play_expect(&p, PSH | ACK, 6, 5, 1); /* at once, though 5 bytes are not acknowledged */
	play_close(&p);
}

static void test_keepalive(void **state)
{
	struct play p;
	struct seg s;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, TCP_KEEPIDLE, 30), 0);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, TCP_KEEPINTVL, 10), 0);
	assert_int_equal(play_setint(&p, fd, IPPROTO_TCP, TCP_KEEPCNT, 2), 0);
	assert_int_equal(play_setint(&p, fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	s = play_out(&p);
	assert_int_equal(s.seq, 0);
	assert_in_range(s.at_us, 30000000, 30001000);
	s = play_out(&p);
	assert_in_range(s.at_us, 40000000, 40001000);
	play_usleep(&p, 20000000);
	assert_int_equal(play_getint(&p, fd, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
	play_close(&p);
}

static void test_tcp_info(void **state)
{
	static uint8_t info[280];
	uint32_t mem[9], snd_mss, unacked, cwnd, rcv_wscale;
	char cc[20];
	socklen_t len = sizeof(info);
	char buf[2000] = {0};
	struct play p;
	int fd;

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	assert_int_equal(p.ifc.write(p.ifc.userdata, fd, buf, 1072), 1072);
	assert_int_equal(p.ifc.getsockopt(p.ifc.userdata, fd, IPPROTO_TCP, TCP_INFO, info, &len),
			 0);
	assert_int_equal(len, 280);
	memcpy(&snd_mss, info + 16, 4);
	memcpy(&unacked, info + 24, 4);
	memcpy(&cwnd, info + 80, 4);
	rcv_wscale = info[6] >> 4;
	assert_int_equal(info[0], TCP_ESTABLISHED);
	assert_int_equal(snd_mss, 536);
	assert_int_equal(unacked, 2);
	assert_int_equal(cwnd, 10);
	assert_int_equal(rcv_wscale, 0);
	len = sizeof(mem);
	assert_int_equal(p.ifc.getsockopt(p.ifc.userdata, fd, SOL_SOCKET, SO_MEMINFO, mem, &len),
			 0);
	assert_int_equal(len, 36);
	len = sizeof(cc);
	assert_int_equal(p.ifc.getsockopt(p.ifc.userdata, fd, IPPROTO_TCP, 26, cc, &len), 0);
	play_close(&p);
}

/* A connection with SACK that has sent 10 segments of 500 bytes a round trip ago. */
static int accepted_with_sack(struct play *p)
{
	static const uint8_t offer[] = {2, 4, 500 >> 8, 500 & 0xff, 1, 1, 4, 2}; /* MSS, SACK */
	char buf[5000] = {0};
	struct seg syn = {.flags = SYN, .wnd = 20000, .opt_len = sizeof(offer)};
	int listener = play_listener(p), fd;

	memcpy(syn.opt, offer, sizeof(offer));
	play_in(p, syn);
	play_expect(p, SYN | ACK, 0, 0, 1);
	play_usleep(p, 100000);
	play_in(p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .wnd = 20000});
	fd = play_accept(p, listener);
	assert_int_equal(p->ifc.write(p->ifc.userdata, fd, buf, sizeof(buf)), sizeof(buf));
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(play_out(p).len, 500);
	play_usleep(p, 100000);
	return fd;
}

/* [from, to) of our stream has arrived, and nothing before it. */
static void sack_in(struct play *p, uint32_t from, uint32_t to)
{
	uint32_t block[2] = {htonl(p->isn + from), htonl(p->isn + to)};
	struct seg s = {.flags = ACK, .seq = 1, .ack = 1, .wnd = 20000, .opt_len = 12};

	memcpy(s.opt, "\1\1\5\12", 4);
	memcpy(s.opt + 4, block, sizeof(block));
	play_in(p, s);
}

struct losses {
	uint8_t ca_state;
	uint32_t unacked, sacked, lost, retrans, ssthresh;
};

static void expect_losses(struct play *p, int fd, struct losses want)
{
	static uint8_t info[280];
	socklen_t len = sizeof(info);
	struct losses got;

	assert_int_equal(p->ifc.getsockopt(p->ifc.userdata, fd, IPPROTO_TCP, TCP_INFO, info, &len),
			 0);
	got.ca_state = info[1];
	memcpy(&got.unacked, info + 24, 4 * sizeof(uint32_t));
	memcpy(&got.ssthresh, info + 76, sizeof(uint32_t));
	assert_int_equal(got.ca_state, want.ca_state);
	assert_int_equal(got.unacked, want.unacked);
	assert_int_equal(got.sacked, want.sacked);
	assert_int_equal(got.lost, want.lost);
	assert_int_equal(got.retrans, want.retrans);
	assert_int_equal(got.ssthresh, want.ssthresh);
}

/* What Linux's scripts look at in recovery: states by number, segments. */
static void test_losses(void **state)
{
	const uint32_t none = 0x7fffffff;
	struct play p;
	int fd;

	(void)state;
	play_open(&p, "tcp_congestion_control=reno", V4);
	fd = accepted_with_sack(&p);
	expect_losses(&p, fd, (struct losses){0, 10, 0, 0, 0, none}); /* Open */
	sack_in(&p, 501, 1001);
	expect_losses(&p, fd, (struct losses){1, 10, 1, 0, 0, none}); /* Disorder */
	sack_in(&p, 501, 1501);
	sack_in(&p, 501, 2001);
	play_expect(&p, ACK, 1, 500, 1);
	expect_losses(&p, fd, (struct losses){3, 10, 3, 1, 1, 5}); /* Recovery */
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 5001, .wnd = 20000});
	expect_losses(&p, fd, (struct losses){0, 0, 0, 0, 0, 5});
	play_close(&p);
}

static void test_tables(void **state)
{
	struct play p;
	int listener;

	(void)state;
	play_open(&p, NULL, V4);
	listener = play_listener(&p);
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, SYN_RECEIVED), 0);
	play_in(&p, (struct seg){.flags = SYN});
	p.peer_port++;
	play_in(&p, (struct seg){.flags = SYN});
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, SYN_RECEIVED), 2);
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, TIME_WAIT), 0);
	play_usleep(&p, 200000000);
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, SYN_RECEIVED), 0);
	assert_int_equal(play_getint(&p, listener, IPPROTO_TCP, CLOSED_HELD), 0);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fcntl),     cmocka_unit_test(test_ioctl),
		cmocka_unit_test(test_values),    cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_keepalive), cmocka_unit_test(test_tcp_info),
		cmocka_unit_test(test_losses),    cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
