/* Statements about the world: its configuration, addresses, flows, and packets in and out. */
#include <stdio.h>
#include <string.h>

#include "exec.h"
#include "spec.h"

/* config NAME=VALUE ... */
void cmd_config(struct world *w, struct stmt *st)
{
	if (w->s)
		world_fail(w, "config comes before everything that needs the stack");
	for (int i = 1; i < st->words.count; i++) {
		char *word = st->words.w[i];
		char *eq = strchr(word, '=');
		int bad;

		if (!eq)
			world_fail(w, "config NAME=VALUE");
		*eq = '\0';
		bad = weir_config_set(&w->cfg, word, (uint64_t)stmt_number(w, eq + 1));
		if (bad)
			world_fail(w, "config %s=%s: %s", word, eq + 1,
				   bad == -1 ? "no such row" : "out of range");
	}
}

/* addr NAME [-> ERR]: one more address of ours. */
void cmd_addr(struct world *w, struct stmt *st)
{
	uint8_t bytes[16];
	struct weir_addr a;
	enum weir_err err;

	if (st->words.count < 2 || world_addr(w->family, st->words.w[1], bytes) != 0)
		world_fail(w, "addr NAME");
	a = world_weir_addr(w->family, bytes);
	err = weir_addr_add(w->s, &a, w->family == 4 ? 24 : 64);
	if (err != WEIR_OK)
		world_fail(w, "weir_addr_add: %s", weir_err_text(err));
}

static void flow_addr(struct world *w, const struct stmt *st, const char *key, uint8_t out[16])
{
	const char *name = stmt_arg(st, key);

	if (name && world_addr(w->family, name, out) != 0)
		world_fail(w, "unknown address: %s", name);
}

/* flow NAME [lport=N] [rport=N] [local=A] [remote=A] [irs=N]: makes it, or changes it. With irs a
 * new incarnation begins: the peer counts from there, and our ISS is learnt anew. `forget` leaves
 * the handle behind. */
void cmd_flow(struct world *w, struct stmt *st)
{
	struct flow *f;
	const char *like = stmt_arg(st, "like");

	if (st->words.count < 2)
		world_fail(w, "flow NAME");
	f = world_flow_add(w, st->words.w[1]);
	if (like) {
		const struct flow *l = world_flow(w, like);

		if (!l)
			world_fail(w, "unknown flow: %s", like);
		memcpy(f->local, l->local, 16);
		memcpy(f->remote, l->remote, 16);
		f->lport = l->lport;
		f->rport = l->rport;
	}
	f->lport = (uint16_t)stmt_arg_number(w, st, "lport", f->lport);
	f->rport = (uint16_t)stmt_arg_number(w, st, "rport", f->rport);
	flow_addr(w, st, "local", f->local);
	flow_addr(w, st, "remote", f->remote);
	if (stmt_arg(st, "irs")) {
		f->irs = (uint32_t)stmt_arg_number(w, st, "irs", 0);
		f->sent = f->read = 1;
		f->conn.v = f->half.v = 0;
	}
}

/* < SEGMENT */
void cmd_in(struct world *w, struct stmt *st)
{
	struct spec s;

	spec_parse(w, &s, &st->words, 1, SHOW_IN);
	spec_send(w, &s);
	w->hold = s.hold;
}

/* > SEGMENT, > none */
void cmd_out(struct world *w, struct stmt *st)
{
	struct spec s;
	bool none = st->words.count == 2 && strcmp(st->words.w[1], "none") == 0;
	bool came;
	weir_time from = w->now;

	if (!none)
		spec_parse(w, &s, &st->words, 1, SHOW_OUT);
	came = world_run(w, none ? st->due : st->until);
	if (none && came) {
		char text[512];

		spec_show(w, &w->out, SHOW_OUT, text, sizeof(text));
		world_fail(w, "nothing may go out\n  got      > %s  [%s]", text,
			   weir_counter_name(w->out_why));
	}
	if (none)
		return;
	if (!came) {
		w->now = st->until;
		world_fail(w, "no segment went out%s", st->timed ? " in time" : "");
	}
	spec_expect(w, &s);
	if (w->now < st->due)
		world_fail(w, "it went out after %.6f s, too early", (double)(w->now - from) / 1e9);
}

/* drain [N] [N..M]: takes all that goes out until its time, N packets exactly if given. */
void cmd_drain(struct world *w, struct stmt *st)
{
	int64_t count = 0;

	while (world_run(w, st->due)) {
		if (++count > 100000)
			world_fail(w, "endless output");
	}
	if (st->words.count > 1) {
		char *range = strstr(st->words.w[1], "..");
		int64_t most;

		if (range)
			*range = '\0';
		most = stmt_number(w, range ? range + 2 : st->words.w[1]);
		if (count < stmt_number(w, st->words.w[1]) || count > most)
			world_fail(w, "%lld packets went out", (long long)count);
	}
}
