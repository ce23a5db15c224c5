/*
 * tcp_hdr.c: the TCP header.
 *
 * Theory of operation
 *
 * tcp_parse() turns the bytes of a segment into a struct tcp_seg, once; everything in core/tcp
 * works on that. It is called after the checksum was verified, with the bytes of exactly one
 * segment (the IP layer has cut off the link's padding). Options are read on every segment
 * (RFC9293-MUST-5), by tcp_opt.c.
 *
 * What makes a segment malformed is only what would make its meaning doubtful: a data offset below
 * 5 or beyond the segment, and an option whose length is wrong (RFC9293-MUST-7). Reserved bits and
 * odd combinations of flags are none of it: the state machine has an answer to each.
 *
 * All fields are unsigned and are widened as such: a window of 65,535 stays one (RFC9293-MUST-1).
 *
 * tcp_emit() writes header and options with a checksum field of zero. Who adds the checksum depends
 * on the link: the whole of it, or the pseudo-header's part where the link completes it.
 *
 * State: none. Limits: 60 bytes of header. RFC 9293 3.1, RFC 3168 6.1 (ECE and CWR),
 * RFC 9768 3.1.1 (AE).
 */
#include "wire/tcp_hdr.h"

#include <string.h>

#include "base/be.h"

#define QUOTED_LEN 8u /* RFC 792: ports and sequence number */

int tcp_parse_quoted(struct tcp_seg *out, const uint8_t *bytes, size_t len)
{
	if (len < QUOTED_LEN)
		return -1;
	memset(out, 0, sizeof(*out));
	tcp_read_quoted(out, bytes);
	return 0;
}

size_t tcp_emit(uint8_t *bytes, const struct tcp_seg *s, enum tcp_opt_order order)
{
	size_t hdr_len = TCP_HDR_LEN + tcp_opt_emit(bytes + TCP_HDR_LEN, &s->opts, order);

	be16_put(bytes, s->src_port);
	be16_put(bytes + 2, s->dst_port);
	be32_put(bytes + 4, s->seq.v);
	be32_put(bytes + 8, s->ack.v);
	bytes[12] = (uint8_t)(hdr_len / 4 << 4 | (s->ae ? TCP_AE : 0));
	bytes[13] = s->flags;
	be16_put(bytes + 14, s->wnd);
	be16_put(bytes + TCP_CSUM_OFFSET, 0);
	be16_put(bytes + 18, s->urgent);
	return hdr_len;
}
