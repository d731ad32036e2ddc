/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/layer.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/util.h"

enum { PLAN_BYTES = 256, THOUSAND = 1000 };

struct plan {
	char text[PLAN_BYTES]; /* as it was read */
	long clock_s;
	char action[16], call[16], pattern[128];
	unsigned n;
	int error;
};

static struct {
	pthread_mutex_t lock;
	struct layer_calls below;
	int (*fsync)(int fd), (*fdatasync)(int fd);
	ssize_t (*write)(int fd, const void *data, size_t n);
	const char *file; /* the plan, mapped; NULL: there is none */
	char root[LAYER_PATH_BYTES];
	size_t n_root;
	struct plan plan;
	unsigned n_calls; /* that matched the plan */
	uint64_t random;
} l = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t next_random(void)
{
	l.random ^= l.random << 13;
	l.random ^= l.random >> 7;
	l.random ^= l.random << 17;
	return l.random;
}

/* ---- the plan ---- */

static void map_plan(void)
{
	const char *path = getenv("LAYER_PLAN");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, PLAN_BYTES, PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (at != MAP_FAILED)
		l.file = at;
}

static void find_calls(void)
{
	*(void **)&l.below.pread = dlsym(RTLD_NEXT, "pread64");
	*(void **)&l.below.pwrite = dlsym(RTLD_NEXT, "pwrite64");
	*(void **)&l.below.ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
	*(void **)&l.below.rename = dlsym(RTLD_NEXT, "rename");
	*(void **)&l.below.unlink = dlsym(RTLD_NEXT, "unlink");
	*(void **)&l.fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&l.fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	*(void **)&l.write = dlsym(RTLD_NEXT, "write");
}

__attribute__((constructor)) static void begin(void)
{
	const char *root = getenv("LAYER_ROOT");
	char graveyard[LAYER_PATH_BYTES + 16];
	struct timespec t;

	find_calls();
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	l.random = ((uint64_t)t.tv_nsec << 20 ^ (uint64_t)getpid()) | 1;
	if (!root)
		return;
	snprintf(l.root, sizeof(l.root), "%s/", root);
	l.n_root = strlen(l.root);
	snprintf(graveyard, sizeof(graveyard), "%s.graves", root);
	(void)mkdir(graveyard, 0700);
	undo_init(&l.below, graveyard);
	map_plan();
}

static void read_plan(void)
{
	struct plan *p = &l.plan;

	if (!l.file || memcmp(l.file, p->text, PLAN_BYTES) == 0)
		return;
	memset(p, 0, sizeof(*p));
	memcpy(p->text, l.file, PLAN_BYTES - 1);
	l.n_calls = 0;
	if (sscanf(p->text, "%ld %15s %15s %u %d %127s", &p->clock_s, p->action, p->call, &p->n,
		   &p->error, p->pattern) != 6)
		snprintf(p->action, sizeof(p->action), "none");
	p->text[PLAN_BYTES - 1] = l.file[PLAN_BYTES - 1];
}

enum fate { GO_ON, FAIL, SHORT, KILL, CUT };

/* What becomes of a call on a file of the root. */
static enum fate decide(const char *call, const char *path)
{
	struct plan *p = &l.plan;

	read_plan();
	if (p->action[0] == 0 || strcmp(p->action, "none") == 0 ||
	    (strcmp(p->call, "any") != 0 && strcmp(p->call, call) != 0) ||
	    fnmatch(p->pattern, path + l.n_root, 0) != 0)
		return GO_ON;
	if (strcmp(p->action, "fail") == 0)
		return next_random() % THOUSAND < p->n ? FAIL : GO_ON;
	if (strcmp(p->action, "short") == 0)
		return next_random() % THOUSAND < p->n ? SHORT : GO_ON;
	if (++l.n_calls != p->n)
		return GO_ON;
	return strcmp(p->action, "cut") == 0 ? CUT : KILL;
}

/* The lock stays held: no other thread writes any more. */
static void die(enum fate fate)
{
	if (fate == CUT)
		undo_all(next_random());
	syscall(SYS_kill, getpid(), SIGKILL);
	for (;;)
		pause();
}

/* ---- which file it is ---- */

/* The path of @fd when it lies below the root.  Files that are not regular cost one fstat. */
static bool path_of(int fd, char path[LAYER_PATH_BYTES])
{
	char link[64];
	struct stat st;
	ssize_t n;

	if (l.n_root == 0 || fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) ||
	    st.st_nlink == 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, LAYER_PATH_BYTES - 1);
	if (n <= 0)
		return false;
	path[n] = 0;
	return strncmp(path, l.root, l.n_root) == 0 ||
	       (strncmp(path, l.root, l.n_root - 1) == 0 && path[l.n_root - 1] == 0);
}

static bool is_ours(const char *path)
{
	return l.n_root && strncmp(path, l.root, l.n_root) == 0;
}

static int failed(void)
{
	pthread_mutex_unlock(&l.lock);
	errno = l.plan.error;
	return -1;
}

/* ---- calls ---- */

