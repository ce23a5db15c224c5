#include "sim/explore/scenario.h"

#include <stddef.h>

#define STATES_MAX 20000000u
#define DEPTH_MAX  200u
#define BOUND(drops, dups, delays) \
	{ \
		drops, dups, delays, DEPTH_MAX, STATES_MAX \
	}
#define OLD_ALL     (EX_OLD_SYN | EX_OLD_ACK | EX_OLD_RST | EX_OLD_SYNACK | EX_OLD_FIN)
#define TIMEWAIT_MS 60000u

static const struct ex_scenario scenarios[] = {
	{
		.name = "handshake",
		.title = "three-way handshake, with an old SYN, SYN-ACK and ACK in the network",
		.hold = EX_ALL,
		.ending = EX_END_NEVER,
		.last = EX_END_NEVER,
		.olds = EX_OLD_SYN | EX_OLD_SYNACK | EX_OLD_ACK,
		.connects = 1,
		.sends = {1, 0},
		.send_bytes = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = EX_VARIANTS,
		.small = BOUND(0, 0, 0),
		.full = BOUND(1, 1, 0),
	},
	{
		.name = "handshake-resets",
		.title = "three-way handshake, with an old SYN, RST and FIN in the network",
		.hold = EX_ALL,
		.ending = EX_END_NEVER,
		.last = EX_END_NEVER,
		.olds = EX_OLD_SYN | EX_OLD_RST | EX_OLD_FIN,
		.connects = 1,
		.sends = {1, 0},
		.send_bytes = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = EX_VARIANTS,
		.small = BOUND(0, 0, 0),
		.full = BOUND(1, 1, 0),
	},
	{
		.name = "close-old-fin",
		.title = "open and close, with an old FIN in the network",
		.hold = EX_ALL,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.olds = EX_OLD_FIN,
		.connects = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = EX_VARIANTS,
		.small = BOUND(0, 0, 0),
		.full = BOUND(1, 1, 0),
	},
	{
		.name = "simultaneous",
		.title = "both open at once, and send a byte each",
		.hold = EX_ALL,
		.start = EX_START_CROSSED,
		.ending = EX_END_NEVER,
		.last = EX_END_NEVER,
		.connects = 1,
		.sends = {1, 1},
		.send_bytes = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(1, 0, 0),
		.full = BOUND(1, 1, 1),
	},
	{
		.name = "simultaneous-close",
		.title = "both open at once, and close in all orders",
		.hold = EX_ALL | EX_LATE_FIN,
		.start = EX_START_CROSSED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.connects = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 0, 0),
		.full = BOUND(1, 1, 0),
	},
	{
		.name = "close",
		.title = "close in all orders: either first, at once, half-close with data",
		.hold = EX_ALL | EX_LATE_FIN,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.connects = 1,
		.sends = {1, 1},
		.send_bytes = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(1, 0, 0),
		.full = BOUND(2, 1, 0),
	},
	{
		.name = "close-either",
		.title = "the same with weir_close() or weir_shutdown(), as each end likes",
		.hold = EX_ALL,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_EITHER,
		.last = EX_END_EITHER,
		.connects = 1,
		.sends = {1, 1},
		.send_bytes = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 0, 0),
		.full = BOUND(1, 1, 0),
	},
	{
		.name = "close-delayed",
		.title = "close in all orders, with delays beyond the retransmission timeout",
		.hold = EX_ALL | EX_LATE_FIN,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.connects = 1,
		.sends = {1, 0},
		.send_bytes = 1,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 0, 1),
		.full = BOUND(1, 1, 1),
	},
	{
		.name = "abort",
		.title = "either end aborts at any time",
		.hold = EX_ALL,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.connects = 1,
		.sends = {1, 0},
		.send_bytes = 1,
		.aborts = {1, 1},
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 0, 0),
		.full = BOUND(1, 1, 0),
	},
	{
		.name = "time-wait",
		.title = "the pair is opened again while old data and FINs are in the network",
		.hold = EX_ALL | EX_LATE_FIN,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_NEVER,
		.connects = 2,
		.sends = {2, 0},
		.send_bytes = 24,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 1, 0),
		.full = BOUND(2, 1, 0),
	},
	{
		.name = "time-wait-modern",
		.title = "the same with timestamps and SACK",
		.hold = EX_ALL | EX_LATE_FIN,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_NEVER,
		.connects = 2,
		.sends = {2, 0},
		.send_bytes = 24,
		.handshake_ways = 3,
		.timewait_ms = TIMEWAIT_MS,
		.timestamps = 1,
		.variants = 1,
		.small = BOUND(0, 1, 0),
		.full = BOUND(2, 1, 0),
	},
	{
		.name = "two-handshakes",
		.title = "two handshakes, and an old SYN of a former incarnation",
		.find = EX_GHOST,
		.ending = EX_END_NEVER,
		.last = EX_END_NEVER,
		.olds = EX_OLD_SYN,
		.connects = 1,
		.handshake_ways = 2,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 0, 0),
		.full = BOUND(0, 0, 0),
	},
	{
		.name = "two-handshakes-delayed",
		.title = "two handshakes, and a SYN that is delayed and sent again",
		.find = EX_GHOST,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.connects = 1,
		.sends = {1, 0},
		.send_bytes = 1,
		.handshake_ways = 2,
		.timewait_ms = TIMEWAIT_MS,
		.variants = 1,
		.small = BOUND(0, 0, 1),
		.full = BOUND(0, 0, 1),
	},
	{
		.name = "no-time-wait-bytes",
		.title = "no TIME-WAIT, the pair opened again: an old byte is delivered",
		.find = EX_BYTES,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_NEVER,
		.connects = 2,
		.sends = {2, 0},
		.send_bytes = 24,
		.handshake_ways = 3,
		.timewait_ms = 0,
		.variants = 1,
		.small = BOUND(0, 1, 0),
		.full = BOUND(0, 1, 0),
	},
	{
		.name = "no-time-wait-fin",
		.title = "no TIME-WAIT, the last ACK is lost: the late FIN is answered with RST",
		.find = EX_LATE_FIN,
		.start = EX_START_ESTABLISHED,
		.ending = EX_END_SHUTDOWN,
		.last = EX_END_SHUTDOWN,
		.connects = 1,
		.handshake_ways = 3,
		.timewait_ms = 0,
		.variants = 1,
		.small = BOUND(1, 0, 0),
		.full = BOUND(1, 0, 0),
	},
};

