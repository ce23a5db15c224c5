/*
 * Theory of operation
 *
 * The file (draft-ietf-opsawg-pcapng) is one section header, one interface, and one enhanced packet
 * block for each record that has a packet. A block is built in memory and written at once through a
 * large buffer; records without a packet (a state that changed on a call) have no block, their
 * states show in the next packet's comment.
 *
 * Of a packet its headers are kept, and payload_max bytes after them; the block tells the real
 * length. Numbers are in the byte order of the machine, as the format allows.
 *
 * A checksum that was left to the device is completed here, over the whole packet, also over bytes
 * that are not kept: otherwise each reader would report it as wrong. The engine's checksums that
 * are complete are left as they are, right or wrong.
 *
 * The first error of writing is remembered; after it nothing more is written, and close tells.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/inetsum.h"
#include "sink/pktview.h"
#include "weir/sink.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_PACKET     6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW     101u

#define OPT_END        0u
#define OPT_COMMENT    1u
#define OPT_USERAPPL   4u /* of a section */
#define OPT_IF_NAME    2u
#define OPT_IF_TSRESOL 9u
#define OPT_EPB_FLAGS  2u
#define EPB_INBOUND    1u
#define EPB_OUTBOUND   2u

/* Bytes of a packet that can be kept: a packet is at most 65,535 bytes long. */
#define CAPTURE_MAX 65536u
/* Block header and trailer, fixed fields, options with the longest comment. */
#define BLOCK_MAX         (CAPTURE_MAX + 1024u)
#define COMMENT_MAX       512u
#define FILE_BUFFER_BYTES (1u << 20)
/* Where the checksum lies in the TCP and in the UDP header. */
#define TCP_CSUM_AT 16u
#define UDP_CSUM_AT 6u

struct weir_pcapng {
	FILE *file;
	char *buffer;
	size_t payload_max;
	int64_t clock_offset_ns;
	int error; /* errno of the first failure; 0: none */
	size_t len;
	uint8_t block[BLOCK_MAX];
};

/* --- Building a block ------------------------------------------------------------------------- */

static void put(struct weir_pcapng *w, const void *p, size_t n)
{
	memcpy(w->block + w->len, p, n);
	w->len += n;
}

static void put16(struct weir_pcapng *w, unsigned v)
{
	uint16_t n = (uint16_t)v;

	put(w, &n, sizeof(n));
}

