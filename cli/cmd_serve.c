/*
 * cmd_serve.c: `weir serve`, a plain server on a TUN device.
 *
 * Options first, then the device, then a loop with one listener for each address of ours. SIGINT
 * and SIGTERM come as a readable descriptor; they reset what is open, so that no peer waits for a
 * server that is gone, and end the loop after its round.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "gate/status.h"
#include "host/shield/shield.h"
#include "serve.h"
#include "serve_device.h"
#include "weir/info.h"
#include "weir/sink.h"

#define COMMAND "serve"
#define SET_MAX 32

enum service { SERVICE_ECHO, SERVICE_DISCARD, SERVICE_SOURCE, SERVICE_FILES };

static const struct {
	const char *name;
	uint16_t port;
	/* NULL: files */
	void (*move)(struct weir_stack *s, weir_conn c, weir_time now);
} services[] = {
	[SERVICE_ECHO] = {"echo", 7, serve_echo},
	[SERVICE_DISCARD] = {"discard", 9, serve_discard},
	[SERVICE_SOURCE] = {"source", 19, serve_source},
	[SERVICE_FILES] = {"files", 80, NULL},
};

enum shield_wish {
	SHIELD_AUTO, /* if it can be had, and disturbs nobody */
	SHIELD_ON,
	SHIELD_OFF,
};

struct serve {
	/* options */
	enum service service;
	unsigned services_named;
	const char *dir, *trace_path;
	struct serve_device device;
	struct weir_addr addr4, addr6; /* family 0: none */
	unsigned prefix4, prefix6;
	uint16_t port; /* 0: the service's */
	struct weir_config config;
	bool explain;
	enum shield_wish shield_wish;
	/* at work */
	struct shield *shield; /* NULL: none */
	struct weir_loop *loop;
	struct serve_files *files;
	struct weir_ladder *ladder;
	struct weir_pcapng *pcapng;
};

static const char usage[] =
	"usage: weir serve --tun NAME --ip ADDRESS/PREFIX [OPTION...]\n"
	"\n"
	"Serves echo, discard, source or files over weir's TCP on a TUN device until Ctrl-C.\n"
	"ADDRESS is weir's own. If the device is not there it is made, and the host's end gets\n"
	"the first other address of the prefix; a device that exists and is up is used as it is.\n"
	"\n"
	"  --tun NAME             the TUN device\n"
	"  --ip ADDRESS/PREFIX    weir's IPv4 address\n"
	"  --ip6 ADDRESS/PREFIX   weir's IPv6 address\n"
	"  --mtu N                MTU of the device, 68 to 65535 (1280 at least with --ip6);\n"
	"                         65520 for a new device\n"
	"  --echo                 send back what comes (the default; port 7)\n"
	"  --discard              read and forget (port 9)\n"
	"  --source               send without end (port 19)\n"
	"  --dir DIR              serve the files below DIR over HTTP/1.1 (port 80)\n"
	"  --port N               another port\n"
	"  --cc NAME              congestion control: cubic (the default), newreno or bbr\n"
	"  --set NAME=VALUE       a setting of the engine; --set help lists them\n"
	"  --shield WHEN          let the kernel send SYN cookies for weir while it is flooded:\n"
	"                         auto (the default: if it can, on a device that weir made, and\n"
	"                         neither --explain nor --trace is given), on or off\n"
	"  --explain              when ended, print each connection as a ladder on standard error\n"
	"  --trace FILE           write a pcapng with a comment on each packet\n"
	"  --help                 this text\n";

enum option_id {
	OPTION_TUN = 256,
	OPTION_IP,
	OPTION_IP6,
	OPTION_MTU,
	OPTION_ECHO,
	OPTION_DISCARD,
	OPTION_SOURCE,
	OPTION_DIR,
	OPTION_PORT,
	OPTION_SET,
	OPTION_CC,
	OPTION_SHIELD,
	OPTION_EXPLAIN,
	OPTION_TRACE,
	OPTION_HELP,
};

