/*
 * app.c: applications.
 *
 * Theory of operation
 *
 * sim_app_run() reads and writes until the engine says AGAIN or the plan says to pause, then looks
 * whether the plan's end has come: shutdown, close or abort. It runs after each event of its
 * connection and at the time that it left in end->wake.
 *
 * A pause after each read, small reads and a planned stall fill the receive buffer, so that windows
 * close and open again in small steps; what the engine makes of it is seen on the wire (tap.c).
 *
 * Every return value is judged here: a call may only return what its contract lists for the state
 * that the application knows itself to be in.
 */
#include "sim/app.h"

#include "sim/model.h"

#define SPANS 4u

static struct sim_end *my_end(const struct sim_app *a)
{
	return &a->talk->end[a->side];
}

static const struct sim_plan *my_plan(const struct sim_app *a)
{
	return &a->talk->spec.plan[a->side];
}

static void fail(const struct sim_app *a, const char *call, enum weir_err err)
{
	sim_oracle_fail_talk(a->oracle, a->talk, a->side, call, "%s says \"%s\"", call,
			     weir_err_text(err));
}

static void set_option(const struct sim_app *a, enum weir_connopt opt, uint64_t value)
{
	enum weir_err err = weir_conn_set(a->stack, my_end(a)->conn, opt, value);

	if (err != WEIR_OK)
		fail(a, "weir_conn_set", err);
}

void sim_app_opened(const struct sim_app *a, weir_conn conn)
{
	const struct sim_plan *p = my_plan(a);
	struct sim_end *e = my_end(a);

	e->conn = conn;
	e->writable = true;
	if (p->nodelay)
		set_option(a, WEIR_OPT_NODELAY, 1);
	if (p->keepalive) {
		set_option(a, WEIR_OPT_KEEPALIVE, 1);
		set_option(a, WEIR_OPT_KEEP_IDLE_MS, p->keep_idle_ms ? p->keep_idle_ms : 10000);
		set_option(a, WEIR_OPT_KEEP_INTERVAL_MS,
			   p->keep_interval_ms ? p->keep_interval_ms : 5000);
		set_option(a, WEIR_OPT_KEEP_COUNT, p->keep_count ? p->keep_count : 5);
	}
	if (p->user_timeout_ms)
		set_option(a, WEIR_OPT_USER_TIMEOUT_MS, p->user_timeout_ms);
}

void sim_app_event(const struct sim_app *a, const struct weir_event *ev)
{
	struct sim_end *e = my_end(a);

	if (ev->conn.v != e->conn.v || e->phase == SIM_PHASE_ENDED) {
		SIM_FAIL_TALK(a->oracle, a->talk, a->side, "event %s of a handle that has ended",
			      weir_event_name(ev->kind));
		return;
	}
	switch (ev->kind) {
	case WEIR_EV_CONNECTED:
		e->phase = SIM_PHASE_OPEN;
		e->ever_open = true;
		break;
	case WEIR_EV_READABLE:
		e->readable = true;
		break;
	case WEIR_EV_WRITABLE:
		e->writable = true;
		break;
	case WEIR_EV_CLOSED:
		/* An orderly end tells of the end of stream too, if that was not read yet. */
		if (ev->reason == WEIR_OK && !e->eof && !e->closed)
			sim_oracle_eof(a->oracle, a->talk, a->side);
		sim_model_end(a->oracle, a->talks, a->talk, a->side, ev->reason);
		sim_oracle_end(a->oracle, a->talk, a->side, ev->reason);
		break;
	case WEIR_EV_SYN:
	case WEIR_EV_HALF_GONE:
	case WEIR_EV_ACCEPTED:
	case WEIR_EV_URGENT:
	case WEIR_EV_SOFT_ERROR:
	case WEIR_EV_COUNT:
		break;
	}
}

/* Changes an option, to what may be set at any time and harms no stream. */
static void meddle(const struct sim_app *a)
{
	struct sim_end *e = my_end(a);
	uint32_t bytes = (uint32_t)sim_rng_range(&e->rng, 1, 40000);

	switch (sim_rng_below(&e->rng, 6)) {
	case 0:
		set_option(a, WEIR_OPT_NODELAY, sim_rng_below(&e->rng, 2));
		break;
	case 1:
		set_option(a, WEIR_OPT_SNDBUF, bytes);
		break;
	case 2:
		e->rcvbuf = bytes > e->rcvbuf ? bytes : e->rcvbuf;
		e->rcvbuf_least = bytes < e->rcvbuf_least ? bytes : e->rcvbuf_least;
		set_option(a, WEIR_OPT_RCVBUF, bytes);
		break;
	case 3:
		set_option(a, WEIR_OPT_DSCP, sim_rng_below(&e->rng, 64));
		break;
	case 4:
		set_option(a, WEIR_OPT_CC, sim_rng_below(&e->rng, 3));
		break;
	default:
		set_option(a, WEIR_OPT_TTL, sim_rng_range(&e->rng, 1, 255));
		break;
	}
}

