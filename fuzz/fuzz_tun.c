/*
 * fuzz_tun.c: what the TUN link makes of a virtio_net_hdr, in both directions.
 *
 * A socket pair stands for the device: it keeps the borders of packets, as a TUN descriptor does.
 * The input is cut into records, each a length and bytes that the "device" hands up, header first.
 * Whatever they say, a frame must be the packet behind the header, with the checksum vouched for
 * exactly if the header says so. Then a packet made of the input is sent, and what arrives must be
 * its header and spans behind a virtio_net_hdr that a kernel would take for what was meant.
 */
#define _GNU_SOURCE
#include <linux/virtio_net.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "weir/link.h"

#define VNET_LEN    sizeof(struct virtio_net_hdr)
#define RECORDS_MAX 8u
#define RECORD_MAX  255u

/* The link and the far end of its descriptor, made once: a link maps 2 MB. */
static struct weir_link *the_link(int *far)
{
	static struct weir_link *link;
	static int ends[2];

	if (!link) {
		fuzz_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) == 0);
		fuzz_assert(weir_link_tun_adopt(ends[0], 1500, &link) == 0);
		fuzz_assert(!link->csum_offload && link->gso_max == 0); /* a socket offers none */
	}
	*far = ends[1];
	return link;
}

static void check_frame(const struct weir_frame *f, const uint8_t *record, size_t len)
{
	struct virtio_net_hdr vnet;
	int vouched = VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;

	memcpy(&vnet, record, VNET_LEN);
	fuzz_assert(f->len == len - VNET_LEN);
	fuzz_assert(!memcmp(f->bytes, record + VNET_LEN, f->len));
	fuzz_assert(f->flags == (vnet.flags & vouched ? WEIR_FRAME_CSUM_OK : 0));
	fuzz_assert(f->gso_size == (vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : vnet.gso_size));
}

/* Records that hold no more than a header are passed over; an empty one would be an end of file. */
static void check_recv(struct weir_link *link, int far, struct fuzz_input *in)
{
	uint8_t record[RECORDS_MAX][RECORD_MAX];
	size_t len[RECORDS_MAX];
	struct weir_frame frames[RECORDS_MAX];
	unsigned count = 1 + fuzz_u8(in) % RECORDS_MAX, good = 0;
	int got;

	for (unsigned i = 0; i < count; i++) {
		len[good] = fuzz_u8(in);
		if (!len[good])
			continue;
		for (size_t j = 0; j < len[good]; j++)
			record[good][j] = fuzz_u8(in);
		fuzz_assert(write(far, record[good], len[good]) == (ssize_t)len[good]);
		good += len[good] > VNET_LEN;
	}
	got = link->ops->recv(link, frames, (int)RECORDS_MAX);
	fuzz_assert(got == (int)good);
	for (unsigned i = 0; i < good; i++)
		check_frame(&frames[i], record[i], len[i]);
	fuzz_assert(link->ops->recv(link, frames, (int)RECORDS_MAX) == 0);
}

/* virtio 1.2, 5.1.6: what the header must say of a packet. */
static void check_vnet(const struct virtio_net_hdr *v, const struct weir_packet *p)
{
	if (p->flags & WEIR_PACKET_CSUM_PARTIAL) {
		fuzz_assert(v->flags == VIRTIO_NET_HDR_F_NEEDS_CSUM);
		fuzz_assert(v->csum_start == p->l4_start && v->csum_offset == p->csum_offset);
	} else {
		fuzz_assert(!v->flags && !v->csum_start && !v->csum_offset);
	}
	if (p->gso_size) {
		fuzz_assert(v->gso_type == (p->head[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
								 : VIRTIO_NET_HDR_GSO_TCPV6));
		fuzz_assert(v->gso_size == p->gso_size && v->hdr_len == p->head_len);
	} else {
		fuzz_assert(v->gso_type == VIRTIO_NET_HDR_GSO_NONE && !v->gso_size && !v->hdr_len);
	}
}

static void check_send(struct weir_link *link, int far, struct fuzz_input *in)
{
	static uint8_t payload[WEIR_SPANS_MAX * 256];
	uint8_t out[VNET_LEN + WEIR_HEAD_MAX + sizeof(payload) + 1];
	struct weir_packet p = {.head_len = (uint16_t)(1 + fuzz_u8(in) % WEIR_HEAD_MAX)};
	struct virtio_net_hdr vnet;
	uint8_t bits = fuzz_u8(in);
	size_t at = 0;

	p.flags = bits & 1 ? WEIR_PACKET_CSUM_PARTIAL : 0;
	p.gso_size = bits & 2 ? (uint16_t)(1 + fuzz_u16(in) % 65000u) : 0;
	p.l4_start = bits & 4 ? 40 : 20;
	p.csum_offset = 16;
	p.span_count = (uint16_t)((bits >> 3) % (WEIR_SPANS_MAX + 1));
	memset(p.head, bits & 4 ? 0x60 : 0x45, p.head_len);
	for (unsigned i = 0; i < p.span_count; i++) {
		p.span[i] = (struct weir_span){payload + at, 1u + fuzz_u8(in)};
		memset(payload + at, (int)i, p.span[i].len);
		at += p.span[i].len;
	}
	p.total_len = (uint32_t)(p.head_len + at);
	fuzz_assert(link->ops->send(link, &p) == 0);
	fuzz_assert(read(far, out, sizeof(out)) == (ssize_t)(VNET_LEN + p.total_len));
	memcpy(&vnet, out, VNET_LEN);
	check_vnet(&vnet, &p);
	fuzz_assert(!memcmp(out + VNET_LEN, p.head, p.head_len));
	fuzz_assert(!memcmp(out + VNET_LEN + p.head_len, payload, at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct weir_link *link;
	int far;

	link = the_link(&far);
	check_recv(link, far, &in);
	check_send(link, far, &in);
	return 0;
}
