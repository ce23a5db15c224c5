#include "endcheck.h"

#include "weir/check.h"

#include "pd.h"
#include "pipe.h"
#include "ready.h"
#include "report.h"
#include "sock.h"

#define STEPS_MAX 1000000u

static void close_files(struct pd *pd)
{
	for (unsigned i = 0; i < PD_FDS_MAX; i++) {
		struct pd_file *f = pd->fds.file[i];

		if (f == NULL)
			continue;
		switch (f->kind) {
		case PD_SOCK:
			pd_sock_of(f)->opts.linger.l_onoff = 0;
			pd_sock_close(pd, pd_sock_of(f));
			break;
		case PD_EPOLL:
			pd_epoll_close(pd, (struct pd_epoll *)(void *)f);
			break;
		case PD_PIPE:
			pd_pipe_close(pd, f);
			break;
		}
	}
}

static void abort_conns(struct pd *pd)
{
	struct weir_info i;
	uint32_t cursor = 0;

	while (weir_walk(pd->stack, WEIR_WALK_CONNS, &cursor, pd_now(pd), &i))
		weir_abort(pd->stack, i.conn, pd_now(pd));
}

static int check_invariants(struct pd *pd, const char *when)
{
	const char *broken = weir_stack_check(pd->stack);

	if (broken == NULL)
		return 0;
	pd_report("an invariant of the engine is broken %s: %s", when, broken);
	return 1;
}

static int check_leaks(struct pd *pd)
{
	struct weir_usage u;

	weir_stack_usage(pd->stack, &u);
	if (!(u.conns | u.halfs | u.timewaits | u.listeners | u.pages | u.ranges))
		return 0;
	pd_report("not given back: %u connections, %u half-open and %u TIME-WAIT records, "
		  "%u listeners, %u pages, %u ranges",
		  u.conns, u.halfs, u.timewaits, u.listeners, u.pages, u.ranges);
	return 1;
}

int pd_end_check(struct pd *pd)
{
	unsigned unasked = pd->net.ended ? pd->net.unasked : pd->net.queued;
	int bad = pd->net.bad_checksums > 0;

	bad |= check_invariants(pd, "at the script's end");
	if (pd->net.bad_checksums)
		pd_report("%u packets left with a wrong checksum", pd->net.bad_checksums);
	if (unasked)
		pd_report("%u packets left that no line of the script asked for", unasked);
	bad |= unasked && pd->flags.strict;
	pd->clock.kind = PD_CLOCK_VIRTUAL; /* nobody watches: TIME-WAIT need not be waited for */
	close_files(pd);
	pd_settle(pd);
	abort_conns(pd);
	for (unsigned n = 0; n < STEPS_MAX && pd_clock_step(pd); n++)
		pd_net_clear(&pd->net);
	bad |= check_invariants(pd, "when all was closed");
	bad |= check_leaks(pd);
	return bad;
}
