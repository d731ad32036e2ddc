/* SPDX-License-Identifier: Apache-2.0 */
/* The collector as a process: starting, refusing to, stopping. */
#include "tests/collector/program.h"

#include <sys/stat.h>

#include "collector/maindb.h"

struct fix {
	char dir[128], url[200];
	pid_t pid;
};

static int run(const char *const *args, char *text, size_t room)
{
	int out;
	pid_t pid = program_start(args, &out);

	program_says(out, "\1 never", text, room);
	close(out);
	return program_finish(pid);
}
#define RUN(text, ...) run((const char *const[]){ __VA_ARGS__, NULL }, text, sizeof(text))

static pid_t start_collector(struct fix *f)
{
	const char *const args[] = { "--dir",  f->dir,	      "--listen", f->url,
				     "--http", "127.0.0.1:0", NULL };
	char text[4096];
	int out;
	pid_t pid = program_start(args, &out);

	if (!program_says(out, "READY", text, sizeof(text)))
		fail_msg("not ready: %s", text);
	close(out);
	return pid;
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	snprintf(f->url, sizeof(f->url), "ipc://%s/sensors.ipc", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static void test_main_given_collector_when_told_to_stop_then_exits_with_0_soon(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		uint64_t begin;

		f->pid = start_collector(f);
		begin = timestamp_now();
		kill(f->pid, signals[i]);
		assert_int_equal(program_finish(f->pid), 0);
		f->pid = 0;
		assert_true(timestamp_now() - begin < 5000000000u);
	}
}

static void test_main_given_running_collector_when_second_uses_its_folder_then_refused(void **state)
{
	struct fix *f = *state;
	char text[4096], lock[160];

	f->pid = start_collector(f);
	assert_int_equal(
		RUN(text, "--dir", f->dir, "--listen", "ipc:///nowhere/x", "--http", "127.0.0.1:0"),
		1);
	assert_non_null(strstr(text, "another collector runs in the folder"));
	snprintf(lock, sizeof(lock), "%s/lock", f->dir); /* as people do with what is in the way */
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(
		RUN(text, "--dir", f->dir, "--listen", "ipc:///nowhere/x", "--http", "127.0.0.1:0"),
		1);
	assert_non_null(strstr(text, "another collector runs in the folder"));
}

static void test_main_given_taken_address_when_started_then_error_names_it(void **state)
{
	struct fix *f = *state;
	char text[4096], other[160];

	f->pid = start_collector(f);
	snprintf(other, sizeof(other), "%s/other", f->dir);
	assert_int_equal(RUN(text, "--dir", other, "--listen", f->url, "--http", "127.0.0.1:0"), 1);
	assert_non_null(strstr(text, f->url));
}

static void test_main_given_open_address_when_plain_then_refused(void **state)
{
	struct fix *f = *state;
	char text[4096];

	assert_int_equal(RUN(text, "--dir", f->dir, "--listen", "tcp://0.0.0.0:0"), 1);
	assert_non_null(strstr(text, "nothing is encrypted"));
	assert_int_equal(RUN(text, "--dir", f->dir, "--listen", f->url, "--http", "0.0.0.0:0",
			     "--http-plain"),
			 1);
	assert_non_null(strstr(text, "nothing is encrypted"));
}

static void test_main_given_running_collector_when_token_is_made_then_it_is_printed(void **state)
{
	struct fix *f = *state;
	char text[4096];

	f->pid = start_collector(f);
	assert_int_equal(
		RUN(text, "token", "create", "--dir", f->dir, "--name", "t", "--role", "viewer"),
		0);
	assert_int_equal(strlen(text), 65);
	assert_int_equal(strspn(text, "0123456789abcdef"), 64);
	assert_int_equal(RUN(text, "token", "create", "--dir", f->dir, "--name", "t"), 2);
	assert_int_equal(RUN(text, "token", "destroy"), 2);
}

static int keep_rows(const struct audit *a, void *arg)
{
	char *to = arg;
	size_t n = strlen(to);

	snprintf(to + n, 1024 - n, "%s %s: %s\n", a->address, a->action, a->detail);
	return a->actor[0] ? 0 : -EINVAL;
}

/* What is done past the API is in the audit log like all else. */
static void test_main_given_commands_on_the_machine_when_audit_is_read_then_told(void **state)
{
	struct fix *f = *state;
	AUTO(maindb) *m = NULL;
	char text[4096], rows[1024] = "";

	assert_int_equal(
		RUN(text, "token", "create", "--dir", f->dir, "--name", "t", "--role", "viewer"),
		0);
	text[64] = '\0';
	assert_int_equal(RUN(rows, "hold", "2026-02-28", "--dir", f->dir), 0);
	assert_int_equal(RUN(rows, "release", "2026-02-28", "--dir", f->dir), 0);
	assert_int_equal(RUN(rows, "release", "2026-02-28", "--dir", f->dir), 1);
	assert_int_equal(RUN(rows, "import", "/dev/null", "--dir", f->dir), 0);
	rows[0] = '\0';
	assert_int_equal(maindb_open(&m, f->dir, NULL), 0);
	assert_int_equal(maindb_audit_list(m, 0, 10, keep_rows, rows), 0);
	assert_string_equal(rows,
			    "local import: /dev/null\nlocal release: 2026-02-28\n"
			    "local hold: 2026-02-28\nlocal token create: name=t role=viewer\n");
	assert_null(strstr(rows, text));
}

static void test_main_given_running_collector_when_day_is_held_then_listed_until_released(
	void **state)
{
	struct fix *f = *state;
	char text[4096];

	f->pid = start_collector(f);
	assert_int_equal(RUN(text, "hold", "2026-02-28", "--dir", f->dir), 0);
	assert_int_equal(RUN(text, "hold", "2025-12-31", "--dir", f->dir), 0);
	assert_int_equal(RUN(text, "holds", "--dir", f->dir), 0);
	assert_string_equal(text, "2025-12-31\n2026-02-28\n");
	assert_int_equal(RUN(text, "release", "2025-12-31", "--dir", f->dir), 0);
	assert_int_equal(RUN(text, "release", "2025-12-31", "--dir", f->dir), 1);
	assert_non_null(strstr(text, "not on hold"));
	assert_int_equal(RUN(text, "holds", "--dir", f->dir), 0);
	assert_string_equal(text, "2026-02-28\n");
	assert_int_equal(RUN(text, "hold", "2026-02-30", "--dir", f->dir), 2);
	assert_int_equal(RUN(text, "hold", "--dir", f->dir), 2);
}

/* Rules and alerts have connections of their own.  When a process that has none left closes the
 * database, the WAL must stay: others write to it. */
static void test_main_given_two_connections_when_another_process_closes_then_wal_stays(void **state)
{
	struct fix *f = *state;
	AUTO(maindb) *first = NULL, *second = NULL;
	char text[4096], wal[160], token[65];
	struct stat before, after;

	snprintf(wal, sizeof(wal), "%s/main.db-wal", f->dir);
	assert_int_equal(maindb_open(&first, f->dir, NULL), 0);
	assert_int_equal(maindb_open(&second, f->dir, NULL), 0);
	assert_int_equal(maindb_token_create(first, "x", ROLE_VIEWER, token), 0);
	assert_int_equal(stat(wal, &before), 0);
	assert_int_equal(
		RUN(text, "token", "create", "--dir", f->dir, "--name", "t", "--role", "viewer"),
		0);
	assert_int_equal(stat(wal, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void test_main_given_version_and_help_when_asked_then_told(void **state)
{
	char text[8192];

	(void)state;
	assert_int_equal(RUN(text, "--version"), 0);
	assert_string_equal(text, "rtsec-collector " RTSEC_VERSION "\n");
	assert_int_equal(RUN(text, "--help"), 0);
	assert_non_null(strstr(text, "--listen"));
	assert_int_equal(RUN(text, "--colour"), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_main_given_collector_when_told_to_stop_then_exits_with_0_soon),
		T(test_main_given_running_collector_when_second_uses_its_folder_then_refused),
		T(test_main_given_taken_address_when_started_then_error_names_it),
		T(test_main_given_open_address_when_plain_then_refused),
		T(test_main_given_running_collector_when_token_is_made_then_it_is_printed),
		T(test_main_given_commands_on_the_machine_when_audit_is_read_then_told),
		T(test_main_given_running_collector_when_day_is_held_then_listed_until_released),
		T(test_main_given_two_connections_when_another_process_closes_then_wal_stays),
		T(test_main_given_version_and_help_when_asked_then_told),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
