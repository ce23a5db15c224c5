/*
 * TCP_INFO, TCP_CC_INFO and SO_MEMINFO in Linux's layout, made of what the engine tells of a
 * connection. What the engine does not know is 0.
 */
#include "sock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "pd.h"

#define TS_OPT_BYTES  12u
#define MEMINFO_COUNT 9u
#define SSTHRESH_NONE 0x7fffffffu

/* struct tcp_info of Linux 6.18's <linux/tcp.h>, by position. */
struct tcpinfo {
	uint8_t state, ca_state, retransmits, probes, backoff, options, wscales, flags;
	uint32_t rto_us, ato_us, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent_ms, last_ack_sent_ms, last_data_recv_ms, last_ack_recv_ms;
	uint32_t pmtu, rcv_ssthresh, rtt_us, rttvar_us, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt_us, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt_us, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_us, rwnd_limited_us, sndbuf_limited_us;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time_ms, received_ce, accecn[6], modes;
};

_Static_assert(sizeof(struct tcpinfo) == 280, "as large as Linux's");

static uint8_t state_of(enum weir_state s)
{
	switch (s) {
	case WEIR_STATE_ESTABLISHED:
		return TCP_ESTABLISHED;
	case WEIR_STATE_SYN_SENT:
		return TCP_SYN_SENT;
	case WEIR_STATE_SYN_RECEIVED:
		return TCP_SYN_RECV;
	case WEIR_STATE_FIN_WAIT_1:
		return TCP_FIN_WAIT1;
	case WEIR_STATE_FIN_WAIT_2:
		return TCP_FIN_WAIT2;
	case WEIR_STATE_TIME_WAIT:
		return TCP_TIME_WAIT;
	case WEIR_STATE_CLOSE_WAIT:
		return TCP_CLOSE_WAIT;
	case WEIR_STATE_LAST_ACK:
		return TCP_LAST_ACK;
	case WEIR_STATE_LISTEN:
		return TCP_LISTEN;
	case WEIR_STATE_CLOSING:
		return TCP_CLOSING;
	case WEIR_STATE_CLOSED:
	case WEIR_STATE_COUNT:
		break;
	}
	return TCP_CLOSE;
}

/* Linux's TCP_CA_Open, Disorder, CWR, Recovery, Loss. */
static uint8_t ca_state_of(const struct weir_info *i)
{
	switch (i->recovery) {
	case WEIR_RECOVERY_OPEN:
		return i->sacked_bytes || i->dup_acks ? 1 : 0;
	case WEIR_RECOVERY_CWR:
		return 2;
	case WEIR_RECOVERY_FAST:
		return 3;
	case WEIR_RECOVERY_RTO:
		return 4;
	}
	return 0;
}

/* Bytes found lost: to Linux they are that until they are acknowledged, however often they went. */
static uint32_t lost_of(const struct weir_info *i)
{
	return i->snd_nxt - i->snd_una - i->sacked_bytes - i->pipe_bytes + i->again_bytes;
}

static uint32_t in_segments(uint32_t bytes, uint32_t mss)
{
	return mss ? (bytes + mss - 1) / mss : 0;
}

static uint32_t headers_of(const struct weir_info *i)
{
	return i->tuple.local.addr.family == 6 ? 60 : 40;
}

