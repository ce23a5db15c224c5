/*
 * bench.h: what the benches of `weir bench` share: options, the clock, memory for a stack, two
 * stacks joined in memory, and a peer that has no stack.
 *
 * A bench uses the engine through its public headers alone, in one thread. The engine's time is
 * virtual: a bench says what time it is, so nothing waits, and the same options and the same
 * amount of work give the same instructions. What is measured is processor time.
 */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/info.h"

#define BENCH_SETTINGS_MAX 32u
#define BENCH_RECORDS_MAX  4000000u /* below the limits of conns_max, halfs_max, timewaits_max */

enum bench_mode { BENCH_MODE_ANY, BENCH_MODE_COOKIE, BENCH_MODE_QUEUE };
enum bench_output { BENCH_OUTPUT_TEXT, BENCH_OUTPUT_JSON };

struct bench_setting {
	char name[32];
	uint64_t value;
};

struct bench_options {
	enum bench_output output;
	uint64_t seconds;     /* of wall-clock time, after which a bench ends */
	uint64_t count;       /* of the bench's unit of work instead; 0: by time */
	uint64_t segment;     /* bulk: MSS, bytes */
	uint64_t batch;       /* bulk: packets carried one way before the other has its turn */
	uint64_t size;        /* rr: bytes of a request, and of its answer */
	uint64_t connections; /* timers */
	uint64_t established, half_open, time_wait; /* memory; half_open also syn */
	enum bench_mode mode;                       /* syn */
	struct bench_setting setting[BENCH_SETTINGS_MAX];
	unsigned settings; /* of --set; they come after the bench's own */
};

/* --- The benches: each prints its figures and returns the process's exit status --------------- */

int bench_bulk(const struct bench_options *o);
int bench_rr(const struct bench_options *o);
int bench_connect(const struct bench_options *o);
int bench_syn(const struct bench_options *o);
int bench_memory(const struct bench_options *o);
int bench_timers(const struct bench_options *o);

/* --- Output (cmd_bench.c) --------------------------------------------------------------------- */

