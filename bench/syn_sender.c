/*
 * syn_sender.c: a flood of forged SYNs into a device of a network namespace made for it.
 *
 *   weir-bench-syn --device NAME --to ADDRESS --port N [--mac MAC] [--rate N] [--seconds N]
 *                  [--sources N] [--from ADDRESS/PREFIX] [--seed N] [--bypass] [--json]
 *
 * Theory of operation
 *
 * A batch of frames is built once: each a SYN as Linux sends it (MSS 1460, SACK permitted,
 * timestamps, window scale 7; 60 bytes). For each SYN only source address, source port, sequence
 * number and timestamp change, and both checksums are completed from the sums of what does not
 * change. sendmmsg() gives a batch to an AF_PACKET socket, whose frames go to the device as those
 * of every socket and those that are forwarded do: through what is attached to it (tc) into the
 * queue of a TUN, or through a veth into the far namespace's stack, whose work for it is then done
 * in our own system call. With --bypass they go around tc and the queueing discipline straight to
 * the driver, which only such sockets can.
 *
 * Sources go round through --sources addresses of --from (198.18.0.0/15, RFC 2544, by default),
 * each as often as any other; ports, sequence numbers and timestamps come from a generator.
 *
 * With --rate, SYNs become due evenly over time and whatever is due is sent at once; without, they
 * are sent as fast as the device takes them. A frame that the device has no room for is counted as
 * refused and not sent again: that is what a flood does.
 *
 * Nothing of this may ever meet a real network: see fence.h. Sources are of reserved ranges only,
 * and so is the target.
 *
 * Ends after --seconds, or by SIGINT or SIGTERM, and says then what was sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fence.h"

#define BATCH       64u
#define OPTIONS_LEN 20u
#define SYN_LEN     (sizeof(struct iphdr) + sizeof(struct tcphdr) + OPTIONS_LEN)
#define SECOND_NS   1000000000ull
#define RATE_MAX    100000000u
#define SECONDS_MAX 3600u
#define SOURCES_MAX (1u << 24)

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t options[OPTIONS_LEN];
} __attribute__((packed));

/* Where the timestamp's value is in the options: after MSS (4), SACK permitted (2), kind, length */
#define TSVAL_AT 8u

struct sender {
	/* options */
	const char *device;
	struct in_addr to, from;
	uint32_t from_prefix;
	uint32_t sources; /* 0: all of --from */
	uint64_t port, rate, seconds, seed;
	uint8_t mac[ETH_ALEN];
	int has_mac, bypass, json;
	/* at work */
	int fd;
	size_t link_len; /* bytes of link header before the SYN: 0 on a TUN */
	uint8_t frames[BATCH][ETH_HLEN + sizeof(struct syn)];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	uint32_t ip_sum, tcp_sum; /* of what is the same in all SYNs */
	uint64_t random;
	uint64_t offered, refused;
	double took_s;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "weir-bench-syn: %s: %s\n", what, why);
	return -1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* --- Building -----------------------------------------------------------------------------------
 */

static uint32_t sum_add(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint32_t sum_add32(uint32_t sum, uint32_t host)
{
	return sum + (host >> 16) + (host & 0xffff);
}

static uint16_t sum_end(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return htons((uint16_t)~sum);
}

/* xorshift64* (Vigna 2014). */
static uint64_t random_next(struct sender *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * 0x2545f4914f6cdd1dull;
}

static void fill_template(const struct sender *s, struct syn *syn)
{
	/* As Linux orders them: MSS 1460, SACK permitted, timestamps, NOP, window scale 7. */
	static const uint8_t opts[OPTIONS_LEN] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
						  0, 0, 0,    0,    0, 0, 1, 3,  3, 7};

	memset(syn, 0, sizeof(*syn));
	syn->ip.version = 4;
	syn->ip.ihl = 5;
	syn->ip.tot_len = htons(SYN_LEN);
	syn->ip.frag_off = htons(IP_DF);
	syn->ip.ttl = FENCE_TTL;
	syn->ip.protocol = IPPROTO_TCP;
	syn->ip.daddr = s->to.s_addr;
	syn->tcp.dest = htons((uint16_t)s->port);
	syn->tcp.doff = (sizeof(struct tcphdr) + OPTIONS_LEN) / 4;
	syn->tcp.syn = 1;
	syn->tcp.window = htons(64240);
	memcpy(syn->options, opts, sizeof(opts));
}

