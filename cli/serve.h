/*
 * serve.h: the services of `weir serve`, each of which knows one connection and no other.
 *
 * The plain ones (RFC 862, 863, 864) keep no state of their own: all that is between receiving and
 * sending is in the engine's queues, so a connection that the peer does not read costs no memory
 * here. Files go through an HTTP library on the other end of a socket pair.
 */
#ifndef WEIR_CLI_SERVE_H
#define WEIR_CLI_SERVE_H

#include "weir/loop.h"

/* Moves what can be moved now; called when a connection is new, readable or writable. At the end
 * of the peer's stream the connection is closed after what is still to be sent; source alone has no
 * end but a reset. */
void serve_echo(struct weir_stack *s, weir_conn c, weir_time now);
void serve_discard(struct weir_stack *s, weir_conn c, weir_time now);
void serve_source(struct weir_stack *s, weir_conn c, weir_time now);

struct serve_files;

/* Serves the regular files below `dir` on `loop`. 0; -1 with errno. */
int serve_files_open(struct serve_files **out, struct weir_loop *loop, const char *dir);
void serve_files_event(struct serve_files *files, const struct weir_event *ev);
/* Before the loop is closed. */
void serve_files_close(struct serve_files *files);

#endif
