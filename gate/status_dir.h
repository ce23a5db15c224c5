/*
 * status_dir.h: the folders in which running instances of weir are found, each by a Unix socket
 * PID.sock (status.h). They are, in this order:
 *
 *   0  $XDG_RUNTIME_DIR/weir
 *   1  /run/user/UID/weir
 *   2  /tmp/weir-UID
 *
 * An instance uses the first that can be had; who looks for instances looks into all, as they may
 * have been started with another environment. A folder counts only if it is ours and nobody else
 * may enter it, and the first two only in a folder that is ours: what root makes under sudo must
 * not lie in the way of the user.
 */
#ifndef GATE_STATUS_DIR_H
#define GATE_STATUS_DIR_H

#include <sys/types.h>
#include <sys/un.h>

#define GATE_STATUS_DIRS 3u

enum gate_status_make { GATE_STATUS_FIND, GATE_STATUS_MAKE };

struct gate_status_dir {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev; /* which it is: two paths may lead to one folder */
	ino_t ino;
};

/* Folder `which`, below GATE_STATUS_DIRS. 0; -1 with errno: it cannot be had (ENOENT, EPERM: it is
 * another's or open to others, ENAMETOOLONG, ...). */
int gate_status_dir_get(struct gate_status_dir *out, unsigned which, enum gate_status_make make);

/* The socket of process `pid` in that folder. 0; -1 with errno ENAMETOOLONG. */
int gate_status_dir_socket(struct sockaddr_un *out, const struct gate_status_dir *dir, pid_t pid);

#endif
