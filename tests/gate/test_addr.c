/*
 * test_addr.c: the plan of addresses inside, classes of destinations, and the resolver's files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "gate/addr.h"
#include "gate/resolve.h"

static struct weir_addr addr_of(const char *text)
{
	struct weir_addr a = {.family = strchr(text, ':') != NULL ? 6 : 4};

	assert_int_equal(1, inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, a.bytes));
	return a;
}

static const char *set(struct gate_subnet *sub, const char *text, unsigned prefix)
{
	struct weir_addr a = addr_of(text);

	return gate_subnet_set(sub, &a, prefix);
}

static void make_default(struct gate_net *net)
{
	assert_null(set(&net->v4, "10.0.2.15", 24));
	assert_null(set(&net->v6, "fd77:6569:72::15", 64));
}

static void assert_addr(const char *text, const struct weir_addr *a)
{
	char out[GATE_CIDR_TEXT];

	assert_string_equal(text, gate_addr_text(out, a));
}

static void test_plan_derives_from_prefix(void **state)
{
	struct gate_net net;
	char out[GATE_CIDR_TEXT];

	(void)state;
	make_default(&net);
	assert_addr("10.0.2.2", &net.v4.gateway);
	assert_addr("10.0.2.3", &net.v4.origin);
	assert_addr("fd77:6569:72::2", &net.v6.gateway);
	assert_addr("fd77:6569:72::3", &net.v6.origin);
	assert_string_equal("10.0.2.15/24", gate_cidr_text(out, &net.v4.program, 24));
	assert_null(set(&net.v4, "172.16.5.77", 28));
	assert_addr("172.16.5.66", &net.v4.gateway);
	assert_addr("172.16.5.67", &net.v4.origin);
}

static void test_plan_refuses(void **state)
{
	struct gate_subnet sub;

	(void)state;
	assert_non_null(set(&sub, "10.0.2.15", 30));
	assert_non_null(set(&sub, "10.0.2.15", 7));
	assert_non_null(set(&sub, "10.0.2.2", 24));
	assert_non_null(set(&sub, "10.0.2.3", 24));
	assert_non_null(set(&sub, "10.0.2.0", 24));
	assert_non_null(set(&sub, "10.0.2.255", 24));
	assert_non_null(set(&sub, "127.0.0.9", 24));
	assert_non_null(set(&sub, "224.0.0.9", 24));
	assert_non_null(set(&sub, "fd00::15", 125));
	assert_non_null(set(&sub, "fd00::15", 15));
	assert_non_null(set(&sub, "fd00::2", 64));
	assert_non_null(set(&sub, "ff02::15", 64));
	assert_non_null(set(&sub, "::1", 64));
}

struct dest_row {
	const char *addr;
	uint16_t port;
	enum gate_dest want;
};

static const struct dest_row dest_rows[] = {
	{"10.0.2.3", 80, GATE_DEST_ORIGIN},
	{"10.0.2.3", 81, GATE_DEST_INSIDE},
	{"10.0.2.2", 80, GATE_DEST_INSIDE},
	{"10.0.2.77", 80, GATE_DEST_INSIDE},
	{"10.0.3.1", 80, GATE_DEST_HOST},
	{"192.0.2.1", 80, GATE_DEST_HOST},
	{"127.0.0.1", 80, GATE_DEST_NEVER},
	{"127.255.255.254", 80, GATE_DEST_NEVER},
	{"0.0.0.0", 80, GATE_DEST_NEVER},
	{"0.1.2.3", 80, GATE_DEST_NEVER},
	{"224.0.0.1", 80, GATE_DEST_NEVER},
	{"239.255.255.255", 80, GATE_DEST_NEVER},
	{"255.255.255.255", 80, GATE_DEST_NEVER},
	{"fd77:6569:72::3", 80, GATE_DEST_ORIGIN},
	{"fd77:6569:72::3", 443, GATE_DEST_INSIDE},
	{"fd77:6569:72::99", 80, GATE_DEST_INSIDE},
	{"2001:db8::1", 80, GATE_DEST_HOST},
	{"64:ff9b::c000:201", 80, GATE_DEST_HOST},
	{"::", 80, GATE_DEST_NEVER},
	{"::1", 80, GATE_DEST_NEVER},
	{"::ffff:127.0.0.1", 80, GATE_DEST_NEVER},
	{"::127.0.0.1", 80, GATE_DEST_NEVER},
	{"::ffff:192.0.2.1", 80, GATE_DEST_NEVER},
	{"ff02::1", 80, GATE_DEST_NEVER},
};

static void test_destinations(void **state)
{
	struct gate_net net;
	struct weir_endpoint e;
	size_t i;

	(void)state;
	make_default(&net);
	for (i = 0; i < sizeof(dest_rows) / sizeof(dest_rows[0]); i++) {
		e = (struct weir_endpoint){addr_of(dest_rows[i].addr), dest_rows[i].port};
		if (gate_dest_of(&net, &e) != dest_rows[i].want)
			fail_msg("%s port %u", dest_rows[i].addr, dest_rows[i].port);
	}
}

static void test_no_ipv6(void **state)
{
	struct gate_net net;
	struct weir_endpoint e = {addr_of("fd77:6569:72::3"), 80};
	char *text;

	(void)state;
	make_default(&net);
	memset(&net.v6, 0, sizeof(net.v6));
	assert_int_equal(GATE_DEST_HOST, gate_dest_of(&net, &e));
	text = gate_hosts_text(&net, "/no/such/file");
	assert_string_equal("10.0.2.3\tweir.test\n", text);
	free(text);
}

static void test_files(void **state)
{
	char path[] = "/tmp/weir-hosts-XXXXXX";
	int fd = mkstemp(path);
	struct gate_net net;
	char *text;

	(void)state;
	make_default(&net);
	assert_true(fd >= 0);
	assert_int_equal(20, write(fd, "127.0.0.1 localhost\n", 20));
	close(fd);
	text = gate_hosts_text(&net, path);
	assert_int_equal(0, unlink(path));
	assert_string_equal("10.0.2.3\tweir.test\nfd77:6569:72::3\tweir.test\n"
			    "127.0.0.1 localhost\n",
			    text);
	free(text);
	text = gate_resolv_text(&net);
	assert_non_null(strstr(text, "nameserver 10.0.2.2\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_derives_from_prefix),
		cmocka_unit_test(test_plan_refuses),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_no_ipv6),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
