#include "sink/tcpopts.h"

#include <string.h>

/* Kinds (IANA "TCP Option Kind Numbers"). */
enum {
	KIND_END = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACK_PERMITTED = 4,
	KIND_SACK = 5,
	KIND_TIMESTAMPS = 8,
	KIND_ACCECN_0 = 172,
	KIND_ACCECN_1 = 174,
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void read_sack(struct tcpopts *o, const uint8_t *p, size_t len)
{
	for (size_t at = 2; at + 8 <= len && o->sack_count < TCPOPTS_SACK_MAX; at += 8) {
		o->sack[o->sack_count][0] = be32(p + at);
		o->sack[o->sack_count][1] = be32(p + at + 4);
		o->sack_count++;
	}
}

static void read_accecn(struct tcpopts *o, const uint8_t *p, size_t len)
{
	o->accecn = p[0] == KIND_ACCECN_0 ? TCPOPTS_ACCECN_0 : TCPOPTS_ACCECN_1;
	o->accecn_count = 0;
	for (size_t at = 2; at + 3 <= len && o->accecn_count < TCPOPTS_ACCECN_MAX; at += 3)
		o->accecn_field[o->accecn_count++] = be32(p + at - 1) & 0xffffff;
}

static void read_one(struct tcpopts *o, const uint8_t *p, size_t len)
{
	if (p[0] == KIND_MSS && len == 4) {
		o->mss = (uint16_t)(p[2] << 8 | p[3]);
	} else if (p[0] == KIND_WSCALE && len == 3) {
		o->wscale = p[2];
		o->has_wscale = true;
	} else if (p[0] == KIND_SACK_PERMITTED && len == 2) {
		o->sack_permitted = true;
	} else if (p[0] == KIND_SACK) {
		read_sack(o, p, len);
	} else if (p[0] == KIND_TIMESTAMPS && len == 10) {
		o->has_ts = true;
	} else if (p[0] == KIND_ACCECN_0 || p[0] == KIND_ACCECN_1) {
		read_accecn(o, p, len);
	}
}

void tcpopts_read(struct tcpopts *o, const uint8_t *p, size_t len)
{
	size_t at = 0;

	memset(o, 0, sizeof(*o));
	while (p && at < len && p[at] != KIND_END) {
		size_t n = 1;

		if (p[at] != KIND_NOP) {
			if (at + 2 > len || p[at + 1] < 2 || at + p[at + 1] > len)
				return;
			n = p[at + 1];
			read_one(o, p + at, n);
		}
		at += n;
	}
}
