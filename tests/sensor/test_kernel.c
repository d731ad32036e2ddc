/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: processes. */
#include "tests/sensor/kernel_fixture.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* --- exec --- */
struct exec_plan {
	const char *file;
	char **argv;
};

static void run_exec(void *arg)
{
	const struct exec_plan *plan = arg;

	execv(plan->file, plan->argv);
	_exit(99);
}

/* All arguments of the exec @r: pieces, then its own. */
static void gather_args(const struct fixture *f, const struct rec_exec *r, struct buf *ret)
{
	const struct rec_args *a = NULL;
	const uint8_t *own = (const uint8_t *)(r + 1) + r->exe.bytes + r->cwd.bytes;

	while ((a = find_record(f, a, REC_ARGS, (pid_t)r->head.tgid))) {
		assert_int_equal(a->offset, ret->n);
		assert_int_equal(a->head.time_ns, r->head.time_ns);
		assert_int_equal(a->head.start_ns, r->head.start_ns);
		buf_add(ret, a + 1, a->bytes);
	}
	assert_int_equal(ret->n, r->args_before);
	buf_add(ret, own, r->args_bytes);
	assert_int_equal((size_t)(own - (const uint8_t *)r) + r->args_bytes + r->env_bytes +
				 r->script_bytes,
			 r->head.size);
}

static void test_kernel_given_a_relative_symlink_when_executed_then_the_real_file_is_told(
	void **state)
{
	struct fixture *f = *state;
	char *argv[] = { "link", "one", "", "two words", NULL };
	struct exec_plan plan = { "./link", argv };
	static const char expected[] = "link\0one\0\0two words";
	AUTO_BUF struct buf args = { 0 };
	char real[PATH_MAX], text[PATH_MAX];
	const struct rec_exec *r;
	uint64_t before = boot_ns();
	int status;
	pid_t pid;

	assert_non_null(realpath("/bin/true", real));
	assert_int_equal(symlink("/bin/true", "link"), 0);
	pid = in_child(run_exec, &plan, &status);
	r = await_record(f, REC_EXEC, pid);

	assert_head(&r->head, pid, before);
	assert_int_equal(r->head.flags, 0);
	assert_int_equal(r->head.tid, pid);
	assert_string_equal(r->head.comm, "link");
	assert_int_equal(r->old_tid, pid);
	assert_int_equal(r->parent_tgid, getpid());
	assert_start(r->parent_start_ns, getpid());
	assert_file(&r->file, real);
	assert_int_equal(r->uid, getuid());
	assert_int_equal(r->gid, getgid());
	assert_int_equal(r->euid, geteuid());
	assert_int_equal(r->egid, getegid());
	assert_int_equal(r->suid, geteuid());
	assert_int_equal(r->sgid, getegid());
	assert_int_equal(r->sid, getsid(0));
	assert_int_equal(r->vpid, pid);
	assert_string_equal(path_text((const char *)(r + 1), r->exe.bytes, text, sizeof(text)),
			    real);
	assert_string_equal(
		path_text((const char *)(r + 1) + r->exe.bytes, r->cwd.bytes, text, sizeof(text)),
		f->dir);
	assert_int_equal(r->exe.flags, 0);
	assert_int_equal(r->cwd.flags, 0);
	assert_int_equal(r->args_total, sizeof(expected));
	gather_args(f, r, &args);
	assert_int_equal(args.n, sizeof(expected));
	assert_memory_equal(args.data, expected, sizeof(expected));
}

