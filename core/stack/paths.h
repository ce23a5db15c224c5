/*
 * paths.h: what connections tell each other of the paths to their destinations: net/pmtu.h's table
 * between the one whose packets were too big and all others (RFC 1191 6.2).
 */
#ifndef WEIR_STACK_PATHS_H
#define WEIR_STACK_PATHS_H

#include "stack/stack.h"

/* A new connection begins with what is known of its path. */
void paths_begin(struct weir_stack *s, struct conn *c);

/* It may be about to send: when nothing of it is out, or its own knowledge has aged, it goes by
 * what is known now. */
void paths_follow(struct weir_stack *s, struct conn *c);

/* ICMP has told it something: others are to know. */
void paths_tell(struct weir_stack *s, struct conn *c);

#endif
