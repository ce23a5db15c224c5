/*
 * The two forms of zero in a checksum field (RFC1624-02): a segment whose checksum is zero may
 * carry it as all ones, and is taken; nothing else of it may differ.
 */
#include "fixture.h"

/* A SYN whose checksum comes out as zero: its window is chosen so. Returns the packet's length. */
static size_t zero_syn(uint8_t *bytes, const struct weir_tuple *t)
{
	struct tcp_seg syn = {.seq = {PEER_ISN}, .flags = TCP_SYN};
	size_t ip = ip_out_len(t->local.addr.family);
	size_t len = 0;

	for (uint32_t wnd = 0; wnd < 65536; wnd++) {
		syn.wnd = (uint16_t)wnd;
		len = stk_packet(bytes, t, syn);
		if (bytes[ip + TCP_CSUM_OFFSET] == 0 && bytes[ip + TCP_CSUM_OFFSET + 1] == 0)
			return len;
	}
	fail_msg("no window makes the checksum zero");
	return len;
}

static void check_family(struct stk *f, uint8_t family)
{
	struct weir_tuple t = stk_peer(family, 9, 1000);
	struct weir_tuple other = stk_peer(family, 8, 1000);
	size_t ip = ip_out_len(family);
	uint8_t bytes[200];
	size_t len = zero_syn(bytes, &t);

	assert_verdict(stk_frame(f, bytes, len), ACCEPTED);
	assert_out(f, TCP_SYN | TCP_ACK);
	len = zero_syn(bytes, &other);
	memset(bytes + ip + TCP_CSUM_OFFSET, 0xff, 2);
	assert_verdict(stk_frame(f, bytes, len), ACCEPTED);
	assert_out(f, TCP_SYN | TCP_ACK);
	bytes[ip + TCP_CSUM_OFFSET] ^= 1;
	assert_verdict(stk_frame(f, bytes, len), TCP_CHECKSUM);
	assert_false(stk_out(f));
}

static void test_both_zeros(void **state)
{
	struct stk *f = *state;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	check_family(f, 4);
	check_family(f, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
