/*
 * addr.h: the addresses inside the program's namespace, and what a destination is to the gateway.
 *
 * The program has one address of each family; the gateway (weir) and the origin weir.test are the
 * second and the third address of the same prefix. What the program may reach outside is decided
 * here by the destination alone: nothing that would end on the host itself by a loopback address.
 */
#ifndef GATE_ADDR_H
#define GATE_ADDR_H

#include <sys/socket.h>

#include "weir/weir.h"

#define GATE_CIDR4_DEFAULT "10.0.2.15/24"
/* A unique local prefix (RFC 4193); "fd", then "weir" in hexadecimal ASCII. */
#define GATE_CIDR6_DEFAULT "fd77:6569:72::15/64"

/* A prefix shorter or longer than this has no room for three hosts, or hides too much of the world.
 */
#define GATE_PREFIX4_MIN 8u
#define GATE_PREFIX4_MAX 29u
#define GATE_PREFIX6_MIN 16u
#define GATE_PREFIX6_MAX 124u

/* "ffff:…/128" and its NUL. */
#define GATE_CIDR_TEXT 64

/* One family's addresses. `program.family` 0: the family is not there. */
struct gate_subnet {
	struct weir_addr program, gateway, origin;
	unsigned prefix; /* bits */
};

struct gate_net {
	struct gate_subnet v4, v6;
};

enum gate_dest {
	GATE_DEST_HOST,   /* an address outside: an ordinary host socket goes there */
	GATE_DEST_ORIGIN, /* weir.test, port 80 */
	GATE_DEST_INSIDE, /* another address or port of the inside prefix: nobody is there */
	GATE_DEST_NEVER,  /* loopback, unspecified, multicast, broadcast, or IPv4 inside IPv6 */
};

/* Fills `out` from the program's address and prefix. NULL, or what is wrong with them, as the end
 * of a sentence ("needs a prefix from /8 to /29"). */
const char *gate_subnet_set(struct gate_subnet *out, const struct weir_addr *program,
			    unsigned prefix);

enum gate_dest gate_dest_of(const struct gate_net *net, const struct weir_endpoint *dest);

/* "10.0.2.15/24" or "10.0.2.15" into `out` (GATE_CIDR_TEXT bytes); returns `out`. */
const char *gate_cidr_text(char *out, const struct weir_addr *addr, unsigned prefix);
const char *gate_addr_text(char *out, const struct weir_addr *addr);

/* Fills `out` for connect(2); returns its length. */
socklen_t gate_sockaddr_set(struct sockaddr_storage *out, const struct weir_endpoint *e);

#endif
