/*
 * kernel_sock.h: sockets of the kernel's TCP, as the programs of the benches want them.
 */
#ifndef WEIR_BENCH_KERNEL_SOCK_H
#define WEIR_BENCH_KERNEL_SOCK_H

#include <stdint.h>
#include <sys/socket.h>

#define CHUNK 262144u /* bytes that are read or written at once */

struct target {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* Ends the program with a line that has its name, `what` and errno. */
_Noreturn void die(const char *what);

/* Seconds of the monotonic clock. */
double now_s(void);

/* An address of either family with a port; ends the program where it is none. */
struct target target_of(const char *address, unsigned port);

/* A TCP socket for that family; `flags` as of socket(). */
int open_socket(const struct target *t, int flags);

/* Without Nagle's algorithm, and with this congestion control. 0; -1: the kernel has it not. */
int tune_socket(int fd, const char *cc);

#endif
