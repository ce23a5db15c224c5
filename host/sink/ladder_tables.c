#include "sink/ladder_print.h"

#include <inttypes.h>
#include <string.h>

#include "sink/segtext.h"
#include "weir/info.h"

/* Records of one kind that are listed; the others are counted. */
#define LISTED_MAX 50u

static void print_record(FILE *out, const struct textstyle *st, const struct weir_info *i,
			 enum weir_walk_kind kind)
{
	char remote[SEGTEXT_ENDPOINT_BYTES], local[SEGTEXT_ENDPOINT_BYTES];
	char age[TEXT_NUMBER_BYTES], left[TEXT_NUMBER_BYTES], what[160];
	char text[400];

	segtext_endpoint(remote, &i->tuple.remote);
	segtext_endpoint(local, &i->tuple.local);
	text_time(age, (uint64_t)i->age_ms * 1000000u);
	text_time(left, (uint64_t)i->expires_ms * 1000000u);
	if (kind == WEIR_WALK_TIMEWAITS)
		snprintf(what, sizeof(what), "%s old; ends in %s", age, left);
	else if (i->held)
		snprintf(what, sizeof(what), "%s old; the application has not decided; ends in %s",
			 age, left);
	else
		snprintf(what, sizeof(what), "%s old; SYN-ACK repeated %u time%s; next in %s", age,
			 i->retries, i->retries == 1 ? "" : "s", left);
	snprintf(text, sizeof(text), "%-21s %s %-21s  %s", remote, st->to, local, what);
	if (text_columns(text) + 6 > st->width)
		textline_wrap(out, st, "   ", 6, TEXT_PLAIN, text);
	else
		fprintf(out, "   %s\n", text);
}

static void print_kind(FILE *out, const struct textstyle *st, const struct weir_stack *s,
		       weir_time now, enum weir_walk_kind kind)
{
	const char *title = kind == WEIR_WALK_HALFS ? "half-open queue" : "TIME-WAIT";
	char heading[96], number[TEXT_NUMBER_BYTES];
	uint32_t cursor = 0;
	uint64_t count = 0;
	struct weir_info info;

	while (weir_walk(s, kind, &cursor, now, &info))
		count++;
	if (count == 0) {
		fprintf(out, "   %s: empty\n", title);
		return;
	}
	snprintf(heading, sizeof(heading), "%s: %s", title, text_count(number, count));
	fprintf(out, "   %s\n", heading);
	cursor = 0;
	for (uint64_t n = 0; n < LISTED_MAX && weir_walk(s, kind, &cursor, now, &info); n++)
		print_record(out, st, &info, kind);
	if (count > LISTED_MAX)
		fprintf(out, "   and %s more\n", text_count(number, count - LISTED_MAX));
}

void ladder_print_tables(FILE *out, const struct textstyle *st, const struct weir_stack *s,
			 weir_time now)
{
	ladder_print_heading(out, st, "what is left in weir", "");
	print_kind(out, st, s, now, WEIR_WALK_HALFS);
	print_kind(out, st, s, now, WEIR_WALK_TIMEWAITS);
}
