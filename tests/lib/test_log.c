/* SPDX-License-Identifier: Apache-2.0 */
/* What a line of the log looks like on stderr, which is a pipe here: each case in a child, as the
 * module looks once where stderr leads. */
#include "lib/log.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/test.h"

/* What a child says that logs one warning; JOURNAL_STREAM names its stderr when @is_journal. */
static void log_line(bool is_journal, char *ret, size_t n)
{
	int pipes[2], status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char stream[64];
		struct stat st;

		if (dup2(pipes[1], STDERR_FILENO) < 0 || fstat(STDERR_FILENO, &st) < 0)
			_exit(1);
		snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino + !is_journal);
		setenv("JOURNAL_STREAM", stream, 1);
		log_warn("test.said", "a=%d text=%s", 1, "b\nc");
		_exit(0);
	}
	close(pipes[1]);
	got = read(pipes[0], ret, n - 1);
	assert_true(got > 0);
	ret[got] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_log_given_the_journal_when_a_line_is_written_then_it_begins_with_its_priority(
	void **state)
{
	char line[256];

	(void)state;
	log_line(true, line, sizeof(line));
	assert_memory_equal(line, "<4>20", 5);
	assert_non_null(strstr(line, "Z warn test.said a=1 text=b?c\n"));
}

static void test_log_given_another_stderr_when_a_line_is_written_then_it_begins_with_its_time(
	void **state)
{
	char line[256];

	(void)state;
	log_line(false, line, sizeof(line));
	assert_memory_equal(line, "20", 2);
	assert_non_null(strstr(line, "Z warn test.said a=1 text=b?c\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_log_given_the_journal_when_a_line_is_written_then_it_begins_with_its_priority),
		cmocka_unit_test(
			test_log_given_another_stderr_when_a_line_is_written_then_it_begins_with_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
