/*
 * path_options.h: the command line of weir-bench-path.
 */
#ifndef WEIR_BENCH_PATH_OPTIONS_H
#define WEIR_BENCH_PATH_OPTIONS_H

#include <stdint.h>

#include "weir/impair.h"

/* One end of the path: a TUN device in a network namespace. */
struct path_end {
	char namespace[64]; /* a name of ip-netns(8) */
	char device[16];
	char address[64]; /* CIDR text; "": none */
};

struct path_options {
	struct path_end ends[2];          /* a, b */
	struct weir_impair_conf confs[2]; /* from a to b, from b to a */
	uint32_t mtu;
	uint64_t spin_ns; /* a deadline that is nearer is waited for without sleeping */
	int realtime;     /* ask for SCHED_FIFO */
};

/* 0; 1: --help was printed; 2: said on standard error what is wrong. */
int path_options_read(struct path_options *o, int argc, char **argv);

#endif
