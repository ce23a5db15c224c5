/*
 * Theory of operation
 *
 * RFC 9937 6. While more is in flight than the target, each delivered byte lets target / RecoverFS
 * bytes out, so that the window has shrunk in proportion when the round trip is over (RFC9937-03).
 * Once less is in flight (more was lost than the window shrinks by), as much goes out as arrives,
 * and one segment more for an ACK that makes progress without telling of more loss (-04), up to the
 * target. The first segment of an episode goes in any case (-05).
 */
#include "tcp/prr.h"

void prr_begin(struct prr *p, uint32_t flight)
{
	*p = (struct prr){.flight = flight ? flight : 1};
}

uint32_t prr_acked(struct prr *p, uint32_t delivered, enum prr_ack safe, uint32_t pipe,
		   uint32_t target, uint32_t mss)
{
	int64_t count;

	p->delivered += delivered;
	if (pipe > target) {
		uint64_t share = (uint64_t)p->delivered * target + p->flight - 1;

		count = (int64_t)(share / p->flight) - p->out;
	} else {
		count = (int64_t)p->delivered - p->out;
		if (count < delivered)
			count = delivered;
		if (safe == PRR_SAFE)
			count += mss;
		if (count > target - pipe)
			count = target - pipe;
	}
	if (count < 0)
		count = 0;
	if (p->out == 0 && count < mss)
		count = mss; /* RFC9937-05 */
	return pipe + (uint32_t)count;
}
