/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: what a process makes of itself: environment and script of
 * an exec, namespaces of a fork, executable memory, names, roots; the memory of others. */
#include "tests/sensor/kernel_fixture.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int exec_true(char *const envp[], const char *file)
{
	char *argv[] = { "true", NULL };

	execve(file, argv, envp);
	return 99;
}

/* --- exec --- */
static const char *env_of(const struct rec_exec *r)
{
	return (const char *)(r + 1) + r->exe.bytes + r->cwd.bytes + r->args_bytes;
}

static void exec_with_env(void *arg)
{
	_exit(exec_true(arg, "/bin/true"));
}

static void test_kernel_self_given_variables_when_executed_then_the_chosen_are_told(void **state)
{
	static const char want[] = "LD_LIBRARY_PATH=/tmp/l\0PATH=/bin:/usr/bin\0LD_PRELOADED=1";
	char *env[] = { "HOME=/root", "LD_LIBRARY_PATH=/tmp/l", "XPATH=/bin", "PATH=/bin:/usr/bin",
			"A=B",	      "LD_PRELOADED=1",		NULL };
	struct fixture *f = *state;
	const struct rec_exec *r;
	int status;
	pid_t pid = in_child(exec_with_env, env, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->env_bytes, sizeof(want)); /* the sensor looks at whole names */
	assert_memory_equal(env_of(r), want, sizeof(want));
	assert_int_equal(r->script_bytes, 0);
}

static void test_kernel_self_given_a_long_environment_when_executed_then_it_is_bounded(void **state)
{
	enum { N = 200 };
	char *env[N + 3] = { NULL };
	struct fixture *f = *state;
	const struct rec_exec *r;
	int status;
	pid_t pid;

	env[0] = malloc(5000);
	memset(env[0], 'P', 4999);
	memcpy(env[0], "LONG=", 5);
	memcpy(env[0] + 1023, "PATH=", 5); /* begins a piece, but no variable */
	env[0][4999] = 0;
	for (int i = 1; i <= N; i++) {
		env[i] = malloc(1000);
		memset(env[i], 'x', 999);
		memcpy(env[i], "BASH_ENV=", 9);
		env[i][999] = 0;
	}
	pid = in_child(exec_with_env, env, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_true(r->env_bytes > 3 * 1000 && r->env_bytes <= REC_ENV_BYTES);
	assert_memory_equal(env_of(r), "BASH_ENV=", 9);
	for (int i = 0; i <= N; i++)
		free(env[i]);
}

static void exec_script(void *arg)
{
	char *none[] = { NULL };

	_exit(exec_true(none, arg));
}

static void test_kernel_self_given_a_script_when_executed_then_it_and_its_interpreter_are_told(
	void **state)
{
	struct fixture *f = *state;
	char real[PATH_MAX], text[PATH_MAX];
	const struct rec_exec *r;
	int status;
	pid_t pid;

	assert_int_equal(system("printf '#!/bin/true\\n' >script; chmod 755 script"), 0);
	assert_non_null(realpath("/bin/true", real));
	pid = in_child(exec_script, "./script", &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_string_equal(path_text((const char *)(r + 1), r->exe.bytes, text, sizeof(text)),
			    real);
	assert_int_equal(r->script_bytes, sizeof("./script"));
	assert_string_equal(env_of(r) + r->env_bytes, "./script");
}

static void exec_script_by_descriptor(void *arg)
{
	char *argv[] = { "x", NULL };
	int fd = open(arg, O_RDONLY);

	syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
	_exit(99);
}

static void test_kernel_self_given_a_script_when_executed_by_descriptor_then_its_file_is_told(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX], want[PATH_MAX + 16];
	const struct rec_exec *r;
	int status;
	pid_t pid;

	assert_int_equal(system("printf '#!/bin/true\\n' >hidden; chmod 755 hidden"), 0);
	pid = in_child(exec_script_by_descriptor, "./hidden", &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->script_bytes, 0);
	snprintf(want, sizeof(want), "%s/hidden", f->dir);
	assert_string_equal(
		path_text(env_of(r) + r->env_bytes, r->script_dir.bytes, text, sizeof(text)), want);
}

static void exec_with_one_capability(void *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	char *none[] = { NULL };

	(void)arg;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || syscall(SYS_setresuid, 65534, 65534, 65534) < 0)
		_exit(98);
	data[0].effective = data[0].permitted = data[0].inheritable = 1 << CAP_NET_RAW;
	if (syscall(SYS_capset, &head, data) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0)
		_exit(97);
	_exit(exec_true(none, "/bin/true"));
}

