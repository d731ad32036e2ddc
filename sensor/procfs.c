/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { TEXT_BYTES = 8192, KERNEL_THREAD = 0x00200000 /* PF_KTHREAD */ };

struct procfs {
	int fd;
	struct procfs_process found;
	char text[TEXT_BYTES];
};

/* ---- words of a line ---- */

struct cursor {
	const char *p, *end;
};

/* Reads a decimal number after blanks.  Returns false when there is none or it does not fit. */
static bool next_u64(struct cursor *c, uint64_t *ret)
{
	uint64_t v = 0;
	const char *begin;

	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
	for (begin = c->p; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c->p - '0'), &v))
			return false;
	*ret = v;
	return c->p > begin;
}

static bool next_u32(struct cursor *c, uint32_t *ret)
{
	uint64_t v;

	if (!next_u64(c, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* Passes over @count words. */
static bool skip_words(struct cursor *c, int count)
{
	for (; count > 0; count--) {
		while (c->p < c->end && *c->p == ' ')
			c->p++;
		if (c->p == c->end)
			return false;
		while (c->p < c->end && *c->p != ' ')
			c->p++;
	}
	return true;
}

/* ---- stat ---- */

/* comm stands in parentheses and may hold any byte, ")" too: the last ")" ends it. */
static bool parse_comm(struct cursor *c, struct procfs_stat *ret)
{
	const char *open = memchr(c->p, '(', (size_t)(c->end - c->p));
	const char *close = open ? memrchr(open, ')', (size_t)(c->end - open)) : NULL;
	size_t n;

	if (!close)
		return false;
	n = MIN((size_t)(close - open - 1), sizeof(ret->comm) - 1);
	memcpy(ret->comm, open + 1, n);
	ret->comm[n] = 0;
	ret->n_comm = (uint32_t)n;
	c->p = close + 1;
	return true;
}

int procfs_parse_stat(const char *s, size_t n, struct procfs_stat *ret)
{
	struct cursor c = { s, s + n };

	if (!next_u32(&c, &ret->pid) || !parse_comm(&c, ret))
		return err_origin(-EBADMSG);
	/* state ppid pgrp session tty tpgid flags, then 12 more up to the start time */
	if (!skip_words(&c, 1) || !next_u32(&c, &ret->ppid) || !skip_words(&c, 1) ||
	    !next_u32(&c, &ret->sid) || !next_u32(&c, &ret->tty) || !skip_words(&c, 1) ||
	    !next_u32(&c, &ret->flags) || !skip_words(&c, 12) || !next_u64(&c, &ret->start_ticks))
		return err_origin(-EBADMSG);
	return 0;
}

/* ---- status ---- */

static bool parse_ids(struct cursor c, uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	return next_u32(&c, real) && next_u32(&c, effective) && next_u32(&c, saved);
}

static void parse_last(struct cursor c, uint32_t *ret)
{
	uint32_t v;

	while (next_u32(&c, &v))
		*ret = v;
}

/* True when the line begins with @key; @value is then what follows. */
static bool line_is(const char *line, const char *end, const char *key, struct cursor *value)
{
	size_t n = strlen(key);

	if ((size_t)(end - line) < n || memcmp(line, key, n) != 0)
		return false;
	*value = (struct cursor){ line + n, end };
	return true;
}

int procfs_parse_status(const char *s, size_t n, struct procfs_status *ret)
{
	const char *end = s + n;
	bool uids = false, gids = false;
	struct cursor value;

	*ret = (struct procfs_status){ 0 };
	while (s < end) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));

		if (!stop)
			stop = end;
		if (line_is(s, stop, "Uid:", &value))
			uids = parse_ids(value, &ret->uid, &ret->euid, &ret->suid);
		else if (line_is(s, stop, "Gid:", &value))
			gids = parse_ids(value, &ret->gid, &ret->egid, &ret->sgid);
		else if (line_is(s, stop, "NSpid:", &value))
			parse_last(value, &ret->vpid);
		s = stop + 1;
	}
	return uids && gids ? 0 : err_origin(-EBADMSG);
}

/* ---- files ---- */

int procfs_new(struct procfs **ret, const char *root)
{
	AUTO(procfs) *p = calloc(1, sizeof(*p));

	if (!p)
		return err_origin(-ENOMEM);
	p->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0)
		return err_origin(-errno);
	*ret = TAKE(p);
	return 0;
}

struct procfs *procfs_free(struct procfs *p)
{
	if (!p)
		return NULL;
	if (p->fd >= 0)
		close(p->fd);
	free(p);
	return NULL;
}

