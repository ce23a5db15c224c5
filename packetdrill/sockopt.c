/*
 * Theory of operation
 *
 * A value is kept with the socket, whether it has a connection of the engine or not. What the
 * engine has an option for is set there at once, or when the connection comes to be
 * (pd_opts_apply): an accepted one inherits its listener's values, as on Linux. What only changes
 * the calls (SO_RCVLOWAT, TCP_CORK, ...) is read where it matters. What the engine cannot do and
 * nobody would notice (SO_PRIORITY) is kept and told again; what a script would notice is refused
 * with ENOPROTOOPT and a line on standard error.
 *
 * SO_SNDBUF and SO_RCVBUF are told doubled, as on Linux, where the second half is for its own
 * overhead; the engine's buffers count payload only, so they get the value that was set.
 */
#include "sock.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "pd.h"
#include "report.h"

#ifndef TCP_CC_INFO
#define TCP_CC_INFO 26
#endif
#ifndef TCP_INQ
#define TCP_INQ 36
#endif
#define SNDBUF_MIN     2304 /* Linux's: half of what it tells */
#define RCVBUF_MIN     1152
#define ENGINE_BUF_MAX 4190208
#define MAXSEG_MIN     88

enum act { KEEP, GET, FLAG, BUFFER, LOWAT, MAXSEG, TOS, TTL };

struct row {
	int level, name, def, min, max;
	enum act act;
};

static const struct row rows[PD_OPT_COUNT] = {
#define X(level, name, id, def, min, max, act) {level, name, def, min, max, act},
#include "sockopt.def"
#undef X
};

static int fail(int error)
{
	errno = error;
	return -1;
}

void pd_opts_init(struct pd *pd, struct pd_opts *o)
{
	const struct weir_config *cfg = &pd->flags.cfg;

	*o = (struct pd_opts){0};
	for (unsigned i = 0; i < PD_OPT_COUNT; i++)
		o->value[i] = rows[i].def;
	o->value[PD_OPT_SNDBUF] = (int)cfg->sndbuf;
	o->value[PD_OPT_RCVBUF] = (int)cfg->rcvbuf;
	o->value[PD_OPT_NODELAY] = !cfg->nagle;
	o->value[PD_OPT_KEEPALIVE] = (int)cfg->keepalive;
	o->value[PD_OPT_KEEPIDLE] = (int)(cfg->keep_idle_ms / 1000);
	o->value[PD_OPT_KEEPINTVL] = (int)(cfg->keep_interval_ms / 1000);
	o->value[PD_OPT_KEEPCNT] = (int)cfg->keep_count;
	o->value[PD_OPT_TTL] = o->value[PD_OPT_HOPS] = (int)cfg->ttl;
	o->value[PD_OPT_TOS] = o->value[PD_OPT_TCLASS] = (int)cfg->dscp << 2;
	memcpy(o->congestion, pd->flags.congestion, sizeof(o->congestion));
}

static void engine_set(struct pd *pd, struct pd_sock *s, enum weir_connopt opt, uint64_t value)
{
	if (s->conn.v != 0)
		weir_conn_set(pd->stack, s->conn, opt, value);
}

static uint64_t buffer_of(int value)
{
	return value < 1 ? 1 : value > ENGINE_BUF_MAX ? ENGINE_BUF_MAX : (uint64_t)value;
}