/* --- Reading -----------------------------------------------------------------------------------
 */

/* Takes `want` of the bytes in the spans; returns how many there were. */
static size_t take_spans(const struct sim_app *a, const struct weir_span *spans, size_t count,
			 size_t want)
{
	size_t taken = 0;

	for (size_t i = 0; i < count && taken < want; i++) {
		size_t n = spans[i].len < want - taken ? spans[i].len : want - taken;

		sim_oracle_read(a->oracle, a->talk, a->side, spans[i].bytes, n);
		taken += n;
	}
	return taken;
}

static void read_spans(const struct sim_app *a, const struct weir_span *spans, size_t count,
		       size_t bytes)
{
	const struct sim_plan *p = my_plan(a);
	struct sim_end *e = my_end(a);
	size_t want = (size_t)sim_rng_range(&my_end(a)->rng, p->read_min, p->read_max);
	enum weir_err err;

	if (bytes == 0)
		fail(a, "weir_recv_peek: no bytes, but", WEIR_OK);
	want = take_spans(a, spans, count, want < bytes ? want : bytes);
	err = weir_recv_consume(a->stack, e->conn, want, a->now);
	if (err != WEIR_OK)
		fail(a, "weir_recv_consume", err);
	if (p->read_gap_ns != 0)
		e->read_at = a->now + sim_rng_range(&my_end(a)->rng, 1, p->read_gap_ns);
	if (p->stall_ns != 0 && !e->stalled && e->got >= p->stall_at) {
		e->stalled = true;
		e->read_at = a->now + p->stall_ns;
	}
}

static void read_once(const struct sim_app *a)
{
	struct sim_end *e = my_end(a);
	struct weir_span spans[SPANS];
	size_t count = 0, bytes = 0;
	enum weir_err err;

	err = weir_recv_peek(a->stack, e->conn, spans, SPANS, &count, &bytes);
	if (err == WEIR_OK) {
		read_spans(a, spans, count, bytes);
		return;
	}
	e->readable = false;
	if (err == WEIR_EOF)
		sim_oracle_eof(a->oracle, a->talk, a->side);
	else if (err == WEIR_NO_CONN || err == WEIR_BAD_ARG || err == WEIR_CLOSING)
		fail(a, "weir_recv_peek", err);
}

static bool may_read(const struct sim_app *a)
{
	const struct sim_end *e = my_end(a);

	return e->readable && !e->eof && !e->closed && e->phase != SIM_PHASE_ENDED;
}

/* --- Writing -----------------------------------------------------------------------------------
 */

static uint32_t write_flags(const struct sim_app *a, size_t len)
{
	const struct sim_plan *p = my_plan(a);
	uint32_t flags = 0;

	if (sim_rng_chance(&my_end(a)->rng, p->urgent_ppm))
		flags |= WEIR_SEND_URGENT;
	/* The last byte must not wait for more. */
	if (my_end(a)->given + len < p->total && sim_rng_chance(&my_end(a)->rng, p->more_ppm))
		flags |= WEIR_SEND_MORE;
	return flags;
}

static void judge_write(const struct sim_app *a, const char *call, enum weir_err err, size_t taken,
			size_t len)
{
	struct sim_end *e = my_end(a);

	if (err != WEIR_OK && err != WEIR_AGAIN)
		fail(a, call, err);
	if (taken > len || (err == WEIR_OK && taken == 0) || (err == WEIR_AGAIN && taken != 0))
		SIM_FAIL_TALK(a->oracle, a->talk, a->side, "%s took %zu of %zu bytes", call, taken,
			      len);
	if (err != WEIR_OK || taken < len)
		e->writable = false;
	e->given += taken;
}

static void write_send(const struct sim_app *a, size_t len)
{
	struct sim_end *e = my_end(a);
	uint8_t bytes[SIM_WRITE_MAX];
	uint64_t offset = e->given;
	size_t taken = 0;
	enum weir_err err;

	sim_pattern_fill(e->key, offset, bytes, len);
	err = weir_send(a->stack, e->conn, bytes, len, write_flags(a, len), &taken, a->now);
	judge_write(a, "weir_send", err, taken, len);
}

static void write_reserve(const struct sim_app *a, size_t len)
{
	struct sim_end *e = my_end(a);
	struct weir_mspan spans[SPANS];
	size_t count = 0, have = 0;
	enum weir_err err;

	err = weir_send_reserve(a->stack, e->conn, len, spans, SPANS, &count);
	for (size_t i = 0; err == WEIR_OK && i < count; i++) {
		sim_pattern_fill(e->key, e->given + have, spans[i].bytes, spans[i].len);
		have += spans[i].len;
	}
	if (err == WEIR_OK && have <= len && have != 0)
		err = weir_send_commit(a->stack, e->conn, have, write_flags(a, have), a->now);
	/* Fewer spans than room is no refusal: WRITABLE is owed only after AGAIN. */
	judge_write(a, "weir_send_reserve", err, have, err == WEIR_OK && have < len ? have : len);
}

