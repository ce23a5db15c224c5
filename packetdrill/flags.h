/*
 * flags.h: the text of packetdrill's --so_flags: key=value, comma separated.
 *
 * A key is a name of Linux's sysctl (with or without "net.ipv4."), one of the adapter's own, or a
 * row of the engine's configuration. docs/packetdrill.md lists them.
 */
#ifndef WEIR_PACKETDRILL_FLAGS_H
#define WEIR_PACKETDRILL_FLAGS_H

#include "weir/weir.h"

#include "clock.h"

/* How data leaves: net.c. */
enum pd_segs {
	PD_SEGS_AUTO,  /* bursts, cut into segments */
	PD_SEGS_WHOLE, /* bursts, each one packet */
	PD_SEGS_ONE,   /* single segments */
};

/* What --so_flags can set apart from the engine's configuration. */
struct pd_flags {
	struct weir_config cfg;
	enum pd_clock_kind clock;
	enum pd_segs segs;
	unsigned segs_min;               /* the least segments of a burst */
	uint64_t notsent_lowat;          /* bytes; the default of TCP_NOTSENT_LOWAT */
	struct weir_addr local4, local6; /* family 0: not given */
	bool strict;                     /* a packet that nobody asked for is a failure */
	char congestion[16];             /* the name that TCP_CONGESTION tells */
};

/* Fills `out`. 0; -1: `error` (of `len` bytes) tells the key and what is wrong. Values that ask for
 * what the engine does not have are accepted, and reported. */
int pd_flags_parse(const char *text, struct pd_flags *out, char *error, size_t len);

/* The number in weir/def/cc.def of a congestion control that Linux calls so; -1: there is none. */
int pd_congestion_kind(const char *name, size_t len);

#endif
