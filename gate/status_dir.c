/*
 * status_dir.c: where instances of weir are found.
 */
#include "status_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER_DIR "/run/user"

/* Not followed if it is a link: in /tmp anybody may put one. */
static int check_own(const char *path, mode_t forbidden, struct stat *st)
{
	if (lstat(path, st) != 0)
		return -1;
	if (S_ISDIR(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & forbidden) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

/* "weir" in the user's run-time folder `base`. */
static int name_below(struct gate_status_dir *d, const char *base)
{
	struct stat st;

	if (base == NULL || base[0] != '/') {
		errno = ENOENT;
		return -1;
	}
	if (stat(base, &st) != 0)
		return -1;
	if (st.st_uid != geteuid()) {
		errno = EPERM;
		return -1;
	}
	if ((size_t)snprintf(d->path, sizeof(d->path), "%s/weir", base) < sizeof(d->path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int name_dir(struct gate_status_dir *d, unsigned which)
{
	unsigned long uid = geteuid();
	char base[64];

	switch (which) {
	case 0:
		return name_below(d, getenv("XDG_RUNTIME_DIR"));
	case 1:
		snprintf(base, sizeof(base), USER_DIR "/%lu", uid);
		return name_below(d, base);
	default:
		snprintf(d->path, sizeof(d->path), "/tmp/weir-%lu", uid);
		return 0;
	}
}

int gate_status_dir_get(struct gate_status_dir *out, unsigned which, enum gate_status_make make)
{
	struct stat st;

	if (name_dir(out, which) != 0)
		return -1;
	if (make == GATE_STATUS_MAKE && mkdir(out->path, 0700) != 0 && errno != EEXIST)
		return -1;
	if (check_own(out->path, S_IRWXG | S_IRWXO, &st) != 0)
		return -1;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

int gate_status_dir_socket(struct sockaddr_un *out, const struct gate_status_dir *dir, pid_t pid)
{
	size_t size = sizeof(out->sun_path);

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	if ((size_t)snprintf(out->sun_path, size, "%s/%ld.sock", dir->path, (long)pid) < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}
