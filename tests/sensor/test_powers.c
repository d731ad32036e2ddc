/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/bpf.h>
#include <linux/capability.h>

#include "sensor/powers.h"

/* Checks run in a child, which tells by its exit code which one failed: what is dropped is gone. */
static int in_child(int (*check)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint64_t status_of(const char *key, int base)
{
	unsigned long long v = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			v = strtoull(line + strlen(key), NULL, base);
	if (f)
		fclose(f);
	return v;
}

static int fine(void *arg)
{
	(void)arg;
	return 0;
}

static int needs_bpf(void *arg)
{
	(void)arg;
	return -EPERM;
}

static const uint64_t most = UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_DAC_READ_SEARCH;

static int check_status(void)
{
	struct diag d = { 0 };

	if (powers_drop(fine, NULL, &d) < 0)
		return 1;
	if (status_of("CapEff:", 16) & ~most || status_of("CapPrm:", 16) & ~most)
		return 2;
	if (status_of("CapAmb:", 16) != 0 || (geteuid() == 0 && status_of("CapBnd:", 16) & ~most))
		return 3;
	if (status_of("NoNewPrivs:", 10) != 1 || status_of("Seccomp:", 10) != 2)
		return 4;
	return 0;
}

static int check_bpf_is_kept(void)
{
	uint64_t before = status_of("CapPrm:", 16) & UINT64_C(1) << CAP_BPF;
	struct diag d = { 0 };

	if (powers_drop(needs_bpf, NULL, &d) < 0)
		return 1;
	return (status_of("CapEff:", 16) & UINT64_C(1) << CAP_BPF) == before ? 0 : 2;
}

static bool refused(long r)
{
	return r == -1 && errno == EPERM;
}

static int check_calls(void)
{
	char *const argv[] = { NULL };
	union bpf_attr attr = { 0 };
	struct diag d = { 0 };
	FILE *f;

	if (powers_drop(fine, NULL, &d) < 0)
		return 1;
	if (!refused(execve("/bin/true", argv, argv)))
		return 2;
	if (!refused(syscall(SYS_ptrace, 0, 0, 0, 0)) || !refused(syscall(SYS_unshare, 0)))
		return 3;
	if (!refused(mount("x", "/", "tmpfs", MS_REMOUNT, NULL)))
		return 4;
	if (!refused(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr))))
		return 5;
	/* allowed through to the kernel, which finds no such map */
	attr.map_fd = UINT32_MAX;
	if (syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) != -1 || errno == ENOSYS)
		return 6;
	if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) != -1 || errno == ENOSYS)
		return 9;
	if (!refused(syscall(SYS_setuid, 0)) || !refused(syscall(SYS_clock_settime, 0, NULL)))
		return 7;
	f = fopen("/proc/self/stat", "re"); /* what it does do goes on */
	if (!f || fclose(f) != 0)
		return 8;
	return 0;
}

static void test_powers_given_all_when_dropped_then_little_is_left(void **state)
{
	(void)state;
	assert_int_equal(in_child(check_status), 0);
}

static void test_powers_given_kernel_that_wants_bpf_when_dropped_then_that_stays(void **state)
{
	(void)state;
	assert_int_equal(in_child(check_bpf_is_kept), 0);
}

static void test_powers_given_dropped_when_dangerous_calls_are_made_then_refused(void **state)
{
	(void)state;
	assert_int_equal(in_child(check_calls), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_powers_given_all_when_dropped_then_little_is_left),
		cmocka_unit_test(
			test_powers_given_kernel_that_wants_bpf_when_dropped_then_that_stays),
		cmocka_unit_test(
			test_powers_given_dropped_when_dangerous_calls_are_made_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
