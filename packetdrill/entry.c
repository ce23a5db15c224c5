/*
 * The functions that packetdrill calls: each takes the lock, hands on to the module that knows, and
 * gives the lock back. Only packetdrill_interface_init is visible outside of the shared object.
 */
#include "interface.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "endcheck.h"
#include "pd.h"
#include "pipe.h"
#include "ready.h"
#include "report.h"
#include "sock.h"

#define IOV_MAX_COUNT   1024
#define FLAGS_ERROR_MAX 256

static struct pd *enter(void *userdata)
{
	struct pd *pd = userdata;

	pd_enter(pd);
	return pd;
}

static int leave(struct pd *pd, int result)
{
	pd_leave(pd);
	return result;
}

static ssize_t leave_size(struct pd *pd, ssize_t result)
{
	pd_leave(pd);
	return result;
}

/* --- Sockets ---------------------------------------------------------------------------------- */

static int on_socket(void *userdata, int domain, int type, int protocol)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_sock_open(pd, domain, type, protocol));
}

static int on_bind(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_bind(pd, s, addr, len) : -1);
}

static int on_listen(void *userdata, int fd, int backlog)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_listen(pd, s, backlog) : -1);
}

static int on_accept(void *userdata, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_accept(pd, s, addr, len) : -1);
}

static int on_connect(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_connect(pd, s, addr, len) : -1);
}

static int on_shutdown(void *userdata, int fd, int how)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_shutdown(pd, s, how) : -1);
}

static int on_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *len)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_getsockopt(pd, s, level, name, value, len) : -1);
}

static int on_setsockopt(void *userdata, int fd, int level, int name, const void *value,
			 socklen_t len)
{
	struct pd *pd = enter(userdata);
	struct pd_sock *s = pd_sock_get(pd, fd);

	return leave(pd, s ? pd_sock_setsockopt(pd, s, level, name, value, len) : -1);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static bool bad_iov(const struct iovec *iov, size_t count)
{
	errno = count > IOV_MAX_COUNT ? EINVAL : count > 0 && iov == NULL ? EFAULT : 0;
	return errno != 0;
}

static ssize_t receive(struct pd *pd, int fd, const struct iovec *iov, size_t count, int flags)
{
	struct pd_sock *s = bad_iov(iov, count) ? NULL : pd_sock_get(pd, fd);

	return s ? pd_sock_recv(pd, s, iov, count, flags) : -1;
}

static ssize_t transmit(struct pd *pd, int fd, const struct iovec *iov, size_t count, int flags)
{
	struct pd_sock *s = bad_iov(iov, count) ? NULL : pd_sock_get(pd, fd);

	return s ? pd_sock_send(pd, s, iov, count, flags) : -1;
}

static ssize_t on_read(void *userdata, int fd, void *buf, size_t len)
{
	struct pd *pd = enter(userdata);
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct pd_file *f = pd_fds_get(pd, fd);

	if (f != NULL && f->kind == PD_PIPE)
		return leave_size(pd, pd_pipe_read(pd, f, buf, len));
	return leave_size(pd, receive(pd, fd, &iov, 1, 0));
}

static ssize_t on_readv(void *userdata, int fd, const struct iovec *iov, int count)
{
	struct pd *pd = enter(userdata);

	return leave_size(pd, receive(pd, fd, iov, (size_t)count, 0));
}

static ssize_t on_recv(void *userdata, int fd, void *buf, size_t len, int flags)
{
	struct pd *pd = enter(userdata);
	struct iovec iov = {.iov_base = buf, .iov_len = len};

	return leave_size(pd, receive(pd, fd, &iov, 1, flags));
}

static ssize_t on_recvfrom(void *userdata, int fd, void *buf, size_t len, int flags,
			   struct sockaddr *addr, socklen_t *addr_len)
{
	if (addr != NULL && addr_len != NULL)
		*addr_len = 0; /* as of any connected stream */
	return on_recv(userdata, fd, buf, len, flags);
}

/* TCP_INQ: how much more there is, in a control message. */
static void put_inq(struct pd *pd, int fd, struct msghdr *msg, size_t room)
{
	struct pd_sock *s = pd_sock_get(pd, fd);
	struct cmsghdr *c = msg->msg_control;
	int left;

	if (s == NULL || !s->opts.value[PD_OPT_INQ] || c == NULL || room < CMSG_SPACE(sizeof(left)))
		return;
	left = (int)pd_sock_readable(pd, s);
	if (left == 0 && s->fin_seen)
		left = 1; /* Linux: the end of the stream counts */
	c->cmsg_level = IPPROTO_TCP;
	c->cmsg_type = PD_TCP_CM_INQ;
	c->cmsg_len = CMSG_LEN(sizeof(left));
	*(int *)(void *)CMSG_DATA(c) = left;
	msg->msg_controllen = CMSG_SPACE(sizeof(left));
}

static ssize_t on_recvmsg(void *userdata, int fd, struct msghdr *msg, int flags)
{
	struct pd *pd = enter(userdata);
	size_t room = msg->msg_controllen;
	ssize_t n = receive(pd, fd, msg->msg_iov, msg->msg_iovlen, flags);

	if (n >= 0) {
		msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		msg->msg_flags = flags & MSG_OOB;
		put_inq(pd, fd, msg, room);
	}
	return leave_size(pd, n);
}

static ssize_t on_write(void *userdata, int fd, const void *buf, size_t len)
{
	struct pd *pd = enter(userdata);
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
	struct pd_file *f = pd_fds_get(pd, fd);

	if (f != NULL && f->kind == PD_PIPE)
		return leave_size(pd, pd_pipe_write(pd, f, buf, len));
	return leave_size(pd, transmit(pd, fd, &iov, 1, 0));
}

static ssize_t on_writev(void *userdata, int fd, const struct iovec *iov, int count)
{
	struct pd *pd = enter(userdata);

	return leave_size(pd, transmit(pd, fd, iov, (size_t)count, 0));
}

static ssize_t on_send(void *userdata, int fd, const void *buf, size_t len, int flags)
{
	struct pd *pd = enter(userdata);
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};

	return leave_size(pd, transmit(pd, fd, &iov, 1, flags));
}

