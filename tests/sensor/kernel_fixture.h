/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_fixture - what the tests of the kernel side share: a network namespace of their own (the
 * probe watches only that, so nothing else on the machine disturbs), a folder, records. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "sensor/probe.h"
#include "sensor/record.h"
#include "sensor/ring.h"

struct fixture {
	struct probe *probe;
	struct ring *ring;
	struct buf records; /* copies, 8-byte aligned, one after another */
	uint32_t netns;
	char dir[PATH_MAX]; /* real path of a folder of ours, the current directory of each test */
};

/* --- time and names --- */
static inline uint64_t boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline UNUSED void sleep_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* Start of process @pid in clock ticks, from /proc. */
static inline UNUSED uint64_t start_ticks(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks = 0;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	assert_int_equal(sscanf(strrchr(text, ')') + 2,
				"%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
				"%*s %*s %*s %llu",
				&ticks),
			 1);
	return ticks;
}

static inline UNUSED void assert_start(uint64_t start_ns, pid_t pid)
{
	assert_int_equal(start_ns / (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK)),
			 start_ticks(pid));
}

/* Joins walked components to a path. */
static inline UNUSED const char *path_text(const char *parts, size_t n, char *ret, size_t size)
{
	size_t at = size - 1;

	ret[at] = 0;
	for (const char *c = parts; c < parts + n; c += strlen(c) + 1) {
		assert_true(strlen(c) + 1 <= at);
		at -= strlen(c);
		memcpy(ret + at, c, strlen(c));
		ret[--at] = '/';
	}
	return ret[at] ? ret + at : "/";
}

/* --- names of calls --- */
/* What record flags a call of @kind that came to @error must have about its names: those of the
 * fentry tier are resolved, unless the call failed before the kernel knew what they name. */
static inline UNUSED uint16_t names_flag(const struct fixture *f, enum kind kind, uint32_t error)
{
	size_t n;
	const struct probe_tier *tiers = probe_tiers(f->probe, &n);

	for (size_t i = 0; i < n; i++)
		if (tiers[i].kind == kind)
			return !error && strcmp(tiers[i].tier, "fentry") == 0 ? 0 : REC_F_AS_ASKED;
	fail_msg("no tier of kind %u", (unsigned)kind);
	return 0;
}

/* What is done over io_uring is followed, not only that one is made. */
static inline UNUSED bool follows_uring(const struct fixture *f)
{
	size_t n;
	const struct probe_tier *tiers = probe_tiers(f->probe, &n);

	for (size_t i = 0; i < n; i++)
		if (tiers[i].kind == KIND_IO_URING)
			return strcmp(tiers[i].tier, "tp/syscalls+tp_btf") == 0;
	return false;
}

/* The running kernel is @major.@minor or newer. */
static inline UNUSED bool is_kernel(int major, int minor)
{
	struct utsname u;
	int a = 0, b = 0;

	assert_int_equal(uname(&u), 0);
	assert_int_equal(sscanf(u.release, "%d.%d", &a, &b), 2);
	return a > major || (a == major && b >= minor);
}

/* Checks a name that was asked as @name below @dir ("": it is absolute), told at @data as @flags
 * say. Returns where the data goes on. */
static inline UNUSED const char *check_named(uint16_t flags, const char *data,
					     const struct rec_path *told, uint16_t name_bytes,
					     const char *dir, const char *name)
{
	char text[PATH_MAX * 2], whole[PATH_MAX * 4], want[PATH_MAX * 4];
	const char *walked = told->bytes ? path_text(data, told->bytes, text, sizeof(text)) : "";

	data += told->bytes;
	if (flags & REC_F_AS_ASKED) {
		assert_string_equal(walked, dir);
		assert_string_equal(data, name);
		assert_int_equal(name_bytes, strlen(name) + 1);
		return data + name_bytes;
	}
	snprintf(whole, sizeof(whole), "%s%s%s", walked, name_bytes ? "/" : "",
		 name_bytes ? data : "");
	if (!*whole)
		snprintf(whole, sizeof(whole), "/");
	snprintf(want, sizeof(want), "%s%s%s", dir, *dir && *name ? "/" : "", name);
	assert_string_equal(whole, want);
	if (name_bytes)
		assert_int_equal(name_bytes, strlen(data) + 1);
	return data + name_bytes;
}

/* --- records --- */
enum {
	AWAIT_MS = 60000, /* how long a record is waited for: machines are slow at times */
	AWAIT_TRIES = AWAIT_MS / 10,
};

static inline int keep_record(const struct rec_head *rec, size_t n, void *arg)
{
	struct fixture *f = arg;
	static const uint8_t zeroes[8];
	struct record r;

	if (record_open(&r, rec, n) < 0) /* every record of every test passes the sensor's check */
		fail_msg("a record of type %u with %u bytes is malformed", rec->type, rec->size);
	buf_add(&f->records, rec, rec->size);
	buf_add(&f->records, zeroes, (8 - rec->size % 8) % 8);
	return buf_ok(&f->records) ? 0 : -ENOMEM;
}

static inline void take_records(struct fixture *f)
{
	assert_true(ring_consume(f->ring, UINT32_MAX / 2, keep_record, f) >= 0);
}

