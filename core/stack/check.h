/*
 * check.h: the check of all invariants, which is public.
 */
#ifndef WEIR_STACK_CHECK_H
#define WEIR_STACK_CHECK_H

#include "weir/check.h"

#endif
