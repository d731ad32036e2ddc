/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

static int read_all(int fd, char *to, size_t cap, size_t *ret_n)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, to + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_origin(-errno);
		n += (size_t)got;
		if (got == 0)
			break;
		if (n == cap)
			return err_origin(-EFBIG);
	}
	to[n] = '\0';
	*ret_n = n;
	return 0;
}

int file_read(const char *path, char *to, size_t cap, size_t *ret_n, struct diag *d)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	int r = fd < 0 ? err_origin(-errno) : read_all(fd, to, cap, &n);

	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot read %s: %s", path, strerror(-r));
	if (ret_n)
		*ret_n = n;
	return 0;
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t put = write(fd, text, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_origin(-errno);
		text += put;
		n -= (size_t)put;
	}
	return fsync(fd) < 0 ? err_origin(-errno) : 0;
}

int file_lock(int fd, unsigned tenths)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			return err_origin(-errno);
		if (i == tenths)
			return err_origin(-EBUSY);
		nanosleep(&pause, NULL);
	}
	return 0;
}

int file_lock_folder(const char *dir, unsigned tenths)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? err_origin(-errno) : file_lock(fd, tenths);

	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int file_sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];
	AUTO_FD int fd = -1;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	fd = open(dir[0] ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? err_origin(-errno) : 0;
}

static int write_new(const char *name, const char *text, size_t n, unsigned mode)
{
	AUTO_FD int fd = -1;

	if (unlink(name) < 0 && errno != ENOENT)
		return err_origin(-errno);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return err_origin(-errno);
	return write_all(fd, text, n);
}

int file_write(const char *path, const char *text, size_t n, unsigned mode, struct diag *d)
{
	char name[4096];
	int r;

	if ((size_t)snprintf(name, sizeof(name), "%s.new", path) >= sizeof(name))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0, "the path %.64s... is too long",
				path);
	r = write_new(name, text, n, mode);
	if (r == 0 && rename(name, path) < 0)
		r = err_origin(-errno);
	if (r == 0)
		r = file_sync_folder_of(path);
	return r == 0 ? 0 : diag_set(d, r, 0, 0, "cannot write %s: %s", path, strerror(-r));
}
