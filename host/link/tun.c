/*
 * tun.c: the TUN device as a link.
 *
 * Theory of operation
 *
 * A TUN descriptor gives one packet a read() and takes one a write(). Each is preceded by a
 * virtio_net_hdr (IFF_VNET_HDR), by which kernel and user space tell each other what has not been
 * done yet to the packet. That is what makes a TUN fast: the kernel hands over TCP super-segments
 * of up to 64 KB that it would otherwise cut and sum, and takes such super-segments from us.
 *
 * In: NEEDS_CSUM says that the packet never left this machine, so its TCP checksum field holds only
 * the pseudo-header sum and there is nothing to verify; DATA_VALID says that a device has verified
 * it. Both become WEIR_FRAME_CSUM_OK; gso_size is the payload of each segment that was merged.
 * Out: a packet with WEIR_PACKET_CSUM_PARTIAL becomes NEEDS_CSUM with the place of the checksum;
 * one with a gso_size becomes a super-segment, which always needs its checksum completed as well.
 * The kernel mostly never completes it, since the packet goes no further than a local socket.
 *
 * A device that refuses the offloads still has the header; it says nothing then in either
 * direction, csum_offload is false and gso_max 0.
 *
 * Reading is batched: up to `max` packets into buffers of 64 KB that are mapped once and touched
 * lazily, but no more than RECV_BATCH_BYTES, so that what was read is still in the cache when the
 * engine copies it. The header is put in front of a cache line so that the IP packet begins one.
 *
 * A write never blocks: the kernel's receive path runs inside it, and what that path answers is in
 * the device's queue when the write returns. A device that is down gives EIO, which is a lost
 * packet like any other; a device that is gone is noticed by recv.
 *
 * Called by the loop alone, from one thread. Descriptors are non-blocking and close-on-exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "weir/link.h"

/* Frames a call of recv, and the bytes after which it stops: half of the default receive window, so
 * that the sender fills the other half while we work on this one. */
#define RECV_BATCH_FRAMES 32
#define RECV_BATCH_BYTES  (512u * 1024u)

#define PACKET_MAX  65535u
#define PACKET_AT   64u /* where the IP packet begins in a buffer: a cache line */
#define BUFFER_SIZE (PACKET_AT + PACKET_MAX + 1u)
#define VNET_LEN    ((int)sizeof(struct virtio_net_hdr))

struct tun {
	struct weir_link link;
	uint8_t *buffers; /* RECV_BATCH_FRAMES of BUFFER_SIZE */
};

static struct tun *tun_of(struct weir_link *l)
{
	return (struct tun *)(void *)l; /* link is the first member */
}

static uint8_t *buffer_at(struct tun *t, int i)
{
	return t->buffers + (size_t)i * BUFFER_SIZE;
}

