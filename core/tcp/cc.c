#include "tcp/cc.h"

#define RFC3390_BYTES 4380u
#define CAREFUL_BYTES 4096u /* RFC 6928 2: "more than 4 KB of data is sent" */

/* RFC6928-01: min(10 * MSS, max(2 * MSS, 14600)), with the 10 as a setting. A link with a large
 * MTU thus starts with two segments of it. */
static uint32_t cc_initial(const struct weir_config *cfg, uint32_t mss)
{
	uint32_t n = (uint32_t)cfg->initial_cwnd;
	uint32_t bytes = n * 1460u > 2 * mss ? n * 1460u : 2 * mss;

	return n * mss < bytes ? n * mss : bytes;
}

/* What a restart window may be after a loss in the first one: RFC 3390. */
static uint32_t cc_restart_small(uint32_t mss)
{
	uint32_t bytes = RFC3390_BYTES > 2 * mss ? RFC3390_BYTES : 2 * mss;

	return 4 * mss < bytes ? 4 * mss : bytes;
}

void cc_init(struct cc *c, const struct weir_config *cfg, uint32_t mss, uint8_t syn_retries)
{
	c->cwnd = syn_retries > 1 ? mss : cc_initial(cfg, mss); /* RFC6928-02 */
	c->ssthresh = UINT32_MAX / 2;                           /* RFC5681-06 */
	c->acked = 0;
	c->first = c->cwnd;
	c->since = 0;
	c->used = 0;
	c->limited = false;
	c->careful = false;
}

void cc_sent(struct cc *c, uint32_t flight, uint32_t mss, seq_t una, seq_t nxt)
{
	if (flight > c->used || seq_geq(una, c->used_end)) {
		c->used = flight;
		c->used_end = nxt;
	}
	if (flight + mss > c->cwnd)
		c->limited = true; /* what is left of the window takes no segment */
}

void cc_acked(struct cc *c, uint32_t acked)
{
	c->since = acked < UINT32_MAX - c->since ? c->since + acked : UINT32_MAX;
	if (c->cwnd < c->ssthresh && c->cwnd / 2 < c->used)
		c->limited = true; /* RFC 7661 4.3: half of it in use makes it valid */
}

void cc_lost(struct cc *c, uint32_t flight)
{
	if (c->since < c->first && (uint64_t)c->since + flight > CAREFUL_BYTES)
		c->careful = true;
}

void cc_idle(struct cc *c, const struct weir_config *cfg, uint32_t mss)
{
	uint32_t restart = c->careful ? cc_restart_small(mss) : cc_initial(cfg, mss);

	if (cfg->idle_restart && c->cwnd > restart)
		c->cwnd = restart;
	c->first = c->cwnd;
	c->since = 0;
}
