/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel, and whoever wants to do a thing past them: by a call that
 * is seldom used, behind a crowd, or too fast to be looked at. */
#include "tests/sensor/kernel_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "tests/sensor/address.h"
#include "tests/sensor/uring.h"

static void make_file(const char *name, size_t bytes)
{
	AUTO_FD int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
}

static void assert_walked(const void *data, const struct rec_path *path, const char *want)
{
	char text[PATH_MAX * 2];

	assert_string_equal(path_text(data, path->bytes, text, sizeof(text)), want);
}

/* --- exec --- */
static void exec_with_env(void *arg)
{
	char *argv[] = { "true", NULL };

	execve("/bin/true", argv, arg);
	_exit(99);
}

/* Runs with @n short variables before LD_PRELOAD.  Returns what was told of it. */
static const struct rec_exec *exec_behind(struct fixture *f, size_t n)
{
	char **env = calloc(n + 2, sizeof(*env));
	int status;
	pid_t pid;

	assert_non_null(env);
	for (size_t i = 0; i < n; i++)
		env[i] = "A=";
	env[n] = "LD_PRELOAD=";
	pid = in_child(exec_with_env, env, &status);
	free(env);
	assert_int_equal(status, 0);
	return await_record(f, REC_EXEC, pid);
}

static void test_kernel_evade_given_a_crowd_of_variables_when_executed_then_the_last_is_told(
	void **state)
{
	static const char want[] = "LD_PRELOAD=";
	const struct rec_exec *r = exec_behind(*state, 8191);

	assert_int_equal(r->head.flags & REC_F_ENV_CUT, 0);
	assert_int_equal(r->env_bytes, sizeof(want));
	assert_memory_equal((const char *)(r + 1) + r->exe.bytes + r->cwd.bytes + r->args_bytes,
			    want, sizeof(want));
	r = exec_behind(*state, 8192); /* one too many: that it is not told is told */
	assert_int_equal(r->head.flags & REC_F_ENV_CUT, REC_F_ENV_CUT);
	assert_int_equal(r->env_bytes, 0);
}

static void test_kernel_evade_given_too_much_of_the_chosen_variables_when_executed_then_told(
	void **state)
{
	enum { N = 5 };
	char *env[N + 2] = { [N] = "LD_PRELOAD=" };
	const struct rec_exec *r;
	int status;
	pid_t pid;

	for (int i = 0; i < N; i++) {
		env[i] = malloc(1000);
		assert_non_null(env[i]);
		memset(env[i], 'x', 999);
		memcpy(env[i], "BASH_ENV=", 9);
		env[i][999] = 0;
	}
	pid = in_child(exec_with_env, env, &status);
	assert_int_equal(status, 0);
	r = await_record(*state, REC_EXEC, pid);
	assert_int_equal(r->head.flags & REC_F_ENV_CUT, REC_F_ENV_CUT);
	for (int i = 0; i < N; i++)
		free(env[i]);
}

/* --- privileges --- */
static int copy_true(const char *name, mode_t mode)
{
	AUTO_FD int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	AUTO_FD int to = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	struct stat st;

	return fstat(from, &st) == 0 &&
			       sendfile(to, from, NULL, (size_t)st.st_size) == st.st_size &&
			       fchmod(to, mode) == 0
		       ? 0
		       : -1;
}

struct run_as {
	uid_t real, effective;
	const char *file;
	bool gains;
};

static void exec_as(void *arg)
{
	const struct run_as *as = arg;
	char *argv[] = { "true", NULL };

	if (syscall(SYS_setresuid, as->real, as->effective, as->effective) < 0)
		_exit(98);
	execve(as->file, argv, argv + 1);
	_exit(99);
}

