/*
 * run.c: `weir run` from the first fork to the last packet.
 *
 * Theory of operation
 *
 *   1  block signals, open the trace; fork the child that makes the namespaces (space.c)
 *   2  let go of what belongs to the program alone: standard input and output, and descriptors
 *      that weir inherited
 *   3  engine, loop, origin, relays, on the device that the child handed over
 *   4  let the program start; run the loop
 *   5  the program ends: drain, print, end with its status
 *
 * Step 2 is there so that weir, which env(1) would not be, is not noticed: a reader of the
 * program's output gets the end of the stream when the program closes it, not when weir ends.
 * Standard error stays, for weir's own messages.
 *
 * weir ends when the program has ended, also if processes that it left in the background go on:
 * their network ends, as with a machine that is switched off. But nothing that the program has sent
 * may be lost, so before that the loop goes on until
 *
 *   - no connection is open any more: the usual case, after some milliseconds; or
 *   - everything that the program sent was handed on, and nothing more has come from the inside for
 *     QUIET_NS: connections of background processes, or a host that does not end its side; or
 *   - STALLED_NS went by without progress: the host does not take it, and weir says so; or
 *   - DRAIN_NS went by: something in the background does not stop to send.
 *
 * The program's kernel sends what the program left in its socket buffers after the program's end;
 * it is indistinguishable here from a background process that sends, hence the time limits. They
 * count time in which weir could run (patience.h): a machine that is too busy for weir is too busy
 * for that kernel and for the host, too.
 *
 * A connection that is given up is reset outside: a stream that ends early must not look whole.
 */
#include "run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inherited.h"
#include "origin.h"
#include "patience.h"
#include "relay.h"
#include "resolve.h"
#include "signals.h"
#include "space.h"
#include "status.h"

#define MS         1000000u
#define TICK_NS    (20u * MS)
#define QUIET_NS   (1000u * (uint64_t)MS) /* a kernel sends what was lost again after 200, 600 ms */
#define STALLED_NS (5000u * (uint64_t)MS)
#define DRAIN_NS   (30000u * (uint64_t)MS)

/* The engine's limits under `weir run`. All half-open records have one source, the program. */
#define HALFS_MAX     4096u
#define HALFS_TO_ONE  (HALFS_MAX / 2u) /* destination: a dead one leaves as many for all others */
#define TIMEWAITS_MAX 16384u
/* 256 MB of buffers at most, mapped but not touched before they are used. */
#define PAGES_MAX 65536u

struct run {
	const struct gate_run_args *args;
	struct gate_signals signals;
	struct gate_space space;
	struct gate_view view;
	struct gate_origin *origin;
	struct gate_relays *relays;
	struct weir_loop *loop;
	struct gate_status *status_socket; /* NULL: there is none */
	int timer;                         /* ticks while draining; -1: not open */
	bool ended;
	int status; /* as waitpid() gave it */
	bool told_udp;
	struct gate_patience patience; /* since the program has ended */
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One write: the program may write to the same terminal. */
	fprintf(stderr, "weir run: %s\n", line);
}

/* --- While the program runs ------------------------------------------------------------------ */

static void on_notice(void *user, enum gate_notice what)
{
	(void)user;
	switch (what) {
	case GATE_NOTICE_DESCRIPTORS:
		say("out of file descriptors or memory: a connection was refused (raise the hard "
		    "limit with 'ulimit -Hn')");
		return;
	case GATE_NOTICE_FULL:
		say("more than %u connections at one time: one was refused", GATE_RELAYS_MAX);
		return;
	}
}

static void on_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	struct run *r = user;

	(void)loop;
	gate_relays_event(r->relays, ev);
}

static void start_drain(struct run *r)
{
	struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};

	r->ended = true;
	gate_patience_start(&r->patience, weir_loop_now(r->loop));
	if (timerfd_settime(r->timer, 0, &tick, NULL) != 0)
		weir_loop_stop(r->loop);
}

/* Ends the loop when there is nothing left to wait for. */
static void drain(struct run *r)
{
	struct gate_patience *p = &r->patience;
	bool over;

	gate_patience_step(p, weir_loop_now(r->loop), TICK_NS,
			   gate_relays_stats(r->relays)->progress);
	over = p->waited_ns >= DRAIN_NS;
	switch (gate_relays_rest(r->relays)) {
	case GATE_REST_NONE:
		over = true;
		break;
	case GATE_REST_IDLE:
		over = over || p->quiet_ns >= QUIET_NS;
		break;
	case GATE_REST_UNSENT:
		over = over || p->quiet_ns >= STALLED_NS;
		if (over)
			say("the program has ended, but a host does not take what it sent: "
			    "given up");
		break;
	}
	if (over)
		weir_loop_stop(r->loop);
}

