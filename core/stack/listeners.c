#include "stack/listeners.h"

#include "stack/demux.h"
#include "stack/front.h"
#include "stack/halfs.h"

static int specific(const struct listener *l)
{
	return (l->local.port != 0) * 2 + (l->local.addr.family != 0);
}

static bool matches(const struct listener *l, const struct weir_endpoint *e)
{
	return (l->local.port == 0 || l->local.port == e->port) &&
	       (l->local.addr.family == 0 || netif_addr_eq(&l->local.addr, &e->addr));
}

struct listener *listeners_find(const struct weir_stack *s, const struct weir_endpoint *local)
{
	struct listener *best = NULL;

	for (uint32_t i = 0; i < s->listeners_top; i++) {
		struct listener *l = &s->listeners[i];

		if (l->used && matches(l, local) && (!best || specific(l) > specific(best)))
			best = l;
	}
	return best;
}

bool listeners_take_foreign(const struct weir_stack *s)
{
	for (uint32_t i = 0; i < s->listeners_top; i++)
		if (s->listeners[i].used && s->listeners[i].local.addr.family == 0)
			return true;
	return false;
}

struct listener *listener_get(const struct weir_stack *s, weir_listener h)
{
	uint32_t i = (uint32_t)h.v;
	struct listener *l;

	if (h.v >> 32 == 0 || i >= s->cfg.listeners_max)
		return NULL;
	l = &s->listeners[i];
	return l->used && l->gen == (uint32_t)(h.v >> 32) ? l : NULL;
}

weir_listener listener_handle(const struct weir_stack *s, const struct listener *l)
{
	return (weir_listener){(uint64_t)l->gen << 32 | (uint32_t)(l - s->listeners)};
}

static bool same_endpoint(const struct weir_endpoint *a, const struct weir_endpoint *b)
{
	if (a->port != b->port || a->addr.family != b->addr.family)
		return false;
	return a->addr.family == 0 || netif_addr_eq(&a->addr, &b->addr);
}

enum weir_err weir_listen(struct weir_stack *s, const struct weir_listen_args *args,
			  weir_listener *out)
{
	struct listener *l = NULL;

	if (args->local.addr.family && !netif_is_ours(&s->netif, &args->local.addr))
		return WEIR_NO_LOCAL;
	for (uint32_t i = 0; i < s->cfg.listeners_max; i++) {
		if (!s->listeners[i].used)
			l = l ? l : &s->listeners[i];
		else if (same_endpoint(&s->listeners[i].local, &args->local))
			return WEIR_EXISTS; /* RFC9293-MUST-41 */
	}
	if (!l)
		return WEIR_NO_RESOURCES;
	*l = (struct listener){
		.local = args->local,
		.mode = args->mode,
		.backlog = args->backlog ? args->backlog : (uint32_t)s->cfg.halfs_max,
		.gen = l->gen + 1 ? l->gen + 1 : 1,
		.user = args->user,
		.used = true,
	};
	if (s->listeners_top <= (uint32_t)(l - s->listeners))
		s->listeners_top = (uint32_t)(l - s->listeners) + 1;
	front_forget_listener(s, l);
	*out = listener_handle(s, l);
	return WEIR_OK;
}

enum weir_err weir_listener_close(struct weir_stack *s, weir_listener h)
{
	struct listener *l = listener_get(s, h);

	if (!l)
		return WEIR_NO_CONN;
	halfs_end_listener(s, (uint32_t)(l - s->listeners));
	/* connections that wait to be accepted stay and are announced without a listener */
	for (uint32_t i = 0; l->pending && i < s->conns.fresh; i++) {
		struct conn *c = pool_at(&s->conns, i);

		if ((c->gen & 1) && c->listener == (uint32_t)(l - s->listeners)) {
			c->listener = POOL_NONE;
			l->pending--;
		}
	}
	l->used = false;
	front_rules_changed(s);
	return WEIR_OK;
}