static const struct option options[] = {
	{"tun", required_argument, NULL, OPTION_TUN},
	{"ip", required_argument, NULL, OPTION_IP},
	{"ip6", required_argument, NULL, OPTION_IP6},
	{"mtu", required_argument, NULL, OPTION_MTU},
	{"echo", no_argument, NULL, OPTION_ECHO},
	{"discard", no_argument, NULL, OPTION_DISCARD},
	{"source", no_argument, NULL, OPTION_SOURCE},
	{"dir", required_argument, NULL, OPTION_DIR},
	{"port", required_argument, NULL, OPTION_PORT},
	{"set", required_argument, NULL, OPTION_SET},
	{"cc", required_argument, NULL, OPTION_CC},
	{"shield", required_argument, NULL, OPTION_SHIELD},
	{"explain", no_argument, NULL, OPTION_EXPLAIN},
	{"trace", required_argument, NULL, OPTION_TRACE},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* --- Options ------------------------------------------------------------------------------------
 */

static int print_settings(void)
{
	const struct weir_config_row *row;
	unsigned i;

	for (i = 0; (row = weir_config_row(i)) != NULL; i++)
		printf("%-20s %10llu  %s (%s)\n", row->name, (unsigned long long)row->def,
		       row->text, row->unit);
	return 1;
}

/* 0; 1: done, exit with 0; 2: said what is wrong. */
static int read_setting(struct serve *v, char *text)
{
	char *value = strchr(text, '=');
	uint64_t number;

	if (strcmp(text, "help") == 0)
		return print_settings();
	if (value == NULL || cli_read_number(value + 1, 0, UINT64_MAX, &number) != 0) {
		cli_complain(COMMAND, "--set %s: NAME=NUMBER is needed ('--set help' lists them)",
			     text);
		return 2;
	}
	*value = '\0';
	switch (weir_config_set(&v->config, text, number)) {
	case 0:
		return 0;
	case -1:
		cli_complain(COMMAND, "--set: there is no setting '%s' ('--set help' lists them)",
			     text);
		return 2;
	default:
		cli_complain(COMMAND, "--set %s: %s is out of its range ('--set help')", text,
			     value + 1);
		return 2;
	}
}

static int read_cidr(const char *option, unsigned family, struct weir_addr *addr, unsigned *prefix,
		     char *host, size_t len)
{
	if (cli_read_cidr(optarg, family, addr, prefix) != 0) {
		cli_complain(COMMAND, "%s %s: an IPv%u ADDRESS/PREFIX is needed", option, optarg,
			     family);
		return 2;
	}
	if (serve_host_address(addr, *prefix, host, len) != 0) {
		cli_complain(COMMAND, "%s %s: the prefix must have room for the host's end", option,
			     optarg);
		return 2;
	}
	return 0;
}

static int read_number(const char *option, uint64_t min, uint64_t max, uint64_t *out)
{
	if (cli_read_number(optarg, min, max, out) == 0)
		return 0;
	cli_complain(COMMAND, "%s %s: a number from %llu to %llu is needed", option, optarg,
		     (unsigned long long)min, (unsigned long long)max);
	return 2;
}

static int read_shield(struct serve *v)
{
	static const char *const words[] = {
		[SHIELD_AUTO] = "auto", [SHIELD_ON] = "on", [SHIELD_OFF] = "off"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(optarg, words[i]) == 0) {
			v->shield_wish = (enum shield_wish)i;
			return 0;
		}
	}
	cli_complain(COMMAND, "--shield %s: auto, on or off is needed", optarg);
	return 2;
}

