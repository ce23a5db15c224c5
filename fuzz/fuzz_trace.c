/*
 * fuzz_trace.c: the readers of trace records: the ladder (with the peer's state that it infers, the
 * folding of runs and the strays), pcapng, and pictures.
 *
 * Theory of operation
 *
 * An engine's records are consistent; a sink must bear any that are not. The input is a head that
 * chooses the sinks' settings, then records: kind, connection, states, verdict, and a packet that
 * is either built from a few fields (so that sequence numbers lie near each other, and a ladder has
 * something to say) or taken as bytes. What a record claims and what its packet holds need not
 * agree. Every packet, option block and payload is memory of exactly its size.
 *
 * Then the ladder is printed to memory, with and without a stack's tables, and trace_text.c reads
 * it; the pcapng file is read back by trace_pcapng.c, the picture by trace_svg.c.
 */
#define _GNU_SOURCE
#include "trace_world.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/be.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp_hdr.h"

#define HEAD_LEN  8u
#define FLOWS     8u
#define SPANS_MAX 3u
#define NS_PER_US 1000u

struct sinks {
	struct fuzz_input in;
	struct weir_ladder *ladder;
	struct weir_ladder_args args;
	struct weir_pcapng *pcapng;
	struct weir_picture *picture;
	struct weir_panel *sequence, *lines;
	struct weir_windows *windows;
	size_t payload_max;
	int64_t offset_ns;
	char name[24]; /* what name_of() says */
	weir_time now;
	struct fed *fed;
	unsigned fed_count;
	uint32_t seq[FLOWS][2]; /* of each flow and direction: where it is */
};

static const char *name_of(void *user, const struct weir_endpoint *e)
{
	const struct sinks *s = user;

	return e->port & 1 ? s->name : NULL;
}

/* --- Settings --------------------------------------------------------------------------------- */

static const char *pcapng_path(void)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz_trace", MFD_CLOEXEC);
		fuzz_assert(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	return path;
}

/* Titles and names may be anything. */
static void open_picture(struct sinks *s, uint8_t style, uint8_t columns)
{
	const char *name = s->args.remote_name;

	s->picture = weir_picture_new(name, style & 4 ? "a < b &\n" : NULL, columns);
	s->sequence = weir_picture_sequence(s->picture, name);
	s->windows = weir_windows_new(s->picture, "<windows> & \"more\"");
	s->lines = weir_picture_lines(s->picture, "lines", "value", style & 8 ? "bytes" : "things");
	fuzz_assert(s->sequence && s->windows && s->lines);
	for (unsigned i = 0; i < 3; i++)
		weir_lines_name(s->lines, i, name, (enum weir_line_style)i);
	if (style & 32) {
		weir_panel_until(s->sequence, (weir_time)columns << (columns & 31));
		weir_panel_until(s->lines, (weir_time)columns << (columns & 31));
	}
}

static void open_sinks(struct sinks *s)
{
	uint8_t width = fuzz_u8(&s->in), style = fuzz_u8(&s->in), flows = fuzz_u8(&s->in);
	uint8_t rows = fuzz_u8(&s->in);

	s->args.width = width ? 72u + width : 0;
	s->args.charset = style & 1 ? WEIR_CHARSET_UTF8 : WEIR_CHARSET_ASCII;
	s->args.colour = style & 2 ? WEIR_COLOUR_ALWAYS : WEIR_COLOUR_NEVER;
	s->args.local_name = style & 4 ? "a name that is longer than thirty-two bytes" : NULL;
	s->args.remote_name = style & 8 ? "\033[2J\xff\n" : "curl";
	s->args.name_of = style & 16 ? name_of : NULL;
	s->args.user = s;
	s->args.flows_max = flows & 7;
	s->args.rows_max = rows;
	s->payload_max = fuzz_u16(&s->in);
	if (s->payload_max == UINT16_MAX)
		s->payload_max = SIZE_MAX;
	s->offset_ns = (int64_t)((uint64_t)fuzz_u8(&s->in) << 56);
	s->now = (weir_time)fuzz_u8(&s->in) << 40;
	for (unsigned i = 0; i < sizeof(s->name) - 1; i++)
		s->name[i] = (char)('!' + i);
	s->ladder = weir_ladder_new(&s->args);
	fuzz_assert(s->ladder);
	fuzz_assert(weir_pcapng_open(&s->pcapng, pcapng_path(), s->payload_max, s->offset_ns) == 0);
	open_picture(s, style, flows >> 3);
}

