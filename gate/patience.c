#include "patience.h"

void gate_patience_start(struct gate_patience *p, uint64_t now_ns)
{
	*p = (struct gate_patience){.at_ns = now_ns};
}

void gate_patience_step(struct gate_patience *p, uint64_t now_ns, uint64_t step_ns,
			uint64_t progress)
{
	uint64_t gap = now_ns - p->at_ns;

	if (gap > 2 * step_ns)
		gap = 2 * step_ns;
	p->at_ns = now_ns;
	p->waited_ns += gap;
	p->quiet_ns += gap;
	if (progress != p->seen)
		p->quiet_ns = 0;
	p->seen = progress;
}
