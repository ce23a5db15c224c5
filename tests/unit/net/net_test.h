/*
 * net_test.h: addresses for the tests of core/net.
 */
#ifndef WEIR_TESTS_NET_TEST_H
#define WEIR_TESTS_NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "weir/weir.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define A4(a, b, c, d) \
	(struct weir_addr) \
	{ \
		.family = 4, .bytes = { a, b, c, d } \
	}
/* fd00:0:0:`net`::`host` */
#define A6(net, host) \
	(struct weir_addr) \
	{ \
		.family = 6, .bytes = { [0] = 0xfd, [7] = net, [15] = host } \
	}

#endif
