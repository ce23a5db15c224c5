#include "sink/inetsum.h"

void inetsum_add(struct inetsum *s, const uint8_t *p, size_t len)
{
	size_t i = 0;

	if (s->odd && len > 0) {
		s->sum += p[0];
		s->odd = 0;
		i = 1;
	}
	for (; i + 2 <= len; i += 2)
		s->sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (i < len) {
		s->sum += (uint32_t)p[i] << 8;
		s->odd = 1;
	}
}

uint16_t inetsum_finish(const struct inetsum *s)
{
	uint64_t sum = s->sum;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
