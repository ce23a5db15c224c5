/*
 * cc_state.h: what each kind of congestion control keeps of a connection. Only the kind's own
 * source reads it; the rest of the engine sees struct cc.
 */
#ifndef WEIR_TCP_CC_STATE_H
#define WEIR_TCP_CC_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct cc_reno {
	uint32_t acked; /* bytes acknowledged towards the next increase */
};

union cc_state {
	struct cc_reno reno;
};

#endif
