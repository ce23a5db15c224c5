/*
 * space_child.h: what parent and child of a space say to each other.
 */
#ifndef GATE_SPACE_CHILD_H
#define GATE_SPACE_CHILD_H

#include "space.h"

/* From the child; with GATE_SPACE_READY comes the device's descriptor (SCM_RIGHTS). The parent's
 * answer is one byte of any value. */
struct gate_space_report {
	enum gate_space_stage stage;
	int err;
};

/* The child's whole life: it becomes the program, or reports and ends. `talk` is close-on-exec. */
_Noreturn void gate_space_child(const struct gate_space_args *args, int talk, pid_t parent);

#endif
