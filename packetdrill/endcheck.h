/*
 * endcheck.h: what is looked at when a script has ended: packets that nobody asked for, the
 * engine's invariants, and that everything is given back.
 */
#ifndef WEIR_PACKETDRILL_ENDCHECK_H
#define WEIR_PACKETDRILL_ENDCHECK_H

struct pd;

/* Closes what is open, waits (in virtual time) for all to end, and reports on standard error what
 * is wrong. 0; 1: the engine, or with strict=1 the script, is at fault. */
int pd_end_check(struct pd *pd);

#endif
