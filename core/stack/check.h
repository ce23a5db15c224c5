/*
 * check.h: every invariant of a stack, checked at once. For tests, the simulator and fuzzers, which
 * call it after each step; the engine itself never does.
 */
#ifndef WEIR_STACK_CHECK_H
#define WEIR_STACK_CHECK_H

#include "weir/weir.h"

/* NULL: all invariants hold. Otherwise the text of the first that does not. */
const char *weir_stack_check(const struct weir_stack *s);

#endif
