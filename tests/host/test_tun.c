/*
 * The TUN link against the kernel's UDP, in a user and network namespace of the test's own.
 * Skipped (77) where such a namespace or /dev/net/tun is not to be had.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "weir/link.h"

#define KERNEL_ADDR "192.0.2.1"
#define OUR_ADDR    "192.0.2.2"

static int udp_socket(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	inet_pton(AF_INET, KERNEL_ADDR, &at.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	return fd;
}

static void wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static struct weir_link *link_up(uint32_t mtu)
{
	struct weir_link *link;
	char name[16];
	uint32_t got;
	int fd;

	fd = weir_tun_create("weirtest%d", name);
	assert_true(fd >= 0);
	assert_string_equal(name, "weirtest0");
	assert_int_equal(weir_tun_configure(name, mtu, KERNEL_ADDR "/24", "2001:db8::1/64"), 0);
	assert_int_equal(weir_tun_mtu(name, &got), 0);
	assert_int_equal(got, mtu);
	assert_int_equal(weir_link_tun_adopt(fd, mtu, &link), 0);
	return link;
}

/* Receives until a UDP packet comes; others (router solicitations) are passed over. */
static struct weir_frame recv_udp(struct weir_link *link)
{
	struct weir_frame frames[8];
	int i, n;

	for (;;) {
		wait_readable(link->fd);
		n = link->ops->recv(link, frames, 8);
		assert_true(n >= 0 && n <= 8);
		for (i = 0; i < n; i++) {
			if (frames[i].bytes[0] >> 4 == 4 && frames[i].bytes[9] == IPPROTO_UDP)
				return frames[i];
		}
	}
}

static void test_configure(void **state)
{
	struct weir_link *link = link_up(65520);
	struct sockaddr_in6 at = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(link->mtu, 65520);
	assert_true(link->csum_offload);
	assert_int_equal(link->gso_max, 65535);
	/* The address can be bound at once: no duplicate address detection holds it back. */
	inet_pton(AF_INET6, "2001:db8::1", &at.sin6_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	close(fd);
	weir_link_close(link);
}

static void test_errors(void **state)
{
	char name[16];
	int fd = weir_tun_create("weirtest%d", name);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(weir_tun_configure("nosuch", 1500, NULL, NULL), -1);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(weir_tun_configure(name, 1500, "192.0.2.1", NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(weir_tun_configure(name, 1500, "192.0.2.1/33", NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(weir_tun_configure(name, 1500, NULL, "192.0.2.1/24"), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
	assert_int_equal(weir_tun_create("a-name-that-is-too-long", name), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void test_recv(void **state)
{
	struct weir_link *link = link_up(1500);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct weir_frame f;
	int fd = udp_socket(4000);

	(void)state;
	inet_pton(AF_INET, OUR_ADDR, &to.sin_addr);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)(void *)&to, sizeof(to)), 5);
	f = recv_udp(link);
	assert_int_equal(f.len, 20 + 8 + 5);
	assert_memory_equal(f.bytes + 28, "hello", 5);
	assert_memory_equal(f.bytes + 16, &to.sin_addr, 4);
	assert_int_equal((uintptr_t)f.bytes % 64, 0);
	/* The kernel left the checksum to the device, so there is nothing to verify. */
	assert_int_equal(f.flags & WEIR_FRAME_CSUM_OK, WEIR_FRAME_CSUM_OK);
	assert_int_equal(f.gso_size, 0);
	close(fd);
	weir_link_close(link);
}

/* Sum of 16-bit words in network order, folded. */
static uint16_t sum16(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A UDP packet of 10 bytes of payload in two spans, its checksum left to the link. */
static void packet_fill(struct weir_packet *p, uint16_t port)
{
	uint8_t *ip = p->head, *udp = p->head + 20;
	uint8_t pseudo[12] = {[9] = IPPROTO_UDP, [11] = 18};
	uint16_t sum;

	memset(p, 0, sizeof(*p));
	ip[0] = 0x45;
	ip[3] = 38;
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	inet_pton(AF_INET, OUR_ADDR, ip + 12);
	inet_pton(AF_INET, KERNEL_ADDR, ip + 16);
	sum = (uint16_t)~sum16(ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	udp[1] = 9;
	udp[2] = (uint8_t)(port >> 8);
	udp[3] = (uint8_t)port;
	udp[5] = 18;
	memcpy(pseudo, ip + 12, 8);
	sum = sum16(pseudo, sizeof(pseudo));
	udp[6] = (uint8_t)(sum >> 8);
	udp[7] = (uint8_t)sum;
	p->head_len = 28;
	p->total_len = 38;
	p->span[0] = (struct weir_span){(const uint8_t *)"weir", 4};
	p->span[1] = (struct weir_span){(const uint8_t *)"weir12", 6};
	p->span_count = 2;
	p->l4_start = 20;
	p->csum_offset = 6;
	p->flags = WEIR_PACKET_CSUM_PARTIAL;
}

static void test_send(void **state)
{
	struct weir_link *link = link_up(1500);
	struct weir_packet p;
	char got[64];
	int fd = udp_socket(4001);

	(void)state;
	/* With a wrong checksum the kernel drops it, so the second one alone must arrive. */
	packet_fill(&p, 4001);
	p.flags = 0;
	assert_int_equal(link->ops->send(link, &p), 0);
	packet_fill(&p, 4001);
	p.span[1].bytes = (const uint8_t *)"second";
	assert_int_equal(link->ops->send(link, &p), 0);
	wait_readable(fd);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 10);
	assert_memory_equal(got, "weirsecond", 10);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(link->frames_out, 2);
	close(fd);
	weir_link_close(link);
}

static void test_recv_batch(void **state)
{
	struct weir_link *link = link_up(1500);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct weir_frame frames[4];
	int fd = udp_socket(4002);
	unsigned char next = 0;
	int i, n;

	(void)state;
	inet_pton(AF_INET, OUR_ADDR, &to.sin_addr);
	for (i = 0; i < 10; i++) {
		char byte = (char)i;

		assert_int_equal(
			sendto(fd, &byte, 1, 0, (struct sockaddr *)(void *)&to, sizeof(to)), 1);
	}
	while (next < 10) {
		n = link->ops->recv(link, frames, 4);
		assert_true(n > 0 && n <= 4);
		for (i = 0; i < n; i++) {
			if (frames[i].bytes[0] >> 4 == 4 && frames[i].bytes[9] == IPPROTO_UDP)
				assert_int_equal(frames[i].bytes[28], next++);
		}
	}
	while ((n = link->ops->recv(link, frames, 4)) > 0)
		continue;
	assert_int_equal(n, 0);
	close(fd);
	weir_link_close(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configure),  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_recv),       cmocka_unit_test(test_send),
		cmocka_unit_test(test_recv_batch),
	};
	char name[16];
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		perror("skipped: unshare");
		return 77;
	}
	fd = weir_tun_create("weirprobe%d", name);
	if (fd < 0) {
		perror("skipped: /dev/net/tun");
		return 77;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
