/*
 * origin.c: the server behind weir.test and its connections.
 *
 * Theory of operation
 *
 * libmicrohttpd serves without a listening socket: each connection is one end of an AF_UNIX pair,
 * handed to it by MHD_add_connection(); the relay owns the other end and treats it as it treats a
 * socket that is connected to a host. So the origin takes the same way as everything else: through
 * the program's kernel, the TUN device, the engine and the relay.
 *
 * There is one thread for each connection. Computing the digest of a gigabyte takes half a second,
 * /slow waits on purpose, and making and hashing bytes costs as much as carrying them: none of it
 * may stall the relay's loop or another connection, and with two cores the origin and the loop run
 * at the same time. A connection costs a thread with a small stack and one buffer; their number is
 * bounded (CONNECTIONS_MAX), and one more is refused. poll(2) and not select(2), since descriptors
 * may be above 1,024.
 *
 * A pair of AF_UNIX sockets knows no reset that the server could send at will, so /close?how=rst
 * marks the connection's link, and the relay looks at the mark when the descriptor has ended. The
 * mark is set before the descriptor is closed, hence is seen. The link is shared by both sides and
 * counted.
 *
 * libmicrohttpd tells about a new connection before its first request (`notify`); the link is found
 * there by the descriptor, which is unique while it is open.
 */
#include "origin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "origin_http.h"

/* Connections at one time: each has a thread. */
#define CONNECTIONS_MAX 1024u
#define THREAD_STACK    (256u * 1024u)
/* Bytes for the headers and the upload buffer of one connection; large, so that an upload takes few
 * calls. */
#define CONNECTION_BYTES (192u * 1024u)

#define SERVER_FLAGS \
	(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | \
	 MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET)

void gate_origin_link_put(struct gate_origin_link *link)
{
	if (atomic_fetch_sub(&link->owners, 1) == 1)
		free(link);
}

bool gate_origin_link_was_reset(const struct gate_origin_link *link)
{
	return atomic_load(&link->reset);
}

/* Takes the link of `fd` off the list; NULL: the server has it, or it never was there. */
static struct gate_origin_link *take_waiting(struct gate_origin *o, int fd)
{
	struct gate_origin_link **at, *found;

	pthread_mutex_lock(&o->lock);
	for (at = &o->waiting; *at != NULL && (*at)->fd != fd; at = &(*at)->next)
		;
	found = *at;
	if (found != NULL)
		*at = found->next;
	pthread_mutex_unlock(&o->lock);
	return found;
}

/* MHD_NotifyConnectionCallback: gives a connection its link, and takes it back at the end. */
static void notify(void *cls, struct MHD_Connection *c, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = info != NULL ? take_waiting(cls, info->connect_fd) : NULL;
	} else if (*context != NULL) {
		gate_origin_link_put(*context);
		*context = NULL;
	}
}

void gate_origin_wait(struct gate_origin *o, uint64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&o->lock);
	while (!o->stopping && pthread_cond_timedwait(&o->stop, &o->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&o->lock);
}

static int init_lock(struct gate_origin *o)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(&o->lock, NULL) != 0 || pthread_condattr_init(&attr) != 0)
		return -1;
	if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0)
		return -1;
	return pthread_cond_init(&o->stop, &attr) == 0 ? 0 : -1;
}

struct gate_origin *gate_origin_start(void)
{
	struct gate_origin *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->digests = gate_digest_cache_new();
	if (o->digests != NULL && init_lock(o) == 0)
		o->server = MHD_start_daemon(SERVER_FLAGS, 0, NULL, NULL, gate_origin_answer, o,
					     MHD_OPTION_NOTIFY_COMPLETED, gate_origin_answered, o,
					     MHD_OPTION_NOTIFY_CONNECTION, notify, o,
					     MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					     MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					     (size_t)CONNECTION_BYTES, MHD_OPTION_THREAD_STACK_SIZE,
					     (size_t)THREAD_STACK, MHD_OPTION_END);
	if (o->server != NULL)
		return o;
	gate_digest_cache_free(o->digests);
	free(o);
	errno = ENOMEM;
	return NULL;
}

/* The server's share of connections that it was given but never began to serve. */
static void put_waiting(struct gate_origin *o)
{
	struct gate_origin_link *link, *next;

	for (link = o->waiting; link != NULL; link = next) {
		next = link->next;
		gate_origin_link_put(link);
	}
}

void gate_origin_stop(struct gate_origin *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_cond_broadcast(&o->stop);
	pthread_mutex_unlock(&o->lock);
	MHD_stop_daemon(o->server);
	put_waiting(o);
	pthread_cond_destroy(&o->stop);
	pthread_mutex_destroy(&o->lock);
	gate_digest_cache_free(o->digests);
	free(o);
}

static struct gate_origin_link *new_link(struct gate_origin *o, int fd)
{
	struct gate_origin_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	atomic_init(&link->owners, 2);
	atomic_init(&link->reset, false);
	link->fd = fd;
	pthread_mutex_lock(&o->lock);
	link->next = o->waiting;
	o->waiting = link;
	pthread_mutex_unlock(&o->lock);
	return link;
}

int gate_origin_connect(struct gate_origin *o, const struct sockaddr *client, socklen_t len,
			struct gate_origin_link **link)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	*link = new_link(o, pair[1]);
	if (*link == NULL) {
		close(pair[0]);
		close(pair[1]);
		errno = ENOMEM;
		return -1;
	}
	/* It closes pair[1] if it fails. */
	if (MHD_add_connection(o->server, pair[1], client, len) == MHD_YES)
		return pair[0];
	close(pair[0]);
	/* The server's share, if it was not taken and so not put either. */
	if (take_waiting(o, pair[1]) != NULL)
		gate_origin_link_put(*link);
	gate_origin_link_put(*link);
	errno = ECONNREFUSED;
	return -1;
}