/* Brings one value to the engine. */
static void apply(struct pd *pd, struct pd_sock *s, enum pd_opt opt)
{
	int v = s->opts.value[opt];
	bool v6 = s->remote.addr.family == 6;

	if (opt == PD_OPT_NODELAY)
		engine_set(pd, s, WEIR_OPT_NODELAY, (uint64_t)v);
	else if (opt == PD_OPT_KEEPALIVE)
		engine_set(pd, s, WEIR_OPT_KEEPALIVE, (uint64_t)v);
	else if (opt == PD_OPT_KEEPIDLE)
		engine_set(pd, s, WEIR_OPT_KEEP_IDLE_MS, (uint64_t)v * 1000);
	else if (opt == PD_OPT_KEEPINTVL)
		engine_set(pd, s, WEIR_OPT_KEEP_INTERVAL_MS, (uint64_t)v * 1000);
	else if (opt == PD_OPT_KEEPCNT)
		engine_set(pd, s, WEIR_OPT_KEEP_COUNT, (uint64_t)v);
	else if (opt == PD_OPT_USER_TIMEOUT)
		engine_set(pd, s, WEIR_OPT_USER_TIMEOUT_MS, v ? (uint64_t)v : pd->flags.cfg.r2_ms);
	else if (opt == PD_OPT_SNDBUF)
		engine_set(pd, s, WEIR_OPT_SNDBUF, buffer_of(v));
	else if (opt == PD_OPT_RCVBUF || opt == PD_OPT_WINDOW_CLAMP)
		engine_set(pd, s, WEIR_OPT_RCVBUF, buffer_of(v));
	else if (opt == PD_OPT_TOS && !v6)
		engine_set(pd, s, WEIR_OPT_DSCP, (uint64_t)(uint8_t)v >> 2);
	else if (opt == PD_OPT_TCLASS && v6 && v >= 0)
		engine_set(pd, s, WEIR_OPT_DSCP, (uint64_t)(uint8_t)v >> 2);
	else if ((opt == PD_OPT_TTL && !v6) || (opt == PD_OPT_HOPS && v6))
		engine_set(pd, s, WEIR_OPT_TTL, v > 0 ? (uint64_t)v : pd->flags.cfg.ttl);
}

void pd_opts_apply(struct pd *pd, struct pd_sock *s)
{
	int kind = pd_congestion_kind(s->opts.congestion, strlen(s->opts.congestion));

	if (kind >= 0 && (uint64_t)kind != pd->flags.cfg.cc)
		engine_set(pd, s, WEIR_OPT_CC, (uint64_t)kind);
	for (unsigned i = 0; i < PD_OPT_COUNT; i++)
		if (s->opts.changed >> i & 1)
			apply(pd, s, (enum pd_opt)i);
}

int64_t pd_opts_until(struct pd *pd, struct pd_sock *s, enum pd_opt which)
{
	const struct timeval *tv = which == PD_OPT_RCVTIMEO ? &s->opts.rcvtimeo : &s->opts.sndtimeo;

	if (tv->tv_sec == 0 && tv->tv_usec == 0)
		return PD_NEVER;
	return pd->clock.now_us + (int64_t)tv->tv_sec * 1000000 + tv->tv_usec;
}

static int value_of(enum act act, enum pd_opt opt, int v)
{
	switch (act) {
	case FLAG:
		return v != 0;
	case BUFFER: {
		int least = opt == PD_OPT_SNDBUF ? SNDBUF_MIN : RCVBUF_MIN;

		return v > INT_MAX / 2 ? INT_MAX / 2 : v < least ? least : v;
	}
	case LOWAT:
		return v < 0 ? INT_MAX : v > 0 ? v : 1;
	case TOS: /* the ECN bits are TCP's */
		return v & 0xfc;
	case KEEP:
	case GET:
	case MAXSEG:
	case TTL:
		break;
	}
	return v;
}

/* Nagle's algorithm, or the cork, is off: what they held back may go. As on Linux TCP_NODELAY also
 * lets go what is corked at that moment. */
static void push(struct pd *pd, struct pd_sock *s)
{
	size_t taken;

	if (s->conn.v != 0 && s->phase == PD_PHASE_CONNECTED)
		weir_send(pd->stack, s->conn, "", 0, 0, &taken, pd_now(pd));
}

static int set_int(struct pd *pd, struct pd_sock *s, enum pd_opt opt, int v)
{
	const struct row *r = &rows[opt];

	if (r->act == GET)
		return fail(ENOPROTOOPT);
	if (v < r->min || v > r->max)
		return fail(EINVAL);
	if (r->act == MAXSEG && v != 0 && v < MAXSEG_MIN)
		return fail(EINVAL);
	if (r->act == MAXSEG && s->phase != PD_PHASE_NEW && s->phase != PD_PHASE_LISTENING)
		return fail(EINVAL);
	s->opts.value[opt] = value_of(r->act, opt, v);
	s->opts.changed |= 1ull << opt;
	apply(pd, s, opt);
	if (opt == PD_OPT_MAXSEG && v != 0)
		pd_report("TCP_MAXSEG is remembered, but the engine announces the link's MSS");
	if ((opt == PD_OPT_CORK && v == 0) || (opt == PD_OPT_NODELAY && v != 0))
		push(pd, s);
	return 0;
}

