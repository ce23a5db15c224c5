/*
 * device.c: offloads, as a network card or a TUN device does them.
 *
 * Theory of operation
 *
 * On the way out a packet is first gathered into one piece. If its checksum is partial, the device
 * sums from l4_start to the end, whatever the field holds, and stores the result: a wrong
 * pseudo-header sum in the field thus becomes a wrong checksum on the wire, which the oracle sees,
 * as a real receiver would. A packet with a segment size is then cut. Each piece gets the headers
 * with its own lengths, sequence number, IPv4 identification and checksums; FIN and PSH stay on the
 * last piece only, CWR on the first (RFC 3168 6.1.2 needs it once). Before the cut the device makes
 * sure that the checksum of the whole was right, since the cut computes new ones and would hide it.
 *
 * On the way in the device verifies the TCP checksum, if it can, and vouches only for what is
 * right: a damaged packet is handed up without the mark, and the stack finds the damage itself.
 *
 * What a packet must keep to is checked here and not in the oracle, because on the wire it can no
 * longer be seen: no super-segment beyond gso_max, no partial checksum unless offered, no packet
 * beyond the MTU unless it is to be cut, and lengths that add up.
 *
 * State: none.
 */
#include "sim/device.h"

#include <string.h>

#include "base/be.h"
#include "wire/checksum.h"

#define IP4_TOTAL_LEN   2u
#define IP4_ID          4u
#define IP6_PAYLOAD_LEN 4u
#define IP6_FIXED_LEN   40u

static const char *check_lengths(const struct weir_packet *p)
{
	uint32_t total = p->head_len;

	if (p->head_len > WEIR_HEAD_MAX || p->span_count > WEIR_SPANS_MAX)
		return "packet: too long a header or too many spans";
	for (unsigned i = 0; i < p->span_count; i++)
		total += (uint32_t)p->span[i].len;
	if (total != p->total_len || total > 65535)
		return "packet: total_len is not the sum of its parts";
	if (p->l4_start >= p->head_len)
		return "packet: l4_start beyond the header";
	return NULL;
}

static const char *check_packet(const struct sim_device *d, const struct weir_packet *p)
{
	bool partial = (p->flags & WEIR_PACKET_CSUM_PARTIAL) != 0;
	const char *fault = check_lengths(p);

	if (fault != NULL)
		return fault;
	if (partial && d->csum != SIM_CSUM_OFFLOAD)
		return "packet: partial checksum, but the device completes none";
	if (partial && p->l4_start + p->csum_offset + 2u > p->head_len)
		return "packet: checksum field beyond the header";
	if (p->gso_size != 0 && (d->gso == SIM_GSO_NONE || p->total_len > d->gso_max))
		return "packet: super-segment larger than gso_max";
	if (p->gso_size != 0 && !partial)
		return "packet: super-segment without partial checksum";
	if (p->gso_size != 0 && p->head_len + p->gso_size > d->mtu)
		return "packet: segments larger than the MTU";
	if (p->gso_size == 0 && p->total_len > d->mtu)
		return "packet: larger than the MTU";
	return NULL;
}

static struct sim_frame *gather(const struct weir_packet *p)
{
	struct sim_frame *f = sim_frame_new(p->total_len);
	size_t at = p->head_len;

	memcpy(f->bytes, p->head, p->head_len);
	for (unsigned i = 0; i < p->span_count; i++) {
		memcpy(f->bytes + at, p->span[i].bytes, p->span[i].len);
		at += p->span[i].len;
	}
	f->gso_size = p->gso_size;
	return f;
}

static void complete_checksum(struct sim_frame *f, const struct weir_packet *p)
{
	uint64_t sum = csum_add(0, f->bytes + p->l4_start, f->len - p->l4_start);
	uint16_t field = csum_finish(sum);

	memcpy(f->bytes + p->l4_start + p->csum_offset, &field, 2);
}

/* The piece of `whole` whose payload begins `at` bytes into it. `pk` describes the whole. */
static struct sim_frame *cut_piece(const struct sim_frame *whole, const struct sim_packet *pk,
				   uint32_t at, unsigned number)
{
	uint32_t head = pk->l4_start + pk->tcp.hdr_len;
	uint32_t left = pk->tcp.len - at;
	uint32_t len = left < whole->gso_size ? left : whole->gso_size;
	struct sim_frame *f = sim_frame_new(head + len);
	uint8_t *tcp = f->bytes + pk->l4_start;

	memcpy(f->bytes, whole->bytes, head);
	memcpy(f->bytes + head, whole->bytes + head + at, len);
	if (pk->src.addr.family == 4) {
		be16_put(f->bytes + IP4_TOTAL_LEN, (uint16_t)f->len);
		be16_put(f->bytes + IP4_ID, (uint16_t)(be16_get(f->bytes + IP4_ID) + number));
	} else {
		be16_put(f->bytes + IP6_PAYLOAD_LEN, (uint16_t)(f->len - IP6_FIXED_LEN));
	}
	be32_put(tcp + 4, pk->tcp.seq.v + at);
	if (len < left)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (number > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	sim_frame_sum(f, pk->l4_start);
	return f;
}

static const char *cut(struct sim_frame *whole, sim_emit_fn *emit, void *user)
{
	struct sim_packet pk;
	unsigned number = 0;

	if (sim_packet_read(&pk, whole) != SIM_PACKET_TCP)
		return pk.kind == SIM_PACKET_BAD ? pk.fault : "super-segment that is not TCP";
	if (pk.tcp.flags & (TCP_SYN | TCP_RST | TCP_URG))
		return "super-segment with SYN, RST or URG";
	for (uint32_t at = 0; at < pk.tcp.len; at += whole->gso_size)
		emit(user, cut_piece(whole, &pk, at, number++));
	return NULL;
}

const char *sim_device_send(const struct sim_device *d, const struct weir_packet *p,
			    sim_emit_fn *emit, void *user)
{
	const char *fault = check_packet(d, p);
	struct sim_frame *f;

	if (fault != NULL)
		return fault;
	f = gather(p);
	if (p->flags & WEIR_PACKET_CSUM_PARTIAL)
		complete_checksum(f, p);
	if (p->gso_size == 0 || d->gso == SIM_GSO_PASS) {
		emit(user, f);
		return NULL;
	}
	fault = cut(f, emit, user);
	sim_frame_free(f);
	return fault;
}

void sim_device_receive(const struct sim_device *d, const struct sim_frame *f,
			struct weir_frame *out)
{
	struct sim_packet pk;

	*out = (struct weir_frame){.bytes = f->bytes, .len = f->len, .gso_size = f->gso_size};
	if (d->csum == SIM_CSUM_OFFLOAD && sim_packet_read(&pk, f) == SIM_PACKET_TCP)
		out->flags |= WEIR_FRAME_CSUM_OK;
}
