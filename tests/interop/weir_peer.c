/*
 * weir_peer.c: a netcat on weir, for the interoperation tests.
 *
 *   weir_peer TUN ADDRESS connect ADDRESS PORT [OPTION...]
 *   weir_peer TUN ADDRESS listen PORT [OPTION...]
 *
 * What comes on standard input is sent, its end is a half-close; what is received goes to standard
 * output. It ends when the connection has, with a status that tells how (see status_of) and a line
 * "end: ..." on standard error. It is built against the static library as any user would build it.
 *
 *   --after-eof     send only after the peer has ended its stream
 *   --abort-at N    reset the connection when N bytes were received
 *   --from-port N   the port to connect from
 *   --bad N SEED    lose, swap and double N of 1,000 frames (bad_link.h)
 *   --mark N        mark N of 1,000 frames that may be (with --bad); tell of marks at the end
 *   --on-signal     connect only after SIGUSR1; what has come by then is read later
 *   --stay          answer what still comes after the end, until SIGTERM
 *   --set NAME=N    a setting of the engine
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bad_link.h"
#include "link_up.h"
#include "weir/info.h"
#include "weir/loop.h"

#define SPANS 17u

struct peer {
	struct weir_loop *loop;
	struct {
		weir_conn conn;
		bool open;
	} ref;
	struct weir_watch *input; /* NULL: a file, always ready */
	struct weir_watch *term;
	bool ended;
	bool input_ended, peer_ended;
	bool after_eof;
	bool on_signal, stay;
	unsigned bad_permille, mark_permille;
	bool bad, tell_marks;
	uint32_t seed;
	enum weir_ecn ecn; /* as it was when the connection was open */
	uint16_t from_port;
	uint64_t abort_at; /* 0: never */
	uint64_t sent, received;
	enum weir_err reason;
};

static void die(const char *what)
{
	fprintf(stderr, "weir_peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int status_of(enum weir_err reason)
{
	switch ((int)reason) {
	case WEIR_OK:
		return 0;
	case WEIR_REFUSED:
		return 3;
	case WEIR_RESET:
		return 4;
	case WEIR_TIMEOUT:
		return 5;
	case WEIR_UNREACHABLE:
		return 6;
	case WEIR_ABORTED:
		return 7;
	default:
		return 1;
	}
}

static void finish(struct peer *p, enum weir_err reason)
{
	p->reason = reason;
	p->ref.open = false;
	p->ended = true;
	if (!p->stay)
		weir_loop_stop(p->loop);
}

/* SIGTERM: need not stay any longer. */
static void stay_no_more(void *user, uint32_t events)
{
	struct peer *p = user;

	(void)events;
	p->stay = false;
	weir_watch_remove(p->term);
	if (p->ended)
		weir_loop_stop(p->loop);
}

static void watch_term(struct peer *p)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	p->term = weir_loop_watch(p->loop, fd, EPOLLIN, stay_no_more, p);
	if (p->term == NULL)
		die("signals");
}

static void write_all(const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = write(STDOUT_FILENO, bytes, len);

		if (put < 0)
			die("standard output");
		bytes += put;
		len -= (size_t)put;
	}
}

/* Standard input to the connection. */
static void pump_out(struct peer *p)
{
	struct weir_stack *s = weir_loop_stack(p->loop);
	weir_time now = weir_loop_now(p->loop);
	struct weir_mspan spans[1];
	size_t count;
	ssize_t got;

	if (!p->ref.open || p->input_ended || (p->after_eof && !p->peer_ended))
		return;
	for (;;) {
		if (weir_send_reserve(s, p->ref.conn, 65536, spans, 1, &count) != WEIR_OK) {
			if (p->input != NULL)
				weir_watch_set(p->input, 0); /* until WRITABLE */
			return;
		}
		got = read(STDIN_FILENO, spans[0].bytes, spans[0].len);
		if (got < 0 && errno == EAGAIN) {
			weir_watch_set(p->input, EPOLLIN);
			return;
		}
		if (got < 0)
			die("standard input");
		if (got == 0)
			break;
		p->sent += (uint64_t)got;
		if (weir_send_commit(s, p->ref.conn, (size_t)got, 0, now) != WEIR_OK)
			return;
	}
	p->input_ended = true;
	if (p->input != NULL)
		weir_watch_remove(p->input);
	p->input = NULL;
	(void)weir_shutdown(s, p->ref.conn, now);
}

