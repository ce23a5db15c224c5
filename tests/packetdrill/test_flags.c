/* Flags: what they change, what is refused with a line that names it, what is only remarked. */
#include "play.h"

#include <unistd.h>

static void init_with(void *flags)
{
	struct play p;

	play_open(&p, flags, V4);
	play_close(&p);
}

static void refused(const char *flags, const char *names)
{
	char text[1000];

	assert_int_equal(play_apart(init_with, (void *)(uintptr_t)flags, text, sizeof(text)), 1);
	if (strstr(text, names) == NULL)
		fail_msg("\"%s\" does not name \"%s\"", text, names);
}

static void remarked(const char *flags, const char *names)
{
	char text[1000];

	assert_int_equal(play_apart(init_with, (void *)(uintptr_t)flags, text, sizeof(text)), 0);
	if (names == NULL)
		assert_string_equal(text, "");
	else if (strstr(text, names) == NULL)
		fail_msg("\"%s\" does not name \"%s\"", text, names);
}

static void test_refused(void **state)
{
	(void)state;
	refused("tcp_sak=1", "tcp_sak");
	refused("tcp_sack", "tcp_sack");
	refused("tcp_sack=2", "tcp_sack");
	refused("tcp_sack=yes", "tcp_sack");
	refused("clock=fast", "clock");
	refused("mtu=20", "mtu");
	refused("synopt_order=solaris", "synopt_order");
	refused("tcp_congestion_control=vegas", "tcp_congestion_control");
	refused("tcp_rmem=1 2", "tcp_rmem");
	refused("delack_ms=600", "delack_ms");
	refused("local=10.0.0", "local");
	refused("tcp_sack=1,,=3", "=3");
}

static void test_remarked(void **state)
{
	(void)state;
	remarked("tcp_fastopen=0x403", "tcp_fastopen");
	remarked("tcp_fack=1", "tcp_fack=1");
}

static void test_silent(void **state)
{
	(void)state;
	remarked(NULL, NULL);
	remarked("", NULL);
	remarked("tcp_ecn=0,tcp_syncookies=1,tcp_congestion_control=reno,tcp_sack=1", NULL);
	remarked("tcp_ecn=1,tcp_syncookies=2,tcp_congestion_control=bbr,tcp_mtu_probing=2", NULL);
	remarked("tcp_frto=2,tcp_early_retrans=3,tcp_recovery=0x1,tcp_abort_on_overflow=1", NULL);
	remarked("tcp_rmem=4096 540000 15728640,tcp_wmem=4096 262144 4194304", NULL);
	remarked("tcp_rmem=4096,540000,15728640,tcp_wmem=4096:262144:4194304", NULL);
	remarked("net.ipv4.tcp_timestamps=0,keep_idle_ms=1000,clock=virtual,strict=1", NULL);
	remarked("clock=real", NULL);
}

/* The SYN of a stack with these flags. */
static struct seg syn_of(const char *flags)
{
	struct play p;
	struct seg s;
	int fd;

	play_open(&p, flags, V4);
	fd = play_socket(&p);
	play_nonblock(&p, fd);
	play_connect(&p, fd);
	s = play_out(&p);
	play_close(&p);
	return s;
}

static uint8_t wscale_of(const char *flags)
{
	struct seg s = syn_of(flags);

	return s.opt[s.opt_len - 1];
}

static void test_effect(void **state)
{
	struct seg s;

	(void)state;
	assert_int_equal(wscale_of(NULL), 8);
	assert_int_equal(wscale_of("tcp_rmem=4096 131072 6291456"), 7);
	assert_int_equal(wscale_of("tcp_rmem=4096 131072 65535"), 0);
	s = syn_of("tcp_timestamps=0,tcp_sack=0,tcp_window_scaling=0,mtu=1000");
	assert_int_equal(s.opt_len, 4);
	assert_memory_equal(s.opt, "\2\4\3\300", 4); /* MSS 960, and nothing else */
	assert_int_equal(syn_of("tcp_ecn=0").flags, SYN);
	assert_int_equal(syn_of("tcp_ecn=1").flags, SYN | ECE | CWR);
	assert_int_equal(syn_of("tcp_ecn=2").flags, SYN); /* only if the peer asks */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_remarked),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
