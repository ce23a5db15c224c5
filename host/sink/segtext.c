#include "sink/segtext.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sink/pktview.h"
#include "sink/textline.h"

__attribute__((format(printf, 2, 3))) static void add(struct segtext *t, const char *fmt, ...)
{
	va_list ap;

	if (t->count == SEGTEXT_WORDS)
		return;
	va_start(ap, fmt);
	vsnprintf(t->word[t->count++], SEGTEXT_WORD_BYTES, fmt, ap);
	va_end(ap);
}

const char *segtext_flags(char buf[SEGTEXT_FLAGS_BYTES], uint16_t flags)
{
	static const struct {
		uint16_t bit;
		char name[4];
	} flag[] = {
		{WEIR_TCP_SYN, "SYN"}, {WEIR_TCP_FIN, "FIN"}, {WEIR_TCP_RST, "RST"},
		{WEIR_TCP_PSH, "PSH"}, {WEIR_TCP_ACK, "ACK"}, {WEIR_TCP_URG, "URG"},
		{WEIR_TCP_ECE, "ECE"}, {WEIR_TCP_CWR, "CWR"}, {WEIR_TCP_AE, "AE"},
	};

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(flag) / sizeof(flag[0]); i++) {
		if (!(flags & flag[i].bit))
			continue;
		if (buf[0])
			strcat(buf, "+");
		strcat(buf, flag[i].name);
	}
	return buf[0] ? buf : strcpy(buf, "no flags");
}

static void add_syn_options(struct segtext *t, const struct tcpopts *o)
{
	if (o->mss)
		add(t, "mss=%u", o->mss);
	if (o->has_wscale)
		add(t, "ws=%u", o->wscale);
	if (o->sack_permitted)
		add(t, "sackOK");
	if (o->has_ts)
		add(t, "ts");
}

static void add_accecn(struct segtext *t, const struct tcpopts *o)
{
	static const char *const name[TCPOPTS_ACCECN_MAX] = {"e0b", "ceb", "e1b"};
	char text[SEGTEXT_WORD_BYTES];
	size_t n = 0;

	if (!o->accecn)
		return;
	for (unsigned i = 0; i < o->accecn_count; i++) {
		unsigned at = o->accecn == TCPOPTS_ACCECN_0 ? i : TCPOPTS_ACCECN_MAX - 1 - i;

		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%" PRIu32, name[at],
				      o->accecn_field[i]);
	}
	text[n] = '\0';
	add(t, "accecn%s", text);
}

static void add_notes(struct segtext *t, const struct ladder_row *row)
{
	const struct ladder_segment *s = &row->u.seg;

	for (unsigned i = 0; i < s->opts.sack_count; i++)
		add(t, "%s%" PRIu32 "-%" PRIu32, i == 0 ? "sack " : "", s->opts.sack[i][0],
		    s->opts.sack[i][1]);
	if (s->notes & LADDER_NOTE_DSACK)
		add(t, "(D-SACK)");
	if (s->notes & LADDER_NOTE_ZERO_WINDOW)
		add(t, "(zero window)");
	if (s->notes & LADDER_NOTE_REOPENED)
		add(t, "(window reopened)");
	if ((s->notes & LADDER_NOTE_DUPACK) || row->verdict == WEIR_CTR_SENT_DUPACK)
		add(t, "(dup ACK)");
	if (s->notes & LADDER_NOTE_FILLS)
		add(t, "(fills a gap)");
	if (row->verdict == WEIR_CTR_SENT_WINDOW && !(s->notes & LADDER_NOTE_REOPENED))
		add(t, "(window update)");
}

void segtext_segment(struct segtext *t, const struct ladder_row *row)
{
	const struct ladder_segment *s = &row->u.seg;
	char flags[SEGTEXT_FLAGS_BYTES];

	t->count = 0;
	add(t, "%s", segtext_flags(flags, s->flags));
	add(t, "seq=%" PRIu32, s->seq);
	if (s->flags & WEIR_TCP_ACK)
		add(t, "ack=%" PRIu32, s->ack);
	if (!(s->flags & WEIR_TCP_RST))
		add(t, "win=%" PRIu32, s->wnd_bytes);
	if (s->payload_len)
		add(t, "len=%" PRIu32, s->payload_len);
	if (s->flags & WEIR_TCP_URG)
		add(t, "urg=%u", s->urgent);
	if (s->flags & WEIR_TCP_SYN)
		add_syn_options(t, &s->opts);
	add_accecn(t, &s->opts);
	add_notes(t, row);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void segtext_run(struct segtext *t, const struct ladder_row *row, const char *both)
{
	const struct ladder_run *run = &row->u.run;
	char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES];
	enum ladder_dir d = row->dir;

	t->count = 0;
	if (row->kind == LADDER_ROW_RUN) {
		add(t, "%s segment%s,", text_count(a, run->segments[d]), plural(run->segments[d]));
		add(t, "%s byte%s,", text_count(a, run->bytes[d]), plural(run->bytes[d]));
	} else {
		add(t, "%s %s %s segments,", text_count(a, run->segments[LADDER_FROM_PEER]), both,
		    text_count(b, run->segments[LADDER_FROM_US]));
		add(t, "%s %s %s bytes,", text_count(a, run->bytes[LADDER_FROM_PEER]), both,
		    text_count(b, run->bytes[LADDER_FROM_US]));
	}
	if (run->zero_windows)
		add(t, "%s zero window%s,", text_count(a, run->zero_windows),
		    plural(run->zero_windows));
	if (run->acks)
		add(t, "%s ACK%s,", text_count(a, run->acks), plural(run->acks));
	if (row->kind == LADDER_ROW_RUN)
		add(t, "seq %" PRIu32 "-%" PRIu32 ",", run->seq, run->seq_end);
	add(t, "%s", text_time(a, row->until - row->at));
}

