/*
 * serve_files.c: files over HTTP/1.1, on connections of weir.
 *
 * Theory of operation
 *
 * HTTP is libmicrohttpd's. It wants sockets, so each connection gets a socket pair: the library has
 * one end (MHD_add_connection) and works on it in a thread of its own, so that a slow disk holds up
 * no segment; the other end is joined here to the weir connection.
 *
 * The join has two directions that know nothing of each other, each with one buffer at most: the
 * engine's queue and the socket's. What the socket does not take stays in the receive queue, which
 * closes the window; what the send queue does not take stays in the socket, which blocks the
 * library. The socket is watched edge-triggered for both directions at once, so every wake-up runs
 * both until neither moves.
 *
 * Ends are carried over as they are: the peer's FIN becomes a shutdown of the socket, the library's
 * close our FIN, a broken socket an abort. The peer's reset comes as CLOSED, which closes the
 * socket.
 *
 * A path is opened by openat2(2) with RESOLVE_BENEATH, so neither ".." nor a symbolic link leaves
 * the directory. Only regular files are served, and index.html for a directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "serve.h"

#define SPANS 17u
/* Connections the library holds at one time; beyond, it closes new ones at once. */
#define CONNECTIONS_MAX 4096u
/* Seconds without a byte after which the library closes a connection. */
#define IDLE_S 60u

struct file_conn {
	struct file_conn *next, *prev; /* in files->conns */
	struct serve_files *files;
	weir_conn conn;
	int fd; /* our end of the socket pair */
	struct weir_watch *watch;
	bool in_ended;  /* the peer's end was passed on to the socket */
	bool out_ended; /* the library's end was passed on to the peer */
};

struct serve_files {
	struct weir_loop *loop;
	struct MHD_Daemon *daemon;
	int dir_fd;
	struct file_conn conns; /* list head */
};

/* --- HTTP, in the library's thread --------------------------------------------------------------
 */

static const char *type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css"},
		{".js", "text/javascript"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".txt", "text/plain; charset=utf-8"},
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(dot, types[i].suffix) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

static int open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

