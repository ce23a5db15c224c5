/*
 * Theory of operation
 *
 * A flag is a row of one table: its name, a function that takes the value, and what that function
 * needs. Three kinds of rows exist.
 *
 *   set_row      a setting of the engine under Linux's name, in Linux's unit
 *   set_known    a setting that the engine has no choice in. All values that Linux takes are
 *                accepted, since suites write down the defaults of the machine they were made on;
 *                a value outside of [quiet_lo, quiet_hi] asks for what the engine does not do, and
 *                one line says so
 *   others       what needs more than a number
 *
 * What is not in the table may be a row of the engine's configuration. Anything else is an error
 * that names the key: a misspelt flag must not let a script test something else than it says.
 *
 * Values are separated by commas. A value of several numbers (tcp_rmem) may separate them by
 * blanks, colons, slashes or commas: items that are only a number continue the one before.
 */
#include "flags.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define TEXT_MAX   4096u
#define NUMBERS    3u
#define RTO_CAP_S  120u
#define RCVBUF_MAX 4190208u

struct key;

struct parse {
	struct pd_flags *out;
	const struct key *key;
	const char *name, *value;
	char *error;
	size_t error_len;
};

struct key {
	const char *name;
	int (*set)(struct parse *p);
	const char *row; /* set_row: of config.def; set_known: what the engine does not have */
	uint64_t scale;  /* set_row: engine's units in one of Linux's */
	uint64_t quiet_lo, quiet_hi; /* set_known: values that need no word */
};

static int bad_value(struct parse *p, const char *wanted)
{
	snprintf(p->error, p->error_len, "flag %s: bad value \"%s\" (%s)", p->name, p->value,
		 wanted);
	return -1;
}

static int number_of(const char *text, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno != 0 || *end != '\0' ? -1 : 0;
}

/* Up to NUMBERS numbers; how many, or -1. */
static int numbers_of(const char *text, uint64_t out[NUMBERS])
{
	char copy[128], *at, *word;
	int n = 0;

	if (strlen(text) >= sizeof(copy))
		return -1;
	strcpy(copy, text);
	for (word = strtok_r(copy, " \t:/,\"", &at); word != NULL;
	     word = strtok_r(NULL, " \t:/,\"", &at))
		if (n == (int)NUMBERS || number_of(word, &out[n++]) != 0)
			return -1;
	return n > 0 ? n : -1;
}

static int config_set(struct parse *p, const char *row, uint64_t value)
{
	if (weir_config_set(&p->out->cfg, row, value) == 0)
		return 0;
	for (unsigned i = 0; weir_config_row(i) != NULL; i++) {
		const struct weir_config_row *r = weir_config_row(i);

		if (strcmp(r->name, row) == 0)
			snprintf(p->error, p->error_len,
				 "flag %s: bad value \"%s\" (the engine's %s is %llu to %llu %s)",
				 p->name, p->value, row, (unsigned long long)r->min,
				 (unsigned long long)r->max, r->unit);
	}
	return -1;
}

static int set_row(struct parse *p)
{
	uint64_t value;

	if (number_of(p->value, &value) != 0)
		return bad_value(p, "a number");
	return config_set(p, p->key->row, value * p->key->scale);
}

static int set_known(struct parse *p)
{
	uint64_t value[NUMBERS];

	if (numbers_of(p->value, value) < 0)
		return bad_value(p, "a number");
	if (value[0] < p->key->quiet_lo || value[0] > p->key->quiet_hi)
		pd_report("%s=%s: the engine does not have %s; the script runs without", p->name,
			  p->value, p->key->row);
	return 0;
}

static int set_clock(struct parse *p)
{
	if (strcmp(p->value, "virtual") == 0)
		p->out->clock = PD_CLOCK_VIRTUAL;
	else if (strcmp(p->value, "real") == 0)
		p->out->clock = PD_CLOCK_REAL;
	else
		return bad_value(p, "virtual or real");
	return 0;
}

static int set_synopt(struct parse *p)
{
	if (strcmp(p->value, "linux") == 0)
		return config_set(p, "synopt_bsd", 0);
	if (strcmp(p->value, "bsd") == 0)
		return config_set(p, "synopt_bsd", 1);
	return bad_value(p, "linux or bsd");
}

