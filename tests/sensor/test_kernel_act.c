/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: credentials, ptrace, signals, namespaces, files in memory.
 */
#include "tests/sensor/kernel_fixture.h"

#include <linux/capability.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* --- credentials --- */
static void set_ids(void *arg)
{
	(void)arg;
	/* system calls: libc would make those of all threads */
	if (syscall(SYS_setresgid, 5, 6, 7) < 0 || syscall(SYS_setresuid, 65531, 65532, 65533) < 0)
		_exit(98);
	if (syscall(SYS_setresuid, 65531, 65532, 65533) < 0) /* no change */
		_exit(97);
	if (syscall(SYS_setuid, 0) == 0) /* not permitted any more */
		_exit(96);
	if (syscall(SYS_setreuid, 65532, 65531) < 0)
		_exit(95);
}

static void test_kernel_act_given_root_when_ids_change_then_old_and_new_are_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_credentials *r;
	int status;
	pid_t pid = in_child(set_ids, NULL, &status);

	assert_int_equal(status, 0);
	r = await_nth(f, REC_CREDENTIALS, pid, 2);
	assert_int_equal(count_records(f, REC_CREDENTIALS, pid), 3); /* the rest changed nothing */
	assert_int_equal(r->changed, REC_CHANGED_UIDS);
	assert_int_equal(r->before.uid, 65531);
	assert_int_equal(r->before.euid, 65532);
	assert_int_equal(r->before.suid, 65533);
	assert_int_equal(r->after.uid, 65532);
	assert_int_equal(r->after.euid, 65531);
	assert_int_equal(r->after.suid, 65531);

	r = find_record(f, NULL, REC_CREDENTIALS, pid);
	assert_int_equal(r->changed, REC_CHANGED_GIDS);
	assert_int_equal(r->before.gid, getgid());
	assert_int_equal(r->after.gid, 5);
	assert_int_equal(r->after.egid, 6);
	assert_int_equal(r->after.sgid, 7);
	assert_int_equal(r->after.uid, 0);
	assert_int_equal(r->head.gid, 6);

	r = find_record(f, r, REC_CREDENTIALS, pid);
	assert_int_equal(r->changed, REC_CHANGED_UIDS);
	assert_int_equal(r->before.uid, 0);
	assert_int_equal(r->before.suid, 0);
	assert_int_equal(r->after.euid, 65532);
	assert_int_equal(r->head.uid, 65532);
	assert_int_equal(r->head.size, sizeof(*r));
}

static void drop_all_but_chown(void *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 1 << CAP_CHOWN,
						    .permitted = 1 << CAP_CHOWN | 1 << CAP_KILL } };

	(void)arg;
	if (syscall(SYS_capset, &head, data) < 0 || syscall(SYS_capset, &head, data) < 0)
		_exit(98);
}

static void test_kernel_act_given_root_when_capabilities_go_then_the_rest_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_credentials *r;
	int status;
	pid_t pid = in_child(drop_all_but_chown, NULL, &status);

	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	r = await_record(f, REC_CREDENTIALS, pid);
	assert_int_equal(r->changed, REC_CHANGED_CAPS);
	assert_int_equal(r->effective, 1 << CAP_CHOWN);
	assert_int_equal(r->permitted, 1 << CAP_CHOWN | 1 << CAP_KILL);
	assert_int_equal(count_records(f, REC_CREDENTIALS, pid), 1);
}

static void drop_in_a_new_namespace(void *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	drop_all_but_chown(arg);
	if (unshare(CLONE_NEWUSER) < 0 || syscall(SYS_capget, &head, data) < 0 ||
	    data[0].effective == 1 << CAP_CHOWN)
		_exit(97);
	if (syscall(SYS_capset, &head, data) < 0) /* no change */
		_exit(96);
	data[0].effective = 1 << CAP_KILL;
	data[1].effective = 0;
	if (syscall(SYS_capset, &head, data) < 0)
		_exit(95);
}

