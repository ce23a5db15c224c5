#include "paper.h"

#include <string.h>

#include "sim/rng.h"
#include "wire/ip4.h"

void paper_init(struct paper *p)
{
	struct sim_talk_spec spec = {.host = {0, 1}, .family = 4};

	memset(p, 0, sizeof(*p));
	sim_talks_init(&p->talks, 1);
	p->talk = sim_talks_add(&p->talks, &spec, 1);
	p->talk->at[0] = (struct weir_endpoint){{4, {10, 0, 0, 1}}, 4000};
	p->talk->at[1] = (struct weir_endpoint){{4, {10, 0, 0, 2}}, 80};
	sim_talks_index(&p->talks, p->talk);
	for (unsigned side = 0; side < 2; side++) {
		p->talk->end[side].phase = SIM_PHASE_OPEN;
		p->talk->end[side].given = GIVEN;
		p->talk->end[side].fin_given = true;
		p->talk->end[side].rcvbuf = p->talk->end[side].rcvbuf_least = 1000;
		p->talk->spec.plan[side].total = GIVEN;
	}
}

static struct sim_frame *paper_frame(const struct paper *p, const struct written *s)
{
	size_t hdr;
	struct sim_frame *f = sim_frame_new(IP4_HDR_LEN + TCP_HDR_MAX + s->len);
	struct ip4_hdr ip = {.hdr_len = 20, .ttl = 64, .proto = IP_PROTO_TCP};
	struct tcp_seg seg = {.wnd = (uint16_t)s->wnd, .flags = s->flags};
	uint8_t *tcp = f->bytes + IP4_HDR_LEN;

	memcpy(ip.src, p->talk->at[s->side].addr.bytes, 4);
	memcpy(ip.dst, p->talk->at[!s->side].addr.bytes, 4);
	seg.src_port = p->talk->at[s->side].port;
	seg.dst_port = (uint16_t)(p->talk->at[!s->side].port + (s->odd == WRONG_PORT));
	seg.seq.v = s->seq + (s->side == 0 ? ISS0 : ISS1);
	seg.ack.v = s->flags & TCP_ACK ? s->ack + (s->side == 0 ? ISS1 : ISS0) : 0;
	seg.opts.has_mss = s->odd == OPT_MSS;
	seg.opts.mss = 60;
	seg.opts.has_ts = s->odd == OPT_TS;
	seg.opts.sack_count = s->odd == OPT_SACK;
	seg.opts.sack[0] = (struct tcp_sack){{5}, {6}};
	hdr = tcp_emit(tcp, &seg, TCP_OPT_ORDER_LINUX);
	if (s->len != 0)
		sim_pattern_fill(p->talk->end[s->side].key, s->seq - 1, tcp + hdr, s->len);
	if (s->odd == WRONG_BYTE)
		tcp[hdr + s->len - 1] ^= 0x10;
	if (s->odd == RESERVED)
		tcp[12] |= 2;
	ip.total_len = (uint16_t)(IP4_HDR_LEN + hdr + s->len);
	f->len = ip.total_len;
	ip4_emit(f->bytes, &ip);
	sim_frame_sum(f, IP4_HDR_LEN);
	if (s->odd == WRONG_SUM)
		tcp[TCP_CSUM_OFFSET] ^= 1;
	return f;
}

void paper_pass(struct paper *p, const struct written *s)
{
	struct sim_frame *f = paper_frame(p, s);

	sim_tap_sent(&p->oracle, &p->talks, f);
	sim_tap_arrived(&p->oracle, &p->talks, f, SIM_MAKER_HOST);
	sim_frame_free(f);
}

void paper_send(struct paper *p, const struct written *s)
{
	struct sim_frame *f = paper_frame(p, s);

	sim_tap_sent(&p->oracle, &p->talks, f);
	sim_frame_free(f);
}

void paper_handshake(struct paper *p)
{
	static const struct written shake[] = {
		{0, TCP_SYN, 0, 0, 0, 500, OPT_MSS},
		{1, TCP_SYN | TCP_ACK, 0, 1, 0, 80, OPT_MSS},
		{0, TCP_ACK, 1, 1, 0, 500, PLAIN},
	};

	for (size_t i = 0; i < sizeof(shake) / sizeof(shake[0]); i++)
		paper_pass(p, &shake[i]);
}