static void test_kernel_self_given_a_capability_when_executed_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_exec *r;
	int status;
	pid_t pid = in_child(exec_with_one_capability, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->euid, 65534);
	assert_int_equal(r->effective, 1 << CAP_NET_RAW);
	assert_int_equal(r->permitted, 1 << CAP_NET_RAW);
}

/* --- fork --- */
static pid_t fork_with(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid((pid_t)pid, NULL, 0), pid);
	return (pid_t)pid;
}

static void test_kernel_self_given_namespaces_of_a_clone_when_forked_then_they_are_told(
	void **state)
{
	const uint32_t flags =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
	struct fixture *f = *state;
	const struct rec_fork *r;
	pid_t pid = fork_with(flags);

	r = await_record(f, REC_FORK, getpid());
	assert_int_equal(r->child_tgid, pid);
	assert_int_equal(r->namespaces, flags);
	assert_int_equal(r->child_vpid, 1);
	test_setup(state);
	fork_with(0);
	r = await_record(f, REC_FORK, getpid());
	assert_int_equal(r->namespaces, 0);
	assert_int_equal(r->clone, 0);
}

/* Of the middle one: what it makes is the child of its own parent. */
static void fork_a_sibling(void *arg)
{
	(void)arg;
	if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) < 0)
		_exit(98);
}

static void test_kernel_self_given_what_a_clone_shares_when_forked_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_fork *r;
	int status;
	pid_t pid;

	fork_with(CLONE_FILES | CLONE_FS);
	r = await_record(f, REC_FORK, getpid());
	assert_int_equal(r->clone, REC_CLONE_FILES | REC_CLONE_FS);
	test_setup(state);
	pid = vfork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	r = await_record(f, REC_FORK, getpid());
	assert_int_equal(r->clone, REC_CLONE_VM);
	pid = in_child(fork_a_sibling, NULL, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_FORK, pid);
	assert_int_equal(r->clone, REC_CLONE_PARENT);
	assert_int_equal(r->parent_tgid, getpid());
	assert_int_equal(waitpid((pid_t)r->child_tgid, NULL, 0), (pid_t)r->child_tgid);
}

/* --- executable memory --- */
static void *map_memory(int protection, int flags, int fd)
{
	void *p = mmap(NULL, 4096, protection, flags, fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/* Whose memory it is that mprotect changes (bpf_find_vma()); else each time is told, without. */
static bool can_look(void)
{
	return is_kernel(5, 17);
}

static void test_kernel_self_given_anonymous_memory_when_made_executable_then_it_is_told(
	void **state)
{
	struct fixture *f = *state;
	const int private = MAP_PRIVATE | MAP_ANONYMOUS;
	uint64_t before = boot_ns();
	void *plain = map_memory(PROT_READ | PROT_WRITE, private, -1); /* not told */
	void *exec = map_memory(PROT_READ | PROT_WRITE | PROT_EXEC, private, -1);
	const struct rec_protect *r = await_record(f, REC_PROTECT, getpid());

	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->call, REC_MMAP);
	assert_int_equal(r->address, (uintptr_t)exec);
	assert_int_equal(r->bytes, 4096);
	assert_int_equal(r->protection, PROT_READ | PROT_WRITE | PROT_EXEC);
	assert_int_equal(r->anonymous, 1);
	assert_int_equal(r->path.bytes, 0);
	test_setup(state);
	assert_int_equal(mprotect(plain, 4096, PROT_READ), 0); /* not told */
	assert_int_equal(mprotect(plain, 4096, PROT_READ | PROT_EXEC), 0);
	r = await_record(f, REC_PROTECT, getpid());
	assert_int_equal(r->call, REC_MPROTECT);
	assert_int_equal(r->address, (uintptr_t)plain);
	assert_int_equal(r->protection, PROT_READ | PROT_EXEC);
	assert_int_equal(r->anonymous, can_look());
	for (int i = 0; i < 100; i++)
		assert_int_equal(mprotect(plain, 4096, PROT_READ | PROT_EXEC), 0);
	take_records(f);
	assert_true(count_records(f, REC_PROTECT, getpid()) < 50); /* one a second */
	munmap(plain, 4096);
	munmap(exec, 4096);
}

static void write_and_run(void *arg)
{
	uint8_t *p = map_memory(PROT_READ | PROT_WRITE, MAP_PRIVATE, *(int *)arg);

	p[0] = 1;
	_exit(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : 98);
}

static void run_as_it_is(void *arg)
{
	void *p = map_memory(PROT_READ, MAP_PRIVATE, *(int *)arg);

	map_memory(PROT_READ | PROT_EXEC, MAP_PRIVATE, *(int *)arg);
	_exit(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : 98);
}

static void test_kernel_self_given_a_mapped_file_when_written_and_executable_then_only_that_is_told(
	void **state)
{
	struct fixture *f = *state;
	char real[PATH_MAX], text[PATH_MAX];
	const struct rec_protect *r;
	AUTO_FD int fd = -1;
	int status;
	pid_t pid;

	assert_non_null(realpath("/bin/true", real));
	fd = open(real, O_RDONLY | O_CLOEXEC);
	pid = in_child(run_as_it_is, &fd, &status);
	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	take_records(f);
	assert_int_equal(count_records(f, REC_PROTECT, pid), !can_look());

	pid = in_child(write_and_run, &fd, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_PROTECT, pid);
	assert_int_equal(r->call, REC_MPROTECT);
	assert_int_equal(r->anonymous, 0);
	if (can_look())
		assert_string_equal(
			path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)), real);
}