/* The first record after @after (NULL: any) of @type by @tgid (0: anyone); NULL: there is none. */
static inline const void *find_record(const struct fixture *f, const void *after, uint16_t type,
				      pid_t tgid)
{
	size_t at = 0;

	while (at < f->records.n) {
		const void *p = f->records.data + at;
		const struct rec_head *rec = p;

		if ((!after || (const uint8_t *)p > (const uint8_t *)after) && rec->type == type &&
		    (!tgid || rec->tgid == (uint32_t)tgid))
			return p;
		at += (rec->size + 7u) & ~7u;
	}
	return NULL;
}

/* The same, but waits for it and fails without one. What find_record() gave moves. */
static inline UNUSED const void *await_record(struct fixture *f, uint16_t type, pid_t tgid)
{
	const void *rec;

	for (int i = 0; i < AWAIT_TRIES; i++) {
		take_records(f);
		rec = find_record(f, NULL, type, tgid);
		if (rec)
			return rec;
		sleep_ms(10);
	}
	fail_msg("no record of type %u by process %d", type, tgid);
	return NULL;
}

/* The @nth record (from 0) of @type by @tgid. */
static inline UNUSED const void *await_nth(struct fixture *f, uint16_t type, pid_t tgid, int nth)
{
	const void *rec = NULL;

	for (int i = 0; i < AWAIT_TRIES; i++, sleep_ms(10)) {
		take_records(f);
		rec = NULL;
		for (int k = 0; k <= nth; k++) {
			rec = find_record(f, rec, type, tgid);
			if (!rec)
				break;
		}
		if (rec)
			return rec;
	}
	fail_msg("no record %d of type %u by process %d", nth, type, tgid);
	return NULL;
}

static inline UNUSED size_t count_records(const struct fixture *f, uint16_t type, pid_t tgid)
{
	const void *rec = NULL;
	size_t n = 0;

	while ((rec = find_record(f, rec, type, tgid)))
		n++;
	return n;
}

/* --- what records have in common --- */
static inline UNUSED void assert_file(const struct rec_file *file, const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(file->inode, st.st_ino);
	assert_int_equal(file->dev_major, major(st.st_dev));
	assert_int_equal(file->dev_minor, minor(st.st_dev));
	assert_int_equal(file->mode, st.st_mode);
	assert_int_not_equal(file->fs_magic, 0);
}

static inline UNUSED void assert_head(const struct rec_head *h, pid_t tgid, uint64_t after_ns)
{
	assert_int_equal(h->tgid, tgid);
	assert_true(h->time_ns >= after_ns && h->time_ns <= boot_ns());
	assert_true(h->start_ns <= h->time_ns);
	assert_int_equal(h->uid, geteuid());
	assert_int_equal(h->gid, getegid());
	assert_true(h->cpu < (uint32_t)sysconf(_SC_NPROCESSORS_CONF));
	assert_int_not_equal(h->cgroup_id, 0);
	assert_non_null(memchr(h->comm, 0, sizeof(h->comm)));
}

/* --- files --- */
static inline UNUSED void make_sized(const char *name, size_t bytes)
{
	AUTO_FD int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
}

static inline UNUSED void assert_walked(const void *data, const struct rec_path *path,
					const char *want)
{
	char text[PATH_MAX * 2];

	assert_string_equal(path_text(data, path->bytes, text, sizeof(text)), want);
}

/* --- children --- */
/* Runs @act in a child and waits for it.  Returns its pid; *ret_status is its wait status. */
static inline UNUSED pid_t in_child(void (*act)(void *), void *arg, int *ret_status)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		act(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
	return pid;
}

/* --- set-up --- */
static inline void lo_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	AUTO_FD int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &r), 0);
}

static inline void fixture_open(struct fixture *f, const struct probe_settings *wish)
{
	struct probe_settings s = *wish;
	struct diag d = { 0 };

	if (!s.only_netns)
		s.only_netns = f->netns;
	if (probe_new(&f->probe, &s, &d) != 0)
		fail_msg("probe: %s", d.text);
	probe_unignore_tgid(f->probe, (uint32_t)getpid());
	assert_int_equal(ring_new(&f->ring, f->probe), 0);
}

static inline void fixture_close(struct fixture *f)
{
	f->ring = ring_free(f->ring);
	f->probe = probe_free(f->probe);
}

static inline UNUSED int group_setup_with(void **state, const struct probe_settings *settings)
{
	static struct fixture f;
	char dir[] = "/tmp/rtsec-kernel-XXXXXX";
	struct stat st;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	lo_up();
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	f.netns = (uint32_t)st.st_ino;
	assert_non_null(mkdtemp(dir));
	assert_non_null(realpath(dir, f.dir));
	fixture_open(&f, settings);
	*state = &f;
	return 0;
}

static inline UNUSED int group_setup(void **state)
{
	static const struct probe_settings defaults;

	return group_setup_with(state, &defaults);
}

static inline UNUSED int group_teardown(void **state)
{
	struct fixture *f = *state;
	char command[PATH_MAX + 16];

	fixture_close(f);
	buf_done(&f->records);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	return chdir("/") < 0 || system(command) < 0; /* busybox's rm cannot remove deep folders */
}

static inline UNUSED int test_setup(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chdir(f->dir), 0);
	take_records(f);
	buf_clear(&f->records);
	return 0;
}