/* Fills `f` from the `len` bytes, header included, that were read into `buffer`. */
static void frame_parse(struct weir_frame *f, const uint8_t *buffer, size_t len)
{
	struct virtio_net_hdr vnet;

	memcpy(&vnet, buffer + PACKET_AT - VNET_LEN, sizeof(vnet));
	f->bytes = buffer + PACKET_AT;
	f->len = len - (size_t)VNET_LEN;
	f->flags = 0;
	f->gso_size = 0;
	if (vnet.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		f->flags |= WEIR_FRAME_CSUM_OK;
	if (vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		f->gso_size = vnet.gso_size;
}

static int tun_recv(struct weir_link *l, struct weir_frame *frames, int max)
{
	struct tun *t = tun_of(l);
	size_t bytes = 0;
	int n = 0;

	while (n < max && n < RECV_BATCH_FRAMES && bytes < RECV_BATCH_BYTES) {
		uint8_t *buffer = buffer_at(t, n);
		ssize_t got = read(l->fd, buffer + PACKET_AT - VNET_LEN, VNET_LEN + PACKET_MAX);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != EAGAIN && n == 0)
			return -1;
		if (got < 0)
			break;
		if (got <= VNET_LEN)
			continue;
		frame_parse(&frames[n], buffer, (size_t)got);
		bytes += frames[n].len;
		n++;
	}
	l->frames_in += (uint64_t)n;
	return n;
}

static void vnet_fill(struct virtio_net_hdr *vnet, const struct weir_packet *p)
{
	memset(vnet, 0, sizeof(*vnet));
	if (p->flags & WEIR_PACKET_CSUM_PARTIAL) {
		vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		vnet->csum_start = p->l4_start;
		vnet->csum_offset = p->csum_offset;
	}
	if (p->gso_size != 0) {
		vnet->gso_type = p->head[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
						      : VIRTIO_NET_HDR_GSO_TCPV6;
		vnet->gso_size = p->gso_size;
		vnet->hdr_len = p->head_len;
	}
}

static int tun_send(struct weir_link *l, const struct weir_packet *p)
{
	struct iovec iov[2 + WEIR_SPANS_MAX];
	struct virtio_net_hdr vnet;
	unsigned i;
	ssize_t put;

	vnet_fill(&vnet, p);
	iov[0].iov_base = &vnet;
	iov[0].iov_len = sizeof(vnet);
	iov[1].iov_base = (void *)(uintptr_t)p->head;
	iov[1].iov_len = p->head_len;
	for (i = 0; i < p->span_count; i++) {
		iov[2 + i].iov_base = (void *)(uintptr_t)p->span[i].bytes;
		iov[2 + i].iov_len = p->span[i].len;
	}
	do
		put = writev(l->fd, iov, (int)(2 + p->span_count));
	while (put < 0 && errno == EINTR);
	if (put < 0) {
		l->send_errors++;
		return -1;
	}
	l->frames_out++;
	return 0;
}

static void tun_close(struct weir_link *l)
{
	struct tun *t = tun_of(l);

	close(l->fd);
	munmap(t->buffers, RECV_BATCH_FRAMES * (size_t)BUFFER_SIZE);
	free(t);
}

static const struct weir_link_ops tun_ops = {
	.recv = tun_recv,
	.send = tun_send,
	.close = tun_close,
};

int weir_tun_create(const char *name, char *name_out)
{
	int vnet_len = VNET_LEN;
	struct ifreq ifr;
	int fd, saved;

	memset(&ifr, 0, sizeof(ifr));
	if (name != NULL && strlen(name) >= sizeof(ifr.ifr_name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (name != NULL)
		memcpy(ifr.ifr_name, name, strlen(name));
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ifr.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &ifr) != 0 || ioctl(fd, TUNSETVNETHDRSZ, &vnet_len) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	memcpy(name_out, ifr.ifr_name, sizeof(ifr.ifr_name));
	return fd;
}

int weir_link_tun_adopt(int fd, uint32_t mtu, struct weir_link **out)
{
	struct tun *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	t->buffers = mmap(NULL, RECV_BATCH_FRAMES * (size_t)BUFFER_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->buffers == MAP_FAILED) {
		free(t);
		return -1;
	}
	t->link.ops = &tun_ops;
	t->link.fd = fd;
	t->link.mtu = mtu;
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0) {
		t->link.gso_max = PACKET_MAX;
		t->link.csum_offload = true;
	}
	*out = &t->link;
	return 0;
}

int weir_tun_mtu(const char *name, uint32_t *mtu)
{
	struct ifreq ifr;
	int fd, rc;

	memset(&ifr, 0, sizeof(ifr));
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	rc = ioctl(fd, SIOCGIFMTU, &ifr);
	close(fd);
	if (rc == 0)
		*mtu = (uint32_t)ifr.ifr_mtu;
	return rc;
}

int weir_link_tun_open(const char *name, struct weir_link **out)
{
	char real[IFNAMSIZ];
	uint32_t mtu;
	int fd, saved;

	fd = weir_tun_create(name, real);
	if (fd < 0)
		return -1;
	if (weir_tun_mtu(real, &mtu) == 0 && weir_link_tun_adopt(fd, mtu, out) == 0)
		return 0;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