/* --- A record --------------------------------------------------------------------------------- */

/* A record and all the memory that it points to. */
struct made {
	struct weir_trace_record r;
	struct weir_span span[SPANS_MAX];
	uint8_t *head, *opt, *part[SPANS_MAX];
};

static uint8_t *take_bytes(struct fuzz_input *in, size_t len)
{
	uint8_t *p = fuzz_alloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = fuzz_u8(in);
	return p;
}

static void set_tuple(struct weir_tuple *t, uint8_t flow, uint8_t family)
{
	*t = (struct weir_tuple){.local = {.addr = {.family = family}, .port = 80}};
	t->remote.addr.family = family;
	t->local.addr.bytes[0] = t->remote.addr.bytes[0] = family == 4 ? 10 : 0xfd;
	t->local.addr.bytes[family == 4 ? 3 : 15] = 1;
	t->remote.addr.bytes[family == 4 ? 3 : 15] = 2;
	t->remote.port = (uint16_t)(1024 + flow);
}

/* The sequence fields: near where the direction is, or anywhere. */
static void make_numbers(struct sinks *s, struct weir_trace_record *r)
{
	uint8_t how = fuzz_u8(&s->in);
	uint32_t *mine = &s->seq[r->flow % FLOWS][r->kind == WEIR_TRACE_OUT];
	uint32_t *other = &s->seq[r->flow % FLOWS][r->kind != WEIR_TRACE_OUT];

	r->seg_flags = fuzz_u8(&s->in);
	r->payload_len = how & 1 ? fuzz_u16(&s->in) % 1500u : 0;
	r->seq = *mine;
	r->ack = *other;
	if (how & 2)
		r->seq += (uint32_t)(int32_t)(int8_t)fuzz_u8(&s->in) * 100u;
	if (how & 4)
		r->ack += (uint32_t)(int32_t)(int8_t)fuzz_u8(&s->in) * 100u;
	if (how & 8)
		r->seq = fuzz_u32(&s->in);
	r->wnd_bytes = how & 0x10 ? 0 : 65535;
	if (how & 0x20)
		r->wnd_bytes = fuzz_u32(&s->in);
	r->iss = how & 0x40 ? 0 : 7000;
	r->irs = how & 0x80 ? 0 : 9000;
	r->urgent = r->seg_flags & WEIR_TCP_URG ? fuzz_u8(&s->in) : 0;
	*mine = r->seq + r->payload_len + !!(r->seg_flags & WEIR_TCP_SYN) +
		!!(r->seg_flags & WEIR_TCP_FIN);
}

static size_t put_ip(uint8_t *at, const struct weir_trace_record *r, size_t upper_len)
{
	bool out = r->kind == WEIR_TRACE_OUT;
	const struct weir_endpoint *src = out ? &r->tuple.local : &r->tuple.remote;
	const struct weir_endpoint *dst = out ? &r->tuple.remote : &r->tuple.local;

	if (r->tuple.local.addr.family == 4) {
		struct ip4_hdr h = {.ttl = 64, .proto = IP_PROTO_TCP};

		h.total_len = (uint16_t)(IP4_HDR_LEN + upper_len);
		memcpy(h.src, src->addr.bytes, 4);
		memcpy(h.dst, dst->addr.bytes, 4);
		ip4_emit(at, &h);
		return IP4_HDR_LEN;
	}
	struct ip6_hdr h = {.hop_limit = 64, .next = IP_PROTO_TCP};

	h.payload_len = (uint16_t)upper_len;
	memcpy(h.src, src->addr.bytes, 16);
	memcpy(h.dst, dst->addr.bytes, 16);
	ip6_emit(at, &h);
	return IP6_HDR_LEN;
}

