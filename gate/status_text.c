/*
 * status_text.c: the engine's records as JSON.
 */
#include "status_text.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <unistd.h>

static void put(json_t *o, const char *key, uint64_t value)
{
	(void)json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void put_flag(json_t *o, const char *key, bool value)
{
	(void)json_object_set_new(o, key, json_boolean(value));
}

/* NULL: null */
static void put_name(json_t *o, const char *key, const char *name)
{
	(void)json_object_set_new(o, key, name != NULL ? json_string(name) : json_null());
}

static void put_address(json_t *o, const char *key, const struct weir_addr *a)
{
	char text[INET6_ADDRSTRLEN] = "*";

	if (a->family != 0)
		(void)inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, text, sizeof(text));
	(void)json_object_set_new(o, key, json_string(text));
}

/* What all kinds of records have. */
static json_t *of_record(const struct weir_info *i)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "state", json_string(weir_state_name(i->state)));
	put_address(o, "local_address", &i->tuple.local.addr);
	put(o, "local_port", i->tuple.local.port);
	put_address(o, "remote_address", &i->tuple.remote.addr);
	put(o, "remote_port", i->tuple.remote.port);
	put(o, "flow", i->flow);
	return o;
}

static json_t *of_conn(const struct weir_info *i)
{
	json_t *o = of_record(i);

	put(o, "rcvq_bytes", i->rcvq_bytes);
	put(o, "sndq_bytes", i->sndq_bytes);
	put(o, "ooo_bytes", i->ooo_bytes);
	put(o, "pages", i->pages);
	put_flag(o, "timestamps", i->ts_ok);
	put_flag(o, "sack", i->sack_ok);
	put(o, "snd_wscale", i->snd_wscale);
	put(o, "rcv_wscale", i->rcv_wscale);
	put(o, "snd_wnd_bytes", i->snd_wnd_bytes);
	put(o, "rcv_wnd_bytes", i->rcv_wnd_bytes);
	put(o, "cwnd_bytes", i->cwnd_bytes);
	put(o, "ssthresh_bytes", i->ssthresh_bytes);
	put(o, "pipe_bytes", i->pipe_bytes);
	put(o, "lost_bytes", i->lost_bytes);
	put_name(o, "recovery", weir_recovery_name(i->recovery));
	put(o, "spurious", i->spurious);
	put_flag(o, "reordering", i->reordering);
	put_name(o, "cc", i->cc);
	put(o, "pacing_rate", i->pacing_rate);
	put(o, "delivery_rate", i->delivery_rate);
	put(o, "mss_bytes", i->mss_bytes);
	put(o, "min_rtt_ns", i->min_rtt_ns);
	put(o, "srtt_ns", i->srtt_ns);
	put(o, "rttvar_ns", i->rttvar_ns);
	put(o, "rto_ns", i->rto_ns);
	put(o, "bytes_acked", i->bytes_acked);
	put(o, "bytes_received", i->bytes_received);
	put(o, "segs_out", i->segs_out);
	put(o, "segs_in", i->segs_in);
	put(o, "retransmits", i->retransmits);
	return o;
}

static json_t *of_half(const struct weir_info *i)
{
	json_t *o = of_record(i);

	put(o, "age_ms", i->age_ms);
	put(o, "expires_ms", i->expires_ms);
	put(o, "retries", i->retries);
	put_flag(o, "held", i->held);
	put_flag(o, "complete", i->complete);
	return o;
}

static json_t *of_timewait(const struct weir_info *i)
{
	json_t *o = of_record(i);

	put(o, "age_ms", i->age_ms);
	put(o, "expires_ms", i->expires_ms);
	return o;
}

static json_t *of_limit(const struct weir_limit_info *i)
{
	json_t *o = json_object();
	const char *kind = i->kind == WEIR_LIMIT_SOURCE ? "source" : "destination";

	(void)json_object_set_new(o, "limit", json_string(kind));
	put_address(o, "address", &i->at.addr);
	put(o, "prefix", i->prefix);
	put(o, "port", i->at.port);
	put(o, "records", i->records);
	put(o, "tokens", i->tokens);
	put(o, "refused", i->refused);
	return o;
}

