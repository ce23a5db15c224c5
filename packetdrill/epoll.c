#include "ready.h"

#include <errno.h>
#include <stdlib.h>

#include "pd.h"

#define EVENTS_ALWAYS (EPOLLERR | EPOLLHUP)
#define EVENTS_MODES  (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static struct pd_epoll *epoll_of(struct pd_file *f)
{
	return (struct pd_epoll *)(void *)f;
}

static struct pd_epoll *epoll_get(struct pd *pd, int fd)
{
	struct pd_file *f = pd_fds_get(pd, fd);

	if (f == NULL)
		return NULL;
	if (f->kind != PD_EPOLL) {
		errno = EINVAL;
		return NULL;
	}
	return epoll_of(f);
}

int pd_epoll_open(struct pd *pd, int size)
{
	struct pd_epoll *e;

	if (size <= 0) {
		errno = EINVAL;
		return -1;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return -1;
	if (pd_fds_open(pd, &e->file, PD_EPOLL) != 0) {
		free(e);
		return -1;
	}
	return e->file.fd;
}

/* EPOLLERR and EPOLLHUP need not be asked for; a one-shot interest that was used wants nothing. */
static uint32_t meets(const struct pd_watch *w, uint32_t events)
{
	uint32_t want = w->want.events & ~(uint32_t)EVENTS_MODES;

	return want ? events & (want | EVENTS_ALWAYS) : 0;
}

void pd_wake(struct pd *pd, struct pd_file *f, uint32_t events)
{
	(void)pd;
	for (struct pd_watch *w = f->watches; w != NULL; w = w->file_next) {
		if (meets(w, events))
			w->pending = true;
	}
}

static struct pd_watch *watch_find(const struct pd_epoll *e, const struct pd_file *f)
{
	struct pd_watch *w = e->watches;

	while (w != NULL && w->file != f)
		w = w->epoll_next;
	return w;
}

static void watch_remove(struct pd_watch *w)
{
	struct pd_watch **at = &w->epoll->watches;

	while (*at != w)
		at = &(*at)->epoll_next;
	*at = w->epoll_next;
	for (at = &w->file->watches; *at != w; at = &(*at)->file_next)
		;
	*at = w->file_next;
	free(w);
}

static int watch_add(struct pd *pd, struct pd_epoll *e, struct pd_file *f,
		     const struct epoll_event *event)
{
	struct pd_watch *w = calloc(1, sizeof(*w)), **at = &e->watches;

	if (w == NULL)
		return -1;
	while (*at != NULL)
		at = &(*at)->epoll_next;
	*at = w;
	w->file_next = f->watches;
	f->watches = w;
	w->file = f;
	w->epoll = e;
	w->want = *event;
	w->pending = meets(w, pd_ready(pd, f)) != 0;
	return 0;
}

int pd_epoll_ctl(struct pd *pd, int epfd, int op, int fd, const struct epoll_event *event)
{
	struct pd_epoll *e = epoll_get(pd, epfd);
	struct pd_file *f = e != NULL ? pd_fds_get(pd, fd) : NULL;
	struct pd_watch *w;

	if (f == NULL)
		return -1;
	/* An epoll object in another is not offered. */
	errno = f->kind == PD_EPOLL ? EINVAL : event == NULL && op != EPOLL_CTL_DEL ? EFAULT : 0;
	if (errno)
		return -1;
	w = watch_find(e, f);
	errno = op == EPOLL_CTL_ADD ? EEXIST : ENOENT;
	if ((w != NULL) == (op == EPOLL_CTL_ADD))
		return -1;
	switch (op) {
	case EPOLL_CTL_ADD:
		return watch_add(pd, e, f, event);
	case EPOLL_CTL_MOD:
		w->want = *event;
		w->pending = meets(w, pd_ready(pd, f)) != 0;
		return 0;
	case EPOLL_CTL_DEL:
		watch_remove(w);
		return 0;
	default:
		errno = EINVAL;
		return -1;
	}
}

static bool epoll_ready(struct pd *pd, void *arg)
{
	const struct pd_epoll *e = arg;

	for (const struct pd_watch *w = e->watches; w != NULL; w = w->epoll_next)
		if (w->pending && meets(w, pd_ready(pd, w->file)))
			return true;
	return false;
}

bool pd_epoll_ready(struct pd *pd, struct pd_file *f)
{
	return epoll_ready(pd, epoll_of(f));
}

static int collect(struct pd *pd, struct pd_epoll *e, struct epoll_event *events, int max)
{
	int found = 0;

	for (struct pd_watch *w = e->watches; w != NULL && found < max; w = w->epoll_next) {
		uint32_t now = w->pending ? meets(w, pd_ready(pd, w->file)) : 0;

		if (!now) {
			w->pending = false;
			continue;
		}
		events[found].events = now;
		events[found++].data = w->want.data;
		if (w->want.events & EPOLLONESHOT)
			w->want.events &= EVENTS_MODES;
		w->pending = !(w->want.events & (EPOLLET | EPOLLONESHOT));
	}
	return found;
}

int pd_epoll_wait(struct pd *pd, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	struct pd_epoll *e = epoll_get(pd, epfd);

	if (e == NULL)
		return -1;
	errno = max <= 0 ? EINVAL : events == NULL ? EFAULT : 0;
	if (errno)
		return -1;
	pd_settle(pd);
	if (pd_wait(pd, epoll_ready, e, pd_clock_after_ms(pd, timeout_ms)) == PD_WAIT_STUCK) {
		errno = EDEADLK;
		return -1;
	}
	return collect(pd, e, events, max);
}

void pd_watch_drop_file(struct pd *pd, struct pd_file *f)
{
	(void)pd;
	while (f->watches != NULL)
		watch_remove(f->watches);
}

void pd_epoll_close(struct pd *pd, struct pd_epoll *e)
{
	while (e->watches != NULL)
		watch_remove(e->watches);
	pd_watch_drop_file(pd, &e->file);
	pd_fds_close(pd, &e->file);
	free(e);
}
