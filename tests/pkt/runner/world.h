/*
 * world.h: one stack in virtual time, with the peers that a script plays.
 *
 * The world holds the stack, the clock and the flows. A flow is a pair of endpoints with the two
 * initial sequence numbers, so that scripts can count from them; its peer is the script. Everything
 * that goes in or out is written to a log that a failure prints. Each step checks what must always
 * hold: weir_stack_check(), checksums of what goes out, one trace record for each packet, the bytes
 * of both streams, and a deadline that lies ahead when there is nothing to send.
 */
#ifndef PKT_WORLD_H
#define PKT_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/info.h"
#include "weir/trace.h"
#include "weir/weir.h"

#include "packet.h"
#include "script.h"
#include "text.h"

#define WORLD_FLOWS_MAX     40
#define WORLD_LISTENERS_MAX 8
#define WORLD_DEPTH_MAX     8
#define WORLD_LOG_MAX       100              /* lines kept */
#define WORLD_START         1000000000000ull /* ns */
#define WORLD_IRS           1000000u         /* the peer's ISN unless the script says another */

#define MS 1000000ull /* ns */

struct flow {
	char name[TEXT_NAME_MAX];
	uint8_t local[16], remote[16];
	uint16_t lport, rport;
	uint32_t iss, irs; /* ours and the peer's */
	bool iss_known, ts_known;
	uint32_t ts_base, ts_last; /* our first and last TSval */
	weir_conn conn;
	weir_half half;
	uint32_t sent; /* relative number of the next byte that a send queues */
	uint32_t read; /* and of the next that a receive takes */
};

struct world {
	const struct script *script;
	int family;
	struct weir_config cfg;
	struct weir_stack *s;
	void *mem;
	weir_time now, last; /* last: when the statement before this one ended */
	struct vars vars;
	struct flow flow[WORLD_FLOWS_MAX];
	int flow_count;
	struct {
		char name[TEXT_NAME_MAX];
		weir_listener l;
	} listener[WORLD_LISTENERS_MAX];
	int listener_count;
	bool hold; /* the statement before asked not to look for output yet */
	/* The packet that came out last. */
	uint8_t out_bytes[PACKET_MAX];
	struct packet out;
	struct weir_packet wp;
	enum weir_counter out_why;
	/* The packet that went in last. */
	bool in_any;
	enum weir_counter verdict;
	struct weir_trace_record in_rec;
	unsigned in_recs, out_recs;         /* trace records of the step */
	struct weir_trace_record state_rec; /* the last change of state without a packet */
	bool state_same;                    /* such a record came without a change */
	char *log[WORLD_LOG_MAX];
	unsigned log_count;
	/* Where the script is. */
	struct {
		const char *file;
		int no;
	} at[WORLD_DEPTH_MAX];
	int depth;
	jmp_buf failed;
	char why[2048];
};

/* Ends the test: the text is kept in w->why. */
_Noreturn void world_fail(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void world_log(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void world_init(struct world *w, const struct script *s, int family);
void world_free(struct world *w);
/* Makes the stack from w->cfg if it is not there yet. */
void world_start(struct world *w);

/* Named addresses: us us2 peer peer2..peer9 other bcast netbcast mcast any loop. */
int world_addr(int family, const char *name, uint8_t out[16]);
struct weir_addr world_weir_addr(int family, const uint8_t bytes[16]);

struct flow *world_flow(struct world *w, const char *name);
struct flow *world_flow_add(struct world *w, const char *name);
struct flow *world_flow_of(struct world *w, const struct weir_tuple *t);
struct weir_tuple world_tuple(const struct world *w, const struct flow *f);

/* The byte with relative number `rel` of our stream and of the peer's. */
uint8_t world_byte_out(uint32_t rel);
uint8_t world_byte_in(uint32_t rel);

/* Gives a frame to the stack. */
void world_input(struct world *w, const struct weir_frame *f);
/* Takes one packet out of the stack into w->out. */
bool world_pull(struct world *w);
/* Runs the clock up to `until`; true when a packet came out, at w->now. */
bool world_run(struct world *w, weir_time until);
/* weir_stack_check() and the like, after any step. */
void world_check(struct world *w);

/* All that is known of the flow's state: of its handle, or of the record with its tuple. */
enum weir_state world_state(struct world *w, const struct flow *f, struct weir_info *info);

#endif
