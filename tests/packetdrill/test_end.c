/* The end of a script, several of them in one process, two runs that are equal, the real clock. */
#include "play.h"

#include <stdlib.h>
#include <unistd.h>

/* packetdrill closes what is open with the C library, resets, and frees. */
static void leave_open(void *flags)
{
	struct play p;
	int fd;

	play_open(&p, flags, V4);
	fd = play_accepted(&p);
	play_in(&p, (struct seg){.flags = ACK, .seq = 1, .ack = 1, .len = 1000});
	close(fd);
	play_in(&p, (struct seg){.flags = RST | ACK, .seq = 1001, .ack = 1});
	play_close(&p);
}

static void test_unasked(void **state)
{
	char text[1000];

	(void)state;
	/* the ACK of the data was not asked for: a remark, or with strict=1 a failure */
	assert_int_equal(play_apart(leave_open, NULL, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "1 packets left that no line of the script asked for"));
	assert_int_equal(play_apart(leave_open, (void *)(uintptr_t) "strict=1", text, sizeof(text)),
			 1);
}

/* A descriptor that was closed and given to somebody else stays theirs. */
static void test_stolen(void **state)
{
	struct play p;
	int fd, other[2];

	(void)state;
	play_open(&p, NULL, V4);
	fd = play_socket(&p);
	close(fd);
	assert_int_equal(pipe(other), 0);
	assert_int_equal(other[0], fd);
	play_close(&p);
	assert_int_equal(write(other[1], "x", 1), 1);
	close(other[0]);
	close(other[1]);
}

static void test_many(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct play a, b;

		play_open(&a, "tcp_timestamps=0", V4);
		play_accepted(&a);
		play_open(&b, i & 1 ? "clock=virtual" : NULL, V6);
		play_accepted(&b);
		play_close(&a);
		play_close(&b);
	}
}

/* Everything that leaves within ten minutes of a connection whose peer is silent. */
static uint64_t trace(void)
{
	static char bytes[5000];
	uint64_t hash = 14695981039346656037u;
	struct play p;
	int fd;

	play_open(&p, NULL, V4);
	fd = play_accepted(&p);
	p.ifc.write(p.ifc.userdata, fd, bytes, sizeof(bytes));
	play_usleep(&p, 600000000);
	for (;;) {
		static uint8_t packet[65536];
		size_t len = sizeof(packet);
		long long at;

		p.ifc.netdev_receive(p.ifc.userdata, packet, &len, &at);
		if (len == 0)
			break;
		for (size_t i = 0; i < len; i++)
			hash = (hash ^ packet[i]) * 1099511628211u;
		hash = (hash ^ (uint64_t)at) * 1099511628211u;
	}
	play_close(&p);
	return hash;
}

static void test_same_twice(void **state)
{
	uint64_t first = trace();

	(void)state;
	assert_true(first == trace());
}

static uint32_t isn_of(uint16_t peer_port, const char *flags)
{
	struct play p;

	play_open(&p, flags, V4);
	p.peer_port = peer_port;
	play_accepted(&p);
	play_close(&p);
	return p.isn;
}

/* The same each time, but of the tuple and the key, as RFC 6528 wants it. */
static void test_isn(void **state)
{
	(void)state;
	assert_int_equal(isn_of(40000, NULL), isn_of(40000, NULL));
	assert_int_not_equal(isn_of(40000, "seed=2"), isn_of(40000, NULL));
	assert_int_not_equal(isn_of(40000, NULL), isn_of(50000, NULL));
}

/* With clock=real times are the machine's: a poll of 20 ms takes no less. */
static void test_real_clock(void **state)
{
	struct timeval before, after;
	struct pollfd f = {.events = POLLIN};
	struct play p;

	(void)state;
	play_open(&p, "clock=real", V4);
	f.fd = play_accepted(&p);
	p.ifc.gettimeofday(p.ifc.userdata, &before, NULL);
	assert_int_equal(p.ifc.poll(p.ifc.userdata, &f, 1, 20), 0);
	p.ifc.gettimeofday(p.ifc.userdata, &after, NULL);
	timersub(&after, &before, &after);
	assert_true(after.tv_sec > 0 || after.tv_usec >= 20000);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unasked), cmocka_unit_test(test_stolen),
		cmocka_unit_test(test_many),    cmocka_unit_test(test_same_twice),
		cmocka_unit_test(test_isn),     cmocka_unit_test(test_real_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
