/*
 * assert.h: assertions that stay on in release.
 *
 * For what the program itself guarantees; input from the network is never asserted, it gets a
 * verdict. A failed assertion stops the process at once (a trap names the line in a debugger and in
 * a core file), because a connection whose invariants are broken must not send another byte.
 */
#ifndef WEIR_BASE_ASSERT_H
#define WEIR_BASE_ASSERT_H

#define weir_assert(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			__builtin_trap(); \
	} while (0)

#endif
