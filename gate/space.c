/*
 * space.c: the parent's side of the program's namespaces, and what to say when there are none.
 *
 * Theory of operation
 *
 * One SOCK_SEQPACKET pair joins parent and child:
 *
 *   child   unshare, device, files                       space_child.c
 *   child   -> {READY}, with the TUN descriptor          or {stage, errno}, and the child ends
 *   parent  -> one byte: go                              or closes its end: the child ends
 *   child   drops privilege, execve()
 *   child   -> nothing: the descriptor closes by exec    or {EXEC, errno}, and the child ends
 *
 * So the parent knows whether the program runs, and why not, before it starts its loop, and a
 * program that fails to start leaves nothing behind. The program keeps weir's process group,
 * session and terminal, as with env(1): it is a plain child.
 *
 * A TUN device that is not persistent lives as long as its descriptor. The child's copy is closed
 * by exec, so the device ends with weir, and the namespaces end with the last process in them.
 */
#include "space_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads a report; *tun gets a descriptor if one came. 0; -1: the child is gone. */
static int receive_report(int talk, struct gate_space_report *report, int *tun)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {report, sizeof(*report)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(talk, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*report))
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(tun, CMSG_DATA(c), sizeof(int));
	return 0;
}

static void close_both(struct gate_space *s)
{
	if (s->talk >= 0)
		close(s->talk);
	if (s->tun >= 0)
		close(s->tun);
	s->talk = -1;
	s->tun = -1;
}

void gate_space_abandon(struct gate_space *s)
{
	close_both(s);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int fail(struct gate_space *s, enum gate_space_stage stage, int err)
{
	s->stage = stage;
	s->err = err;
	return -1;
}

int gate_space_start(struct gate_space *s, const struct gate_space_args *args)
{
	struct gate_space_report report;
	pid_t parent = getpid();
	int pair[2];

	*s = (struct gate_space){.tun = -1, .talk = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail(s, GATE_SPACE_FORK, errno);
	s->pid = fork();
	if (s->pid == 0) {
		close(pair[0]);
		gate_space_child(args, pair[1], parent);
	}
	close(pair[1]);
	s->talk = pair[0];
	if (s->pid < 0) {
		fail(s, GATE_SPACE_FORK, errno);
		close_both(s);
		return -1;
	}
	if (receive_report(s->talk, &report, &s->tun) != 0)
		report = (struct gate_space_report){GATE_SPACE_LOST, 0};
	else if (report.stage == GATE_SPACE_READY && s->tun < 0)
		report = (struct gate_space_report){GATE_SPACE_TUN, EMFILE};
	if (report.stage == GATE_SPACE_READY)
		return 0;
	gate_space_abandon(s);
	return fail(s, report.stage, report.err);
}

int gate_space_go(struct gate_space *s)
{
	struct gate_space_report report;
	int unused = -1;

	if (send(s->talk, "", 1, MSG_NOSIGNAL) != 1) {
		gate_space_abandon(s);
		return fail(s, GATE_SPACE_LOST, 0);
	}
	if (receive_report(s->talk, &report, &unused) == 0) {
		gate_space_abandon(s);
		return fail(s, report.stage, report.err);
	}
	close(s->talk);
	s->talk = -1;
	return 0;
}

/* Reads a small number from a file of /proc; -1: there is no such file. */
static int read_setting(const char *path)
{
	FILE *in = fopen(path, "re");
	int value = -1;

	if (in == NULL)
		return -1;
	if (fscanf(in, "%d", &value) != 1)
		value = -1;
	fclose(in);
	return value;
}

/* How user namespaces are enabled where this machine's own setting forbids them. */
static const char *userns_advice(void)
{
	if (read_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		return "AppArmor restricts them here (Ubuntu 24.04 does so): enable them with "
		       "'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0', or with "
		       "an AppArmor profile for weir that has 'userns,'";
	if (read_setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return "enable them with 'sudo sysctl -w kernel.unprivileged_userns_clone=1'";
	if (read_setting("/proc/sys/user/max_user_namespaces") == 0)
		return "enable them with 'sudo sysctl -w user.max_user_namespaces=10000'";
	return "a container's seccomp profile may forbid them (docker: "
	       "'--security-opt seccomp=unconfined'), or the kernel lacks CONFIG_USER_NS";
}

static const char *tun_advice(int err)
{
	if (err == EACCES || err == EPERM)
		return "let users open it with 'sudo chmod 0666 /dev/net/tun'";
	return "enable it with 'sudo modprobe tun' (docker, podman: '--device /dev/net/tun')";
}

#define OTHERS "; 'weir lab' and 'weir explain' need neither user namespaces nor /dev/net/tun"

void gate_space_explain(const struct gate_space *s, char *out, size_t len)
{
	const char *why = strerror(s->err);

	switch (s->stage) {
	case GATE_SPACE_READY:
		snprintf(out, len, "nothing failed");
		return;
	case GATE_SPACE_FORK:
		snprintf(out, len, "cannot start another process: %s", why);
		return;
	case GATE_SPACE_USERNS:
		snprintf(out, len, "user namespaces are missing (%s): %s" OTHERS, why,
			 userns_advice());
		return;
	case GATE_SPACE_IDMAP:
		/* user_namespaces(7): who maps user id 0 must have had CAP_SETFCAP outside. */
		snprintf(out, len, "a user namespace for this user id is missing (%s): %s" OTHERS,
			 why,
			 geteuid() == 0 ? "root needs CAP_SETFCAP for it; or start weir as "
					  "another user"
					: userns_advice());
		return;
	case GATE_SPACE_NETNS:
		/* Where AppArmor lets the user namespace be made, but takes its capabilities. */
		snprintf(out, len,
			 "network namespaces in a user namespace are missing (%s): %s" OTHERS, why,
			 userns_advice());
		return;
	case GATE_SPACE_TUN:
		snprintf(out, len, "/dev/net/tun is missing (%s): %s" OTHERS, why,
			 tun_advice(s->err));
		return;
	case GATE_SPACE_CONFIGURE:
		snprintf(out, len, "cannot set up the network inside: %s", why);
		return;
	case GATE_SPACE_FILES:
		snprintf(out, len, "cannot put /etc/hosts and /etc/resolv.conf in place: %s", why);
		return;
	case GATE_SPACE_DROP:
		snprintf(out, len, "cannot drop capabilities: %s", why);
		return;
	case GATE_SPACE_EXEC:
		snprintf(out, len, "cannot execute the program: %s", why);
		return;
	case GATE_SPACE_LOST:
		snprintf(out, len, "the process for the program ended too early");
		return;
	}
}
