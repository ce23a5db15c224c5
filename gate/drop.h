/*
 * drop.h: takes every capability from this process and from all it will ever execute.
 */
#ifndef GATE_DROP_H
#define GATE_DROP_H

/* Empties the bounding, ambient, inheritable, permitted and effective sets, locks the securebits so
 * that user id 0 means nothing when a program is executed, and sets no_new_privs. Needs CAP_SETPCAP
 * in the current user namespace. 0; -1 with errno. */
int gate_drop_capabilities(void);

#endif
