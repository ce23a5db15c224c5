/*
 * trace_pcapng.c: a reader of pcapng files that believes nothing, for fuzz_trace.c.
 */
#include "trace_world.h"

#include "wire/checksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp_hdr.h"

#define CAPTURE_MAX 65536u

struct cursor {
	const uint8_t *at, *end;
};

static uint32_t get32(struct cursor *c)
{
	uint32_t v;

	fuzz_assert(c->end - c->at >= 4);
	memcpy(&v, c->at, 4);
	c->at += 4;
	return v;
}

static uint16_t get16(struct cursor *c)
{
	uint16_t v;

	fuzz_assert(c->end - c->at >= 2);
	memcpy(&v, c->at, 2);
	c->at += 2;
	return v;
}

static const uint8_t *get_padded(struct cursor *c, size_t len)
{
	const uint8_t *p = c->at;
	size_t padded = (len + 3) / 4 * 4;

	fuzz_assert((size_t)(c->end - c->at) >= padded);
	for (size_t i = len; i < padded; i++)
		fuzz_assert(p[i] == 0);
	c->at += padded;
	return p;
}

/* The body of the next block, whose type is `type`; both lengths agree. */
static struct cursor get_block(struct cursor *file, uint32_t type)
{
	struct cursor block = *file, tail;
	uint32_t total;

	fuzz_assert(get32(&block) == type);
	total = get32(&block);
	fuzz_assert(total >= 12 && total % 4 == 0 && total <= (size_t)(file->end - file->at));
	tail = (struct cursor){file->at + total - 4, file->at + total};
	fuzz_assert(get32(&tail) == total);
	block.end = file->at + total - 4;
	file->at += total;
	return block;
}

/* Options to the end of the block: well-formed, and closed by the end option. Returns the flags
 * word of a packet, or 0; of a comment the text must be printable. */
static uint32_t get_options(struct cursor *block)
{
	uint32_t flags = 0;

	for (;;) {
		uint16_t code = get16(block), len = get16(block);
		const uint8_t *value = get_padded(block, len);

		if (code == 0) {
			fuzz_assert(len == 0 && block->at == block->end);
			return flags;
		}
		if (code == 1) {
			fuzz_assert(len > 0);
			for (size_t i = 0; i < len; i++)
				fuzz_assert(value[i] >= ' ' && value[i] < 0x7f);
		}
		if (code == 2 && len == 4)
			memcpy(&flags, value, 4);
	}
}

/* Where the checksum of a well-formed TCP packet lies, or 0. */
static size_t tcp_checksum_at(const uint8_t *p, size_t len, uint64_t *pseudo, size_t *l4)
{
	struct ip4_hdr h4;
	struct ip6_hdr h6;

	if (ip4_parse_quoted(&h4, p, len) == 0) {
		*l4 = h4.hdr_len;
		*pseudo = csum_add_pseudo(0, h4.src, h4.dst, 4, (uint32_t)(len - *l4), h4.proto);
		if (h4.proto != IP_PROTO_TCP || h4.frag_off)
			return 0;
	} else if (ip6_parse_quoted(&h6, p, len) == IP6_OK) {
		*l4 = h6.upper_off;
		*pseudo = csum_add_pseudo(0, h6.src, h6.dst, 16, (uint32_t)(len - *l4), h6.proto);
		if (h6.proto != IP_PROTO_TCP || h6.frag_off)
			return 0;
	} else {
		return 0;
	}
	return len - *l4 >= TCP_HDR_LEN ? *l4 + TCP_CSUM_OFFSET : 0;
}

/* The bytes kept are those of the packet; a checksum that was left to the device may have been put
 * right, and is right if all of the packet was kept. */
static void check_bytes(const uint8_t *kept, size_t caplen, const struct fed *fed)
{
	uint64_t pseudo = 0;
	size_t l4 = 0, field = tcp_checksum_at(fed->bytes, fed->there, &pseudo, &l4);
	bool same = caplen == 0 || !memcmp(kept, fed->bytes, caplen);

	if (!fed->csum_partial) {
		fuzz_assert(same);
		return;
	}
	if (same)
		return;
	for (size_t i = 0, differ = 0; i < caplen; i++) { /* two bytes: a checksum */
		differ += kept[i] != fed->bytes[i];
		fuzz_assert(differ <= 2);
	}
	if (field && field + 2 <= caplen && memcmp(kept + field, fed->bytes + field, 2) &&
	    caplen == fed->there)
		fuzz_assert(csum_good(csum_add(pseudo, kept + l4, caplen - l4)));
}

static void check_packet(struct cursor block, const struct fed *fed, size_t payload_max,
			 int64_t offset_ns)
{
	uint32_t interface = get32(&block), high = get32(&block), low = get32(&block);
	uint32_t caplen = get32(&block), len = get32(&block), flags;
	const uint8_t *kept = get_padded(&block, caplen);

	fuzz_assert(interface == 0);
	fuzz_assert(((uint64_t)high << 32 | low) == fed->at + (uint64_t)offset_ns);
	fuzz_assert(caplen <= fed->there && caplen <= len && caplen <= CAPTURE_MAX);
	fuzz_assert(len == (fed->total_len > fed->there ? fed->total_len : fed->there));
	fuzz_assert(caplen == fed->there || caplen >= payload_max);
	check_bytes(kept, caplen, fed);
	flags = get_options(&block);
	fuzz_assert(flags == (fed->kind == WEIR_TRACE_OUT ? 2 : 1));
}

void trace_check_pcapng(const uint8_t *file, size_t len, const struct fed *fed, unsigned count,
			size_t payload_max, int64_t offset_ns)
{
	struct cursor c = {file, file + len}, block;

	block = get_block(&c, 0x0a0d0d0a);
	fuzz_assert(get32(&block) == 0x1a2b3c4d && get16(&block) == 1 && get16(&block) == 0);
	fuzz_assert(get32(&block) == UINT32_MAX && get32(&block) == UINT32_MAX);
	get_options(&block);
	block = get_block(&c, 1);
	fuzz_assert(get16(&block) == 101 && get16(&block) == 0); /* LINKTYPE_RAW */
	get32(&block);
	get_options(&block);
	for (unsigned i = 0; i < count; i++)
		check_packet(get_block(&c, 6), &fed[i], payload_max, offset_ns);
	fuzz_assert(c.at == c.end);
}