static void fill(const struct pd *pd, const struct weir_info *i, struct tcpinfo *t)
{
	uint32_t mss = i->mss_bytes ? i->mss_bytes : 536;
	uint32_t ts = i->ts_ok ? TS_OPT_BYTES : 0;
	uint32_t flight = i->snd_nxt - i->snd_una;

	t->state = state_of(i->state);
	t->ca_state = ca_state_of(i);
	t->options =
		(uint8_t)((i->ts_ok ? TCPI_OPT_TIMESTAMPS : 0) | (i->sack_ok ? TCPI_OPT_SACK : 0) |
			  (i->snd_wscale || i->rcv_wscale ? TCPI_OPT_WSCALE : 0));
	t->wscales = (uint8_t)(i->snd_wscale | i->rcv_wscale << 4);
	t->rto_us = (uint32_t)(i->rto_ns / 1000);
	t->ato_us = (uint32_t)pd->flags.cfg.delack_ms * 1000;
	t->snd_mss = mss;
	t->rcv_mss = (uint32_t)pd->flags.cfg.link_mtu - headers_of(i) - ts;
	t->unacked = in_segments(flight, mss);
	t->sacked = in_segments(i->sacked_bytes, mss);
	t->lost = in_segments(lost_of(i), mss);
	t->retrans = in_segments(i->again_bytes, mss);
	t->pmtu = (uint32_t)pd->flags.cfg.link_mtu;
	t->rcv_ssthresh = i->rcv_wnd_bytes;
	t->rtt_us = (uint32_t)(i->srtt_ns / 1000);
	t->rttvar_us = (uint32_t)(i->rttvar_ns / 1000);
	t->snd_ssthresh = i->ssthresh_bytes >= SSTHRESH_NONE ? SSTHRESH_NONE
							     : i->ssthresh_bytes / mss;
	t->snd_cwnd = i->cwnd_bytes / mss;
	t->advmss = (uint32_t)pd->flags.cfg.link_mtu - headers_of(i) - ts;
	t->reordering = (uint32_t)pd->flags.cfg.dupthresh;
	t->rcv_space = i->rcv_wnd_bytes;
	t->total_retrans = i->retransmits;
	t->bytes_acked = i->bytes_acked;
	t->bytes_received = i->bytes_received;
	t->segs_out = i->segs_out;
	t->segs_in = i->segs_in;
	t->pacing_rate = i->pacing_rate;
	t->delivery_rate = i->delivery_rate;
	t->min_rtt_us = i->min_rtt_ns ? (uint32_t)(i->min_rtt_ns / 1000) : UINT32_MAX;
	t->reord_seen = i->reordering;
	t->notsent_bytes = i->sndq_bytes > flight ? i->sndq_bytes - flight : 0;
	t->delivered = in_segments((uint32_t)i->bytes_acked + i->sacked_bytes, mss);
	t->snd_wnd = i->snd_wnd_bytes;
	t->rcv_wnd = i->rcv_wnd_bytes;
}

int pd_tcpinfo_get(struct pd *pd, struct pd_sock *s, void *value, socklen_t *len)
{
	struct tcpinfo t = {.state = TCP_CLOSE};
	struct weir_info i;

	if (s->phase == PD_PHASE_LISTENING)
		t.state = TCP_LISTEN;
	else if (s->conn.v != 0 && weir_conn_info(pd->stack, s->conn, &i) == WEIR_OK)
		fill(pd, &i, &t);
	if (s->conn.v != 0)
		t.last_data_recv_ms = (uint32_t)((pd->clock.now_us - s->data_us) / 1000);
	return pd_opt_copy(&t, sizeof(t), value, len);
}

/* NewReno has nothing to tell: Linux then returns no bytes. */
int pd_ccinfo_get(struct pd *pd, struct pd_sock *s, void *value, socklen_t *len)
{
	(void)pd;
	(void)s;
	return pd_opt_copy("", 0, value, len);
}

int pd_meminfo_get(struct pd *pd, struct pd_sock *s, void *value, socklen_t *len)
{
	uint32_t m[MEMINFO_COUNT] = {0};
	struct weir_info i;

	m[1] = (uint32_t)s->opts.value[PD_OPT_RCVBUF] * 2;
	m[3] = (uint32_t)s->opts.value[PD_OPT_SNDBUF] * 2;
	if (s->conn.v != 0 && weir_conn_info(pd->stack, s->conn, &i) == WEIR_OK) {
		m[0] = i.rcvq_bytes + i.ooo_bytes;
		m[5] = i.sndq_bytes;
	}
	return pd_opt_copy(m, sizeof(m), value, len);
}
