/*
 * pipe.h: a pipe inside the adapter, and splice between it and a socket. Its descriptors cannot be
 * the kernel's, as no socket behind ours is.
 */
#ifndef WEIR_PACKETDRILL_PIPE_H
#define WEIR_PACKETDRILL_PIPE_H

#include <stddef.h>
#include <sys/types.h>

#include "fds.h"

#define PD_PIPE_BYTES 65536u

/* 0; -1 and errno. fds[0] is to read from. */
int pd_pipe_open(struct pd *pd, int fds[2]);
void pd_pipe_close(struct pd *pd, struct pd_file *f);

ssize_t pd_pipe_read(struct pd *pd, struct pd_file *f, void *buf, size_t len);
ssize_t pd_pipe_write(struct pd *pd, struct pd_file *f, const void *buf, size_t len);
size_t pd_pipe_bytes(const struct pd_file *f);
/* EPOLLIN and so on. */
unsigned pd_pipe_ready(const struct pd_file *f);

/* One side is a pipe and the other a socket. */
ssize_t pd_splice(struct pd *pd, int fd_in, int fd_out, size_t len, unsigned flags);

#endif
