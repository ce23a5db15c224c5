/*
 * view.h: what the engine's trace becomes under `weir run`: ladders on standard error, a pcapng
 * file.
 */
#ifndef GATE_VIEW_H
#define GATE_VIEW_H

#include "addr.h"
#include "weir/sink.h"

enum gate_explain { GATE_EXPLAIN_NO, GATE_EXPLAIN_YES };

struct gate_view {
	const struct gate_net *net;
	struct weir_ladder *ladder; /* NULL: none */
	struct weir_pcapng *pcapng; /* NULL: none */
};

/* Opens what is asked for; `trace` NULL: no file. 0; -1 with errno: the file (or memory). */
int gate_view_open(struct gate_view *v, const struct gate_net *net, const char *program,
		   enum gate_explain explain, const char *trace, size_t payload_max);

/* Makes `cfg` trace into `v`, if there is anything to trace for. */
void gate_view_hook(struct gate_view *v, struct weir_config *cfg);

/* Prints the ladders on standard error, if asked for. */
void gate_view_print(struct gate_view *v, const struct weir_stack *s, weir_time now);

/* 0; -1 with errno: the file is not whole. */
int gate_view_close(struct gate_view *v);

#endif
