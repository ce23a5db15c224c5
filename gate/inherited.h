/*
 * inherited.h: descriptors that weir got from its parent and that belong to the program alone.
 */
#ifndef GATE_INHERITED_H
#define GATE_INHERITED_H

#include <stddef.h>

/* More than these stay open in weir, which only shows where somebody waits for their end. */
#define GATE_INHERITED_MAX 256

struct gate_inherited {
	int fd[GATE_INHERITED_MAX];
	size_t count;
};

/* Notes which descriptors above standard error are open; before weir opens any. A standard stream
 * that is closed gets /dev/null until the program is executed, so that none of weir's own
 * descriptors takes its number. */
void gate_inherited_note(struct gate_inherited *list);

/* After the fork, in weir: closes them, and lets standard input and output go. */
void gate_inherited_release(const struct gate_inherited *list);

#endif
