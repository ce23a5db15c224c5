/*
 * fuzz_tcp_hdr.c: a segment that is accepted lies within the bytes, agrees with its quotation, and
 * its header survives emission.
 */
#include "fuzz.h"
#include "opts_same.h"
#include "wire/tcp_hdr.h"

static void check_emit(const struct tcp_seg *s, enum tcp_opt_order order)
{
	size_t len = TCP_HDR_LEN + tcp_opt_len(&s->opts);
	uint8_t *out = fuzz_alloc(len);
	struct tcp_seg back;

	fuzz_assert(len <= TCP_HDR_MAX && tcp_emit(out, s, order) == len);
	fuzz_assert(out[TCP_CSUM_OFFSET] == 0 && out[TCP_CSUM_OFFSET + 1] == 0);
	fuzz_assert(tcp_parse(&back, out, len) == 0);
	fuzz_assert(back.hdr_len == len && back.len == 0 && back.gso_size == 0);
	fuzz_assert(back.src_port == s->src_port && back.dst_port == s->dst_port);
	fuzz_assert(seq_eq(back.seq, s->seq) && seq_eq(back.ack, s->ack));
	fuzz_assert(back.flags == s->flags && back.wnd == s->wnd && back.urgent == s->urgent);
	fuzz_assert(back.ae == s->ae && tcp_ace(&back) == tcp_ace(s));
	check_opts_same(&s->opts, &back.opts);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_seg s, quoted;

	fuzz_assert((tcp_parse_quoted(&quoted, data, size) == 0) == (size >= 8));
	if (tcp_parse(&s, data, size))
		return 0;
	fuzz_assert(s.hdr_len >= TCP_HDR_LEN && s.hdr_len <= TCP_HDR_MAX && s.hdr_len % 4 == 0);
	fuzz_assert(s.hdr_len + (size_t)s.len == size && s.payload == data + s.hdr_len);
	fuzz_assert(tcp_seg_len(&s) - s.len <= 2);
	fuzz_assert(quoted.src_port == s.src_port && quoted.dst_port == s.dst_port);
	fuzz_assert(seq_eq(quoted.seq, s.seq));
	check_emit(&s, TCP_OPT_ORDER_LINUX);
	check_emit(&s, TCP_OPT_ORDER_BSD);
	return 0;
}