/* The connection to standard output. */
static void pump_in(struct peer *p)
{
	struct weir_stack *s = weir_loop_stack(p->loop);
	weir_time now = weir_loop_now(p->loop);
	struct weir_span spans[SPANS];
	size_t count, bytes, i;
	enum weir_err err;

	while ((err = weir_recv_peek(s, p->ref.conn, spans, SPANS, &count, &bytes)) == WEIR_OK) {
		for (i = 0; i < count; i++)
			write_all(spans[i].bytes, spans[i].len);
		p->received += bytes;
		if (weir_recv_consume(s, p->ref.conn, bytes, now) != WEIR_OK)
			break;
		if (p->abort_at != 0 && p->received >= p->abort_at) {
			(void)weir_abort(s, p->ref.conn, now);
			finish(p, WEIR_ABORTED);
			return;
		}
	}
	if (err == WEIR_EOF && !p->peer_ended) {
		p->peer_ended = true;
		pump_out(p);
	}
}

static void input_ready(void *user, uint32_t events)
{
	(void)events;
	pump_out(user);
}

static void note_ecn(struct peer *p)
{
	struct weir_info info;

	if (weir_conn_info(weir_loop_stack(p->loop), p->ref.conn, &info) == WEIR_OK)
		p->ecn = info.ecn;
}

static void on_event(void *user, struct weir_loop *loop, const struct weir_event *ev)
{
	struct peer *p = user;

	(void)loop;
	switch (ev->kind) {
	case WEIR_EV_ACCEPTED:
	case WEIR_EV_CONNECTED:
		p->ref.conn = ev->conn;
		p->ref.open = true;
		note_ecn(p);
		fprintf(stderr, "open\n");
		pump_out(p);
		pump_in(p);
		break;
	case WEIR_EV_READABLE:
		pump_in(p);
		break;
	case WEIR_EV_WRITABLE:
		pump_out(p);
		break;
	case WEIR_EV_CLOSED:
		finish(p, ev->reason);
		break;
	case WEIR_EV_SYN:
	case WEIR_EV_HALF_GONE:
	case WEIR_EV_URGENT:
	case WEIR_EV_SOFT_ERROR:
	case WEIR_EV_COUNT:
		break;
	}
}

static struct weir_addr addr_of(const char *text)
{
	struct weir_addr a = {.family = strchr(text, ':') != NULL ? 6 : 4};

	if (inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.bytes) != 1) {
		errno = EINVAL;
		die(text);
	}
	return a;
}

static void await_signal(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fprintf(stderr, "waiting\n");
	sigwait(&set, &signal);
}

static void open_peer(struct peer *p, struct weir_stack *s, char **argv)
{
	enum weir_err err;

	if (strcmp(argv[3], "connect") == 0) {
		struct weir_connect_args args = {
			.remote = {.addr = addr_of(argv[4]), .port = (uint16_t)atoi(argv[5])},
			.local = {.port = p->from_port}};
		weir_conn c;

		err = weir_connect(s, &args, weir_loop_now(p->loop), &c);
	} else {
		struct weir_listen_args args = {
			.local = {.addr = addr_of(argv[2]), .port = (uint16_t)atoi(argv[4])}};
		weir_listener l;

		err = weir_listen(s, &args, &l);
	}
	if (err != WEIR_OK) {
		fprintf(stderr, "weir_peer: %s: %s\n", argv[3], weir_err_text(err));
		exit(1);
	}
	fprintf(stderr, "ready\n");
}

