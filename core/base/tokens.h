/*
 * tokens.h: "at most `burst` in each interval", in eight bytes.
 */
#ifndef WEIR_BASE_TOKENS_H
#define WEIR_BASE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

struct tokens {
	uint32_t start_ms; /* when the running interval began, low 32 bits of milliseconds */
	uint32_t taken;    /* in that interval; 0 in a struct of zeros: nothing yet */
};

/* Takes one; false: `burst` were taken in this interval already. */
static inline bool tokens_take(struct tokens *t, uint64_t now_ns, uint32_t burst,
			       uint32_t interval_ms)
{
	uint32_t now_ms = (uint32_t)(now_ns / 1000000u);

	if (t->taken == 0 || now_ms - t->start_ms >= interval_ms) {
		t->start_ms = now_ms;
		t->taken = 0;
	}
	if (t->taken >= burst)
		return false;
	t->taken++;
	return true;
}

#endif