/* A TCP packet of the record's fields; of its payload the first bytes, the rest as spans. */
static void make_tcp(struct sinks *s, struct made *m)
{
	struct weir_trace_record *r = &m->r;
	uint8_t packet[IP6_HDR_LEN + TCP_HDR_MAX], opts = fuzz_u8(&s->in);
	struct tcp_seg seg = {.seq = {0}};
	size_t tcp_len;

	r->is_tcp = true;
	make_numbers(s, r);
	r->opt_len = (uint8_t)(opts % 11 * 4);
	m->opt = take_bytes(&s->in, r->opt_len);
	r->opt = m->opt;
	seg.src_port = r->kind == WEIR_TRACE_OUT ? r->tuple.local.port : r->tuple.remote.port;
	seg.dst_port = r->kind == WEIR_TRACE_OUT ? r->tuple.remote.port : r->tuple.local.port;
	seg.seq.v = r->seq;
	seg.ack.v = r->ack;
	seg.flags = (uint8_t)r->seg_flags;
	seg.ae = r->seg_flags & WEIR_TCP_AE;
	seg.wnd = (uint16_t)r->wnd_bytes;
	tcp_len = TCP_HDR_LEN + r->opt_len;
	r->l4_start = (uint16_t)put_ip(packet, r, tcp_len + r->payload_len);
	tcp_emit(packet + r->l4_start, &seg, TCP_OPT_ORDER_LINUX);
	memcpy(packet + r->l4_start + TCP_HDR_LEN, m->opt, r->opt_len);
	packet[r->l4_start + 12] = (uint8_t)(tcp_len / 4 << 4);
	r->head_len = r->l4_start + tcp_len;
	m->head = fuzz_copy(packet, r->head_len);
	r->total_len = r->head_len + r->payload_len;
}

/* Bytes as they are, with whatever is claimed about them. */
static void make_raw(struct sinks *s, struct made *m)
{
	struct weir_trace_record *r = &m->r;
	uint8_t claims = fuzz_u8(&s->in);

	r->head_len = fuzz_u8(&s->in);
	m->head = take_bytes(&s->in, r->head_len);
	r->total_len = claims & 1 ? fuzz_u16(&s->in) : r->head_len;
	if (claims & 2)
		r->tuple = (struct weir_tuple){.local = {.port = 0}};
	if (claims & 4) {
		r->is_tcp = true;
		make_numbers(s, r);
	}
	r->l4_start = claims & 8 ? fuzz_u8(&s->in) : 20;
	if (r->head_len && claims & 0x10)
		m->head[0] = (uint8_t)((claims & 0x20 ? 0x60 : 0x40) | (m->head[0] & 15));
}

static void add_spans(struct sinks *s, struct made *m, uint8_t bits)
{
	unsigned count = 1 + bits % SPANS_MAX;

	for (unsigned i = 0; i < count; i++) {
		size_t len = 1u + fuzz_u8(&s->in);

		m->part[i] = fuzz_alloc(len);
		memset(m->part[i], bits + (int)i, len);
		m->span[i] = (struct weir_span){m->part[i], len};
	}
	m->r.span = m->span;
	m->r.span_count = count;
}

