/*
 * path_options.c: the command line of weir-bench-path.
 *
 * Theory of operation
 *
 * Each option of the path takes one value for both directions, or two with a slash between: from a
 * to b, and from b to a. A value is read by the kind of its row: a rate in bits, a time in ns, a
 * number of bytes, a chance in parts per million, each with its unit behind the number. A few are
 * made of parts with colons: a burst of two chances, reordering of a chance with packets and a
 * time, a queue of bytes or packets. What is out of range is left to weir_impair_check().
 */
#include "path_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_MAX_DEFAULT 16384u
#define MTU_DEFAULT         1500u
#define SPIN_NS_DEFAULT     20000u

static const char usage[] =
	"usage: weir-bench-path --a NAMESPACE,DEVICE[,CIDR] --b NAMESPACE,DEVICE[,CIDR]\n"
	"                       [OPTION...]\n"
	"\n"
	"Makes a TUN device, without offload, in each of two network namespaces and forwards\n"
	"between them as an imperfect path would. At SIGTERM or SIGINT prints one JSON object:\n"
	"what was done to packets in each direction, and what each TCP flow retransmitted.\n"
	"Namespaces are those of ip-netns(8).\n"
	"\n"
	"A VALUE is for both directions; VALUE/VALUE: from a to b, and from b to a.\n"
	"  --rate R              bits a second: 100mbit, 1gbit, 500kbit (no limit)\n"
	"  --delay T             propagation each way: 10ms, 500us, 1s (0)\n"
	"  --jitter T[:free]     more, evenly from 0 to T; free: packets may overtake\n"
	"  --queue N             that may wait: bytes (64000, 64KB) or packets (100p) (no limit)\n"
	"  --aqm none|codel|codel-mark[:TARGET:INTERVAL]\n"
	"                        CoDel (RFC 8289); mark: CE instead of a drop\n"
	"  --mark N              bytes waiting from which ECN-capable packets are marked\n"
	"  --loss P              chance: 1%, 100ppm\n"
	"  --burst P:P           chance of a burst of loss to begin, and with each packet to end\n"
	"  --reorder P:T[:Np]    chance of being held back for T; or until N more have passed\n"
	"  --dup P  --corrupt P  chances of a copy and of damage\n"
	"  --seed N              of all chances (1; b to a has the next one)\n"
	"  --mtu N               of the devices (1500)\n"
	"  --packets-max N       inside of each direction at a time (16384)\n"
	"  --spin T              deadlines nearer than this are waited for without sleep (20us)\n"
	"  --realtime            ask for a real-time priority\n";

enum option_id {
	OPTION_A = 256,
	OPTION_B,
	OPTION_RATE,
	OPTION_DELAY,
	OPTION_JITTER,
	OPTION_QUEUE,
	OPTION_AQM,
	OPTION_MARK,
	OPTION_LOSS,
	OPTION_BURST,
	OPTION_REORDER,
	OPTION_DUP,
	OPTION_CORRUPT,
	OPTION_SEED,
	OPTION_MTU,
	OPTION_PACKETS_MAX,
	OPTION_SPIN,
	OPTION_REALTIME,
	OPTION_HELP,
};

static const struct option options[] = {
	{"a", required_argument, NULL, OPTION_A},
	{"b", required_argument, NULL, OPTION_B},
	{"rate", required_argument, NULL, OPTION_RATE},
	{"delay", required_argument, NULL, OPTION_DELAY},
	{"jitter", required_argument, NULL, OPTION_JITTER},
	{"queue", required_argument, NULL, OPTION_QUEUE},
	{"aqm", required_argument, NULL, OPTION_AQM},
	{"mark", required_argument, NULL, OPTION_MARK},
	{"loss", required_argument, NULL, OPTION_LOSS},
	{"burst", required_argument, NULL, OPTION_BURST},
	{"reorder", required_argument, NULL, OPTION_REORDER},
	{"dup", required_argument, NULL, OPTION_DUP},
	{"corrupt", required_argument, NULL, OPTION_CORRUPT},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"mtu", required_argument, NULL, OPTION_MTU},
	{"packets-max", required_argument, NULL, OPTION_PACKETS_MAX},
	{"spin", required_argument, NULL, OPTION_SPIN},
	{"realtime", no_argument, NULL, OPTION_REALTIME},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* --- Numbers with units -------------------------------------------------------------------------
 */

struct unit {
	const char *name;
	double factor;
};

