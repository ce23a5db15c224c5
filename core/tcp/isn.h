/*
 * isn.h: initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 5.4) and the search for
 * a port (RFC 6056), all from one secret key.
 */
#ifndef WEIR_TCP_ISN_H
#define WEIR_TCP_ISN_H

#include <stddef.h>

#include "tcp/tcb.h"

/* `id` names the pair of endpoints: `len` bytes, up to 40. */

/* A clock that ticks every 4 microseconds plus a keyed hash of the pair (RFC9293-MUST-8, SHLD-1).
 */
seq_t isn_make(const uint8_t key[16], const void *id, size_t len, weir_time now);

/* The offset of the timestamp clock for this pair: the same for each incarnation, so that PAWS and
 * RFC 6191 can compare them. */
uint32_t isn_ts_offset(const uint8_t key[16], const void *id, size_t len);

/* Where to begin the search for an ephemeral port towards a destination, and which of the counters
 * moves it on (F and G of RFC 6056 3.3.4). */
uint32_t isn_port_offset(const uint8_t key[16], const void *id, size_t len);
uint32_t isn_port_counter(const uint8_t key[16], const void *id, size_t len);

#endif
