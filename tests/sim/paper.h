/*
 * paper.h: a talk on paper: segments that nobody sent, for tests of the oracle.
 */
#ifndef WEIR_TESTS_SIM_PAPER_H
#define WEIR_TESTS_SIM_PAPER_H

#include "sim/oracle.h"
#include "sim/tap.h"

/* Client (side 0) with ISN 1000, server (side 1) with ISN 9000; both gave 100 bytes and ended. */
#define ISS0  1000u
#define ISS1  9000u
#define GIVEN 100u

struct paper {
	struct sim_oracle oracle;
	struct sim_talks talks;
	struct sim_talk *talk;
};

void paper_init(struct paper *p);

/* A segment; sequence and acknowledgement numbers count from the ISNs. */
struct written {
	unsigned side;
	uint8_t flags;
	uint32_t seq, ack, len, wnd;
	enum { PLAIN, WRONG_BYTE, WRONG_SUM, WRONG_PORT, OPT_MSS, OPT_TS, OPT_SACK, RESERVED } odd;
};

/* The segment leaves its host, and reaches the other. */
void paper_pass(struct paper *p, const struct written *s);
/* It only leaves. */
void paper_send(struct paper *p, const struct written *s);

/* SYN, SYN-ACK, ACK. */
void paper_handshake(struct paper *p);

#endif
