/*
 * fuzz_ip4.c: whatever ip4_parse() accepts lies within the bytes and survives emission; which
 * sources are refused agrees with RFC 1122 3.2.1.3 as a table of networks.
 */
#include "fuzz.h"
#include "wire/checksum.h"
#include "wire/ip4.h"

static void check_same(const struct ip4_hdr *a, const struct ip4_hdr *b)
{
	fuzz_assert(!memcmp(a->src, b->src, 4) && !memcmp(a->dst, b->dst, 4));
	fuzz_assert(a->total_len == b->total_len && a->id == b->id);
	fuzz_assert(a->frag_off == b->frag_off);
	fuzz_assert(a->tos == b->tos && a->ttl == b->ttl && a->proto == b->proto);
	fuzz_assert(a->dont_frag == b->dont_frag && a->more_frags == b->more_frags);
}

static void check_emit(const struct ip4_hdr *h)
{
	uint8_t *out = fuzz_alloc(h->total_len < IP4_HDR_LEN ? IP4_HDR_LEN : h->total_len);
	struct ip4_hdr back;

	ip4_emit(out, h);
	fuzz_assert(csum_good(csum_add(0, out, IP4_HDR_LEN)));
	fuzz_assert(ip4_parse_quoted(&back, out, IP4_HDR_LEN) == 0);
	check_same(h, &back);
	fuzz_assert(back.hdr_len == IP4_HDR_LEN);
	if (h->total_len >= IP4_HDR_LEN)
		fuzz_assert(ip4_parse(&back, out, h->total_len) == 0);
	free(out);
}

static void check_source(const uint8_t a[4])
{
	/* 0/8, 127/8, 224/4 (groups), 240/4 (class E, and broadcast) */
	bool refused = a[0] == 0 || a[0] == 127 || (a[0] & 0xf0) == 0xe0 || (a[0] & 0xf0) == 0xf0;

	fuzz_assert(ip4_source_ok(a) == !refused);
	fuzz_assert(ip4_is_multicast(a) == ((a[0] & 0xf0) == 0xe0));
}

static void check(const uint8_t *bytes, size_t len)
{
	struct ip4_hdr h, quoted;

	if (ip4_parse_quoted(&quoted, bytes, len)) {
		fuzz_assert(ip4_parse(&h, bytes, len));
		return;
	}
	fuzz_assert(quoted.hdr_len >= IP4_HDR_LEN && quoted.hdr_len <= len);
	fuzz_assert(quoted.hdr_len <= 60 && quoted.hdr_len % 4 == 0);
	fuzz_assert(quoted.frag_off % 8 == 0);
	check_emit(&quoted);
	check_source(quoted.src);
	if (ip4_parse(&h, bytes, len) == 0) {
		check_same(&h, &quoted);
		fuzz_assert(h.hdr_len == quoted.hdr_len);
		fuzz_assert(h.total_len >= h.hdr_len && h.total_len <= len);
	}
}

/* Puts the header's checksum right, which no fuzzer finds by chance. */
static void fix_checksum(uint8_t *bytes, size_t len)
{
	size_t hdr_len = len ? (bytes[0] & 15u) * 4u : 0;
	uint16_t sum;

	if (hdr_len < IP4_HDR_LEN || hdr_len > len)
		return;
	memset(bytes + 10, 0, 2);
	sum = csum_finish(csum_add(0, bytes, hdr_len));
	memcpy(bytes + 10, &sum, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *fixed = fuzz_copy(data, size);

	check(data, size);
	fix_checksum(fixed, size);
	check(fixed, size);
	free(fixed);
	return 0;
}
