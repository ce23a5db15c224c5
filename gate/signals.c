/*
 * signals.c: forwarding, by signalfd(2).
 *
 * Theory of operation
 *
 * weir and the program are in one process group, as with env(1). What the terminal sends (Ctrl-C,
 * Ctrl-Z, a changed window) it sends to the whole group, so the program has it already; such a
 * signal says SI_KERNEL and is not forwarded. What anybody sends to weir with kill(2) is forwarded,
 * unless the program itself sent it (kill 0: it reached both). SIGKILL and SIGSTOP cannot be
 * caught; weir's end kills the program (space_child.c).
 *
 * Job control: Ctrl-Z stops the program, and weir must stop as well for the shell to notice. weir
 * waits until the program has in fact stopped (it may handle SIGTSTP and not stop at all, or later)
 * and then stops itself by the same signal. The shell's SIGCONT goes to the group again.
 *
 * Real-time signals are forwarded too, without their value.
 */
#include "signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1, SIGUSR2,
				SIGALRM, SIGTERM, SIGCONT, SIGTSTP, SIGWINCH};

/* Signals read by one call. */
#define BATCH 8

static void fill_set(sigset_t *set)
{
	size_t i;
	int sig;

	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
	for (sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(set, sig);
}

int gate_signals_open(struct gate_signals *s)
{
	/* A SIGCHLD that is ignored would reap the program's status; a SIGPIPE would end weir. */
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	fill_set(&set);
	if (sigprocmask(SIG_BLOCK, &set, &s->mask) != 0)
		return -1;
	if (sigaction(SIGCHLD, &by_default, &s->sigchld) != 0 ||
	    sigaction(SIGPIPE, &ignore, &s->sigpipe) != 0)
		return -1;
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->fd < 0 ? -1 : 0;
}

void gate_signals_close(struct gate_signals *s)
{
	close(s->fd);
	s->fd = -1;
}

static bool is_for_program(const struct signalfd_siginfo *info, pid_t pid)
{
	return info->ssi_code != SI_KERNEL && info->ssi_pid != (uint32_t)pid;
}

bool gate_signals_forward(struct gate_signals *s, pid_t pid)
{
	struct signalfd_siginfo info[BATCH];
	bool child = false;
	ssize_t n;
	size_t i;

	while ((n = read(s->fd, info, sizeof(info))) > 0 || (n < 0 && errno == EINTR)) {
		for (i = 0; n > 0 && i < (size_t)n / sizeof(info[0]); i++) {
			if (info[i].ssi_signo == SIGCHLD)
				child = true;
			else if (is_for_program(&info[i], pid))
				(void)kill(pid, (int)info[i].ssi_signo);
		}
	}
	return child;
}

void gate_signals_stop_self(int sig)
{
	sigset_t one, before;

	sigemptyset(&one);
	sigaddset(&one, sig);
	(void)raise(sig);
	/* It stops here, where it is no longer blocked. */
	if (sigprocmask(SIG_UNBLOCK, &one, &before) == 0)
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
}
