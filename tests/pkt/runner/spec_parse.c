/* Reads the words of a segment; the grammar is in ../README.md. */
#include <stdlib.h>
#include <string.h>

#include "spec.h"
#include "spec_icmp.h"
#include "world.h"

static const struct spec_icmp icmp_table[] = {
	{"unreach-net", 3, 0, 1, 0},    {"unreach-host", 3, 1, 1, 3},
	{"unreach-proto", 3, 2, 4, 1},  {"unreach-port", 3, 3, 1, 4},
	{"unreach-admin", 3, 13, 1, 1}, {"srcroute-failed", 3, 5, 1, 5},
	{"time-exceeded", 11, 0, 3, 0}, {"param", 12, 0, 4, 0},
	{"quench", 4, 0, 100, 0},       {"toobig", 3, 4, 2, 0},
	{"echo", 8, 0, 128, 0},         {"echo-reply", 0, 0, 129, 0},
};

const struct spec_icmp *spec_icmp_named(const char *name)
{
	for (size_t i = 0; i < sizeof(icmp_table) / sizeof(icmp_table[0]); i++)
		if (strcmp(icmp_table[i].name, name) == 0)
			return &icmp_table[i];
	return NULL;
}

const char *spec_icmp_name(int family, unsigned type, unsigned code)
{
	for (size_t i = 0; i < sizeof(icmp_table) / sizeof(icmp_table[0]); i++) {
		const struct spec_icmp *k = &icmp_table[i];

		if (family == 4 ? k->type4 == type && k->code4 == code
				: k->type6 == type && k->code6 == code)
			return k->name;
	}
	return "?";
}

static const char flag_letters[] = "FSRPAUEWN";

static bool is_flags(const char *s)
{
	if (strcmp(s, "-") == 0)
		return true;
	for (; *s != '\0'; s++)
		if (!strchr(flag_letters, *s) && *s != '?')
			return false;
	return true;
}

static void parse_flags(struct spec *s, const char *word)
{
	uint16_t last = 0;

	s->named |= SPEC_FLAGS;
	for (; *word != '\0' && *word != '-'; word++) {
		if (*word == '?') {
			s->maybe |= last;
			continue;
		}
		last = (uint16_t)(1u << (strchr(flag_letters, *word) - flag_letters));
		s->flags |= last;
	}
}

static int64_t number(struct world *w, const char *s)
{
	int64_t v;

	if (!s || text_number(s, &v) != 0)
		world_fail(w, "not a number: %s", s ? s : "(nothing)");
	return v;
}

/* SEQ, SEQ:END or SEQ:* */
static void parse_range(struct world *w, struct spec *s, const char *word)
{
	char buf[64];
	char *colon;

	strncpy(buf, word, sizeof(buf) - 1);
	buf[sizeof(buf) - 1] = '\0';
	colon = strchr(buf, ':');
	if (colon)
		*colon++ = '\0';
	s->seq = number(w, buf);
	s->named |= SPEC_SEQ;
	if (colon && strcmp(colon, "*") == 0)
		return;
	s->len = colon ? number(w, colon) - s->seq : 0;
	s->named |= SPEC_LEN;
}

static void opt_value(struct world *w, struct spec_opt *o, const char *word)
{
	if (o->count == 8)
		world_fail(w, "too many values in an option");
	if (strcmp(word, "*") == 0 && o->count < 2) {
		o->any[o->count++] = true;
		return;
	}
	o->v[o->count++] = number(w, word);
}

static void parse_opt(struct world *w, struct spec_opt *o, char *text)
{
	static const char *const name[] = {"mss", "ws",  "sackOK", "sack", "ts",
					   "nop", "eol", "acc0",   "acc1", "raw"};
	char *save, *word = strtok_r(text, " ", &save);
	size_t k = 0;

	if (word && *word == '!') {
		o->absent = true;
		word++;
	}
	while (word && k < sizeof(name) / sizeof(name[0]) && strcmp(word, name[k]) != 0)
		k++;
	if (!word || k == sizeof(name) / sizeof(name[0]))
		world_fail(w, "unknown option: %s", word ? word : "(nothing)");
	o->kind = k;
	while ((word = strtok_r(NULL, " ", &save))) {
		char *colon = strchr(word, ':');

		if (o->kind == OPT_RAW) {
			o->count = text_hex(word, o->raw, sizeof(o->raw));
			if (o->count < 0)
				world_fail(w, "not hexadecimal: %s", word);
			continue;
		}
		if (colon)
			*colon++ = '\0';
		opt_value(w, o, word);
		if (colon)
			opt_value(w, o, colon);
	}
}