static void test_kernel_self_given_a_memory_file_when_mapped_executable_then_it_is_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = memfd_create("lib", MFD_CLOEXEC);
	const struct rec_protect *r;
	void *p;

	assert_int_equal(ftruncate(fd, 4096), 0);
	p = map_memory(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd);
	r = await_record(f, REC_PROTECT, getpid());
	assert_int_equal(r->call, REC_MMAP);
	assert_int_equal(r->path.flags, REC_PATH_DELETED | REC_PATH_DETACHED);
	assert_string_equal((const char *)(r + 1), "memfd:lib");
	munmap(p, 4096);
}

/* --- prctl --- */
static void name_itself(void *arg)
{
	(void)arg;
	if (prctl(PR_SET_NAME, "kworker/0:1") < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(98);
	if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_SET_DUMPABLE, 77) == 0) /* not told */
		_exit(97);
}

static void test_kernel_self_given_a_process_when_it_names_itself_then_that_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_prctl *r;
	int status;
	pid_t pid = in_child(name_itself, NULL, &status);

	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	take_records(f);
	assert_int_equal(count_records(f, REC_PRCTL, pid), 3);
	r = find_record(f, NULL, REC_PRCTL, pid);
	assert_int_equal(r->option, PR_SET_NAME);
	assert_string_equal(r->head.comm, "kworker/0:1");
	r = find_record(f, r, REC_PRCTL, pid);
	assert_int_equal(r->option, PR_SET_DUMPABLE);
	assert_int_equal(r->value, 0);
	r = find_record(f, r, REC_PRCTL, pid);
	assert_int_equal(r->option, PR_SET_NO_NEW_PRIVS);
	assert_int_equal(r->value, 1);
}

