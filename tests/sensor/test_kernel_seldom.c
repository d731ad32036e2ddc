/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel, and calls by which files are opened, changed and mounted,
 * and sockets used, that are seldom seen: somebody may choose them in order not to be. */
#include "tests/sensor/closer.h"
#include "tests/sensor/kernel_fixture.h"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "tests/sensor/address.h"
#include "tests/sensor/uring.h"

/* --- files --- */
static void test_kernel_seldom_given_a_handle_when_opened_then_the_file_is_told(void **state)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = { .handle.handle_bytes = MAX_HANDLE_SZ };
	struct fixture *f = *state;
	char want[PATH_MAX + 8];
	const struct rec_open *r;
	AUTO_FD int dir = -1, fd = -1;
	int mount;

	make_sized("held", 1);
	snprintf(want, sizeof(want), "%s/held", f->dir);
	assert_int_equal(name_to_handle_at(AT_FDCWD, "held", &h.handle, &mount, 0), 0);
	dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	await_nth(f, REC_OPEN, getpid(), 1);
	test_setup(state);
	fd = open_by_handle_at(dir, &h.handle, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->head.flags, REC_F_BY_HANDLE);
	assert_int_equal(r->open_flags & O_ACCMODE, O_RDWR);
	assert_file(&r->file, want);
	assert_walked(r + 1, &r->path, want);
	test_setup(state);
	assert_int_equal(open_by_handle_at(-1, &h.handle, O_RDONLY), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->head.flags, REC_F_BY_HANDLE | REC_F_AS_ASKED);
	assert_int_equal(r->error, EBADF);
	assert_int_equal(r->path.bytes + r->name_bytes, 0);
}

enum { RACES = 3000 };

/* Each is told, of some only what was asked. */
static void test_kernel_seldom_given_a_thread_that_closes_when_opened_then_none_is_missing(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r = NULL;
	char text[PATH_MAX + 8];
	struct closer closer;
	int opened = 0, fd;

	make_sized("raced", 1);
	closer_init(&closer);
	take_records(f);
	test_setup(state);
	assert_int_equal(closer_start(&closer), 0);
	for (int i = 0; i < RACES; i++) {
		fd = open("raced", O_RDONLY);
		opened += fd >= 0;
		if (fd > closer.fd)
			close(fd);
		take_records(f);
	}
	closer_stop(&closer);
	await_nth(f, REC_OPEN, getpid(), opened - 1);
	snprintf(text, sizeof(text), "%s/raced", f->dir);
	for (int i = 0; i < opened; i++) {
		r = find_record(f, r, REC_OPEN, getpid());
		assert_int_equal(r->error, 0);
		if (r->head.flags & REC_F_AS_ASKED)
			assert_string_equal((const char *)(r + 1) + r->path.bytes, "raced");
		else
			assert_walked(r + 1, &r->path, text);
	}
}

static void test_kernel_seldom_given_a_name_when_truncated_then_it_is_modified(void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r;

	make_sized("short", 100);
	test_setup(state);
	assert_int_equal(truncate("short", 0), 0);
	for (int i = 0; (r = await_nth(f, REC_WRITTEN, getpid(), i)); i++)
		if (r->head.flags & REC_F_AS_ASKED) /* not ftruncate() */
			break;
	assert_walked(r + 1, &r->path, f->dir);
	assert_string_equal((const char *)(r + 1) + r->path.bytes, "short");
}

