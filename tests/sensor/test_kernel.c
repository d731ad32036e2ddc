/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: processes, and the rings themselves. */
#include "tests/sensor/kernel_fixture.h"

#include <pthread.h>
#include <sys/mman.h>

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
	assert_int_equal((size_t)(own - (const uint8_t *)r) + r->args_bytes, r->head.size);
}

static void test_kernel_given_a_relative_symlink_when_executed_then_the_real_file_is_told(void **state)
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
	assert_string_equal(path_text((const char *)(r + 1), r->exe.bytes, text, sizeof(text)), real);
	assert_string_equal(path_text((const char *)(r + 1) + r->exe.bytes, r->cwd.bytes, text,
				      sizeof(text)), f->dir);
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
	assert_memory_equal(args.data, expected.data, args.n);
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

static void test_kernel_given_200_kib_of_arguments_when_executed_then_the_first_128_come(void **state)
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

static void test_kernel_given_a_terminal_when_executed_then_it_and_the_session_are_told(void **state)
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
	int from = open("/bin/true", O_RDONLY | O_CLOEXEC), to = memfd_create("secret", MFD_CLOEXEC);
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

static void test_kernel_given_threads_when_they_come_and_go_then_only_the_process_is_told(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = in_child(start_threads, NULL, &status);
	const struct rec_exit *end = await_record(f, REC_EXIT, pid);

	assert_int_equal(WEXITSTATUS(end->status), 7);
	assert_null(find_record(f, end, REC_EXIT, pid));
	assert_null(find_record(f, NULL, REC_FORK, pid));
}

/* --- what is left out --- */
static void open_often(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		close(fd);
	}
}

static void test_kernel_given_an_ignored_process_when_it_opens_then_it_is_only_counted(void **state)
{
	struct fixture *f = *state;
	uint64_t before = probe_ignored(f->probe);
	int n = 10;

	assert_int_equal(probe_ignore_tgid(f->probe, (uint32_t)getpid()), 0);
	open_often(&n);
	probe_unignore_tgid(f->probe, (uint32_t)getpid());
	assert_int_equal(probe_ignored(f->probe) - before, n);
	take_records(f);
	assert_null(find_record(f, NULL, REC_OPEN, getpid()));
	open_often(&n);
	await_record(f, REC_OPEN, getpid());
}

static void test_kernel_given_too_many_processes_when_ignored_then_refused(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 1; i <= REC_IGNORED; i++)
		assert_int_equal(probe_ignore_tgid(f->probe, 0x7fff0000u + i), 0);
	assert_int_equal(probe_ignore_tgid(f->probe, 0x7fff1000u), -ENOSPC);
	for (uint32_t i = 1; i <= REC_IGNORED; i++)
		probe_unignore_tgid(f->probe, 0x7fff0000u + i);
}

static void open_elsewhere(void *arg)
{
	if (unshare(CLONE_NEWNET) < 0)
		_exit(99);
	open_often(arg);
}

static void test_kernel_given_another_network_namespace_when_files_open_then_none_come(void **state)
{
	struct fixture *f = *state;
	int n = 10, status;
	pid_t pid = in_child(open_elsewhere, &n, &status);

	assert_int_equal(status, 0);
	open_often(&n);
	await_record(f, REC_OPEN, getpid());
	assert_null(find_record(f, NULL, REC_OPEN, pid));
}

/* --- rings: losses and waking --- */
static void test_kernel_given_a_full_ring_when_files_open_then_each_loss_is_counted(void **state)
{
	struct fixture small = { .netns = ((struct fixture *)*state)->netns };
	struct probe_settings s = { .priority_ring_bytes = 4096, .bulk_ring_bytes = 4096,
				    .kinds = UINT64_C(1) << KIND_OPEN };
	struct probe_loss loss[REC_CLASSES][REC_CAUSES];
	const struct probe_loss *lost = &loss[REC_CLASS_BULK][REC_LOST_RING];
	uint64_t before = boot_ns(), after, n_kept = 0;
	const void *rec = NULL;
	int n = 1000;

	fixture_open(&small, &s);
	open_often(&n);
	after = boot_ns();
	assert_int_equal(probe_loss(small.probe, loss), 0);
	take_records(&small);
	while ((rec = find_record(&small, rec, REC_OPEN, getpid())))
		n_kept++;
	assert_true(n_kept > 0 && lost->count > 0);
	assert_int_equal(n_kept + lost->count, n);
	assert_true(before <= lost->from_ns && lost->from_ns <= lost->to_ns && lost->to_ns <= after);
	assert_int_equal(loss[REC_CLASS_PRIORITY][REC_LOST_RING].count, 0);
	assert_int_equal(probe_loss(small.probe, loss), 0);
	assert_int_equal(lost->count, 0);

	before = boot_ns();
	open_often(&n);
	assert_int_equal(probe_loss(small.probe, loss), 0);
	assert_true(lost->count > 0 && lost->from_ns >= before);
	buf_done(&small.records);
	fixture_close(&small);
}

static void *open_later(void *arg)
{
	int n = 1;

	sleep_ms(100);
	*(uint64_t *)arg = boot_ns();
	open_often(&n);
	return NULL;
}

static void test_kernel_given_an_idle_reader_when_one_file_opens_then_it_wakes(void **state)
{
	struct fixture *f = *state;
	uint64_t opened = 0, woken;
	pthread_t t;

	for (int i = 0; i < 5; i++) {
		take_records(f);
		assert_int_equal(pthread_create(&t, NULL, open_later, &opened), 0);
		take_records(f);
		assert_int_equal(ring_wait(f->ring, REC_WAKE_FIRST, 1000), 1);
		woken = boot_ns();
		pthread_join(t, NULL);
		assert_true(woken >= opened);
		assert_true(woken - opened < 300 * 1000000u); /* the time-out is 900 ms away */
	}
}