static int set_segs(struct parse *p)
{
	if (strcmp(p->value, "auto") == 0)
		p->out->segs = PD_SEGS_AUTO;
	else if (strcmp(p->value, "whole") == 0)
		p->out->segs = PD_SEGS_WHOLE;
	else if (strcmp(p->value, "1") == 0)
		p->out->segs = PD_SEGS_ONE;
	else
		return bad_value(p, "auto, whole or 1");
	return 0;
}

static int set_min_tso(struct parse *p)
{
	uint64_t value;

	if (number_of(p->value, &value) != 0 || value > 65535)
		return bad_value(p, "0 to 65535");
	p->out->segs_min = value ? (unsigned)value : 1;
	return 0;
}

static int set_strict(struct parse *p)
{
	if (strcmp(p->value, "0") != 0 && strcmp(p->value, "1") != 0)
		return bad_value(p, "0 or 1");
	p->out->strict = p->value[0] == '1';
	return 0;
}

static int set_notsent(struct parse *p)
{
	if (number_of(p->value, &p->out->notsent_lowat) != 0)
		return bad_value(p, "a number of bytes");
	return 0;
}

static int set_seed(struct parse *p)
{
	uint64_t value;

	if (number_of(p->value, &value) != 0)
		return bad_value(p, "a number");
	memcpy(p->out->cfg.isn_key, &value, sizeof(value));
	return 0;
}

static int set_addr(struct parse *p)
{
	struct weir_addr a = {0};

	if (inet_pton(AF_INET, p->value, a.bytes) == 1) {
		a.family = 4;
		p->out->local4 = a;
	} else if (inet_pton(AF_INET6, p->value, a.bytes) == 1) {
		a.family = 6;
		p->out->local6 = a;
	} else {
		return bad_value(p, "an IPv4 or IPv6 address");
	}
	return 0;
}

/* "min default max", or the maximum alone. Linux offers the scale that the maximum needs. */
static int set_rmem(struct parse *p)
{
	uint64_t v[NUMBERS];
	int n = numbers_of(p->value, v);
	uint64_t max;
	unsigned scale = 0;

	if (n != 1 && n != (int)NUMBERS)
		return bad_value(p, "minimum, default and maximum in bytes");
	max = v[n - 1];
	while (scale < 14 && max >> (scale + 16))
		scale++;
	if (max > RCVBUF_MAX)
		max = RCVBUF_MAX;
	return config_set(p, "rcvbuf", max) == 0 ? config_set(p, "wscale_min", scale) : -1;
}

/* "min default max", or the default alone: what a new socket has. */
static int set_wmem(struct parse *p)
{
	uint64_t v[NUMBERS];
	int n = numbers_of(p->value, v);

	if (n != 1 && n != (int)NUMBERS)
		return bad_value(p, "minimum, default and maximum in bytes");
	return config_set(p, "sndbuf", n == 1 ? v[0] : v[1]);
}

static int set_port_range(struct parse *p)
{
	uint64_t v[NUMBERS];

	if (numbers_of(p->value, v) != 2)
		return bad_value(p, "first and last port");
	return config_set(p, "port_first", v[0]) == 0 ? config_set(p, "port_last", v[1]) : -1;
}

int pd_congestion_kind(const char *name, size_t len)
{
	if (len == 4 && memcmp(name, "reno", len) == 0) /* as Linux calls it */
		return WEIR_CC_NEWRENO;
	for (int i = 0; i < WEIR_CC_COUNT; i++) {
		const char *known = weir_cc_name((enum weir_cc)i);

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return i;
	}
	return -1;
}

static int set_congestion(struct parse *p)
{
	int kind = pd_congestion_kind(p->value, strlen(p->value));

	if (kind < 0)
		return bad_value(p, "reno, newreno, cubic or bbr");
	snprintf(p->out->congestion, sizeof(p->out->congestion), "%s", p->value);
	return config_set(p, "cc", (uint64_t)kind);
}

/* Seconds until the timer has run out `retries` times, from a first time-out of first_ms. */
static int set_retries(struct parse *p)
{
	uint64_t retries, total = 0, rto = p->key->scale;

	if (number_of(p->value, &retries) != 0 || retries > 255)
		return bad_value(p, "0 to 255");
	for (uint64_t i = 0; i <= retries; i++) {
		total += rto;
		rto = rto * 2 < RTO_CAP_S * 1000 ? rto * 2 : RTO_CAP_S * 1000;
	}
	return config_set(p, p->key->row, total);
}

