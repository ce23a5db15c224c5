/*
 * spec_icmp.h: ICMP messages by one name for both families.
 */
#ifndef PKT_SPEC_ICMP_H
#define PKT_SPEC_ICMP_H

#include <stdint.h>

struct spec_icmp {
	const char *name;
	uint8_t type4, code4, type6, code6;
};

/* NULL: no such message. */
const struct spec_icmp *spec_icmp_named(const char *name);
/* "?" if it has no name. */
const char *spec_icmp_name(int family, unsigned type, unsigned code);

#endif