static int read_option(struct serve *v, enum option_id id)
{
	struct stat st;
	uint64_t number;
	int rc = 0;

	switch (id) {
	case OPTION_TUN:
		v->device.name = optarg;
		return 0;
	case OPTION_IP:
		return read_cidr("--ip", 4, &v->addr4, &v->prefix4, v->device.host4,
				 sizeof(v->device.host4));
	case OPTION_IP6:
		return read_cidr("--ip6", 6, &v->addr6, &v->prefix6, v->device.host6,
				 sizeof(v->device.host6));
	case OPTION_MTU:
		rc = read_number("--mtu", 68, 65535, &number);
		v->device.mtu = rc == 0 ? (uint32_t)number : 0;
		return rc;
	case OPTION_PORT:
		rc = read_number("--port", 1, 65535, &number);
		v->port = rc == 0 ? (uint16_t)number : 0;
		return rc;
	case OPTION_ECHO:
	case OPTION_DISCARD:
	case OPTION_SOURCE:
		v->service = (enum service)(SERVICE_ECHO + (id - OPTION_ECHO));
		v->services_named++;
		return 0;
	case OPTION_DIR:
		if (stat(optarg, &st) != 0 || !S_ISDIR(st.st_mode)) {
			cli_complain(COMMAND, "--dir %s: a directory is needed", optarg);
			return 2;
		}
		v->dir = optarg;
		v->service = SERVICE_FILES;
		v->services_named++;
		return 0;
	case OPTION_SET:
		return read_setting(v, optarg);
	case OPTION_CC:
		return cli_read_cc(COMMAND, optarg, &v->config.cc) == 0 ? 0 : 2;
	case OPTION_SHIELD:
		return read_shield(v);
	case OPTION_EXPLAIN:
		v->explain = true;
		return 0;
	case OPTION_TRACE:
		v->trace_path = optarg;
		return 0;
	case OPTION_HELP:
		fputs(usage, stdout);
		return 1;
	}
	return 2;
}

/* What no single option can tell. 0; 2: said what is wrong. */
static int check_options(const struct serve *v, int argc, char **argv)
{
	const char *wrong = NULL;

	if (optind < argc) {
		cli_complain(COMMAND, "'%s': no such argument is taken (see --help)", argv[optind]);
		return 2;
	}
	if (v->device.name == NULL)
		wrong = "--tun NAME is needed (see --help)";
	else if (v->device.name[0] == '\0' || strlen(v->device.name) > 15)
		wrong = "--tun: a name of 1 to 15 characters is needed";
	else if (v->addr4.family == 0 && v->addr6.family == 0)
		wrong = "--ip ADDRESS/PREFIX (or --ip6) is needed (see --help)";
	else if (v->services_named > 1)
		wrong = "only one of --echo, --discard, --source and --dir can be served";
	else if (v->addr6.family != 0 && v->device.mtu != 0 && v->device.mtu < 1280)
		wrong = "--mtu: IPv6 needs 1280 at least (RFC 8200 5)";
	else if (v->shield_wish == SHIELD_ON &&
		 (v->config.cookies == 0 || v->config.handshake_ways != 3))
		wrong = "--shield on: with these settings no SYN cookies are sent";
	if (wrong != NULL)
		cli_complain(COMMAND, "%s", wrong);
	return wrong != NULL ? 2 : 0;
}

static int read_options(struct serve *v, int argc, char **argv)
{
	int id, rc;

	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (id == '?' || id == ':') {
			cli_complain_option(COMMAND, argv, id);
			return 2;
		}
		rc = read_option(v, (enum option_id)id);
		if (rc != 0)
			return rc;
	}
	return check_options(v, argc, argv);
}

/* --- At work ------------------------------------------------------------------------------------
 */

static void on_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	struct serve *v = user;
	struct weir_stack *s = weir_loop_stack(loop);

	if (ev->kind == WEIR_EV_ACCEPTED)
		(void)weir_conn_set(s, ev->conn, WEIR_OPT_NODELAY, 1);
	if (v->files != NULL)
		serve_files_event(v->files, ev);
	else if (ev->kind == WEIR_EV_ACCEPTED || ev->kind == WEIR_EV_READABLE ||
		 ev->kind == WEIR_EV_WRITABLE)
		services[v->service].move(s, ev->conn, weir_loop_now(loop));
}