/* What the engine tells of a connection. */
static void make_windows(struct sinks *s, struct weir_trace_record *r)
{
	uint8_t how = fuzz_u8(&s->in);

	r->cwnd_bytes = how & 0x80 ? UINT32_MAX : 14600;
	r->ssthresh_bytes = how & 0x40 ? UINT32_MAX : 7300;
	r->pipe_bytes = how & 0x80 ? UINT32_MAX : how;
	r->recovery = (enum weir_recovery)(how & 3);
	r->spurious = how >> 2 & 3;
	r->srtt_ns = how & 0x20 ? 40000000 : 0;
	r->pacing_rate = how & 0x10 ? UINT64_MAX : 0;
	r->delivery_rate = how & 0x08 ? 1000 : 0;
}

static void make_record(struct sinks *s, struct made *m)
{
	static const uint32_t steps_us[8] = {0, 1, 40, 1000, 40000, 200000, 1000000, 60000000};
	uint8_t what = fuzz_u8(&s->in), which = fuzz_u8(&s->in), states = fuzz_u8(&s->in);
	struct weir_trace_record *r = &m->r;

	memset(m, 0, sizeof(*m));
	s->now += (weir_time)steps_us[which >> 5] * NS_PER_US;
	r->at = s->now;
	r->kind = (what & 3) == 3 ? WEIR_TRACE_IN : (enum weir_trace_kind)(what & 3);
	r->flow = which & 7;
	r->before = (enum weir_state)((states & 15) % WEIR_STATE_COUNT);
	r->after = (enum weir_state)((states >> 4) % WEIR_STATE_COUNT);
	r->verdict = (enum weir_counter)(fuzz_u8(&s->in) % WEIR_CTR_COUNT);
	r->csum_partial = what & 0x40;
	set_tuple(&r->tuple, (uint8_t)r->flow, which & 8 ? 6 : 4);
	if (what & 0x80)
		make_windows(s, r);
	if (r->kind == WEIR_TRACE_STATE)
		return;
	if (what & 0x10)
		make_raw(s, m);
	else
		make_tcp(s, m);
	r->head = m->head;
	if (what & 0x20)
		add_spans(s, m, what >> 2);
}

static void free_record(struct made *m)
{
	free(m->head);
	free(m->opt);
	for (unsigned i = 0; i < SPANS_MAX; i++)
		free(m->part[i]);
}

/* Remembers what pcapng has to have of a packet. */
static void note_packet(struct sinks *s, const struct weir_trace_record *r)
{
	struct fed *f = &s->fed[s->fed_count];

	if (r->kind == WEIR_TRACE_STATE)
		return;
	s->fed_count++;
	f->at = r->at;
	f->kind = r->kind;
	f->total_len = r->total_len;
	f->csum_partial = r->csum_partial;
	f->there = r->head_len;
	memcpy(f->bytes, r->head, r->head_len);
	for (size_t i = 0; i < r->span_count; i++) {
		fuzz_assert(f->there + r->span[i].len <= PACKET_MAX);
		memcpy(f->bytes + f->there, r->span[i].bytes, r->span[i].len);
		f->there += r->span[i].len;
	}
}

/* --- A stack, for the ladder's tables --------------------------------------------------------- */

#define HALFS 3u

static void input_syn(struct weir_stack *stack, uint16_t port)
{
	struct ip4_hdr ip = {.ttl = 64, .proto = IP_PROTO_TCP, .src = {10, 0, 0, 2}};
	struct tcp_seg syn = {.src_port = port, .dst_port = 80, .wnd = 65535, .flags = TCP_SYN};
	uint8_t packet[IP4_HDR_LEN + TCP_HDR_LEN];
	struct weir_frame frame = {packet, sizeof(packet), WEIR_FRAME_CSUM_OK, 0};

	memcpy(ip.dst, (uint8_t[4]){10, 0, 0, 1}, 4);
	ip.total_len = sizeof(packet);
	ip4_emit(packet, &ip);
	tcp_emit(packet + IP4_HDR_LEN, &syn, TCP_OPT_ORDER_LINUX);
	fuzz_assert(weir_input(stack, &frame, 1) == WEIR_CTR_ACCEPTED);
}

