#include "stack/paths.h"

#include "net/ip_out.h"
#include "tcp/mtup.h"
#include "wire/tcp_hdr.h"

static uint32_t headers_len(const struct conn *c)
{
	return (uint32_t)ip_out_len(c->tuple.local.addr.family) + TCP_HDR_LEN;
}

/* Most payload and options of a packet to its peer, as far as anybody knows. */
static uint32_t known(const struct weir_stack *s, const struct conn *c)
{
	uint32_t mtu = pmtu_get(&s->pmtu, s->cfg.hash_key, &c->tuple.remote.addr, s->now);

	return mtu ? mtu - headers_len(c) : c->tcb.mtup.link;
}

void paths_begin(struct weir_stack *s, struct conn *c)
{
	c->tcb.mtup.ip6 = c->tuple.local.addr.family == 6;
	mtup_follow(&c->tcb, &s->env, known(s, c), s->now);
}

void paths_follow(struct weir_stack *s, struct conn *c)
{
	struct tcb *t = &c->tcb;
	bool idle = s->pmtu.used && tcb_flight(t) == 0 && t->sndq.len;

	if (tcb_synchronized(t) && (idle || mtup_aged(t, &s->env, s->now)))
		mtup_follow(t, &s->env, known(s, c), s->now);
}

void paths_tell(struct weir_stack *s, struct conn *c)
{
	uint16_t mtu = (uint16_t)(c->tcb.path_mss + headers_len(c));

	c->tcb.mtup.news = false;
	pmtu_note(&s->pmtu, s->cfg.hash_key, &c->tuple.remote.addr, mtu,
		  s->now + s->cfg.pmtu_age_ms * NS_PER_MS);
}