static void write_once(const struct sim_app *a)
{
	const struct sim_plan *p = my_plan(a);
	struct sim_end *e = my_end(a);
	uint64_t left = p->total - e->given;
	size_t len = (size_t)sim_rng_range(&my_end(a)->rng, p->write_min, p->write_max);

	if (len > left)
		len = (size_t)left;
	switch (p->write) {
	case SIM_WRITE_SEND:
		write_send(a, len);
		break;
	case SIM_WRITE_RESERVE:
		write_reserve(a, len);
		break;
	}
	if (p->write_gap_ns != 0)
		e->write_at = a->now + sim_rng_range(&my_end(a)->rng, 1, p->write_gap_ns);
}

static bool may_start(const struct sim_app *a)
{
	switch (my_plan(a)->start) {
	case SIM_START_AT_ONCE:
		return true;
	case SIM_START_CONNECTED:
		return my_end(a)->phase == SIM_PHASE_OPEN;
	case SIM_START_EOF:
		return my_end(a)->eof;
	}
	return false;
}

static bool may_write(const struct sim_app *a)
{
	const struct sim_end *e = my_end(a);

	return e->writable && !e->fin_given && e->phase != SIM_PHASE_ENDED &&
	       e->given < my_plan(a)->total && may_start(a);
}

/* --- Ending ------------------------------------------------------------------------------------
 */

static void do_shutdown(const struct sim_app *a)
{
	enum weir_err err = weir_shutdown(a->stack, my_end(a)->conn, a->now);

	if (err != WEIR_OK)
		fail(a, "weir_shutdown", err);
	my_end(a)->fin_given = true;
}

static void do_close(const struct sim_app *a)
{
	struct sim_end *e = my_end(a);
	enum weir_err err = weir_close(a->stack, e->conn, a->now);

	/* Both streams may have ended orderly before, with CLOSED still to be read. */
	if (err != WEIR_OK && !(e->fin_given && (err == WEIR_CLOSING || err == WEIR_NO_CONN)))
		fail(a, "weir_close", err);
	e->fin_given = true;
	e->closed = true;
}

static void do_abort(const struct sim_app *a)
{
	enum weir_err err = weir_abort(a->stack, my_end(a)->conn, a->now);

	if (err != WEIR_OK)
		fail(a, "weir_abort", err);
	my_end(a)->aborted = true;
	sim_oracle_end(a->oracle, a->talk, a->side, WEIR_ABORTED);
}

/* Both streams are finished as far as this end is concerned: it wrote and ended all, and read all.
 */
static void end_after_peer(const struct sim_app *a, enum sim_close how)
{
	struct sim_end *e = my_end(a);

	if (how == SIM_CLOSE_SHUTDOWN || how == SIM_CLOSE_SHUT_ONLY) {
		if (!e->fin_given)
			do_shutdown(a);
		if (how == SIM_CLOSE_SHUT_ONLY)
			return;
	}
	if (e->eof && !e->closed)
		do_close(a);
}

static void end_as_planned(const struct sim_app *a)
{
	const struct sim_plan *p = my_plan(a);
	struct sim_end *e = my_end(a);
	bool wrote_all = e->given == p->total && may_start(a);

	if (e->phase == SIM_PHASE_ENDED)
		return;
	switch (p->close) {
	case SIM_CLOSE_SHUTDOWN:
	case SIM_CLOSE_SHUT_ONLY:
	case SIM_CLOSE_LAST:
		if (wrote_all)
			end_after_peer(a, p->close);
		break;
	case SIM_CLOSE_EARLY:
		if (wrote_all && !e->closed)
			do_close(a);
		break;
	case SIM_CLOSE_ABORT:
		if (e->given + e->got >= p->abort_at)
			do_abort(a);
		else if (wrote_all)
			end_after_peer(a, SIM_CLOSE_SHUTDOWN);
		break;
	}
}

static void note_wake(struct sim_end *e, weir_time at)
{
	if (at < e->wake)
		e->wake = at;
}

void sim_app_run(const struct sim_app *a)
{
	struct sim_end *e = my_end(a);
	bool did = true;

	if (e->phase != SIM_PHASE_ENDED && !e->closed &&
	    sim_rng_chance(&e->rng, my_plan(a)->meddle_ppm))
		meddle(a);
	while (did && !a->oracle->failed) {
		did = false;
		if (may_read(a) && e->read_at <= a->now) {
			read_once(a);
			did = true;
		}
		if (may_write(a) && e->write_at <= a->now) {
			write_once(a);
			did = true;
		}
		end_as_planned(a);
	}
	e->wake = WEIR_NEVER;
	if (may_read(a))
		note_wake(e, e->read_at);
	if (may_write(a))
		note_wake(e, e->write_at);
}
