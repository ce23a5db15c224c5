/*
 * pipe.c: a pair of links without a device, over a socket pair of raw packets.
 *
 * It joins two stacks in two threads or processes with real system calls and real wake-ups, but
 * without privileges. The socket's buffer is the link's queue; a packet that finds it full is lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "weir/link.h"

#define RECV_BATCH_FRAMES 16
#define PACKET_MAX        65535u
#define BUFFER_SIZE       65536u
/* Asked for each direction; the kernel gives at most net.core.wmem_max. */
#define QUEUE_BYTES (4 * 1024 * 1024)

struct pipe_link {
	struct weir_link link;
	uint8_t *buffers; /* RECV_BATCH_FRAMES of BUFFER_SIZE */
};

static struct pipe_link *pipe_of(struct weir_link *l)
{
	return (struct pipe_link *)(void *)l; /* link is the first member */
}

static int pipe_recv(struct weir_link *l, struct weir_frame *frames, int max)
{
	struct pipe_link *p = pipe_of(l);
	int n = 0;

	while (n < max && n < RECV_BATCH_FRAMES) {
		uint8_t *buffer = p->buffers + (size_t)n * BUFFER_SIZE;
		ssize_t got = recv(l->fd, buffer, PACKET_MAX, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got <= 0 && n == 0) {
			errno = got == 0 ? EPIPE : errno; /* 0: the far end is closed */
			return -1;
		}
		if (got <= 0)
			break;
		frames[n] = (struct weir_frame){.bytes = buffer, .len = (size_t)got};
		n++;
	}
	l->frames_in += (uint64_t)n;
	return n;
}

static int pipe_send(struct weir_link *l, const struct weir_packet *p)
{
	struct iovec iov[1 + WEIR_SPANS_MAX];
	struct msghdr msg = {.msg_iov = iov};
	unsigned i;

	iov[0].iov_base = (void *)(uintptr_t)p->head;
	iov[0].iov_len = p->head_len;
	for (i = 0; i < p->span_count; i++) {
		iov[1 + i].iov_base = (void *)(uintptr_t)p->span[i].bytes;
		iov[1 + i].iov_len = p->span[i].len;
	}
	msg.msg_iovlen = 1u + p->span_count;
	if (sendmsg(l->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		l->send_errors++;
		return -1;
	}
	l->frames_out++;
	return 0;
}

static void pipe_close(struct weir_link *l)
{
	struct pipe_link *p = pipe_of(l);

	close(l->fd);
	free(p->buffers);
	free(p);
}

static const struct weir_link_ops pipe_ops = {
	.recv = pipe_recv,
	.send = pipe_send,
	.close = pipe_close,
};

static struct weir_link *pipe_new(int fd, uint32_t mtu)
{
	struct pipe_link *p = calloc(1, sizeof(*p));
	int bytes = QUEUE_BYTES;

	if (p == NULL)
		return NULL;
	p->buffers = malloc((size_t)RECV_BATCH_FRAMES * BUFFER_SIZE);
	if (p->buffers == NULL) {
		free(p);
		return NULL;
	}
	/* A smaller queue only loses more. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	p->link.ops = &pipe_ops;
	p->link.fd = fd;
	p->link.mtu = mtu;
	return &p->link;
}

int weir_link_pipe_open(struct weir_link *out[2], uint32_t mtu)
{
	int fds[2];
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	out[0] = pipe_new(fds[0], mtu);
	out[1] = pipe_new(fds[1], mtu);
	if (out[0] != NULL && out[1] != NULL)
		return 0;
	for (i = 0; i < 2; i++) {
		if (out[i] == NULL)
			close(fds[i]);
		weir_link_close(out[i]);
	}
	errno = ENOMEM;
	return -1;
}
