/*
 * relay_open.c: from a held SYN to a connected descriptor, or to the refusal that fits.
 *
 * Theory of operation
 *
 * The class of the destination decides first (addr.h): weir.test is one end of a descriptor pair
 * whose other end the origin serves, connected at once; an address outside gets an ordinary socket
 * and a non-blocking connect(); the rest is refused. Nothing is answered inside before the outcome
 * is known, and the outcome is answered as it came: a RST for a refusal, the ICMP message for an
 * unreachable or forbidden destination, nothing for silence (RFC 9293 3.10.7.2 leaves the time of
 * the SYN-ACK to us; the program's kernel repeats its SYN meanwhile).
 *
 * A destination that does not answer holds its attempt until the host's kernel gives up (two
 * minutes), and may not block anyone else: at most CONNECTING_MAX attempts wait, at most
 * CONNECTING_DEST_MAX of them for one destination; one more ends the oldest. The program's own
 * retransmission of its SYN then tries again.
 */
#include "relay_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTING_MAX      2048u
#define CONNECTING_DEST_MAX 1024u

#define WATCHED (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

static enum weir_refusal refusal_of(int err)
{
	switch (err) {
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EINVAL:
		return WEIR_REFUSE_UNREACH_HOST;
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
		return WEIR_REFUSE_UNREACH_NET;
	case EACCES:
	case EPERM:
		return WEIR_REFUSE_UNREACH_ADMIN;
	case ETIMEDOUT:
		return WEIR_REFUSE_DROP;
	default: /* ECONNREFUSED, ECONNRESET, and our own want of descriptors or memory */
		return WEIR_REFUSE_RST;
	}
}

static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}

static void refuse(struct gate_relays *t, weir_half half, enum weir_refusal how)
{
	(void)weir_half_refuse(t->stack, half, how, weir_loop_now(t->loop));
}

static void fail_connecting(struct relay *r, int err)
{
	struct gate_relays *t = r->table;

	t->stats.failed++;
	if (is_shortage(err)) {
		t->stats.out_of_fds++;
		relay_tell(t, GATE_NOTICE_DESCRIPTORS);
	}
	refuse(t, r->half, refusal_of(err));
	relay_free(r);
}

/* Makes room if too many attempts wait, or too many for the destination of `r`. */
static void bound_connecting(struct relay *r)
{
	struct gate_relays *t = r->table;
	struct relay *at, *oldest = NULL;
	unsigned same = 0;

	if (t->connecting_count <= CONNECTING_DEST_MAX)
		return;
	for (at = t->connecting.next; at != &t->connecting; at = at->next) {
		if (at->dest.port != r->dest.port ||
		    memcmp(&at->dest.addr, &r->dest.addr, sizeof(r->dest.addr)) != 0)
			continue;
		oldest = oldest == NULL ? at : oldest;
		same++;
	}
	if (same <= CONNECTING_DEST_MAX)
		oldest = t->connecting_count > CONNECTING_MAX ? t->connecting.next : NULL;
	if (oldest == NULL)
		return;
	t->stats.given_up++;
	refuse(t, oldest->half, WEIR_REFUSE_DROP);
	relay_free(oldest);
}

static void accept_connected(struct relay *r)
{
	struct gate_relays *t = r->table;

	relay_leave_connecting(r);
	r->phase = RELAY_ACCEPTING;
	if (weir_half_accept(t->stack, r->half, relay_user(r), weir_loop_now(t->loop)) != WEIR_OK)
		relay_free(r);
}

/* The outcome of connect(), when the descriptor has become writable or failed. */
static void finish_connecting(struct relay *r)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err != 0)
		fail_connecting(r, err);
	else
		accept_connected(r);
}

static void on_descriptor(void *user, uint32_t events)
{
	struct relay *r = user;

	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		r->flags |= RELAY_HOST_READABLE;
	if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
		r->flags |= RELAY_HOST_WRITABLE;
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		r->flags |= RELAY_HOST_HUP;
	/* After its end of stream there is nothing to read that would tell. */
	if ((events & EPOLLERR) != 0 && (r->flags & RELAY_HOST_ENDED) != 0)
		relay_host_reset(r);
	if (r->phase == RELAY_CONNECTING && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
		finish_connecting(r);
	else if (r->phase == RELAY_OPEN)
		relay_pump(r);
}

/* A descriptor on its way to `dest`; -1 with errno. */
static int open_outside(const struct weir_endpoint *dest)
{
	struct sockaddr_storage to;
	socklen_t len = gate_sockaddr_set(&to, dest);
	int on = 1;
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void start_outside(struct relay *r, const struct weir_event *ev, enum gate_dest class)
{
	struct gate_relays *t = r->table;
	struct sockaddr_storage client;
	socklen_t len;

	if (class == GATE_DEST_ORIGIN) {
		len = gate_sockaddr_set(&client, &ev->tuple.remote);
		r->fd = gate_origin_connect(t->origin, (struct sockaddr *)&client, len, &r->link);
	} else {
		r->fd = open_outside(&r->dest);
	}
	if (r->fd < 0) {
		fail_connecting(r, errno);
		return;
	}
	r->watch = weir_loop_watch(t->loop, r->fd, WATCHED, on_descriptor, r);
	if (r->watch == NULL)
		fail_connecting(r, errno);
	else if (class == GATE_DEST_ORIGIN)
		accept_connected(r);
	else
		(void)weir_half_user_set(t->stack, r->half, relay_user(r));
}

void relay_open(struct gate_relays *t, const struct weir_event *ev)
{
	enum gate_dest class = gate_dest_of(t->net, &ev->tuple.local);
	struct relay *r;

	if (class == GATE_DEST_INSIDE || class == GATE_DEST_NEVER) {
		t->stats.refused++;
		refuse(t, ev->half, WEIR_REFUSE_RST);
		return;
	}
	r = relay_new(t, ev);
	if (r == NULL) {
		t->stats.out_of_table++;
		relay_tell(t, GATE_NOTICE_FULL);
		refuse(t, ev->half, WEIR_REFUSE_RST);
		return;
	}
	bound_connecting(r);
	start_outside(r, ev, class);
}