static ssize_t on_sendto(void *userdata, int fd, const void *buf, size_t len, int flags,
			 const struct sockaddr *addr, socklen_t addr_len)
{
	(void)addr; /* a stream has its peer already */
	(void)addr_len;
	return on_send(userdata, fd, buf, len, flags);
}

static ssize_t on_sendmsg(void *userdata, int fd, const struct msghdr *msg, int flags)
{
	struct pd *pd = enter(userdata);

	return leave_size(pd, transmit(pd, fd, msg->msg_iov, msg->msg_iovlen, flags));
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static int on_fcntl(void *userdata, int fd, int command, ...)
{
	struct pd *pd = enter(userdata);
	struct pd_file *f = pd_fds_get(pd, fd);
	va_list args;
	int arg = 0;

	va_start(args, command);
	if (command == F_SETFL || command == F_SETFD)
		arg = va_arg(args, int);
	va_end(args);
	return leave(pd, f ? pd_fcntl(pd, f, command, arg) : -1);
}

static int on_ioctl(void *userdata, int fd, unsigned long request, ...)
{
	struct pd *pd = enter(userdata);
	struct pd_file *f = pd_fds_get(pd, fd);
	va_list args;
	int *arg;

	va_start(args, request);
	arg = va_arg(args, int *);
	va_end(args);
	return leave(pd, f ? pd_ioctl(pd, f, request, arg) : -1);
}

static int on_close(void *userdata, int fd)
{
	struct pd *pd = enter(userdata);
	struct pd_file *f = pd_fds_get(pd, fd);

	if (f == NULL)
		return leave(pd, -1);
	switch (f->kind) {
	case PD_SOCK:
		return leave(pd, pd_sock_close(pd, pd_sock_of(f)));
	case PD_EPOLL:
		pd_epoll_close(pd, (struct pd_epoll *)(void *)f);
		break;
	case PD_PIPE:
		pd_pipe_close(pd, f);
		break;
	}
	return leave(pd, 0);
}

static int on_poll(void *userdata, struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_poll(pd, fds, count, timeout_ms));
}

static int on_epoll_create(void *userdata, int size)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_epoll_open(pd, size));
}

static int on_epoll_ctl(void *userdata, int epfd, int op, int fd, struct epoll_event *event)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_epoll_ctl(pd, epfd, op, fd, event));
}

static int on_epoll_wait(void *userdata, int epfd, struct epoll_event *events, int max,
			 int timeout_ms)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_epoll_wait(pd, epfd, events, max, timeout_ms));
}

