/*
 * Our addresses: which is the source for a destination, what is a broadcast, who may be a peer.
 */
#include "net_test.h"

#include "net/netif.h"

static void test_add(void **state)
{
	struct netif n = {0};
	struct weir_addr zero4 = {.family = 4}, zero6 = {.family = 6}, group6 = {.family = 6};

	(void)state;
	group6.bytes[0] = 0xff;
	assert_int_equal(netif_add(&n, &A4(10, 0, 0, 1), 24), WEIR_OK);
	assert_int_equal(netif_add(&n, &A4(10, 0, 0, 1), 16), WEIR_EXISTS);
	assert_int_equal(netif_add(&n, &A4(10, 0, 0, 2), 33), WEIR_BAD_ARG);
	assert_int_equal(netif_add(&n, &A4(10, 0, 0, 2), 32), WEIR_OK);
	assert_int_equal(netif_add(&n, &A6(1, 1), 129), WEIR_BAD_ARG);
	assert_int_equal(netif_add(&n, &A6(1, 1), 128), WEIR_OK);
	assert_int_equal(netif_add(&n, &zero4, 24), WEIR_BAD_ARG);
	assert_int_equal(netif_add(&n, &zero6, 64), WEIR_BAD_ARG);
	assert_int_equal(netif_add(&n, &group6, 64), WEIR_BAD_ARG);
	assert_int_equal(netif_add(&n, &A4(224, 0, 0, 5), 24), WEIR_BAD_ARG);
	assert_int_equal(netif_add(&n, &A4(10, 0, 0, 255), 24), WEIR_BAD_ARG); /* a broadcast */
	assert_int_equal(netif_add(&n, &(struct weir_addr){.family = 5}, 8), WEIR_BAD_ARG);
	for (uint8_t i = 0; i < NETIF_ADDRS_MAX - 3; i++)
		assert_int_equal(netif_add(&n, &A4(10, 1, 0, i), 32), WEIR_OK);
	assert_int_equal(netif_add(&n, &A4(10, 2, 0, 0), 32), WEIR_NO_RESOURCES);
	assert_int_equal(n.count, NETIF_ADDRS_MAX);
}

static void test_is_ours(void **state)
{
	struct netif n = {0};
	struct weir_addr tail = A4(10, 0, 0, 1);

	(void)state;
	tail.bytes[10] = 99; /* beyond an IPv4 address: does not count */
	netif_add(&n, &A4(10, 0, 0, 1), 24);
	netif_add(&n, &A6(1, 1), 64);
	assert_true(netif_is_ours(&n, &A4(10, 0, 0, 1)));
	assert_true(netif_is_ours(&n, &tail));
	assert_false(netif_is_ours(&n, &A4(10, 0, 0, 2)));
	assert_true(netif_is_ours(&n, &A6(1, 1)));
	assert_false(netif_is_ours(&n, &A6(1, 2)));
	/* the same bytes in the other family */
	assert_false(netif_is_ours(&n, &(struct weir_addr){.family = 6, .bytes = {10, 0, 0, 1}}));
}

/* RFC9293-MUST-57: broadcast by prefix (RFC 1122 3.2.1.3), limited broadcast, multicast. */
static void test_is_group(void **state)
{
	static const struct {
		struct weir_addr addr;
		bool group;
	} rows[] = {
		{{4, {255, 255, 255, 255}}, true},
		{{4, {224, 0, 0, 1}}, true},
		{{4, {239, 255, 255, 255}}, true},
		{{4, {223, 255, 255, 255}}, false},
		{{4, {240, 0, 0, 1}}, false},
		{{4, {10, 0, 0, 255}}, true},
		{{4, {10, 0, 0, 254}}, false},
		{{4, {10, 0, 1, 255}}, false},
		{{4, {172, 16, 15, 255}}, true}, /* of a /20 */
		{{4, {172, 16, 14, 255}}, false},
		{{4, {172, 16, 31, 255}}, false},
		{{4, {192, 0, 2, 1}}, false}, /* a /31 has no broadcast (RFC 3021) */
		{{4, {192, 0, 2, 9}}, false}, /* nor has a /32 */
		{{6, {0xff, 2}}, true},
		{{6, {0xfe, 0x80}}, false},
		{{6, {255, 255, 255, 255}}, true},
		{{6, {10, 0, 0, 255}}, false},
	};
	struct netif n = {0};

	(void)state;
	netif_add(&n, &A4(10, 0, 0, 1), 24);
	netif_add(&n, &A4(172, 16, 0, 1), 20);
	netif_add(&n, &A4(192, 0, 2, 0), 31);
	netif_add(&n, &A4(192, 0, 2, 9), 32);
	netif_add(&n, &A6(1, 1), 64);
	for (unsigned i = 0; i < LENGTH(rows); i++)
		if (netif_is_group(&n, &rows[i].addr) != rows[i].group)
			fail_msg("row %u", i);
}

/* RFC9293-MUST-46 */
static void test_may_be_peer(void **state)
{
	struct netif n = {0};

	(void)state;
	netif_add(&n, &A4(10, 0, 0, 1), 24);
	assert_true(netif_may_be_peer(&n, &A4(10, 0, 0, 2)));
	assert_true(netif_may_be_peer(&n, &A4(192, 0, 2, 2)));
	assert_true(netif_may_be_peer(&n, &A6(0, 1)));
	assert_false(netif_may_be_peer(&n, &A4(0, 0, 0, 0)));
	assert_false(netif_may_be_peer(&n, &A4(10, 0, 0, 255)));
	assert_false(netif_may_be_peer(&n, &A4(255, 255, 255, 255)));
	assert_false(netif_may_be_peer(&n, &A4(224, 0, 0, 1)));
	assert_false(netif_may_be_peer(&n, &(struct weir_addr){.family = 6}));
	assert_false(netif_may_be_peer(&n, &(struct weir_addr){6, {0xff, 2}}));
}

/* RFC9293-MUST-44: the address whose prefix covers the destination, else the first one. */
static void test_source(void **state)
{
	static const struct {
		struct weir_addr dst, src;
	} rows[] = {
		{{4, {10, 0, 0, 9}}, {4, {10, 0, 0, 1}}},
		{{4, {172, 16, 15, 9}}, {4, {172, 16, 0, 1}}}, /* inside the /20 ... */
		{{4, {172, 16, 16, 9}}, {4, {10, 0, 0, 1}}},   /* ... and outside */
		{{4, {8, 8, 8, 8}}, {4, {10, 0, 0, 1}}},
		{{6, {[0] = 0xfd, [7] = 2, [15] = 7}}, {6, {[0] = 0xfd, [7] = 2, [15] = 1}}},
		{{6, {[0] = 0x20, [15] = 7}}, {6, {[0] = 0xfd, [7] = 1, [15] = 1}}},
	};
	struct netif n = {0};

	(void)state;
	assert_null(netif_source_for(&n, &A4(8, 8, 8, 8)));
	netif_add(&n, &A4(10, 0, 0, 1), 24);
	assert_null(netif_source_for(&n, &A6(1, 9))); /* none of that family */
	netif_add(&n, &A6(1, 1), 64);
	netif_add(&n, &A4(172, 16, 0, 1), 20);
	netif_add(&n, &A6(2, 1), 64);
	for (unsigned i = 0; i < LENGTH(rows); i++)
		assert_true(netif_addr_eq(netif_source_for(&n, &rows[i].dst), &rows[i].src));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),      cmocka_unit_test(test_is_ours),
		cmocka_unit_test(test_is_group), cmocka_unit_test(test_may_be_peer),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
