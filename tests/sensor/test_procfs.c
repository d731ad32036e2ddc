/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "sensor/procfs.h"


static int parse_stat(const char *s, struct procfs_stat *ret)
{
	return procfs_parse_stat(s, strlen(s), ret);
}

static void test_procfs_given_a_stat_line_when_parsed_then_the_fields_are_right(void **state)
{
	struct procfs_stat st;

	(void)state;
	assert_int_equal(0, parse_stat("4711 (cat) R 4710 4710 4600 34817 4711 4194304 100 0 0 0 0 1 "
				       "0 0 20 0 1 0 251963 3133440 408",
				       &st));
	assert_int_equal(4711, st.pid);
	assert_int_equal(4710, st.ppid);
	assert_int_equal(4600, st.sid);
	assert_int_equal(34817, st.tty);
	assert_int_equal(251963, st.start_ticks);
	assert_string_equal("cat", st.comm);
}

static void test_procfs_given_a_comm_that_looks_like_stat_when_parsed_then_it_fools_nobody(void **state)
{
	struct procfs_stat st;

	(void)state;
	assert_int_equal(0, parse_stat("7 (a) R 1 1 1 (x)) S 2 3 4 0 -1 64 1 2 3 4 5 6 7 8 9 10 11 "
				       "12 99 0",
				       &st));
	assert_string_equal("a) R 1 1 1 (x)", st.comm);
	assert_int_equal(2, st.ppid);
	assert_int_equal(4, st.sid);
	assert_int_equal(99, st.start_ticks);
}

static void test_procfs_given_broken_stat_lines_when_parsed_then_they_are_refused(void **state)
{
	static const char *const lines[] = {
		"", "1", "1 (", "1 (x", "1 (x)", "x (y) R 1", "1 (x) R 1 1 1 0 -1 0 0 0",
		"99999999999999999999 (x) R 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 9 10 11 12 99",
	};
	struct procfs_stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(-EBADMSG, parse_stat(lines[i], &st));
}

static void test_procfs_given_status_text_when_parsed_then_ids_and_inner_pid_are_right(void **state)
{
	static const char text[] = "Name:\tUid: 9 9\nUid:\t1000\t0\t0\t0\nGid:\t1001\t5\t5\t5\n"
				   "NSpid:\t4711\t12\t3\n";
	struct procfs_status st;

	(void)state;
	assert_int_equal(0, procfs_parse_status(text, sizeof(text) - 1, &st));
	assert_int_equal(1000, st.uid);
	assert_int_equal(0, st.euid);
	assert_int_equal(1001, st.gid);
	assert_int_equal(5, st.egid);
	assert_int_equal(3, st.vpid);
	assert_int_equal(-EBADMSG, procfs_parse_status(text, 20, &st));
}

static void test_procfs_given_tty_numbers_when_named_then_they_are_as_people_say(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal("pts/3", procfs_tty_name(136 << 8 | 3, buf, sizeof(buf)));
	assert_string_equal("pts/300", procfs_tty_name(137 << 8 | 44, buf, sizeof(buf)));
	assert_string_equal("tty1", procfs_tty_name(4 << 8 | 1, buf, sizeof(buf)));
	assert_string_equal("ttyS0", procfs_tty_name(4 << 8 | 64, buf, sizeof(buf)));
	assert_null(procfs_tty_name(0, buf, sizeof(buf)));
}

static void test_procfs_given_this_process_when_read_then_it_is_this_program(void **state)
{
	AUTO(procfs) *p = NULL;
	const struct procfs_process *f;
	uint64_t ticks;
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void)state;
	assert_true(n > 0);
	exe[n] = 0;
	assert_int_equal(0, procfs_new(&p, "/proc"));
	assert_int_equal(0, procfs_read(p, (uint32_t)getpid(), &f));
	assert_string_equal(exe, f->exe);
	assert_int_equal(getppid(), f->stat.ppid);
	assert_int_equal(getuid(), f->status.uid);
	assert_true(f->n_args > 1 && f->args[f->n_args - 1] == 0);
	assert_false(f->kernel_thread);
	assert_true(f->exe_file.inode > 0);
	ticks = f->stat.start_ticks;
	assert_int_equal(0, procfs_start_ticks(p, (uint32_t)getpid(), &ticks));
	assert_int_equal(f->stat.start_ticks, ticks);
	assert_int_equal(-ENOENT, procfs_read(p, 0x7ffffffe, &f));
}

static int count(const struct procfs_process *f, void *arg)
{
	int *found = arg;

	*found += f->stat.pid == (uint32_t)getpid();
	return 0;
}

static void test_procfs_given_the_machine_when_walked_then_this_process_comes_once(void **state)
{
	AUTO(procfs) *p = NULL;
	int found = 0;

	(void)state;
	assert_int_equal(0, procfs_new(&p, "/proc"));
	assert_int_equal(0, procfs_each(p, count, &found));
	assert_int_equal(1, found);
	assert_int_equal(-ENOENT, procfs_new(&p, "/no/such/folder"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_procfs_given_a_stat_line_when_parsed_then_the_fields_are_right),
		cmocka_unit_test(
			test_procfs_given_a_comm_that_looks_like_stat_when_parsed_then_it_fools_nobody),
		cmocka_unit_test(
			test_procfs_given_broken_stat_lines_when_parsed_then_they_are_refused),
		cmocka_unit_test(
			test_procfs_given_status_text_when_parsed_then_ids_and_inner_pid_are_right),
		cmocka_unit_test(
			test_procfs_given_tty_numbers_when_named_then_they_are_as_people_say),
		cmocka_unit_test(test_procfs_given_this_process_when_read_then_it_is_this_program),
		cmocka_unit_test(
			test_procfs_given_the_machine_when_walked_then_this_process_comes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
