/*
 * Theory of operation
 *
 * Clients that have no TCP: they know what to say next, from what the stack said last. A million of
 * them cost nothing, so that memory and time are those of the one stack under test. Client `i` has
 * address 10.0.0.1 + i and always the same port and initial sequence number. It offers no option,
 * so its segments need none.
 *
 * Frames are made whole, with both checksums, and the stack verifies them.
 */
#include "bench.h"

#include <string.h>

#define IP_LEN      20u
#define TCP_LEN     20u
#define OPTIONS_LEN 20u
#define PEER_ADDR   0x0a000001u
#define PEER_PORT   40000u

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* RFC 1071, over an even number of bytes. */
static uint32_t sum16(uint32_t sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		sum += get16(at + i);
	return sum;
}

static uint32_t finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* MSS 1460, SACK permitted, timestamps, window scale 7: what Linux offers on an Ethernet. */
static void put_syn_options(uint8_t *at, uint32_t ts)
{
	static const uint8_t options[OPTIONS_LEN] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
						     0, 0, 0,    0,    0, 0, 1, 3,  3, 7};

	memcpy(at, options, sizeof(options));
	put32(at + 8, ts);
}

size_t bench_frame_write(uint8_t frame[BENCH_FRAME_MAX], const struct bench_segment *g,
			 enum bench_syn_options options)
{
	uint8_t *tcp = frame + IP_LEN;
	size_t tcp_len = TCP_LEN + (options == BENCH_OPTIONS_LINUX ? OPTIONS_LEN : 0);
	uint32_t sum;

	memset(frame, 0, BENCH_FRAME_MAX);
	frame[0] = 0x45;
	put16(frame + 2, (uint32_t)(IP_LEN + tcp_len));
	put16(frame + 6, 0x4000); /* not to be fragmented */
	frame[8] = 64;
	frame[9] = 6;
	put32(frame + 12, g->src);
	put32(frame + 16, g->dst);
	put16(frame + 10, finish(sum16(0, frame, IP_LEN)));
	put16(tcp, g->src_port);
	put16(tcp + 2, g->dst_port);
	put32(tcp + 4, g->seq);
	put32(tcp + 8, g->ack);
	tcp[12] = (uint8_t)(tcp_len / 4 << 4);
	tcp[13] = g->flags;
	put16(tcp + 14, 64240);
	if (options == BENCH_OPTIONS_LINUX)
		put_syn_options(tcp + TCP_LEN, g->seq ^ 0x5bd1e995u);
	sum = sum16(6 + (uint32_t)tcp_len, frame + 12, 8);
	put16(tcp + 16, finish(sum16(sum, tcp, tcp_len)));
	return IP_LEN + tcp_len;
}

bool bench_frame_read(const struct weir_packet *p, struct bench_segment *g)
{
	const uint8_t *tcp = p->head + p->l4_start;

	if (p->head[0] != 0x45 || p->head[9] != 6 || p->head_len < IP_LEN + TCP_LEN)
		return false;
	g->src = get32(p->head + 12);
	g->dst = get32(p->head + 16);
	g->src_port = (uint16_t)get16(tcp);
	g->dst_port = (uint16_t)get16(tcp + 2);
	g->seq = get32(tcp + 4);
	g->ack = get32(tcp + 8);
	g->flags = tcp[13];
	return true;
}

/* --- Clients ------------------------------------------------------------------------------------
 */

bool bench_peer_init(struct bench_peer *p, struct weir_stack *s, weir_time now)
{
	struct weir_listen_args listen = {.local = {.port = BENCH_PORT}};
	struct weir_addr addr = {.family = 4};
	weir_listener l;

	*p = (struct bench_peer){.stack = s, .now = now};
	put32(addr.bytes, BENCH_SERVER_ADDR);
	listen.local.addr = addr;
	return weir_addr_add(s, &addr, 24) == WEIR_OK && weir_listen(s, &listen, &l) == WEIR_OK;
}

static uint32_t isn_of(uint32_t i)
{
	return i * 0x9e3779b1u;
}

/* Client `i` sends; what the stack has to say then is read. */
static void say(struct bench_peer *p, uint32_t i, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct bench_segment g = {.src = PEER_ADDR + i,
				  .dst = BENCH_SERVER_ADDR,
				  .src_port = PEER_PORT,
				  .dst_port = BENCH_PORT,
				  .seq = seq,
				  .ack = ack,
				  .flags = flags};
	uint8_t frame[BENCH_FRAME_MAX];
	struct weir_frame f = {.bytes = frame};
	struct weir_packet k;

	f.len = bench_frame_write(frame, &g, BENCH_OPTIONS_NONE);
	p->answers = 0;
	weir_input(p->stack, &f, p->now);
	while (weir_output(p->stack, &k, p->now))
		if (bench_frame_read(&k, &g) && g.dst == PEER_ADDR + i) {
			p->answer = g;
			p->answers++;
		}
}

bool bench_peer_syn(struct bench_peer *p, uint32_t i)
{
	say(p, i, BENCH_SYN, isn_of(i), 0);
	return p->answers == 1 && p->answer.flags == (BENCH_SYN | BENCH_ACK) &&
	       p->answer.ack == isn_of(i) + 1;
}

bool bench_peer_open(struct bench_peer *p, uint32_t i, weir_conn *conn)
{
	struct weir_event ev;
	bool accepted = false;

	if (!bench_peer_syn(p, i))
		return false;
	say(p, i, BENCH_ACK, isn_of(i) + 1, p->answer.seq + 1);
	while (weir_event_next(p->stack, &ev))
		if (ev.kind == WEIR_EV_ACCEPTED) {
			*conn = ev.conn;
			accepted = true;
		}
	return accepted;
}

bool bench_peer_close(struct bench_peer *p, uint32_t i, weir_conn conn)
{
	struct bench_segment fin = {0};
	struct weir_packet k;
	struct weir_event ev;
	bool closed = false;

	if (weir_close(p->stack, conn, p->now) != WEIR_OK)
		return false;
	while (weir_output(p->stack, &k, p->now))
		if (!bench_frame_read(&k, &fin))
			return false;
	if (!(fin.flags & BENCH_FIN))
		return false;
	say(p, i, BENCH_FIN | BENCH_ACK, fin.ack, fin.seq + 1);
	while (weir_event_next(p->stack, &ev))
		closed |= ev.kind == WEIR_EV_CLOSED && ev.reason == WEIR_OK;
	return closed && p->answers == 1;
}
