/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel, under attack: what is told is what the kernel used, however
 * names, memory, descriptors and numbers change in between. */
#include "tests/sensor/kernel_fixture.h"

#include <linux/sched.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "tests/sensor/address.h"

enum { ROUNDS = 200 };

static void make_file(const char *name)
{
	AUTO_FD int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
}

static void assert_told_path(const struct rec_open *r, const char *want)
{
	char text[PATH_MAX];

	assert_string_equal(path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
			    want);
}

/* --- names that change --- */
static atomic_bool stop;

static void *swap_link(void *arg)
{
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		if (symlink(i % 2 ? "good" : "evil", "swap.new") == 0)
			(void)!rename("swap.new", "swap");
	}
	return arg;
}

static void test_kernel_truth_given_a_link_that_is_swapped_when_opened_then_the_opened_is_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r = NULL;
	static ino_t opened[ROUNDS];
	char good[PATH_MAX + 8], evil[PATH_MAX + 8];
	struct stat st;
	pthread_t thread;

	make_file("good");
	make_file("evil");
	assert_int_equal(stat("good", &st), 0);
	assert_int_equal(symlink("good", "swap"), 0);
	test_setup(state);
	assert_int_equal(pthread_create(&thread, NULL, swap_link, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		AUTO_FD int fd = open("swap", O_RDONLY | O_CLOEXEC);
		struct stat own;

		assert_int_equal(fstat(fd, &own), 0);
		opened[i] = own.st_ino;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	await_nth(f, REC_OPEN, getpid(), ROUNDS - 1);
	snprintf(good, sizeof(good), "%s/good", f->dir);
	snprintf(evil, sizeof(evil), "%s/evil", f->dir);
	for (int i = 0; i < ROUNDS; i++) {
		r = find_record(f, r, REC_OPEN, getpid());
		assert_int_equal(r->file.inode, opened[i]);
		assert_told_path(r, opened[i] == st.st_ino ? good : evil);
	}
}

static void test_kernel_truth_given_a_folder_renamed_when_used_by_descriptor_then_its_new_name(
	void **state)
{
	struct fixture *f = *state;
	char want[PATH_MAX + 16];
	AUTO_FD int dir = -1, fd = -1;

	assert_int_equal(mkdir("before", 0700), 0);
	make_file("before/file");
	dir = open("before", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(rename("before", "after"), 0);
	await_nth(f, REC_OPEN, getpid(), 1);
	test_setup(state);
	fd = openat(dir, "file", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(want, sizeof(want), "%s/after/file", f->dir);
	assert_told_path(await_record(f, REC_OPEN, getpid()), want);
}

static void test_kernel_truth_given_odd_bytes_in_a_name_when_used_then_they_are_told_as_they_are(
	void **state)
{
	static const char name[] = "new\nline \xff\xfe \x1b[31m";
	struct fixture *f = *state;
	char want[PATH_MAX + 32];
	const struct rec_delete *d;

	make_file(name);
	snprintf(want, sizeof(want), "%s/%s", f->dir, name);
	assert_told_path(await_record(f, REC_OPEN, getpid()), want);
	assert_int_equal(unlink(name), 0);
	d = await_record(f, REC_DELETE, getpid());
	assert_string_equal((const char *)(d + 1) + d->dir.bytes, name);
}

/* --- mounts --- */
static void open_through_mounts(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("real", "bound", NULL, MS_BIND, NULL) < 0)
		_exit(98);
	close(open("bound/file", O_RDONLY | O_CLOEXEC));
}

static void test_kernel_truth_given_a_bind_mount_of_its_own_when_opened_then_the_path_as_it_has_it(
	void **state)
{
	struct fixture *f = *state;
	char want[PATH_MAX + 16], real[PATH_MAX + 16];
	const struct rec_open *r;
	int status;
	pid_t pid;

	assert_int_equal(mkdir("real", 0700) | mkdir("bound", 0700), 0);
	make_file("real/file");
	pid = in_child(open_through_mounts, NULL, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_OPEN, pid);
	snprintf(want, sizeof(want), "%s/bound/file", f->dir);
	snprintf(real, sizeof(real), "%s/real/file", f->dir);
	assert_told_path(r, want);
	assert_file(&r->file, real);
}

enum { NO_OVERLAY = 77 };

static void write_in_overlay(void *arg)
{
	int fd;

	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "layers", "tmpfs", 0, NULL) < 0 || mkdir("layers/lower", 0700) < 0 ||
	    mkdir("layers/upper", 0700) < 0 || mkdir("layers/work", 0700) < 0)
		_exit(98);
	if (mount("overlay", "merged", "overlay", 0,
		  "lowerdir=layers/lower,upperdir=layers/upper,workdir=layers/work") < 0)
		_exit(errno == ENODEV ? NO_OVERLAY : 97);
	fd = open("merged/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	sleep_ms(50); /* or nothing that the kernel marks has changed */
	if (write(fd, "x", 1) != 1)
		_exit(96);
}

/* A kernel without overlay says so in /proc/filesystems. */
static void test_kernel_truth_given_an_overlay_when_written_then_the_merged_path_is_told(
	void **state)
{
	struct fixture *f = *state;
	char want[PATH_MAX + 16];
	int status;
	pid_t pid;

	assert_int_equal(mkdir("layers", 0700) | mkdir("merged", 0700), 0);
	pid = in_child(write_in_overlay, NULL, &status);
	if (WEXITSTATUS(status) == NO_OVERLAY) {
		assert_int_not_equal(system("grep -q overlay /proc/filesystems"), 0);
		return;
	}
	assert_int_equal(status, 0);
	snprintf(want, sizeof(want), "%s/merged/file", f->dir);
	assert_told_path(await_record(f, REC_OPEN, pid), want);
	assert_told_path(await_record(f, REC_WRITTEN, pid), want);
}

/* --- exec --- */
static char flipped[8] = "good";

static void *flip(void *arg)
{
	for (;;) {
		memcpy(flipped, "evil", 4);
		memcpy(flipped, "good", 4);
	}
	return arg;
}

static void exec_flipped(void *arg)
{
	char *argv[] = { "echo", flipped, NULL };
	const int *out = arg;
	pthread_t thread;

	if (dup2(out[1], STDOUT_FILENO) < 0 || pthread_create(&thread, NULL, flip, NULL))
		_exit(98);
	execv("./echo", argv);
	_exit(99);
}

static void
test_kernel_truth_given_arguments_that_change_when_executed_then_those_of_the_new_program(
	void **state)
{
	const char *echo = access("/bin/echo", X_OK) == 0 ? "/bin/echo" : "/bin/true"; /* busybox */
	struct fixture *f = *state;

	assert_int_equal(symlink(echo, "echo"), 0);
	for (int i = 0; i < 20; i++) {
		const struct rec_exec *r;
		char got[16] = "";
		const char *told;
		int out[2], status;
		pid_t pid;

		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		pid = in_child(exec_flipped, out, &status);
		assert_int_equal(status, 0);
		assert_true(read(out[0], got, sizeof(got) - 1) > 0);
		close(out[0]);
		close(out[1]);
		got[strcspn(got, "\n")] = 0;
		r = await_record(f, REC_EXEC, pid);
		told = (const char *)(r + 1) + r->exe.bytes + r->cwd.bytes;
		assert_string_equal(told + strlen(told) + 1, got);
		test_setup(state);
	}
}

/* What this program is when it is started with these arguments: it forgets the last one. */
static int forget(char *secret)
{
	AUTO_FD int fd = -1;
	char text[64] = "";
	ssize_t n;

	memset(secret, 'x', strlen(secret));
	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	return n > 0 && memmem(text, (size_t)n, "xxxxxx", 6) ? 0 : 97;
}

static void exec_forgetful(void *arg)
{
	char *argv[] = { "truth", "forget", "secret", NULL };

	(void)arg;
	execv("/proc/self/exe", argv);
	_exit(99);
}

static void test_kernel_truth_given_arguments_overwritten_after_exec_when_told_then_as_they_were(
	void **state)
{
	static const char want[] = "truth\0forget\0secret";
	struct fixture *f = *state;
	const struct rec_exec *r;
	int status;
	pid_t pid = in_child(exec_forgetful, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->args_bytes, sizeof(want));
	assert_memory_equal((const char *)(r + 1) + r->exe.bytes + r->cwd.bytes, want,
			    sizeof(want));
}

static void exec_empty_path(void *arg)
{
	char *argv[] = { "true", NULL };
	int fd = open(arg, O_PATH | O_CLOEXEC);

	syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
	_exit(99);
}

static void test_kernel_truth_given_a_descriptor_when_executed_then_its_file_is_told(void **state)
{
	struct fixture *f = *state;
	char real[PATH_MAX + 8], text[PATH_MAX];
	const struct rec_exec *r;
	int status;
	pid_t pid;

	assert_int_equal(system("cp /bin/true true"), 0);
	snprintf(real, sizeof(real), "%s/true", f->dir);
	pid = in_child(exec_empty_path, "true", &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_string_equal(path_text((const char *)(r + 1), r->exe.bytes, text, sizeof(text)),
			    real);
	assert_int_equal(r->exe.flags, 0);
	assert_int_equal(r->script_bytes, 0);
}

static void test_kernel_truth_given_vfork_when_the_child_executes_then_both_are_told(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { "true", NULL };
	const struct rec_fork *forked;
	const struct rec_exec *r;
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/bin/true", argv);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->parent_tgid, getpid());
	forked = find_record(f, NULL, REC_FORK, getpid());
	assert_non_null(forked);
	assert_int_equal(forked->child_tgid, pid);
	assert_int_equal(forked->child_start_ns, r->head.start_ns);
	assert_non_null(await_record(f, REC_EXIT, pid));
}

/* --- numbers that are used again --- */
/* A child with the number @wanted (0: any) that ends at once; 0: somebody else has the number. */
static pid_t short_child(pid_t wanted)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = wanted ? (uintptr_t)&wanted : 0,
				   .set_tid_size = wanted ? 1 : 0 };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return 0;
	assert_int_equal(waitpid((pid_t)pid, NULL, 0), pid);
	return (pid_t)pid;
}

