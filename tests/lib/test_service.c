/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/service.h"

static void test_service_given_socket_when_notified_then_state_arrives(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/rtsec-service-XXXXXX", got[64];
	AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/n", dir);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	service_notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
	assert_memory_equal(got, "READY=1", 7);
	unlink(a.sun_path);
	rmdir(dir);
	service_notify("WATCHDOG=1"); /* nobody there: no harm */
	unsetenv("NOTIFY_SOCKET");
	service_notify("WATCHDOG=1");
}

static void test_service_given_environment_when_asked_then_half_the_watchdog_time(void **state)
{
	char pid[32];

	(void)state;
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(service_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(service_watchdog_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(service_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(service_watchdog_ms(), 15000);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* Neither a file nor a handler behind a pipe gets a secret. */
static int cores(void)
{
	unsigned filter = 1;
	struct rlimit l;
	FILE *f = fopen("/proc/self/coredump_filter", "re");
	bool read = f && fscanf(f, "%x", &filter) == 1;

	if (f)
		fclose(f);
	return read && filter == 0 && getrlimit(RLIMIT_CORE, &l) == 0 && l.rlim_max == 0;
}

static int no_core_then_hardened(void)
{
	service_no_core();
	if (!cores() || prctl(PR_GET_DUMPABLE) != 1)
		return 1;
	service_harden();
#ifndef __SANITIZE_ADDRESS__ /* which is looked into */
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 2;
#endif
	return 0;
}

static void test_service_given_process_when_hardened_then_it_leaves_no_core(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(no_core_then_hardened());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_service_given_turns_when_they_stop_then_it_beats_no_more(void **state)
{
	struct service_pulse p = { 0 };

	(void)state;
	assert_true(service_beats(&p, 0, 5, 100)); /* it has just begun */
	assert_true(service_beats(&p, 0, 105, 100));
	assert_false(service_beats(&p, 0, 106, 100));
	assert_true(service_beats(&p, 1, 107, 100)); /* it goes on */
	assert_true(service_beats(&p, 1, 207, 100));
	assert_false(service_beats(&p, 1, 208, 100));
	assert_false(service_beats(&p, 1, 5000, 100));
}

#ifndef __SANITIZE_ADDRESS__ /* its allocator is another */
static void
test_service_given_large_block_freed_when_memory_is_to_return_then_the_next_has_its_own_pages(
	void **state)
{
	void *block;
	size_t before;

	(void)state;
	service_return_memory();
	block = malloc(24 << 20);
	assert_non_null(block);
	free(block);
	before = mallinfo2().hblks;
	block = malloc(2 << 20);
	assert_non_null(block);
	assert_int_equal(mallinfo2().hblks, before + 1);
	free(block);
	assert_int_equal(mallinfo2().hblks, before);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_given_socket_when_notified_then_state_arrives),
		cmocka_unit_test(
			test_service_given_environment_when_asked_then_half_the_watchdog_time),
		cmocka_unit_test(test_service_given_process_when_hardened_then_it_leaves_no_core),
		cmocka_unit_test(test_service_given_turns_when_they_stop_then_it_beats_no_more),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(
			test_service_given_large_block_freed_when_memory_is_to_return_then_the_next_has_its_own_pages),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