static void on_trace(void *user, const struct weir_trace_record *record)
{
	struct serve *v = user;

	if (v->ladder != NULL)
		weir_ladder_feed(v->ladder, record);
	if (v->pcapng != NULL)
		weir_pcapng_feed(v->pcapng, record);
}

static void on_signal(void *user, uint32_t events)
{
	struct serve *v = user;
	struct weir_stack *s = weir_loop_stack(v->loop);
	weir_time now = weir_loop_now(v->loop);
	struct weir_info info;
	uint32_t cursor = 0;

	(void)events;
	while (weir_walk(s, WEIR_WALK_CONNS, &cursor, now, &info))
		(void)weir_abort(s, info.conn, now);
	weir_loop_stop(v->loop);
}

static int64_t clock_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec - (int64_t)weir_now();
}

static int open_sinks(struct serve *v)
{
	struct weir_ladder_args args = {.local_name = "weir", .remote_name = "client"};
	const char *locale = getenv("LC_ALL");

	if (locale == NULL || *locale == '\0')
		locale = getenv("LC_CTYPE");
	if (locale == NULL || *locale == '\0')
		locale = getenv("LANG");
	args.charset = locale != NULL && strstr(locale, "UTF-8") != NULL ? WEIR_CHARSET_UTF8
									 : WEIR_CHARSET_ASCII;
	args.colour = isatty(STDERR_FILENO) ? WEIR_COLOUR_ALWAYS : WEIR_COLOUR_NEVER;
	if (v->explain && (v->ladder = weir_ladder_new(&args)) == NULL) {
		cli_complain(COMMAND, "out of memory");
		return -1;
	}
	if (v->trace_path != NULL &&
	    weir_pcapng_open(&v->pcapng, v->trace_path, 0, clock_offset()) != 0) {
		cli_complain(COMMAND, "--trace %s: %s", v->trace_path, strerror(errno));
		return -1;
	}
	if (v->ladder != NULL || v->pcapng != NULL) {
		v->config.trace = on_trace;
		v->config.trace_user = v;
	}
	return 0;
}

/* Listens on one address of ours. */
static int listen_on(struct serve *v, const struct weir_addr *addr, unsigned prefix)
{
	struct weir_listen_args args = {.local = {.addr = *addr, .port = v->port},
					.mode = WEIR_ACCEPT_EARLY};
	struct weir_stack *s = weir_loop_stack(v->loop);
	enum weir_err err;
	weir_listener l;

	if (addr->family == 0)
		return 0;
	err = weir_addr_add(s, addr, prefix);
	if (err == WEIR_OK)
		err = weir_listen(s, &args, &l);
	if (err != WEIR_OK)
		cli_complain(COMMAND, "port %u cannot be served: %s", v->port, weir_err_text(err));
	return err == WEIR_OK ? 0 : -1;
}

/* A descriptor that SIGINT and SIGTERM make readable; they do nothing else from now on. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void on_round(void *user, struct weir_loop *loop)
{
	struct serve *v = user;

	(void)loop;
	if (v->shield != NULL)
		shield_round(v->shield);
}

/* A device that somebody else made may have filters that ours would get in the way of, and what
 * the kernel answers is in no trace: both only if it is asked for. 0; -1: said what is wrong. */
static int open_shield(struct serve *v)
{
	bool wanted = v->shield_wish == SHIELD_ON;
	char why[160];

	if (v->shield_wish == SHIELD_AUTO)
		wanted = v->device.made && v->config.trace == NULL;
	if (!wanted || shield_open(&v->shield, v->loop, v->device.name, why, sizeof(why)) == 0)
		return 0;
	v->shield = NULL;
	if (v->shield_wish == SHIELD_AUTO)
		return 0;
	cli_complain(COMMAND, "--shield on: %s", why);
	return -1;
}

