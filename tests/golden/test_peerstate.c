/*
 * The peer's inferred state: each way through the state diagram (RFC 9293 figure 5) as the segments
 * show it, and each correction when what we sent did not arrive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "golden/script.h"
#include "sink/peerstate.h"

#define FLOW                 "flow 1 10.0.0.2:40000 10.0.0.1:80 irs=4294967290 iss=4294967000\n"
#define IN_SYN               "1 in S seq=0 CLOSED>CLOSED accepted\n"
#define OUT_SYNACK           "1 out SA seq=0 ack=1 CLOSED>CLOSED sent-synack\n"
#define IN_ACK               "1 in A seq=1 ack=1 CLOSED>CLOSED accepted\n"
#define OPEN                 IN_SYN OUT_SYNACK IN_ACK
#define OPENED               "SYN-SENT ESTABLISHED ESTABLISHED"
#define OUT(flags, seq, ack) "1 out " flags " seq=" seq " ack=" ack " CLOSED>CLOSED sent\n"
#define IN(flags, seq, ack)  "1 in " flags " seq=" seq " ack=" ack " CLOSED>CLOSED accepted\n"
#define IN_AS(flags, seq, ack, verdict) \
	"1 in " flags " seq=" seq " ack=" ack " CLOSED>CLOSED " verdict "\n"

struct follow {
	struct peerstate p;
	char seen[512];
};

static void step(void *user, const struct weir_trace_record *r)
{
	struct follow *f = user;

	peerstate_step(&f->p, r);
	if (f->seen[0])
		strcat(f->seen, " ");
	strcat(f->seen, peerstate_name(f->p.state));
}

struct path {
	const char *name, *script, *states;
};

static const struct path paths[] = {
	{"the peer opens and closes first; we acknowledge, then close",
	 OPEN IN("FA", "1", "1") OUT("A", "1", "2") OUT("FA", "1", "2") IN("A", "2", "2"),
	 OPENED " FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT TIME-WAIT"},
	{"our FIN carries the acknowledgement of the peer's",
	 OPEN IN("FA", "1", "1") OUT("FA", "1", "2") IN("A", "2", "2"),
	 OPENED " FIN-WAIT-1 TIME-WAIT TIME-WAIT"},
	{"we close first; the peer sends on, then closes",
	 OPEN OUT("FA", "1", "1") IN("A", "1", "2") IN("A", "1", "2") IN("FA", "1", "2")
		 OUT("A", "2", "2"),
	 OPENED " CLOSE-WAIT CLOSE-WAIT CLOSE-WAIT LAST-ACK CLOSED"},
	{"both close at once (RFC 9293 figure 13)",
	 OPEN OUT("FA", "1", "1") IN("FA", "1", "1") OUT("A", "2", "2") IN("A", "2", "2"),
	 OPENED " CLOSE-WAIT FIN-WAIT-1 CLOSING TIME-WAIT"},
	{"both close at once, the peer's ACK before ours",
	 OPEN OUT("FA", "1", "1") IN("FA", "1", "1") IN("A", "2", "2") OUT("A", "2", "2"),
	 OPENED " CLOSE-WAIT FIN-WAIT-1 CLOSING TIME-WAIT"},
	{"the peer's FIN came above a gap, our FIN does not cover it",
	 OPEN IN("FA", "100", "1") OUT("FA", "1", "1") IN("A", "101", "2") OUT("A", "2", "101"),
	 OPENED " FIN-WAIT-1 CLOSING CLOSING TIME-WAIT"},
	{"we open", "1 out S seq=0 CLOSED>CLOSED sent-syn\n" IN("SA", "0", "1") OUT("A", "1", "1"),
	 "? SYN-RECEIVED ESTABLISHED"},
	{"we open, our ACK is lost",
	 "1 out S seq=0 CLOSED>CLOSED sent-syn\n" IN("SA", "0", "1") OUT("A", "1", "1")
		 IN("SA", "0", "1") OUT("A", "1", "1"),
	 "? SYN-RECEIVED ESTABLISHED SYN-RECEIVED ESTABLISHED"},
	{"we open and are refused",
	 "1 out S seq=0 CLOSED>CLOSED sent-syn\n" IN_AS("RA", "0", "1", "refused"), "? CLOSED"},
	{"we open; the reset does not belong to our SYN",
	 "1 out S seq=0 CLOSED>CLOSED sent-syn\n" IN_AS("R", "5", "0", "synsent-rst"), "? ?"},
	{"both open at once (RFC 9293 figure 7)",
	 "1 out S seq=0 CLOSED>CLOSED sent-syn\n" IN_SYN OUT_SYNACK IN("SA", "0", "1")
		 IN("A", "1", "1"),
	 "? SYN-SENT SYN-RECEIVED SYN-RECEIVED ESTABLISHED"},
	{"the SYN comes again: our SYN-ACK was lost",
	 IN_SYN OUT_SYNACK IN_AS("S", "0", "0", "half-syn-again") OUT_SYNACK IN_ACK,
	 "SYN-SENT ESTABLISHED SYN-SENT ESTABLISHED ESTABLISHED"},
	{"we refuse", IN_SYN OUT("RA", "0", "1"), "SYN-SENT CLOSED"},
	{"the peer resets a half-open connection",
	 IN_SYN OUT_SYNACK IN_AS("R", "1", "0", "half-rst"), "SYN-SENT ESTABLISHED CLOSED"},
	{"we reset", OPEN OUT("R", "1", "0"), OPENED " CLOSED"},
	{"the peer resets", OPEN IN_AS("RA", "1", "1", "rst-accepted"), OPENED " CLOSED"},
	{"resets that are not believed",
	 OPEN IN_AS("R", "9", "0", "rst-challenged") IN_AS("R", "99", "0", "rst-outside"),
	 OPENED " ESTABLISHED ESTABLISHED"},
	{"our FIN is lost: the peer goes on as before",
	 OPEN OUT("FA", "1", "1") IN("A", "1", "1") OUT("FA", "1", "1") IN("A", "1", "2"),
	 OPENED " CLOSE-WAIT ESTABLISHED CLOSE-WAIT CLOSE-WAIT"},
	{"our ACK of the peer's FIN is lost",
	 OPEN IN("FA", "1", "1") OUT("A", "1", "2") IN_AS("FA", "1", "1", "duplicate")
		 OUT("A", "1", "2"),
	 OPENED " FIN-WAIT-1 FIN-WAIT-2 FIN-WAIT-1 FIN-WAIT-2"},
	{"our last ACK is lost",
	 OPEN OUT("FA", "1", "1") IN("FA", "1", "2") OUT("A", "2", "2")
		 IN_AS("FA", "1", "2", "timewait-fin") OUT("A", "2", "2"),
	 OPENED " CLOSE-WAIT LAST-ACK CLOSED LAST-ACK CLOSED"},
	{"our ACK and our FIN are lost",
	 OPEN IN("FA", "1", "1") OUT("FA", "1", "2") IN_AS("FA", "1", "1", "duplicate")
		 OUT("FA", "1", "2"),
	 OPENED " FIN-WAIT-1 TIME-WAIT FIN-WAIT-1 TIME-WAIT"},
	{"our FIN is lost after our ACK arrived",
	 OPEN IN("FA", "1", "1") OUT("A", "1", "2") OUT("FA", "1", "2") IN("A", "2", "1")
		 OUT("FA", "1", "2") IN("A", "2", "2"),
	 OPENED " FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT FIN-WAIT-2 TIME-WAIT TIME-WAIT"},
	{"the peer restarted and opens again; the challenge makes it reset (RFC 9293 figure 9)",
	 OPEN IN_AS("S", "5000", "0", "syn-challenged") OUT("A", "1", "1")
		 IN_AS("R", "1", "0", "rst-accepted"),
	 OPENED " SYN-SENT SYN-SENT CLOSED"},
	{"damaged and old segments say nothing",
	 OPEN IN_AS("FA", "1", "1", "tcp-checksum") IN_AS("FA", "1", "1", "paws")
		 IN_AS("FA", "9999", "1", "out-of-window") IN_AS("FA", "1", "9", "ack-too-new"),
	 OPENED " ESTABLISHED ESTABLISHED ESTABLISHED ESTABLISHED"},
	{"the pair is used again",
	 OPEN OUT("FA", "1", "1") IN("FA", "1", "2") OUT("A", "2", "2")
		 IN_AS("S", "90000", "0", "timewait-syn"),
	 OPENED " CLOSE-WAIT LAST-ACK CLOSED SYN-SENT"},
};

/* The numbers wrap within each of these connections. */
static void each_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char script[2048];
		struct follow f = {.seen = ""};

		peerstate_init(&f.p);
		snprintf(script, sizeof(script), FLOW "%s", paths[i].script);
		script_run(script, step, &f);
		if (strcmp(f.seen, paths[i].states) != 0)
			fail_msg("%s:\n  is  %s\n  not %s", paths[i].name, f.seen, paths[i].states);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
