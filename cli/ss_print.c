/*
 * ss_print.c: what instances say, as ss(8) would print it.
 *
 * One table with connections, and if they are asked for half-open and TIME-WAIT records, in ss's
 * columns; below each a line that begins with a tab, as with `ss -i`. Columns are as wide as their
 * widest text, so addresses are looked at twice. Other tables follow with a heading each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ss.h"
#include "weir/weir.h"

/* "[IPv6 address/128]:65535" */
#define ENDPOINT_BYTES 80
#define NS_PER_MS      1000000.0
#define MS_PER_S       1000.0
/* A slow-start threshold that was never set is the largest number. */
#define SSTHRESH_SET_MAX 0x7ffffffeul

enum list { LIST_CONNS, LIST_HALFS, LIST_TIMEWAITS, LISTS };

static const char *const list_keys[LISTS] = {
	[LIST_CONNS] = "connections",
	[LIST_HALFS] = "half_open",
	[LIST_TIMEWAITS] = "time_wait",
};

struct table {
	bool listed[LISTS];
	int local, remote; /* columns */
};

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static bool flag(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* A text for the terminal. */
static const char *text(const json_t *o, const char *key, char *out, size_t len)
{
	const char *value = json_string_value(json_object_get(o, key));
	char *c;

	snprintf(out, len, "%s", value != NULL ? value : "?");
	for (c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return out;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", and "*" for port 0 */
static const char *endpoint(char *out, const json_t *o, const char *address_key,
			    const char *port_key)
{
	char address[48], port[24] = "*";
	uint64_t value = number(o, port_key);
	bool bracket;

	text(o, address_key, address, sizeof(address));
	bracket = strchr(address, ':') != NULL;
	if (value > 0)
		snprintf(port, sizeof(port), "%" PRIu64, value);
	snprintf(out, ENDPOINT_BYTES, "%s%s%s:%s", bracket ? "[" : "", address, bracket ? "]" : "",
		 port);
	return out;
}

static void print_process(const json_t *instance)
{
	char command[256];

	printf("%s,pid=%" PRIu64 "\n", text(instance, "command", command, sizeof(command)),
	       number(instance, "pid"));
}

/* --- Records --------------------------------------------------------------------------------- */

static int wider(int width, const char *of)
{
	int len = (int)strlen(of);

	return len > width ? len : width;
}

static void measure(struct table *t, const json_t *instances)
{
	const json_t *instance, *o;
	char at[ENDPOINT_BYTES];
	size_t i, j;

	t->local = wider(0, "Local Address:Port");
	t->remote = wider(0, "Peer Address:Port");
	json_array_foreach(instances, i, instance)
	{
		for (unsigned l = 0; l < LISTS; l++) {
			if (!t->listed[l])
				continue;
			json_array_foreach(json_object_get(instance, list_keys[l]), j, o)
			{
				endpoint(at, o, "local_address", "local_port");
				t->local = wider(t->local, at);
				endpoint(at, o, "remote_address", "remote_port");
				t->remote = wider(t->remote, at);
			}
		}
	}
}

/* " name:value", unless it is 0. */
static void print_if_any(const json_t *o, const char *name, const char *key)
{
	if (number(o, key) > 0)
		printf(" %s:%" PRIu64, name, number(o, key));
}

static void print_congestion(const json_t *o)
{
	uint64_t ssthresh = number(o, "ssthresh_bytes");
	char word[32];

	if (json_is_string(json_object_get(o, "cc")))
		printf(" %s", text(o, "cc", word, sizeof(word)));
	printf(" mss:%" PRIu64 " cwnd:%" PRIu64, number(o, "mss_bytes"), number(o, "cwnd_bytes"));
	if (ssthresh <= SSTHRESH_SET_MAX)
		printf(" ssthresh:%" PRIu64, ssthresh);
	printf(" pipe:%" PRIu64, number(o, "pipe_bytes"));
	print_if_any(o, "pacing", "pacing_rate");
	print_if_any(o, "delivery", "delivery_rate");
	printf(" recovery:%s", text(o, "recovery", word, sizeof(word)));
	print_if_any(o, "lost", "lost_bytes");
	print_if_any(o, "spurious", "spurious");
	if (flag(o, "reordering"))
		fputs(" reordering", stdout);
}

static void print_conn_info(const json_t *o)
{
	printf("\t%s%swscale:%" PRIu64 ",%" PRIu64, flag(o, "timestamps") ? "ts " : "",
	       flag(o, "sack") ? "sack " : "", number(o, "snd_wscale"), number(o, "rcv_wscale"));
	printf(" rto:%.0f", (double)number(o, "rto_ns") / NS_PER_MS);
	if (number(o, "srtt_ns") > 0)
		printf(" rtt:%.3f/%.3f", (double)number(o, "srtt_ns") / NS_PER_MS,
		       (double)number(o, "rttvar_ns") / NS_PER_MS);
	if (number(o, "min_rtt_ns") > 0)
		printf(" minrtt:%.3f", (double)number(o, "min_rtt_ns") / NS_PER_MS);
	print_congestion(o);
	printf(" bytes_acked:%" PRIu64 " bytes_received:%" PRIu64, number(o, "bytes_acked"),
	       number(o, "bytes_received"));
	printf(" segs_out:%" PRIu64 " segs_in:%" PRIu64 " retrans:%" PRIu64, number(o, "segs_out"),
	       number(o, "segs_in"), number(o, "retransmits"));
	printf(" snd_wnd:%" PRIu64 " rcv_wnd:%" PRIu64, number(o, "snd_wnd_bytes"),
	       number(o, "rcv_wnd_bytes"));
	print_if_any(o, "ooo", "ooo_bytes");
	putchar('\n');
}

static void print_record_info(const json_t *o, enum list l)
{
	double age = (double)number(o, "age_ms") / MS_PER_S;
	double left = (double)number(o, "expires_ms") / MS_PER_S;

	switch (l) {
	case LIST_CONNS:
		print_conn_info(o);
		break;
	case LIST_HALFS:
		printf("\tage:%.3fs retries:%" PRIu64 " expires:%.3fs%s%s\n", age,
		       number(o, "retries"), left, flag(o, "held") ? " held" : "",
		       flag(o, "complete") ? " complete" : "");
		break;
	case LIST_TIMEWAITS:
		printf("\tage:%.3fs expires:%.3fs\n", age, left);
		break;
	case LISTS:
		break;
	}
}

static void print_record(const struct table *t, const json_t *instance, const json_t *o,
			 enum list l)
{
	char state[32], local[ENDPOINT_BYTES], remote[ENDPOINT_BYTES];

	printf("%-12s %-7" PRIu64 " %-7" PRIu64 " %*s %*s  ",
	       text(o, "state", state, sizeof(state)), number(o, "rcvq_bytes"),
	       number(o, "sndq_bytes"), t->local, endpoint(local, o, "local_address", "local_port"),
	       t->remote, endpoint(remote, o, "remote_address", "remote_port"));
	print_process(instance);
	print_record_info(o, l);
}

static void print_records(const struct table *t, const json_t *instances)
{
	const json_t *instance, *o;
	size_t i, j;

	printf("%-12s %-7s %-7s %*s %*s  %s\n", "State", "Recv-Q", "Send-Q", t->local,
	       "Local Address:Port", t->remote, "Peer Address:Port", "Process");
	for (unsigned l = 0; l < LISTS; l++) {
		if (!t->listed[l])
			continue;
		json_array_foreach(instances, i, instance)
		{
			json_array_foreach(json_object_get(instance, list_keys[l]), j, o)
				print_record(t, instance, o, (enum list)l);
		}
	}
}

/* --- Limits and counters --------------------------------------------------------------------- */

static void print_limit(const json_t *instance, const json_t *o)
{
	char kind[16], address[48], at[ENDPOINT_BYTES];

	text(o, "address", address, sizeof(address));
	if (number(o, "port") > 0)
		endpoint(at, o, "address", "port");
	else
		snprintf(at, sizeof(at), "%s/%" PRIu64, address, number(o, "prefix"));
	printf("%-12s %-46s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  ",
	       text(o, "limit", kind, sizeof(kind)), at, number(o, "records"), number(o, "tokens"),
	       number(o, "refused"));
	print_process(instance);
}

static void print_limits(const json_t *instances)
{
	const json_t *instance, *o;
	size_t i, j;

	printf("\n%-12s %-46s %8s %8s %8s  %s\n", "Limit", "Address", "Records", "Tokens",
	       "Refused", "Process");
	json_array_foreach(instances, i, instance)
	{
		json_array_foreach(json_object_get(instance, "sources"), j, o)
			print_limit(instance, o);
	}
}

/* Each with its text, if this weir knows it. */
static void print_counters(const json_t *instances)
{
	const json_t *instance, *o;
	uint64_t value;
	size_t i;

	json_array_foreach(instances, i, instance)
	{
		fputs("\nCounters of ", stdout);
		print_process(instance);
		o = json_object_get(instance, "counters");
		for (unsigned c = 0; c < WEIR_CTR_COUNT; c++) {
			value = number(o, weir_counter_name((enum weir_counter)c));
			if (value > 0)
				printf("%12" PRIu64 "  %-28s %s\n", value,
				       weir_counter_name((enum weir_counter)c),
				       weir_counter_text((enum weir_counter)c));
		}
	}
}

void ss_print(const json_t *instances, const struct ss_options *o)
{
	struct table t = {.listed = {[LIST_CONNS] = true,
				     [LIST_HALFS] = o->half_open,
				     [LIST_TIMEWAITS] = o->time_wait}};

	measure(&t, instances);
	print_records(&t, instances);
	if (o->sources)
		print_limits(instances);
	if (o->counters)
		print_counters(instances);
}