/* Reads up to @cap bytes of PID/@name.  Returns how many, or -ENOENT. */
static ssize_t read_file(struct procfs *p, uint32_t pid, const char *name, char *to, size_t cap)
{
	AUTO_FD int fd = -1;
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "%u/%s", pid, name);
	fd = openat(p->fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	while (n < cap) {
		ssize_t got = read(fd, to + n, cap - n);

		if (got < 0)
			return -ENOENT;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

/* Reads a link; " (deleted)", which the kernel appends, is cut off.  Empty when not readable. */
static size_t read_link(struct procfs *p, uint32_t pid, const char *name, char *to)
{
	static const char deleted[] = " (deleted)";
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/%s", pid, name);
	n = readlinkat(p->fd, path, to, PROCFS_PATH_BYTES - 1);
	if (n < 0)
		n = 0;
	if ((size_t)n > sizeof(deleted) - 1 &&
	    memcmp(to + n - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1) == 0)
		n -= (ssize_t)sizeof(deleted) - 1;
	to[n] = 0;
	return (size_t)n;
}

static void read_args(struct procfs *p, uint32_t pid, struct procfs_process *f)
{
	ssize_t n = read_file(p, pid, "cmdline", f->args, sizeof(f->args));

	f->n_args = n > 0 ? (size_t)n : 0;
	f->args_truncated = f->n_args == sizeof(f->args);
	if (f->n_args && f->args[f->n_args - 1]) { /* setproctitle() leaves no NUL at times */
		if (f->n_args == sizeof(f->args))
			f->n_args--;
		f->args[f->n_args++] = 0;
	}
}

static void read_exe_file(struct procfs *p, uint32_t pid, struct hash_key *ret)
{
	struct stat st;
	char path[64];

	*ret = (struct hash_key){ 0 };
	snprintf(path, sizeof(path), "%u/exe", pid);
	if (fstatat(p->fd, path, &st, 0) == 0)
		hash_key_of(ret, &st);
}

static uint32_t read_loginuid(struct procfs *p, uint32_t pid)
{
	ssize_t n = read_file(p, pid, "loginuid", p->text, sizeof(p->text));
	struct cursor c = { p->text, p->text + MAX(n, 0) };
	uint32_t v;

	return next_u32(&c, &v) ? v : UINT32_MAX;
}

static int read_stat(struct procfs *p, uint32_t pid, struct procfs_stat *ret)
{
	ssize_t n = read_file(p, pid, "stat", p->text, sizeof(p->text));

	if (n < 0)
		return (int)n;
	return procfs_parse_stat(p->text, (size_t)n, ret);
}

int procfs_start_ticks(struct procfs *p, uint32_t pid, uint64_t *ret)
{
	int r = read_stat(p, pid, &p->found.stat);

	if (r == 0)
		*ret = p->found.stat.start_ticks;
	return r;
}

int procfs_read(struct procfs *p, uint32_t pid, const struct procfs_process **ret)
{
	struct procfs_process *f = &p->found;
	ssize_t n;
	int r;

	r = read_stat(p, pid, &f->stat);
	if (r < 0)
		return r;
	n = read_file(p, pid, "status", p->text, sizeof(p->text));
	if (n < 0)
		return (int)n;
	r = procfs_parse_status(p->text, (size_t)n, &f->status);
	if (r < 0)
		return r;
	n = read_file(p, pid, "cgroup", p->text, sizeof(p->text));
	(void)container_parse(p->text, n > 0 ? (size_t)n : 0, &f->container);
	f->kernel_thread = f->stat.flags & KERNEL_THREAD;
	f->n_exe = read_link(p, pid, "exe", f->exe);
	f->n_cwd = read_link(p, pid, "cwd", f->cwd);
	read_exe_file(p, pid, &f->exe_file);
	f->loginuid = read_loginuid(p, pid);
	read_args(p, pid, f);
	*ret = f;
	return 0;
}

static uint32_t pid_of(const char *name)
{
	struct cursor c = { name, name + strlen(name) };
	uint32_t pid;

	return next_u32(&c, &pid) && c.p == c.end ? pid : 0;
}

int procfs_each(struct procfs *p, int (*each)(const struct procfs_process *found, void *arg),
		void *arg)
{
	int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct procfs_process *found;
	struct dirent *e;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return err_origin(r);
	}
	while (r == 0 && (e = readdir(dir))) {
		uint32_t pid = pid_of(e->d_name);

		if (pid && procfs_read(p, pid, &found) == 0)
			r = each(found, arg);
	}
	closedir(dir);
	return r;
}

const char *procfs_tty_name(uint32_t tty, char *buf, size_t n)
{
	uint32_t major = tty >> 8 & 0xfff, minor = (tty & 0xff) | (tty >> 12 & 0xfff00);

	if (major >= 136 && major <= 143)
		snprintf(buf, n, "pts/%u", (major - 136) * 256 + minor);
	else if (major == 4 && minor < 64)
		snprintf(buf, n, "tty%u", minor);
	else if (major == 4)
		snprintf(buf, n, "ttyS%u", minor - 64);
	else if (major == 204 && minor >= 64)
		snprintf(buf, n, "ttyAMA%u", minor - 64);
	else if (major == 229)
		snprintf(buf, n, "hvc%u", minor);
	else
		return NULL;
	return buf;
}