static void
test_kernel_act_given_a_new_user_namespace_when_capabilities_go_then_only_those_are_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_credentials *r;
	int status;
	pid_t pid = in_child(drop_in_a_new_namespace, NULL, &status);

	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	r = await_nth(f, REC_CREDENTIALS, pid, 1);
	assert_int_equal(r->changed, REC_CHANGED_CAPS);
	assert_int_equal(r->effective, 1 << CAP_KILL);
	assert_int_equal(count_records(f, REC_CREDENTIALS, pid), 2);
}

/* What a program that a thread executed does: it has that thread's group. */
static int set_user_id(void)
{
	return syscall(SYS_setresuid, 65531, 65532, 65533) < 0;
}

static void *set_group_and_execute(void *arg)
{
	char *argv[] = { "test", "set_user_id", NULL };

	(void)arg;
	if (syscall(SYS_setresgid, 5, 6, 7) == 0)
		execv("/proc/self/exe", argv);
	_exit(98);
}

static void start_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, set_group_and_execute, NULL) == 0)
		pthread_join(thread, NULL);
	_exit(99);
}

static void test_kernel_act_given_a_thread_with_ids_of_its_own_when_it_executes_then_it_keeps_them(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_credentials *r;
	int status;
	pid_t pid = in_child(start_a_thread, NULL, &status);

	assert_int_equal(status, 0);
	r = await_nth(f, REC_CREDENTIALS, pid, 1);
	assert_int_equal(r->changed, REC_CHANGED_UIDS);
	assert_int_equal(r->head.tid, pid);
	assert_int_equal(r->before.gid, 5);
	assert_int_equal(r->before.uid, 0);
	assert_int_equal(r->after.suid, 65533);
	r = find_record(f, NULL, REC_CREDENTIALS, pid);
	assert_int_equal(r->changed, REC_CHANGED_GIDS);
	assert_int_not_equal(r->head.tid, pid);
	assert_int_equal(r->before.gid, getgid());
}

static void
test_kernel_act_given_a_process_from_before_when_its_ids_change_then_what_it_was_is_told(
	void **state)
{
	struct fixture *f = *state;
	struct fixture later = { .netns = f->netns };
	const struct probe_settings s = { 0 };
	const struct rec_credentials *r;
	char byte = 0;
	int go[2], status;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (syscall(SYS_setresgid, 5, 6, 7) < 0 || read(go[0], &byte, 1) != 1)
			_exit(98);
		_exit(set_user_id());
	}
	await_record(f, REC_CREDENTIALS, pid);
	fixture_open(&later, &s);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	r = await_record(&later, REC_CREDENTIALS, pid);
	assert_int_equal(r->changed, REC_CHANGED_UIDS);
	assert_int_equal(r->before.sgid, 7);
	assert_int_equal(r->before.uid, 0);
	assert_int_equal(r->after.euid, 65532);
	fixture_close(&later);
	buf_done(&later.records);
	close(go[0]);
	close(go[1]);
}

/* --- ptrace --- */
static void assert_target(const struct rec_target *t, pid_t pid, uint64_t ticks)
{
	assert_int_equal(t->tgid, pid);
	assert_int_equal(t->tid, pid);
	assert_int_equal(t->start_ns / (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK)), ticks);
}

