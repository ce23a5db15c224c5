/*
 * ipsum.h: Internet checksums (RFC 1071) of packets in one piece, written apart from the engine's,
 * since they judge it.
 */
#ifndef WEIR_PACKETDRILL_IPSUM_H
#define WEIR_PACKETDRILL_IPSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pd_ip_view {
	unsigned family; /* 4 or 6 */
	size_t l4_start;
	uint8_t proto;
};

/* Where the upper layer begins; extension headers are not looked into. false: no IP packet. */
bool pd_ip_view(const uint8_t *ip, size_t len, struct pd_ip_view *out);

/* Sets the total length and, for IPv4, the identification plus `id_add` and the checksum. */
void pd_ip_resize(uint8_t *ip, size_t len, uint16_t id_add);

/* Computes the TCP checksum and stores it. */
void pd_tcp_sum_set(uint8_t *ip, size_t len, const struct pd_ip_view *v);

/* Whether the checksums of IP header and TCP, or ICMP, are right. */
bool pd_sums_ok(const uint8_t *ip, size_t len);

#endif
