/*
 * run.h: `weir run` without its command line.
 */
#ifndef GATE_RUN_H
#define GATE_RUN_H

#include "view.h"

/* The largest packet the device carries: 64 KB less what keeps it even (RFC 1122 3.3.3 sets none).
 * */
#define GATE_MTU_DEFAULT 65520u
/* IPv6 needs 1,280 (RFC 8200 5). */
#define GATE_MTU_MIN 1280u

/* weir itself failed; found but cannot be executed; not found: as env(1). */
#define GATE_EXIT_FAILED         125
#define GATE_EXIT_CANNOT_EXECUTE 126
#define GATE_EXIT_NOT_FOUND      127

struct gate_run_args {
	char *const *argv; /* the program and its arguments; NULL at the end */
	struct gate_net net;
	uint32_t mtu; /* bytes */
	uint64_t cc;  /* enum weir_cc: congestion control of weir's side */
	enum gate_explain explain;
	const char *trace;  /* path of the pcapng file; NULL: none */
	size_t payload_max; /* bytes of payload that it keeps of each packet */
};

/* Runs the program to its end; says on standard error what goes wrong. The exit status of weir: the
 * program's own, 128 + the signal that killed it, or one of the above. Once in a process: it gives
 * away standard input and output and every descriptor that it inherited. */
int gate_run(struct gate_run_args *args);

#endif