const struct ex_scenario *ex_scenario(unsigned i)
{
	return i < sizeof(scenarios) / sizeof(scenarios[0]) ? &scenarios[i] : NULL;
}

/* A window is 4,096 bytes: far below, just below, just above, well inside, above it, and with each
 * host's numbers on another side. */
struct ex_offsets ex_variant(unsigned v)
{
	static const struct ex_offsets offsets[EX_VARIANTS] = {
		{{-100000, -100000}, 0},  {{-13, -13}, 0},       {{13, 13}, EX_CLEAN},
		{{1003, 1003}, EX_CLEAN}, {{100000, 100000}, 0}, {{13, -13}, EX_CLEAN},
		{{-13, 13}, 0},
	};

	return offsets[v % EX_VARIANTS];
}

static const struct {
	const char *name, *text;
} properties[EX_PROPERTIES] = {
	{"ghost", "an end is ESTABLISHED that its peer knows nothing of"},
	{"isns", "both ends are ESTABLISHED with different initial sequence numbers"},
	{"bytes", "a byte was delivered that is not the next of this incarnation"},
	{"end", "an end of stream was delivered that is not this incarnation's"},
	{"clean", "an end was reset or gave up, though nobody aborted"},
	{"live", "a run ends, or never ends, without all ends CLOSED"},
	{"check", "an invariant of the engine does not hold"},
	{"leak", "all is over and a stack still holds something"},
	{"late-fin", "a FIN was answered with RST, and its sender's connection was reset"},
};

static unsigned bit_of(enum ex_property p)
{
	unsigned i = 0;

	while (i + 1 < EX_PROPERTIES && !(p & 1u << i))
		i++;
	return i;
}

const char *ex_property_name(enum ex_property p)
{
	return properties[bit_of(p)].name;
}

const char *ex_property_text(enum ex_property p)
{
	return properties[bit_of(p)].text;
}

const char *ex_tamper_name(enum ex_tamper t)
{
	switch (t) {
	case EX_TAMPER_NONE:
		return "none";
	case EX_TAMPER_PAYLOAD:
		return "payload";
	case EX_TAMPER_SWALLOW:
		return "swallow";
	case EX_TAMPER_GUESS:
		return "guess";
	case EX_TAMPER_ORACLE:
		return "oracle";
	case EX_TAMPER_COUNT:
		break;
	}
	return NULL;
}
