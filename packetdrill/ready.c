#include "ready.h"

#include <errno.h>

#include "pd.h"
#include "pipe.h"
#include "sock.h"

static uint32_t ready_listener(const struct pd_sock *s)
{
	return s->queue != NULL ? EPOLLIN | EPOLLRDNORM : 0;
}

static uint32_t ready_write(struct pd *pd, struct pd_sock *s)
{
	if (s->snd_shut || pd_sock_writable(pd, s))
		return EPOLLOUT | EPOLLWRNORM;
	s->nospace = true;
	return 0;
}

static uint32_t ready_sock(struct pd *pd, struct pd_sock *s)
{
	uint32_t mask = s->error ? EPOLLERR : 0;
	bool rcv_end = s->rcv_shut || s->fin_seen;

	switch (s->phase) {
	case PD_PHASE_LISTENING:
		return ready_listener(s);
	case PD_PHASE_NEW:
		return mask | EPOLLHUP | EPOLLOUT | EPOLLWRNORM;
	case PD_PHASE_CONNECTING:
		return mask;
	case PD_PHASE_CONNECTED:
	case PD_PHASE_ENDED:
		break;
	}
	if (s->phase == PD_PHASE_ENDED || (rcv_end && s->snd_shut))
		mask |= EPOLLHUP;
	if (rcv_end)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (pd_sock_may_read(pd, s))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (s->urgent_news)
		mask |= EPOLLPRI;
	return mask | ready_write(pd, s);
}

uint32_t pd_ready(struct pd *pd, struct pd_file *f)
{
	switch (f->kind) {
	case PD_SOCK:
		return ready_sock(pd, pd_sock_of(f));
	case PD_PIPE:
		return pd_pipe_ready(f);
	case PD_EPOLL:
		return pd_epoll_ready(pd, f) ? EPOLLIN | EPOLLRDNORM : 0;
	}
	return 0;
}

struct polled {
	struct pollfd *fds;
	nfds_t count;
};

static int poll_look(struct pd *pd, const struct polled *p)
{
	int found = 0;

	for (nfds_t i = 0; i < p->count; i++) {
		struct pollfd *f = &p->fds[i];
		struct pd_file *file;

		f->revents = 0;
		if (f->fd < 0)
			continue;
		file = pd_fds_get(pd, f->fd);
		f->revents = file == NULL ? POLLNVAL
					  : (short)(pd_ready(pd, file) &
						    ((uint16_t)f->events | POLLERR | POLLHUP));
		found += f->revents != 0;
	}
	return found;
}

static bool poll_ready(struct pd *pd, void *arg)
{
	return poll_look(pd, arg) > 0;
}

int pd_poll(struct pd *pd, struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct polled p = {.fds = fds, .count = count};

	if (fds == NULL && count > 0) {
		errno = EFAULT;
		return -1;
	}
	pd_settle(pd);
	if (pd_wait(pd, poll_ready, &p, pd_clock_after_ms(pd, timeout_ms)) == PD_WAIT_STUCK) {
		errno = EDEADLK;
		return -1;
	}
	return poll_look(pd, &p);
}