static int find(int level, int name)
{
	for (unsigned i = 0; i < PD_OPT_COUNT; i++)
		if (rows[i].level == level && rows[i].name == name)
			return (int)i;
	return -1;
}

static int set_timeout(struct timeval *tv, const void *value, socklen_t len)
{
	if (len < (socklen_t)sizeof(*tv))
		return fail(EINVAL);
	memcpy(tv, value, sizeof(*tv));
	return tv->tv_usec < 0 || tv->tv_usec >= 1000000 ? fail(EDOM) : 0;
}

static int set_congestion(struct pd *pd, struct pd_sock *s, const char *name, socklen_t len)
{
	size_t n = strnlen(name, len);
	int kind = pd_congestion_kind(name, n);

	if (kind < 0) {
		pd_report("TCP_CONGESTION \"%.*s\": the engine does not have it", (int)n, name);
		return fail(ENOENT);
	}
	memcpy(s->opts.congestion, name, n); /* shorter than the array, being a known name */
	s->opts.congestion[n] = '\0';
	engine_set(pd, s, WEIR_OPT_CC, (uint64_t)kind);
	return 0;
}

/* What the engine does not have; Linux's errno where it does not have it either. */
static int refuse(int level, int name)
{
	static const struct {
		int level, name, error;
		const char *text;
	} absent[] = {
		{IPPROTO_TCP, TCP_FASTOPEN, EOPNOTSUPP, "TCP_FASTOPEN: no Fast Open"},
		{IPPROTO_TCP, 30, EOPNOTSUPP, "TCP_FASTOPEN_CONNECT: no Fast Open"},
		{IPPROTO_TCP, 33, EOPNOTSUPP, "TCP_FASTOPEN_KEY: no Fast Open"},
		{IPPROTO_TCP, 34, EOPNOTSUPP, "TCP_FASTOPEN_NO_COOKIE: no Fast Open"},
		{IPPROTO_TCP, TCP_MD5SIG, ENOPROTOOPT, "TCP_MD5SIG: no TCP-MD5 (RFC 2385)"},
		{SOL_SOCKET, 60, EOPNOTSUPP, "SO_ZEROCOPY: no kernel to lend memory to"},
		{SOL_SOCKET, SO_TIMESTAMPING, ENOPROTOOPT, "SO_TIMESTAMPING: no error queue"},
	};

	for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		if (absent[i].level != level || absent[i].name != name)
			continue;
		pd_report("%s", absent[i].text);
		return fail(absent[i].error);
	}
	pd_report("socket option %d of level %d is not offered", name, level);
	return fail(ENOPROTOOPT);
}

