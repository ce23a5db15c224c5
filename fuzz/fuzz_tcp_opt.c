/*
 * fuzz_tcp_opt.c: options that are accepted survive emission in both layouts, and whatever is
 * written keeps to the rules of RFC 9293 3.1.
 *
 * The input is read twice: as options of a segment, and as the fields of a struct tcp_opts.
 */
#include "fuzz.h"
#include "opts_same.h"

/* RFC9293-MUST-68 and MUST-69. */
static void check_wire_rules(const uint8_t *p, size_t len)
{
	size_t off = 0;

	fuzz_assert(len <= TCP_OPT_MAX && len % 4 == 0);
	while (off < len && p[off] != 0) {
		if (p[off] == 1) {
			off++;
			continue;
		}
		fuzz_assert(len - off >= 2 && p[off + 1] >= 2 && p[off + 1] <= len - off);
		off += p[off + 1];
	}
	for (; off < len; off++)
		fuzz_assert(p[off] == 0);
}

static void check_emit(const struct tcp_opts *o, enum tcp_opt_order order)
{
	size_t len = tcp_opt_len(o);
	uint8_t *out = fuzz_alloc(len), *again;
	struct tcp_opts back;

	fuzz_assert(tcp_opt_emit(out, o, order) == len);
	check_wire_rules(out, len);
	fuzz_assert(tcp_opt_parse(&back, out, len) == 0);
	check_opts_same(o, &back);
	/* Nothing is lost a second time. */
	again = fuzz_alloc(len);
	fuzz_assert(tcp_opt_len(&back) == len);
	fuzz_assert(tcp_opt_emit(again, &back, order) == len && !memcmp(out, again, len));
	free(again);
	free(out);
}

static void check_read(const uint8_t *bytes, size_t len)
{
	struct tcp_opts o;

	if (tcp_opt_parse(&o, bytes, len))
		return;
	fuzz_assert(!o.has_wscale || o.wscale <= TCP_WSCALE_MAX);
	fuzz_assert(o.sack_count <= TCP_SACK_MAX && o.accecn_count <= TCP_ACCECN_FIELDS);
	check_emit(&o, TCP_OPT_ORDER_LINUX);
	check_emit(&o, TCP_OPT_ORDER_BSD);
}

static void check_fields(struct fuzz_input in)
{
	uint8_t bits = fuzz_u8(&in);
	struct tcp_opts o = {
		.has_mss = bits & 1,
		.has_wscale = bits & 2,
		.sack_permitted = bits & 4,
		.has_ts = bits & 8,
	};

	o.sack_count = bits >> 4;
	o.wscale = fuzz_u8(&in) % (TCP_WSCALE_MAX + 1);
	o.mss = fuzz_u16(&in);
	o.ts_val = fuzz_u32(&in);
	o.ts_ecr = fuzz_u32(&in);
	for (unsigned i = 0; i < TCP_SACK_MAX; i++) {
		o.sack[i].lo = seq_make(fuzz_u32(&in));
		o.sack[i].hi = seq_make(fuzz_u32(&in));
	}
	bits = fuzz_u8(&in);
	o.accecn = bits % 3;
	o.accecn_count = o.accecn ? bits / 3 % 4 : 0;
	for (unsigned i = 0; i < TCP_ACCECN_FIELDS; i++)
		o.accecn_field[i] = fuzz_u32(&in) & 0xffffff;
	check_emit(&o, TCP_OPT_ORDER_LINUX);
	check_emit(&o, TCP_OPT_ORDER_BSD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_read(data, size);
	check_fields((struct fuzz_input){data, size});
	return 0;
}
