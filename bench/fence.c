/*
 * fence.c: may this process flood this device?
 *
 * A namespace of one's own is neither the machine's first nor that of process 1 (which is the
 * container's in a container). Process 1's may be hidden from us; the machine's first one shows in
 * that only there /proc has the settings of all of the machine's network.
 */
#include "fence.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char *why, size_t len, const char *text, const char *name)
{
	snprintf(why, len, text, name);
	return -1;
}

static int in_own_namespace(void)
{
	struct stat ours, first;

	if (access("/proc/sys/net/core/netdev_max_backlog", F_OK) == 0)
		return 0;
	if (stat("/proc/self/ns/net", &ours) != 0)
		return 0;
	if (stat("/proc/1/ns/net", &first) != 0)
		return 1;
	return ours.st_ino != first.st_ino || ours.st_dev != first.st_dev;
}

static void driver_of(int fd, const char *device, char *driver, size_t len)
{
	struct ethtool_drvinfo info;
	struct ifreq ifr;

	memset(&info, 0, sizeof(info));
	memset(&ifr, 0, sizeof(ifr));
	info.cmd = ETHTOOL_GDRVINFO;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	ifr.ifr_data = (char *)&info;
	if (ioctl(fd, SIOCETHTOOL, &ifr) != 0)
		info.driver[0] = '\0';
	snprintf(driver, len, "%s", info.driver);
}

static int flags_of(int fd, const char *device)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	return ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 ? ifr.ifr_flags : 0;
}

static int is_harmless(int fd, const char *device)
{
	char driver[32];
	int flags = flags_of(fd, device);

	if (!(flags & IFF_UP) || (flags & IFF_LOOPBACK))
		return 1;
	driver_of(fd, device, driver, sizeof(driver));
	return strcmp(driver, "tun") == 0 || strcmp(driver, "veth") == 0 ||
	       strcmp(driver, "dummy") == 0;
}

static int check_interfaces(int fd, char *why, size_t len)
{
	struct if_nameindex *all = if_nameindex();
	size_t i;
	int rc = 0;

	if (all == NULL)
		return refuse(why, len, "the interfaces cannot be listed%s", "");
	for (i = 0; rc == 0 && all[i].if_name != NULL; i++) {
		if (!is_harmless(fd, all[i].if_name))
			rc = refuse(why, len, "interface %s of this namespace may lead out",
				    all[i].if_name);
	}
	if_freenameindex(all);
	return rc;
}

/* A route to nowhere (blackhole) has no device and is listed with '*'. */
static int check_routes(char *why, size_t len)
{
	FILE *routes = fopen("/proc/self/net/route", "re");
	char line[256], device[32];
	unsigned to, mask;
	int rc = 0;

	if (routes == NULL)
		return refuse(why, len, "the routes cannot be read%s", "");
	while (rc == 0 && fgets(line, sizeof(line), routes) != NULL) {
		if (sscanf(line, "%31s %x %*x %*x %*d %*d %*d %x", device, &to, &mask) == 3 &&
		    to == 0 && mask == 0 && strcmp(device, "*") != 0)
			rc = refuse(why, len, "this namespace has a default route over %s", device);
	}
	fclose(routes);
	return rc;
}

int fence_check(const char *device, char *why, size_t len)
{
	char driver[32];
	int fd, rc;

	if (!in_own_namespace())
		return refuse(why, len,
			      "this is not a network namespace of its own (ip netns add)%s", "");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse(why, len, "no socket%s", "");
	driver_of(fd, device, driver, sizeof(driver));
	if (strcmp(driver, "tun") != 0 && strcmp(driver, "veth") != 0)
		rc = refuse(why, len, "device %s is neither a TUN nor a veth", device);
	else
		rc = check_interfaces(fd, why, len);
	close(fd);
	return rc == 0 ? check_routes(why, len) : rc;
}

int fence_is_reserved(struct in_addr addr)
{
	static const struct {
		uint32_t net, mask;
	} ranges[] = {
		{0x0a000000u, 0xff000000u}, /* 10.0.0.0/8 */
		{0xac100000u, 0xfff00000u}, /* 172.16.0.0/12 */
		{0xc0a80000u, 0xffff0000u}, /* 192.168.0.0/16 */
		{0xc6120000u, 0xfffe0000u}, /* 198.18.0.0/15 */
		{0xc0000200u, 0xffffff00u}, /* 192.0.2.0/24 */
		{0xc6336400u, 0xffffff00u}, /* 198.51.100.0/24 */
		{0xcb007100u, 0xffffff00u}, /* 203.0.113.0/24 */
	};
	uint32_t host = ntohl(addr.s_addr);
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if ((host & ranges[i].mask) == ranges[i].net)
			return 1;
	}
	return 0;
}
