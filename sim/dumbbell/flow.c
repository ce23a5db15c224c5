/*
 * flow.c: the applications of a flow, and what is noted of it.
 *
 * The sender keeps its engine's buffer full; the receiver reads whatever comes at once, so that no
 * window but the path's and the engine's own matters. A transfer ends when the receiver has read
 * its last byte and the end of the stream; a burst when its last byte has been read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/dumbbell/dumbbell.h"

#define SPANS    16u
#define PIECE    65536u
#define FOREVER  UINT64_MAX
#define AGAIN_NS 1000000000ull /* after a failure, until another try */

static bool has_limit(const struct dumbbell_flow *f)
{
	return f->plan->bytes != 0;
}

/* --- The sender --------------------------------------------------------------------------- */

static void send_more(struct dumbbell *d, struct dumbbell_flow *f)
{
	static const uint8_t zeros[PIECE];
	struct dumbbell_node *n = &f->node[DUMBBELL_SENDER];

	while (f->left > 0 && n->live) {
		size_t len = f->left < PIECE ? f->left : PIECE, taken;
		uint32_t flags = f->left > len ? WEIR_SEND_MORE : 0;

		if (weir_send(n->stack, n->conn, zeros, len, flags, &taken, d->now) != WEIR_OK)
			return;
		f->left -= f->left == FOREVER ? 0 : taken;
		if (taken < len)
			return;
	}
	if (n->live && f->plan->app != DUMBBELL_ONOFF)
		weir_shutdown(n->stack, n->conn, d->now);
}

static void open_conn(struct dumbbell *d, struct dumbbell_flow *f)
{
	struct dumbbell_node *n = &f->node[DUMBBELL_SENDER];
	struct weir_connect_args args = {
		.remote = {.addr = dumbbell_addr(DUMBBELL_RECEIVER), .port = DUMBBELL_PORT}};

	weir_assert(weir_connect(n->stack, &args, d->now, &n->conn) == WEIR_OK);
	n->live = true;
}

void dumbbell_flow_wake(struct dumbbell *d, struct dumbbell_flow *f)
{
	f->begun = d->now;
	f->left = has_limit(f) ? f->plan->bytes : FOREVER;
	f->due = f->left;
	if (!f->node[DUMBBELL_SENDER].live || f->plan->app == DUMBBELL_SHORT)
		open_conn(d, f);
	send_more(d, f);
}

/* --- The receiver ------------------------------------------------------------------------- */

/* A transfer or burst has come in whole. */
static void finish_one(struct dumbbell *d, struct dumbbell_flow *f)
{
	if (f->done_count == f->done_room) {
		f->done_room = f->done_room * 2 + 16;
		f->done_ns = realloc(f->done_ns, f->done_room * sizeof(*f->done_ns));
		weir_assert(f->done_ns != NULL);
	}
	f->done_ns[f->done_count++] = d->now - f->begun;
	if (f->plan->app == DUMBBELL_BULK || f->done_count == f->plan->count)
		f->ended = true;
	else
		f->wake = d->now + f->plan->gap_ns;
}

static void read_all(struct dumbbell *d, struct dumbbell_flow *f)
{
	struct dumbbell_node *n = &f->node[DUMBBELL_RECEIVER];
	struct weir_span span[SPANS];
	size_t count, bytes;
	enum weir_err e;

	while ((e = weir_recv_peek(n->stack, n->conn, span, SPANS, &count, &bytes)) == WEIR_OK) {
		weir_assert(weir_recv_consume(n->stack, n->conn, bytes, d->now) == WEIR_OK);
		f->got_bytes += bytes;
		f->n.got_bytes += dumbbell_is_warm(d) ? bytes : 0;
		f->due -= f->due == FOREVER ? 0 : bytes;
	}
	if (f->due == 0 && (e == WEIR_EOF || f->plan->app == DUMBBELL_ONOFF)) {
		f->due = FOREVER;
		finish_one(d, f);
	}
	if (e == WEIR_EOF)
		weir_close(n->stack, n->conn, d->now);
}

/* --- Events ------------------------------------------------------------------------------- */

