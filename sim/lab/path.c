/*
 * path.c: what becomes of a segment between the two hosts.
 *
 * The path is perfect, in order, and takes the time that the plan says (for each client its own),
 * but for the segments that a rule picks by their sender and kind. Segments from addresses that
 * nobody has can be forged, and what is sent to such addresses is shown to the experiment.
 */
#include <string.h>

#include "base/assert.h"
#include "sim/lab/world.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

void lab_rule_add(struct lab_world *w, enum lab_host from, enum lab_what what, unsigned nth,
		  enum lab_fate fate)
{
	weir_assert(w->rules < LAB_RULES_MAX && nth > 0);
	w->rule[w->rules++] =
		(struct lab_rule){.from = from, .what = what, .nth = nth, .fate = fate};
}

static enum lab_what classify(const struct lab_node *other, const struct tcp_seg *s)
{
	if (s->flags & TCP_RST)
		return LAB_RST;
	if (s->flags & TCP_SYN)
		return s->flags & TCP_ACK ? LAB_SYNACK : LAB_SYN;
	if (s->flags & TCP_FIN)
		return LAB_FIN;
	if (s->len > 0)
		return LAB_DATA;
	return other->has_fin && s->ack.v == other->fin_end ? LAB_LAST_ACK : LAB_ACK;
}

void lab_put(struct lab_world *w, enum lab_host to, struct sim_frame *f, uint64_t ns)
{
	struct sim_event ev = {.at = w->now + ns, .kind = SIM_EVENT_FRAME, .host = to, .frame = f};

	sim_queue_add(&w->queue, &ev);
}

static void hold(struct lab_world *w, enum lab_host to, struct sim_frame *f)
{
	weir_assert(w->helds < LAB_HELD_MAX);
	w->held[w->helds++] = (struct lab_held){.frame = f, .to = to, .born = w->now};
}

/* NULL: none is meant for this segment. A rule is used once. */
static const struct lab_rule *rule_of(struct lab_world *w, enum lab_host from, enum lab_what what)
{
	for (unsigned i = 0; i < w->rules; i++) {
		struct lab_rule *r = &w->rule[i];

		if (r->from == from && r->what == what && r->nth > 0 && --r->nth == 0)
			return r;
	}
	return NULL;
}

/* Has the host this address? *which: its number. */
static bool has_address(const struct lab_node *n, const struct weir_addr *a, unsigned *which)
{
	for (*which = 0; *which < n->addr_count; ++*which)
		if (sim_addr_equal(&n->addrs[*which], a))
			return true;
	return false;
}

/* How long a packet of a host to the other is on its way, if it comes from and goes to them. */
static bool way_ns(const struct lab_world *w, enum lab_host from, const struct sim_packet *p,
		   uint64_t *ns)
{
	unsigned of[2];

	if (!has_address(&w->node[from], &p->src.addr, &of[0]) ||
	    !has_address(&w->node[!from], &p->dst.addr, &of[1]))
		return false;
	*ns = w->plan.delay_ns + w->plan.detour_ns[from == LAB_CLIENT ? of[0] : of[1]];
	return true;
}

void lab_carry(struct lab_world *w, enum lab_host from, struct sim_frame *f)
{
	struct lab_node *n = &w->node[from];
	const struct lab_rule *rule = NULL;
	struct sim_packet p;
	enum lab_what what;
	uint64_t ns = 0;

	if (sim_packet_read(&p, f) == SIM_PACKET_TCP) {
		what = classify(&w->node[!from], &p.tcp);
		n->sent[what]++;
		n->segments++;
		if (what == LAB_FIN) {
			n->has_fin = true;
			n->fin_end = p.tcp.seq.v + p.tcp.len + 1;
		}
		rule = rule_of(w, from, what);
	}
	if (!way_ns(w, from, &p, &ns)) {
		if (w->run->stranger != NULL && p.kind == SIM_PACKET_TCP)
			w->run->stranger(w->run, &p);
		sim_frame_free(f);
	} else if (rule == NULL) {
		lab_put(w, !from, f, ns);
	} else if (rule->fate == LAB_LOSE) {
		sim_frame_free(f);
	} else {
		hold(w, !from, f);
		if (rule->fate == LAB_COPY)
			lab_put(w, !from, sim_frame_copy(f), ns);
	}
}

void lab_release(struct lab_world *w, unsigned held, uint64_t ns)
{
	struct lab_held *h = &w->held[held];

	weir_assert(held < w->helds && h->frame != NULL);
	lab_put(w, h->to, h->frame, ns);
	h->frame = NULL;
}

/* --- Segments of others ------------------------------------------------------------------- */

static size_t put_ip(struct sim_frame *f, const struct lab_forged *g, size_t l4_len)
{
	struct ip4_hdr h4 = {.total_len = (uint16_t)(IP4_HDR_LEN + l4_len),
			     .hdr_len = IP4_HDR_LEN,
			     .ttl = 64,
			     .proto = IP_PROTO_TCP,
			     .dont_frag = true};
	struct ip6_hdr h6 = {
		.payload_len = (uint16_t)l4_len, .hop_limit = 64, .next = IP_PROTO_TCP};

	if (g->src.addr.family == 4) {
		memcpy(h4.src, g->src.addr.bytes, 4);
		memcpy(h4.dst, g->dst.addr.bytes, 4);
		ip4_emit(f->bytes, &h4);
		return IP4_HDR_LEN;
	}
	memcpy(h6.src, g->src.addr.bytes, 16);
	memcpy(h6.dst, g->dst.addr.bytes, 16);
	ip6_emit(f->bytes, &h6);
	return IP6_HDR_LEN;
}

void lab_forge(struct lab_world *w, const struct lab_forged *g, uint64_t ns)
{
	struct tcp_seg seg = {.seq = seq_make(g->seq),
			      .ack = seq_make(g->ack),
			      .wnd = UINT16_MAX,
			      .src_port = g->src.port,
			      .dst_port = g->dst.port,
			      .flags = g->flags,
			      .opts = {.has_mss = g->mss != 0, .mss = g->mss}};
	uint8_t tcp[TCP_HDR_MAX];
	size_t len = tcp_emit(tcp, &seg, TCP_OPT_ORDER_LINUX);
	size_t ip_len = g->src.addr.family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN;
	struct sim_frame *f = sim_frame_new(ip_len + len);

	memcpy(f->bytes + put_ip(f, g, len), tcp, len);
	sim_frame_sum(f, ip_len);
	lab_put(w,
		sim_addr_equal(&g->dst.addr, &w->node[LAB_SERVER].addr) ? LAB_SERVER : LAB_CLIENT,
		f, ns);
}
