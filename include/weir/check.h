/*
 * check.h: every invariant of a stack, checked at once. For tests, the simulator, fuzzers and the
 * packetdrill adapter; the engine itself never does it.
 */
#ifndef WEIR_CHECK_H
#define WEIR_CHECK_H

#include "weir/weir.h"

#ifdef __cplusplus
extern "C" {
#endif

/* NULL: all invariants hold. Otherwise the text of the first that does not. */
const char *weir_stack_check(const struct weir_stack *s);

#ifdef __cplusplus
}
#endif

#endif
