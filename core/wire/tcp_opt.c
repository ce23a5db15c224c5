/*
 * tcp_opt.c: TCP options, read and written.
 *
 * Theory of operation
 *
 * Reading. An option is one byte (end of list 0, no-operation 1) or kind, length and value, where
 * the length counts all three (RFC9293-MUST-4, MUST-68). Options stand at any byte offset
 * (RFC9293-MUST-64), so values are put together from bytes. tcp_opt.def has a row for each kind
 * that is known, with the lengths it may have; kinds without a row are stepped over
 * (RFC9293-MUST-6). A length below 2, beyond the end, or against the row makes the whole segment
 * malformed (RFC9293-MUST-7): a sender that cannot count is not to be guessed at. What follows an
 * end of list is not looked at. Of an option that comes twice the last one counts.
 *
 * Most segments of a connection carry NOP, NOP and timestamps and nothing else; that layout
 * (RFC 7323 appendix A) is recognised at once and read without the loop, and so are those of the
 * SYNs of Linux and FreeBSD, of which floods are made.
 *
 * Writing. Layouts are those of Linux and of FreeBSD, since middleboxes have seen these and
 * fingerprinting tells stacks apart by nothing else as easily. Each group is padded so that it
 * begins on a multiple of 4 and values of 4 bytes are aligned; both orders take the same space:
 *
 *	group                      Linux                         BSD
 *	MSS                        02 04 mss                     the same
 *	timestamps                 01 01 08 0a val ecr           the same
 *	.. and SACK permitted      04 02 08 0a val ecr           the same
 *	SACK permitted alone       01 01 04 02                   04 02 00 00
 *	window scale               01 03 03 ws                   the same, right behind MSS
 *	Accurate ECN               01 ac 0b e0b ceb e1b          the same (RFC 9768)
 *	.. with fewer counters     ac 08 e0b ceb                 the same
 *	SACK                       01 01 05 len blocks           the same
 *
 * The BSD padding after SACK permitted is an end of list, with zeros to the end of its word
 * (RFC9293-MUST-69); that can only be the last group, so SACK blocks, which no SYN carries, get
 * NOPs there instead.
 *
 * Limits: 40 bytes. SACK blocks come last and are cut to those that fit: four alone, three with
 * timestamps.
 *
 * An Accurate ECN option of a length that nobody has defined gives the counters that fit into it
 * (RFC 9768 3.2.3).
 *
 * State: none. RFC 9293 3.1, RFC 7323, RFC 2018, RFC 9768.
 */
#include "wire/tcp_opt.h"

#include <string.h>

#include "base/be.h"

enum opt_kind {
	OPT_EOL = 0,
	OPT_NOP = 1,
#define X(name, kind, least, most, step, text) OPT_##name = kind,
#include "wire/tcp_opt.def"
#undef X
};

#define X(name, kind, least, most, step, text) \
	_Static_assert((least) >= 2 && (most) <= TCP_OPT_MAX && ((most) - (least)) % (step) == 0, \
		       text);
#include "wire/tcp_opt.def"
#undef X

#define TS_GROUP_LEN 12u /* NOP, NOP, timestamps */
#define FULL_SYN_LEN 20u /* MSS, SACK permitted, timestamps, NOP, window scale */
#define SACK_BLOCK   8u
#define ACCECN_FIELD 3u

/* Is `len` a length that an option of this kind may have? */
static bool len_ok(uint8_t kind, uint8_t len)
{
	switch (kind) {
#define X(name, number, least, most, step, text) \
	case OPT_##name: \
		return len >= (least) && len <= (most) && (len - (least)) % (step) == 0;
#include "wire/tcp_opt.def"
#undef X
	default:
		return len >= 2;
	}
}

static inline uint8_t wscale_of(uint8_t value)
{
	return value > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : value;
}

static void read_ts(struct tcp_opts *out, const uint8_t *opt)
{
	out->has_ts = true;
	out->ts_val = be32_get(opt + 2);
	out->ts_ecr = be32_get(opt + 6);
}

static void read_sack(struct tcp_opts *out, const uint8_t *opt)
{
	out->sack_count = (uint8_t)((opt[1] - 2u) / SACK_BLOCK);
	for (unsigned i = 0; i < out->sack_count; i++) {
		const uint8_t *block = opt + 2 + i * SACK_BLOCK;

		out->sack[i].lo = seq_make(be32_get(block));
		out->sack[i].hi = seq_make(be32_get(block + 4));
	}
}