static void test_kernel_evade_given_users_when_executed_then_only_gained_privileges_are_told(
	void **state)
{
	const uid_t nobody = 65534;
	struct run_as runs[] = {
		{ nobody, nobody, "./raises", true }, { nobody, nobody, "./plain", false },
		{ nobody, 0, "./plain", false }, /* has them already */
		{ 0, nobody, "./plain", false },      { 0, 0, "./raises", false },
	};
	struct fixture *f = *state;
	struct statvfs fs;

	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(statvfs(f->dir, &fs), 0);
	runs[0].gains = !(fs.f_flag & ST_NOSUID);
	assert_int_equal(copy_true("plain", 0755), 0);
	assert_int_equal(copy_true("raises", 04755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		const struct rec_exec *r;
		int status;
		pid_t pid = in_child(exec_as, &runs[i], &status);

		assert_int_equal(status, 0);
		r = await_record(f, REC_EXEC, pid);
		assert_int_equal(r->head.flags & REC_F_SECURE, runs[i].gains ? REC_F_SECURE : 0);
		assert_int_equal(r->euid, runs[i].gains ? 0 : runs[i].effective);
	}
}

/* --- files --- */
static void test_kernel_evade_given_a_handle_when_opened_then_the_file_is_told(void **state)
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

	make_file("held", 1);
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
static atomic_bool stop;
static int raced;

static void *close_it(void *arg)
{
	while (!atomic_load(&stop))
		close(raced);
	return arg;
}

/* Each is told, of some only what was asked. */
static void test_kernel_evade_given_a_thread_that_closes_when_opened_then_none_is_missing(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r = NULL;
	char text[PATH_MAX + 8];
	pthread_t thread;
	int opened = 0, fd;

	make_file("raced", 1);
	raced = dup(0);
	close(raced);
	take_records(f);
	test_setup(state);
	assert_int_equal(pthread_create(&thread, NULL, close_it, NULL), 0);
	for (int i = 0; i < RACES; i++) {
		fd = open("raced", O_RDONLY);
		opened += fd >= 0;
		if (fd > raced) /* the other thread was too slow, as on an emulated machine */
			close(fd);
		take_records(f);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
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

static void test_kernel_evade_given_a_name_when_truncated_then_it_is_modified(void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r;

	make_file("short", 100);
	test_setup(state);
	assert_int_equal(truncate("short", 0), 0);
	for (int i = 0; (r = await_nth(f, REC_WRITTEN, getpid(), i)); i++)
		if (r->head.flags & REC_F_AS_ASKED) /* not ftruncate() */
			break;
	assert_walked(r + 1, &r->path, f->dir);
	assert_string_equal((const char *)(r + 1) + r->path.bytes, "short");
}

/* --- executable memory --- */
static void *map(int protection, int flags, int fd)
{
	void *p = mmap(NULL, 8192, protection, flags, fd, 0);

	if (p == MAP_FAILED)
		_exit(97);
	return p;
}

static void run(void *p)
{
	_exit(mprotect(p, 8192, PROT_READ | PROT_EXEC) == 0 ? 0 : 98);
}

static void run_shared_memory_file(void *arg)
{
	int fd = memfd_create("code", MFD_CLOEXEC);

	(void)arg;
	if (ftruncate(fd, 8192) < 0)
		_exit(96);
	run(map(PROT_READ | PROT_WRITE, MAP_SHARED, fd));
}

static void run_shared_file(void *arg)
{
	run(map(PROT_READ | PROT_WRITE, MAP_SHARED, *(int *)arg));
}

static void map_shared_file(void *arg)
{
	map(PROT_READ | PROT_EXEC, MAP_SHARED, *(int *)arg);
}

/* What is written lies behind the image of a file. */
static void run_behind_an_image(void *arg)
{
	char *p = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, *(int *)arg, 0) != p ||
	    mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE) < 0)
		_exit(96);
	p[4096] = 1;
	run(p);
}

static void run_by_personality(void *arg)
{
	(void)arg;
	personality(READ_IMPLIES_EXEC);
	map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void attach_executable(void *arg)
{
	int id = shmget(IPC_PRIVATE, 8192, 0700 | IPC_CREAT);
	const void *at = shmat(id, NULL, SHM_EXEC);

	(void)arg;
	shmctl(id, IPC_RMID, NULL);
	if (at == (void *)-1)
		_exit(97);
}

static void test_kernel_evade_given_ways_to_executable_memory_when_taken_then_each_is_told(
	void **state)
{
	static const struct {
		void (*act)(void *fd);
		uint8_t call, anonymous;
		uint16_t flags; /* of the path */
		uint32_t protection;
		const char *name;
	} ways[] = {
		{ run_shared_memory_file, REC_MPROTECT, 0, REC_PATH_DELETED | REC_PATH_DETACHED,
		  PROT_READ | PROT_EXEC, NULL },
		{ run_shared_file, REC_MPROTECT, 0, 0, PROT_READ | PROT_EXEC, "image" },
		{ map_shared_file, REC_MMAP, 0, 0, PROT_READ | PROT_EXEC, "image" },
		{ run_behind_an_image, REC_MPROTECT, 1, 0, PROT_READ | PROT_EXEC, NULL },
		{ run_by_personality, REC_MMAP, 1, 0, PROT_READ | PROT_WRITE | PROT_EXEC, NULL },
		{ attach_executable, REC_SHMAT, 0, REC_PATH_DETACHED,
		  PROT_READ | PROT_WRITE | PROT_EXEC, NULL },
	};
	struct fixture *f = *state;
	char want[PATH_MAX + 8];
	AUTO_FD int fd = -1;

	make_file("image", 8192);
	snprintf(want, sizeof(want), "%s/image", f->dir);
	fd = open("image", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct rec_protect *r;
		int status;
		pid_t pid = in_child(ways[i].act, &fd, &status);

		assert_int_equal(status, 0);
		r = await_record(f, REC_PROTECT, pid);
		assert_int_equal(r->call, ways[i].call);
		assert_int_equal(r->anonymous, ways[i].anonymous);
		assert_int_equal(r->protection, ways[i].protection);
		assert_int_equal(r->path.flags & ways[i].flags, ways[i].flags);
		assert_true(r->bytes == 8192);
		if (ways[i].name)
			assert_walked(r + 1, &r->path, want);
	}
}

/* --- credentials --- */
static void set_file_ids(void *arg)
{
	(void)arg;
	syscall(SYS_setfsuid, 65531);
	syscall(SYS_setfsgid, 65532);
}

static void test_kernel_evade_given_ids_for_files_when_only_they_change_then_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_credentials *r;
	int status;
	pid_t pid = in_child(set_file_ids, NULL, &status);

	assert_int_equal(status, 0);
	r = await_nth(f, REC_CREDENTIALS, pid, 1);
	assert_int_equal(r->changed, REC_CHANGED_GIDS);
	assert_int_equal(r->after.fsgid, 65532);
	assert_int_equal(r->after.egid, getegid());
	r = find_record(f, NULL, REC_CREDENTIALS, pid);
	assert_int_equal(r->changed, REC_CHANGED_UIDS);
	assert_int_equal(r->before.fsuid, 0);
	assert_int_equal(r->after.fsuid, 65531);
	assert_int_equal(r->after.euid, 0);
}

