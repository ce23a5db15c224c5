#include "golden/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include <cmocka.h>

#include "sink/inetsum.h"

#define WORDS_MAX   24
#define PAYLOAD_MAX 65535u

struct script {
	script_sink sink;
	void *user;
	uint32_t flow;
	struct weir_tuple tuple;
	uint32_t irs, iss;
	weir_time last;
};

/* One packet under construction. */
struct packet {
	struct weir_trace_record r;
	uint8_t bytes[65535 + 256];
	uint8_t opt[40];
	bool bare; /* the payload is not there */
	struct weir_span span[2];
};

static struct packet pkt; /* too large for a stack with sanitizers */

/* --- Words ------------------------------------------------------------------------------------ */

static void bad_line(const char *line, const char *why)
{
	fail_msg("script: %s: \"%s\"", why, line);
}

/* The value of "key=..." among the words, or NULL. */
static const char *value_of(char **word, int count, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < count; i++)
		if (strncmp(word[i], key, n) == 0 && word[i][n] == '=')
			return word[i] + n + 1;
	return NULL;
}

static uint32_t number_of(char **word, int count, const char *key, uint32_t absent)
{
	const char *v = value_of(word, count, key);

	return v ? (uint32_t)strtoul(v, NULL, 10) : absent;
}

static bool has_word(char **word, int count, const char *w)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word[i], w) == 0)
			return true;
	return false;
}

static weir_time time_of(const char *ms)
{
	return (weir_time)(strtod(ms, NULL) * 1e6 + 0.5);
}

static void endpoint_of(const char *text, struct weir_endpoint *e)
{
	char addr[64];
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	size_t n = v6      ? (size_t)(strchr(text, ']') - text) - 1
		   : colon ? (size_t)(colon - text)
			   : strlen(text);

	memset(e, 0, sizeof(*e));
	snprintf(addr, sizeof(addr), "%.*s", (int)n, text + v6);
	e->addr.family = v6 ? 6 : 4;
	assert_int_equal(1, inet_pton(v6 ? AF_INET6 : AF_INET, addr, e->addr.bytes));
	if (colon && colon > text + n)
		e->port = (uint16_t)atoi(colon + 1);
	else if (colon && !v6)
		e->port = (uint16_t)atoi(colon + 1);
}

static enum weir_counter verdict_of(const char *line, const char *name)
{
	for (int i = 0; i < WEIR_CTR_COUNT; i++)
		if (strcmp(weir_counter_name((enum weir_counter)i), name) == 0)
			return (enum weir_counter)i;
	bad_line(line, "no such verdict");
	return WEIR_CTR_ACCEPTED;
}

static enum weir_state state_of(const char *line, const char *name, size_t n)
{
	for (int i = 0; i < WEIR_STATE_COUNT; i++) {
		const char *s = weir_state_name((enum weir_state)i);

		if (strlen(s) == n && strncmp(s, name, n) == 0)
			return (enum weir_state)i;
	}
	bad_line(line, "no such state");
	return WEIR_STATE_CLOSED;
}

/* "ESTABLISHED>CLOSE-WAIT" */
static void states_of(const char *line, char **word, int count, struct weir_trace_record *r)
{
	for (int i = 0; i < count; i++) {
		const char *gt = strchr(word[i], '>');

		if (!gt)
			continue;
		r->before = state_of(line, word[i], (size_t)(gt - word[i]));
		r->after = state_of(line, gt + 1, strlen(gt + 1));
		return;
	}
}

static uint8_t flags_of(const char *line, const char *letters)
{
	static const char names[] = "FSRPAUEC";
	uint8_t flags = 0;

	for (; *letters; letters++) {
		const char *at = strchr(names, *letters);

		if (*letters == '.')
			continue;
		if (!at)
			bad_line(line, "no such flag");
		flags |= (uint8_t)(1u << (at - names));
	}
	return flags;
}

/* --- Packets ---------------------------------------------------------------------------------- */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static size_t put_ip(uint8_t *p, const struct weir_addr *src, const struct weir_addr *dst,
		     uint8_t protocol, size_t len)
{
	struct inetsum sum = {0};

	memset(p, 0, 40);
	if (src->family == 6) {
		p[0] = 0x60;
		put16(p + 4, (unsigned)len);
		p[6] = protocol;
		p[7] = 64;
		memcpy(p + 8, src->bytes, 16);
		memcpy(p + 24, dst->bytes, 16);
		return 40;
	}
	p[0] = 0x45;
	put16(p + 2, (unsigned)len + 20);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, src->bytes, 4);
	memcpy(p + 16, dst->bytes, 4);
	inetsum_add(&sum, p, 20);
	put16(p + 10, inetsum_finish(&sum));
	return 20;
}

