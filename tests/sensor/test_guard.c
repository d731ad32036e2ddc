/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor notices of opens of its own files, and of its programs' links. */
#include "tests/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "sensor/guard.h"

static enum guard_what ask(struct guard *g, const char *path)
{
	memset(g->next_ns, 0, sizeof(g->next_ns));
	return guard_minds(g, path, strlen(path), 5);
}

static void test_guard_given_paths_when_asked_then_only_its_own_are_minded(void **state)
{
	char dir[] = "/tmp/rtsec-guard-XXXXXX", path[128], link[64];
	struct guard g;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s.link", dir);
	assert_int_equal(symlink(dir, link), 0);
	guard_init(&g, link, NULL); /* the kernel tells real paths */
	snprintf(path, sizeof(path), "%s/tls/node.pem", dir);
	assert_int_equal(ask(&g, path), GUARD_STATE);
	assert_int_equal(ask(&g, dir), GUARD_STATE);
	snprintf(path, sizeof(path), "%s2/seq", dir);
	assert_int_equal(ask(&g, path), GUARD_NOTHING);
	assert_int_equal(ask(&g, "/tmp"), GUARD_NOTHING);
	assert_int_equal(ask(&g, ""), GUARD_NOTHING);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_RING);
	snprintf(path, sizeof(path), "/proc/%d/fd/7", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_RING);
	snprintf(path, sizeof(path), "/proc/%d/map_files/1-2", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_RING);
	snprintf(path, sizeof(path), "/proc/%d/memory", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_NOTHING);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_NOTHING);
	snprintf(path, sizeof(path), "/proc/%d0/mem", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_NOTHING);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(dir), 0);
	guard_init(&g, "/no/such/folder", NULL);
	assert_int_equal(ask(&g, "/no/such/folder/x"), GUARD_NOTHING);
	guard_init(&g, NULL, NULL);
	assert_int_equal(ask(&g, "/anything"), GUARD_NOTHING);
}

struct thread {
	pthread_t id;
	int tid, told[2], go[2]; /* pipes */
};

static void *be_there(void *arg)
{
	struct thread *t = arg;
	char byte = 0;

	t->tid = gettid();
	(void)!write(t->told[1], &byte, 1);
	(void)!read(t->go[0], &byte, 1);
	return NULL;
}

static void test_guard_given_a_thread_of_its_own_when_its_memory_is_opened_then_minded(void **state)
{
	char path[128], byte = 0;
	struct thread t;
	struct guard g;

	(void)state;
	guard_init(&g, NULL, NULL);
	assert_int_equal(pipe(t.told), 0);
	assert_int_equal(pipe(t.go), 0);
	assert_int_equal(pthread_create(&t.id, NULL, be_there, &t), 0);
	assert_int_equal(read(t.told[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/mem", t.tid);
	assert_int_equal(ask(&g, path), GUARD_RING);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/mem", (int)getpid(), t.tid);
	assert_int_equal(ask(&g, path), GUARD_RING);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/3", t.tid, (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_RING);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)getpid(), t.tid);
	assert_int_equal(ask(&g, path), GUARD_NOTHING);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)getpid());
	assert_int_equal(ask(&g, path), GUARD_NOTHING);
	assert_int_equal(ask(&g, "/proc/1/mem"), GUARD_NOTHING);
	assert_int_equal(ask(&g, "/proc/99999999999999999999/mem"), GUARD_NOTHING);
	assert_int_equal(write(t.go[1], &byte, 1), 1);
	assert_int_equal(pthread_join(t.id, NULL), 0);
	for (int i = 0; i < 2; i++) {
		close(t.told[i]);
		close(t.go[i]);
	}
}

static void test_guard_given_ids_when_somebody_takes_one_then_only_its_own_are_minded(void **state)
{
	struct guard_ids own = { 0 };
	struct guard g;

	(void)state;
	guard_ids_add(&own, REC_BPF_OBJECT_MAP, 7);
	guard_ids_add(&own, REC_BPF_OBJECT_LINK, 8);
	guard_init(&g, NULL, &own);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECT_MAP, 8, 1000000000), GUARD_NOTHING);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECT_PROGRAM, 7, 1000000000), GUARD_NOTHING);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECTS, 7, 1000000000), GUARD_NOTHING);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECT_MAP, 7, 1000000000), GUARD_BPF);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECT_LINK, 8, 1900000000), GUARD_NOTHING);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECT_LINK, 8, 2000000000), GUARD_BPF);
	assert_string_equal(guard_reason(GUARD_BPF), "ring_opened");
	for (uint32_t i = 0; i < 2 * GUARD_IDS; i++)
		guard_ids_add(&own, REC_BPF_OBJECT_MAP, i);
	assert_int_equal(own.n[REC_BPF_OBJECT_MAP], GUARD_IDS);
	guard_init(&g, NULL, NULL);
	assert_int_equal(guard_minds_bpf(&g, REC_BPF_OBJECT_MAP, 7, 1), GUARD_NOTHING);
}

static void test_guard_given_many_opens_when_asked_then_one_a_second_is_told_of_each_kind(
	void **state)
{
	struct guard g;
	char mem[64];

	(void)state;
	guard_init(&g, "/tmp", NULL);
	snprintf(mem, sizeof(mem), "/proc/%d/mem", (int)getpid());
	assert_int_equal(guard_minds(&g, "/tmp/x", 6, 1000000000), GUARD_STATE);
	assert_int_equal(guard_minds(&g, "/tmp/x", 6, 1999999999), GUARD_NOTHING);
	assert_int_equal(guard_minds(&g, mem, strlen(mem), 1999999999), GUARD_RING);
	assert_int_equal(guard_minds(&g, "/tmp/x", 6, 2000000000), GUARD_STATE);
	assert_string_equal(guard_reason(GUARD_STATE), "state_opened");
	assert_string_equal(guard_reason(GUARD_RING), "ring_opened");
}

static void test_guard_given_links_when_closed_or_replaced_then_they_are_dead(void **state)
{
	struct guard_links l = { 0 };
	int fds[3], null;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC);
		assert_true(guard_links_note(&l, fds[i]));
	}
	assert_false(guard_links_note(&l, -1));
	assert_int_equal(l.n, 3);
	assert_int_equal(guard_links_dead(&l), 0);
	close(fds[0]);
	assert_int_equal(guard_links_dead(&l), 1);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(null >= 0);
	assert_true(dup2(null, fds[1]) >= 0);
	assert_int_equal(guard_links_dead(&l), 2);
	close(fds[1]);
	close(fds[2]);
	close(null);
	assert_int_equal(guard_links_dead(&l), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_given_paths_when_asked_then_only_its_own_are_minded),
		cmocka_unit_test(
			test_guard_given_many_opens_when_asked_then_one_a_second_is_told_of_each_kind),
		cmocka_unit_test(
			test_guard_given_a_thread_of_its_own_when_its_memory_is_opened_then_minded),
		cmocka_unit_test(
			test_guard_given_ids_when_somebody_takes_one_then_only_its_own_are_minded),
		cmocka_unit_test(test_guard_given_links_when_closed_or_replaced_then_they_are_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