/* The next record of the list that is being written; NULL: no more. */
static json_t *next_record(struct gate_status_text *t, const struct weir_stack *s, weir_time now)
{
	struct weir_limit_info limit;
	struct weir_info info;

	switch (t->part) {
	case GATE_STATUS_CONNS:
		return weir_walk(s, WEIR_WALK_CONNS, &t->cursor, now, &info) ? of_conn(&info)
									     : NULL;
	case GATE_STATUS_HALFS:
		return weir_walk(s, WEIR_WALK_HALFS, &t->cursor, now, &info) ? of_half(&info)
									     : NULL;
	case GATE_STATUS_TIMEWAITS:
		return weir_walk(s, WEIR_WALK_TIMEWAITS, &t->cursor, now, &info)
			       ? of_timewait(&info)
			       : NULL;
	case GATE_STATUS_LIMITS:
		return weir_walk_limits(s, &t->cursor, &limit) ? of_limit(&limit) : NULL;
	case GATE_STATUS_HEAD:
	case GATE_STATUS_COUNTERS:
	case GATE_STATUS_END:
		break;
	}
	return NULL;
}

static const char *list_name(enum gate_status_part part)
{
	switch (part) {
	case GATE_STATUS_CONNS:
		return "connections";
	case GATE_STATUS_HALFS:
		return "half_open";
	case GATE_STATUS_TIMEWAITS:
		return "time_wait";
	case GATE_STATUS_LIMITS:
		return "sources";
	case GATE_STATUS_HEAD:
	case GATE_STATUS_COUNTERS:
	case GATE_STATUS_END:
		break;
	}
	return "";
}

static void write_value(json_t *value, FILE *out)
{
	(void)json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
}

static void next_part(struct gate_status_text *t)
{
	*t = (struct gate_status_text){.part = t->part + 1};
}

static void write_list(struct gate_status_text *t, const struct weir_stack *s, weir_time now,
		       FILE *out)
{
	json_t *record;

	if (!t->opened)
		fprintf(out, ",\"%s\":[", list_name(t->part));
	t->opened = true;
	for (unsigned n = 0; n < GATE_STATUS_PIECE_MAX; n++) {
		record = next_record(t, s, now);
		if (record == NULL) {
			fputc(']', out);
			next_part(t);
			return;
		}
		if (t->any)
			fputc(',', out);
		t->any = true;
		write_value(record, out);
	}
}

static void write_head(const char *command, FILE *out)
{
	json_t *text = json_string(command);

	/* Not every file name is UTF-8. */
	if (text == NULL)
		text = json_string("?");
	fprintf(out, "{\"pid\":%ld,\"command\":", (long)getpid());
	write_value(text, out);
}

static void write_counters(const struct weir_stack *s, FILE *out)
{
	json_t *o = json_object();
	uint64_t value;

	for (unsigned c = 0; c < WEIR_CTR_COUNT; c++) {
		value = weir_counter_get(s, (enum weir_counter)c);
		if (value > 0)
			put(o, weir_counter_name((enum weir_counter)c), value);
	}
	fputs(",\"counters\":", out);
	write_value(o, out);
	fputs("}\n", out);
}

bool gate_status_text_next(struct gate_status_text *t, const struct weir_stack *s, weir_time now,
			   const char *command, FILE *out)
{
	switch (t->part) {
	case GATE_STATUS_HEAD:
		write_head(command, out);
		next_part(t);
		return true;
	case GATE_STATUS_CONNS:
	case GATE_STATUS_HALFS:
	case GATE_STATUS_TIMEWAITS:
	case GATE_STATUS_LIMITS:
		write_list(t, s, now, out);
		return true;
	case GATE_STATUS_COUNTERS:
		write_counters(s, out);
		next_part(t);
		return true;
	case GATE_STATUS_END:
		break;
	}
	return false;
}
