#include "tcp/cc.h"

/* RFC6928-01: min(10 * MSS, max(2 * MSS, 14600)), with the 10 as a setting. A link with a large
 * MTU thus starts with two segments of it. */
static uint32_t cc_initial(const struct weir_config *cfg, uint32_t mss)
{
	uint32_t n = (uint32_t)cfg->initial_cwnd;
	uint32_t bytes = n * 1460u > 2 * mss ? n * 1460u : 2 * mss;

	return n * mss < bytes ? n * mss : bytes;
}

void cc_init(struct cc *c, const struct weir_config *cfg, uint32_t mss, uint8_t syn_retries)
{
	c->cwnd = syn_retries > 1 ? mss : cc_initial(cfg, mss); /* RFC6928-02 */
	c->ssthresh = UINT32_MAX / 2;                           /* RFC5681-06 */
	c->acked = 0;
	c->limited = false;
}

void cc_idle(struct cc *c, const struct weir_config *cfg, uint32_t mss)
{
	uint32_t restart = cc_initial(cfg, mss);

	if (cfg->idle_restart && c->cwnd > restart)
		c->cwnd = restart;
}