static void build(struct sender *s)
{
	struct ether_header ether = {.ether_type = htons(ETHERTYPE_IP)};
	struct syn syn;
	unsigned i;

	fill_template(s, &syn);
	s->ip_sum = sum_add(0, &syn.ip, sizeof(syn.ip));
	s->tcp_sum = sum_add32(0, ntohl(s->to.s_addr)) + IPPROTO_TCP +
		     (uint32_t)(SYN_LEN - sizeof(struct iphdr));
	s->tcp_sum = sum_add(s->tcp_sum, &syn.tcp, SYN_LEN - sizeof(struct iphdr));
	memcpy(ether.ether_dhost, s->mac, ETH_ALEN);
	ether.ether_shost[0] = 2; /* a local address */
	for (i = 0; i < BATCH; i++) {
		memcpy(s->frames[i], &ether, s->link_len);
		memcpy(s->frames[i] + s->link_len, &syn, sizeof(syn));
		s->iov[i].iov_base = s->frames[i];
		s->iov[i].iov_len = s->link_len + sizeof(syn);
		s->messages[i].msg_hdr.msg_iov = &s->iov[i];
		s->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Makes frame `i` the `n`-th SYN of this run. */
static void forge(struct sender *s, unsigned i, uint64_t n)
{
	struct syn *syn = (struct syn *)(void *)(s->frames[i] + s->link_len);
	uint32_t source = ntohl(s->from.s_addr) + 1 + (uint32_t)(n % s->sources);
	uint64_t random = random_next(s);
	uint32_t seq = (uint32_t)random;
	uint16_t port = (uint16_t)(1024 + (random >> 32) % 64512);
	uint32_t tsval = (uint32_t)random_next(s);
	uint32_t word;

	syn->ip.saddr = htonl(source);
	syn->ip.check = sum_end(sum_add32(s->ip_sum, source));
	syn->tcp.source = htons(port);
	syn->tcp.seq = htonl(seq);
	word = htonl(tsval);
	memcpy(syn->options + TSVAL_AT, &word, sizeof(word));
	syn->tcp.check =
		sum_end(sum_add32(sum_add32(sum_add32(s->tcp_sum, source), seq), tsval) + port);
}

/* --- Sending ------------------------------------------------------------------------------------
 */

/* Sends up to BATCH SYNs. 0; -1: said why the device takes no more. */
static int send_some(struct sender *s, unsigned count)
{
	unsigned i, done = 0;

	for (i = 0; i < count; i++)
		forge(s, i, s->offered + i);
	while (done < count) {
		int n = sendmmsg(s->fd, s->messages + done, count - done, 0);

		if (n > 0) {
			done += (unsigned)n;
		} else if (n < 0 && (errno == ENOBUFS || errno == EAGAIN)) {
			s->refused++;
			done++;
		} else if (n < 0 && errno != EINTR) {
			return complain(s->device, strerror(errno));
		}
	}
	s->offered += count;
	return 0;
}

/* How many SYNs are to be sent now. */
static uint64_t count_due(const struct sender *s, uint64_t since_ns)
{
	uint64_t due;

	if (s->rate == 0)
		return BATCH;
	due = since_ns / 1000 * s->rate / 1000000;
	return due > s->offered ? due - s->offered : 0;
}

static void wait_for_next(const struct sender *s, uint64_t start)
{
	uint64_t at = start + (s->offered + 1) * SECOND_NS / s->rate + 1000;
	struct timespec ts = {.tv_sec = (time_t)(at / SECOND_NS),
			      .tv_nsec = (long)(at % SECOND_NS)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int flood(struct sender *s)
{
	uint64_t start = now_ns(), now = start, end = start + s->seconds * SECOND_NS;
	int rc = 0;

	while (rc == 0 && !stopped && now < end) {
		uint64_t due = count_due(s, now - start);

		if (due == 0)
			wait_for_next(s, start);
		else
			rc = send_some(s, due < BATCH ? (unsigned)due : BATCH);
		now = now_ns();
	}
	s->took_s = (double)(now - start) / (double)SECOND_NS;
	return rc;
}

static int open_device(struct sender *s)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_IP)};
	struct ifreq ifr;
	int one = 1;

	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: receives nothing */
	if (s->fd < 0)
		return complain("packet socket", strerror(errno));
	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", s->device);
	if (ioctl(s->fd, SIOCGIFHWADDR, &ifr) != 0)
		return complain(s->device, strerror(errno));
	s->link_len = ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER ? ETH_HLEN : 0;
	if (s->link_len != 0 && !s->has_mac)
		return complain(s->device, "--mac, the listener's link address, is needed here");
	to.sll_ifindex = (int)if_nametoindex(s->device);
	if (bind(s->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return complain(s->device, strerror(errno));
	if (s->bypass)
		(void)setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	return 0;
}

static void report(const struct sender *s)
{
	uint64_t sent = s->offered - s->refused;
	double per_s = s->took_s > 0 ? (double)sent / s->took_s : 0;
	double offered_per_s = s->took_s > 0 ? (double)s->offered / s->took_s : 0;

	if (s->json)
		printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"seconds\": %.3f, "
		       "\"per_s\": %.0f, \"offered_per_s\": %.0f, \"sources\": %u}\n",
		       sent, s->refused, s->took_s, per_s, offered_per_s, s->sources);
	else
		printf("%" PRIu64 " SYNs sent in %.3f s, %.0f a second; %" PRIu64 " refused\n",
		       sent, s->took_s, per_s, s->refused);
}

/* --- Options ------------------------------------------------------------------------------------
 */

static const struct option options[] = {
	{"device", required_argument, NULL, 'd'},  {"to", required_argument, NULL, 't'},
	{"port", required_argument, NULL, 'p'},    {"mac", required_argument, NULL, 'm'},
	{"rate", required_argument, NULL, 'r'},    {"seconds", required_argument, NULL, 's'},
	{"sources", required_argument, NULL, 'n'}, {"from", required_argument, NULL, 'f'},
	{"seed", required_argument, NULL, 'e'},    {"bypass", no_argument, NULL, 'b'},
	{"json", no_argument, NULL, 'j'},          {NULL, 0, NULL, 0},
};

static int read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *out < min || *out > max)
		return complain(text, "a number in range is needed");
	return 0;
}

