/*
 * space_child.c: the child's side: namespaces, device, files; then no privilege; then the program.
 *
 * Theory of operation
 *
 * The order is forced. The user namespace comes first, since it gives the right to make the others;
 * its id maps must be written before anything that the kernel checks against them. Each map has one
 * line, own id to own id, so that the program is who it was; the group map of an unprivileged
 * process needs "deny" in setgroups first (user_namespaces(7)).
 *
 * The mount namespace receives what the host mounts and unmounts later (MS_SLAVE), so that weir
 * keeps no medium busy, and passes nothing back. The two files are written to a tmpfs that is
 * mounted over /tmp for that moment, bound over their places, and the tmpfs is taken off again: the
 * bound files keep it alive, nothing is written to the host's disk and nothing is left there. Bind
 * mounts follow symbolic links, so a resolv.conf of systemd-resolved is covered at its true place.
 *
 * Nothing here may print: standard error belongs to the program. Failures are reports to the
 * parent.
 */
#include "space_child.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drop.h"
#include "netlink.h"
#include "weir/link.h"

#define TUN_NAME "weir0"
/* Where the tmpfs is mounted for a moment. */
#define SCRATCH "/tmp"
/* What the parent's own failure is; it is not seen unless the parent is gone. */
#define EXIT_WEIR 125

static void send_report(int talk, enum gate_space_stage stage, int err, int tun)
{
	struct gate_space_report report = {stage, err};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {&report, sizeof(report)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (tun >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &tun, sizeof(int));
	}
	/* If this fails the parent is gone, and nobody is left to tell. */
	(void)sendmsg(talk, &msg, MSG_NOSIGNAL);
}

static int write_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ssize_t n = 0;
	int saved;

	if (fd < 0)
		return -1;
	while (len > 0 && (n = write(fd, text, len)) > 0) {
		text += n;
		len -= (size_t)n;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return len == 0 ? 0 : -1;
}

/* An id map is taken in one write or not at all. */
static int write_id_map(const char *path, unsigned id)
{
	char line[32];

	snprintf(line, sizeof(line), "%u %u 1\n", id, id);
	return write_file(path, line);
}

static enum gate_space_stage make_user_space(void)
{
	unsigned uid = geteuid();
	unsigned gid = getegid();

	if (unshare(CLONE_NEWUSER) != 0)
		return GATE_SPACE_USERNS;
	if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT)
		return GATE_SPACE_IDMAP;
	if (write_id_map("/proc/self/uid_map", uid) != 0 ||
	    write_id_map("/proc/self/gid_map", gid) != 0)
		return GATE_SPACE_IDMAP;
	return GATE_SPACE_READY;
}

/* Asks no routers and makes no link-local address: there is nobody on this device but weir. These
 * are refinements; where /proc/sys cannot be written the device only talks a little more. */
static void quiet_ipv6(const char *device)
{
	static const char *const off[] = {"accept_ra", "router_solicitations", "autoconf"};
	char path[96];
	size_t i;

	for (i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", device, off[i]);
		(void)write_file(path, "0");
	}
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", device);
	(void)write_file(path, "1");
}

static int configure_network(const struct gate_space_args *args, const char *device)
{
	char cidr4[GATE_CIDR_TEXT], cidr6[GATE_CIDR_TEXT];
	const struct gate_subnet *v4 = &args->net->v4;
	const struct gate_subnet *v6 = &args->net->v6;
	bool has6 = v6->program.family == 6;

	gate_cidr_text(cidr4, &v4->program, v4->prefix);
	if (has6) {
		quiet_ipv6(device);
		gate_cidr_text(cidr6, &v6->program, v6->prefix);
	}
	if (gate_loopback_up() != 0)
		return -1;
	if (weir_tun_configure(device, args->mtu, cidr4, has6 ? cidr6 : NULL) != 0)
		return -1;
	if (gate_route_default(device, &v4->gateway) != 0)
		return -1;
	return has6 ? gate_route_default(device, &v6->gateway) : 0;
}

/* Binds a new file with `text` over `target`. A machine without such a file goes without. */
static int cover_file(const char *name, const char *text, const char *target)
{
	if (write_file(name, text) != 0)
		return -1;
	if (mount(name, target, NULL, MS_BIND, NULL) != 0 && errno != ENOENT)
		return -1;
	return 0;
}

static int place_files(const struct gate_space_args *args)
{
	int failed, saved;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return -1;
	if (mount("weir", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") != 0)
		return -1;
	failed = cover_file(SCRATCH "/hosts", args->hosts_text, "/etc/hosts");
	if (failed == 0)
		failed = cover_file(SCRATCH "/resolv.conf", args->resolv_text, "/etc/resolv.conf");
	saved = errno;
	if (umount2(SCRATCH, MNT_DETACH) != 0)
		return -1;
	errno = saved;
	return failed;
}

/* Everything up to the wait for the parent. The stage that failed, with errno; or READY. */
static enum gate_space_stage make_space(const struct gate_space_args *args, int *tun)
{
	enum gate_space_stage stage = make_user_space();
	char device[IFNAMSIZ];

	if (stage != GATE_SPACE_READY)
		return stage;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return GATE_SPACE_NETNS;
	*tun = weir_tun_create(TUN_NAME, device);
	if (*tun < 0)
		return GATE_SPACE_TUN;
	if (configure_network(args, device) != 0)
		return GATE_SPACE_CONFIGURE;
	if (place_files(args) != 0)
		return GATE_SPACE_FILES;
	return GATE_SPACE_READY;
}

static int restore_signals(const struct gate_space_args *args)
{
	if (sigaction(SIGPIPE, args->sigpipe, NULL) != 0)
		return -1;
	if (sigaction(SIGCHLD, args->sigchld, NULL) != 0)
		return -1;
	return sigprocmask(SIG_SETMASK, args->sigmask, NULL);
}

/* The program dies with weir: its network is gone then. Set after the last change of credentials,
 * which would clear it; and if weir died before that, it is not our parent any more. */
static int tie_to_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return -1;
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}

_Noreturn void gate_space_child(const struct gate_space_args *args, int talk, pid_t parent)
{
	enum gate_space_stage stage;
	int tun = -1;
	char go;

	stage = make_space(args, &tun);
	send_report(talk, stage, errno, stage == GATE_SPACE_READY ? tun : -1);
	if (stage != GATE_SPACE_READY || recv(talk, &go, 1, 0) != 1)
		_exit(EXIT_WEIR);
	close(tun);
	stage = GATE_SPACE_DROP;
	if (gate_drop_capabilities() == 0 && tie_to_parent(parent) == 0 &&
	    restore_signals(args) == 0) {
		execvp(args->argv[0], args->argv);
		stage = GATE_SPACE_EXEC;
	}
	send_report(talk, stage, errno, -1);
	_exit(EXIT_WEIR);
}
