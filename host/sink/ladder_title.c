#include "sink/ladder_print.h"

#include <inttypes.h>
#include <string.h>

#include "sink/segtext.h"

#define TITLE_BYTES 400u

static const char *name_of_dir(const struct ladder_names *names, enum ladder_dir dir)
{
	return dir == LADDER_FROM_PEER ? names->remote : names->local;
}

/* "weir.test 10.0.0.1:80"; the endpoint alone when it has no name. */
static void add_endpoint(struct textline *l, const struct ladder_names *names,
			 const struct weir_endpoint *e, const char *name)
{
	char text[SEGTEXT_ENDPOINT_BYTES], clean[64];

	if (!name && names->name_of)
		name = names->name_of(names->user, e);
	if (name && name[0]) {
		text_copy_name(clean, sizeof(clean), name);
		textline_addf(l, "%s ", clean);
	}
	textline_add(l, segtext_endpoint(text, e));
}

static void print_endpoints(FILE *out, const struct textstyle *st, const struct ladder_names *names,
			    const struct ladder_flow *f, weir_time start)
{
	char at[TEXT_NUMBER_BYTES], right[TEXT_NUMBER_BYTES + 8];
	bool ours = f->opener_known && f->opener == LADDER_FROM_US;
	struct textline l;

	textline_start(&l);
	textline_addf(&l, "%" PRIu32 " %s ", f->id, st->dash);
	if (ours)
		add_endpoint(&l, names, &f->tuple.local, names->local);
	else
		add_endpoint(&l, names, &f->tuple.remote, names->remote);
	textline_addf(&l, " %s ", st->to);
	if (ours)
		add_endpoint(&l, names, &f->tuple.remote, names->remote);
	else
		add_endpoint(&l, names, &f->tuple.local, NULL);
	snprintf(right, sizeof(right), "at %s", text_stamp(at, f->first - start));
	ladder_print_heading(out, st, l.bytes, right);
}

static void add_opening(struct textline *l, const struct ladder_names *names,
			const struct ladder_flow *f)
{
	if (f->opener_known)
		textline_addf(l, "opened by %s, ", name_of_dir(names, f->opener));
	else
		textline_add(l, "the opening was not seen, ");
}

static void add_ending(struct textline *l, const struct ladder_names *names,
		       const struct ladder_flow *f)
{
	const char *by = name_of_dir(names, f->by);

	switch (f->ending) {
	case LADDER_OPEN:
		textline_addf(l, "still open (%s)", weir_state_name(f->ours));
		break;
	case LADDER_CLOSED:
		textline_addf(l, "closed by %s", by);
		break;
	case LADDER_CROSSED:
		textline_add(l, "closed by both at once");
		break;
	case LADDER_HALF:
		textline_addf(l, "half-closed by %s (%s)", by, weir_state_name(f->ours));
		break;
	case LADDER_REFUSED:
		textline_addf(l, "refused by %s", by);
		break;
	case LADDER_RESET:
		textline_addf(l, "reset by %s", by);
		break;
	case LADDER_UNREACHABLE:
		textline_add(l, "unreachable (ICMP)");
		break;
	case LADDER_EXPIRED:
		textline_add(l, "timed out");
		break;
	case LADDER_DROPPED:
		textline_add(l, "ended without an answer");
		break;
	}
}

static void add_traffic(struct textline *l, const struct ladder_names *names,
			const struct ladder_flow *f)
{
	const struct ladder_half *peer = &f->half[LADDER_FROM_PEER];
	const struct ladder_half *us = &f->half[LADDER_FROM_US];
	char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES], c[TEXT_NUMBER_BYTES];

	textline_addf(l, "; %s byte%s by %s, %s by %s", text_count(a, peer->bytes),
		      peer->bytes == 1 ? "" : "s", names->remote, text_count(b, us->bytes),
		      names->local);
	textline_addf(l, "; %s; ", text_time(a, f->last - f->first));
	if (peer->again + us->again == 0)
		textline_add(l, "no retransmissions");
	else
		textline_addf(l, "retransmissions: %s by %s, %s by %s", text_count(a, peer->again),
			      names->remote, text_count(b, us->again), names->local);
	if (f->again.needless > 0)
		textline_addf(l, " (%s of these spurious)", text_count(c, f->again.needless));
}

void ladder_print_title(FILE *out, const struct textstyle *st, const struct ladder_names *names,
			const struct ladder_flow *f, weir_time start)
{
	struct textline l;

	print_endpoints(out, st, names, f, start);
	textline_start(&l);
	add_opening(&l, names, f);
	add_ending(&l, names, f);
	add_traffic(&l, names, f);
	textline_wrap(out, st, "   ", 3, TEXT_PLAIN, l.bytes);
	fputc('\n', out);
}
