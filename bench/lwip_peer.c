/*
 * lwip_peer.c: an echo service on lwIP, as Debian builds it, over a TUN device.
 *
 *   weir-bench-lwip DEVICE ADDRESS PORT
 *
 * Theory of operation
 *
 * Debian's liblwip is a shared library that is configured already (lwipopts.h of its -dev package):
 * memory by malloc() without bounds on what a pool may hold, no backlog (TCP_LISTEN_BACKLOG 0), a
 * thread for its timers, a lock around the core. None of that can be changed from here, and it is
 * measured as it is. What is ours is the interface: a TUN, whose packets are handed to ip_input()
 * under the core's lock, one read() for each packet, and one write() for each that leaves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>

#define MTU 1500

static int tun_fd = -1;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "weir-bench-lwip: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_tun(const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
	tun_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun_fd < 0 || ioctl(tun_fd, TUNSETIFF, &ifr) != 0)
		die(name);
}

/* What the kernel does not take is lost, as on any link. */
static err_t put_packet(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	char packet[MTU];
	ssize_t put;

	(void)netif;
	(void)to;
	pbuf_copy_partial(p, packet, sizeof(packet), 0);
	put = write(tun_fd, packet, p->tot_len);
	return put == (ssize_t)p->tot_len ? ERR_OK : ERR_IF;
}

static err_t init_netif(struct netif *netif)
{
	netif->name[0] = 't';
	netif->name[1] = 'n';
	netif->mtu = MTU;
	netif->output = put_packet;
	return ERR_OK;
}

/* Echoes a chain whole; a connection whose send buffer has no room for it is ended. */
static err_t on_data(void *user, struct tcp_pcb *pcb, struct pbuf *chain, err_t err)
{
	struct pbuf *p;

	(void)user;
	(void)err;
	if (chain == NULL)
		return tcp_close(pcb);
	for (p = chain; p != NULL && err == ERR_OK; p = p->next)
		err = tcp_write(pcb, p->payload, p->len, TCP_WRITE_FLAG_COPY);
	tcp_recved(pcb, chain->tot_len);
	pbuf_free(chain);
	if (err == ERR_OK) {
		(void)tcp_output(pcb);
		return ERR_OK;
	}
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t on_accept(void *user, struct tcp_pcb *pcb, err_t err)
{
	(void)user;
	if (err != ERR_OK || pcb == NULL)
		return ERR_VAL;
	tcp_nagle_disable(pcb);
	tcp_recv(pcb, on_data);
	return ERR_OK;
}

static void start_service(struct netif *netif, const char *address, const char *port)
{
	struct tcp_pcb *pcb;
	ip4_addr_t own, mask;

	if (!ip4addr_aton(address, &own)) {
		errno = EINVAL;
		die(address);
	}
	IP4_ADDR(&mask, 255, 255, 255, 0);
	netif_add(netif, &own, &mask, NULL, NULL, init_netif, ip_input);
	netif_set_default(netif);
	netif_set_up(netif);
	netif_set_link_up(netif);
	pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
	if (pcb == NULL || tcp_bind(pcb, IP4_ADDR_ANY, (u16_t)atoi(port)) != ERR_OK)
		die("bind");
	pcb = tcp_listen(pcb);
	if (pcb == NULL)
		die("listen");
	tcp_accept(pcb, on_accept);
}

static void take_packet(struct netif *netif, const char *packet, u16_t len)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_POOL);

	if (p == NULL)
		return;
	pbuf_take(p, packet, len);
	LOCK_TCPIP_CORE();
	if (netif->input(p, netif) != ERR_OK)
		pbuf_free(p);
	UNLOCK_TCPIP_CORE();
}

int main(int argc, char **argv)
{
	static struct netif netif;
	char packet[MTU];
	ssize_t got;

	if (argc != 4) {
		fprintf(stderr, "weir-bench-lwip: DEVICE ADDRESS PORT\n");
		return 2;
	}
	open_tun(argv[1]);
	tcpip_init(NULL, NULL);
	LOCK_TCPIP_CORE();
	start_service(&netif, argv[2], argv[3]);
	UNLOCK_TCPIP_CORE();
	fprintf(stderr, "ready\n");
	while ((got = read(tun_fd, packet, sizeof(packet))) > 0)
		take_packet(&netif, packet, (u16_t)got);
	die(argv[1]);
}
