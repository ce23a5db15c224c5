#include "story.h"

#include <stdlib.h>
#include <string.h>

#include "weir/info.h"
#include "weir/sink.h"

#define ALIGN    64u
#define TEXT_MAX 96u

static const char *const names[EX_HOSTS] = {"A", "B"};

struct story {
	FILE *out;
	const struct ex_scenario *s;
	struct ex_world *w;
	struct weir_ladder *ladder[EX_HOSTS];
	uint32_t isn[EX_HOSTS]; /* what numbers are told relative to */
	weir_time start;
	unsigned step;
};

static void on_record(void *user, unsigned host, const struct weir_trace_record *r)
{
	struct story *t = user;

	weir_ladder_feed(t->ladder[host], r);
}

static const char *name_of(void *user, const struct weir_endpoint *e)
{
	(void)user;
	return e->addr.bytes[3] == 1 ? names[EX_A] : names[EX_B];
}

static struct weir_ladder *ladder_new(unsigned host)
{
	struct weir_ladder_args args = {
		.local_name = names[host],
		.remote_name = names[!host],
		.name_of = name_of,
		.charset = WEIR_CHARSET_ASCII,
		.colour = WEIR_COLOUR_NEVER,
	};

	return weir_ladder_new(&args);
}

/* What a host is to the pair: its connection's state, or its record's. */
static const char *state_of(const struct ex_world *w, unsigned h, bool listens)
{
	static const enum weir_walk_kind kinds[] = {WEIR_WALK_CONNS, WEIR_WALK_HALFS,
						    WEIR_WALK_TIMEWAITS};
	struct weir_info info;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint32_t cursor = 0;

		if (weir_walk(w->host[h].stack, kinds[i], &cursor, w->now, &info))
			return weir_state_name(info.state);
	}
	return weir_state_name(listens ? WEIR_STATE_LISTEN : WEIR_STATE_CLOSED);
}

static void print_states(const struct story *t)
{
	bool listens = t->s->start != EX_START_CROSSED;

	fprintf(t->out, "%-13s %s\n", state_of(t->w, EX_A, false), state_of(t->w, EX_B, listens));
}

static void print_number(char *text, size_t room, const char *what, unsigned h,
			 const struct story *t, uint32_t v)
{
	size_t n = strlen(text);

	snprintf(text + n, room - n, " %s=%s%+d", what, names[h], (int)(v - t->isn[h]));
}

static void segment_text(const struct story *t, const struct ex_frame *f, char *text, size_t room)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} flags[] = {{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_ACK, "ACK"}};
	struct tcp_seg seg;
	size_t n = 0;

	ex_frame_read(f, &seg);
	text[0] = '\0';
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (seg.flags & flags[i].bit)
			n += (size_t)snprintf(text + n, room - n, "%s%s", n ? "+" : "",
					      flags[i].name);
	print_number(text, room, "seq", !f->to, t, seg.seq.v);
	if (seg.flags & TCP_ACK)
		print_number(text, room, "ack", f->to, t, seg.ack.v);
	n = strlen(text);
	if (seg.len)
		snprintf(text + n, room - n, " len=%u", seg.len);
}

static void action_text(const struct story *t, const struct ex_action *a, char *text, size_t room)
{
	static const char *const calls[EX_KINDS] = {
		[EX_CONNECT] = "connect", [EX_SEND] = "send",   [EX_SHUTDOWN] = "shutdown",
		[EX_CLOSE] = "close",     [EX_ABORT] = "abort",
	};
	const struct ex_frame *f = &t->w->frame[a->arg];
	char segment[TEXT_MAX];

	switch ((enum ex_kind)a->kind) {
	case EX_DELIVER:
	case EX_REPEAT:
	case EX_DROP:
		segment_text(t, f, segment, sizeof(segment));
		snprintf(text, room, "%s%s %s %s%s", f->spare ? "OLD " : "", segment,
			 a->kind == EX_DROP ? "is lost on its way to" : "reaches", names[f->to],
			 a->kind == EX_REPEAT ? "; a copy stays" : "");
		break;
	case EX_TIME:
		snprintf(text, room, "time passes to the next timer");
		break;
	case EX_CONNECT:
	case EX_SEND:
	case EX_SHUTDOWN:
	case EX_CLOSE:
	case EX_ABORT:
		snprintf(text, room, "%s calls %s", names[a->host], calls[a->kind]);
		break;
	case EX_KINDS:
		break;
	}
}

