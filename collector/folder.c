/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/folder.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "lib/file.h"

enum { TENTHS = 10 }; /* of a second: one that was killed may still be taken down */

static int make_folder(const char *dir, struct diag *d)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", dir,
				strerror(errno));
	return 0;
}

/* One collector a folder: by a file in it, which older ones look at, and by the folder itself, for
 * who removes that file.  The descriptors stay open, and the locks with them, until exit. */
static int lock_folder(const char *dir, struct diag *d)
{
	char path[512];
	int fd, r;

	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot open %s: %s", path,
				strerror(errno));
	r = file_lock(fd, TENTHS);
	if (r == 0)
		r = file_lock_folder(dir, TENTHS);
	if (r >= 0 || r != -EBUSY)
		return 0;
	close(fd);
	return diag_set(d, r, 0, 0, "another collector runs in the folder %s", dir);
}

int folder_take(const char *dir, struct diag *d)
{
	int r = make_folder(dir, d);

	return r < 0 ? r : lock_folder(dir, d);
}

int folder_as_owner(const char *dir, struct diag *d)
{
	struct stat st;

	if (geteuid() != 0 || stat(dir, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setegid(st.st_gid) < 0 || seteuid(st.st_uid) < 0)
		return diag_set(d, err_origin(-errno), 0, 0,
				"cannot act as user %u, who owns the folder %s: %s",
				(unsigned)st.st_uid, dir, strerror(errno));
	return 0;
}
