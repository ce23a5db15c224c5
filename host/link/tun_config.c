/*
 * tun_config.c: MTU, addresses and state of a TUN device, over rtnetlink(7).
 *
 * Theory of operation
 *
 * One netlink socket, used in the network namespace that the caller is in. Each request asks for an
 * acknowledgement (NLM_F_ACK), which carries 0 or a negative errno; requests go one at a time, so
 * the answer needs no matching beyond its sequence number.
 *
 * RTM_NEWLINK sets MTU, queue length and IFF_UP at once. The queue of a TUN drops when it is full,
 * and a kernel sender without TSO may have a whole window in it: TX_QUEUE_LEN covers our largest
 * receive window (4 MB) in segments of 1,460 bytes.
 *
 * RTM_NEWADDR adds an address with its prefix, from which the kernel makes the route. IPv6
 * addresses get IFA_F_NODAD: nobody on the other side answers neighbour solicitations (TUN has no
 * link layer), and a tentative address cannot be bound for a second.
 *
 * Errors are the kernel's: EPERM without CAP_NET_ADMIN, EACCES or EPERM for IPv6 where it is
 * disabled by sysctl, ENODEV for a name that is not there, EINVAL for text that is no CIDR.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/link.h"

#define TX_QUEUE_LEN 4096u

#ifndef IFA_F_NODAD
#define IFA_F_NODAD 0x02
#endif

/* A request: header, the message's own struct, attributes. */
struct request {
	struct nlmsghdr nl;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
	} body;
	uint8_t attributes[128];
};

static void request_init(struct request *r, uint16_t type, uint16_t flags, size_t body_len)
{
	memset(r, 0, sizeof(*r));
	r->nl.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
	r->nl.nlmsg_type = type;
	r->nl.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	r->nl.nlmsg_seq = 1;
}

static void request_add(struct request *r, uint16_t type, const void *value, size_t len)
{
	size_t at = NLMSG_ALIGN(r->nl.nlmsg_len);
	struct rtattr *a = (struct rtattr *)(void *)((uint8_t *)r + at);

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), value, len);
	r->nl.nlmsg_len = (uint32_t)(at + RTA_ALIGN(a->rta_len));
}

/* Sends the request and waits for its acknowledgement. 0; -1 with errno. */
static int request_do(int fd, const struct request *r)
{
	struct {
		struct nlmsghdr nl;
		struct nlmsgerr error;
		uint8_t quoted[512];
	} answer;
	ssize_t got;

	if (send(fd, r, r->nl.nlmsg_len, 0) < 0)
		return -1;
	do
		got = recv(fd, &answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	if ((size_t)got < NLMSG_LENGTH(sizeof(answer.error.error)) ||
	    answer.nl.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	errno = -answer.error.error;
	return answer.error.error == 0 ? 0 : -1;
}

static int link_up(int fd, unsigned index, uint32_t mtu)
{
	uint32_t queue_len = TX_QUEUE_LEN;
	struct request r;

	request_init(&r, RTM_NEWLINK, 0, sizeof(r.body.link));
	r.body.link.ifi_family = AF_UNSPEC;
	r.body.link.ifi_index = (int)index;
	r.body.link.ifi_flags = IFF_UP;
	r.body.link.ifi_change = IFF_UP;
	request_add(&r, IFLA_MTU, &mtu, sizeof(mtu));
	request_add(&r, IFLA_TXQLEN, &queue_len, sizeof(queue_len));
	return request_do(fd, &r);
}

/* Splits "ADDRESS/PREFIX". 0; -1 with EINVAL. */
static int cidr_read(const char *cidr, int family, uint8_t *addr, uint8_t *prefix)
{
	const char *slash = strchr(cidr, '/');
	unsigned long max = family == AF_INET ? 32 : 128;
	char text[INET6_ADDRSTRLEN];
	unsigned long bits;
	char *end;

	errno = EINVAL;
	if (slash == NULL || (size_t)(slash - cidr) >= sizeof(text))
		return -1;
	memcpy(text, cidr, (size_t)(slash - cidr));
	text[slash - cidr] = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > max)
		return -1;
	*prefix = (uint8_t)bits;
	return inet_pton(family, text, addr) == 1 ? 0 : -1;
}

static int addr_add(int fd, unsigned index, const char *cidr, int family)
{
	size_t len = family == AF_INET ? 4 : 16;
	uint8_t addr[16], prefix;
	struct request r;

	if (cidr_read(cidr, family, addr, &prefix) != 0)
		return -1;
	request_init(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(r.body.addr));
	r.body.addr.ifa_family = (uint8_t)family;
	r.body.addr.ifa_prefixlen = prefix;
	r.body.addr.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
	r.body.addr.ifa_index = index;
	request_add(&r, IFA_LOCAL, addr, len);
	request_add(&r, IFA_ADDRESS, addr, len);
	return request_do(fd, &r);
}

int weir_tun_configure(const char *name, uint32_t mtu, const char *cidr4, const char *cidr6)
{
	unsigned index = if_nametoindex(name);
	int fd, rc, saved;

	if (index == 0)
		return -1;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -1;
	rc = link_up(fd, index, mtu);
	if (rc == 0 && cidr4 != NULL)
		rc = addr_add(fd, index, cidr4, AF_INET);
	if (rc == 0 && cidr6 != NULL)
		rc = addr_add(fd, index, cidr6, AF_INET6);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}