static void test_kernel_truth_given_a_pid_used_again_when_told_then_the_starts_differ(void **state)
{
	struct fixture *f = *state;
	const struct rec_exit *first, *second;
	pid_t pid = 0;

	for (int i = 0; i < 100; i++) {
		pid = short_child(0);
		if (short_child(pid) == pid)
			break;
		pid = 0;
	}
	assert_int_not_equal(pid, 0);
	second = await_nth(f, REC_EXIT, pid, 1);
	first = find_record(f, NULL, REC_EXIT, pid);
	assert_true(first->head.start_ns < second->head.start_ns);
}

static void test_kernel_truth_given_who_was_left_out_when_its_number_is_anothers_then_told(
	void **state)
{
	struct fixture *f = *state;
	pid_t pid = 0, again = 0;

	for (int i = 0; i < 100 && !again; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			raise(SIGSTOP);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
		assert_int_equal(probe_ignore_tgid(f->probe, (uint32_t)pid), 0);
		kill(pid, SIGCONT);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		again = short_child(pid); /* 0: somebody else was faster */
	}
	assert_int_equal(again, pid);
	await_record(f, REC_EXIT, pid);
	assert_int_equal(count_records(f, REC_EXIT, pid), 1);
}

/* --- descriptors that move --- */
static void change_passed(void *arg)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(*(int *)arg, &m, 0) < 0)
		_exit(98);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	_exit(fchmod(fd, 0604) == 0 ? 0 : 97);
}

