/*
 * inherited.c: lets go of what only the program should hold.
 */
#include "inherited.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* open() takes the lowest number that is free. */
static void fill_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void gate_inherited_note(struct gate_inherited *list)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	list->count = 0;
	fill_standard_streams();
	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL && list->count < GATE_INHERITED_MAX) {
		fd = atoi(entry->d_name); /* "." and ".." give 0 */
		if (fd > STDERR_FILENO && fd != dirfd(dir))
			list->fd[list->count++] = fd;
	}
	closedir(dir);
}

void gate_inherited_release(const struct gate_inherited *list)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t i;

	for (i = 0; i < list->count; i++)
		close(list->fd[i]);
	if (null < 0)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}
