/*
 * sock.h: a stream socket: what the C library's calls see of a listener or connection of the
 * engine, which knows neither descriptors nor errno.
 *
 * Calls return a value or -1 and errno, as the C library's. They run with the lock held; those that
 * may block let go of it.
 */
#ifndef WEIR_PACKETDRILL_SOCK_H
#define WEIR_PACKETDRILL_SOCK_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "weir/weir.h"

#include "fds.h"
#include "sockopt.h"

enum pd_phase {
	PD_PHASE_NEW, /* neither connected nor listening */
	PD_PHASE_LISTENING,
	PD_PHASE_CONNECTING,
	PD_PHASE_CONNECTED, /* the engine has a connection, which may be half closed */
	PD_PHASE_ENDED,     /* the engine's connection is over */
};

struct pd_sock {
	struct pd_file file; /* must be first */
	int domain;
	enum pd_phase phase;
	struct weir_endpoint local, remote;
	bool bound;
	weir_conn conn;
	weir_listener listener;

	/* A listener's connections that wait for accept, oldest first */
	struct pd_sock *queue, *queue_next, *queue_of;
	unsigned queued, backlog;

	int error;        /* what SO_ERROR tells, once */
	int soft_error;   /* an ICMP error that did not end the attempt */
	bool told;        /* connect() has reported success */
	bool rcv_shut;    /* shutdown(SHUT_RD), or nothing will come any more */
	bool snd_shut;    /* shutdown(SHUT_WR), or nothing can be sent any more */
	bool fin_seen;    /* the peer's stream has ended */
	bool nospace;     /* somebody wants to know when there is room to write */
	bool urgent_news; /* an urgent byte was announced that nobody has read */
	bool urgent_valid;
	uint64_t urgent_at;  /* where it is: bytes of the stream before it */
	uint64_t read_bytes; /* bytes taken from the stream so far */
	int64_t data_us;     /* when bytes came last */
	struct pd_opts opts;
};

static inline struct pd_sock *pd_sock_of(struct pd_file *f)
{
	return (struct pd_sock *)(void *)f;
}

/* The socket of a descriptor; NULL with EBADF or ENOTSOCK. */
struct pd_sock *pd_sock_get(struct pd *pd, int fd);

/* --- Opening and closing (sock_open.c) -------------------------------------------------------- */

int pd_sock_open(struct pd *pd, int domain, int type, int protocol);
int pd_sock_bind(struct pd *pd, struct pd_sock *s, const struct sockaddr *addr, socklen_t len);
int pd_sock_listen(struct pd *pd, struct pd_sock *s, int backlog);
int pd_sock_accept(struct pd *pd, struct pd_sock *s, struct sockaddr *addr, socklen_t *len);
int pd_sock_connect(struct pd *pd, struct pd_sock *s, const struct sockaddr *addr, socklen_t len);
int pd_sock_shutdown(struct pd *pd, struct pd_sock *s, int how);
/* Ends the socket as close() does, and frees it. */
int pd_sock_close(struct pd *pd, struct pd_sock *s);

/* --- Bytes (sock_recv.c, sock_send.c) --------------------------------------------------------- */

ssize_t pd_sock_recv(struct pd *pd, struct pd_sock *s, const struct iovec *iov, size_t count,
		     int flags);
ssize_t pd_sock_send(struct pd *pd, struct pd_sock *s, const struct iovec *iov, size_t count,
		     int flags);
/* Bytes that a read finds now; and whether it returns at once. */
size_t pd_sock_readable(struct pd *pd, struct pd_sock *s);
bool pd_sock_may_read(struct pd *pd, struct pd_sock *s);
/* Linux calls a socket writable when a third of its buffer is free. */
bool pd_sock_writable(struct pd *pd, struct pd_sock *s);
/* Bytes queued and not yet sent. */
size_t pd_sock_unsent(struct pd *pd, struct pd_sock *s);
/* The next byte to read is the urgent one. */
bool pd_sock_at_mark(struct pd *pd, struct pd_sock *s);

/* --- What the engine tells (sock_event.c) ----------------------------------------------------- */

void pd_sock_event(struct pd *pd, const struct weir_event *ev);
/* Wakes who waits for room to write, where there is some. */
void pd_sock_write_space(struct pd *pd);
/* The socket's pending error, which this takes; 0: none. */
int pd_sock_take_error(struct pd_sock *s);
/* errno of an error of the engine. */
int pd_errno_of(enum weir_err e);
void pd_sock_end(struct pd *pd, struct pd_sock *s);

#endif
