/*
 * ready.h: what can be done with a descriptor without blocking: poll and epoll.
 *
 * An interest (pd_watch) joins one epoll object to one file. It is pending while epoll_wait has
 * to look at it: a wake of the file that meets its events makes it so. epoll_wait reports it if
 * the file is ready then; afterwards it stays pending when it is level-triggered, does not when
 * it is edge- triggered, and is switched off when it is one-shot.
 */
#ifndef WEIR_PACKETDRILL_READY_H
#define WEIR_PACKETDRILL_READY_H

#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "fds.h"

struct pd_epoll;

struct pd_watch {
	struct pd_watch *file_next;  /* the same file's */
	struct pd_watch *epoll_next; /* the same epoll object's, in the order of their coming */
	struct pd_file *file;
	struct pd_epoll *epoll;
	struct epoll_event want;
	bool pending;
};

struct pd_epoll {
	struct pd_file file; /* must be first */
	struct pd_watch *watches;
};

/* EPOLLIN and so on: what is possible now. */
uint32_t pd_ready(struct pd *pd, struct pd_file *f);

/* Something happened to `f` that `events` tell. */
void pd_wake(struct pd *pd, struct pd_file *f, uint32_t events);

/* The file goes away. */
void pd_watch_drop_file(struct pd *pd, struct pd_file *f);

/* The calls, with the lock held. */
int pd_poll(struct pd *pd, struct pollfd *fds, nfds_t count, int timeout_ms);
int pd_epoll_open(struct pd *pd, int size);
int pd_epoll_ctl(struct pd *pd, int epfd, int op, int fd, const struct epoll_event *event);
int pd_epoll_wait(struct pd *pd, int epfd, struct epoll_event *events, int max, int timeout_ms);
bool pd_epoll_ready(struct pd *pd, struct pd_file *f);
void pd_epoll_close(struct pd *pd, struct pd_epoll *e);

#endif
