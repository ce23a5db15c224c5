/*
 * sockopt.h: socket options: what getsockopt and setsockopt keep and tell. Options of int value are
 * the rows of sockopt.def; the rest is here.
 */
#ifndef WEIR_PACKETDRILL_SOCKOPT_H
#define WEIR_PACKETDRILL_SOCKOPT_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

struct pd;
struct pd_sock;

enum pd_opt {
#define X(level, name, id, def, min, max, act) PD_OPT_##id,
#include "sockopt.def"
#undef X
	PD_OPT_COUNT,
	PD_OPT_RCVTIMEO, /* these two are times */
	PD_OPT_SNDTIMEO,
};

struct pd_opts {
	int value[PD_OPT_COUNT];
	uint64_t changed; /* bits of those that the script has set */
	struct linger linger;
	struct timeval rcvtimeo, sndtimeo;
	char congestion[16];
};

_Static_assert(PD_OPT_COUNT <= 64, "one bit for each in pd_opts.changed");

/* How many connections the stack has in a state: getsockopt(fd, IPPROTO_TCP, N). */
#define PD_OPT_SYN_RECEIVED 30001 /* half-open records too */
#define PD_OPT_TIME_WAIT    30002
#define PD_OPT_CLOSED_HELD  30003 /* closed ones that still take memory */

/* The control message of TCP_INQ (Linux's TCP_CM_INQ). */
#define PD_TCP_CM_INQ 36

void pd_opts_init(struct pd *pd, struct pd_opts *o);

/* Gives a new connection of the engine what was set before it began. */
void pd_opts_apply(struct pd *pd, struct pd_sock *s);

/* When a call of this socket that begins now must return; PD_NEVER without a time-out. */
int64_t pd_opts_until(struct pd *pd, struct pd_sock *s, enum pd_opt which);

int pd_sock_setsockopt(struct pd *pd, struct pd_sock *s, int level, int name, const void *value,
		       socklen_t len);
int pd_sock_getsockopt(struct pd *pd, struct pd_sock *s, int level, int name, void *value,
		       socklen_t *len);

/* --- tcpinfo.c: structs in Linux's layout; each copies up to *len bytes and sets *len
 * ----------- */

int pd_tcpinfo_get(struct pd *pd, struct pd_sock *s, void *value, socklen_t *len);
int pd_ccinfo_get(struct pd *pd, struct pd_sock *s, void *value, socklen_t *len);
int pd_meminfo_get(struct pd *pd, struct pd_sock *s, void *value, socklen_t *len);
/* Copies `size` bytes as getsockopt does. */
int pd_opt_copy(const void *from, socklen_t size, void *value, socklen_t *len);

/* --- control.c: fcntl and ioctl, whose arguments are taken from the variable list by the entry
 * --- */

struct pd_file;

int pd_fcntl(struct pd *pd, struct pd_file *f, int command, int arg);
int pd_ioctl(struct pd *pd, struct pd_file *f, unsigned long request, int *arg);

#endif
