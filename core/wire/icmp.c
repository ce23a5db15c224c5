/*
 * icmp.c: ICMP and ICMPv6 messages.
 *
 * Theory of operation
 *
 * Both protocols share one form: type, code, checksum, four bytes whose meaning hangs on the type,
 * and a body, which for an error is the start of the packet that caused it. They differ in the
 * numbers of the types and in the checksum, which in ICMPv6 covers a pseudo-header as well
 * (RFC 4443 2.3). So there is one reader and one writer, and the sum that each starts with.
 *
 * What a message means, and whether the packet it quotes was ever sent, is decided in core/net and
 * core/tcp; nothing here looks into the body.
 *
 * State: none. Limits: a message ends where its packet ends; there is no length field of its own.
 *
 * RFC 792, RFC 1191 4 (MTU in the last two of the four bytes), RFC 4443.
 */
#include "wire/icmp.h"

#include <string.h>

#include "base/be.h"
#include "wire/checksum.h"
#include "wire/ip4.h"

static int parse(struct icmp_msg *out, const uint8_t *bytes, size_t len, uint64_t sum)
{
	if (!csum_good(csum_add(sum, bytes, len)))
		return -1;
	out->type = bytes[0];
	out->code = bytes[1];
	out->rest = be32_get(bytes + 4);
	out->body = bytes + ICMP_HDR_LEN;
	out->body_len = len - ICMP_HDR_LEN;
	return 0;
}

static size_t emit(uint8_t *bytes, const struct icmp_msg *m, uint64_t sum)
{
	size_t len = ICMP_HDR_LEN + m->body_len;
	uint16_t field;

	if (m->body_len)
		memmove(bytes + ICMP_HDR_LEN, m->body, m->body_len);
	bytes[0] = m->type;
	bytes[1] = m->code;
	be16_put(bytes + 2, 0);
	be32_put(bytes + 4, m->rest);
	field = csum_finish(csum_add(sum, bytes, len));
	memcpy(bytes + 2, &field, 2);
	return len;
}

int icmp4_parse(struct icmp_msg *out, const uint8_t *bytes, size_t len)
{
	return len < ICMP_HDR_LEN ? -1 : parse(out, bytes, len, 0);
}

int icmp6_parse(struct icmp_msg *out, const uint8_t *bytes, size_t len, const uint8_t *src,
		const uint8_t *dst)
{
	if (len < ICMP_HDR_LEN)
		return -1;
	return parse(out, bytes, len,
		     csum_add_pseudo(0, src, dst, 16, (uint32_t)len, IP_PROTO_ICMP6));
}

size_t icmp4_emit(uint8_t *bytes, const struct icmp_msg *m)
{
	return emit(bytes, m, 0);
}

size_t icmp6_emit(uint8_t *bytes, const struct icmp_msg *m, const uint8_t *src, const uint8_t *dst)
{
	uint32_t len = ICMP_HDR_LEN + (uint32_t)m->body_len;

	return emit(bytes, m, csum_add_pseudo(0, src, dst, 16, len, IP_PROTO_ICMP6));
}