/* --- descriptors in names --- */
static void test_kernel_evade_given_a_descriptor_in_a_name_when_used_then_its_file_is_told(
	void **state)
{
	struct fixture *f = *state;
	char fd_name[64], want[PATH_MAX + 16];
	const struct rec_attributes *r;
	const struct rec_delete *d;
	const struct rec_rename *l;
	AUTO_FD int fd = -1, dir = -1, unnamed = -1;

	make_file("meant", 1);
	assert_int_equal(mkdir("meant.d", 0700), 0);
	make_file("meant.d/x", 1);
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
	if (syscall(SYS_mount_setattr, AT_FDCWD, "anew", AT_RECURSIVE, &read_only,
		    sizeof(read_only)) < 0)
		_exit(96);
}

static void test_kernel_evade_given_a_mount_made_step_by_step_when_it_gets_a_place_then_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_mount *r;
	char want[PATH_MAX + 8];
	int status;
	pid_t pid = in_child(mount_anew, NULL, &status);

	assert_int_equal(status, 0);
	r = await_nth(f, REC_MOUNT, pid, 1);
	assert_string_equal(r->type, "tmpfs");
	assert_int_equal(r->source_dir.bytes, 0);
	assert_string_equal((const char *)(r + 1) + r->dir.bytes + r->name_bytes, "ours");
	r = await_nth(f, REC_MOUNT, pid, 2);
	assert_int_equal(r->mount_flags, MS_REMOUNT | MS_REC | MS_RDONLY | MS_NOEXEC);
	snprintf(want, sizeof(want), "%s/anew", f->dir);
	check_named(r->head.flags, (const char *)(r + 1), &r->dir, r->name_bytes, f->dir, "anew");
}

/* --- sockets --- */
static void test_kernel_evade_given_several_paths_of_tcp_when_accepted_then_told(void **state)
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
static void test_kernel_evade_given_io_uring_when_it_writes_then_that_is_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = open("rung", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct io_uring_sqe writing = {
		.opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t) "abc", .len = 3
	};
	const struct rec_open *r = NULL;
	char want[PATH_MAX + 8];
	struct uring u;

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

static void test_kernel_evade_given_io_uring_when_it_has_an_engines_socket_then_told(void **state)
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

	assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	uring_open(&u, 0);
	assert_int_equal(uring_do(&u, &connecting), 0);
	uring_close(&u);
	r = await_record(f, REC_UNIX, getpid());
	snprintf(want, sizeof(want), "%s/docker.sock", f->dir);
	assert_walked(r + 1, &r->path, want);
}

static void test_kernel_evade_given_io_uring_when_it_binds_and_listens_then_both_are_told(
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

#define T(name) cmocka_unit_test_setup(test_kernel_evade_given_##name, test_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_crowd_of_variables_when_executed_then_the_last_is_told),
		T(too_much_of_the_chosen_variables_when_executed_then_told),
		T(users_when_executed_then_only_gained_privileges_are_told),
		T(a_handle_when_opened_then_the_file_is_told),
		T(a_thread_that_closes_when_opened_then_none_is_missing),
		T(a_name_when_truncated_then_it_is_modified),
		T(ids_for_files_when_only_they_change_then_told),
		T(a_descriptor_in_a_name_when_used_then_its_file_is_told),
		T(a_mount_made_step_by_step_when_it_gets_a_place_then_told),
		T(several_paths_of_tcp_when_accepted_then_told),
		T(io_uring_when_it_writes_then_that_is_told),
		T(io_uring_when_it_has_an_engines_socket_then_told),
		T(io_uring_when_it_binds_and_listens_then_both_are_told),
		T(ways_to_executable_memory_when_taken_then_each_is_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_evade", tests, group_setup, group_teardown);
}