/* Opens the regular file that `*path` names; index.html, if it names a directory. -1: none. */
static int open_file(int dir_fd, const char **path, struct stat *st)
{
	int fd = open_beneath(dir_fd, *path);

	if (fd >= 0 && fstat(fd, st) == 0 && S_ISDIR(st->st_mode)) {
		int index = open_beneath(fd, "index.html");

		close(fd);
		fd = index;
		*path = "index.html";
	}
	if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static enum MHD_Result answer_text(struct MHD_Connection *http, unsigned status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(http, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer(void *user, struct MHD_Connection *http, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	const struct serve_files *files = user;
	struct MHD_Response *r;
	enum MHD_Result result;
	struct stat st;
	int fd;

	(void)version;
	(void)upload;
	(void)upload_len;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(http, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	url += strspn(url, "/");
	if (*url == '\0')
		url = ".";
	fd = open_file(files->dir_fd, &url, &st);
	if (fd < 0)
		return answer_text(http, MHD_HTTP_NOT_FOUND, "no such file\n");
	r = MHD_create_response_from_fd64((uint64_t)st.st_size, fd); /* takes fd */
	if (r == NULL) {
		close(fd);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(url));
	result = MHD_queue_response(http, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return result;
}

/* --- The join of a connection and its socket ----------------------------------------------------
 */

static void conn_free(struct file_conn *f)
{
	f->prev->next = f->next;
	f->next->prev = f->prev;
	weir_watch_remove(f->watch);
	close(f->fd);
	free(f);
}

/* From the peer to the library. 0; -1: the socket is broken. */
static int pump_in(struct file_conn *f, struct weir_stack *s, weir_time now)
{
	struct weir_span spans[SPANS];
	struct iovec iov[SPANS];
	size_t count, bytes, i;
	ssize_t put;

	while (!f->in_ended) {
		enum weir_err err = weir_recv_peek(s, f->conn, spans, SPANS, &count, &bytes);
		struct msghdr msg = {.msg_iov = iov};

		if (err == WEIR_EOF) {
			f->in_ended = true;
			shutdown(f->fd, SHUT_WR);
		}
		if (err != WEIR_OK)
			return 0;
		for (i = 0; i < count; i++) {
			iov[i].iov_base = (void *)(uintptr_t)spans[i].bytes;
			iov[i].iov_len = spans[i].len;
		}
		msg.msg_iovlen = count;
		put = sendmsg(f->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		(void)weir_recv_consume(s, f->conn, (size_t)put, now);
	}
	return 0;
}

/* From the library to the peer. 0; -1: the socket is broken. */
static int pump_out(struct file_conn *f, struct weir_stack *s, weir_time now)
{
	struct weir_mspan spans[SPANS];
	struct iovec iov[SPANS];
	size_t count, i;
	ssize_t got;

	while (!f->out_ended) {
		size_t room = weir_send_room(s, f->conn);

		if (weir_send_reserve(s, f->conn, room > 0 ? room : 1, spans, SPANS, &count) !=
		    WEIR_OK)
			return 0;
		for (i = 0; i < count; i++) {
			iov[i].iov_base = spans[i].bytes;
			iov[i].iov_len = spans[i].len;
		}
		got = readv(f->fd, iov, (int)count);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		if (got == 0) {
			f->out_ended = true;
			(void)weir_shutdown(s, f->conn, now);
			return 0;
		}
		(void)weir_send_commit(s, f->conn, (size_t)got, 0, now);
	}
	return 0;
}

static void conn_pump(struct file_conn *f)
{
	struct weir_stack *s = weir_loop_stack(f->files->loop);
	weir_time now = weir_loop_now(f->files->loop);

	if (pump_in(f, s, now) != 0 || pump_out(f, s, now) != 0) {
		(void)weir_abort(s, f->conn, now);
		conn_free(f);
		return;
	}
	/* The library has closed its whole end: nobody reads what the peer may still send. */
	if (f->out_ended)
		(void)weir_close(s, f->conn, now);
}

static void conn_ready(void *user, uint32_t events)
{
	(void)events;
	conn_pump(user);
}

/* Hands the other end of a new socket pair to the library. Our end; -1: it could not be. */
static int socket_join(struct serve_files *files)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	/* The library takes its end even when it fails. */
	if (MHD_add_connection(files->daemon, fds[1], (struct sockaddr *)(void *)&nobody,
			       sizeof(nobody)) == MHD_YES)
		return fds[0];
	close(fds[0]);
	return -1;
}

static struct file_conn *conn_new(struct serve_files *files, weir_conn conn)
{
	struct file_conn *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->files = files;
	f->conn = conn;
	f->fd = socket_join(files);
	if (f->fd >= 0)
		f->watch = weir_loop_watch(files->loop, f->fd, EPOLLIN | EPOLLOUT | EPOLLET,
					   conn_ready, f);
	if (f->watch == NULL) {
		if (f->fd >= 0)
			close(f->fd);
		free(f);
		return NULL;
	}
	f->next = &files->conns;
	f->prev = files->conns.prev;
	f->prev->next = f;
	files->conns.prev = f;
	return f;
}

void serve_files_event(struct serve_files *files, const struct weir_event *ev)
{
	struct weir_stack *s = weir_loop_stack(files->loop);
	struct file_conn *f = (struct file_conn *)(uintptr_t)ev->user;

	if (ev->kind == WEIR_EV_ACCEPTED) {
		f = conn_new(files, ev->conn);
		if (f == NULL) {
			(void)weir_abort(s, ev->conn, weir_loop_now(files->loop));
			return;
		}
		(void)weir_conn_user_set(s, ev->conn, (uintptr_t)f);
	}
	if (f == NULL)
		return;
	if (ev->kind == WEIR_EV_CLOSED)
		conn_free(f);
	else
		conn_pump(f);
}

int serve_files_open(struct serve_files **out, struct weir_loop *loop, const char *dir)
{
	struct serve_files *files = calloc(1, sizeof(*files));

	if (files == NULL)
		return -1;
	files->loop = loop;
	files->conns.next = files->conns.prev = &files->conns;
	files->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files->dir_fd < 0) {
		free(files);
		return -1;
	}
	files->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL,
		NULL, answer, files, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
	if (files->daemon == NULL) {
		close(files->dir_fd);
		free(files);
		errno = ENOMEM;
		return -1;
	}
	*out = files;
	return 0;
}

void serve_files_close(struct serve_files *files)
{
	while (files->conns.next != &files->conns)
		conn_free(files->conns.next);
	MHD_stop_daemon(files->daemon);
	close(files->dir_fd);
	free(files);
}