struct icmp_name {
	uint8_t protocol, type;
	int16_t code; /* -1: any */
	const char *name;
};

static const struct icmp_name icmp_names[] = {
	{PKTVIEW_ICMP, 0, -1, "echo reply"},
	{PKTVIEW_ICMP, 3, 0, "destination unreachable (network)"},
	{PKTVIEW_ICMP, 3, 1, "destination unreachable (host)"},
	{PKTVIEW_ICMP, 3, 2, "destination unreachable (protocol)"},
	{PKTVIEW_ICMP, 3, 3, "destination unreachable (port)"},
	{PKTVIEW_ICMP, 3, 4, "fragmentation needed"},
	{PKTVIEW_ICMP, 3, 13, "destination unreachable (prohibited)"},
	{PKTVIEW_ICMP, 3, -1, "destination unreachable"},
	{PKTVIEW_ICMP, 5, -1, "redirect"},
	{PKTVIEW_ICMP, 8, -1, "echo request"},
	{PKTVIEW_ICMP, 11, -1, "time exceeded"},
	{PKTVIEW_ICMP, 12, -1, "parameter problem"},
	{PKTVIEW_ICMP6, 1, 0, "destination unreachable (no route)"},
	{PKTVIEW_ICMP6, 1, 1, "destination unreachable (prohibited)"},
	{PKTVIEW_ICMP6, 1, 3, "destination unreachable (address)"},
	{PKTVIEW_ICMP6, 1, 4, "destination unreachable (port)"},
	{PKTVIEW_ICMP6, 1, -1, "destination unreachable"},
	{PKTVIEW_ICMP6, 2, -1, "packet too big"},
	{PKTVIEW_ICMP6, 3, -1, "time exceeded"},
	{PKTVIEW_ICMP6, 4, -1, "parameter problem"},
	{PKTVIEW_ICMP6, 128, -1, "echo request"},
	{PKTVIEW_ICMP6, 129, -1, "echo reply"},
	{PKTVIEW_ICMP6, 130, -1, "multicast listener query"},
	{PKTVIEW_ICMP6, 131, -1, "multicast listener report"},
	{PKTVIEW_ICMP6, 132, -1, "multicast listener done"},
	{PKTVIEW_ICMP6, 133, -1, "router solicitation"},
	{PKTVIEW_ICMP6, 134, -1, "router advertisement"},
	{PKTVIEW_ICMP6, 135, -1, "neighbour solicitation"},
	{PKTVIEW_ICMP6, 136, -1, "neighbour advertisement"},
	{PKTVIEW_ICMP6, 143, -1, "multicast listener report"},
};

static const char *icmp_name(uint8_t protocol, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < sizeof(icmp_names) / sizeof(icmp_names[0]); i++) {
		const struct icmp_name *n = &icmp_names[i];

		if (n->protocol == protocol && n->type == type && (n->code < 0 || n->code == code))
			return n->name;
	}
	return NULL;
}

const char *segtext_protocol(char buf[SEGTEXT_PROTOCOL_BYTES], uint8_t protocol, uint8_t icmp_type,
			     uint8_t icmp_code)
{
	const char *family = protocol == PKTVIEW_ICMP ? "ICMP" : "ICMPv6";
	const char *name = icmp_name(protocol, icmp_type, icmp_code);

	if (name)
		snprintf(buf, SEGTEXT_PROTOCOL_BYTES, "%s %s", family, name);
	else if (protocol == PKTVIEW_ICMP || protocol == PKTVIEW_ICMP6)
		snprintf(buf, SEGTEXT_PROTOCOL_BYTES, "%s type %u", family, icmp_type);
	else if (protocol == PKTVIEW_TCP || protocol == PKTVIEW_UDP)
		strcpy(buf, protocol == PKTVIEW_TCP ? "TCP" : "UDP");
	else
		snprintf(buf, SEGTEXT_PROTOCOL_BYTES, "protocol %u", protocol);
	return buf;
}

const char *segtext_endpoint(char buf[SEGTEXT_ENDPOINT_BYTES], const struct weir_endpoint *e)
{
	char addr[INET6_ADDRSTRLEN] = "?";

	if (e->addr.family == 4)
		inet_ntop(AF_INET, e->addr.bytes, addr, sizeof(addr));
	else if (e->addr.family == 6)
		inet_ntop(AF_INET6, e->addr.bytes, addr, sizeof(addr));
	if (e->port == 0)
		snprintf(buf, SEGTEXT_ENDPOINT_BYTES, "%s", addr);
	else
		snprintf(buf, SEGTEXT_ENDPOINT_BYTES, e->addr.family == 6 ? "[%s]:%u" : "%s:%u",
			 addr, e->port);
	return buf;
}
