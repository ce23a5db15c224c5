/*
 * signals.h: signals that are sent to weir reach the program.
 */
#ifndef GATE_SIGNALS_H
#define GATE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct gate_signals {
	int fd; /* readable when a signal has come */
	/* What the program shall find: as they were when weir was started. */
	sigset_t mask;
	struct sigaction sigpipe, sigchld;
};

/* Blocks the signals that are forwarded and SIGCHLD, and makes them readable. Before the first
 * thread. 0; -1 with errno. */
int gate_signals_open(struct gate_signals *s);
void gate_signals_close(struct gate_signals *s);

/* Forwards to `pid` what came since the last call. True if a child may have changed its state. */
bool gate_signals_forward(struct gate_signals *s, pid_t pid);

/* Stops weir by `sig`, as the terminal has stopped the program; returns when it is continued. */
void gate_signals_stop_self(int sig);

#endif
