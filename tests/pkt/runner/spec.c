/*
 * Theory of operation
 *
 * A spec holds what a line says, relative; a struct packet what is on the wire, absolute. Going
 * in, the flow's initial numbers are added and what is not named gets its default. Coming out,
 * the packet is compared field by field with what is named, and nothing else; so a script says
 * what its RFC clause says and no more. Both directions are shown in the notation of the
 * scripts, so that a line of a failure can be pasted into one.
 */
#include "spec.h"

#include <stdio.h>
#include <string.h>

#include "spec_icmp.h"
#include "world.h"

/* --- Options -------------------------------------------------------------------------------- */

static size_t put(uint8_t *b, size_t n, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		b[n++] = (uint8_t)(v >> (8 * bytes));
	return n;
}

/* The timestamp of a peer whose clock ticks in milliseconds. */
static uint32_t peer_clock(const struct world *w)
{
	return (uint32_t)((w->now - WORLD_START) / MS + 5000);
}

static size_t put_ts(struct world *w, const struct spec *s, const struct spec_opt *o, uint8_t *b,
		     size_t n)
{
	uint32_t val = o->any[0] || o->count < 1 ? peer_clock(w) : (uint32_t)o->v[0];
	uint32_t ecr = o->any[1] || o->count < 2 ? s->f->ts_last
						 : s->f->ts_base + (uint32_t)o->v[1];

	if (s->flags & FLAG_SYN && !(s->flags & FLAG_ACK) && (o->any[1] || o->count < 2))
		ecr = 0;
	n = put(b, n, 0x080a, 2);
	n = put(b, n, val, 4);
	return put(b, n, ecr, 4);
}

static size_t put_opt(struct world *w, const struct spec *s, const struct spec_opt *o, uint8_t *b,
		      size_t n)
{
	switch (o->kind) {
	case OPT_MSS:
		return put(b, put(b, n, 0x0204, 2), (uint64_t)o->v[0], 2);
	case OPT_WS:
		return put(b, put(b, n, 0x0303, 2), (uint64_t)o->v[0], 1);
	case OPT_SACKOK:
		return put(b, n, 0x0402, 2);
	case OPT_SACK:
		n = put(b, put(b, n, 5, 1), 2 + 4 * (uint64_t)o->count, 1);
		for (int i = 0; i < o->count; i++)
			n = put(b, n, s->f->iss + (uint32_t)o->v[i], 4);
		return n;
	case OPT_TS:
		return put_ts(w, s, o, b, n);
	case OPT_NOP:
		return put(b, n, 1, 1);
	case OPT_EOL:
		return put(b, n, 0, 1);
	case OPT_ACC0:
	case OPT_ACC1:
		n = put(b, n, o->kind == OPT_ACC0 ? 172 : 174, 1);
		n = put(b, n, 2 + 3 * (uint64_t)o->count, 1);
		for (int i = 0; i < o->count; i++)
			n = put(b, n, (uint64_t)o->v[i], 3);
		return n;
	case OPT_RAW:
		memcpy(b + n, o->raw, (size_t)o->count);
		return n + (size_t)o->count;
	}
	return n;
}

/* The value of option `kind`; NULL if it is not there. *len is the value's. */
static const uint8_t *find_opt(const struct packet *p, uint8_t kind, size_t *len)
{
	for (size_t i = 0; i < p->opt_len;) {
		uint8_t k = p->opt[i];

		if (k < 2 && k == kind) {
			*len = 0;
			return p->opt + i;
		}
		if (k == 0)
			return NULL;
		if (k == 1) {
			i++;
			continue;
		}
		if (i + 1 >= p->opt_len || p->opt[i + 1] < 2 || i + p->opt[i + 1] > p->opt_len)
			return NULL;
		if (k == kind) {
			*len = p->opt[i + 1] - 2u;
			return p->opt + i + 2;
		}
		i += p->opt[i + 1];
	}
	return NULL;
}

static uint32_t get(const uint8_t *b, size_t len)
{
	uint32_t v = 0;

	while (len-- > 0)
		v = v << 8 | *b++;
	return v;
}

bool spec_timestamp(const struct packet *p, uint32_t *val)
{
	size_t len;
	const uint8_t *b = find_opt(p, 8, &len);

	if (!b || len != 8)
		return false;
	*val = get(b, 4);
	return true;
}

static const uint8_t opt_number[] = {
	[OPT_MSS] = 2, [OPT_WS] = 3,  [OPT_SACKOK] = 4, [OPT_SACK] = 5,   [OPT_TS] = 8,
	[OPT_NOP] = 1, [OPT_EOL] = 0, [OPT_ACC0] = 172, [OPT_ACC1] = 174,
};

