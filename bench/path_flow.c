/*
 * path_flow.c: the path's view of TCP flows.
 *
 * Theory of operation
 *
 * A packet is parsed when it enters and its piece (flow and range of stream offsets) goes along
 * with it, so that nothing is parsed again when it leaves or is dropped. Offsets are 64 bits wide:
 * the distance of a sequence number from `high`, the end of what entered before, is a signed 32-bit
 * number (RFC 9293 3.4), and is added to `high`.
 *
 * A sender sends new data in order, so what lies below `high` entered before: a retransmission.
 * Two sets of spans tell whether it was needed: `known`, what the path accepted and did not drop
 * since, and `delivered`. A segment that is dropped leaves `known`, but for bytes that another copy
 * delivered.
 *
 * A SYN with another sequence number on known addresses and ports begins a new flow in a row of its
 * own: ports may be used again within one measurement. The table is open addressing, a power of two
 * in size, never more than half full.
 */
#include "path_flow.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (FLOWS_MAX * 2u)

struct flows {
	uint32_t count;
	uint64_t left_out; /* packets of flows for which there was no row */
	struct flow rows[FLOWS_MAX];
	uint32_t slots[SLOTS]; /* row + 1; the latest of that key */
};

struct segment {
	struct flow_key key;
	uint32_t seq, len;
	int syn;
};

struct flows *flows_new(void)
{
	return calloc(1, sizeof(struct flows));
}

void flows_free(struct flows *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		spans_free(&f->rows[i].known);
		spans_free(&f->rows[i].delivered);
	}
	free(f);
}

static uint32_t u16_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t u32_at(const uint8_t *p)
{
	return u16_at(p) << 16 | u16_at(p + 2);
}

/* The TCP part of a packet and its length; 0: it is not TCP, or a later fragment, or damaged. */
static size_t find_tcp(const uint8_t *packet, size_t len, const uint8_t **tcp, struct flow_key *key)
{
	size_t head = 40, total;

	if (len >= 20 && packet[0] >> 4 == 4) {
		head = (packet[0] & 15u) * 4u;
		total = u16_at(packet + 2);
		if (packet[9] != IPPROTO_TCP || u16_at(packet + 6) & 0x1fffu || head < 20)
			return 0;
		key->family = 4;
		memcpy(key->from, packet + 12, 4);
		memcpy(key->to, packet + 16, 4);
	} else if (len >= 40 && packet[0] >> 4 == 6 && packet[6] == IPPROTO_TCP) {
		total = 40 + u16_at(packet + 4);
		key->family = 6;
		memcpy(key->from, packet + 8, 16);
		memcpy(key->to, packet + 24, 16);
	} else {
		return 0;
	}
	if (total > len || total < head + 20)
		return 0;
	*tcp = packet + head;
	return total - head;
}

static int parse(const uint8_t *packet, size_t len, uint8_t side, struct segment *s)
{
	const uint8_t *tcp;
	size_t tcp_len, head;

	memset(s, 0, sizeof(*s));
	tcp_len = find_tcp(packet, len, &tcp, &s->key);
	if (tcp_len == 0)
		return -1;
	head = (tcp[12] >> 4) * 4u;
	if (head < 20 || head > tcp_len)
		return -1;
	s->key.side = side;
	s->key.from_port = (uint16_t)u16_at(tcp);
	s->key.to_port = (uint16_t)u16_at(tcp + 2);
	s->seq = u32_at(tcp + 4);
	s->len = (uint32_t)(tcp_len - head);
	s->syn = tcp[13] >> 1 & 1;
	return 0;
}

