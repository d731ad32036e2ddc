/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel, and whoever wants to be another one or run other code past
 * them: behind a crowd of variables, by privileges, memory or ids that are seldom looked at. */
#include "tests/sensor/closer.h"
#include "tests/sensor/kernel_fixture.h"

#include <linux/bpf.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

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

	make_sized("image", 8192);
	snprintf(want, sizeof(want), "%s/image", f->dir);
	fd = open("image", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct rec_protect *r;
		int status;
		pid_t pid = in_child(ways[i].act, &fd, &status);

		assert_int_equal(status, 0);
		r = await_record(f, REC_PROTECT, pid);
		assert_int_equal(r->call, ways[i].call);
		if (!is_kernel(5, 17) && r->call != REC_MMAP) /* cannot look at the memory */
			continue;
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

/* --- the memory of others --- */
/* Once a second each is told: a first attempt that fails hides no second that does not. */
static void test_kernel_evade_given_a_write_that_failed_when_the_next_does_not_then_told(
	void **state)
{
	static uint64_t word = 7;
	struct fixture *f = *state;
	struct iovec io = { &word, sizeof(word) }, nowhere = { NULL, sizeof(word) };
	const struct rec_ptrace *r;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_int_equal(process_vm_writev(pid, &io, 1, &nowhere, 1, 0), -1);
	assert_int_equal(process_vm_writev(pid, &io, 1, &io, 1, 0), sizeof(word));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	r = await_nth(f, REC_VM_WRITE, getpid(), 1);
	assert_int_equal(r->error, 0);
	r = find_record(f, NULL, REC_VM_WRITE, getpid());
	assert_int_equal(r->error, EFAULT);
}

/* In a pid namespace a number of others may be that which the writer has outside. */
static void write_to_a_namesake(void *arg)
{
	static uint64_t word = 7;
	struct iovec io = { &word, sizeof(word) };
	char text[32] = "";
	pid_t own;
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&own,
				   .set_tid_size = 1 };
	long pid;

	(void)arg;
	if (readlink("/proc/self", text, sizeof(text) - 1) < 0)
		_exit(98);
	own = (pid_t)strtol(text, NULL, 10); /* that of the namespace that /proc was mounted in */
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		for (;;)
			pause();
	if (pid != own || process_vm_writev((pid_t)pid, &io, 1, &io, 1, 0) != sizeof(word))
		_exit(97);
}

static void test_kernel_evade_given_a_namesake_in_a_namespace_when_written_to_then_told(
	void **state)
{
	long pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		write_to_a_namesake(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
	assert_int_equal(status, 0);
	await_record(*state, REC_VM_WRITE, (pid_t)pid);
}

/* --- arguments of which the kernel takes half --- */
static void test_kernel_evade_given_more_bits_than_the_kernel_takes_when_called_then_told(
	void **state)
{
	const unsigned long more = 1UL << 32;
	struct fixture *f = *state;
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	const struct rec_prctl *r;
	long fd;

	assert_int_equal(syscall(SYS_prctl, more | PR_SET_NAME, "hidden", 0, 0, 0), 0);
	r = await_record(f, REC_PRCTL, getpid());
	assert_int_equal(r->option, PR_SET_NAME);
	assert_string_equal(r->head.comm, "hidden");
	fd = syscall(SYS_bpf, more | BPF_MAP_CREATE, &map, sizeof(map));
	assert_true(fd >= 0);
	await_record(f, REC_BPF_MAP, getpid());
	close((int)fd);
}

/* --- descriptors that are closed at once --- */
enum { RACES = 500 };

/* Each is told, of some only what was asked. */
static void test_kernel_evade_given_a_thread_that_closes_when_memory_files_are_made_then_all_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r = NULL;
	struct closer closer;
	char text[64];

	closer_init(&closer);
	assert_int_equal(closer_start(&closer), 0);
	for (int i = 0; i < RACES; i++) {
		int fd = memfd_create("raced", MFD_CLOEXEC);

		assert_true(fd >= 0);
		if (fd > closer.fd)
			close(fd);
		take_records(f);
	}
	closer_stop(&closer);
	await_nth(f, REC_MEMFD, getpid(), RACES - 1);
	for (int i = 0; i < RACES; i++) {
		r = find_record(f, r, REC_MEMFD, getpid());
		assert_int_equal(r->error, 0);
		if (r->head.flags & REC_F_AS_ASKED)
			assert_string_equal((const char *)(r + 1), "raced");
		else
			assert_string_equal(
				path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
				"/memfd:raced");
	}
}

#define T(name) cmocka_unit_test_setup(test_kernel_evade_given_##name, test_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_crowd_of_variables_when_executed_then_the_last_is_told),
		T(too_much_of_the_chosen_variables_when_executed_then_told),
		T(users_when_executed_then_only_gained_privileges_are_told),
		T(ids_for_files_when_only_they_change_then_told),
		T(ways_to_executable_memory_when_taken_then_each_is_told),
		T(a_write_that_failed_when_the_next_does_not_then_told),
		T(a_namesake_in_a_namespace_when_written_to_then_told),
		T(more_bits_than_the_kernel_takes_when_called_then_told),
		T(a_thread_that_closes_when_memory_files_are_made_then_all_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_evade", tests, group_setup, group_teardown);
}
