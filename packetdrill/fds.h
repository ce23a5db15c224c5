/*
 * fds.h: the descriptors that scripts see.
 *
 * Each is a real descriptor (of an empty memfd), since packetdrill closes what a script leaves
 * open with the C library; the object behind it is ours. The memfd's inode tells later whether
 * the number still means our file.
 */
#ifndef WEIR_PACKETDRILL_FDS_H
#define WEIR_PACKETDRILL_FDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pd;
struct pd_watch;

#define PD_FDS_MAX 1024u

enum pd_kind { PD_SOCK, PD_EPOLL, PD_PIPE };

/* The first member of every object with a descriptor. */
struct pd_file {
	enum pd_kind kind;
	int fd; /* -1: none (a connection that was not accepted yet, or was closed) */
	dev_t dev;
	ino_t ino;
	bool nonblock;
	struct pd_watch *watches; /* epoll's interest in it */
};

struct pd_fds {
	struct pd_file *file[PD_FDS_MAX];
	unsigned count;
};

/* Gives `f` a descriptor. 0; -1 and errno (EMFILE). */
int pd_fds_open(struct pd *pd, struct pd_file *f, enum pd_kind kind);

/* The object of a descriptor, or NULL and errno EBADF. */
struct pd_file *pd_fds_get(struct pd *pd, int fd);

/* Takes the descriptor from the table and closes it, if it is still ours. */
void pd_fds_close(struct pd *pd, struct pd_file *f);

/* Somebody else has closed one of our descriptors. */
bool pd_fds_any_stolen(const struct pd *pd);

#endif