/* Linux: 0 never, 1 ask for it, 2 when the peer asks, 3 and 5 the same with Accurate ECN, which the
 * engine cannot accept and ask for the older kind only (4). */
static int set_ecn(struct parse *p)
{
	static const uint64_t mode[] = {0, 2, 1, 3, 0, 4};
	uint64_t value;

	if (number_of(p->value, &value) != 0 || value > 5 || value == 4)
		return bad_value(p, "0, 1, 2, 3 or 5");
	return config_set(p, "ecn", mode[value]);
}

/* What is a bit, or several, to Linux and a flag to the engine. */
static int set_flag(struct parse *p)
{
	uint64_t value;

	if (number_of(p->value, &value) != 0)
		return bad_value(p, "a number");
	return config_set(p, p->key->row, value != 0);
}

static int set_tw_reuse(struct parse *p)
{
	uint64_t value;

	if (number_of(p->value, &value) != 0 || value > 2)
		return bad_value(p, "0, 1 or 2");
	return config_set(p, "timewait_reuse", value != 0);
}

static int set_timestamps(struct parse *p)
{
	uint64_t value;

	if (number_of(p->value, &value) != 0 || value > 2)
		return bad_value(p, "0, 1 or 2");
	return config_set(p, "timestamps", value != 0);
}

/* Free text that the engine has no use for. */
static int set_text(struct parse *p)
{
	pd_report("%s: the engine does not have %s; the script runs without", p->name, p->key->row);
	return 0;
}

#define ROW(name, row, scale) \
	{ \
		name, set_row, row, scale, 0, 0 \
	}
#define KNOWN(name, lo, hi, what) \
	{ \
		name, set_known, what, 0, lo, hi \
	}
#define ANY UINT64_MAX

