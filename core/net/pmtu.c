#include "net/pmtu.h"

#include <string.h>

#include "base/hash.h"
#include "net/netif.h"

static uint32_t sets_for(uint32_t count)
{
	uint32_t sets = 1;

	while (sets * PMTU_WAYS < count)
		sets *= 2;
	return sets;
}

void pmtu_init(struct pmtu *p, struct arena *a, uint32_t count)
{
	uint32_t sets = sets_for(count);

	p->slots = arena_take(a, (size_t)sets * PMTU_WAYS * sizeof(*p->slots), 64);
	p->set_mask = sets - 1;
	p->used = false;
}

static struct pmtu_slot *set_of(const struct pmtu *p, const uint8_t key[16],
				const struct weir_addr *to)
{
	uint64_t h = siphash13(key, to->bytes, netif_addr_len(to->family));

	return &p->slots[(size_t)((uint32_t)h & p->set_mask) * PMTU_WAYS];
}

uint16_t pmtu_get(const struct pmtu *p, const uint8_t key[16], const struct weir_addr *to,
		  weir_time now)
{
	const struct pmtu_slot *set;

	if (!p->used)
		return 0;
	set = set_of(p, key, to);
	for (unsigned i = 0; i < PMTU_WAYS; i++)
		if (set[i].until > now && netif_addr_eq(&set[i].to, to))
			return set[i].mtu;
	return 0;
}

void pmtu_note(struct pmtu *p, const uint8_t key[16], const struct weir_addr *to, uint16_t mtu,
	       weir_time until)
{
	struct pmtu_slot *set = set_of(p, key, to);
	struct pmtu_slot *best = set;

	for (unsigned i = 0; i < PMTU_WAYS; i++) {
		if (set[i].until && netif_addr_eq(&set[i].to, to)) {
			best = &set[i];
			break;
		}
		if (set[i].until < best->until)
			best = &set[i];
	}
	*best = (struct pmtu_slot){.until = until, .to = *to, .mtu = mtu};
	p->used = true;
}