/* A stack with a few half-open records, made once. */
static const struct weir_stack *the_stack(void)
{
	static struct weir_stack *stack;
	struct weir_addr own = {4, {10, 0, 0, 1}};
	struct weir_listen_args listen = {.local = {.port = 80}};
	struct weir_config cfg;
	weir_listener l;
	size_t bytes;

	if (stack)
		return stack;
	weir_config_default(&cfg);
	cfg.conns_max = cfg.timewaits_max = cfg.pages_max = cfg.halfs_max = 8;
	bytes = (weir_stack_bytes(&cfg) + 63) / 64 * 64;
	fuzz_assert(weir_stack_init(&stack, aligned_alloc(64, bytes), bytes, &cfg, 1) == WEIR_OK);
	fuzz_assert(weir_addr_add(stack, &own, 24) == WEIR_OK);
	fuzz_assert(weir_listen(stack, &listen, &l) == WEIR_OK);
	for (uint16_t i = 0; i < HALFS; i++)
		input_syn(stack, (uint16_t)(1024 + i));
	return stack;
}

/* --- What they wrote -------------------------------------------------------------------------- */

static void check_ladder(struct sinks *s)
{
	unsigned width = s->args.width ? s->args.width : 100;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fuzz_assert(out);
	weir_ladder_print(s->ladder, out, s->args.rows_max & 1 ? the_stack() : NULL, s->now);
	fuzz_assert(fclose(out) == 0);
	trace_check_text(text, len, s->args.charset, s->args.colour, width);
	free(text);
}

static void feed_picture(const struct sinks *s, const struct weir_trace_record *r)
{
	weir_sequence_feed(s->sequence, r);
	weir_windows_feed(s->windows, r);
	weir_lines_point(s->lines, r->flow & 3, r->at, (double)r->wnd_bytes * (double)r->flow);
	if (r->verdict == WEIR_CTR_DUPLICATE)
		weir_sequence_lost(s->sequence, r->at, r->seq, r->payload_len);
}

static void check_picture(struct sinks *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fuzz_assert(out);
	fuzz_assert(weir_picture_write(s->picture, out) == 0);
	fuzz_assert(fclose(out) == 0);
	trace_check_svg(text, len);
	free(text);
	weir_windows_free(s->windows);
	weir_picture_free(s->picture);
}

static void check_pcapng(const struct sinks *s)
{
	FILE *in = fopen(pcapng_path(), "rb");
	uint8_t *file;
	long len;

	fuzz_assert(in && fseek(in, 0, SEEK_END) == 0 && (len = ftell(in)) >= 0);
	rewind(in);
	file = fuzz_alloc((size_t)len);
	fuzz_assert(fread(file, 1, (size_t)len, in) == (size_t)len);
	fclose(in);
	trace_check_pcapng(file, (size_t)len, s->fed, s->fed_count, s->payload_max, s->offset_ns);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sinks s = {.in = {data, size}};

	if (size < HEAD_LEN)
		return 0;
	s.fed = malloc(RECORDS_MAX * sizeof(*s.fed));
	fuzz_assert(s.fed);
	for (unsigned i = 0; i < FLOWS; i++) {
		s.seq[i][0] = 9000;
		s.seq[i][1] = 7000;
	}
	open_sinks(&s);
	for (unsigned i = 0; s.in.left && i < RECORDS_MAX; i++) {
		struct made m;

		make_record(&s, &m);
		note_packet(&s, &m.r);
		weir_ladder_feed(s.ladder, &m.r);
		weir_pcapng_feed(s.pcapng, &m.r);
		feed_picture(&s, &m.r);
		free_record(&m);
	}
	check_ladder(&s);
	weir_ladder_free(s.ladder);
	fuzz_assert(weir_pcapng_close(s.pcapng) == 0);
	check_pcapng(&s);
	check_picture(&s);
	free(s.fed);
	return 0;
}