/* RFC9768-09: whole counters; the rest of an odd length is padding. */
static void read_accecn(struct tcp_opts *out, const uint8_t *opt, enum tcp_accecn order)
{
	unsigned count = (opt[1] - 2u) / ACCECN_FIELD;

	out->accecn = (uint8_t)order;
	out->accecn_count = (uint8_t)(count < TCP_ACCECN_FIELDS ? count : TCP_ACCECN_FIELDS);
	for (unsigned i = 0; i < out->accecn_count; i++) {
		const uint8_t *at = opt + 2 + i * ACCECN_FIELD;

		out->accecn_field[i] = (uint32_t)at[0] << 16 | be16_get(at + 1);
	}
}

/* Reads one option whose length is right and lies within the bytes. */
static void read_option(struct tcp_opts *out, const uint8_t *opt)
{
	switch (opt[0]) {
	case OPT_MSS:
		out->has_mss = true;
		out->mss = be16_get(opt + 2);
		break;
	case OPT_WSCALE: /* RFC7323-04 */
		out->has_wscale = true;
		out->wscale = wscale_of(opt[2]);
		break;
	case OPT_SACK_PERMITTED:
		out->sack_permitted = true;
		break;
	case OPT_SACK:
		read_sack(out, opt);
		break;
	case OPT_TS:
		read_ts(out, opt);
		break;
	case OPT_ACCECN0:
		read_accecn(out, opt, TCP_ACCECN_ORDER_0);
		break;
	case OPT_ACCECN1:
		read_accecn(out, opt, TCP_ACCECN_ORDER_1);
		break;
	}
}

/* The words of a SYN with all its options, as put_*() below write them. */
#define WORD_MSS          ((uint32_t)OPT_MSS << 8 | 4)
#define WORD_PERMITTED_TS ((uint32_t)OPT_SACK_PERMITTED << 24 | 2 << 16 | OPT_TS << 8 | 10)
#define WORD_WSCALE       ((uint32_t)OPT_NOP << 16 | OPT_WSCALE << 8 | 3)

/* The options of a SYN or SYN-ACK in one of both orders, if it is laid out so. */
static inline bool read_full_syn(struct tcp_opts *out, const uint8_t *b, size_t ts, size_t wscale)
{
	if (be16_get(b) != WORD_MSS || be32_get(b + ts) != WORD_PERMITTED_TS ||
	    be32_get(b + wscale) >> 8 != WORD_WSCALE)
		return false;
	*out = (struct tcp_opts){
		.has_mss = true,
		.has_wscale = true,
		.sack_permitted = true,
		.has_ts = true,
		.mss = be16_get(b + 2),
		.wscale = wscale_of(b[wscale + 3]),
		.ts_val = be32_get(b + ts + 4),
		.ts_ecr = be32_get(b + ts + 8),
	};
	return true;
}

int tcp_opt_parse(struct tcp_opts *out, const uint8_t *bytes, size_t len)
{
	size_t off = 0;

	if (len == FULL_SYN_LEN &&
	    (read_full_syn(out, bytes, 4, 16) || read_full_syn(out, bytes, 8, 4)))
		return 0;
	memset(out, 0, sizeof(*out));
	if (len == TS_GROUP_LEN &&
	    be32_get(bytes) == (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10)) {
		read_ts(out, bytes + 2);
		return 0;
	}
	while (off < len && bytes[off] != OPT_EOL) {
		const uint8_t *opt = bytes + off;

		if (opt[0] == OPT_NOP) {
			off++;
			continue;
		}
		if (len - off < 2 || opt[1] > len - off || !len_ok(opt[0], opt[1]))
			return -1;
		read_option(out, opt);
		off += opt[1];
	}
	return 0;
}

bool tcp_sack_again(const struct tcp_opts *o, seq_t ack)
{
	const struct tcp_sack *b = o->sack;

	if (o->sack_count == 0)
		return false;
	return seq_lt(b[0].lo, ack) ||
	       (o->sack_count > 1 && seq_leq(b[1].lo, b[0].lo) && seq_leq(b[0].hi, b[1].hi));
}

static uint8_t *put_mss(uint8_t *p, const struct tcp_opts *o)
{
	if (!o->has_mss)
		return p;
	p[0] = OPT_MSS;
	p[1] = 4;
	be16_put(p + 2, o->mss);
	return p + 4;
}

static uint8_t *put_wscale(uint8_t *p, const struct tcp_opts *o)
{
	if (!o->has_wscale)
		return p;
	p[0] = OPT_NOP;
	p[1] = OPT_WSCALE;
	p[2] = 3;
	p[3] = o->wscale;
	return p + 4;
}

static uint8_t *put_ts_and_permitted(uint8_t *p, const struct tcp_opts *o)
{
	if (!o->has_ts)
		return p;
	p[0] = o->sack_permitted ? OPT_SACK_PERMITTED : OPT_NOP;
	p[1] = o->sack_permitted ? 2 : OPT_NOP;
	p[2] = OPT_TS;
	p[3] = 10;
	be32_put(p + 4, o->ts_val);
	be32_put(p + 8, o->ts_ecr);
	return p + TS_GROUP_LEN;
}

