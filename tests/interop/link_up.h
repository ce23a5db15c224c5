/*
 * link_up.h: when the kernel's side of a TUN device can send.
 *
 * A device that was just attached to drops what the kernel answers until the kernel's link watch
 * has run: a SYN that comes earlier is heard, and its answer lost.
 */
#ifndef WEIR_TESTS_INTEROP_LINK_UP_H
#define WEIR_TESTS_INTEROP_LINK_UP_H

/* Waits until the kernel reports the device `name` as running. 0, or -1 with errno. */
int link_up_wait(const char *name);

#endif