static bool same(const struct spec_opt *o, int i, uint32_t got)
{
	return o->count <= i || (i < 2 && o->any[i]) || (uint32_t)o->v[i] == got;
}

static bool opt_matches(const struct spec *s, const struct spec_opt *o, const struct packet *p)
{
	size_t len;
	const uint8_t *b;

	if (o->kind == OPT_RAW)
		return p->opt_len >= (size_t)o->count &&
		       memcmp(p->opt, o->raw, (size_t)o->count) == 0;
	b = find_opt(p, opt_number[o->kind], &len);
	if (o->absent || !b)
		return o->absent && !b;
	switch (o->kind) {
	case OPT_MSS:
	case OPT_WS:
		return same(o, 0, get(b, len));
	case OPT_TS:
		return len == 8 && same(o, 0, get(b, 4) - s->f->ts_base) &&
		       same(o, 1, get(b + 4, 4));
	case OPT_SACK:
		if (len != 4 * (size_t)o->count)
			return false;
		for (int i = 0; i < o->count; i++)
			if (get(b + 4 * i, 4) != s->f->irs + (uint32_t)o->v[i])
				return false;
		return true;
	case OPT_ACC0:
	case OPT_ACC1:
		if (o->count == 0)
			return true;
		for (int i = 0; i < o->count; i++)
			if (len != 3 * (size_t)o->count || !same(o, i, get(b + 3 * i, 3)))
				return false;
		return true;
	case OPT_SACKOK:
	case OPT_NOP:
	case OPT_EOL:
	case OPT_RAW:
		return true;
	}
	return false;
}

/* --- In ------------------------------------------------------------------------------------- */

static void fill_tcp(struct world *w, const struct spec *s, struct packet *p, uint8_t *payload)
{
	struct flow *f = s->f;
	uint32_t rel = (uint32_t)s->seq + !!(s->flags & FLAG_SYN);

	p->proto = PACKET_TCP;
	p->src_port = f->rport;
	p->dst_port = f->lport;
	p->flags = s->flags;
	p->seq = f->irs + (uint32_t)s->seq;
	p->ack = s->named & SPEC_ACK ? f->iss + (uint32_t)s->ack : 0;
	p->wnd = (uint16_t)s->win;
	p->urgent = (uint16_t)s->urg;
	p->doff = (uint8_t)s->doff;
	p->reserved = (uint8_t)s->reserved;
	for (int i = 0; i < s->opt_count; i++)
		p->opt_len = put_opt(w, s, &s->opt[i], p->opt, p->opt_len);
	for (int64_t i = 0; i < s->len; i++)
		payload[i] = world_byte_in(rel + (uint32_t)i);
	p->payload = payload;
	p->payload_len = (size_t)s->len;
}

/* An error quotes the head of a segment that we sent; an echo carries 8 bytes. */
static void fill_icmp(struct world *w, const struct spec *s, struct packet *p, uint8_t *payload)
{
	static uint8_t zero[PACKET_MAX];
	struct packet q = {.family = w->family, .proto = PACKET_TCP, .ttl = 60, .df = true};

	p->proto = w->family == 4 ? PACKET_ICMP : PACKET_ICMP6;
	p->icmp_type = w->family == 4 ? s->icmp->type4 : s->icmp->type6;
	p->icmp_code = w->family == 4 ? s->icmp->code4 : s->icmp->code6;
	if (s->icmp_code >= 0)
		p->icmp_code = (uint8_t)s->icmp_code;
	p->icmp_rest = (uint32_t)s->icmp_mtu;
	memcpy(q.src, s->f->local, 16);
	memcpy(q.dst, s->f->remote, 16);
	q.src_port = s->f->lport;
	q.dst_port = s->f->rport;
	q.seq = s->f->iss + (uint32_t)s->icmp_seq;
	q.ack = s->f->irs + 1;
	q.flags = FLAG_ACK;
	q.payload = zero;
	q.payload_len = s->icmp_len < 0 ? 0 : (size_t)s->icmp_len;
	packet_write(&q, payload);
	p->payload = payload;
	p->payload_len = (w->family == 4 ? 20 : 40) + 20;
}