/* SACK permitted where there are no timestamps to share a group with. */
static uint8_t *put_permitted_alone(uint8_t *p, const struct tcp_opts *o, enum tcp_opt_order order)
{
	static const uint8_t nop_first[4] = {OPT_NOP, OPT_NOP, OPT_SACK_PERMITTED, 2};
	static const uint8_t eol_last[4] = {OPT_SACK_PERMITTED, 2, OPT_EOL, OPT_EOL};
	const uint8_t *group = nop_first;

	if (!o->sack_permitted || o->has_ts)
		return p;
	if (order == TCP_OPT_ORDER_BSD && !o->sack_count && !o->accecn)
		group = eol_last;
	memcpy(p, group, 4);
	return p + 4;
}

/* Bytes of an Accurate ECN option with its padding: 4, 8, 8 or 12. */
static size_t accecn_len(const struct tcp_opts *o)
{
	return o->accecn ? (2 + o->accecn_count * ACCECN_FIELD + 3) / 4 * 4 : 0;
}

static uint8_t *put_accecn(uint8_t *p, const struct tcp_opts *o)
{
	size_t len = 2 + o->accecn_count * ACCECN_FIELD;

	if (!o->accecn)
		return p;
	for (size_t pad = accecn_len(o); pad > len; pad--)
		*p++ = OPT_NOP;
	p[0] = o->accecn == TCP_ACCECN_ORDER_0 ? OPT_ACCECN0 : OPT_ACCECN1;
	p[1] = (uint8_t)len;
	p += 2;
	for (unsigned i = 0; i < o->accecn_count; i++, p += ACCECN_FIELD) {
		p[0] = (uint8_t)(o->accecn_field[i] >> 16);
		be16_put(p + 1, (uint16_t)o->accecn_field[i]);
	}
	return p;
}

/* SACK blocks that fit behind `used` bytes. */
static unsigned sack_fit(const struct tcp_opts *o, size_t used)
{
	size_t room = TCP_OPT_MAX - used;
	size_t fit = room < 4 ? 0 : (room - 4) / SACK_BLOCK;

	if (fit > TCP_SACK_MAX)
		fit = TCP_SACK_MAX;
	return o->sack_count < fit ? o->sack_count : (unsigned)fit;
}

static uint8_t *put_sack(uint8_t *p, const struct tcp_opts *o, unsigned count)
{
	if (!count)
		return p;
	p[0] = OPT_NOP;
	p[1] = OPT_NOP;
	p[2] = OPT_SACK;
	p[3] = (uint8_t)(2 + count * SACK_BLOCK);
	p += 4;
	for (unsigned i = 0; i < count; i++, p += SACK_BLOCK) {
		be32_put(p, o->sack[i].lo.v);
		be32_put(p + 4, o->sack[i].hi.v);
	}
	return p;
}

/* The SYN-ACK of Linux with all its options, which answers most SYNs. */
static size_t put_full_syn(uint8_t *p, const struct tcp_opts *o)
{
	be32_put(p, WORD_MSS << 16 | o->mss);
	be32_put(p + 4, WORD_PERMITTED_TS);
	be32_put(p + 8, o->ts_val);
	be32_put(p + 12, o->ts_ecr);
	be32_put(p + 16, WORD_WSCALE << 8 | o->wscale);
	return FULL_SYN_LEN;
}

size_t tcp_opt_emit(uint8_t *bytes, const struct tcp_opts *o, enum tcp_opt_order order)
{
	uint8_t *p;

	if (order == TCP_OPT_ORDER_LINUX && o->has_mss && o->sack_permitted && o->has_ts &&
	    o->has_wscale && !o->sack_count && !o->accecn)
		return put_full_syn(bytes, o);
	p = put_mss(bytes, o);
	switch (order) {
	case TCP_OPT_ORDER_LINUX:
		p = put_ts_and_permitted(p, o);
		p = put_permitted_alone(p, o, order);
		p = put_wscale(p, o);
		break;
	case TCP_OPT_ORDER_BSD:
		p = put_wscale(p, o);
		p = put_ts_and_permitted(p, o);
		p = put_permitted_alone(p, o, order);
		break;
	}
	p = put_accecn(p, o);
	p = put_sack(p, o, sack_fit(o, (size_t)(p - bytes)));
	return (size_t)(p - bytes);
}

size_t tcp_opt_len(const struct tcp_opts *o)
{
	size_t used = o->has_mss ? 4 : 0;
	unsigned blocks;

	if (o->has_ts)
		used += TS_GROUP_LEN;
	else if (o->sack_permitted)
		used += 4;
	if (o->has_wscale)
		used += 4;
	used += accecn_len(o);
	blocks = sack_fit(o, used);
	return blocks ? used + 4 + blocks * SACK_BLOCK : used;
}
