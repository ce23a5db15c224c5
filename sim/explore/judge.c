/*
 * judge.c: what must be true. Everything is judged when it happens, from what the applications were
 * told and what both ends' numbers are; the engine's own view is only asked for its invariants.
 */
#include "sim/explore/world.h"
#include "stack/check.h"
#include "stack/conns.h"
#include "weir/info.h"

static bool same_numbers(const struct ex_world *w, struct ex_pair mine, struct ex_pair peers)
{
	uint32_t lie = w->tamper == EX_TAMPER_ORACLE;

	return mine.iss == peers.irs && mine.irs == peers.iss + lie;
}

const struct ex_conn *ex_peer(const struct ex_world *w, unsigned h, struct ex_pair p)
{
	const struct ex_host *other = &w->host[!h];

	for (unsigned i = 0; i < other->conns; i++)
		if (same_numbers(w, p, other->conn[i].pair))
			return &other->conn[i];
	return NULL;
}

bool ex_pair_known(const struct ex_world *w, unsigned h, struct ex_pair p)
{
	const struct ex_host *other = &w->host[!h];

	for (unsigned i = 0; i < other->pairs; i++)
		if (same_numbers(w, p, other->pair[i]))
			return true;
	return false;
}

/* With two handshakes the passive side cannot know more than that somebody who still waits has sent
 * that SYN. */
static bool waits_for_us(const struct ex_world *w, unsigned h, struct ex_pair p)
{
	const struct ex_host *other = &w->host[!h];

	for (unsigned i = 0; i < other->conns; i++)
		if (other->conn[i].live && other->conn[i].pair.iss == p.irs)
			return true;
	return false;
}

void ex_judge_up(struct ex_world *w, unsigned h, struct ex_conn *c)
{
	if (ex_pair_known(w, h, c->pair))
		return;
	if (w->scenario->handshake_ways == 2 && waits_for_us(w, h, c->pair))
		return;
	w->violated |= EX_GHOST;
}

void ex_judge_bytes(struct ex_world *w, unsigned h, struct ex_conn *c, const uint8_t *bytes,
		    size_t len)
{
	const struct ex_conn *peer = ex_peer(w, h, c->pair);
	const struct ex_host *other = &w->host[!h];

	for (size_t i = 0; i < len; i++, c->got++)
		if (!peer || c->got >= peer->sent ||
		    bytes[i] != ex_byte(!h, (unsigned)(peer - other->conn), c->got))
			w->violated |= EX_BYTES;
}

void ex_judge_eof(struct ex_world *w, unsigned h, struct ex_conn *c)
{
	const struct ex_conn *peer = ex_peer(w, h, c->pair);

	if (!peer || !peer->shut || c->got != peer->sent)
		w->violated |= EX_END;
}

/* Who aborts, or stops reading before all has come, may leave his peer with a reset. */
static bool excused(const struct ex_conn *c, const struct ex_conn *peer)
{
	if (c->aborted)
		return true;
	if (!peer)
		return false;
	return peer->aborted || (peer->closed && peer->got != c->sent) ||
	       (c->closed && c->got != peer->sent);
}

void ex_judge_end(struct ex_world *w, unsigned h, struct ex_conn *c)
{
	const struct ex_conn *peer = ex_peer(w, h, c->pair);

	if (c->reason == WEIR_OK ? !peer || !c->up : !excused(c, peer))
		w->violated |= EX_CLEAN;
	if (c->reason == WEIR_RESET && w->late_fin)
		w->violated |= EX_LATE_FIN;
}

static bool is_up(const struct ex_host *host, const struct ex_conn *c)
{
	const struct conn *conn = c->live && c->up ? conn_get(host->stack, c->handle) : NULL;

	return conn && tcb_synchronized(&conn->tcb);
}

static void judge_isns(struct ex_world *w)
{
	const struct ex_host *a = &w->host[EX_A], *b = &w->host[EX_B];

	for (unsigned i = 0; i < a->conns; i++)
		for (unsigned k = 0; k < b->conns; k++)
			if (is_up(a, &a->conn[i]) && is_up(b, &b->conn[k]) &&
			    !same_numbers(w, a->conn[i].pair, b->conn[k].pair))
				w->violated |= EX_ISNS;
}

void ex_judge_step(struct ex_world *w)
{
	judge_isns(w);
	for (unsigned h = 0; h < EX_HOSTS; h++) {
		const char *bad = weir_stack_check(w->host[h].stack);

		if (bad) {
			w->violated |= EX_CHECK;
			w->why = bad;
		}
	}
}

static unsigned finish_conn(const struct ex_world *w, unsigned h, const struct ex_conn *c)
{
	const struct ex_conn *peer = ex_peer(w, h, c->pair);

	if (c->live)
		return ex_stays_open(w, &w->host[h], c) && c->up && peer && peer->live &&
				       peer->up && c->got == peer->sent
			       ? 0
			       : EX_LIVE;
	if (c->reason != WEIR_OK || !peer || excused(c, peer) || excused(peer, c))
		return 0; /* judged when it ended */
	return c->got == peer->sent && (c->eof || c->closed) ? 0 : EX_BYTES;
}

unsigned ex_world_finish(const struct ex_world *w)
{
	unsigned bad = 0;

	for (unsigned h = 0; h < EX_HOSTS; h++) {
		const struct ex_host *host = &w->host[h];
		struct weir_usage u;
		unsigned live = 0;

		for (unsigned i = 0; i < host->conns; i++) {
			bad |= finish_conn(w, h, &host->conn[i]);
			live += host->conn[i].live;
		}
		weir_stack_usage(host->stack, &u);
		if (u.conns != live || u.halfs || u.timewaits || u.pages || u.ranges)
			bad |= EX_LEAK;
	}
	return bad;
}
