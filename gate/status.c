/*
 * status.c: the socket that tells what is in the engine.
 *
 * Theory of operation
 *
 * The socket is bound in the first folder that can be had. A file of the same name is what a dead
 * process with our id left, if nobody answers there; if somebody does, it is a process of another
 * PID namespace, and we go without. The folder may vanish between the moment that it was made and
 * bind(), when another instance ends and tidies up; then it is made again.
 *
 * A client is a place in a table: a descriptor, the piece that is being sent, and where the
 * document is. Its descriptor is watched for room, level-triggered, so that each round of the loop
 * sends one piece to each client at most. Clients that do not read hold one place and one piece;
 * when all places are in use the oldest is given to the new one, so they lock nobody out.
 *
 * The listening socket is watched for edges: when accept() fails for want of descriptors, the
 * client stays in the backlog until another comes, and the loop does not spin.
 *
 * Every descriptor is close-on-exec and made after the program was forked; the program that
 * `weir run` runs has none of them.
 */
#include "status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "status_dir.h"
#include "status_text.h"

#define CLIENTS_MAX 4u
#define BACKLOG     8
#define TRIES       3u /* another's tidying may come between, but hardly so often */

struct client {
	struct gate_status *status;
	int fd; /* -1: free */
	struct weir_watch *watch;
	struct gate_status_text text;
	char *piece; /* free()d with the client */
	size_t len, sent;
};

struct gate_status {
	struct weir_loop *loop;
	struct gate_status_dir dir;
	struct sockaddr_un at;
	int fd;
	struct weir_watch *watch;
	struct client client[CLIENTS_MAX];
	unsigned oldest; /* whose place is next */
	char *command;
};

/* --- Clients --------------------------------------------------------------------------------- */

static void drop_client(struct client *c)
{
	if (c->fd < 0)
		return;
	weir_watch_remove(c->watch);
	close(c->fd);
	free(c->piece);
	c->piece = NULL;
	c->fd = -1;
}

/* Makes the next piece. False: there is none, or no memory. */
static bool next_piece(struct client *c)
{
	struct weir_loop *loop = c->status->loop;
	FILE *out;
	bool more;

	free(c->piece);
	c->piece = NULL;
	c->len = c->sent = 0;
	out = open_memstream(&c->piece, &c->len);
	if (out == NULL)
		return false;
	more = gate_status_text_next(&c->text, weir_loop_stack(loop), weir_loop_now(loop),
				     c->status->command, out);
	return fclose(out) == 0 && more;
}

static void on_client(void *user, uint32_t events)
{
	struct client *c = user;
	ssize_t n;

	if (events & (EPOLLERR | EPOLLHUP) || (c->sent == c->len && !next_piece(c))) {
		drop_client(c);
		return;
	}
	n = send(c->fd, c->piece + c->sent, c->len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0)
		c->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		drop_client(c);
}

static void add_client(struct gate_status *s, int fd)
{
	struct client *c = &s->client[s->oldest];

	s->oldest = (s->oldest + 1) % CLIENTS_MAX;
	drop_client(c);
	*c = (struct client){.status = s, .fd = fd};
	c->watch = weir_loop_watch(s->loop, fd, EPOLLOUT, on_client, c);
	if (c->watch != NULL)
		return;
	close(fd);
	c->fd = -1;
}

static void on_connect(void *user, uint32_t events)
{
	struct gate_status *s = user;
	int fd;

	(void)events;
	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		add_client(s, fd);
}

/* --- The socket ------------------------------------------------------------------------------ */

/* Whether nobody listens there any more. */
static bool is_stale(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int bind_in(struct gate_status *s, unsigned which)
{
	const struct sockaddr *at = (const struct sockaddr *)&s->at;

	if (gate_status_dir_get(&s->dir, which, GATE_STATUS_MAKE) != 0 ||
	    gate_status_dir_socket(&s->at, &s->dir, getpid()) != 0)
		return -1;
	if (bind(s->fd, at, sizeof(s->at)) == 0)
		return 0;
	if (errno != EADDRINUSE || !is_stale(&s->at) || unlink(s->at.sun_path) != 0)
		return -1;
	return bind(s->fd, at, sizeof(s->at));
}

static int bind_somewhere(struct gate_status *s)
{
	for (unsigned i = 0; i < TRIES * GATE_STATUS_DIRS; i++)
		if (bind_in(s, i % GATE_STATUS_DIRS) == 0)
			return 0;
	return -1;
}

static void remove_socket(struct gate_status *s)
{
	(void)unlink(s->at.sun_path);
	(void)rmdir(s->dir.path); /* fails if others are there */
}

static int listen_on(struct gate_status *s)
{
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 || bind_somewhere(s) != 0)
		return -1;
	if (listen(s->fd, BACKLOG) == 0) {
		s->watch = weir_loop_watch(s->loop, s->fd, EPOLLIN | EPOLLET, on_connect, s);
		if (s->watch != NULL)
			return 0;
	}
	remove_socket(s);
	return -1;
}

struct gate_status *gate_status_open(struct weir_loop *loop, const char *command)
{
	struct gate_status *s = calloc(1, sizeof(*s));
	int saved;

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->fd = -1;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		s->client[i].fd = -1;
	s->command = strdup(command);
	if (s->command != NULL && listen_on(s) == 0)
		return s;
	saved = errno;
	if (s->fd >= 0)
		close(s->fd);
	free(s->command);
	free(s);
	errno = saved;
	return NULL;
}

void gate_status_close(struct gate_status *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		drop_client(&s->client[i]);
	weir_watch_remove(s->watch);
	remove_socket(s);
	close(s->fd);
	free(s->command);
	free(s);
}
