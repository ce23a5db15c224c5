/*
 * play.h: what packetdrill does with the shared object, for tests in C: loads it, calls through the
 * interface, makes and reads packets, and runs one call in a second thread.
 *
 * Numbers are relative as in scripts: our sequence numbers begin with 0 for the SYN, the peer's
 * too.
 */
#ifndef WEIR_TESTS_PACKETDRILL_PLAY_H
#define WEIR_TESTS_PACKETDRILL_PLAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "../../packetdrill/interface.h"

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define PSH 0x08u
#define ACK 0x10u
#define URG 0x20u
#define ECE 0x40u
#define CWR 0x80u

#define PORT      8080
#define PEER_PORT 40000
#define PEER_ISN  7000000u

enum play_family { V4, V6, MAPPED };

struct play {
	struct packetdrill_interface ifc;
	enum play_family family;
	uint16_t local_port, peer_port;
	uint32_t isn; /* ours, once its SYN was seen */
};

/* A segment, with numbers relative. */
struct seg {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t len, wnd, urgent;
	uint8_t opt[40];
	uint8_t opt_len;
	long long at_us; /* when it left, from the start */
	uint8_t tos;
};

/* Loads the object and makes a stack; the script's clock stands at 0. */
void play_open(struct play *p, const char *flags, enum play_family family);
/* `free`, as packetdrill does at the end of a script that passed. */
void play_close(struct play *p);

/* Shorter names. Each asserts nothing. */
int play_socket(struct play *p);
int play_bind(struct play *p, int fd);
int play_connect(struct play *p, int fd);
int play_accept(struct play *p, int fd);
void play_nonblock(struct play *p, int fd);
int play_getint(struct play *p, int fd, int level, int name);
int play_setint(struct play *p, int fd, int level, int name, int value);

/* Microseconds since play_open; looking costs one. */
long long play_now(struct play *p);
void play_usleep(struct play *p, long long us);

/* A segment arrives. */
void play_in(struct play *p, struct seg s);
/* The next that leaves; asserts that there is one, with right checksums. */
struct seg play_out(struct play *p);
/* The same, and asserts what it is. */
void play_expect(struct play *p, uint8_t flags, uint32_t seq, uint16_t len, uint32_t ack);
/* Nothing leaves, however long one waits. */
void play_expect_none(struct play *p);

/* A listener, and a connection accepted from it, in ESTABLISHED without options. */
int play_listener(struct play *p);
int play_accepted(struct play *p);

/* One call in a second thread, as packetdrill makes those that a script says block. */
struct blocked {
	struct play *play;
	long (*call)(struct play *p, void *arg);
	void *arg;
	long result;
	int error;
	long long end_us;
	pthread_t thread;
	int tid;
	bool running;
};
/* Returns when the call sleeps or has returned. */
void play_block(struct blocked *b, struct play *p, long (*call)(struct play *p, void *arg),
		void *arg);
/* Waits for the call's end. */
void play_join(struct blocked *b);

/* Runs `what` in a process of its own; `text` gets its standard error. The exit status. */
int play_apart(void (*what)(void *arg), void *arg, char *text, size_t len);

#endif
