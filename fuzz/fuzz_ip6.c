/*
 * fuzz_ip6.c: the walk over extension headers stays within the packet and says the same of a packet
 * as of its quotation; the fixed header comes back byte for byte; which sources are refused is what
 * ip6.h says.
 */
#include "base/be.h"
#include "fuzz.h"
#include "wire/ip6.h"

/* The same upper layer without any extension header is found at once. */
static void check_without_chain(const struct ip6_hdr *h, const uint8_t *bytes, size_t end)
{
	size_t len = IP6_HDR_LEN + end - h->upper_off;
	uint8_t *out = fuzz_alloc(len);
	struct ip6_hdr plain = *h, back;

	plain.next = h->proto;
	plain.payload_len = (uint16_t)(len - IP6_HDR_LEN);
	ip6_emit(out, &plain);
	memcpy(out + IP6_HDR_LEN, bytes + h->upper_off, len - IP6_HDR_LEN);
	fuzz_assert(ip6_parse(&back, out, len) == IP6_OK);
	fuzz_assert(back.proto == h->proto && back.upper_off == IP6_HDR_LEN);
	free(out);
}

static void check_result(enum ip6_result r, const struct ip6_hdr *h, const uint8_t *bytes,
			 size_t end)
{
	switch (r) {
	case IP6_OK:
		fuzz_assert(h->upper_off >= IP6_HDR_LEN && h->upper_off <= end);
		fuzz_assert(h->fragment || (h->frag_off == 0 && !h->more_frags));
		fuzz_assert(h->frag_off % 8 == 0);
		if (!h->fragment)
			check_without_chain(h, bytes, end);
		break;
	case IP6_MALFORMED:
		break;
	case IP6_UNKNOWN_NEXT:
		fuzz_assert(h->problem_off == 6 || h->problem_off >= IP6_HDR_LEN);
		fuzz_assert(h->problem_off < end && bytes[h->problem_off] == h->proto);
		break;
	case IP6_UNKNOWN_OPT:
	case IP6_UNKNOWN_DROP:
		fuzz_assert(h->problem_off < end && bytes[h->problem_off] >> 6 != 0);
		break;
	case IP6_ROUTED:
		fuzz_assert(h->problem_off + 1u < end && bytes[h->problem_off + 1] != 0);
		break;
	}
}

static void check_source(const uint8_t a[16])
{
	static const uint8_t zeros[16], loopback[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool refused = !memcmp(a, zeros, 16) || !memcmp(a, loopback, 16) || a[0] == 0xff ||
		       !memcmp(a, mapped, 12);

	fuzz_assert(ip6_source_ok(a) == !refused);
}

static void check(const uint8_t *bytes, size_t len)
{
	struct ip6_hdr h, quoted;
	enum ip6_result r = ip6_parse(&h, bytes, len);
	enum ip6_result rq = ip6_parse_quoted(&quoted, bytes, len);
	uint8_t out[IP6_HDR_LEN];
	size_t end;

	if (len < IP6_HDR_LEN || bytes[0] >> 4 != 6) {
		fuzz_assert(r == IP6_MALFORMED && rq == IP6_MALFORMED);
		return;
	}
	end = IP6_HDR_LEN + (size_t)be16_get(bytes + 4);
	check_result(rq, &quoted, bytes, end < len ? end : len);
	ip6_emit(out, &quoted);
	fuzz_assert(!memcmp(out, bytes, IP6_HDR_LEN));
	check_source(quoted.src);
	if (end > len) {
		fuzz_assert(r == IP6_MALFORMED);
		return;
	}
	fuzz_assert(r == rq);
	check_result(r, &h, bytes, end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *fixed = fuzz_copy(data, size);

	check(data, size);
	if (size >= IP6_HDR_LEN && size - IP6_HDR_LEN <= UINT16_MAX) {
		fixed[0] = (uint8_t)(0x60 | (fixed[0] & 15u));
		be16_put(fixed + 4, (uint16_t)(size - IP6_HDR_LEN));
		check(fixed, size);
	}
	free(fixed);
	return 0;
}