static const struct key keys[] = {
	/* The adapter's own */
	{"clock", set_clock, NULL, 0, 0, 0},
	{"synopt_order", set_synopt, NULL, 0, 0, 0},
	{"segs", set_segs, NULL, 0, 0, 0},
	{"strict", set_strict, NULL, 0, 0, 0},
	{"seed", set_seed, NULL, 0, 0, 0},
	{"local", set_addr, NULL, 0, 0, 0},
	ROW("mtu", "link_mtu", 1),
	/* What the engine has */
	{"tcp_rmem", set_rmem, NULL, 0, 0, 0},
	{"tcp_wmem", set_wmem, NULL, 0, 0, 0},
	{"tcp_congestion_control", set_congestion, NULL, 0, 0, 0},
	{"tcp_timestamps", set_timestamps, NULL, 0, 0, 0},
	{"tcp_min_tso_segs", set_min_tso, NULL, 0, 0, 0},
	{"tcp_notsent_lowat", set_notsent, NULL, 0, 0, 0},
	{"tcp_syn_retries", set_retries, "syn_r2_ms", 1000, 0, 0},
	{"tcp_retries2", set_retries, "r2_ms", 200, 0, 0},
	{"tcp_tw_reuse", set_tw_reuse, NULL, 0, 0, 0},
	{"ip_local_port_range", set_port_range, NULL, 0, 0, 0},
	ROW("tcp_sack", "sack", 1),
	ROW("tcp_window_scaling", "window_scaling", 1),
	ROW("tcp_initial_cwnd", "initial_cwnd", 1),
	ROW("tcp_init_cwnd", "initial_cwnd", 1),
	ROW("tcp_reordering", "dupthresh", 1),
	ROW("tcp_retries1", "r1_retries", 1),
	ROW("tcp_synack_retries", "half_retries", 1),
	ROW("tcp_max_syn_backlog", "halfs_max", 1),
	ROW("tcp_max_tw_buckets", "timewaits_max", 1),
	ROW("tcp_fin_timeout", "finwait2_ms", 1000),
	ROW("tcp_keepalive_time", "keep_idle_ms", 1000),
	ROW("tcp_keepalive_intvl", "keep_interval_ms", 1000),
	ROW("tcp_keepalive_probes", "keep_count", 1),
	ROW("tcp_rfc1337", "timewait_rst_ignored", 1),
	ROW("tcp_invalid_ratelimit", "ooo_ack_ms", 1),
	ROW("tcp_rto_max_ms", "rto_max_ms", 1),
	ROW("tcp_slow_start_after_idle", "idle_restart", 1),
	ROW("tcp_syncookies", "cookies", 1),
	ROW("tcp_mtu_probing", "mtu_probing", 1),
	{"tcp_ecn", set_ecn, NULL, 0, 0, 0},
	{"tcp_frto", set_flag, "frto", 0, 0, 0},
	{"tcp_early_retrans", set_flag, "tlp", 0, 0, 0},
	{"tcp_recovery", set_flag, "rack", 0, 0, 0},
	{"tcp_abort_on_overflow", set_flag, "accept_overflow_rst", 0, 0, 0},
	ROW("ip_default_ttl", "ttl", 1),
	/* What the engine has no choice in */
	KNOWN("tcp_ecn_option", 0, ANY, "AccECN options"),
	KNOWN("tcp_ecn_fallback", 1, 1, "a switch for the fall-back from ECN"),
	KNOWN("tcp_fastopen", 0, 1, "Fast Open"),
	KNOWN("tcp_fastopen_cookies", 0, ANY, "Fast Open"),
	{"tcp_fastopen_key", set_text, "Fast Open", 0, 0, 0},
	KNOWN("tcp_fastopen_blackhole_timeout_sec", 0, ANY, "Fast Open"),
	KNOWN("tcp_base_mss", 0, ANY, "this step of packetization-layer path MTU discovery"),
	KNOWN("tcp_mtu_probe_floor", 0, ANY, "this step of packetization-layer path MTU discovery"),
	KNOWN("tcp_probe_threshold", 0, ANY, "this step of packetization-layer path MTU discovery"),
	KNOWN("tcp_probe_interval", 0, ANY, "this step of packetization-layer path MTU discovery"),
	KNOWN("tcp_min_snd_mss", 0, ANY, "a least MSS"),
	KNOWN("tcp_dsack", 1, 1, "a switch for D-SACK"),
	KNOWN("tcp_fack", 0, 0, "FACK"),
	KNOWN("tcp_max_reordering", 0, ANY, "an adaptive reordering degree"),
	KNOWN("tcp_tso_win_divisor", 0, ANY, "this way to defer"),
	KNOWN("tcp_tso_rtt_log", 0, ANY, "this way to size packets"),
	KNOWN("tcp_limit_output_bytes", 0, ANY, "a queue below it"),
	KNOWN("tcp_pacing_ss_ratio", 0, ANY, "pacing"),
	KNOWN("tcp_pacing_ca_ratio", 0, ANY, "pacing"),
	KNOWN("tcp_autocorking", 0, ANY, "autocorking"),
	KNOWN("tcp_moderate_rcvbuf", 1, 1, "a way to stop the growth of windows"),
	KNOWN("tcp_adv_win_scale", 0, ANY, "overhead in its buffers"),
	KNOWN("tcp_app_win", 0, ANY, "overhead in its buffers"),
	KNOWN("tcp_mem", 0, ANY, "such a limit"),
	KNOWN("tcp_no_metrics_save", 0, 1, "stored metrics"),
	KNOWN("tcp_no_ssthresh_metrics_save", 0, 1, "stored metrics"),
	KNOWN("tcp_orphan_retries", 0, 0, "a limit for orphans apart"),
	KNOWN("tcp_max_orphans", 0, ANY, "a limit for orphans apart"),
	KNOWN("tcp_challenge_ack_limit", 0, ANY, "a limit for all connections together"),
	KNOWN("tcp_comp_sack_nr", 0, ANY, "compressed ACKs"),
	KNOWN("tcp_comp_sack_delay_ns", 0, ANY, "compressed ACKs"),
	KNOWN("tcp_comp_sack_slack_ns", 0, ANY, "compressed ACKs"),
	KNOWN("tcp_backlog_ack_defer", 0, ANY, "a backlog"),
	KNOWN("tcp_retrans_collapse", 0, ANY, "collapsed retransmissions"),
	KNOWN("tcp_thin_linear_timeouts", 0, 0, "thin-stream time-outs"),
	KNOWN("tcp_syn_linear_timeouts", 0, 4, "linear time-outs of a SYN"),
	KNOWN("tcp_stdurg", 0, 0, "another reading of the urgent pointer"),
	KNOWN("tcp_workaround_signed_windows", 0, 0, "signed windows"),
	KNOWN("tcp_migrate_req", 0, 0, "several listeners at one port"),
	KNOWN("tcp_shrink_window", 0, 0, "shrinking windows (RFC 9293 SHLD-14)"),
	KNOWN("tcp_reflect_tos", 0, 0, "a reflected TOS"),
	KNOWN("tcp_plb_enabled", 0, 0, "load balancing by flow label"),
	KNOWN("ip_no_pmtu_disc", 0, 0, "a way to ignore ICMP"),
};

