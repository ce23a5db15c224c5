#include "stack/stack.h"

#include <string.h>

#include "stack/cookies.h"
#include "stack/front.h"
#include "stack/halfs.h"
#include "stack/synack.h"
#include "tcp/board.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define IP6_MTU_MIN 1280u
#define CACHE_LINE  64u
#define CONN_STRIDE ((uint32_t)(sizeof(struct conn) + CACHE_LINE - 1) & ~(CACHE_LINE - 1))

uint16_t stack_mss_local(const struct weir_stack *s, uint8_t family)
{
	uint64_t hdrs = (family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN) + TCP_HDR_LEN;

	return s->cfg.link_mtu > hdrs ? (uint16_t)(s->cfg.link_mtu - hdrs) : 1;
}

static uint32_t power_of_two(uint64_t at_least)
{
	uint32_t n = 16;

	while (n < at_least)
		n *= 2;
	return n;
}

/* A slot of the pools that are looked up by packets: whole cache lines. */
static uint32_t whole_lines(size_t bytes)
{
	return (uint32_t)((bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

/* Carves everything from `a`; with a counting arena it only finds out how much that is. */
static struct weir_stack *stack_carve(struct arena *a, const struct weir_config *cfg)
{
	struct weir_stack dummy;
	struct weir_stack *real = arena_take(a, sizeof(*real), CACHE_LINE);
	struct weir_stack *s = real ? real : &dummy;
	uint32_t owners = power_of_two(cfg->conns_max + cfg->halfs_max + cfg->timewaits_max);

	pool_init(&s->conns, a, (uint32_t)cfg->conns_max, whole_lines(sizeof(struct conn)),
		  CACHE_LINE);
	pool_init(&s->halfs, a, (uint32_t)cfg->halfs_max, whole_lines(sizeof(struct half_slot)),
		  CACHE_LINE);
	pool_init(&s->timewaits, a, (uint32_t)cfg->timewaits_max,
		  whole_lines(sizeof(struct timewait_slot)), CACHE_LINE);
	pool_init(&s->addr6, a, (uint32_t)(cfg->halfs_max + cfg->timewaits_max),
		  sizeof(struct addr6_pair), 4);
	pool_init(&s->env.pages, a, (uint32_t)cfg->pages_max, WEIR_PAGE_BYTES, CACHE_LINE);
	pool_raw(&s->env.pages);
	pool_init(&s->env.ranges, a, (uint32_t)cfg->ranges_max, sizeof(struct range), 8);
	pool_init(&s->env.sends, a, (uint32_t)(cfg->sends_max + BOARD_FLOOR * cfg->conns_max),
		  sizeof(struct send), CACHE_LINE);
	pool_init(&s->env.cc_loss, a, (uint32_t)cfg->conns_max, CC_LOSS_BYTES, 8);
	pool_init(&s->env.cc_bbr, a, (uint32_t)cfg->conns_max, sizeof(struct cc_bbr), 8);
	ring_init(&s->replies, a, (uint32_t)cfg->replies_max, sizeof(struct reply));
	s->buckets = arena_take(a, owners * sizeof(*s->buckets), CACHE_LINE);
	s->bucket_mask = owners - 1;
	limits_init(&s->limits, a, (uint32_t)cfg->sources_max);
	spent_init(&s->spent, a, (uint32_t)cfg->cookie_spent_bits);
	s->listeners = arena_take(a, cfg->listeners_max * sizeof(*s->listeners), 8);
	s->echo = arena_take(a, cfg->link_mtu, 8);
	reasm_init(&s->reasm, a, (uint32_t)cfg->frags_max);
	pmtu_init(&s->pmtu, a, (uint32_t)cfg->pmtu_max);
	return real;
}

size_t weir_stack_bytes(const struct weir_config *cfg)
{
	struct arena a;

	if (weir_config_check(cfg))
		return 0;
	arena_init(&a, NULL, 0);
	stack_carve(&a, cfg);
	return a.used;
}

enum weir_err weir_stack_init(struct weir_stack **out, void *mem, size_t len,
			      const struct weir_config *cfg, weir_time now)
{
	size_t need = weir_stack_bytes(cfg);
	struct weir_stack *s;
	struct arena a;

	if (need == 0)
		return WEIR_BAD_CONFIG;
	if (!mem || len < need || (uintptr_t)mem % CACHE_LINE)
		return WEIR_NO_MEMORY;
	arena_init(&a, mem, len);
	s = stack_carve(&a, cfg);
	if (!s || a.used > len)
		return WEIR_NO_MEMORY;
	s->cfg = *cfg;
	s->env.cfg = &s->cfg;
	s->now = now;
	s->records_ran = now;
	s->timers_ran = WEIR_NEVER;
	for (uint32_t i = 0; i <= s->bucket_mask; i++)
		s->buckets[i] = REF_NONE;
	for (unsigned i = 0; i < HALF_STAGES; i++)
		fifo_init(&s->half_queue[i]);
	fifo_init(&s->timewait_queue);
	fifo_init(&s->cookie_queue);
	cookies_init(s);
	spent_clear(&s->spent);
	halfs_offer_init(s);
	synack_init(s);
	wheel_init(&s->wheel, now);
	list_init(&s->ready);
	list_init(&s->events);
	list_init(&s->starved);
	*out = s;
	return WEIR_OK;
}

enum weir_err weir_addr_add(struct weir_stack *s, const struct weir_addr *addr, unsigned prefix)
{
	if (addr->family == 6 && s->cfg.link_mtu < IP6_MTU_MIN)
		return WEIR_BAD_ARG; /* RFC8200-02 */
	front_rules_changed(s);
	return netif_add(&s->netif, addr, prefix);
}

uint64_t weir_counter_get(const struct weir_stack *s, enum weir_counter c)
{
	return (unsigned)c < WEIR_CTR_COUNT ? s->env.counters[c] : 0;
}

const struct weir_config *weir_stack_config(const struct weir_stack *s)
{
	return &s->cfg;
}
