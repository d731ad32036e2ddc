/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { TRIES = 10 };

static int make_folder(const char *dir, struct diag *d)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", dir,
				strerror(errno));
	return 0;
}

/* One collector a folder.  The descriptor stays open, and the lock with it, until exit. */
static int lock_folder(const char *dir, struct diag *d)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	char path[512];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot open %s: %s", path,
				strerror(errno));
	for (unsigned i = 0; i < TRIES; i++) { /* one that was killed may still be taken down */
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return diag_set(d, err_origin(-EBUSY), 0, 0, "another collector runs in the folder %s",
			dir);
}

int folder_take(const char *dir, struct diag *d)
{
	int r = make_folder(dir, d);

	return r < 0 ? r : lock_folder(dir, d);
}
