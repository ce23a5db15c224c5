/*
 * script.h: trace records from a readable script, so that sinks can be tested without an engine.
 *
 * One record a line; `#` begins a comment. Times are milliseconds, numbers relative to the initial
 * ones.
 *
 *   flow 1 10.0.0.2:40000 10.0.0.1:80 irs=1000 iss=5000      the peer's end, ours; 0: not known
 *   0.100 in  S seq=0 win=64240 mss=1460 ws=7 sackok ts LISTEN>SYN-RECEIVED accepted
 *   0.150 out SA seq=0 ack=1 win=65535 mss=1460 SYN-RECEIVED>SYN-RECEIVED sent-synack
 *   2.000 in  A seq=1 ack=1 win=100 len=10 sack=30-40 partial ESTABLISHED>ESTABLISHED accepted
 *   9.000 state TIME-WAIT>CLOSED timewait-expired
 *   bulk 3.000 out count=100 len=1000 seq=1 ack=1 win=65535 acks=2 step=0.010 ESTABLISHED
 *   1.000 in udp 10.0.0.2:5353 224.0.0.251:5353 len=40 udp-refused
 *   1.000 out icmp 10.0.0.1 10.0.0.2 type=3 code=1 SYN-RECEIVED>CLOSED sent-icmp
 *
 * `bulk` is `count` data segments in a direction, with an ACK after each `acks` of them. `bare`
 * leaves a segment's payload out of its packet, for those who only count it. Of our side tell
 * `cwnd=`, `ssthresh=`, `pipe=`, `rtt=` (ms), `pacing=`, `delivery=`, `recovery=` and `spurious=`.
 */
#ifndef WEIR_TESTS_GOLDEN_SCRIPT_H
#define WEIR_TESTS_GOLDEN_SCRIPT_H

#include "weir/trace.h"

typedef void (*script_sink)(void *user, const struct weir_trace_record *r);

/* Feeds each record of a script's text; a line that cannot be read fails the test. Returns the time
 * of the last record. */
weir_time script_run(const char *text, script_sink sink, void *user);

/* Reads a file under tests/golden into memory that the caller frees; NULL if there is none. */
char *script_read_file(const char *name);
/* The path of a file under tests/golden; valid until the next call. */
const char *script_path(const char *name);

#endif
