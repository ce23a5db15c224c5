/*
 * netlink.c: loopback up, and one default route for each family, by ioctl and rtnetlink(7).
 */
#include "netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int gate_loopback_up(void)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int saved, failed;

	if (fd < 0)
		return -1;
	failed = ioctl(fd, SIOCSIFFLAGS, &req);
	saved = errno;
	close(fd);
	errno = saved;
	return failed;
}

struct route_request {
	struct nlmsghdr head;
	struct rtmsg route;
	char attrs[64];
};

static void add_attr(struct route_request *req, unsigned short type, const void *value, size_t len)
{
	struct rtattr *attr = (void *)((char *)req + NLMSG_ALIGN(req->head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), value, len);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) + (unsigned)RTA_LENGTH(len);
}

/* Sends one request and reads its acknowledgement. 0; -1 with errno. */
static int talk(const void *request, size_t len)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char quoted[256];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = send(fd, request, len, 0);
	if (n >= 0)
		n = recv(fd, &reply, sizeof(reply), 0);
	if (n >= 0 && (size_t)n < NLMSG_LENGTH(sizeof(reply.err)))
		errno = EPROTO;
	else if (n >= 0)
		errno = -reply.err.error;
	n = errno;
	close(fd);
	errno = (int)n;
	return n == 0 ? 0 : -1;
}

int gate_route_default(const char *device, const struct weir_addr *gateway)
{
	unsigned index = if_nametoindex(device);
	struct route_request req = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			 .nlmsg_type = RTM_NEWROUTE,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
		.route = {.rtm_family = gateway->family == 4 ? AF_INET : AF_INET6,
			  .rtm_table = RT_TABLE_MAIN,
			  .rtm_protocol = RTPROT_BOOT,
			  .rtm_scope = RT_SCOPE_UNIVERSE,
			  .rtm_type = RTN_UNICAST},
	};

	if (index == 0)
		return -1;
	add_attr(&req, RTA_GATEWAY, gateway->bytes, gateway->family == 4 ? 4 : 16);
	add_attr(&req, RTA_OIF, &index, sizeof(index));
	errno = 0;
	return talk(&req, req.head.nlmsg_len);
}