/* Executes true with @n arguments of @len bytes; true: all of them came, up to the bound. */
static void check_long_args(struct fixture *f, size_t n, size_t len)
{
	AUTO_MEM char **argv = calloc(n + 2, sizeof(*argv));
	AUTO_BUF struct buf args = { 0 }, expected = { 0 };
	struct exec_plan plan = { "/bin/true", argv };
	const struct rec_exec *r;
	int status;
	pid_t pid;

	argv[0] = strdup("true");
	buf_add(&expected, "true", 5);
	for (size_t i = 1; i <= n; i++) {
		argv[i] = malloc(len + 1);
		memset(argv[i], 'a' + (int)(i % 26), len);
		argv[i][len] = 0;
		buf_add(&expected, argv[i], len + 1);
	}
	pid = in_child(run_exec, &plan, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	gather_args(f, r, &args);
	assert_int_equal(r->args_total, expected.n);
	assert_int_equal(args.n, MIN(expected.n, (size_t)REC_ARGS_BYTES));
	assert_memory_equal(args.data, expected.data, args.n - 1);
	assert_int_equal(args.data[args.n - 1], 0); /* where they are cut, too */
	assert_int_equal(r->head.flags & REC_F_ARGS_CUT,
			 expected.n > REC_ARGS_BYTES ? REC_F_ARGS_CUT : 0);
	for (size_t i = 0; i <= n; i++)
		free(argv[i]);
}

static void test_kernel_given_5_kib_of_arguments_when_executed_then_all_come(void **state)
{
	check_long_args(*state, 50, 100);
}

static void test_kernel_given_100_kib_of_arguments_when_executed_then_all_come(void **state)
{
	check_long_args(*state, 100, 1023);
}

static void test_kernel_given_a_block_of_exactly_one_piece_when_executed_then_all_come(void **state)
{
	check_long_args(*state, 1, REC_ARGS_CHUNK - 5 - 1);
	check_long_args(*state, 1, REC_ARGS_CHUNK - 5);
	check_long_args(*state, 2, REC_ARGS_CHUNK - 1);
}

static void test_kernel_given_128_kib_of_arguments_when_executed_then_all_come_and_one_more_is_cut(
	void **state)
{
	check_long_args(*state, 1, REC_ARGS_BYTES - 5 - 1);
	check_long_args(*state, 1, REC_ARGS_BYTES - 5 - 2);
	check_long_args(*state, 2, (REC_ARGS_BYTES - 5 + 1) / 2); /* a few bytes more */
}

static void test_kernel_given_10000_arguments_when_executed_then_all_come(void **state)
{
	check_long_args(*state, 10000, 5);
}

static void test_kernel_given_200_kib_of_arguments_when_executed_then_the_first_128_come(
	void **state)
{
	check_long_args(*state, 200, 1023);
}

static void exec_on_terminal(void *arg)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave; /* stays open: no SIGHUP */
	char *argv[] = { "true", NULL };

	(void)arg;
	if (setsid() < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		_exit(98);
	slave = open(ptsname(master), O_RDWR);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		_exit(97);
	execv("/bin/true", argv);
	_exit(99);
}

static void test_kernel_given_a_terminal_when_executed_then_it_and_the_session_are_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_exec *r;
	int status;
	pid_t pid = in_child(exec_on_terminal, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->sid, pid);
	assert_int_equal(r->tty_major, 136);
	assert_memory_equal(r->tty, "pts", 3);
	assert_int_equal(strtol(r->tty + 3, NULL, 10), r->tty_minor);
}

static void *exec_in_thread(void *arg)
{
	run_exec(arg);
	return NULL;
}

static void start_exec_thread(void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, exec_in_thread, arg) == 0)
		pthread_join(t, NULL);
	_exit(99);
}

static void test_kernel_given_a_thread_when_it_executes_then_its_old_id_is_told(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { "true", NULL };
	struct exec_plan plan = { "/bin/true", argv };
	const struct rec_exec *r;
	const struct rec_fork *made;
	int status;
	pid_t pid = in_child(start_exec_thread, &plan, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->head.flags, REC_F_NOT_LEADER);
	assert_int_equal(r->head.tid, pid);
	assert_int_not_equal(r->old_tid, pid);
	made = find_record(f, NULL, REC_FORK, getpid());
	assert_non_null(made);
	assert_int_equal(made->child_start_ns, r->head.start_ns); /* the identity is kept */
}

static void exec_deleted(void *arg)
{
	char *argv[] = { "true", NULL };
	int fd = open("gone", O_RDONLY | O_CLOEXEC);

	(void)arg;
	unlink("gone");
	fexecve(fd, argv, argv + 1);
	_exit(99);
}

static void test_kernel_given_a_deleted_program_when_executed_then_that_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_exec *r;
	char text[PATH_MAX], expected[PATH_MAX + 8];
	int status;
	pid_t pid;

	assert_int_equal(system("cp /bin/true gone"), 0);
	pid = in_child(exec_deleted, NULL, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	snprintf(expected, sizeof(expected), "%s/gone", f->dir);
	assert_string_equal(path_text((const char *)(r + 1), r->exe.bytes, text, sizeof(text)),
			    expected);
	assert_int_equal(r->exe.flags, REC_PATH_DELETED);
}

static void exec_memfd(void *arg)
{
	char *argv[] = { "true", NULL };
	int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int to = memfd_create("secret", MFD_CLOEXEC);
	char buf[65536];
	ssize_t n;

	(void)arg;
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, (size_t)n) != n)
			_exit(98);
	}
	fexecve(to, argv, argv + 1);
	_exit(99);
}

