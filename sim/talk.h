/*
 * talk.h: one planned connection ("talk"): who opens it to whom, what each end does, and what was
 * seen of it so far, at both ends and on the wire. The oracle judges by these records alone.
 *
 * Side 0 opens; side 1 is listened to, or opens too (simultaneous open).
 */
#ifndef WEIR_SIM_TALK_H
#define WEIR_SIM_TALK_H

#include "sim/rng.h"
#include "weir/weir.h"

enum sim_open {
	SIM_OPEN_LISTENED, /* side 1 listens */
	SIM_OPEN_BOTH,     /* both sides open; nobody listens */
};

/* What the decision on a held SYN is. */
enum sim_reply { SIM_REPLY_ACCEPT, SIM_REPLY_REFUSE };

enum sim_expect {
	SIM_EXPECT_INTACT,  /* all bytes and the end of stream both ways, and orderly ends */
	SIM_EXPECT_REFUSED, /* side 0 is refused */
	SIM_EXPECT_TIMEOUT, /* each side that was opened ends by a timeout */
	SIM_EXPECT_ANY,     /* correct prefixes both ways; every end ends, no matter how */
};

/* When an end begins to send. */
enum sim_start {
	SIM_START_AT_ONCE,   /* before the connection is established, if it opens */
	SIM_START_CONNECTED, /* once it is */
	SIM_START_EOF,       /* once the peer has ended its stream: half-close */
};

/* How an end ends. */
enum sim_close {
	SIM_CLOSE_SHUTDOWN,  /* shutdown after its last byte, close after the peer's */
	SIM_CLOSE_SHUT_ONLY, /* shutdown after its last byte; never close */
	SIM_CLOSE_LAST,      /* close after its last byte and the peer's: no half-close */
	SIM_CLOSE_EARLY,     /* close after its last byte; whatever comes is not read */
	SIM_CLOSE_ABORT,     /* abort after `abort_at` bytes sent and received */
};

/* How bytes are handed over. */
enum sim_write { SIM_WRITE_SEND, SIM_WRITE_RESERVE };

/* What an application does with its end. */
struct sim_plan {
	uint64_t total;                     /* bytes that it sends */
	uint32_t write_min, write_max;      /* bytes of one write, 1 to SIM_WRITE_MAX */
	uint32_t read_min, read_max;        /* bytes of one read, at least 1 */
	uint64_t write_gap_ns, read_gap_ns; /* pause after each; 0: none */
	uint64_t stall_at, stall_ns;        /* stops reading once, after `stall_at` bytes */
	uint64_t abort_at;                  /* for SIM_CLOSE_ABORT */
	uint32_t meddle_ppm;                /* changes an option, of the times that it runs */
	uint32_t urgent_ppm, more_ppm;      /* writes with WEIR_SEND_URGENT, WEIR_SEND_MORE */
	enum sim_start start;
	enum sim_close close;
	enum sim_write write;
	uint64_t nodelay, keepalive; /* connection options, 0 or 1 */
	/* Keep-alive's settings, and the user timeout; 0: as the engine or app.c has them */
	uint64_t keep_idle_ms, keep_interval_ms, keep_count, user_timeout_ms;
};

#define SIM_WRITE_MAX 16384u
#define SIM_TALK_NONE UINT32_MAX

struct sim_talk_spec {
	unsigned host[2];
	uint8_t family;      /* 4 or 6 */
	uint16_t port[2];    /* port[0] may be 0: chosen by the stack */
	uint32_t after;      /* SIM_TALK_NONE, or the talk whose ends must both have ended before */
	bool hasty;          /* ... or only side 0's, by its end or by a crash */
	bool skip;           /* it is left out of the run, and only keeps its number */
	weir_time open_at;   /* side 0; nanoseconds after that end if `after` is a talk */
	weir_time open_at_1; /* side 1, for SIM_OPEN_BOTH */
	enum sim_open open;
	enum sim_reply reply;
	uint64_t reply_after_ns; /* for a held listener */
	enum weir_refusal refusal;
	enum sim_expect expect;
	struct sim_plan plan[2];
};

enum sim_phase {
	SIM_PHASE_NONE, /* not opened yet */
	SIM_PHASE_OPENING,
	SIM_PHASE_OPEN,
	SIM_PHASE_ENDED,
};

/* One end: the application's state, and what the oracle knows. */
struct sim_end {
	enum sim_phase phase;
	weir_conn conn;
	uint32_t life; /* of its connection, once a SYN was sent */
	weir_half half;
	struct sim_rng rng;      /* of its application's choices */
	uint64_t key;            /* of the stream that it sends */
	uint64_t given;          /* bytes that its stack took */
	uint64_t got;            /* bytes read and found right */
	bool ever_open;          /* it was established */
	bool fin_given;          /* it ended its stream: `given` is final */
	bool eof;                /* it read the peer's end of stream */
	bool closed;             /* it called weir_close() */
	bool aborted;            /* it called weir_abort() */
	bool lost;               /* its host crashed under it, or was down when it should open */
	bool readable, writable; /* as the events said */
	bool stalled;            /* the planned stall was begun */
	uint32_t rcvbuf;         /* bytes, the most it was set to; 0 before it is open */
	uint32_t rcvbuf_least;   /* ... and the least */
	enum weir_err reason;    /* once ended */
	weir_time read_at, write_at; /* not before */
	weir_time wake;              /* when it must run next; WEIR_NEVER */
	enum weir_state state;       /* as the engine last told it */
};

