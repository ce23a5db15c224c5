#include "sockopt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "pd.h"
#include "pipe.h"
#include "report.h"
#include "sock.h"

#ifndef SIOCOUTQNSD
#define SIOCOUTQNSD 0x894B
#endif

int pd_fcntl(struct pd *pd, struct pd_file *f, int command, int arg)
{
	(void)pd;
	switch (command) {
	case F_GETFL:
		return O_RDWR | (f->nonblock ? O_NONBLOCK : 0);
	case F_SETFL:
		f->nonblock = arg & O_NONBLOCK;
		return 0;
	case F_GETFD:
		return FD_CLOEXEC;
	case F_SETFD:
		return 0;
	default:
		pd_report("fcntl command %d is not offered", command);
		errno = EINVAL;
		return -1;
	}
}

static uint32_t unacknowledged(struct pd *pd, struct pd_sock *s)
{
	struct weir_info i;

	if (s->conn.v == 0 || weir_conn_info(pd->stack, s->conn, &i) != WEIR_OK)
		return 0;
	return i.sndq_bytes;
}

static int ioctl_sock(struct pd *pd, struct pd_sock *s, unsigned long request, int *arg)
{
	if (s->phase == PD_PHASE_LISTENING && request != FIONBIO) {
		errno = EINVAL;
		return -1;
	}
	switch (request) {
	case FIONREAD: /* SIOCINQ */
		*arg = (int)pd_sock_readable(pd, s);
		return 0;
	case SIOCOUTQ:
		*arg = (int)unacknowledged(pd, s);
		return 0;
	case SIOCOUTQNSD:
		*arg = (int)pd_sock_unsent(pd, s);
		return 0;
	case SIOCATMARK:
		*arg = pd_sock_at_mark(pd, s);
		return 0;
	default:
		pd_report("ioctl %#lx is not offered", request);
		errno = ENOTTY;
		return -1;
	}
}

int pd_ioctl(struct pd *pd, struct pd_file *f, unsigned long request, int *arg)
{
	if (arg == NULL) {
		errno = EFAULT;
		return -1;
	}
	if (request == FIONBIO) {
		f->nonblock = *arg != 0;
		return 0;
	}
	switch (f->kind) {
	case PD_SOCK:
		return ioctl_sock(pd, pd_sock_of(f), request, arg);
	case PD_PIPE:
		if (request == FIONREAD) {
			*arg = (int)pd_pipe_bytes(f);
			return 0;
		}
		break;
	case PD_EPOLL:
		break;
	}
	errno = ENOTTY;
	return -1;
}
