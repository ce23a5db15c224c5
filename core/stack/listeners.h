/*
 * listeners.h: who accepts connections (RFC 9293 3.10.1, passive OPEN).
 */
#ifndef WEIR_STACK_LISTENERS_H
#define WEIR_STACK_LISTENERS_H

#include "stack/stack.h"

/* The most specific listener for a local endpoint: address and port, port, address, catch-all;
 * NULL: none. */
struct listener *listeners_find(const struct weir_stack *s, const struct weir_endpoint *local);

/* Does any listener take packets to addresses that are not ours? */
bool listeners_take_foreign(const struct weir_stack *s);

struct listener *listener_get(const struct weir_stack *s, weir_listener h);
weir_listener listener_handle(const struct weir_stack *s, const struct listener *l);

#endif