static void on_round(void *user, struct weir_loop *loop)
{
	struct run *r = user;

	gate_relays_round(r->relays);
	if (!r->told_udp && weir_counter_get(weir_loop_stack(loop), WEIR_CTR_UDP_REFUSED) > 0) {
		say("names other than " GATE_ORIGIN_NAME " and UDP are not carried yet: "
		    "the program's UDP is refused");
		r->told_udp = true;
	}
	if (r->ended)
		drain(r);
}

/* The terminal stopped the program: weir stops too, so that the shell notices. */
static bool is_job_control(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void on_signal(void *user, uint32_t events)
{
	struct run *r = user;
	int status;

	(void)events;
	if (!gate_signals_forward(&r->signals, r->space.pid) || r->ended)
		return;
	while (waitpid(r->space.pid, &status, WNOHANG | WUNTRACED) == r->space.pid) {
		if (WIFSTOPPED(status)) {
			if (is_job_control(WSTOPSIG(status)))
				gate_signals_stop_self(WSTOPSIG(status));
			continue;
		}
		r->status = status;
		start_drain(r);
		return;
	}
}

static void on_tick(void *user, uint32_t events)
{
	struct run *r = user;
	uint64_t count;

	/* The round's own step does the work; this is here to wake it. */
	(void)events;
	(void)!read(r->timer, &count, sizeof(count));
}

/* --- Before: everything on its place --------------------------------------------------------- */

static int start_space(struct run *r)
{
	char *hosts = gate_hosts_text(&r->args->net, "/etc/hosts");
	char *resolv = gate_resolv_text(&r->args->net);
	struct gate_space_args args = {
		.argv = r->args->argv,
		.net = &r->args->net,
		.hosts_text = hosts,
		.resolv_text = resolv,
		.mtu = r->args->mtu,
		.sigmask = &r->signals.mask,
		.sigpipe = &r->signals.sigpipe,
		.sigchld = &r->signals.sigchld,
	};
	char text[768];
	int failed = -1;

	if (hosts == NULL || resolv == NULL) {
		say("out of memory");
	} else {
		failed = gate_space_start(&r->space, &args);
		if (failed != 0) {
			gate_space_explain(&r->space, text, sizeof(text));
			say("%s", text);
		}
	}
	free(hosts);
	free(resolv);
	return failed;
}

/* weir has a descriptor or two for each connection. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_view(struct run *r)
{
	const struct gate_run_args *args = r->args;

	if (gate_view_open(&r->view, &args->net, args->argv[0], args->explain, args->trace,
			   args->payload_max) == 0)
		return 0;
	say("cannot write %s: %s", args->trace != NULL ? args->trace : "ladders", strerror(errno));
	return -1;
}

static int open_loop(struct run *r)
{
	struct weir_config config;
	struct weir_loop_args args = {
		.config = &config, .event = on_event, .round = on_round, .user = r};
	int saved;

	weir_config_default(&config);
	config.cc = r->args->cc;
	config.conns_max = GATE_RELAYS_MAX;
	config.halfs_max = HALFS_MAX;
	config.half_source_max = HALFS_MAX;
	config.held_dest_max = HALFS_TO_ONE;
	config.timewaits_max = TIMEWAITS_MAX;
	config.pages_max = PAGES_MAX;
	weir_random_keys(&config);
	gate_view_hook(&r->view, &config);
	if (weir_link_tun_adopt(r->space.tun, r->args->mtu, &args.link) != 0)
		return -1;
	r->space.tun = -1;
	if (weir_loop_open(&r->loop, &args) == 0)
		return 0;
	saved = errno;
	weir_link_close(args.link);
	errno = saved;
	return -1;
}

static int add_addresses(struct weir_stack *s, const struct gate_subnet *sub)
{
	if (sub->gateway.family == 0)
		return 0;
	if (weir_addr_add(s, &sub->gateway, sub->prefix) != WEIR_OK ||
	    weir_addr_add(s, &sub->origin, sub->prefix) != WEIR_OK) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* Addresses of ours, and one listener for everything. */
static int set_up_stack(struct run *r)
{
	struct weir_stack *s = weir_loop_stack(r->loop);
	struct weir_listen_args all = {.mode = WEIR_ACCEPT_HELD};
	weir_listener listener;

	if (add_addresses(s, &r->args->net.v4) != 0 || add_addresses(s, &r->args->net.v6) != 0)
		return -1;
	if (weir_listen(s, &all, &listener) == WEIR_OK)
		return 0;
	errno = EINVAL;
	return -1;
}

static int open_relays(struct run *r)
{
	struct gate_relays_args args = {.loop = r->loop,
					.net = &r->args->net,
					.origin = r->origin,
					.notice = on_notice,
					.user = r};

	return gate_relays_open(&r->relays, &args);
}

static int watch(struct run *r, int fd, void (*ready)(void *user, uint32_t events))
{
	return weir_loop_watch(r->loop, fd, EPOLLIN, ready, r) != NULL ? 0 : -1;
}

/* For weir-ss(1). Nothing depends on it, so nothing is said if there is no place for it. */
static void open_status(struct run *r)
{
	const char *path = r->args->argv[0], *slash = strrchr(path, '/');
	char command[256];

	snprintf(command, sizeof(command), "run %s", slash != NULL ? slash + 1 : path);
	r->status_socket = gate_status_open(r->loop, command);
}

static int open_all(struct run *r)
{
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	r->origin = gate_origin_start();
	if (r->timer >= 0 && r->origin != NULL && open_loop(r) == 0 && set_up_stack(r) == 0 &&
	    open_relays(r) == 0 && watch(r, r->signals.fd, on_signal) == 0 &&
	    watch(r, r->timer, on_tick) == 0) {
		open_status(r);
		return 0;
	}
	say("cannot start: %s", strerror(errno));
	return -1;
}

/* In the order in which one uses the other. */
static void close_all(struct run *r)
{
	gate_status_close(r->status_socket);
	gate_relays_close(r->relays);
	gate_origin_stop(r->origin);
	if (r->loop != NULL)
		weir_loop_close(r->loop);
	if (r->timer >= 0)
		close(r->timer);
	if (gate_view_close(&r->view) != 0)
		say("%s is not whole: %s", r->args->trace, strerror(errno));
}

/* --- The whole ------------------------------------------------------------------------------- */

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int failed_status(const struct run *r)
{
	if (r->space.stage != GATE_SPACE_EXEC)
		return GATE_EXIT_FAILED;
	return r->space.err == ENOENT ? GATE_EXIT_NOT_FOUND : GATE_EXIT_CANNOT_EXECUTE;
}

static int start_program(struct run *r)
{
	char text[768];

	if (gate_space_go(&r->space) == 0)
		return 0;
	if (r->space.stage == GATE_SPACE_EXEC) {
		say("%s: %s", r->args->argv[0], strerror(r->space.err));
		return -1;
	}
	gate_space_explain(&r->space, text, sizeof(text));
	say("%s", text);
	return -1;
}

/* Runs the program, which waits, to its end. */
static int run_program(struct run *r)
{
	if (start_program(r) != 0)
		return failed_status(r);
	if (weir_loop_run(r->loop) != 0) {
		say("the device inside failed: %s", strerror(errno));
		if (!r->ended && kill(r->space.pid, SIGKILL) == 0)
			(void)waitpid(r->space.pid, NULL, 0);
		return GATE_EXIT_FAILED;
	}
	gate_view_print(&r->view, weir_loop_stack(r->loop), weir_loop_now(r->loop));
	return exit_status(r->status);
}

int gate_run(struct gate_run_args *args)
{
	struct run r = {.args = args, .timer = -1};
	struct gate_inherited inherited;
	int status = GATE_EXIT_FAILED;

	gate_inherited_note(&inherited);
	if (gate_signals_open(&r.signals) != 0) {
		say("cannot set up signals: %s", strerror(errno));
		return status;
	}
	/* A kernel without IPv6. */
	if (access("/proc/net/if_inet6", F_OK) != 0)
		args->net.v6 = (struct gate_subnet){.prefix = 0};
	/* Its path may name an inherited descriptor (/dev/fd/63): before these are let go. */
	if (open_view(&r) == 0 && start_space(&r) == 0) {
		gate_inherited_release(&inherited);
		raise_descriptor_limit();
		if (open_all(&r) == 0)
			status = run_program(&r);
		else
			gate_space_abandon(&r.space);
	}
	close_all(&r);
	gate_signals_close(&r.signals);
	return status;
}