void spec_send(struct world *w, const struct spec *s)
{
	static uint8_t payload[PACKET_MAX], bytes[PACKET_MAX + 128];
	struct packet p = {.family = w->family, .ttl = 64, .hurt = s->hurt};
	struct weir_frame frame = {.bytes = bytes};
	char text[512];

	memcpy(p.src, s->named & SPEC_SRC ? s->src : s->f->remote, 16);
	memcpy(p.dst, s->has_dst ? s->dst : s->f->local, 16);
	memcpy(p.ip_opt, s->ip_opt, s->ip_opt_len);
	p.ip_opt_len = s->ip_opt_len;
	if (s->named & SPEC_TTL)
		p.ttl = (uint8_t)s->ttl;
	p.tos = (uint8_t)(s->dscp << 2 | s->ecn);
	if (s->named & SPEC_ICMP)
		fill_icmp(w, s, &p, payload);
	else
		fill_tcp(w, s, &p, payload);
	if (s->proto)
		p.proto = (uint8_t)s->proto;
	frame.len = packet_write(&p, bytes);
	if (s->trunc >= 0 && (size_t)s->trunc < frame.len)
		frame.len = (size_t)s->trunc;
	frame.flags = s->csum_ok ? WEIR_FRAME_CSUM_OK : 0;
	frame.gso_size = (uint16_t)s->gso;
	spec_show(w, &p, SHOW_IN, text, sizeof(text));
	world_log(w, "< %s", text);
	world_input(w, &frame);
	world_log(w, "    %s: %s -> %s", weir_counter_name(w->verdict),
		  weir_state_name(w->in_rec.before), weir_state_name(w->in_rec.after));
}

/* --- Out ------------------------------------------------------------------------------------ */

static bool tcp_matches(const struct spec *s, const struct packet *p)
{
	const struct flow *f = s->f;
	unsigned n = s->named;
	const uint16_t quiet = (uint16_t)~FLAG_PSH;

	if (n & SPEC_FLAGS &&
	    ((p->flags ^ s->flags) & ~s->maybe & (s->flags & FLAG_PSH ? 0xffff : quiet)))
		return false;
	if (n & SPEC_SEQ && p->seq != f->iss + (uint32_t)s->seq)
		return false;
	if (n & SPEC_LEN && p->payload_len != (size_t)s->len)
		return false;
	if (n & SPEC_ACK && p->ack != f->irs + (uint32_t)s->ack)
		return false;
	if ((n & SPEC_WIN && p->wnd != s->win) || (n & SPEC_URG && p->urgent != s->urg))
		return false;
	if ((n & SPEC_PUSH && !(p->flags & FLAG_PSH)) || (n & SPEC_NOPUSH && p->flags & FLAG_PSH))
		return false;
	for (int i = 0; i < s->opt_count; i++)
		if (!opt_matches(s, &s->opt[i], p))
			return false;
	return true;
}

static bool ip_matches(const struct spec *s, const struct packet *p)
{
	return !(s->named & SPEC_TTL && p->ttl != s->ttl) &&
	       !(s->named & SPEC_DSCP && p->tos >> 2 != s->dscp) &&
	       !(s->named & SPEC_ECN && (p->tos & 3) != s->ecn) &&
	       !(s->named & SPEC_DF && !p->df) && memcmp(p->dst, s->f->remote, 16) == 0 &&
	       memcmp(p->src, s->named & SPEC_SRC ? s->src : s->f->local, 16) == 0;
}

static bool icmp_matches(const struct world *w, const struct spec *s, const struct packet *p)
{
	return p->proto != PACKET_TCP &&
	       p->icmp_type == (w->family == 4 ? s->icmp->type4 : s->icmp->type6) &&
	       p->icmp_code == (w->family == 4 ? s->icmp->code4 : s->icmp->code6);
}

/* The flow goes on with a new initial sequence number. */
static void take_newiss(struct world *w, const struct spec *s, const struct packet *p)
{
	struct flow *f = s->f;
	int32_t ahead = (int32_t)(p->seq - f->iss);

	if (s->newiss_after >= 0 && ahead <= (int32_t)s->newiss_after)
		world_fail(w, "the new ISS is %d after the old one, expected more than %d",
			   (int)ahead, (int)s->newiss_after);
	f->iss = p->seq;
	f->iss_known = true;
	f->ts_known = spec_timestamp(p, &f->ts_base);
	f->sent = f->read = 1;
}

void spec_expect(struct world *w, const struct spec *s)
{
	const struct packet *p = &w->out;
	bool ok;
	char text[512];

	if (s->named & SPEC_NEWISS)
		take_newiss(w, s, p);
	if (s->named & SPEC_ICMP)
		ok = icmp_matches(w, s, p);
	else
		ok = p->proto == PACKET_TCP && p->src_port == s->f->lport &&
		     p->dst_port == s->f->rport && tcp_matches(s, p);
	if (ok && ip_matches(s, p) &&
	    (!(s->named & SPEC_WHY) || text_same(s->why, weir_counter_name(w->out_why))))
		return;
	spec_show(w, p, SHOW_OUT, text, sizeof(text));
	world_fail(w, "another segment went out\n  got      > %s  [%s]", text,
		   weir_counter_name(w->out_why));
}

