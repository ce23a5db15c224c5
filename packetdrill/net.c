/*
 * Theory of operation
 *
 * The engine is told that the link cuts up to 64 KB and completes checksums, so that a large
 * write leaves it as one super-segment, as it would leave the kernel's TCP. The adapter cuts it
 * in two steps. First into bursts, as Linux sizes the packets that it hands to a device: as much
 * as is sent in a millisecond at twice (in slow start) or 1.2 times cwnd/SRTT, more when the
 * round trip is short, at least tcp_min_tso_segs. A burst of several segments ends with PSH, as
 * Linux's do, so that the receiver's merging is not kept waiting; RFC 9293 3.9.1.2 allows it
 * anywhere. Then, as a device does, into segments. packetdrill joins segments up to the length
 * that its script expects, so this serves scripts of either view. segs=whole leaves the bursts in
 * one piece (for --strict_segments); segs=1 lets the engine make single segments.
 *
 * Cutting: PSH and FIN stay with the last piece; sequence numbers and the IPv4 identification go
 * on; the urgent pointer needs no care, as the engine makes no super-segment of urgent data.
 *
 * packetdrill does not look at outbound checksums and stops reading at the script's last line. So
 * each packet's checksums are checked here when it leaves, and what is still queued when
 * packetdrill begins to clean up is counted: a packet that no line of the script asked for. The
 * clean-up shows by a descriptor of ours that was closed with the C library's close(), and by
 * `free`.
 */
#include "net.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "ipsum.h"
#include "pd.h"
#include "report.h"

#define TCP_FIN       0x01u
#define TCP_PSH       0x08u
#define TCP_FLAGS_AT  13u
#define GSO_BYTES     65536u
#define RTT_SHIFT     9u /* of microseconds: a round trip of 0.5 ms halves the extra */
#define RTT_SHIFT_MAX 32u

/* A packet that the link has to cut. */
struct super {
	struct pd_ip_view view;
	size_t head, payload;
	unsigned mss;
	uint8_t *room; /* for a piece of it */
};

enum push { NO_PUSH, PUSH };

void pd_net_init(struct pd_net *n)
{
	n->first = NULL;
	n->last = &n->first;
	n->queued = 0;
	n->bad_checksums = 0;
	n->unasked = 0;
	n->ended = 0;
}

void pd_net_clear(struct pd_net *n)
{
	while (n->first != NULL) {
		struct pd_out *o = n->first;

		n->first = o->next;
		free(o);
	}
	n->last = &n->first;
	n->queued = 0;
}

static void queue(struct pd *pd, const uint8_t *bytes, size_t len)
{
	struct pd_out *o = malloc(sizeof(*o) + len);

	if (o == NULL)
		pd_fail("out of memory");
	if (!pd_sums_ok(bytes, len)) {
		pd->net.bad_checksums++;
		pd_report("a packet left with a wrong checksum");
	}
	o->next = NULL;
	o->at_us = pd->clock.now_us;
	o->len = len;
	memcpy(o->bytes, bytes, len);
	*pd->net.last = o;
	pd->net.last = &o->next;
	pd->net.queued++;
}

static uint16_t port_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The connection that a packet belongs to. */
static bool info_of(struct pd *pd, const uint8_t *ip, const struct pd_ip_view *v,
		    struct weir_info *out)
{
	uint16_t local = port_at(ip + v->l4_start), remote = port_at(ip + v->l4_start + 2);
	uint32_t cursor = 0;

	while (weir_walk(pd->stack, WEIR_WALK_CONNS, &cursor, pd_now(pd), out))
		if (out->tuple.local.port == local && out->tuple.remote.port == remote)
			return true;
	return false;
}

/* How many segments go out together. */
static size_t burst_of(struct pd *pd, const struct super *super)
{
	uint64_t bytes, srtt_us, percent;
	size_t most = GSO_BYTES / super->mss;
	struct weir_info i;

	if (!info_of(pd, pd->net.flat, &super->view, &i) || i.srtt_ns == 0)
		return most;
	srtt_us = i.srtt_ns / 1000 ? i.srtt_ns / 1000 : 1;
	percent = i.cwnd_bytes < i.ssthresh_bytes / 2 ? 200 : 120;
	bytes = (uint64_t)i.cwnd_bytes * percent / 100 * 1000000 / srtt_us >> 10;
	if (srtt_us >> RTT_SHIFT < RTT_SHIFT_MAX)
		bytes += GSO_BYTES >> (srtt_us >> RTT_SHIFT);
	if (bytes / super->mss < pd->flags.segs_min)
		return pd->flags.segs_min;
	return bytes / super->mss < most ? (size_t)(bytes / super->mss) : most;
}

static void seq_add_at(uint8_t *at, uint32_t n)
{
	uint32_t v = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];

	v += n;
	at[0] = (uint8_t)(v >> 24);
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
	at[3] = (uint8_t)v;
}

