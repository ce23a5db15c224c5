#include "sink/verdict.h"

#include <stdio.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool is_in(const enum weir_counter *list, size_t count, enum weir_counter v)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == v)
			return true;
	return false;
}

bool verdict_is_evidence(enum weir_counter v)
{
	static const enum weir_counter none[] = {
		WEIR_CTR_TCP_MALFORMED,    WEIR_CTR_TCP_CHECKSUM,  WEIR_CTR_PAWS,
		WEIR_CTR_TS_MISSING,       WEIR_CTR_OUT_OF_WINDOW, WEIR_CTR_RST_OUTSIDE,
		WEIR_CTR_RST_CHALLENGED,   WEIR_CTR_SYNSENT_RST,   WEIR_CTR_SYNSENT_BAD_ACK,
		WEIR_CTR_ACK_TOO_OLD,      WEIR_CTR_ACK_TOO_NEW,   WEIR_CTR_TIMEWAIT_SYN_OLD,
		WEIR_CTR_TIMEWAIT_STRAY,   WEIR_CTR_TIMEWAIT_RST,  WEIR_CTR_NO_OWNER_RST,
		WEIR_CTR_IP_MALFORMED,     WEIR_CTR_IP_BAD_SOURCE, WEIR_CTR_IP_FRAGMENT,
		WEIR_CTR_FRAGMENT_DROPPED,
	};

	return !is_in(none, COUNT(none), v);
}

bool verdict_is_drop(enum weir_counter v)
{
	static const enum weir_counter effective[] = {
		WEIR_CTR_ACCEPTED,     WEIR_CTR_HALF_HELD,    WEIR_CTR_HALF_SYN_AGAIN,
		WEIR_CTR_HALF_RST,     WEIR_CTR_HALF_SYN_NEW, WEIR_CTR_REFUSED,
		WEIR_CTR_RST_ACCEPTED, WEIR_CTR_OUT_OF_ORDER, WEIR_CTR_TIMEWAIT_FIN,
		WEIR_CTR_TIMEWAIT_SYN, WEIR_CTR_ICMP_ECHO,    WEIR_CTR_ICMP_SOFT,
		WEIR_CTR_ICMP_HARD,    WEIR_CTR_ICMP_PMTU,    WEIR_CTR_TIMEWAIT_RST_END,
	};

	/* The rows from SENT on are not about what came in. */
	return v < WEIR_CTR_SENT && !is_in(effective, COUNT(effective), v);
}

bool verdict_is_retransmission(enum weir_counter v)
{
	static const enum weir_counter again[] = {
		WEIR_CTR_RETX_TIMEOUT, WEIR_CTR_RETX_FAST, WEIR_CTR_RETX_PARTIAL,
		WEIR_CTR_RETX_RACK,    WEIR_CTR_RETX_TLP,  WEIR_CTR_RETX_SYN,
		WEIR_CTR_RETX_SYNACK,  WEIR_CTR_RETX_PMTU, WEIR_CTR_RETX_MTU,
		WEIR_CTR_RETX_WINDOW,
	};

	return is_in(again, COUNT(again), v);
}

bool verdict_wants_reason(enum weir_counter v)
{
	if (v < WEIR_CTR_SENT)
		return v != WEIR_CTR_ACCEPTED;
	return verdict_is_retransmission(v) || v == WEIR_CTR_PROBE_WINDOW ||
	       v == WEIR_CTR_PROBE_KEEPALIVE || v == WEIR_CTR_SENT_CHALLENGE ||
	       v == WEIR_CTR_SENT_TLP || v == WEIR_CTR_PROBE_MTU;
}

static const char *with_clause(char *buf, size_t size, const char *text, enum weir_counter v)
{
	const char *clause = weir_counter_clause(v);

	if (clause[0])
		snprintf(buf, size, "%s (%s)", text, clause);
	else
		snprintf(buf, size, "%s", text);
	return buf;
}

const char *verdict_reason(char *buf, size_t size, enum weir_counter v)
{
	return with_clause(buf, size, weir_counter_text(v), v);
}

const char *verdict_event(char *buf, size_t size, enum weir_counter v)
{
	static const struct {
		enum weir_counter verdict;
		const char *text;
	} event[] = {
		{WEIR_CTR_CLOSED_NORMALLY, "closed"},
		{WEIR_CTR_CLOSED_RESET, "reset"},
		{WEIR_CTR_CLOSED_TIMEOUT, "timed out"},
		{WEIR_CTR_CLOSED_ABORT, "aborted by its user"},
		{WEIR_CTR_HALF_EXPIRED, "half-open record timed out"},
		{WEIR_CTR_TIMEWAIT_EXPIRED, "2MSL are over: TIME-WAIT ends"},
		{WEIR_CTR_SPURIOUS_RECOVERY, "fast recovery was for nothing: taken back"},
		{WEIR_CTR_SPURIOUS_RTO, "the timeout was for nothing: taken back"},
		{WEIR_CTR_TIMEWAIT_EVICTED, "TIME-WAIT ends early: its table is full"},
	};

	for (size_t i = 0; i < COUNT(event); i++)
		if (event[i].verdict == v)
			return with_clause(buf, size, event[i].text, v);
	return verdict_reason(buf, size, v);
}