/* FNV-1a: nobody here chooses collisions. */
static uint32_t hash_of(const struct flow_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ bytes[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct flow *find_flow(struct flows *f, const struct segment *s, uint64_t now)
{
	uint32_t i = hash_of(&s->key) % SLOTS;
	uint32_t isn = s->syn ? s->seq : s->seq - 1;
	struct flow *flow;

	for (; f->slots[i] != 0; i = (i + 1) % SLOTS) {
		flow = &f->rows[f->slots[i] - 1];
		if (memcmp(&flow->key, &s->key, sizeof(s->key)) == 0) {
			if (!s->syn || flow->isn == isn)
				return flow;
			break;
		}
	}
	if (f->count == FLOWS_MAX) {
		f->left_out++;
		return NULL;
	}
	flow = &f->rows[f->count++];
	f->slots[i] = f->count;
	flow->key = s->key;
	flow->isn = isn;
	flow->first_ns = now;
	return flow;
}

static void count_segment(struct flow *flow, uint64_t lo, uint64_t hi)
{
	uint64_t known_end = hi < flow->high ? hi : flow->high;

	flow->segments++;
	flow->bytes += hi - lo;
	if (lo < flow->high) {
		flow->retransmitted++;
		flow->retransmitted_bytes += known_end - lo;
		if (spans_covered(&flow->known, lo, hi) == hi - lo)
			flow->needless++;
		if (spans_covered(&flow->delivered, lo, hi) == hi - lo)
			flow->spurious++;
	}
	if (hi > flow->high)
		flow->high = hi;
}

struct flow_piece flows_enter(struct flows *f, const uint8_t *packet, size_t len, uint8_t side,
			      uint64_t now)
{
	struct flow_piece none = {.flow = FLOW_NONE}, piece;
	struct segment s;
	struct flow *flow;
	int64_t at;

	if (parse(packet, len, side, &s) != 0)
		return none;
	flow = find_flow(f, &s, now);
	if (flow == NULL)
		return none;
	flow->syns += (uint64_t)s.syn;
	if (s.len == 0)
		return none;
	at = (int64_t)flow->high +
	     (int32_t)(s.seq + (uint32_t)s.syn - (flow->isn + 1 + (uint32_t)flow->high));
	if (at < 0)
		return none;
	piece = (struct flow_piece){(uint32_t)(flow - f->rows), (uint64_t)at, (uint64_t)at + s.len};
	count_segment(flow, piece.lo, piece.hi);
	return piece;
}

void flows_accept(struct flows *f, const struct flow_piece *p)
{
	if (p->flow != FLOW_NONE)
		spans_add(&f->rows[p->flow].known, p->lo, p->hi);
}

void flows_reject(struct flows *f, const struct flow_piece *p)
{
	if (p->flow != FLOW_NONE)
		f->rows[p->flow].lost++;
}

void flows_lose(struct flows *f, const struct flow_piece *p)
{
	struct flow *flow;

	if (p->flow == FLOW_NONE)
		return;
	flow = &f->rows[p->flow];
	flow->lost++;
	if (spans_covered(&flow->delivered, p->lo, p->hi) == 0)
		spans_remove(&flow->known, p->lo, p->hi);
}

void flows_deliver(struct flows *f, const struct flow_piece *p, uint64_t now)
{
	struct flow *flow;

	if (p->flow == FLOW_NONE)
		return;
	flow = &f->rows[p->flow];
	flow->last_ns = now;
	spans_add(&flow->known, p->lo, p->hi);
	spans_add(&flow->delivered, p->lo, p->hi);
}

static json_t *flow_json(const struct flow *flow)
{
	int family = flow->key.family == 4 ? AF_INET : AF_INET6;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	inet_ntop(family, flow->key.from, from, sizeof(from));
	inet_ntop(family, flow->key.to, to, sizeof(to));
	return json_pack(
		"{s:s, s:i, s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I}",
		"from", from, "from_port", flow->key.from_port, "to", to, "to_port",
		flow->key.to_port, "side", flow->key.side == 0 ? "a" : "b", "syns",
		(json_int_t)flow->syns, "segments", (json_int_t)flow->segments, "bytes",
		(json_int_t)flow->bytes, "stream_bytes", (json_int_t)flow->high, "delivered_bytes",
		(json_int_t)spans_covered(&flow->delivered, 0, UINT64_MAX - 1), "retransmitted",
		(json_int_t)flow->retransmitted, "needless", (json_int_t)flow->needless, "spurious",
		(json_int_t)flow->spurious, "lost", (json_int_t)flow->lost, "seconds",
		flow->last_ns > flow->first_ns ? (double)(flow->last_ns - flow->first_ns) * 1e-9
					       : 0.0,
		"left_out", (json_int_t)(flow->known.left_out + flow->delivered.left_out));
}

json_t *flows_json(const struct flows *f)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < f->count; i++) {
		if (f->rows[i].segments != 0)
			json_array_append_new(list, flow_json(&f->rows[i]));
	}
	return list;
}