static void put32(struct weir_pcapng *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static void pad(struct weir_pcapng *w)
{
	while (w->len % 4)
		w->block[w->len++] = 0;
}

static void put_option(struct weir_pcapng *w, unsigned code, const void *value, size_t n)
{
	put16(w, code);
	put16(w, (unsigned)n);
	put(w, value, n);
	pad(w);
}

static void block_begin(struct weir_pcapng *w, uint32_t type)
{
	w->len = 0;
	put32(w, type);
	put32(w, 0); /* the length, set at the end */
}

static void block_end(struct weir_pcapng *w)
{
	uint32_t total = (uint32_t)w->len + 4;

	put32(w, total);
	memcpy(w->block + 4, &total, sizeof(total));
	if (w->error)
		return;
	if (fwrite(w->block, 1, w->len, w->file) != w->len)
		w->error = errno ? errno : EIO;
}

static void write_section(struct weir_pcapng *w)
{
	block_begin(w, BLOCK_SECTION);
	put32(w, BYTE_ORDER_MAGIC);
	put16(w, 1); /* version 1.0 */
	put16(w, 0);
	put32(w, UINT32_MAX); /* length of the section: not told */
	put32(w, UINT32_MAX);
	put_option(w, OPT_USERAPPL, "weir", 4);
	put_option(w, OPT_END, "", 0);
	block_end(w);
}

static void write_interface(struct weir_pcapng *w)
{
	const uint8_t nanoseconds = 9;

	block_begin(w, BLOCK_INTERFACE);
	put16(w, LINKTYPE_RAW);
	put16(w, 0);
	put32(w, 0); /* no limit of captured bytes: it depends on the packet */
	put_option(w, OPT_IF_NAME, "weir", 4);
	put_option(w, OPT_IF_TSRESOL, &nanoseconds, 1);
	put_option(w, OPT_END, "", 0);
	block_end(w);
}

/* --- A packet --------------------------------------------------------------------------------- */

/* Copies the first `n` bytes of the packet, which lie in head and spans. */
static void put_packet_bytes(struct weir_pcapng *w, const struct weir_trace_record *r, size_t n)
{
	size_t take = r->head_len < n ? r->head_len : n;

	put(w, r->head, take);
	n -= take;
	for (size_t i = 0; i < r->span_count && n > 0; i++) {
		take = r->span[i].len < n ? r->span[i].len : n;
		put(w, r->span[i].bytes, take);
		n -= take;
	}
}

/* The checksum of the TCP or UDP header and what follows it (RFC 9293 3.1, RFC 768), its field at
 * `csum_at` counted as 0. */
static uint16_t upper_checksum(const struct weir_trace_record *r, const struct pktview *v,
			       size_t csum_at)
{
	size_t upper_len = r->head_len - v->l4;
	size_t addr_len = v->src.family == 4 ? 4 : 16;
	struct inetsum sum = {0};
	uint8_t tail[4];

	for (size_t i = 0; i < r->span_count; i++)
		upper_len += r->span[i].len;
	inetsum_add(&sum, v->src.bytes, addr_len);
	inetsum_add(&sum, v->dst.bytes, addr_len);
	tail[0] = 0;
	tail[1] = v->protocol;
	tail[2] = (uint8_t)(upper_len >> 8);
	tail[3] = (uint8_t)upper_len;
	inetsum_add(&sum, tail, sizeof(tail));
	inetsum_add(&sum, r->head + v->l4, csum_at);
	inetsum_add(&sum, r->head + v->l4 + csum_at + 2, r->head_len - v->l4 - csum_at - 2);
	for (size_t i = 0; i < r->span_count; i++)
		inetsum_add(&sum, r->span[i].bytes, r->span[i].len);
	return inetsum_finish(&sum);
}

/* Completes a checksum that was left to the device, in the packet's copy of `caplen` bytes. */
static void complete_checksum(uint8_t *copy, size_t caplen, const struct weir_trace_record *r,
			      const struct pktview *v)
{
	bool is_udp = v->protocol == PKTVIEW_UDP;
	size_t csum_at = is_udp ? UDP_CSUM_AT : TCP_CSUM_AT;
	size_t field = v->l4 + csum_at;
	uint16_t sum;

	if (!r->csum_partial || (!is_udp && v->protocol != PKTVIEW_TCP))
		return;
	if (r->head_len < v->l4 + (is_udp ? 8u : 20u) || caplen < field + 2)
		return;
	if (is_udp && copy[field] == 0 && copy[field + 1] == 0)
		return; /* UDP without a checksum */
	sum = upper_checksum(r, v, csum_at);
	if (is_udp && sum == 0)
		sum = 0xffff;
	copy[field] = (uint8_t)(sum >> 8);
	copy[field + 1] = (uint8_t)sum;
}

static size_t bytes_there(const struct weir_trace_record *r)
{
	size_t there = r->head_len;

	for (size_t i = 0; i < r->span_count; i++)
		there += r->span[i].len;
	return there < CAPTURE_MAX ? there : CAPTURE_MAX;
}

static size_t capture_len(const struct weir_pcapng *w, size_t there, const struct pktview *v)
{
	if (w->payload_max >= there - v->head_len)
		return there;
	return v->head_len + w->payload_max;
}

static void put_packet(struct weir_pcapng *w, const struct weir_trace_record *r, size_t caplen,
		       const struct pktview *v)
{
	size_t at = w->len;

	put_packet_bytes(w, r, caplen);
	complete_checksum(w->block + at, caplen, r, v);
	pad(w);
}

/* A slow-start threshold that was never set is the largest number. */
#define SSTHRESH_SET_MAX 0x7ffffffeu

/* "; cwnd:14600 pipe:2920 rtt:40.125 pacing:437956 delivery:365000 recovery:open": the connection's
 * after the packet, in the words and units of weir-ss(1); without what is not known yet. */
static void write_windows(char *out, size_t size, const struct weir_trace_record *r)
{
	char ssthresh[32] = "", rtt[32] = "", pacing[40] = "", delivery[40] = "", spurious[24] = "";

	out[0] = '\0';
	if (r->cwnd_bytes == 0)
		return;
	if (r->ssthresh_bytes <= SSTHRESH_SET_MAX)
		snprintf(ssthresh, sizeof(ssthresh), " ssthresh:%" PRIu32, r->ssthresh_bytes);
	if (r->srtt_ns > 0)
		snprintf(rtt, sizeof(rtt), " rtt:%.3f", (double)r->srtt_ns / 1e6);
	if (r->pacing_rate > 0)
		snprintf(pacing, sizeof(pacing), " pacing:%" PRIu64, r->pacing_rate);
	if (r->delivery_rate > 0)
		snprintf(delivery, sizeof(delivery), " delivery:%" PRIu64, r->delivery_rate);
	if (r->spurious > 0)
		snprintf(spurious, sizeof(spurious), " spurious:%u", r->spurious);
	snprintf(out, size, "; cwnd:%" PRIu32 "%s pipe:%" PRIu32 "%s%s%s recovery:%s%s",
		 r->cwnd_bytes, ssthresh, r->pipe_bytes, rtt, pacing, delivery,
		 weir_recovery_name(r->recovery), spurious);
}

/* "flow 3; SYN-RECEIVED -> ESTABLISHED; accepted (RFC 9293 3.10.7)", then the windows. */
static void put_comment(struct weir_pcapng *w, const struct weir_trace_record *r)
{
	const char *name = weir_counter_name(r->verdict);
	const char *text = weir_counter_text(r->verdict);
	const char *clause = weir_counter_clause(r->verdict);
	bool same = strcmp(name, text) == 0;
	char flow[32] = "", windows[256], comment[COMMENT_MAX];
	int n;

	if (r->flow)
		snprintf(flow, sizeof(flow), "flow %" PRIu32 "; ", r->flow);
	write_windows(windows, sizeof(windows), r);
	n = snprintf(comment, sizeof(comment), "%s%s -> %s; %s%s%s%s%s%s%s", flow,
		     weir_state_name(r->before), weir_state_name(r->after), name, same ? "" : ": ",
		     same ? "" : text, clause[0] ? " (" : "", clause, clause[0] ? ")" : "",
		     windows);
	if (n >= (int)sizeof(comment))
		n = (int)sizeof(comment) - 1;
	put_option(w, OPT_COMMENT, comment, (size_t)n);
}

void weir_pcapng_feed(struct weir_pcapng *w, const struct weir_trace_record *r)
{
	uint64_t at = r->at + (uint64_t)w->clock_offset_ns;
	uint32_t flags = r->kind == WEIR_TRACE_OUT ? EPB_OUTBOUND : EPB_INBOUND;
	struct pktview v;
	size_t there, caplen;

	if (w->error || r->kind == WEIR_TRACE_STATE || !r->head)
		return;
	pktview_read(&v, r->head, r->head_len);
	there = bytes_there(r);
	caplen = capture_len(w, there, &v);
	block_begin(w, BLOCK_PACKET);
	put32(w, 0); /* the interface */
	put32(w, (uint32_t)(at >> 32));
	put32(w, (uint32_t)at);
	put32(w, (uint32_t)caplen);
	put32(w, (uint32_t)(r->total_len > there ? r->total_len : there));
	put_packet(w, r, caplen, &v);
	put_option(w, OPT_EPB_FLAGS, &flags, sizeof(flags));
	put_comment(w, r);
	put_option(w, OPT_END, "", 0);
	block_end(w);
}

/* --- The file --------------------------------------------------------------------------------- */

int weir_pcapng_open(struct weir_pcapng **out, const char *path, size_t payload_max,
		     int64_t clock_offset_ns)
{
	struct weir_pcapng *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->payload_max = payload_max;
	w->clock_offset_ns = clock_offset_ns;
	w->buffer = malloc(FILE_BUFFER_BYTES);
	w->file = w->buffer ? fopen(path, "wbe") : NULL;
	if (!w->file) {
		int error = errno;

		free(w->buffer);
		free(w);
		errno = error;
		return -1;
	}
	setvbuf(w->file, w->buffer, _IOFBF, FILE_BUFFER_BYTES);
	write_section(w);
	write_interface(w);
	*out = w;
	return 0;
}

int weir_pcapng_close(struct weir_pcapng *w)
{
	int error;

	if (fclose(w->file) != 0 && !w->error)
		w->error = errno ? errno : EIO;
	error = w->error;
	free(w->buffer);
	free(w);
	errno = error;
	return error ? -1 : 0;
}
