/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sensor/resolve.h"

/* A folder with real/ in it and link -> real. */
struct place {
	char root[64];
	struct resolve resolve;
	struct rec_head head;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char path[128];

	assert_non_null(p);
	snprintf(p->root, sizeof(p->root), "/tmp/test-resolve.XXXXXX");
	assert_non_null(mkdtemp(p->root));
	snprintf(path, sizeof(path), "%s/real", p->root);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/link", p->root);
	assert_int_equal(symlink("real", path), 0);
	p->head.tgid = (uint32_t)getpid();
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/link", p->root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/real", p->root);
	rmdir(path);
	rmdir(p->root);
	free(p);
	return 0;
}

/* @dir: text such as "/tmp/x", turned into the kernel's parts. */
static void check(struct place *p, const char *dir, const char *name, const char *expected)
{
	char parts[256], buf[RESOLVE_PATH_BYTES], copy[256];
	struct record_path path = { .parts = parts };
	struct record_text text = { name, (uint32_t)strlen(name) };
	size_t n;

	snprintf(copy, sizeof(copy), "%s", dir);
	for (char *slash; (slash = strrchr(copy, '/')); *slash = 0)
		if (slash[1])
			path.n += (uint32_t)snprintf(parts + path.n, sizeof(parts) - path.n, "%s",
						     slash + 1) +
				  1;
	n = resolve_name(&p->resolve, &p->head, false, &path, &text, buf, sizeof(buf));
	assert_string_equal(buf, expected);
	assert_int_equal(n, strlen(expected));
}

static void test_resolve_given_link_in_directory_when_named_then_followed(void **state)
{
	struct place *p = *state;
	char name[128], expected[128];

	snprintf(expected, sizeof(expected), "%s/real/gone", p->root);
	snprintf(name, sizeof(name), "%s/link/gone", p->root);
	check(p, "/", name, expected);
	check(p, p->root, "link/gone", expected);
	check(p, p->root, "./link//gone/", expected);
	check(p, p->root, "link/../real/gone", expected);
	snprintf(expected, sizeof(expected), "%s/gone", p->root);
	check(p, p->root, "link/../gone", expected);
}

static void test_resolve_given_single_name_when_named_then_as_walked(void **state)
{
	struct place *p = *state;
	char expected[128];

	snprintf(expected, sizeof(expected), "%s/link", p->root);
	check(p, p->root, "link", expected); /* the link itself was deleted */
	check(p, "/", "x", "/x");
	check(p, "/", "/x", "/x");
}

static void test_resolve_given_directory_gone_when_named_then_text_is_kept(void **state)
{
	struct place *p = *state;

	check(p, "/", "/no-such-directory/../b/c", "/b/c");
	check(p, "/tmp", "no-such-directory/c", "/tmp/no-such-directory/c");
}

/* The look-up asks for another process: what /proc calls "self" is that, not us. */
static void test_resolve_given_links_of_proc_when_named_then_those_of_the_process(void **state)
{
	struct place *p = *state;
	char expected[128];
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (chdir(p->root) < 0)
			_exit(1);
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
	p->head.tgid = (uint32_t)child;
	snprintf(expected, sizeof(expected), "%s/real/gone", p->root);
	check(p, "/", "/proc/self/cwd/link/gone", expected);
	check(p, "/", "/proc/thread-self/cwd/real/gone", expected);
	check(p, "/", "/proc/self/root/tmp/gone", "/tmp/gone");
	check(p, "/", "/proc/self/task/gone", "/proc/self/task/gone"); /* as asked */
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_resolve_given_dead_process_when_outside_containers_then_own_root(void **state)
{
	struct place *p = *state;
	char name[128], expected[128];

	p->head.tgid = 0x7fffffff; /* above pid_max: nobody */
	snprintf(name, sizeof(name), "%s/link/gone", p->root);
	snprintf(expected, sizeof(expected), "%s/real/gone", p->root);
	check(p, "/", name, expected);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_resolve_given_link_in_directory_when_named_then_followed),
		T(test_resolve_given_single_name_when_named_then_as_walked),
		T(test_resolve_given_directory_gone_when_named_then_text_is_kept),
		T(test_resolve_given_links_of_proc_when_named_then_those_of_the_process),
		T(test_resolve_given_dead_process_when_outside_containers_then_own_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