static uint16_t upper_sum(const struct weir_addr *src, const struct weir_addr *dst,
			  uint8_t protocol, const uint8_t *p, size_t len, size_t summed)
{
	struct inetsum sum = {0};
	uint8_t tail[4] = {0, protocol, (uint8_t)(len >> 8), (uint8_t)len};
	size_t n = src->family == 4 ? 4 : 16;

	inetsum_add(&sum, src->bytes, n);
	inetsum_add(&sum, dst->bytes, n);
	inetsum_add(&sum, tail, 4);
	inetsum_add(&sum, p, summed);
	return inetsum_finish(&sum);
}

static uint8_t *put_sack(uint8_t *o, const char *v, uint32_t isn)
{
	uint8_t *len = o + 3;

	o[0] = o[1] = 1;
	o[2] = 5;
	o += 4;
	while (v && *v) {
		char *end;

		put32(o, isn + (uint32_t)strtoul(v, &end, 10));
		put32(o + 4, isn + (uint32_t)strtoul(end + 1, &end, 10));
		o += 8;
		v = *end == ',' ? end + 1 : NULL;
	}
	*len = (uint8_t)(o - len + 1);
	return o;
}

static uint8_t options_of(char **word, int count, uint32_t isn, uint8_t *opt)
{
	uint8_t *o = opt;

	if (value_of(word, count, "mss")) {
		o[0] = 2;
		o[1] = 4;
		put16(o + 2, number_of(word, count, "mss", 0));
		o += 4;
	}
	if (value_of(word, count, "ws")) {
		o[0] = 1;
		o[1] = 3;
		o[2] = 3;
		o[3] = (uint8_t)number_of(word, count, "ws", 0);
		o += 4;
	}
	if (has_word(word, count, "sackok")) {
		memcpy(o, (uint8_t[]){1, 1, 4, 2}, 4);
		o += 4;
	}
	if (has_word(word, count, "ts")) {
		memcpy(o, (uint8_t[]){1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 12);
		o += 12;
	}
	if (value_of(word, count, "sack"))
		o = put_sack(o, value_of(word, count, "sack"), isn);
	return (uint8_t)(o - opt);
}

/* Writes the packet of a TCP record; what goes out has its payload in spans. */
static void build_tcp(struct packet *p, const struct weir_tuple *t)
{
	struct weir_trace_record *r = &p->r;
	bool in = r->kind == WEIR_TRACE_IN;
	const struct weir_endpoint *src = in ? &t->remote : &t->local;
	const struct weir_endpoint *dst = in ? &t->local : &t->remote;
	size_t head = 20u + r->opt_len, len = head + r->payload_len;
	size_t ip = put_ip(p->bytes, &src->addr, &dst->addr, 6, len);
	uint8_t *h = p->bytes + ip;
	size_t summed = r->csum_partial ? 0 : p->bare ? head : len;
	uint16_t sum;

	memset(h, 0, 20);
	put16(h, src->port);
	put16(h + 2, dst->port);
	put32(h + 4, r->seq);
	put32(h + 8, r->ack);
	h[12] = (uint8_t)(head / 4 << 4);
	h[13] = r->seg_flags;
	put16(h + 14, r->wnd_bytes > 65535 ? 65535 : r->wnd_bytes);
	put16(h + 18, r->urgent);
	memcpy(h + 20, p->opt, r->opt_len);
	for (size_t i = 0; i < r->payload_len && !p->bare; i++)
		h[head + i] = (uint8_t)(i * 7 + r->seq);
	sum = upper_sum(&src->addr, &dst->addr, 6, h, len, summed);
	put16(h + 16, r->csum_partial ? (uint16_t)~sum : sum);
	r->head = p->bytes;
	r->l4_start = (uint16_t)ip;
	r->total_len = ip + len;
	r->head_len = in && !p->bare ? r->total_len : ip + head;
	r->opt = p->opt;
	if (!in && r->payload_len && !p->bare) {
		/* An odd length first: sums must go on across it. */
		size_t first = r->payload_len > 1 ? 1 : r->payload_len;

		p->span[0] = (struct weir_span){h + head, first};
		p->span[1] = (struct weir_span){h + head + first, r->payload_len - first};
		r->span = p->span;
		r->span_count = 2;
	}
}

static void feed(struct script *s, struct weir_trace_record *r)
{
	r->flow = s->flow;
	r->tuple = s->tuple;
	r->irs = s->irs;
	r->iss = s->iss;
	s->last = r->at;
	s->sink(s->user, r);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void line_flow(struct script *s, char **word, int count)
{
	s->flow = (uint32_t)strtoul(word[1], NULL, 10);
	endpoint_of(word[2], &s->tuple.remote);
	endpoint_of(word[3], &s->tuple.local);
	s->irs = number_of(word, count, "irs", 0);
	s->iss = number_of(word, count, "iss", 0);
}

static void packet_start(weir_time at, enum weir_trace_kind kind)
{
	memset(&pkt.r, 0, sizeof(pkt.r));
	pkt.r.at = at;
	pkt.r.kind = kind;
}

/* Of a connection: when there is a cwnd, the others too. */
static void windows_of(const char *line, char **word, int count, struct weir_trace_record *r)
{
	const char *phase = value_of(word, count, "recovery");
	unsigned p = 0;

	r->cwnd_bytes = number_of(word, count, "cwnd", 0);
	r->ssthresh_bytes = number_of(word, count, "ssthresh", UINT32_MAX);
	r->pipe_bytes = number_of(word, count, "pipe", 0);
	r->pacing_rate = number_of(word, count, "pacing", 0);
	r->delivery_rate = number_of(word, count, "delivery", 0);
	r->spurious = (uint8_t)number_of(word, count, "spurious", 0);
	if (value_of(word, count, "rtt"))
		r->srtt_ns = time_of(value_of(word, count, "rtt"));
	while (phase && p <= WEIR_RECOVERY_RTO &&
	       strcmp(weir_recovery_name((enum weir_recovery)p), phase) != 0)
		p++;
	if (p > WEIR_RECOVERY_RTO)
		bad_line(line, "no such recovery phase");
	r->recovery = (enum weir_recovery)p;
}

static void line_tcp(struct script *s, const char *line, char **word, int count)
{
	bool in = strcmp(word[1], "in") == 0;
	struct weir_trace_record *r = &pkt.r;
	uint32_t mine = in ? s->irs : s->iss, other = in ? s->iss : s->irs;

	packet_start(time_of(word[0]), in ? WEIR_TRACE_IN : WEIR_TRACE_OUT);
	r->is_tcp = true;
	r->seg_flags = flags_of(line, word[2]);
	r->seq = mine + number_of(word, count, "seq", 0);
	r->ack = r->seg_flags & WEIR_TCP_ACK ? other + number_of(word, count, "ack", 0) : 0;
	r->wnd_bytes = number_of(word, count, "win", 65535);
	r->payload_len = number_of(word, count, "len", 0);
	windows_of(line, word, count, r);
	r->urgent = (uint16_t)number_of(word, count, "urg", 0);
	r->csum_partial = has_word(word, count, "partial");
	pkt.bare = has_word(word, count, "bare");
	r->opt_len = options_of(word, count, other, pkt.opt);
	r->verdict = verdict_of(line, word[count - 1]);
	states_of(line, word, count, r);
	if (r->payload_len > PAYLOAD_MAX)
		bad_line(line, "too long");
	build_tcp(&pkt, &s->tuple);
	feed(s, r);
}

static void line_state(struct script *s, const char *line, char **word, int count)
{
	packet_start(time_of(word[0]), WEIR_TRACE_STATE);
	pkt.r.verdict = verdict_of(line, word[count - 1]);
	states_of(line, word, count, &pkt.r);
	feed(s, &pkt.r);
}

static void line_other(struct script *s, const char *line, char **word, int count)
{
	bool in = strcmp(word[1], "in") == 0, udp = strcmp(word[2], "udp") == 0;
	struct weir_endpoint src, dst;
	size_t len = 8 + number_of(word, count, "len", 0), ip;
	uint8_t *h;

	packet_start(time_of(word[0]), in ? WEIR_TRACE_IN : WEIR_TRACE_OUT);
	endpoint_of(word[3], &src);
	endpoint_of(word[4], &dst);
	ip = put_ip(pkt.bytes, &src.addr, &dst.addr, udp ? 17 : src.addr.family == 4 ? 1 : 58, len);
	h = pkt.bytes + ip;
	memset(h, 0, len);
	if (udp) {
		put16(h, src.port);
		put16(h + 2, dst.port);
		put16(h + 4, (unsigned)len);
		put16(h + 6, upper_sum(&src.addr, &dst.addr, 17, h, len, len));
	} else {
		struct inetsum sum = {0};

		h[0] = (uint8_t)number_of(word, count, "type", 0);
		h[1] = (uint8_t)number_of(word, count, "code", 0);
		inetsum_add(&sum, h, len);
		put16(h + 2, src.addr.family == 4
				     ? inetsum_finish(&sum)
				     : upper_sum(&src.addr, &dst.addr, 58, h, len, len));
	}
	pkt.r.head = pkt.bytes;
	pkt.r.head_len = pkt.r.total_len = ip + len;
	pkt.r.l4_start = (uint16_t)ip;
	pkt.r.verdict = verdict_of(line, word[count - 1]);
	states_of(line, word, count, &pkt.r);
	feed(s, &pkt.r);
}

/* Cuts a copy of a line into words. */
static int split(char *copy, char **word)
{
	char *save = NULL;
	int count = 0;

	copy[strcspn(copy, "#")] = '\0';
	for (char *w = strtok_r(copy, " \t", &save); w && count < WORDS_MAX;
	     w = strtok_r(NULL, " \t", &save))
		word[count++] = w;
	return count;
}

static void bulk_segment(struct script *s, double at, const char *dir, const char *state,
			 const char *numbers)
{
	char line[256], copy[256], *word[WORDS_MAX];
	const char *verdict = strcmp(dir, "in") == 0    ? "accepted"
			      : strstr(numbers, "len=") ? "sent-data"
							: "sent-ack";

	snprintf(line, sizeof(line), "%.6f %s A %s %s>%s %s", at, dir, numbers, state, state,
		 verdict);
	strcpy(copy, line);
	line_tcp(s, line, word, split(copy, word));
}

static void line_bulk(struct script *s, char **word, int count)
{
	const char *dir = word[2], *back = strcmp(dir, "in") == 0 ? "out" : "in";
	const char *state = word[count - 1];
	uint32_t segments = number_of(word, count, "count", 1);
	uint32_t acks = number_of(word, count, "acks", 2);
	uint32_t seq = number_of(word, count, "seq", 1), ack = number_of(word, count, "ack", 1);
	uint32_t len = number_of(word, count, "len", 1000);
	const char *bare = has_word(word, count, "bare") ? " bare" : "";
	double at = strtod(word[1], NULL), step = strtod(value_of(word, count, "step"), NULL);

	for (uint32_t i = 1; i <= segments; i++, at += step) {
		char numbers[96];

		snprintf(numbers, sizeof(numbers), "seq=%u ack=%u len=%u%s", seq, ack, len, bare);
		bulk_segment(s, at, dir, state, numbers);
		seq += len;
		snprintf(numbers, sizeof(numbers), "seq=%u ack=%u", ack, seq);
		if (i % acks == 0)
			bulk_segment(s, at + step / 2, back, state, numbers);
	}
}

static void run_line(struct script *s, const char *line)
{
	char copy[512], *word[WORDS_MAX];
	int count;

	snprintf(copy, sizeof(copy), "%s", line);
	count = split(copy, word);
	if (count == 0)
		return;
	if (count < 4)
		bad_line(line, "too short");
	if (strcmp(word[0], "flow") == 0)
		line_flow(s, word, count);
	else if (strcmp(word[0], "bulk") == 0)
		line_bulk(s, word, count);
	else if (strcmp(word[1], "state") == 0)
		line_state(s, line, word, count);
	else if (strcmp(word[2], "udp") == 0 || strcmp(word[2], "icmp") == 0)
		line_other(s, line, word, count);
	else
		line_tcp(s, line, word, count);
}

weir_time script_run(const char *text, script_sink sink, void *user)
{
	struct script s = {.sink = sink, .user = user};

	while (*text) {
		char line[512];
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		run_line(&s, line);
		text += n + (text[n] == '\n');
	}
	return s.last;
}

/* --- Files ------------------------------------------------------------------------------------ */

const char *script_path(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/tests/golden/%s", WEIR_SOURCE_DIR, name);
	return path;
}

char *script_read_file(const char *name)
{
	FILE *f = fopen(script_path(name), "rbe");
	size_t room = 1u << 20, n;
	char *text = f ? malloc(room) : NULL;

	if (!f)
		return NULL;
	assert_non_null(text);
	n = fread(text, 1, room - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}