static void test_kernel_truth_given_a_descriptor_passed_when_used_then_the_user_and_file_are_told(
	void **state)
{
	struct fixture *f = *state;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr m = { .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct rec_attributes *r;
	char text[PATH_MAX], want[PATH_MAX + 16];
	AUTO_FD int fd = -1;
	int pair[2], status;
	pid_t pid;

	make_file("passed");
	fd = open("passed", O_RDONLY | O_CLOEXEC);
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(sendmsg(pair[0], &m, 0), 0);
	pid = in_child(change_passed, &pair[1], &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_CHMOD, pid);
	snprintf(want, sizeof(want), "%s/passed", f->dir);
	assert_string_equal(path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
			    want);
	close(pair[0]);
	close(pair[1]);
}

static void test_kernel_truth_given_a_dup_of_a_connection_when_the_last_closes_then_its_end_is_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address a = make_address("127.0.0.1", 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), copy, server;

	assert_int_equal(bind(listener, &a.any, sizeof(a.v4)), 0);
	assert_int_equal(listen(listener, 1), 0);
	a = make_address("127.0.0.1", own_port(listener));
	assert_int_equal(connect(client, &a.any, sizeof(a.v4)), 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	copy = dup(client);
	close(client);
	assert_int_equal(send(copy, "x", 1, 0), 1); /* it lives on */
	take_records(f);
	assert_null(find_record(f, NULL, REC_CLOSE, getpid()));
	close(copy);
	close(server);
	await_nth(f, REC_CLOSE, getpid(), 1);
	take_records(f);
	assert_int_equal(count_records(f, REC_CLOSE, getpid()), 2); /* one a side */
}

#define T(name) cmocka_unit_test_setup(test_kernel_truth_given_##name, test_setup)
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(a_link_that_is_swapped_when_opened_then_the_opened_is_told),
		T(a_folder_renamed_when_used_by_descriptor_then_its_new_name),
		T(odd_bytes_in_a_name_when_used_then_they_are_told_as_they_are),
		T(a_bind_mount_of_its_own_when_opened_then_the_path_as_it_has_it),
		T(an_overlay_when_written_then_the_merged_path_is_told),
		T(arguments_that_change_when_executed_then_those_of_the_new_program),
		T(arguments_overwritten_after_exec_when_told_then_as_they_were),
		T(a_descriptor_when_executed_then_its_file_is_told),
		T(vfork_when_the_child_executes_then_both_are_told),
		T(a_pid_used_again_when_told_then_the_starts_differ),
		T(who_was_left_out_when_its_number_is_anothers_then_told),
		T(a_descriptor_passed_when_used_then_the_user_and_file_are_told),
		T(a_dup_of_a_connection_when_the_last_closes_then_its_end_is_told),
	};

	if (argc == 3 && strcmp(argv[1], "forget") == 0)
		return forget(argv[2]);
	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_truth", tests, group_setup, group_teardown);
}
