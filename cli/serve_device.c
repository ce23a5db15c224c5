/*
 * serve_device.c: the TUN device of `weir serve`, attached or made.
 */
#include "serve_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"

#define COMMAND "serve"

int serve_host_address(const struct weir_addr *own, unsigned prefix, char *cidr, size_t len)
{
	unsigned bits = own->family == 4 ? 32 : 128;
	struct weir_addr host = *own;
	char text[INET6_ADDRSTRLEN];
	unsigned last = bits / 8 - 1;
	unsigned bit;

	if (prefix >= bits)
		return -1;
	if (prefix == bits - 1) {
		host.bytes[last] ^= 1; /* a pair (RFC 3021, RFC 6164) */
	} else {
		for (bit = prefix; bit < bits; bit++)
			host.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
		host.bytes[last] |= 1;
		if (memcmp(host.bytes, own->bytes, sizeof(host.bytes)) == 0)
			host.bytes[last] ^= 3;
	}
	inet_ntop(own->family == 4 ? AF_INET : AF_INET6, host.bytes, text, sizeof(text));
	snprintf(cidr, len, "%s/%u", text, prefix);
	return 0;
}

static int is_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;
	int up;

	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return up;
}

static void complain_create(const char *name)
{
	if (errno == ENOENT || errno == ENODEV)
		cli_complain(COMMAND, "/dev/net/tun is missing (modprobe tun)");
	else if (errno == EPERM || errno == EACCES)
		cli_complain(
			COMMAND,
			"no permission for TUN device '%s': root (CAP_NET_ADMIN) is needed, or a "
			"device made by 'ip tuntap add %s mode tun user USER'",
			name, name);
	else
		cli_complain(COMMAND, "TUN device '%s' cannot be opened: %s", name,
			     strerror(errno));
}

/* What the device is to have and where it is wrong, in one line. */
static int configure(const struct serve_device *d, const char *name, const char *cidr4,
		     const char *cidr6)
{
	if (weir_tun_configure(name, d->mtu != 0 ? d->mtu : SERVE_MTU, cidr4, cidr6) == 0)
		return 0;
	cli_complain(COMMAND, "TUN device '%s' cannot be configured (MTU%s%s%s%s): %s", name,
		     cidr4 != NULL ? ", " : "", cidr4 != NULL ? cidr4 : "",
		     cidr6 != NULL ? ", " : "", cidr6 != NULL ? cidr6 : "", strerror(errno));
	return -1;
}

int serve_device_open(struct serve_device *d, struct weir_link **link)
{
	bool existed = if_nametoindex(d->name) != 0;
	char name[IFNAMSIZ];
	uint32_t mtu;
	int rc = 0;
	int fd = weir_tun_create(d->name, name);

	if (fd < 0) {
		complain_create(d->name);
		return -1;
	}
	d->made = !existed;
	if (!existed || !is_up(name))
		rc = configure(d, name, d->host4[0] != '\0' ? d->host4 : NULL,
			       d->host6[0] != '\0' ? d->host6 : NULL);
	else if (d->mtu != 0)
		rc = configure(d, name, NULL, NULL);
	if (rc == 0 && (weir_tun_mtu(name, &mtu) != 0 || weir_link_tun_adopt(fd, mtu, link) != 0)) {
		cli_complain(COMMAND, "TUN device '%s': %s", name, strerror(errno));
		rc = -1;
	}
	if (rc != 0)
		close(fd);
	return rc;
}