static int read_reserved(const char *text, struct in_addr *out)
{
	if (inet_pton(AF_INET, text, out) != 1)
		return complain(text, "an IPv4 address is needed");
	if (!fence_is_reserved(*out))
		return complain(text, "only private, benchmark and documentation addresses");
	return 0;
}

static int read_from(struct sender *s, char *text)
{
	char *slash = strchr(text, '/');
	uint64_t prefix = 32;

	if (slash == NULL)
		return complain(text, "ADDRESS/PREFIX is needed");
	*slash = '\0';
	/* A prefix of 15 is the widest of the ranges that nobody has at home. */
	if (read_number(slash + 1, 15, 30, &prefix) != 0)
		return -1;
	s->from_prefix = (uint32_t)prefix;
	return read_reserved(text, &s->from);
}

static int read_mac(struct sender *s, const char *text)
{
	unsigned char *m = s->mac;

	s->has_mac = sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2], &m[3],
			    &m[4], &m[5]) == ETH_ALEN;
	return s->has_mac ? 0 : complain(text, "a link address is needed");
}

static int read_option(struct sender *s, int id)
{
	uint64_t number;

	switch (id) {
	case 'd':
		s->device = optarg;
		return 0;
	case 't':
		return read_reserved(optarg, &s->to);
	case 'p':
		return read_number(optarg, 1, 65535, &s->port);
	case 'm':
		return read_mac(s, optarg);
	case 'r':
		return read_number(optarg, 1, RATE_MAX, &s->rate);
	case 's':
		return read_number(optarg, 1, SECONDS_MAX, &s->seconds);
	case 'n':
		if (read_number(optarg, 1, SOURCES_MAX, &number) != 0)
			return -1;
		s->sources = (uint32_t)number;
		return 0;
	case 'f':
		return read_from(s, optarg);
	case 'e':
		return read_number(optarg, 1, UINT64_MAX, &s->seed);
	case 'b':
		s->bypass = 1;
		return 0;
	case 'j':
		s->json = 1;
		return 0;
	}
	return complain("options", "see the head of bench/syn_sender.c");
}

static int read_options(struct sender *s, int argc, char **argv)
{
	uint32_t room;
	int id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (read_option(s, id) != 0)
			return -1;
	}
	if (optind < argc || s->device == NULL || s->to.s_addr == 0 || s->port == 0)
		return complain("options", "--device, --to and --port are needed, no others");
	s->from.s_addr &= htonl(UINT32_MAX << (32 - s->from_prefix));
	room = (1u << (32 - s->from_prefix)) - 2;
	if (s->sources == 0)
		s->sources = room;
	if (s->sources > room)
		return complain("--sources", "--from has not so many addresses");
	s->random = s->seed;
	return 0;
}

int main(int argc, char **argv)
{
	static struct sender s = {.from_prefix = 15, .seconds = 10, .seed = 1, .fd = -1};
	struct sigaction action = {.sa_handler = on_signal};
	char why[256];

	s.from.s_addr = htonl(0xc6120000u); /* 198.18.0.0/15 */
	if (read_options(&s, argc, argv) != 0)
		return 2;
	if (fence_check(s.device, why, sizeof(why)) != 0) {
		complain("refused", why);
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (open_device(&s) != 0)
		return 1;
	build(&s);
	if (flood(&s) != 0)
		return 1;
	report(&s);
	return 0;
}