/* --- the memory of others --- */
static void test_kernel_self_given_another_process_when_its_memory_is_used_then_both_are_told(
	void **state)
{
	static uint64_t word = 7;
	struct fixture *f = *state;
	struct iovec io = { &word, sizeof(word) };
	const struct rec_ptrace *r;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_int_equal(process_vm_readv(getpid(), &io, 1, &io, 1, 0), sizeof(word)); /* its own */
	for (int i = 0; i < 20; i++)
		assert_int_equal(process_vm_writev(pid, &io, 1, &io, 1, 0), sizeof(word));
	assert_int_equal(process_vm_readv(pid, &io, 1, &io, 1, 0), sizeof(word));
	r = await_record(f, REC_VM_READ, getpid());
	assert_int_equal(r->target.tid, pid);
	assert_int_equal(r->error, 0);
	assert_int_equal(count_records(f, REC_VM_READ, getpid()), 1);
	r = find_record(f, NULL, REC_VM_WRITE, getpid());
	assert_non_null(r);
	assert_int_equal(r->target.tid, pid);
	assert_true(count_records(f, REC_VM_WRITE, getpid()) < 10);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- roots --- */
static void change_root(void *arg)
{
	(void)arg;
	if (chroot("not-there") == 0 || chroot("to-jail") < 0)
		_exit(98);
	close(open("/inside", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

static void test_kernel_self_given_a_link_to_a_folder_when_it_becomes_root_then_the_folder_is_told(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX], want[PATH_MAX + 16];
	const struct rec_attributes *r;
	const struct rec_open *o;
	int status;
	pid_t pid;

	assert_int_equal(mkdir("jail", 0700), 0);
	assert_int_equal(symlink("./jail", "to-jail"), 0);
	pid = in_child(change_root, NULL, &status);
	assert_int_equal(status, 0);
	r = await_nth(f, REC_CHROOT, pid, 1);
	snprintf(want, sizeof(want), "%s/jail", f->dir);
	assert_int_equal(r->error, 0);
	assert_string_equal(path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
			    want);
	r = find_record(f, NULL, REC_CHROOT, pid);
	assert_int_equal(r->error, ENOENT);
	assert_string_equal((const char *)(r + 1) + r->path.bytes, "not-there");
	o = await_record(f, REC_OPEN, pid); /* what is "/inside" to it */
	snprintf(want, sizeof(want), "%s/jail/inside", f->dir);
	assert_string_equal(path_text((const char *)(o + 1), o->path.bytes, text, sizeof(text)),
			    want);
}

static void pivot(void *arg)
{
	(void)arg;
	if (syscall(SYS_pivot_root, "no-root", "no-root/old") == 0)
		_exit(98);
}

/* pivot_root wants a root that was mounted, which that of a VM was not. */
static void pivot_below_a_mount(void *arg)
{
	const char *base = arg;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", base, "tmpfs", 0, NULL) < 0 || chroot(base) < 0 || chdir("/") < 0 ||
	    mkdir("new", 0700) < 0 || mount("none", "new", "tmpfs", 0, NULL) < 0 ||
	    mkdir("new/old", 0700) < 0)
		_exit(98);
	if (syscall(SYS_pivot_root, "new/../new", "/new/old") < 0)
		_exit(97);
}

static void test_kernel_self_given_a_mount_when_it_becomes_root_then_both_places_are_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_rename *r;
	char base[PATH_MAX + 16];
	const char *data;
	uint16_t flags;
	int status;
	pid_t pid;

	assert_int_equal(mkdir("base", 0700), 0);
	snprintf(base, sizeof(base), "%s/base", f->dir);
	pid = in_child(pivot_below_a_mount, base, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_PIVOT, pid);
	assert_int_equal(r->error, 0);
	flags = names_flag(f, KIND_PIVOT, 0);
	assert_int_equal(r->head.flags, flags);
	data = (const char *)(r + 1);
	if (flags & REC_F_AS_ASKED) {
		assert_string_equal(data + r->old_dir.bytes, "new/../new");
		assert_string_equal(data + r->old_dir.bytes + r->old_name_bytes, "/new/old");
		return;
	}
	data = check_named(0, data, &r->old_dir, r->old_name_bytes, base, "new");
	check_named(0, data, &r->new_dir, r->new_name_bytes, base, "new/old");
}

static void test_kernel_self_given_no_mount_when_it_shall_become_root_then_the_attempt_is_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_rename *r;
	int status;
	pid_t pid = in_child(pivot, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_PIVOT, pid);
	assert_int_equal(r->error, ENOENT);
	assert_string_equal((const char *)(r + 1) + r->old_dir.bytes, "no-root");
}

#define T(name) cmocka_unit_test_setup(test_kernel_self_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(variables_when_executed_then_the_chosen_are_told),
		T(a_long_environment_when_executed_then_it_is_bounded),
		T(a_script_when_executed_then_it_and_its_interpreter_are_told),
		T(a_script_when_executed_by_descriptor_then_its_file_is_told),
		T(a_capability_when_executed_then_it_is_told),
		T(namespaces_of_a_clone_when_forked_then_they_are_told),
		T(what_a_clone_shares_when_forked_then_it_is_told),
		T(anonymous_memory_when_made_executable_then_it_is_told),
		T(a_mapped_file_when_written_and_executable_then_only_that_is_told),
		T(a_memory_file_when_mapped_executable_then_it_is_told),
		T(a_process_when_it_names_itself_then_that_is_told),
		T(another_process_when_its_memory_is_used_then_both_are_told),
		T(a_link_to_a_folder_when_it_becomes_root_then_the_folder_is_told),
		T(a_mount_when_it_becomes_root_then_both_places_are_told),
		T(no_mount_when_it_shall_become_root_then_the_attempt_is_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_self", tests, group_setup, group_teardown);
}
