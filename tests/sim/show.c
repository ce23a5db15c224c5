#include "show.h"

#include <inttypes.h>
#include <stdio.h>

static double seconds(const struct show *s, weir_time at)
{
	return (double)(at - s->world->cfg.start) / 1e9;
}

static void print_flags(uint8_t flags)
{
	static const char letters[] = "FSRP.UEC";
	char text[9];
	int n = 0;

	for (int i = 0; i < 8; i++)
		if (flags & 1u << i)
			text[n++] = letters[i];
	text[n] = 0;
	printf("%-4s", text);
}

static void print_options(const struct tcp_opts *o)
{
	if (o->has_mss)
		printf(" mss %u", o->mss);
	if (o->has_wscale)
		printf(" ws %u", o->wscale);
	if (o->sack_permitted)
		printf(" sackok");
	if (o->has_ts)
		printf(" ts %u/%u", o->ts_val, o->ts_ecr);
	for (unsigned i = 0; i < o->sack_count; i++)
		printf(" sack %u-%u", o->sack[i].lo.v, o->sack[i].hi.v);
}

static void print_packet(const struct show *s, const struct sim_frame *f)
{
	const struct sim_talk *t;
	struct sim_packet pk;
	uint32_t seq0 = 0, ack0 = 0;
	unsigned side;

	if (sim_packet_read(&pk, f) != SIM_PACKET_TCP) {
		printf("%s, %u bytes\n", pk.kind == SIM_PACKET_BAD ? pk.fault : "not TCP", f->len);
		return;
	}
	t = sim_talks_find(&s->world->talks, &pk.src, &pk.dst, &side);
	if (t != NULL) {
		seq0 = t->wire[side].iss;
		ack0 = t->wire[!side].iss;
	}
	print_flags(pk.tcp.flags);
	printf(" seq %u", pk.tcp.seq.v - seq0);
	if (pk.tcp.flags & TCP_ACK)
		printf(" ack %u", pk.tcp.ack.v - ack0);
	printf(" len %u wnd %u", pk.tcp.len, pk.tcp.wnd);
	print_options(&pk.tcp.opts);
	printf("%s\n", f->gso_size != 0 ? " super" : "");
}

static void on_wire(void *user, const struct sim_wire_note *n)
{
	static const char *const what[] = {"sent",      "arrived",  "LOST",    "QUEUE FULL",
					   "SWALLOWED", "NO ROUTE", "TOO BIG", "REFUSED"};
	const struct show *s = user;

	printf("%11.6f  %u>%u %-10s ", seconds(s, n->at), n->from, n->to, what[n->kind]);
	if (n->damaged)
		printf("DAMAGED ");
	if (n->forged)
		printf("FORGED ");
	print_packet(s, n->frame);
}

static void on_trace(void *user, unsigned host, const struct weir_trace_record *r)
{
	static const char *const kind[] = {"in", "out", "state"};
	const struct show *s = user;

	printf("%11.6f      host %u %-5s %-16s %s", seconds(s, r->at), host, kind[r->kind],
	       weir_counter_name(r->verdict), weir_state_name(r->before));
	if (r->after != r->before)
		printf(" -> %s", weir_state_name(r->after));
	if (r->cwnd_bytes != 0)
		printf("  cwnd %u", r->cwnd_bytes);
	printf("\n");
}

void show_hooks(struct show *s, const struct sim_world *world, struct sim_hooks *hooks)
{
	s->world = world;
	hooks->wire = on_wire;
	hooks->trace = on_trace;
}

static void show_plan(const struct sim_plan *p, unsigned side)
{
	static const char *const starts[] = {"at once", "connected", "after EOF"};
	static const char *const closes[] = {"shutdown", "shutdown only", "close last",
					     "close early", "abort"};

	printf("# side %u: sends %" PRIu64 " in %u-%u every %" PRIu64 " ns, reads %u-%u every "
	       "%" PRIu64 " ns, stalls at %" PRIu64 " for %" PRIu64 " ns\n"
	       "#   begins %s, ends by %s (%" PRIu64 "), %s%s%s\n",
	       side, p->total, p->write_min, p->write_max, p->write_gap_ns, p->read_min,
	       p->read_max, p->read_gap_ns, p->stall_at, p->stall_ns, starts[p->start],
	       closes[p->close], p->abort_at, p->write == SIM_WRITE_SEND ? "send" : "reserve",
	       p->nodelay ? ", nodelay" : "", p->keepalive ? ", keepalive" : "");
}

void show_world(const struct sim_world *w)
{
	for (unsigned i = 0; i < w->host_count; i++) {
		const struct sim_host_config *h = &w->host[i].cfg;

		printf("# host %u: mtu %u, gso %u (kind %u), csum %u, ts %u, ws %u, sack %u, "
		       "sndbuf %u, rcvbuf %u, nagle %u\n",
		       i, h->device.mtu, h->device.gso_max, h->device.gso, h->device.csum,
		       (unsigned)h->stack.timestamps, (unsigned)h->stack.window_scaling,
		       (unsigned)h->stack.sack, (unsigned)h->stack.sndbuf,
		       (unsigned)h->stack.rcvbuf, (unsigned)h->stack.nagle);
	}
	for (unsigned i = 0; i < w->host_count * w->host_count; i++) {
		unsigned from = i / w->host_count, to = i % w->host_count;
		const struct sim_link_config *l = &sim_world_link(w, from, to)->cfg;

		if (from == to)
			continue;

		printf("# link %u>%u: %" PRIu64 " bit/s, %" PRIu64 " ns, queue %" PRIu64
		       ", loss %u, dup %u, reorder %u, corrupt %u ppm, spread %" PRIu64 " ns\n",
		       from, to, l->rate_bits, l->delay_ns, l->queue_bytes, l->loss_ppm, l->dup_ppm,
		       l->reorder_ppm, l->corrupt_ppm, l->spread_ns);
	}
	for (uint32_t i = 0; i < w->talks.count; i++) {
		const struct sim_talk *t = &w->talks.list[i];

		printf("# talk %u: hosts %u > %u, IPv%u, ports %u > %u%s\n", i, t->spec.host[0],
		       t->spec.host[1], t->spec.family, t->spec.port[0], t->spec.port[1],
		       t->spec.open == SIM_OPEN_BOTH ? ", both open" : "");
		show_plan(&t->spec.plan[0], 0);
		show_plan(&t->spec.plan[1], 1);
	}
}