static const struct unit rates[] = {{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3},
				    {"bit", 1},    {"", 1},       {NULL, 0}};
static const struct unit times[] = {{"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"s", 1e9}, {NULL, 0}};
static const struct unit sizes[] = {{"KB", 1e3}, {"MB", 1e6}, {"B", 1}, {"", 1}, {NULL, 0}};
static const struct unit chances[] = {{"%", 1e4}, {"ppm", 1}, {NULL, 0}};
static const struct unit counts[] = {{"", 1}, {NULL, 0}};
static const struct unit packets[] = {{"p", 1}, {NULL, 0}};

/* 0; -1: it is no number with one of these units. */
static int read_value(const char *text, const struct unit *unit, uint64_t *out)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || !(value >= 0) || value > 1e15)
		return -1;
	for (; unit->name != NULL; unit++) {
		/* Nothing needs no unit. */
		if (strcmp(end, unit->name) == 0 || (*end == '\0' && !(value > 0))) {
			*out = (uint64_t)(value * unit->factor + 0.5);
			return 0;
		}
	}
	return -1;
}

static int read_u32(const char *text, const struct unit *unit, uint32_t *out)
{
	uint64_t value;

	if (read_value(text, unit, &value) != 0 || value > UINT32_MAX)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

/* --- Values made of parts -----------------------------------------------------------------------
 */

static int read_jitter(struct weir_impair_conf *c, char *text)
{
	char *colon = strchr(text, ':');

	c->jitter_order = WEIR_IMPAIR_ORDER_KEPT;
	if (colon != NULL && strcmp(colon, ":free") == 0) {
		c->jitter_order = WEIR_IMPAIR_ORDER_FREE;
		*colon = '\0';
	}
	return read_value(text, times, &c->jitter_ns);
}

static int read_queue(struct weir_impair_conf *c, const char *text)
{
	c->queue_bytes = 0;
	c->queue_packets = 0;
	if (read_u32(text, packets, &c->queue_packets) == 0)
		return 0;
	return read_value(text, sizes, &c->queue_bytes);
}

static int read_aqm(struct weir_impair_conf *c, char *text)
{
	char *target = strchr(text, ':'), *interval = NULL;

	if (target != NULL) {
		*target++ = '\0';
		interval = strchr(target, ':');
		if (interval == NULL)
			return -1;
		*interval++ = '\0';
		if (read_value(target, times, &c->codel_target_ns) != 0 ||
		    read_value(interval, times, &c->codel_interval_ns) != 0)
			return -1;
	}
	c->aqm = strcmp(text, "none") == 0 ? WEIR_IMPAIR_AQM_NONE : WEIR_IMPAIR_AQM_CODEL;
	c->codel_answer = strcmp(text, "codel-mark") == 0 ? WEIR_IMPAIR_ANSWER_MARK
							  : WEIR_IMPAIR_ANSWER_DROP;
	return strcmp(text, "none") == 0 || strcmp(text, "codel") == 0 ||
			       strcmp(text, "codel-mark") == 0
		       ? 0
		       : -1;
}

static int read_burst(struct weir_impair_conf *c, char *text)
{
	char *leave = strchr(text, ':');

	if (leave == NULL)
		return -1;
	*leave++ = '\0';
	return read_u32(text, chances, &c->burst_enter_ppm) != 0 ||
			       read_u32(leave, chances, &c->burst_leave_ppm) != 0
		       ? -1
		       : 0;
}

static int read_reorder(struct weir_impair_conf *c, char *text)
{
	char *hold = strchr(text, ':'), *count;

	if (hold == NULL)
		return -1;
	*hold++ = '\0';
	count = strchr(hold, ':');
	c->hold_packets = 0;
	if (count != NULL) {
		*count++ = '\0';
		if (read_u32(count, packets, &c->hold_packets) != 0)
			return -1;
	}
	return read_u32(text, chances, &c->reorder_ppm) != 0 ||
			       read_value(hold, times, &c->hold_ns) != 0
		       ? -1
		       : 0;
}

static int read_conf(struct weir_impair_conf *c, enum option_id id, char *text)
{
	switch (id) {
	case OPTION_RATE:
		return read_value(text, rates, &c->rate_bps);
	case OPTION_DELAY:
		return read_value(text, times, &c->delay_ns);
	case OPTION_JITTER:
		return read_jitter(c, text);
	case OPTION_QUEUE:
		return read_queue(c, text);
	case OPTION_AQM:
		return read_aqm(c, text);
	case OPTION_MARK:
		return read_value(text, sizes, &c->mark_bytes);
	case OPTION_LOSS:
		return read_u32(text, chances, &c->loss_ppm);
	case OPTION_BURST:
		return read_burst(c, text);
	case OPTION_REORDER:
		return read_reorder(c, text);
	case OPTION_DUP:
		return read_u32(text, chances, &c->dup_ppm);
	case OPTION_CORRUPT:
		return read_u32(text, chances, &c->corrupt_ppm);
	case OPTION_SEED:
		return read_value(text, counts, &c->seed);
	case OPTION_PACKETS_MAX:
		return read_u32(text, counts, &c->packets_max);
	case OPTION_A:
	case OPTION_B:
	case OPTION_MTU:
	case OPTION_SPIN:
	case OPTION_REALTIME:
	case OPTION_HELP:
		break;
	}
	return -1;
}

/* VALUE or VALUE/VALUE. */
static int read_both(struct path_options *o, enum option_id id, const char *argument)
{
	char text[2][128];
	const char *slash = strchr(argument, '/');
	size_t first = slash != NULL ? (size_t)(slash - argument) : strlen(argument);

	if (strlen(argument) >= sizeof(text[0]))
		return -1;
	memcpy(text[0], argument, first);
	text[0][first] = '\0';
	snprintf(text[1], sizeof(text[1]), "%s", slash != NULL ? slash + 1 : argument);
	if (read_conf(&o->confs[0], id, text[0]) != 0 || read_conf(&o->confs[1], id, text[1]) != 0)
		return -1;
	if (id == OPTION_SEED && slash == NULL)
		o->confs[1].seed++;
	return 0;
}

/* NAMESPACE,DEVICE[,CIDR] */
static int read_end(struct path_end *e, const char *argument)
{
	memset(e, 0, sizeof(*e));
	if (sscanf(argument, "%63[^,],%15[^,],%63s", e->namespace, e->device, e->address) < 2 ||
	    strchr(e->namespace, '/') != NULL)
		return -1;
	return 0;
}

static int read_option(struct path_options *o, enum option_id id)
{
	switch (id) {
	case OPTION_A:
		return read_end(&o->ends[0], optarg);
	case OPTION_B:
		return read_end(&o->ends[1], optarg);
	case OPTION_MTU:
		return read_u32(optarg, counts, &o->mtu);
	case OPTION_SPIN:
		return read_value(optarg, times, &o->spin_ns);
	case OPTION_REALTIME:
		o->realtime = 1;
		return 0;
	case OPTION_HELP:
		fputs(usage, stdout);
		return 1;
	case OPTION_RATE:
	case OPTION_DELAY:
	case OPTION_JITTER:
	case OPTION_QUEUE:
	case OPTION_AQM:
	case OPTION_MARK:
	case OPTION_LOSS:
	case OPTION_BURST:
	case OPTION_REORDER:
	case OPTION_DUP:
	case OPTION_CORRUPT:
	case OPTION_SEED:
	case OPTION_PACKETS_MAX:
		break;
	}
	return read_both(o, id, optarg);
}

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "weir-bench-path: %s%s (see --help)\n", what, value);
	return 2;
}

static int check(const struct path_options *o)
{
	for (int i = 0; i < 2; i++) {
		const char *wrong = weir_impair_check(&o->confs[i]);

		if (o->ends[i].device[0] == '\0')
			return complain("--a and --b are needed", "");
		if (wrong != NULL)
			return complain(wrong, "");
	}
	if (o->mtu < 68 || o->mtu > 65535)
		return complain("--mtu is 68 to 65535", "");
	return 0;
}

int path_options_read(struct path_options *o, int argc, char **argv)
{
	int id, rc;

	memset(o, 0, sizeof(*o));
	o->mtu = MTU_DEFAULT;
	o->spin_ns = SPIN_NS_DEFAULT;
	for (int i = 0; i < 2; i++) {
		o->confs[i].packets_max = PACKETS_MAX_DEFAULT;
		o->confs[i].seed = 1u + (uint64_t)i;
	}
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == '?')
			return 2;
		rc = read_option(o, (enum option_id)id);
		if (rc > 0)
			return rc;
		if (rc < 0)
			return complain(argv[optind - 1], ": a value like this is not taken");
	}
	if (optind < argc)
		return complain(argv[optind], ": no such argument is taken");
	return check(o);
}