static pid_t sleeping_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_kernel_act_given_a_process_when_traced_and_written_then_both_are_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_ptrace *r;
	pid_t pid = sleeping_child(), other = sleeping_child();
	uint64_t ticks = start_ticks(pid), before = boot_ns();
	long word = 0;

	assert_int_equal(ptrace(PTRACE_ATTACH, pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_SEIZE, other, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, &word, NULL); /* reading: not told */
	assert_int_equal(errno, 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ptrace(PTRACE_POKEDATA, pid, &word, word), 0);
	r = await_nth(f, REC_PTRACE, getpid(), 2);
	assert_int_equal(r->request, PTRACE_POKEDATA);
	assert_target(&r->target, pid, ticks);
	take_records(f);
	assert_int_equal(count_records(f, REC_PTRACE, getpid()), 3); /* one of 50 writes */

	r = find_record(f, NULL, REC_PTRACE, getpid());
	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->request, PTRACE_ATTACH);
	assert_int_equal(r->error, 0);
	assert_target(&r->target, pid, ticks);
	assert_int_equal(r->head.size, sizeof(*r));
	r = find_record(f, r, REC_PTRACE, getpid());
	assert_int_equal(r->request, PTRACE_SEIZE);
	assert_target(&r->target, other, start_ticks(other));
	end_child(pid);
	end_child(other);
}

static void trace_me(void *arg)
{
	(void)arg;
	_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 99);
}

static void test_kernel_act_given_traceme_when_called_then_the_tracer_is_the_target(void **state)
{
	struct fixture *f = *state;
	const struct rec_ptrace *r;
	int status;
	pid_t pid = in_child(trace_me, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_PTRACE, pid);
	assert_int_equal(r->request, PTRACE_TRACEME);
	assert_target(&r->target, getpid(), start_ticks(getpid()));
}

static void attach_to_parent(void *arg)
{
	(void)arg;
	if (setresuid(65534, 65534, 65534) < 0)
		_exit(98);
	_exit(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && errno == EPERM ? 0 : 99);
}

static void test_kernel_act_given_no_permission_when_traced_then_the_attempt_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_ptrace *r;
	int status;
	pid_t pid = in_child(attach_to_parent, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_PTRACE, pid);
	assert_int_equal(r->error, EPERM);
	assert_int_equal(r->target.tgid, 0);
	assert_int_equal(r->target.tid, getpid()); /* as asked */
}

/* --- signals --- */
static void test_kernel_act_given_another_process_when_signalled_in_each_way_then_all_are_told(
	void **state)
{
	struct fixture *f = *state;
	pid_t pid = sleeping_child();
	uint64_t ticks = start_ticks(pid), before = boot_ns();
	const struct rec_signal *r = NULL;
	siginfo_t forged = { .si_code = SI_TIMER };
	AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	const uint32_t expected[] = { SIGSTOP, SIGCONT, SIGWINCH, SIGURG, SIGCHLD, SIGKILL };

	assert_int_equal(kill(pid, 0), 0); /* sends nothing */
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(syscall(SYS_tgkill, pid, pid, SIGCONT), 0);
	assert_int_equal(syscall(SYS_tkill, pid, SIGWINCH), 0);
	assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGURG, NULL, 0), 0);
	forged.si_signo = SIGCHLD;
	assert_int_equal(syscall(SYS_rt_sigqueueinfo, pid, SIGCHLD, &forged), 0);
	end_child(pid);
	await_nth(f, REC_SIGNAL, getpid(), ARRAY_SIZE(expected) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		r = find_record(f, r, REC_SIGNAL, getpid());
		assert_head(&r->head, getpid(), before);
		assert_int_equal(r->signal, expected[i]);
		assert_int_equal(r->error, 0);
		assert_target(&r->target, pid, ticks);
		assert_int_equal(r->head.size, sizeof(*r));
	}
	assert_null(find_record(f, r, REC_SIGNAL, getpid()));
}

static void noise(void *arg)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };
	timer_t timer;
	int pipes[2];

	(void)arg;
	signal(SIGALRM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0 ||
	    timer_settime(timer, 0, &soon, NULL) < 0)
		_exit(98);
	sleep_ms(20);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		_exit(97);
	close(pipes[0]);
	if (write(pipes[1], "x", 1) != -1)
		_exit(96);
}

