/*
 * inetsum.h: the Internet checksum (RFC 1071) for sinks, which may not use the engine's.
 */
#ifndef WEIR_SINK_INETSUM_H
#define WEIR_SINK_INETSUM_H

#include <stddef.h>
#include <stdint.h>

/* A sum over pieces of any length, in the order of the packet. */
struct inetsum {
	uint64_t sum;
	unsigned odd; /* 1: an odd number of bytes so far */
};

void inetsum_add(struct inetsum *s, const uint8_t *p, size_t len);
/* The complement of the folded sum: what a checksum field holds, in host order. */
uint16_t inetsum_finish(const struct inetsum *s);

#endif