static void test_kernel_given_nothing_when_waited_then_the_time_passes(void **state)
{
	struct fixture *f = *state;
	uint64_t before = boot_ns();

	assert_int_equal(ring_wait(f->ring, REC_WAKE_FIRST, 50), 0);
	assert_true(boot_ns() - before >= 49 * 1000000u);
}

static void *open_until_told(void *arg)
{
	int n = 100;

	while (!__atomic_load_n((bool *)arg, __ATOMIC_RELAXED))
		open_often(&n);
	return NULL;
}

static void test_kernel_given_a_lingering_reader_when_the_mark_is_reached_then_it_wakes(void **state)
{
	struct fixture *f = *state;
	bool stop = false;
	int n = 1;
	pthread_t t;

	open_often(&n); /* one record is no reason */
	assert_int_equal(ring_wait(f->ring, REC_WAKE_FILL, 50), 1);
	assert_true(ring_waiting(f->ring, REC_CLASS_BULK) < 4096);
	take_records(f);
	assert_int_equal(pthread_create(&t, NULL, open_until_told, &stop), 0);
	while (ring_waiting(f->ring, REC_CLASS_BULK) < 1 << 20)
		assert_int_equal(ring_wait(f->ring, REC_WAKE_FILL, 1000), 1);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_true(ring_waiting(f->ring, REC_CLASS_BULK) < 3 << 20);
}

static int count_until_100(const struct rec_head *rec, size_t n, void *arg)
{
	int *count = arg;

	(void)rec;
	(void)n;
	return ++*count == 100 ? -EINTR : 0;
}

static void test_kernel_given_a_ring_that_wraps_when_read_then_every_record_is_whole(void **state)
{
	struct fixture *f = *state;
	int n = 500, count = 0;
	size_t total = 0;

	for (int round = 0; round < 120; round++) { /* 60,000 records: twice round the ring */
		const void *rec = NULL;

		open_often(&n);
		take_records(f);
		while ((rec = find_record(f, rec, REC_OPEN, getpid())))
			total++;
		buf_clear(&f->records);
	}
	assert_int_equal(total, 120 * n);
	assert_int_equal(ring_malformed(f->ring), 0);
	open_often(&n);
	assert_int_equal(ring_consume(f->ring, 1000, count_until_100, &count), -EINTR);
	assert_int_equal(ring_consume(f->ring, 150, count_until_100, &count), 150);
	assert_int_equal(count, 250);
}

/* --- starting --- */
static void test_kernel_given_all_kinds_when_attached_then_each_has_a_tier(void **state)
{
	struct fixture *f = *state;
	size_t n;
	const struct probe_tier *tiers = probe_tiers(f->probe, &n);

	assert_int_equal(n, 10);
	for (size_t i = 0; i < n; i++) {
		assert_string_not_equal(tiers[i].tier, "none");
		assert_non_null(strstr(tiers[i].report, tiers[i].tier));
		assert_memory_equal(tiers[i].report, tiers[i].name, strlen(tiers[i].name));
	}
}

static void test_kernel_given_a_bad_ring_size_when_opened_then_the_reason_is_told(void **state)
{
	const struct probe_settings s = { .bulk_ring_bytes = 5000 };
	struct probe *p = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(probe_new(&p, &s, &d), -EINVAL);
	assert_non_null(strstr(d.text, "5000"));
	assert_null(p);
}

static void open_as_nobody(void *arg)
{
	const struct probe_settings s = { 0 };
	struct probe *p = NULL;
	struct diag d = { 0 };

	(void)arg;
	if (setuid(65534) < 0 || probe_new(&p, &s, &d) != -EPERM || !strstr(d.text, "root"))
		_exit(1);
}

static void test_kernel_given_no_power_when_opened_then_that_is_told(void **state)
{
	int status;

	(void)state;
	in_child(open_as_nobody, NULL, &status);
	assert_int_equal(status, 0);
}

#define T(name) cmocka_unit_test_setup(test_kernel_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_relative_symlink_when_executed_then_the_real_file_is_told),
		T(5_kib_of_arguments_when_executed_then_all_come),
		T(100_kib_of_arguments_when_executed_then_all_come),
		T(a_block_of_exactly_one_piece_when_executed_then_all_come),
		T(200_kib_of_arguments_when_executed_then_the_first_128_come),
		T(a_terminal_when_executed_then_it_and_the_session_are_told),
		T(a_thread_when_it_executes_then_its_old_id_is_told),
		T(a_deleted_program_when_executed_then_that_is_told),
		T(a_program_in_memory_when_executed_then_it_is_detached),
		T(several_ids_when_executed_then_all_are_told),
		T(a_child_when_it_exits_then_fork_and_exit_agree),
		T(a_signal_when_it_ends_a_process_then_it_is_told),
		T(threads_when_they_come_and_go_then_only_the_process_is_told),
		T(an_ignored_process_when_it_opens_then_it_is_only_counted),
		T(too_many_processes_when_ignored_then_refused),
		T(another_network_namespace_when_files_open_then_none_come),
		T(a_full_ring_when_files_open_then_each_loss_is_counted),
		T(an_idle_reader_when_one_file_opens_then_it_wakes),
		T(nothing_when_waited_then_the_time_passes),
		T(a_lingering_reader_when_the_mark_is_reached_then_it_wakes),
		T(a_ring_that_wraps_when_read_then_every_record_is_whole),
		T(all_kinds_when_attached_then_each_has_a_tier),
		T(a_bad_ring_size_when_opened_then_the_reason_is_told),
		T(no_power_when_opened_then_that_is_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel", tests, group_setup, group_teardown);
}
