/*
 * accecn_syn.h: what the flags of a SYN ask for, and how a SYN-ACK tells which ECN field the SYN
 * came with (RFC 9768 3.1). Pure, for whoever answers SYNs: the engine, and a front in its place.
 */
#ifndef WEIR_TCP_ACCECN_SYN_H
#define WEIR_TCP_ACCECN_SYN_H

#include <stdint.h>

/* Values of config.ecn. */
enum accecn_setting {
	ACCECN_SETTING_ASK_CLASSIC = 2,
	ACCECN_SETTING_ASK = 3,    /* ask for it; agree to either kind */
	ACCECN_SETTING_ACCEPT = 4, /* agree to either kind */
};

/* What a SYN asks for that config.ecn lets it have (RFC9768-02, -03): a value of struct half.ecn.
 */
enum accecn_kind {
	ACCECN_KIND_NONE,
	ACCECN_KIND_CLASSIC,
	ACCECN_KIND_ACCURATE,
	ACCECN_KIND_MUTE, /* accurate, but none of our packets says that it may be marked */
};

#define ACCECN_ACE_CLASSIC 3u /* ECE and CWR */

/* `setting`: config.ecn; `ace`: the SYN's flags AE, CWR and ECE as a number. */
static inline enum accecn_kind accecn_kind_of(uint64_t setting, unsigned ace)
{
	if (ace == 0)
		return ACCECN_KIND_NONE;
	if (setting < ACCECN_SETTING_ASK)
		return setting && (ace & 3) == ACCECN_ACE_CLASSIC ? ACCECN_KIND_CLASSIC
								  : ACCECN_KIND_NONE;
	return ace == ACCECN_ACE_CLASSIC ? ACCECN_KIND_CLASSIC : ACCECN_KIND_ACCURATE;
}

/* The three flags that tell which ECN field a SYN or SYN-ACK came with: 2, 3, 4, 6 (RFC9768-01,
 * -07). */
static inline unsigned accecn_handshake_ace(unsigned ip_ecn)
{
	return ip_ecn + 2 + (ip_ecn == 3);
}

#endif