static void print_head(const struct story *t, const struct ex_result *r)
{
	fprintf(t->out, "%s: %s\n", t->s->name, t->s->title);
	for (unsigned i = 0; i < EX_PROPERTIES; i++)
		if (r->violated & 1u << i)
			fprintf(t->out, "%s: %s\n", ex_property_name((enum ex_property)(1u << i)),
				ex_property_text((enum ex_property)(1u << i)));
	if (r->why)
		fprintf(t->out, "the engine says: %s\n", r->why);
	fprintf(t->out,
		"%u step%s, and there is no shorter way; numbers relative to each host's first\n\n",
		r->path_len, r->path_len == 1 ? "" : "s");
	fprintf(t->out, "%4s %10s  %-54s %-13s %s\n", "", "ms", "", "A", "B");
	fprintf(t->out, "%4s %10.3f  %-54s ", "", 0.0, "");
	print_states(t);
}

static void print_steps(struct story *t, const struct ex_result *r)
{
	for (unsigned i = 0; i < r->path_len; i++) {
		char text[2 * TEXT_MAX];

		action_text(t, &r->path[i], text, sizeof(text));
		ex_world_apply(t->w, &r->path[i]);
		fprintf(t->out, "%3u. %10.3f  %-54s ", i + 1, (double)(t->w->now - t->start) / 1e6,
			text);
		print_states(t);
	}
}

static void print_ends(const struct story *t)
{
	for (unsigned h = 0; h < EX_HOSTS; h++)
		for (unsigned i = 0; i < t->w->host[h].conns; i++) {
			const struct ex_conn *c = &t->w->host[h].conn[i];

			fprintf(t->out, "%s, connection %u: %s, %u bytes sent, %u received%s%s\n",
				names[h], i + 1, c->live ? "open" : "ended", c->sent, c->got,
				c->live || c->reason == WEIR_OK ? "" : ": ",
				c->live || c->reason == WEIR_OK ? "" : weir_err_text(c->reason));
		}
}

int story_print(FILE *out, const struct ex_scenario *s, const struct ex_bounds *b,
		enum ex_tamper tamper, const struct ex_result *r)
{
	size_t len = (sizeof(struct ex_world) + ALIGN - 1) / ALIGN * ALIGN;
	struct story t = {.out = out, .s = s, .w = aligned_alloc(ALIGN, len)};
	struct ex_observer o = {.record = on_record, .user = &t};
	bool ok = t.w != NULL;

	for (unsigned h = 0; h < EX_HOSTS; h++) {
		t.ladder[h] = ladder_new(h);
		ok = ok && t.ladder[h];
	}
	if (ok) {
		ex_world_init(t.w, s, b, r->variant, tamper, &o);
		t.start = t.w->now;
		for (unsigned h = 0; h < EX_HOSTS; h++)
			t.isn[h] = t.w->host[h].isn;
		print_head(&t, r);
		print_steps(&t, r);
		fputc('\n', out);
		print_ends(&t);
		for (unsigned h = 0; h < EX_HOSTS; h++) {
			fprintf(out, "\nAs %s saw it:\n\n", names[h]);
			weir_ladder_print(t.ladder[h], out, t.w->host[h].stack, t.w->now);
		}
	}
	for (unsigned h = 0; h < EX_HOSTS; h++)
		if (t.ladder[h])
			weir_ladder_free(t.ladder[h]);
	free(t.w);
	return ok ? 0 : -1;
}
