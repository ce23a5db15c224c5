/*
 * resolve.h: what the files of name resolution say inside: /etc/hosts with weir.test in it, and
 * /etc/resolv.conf with the gateway as the only name server.
 */
#ifndef GATE_RESOLVE_H
#define GATE_RESOLVE_H

#include "addr.h"

#define GATE_ORIGIN_NAME "weir.test"

/* Text for /etc/hosts: weir.test first, so that it wins, then what `host_file` holds (a path; a
 * file that cannot be read counts as empty, one over 1 MiB is cut there). malloc'ed; NULL: no
 * memory. */
char *gate_hosts_text(const struct gate_net *net, const char *host_file);

/* Text for /etc/resolv.conf. malloc'ed; NULL: no memory. */
char *gate_resolv_text(const struct gate_net *net);

#endif
