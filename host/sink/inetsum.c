#include "sink/inetsum.h"

#include <arpa/inet.h>
#include <string.h>

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The folded sum of a piece as big-endian words. The sum does not depend on the byte order but for
 * its own (RFC 1071 2), so words of the machine are added, four bytes at once. */
static uint16_t sum_piece(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint32_t word;
	size_t i = 0;

	for (; i + 4 <= len; i += 4) {
		memcpy(&word, p + i, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, p + i, len - i);
	return ntohs(fold(sum + word));
}

void inetsum_add(struct inetsum *s, const uint8_t *p, size_t len)
{
	uint16_t sum;

	if (len == 0)
		return;
	sum = sum_piece(p, len);
	/* A piece that begins at an odd byte has its bytes in the other halves of the words. */
	s->sum += s->odd ? (uint16_t)(sum << 8 | sum >> 8) : sum;
	s->odd ^= len & 1;
}

uint16_t inetsum_finish(const struct inetsum *s)
{
	return (uint16_t)~fold(s->sum);
}