/* --- descriptors in names --- */
static void test_kernel_seldom_given_a_descriptor_in_a_name_when_used_then_its_file_is_told(
	void **state)
{
	struct fixture *f = *state;
	char fd_name[64], want[PATH_MAX + 16];
	const struct rec_attributes *r;
	const struct rec_delete *d;
	const struct rec_rename *l;
	AUTO_FD int fd = -1, dir = -1, unnamed = -1;

	make_sized("meant", 1);
	assert_int_equal(mkdir("meant.d", 0700), 0);
	make_sized("meant.d/x", 1);
	fd = open("meant", O_PATH | O_CLOEXEC);
	dir = open("meant.d", O_PATH | O_CLOEXEC);
	unnamed = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	snprintf(want, sizeof(want), "%s/meant", f->dir);

	snprintf(fd_name, sizeof(fd_name), "/proc/self/fd/%d", fd);
	assert_int_equal(chmod(fd_name, 0640), 0);
	r = await_record(f, REC_CHMOD, getpid());
	assert_walked(r + 1, &r->path, want);
	assert_true(r->name_bytes <= 1);
	snprintf(fd_name, sizeof(fd_name), "/proc/self/fd/%d/x", dir);
	assert_int_equal(unlink(fd_name), 0);
	d = await_record(f, REC_DELETE, getpid());
	snprintf(want, sizeof(want), "%s/meant.d", f->dir);
	assert_walked(d + 1, &d->dir, want);
	assert_string_equal((const char *)(d + 1) + d->dir.bytes, "x");
	assert_int_equal(unlink("/proc/self/cwd/meant"), 0);
	d = await_nth(f, REC_DELETE, getpid(), 1);
	if (d->head.flags & REC_F_AS_ASKED) {
		assert_walked(d + 1, &d->dir, f->dir);
		assert_string_equal((const char *)(d + 1) + d->dir.bytes, "meant");
	}
	if (unnamed >= 0) { /* the filesystem can */
		snprintf(fd_name, sizeof(fd_name), "/proc/self/fd/%d", unnamed);
		assert_int_equal(linkat(AT_FDCWD, fd_name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW),
				 0);
		l = await_record(f, REC_LINK, getpid());
		assert_true(l->old_name_bytes <= 1 || !(l->head.flags & REC_F_AS_ASKED));
		assert_true(l->old_dir.bytes > 2 + sizeof("#"));
	}
	assert_int_equal(chmod("/proc/self/fd/x", 0640), -1); /* numbers only */
	r = await_nth(f, REC_CHMOD, getpid(), 1);
	assert_string_equal((const char *)(r + 1) + r->path.bytes, "/proc/self/fd/x");
}

/* --- mounts by the new calls --- */
static void mount_anew(void *arg)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC };
	int fs, fd;

	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdir("anew", 0700) < 0)
		_exit(98);
	fs = (int)syscall(SYS_fsopen, "tmpfs", 0);
	syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", "ours", 0);
	syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	fd = (int)syscall(SYS_fsmount, fs, 0, 0);
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, "anew", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		_exit(97);
	if (is_kernel(5, 12) && syscall(SYS_mount_setattr, AT_FDCWD, "anew", AT_RECURSIVE,
					&read_only, sizeof(read_only)) < 0)
		_exit(96);
}

static void test_kernel_seldom_given_a_mount_made_step_by_step_when_it_gets_a_place_then_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_mount *r;
	char want[PATH_MAX + 8];
	int status;
	pid_t pid = in_child(mount_anew, NULL, &status);

	assert_int_equal(status, 0);
	r = await_nth(f, REC_MOUNT, pid, 1); /* as it is made */
	assert_string_equal(r->type, "tmpfs");
	assert_int_equal(r->dir.bytes + r->name_bytes + r->source_dir.bytes, 0);
	assert_string_equal((const char *)(r + 1), "ours");
	r = await_nth(f, REC_MOUNT, pid, 2);
	assert_string_equal(r->type, "tmpfs");
	assert_int_equal(r->source_dir.bytes, 0);
	assert_string_equal((const char *)(r + 1) + r->dir.bytes + r->name_bytes, "ours");
	if (!is_kernel(5, 12)) /* knows no mount_setattr */
		return;
	r = await_nth(f, REC_MOUNT, pid, 3);
	assert_int_equal(r->mount_flags, MS_REMOUNT | MS_REC | MS_RDONLY | MS_NOEXEC);
	snprintf(want, sizeof(want), "%s/anew", f->dir);
	check_named(r->head.flags, (const char *)(r + 1), &r->dir, r->name_bytes, f->dir, "anew");
}

/* Names below a mount that is nowhere begin at the root of its filesystem. */
static void use_tree(void *arg)
{
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "tree", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	(void)arg;
	if (fd < 0 || openat(fd, "secret", O_RDONLY | O_CLOEXEC) < 0)
		_exit(98);
}

static bool ends_with(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

static void test_kernel_seldom_given_a_tree_that_is_nowhere_when_used_then_both_are_told(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], want[PATH_MAX + 32];
	const struct rec_mount *m;
	const struct rec_open *r;
	int status;
	pid_t pid;

	assert_int_equal(mkdir("tree", 0700), 0);
	make_sized("tree/secret", 1);
	pid = in_child(use_tree, NULL, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_OPEN, pid);
	snprintf(want, sizeof(want), "%s/tree/secret", strrchr(f->dir, '/'));
	assert_true(ends_with(path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
			      want));
	assert_int_equal(r->path.flags, 0);
	m = await_record(f, REC_MOUNT, pid);
	assert_int_equal(m->mount_flags, MS_BIND);
	assert_int_equal(m->dir.bytes + m->name_bytes, 0);
	snprintf(want, sizeof(want), "%s/tree", strrchr(f->dir, '/'));
	assert_true(ends_with(
		path_text((const char *)(m + 1), m->source_dir.bytes, text, sizeof(text)), want));
}

