/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tracefs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <linux/magic.h>
#include <linux/mount.h>

static int open_mounted(void)
{
	static const char *const places[] = {
		"/sys/kernel/tracing/events",
		"/sys/kernel/debug/tracing/events",
	};
	AUTO_FD int fd = -1;
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstatfs(fd, &fs) == 0 && fs.f_type == TRACEFS_MAGIC) {
			int ret = fd;

			fd = -1;
			return ret;
		}
		close(fd);
		fd = -1;
	}
	return -ENOENT;
}

static int open_detached(void)
{
	AUTO_FD int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	AUTO_FD int mount = -1;
	int fd;

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_origin(-errno);
	mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID);
	if (mount < 0)
		return err_origin(-errno);
	fd = openat(mount, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_origin(-errno) : fd;
}

int tracefs_open(enum tracefs_how *ret_how)
{
	int fd = open_mounted();

	*ret_how = TRACEFS_MOUNTED;
	if (fd >= 0)
		return fd;
	*ret_how = TRACEFS_DETACHED;
	return open_detached();
}

int tracefs_event(int events, const char *group, const char *name)
{
	AUTO_FD int fd = -1;
	char path[160], text[16], *end;
	ssize_t n;
	long id;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s/id", group, name) >= sizeof(path))
		return err_origin(-ENOENT);
	fd = openat(events, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_origin(-errno);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_origin(-errno);
	text[n] = 0;
	id = strtol(text, &end, 10);
	if (end == text || id <= 0 || id > 1 << 20)
		return err_origin(-EBADMSG);
	return (int)id;
}
