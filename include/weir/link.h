/*
 * link.h: where frames come from and go to. A link is a device or a decorator of another link.
 */
#ifndef WEIR_LINK_H
#define WEIR_LINK_H

#include "weir/weir.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_link;

struct weir_link_ops {
	/* Reads up to `max` frames that are there now, without blocking, into the link's own
	 * buffers, and returns how many (0: none); -1 with errno: the device is gone. The frames
	 * live until the next call of recv. */
	int (*recv)(struct weir_link *l, struct weir_frame *frames, int max);
	/* Sends one packet. 0; -1 with errno (EAGAIN: the packet is lost, as on any full link). */
	int (*send)(struct weir_link *l, const struct weir_packet *p);
	void (*close)(struct weir_link *l);
};

struct weir_link {
	const struct weir_link_ops *ops;
	int fd;            /* to poll for reading */
	uint32_t mtu;      /* bytes of the largest IP packet; what config.link_mtu wants */
	uint32_t gso_max;  /* what config.link_gso_max wants */
	bool csum_offload; /* what config.link_csum_offload wants */
	uint64_t frames_in, frames_out, send_errors;
};

/* Opens (creates) the TUN device `name` ("" or NULL: the kernel names it) with IFF_NO_PI and a
 * vnet header with checksum and TCP segmentation offload. The caller sets address, MTU and
 * up/down with weir_tun_configure(), or has done so. 0; -1 with errno. */
int weir_link_tun_open(const char *name, struct weir_link **out);

/* Makes a link of an open TUN descriptor that was made by weir_tun_create(); takes the descriptor.
 * `mtu` in bytes. 0; -1 with errno. */
int weir_link_tun_adopt(int fd, uint32_t mtu, struct weir_link **out);

/* Creates a TUN device in the current network namespace, as weir_link_tun_open wants it; `name_out`
 * (16 bytes) gets its name. The descriptor; -1 with errno. */
int weir_tun_create(const char *name, char *name_out);

/* Sets MTU, addresses (CIDR text, may be NULL) and brings the device up, in the current network
 * namespace. 0; -1 with errno. */
int weir_tun_configure(const char *name, uint32_t mtu, const char *cidr4, const char *cidr6);

/* The MTU of the device `name` in the current network namespace. 0; -1 with errno. */
int weir_tun_mtu(const char *name, uint32_t *mtu);

/* Makes two links that are each other's far end, without a device: what one sends the other
 * receives, in order; EAGAIN (a lost packet) when too much waits. They may be used by two threads.
 * `mtu` in bytes. 0; -1 with errno. */
int weir_link_pipe_open(struct weir_link *out[2], uint32_t mtu);

void weir_link_close(struct weir_link *l);

#ifdef __cplusplus
}
#endif

#endif