/* Options that are not an int. 1: not one of them. */
static int set_other(struct pd *pd, struct pd_sock *s, int level, int name, const void *value,
		     socklen_t len)
{
	if (level == SOL_SOCKET && name == SO_LINGER) {
		if (len < (socklen_t)sizeof(s->opts.linger))
			return fail(EINVAL);
		memcpy(&s->opts.linger, value, sizeof(s->opts.linger));
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_RCVTIMEO)
		return set_timeout(&s->opts.rcvtimeo, value, len);
	if (level == SOL_SOCKET && name == SO_SNDTIMEO)
		return set_timeout(&s->opts.sndtimeo, value, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_congestion(pd, s, value, len);
	return 1;
}

int pd_sock_setsockopt(struct pd *pd, struct pd_sock *s, int level, int name, const void *value,
		       socklen_t len)
{
	int opt = find(level, name), v = 0, result;

	if (value == NULL)
		return fail(EFAULT);
	result = set_other(pd, s, level, name, value, len);
	if (result <= 0)
		return result;
	if (opt < 0)
		return refuse(level, name);
	if (len < (socklen_t)sizeof(v) && (level != IPPROTO_IP || len < 1))
		return fail(EINVAL);
	if (len < (socklen_t)sizeof(v))
		v = *(const uint8_t *)value; /* Linux takes a byte at this level */
	else
		memcpy(&v, value, sizeof(v));
	return set_int(pd, s, (enum pd_opt)opt, v);
}

int pd_opt_copy(const void *from, socklen_t size, void *value, socklen_t *len)
{
	if (*len > size)
		*len = size;
	memcpy(value, from, *len);
	return 0;
}

static int count_syn_received(struct pd *pd)
{
	struct weir_usage u;
	struct weir_info i;
	uint32_t cursor = 0;
	int n;

	weir_stack_usage(pd->stack, &u);
	n = (int)u.halfs;
	while (weir_walk(pd->stack, WEIR_WALK_CONNS, &cursor, pd_now(pd), &i))
		n += i.state == WEIR_STATE_SYN_RECEIVED;
	return n;
}

/* Those that have their memory and no place among the connections any more. */
static int count_closed(struct pd *pd)
{
	struct weir_usage u;
	struct weir_info i;
	uint32_t cursor = 0;
	int live = 0;

	weir_stack_usage(pd->stack, &u);
	while (weir_walk(pd->stack, WEIR_WALK_CONNS, &cursor, pd_now(pd), &i))
		live += i.state != WEIR_STATE_CLOSED;
	return (int)u.conns - live;
}

static int maxseg_of(struct pd *pd, struct pd_sock *s)
{
	struct weir_info i;

	if (s->conn.v != 0 && weir_conn_info(pd->stack, s->conn, &i) == WEIR_OK &&
	    s->phase == PD_PHASE_CONNECTED)
		return (int)i.mss_bytes;
	return s->opts.value[PD_OPT_MAXSEG] ? s->opts.value[PD_OPT_MAXSEG] : 536;
}

/* Int values that are found out when asked for. 1: not one of them. */
static int get_computed(struct pd *pd, struct pd_sock *s, int level, int name, int *v)
{
	struct weir_usage u;

	if (level == SOL_SOCKET && name == SO_ERROR)
		*v = pd_sock_take_error(s);
	else if (level == SOL_SOCKET && name == SO_ACCEPTCONN)
		*v = s->phase == PD_PHASE_LISTENING;
	else if (level == SOL_SOCKET && name == SO_DOMAIN)
		*v = s->domain;
	else if (level == SOL_SOCKET && name == SO_SNDBUF)
		*v = s->opts.value[PD_OPT_SNDBUF] * 2;
	else if (level == SOL_SOCKET && name == SO_RCVBUF)
		*v = s->opts.value[PD_OPT_RCVBUF] * 2;
	else if (level == IPPROTO_TCP && name == TCP_MAXSEG)
		*v = maxseg_of(pd, s);
	else if ((level == IPPROTO_IP && name == IP_MTU) ||
		 (level == IPPROTO_IPV6 && name == IPV6_MTU))
		*v = (int)pd->flags.cfg.link_mtu;
	else if (level == IPPROTO_TCP && name == PD_OPT_SYN_RECEIVED)
		*v = count_syn_received(pd);
	else if (level == IPPROTO_TCP && name == PD_OPT_CLOSED_HELD)
		*v = count_closed(pd);
	else if (level == IPPROTO_TCP && name == PD_OPT_TIME_WAIT)
		weir_stack_usage(pd->stack, &u), *v = (int)u.timewaits;
	else
		return 1;
	return 0;
}

int pd_sock_getsockopt(struct pd *pd, struct pd_sock *s, int level, int name, void *value,
		       socklen_t *len)
{
	int opt = find(level, name), v;

	if (value == NULL || len == NULL)
		return fail(EFAULT);
	if (level == SOL_SOCKET && name == SO_LINGER)
		return pd_opt_copy(&s->opts.linger, sizeof(s->opts.linger), value, len);
	if (level == SOL_SOCKET && name == SO_RCVTIMEO)
		return pd_opt_copy(&s->opts.rcvtimeo, sizeof(s->opts.rcvtimeo), value, len);
	if (level == SOL_SOCKET && name == SO_SNDTIMEO)
		return pd_opt_copy(&s->opts.sndtimeo, sizeof(s->opts.sndtimeo), value, len);
	if (level == SOL_SOCKET && name == SO_MEMINFO)
		return pd_meminfo_get(pd, s, value, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return pd_opt_copy(s->opts.congestion, sizeof(s->opts.congestion), value, len);
	if (level == IPPROTO_TCP && name == TCP_INFO)
		return pd_tcpinfo_get(pd, s, value, len);
	if (level == IPPROTO_TCP && name == TCP_CC_INFO)
		return pd_ccinfo_get(pd, s, value, len);
	if (get_computed(pd, s, level, name, &v) == 0)
		return pd_opt_copy(&v, sizeof(v), value, len);
	if (opt < 0)
		return refuse(level, name);
	v = s->opts.value[opt];
	return pd_opt_copy(&v, sizeof(v), value, len);
}
