/*
 * fuzz_checksum.c: the checksum in pieces is the checksum of the whole and that of the definition,
 * an updated field is the one from scratch, and the sum of a pseudo-header is that of its bytes.
 */
#include "fuzz.h"
#include "wire/checksum.h"

/* RFC 1071's definition, in memory order as far as equality goes: words in big-endian order, and
 * the result put back so. */
static uint16_t plain_sum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint8_t raw[2];
	uint16_t field;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint64_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	raw[0] = (uint8_t)(sum >> 8);
	raw[1] = (uint8_t)sum;
	memcpy(&field, raw, 2);
	return field;
}

static void check_pieces(const uint8_t *bytes, size_t len, size_t cut, size_t align)
{
	uint8_t *mem = fuzz_alloc(len + align);
	uint8_t *p = mem + align;
	uint64_t sum;

	if (len)
		memcpy(p, bytes, len);
	fuzz_assert(csum_fold(csum_add(0, p, len)) == plain_sum(p, len));
	sum = csum_add(0, p, cut);
	if (cut & 1)
		sum = csum_add_odd(sum, p + cut, len - cut);
	else
		sum = csum_add(sum, p + cut, len - cut);
	fuzz_assert(csum_fold(sum) == plain_sum(p, len));
	free(mem);
}

static void check_update(const uint8_t *bytes, size_t len, uint16_t to)
{
	uint8_t *p = fuzz_copy(bytes, len);
	uint16_t before = csum_finish(csum_add(0, p, len)), from, after;

	memcpy(&from, p, 2);
	memcpy(p, &to, 2);
	after = csum_update(before, from, to);
	/* All zeros have a sum of their own; of both forms of zero either may come out. */
	if (csum_fold(csum_add(0, p, len)) != 0)
		fuzz_assert(csum_good(csum_add(after, p, len)));
	free(p);
}

/* The pseudo-header written out as in RFC 9293 3.1 and RFC 8200 8.1, and summed as any bytes. */
static void check_pseudo(const uint8_t *bytes, size_t addr_len, uint32_t len, uint8_t proto)
{
	uint64_t sum = csum_add_pseudo(0, bytes, bytes + addr_len, addr_len, len, proto);
	uint8_t out[40] = {0};
	size_t end = addr_len == 4 ? 12 : 40;

	memcpy(out, bytes, 2 * addr_len);
	if (addr_len == 4) {
		out[9] = proto;
		out[10] = (uint8_t)(len >> 8);
		out[11] = (uint8_t)len;
	} else {
		for (unsigned i = 0; i < 4; i++)
			out[32 + i] = (uint8_t)(len >> (24 - 8 * i));
		out[39] = proto;
	}
	fuzz_assert(csum_fold(sum) == plain_sum(out, end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	size_t align = fuzz_u8(&in) & 7u;
	uint16_t to = fuzz_u16(&in);
	size_t cut = fuzz_u16(&in);

	check_pieces(in.at, in.left, cut % (in.left + 1), align);
	if (in.left >= 2)
		check_update(in.at, in.left, to);
	if (in.left >= 8)
		check_pseudo(in.at, 4, to, (uint8_t)cut);
	if (in.left >= 32)
		check_pseudo(in.at, 16, (uint32_t)to << 8 | align, (uint8_t)cut);
	return 0;
}
