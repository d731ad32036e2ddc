/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: what is left out, losses, waking, starting. */
#include "tests/sensor/kernel_fixture.h"

#include <pthread.h>
#include <sys/prctl.h>

#include "lib/file.h"

/* --- what is left out --- */
static void open_often(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		close(fd);
	}
}

static uint64_t left_out(const struct fixture *f)
{
	struct probe_counts n;

	probe_counts(f->probe, &n);
	return n.left_out;
}

static void test_kernel_ring_given_an_ignored_process_when_it_opens_then_it_is_only_counted(
	void **state)
{
	struct fixture *f = *state;
	uint64_t before = left_out(f);
	int n = 10;

	assert_int_equal(probe_ignore_tgid(f->probe, (uint32_t)getpid()), 0);
	open_often(&n);
	probe_unignore_tgid(f->probe, (uint32_t)getpid());
	assert_int_equal(left_out(f) - before, n);
	take_records(f);
	assert_null(find_record(f, NULL, REC_OPEN, getpid()));
	open_often(&n);
	await_record(f, REC_OPEN, getpid());
}

static void test_kernel_ring_given_too_many_processes_when_ignored_then_refused(void **state)
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

static void test_kernel_ring_given_another_network_namespace_when_files_open_then_none_come(
	void **state)
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
static void test_kernel_ring_given_a_full_ring_when_files_open_then_each_loss_is_counted(
	void **state)
{
	struct fixture small = { .netns = ((struct fixture *)*state)->netns };
	struct probe_settings s = { .priority_ring_bytes = 4096,
				    .bulk_ring_bytes = 4096,
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
	assert_true(before <= lost->from_ns && lost->from_ns <= lost->to_ns &&
		    lost->to_ns <= after);
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

static void run_true(void *arg)
{
	char *argv[] = { "true", NULL };

	(void)arg;
	execv("/bin/true", argv);
	_exit(99);
}

static void run_true_left_out(void *fixture)
{
	struct fixture *f = fixture;

	if (probe_ignore_tgid(f->probe, (uint32_t)getpid()) < 0)
		_exit(98);
	run_true(NULL);
}

static void test_kernel_ring_given_an_ignored_process_when_it_executes_another_then_told(
	void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = in_child(run_true_left_out, f, &status);

	assert_int_equal(status, 0);
	await_record(f, REC_EXEC, pid);
}

/* Names cost nothing, and are of the class of execs. */
static void test_kernel_ring_given_a_flood_of_names_when_executed_then_the_exec_has_room(
	void **state)
{
	enum { RING = 1 << 16 };
	struct fixture small = { .netns = ((struct fixture *)*state)->netns };
	struct probe_settings s = { .priority_ring_bytes = RING,
				    .bulk_ring_bytes = 4096,
				    .kinds = UINT64_C(1) << KIND_EXEC | UINT64_C(1) << KIND_END |
					     UINT64_C(1) << KIND_PRCTL_NAME };
	struct probe_loss loss[REC_CLASSES][REC_CAUSES];
	uint64_t n_kept = 0, n = 2 * RING / sizeof(struct rec_prctl);
	int status;
	pid_t pid;

	fixture_open(&small, &s);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(prctl(PR_SET_NAME, "flood"), 0);
	assert_int_equal(probe_loss(small.probe, loss), 0); /* busybox's true names itself, too */
	pid = in_child(run_true, NULL, &status);
	assert_int_equal(status, 0);
	take_records(&small);
	n_kept = count_records(&small, REC_PRCTL, getpid());
	assert_non_null(find_record(&small, NULL, REC_EXEC, pid));
	assert_non_null(find_record(&small, NULL, REC_EXIT, pid));
	assert_true(n_kept > 0);
	assert_int_equal(n_kept + loss[REC_CLASS_PRIORITY][REC_LOST_RING].count, n);
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

static void test_kernel_ring_given_an_idle_reader_when_one_file_opens_then_it_wakes(void **state)
{
	struct fixture *f = *state;
	uint64_t opened = 0, woken;
	pthread_t t;

	for (int i = 0; i < 5; i++) {
		take_records(f);
		assert_int_equal(pthread_create(&t, NULL, open_later, &opened), 0);
		take_records(f);
		assert_int_equal(ring_wait(f->ring, REC_WAKE_FIRST, AWAIT_MS), 1);
		woken = boot_ns();
		pthread_join(t, NULL);
		assert_true(woken >= opened);
		assert_true(woken - opened < AWAIT_MS / 2 * UINT64_C(1000000)); /* no time-out */
	}
}

static void test_kernel_ring_given_nothing_when_waited_then_the_time_passes(void **state)
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

static void test_kernel_ring_given_a_lingering_reader_when_the_mark_is_reached_then_it_wakes(
	void **state)
{
	struct fixture *f = *state;
	bool stop = false;
	uint64_t before;
	int n = 1;
	pthread_t t;

	open_often(&n); /* one record is no reason */
	assert_int_equal(ring_wait(f->ring, REC_WAKE_FILL, 50), 1);
	assert_true(ring_waiting(f->ring, REC_CLASS_BULK) < 4096);
	take_records(f);
	before = boot_ns();
	assert_int_equal(pthread_create(&t, NULL, open_until_told, &stop), 0);
	while (ring_waiting(f->ring, REC_CLASS_BULK) < 1 << 20)
		assert_int_equal(ring_wait(f->ring, REC_WAKE_FILL, AWAIT_MS), 1);
	assert_true(boot_ns() - before < AWAIT_MS / 2 * UINT64_C(1000000)); /* no time-out */
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
}

static void *fork_later(void *arg)
{
	pid_t child;

	sleep_ms(100);
	*(uint64_t *)arg = boot_ns();
	child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	return NULL;
}

static void test_kernel_ring_given_a_reader_for_priority_when_files_open_then_it_sleeps_on(
	void **state)
{
	struct fixture *f = *state;
	uint64_t forked = 0, woken, before;
	pthread_t t;
	int n = 3;

	take_records(f);
	open_often(&n);
	before = boot_ns();
	assert_int_equal(ring_wait(f->ring, REC_WAKE_PRIORITY, 50), 1);
	assert_true(boot_ns() - before >= 49 * 1000000u);
	assert_int_equal(pthread_create(&t, NULL, fork_later, &forked), 0);
	assert_int_equal(ring_wait(f->ring, REC_WAKE_PRIORITY, AWAIT_MS), 1);
	woken = boot_ns();
	pthread_join(t, NULL);
	assert_true(woken >= forked);
	assert_true(woken - forked < AWAIT_MS / 2 * UINT64_C(1000000)); /* no time-out */
	take_records(f);
	assert_non_null(find_record(f, NULL, REC_FORK, getpid()));
}

static int count_until_100(const struct rec_head *rec, size_t n, void *arg)
{
	int *count = arg;

	(void)rec;
	(void)n;
	return ++*count == 100 ? -EINTR : 0;
}

static void test_kernel_ring_given_a_ring_that_wraps_when_read_then_every_record_is_whole(
	void **state)
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

/* --- throttling --- */
static void test_kernel_ring_given_a_limit_when_a_workload_floods_then_told_and_suppressed_add_up(
	void **state)
{
	const struct probe_settings s = { .throttle = 1000 };
	struct probe_throttle at[8];
	const struct fixture *shared = *state;
	struct fixture f = { .netns = shared->netns };
	uint64_t suppressed = 0;
	int n = 20000, got;

	fixture_open(&f, &s);
	open_often(&n);
	take_records(&f);
	do {
		got = probe_throttles(f.probe, at, ARRAY_SIZE(at));
		assert_true(got >= 0);
		for (int i = 0; i < got; i++) {
			assert_int_equal(at[i].tgid, getpid());
			assert_true(at[i].from_ns <= at[i].to_ns && at[i].to_ns <= boot_ns());
			assert_true(at[i].workload.kind >= REC_BY_CGROUP);
			suppressed += at[i].count;
		}
	} while (got > 0);
	assert_true(suppressed > 0);
	assert_int_equal(count_records(&f, REC_OPEN, getpid()) + suppressed, n);
	assert_int_equal(probe_throttles(f.probe, at, ARRAY_SIZE(at)), 0);
	fixture_close(&f);
	buf_done(&f.records);
}

/* --- starting --- */
/* Those that the sensor makes of what it sees and knows have no probe of their own. */
static bool is_probed(const struct kind_info *k)
{
	return k && strcmp(k->category, "rtsec") != 0 && strcmp(k->category, "container") != 0 &&
	       k->kind != KIND_HASHED && k->kind != KIND_NAT;
}

/* A kernel built without modules has no call that loads one. */
static bool is_served(enum kind kind)
{
	return kind != KIND_MODULE || access("/proc/modules", F_OK) == 0;
}

static void test_kernel_ring_given_all_kinds_when_attached_then_each_has_a_tier(void **state)
{
	struct fixture *f = *state;
	size_t n, n_kinds = 0;
	const struct probe_tier *tiers = probe_tiers(f->probe, &n);

	for (uint32_t k = 0; k < KIND_MAX; k++)
		n_kinds += is_probed(kind_info(k));
	assert_int_equal(n, n_kinds);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(strcmp(tiers[i].tier, "none") == 0, !is_served(tiers[i].kind));
		assert_non_null(strstr(tiers[i].report, tiers[i].tier));
		assert_memory_equal(tiers[i].report, tiers[i].name, strlen(tiers[i].name));
	}
}

/* The kernel can give a type to any address: its types name the function that does. */
static bool has_typed_loads(void)
{
	static const char name[] = "\0bpf_rdonly_cast";
	const size_t cap = 64 << 20;
	AUTO_MEM char *types = malloc(cap);
	size_t n = 0;

	assert_non_null(types);
	assert_int_equal(file_read("/sys/kernel/btf/vmlinux", types, cap, &n, NULL), 0);
	assert_true(n > 100000);
	return memmem(types, n, name, sizeof(name)) != NULL;
}

/* One program that the kernel refuses with them has all go without, unseen but for the note. */
static void test_kernel_ring_given_links_when_one_is_another_or_closed_then_it_is_dead(void **state)
{
	struct fixture *f = *state;
	static struct guard_links l;
	int spare;

	l.n = 0;
	probe_links(f->probe, &l);
	assert_true(l.n > 10);
	assert_int_equal(guard_links_dead(&l), 0);
	spare = fcntl(l.fds[0], F_DUPFD_CLOEXEC, 0);
	assert_true(spare >= 0);
	assert_true(dup2(l.fds[1], l.fds[0]) >= 0); /* a link, of another program */
	assert_int_equal(guard_links_dead(&l), 1);
	assert_int_equal(close(l.fds[0]), 0);
	assert_int_equal(guard_links_dead(&l), 1);
	assert_true(dup3(spare, l.fds[0], O_CLOEXEC) >= 0);
	assert_int_equal(guard_links_dead(&l), 0);
	close(spare);
}

static void test_kernel_ring_given_typed_loads_when_loaded_then_no_program_goes_without(
	void **state)
{
	struct fixture *f = *state;
	bool without = false;
	const char *note;

	for (size_t i = 0; (note = probe_note(f->probe, i)); i++)
		without |= strstr(note, "typed loads") != NULL;
	assert_int_equal(without, !has_typed_loads());
}

static void test_kernel_ring_given_a_bad_ring_size_when_opened_then_the_reason_is_told(void **state)
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

static void test_kernel_ring_given_no_power_when_opened_then_that_is_told(void **state)
{
	int status;

	(void)state;
	in_child(open_as_nobody, NULL, &status);
	assert_int_equal(status, 0);
}

#define T(name) cmocka_unit_test_setup(test_kernel_ring_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_ignored_process_when_it_opens_then_it_is_only_counted),
		T(an_ignored_process_when_it_executes_another_then_told),
		T(too_many_processes_when_ignored_then_refused),
		T(another_network_namespace_when_files_open_then_none_come),
		T(a_flood_of_names_when_executed_then_the_exec_has_room),
		T(a_full_ring_when_files_open_then_each_loss_is_counted),
		T(an_idle_reader_when_one_file_opens_then_it_wakes),
		T(nothing_when_waited_then_the_time_passes),
		T(a_lingering_reader_when_the_mark_is_reached_then_it_wakes),
		T(a_reader_for_priority_when_files_open_then_it_sleeps_on),
		T(a_ring_that_wraps_when_read_then_every_record_is_whole),
		T(a_limit_when_a_workload_floods_then_told_and_suppressed_add_up),
		T(all_kinds_when_attached_then_each_has_a_tier),
		T(links_when_one_is_another_or_closed_then_it_is_dead),
		T(typed_loads_when_loaded_then_no_program_goes_without),
		T(a_bad_ring_size_when_opened_then_the_reason_is_told),
		T(no_power_when_opened_then_that_is_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_ring", tests, group_setup, group_teardown);
}