/* "<mss 1460,ts 1 0>" */
static void parse_opts(struct world *w, struct spec *s, const char *word)
{
	char buf[TEXT_LINE_MAX];
	char *save, *part;

	strncpy(buf, word + 1, sizeof(buf) - 1);
	buf[sizeof(buf) - 1] = '\0';
	buf[strcspn(buf, ">")] = '\0';
	for (part = strtok_r(buf, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		if (s->opt_count == SPEC_OPTS_MAX)
			world_fail(w, "too many options");
		parse_opt(w, &s->opt[s->opt_count++], part);
	}
}

static void parse_addr(struct world *w, const char *name, uint8_t out[16])
{
	if (world_addr(w->family, name, out) != 0)
		world_fail(w, "unknown address: %s", name);
}

/* Words that take no value. */
static bool parse_mark(struct spec *s, const char *word)
{
	if (strcmp(word, "bad-checksum") == 0)
		s->hurt |= HURT_CHECKSUM;
	else if (strcmp(word, "bad-ip-checksum") == 0)
		s->hurt |= HURT_IP_CHECKSUM;
	else if (strcmp(word, "csum-ok") == 0)
		s->csum_ok = true;
	else if (strcmp(word, "hold") == 0)
		s->hold = true;
	else if (strcmp(word, "push") == 0)
		s->named |= SPEC_PUSH;
	else if (strcmp(word, "nopush") == 0)
		s->named |= SPEC_NOPUSH;
	else if (strcmp(word, "df") == 0)
		s->named |= SPEC_DF;
	else if (strcmp(word, "newiss") == 0)
		s->named |= SPEC_NEWISS;
	else
		return false;
	return true;
}

/* Words with a number behind them. */
static bool parse_field(struct world *w, struct spec *s, const char *word, const char *value)
{
	static const struct {
		const char *name;
		size_t at;
		unsigned named;
	} field[] = {
		{"ack", offsetof(struct spec, ack), SPEC_ACK},
		{"win", offsetof(struct spec, win), SPEC_WIN},
		{"urg", offsetof(struct spec, urg), SPEC_URG},
		{"ttl", offsetof(struct spec, ttl), SPEC_TTL},
		{"dscp", offsetof(struct spec, dscp), SPEC_DSCP},
		{"ecn", offsetof(struct spec, ecn), SPEC_ECN},
		{"trunc", offsetof(struct spec, trunc), 0},
		{"gso", offsetof(struct spec, gso), 0},
		{"doff", offsetof(struct spec, doff), 0},
		{"reserved", offsetof(struct spec, reserved), 0},
		{"proto", offsetof(struct spec, proto), 0},
		{"mtu", offsetof(struct spec, icmp_mtu), 0},
		{"seq", offsetof(struct spec, icmp_seq), 0},
		{"qlen", offsetof(struct spec, icmp_len), 0},
		{"code", offsetof(struct spec, icmp_code), 0},
		{"newiss-after", offsetof(struct spec, newiss_after), SPEC_NEWISS},
	};

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		if (strcmp(word, field[i].name) == 0) {
			*(int64_t *)((char *)s + field[i].at) = number(w, value);
			s->named |= field[i].named;
			return true;
		}
	return false;
}

/* Words with a name behind them, or in them. */
static bool parse_named(struct world *w, struct spec *s, const char *word, const char *value)
{
	if (strcmp(word, "why") == 0 && value) {
		strncpy(s->why, value, sizeof(s->why) - 1);
		s->named |= SPEC_WHY;
	} else if (strcmp(word, "icmp") == 0 && value) {
		s->icmp = spec_icmp_named(value);
		if (!s->icmp)
			world_fail(w, "unknown ICMP message: %s", value);
		s->named |= SPEC_ICMP;
	} else if (strcmp(word, "ipopt") == 0 && value) {
		int n = text_hex(value, s->ip_opt, sizeof(s->ip_opt));

		if (n < 0 || n % 4)
			world_fail(w, "IP options: hexadecimal, a multiple of 4 bytes");
		s->ip_opt_len = (size_t)n;
	} else {
		return false;
	}
	return true;
}

static bool parse_where(struct world *w, struct spec *s, const char *word)
{
	if (*word == '@') {
		s->f = world_flow(w, word + 1);
		if (!s->f)
			world_fail(w, "unknown flow: %s", word);
	} else if (text_after(word, "src")) {
		parse_addr(w, text_after(word, "src"), s->src);
		s->named |= SPEC_SRC;
	} else if (text_after(word, "dst")) {
		parse_addr(w, text_after(word, "dst"), s->dst);
		s->has_dst = true;
	} else {
		return false;
	}
	return true;
}

static bool is_range(const char *word)
{
	return (*word >= '0' && *word <= '9') || (*word == '-' && word[1] != '\0');
}

void spec_parse(struct world *w, struct spec *s, const struct words *words, int from,
		enum spec_dir dir)
{
	memset(s, 0, sizeof(*s));
	s->dir = dir;
	s->f = world_flow(w, "a");
	s->win = 65535;
	s->trunc = -1;
	s->icmp_code = -1;
	s->icmp_len = -1;
	s->newiss_after = -1;
	for (int i = from; i < words->count; i++) {
		const char *word = words->w[i];
		const char *value = i + 1 < words->count ? words->w[i + 1] : NULL;

		if (*word == '<' && word[1] != '\0')
			parse_opts(w, s, word);
		else if (is_range(word))
			parse_range(w, s, word);
		else if (is_flags(word))
			parse_flags(s, word);
		else if (parse_where(w, s, word) || parse_mark(s, word))
			continue;
		else if (parse_field(w, s, word, value) || parse_named(w, s, word, value))
			i++;
		else
			world_fail(w, "unknown word in a segment: %s", word);
	}
	if (dir == SHOW_IN && !(s->named & SPEC_FLAGS))
		s->flags = FLAG_ACK;
	if (dir == SHOW_IN && s->flags & FLAG_ACK && !(s->named & (SPEC_ACK | SPEC_ICMP)))
		world_fail(w, "a segment with A names its ack");
	if (dir == SHOW_IN && s->len < 0)
		world_fail(w, "a segment ends before it begins");
}
