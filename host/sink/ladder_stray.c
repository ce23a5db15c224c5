#include "sink/ladder_stray.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/ladder_print.h"
#include "sink/pktview.h"
#include "sink/segtext.h"
#include "sink/verdict.h"

static void stray_fill(struct ladder_stray *s, const struct weir_trace_record *r)
{
	struct pktview v;

	memset(s, 0, sizeof(*s));
	pktview_read(&v, r->head, r->head ? r->head_len : 0);
	s->at = r->at;
	s->times = 1;
	s->kind = r->kind;
	s->verdict = r->verdict;
	s->src.addr = v.src;
	s->src.port = v.src_port;
	s->dst.addr = v.dst;
	s->dst.port = v.dst_port;
	s->protocol = v.protocol;
	s->icmp_type = v.icmp_type;
	s->icmp_code = v.icmp_code;
	s->bytes = (uint32_t)r->total_len;
	if (r->is_tcp) {
		s->seg_flags = r->seg_flags;
		s->seq = r->seq;
		s->ack = r->ack;
		s->payload_len = r->payload_len;
	}
}

static bool endpoint_is(const struct weir_endpoint *a, const struct weir_endpoint *b)
{
	return a->port == b->port && a->addr.family == b->addr.family &&
	       memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes)) == 0;
}

static bool is_like(const struct ladder_stray *a, const struct ladder_stray *b)
{
	return a->kind == b->kind && a->verdict == b->verdict && a->protocol == b->protocol &&
	       a->icmp_type == b->icmp_type && a->icmp_code == b->icmp_code &&
	       a->seg_flags == b->seg_flags && endpoint_is(&a->src, &b->src) &&
	       endpoint_is(&a->dst, &b->dst);
}

void ladder_strays_feed(struct ladder_strays *s, const struct weir_trace_record *r)
{
	struct ladder_stray entry;
	size_t oldest = s->count > LADDER_STRAYS_COMPARED ? s->count - LADDER_STRAYS_COMPARED : 0;

	if (r->kind == WEIR_TRACE_STATE)
		return;
	stray_fill(&entry, r);
	for (size_t i = s->count; i > oldest; i--) {
		if (is_like(&s->list[i - 1], &entry)) {
			s->list[i - 1].times++;
			return;
		}
	}
	if (!s->list)
		s->list = malloc(LADDER_STRAYS_MAX * sizeof(*s->list));
	if (!s->list || s->count == LADDER_STRAYS_MAX) {
		s->omitted++;
		return;
	}
	s->list[s->count++] = entry;
}

void ladder_strays_free(struct ladder_strays *s)
{
	free(s->list);
	memset(s, 0, sizeof(*s));
}

/* "TCP SYN seq=5 len=0", "UDP, 60 bytes" */
static void describe(char *buf, size_t size, const struct ladder_stray *s)
{
	char text[SEGTEXT_PROTOCOL_BYTES], flags[SEGTEXT_FLAGS_BYTES], ack[32] = "";

	segtext_protocol(text, s->protocol, s->icmp_type, s->icmp_code);
	if (s->src.addr.family == 0)
		snprintf(buf, size, "%" PRIu32 " bytes that are no IP packet", s->bytes);
	else if (s->protocol != PKTVIEW_TCP || s->seq + s->ack + s->seg_flags == 0)
		snprintf(buf, size, "%s, %" PRIu32 " bytes", text, s->bytes);
	else {
		if (s->seg_flags & WEIR_TCP_ACK)
			snprintf(ack, sizeof(ack), " ack=%" PRIu32, s->ack);
		snprintf(buf, size, "%s seq=%" PRIu32 "%s len=%" PRIu32,
			 segtext_flags(flags, s->seg_flags), s->seq, ack, s->payload_len);
	}
}

static void stray_print(const struct ladder_stray *s, FILE *out, const struct textstyle *st,
			weir_time start)
{
	char src[SEGTEXT_ENDPOINT_BYTES], dst[SEGTEXT_ENDPOINT_BYTES], what[160], reason[200];
	char text[600], times[TEXT_NUMBER_BYTES + 8] = "", number[TEXT_NUMBER_BYTES];
	struct textline l;

	describe(what, sizeof(what), s);
	if (s->times > 1)
		snprintf(times, sizeof(times), " %s%s", st->times, text_count(number, s->times));
	if (s->src.addr.family == 0)
		snprintf(text, sizeof(text), "%s%s", what, times);
	else
		snprintf(text, sizeof(text), "%s %s %s %s%s", segtext_endpoint(src, &s->src),
			 st->to, segtext_endpoint(dst, &s->dst), what, times);
	textline_start(&l);
	ladder_print_time(&l, st, s->at, start);
	textline_wrap(out, st, l.bytes, LADDER_TIME_COLS + 2, TEXT_PLAIN, text);
	if (!verdict_wants_reason(s->verdict))
		return;
	textline_start(&l);
	textline_fill(&l, " ", LADDER_TIME_COLS + 2);
	textline_add(&l, st->note);
	textline_wrap(out, st, l.bytes, l.cols, TEXT_YELLOW,
		      verdict_reason(reason, sizeof(reason), s->verdict));
}

void ladder_strays_print(const struct ladder_strays *s, FILE *out, const struct textstyle *st,
			 weir_time start)
{
	char number[TEXT_NUMBER_BYTES];

	if (s->count == 0)
		return;
	ladder_print_heading(out, st, "segments without a connection", "");
	for (size_t i = 0; i < s->count; i++)
		stray_print(&s->list[i], out, st, start);
	if (s->omitted)
		fprintf(out, "%*s%s more packets are not shown\n", (int)LADDER_TIME_COLS + 2, "",
			text_count(number, s->omitted));
	fputc('\n', out);
}
