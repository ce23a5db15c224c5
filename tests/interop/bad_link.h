/*
 * bad_link.h: a link that loses, swaps, doubles and marks frames of another, in both directions.
 *
 * What happens to which frame follows from the seed and the order of calls alone. The link cuts no
 * super-segments, so that segments are lost one by one.
 */
#ifndef WEIR_TEST_BAD_LINK_H
#define WEIR_TEST_BAD_LINK_H

#include "weir/link.h"

/* Takes `below`. `permille` of the frames of each direction are lost, as many of those that come in
 * are swapped with the one before, and as many of those that go out are sent twice. NULL: out of
 * memory. */
struct weir_link *bad_link_new(struct weir_link *below, unsigned permille, uint32_t seed);

/* Of the frames that say that they may be marked, both ways, `permille` are (CE; RFC 3168). */
void bad_link_mark(struct weir_link *l, unsigned permille);

/* Segments marked so far: of what came in, of what went out. */
void bad_link_marked(const struct weir_link *l, uint64_t marked[2]);

/* Frames lost so far, both ways. */
uint64_t bad_link_lost(const struct weir_link *l);

#endif
