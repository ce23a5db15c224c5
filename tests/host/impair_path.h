/*
 * impair_path.h: what the tests of the path's model share. Chances are held against the bounds of
 * the binomial distribution for fixed seeds (five standard deviations: a wrong model is far
 * outside, and a fixed seed cannot come out differently twice).
 */
#ifndef WEIR_TESTS_HOST_IMPAIR_PATH_H
#define WEIR_TESTS_HOST_IMPAIR_PATH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "weir/impair.h"

#define MS   UINT64_C(1000000)
#define LEN  1500u
#define MANY 400000u

/* A path, which free() ends. */
struct weir_impair *impair_make(const struct weir_impair_conf *conf);

/* The next packet that leaves, whenever that is: at the deadline that the path gives. */
struct weir_impair_out impair_wait(struct weir_impair *im);

/* Fails unless `seen` of `n` is what a chance of `p` gives. */
void assert_binomial(uint64_t seen, double n, double p);

#endif