static void test_kernel_act_given_signals_of_kernel_and_self_when_they_come_then_none_is_told(
	void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = in_child(noise, NULL, &status); /* and its SIGCHLD */

	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	take_records(f);
	assert_null(find_record(f, NULL, REC_SIGNAL, 0));
}

/* --- namespaces --- */
static void enter_namespaces(void *arg)
{
	int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int other = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	(void)arg;
	if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) < 0 || unshare(CLONE_FILES) < 0)
		_exit(98);
	if (setns(own, 0) < 0 || setns(own, CLONE_NEWUTS) < 0)
		_exit(97);
	if (setns(other, CLONE_NEWNET) == 0 || setns(-1, 0) == 0)
		_exit(96);
}

static void test_kernel_act_given_namespaces_when_made_and_entered_then_types_are_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_namespace *r;
	int status;
	pid_t pid = in_child(enter_namespaces, NULL, &status);

	assert_int_equal(status, 0);
	r = await_nth(f, REC_SETNS, pid, 3);
	assert_int_equal(r->error, EBADF);
	assert_int_equal(r->types, 0);
	assert_string_equal(r->name, "");
	r = await_nth(f, REC_SETNS, pid, 2);
	assert_int_equal(r->error, EINVAL);
	assert_int_equal(r->types, CLONE_NEWNET);
	assert_string_equal(r->name, "mnt");
	r = await_nth(f, REC_SETNS, pid, 1);
	assert_int_equal(r->types, CLONE_NEWUTS);
	r = await_nth(f, REC_SETNS, pid, 0);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->types, 0);
	assert_string_equal(r->name, "uts");
	r = await_record(f, REC_UNSHARE, pid);
	assert_int_equal(r->types, CLONE_NEWUTS | CLONE_NEWIPC);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->head.size, sizeof(*r));
	assert_int_equal(count_records(f, REC_UNSHARE, pid), 1); /* CLONE_FILES makes none */
}

/* --- files in memory --- */
static void test_kernel_act_given_a_name_when_a_memory_file_is_made_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = memfd_create("se/cret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const struct rec_open *r = await_record(f, REC_MEMFD, getpid());
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->open_flags, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(r->file.inode, st.st_ino);
	assert_int_equal(r->path.bytes, sizeof("memfd:se/cret"));
	assert_string_equal((const char *)(r + 1), "memfd:se/cret");
	assert_int_equal(r->path.flags, REC_PATH_DELETED | REC_PATH_DETACHED);

	test_setup(state);
	assert_int_equal(memfd_create("odd", 0x8000), -1);
	r = await_record(f, REC_MEMFD, getpid());
	assert_int_equal(r->error, EINVAL);
	assert_int_equal(r->open_flags, 0x8000);
	assert_int_equal(r->name_bytes, sizeof("odd"));
	assert_string_equal((const char *)(r + 1), "odd");
}

#define T(name) cmocka_unit_test_setup(test_kernel_act_given_##name, test_setup)
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(root_when_ids_change_then_old_and_new_are_told),
		T(root_when_capabilities_go_then_the_rest_is_told),
		T(a_new_user_namespace_when_capabilities_go_then_only_those_are_told),
		T(a_thread_with_ids_of_its_own_when_it_executes_then_it_keeps_them),
		T(a_process_from_before_when_its_ids_change_then_what_it_was_is_told),
		T(a_process_when_traced_and_written_then_both_are_told),
		T(traceme_when_called_then_the_tracer_is_the_target),
		T(no_permission_when_traced_then_the_attempt_is_told),
		T(another_process_when_signalled_in_each_way_then_all_are_told),
		T(signals_of_kernel_and_self_when_they_come_then_none_is_told),
		T(namespaces_when_made_and_entered_then_types_are_told),
		T(a_name_when_a_memory_file_is_made_then_it_is_told),
	};

	if (argc == 2 && strcmp(argv[1], "set_user_id") == 0)
		return set_user_id();
	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_act", tests, group_setup, group_teardown);
}