/* One line on standard error; returns CLI_EXIT_FAILED. */
int bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints `figures` (which it takes), or the line of text; returns an exit status. */
int bench_report(const struct bench_options *o, json_t *figures, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* --- Configuration, memory, clock (bench_tools.c) --------------------------------------------- */

/* The defaults with keys that never change, and no limit that a bench does not ask for. */
void bench_config(struct weir_config *cfg);
/* Sets a row, if this engine has it. */
void bench_config_try(struct weir_config *cfg, const char *name, uint64_t value);
bool bench_config_has(const char *name);
/* The settings of --set on top. 0; else the exit status, after a complaint that the settings
 * contradict each other. */
int bench_config_finish(struct weir_config *cfg, const struct bench_options *o);

/* A stack in memory of its own, which costs only what was touched. */
struct bench_memory {
	void *bytes;
	size_t len;
};

/* The stack, or NULL (errno). The memory's pages are small ones, so that residency tells what was
 * touched. */
struct weir_stack *bench_stack_make(struct bench_memory *m, const struct weir_config *cfg,
				    weir_time now);
void bench_memory_free(struct bench_memory *m);
/* Bytes of it that are resident. */
uint64_t bench_memory_resident(const struct bench_memory *m);

/* When a bench ends, and how long it took. */
struct bench_clock {
	uint64_t count;      /* units to do; 0: until `ends_at` */
	uint64_t ends_at;    /* ns, wall clock */
	uint64_t wall_since; /* ns */
	uint64_t cpu_since;  /* ns; while it runs */
	uint64_t wall_ns, cpu_ns;
};

void bench_clock_init(struct bench_clock *c, const struct bench_options *o);
/* Time between the two is measured; what lies outside is not. */
void bench_clock_run(struct bench_clock *c);
void bench_clock_pause(struct bench_clock *c);
/* How many units to do next, `chunk` at most, when `done` are done; 0: it is over. */
uint64_t bench_clock_next(const struct bench_clock *c, uint64_t done, uint64_t chunk);
/* Processor time over `n`, in ns; and how many a second that makes. 0 if there is nothing. */
double bench_clock_each(const struct bench_clock *c, uint64_t n);
double bench_clock_rate(const struct bench_clock *c, uint64_t n);

/* A number that follows from `n` and looks random (splitmix64). */
uint64_t bench_mix(uint64_t n);

/* --- Two stacks joined in memory (bench_pair.c) ----------------------------------------------- */

#define BENCH_PORT 80u

struct bench_end {
	struct weir_stack *stack;
	struct bench_memory memory;
	weir_conn conn;       /* bench_pair_connect(): this end of the connection */
	uint32_t seen;        /* 1 << kind of each event since it was last cleared */
	uint64_t packets_out; /* all */
	uint64_t data_out;    /* those with payload */
};

struct bench_pair {
	struct bench_end end[2]; /* 0 opens connections, 1 listens on BENCH_PORT */
	weir_time now;
	uint8_t frame[65536];
};

/* Both stacks with `cfg`, an address each and a listener. 0; else an exit status, after a
 * complaint. */
int bench_pair_open(struct bench_pair *p, const struct weir_config *cfg);
void bench_pair_close(struct bench_pair *p);

/* Carries up to `max` packets from `from` to the other: each is gathered into one frame and given
 * in. Returns how many. */
unsigned bench_pair_carry(struct bench_pair *p, unsigned from, unsigned max);
/* `from` alone may have something to say: carries it, then the answer, until one is silent. */
void bench_pair_settle(struct bench_pair *p, unsigned from);
/* Nobody has anything to say now: time goes on to the next timer of either. */
void bench_pair_jump(struct bench_pair *p);
/* Reads the events of one end into `seen`; an accepted connection becomes its `conn`. */
void bench_pair_events(struct bench_pair *p, unsigned end);
/* Opens a connection; both ends have it then. */
bool bench_pair_connect(struct bench_pair *p);

/* --- A peer without a stack (bench_peer.c) ---------------------------------------------------- */

#define BENCH_FRAME_MAX 60u

#define BENCH_FIN 1u
#define BENCH_SYN 2u
#define BENCH_RST 4u
#define BENCH_ACK 16u

enum bench_syn_options { BENCH_OPTIONS_NONE, BENCH_OPTIONS_LINUX };

/* A segment without data, over IPv4; numbers in host order. */
struct bench_segment {
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags; /* BENCH_FIN ... */
};

#define BENCH_SERVER_ADDR 0xc0000201u /* 192.0.2.1 */

/* Writes a whole packet with its checksums; returns its length. */
size_t bench_frame_write(uint8_t frame[BENCH_FRAME_MAX], const struct bench_segment *g,
			 enum bench_syn_options options);
/* Reads one that weir_output() gave; false: it is not TCP over IPv4. */
bool bench_frame_read(const struct weir_packet *p, struct bench_segment *g);

/* Clients by number, each with an address of its own, before one stack with a listener. */
struct bench_peer {
	struct weir_stack *stack;
	weir_time now;
	struct bench_segment answer; /* the last one */
	unsigned answers;            /* to the last segment */
};

/* Gives the stack its address and its listener. */
bool bench_peer_init(struct bench_peer *p, struct weir_stack *s, weir_time now);
/* Client `i` sends a SYN; true: a SYN-ACK came. */
bool bench_peer_syn(struct bench_peer *p, uint32_t i);
/* ... completes the handshake; true: the connection was accepted. */
bool bench_peer_open(struct bench_peer *p, uint32_t i, weir_conn *conn);
/* ... and answers the server's close, so that TIME-WAIT is the server's; true: it is. */
bool bench_peer_close(struct bench_peer *p, uint32_t i, weir_conn conn);

#endif