static void close_shield(struct serve *v)
{
	uint64_t answered;

	if (v->shield == NULL)
		return;
	shield_close(v->shield);
	answered = weir_counter_get(weir_loop_stack(v->loop), WEIR_CTR_FRONT_COOKIE);
	if (answered != 0 || v->shield_wish == SHIELD_ON)
		fprintf(stderr, "weir serve: the kernel answered %llu SYNs with cookies\n",
			(unsigned long long)answered);
}

static int open_loop(struct serve *v)
{
	struct weir_loop_args args = {
		.config = &v->config, .event = on_event, .round = on_round, .user = v};
	const struct weir_config_row *row;
	struct weir_link *link;

	if (serve_device_open(&v->device, &link) != 0)
		return -1;
	args.link = link;
	weir_random_keys(&v->config);
	if (weir_loop_open(&v->loop, &args) == 0)
		return 0;
	row = errno == EINVAL ? weir_config_check(&v->config) : NULL;
	cli_complain(COMMAND, "the engine cannot be set up: %s%s", row != NULL ? row->name : "",
		     row != NULL ? " does not go with the other settings" : strerror(errno));
	weir_link_close(link);
	return -1;
}

static int run(struct serve *v)
{
	int signals = open_signals();
	struct gate_status *status;
	char command[32];
	int rc = -1;

	if (listen_on(v, &v->addr4, v->prefix4) == 0 && listen_on(v, &v->addr6, v->prefix6) == 0) {
		if (v->dir != NULL && serve_files_open(&v->files, v->loop, v->dir) != 0)
			cli_complain(COMMAND, "--dir %s: %s", v->dir, strerror(errno));
		else if (weir_loop_watch(v->loop, signals, EPOLLIN, on_signal, v) == NULL)
			cli_complain(COMMAND, "signals cannot be watched: %s", strerror(errno));
		else
			rc = 0;
	}
	if (rc == 0) {
		fprintf(stderr, "weir serve: %s on port %u of device %s; Ctrl-C ends it\n",
			services[v->service].name, v->port, v->device.name);
		snprintf(command, sizeof(command), "serve %s", services[v->service].name);
		status = gate_status_open(v->loop, command); /* NULL is no failure */
		rc = weir_loop_run(v->loop);
		gate_status_close(status);
		if (rc != 0)
			cli_complain(COMMAND, "device %s: %s", v->device.name, strerror(errno));
	}
	if (v->files != NULL)
		serve_files_close(v->files);
	close(signals);
	return rc;
}

/* Prints and closes what was traced. */
static int close_sinks(struct serve *v)
{
	int rc = 0;

	if (v->ladder != NULL) {
		weir_ladder_print(v->ladder, stderr, weir_loop_stack(v->loop),
				  weir_loop_now(v->loop));
		weir_ladder_free(v->ladder);
	}
	if (v->pcapng != NULL && weir_pcapng_close(v->pcapng) != 0) {
		cli_complain(COMMAND, "--trace %s: %s", v->trace_path, strerror(errno));
		rc = -1;
	}
	return rc;
}

int cmd_serve(int argc, char **argv)
{
	struct serve v;
	int rc;

	memset(&v, 0, sizeof(v));
	weir_config_default(&v.config);
	rc = read_options(&v, argc, argv);
	if (rc != 0)
		return rc == 1 ? CLI_EXIT_OK : CLI_EXIT_BAD_USE;
	if (v.port == 0)
		v.port = services[v.service].port;
	if (open_sinks(&v) != 0)
		return CLI_EXIT_BAD_USE;
	if (open_loop(&v) != 0)
		return CLI_EXIT_FAILED;
	rc = open_shield(&v) == 0 ? run(&v) : -1;
	close_shield(&v);
	if (close_sinks(&v) != 0)
		rc = -1;
	weir_loop_close(v.loop);
	return rc == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
