/*
 * space.h: the namespaces that the program runs in.
 *
 * gate_space_start() forks; the child makes a user, a network and a mount namespace, the TUN device
 * and the files of name resolution, hands the device's descriptor over and waits. Everything may
 * still fail without the program having started. gate_space_go() lets the child drop all privilege
 * and execute the program. weir itself stays in the namespaces that it was started in.
 */
#ifndef GATE_SPACE_H
#define GATE_SPACE_H

#include <signal.h>
#include <sys/types.h>

#include "addr.h"

struct gate_space_args {
	char *const *argv; /* the program and its arguments; NULL at the end */
	const struct gate_net *net;
	const char *hosts_text;  /* for /etc/hosts inside */
	const char *resolv_text; /* for /etc/resolv.conf inside */
	uint32_t mtu;            /* bytes */
	/* As the program shall find them: what they were when weir was started. */
	const sigset_t *sigmask;
	const struct sigaction *sigpipe, *sigchld;
};

/* Where it failed; each has its own advice. */
enum gate_space_stage {
	GATE_SPACE_READY, /* it did not */
	GATE_SPACE_FORK,
	GATE_SPACE_USERNS,
	GATE_SPACE_IDMAP,
	GATE_SPACE_NETNS,
	GATE_SPACE_TUN,
	GATE_SPACE_CONFIGURE,
	GATE_SPACE_FILES,
	GATE_SPACE_DROP,
	GATE_SPACE_EXEC,
	GATE_SPACE_LOST, /* the child ended without a word */
};

struct gate_space {
	pid_t pid; /* the child, which becomes the program */
	int tun;   /* the device's descriptor */
	int talk;  /* to the child; -1 once the program runs */
	enum gate_space_stage stage;
	int err; /* errno of the stage that failed */
};

/* 0: the child waits for gate_space_go(). -1: `s->stage` and `s->err` say what failed, and there is
 * no child any more. */
int gate_space_start(struct gate_space *s, const struct gate_space_args *args);

/* Lets the program start. 0: it runs. -1: as above (GATE_SPACE_EXEC: it cannot be executed). */
int gate_space_go(struct gate_space *s);

/* Ends a child that still waits. */
void gate_space_abandon(struct gate_space *s);

/* One line that says what is missing and how it is enabled; `out` has `len` bytes. */
void gate_space_explain(const struct gate_space *s, char *out, size_t len);

#endif