static void test_kernel_given_a_program_in_memory_when_executed_then_it_is_detached(void **state)
{
	struct fixture *f = *state;
	const struct rec_exec *r;
	char text[PATH_MAX];
	int status;
	pid_t pid = in_child(exec_memfd, NULL, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_string_equal(path_text((const char *)(r + 1), r->exe.bytes, text, sizeof(text)),
			    "/memfd:secret");
	assert_int_equal(r->exe.flags, REC_PATH_DELETED | REC_PATH_DETACHED);
}

static void exec_as_nobody(void *arg)
{
	if (setresgid(65533, 65534, 65534) < 0 || setresuid(65533, 65534, 65534) < 0)
		_exit(98);
	run_exec(arg);
}

static void test_kernel_given_several_ids_when_executed_then_all_are_told(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { "true", NULL };
	struct exec_plan plan = { "/bin/true", argv };
	const struct rec_exec *r;
	int status;
	pid_t pid = in_child(exec_as_nobody, &plan, &status);

	assert_int_equal(status, 0);
	r = await_record(f, REC_EXEC, pid);
	assert_int_equal(r->uid, 65533);
	assert_int_equal(r->gid, 65533);
	assert_int_equal(r->euid, 65534);
	assert_int_equal(r->egid, 65534);
	assert_int_equal(r->head.uid, 65534);
	assert_int_equal(r->head.gid, 65534);
}

/* --- fork and exit --- */
static void exit_with(void *arg)
{
	_exit(*(int *)arg);
}

static void test_kernel_given_a_child_when_it_exits_then_fork_and_exit_agree(void **state)
{
	struct fixture *f = *state;
	int code = 42, status;
	uint64_t before = boot_ns();
	pid_t pid = in_child(exit_with, &code, &status);
	const struct rec_exit *end = await_record(f, REC_EXIT, pid);
	const struct rec_fork *begin = find_record(f, NULL, REC_FORK, getpid());

	assert_non_null(begin);
	assert_head(&begin->head, getpid(), before);
	assert_start(begin->head.start_ns, getpid());
	assert_int_equal(begin->child_tgid, pid);
	assert_int_equal(begin->child_vpid, pid);
	assert_int_equal(begin->parent_tgid, getpid());
	assert_int_equal(begin->parent_start_ns, begin->head.start_ns);
	assert_head(&end->head, pid, before);
	assert_int_equal(end->head.start_ns, begin->child_start_ns);
	assert_int_equal(end->status, status);
	assert_int_equal(WEXITSTATUS(end->status), 42);
	assert_int_equal(end->duration_ns, end->head.time_ns - end->head.start_ns);
}

static void kill_self(void *arg)
{
	raise(*(int *)arg);
}

static void test_kernel_given_a_signal_when_it_ends_a_process_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	int signal = SIGKILL, status;
	pid_t pid = in_child(kill_self, &signal, &status);
	const struct rec_exit *end = await_record(f, REC_EXIT, pid);

	assert_int_equal(end->status, status);
	assert_int_equal(WTERMSIG(end->status), SIGKILL);
}

static void *nothing(void *arg)
{
	return arg;
}

static void start_threads(void *arg)
{
	pthread_t t;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		if (pthread_create(&t, NULL, nothing, NULL) == 0)
			pthread_join(t, NULL);
	}
	_exit(7);
}

static void test_kernel_given_threads_when_they_come_and_go_then_only_the_process_is_told(
	void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = in_child(start_threads, NULL, &status);
	const struct rec_exit *end = await_record(f, REC_EXIT, pid);

	assert_int_equal(WEXITSTATUS(end->status), 7);
	assert_null(find_record(f, end, REC_EXIT, pid));
	assert_null(find_record(f, NULL, REC_FORK, pid));
}

static void *end_together(void *arg)
{
	pthread_barrier_wait(arg);
	syscall(SYS_exit, 0);
	return NULL;
}

static void start_ending_threads(void *arg)
{
	pthread_barrier_t barrier;
	pthread_t t;

	(void)arg;
	pthread_barrier_init(&barrier, NULL, 5);
	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, end_together, &barrier);
	end_together(&barrier);
}

static void test_kernel_given_threads_when_they_end_together_then_the_process_ends_once(
	void **state)
{
	struct fixture *f = *state;
	int status;

	for (int i = 0; i < 100; i++) {
		pid_t pid = in_child(start_ending_threads, NULL, &status);
		const struct rec_exit *end;

		await_record(f, REC_EXIT, pid);
		take_records(f); /* a second one has come by now: all threads are reaped */
		end = find_record(f, NULL, REC_EXIT, pid);
		assert_null(find_record(f, end, REC_EXIT, pid));
		buf_clear(&f->records);
	}
}

#define T(name) cmocka_unit_test_setup(test_kernel_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_relative_symlink_when_executed_then_the_real_file_is_told),
		T(5_kib_of_arguments_when_executed_then_all_come),
		T(100_kib_of_arguments_when_executed_then_all_come),
		T(a_block_of_exactly_one_piece_when_executed_then_all_come),
		T(128_kib_of_arguments_when_executed_then_all_come_and_one_more_is_cut),
		T(10000_arguments_when_executed_then_all_come),
		T(200_kib_of_arguments_when_executed_then_the_first_128_come),
		T(a_terminal_when_executed_then_it_and_the_session_are_told),
		T(a_thread_when_it_executes_then_its_old_id_is_told),
		T(a_deleted_program_when_executed_then_that_is_told),
		T(a_program_in_memory_when_executed_then_it_is_detached),
		T(several_ids_when_executed_then_all_are_told),
		T(a_child_when_it_exits_then_fork_and_exit_agree),
		T(a_signal_when_it_ends_a_process_then_it_is_told),
		T(threads_when_they_come_and_go_then_only_the_process_is_told),
		T(threads_when_they_end_together_then_the_process_ends_once),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel", tests, group_setup, group_teardown);
}