/* --- Text ----------------------------------------------------------------------------------- */

static int show_accecn(const struct packet *p, char *out, size_t size)
{
	size_t len, n = 0;

	for (uint8_t kind = 172; kind <= 174; kind += 2) {
		const uint8_t *b = find_opt(p, kind, &len);

		if (!b)
			continue;
		n += (size_t)snprintf(out + n, size - n, "acc%d", kind == 174);
		for (size_t i = 0; i + 3 <= len && n + 16 < size; i += 3)
			n += (size_t)snprintf(out + n, size - n, " %u", get(b + i, 3));
		n += (size_t)snprintf(out + n, size - n, ",");
	}
	return (int)n;
}

static int show_opts(const struct packet *p, const struct flow *f, char *out, size_t size,
		     enum spec_dir dir)
{
	size_t len, n = 0;
	const uint8_t *b;

	if ((b = find_opt(p, 2, &len)) && len == 2)
		n += (size_t)snprintf(out + n, size - n, "mss %u,", get(b, 2));
	if ((b = find_opt(p, 4, &len)))
		n += (size_t)snprintf(out + n, size - n, "sackOK,");
	if ((b = find_opt(p, 3, &len)) && len == 1)
		n += (size_t)snprintf(out + n, size - n, "ws %u,", get(b, 1));
	if ((b = find_opt(p, 8, &len)) && len == 8)
		n += (size_t)snprintf(out + n, size - n, "ts %u %u,",
				      get(b, 4) - (dir == SHOW_OUT ? f->ts_base : 0),
				      get(b + 4, 4) - (dir == SHOW_OUT ? 0 : f->ts_base));
	if ((b = find_opt(p, 5, &len))) {
		n += (size_t)snprintf(out + n, size - n, "sack");
		for (size_t i = 0; i + 8 <= len && n + 32 < size; i += 8)
			n += (size_t)snprintf(out + n, size - n, " %u:%u",
					      get(b + i, 4) - (dir == SHOW_OUT ? f->irs : f->iss),
					      get(b + i + 4, 4) -
						      (dir == SHOW_OUT ? f->irs : f->iss));
		n += (size_t)snprintf(out + n, size - n, ",");
	}
	n += (size_t)show_accecn(p, out + n, size - n);
	if (n > 0)
		out[n - 1] = '\0';
	return (int)n;
}

static void show_tcp(const struct packet *p, const struct flow *f, enum spec_dir dir, char *out,
		     size_t size)
{
	uint32_t seq = p->seq - (dir == SHOW_IN ? f->irs : f->iss);
	uint32_t ack = p->ack - (dir == SHOW_IN ? f->iss : f->irs);
	char flags[10] = "-", opts[256];
	size_t n = 0;

	for (unsigned i = 0; i < 9; i++)
		if (p->flags & 1u << i)
			flags[n++] = "FSRPAUEWN"[i];
	flags[n ? n : 1] = '\0';
	n = (size_t)snprintf(out, size, "@%s %s %d:%d", f->name, flags, (int)seq,
			     (int)(seq + p->payload_len));
	if (p->flags & FLAG_ACK)
		n += (size_t)snprintf(out + n, size - n, " ack %d", (int)ack);
	n += (size_t)snprintf(out + n, size - n, " win %u", p->wnd);
	if (p->flags & FLAG_URG)
		n += (size_t)snprintf(out + n, size - n, " urg %u", p->urgent);
	if (show_opts(p, f, opts, sizeof(opts), dir) > 0)
		snprintf(out + n, size - n, " <%s>", opts);
}

void spec_show(struct world *w, const struct packet *p, enum spec_dir dir, char *out, size_t size)
{
	struct flow none = {.name = "?"};
	struct weir_tuple t = {
		.local = {world_weir_addr(w->family, dir == SHOW_IN ? p->dst : p->src),
			  dir == SHOW_IN ? p->dst_port : p->src_port},
		.remote = {world_weir_addr(w->family, dir == SHOW_IN ? p->src : p->dst),
			   dir == SHOW_IN ? p->src_port : p->dst_port},
	};
	struct flow *f = world_flow_of(w, &t);

	if (p->proto != PACKET_TCP) {
		snprintf(out, size, "icmp %s (%u/%u) rest %u",
			 spec_icmp_name(w->family, p->icmp_type, p->icmp_code), p->icmp_type,
			 p->icmp_code, p->icmp_rest);
		return;
	}
	show_tcp(p, f ? f : &none, dir, out, size);
}