/* --- sockets --- */
static void test_kernel_seldom_given_several_paths_of_tcp_when_accepted_then_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	AUTO_FD int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	union address a = make_address("127.0.0.1", 0);
	const struct rec_tcp *r;
	int server;

	if (listener < 0) /* the kernel has it not, and so nobody */
		return;
	assert_int_equal(bind(listener, &a.any, sizeof(a.v4)), 0);
	assert_int_equal(listen(listener, 1), 0);
	a = make_address("127.0.0.1", own_port(listener));
	assert_int_equal(connect(client, &a.any, sizeof(a.v4)), 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	r = await_record(f, REC_ACCEPT, getpid());
	assert_int_equal(r->source_port, own_port(client));
	assert_int_equal(r->dest_port, own_port(listener));
	assert_int_equal(r->protocol, IPPROTO_TCP);
	assert_int_equal(write(server, "abc", 3), 3);
	close(server);
}

/* --- io_uring --- */
static void test_kernel_seldom_given_io_uring_when_it_writes_then_that_is_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = open("rung", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct io_uring_sqe writing = {
		.opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t) "abc", .len = 3
	};
	const struct rec_open *r = NULL;
	char want[PATH_MAX + 8];
	struct uring u;

	if (!follows_uring(f)) /* its tier says so */
		return;
	uring_open(&u, 0);
	/* one a second is told of each inode, and this one may have been another file's just now */
	for (int i = 0; i < AWAIT_TRIES && !r; i++, sleep_ms(10)) {
		assert_int_equal(uring_do(&u, &writing), 3);
		take_records(f);
		r = find_record(f, NULL, REC_WRITTEN, getpid());
	}
	uring_close(&u);
	assert_non_null(r);
	snprintf(want, sizeof(want), "%s/rung", f->dir);
	assert_file(&r->file, want);
	assert_walked(r + 1, &r->path, want);
}

static void test_kernel_seldom_given_io_uring_when_it_has_an_engines_socket_then_told(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "docker.sock" };
	AUTO_FD int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_FD int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct io_uring_sqe connecting = {
		.opcode = IORING_OP_CONNECT, .fd = client, .addr = (uintptr_t)&a, .off = sizeof(a)
	};
	const struct rec_unix *r;
	char want[PATH_MAX + 16];
	struct uring u;

	if (!follows_uring(f)) /* its tier says so */
		return;
	assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	uring_open(&u, 0);
	assert_int_equal(uring_do(&u, &connecting), 0);
	uring_close(&u);
	r = await_record(f, REC_UNIX, getpid());
	snprintf(want, sizeof(want), "%s/docker.sock", f->dir);
	assert_walked(r + 1, &r->path, want);
}

static void test_kernel_seldom_given_io_uring_when_it_binds_and_listens_then_both_are_told(
	void **state)
{
	enum { OP_BIND = 56, OP_LISTEN = 57 }; /* newer than our headers */
	struct fixture *f = *state;
	union address a = make_address("127.0.0.1", 0);
	AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct io_uring_sqe binding = {
		.opcode = OP_BIND, .fd = fd, .addr = (uintptr_t)&a, .off = sizeof(a.v4)
	};
	struct io_uring_sqe listening = { .opcode = OP_LISTEN, .fd = fd, .len = 1 };
	const struct rec_tcp *r;
	struct uring u;
	int done;

	uring_open(&u, 0);
	done = uring_do(&u, &binding);
	if (done == -EINVAL) { /* before 6.11 */
		uring_close(&u);
		return;
	}
	assert_int_equal(done, 0);
	assert_int_equal(uring_do(&u, &listening), 0);
	uring_close(&u);
	r = await_record(f, REC_BIND, getpid());
	assert_int_equal(r->dest_port, own_port(fd));
	r = await_record(f, REC_LISTEN, getpid());
	assert_int_equal(r->dest_port, own_port(fd));
	assert_int_equal(r->error, 0);
}

#define T(name) cmocka_unit_test_setup(test_kernel_seldom_given_##name, test_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_handle_when_opened_then_the_file_is_told),
		T(a_thread_that_closes_when_opened_then_none_is_missing),
		T(a_name_when_truncated_then_it_is_modified),
		T(a_descriptor_in_a_name_when_used_then_its_file_is_told),
		T(a_mount_made_step_by_step_when_it_gets_a_place_then_told),
		T(a_tree_that_is_nowhere_when_used_then_both_are_told),
		T(several_paths_of_tcp_when_accepted_then_told),
		T(io_uring_when_it_writes_then_that_is_told),
		T(io_uring_when_it_has_an_engines_socket_then_told),
		T(io_uring_when_it_binds_and_listens_then_both_are_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_seldom", tests, group_setup, group_teardown);
}
