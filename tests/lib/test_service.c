/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <malloc.h>
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

static void test_service_given_process_when_hardened_then_it_leaves_no_core(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit l;

		service_harden();
		_exit(getrlimit(RLIMIT_CORE, &l) == 0 && l.rlim_max == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(
			test_service_given_large_block_freed_when_memory_is_to_return_then_the_next_has_its_own_pages),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
