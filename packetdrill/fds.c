#include "fds.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pd.h"

int pd_fds_open(struct pd *pd, struct pd_file *f, enum pd_kind kind)
{
	struct stat st;
	int fd = memfd_create("weir", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fd >= (int)PD_FDS_MAX || fstat(fd, &st) != 0) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	f->kind = kind;
	f->fd = fd;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	pd->fds.file[fd] = f;
	pd->fds.count++;
	return 0;
}

struct pd_file *pd_fds_get(struct pd *pd, int fd)
{
	if (fd >= 0 && fd < (int)PD_FDS_MAX && pd->fds.file[fd] != NULL)
		return pd->fds.file[fd];
	errno = EBADF;
	return NULL;
}

static bool still_ours(const struct pd_file *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino;
}

void pd_fds_close(struct pd *pd, struct pd_file *f)
{
	if (f->fd < 0)
		return;
	if (still_ours(f))
		close(f->fd);
	pd->fds.file[f->fd] = NULL;
	pd->fds.count--;
	f->fd = -1;
}

bool pd_fds_any_stolen(const struct pd *pd)
{
	for (unsigned i = 0; i < PD_FDS_MAX; i++)
		if (pd->fds.file[i] != NULL && !still_ours(pd->fds.file[i]))
			return true;
	return false;
}