static ssize_t write_at(int fd, const char *path, const void *data, size_t n, off_t at)
{
	enum fate fate;
	ssize_t done;
	int error;

	pthread_mutex_lock(&l.lock);
	fate = decide("write", path);
	if (fate == FAIL)
		return failed();
	if (fate != GO_ON && n > 1)
		n /= 2; /* the middle of it */
	undo_note_write(fd, path, data, n, at);
	done = l.below.pwrite(fd, data, n, at);
	error = errno;
	if (fate >= KILL)
		die(fate);
	pthread_mutex_unlock(&l.lock);
	errno = error;
	return done;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	char path[LAYER_PATH_BYTES];

	if (path_of(fd, path))
		return write_at(fd, path, data, n, at);
	return l.below.pwrite(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
	return pwrite(fd, data, n, at);
}

ssize_t write(int fd, const void *data, size_t n)
{
	char path[LAYER_PATH_BYTES];
	off_t at;
	ssize_t done;

	if (!l.write) /* before our constructor */
		return syscall(SYS_write, fd, data, n);
	if (!path_of(fd, path))
		return l.write(fd, data, n);
	at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
	done = write_at(fd, path, data, n, at);
	if (done > 0)
		lseek(fd, at + done, SEEK_SET);
	return done;
}

static int sync_with(int (*sync)(int fd), int fd)
{
	char path[LAYER_PATH_BYTES];
	enum fate fate;
	int r;

	if (!path_of(fd, path))
		return sync(fd);
	pthread_mutex_lock(&l.lock);
	fate = decide("sync", path);
	if (fate == FAIL)
		return failed();
	if (fate >= KILL)
		die(fate);
	r = sync(fd);
	if (r == 0)
		undo_synced(fd, path);
	pthread_mutex_unlock(&l.lock);
	return r;
}

int fsync(int fd)
{
	return sync_with(l.fsync, fd);
}

int fdatasync(int fd)
{
	return sync_with(l.fdatasync, fd);
}

int ftruncate(int fd, off_t n)
{
	char path[LAYER_PATH_BYTES];
	enum fate fate;
	int r;

	if (!path_of(fd, path))
		return l.below.ftruncate(fd, n);
	pthread_mutex_lock(&l.lock);
	fate = decide("truncate", path);
	if (fate == FAIL)
		return failed();
	undo_note_truncate(fd, path, n);
	r = l.below.ftruncate(fd, n);
	if (fate >= KILL)
		die(fate);
	pthread_mutex_unlock(&l.lock);
	return r;
}

int ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

int rename(const char *from, const char *to)
{
	enum fate fate;
	int r;

	if (!is_ours(from))
		return l.below.rename(from, to);
	pthread_mutex_lock(&l.lock);
	fate = decide("rename", from);
	if (fate == FAIL)
		return failed();
	undo_note_rename(from, to);
	r = l.below.rename(from, to);
	if (fate >= KILL)
		die(fate);
	pthread_mutex_unlock(&l.lock);
	return r;
}

int unlink(const char *path)
{
	enum fate fate;
	int r;

	if (!is_ours(path))
		return l.below.unlink(path);
	pthread_mutex_lock(&l.lock);
	fate = decide("unlink", path);
	if (fate == FAIL)
		return failed();
	undo_note_unlink(path);
	r = l.below.unlink(path);
	if (fate >= KILL)
		die(fate);
	pthread_mutex_unlock(&l.lock);
	return r;
}

/* ---- files that are made ---- */

static int open_with(int dir, const char *path, int flags, mode_t mode)
{
	bool made;
	int fd;

	if (!(flags & (O_CREAT | O_TRUNC)) || flags & O_DIRECTORY || !is_ours(path))
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	pthread_mutex_lock(&l.lock);
	made = flags & O_CREAT && access(path, F_OK) < 0;
	fd = made || !(flags & O_TRUNC) ? -1
					: (int)syscall(SYS_openat, dir, path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		undo_note_truncate(fd, path, 0);
		close(fd);
	}
	fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (fd >= 0 && made)
		undo_note_made(path);
	pthread_mutex_unlock(&l.lock);
	return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name_)                                            \
	int name_(const char *path, int flags, ...)            \
	{                                                      \
		va_list ap;                                    \
		mode_t mode;                                   \
                                                               \
		va_start(ap, flags);                           \
		mode = mode_of(flags, ap);                     \
		va_end(ap);                                    \
		return open_with(AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(name_)                                        \
	int name_(int dir, const char *path, int flags, ...) \
	{                                                    \
		va_list ap;                                  \
		mode_t mode;                                 \
                                                             \
		va_start(ap, flags);                         \
		mode = mode_of(flags, ap);                   \
		va_end(ap);                                  \
		return open_with(dir, path, flags, mode);    \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* ---- links ---- */

/* What somebody does who gets into the process: programs go, and nobody tells it. */
static void close_links(unsigned most)
{
	enum { FDS = 1024 };
	char link[64], target[64];
	ssize_t n;

	for (int fd = 3; fd < FDS && most; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		if (strstr(target, "bpf_link")) {
			close(fd);
			most--;
		}
	}
}

static void unhook(void)
{
	pthread_mutex_lock(&l.lock);
	read_plan();
	if (strcmp(l.plan.action, "unhook") == 0 && l.n_calls++ == 0)
		close_links(l.plan.n);
	pthread_mutex_unlock(&l.lock);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	long r = syscall(SYS_clock_gettime, clock, ts);

	if (l.file && memmem(l.file, PLAN_BYTES, " unhook ", 8))
		unhook();
	if (r == 0 && l.file && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += strtol(l.file, NULL, 10);
	return (int)r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	int r = clock_gettime(CLOCK_REALTIME, &ts);

	(void)zone;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return r;
}

time_t time(time_t *ret)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