/* Queues the `n` bytes of payload at `at` of the packet in pd->net.flat as a packet of their own.
 */
static void cut_one(struct pd *pd, const struct super *super, size_t at, size_t n, enum push push)
{
	const uint8_t *ip = pd->net.flat;
	uint8_t *out = super->room, *flags = out + super->view.l4_start + TCP_FLAGS_AT;

	memcpy(out, ip, super->head);
	memcpy(out + super->head, ip + super->head + at, n);
	seq_add_at(out + super->view.l4_start + 4, (uint32_t)at);
	if (at + n < super->payload)
		*flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (push == PUSH)
		*flags |= TCP_PSH;
	pd_ip_resize(out, super->head + n, (uint16_t)(at / super->mss));
	pd_tcp_sum_set(out, super->head + n, &super->view);
	queue(pd, out, super->head + n);
}

/* Cuts the packet in pd->net.flat into bursts, and those into segments. */
static void cut(struct pd *pd, struct super *super)
{
	size_t burst = (size_t)super->mss * burst_of(pd, super);
	size_t piece = pd->flags.segs == PD_SEGS_WHOLE ? burst : super->mss;

	for (size_t at = 0; at < super->payload; at += burst) {
		size_t end = super->payload - at < burst ? super->payload : at + burst;

		for (size_t p = at; p < end; p += piece) {
			size_t n = end - p < piece ? end - p : piece;
			bool last = p + n == end && end - at > super->mss;

			cut_one(pd, super, p, n, last ? PUSH : NO_PUSH);
		}
	}
}

/* The packet in one piece; false: it is no IP packet. */
static bool flatten(struct pd *pd, const struct weir_packet *p, struct super *super)
{
	uint8_t *flat = pd->net.flat;
	size_t len = p->head_len;

	memcpy(flat, p->head, len);
	for (unsigned i = 0; i < p->span_count; i++) {
		memcpy(flat + len, p->span[i].bytes, p->span[i].len);
		len += p->span[i].len;
	}
	*super = (struct super){
		.head = p->head_len,
		.payload = len - p->head_len,
		.mss = p->gso_size,
		.room = pd->net.room,
	};
	return pd_ip_view(flat, len, &super->view);
}

void pd_net_out(struct pd *pd, const struct weir_packet *p)
{
	struct super super;

	if (!flatten(pd, p, &super)) {
		pd_report("what left is no IP packet");
		pd->net.bad_checksums++;
		return;
	}
	if (p->flags & WEIR_PACKET_CSUM_PARTIAL)
		pd_tcp_sum_set(pd->net.flat, super.head + super.payload, &super.view);
	if (p->gso_size != 0)
		cut(pd, &super);
	else
		queue(pd, pd->net.flat, super.head + super.payload);
}

/* A packet to an address tells which one is ours. */
static void learn_address(struct pd *pd, const uint8_t *ip, size_t len)
{
	struct weir_addr a = {0};
	struct pd_ip_view v;

	if (!pd_ip_view(ip, len, &v))
		return;
	a.family = (uint8_t)v.family;
	if (v.family == 4 && !pd->have_v4) {
		memcpy(a.bytes, ip + 16, 4);
		pd_addr_add(pd, &a);
	} else if (v.family == 6 && !pd->have_v6) {
		memcpy(a.bytes, ip + 24, 16);
		pd_addr_add(pd, &a);
	}
}

/* packetdrill closes what the script left open with the C library's close(), and resets each
 * connection: from then on no script watches. */
static void notice_end(struct pd *pd)
{
	if (pd->net.ended || !pd_fds_any_stolen(pd))
		return;
	pd->net.ended = 1;
	pd->net.unasked = pd->net.queued;
}

int pd_net_send(struct pd *pd, const void *packet, size_t bytes)
{
	struct weir_frame frame = {.bytes = packet, .len = bytes};

	notice_end(pd);
	learn_address(pd, packet, bytes);
	weir_input(pd->stack, &frame, pd_now(pd));
	return 0;
}

int pd_net_receive(struct pd *pd, void *buf, size_t *bytes, long long *time_usecs)
{
	struct pd_out *o;

	pd_settle(pd);
	while (pd->net.first == NULL)
		if (!pd_clock_step(pd))
			break;
	o = pd->net.first;
	*time_usecs = pd->clock.now_us;
	if (o == NULL) {
		*bytes = 0;
		return 0;
	}
	if (o->len > *bytes) {
		pd_report("packetdrill's buffer is too small for a packet of %zu bytes", o->len);
		*bytes = 0;
		return 0;
	}
	memcpy(buf, o->bytes, o->len);
	*bytes = o->len;
	*time_usecs = o->at_us;
	pd->net.first = o->next;
	if (pd->net.first == NULL)
		pd->net.last = &pd->net.first;
	pd->net.queued--;
	free(o);
	return 0;
}
