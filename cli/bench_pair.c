/*
 * Theory of operation
 *
 * Two stacks and nothing between them. weir_output() gives a packet as headers and spans into the
 * engine's pages; weir_input() takes one contiguous frame. So each packet is gathered into a buffer
 * here, as a link without gathering writes does; that copy is a part of what is measured. Neither
 * side's checksums are offloaded: each is computed on output and verified on input.
 *
 * Time is the pair's own. It stands still while packets are carried, goes on as the bench says, and
 * jumps to the next timer when nobody has anything to say.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

#include "cli.h"

/* 192.0.2.1 and 192.0.2.2 (RFC 5737) */
static struct weir_addr address_of(unsigned end)
{
	return (struct weir_addr){.family = 4, .bytes = {192, 0, 2, (uint8_t)(2 - end)}};
}

static int end_open(struct bench_end *e, unsigned number, const struct weir_config *cfg,
		    weir_time now)
{
	struct weir_addr addr = address_of(number);

	e->stack = bench_stack_make(&e->memory, cfg, now);
	if (e->stack == NULL)
		return bench_fail("no memory for a stack: %s", strerror(errno));
	if (weir_addr_add(e->stack, &addr, 24) != WEIR_OK)
		return bench_fail("the engine refuses an address");
	return CLI_EXIT_OK;
}

int bench_pair_open(struct bench_pair *p, const struct weir_config *cfg)
{
	struct weir_listen_args listen = {.local = {.port = BENCH_PORT}};
	weir_listener l;

	memset(p, 0, sizeof(*p));
	p->now = 1000000000;
	for (unsigned i = 0; i < 2; i++) {
		int status = end_open(&p->end[i], i, cfg, p->now);

		if (status != CLI_EXIT_OK)
			return status;
	}
	listen.local.addr = address_of(1);
	if (weir_listen(p->end[1].stack, &listen, &l) != WEIR_OK)
		return bench_fail("the engine refuses a listener");
	return CLI_EXIT_OK;
}

void bench_pair_close(struct bench_pair *p)
{
	for (unsigned i = 0; i < 2; i++)
		bench_memory_free(&p->end[i].memory);
}

/* One packet as one frame. */
static size_t gather(uint8_t *frame, const struct weir_packet *k)
{
	size_t len = k->head_len;

	memcpy(frame, k->head, k->head_len);
	for (unsigned i = 0; i < k->span_count; i++) {
		memcpy(frame + len, k->span[i].bytes, k->span[i].len);
		len += k->span[i].len;
	}
	return len;
}

unsigned bench_pair_carry(struct bench_pair *p, unsigned from, unsigned max)
{
	struct bench_end *e = &p->end[from];
	struct weir_stack *to = p->end[1 - from].stack;
	struct weir_frame f = {.bytes = p->frame};
	struct weir_packet k;
	unsigned n = 0;

	while (n < max && weir_output(e->stack, &k, p->now)) {
		f.len = gather(p->frame, &k);
		e->data_out += k.span_count > 0;
		weir_input(to, &f, p->now);
		n++;
	}
	e->packets_out += n;
	return n;
}

void bench_pair_settle(struct bench_pair *p, unsigned from)
{
	while (bench_pair_carry(p, from, UINT32_MAX) > 0)
		from = 1 - from;
}

void bench_pair_jump(struct bench_pair *p)
{
	weir_time a = weir_deadline(p->end[0].stack, p->now);
	weir_time b = weir_deadline(p->end[1].stack, p->now);
	weir_time next = a < b ? a : b;

	if (next != WEIR_NEVER && next > p->now)
		p->now = next;
}

void bench_pair_events(struct bench_pair *p, unsigned end)
{
	struct bench_end *e = &p->end[end];
	struct weir_event ev;

	while (weir_event_next(e->stack, &ev)) {
		e->seen |= 1u << ev.kind;
		if (ev.kind == WEIR_EV_ACCEPTED)
			e->conn = ev.conn;
	}
}

bool bench_pair_connect(struct bench_pair *p)
{
	struct weir_connect_args args = {.remote = {.addr = address_of(1), .port = BENCH_PORT}};

	p->end[0].seen = p->end[1].seen = 0;
	if (weir_connect(p->end[0].stack, &args, p->now, &p->end[0].conn) != WEIR_OK)
		return false;
	bench_pair_settle(p, 0);
	bench_pair_events(p, 0);
	bench_pair_events(p, 1);
	return (p->end[0].seen & 1u << WEIR_EV_CONNECTED) &&
	       (p->end[1].seen & 1u << WEIR_EV_ACCEPTED);
}
