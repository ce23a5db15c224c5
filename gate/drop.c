/*
 * drop.c: the end of all privilege, before the program is executed.
 *
 * Theory of operation
 *
 * The process that made the namespaces holds every capability over them (user_namespaces(7)). The
 * program must hold none, so that it cannot touch its device, routes or mounts and the only way out
 * stays the one that weir made. An execve() by an ordinary user id clears the sets by itself; one
 * by user id 0, which maps to 0 when root runs weir, would give them back (capabilities(7),
 * "Capabilities and execution of programs by root"). Therefore, in this order, since each step
 * needs what a later one takes away:
 *
 *   securebits    NOROOT and NO_CAP_AMBIENT_RAISE, each with its lock: user id 0 is not special
 *   bounding set  emptied: no file capability can give anything
 *   ambient set   emptied
 *   the rest      permitted, effective and inheritable emptied by capset(2)
 *   no_new_privs  set-user-id programs gain nothing either
 *
 * They could not anyway: of all user ids only one is mapped.
 *
 * A program file with an effective file capability (ping on some systems) is therefore refused by
 * execve() with EPERM; it would need the raw socket that it may not have.
 */
#include "drop.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel has 41 capabilities in 2026 and room for 64 in the interface. */
#define CAPABILITIES_MAX 64

#define SECURE_BITS \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static int drop_bounding_set(void)
{
	unsigned long cap;

	for (cap = 0; cap < CAPABILITIES_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* Past the last that this kernel knows. */
		return errno == EINVAL && cap > 0 ? 0 : -1;
	}
	return 0;
}

int gate_drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (prctl(PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) != 0)
		return -1;
	if (drop_bounding_set() != 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -1;
	if (syscall(SYS_capset, &head, none) != 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
