/*
 * status.h: tells who asks (weir-ss(1)) what is in the engine of this process.
 *
 * A Unix socket in one of the folders of status_dir.h, served by the process's own loop: who
 * connects gets one document (status_text.h) and the end of the stream. Nothing is read, so
 * nothing can be asked for or changed. Each round of the loop gives a client one piece at most, and
 * waits for none.
 */
#ifndef GATE_STATUS_H
#define GATE_STATUS_H

#include "weir/loop.h"

struct gate_status;

/* `command`: what is running, for the reader. NULL with errno: there is no place for the socket, or
 * no descriptor or memory; the process goes on without. */
struct gate_status *gate_status_open(struct weir_loop *loop, const char *command);

/* Before the loop is closed; NULL: nothing. Removes the socket, and its folder if it is empty. */
void gate_status_close(struct gate_status *s);

#endif
