/*
 * origin.h: the small HTTP server behind the name weir.test, so that everything can be tried
 * offline.
 *
 *   /                    a page
 *   /bytes/N             N reproducible bytes; X-Content-SHA256 tells their digest
 *   /sink                takes a POST or PUT of any size: {"bytes": N, "sha256": "..."}
 *   /echo                gives the request's body back (up to 16 MiB)
 *   /slow?ms=N           answers after N milliseconds (up to 600,000)
 *   /close?how=fin|rst   ends the connection without an answer, by FIN or by RST
 *
 * It runs in threads of its own and knows nothing of the engine: the relay gets one end of a
 * descriptor pair for each connection, as if it had connected to somebody.
 */
#ifndef GATE_ORIGIN_H
#define GATE_ORIGIN_H

#include <stdbool.h>
#include <sys/socket.h>

struct gate_origin;
struct gate_origin_link;

/* NULL with errno. */
struct gate_origin *gate_origin_start(void);
/* Ends all connections and threads. Links that the caller holds stay valid until put. */
void gate_origin_stop(struct gate_origin *o);

/* Opens a connection from `client`. The descriptor (non-blocking, close-on-exec), which is the
 * caller's to close; *link is the caller's to put. -1 with errno. */
int gate_origin_connect(struct gate_origin *o, const struct sockaddr *client, socklen_t len,
			struct gate_origin_link **link);

/* True if the origin ended this connection by a reset: ask when the descriptor has ended. */
bool gate_origin_link_was_reset(const struct gate_origin_link *link);
void gate_origin_link_put(struct gate_origin_link *link);

#endif