static int on_pipe(void *userdata, int fds[2])
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_pipe_open(pd, fds));
}

/* packetdrill always gives offsets, for sockets too, where they mean nothing. */
static ssize_t on_splice(void *userdata, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out,
			 size_t len, unsigned flags)
{
	struct pd *pd = enter(userdata);

	(void)off_in;
	(void)off_out;
	return leave_size(pd, pd_splice(pd, fd_in, fd_out, len, flags));
}

/* --- Wire and clock --------------------------------------------------------------------------- */

static int on_netdev_send(void *userdata, const void *packet, size_t bytes)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_net_send(pd, packet, bytes));
}

static int on_netdev_receive(void *userdata, void *buf, size_t *bytes, long long *time_usecs)
{
	struct pd *pd = enter(userdata);

	return leave(pd, pd_net_receive(pd, buf, bytes, time_usecs));
}

static int on_usleep(void *userdata, useconds_t usecs)
{
	struct pd *pd = enter(userdata);

	pd_clock_advance(pd, pd->clock.now_us + usecs);
	pd_leave_clock(pd);
	return 0;
}

static int on_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz)
{
	struct pd *pd = enter(userdata);
	int64_t now = pd_clock_look(pd);

	(void)tz;
	tv->tv_sec = now / 1000000;
	tv->tv_usec = now % 1000000;
	pd_leave_clock(pd);
	return 0;
}

/* --- Beginning and end ------------------------------------------------------------------------ */

static void on_free(void *userdata)
{
	struct pd *pd = enter(userdata);
	int bad = pd_end_check(pd);

	pd_net_clear(&pd->net);
	munmap(pd->mem, pd->mem_len);
	pthread_mutex_unlock(&pd->lock);
	pthread_mutex_destroy(&pd->lock);
	pthread_cond_destroy(&pd->clock.looked);
	free(pd);
	if (bad)
		exit(EXIT_FAILURE);
}

static void open_stack(struct pd *pd)
{
	enum weir_err e;

	pd->mem_len = weir_stack_bytes(&pd->flags.cfg);
	pd->mem =
		mmap(NULL, pd->mem_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pd->mem_len == 0 || pd->mem == MAP_FAILED)
		pd_fail("no memory for a stack of %zu bytes", pd->mem_len);
	e = weir_stack_init(&pd->stack, pd->mem, pd->mem_len, &pd->flags.cfg, pd_now(pd));
	if (e != WEIR_OK)
		pd_fail("the stack cannot be made: %s", weir_err_text(e));
}

static const struct packetdrill_interface callbacks = {
	.free = on_free,
	.socket = on_socket,
	.bind = on_bind,
	.listen = on_listen,
	.accept = on_accept,
	.connect = on_connect,
	.read = on_read,
	.readv = on_readv,
	.recv = on_recv,
	.recvfrom = on_recvfrom,
	.recvmsg = on_recvmsg,
	.write = on_write,
	.writev = on_writev,
	.send = on_send,
	.sendto = on_sendto,
	.sendmsg = on_sendmsg,
	.fcntl = on_fcntl,
	.ioctl = on_ioctl,
	.close = on_close,
	.shutdown = on_shutdown,
	.getsockopt = on_getsockopt,
	.setsockopt = on_setsockopt,
	.poll = on_poll,
	.netdev_send = on_netdev_send,
	.netdev_receive = on_netdev_receive,
	.usleep = on_usleep,
	.gettimeofday = on_gettimeofday,
	.epoll_create = on_epoll_create,
	.epoll_ctl = on_epoll_ctl,
	.epoll_wait = on_epoll_wait,
	.pipe = on_pipe,
	.splice = on_splice,
};

__attribute__((visibility("default"))) void packetdrill_interface_init(
	const char *flags, struct packetdrill_interface *out)
{
	struct pd *pd = calloc(1, sizeof(*pd));
	char error[FLAGS_ERROR_MAX];

	if (pd == NULL)
		pd_fail("out of memory");
	if (pd_flags_parse(flags, &pd->flags, error, sizeof(error)) != 0)
		pd_fail("%s", error);
	pthread_mutex_init(&pd->lock, NULL);
	pd_clock_init(&pd->clock, pd->flags.clock);
	pd_net_init(&pd->net);
	open_stack(pd);
	*out = callbacks;
	out->userdata = pd;
}
