/*
 * Theory of operation
 *
 * rtnetlink tells of each change of a link after it is complete. So: subscribe, ask for the present
 * state, and read both until the device is said to be running. The link watch changes the state and
 * starts the queue under the lock that the question takes, too, so no answer is early.
 */
#include "link_up.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int subscribe(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int ask(int fd, unsigned index)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} q = {
		.head = {.nlmsg_len = sizeof(q),
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST},
		.link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index},
	};

	return send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q) ? 0 : -1;
}

/* 1: a message says that the device is running; 0: none of them does; -1: the kernel refused. */
static int says_running(const char *bytes, size_t len, unsigned index)
{
	for (const struct nlmsghdr *m = (const void *)bytes; NLMSG_OK(m, len);
	     m = NLMSG_NEXT(m, len)) {
		const struct ifinfomsg *link = NLMSG_DATA(m);

		if (m->nlmsg_type == NLMSG_ERROR) {
			errno = -((const struct nlmsgerr *)NLMSG_DATA(m))->error;
			return -1;
		}
		if (m->nlmsg_type == RTM_NEWLINK && link->ifi_index == (int)index &&
		    (link->ifi_flags & IFF_RUNNING))
			return 1;
	}
	return 0;
}

int link_up_wait(const char *name)
{
	_Alignas(struct nlmsghdr) char bytes[16384];
	unsigned index = if_nametoindex(name);
	int fd = index ? subscribe() : -1;
	int up = fd >= 0 ? ask(fd, index) : -1;
	int err;

	while (up == 0) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		up = n < 0 ? -1 : says_running(bytes, (size_t)n, index);
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return up > 0 ? 0 : -1;
}