static void on_closed(struct dumbbell *d, struct dumbbell_flow *f, struct dumbbell_node *n,
		      const struct weir_event *ev)
{
	n->live = false;
	if (ev->reason == WEIR_OK)
		return;
	f->failures++;
	if (n == &f->node[DUMBBELL_SENDER] && f->wake == WEIR_NEVER)
		f->wake = d->now + AGAIN_NS;
}

void dumbbell_flow_event(struct dumbbell *d, struct dumbbell_flow *f, enum dumbbell_end end,
			 const struct weir_event *ev)
{
	struct dumbbell_node *n = &f->node[end];

	if (ev->kind == WEIR_EV_ACCEPTED) {
		n->conn = ev->conn;
		n->live = true;
	}
	if (!n->live || ev->conn.v != n->conn.v)
		return;
	if (ev->kind == WEIR_EV_WRITABLE)
		send_more(d, f);
	else if (ev->kind == WEIR_EV_READABLE && end == DUMBBELL_RECEIVER)
		read_all(d, f);
	else if (ev->kind == WEIR_EV_CLOSED)
		on_closed(d, f, n, ev);
}

/* --- What is noted ------------------------------------------------------------------------ */

static void note_srtt(struct dumbbell_counts *n, uint64_t srtt_ns)
{
	n->srtt_sum_ns += srtt_ns;
	if (n->srtt_samples++ == 0 || srtt_ns < n->srtt_min_ns)
		n->srtt_min_ns = srtt_ns;
	if (srtt_ns > n->srtt_max_ns)
		n->srtt_max_ns = srtt_ns;
}

void dumbbell_flow_sample(struct dumbbell *d, struct dumbbell_flow *f)
{
	const struct dumbbell_node *n = &f->node[DUMBBELL_SENDER];
	struct dumbbell_sample s = {.at = d->now - d->start,
				    .got_bytes = f->got_bytes,
				    .queue_bytes = weir_impair_queued(d->way[DUMBBELL_SENDER])};
	struct weir_info info;

	if (n->live && weir_conn_info(n->stack, n->conn, &info) == WEIR_OK) {
		s.cwnd = info.cwnd_bytes;
		s.ssthresh = info.ssthresh_bytes;
		s.pipe = info.pipe_bytes;
		s.pacing_rate = info.pacing_rate;
		s.rwnd = info.snd_wnd_bytes;
		s.srtt_ns = info.srtt_ns;
		if (dumbbell_is_warm(d) && info.srtt_ns != 0)
			note_srtt(&f->n, info.srtt_ns);
	}
	if (f->sample_count == f->sample_room) {
		f->sample_room = f->sample_room * 2 + 64;
		f->sample = realloc(f->sample, f->sample_room * sizeof(*f->sample));
		weir_assert(f->sample != NULL);
	}
	f->sample[f->sample_count++] = s;
}

uint64_t dumbbell_goodput(const struct dumbbell *d, unsigned flow)
{
	uint64_t us = (d->stepped_ns - d->plan.warmup_ns) / 1000;

	if (d->stepped_ns <= d->plan.warmup_ns || us == 0)
		return 0;
	return d->flow[flow].n.got_bytes * 1000000 / us;
}

unsigned dumbbell_jain(const struct dumbbell *d, unsigned first, unsigned count)
{
	uint64_t sum = 0, squares = 0;

	for (unsigned i = first; i < first + count; i++) {
		uint64_t x = dumbbell_goodput(d, i) / 1000; /* squares of terabytes must fit */

		sum += x;
		squares += x * x;
	}
	return squares == 0 ? 0 : (unsigned)(sum * sum * 1000 / (squares * count));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t dumbbell_done_median(const struct dumbbell_flow *f)
{
	uint64_t *sorted, median;

	if (f->done_count == 0)
		return 0;
	sorted = sim_alloc(f->done_count, sizeof(*sorted));
	memcpy(sorted, f->done_ns, f->done_count * sizeof(*sorted));
	qsort(sorted, f->done_count, sizeof(*sorted), compare);
	median = sorted[f->done_count / 2];
	free(sorted);
	return median;
}

uint64_t dumbbell_srtt_mean(const struct dumbbell_flow *f)
{
	return f->n.srtt_samples == 0 ? 0 : f->n.srtt_sum_ns / f->n.srtt_samples;
}