/* Bytes that have come in: disjoint pieces in order, counted from the peer's ISN. */
struct sim_span {
	uint32_t from, to;
};
#define SIM_SPANS_MAX 24u

/* What one end has said and heard on the wire in one life: from its SYN to whatever ended it. An
 * end has another life when its host has crashed, or when a duplicate SYN made a record anew. */
struct sim_wire_end {
	uint32_t life;             /* numbers the lives of a world from 1; 0: none yet */
	uint32_t order;            /* of two lives the later one was begun, or chosen, last */
	uint32_t boot;             /* of its host */
	struct sim_wire_end *past; /* the life before, at the same end of the same talk */
	weir_time begun;
	bool has_syn, has_wscale, has_ts, has_sack;
	bool has_edge, has_limit, has_ack, has_fin, has_irs;
	bool has_data; /* data has come in */
	bool owes_ack;
	bool syn_heard;          /* its SYN has reached the other host, ... */
	uint32_t syn_heard_boot; /* ... at last in this boot of that one */
	bool rst_heard;          /* an RST has come in */
	bool icmp_heard;         /* an ICMP error that quotes it has come in */
	bool has_acked;          /* `acked` is valid */
	bool heard_all;          /* too many pieces: `heard` is not kept any more */
	uint32_t irs;            /* the peer's ISN, as this end acknowledged it */
	uint32_t acked; /* highest acknowledgement of this end's SYN and data that came in */
	struct sim_span heard[SIM_SPANS_MAX]; /* of the peer's sequence space */
	uint32_t heard_count;
	uint32_t len_max;      /* largest payload of one frame sent */
	weir_time fin_at;      /* when the peer's FIN last came in, and the longest ... */
	uint64_t fin_gap_ns;   /* ... time between two of its comings */
	uint32_t credit;       /* acknowledgements since the window last held all that was out */
	uint32_t credit_until; /* what was out at the last duplicate acknowledgement */
	weir_time stirred_at;  /* when sequence space was last sent, or acknowledged */
	uint32_t una;          /* SND.UNA, as the engine last told it */
	weir_time owes_since;  /* when the oldest data came in that no segment has answered */
	uint8_t wscale;
	uint16_t mss; /* announced, or the default */
	uint32_t iss;
	uint32_t nxt;   /* one past the highest sequence number used */
	uint32_t ack;   /* highest acknowledgement number sent */
	uint32_t edge;  /* rightmost window edge advertised: ack + window */
	uint32_t limit; /* rightmost edge of the peer's that has reached this end */
	uint32_t fin;   /* sequence number of its FIN */
};

struct sim_talk {
	struct sim_talk_spec spec;
	uint32_t number;
	struct weir_endpoint at[2]; /* of the ends; complete once side 0 is open */
	struct sim_end end[2];
	struct sim_wire_end wire[2];
	bool scheduled; /* its opening has been put into the queue */
	bool indexed;   /* it can be found by its endpoints */
	uint32_t chain; /* next talk in the same bucket */
};

#define SIM_HOSTS_MAX 16u

/* All talks of a world, found by their endpoints. */
struct sim_talks {
	struct sim_talk *list;
	uint32_t count, max;
	uint32_t *bucket;
	uint32_t bucket_mask;
	uint32_t lives;               /* begun so far */
	uint32_t order;               /* given to lives so far */
	uint32_t boot[SIM_HOSTS_MAX]; /* how often each host has crashed */
};

void sim_talks_init(struct sim_talks *t, uint32_t max);
void sim_talks_free(struct sim_talks *t);

/* Adds a talk; NULL: `max` are there. The pointer stays good. */
struct sim_talk *sim_talks_add(struct sim_talks *t, const struct sim_talk_spec *spec,
			       uint64_t seed);

/* Makes a talk findable, once: its endpoints are complete. */
void sim_talks_index(struct sim_talks *t, struct sim_talk *talk);

/* The latest talk between two endpoints; *side is that of `a`. NULL: none. */
struct sim_talk *sim_talks_find(const struct sim_talks *t, const struct weir_endpoint *a,
				const struct weir_endpoint *b, unsigned *side);

/* The latest talk before `talk` between the same endpoints, opened by the same side; NULL: none. */
struct sim_talk *sim_talks_older(const struct sim_talks *t, const struct sim_talk *talk);

/* --- Lives. `talk` is the latest between its endpoints; the older ones are looked through too --
 */

/* The talk in which `side`'s host now has a life with these endpoints: a host has one at most, and
 * it is the last that was begun since the host's last boot. NULL: none. */
struct sim_talk *sim_talks_owner(const struct sim_talks *t, struct sim_talk *talk, unsigned side);

/* The life of `side` with that ISN, or with that number, past or present; NULL: none. *where gets
 * its talk. */
struct sim_wire_end *sim_life_of_isn(const struct sim_talks *t, struct sim_talk *talk,
				     unsigned side, uint32_t iss, struct sim_talk **where);
struct sim_wire_end *sim_life_of_number(const struct sim_talks *t, struct sim_talk *talk,
					unsigned side, uint32_t life);

/* The life with that ISN, which has not been accepted yet, is the one that goes on: SYN-ACKs of
 * which the stack keeps nothing (SYN cookies) begin lives, too, and the third segment chooses. */
void sim_life_choose(struct sim_talks *t, struct sim_talk *talk, unsigned side, uint32_t iss);

/* Begins a life of `side` in `talk`: what was there becomes its past. */
struct sim_wire_end *sim_life_begin(struct sim_talks *t, struct sim_talk *talk, unsigned side,
				    uint32_t iss, weir_time now);

#endif
