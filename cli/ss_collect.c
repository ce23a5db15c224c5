/*
 * ss_collect.c: asks the running instances of weir.
 *
 * Each instance has a socket PID.sock in one of the folders of gate/status_dir.h; to connect is to
 * ask, and the answer ends with the stream. All are read at once, so that one that hangs (a stopped
 * process, say) costs a second and no more, however many there are.
 *
 * A socket where nobody listens is removed if there is no process of that number; if there is, it
 * may be between bind() and listen().
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "gate/status_dir.h"
#include "ss.h"

#define COMMAND   "ss"
#define READ_STEP 65536u

enum answer { ANSWER_COMING, ANSWER_WHOLE, ANSWER_BROKEN, ANSWER_LONG };

struct instance {
	pid_t pid;
	int fd; /* -1: closed */
	enum answer state;
	char *text;
	size_t len, room;
};

struct asked {
	struct instance *of; /* SS_INSTANCES_MAX */
	unsigned count, failed;
	bool told_more;
};

static bool is_process(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

static void complain_of(struct asked *a, pid_t pid, const char *what)
{
	cli_complain(COMMAND, "process %ld %s", (long)pid, what);
	a->failed++;
}

/* --- Finding --------------------------------------------------------------------------------- */

static void add_instance(struct asked *a, pid_t pid, int fd)
{
	if (a->count < SS_INSTANCES_MAX) {
		a->of[a->count++] = (struct instance){.pid = pid, .fd = fd};
		return;
	}
	close(fd);
	if (!a->told_more)
		cli_complain(COMMAND, "more than %u instances: the others are left out",
			     SS_INSTANCES_MAX);
	a->failed++;
	a->told_more = true;
}

static void ask(struct asked *a, const struct gate_status_dir *dir, pid_t pid)
{
	struct sockaddr_un at;
	int fd;

	if (gate_status_dir_socket(&at, dir, pid) != 0)
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		add_instance(a, pid, fd);
		return;
	}
	if (errno == ECONNREFUSED) {
		if (!is_process(pid) && unlink(at.sun_path) == 0)
			(void)rmdir(dir->path); /* fails if others are there */
	} else if (errno == EAGAIN) {           /* its backlog is full */
		complain_of(a, pid, "does not answer");
	} else if (errno != ENOENT) { /* it has just ended */
		complain_of(a, pid, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
}

/* The number of "PID.sock"; 0: it is no such name. */
static pid_t read_name(const char *name)
{
	const char *dot = strchr(name, '.');
	char digits[16];
	uint64_t pid;

	if (dot == NULL || strcmp(dot, ".sock") != 0 || (size_t)(dot - name) >= sizeof(digits))
		return 0;
	memcpy(digits, name, (size_t)(dot - name));
	digits[dot - name] = '\0';
	return cli_read_number(digits, 1, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

static void ask_dir(struct asked *a, const struct gate_status_dir *dir)
{
	DIR *list = opendir(dir->path);
	struct dirent *entry;
	pid_t pid;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL) {
		pid = read_name(entry->d_name);
		if (pid > 0)
			ask(a, dir, pid);
	}
	closedir(list);
}

static void ask_all(struct asked *a)
{
	struct gate_status_dir dir[GATE_STATUS_DIRS];
	unsigned known = 0, j;

	for (unsigned i = 0; i < GATE_STATUS_DIRS; i++) {
		if (gate_status_dir_get(&dir[known], i, GATE_STATUS_FIND) != 0)
			continue;
		for (j = 0; j < known; j++)
			if (dir[j].dev == dir[known].dev && dir[j].ino == dir[known].ino)
				break;
		if (j == known)
			ask_dir(a, &dir[known++]);
	}
}

/* --- Listening ------------------------------------------------------------------------------- */

static void end_answer(struct instance *i, enum answer state)
{
	i->state = state;
	close(i->fd);
	i->fd = -1;
}

static void read_some(struct instance *i)
{
	char *text;
	ssize_t n;

	if (i->room - i->len < READ_STEP) {
		i->room = i->room * 2 + READ_STEP;
		text = i->room <= SS_ANSWER_MAX ? realloc(i->text, i->room) : NULL;
		if (text == NULL) {
			end_answer(i, ANSWER_LONG);
			return;
		}
		i->text = text;
	}
	n = read(i->fd, i->text + i->len, READ_STEP);
	if (n > 0)
		i->len += (size_t)n;
	else if (n == 0)
		end_answer(i, ANSWER_WHOLE);
	else if (errno != EAGAIN && errno != EINTR)
		end_answer(i, ANSWER_BROKEN);
}

/* Reads until all have ended, or none has said a word for SS_SILENCE_MS. */
static void listen_to_all(struct asked *a)
{
	static struct pollfd fds[SS_INSTANCES_MAX]; /* poll() passes over those of -1 */
	unsigned open;

	for (;;) {
		open = 0;
		for (unsigned i = 0; i < a->count; i++) {
			fds[i] = (struct pollfd){.fd = a->of[i].fd, .events = POLLIN};
			open += a->of[i].fd >= 0;
		}
		if (open == 0 || poll(fds, a->count, SS_SILENCE_MS) <= 0)
			return;
		for (unsigned i = 0; i < a->count; i++)
			if (fds[i].revents != 0)
				read_some(&a->of[i]);
	}
}

/* --- What they said -------------------------------------------------------------------------- */

/* Takes instance `i` apart. NULL: there is nothing to show. */
static json_t *read_answer(struct asked *a, struct instance *i)
{
	json_t *answer = NULL;

	switch (i->state) {
	case ANSWER_COMING:
		close(i->fd);
		complain_of(a, i->pid, "does not answer");
		break;
	case ANSWER_WHOLE:
	case ANSWER_BROKEN:
		answer = json_loadb(i->text != NULL ? i->text : "", i->len, 0, NULL);
		/* One that ends meanwhile breaks off, and is none any more. */
		if (answer == NULL && is_process(i->pid))
			complain_of(a, i->pid, "broke off its answer");
		break;
	case ANSWER_LONG:
		complain_of(a, i->pid, "has more to say than can be read");
		break;
	}
	free(i->text);
	return answer;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = ((const struct instance *)a)->pid, y = ((const struct instance *)b)->pid;

	return (x > y) - (x < y);
}

json_t *ss_collect(unsigned *failed)
{
	struct asked a = {.of = calloc(SS_INSTANCES_MAX, sizeof(*a.of))};
	json_t *instances = json_array();
	json_t *answer;

	if (a.of != NULL && instances != NULL) {
		ask_all(&a);
		listen_to_all(&a);
		qsort(a.of, a.count, sizeof(*a.of), compare_pids);
		for (unsigned i = 0; i < a.count; i++) {
			answer = read_answer(&a, &a.of[i]);
			if (answer != NULL)
				(void)json_array_append_new(instances, answer);
		}
	} else {
		cli_complain(COMMAND, "out of memory");
		a.failed++;
	}
	free(a.of);
	*failed = a.failed;
	return instances;
}