static int read_options(struct peer *p, struct weir_config *cfg, int argc, char **argv)
{
	int i = argc > 3 && strcmp(argv[3], "connect") == 0 ? 6 : 5;

	if (argc < i)
		return -1;
	for (; i < argc; i++) {
		if (strcmp(argv[i], "--after-eof") == 0) {
			p->after_eof = true;
		} else if (strcmp(argv[i], "--abort-at") == 0 && i + 1 < argc) {
			p->abort_at = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--from-port") == 0 && i + 1 < argc) {
			p->from_port = (uint16_t)atoi(argv[++i]);
		} else if (strcmp(argv[i], "--bad") == 0 && i + 2 < argc) {
			p->bad_permille = (unsigned)atoi(argv[++i]);
			p->seed = (uint32_t)atoi(argv[++i]);
			p->bad = true;
		} else if (strcmp(argv[i], "--mark") == 0 && i + 1 < argc) {
			p->mark_permille = (unsigned)atoi(argv[++i]);
			p->tell_marks = true;
		} else if (strcmp(argv[i], "--stay") == 0) {
			p->stay = true;
		} else if (strcmp(argv[i], "--on-signal") == 0) {
			p->on_signal = true;
		} else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
			char *value = strchr(argv[++i], '=');

			if (value == NULL)
				return -1;
			*value++ = '\0';
			if (weir_config_set(cfg, argv[i], strtoull(value, NULL, 10)) != 0)
				return -1;
		} else {
			return -1;
		}
	}
	return 0;
}

/* What was marked on the link, and what the engine heard of it. */
static void report_marks(const struct peer *p, const struct weir_link *link)
{
	const struct weir_stack *s = weir_loop_stack(p->loop);
	uint64_t marked[2] = {0, 0};

	if (p->bad)
		bad_link_marked(link, marked);
	fprintf(stderr, "ecn %d marked-in %llu heard %llu marked-out %llu told %llu reduced %llu\n",
		(int)p->ecn, (unsigned long long)marked[0],
		(unsigned long long)weir_counter_get(s, WEIR_CTR_ECN_MARKED),
		(unsigned long long)marked[1],
		(unsigned long long)weir_counter_get(s, WEIR_CTR_ECN_TOLD),
		(unsigned long long)weir_counter_get(s, WEIR_CTR_ECN_REDUCED));
}

/* After the connection's end: what is still to be said (a reset, the last ACK) has been sent by
 * the round that ended the loop. */
static int report(const struct peer *p, const struct weir_link *link)
{
	fprintf(stderr, "end: %s; sent %llu, received %llu bytes; %llu frames in, %llu out\n",
		weir_err_text(p->reason), (unsigned long long)p->sent,
		(unsigned long long)p->received, (unsigned long long)link->frames_in,
		(unsigned long long)link->frames_out);
	return status_of(p->reason);
}

int main(int argc, char **argv)
{
	struct peer p = {0};
	struct weir_config cfg;
	struct weir_loop_args args = {.config = &cfg, .event = on_event, .user = &p};
	struct weir_addr own;
	int status;

	weir_config_default(&cfg);
	if (read_options(&p, &cfg, argc, argv) != 0) {
		fprintf(stderr, "weir_peer: wrong arguments\n");
		return 2;
	}
	own = addr_of(argv[2]);
	weir_random_keys(&cfg);
	if (weir_link_tun_open(argv[1], &args.link) != 0 || link_up_wait(argv[1]) != 0)
		die(argv[1]);
	if (p.bad)
		args.link = bad_link_new(args.link, p.bad_permille, p.seed);
	if (p.bad && args.link != NULL)
		bad_link_mark(args.link, p.mark_permille);
	if (args.link == NULL || weir_loop_open(&p.loop, &args) != 0)
		die("loop");
	if (weir_addr_add(weir_loop_stack(p.loop), &own, own.family == 4 ? 24 : 64) != WEIR_OK)
		die("address");
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0)
		die("standard input");
	p.input = weir_loop_watch(p.loop, STDIN_FILENO, 0, input_ready, &p);
	if (p.input == NULL && errno != EPERM)
		die("standard input");
	if (p.stay)
		watch_term(&p);
	if (p.on_signal)
		await_signal();
	open_peer(&p, weir_loop_stack(p.loop), argv);
	if (weir_loop_run(p.loop) != 0)
		die("run");
	if (p.tell_marks)
		report_marks(&p, args.link);
	if (p.bad_permille > 0)
		fprintf(stderr, "lost %llu\n", (unsigned long long)bad_link_lost(args.link));
	status = report(&p, args.link);
	weir_loop_close(p.loop);
	return status;
}