static const char *skip_prefix(const char *name)
{
	static const char *const prefix[] = {"net.ipv4.", "net/ipv4/", "/proc/sys/net/ipv4/"};

	for (unsigned i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (strncmp(name, prefix[i], strlen(prefix[i])) == 0)
			return name + strlen(prefix[i]);
	return name;
}

static int set_item(struct parse *p)
{
	const char *name = skip_prefix(p->name);
	uint64_t value;

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(name, keys[i].name) != 0)
			continue;
		p->key = &keys[i];
		return keys[i].set(p);
	}
	for (unsigned i = 0; weir_config_row(i) != NULL; i++) {
		if (strcmp(name, weir_config_row(i)->name) != 0)
			continue;
		if (number_of(p->value, &value) != 0)
			return bad_value(p, "a number");
		return config_set(p, name, value);
	}
	snprintf(p->error, p->error_len, "unknown flag \"%s\"", p->name);
	return -1;
}

static void defaults(struct pd_flags *out)
{
	*out = (struct pd_flags){
		.clock = PD_CLOCK_VIRTUAL,
		.segs = PD_SEGS_AUTO,
		.segs_min = 2,
		.notsent_lowat = UINT32_MAX,
		.congestion = "cubic",
	};
	weir_config_default(&out->cfg);
	out->cfg.link_mtu = 1500;
	/* packetdrill locks all memory, so the stack is no larger than a script needs. */
	out->cfg.conns_max = 256;
	out->cfg.pages_max = 4096;
	out->cfg.ranges_max = 4096;
	/* As tcp_rmem="4096 540000 15728640" and tcp_wmem="4096 262144 4194304" would. */
	out->cfg.rcvbuf = RCVBUF_MAX;
	out->cfg.wscale_min = 8;
	out->cfg.sndbuf = 262144;
	out->cfg.mtu_probing = 0; /* tcp_mtu_probing */
	/* Fixed, so that the same packets and calls give the same packets each time. */
	memset(out->cfg.hash_key, 0x5a, sizeof(out->cfg.hash_key));
	memset(out->cfg.isn_key, 0xa5, sizeof(out->cfg.isn_key));
}

/* Where the item at `at` ends: at a comma that no mere number follows, or at the end. */
static char *item_end(char *at)
{
	for (;;) {
		char *comma = strchr(at, ',');
		size_t digits;

		if (comma == NULL)
			return at + strlen(at);
		digits = strspn(comma + 1, "0123456789");
		if (digits == 0 || (comma[1 + digits] != ',' && comma[1 + digits] != '\0'))
			return comma;
		at = comma + 1;
	}
}

static int parse_item(char *item, struct parse *p)
{
	char *equals;

	while (*item == ' ')
		item++;
	equals = strchr(item, '=');
	p->name = item;
	if (equals == NULL || equals == item) {
		snprintf(p->error, p->error_len, "flag \"%s\" is not of the form key=value", item);
		return -1;
	}
	*equals = '\0';
	p->value = equals + 1;
	return set_item(p);
}

static int check(struct pd_flags *out, struct parse *p)
{
	const struct weir_config_row *row;

	if (out->segs != PD_SEGS_ONE) {
		out->cfg.link_gso_max = 65535;
		out->cfg.link_csum_offload = 1;
	}
	row = weir_config_check(&out->cfg);
	if (row == NULL)
		return 0;
	snprintf(p->error, p->error_len, "flags: %s contradicts another setting", row->name);
	return -1;
}

int pd_flags_parse(const char *text, struct pd_flags *out, char *error, size_t len)
{
	struct parse p = {.out = out, .error = error, .error_len = len};
	char copy[TEXT_MAX], *at = copy;

	error[0] = '\0';
	defaults(out);
	if (text != NULL && strlen(text) >= sizeof(copy)) {
		snprintf(error, len, "flags of more than %u characters", TEXT_MAX - 1);
		return -1;
	}
	strcpy(copy, text != NULL ? text : "");
	while (*at != '\0') {
		char *end = item_end(at), *next = *end == ',' ? end + 1 : end;

		*end = '\0';
		if (*at != '\0' && parse_item(at, &p) != 0)
			return -1;
		at = next;
	}
	return check(out, &p);
}
