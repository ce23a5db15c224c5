/*
 * spec.h: a packet as a script writes it: read, built, compared, and shown.
 *
 * Numbers are relative to the flow's initial sequence numbers, as in a trace. In an expected
 * segment a field that is not named is not compared; in a segment that goes in it has a default:
 * flags A, window 65535, no options.
 */
#ifndef PKT_SPEC_H
#define PKT_SPEC_H

#include "packet.h"
#include "text.h"

struct world;
struct flow;

#define SPEC_OPTS_MAX 12

/* Which way a packet goes. */
enum spec_dir { SHOW_IN, SHOW_OUT };

/* spec.named */
#define SPEC_FLAGS  0x001u
#define SPEC_SEQ    0x002u
#define SPEC_LEN    0x004u
#define SPEC_ACK    0x008u
#define SPEC_WIN    0x010u
#define SPEC_URG    0x020u
#define SPEC_TTL    0x040u
#define SPEC_DSCP   0x080u
#define SPEC_DF     0x100u
#define SPEC_PUSH   0x200u
#define SPEC_NOPUSH 0x400u
#define SPEC_WHY    0x800u
#define SPEC_ICMP   0x1000u
#define SPEC_NEWISS 0x2000u
#define SPEC_SRC    0x4000u
#define SPEC_ECN    0x8000u

struct spec_opt {
	enum {
		OPT_MSS,
		OPT_WS,
		OPT_SACKOK,
		OPT_SACK,
		OPT_TS,
		OPT_NOP,
		OPT_EOL,
		OPT_ACC0,
		OPT_ACC1,
		OPT_RAW
	} kind;
	bool absent; /* "!ts": must not be there */
	bool any[2]; /* "*" */
	int count;   /* of v */
	int64_t v[8];
	uint8_t raw[40];
};

struct spec {
	enum spec_dir dir;
	unsigned named;
	struct flow *f;
	uint16_t flags, maybe; /* maybe: flags that are not compared ("A?") */
	int64_t seq, len, ack, win, urg, ttl, dscp, ecn;
	struct spec_opt opt[SPEC_OPTS_MAX];
	int opt_count;
	char why[TEXT_NAME_MAX];
	const struct spec_icmp *icmp;
	int64_t icmp_mtu, icmp_seq, icmp_len, icmp_code;
	int64_t newiss_after;
	uint8_t src[16], dst[16]; /* as the packet's, when SPEC_SRC or has_dst */
	bool has_dst;
	/* For packets that go in. */
	int64_t trunc, gso, doff, reserved, proto;
	unsigned hurt;
	bool csum_ok, hold;
	uint8_t ip_opt[40];
	size_t ip_opt_len;
};

/* Reads words[from...]; fails the test on a word that it does not know. */
void spec_parse(struct world *w, struct spec *s, const struct words *words, int from,
		enum spec_dir dir);

/* Builds the packet and gives it to the stack. */
void spec_send(struct world *w, const struct spec *s);

/* Compares w->out with what was expected; fails the test with both if they differ. */
void spec_expect(struct world *w, const struct spec *s);

/* The packet as a script would write it. */
void spec_show(struct world *w, const struct packet *p, enum spec_dir dir, char *out, size_t size);

/* The TSval of a packet's timestamp option. */
bool spec_timestamp(const struct packet *p, uint32_t *val);

#endif
