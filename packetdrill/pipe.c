#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "pd.h"
#include "ready.h"
#include "sock.h"

/* What both ends share. */
struct pipe {
	unsigned ends, readers, writers;
	size_t first, bytes;
	uint8_t ring[PD_PIPE_BYTES];
};

struct pipe_end {
	struct pd_file file; /* must be first */
	struct pipe *pipe;
	bool writes;
};

static struct pipe_end *end_of(struct pd_file *f)
{
	return (struct pipe_end *)(void *)f;
}

static struct pipe_end *end_new(struct pd *pd, struct pipe *p, bool writes)
{
	struct pipe_end *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	if (pd_fds_open(pd, &e->file, PD_PIPE) != 0) {
		free(e);
		return NULL;
	}
	e->pipe = p;
	e->writes = writes;
	p->ends++;
	p->readers += !writes;
	p->writers += writes;
	return e;
}

int pd_pipe_open(struct pd *pd, int fds[2])
{
	struct pipe *p;
	struct pipe_end *in, *out;

	if (fds == NULL) {
		errno = EFAULT;
		return -1;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -1;
	in = end_new(pd, p, false);
	out = in != NULL ? end_new(pd, p, true) : NULL;
	if (out == NULL) {
		if (in != NULL)
			pd_pipe_close(pd, &in->file);
		else
			free(p);
		return -1;
	}
	fds[0] = in->file.fd;
	fds[1] = out->file.fd;
	return 0;
}

void pd_pipe_close(struct pd *pd, struct pd_file *f)
{
	struct pipe_end *e = end_of(f);

	e->pipe->readers -= !e->writes;
	e->pipe->writers -= e->writes;
	if (--e->pipe->ends == 0)
		free(e->pipe);
	pd_watch_drop_file(pd, f);
	pd_fds_close(pd, f);
	free(e);
}

size_t pd_pipe_bytes(const struct pd_file *f)
{
	return ((const struct pipe_end *)(const void *)f)->pipe->bytes;
}

unsigned pd_pipe_ready(const struct pd_file *f)
{
	const struct pipe_end *e = (const void *)f;

	if (e->writes)
		return (e->pipe->bytes < PD_PIPE_BYTES ? EPOLLOUT | EPOLLWRNORM : 0u) |
		       (e->pipe->readers ? 0u : EPOLLERR);
	return (e->pipe->bytes ? EPOLLIN | EPOLLRDNORM : 0u) | (e->pipe->writers ? 0u : EPOLLHUP);
}

static bool read_ready(struct pd *pd, void *arg)
{
	const struct pipe *p = arg;

	(void)pd;
	return p->bytes > 0 || p->writers == 0;
}

static bool write_ready(struct pd *pd, void *arg)
{
	const struct pipe *p = arg;

	(void)pd;
	return p->bytes < PD_PIPE_BYTES || p->readers == 0;
}

/* 0; -1 and errno. */
static int block(struct pd *pd, struct pipe *p, bool (*ready)(struct pd *, void *), bool nonblock)
{
	if (ready(pd, p))
		return 0;
	errno = nonblock ? EAGAIN : EDEADLK;
	if (nonblock || pd_wait(pd, ready, p, PD_NEVER) == PD_WAIT_STUCK)
		return -1;
	return 0;
}

static void wake_both(struct pd *pd, const struct pipe *p)
{
	for (unsigned i = 0; i < PD_FDS_MAX; i++) {
		struct pd_file *f = pd->fds.file[i];

		if (f != NULL && f->kind == PD_PIPE && end_of(f)->pipe == p)
			pd_wake(pd, f, EPOLLIN | EPOLLOUT);
	}
}

static void ring_move(struct pipe *p, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = p->ring[(p->first + i) % PD_PIPE_BYTES];
}

static void ring_drop(struct pipe *p, size_t len)
{
	p->first = (p->first + len) % PD_PIPE_BYTES;
	p->bytes -= len;
}

static void ring_add(struct pipe *p, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p->ring[(p->first + p->bytes + i) % PD_PIPE_BYTES] = from[i];
	p->bytes += len;
}

ssize_t pd_pipe_read(struct pd *pd, struct pd_file *f, void *buf, size_t len)
{
	struct pipe_end *e = end_of(f);

	errno = e->writes ? EBADF : buf == NULL && len > 0 ? EFAULT : 0;
	if (errno || block(pd, e->pipe, read_ready, f->nonblock) != 0)
		return -1;
	if (len > e->pipe->bytes)
		len = e->pipe->bytes;
	ring_move(e->pipe, buf, len);
	ring_drop(e->pipe, len);
	wake_both(pd, e->pipe);
	return (ssize_t)len;
}

ssize_t pd_pipe_write(struct pd *pd, struct pd_file *f, const void *buf, size_t len)
{
	struct pipe_end *e = end_of(f);

	errno = !e->writes ? EBADF : buf == NULL && len > 0 ? EFAULT : 0;
	if (errno || block(pd, e->pipe, write_ready, f->nonblock) != 0)
		return -1;
	if (e->pipe->readers == 0) {
		errno = EPIPE;
		return -1;
	}
	if (len > PD_PIPE_BYTES - e->pipe->bytes)
		len = PD_PIPE_BYTES - e->pipe->bytes;
	ring_add(e->pipe, buf, len);
	wake_both(pd, e->pipe);
	return (ssize_t)len;
}

static ssize_t splice_in(struct pd *pd, struct pd_sock *s, struct pd_file *f, size_t len,
			 unsigned flags)
{
	struct pipe *p = end_of(f)->pipe;
	struct iovec iov;
	ssize_t n;

	if (pd_sock_at_mark(pd, s) && !s->opts.value[PD_OPT_OOBINLINE])
		return 0; /* as Linux: splice does not pass the urgent byte */
	if (block(pd, p, write_ready, f->nonblock || flags & SPLICE_F_NONBLOCK) != 0)
		return -1;
	if (len > PD_PIPE_BYTES - p->bytes)
		len = PD_PIPE_BYTES - p->bytes;
	iov.iov_len = len;
	iov.iov_base = malloc(len);
	if (iov.iov_base == NULL)
		return -1;
	n = pd_sock_recv(pd, s, &iov, 1, flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
	if (n > 0) {
		ring_add(p, iov.iov_base, (size_t)n);
		wake_both(pd, p);
	}
	free(iov.iov_base);
	return n;
}

static ssize_t splice_out(struct pd *pd, struct pd_file *f, struct pd_sock *s, size_t len,
			  unsigned flags)
{
	struct pipe *p = end_of(f)->pipe;
	int how = (flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0) |
		  (flags & SPLICE_F_MORE ? MSG_MORE : 0);
	struct iovec iov;
	ssize_t n;

	if (block(pd, p, read_ready, f->nonblock || flags & SPLICE_F_NONBLOCK) != 0)
		return -1;
	if (len > p->bytes)
		len = p->bytes;
	if (len == 0)
		return 0;
	iov.iov_len = len;
	iov.iov_base = malloc(len);
	if (iov.iov_base == NULL)
		return -1;
	ring_move(p, iov.iov_base, len);
	n = pd_sock_send(pd, s, &iov, 1, how);
	if (n > 0) {
		ring_drop(p, (size_t)n);
		wake_both(pd, p);
	}
	free(iov.iov_base);
	return n;
}

ssize_t pd_splice(struct pd *pd, int fd_in, int fd_out, size_t len, unsigned flags)
{
	struct pd_file *in = pd_fds_get(pd, fd_in);
	struct pd_file *out = in != NULL ? pd_fds_get(pd, fd_out) : NULL;

	if (out == NULL)
		return -1;
	if (len == 0)
		return 0;
	if (in->kind == PD_SOCK && out->kind == PD_PIPE && end_of(out)->writes)
		return splice_in(pd, pd_sock_of(in), out, len, flags);
	if (in->kind == PD_PIPE && out->kind == PD_SOCK && !end_of(in)->writes)
		return splice_out(pd, in, pd_sock_of(out), len, flags);
	errno = EINVAL;
	return -1;
}
