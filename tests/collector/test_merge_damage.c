/* SPDX-License-Identifier: Apache-2.0 */
/* Merging where something breaks: a lost index, damage, a kill, a day that goes. */
#include "tests/collector/merge_fixture.h"

/* ---- what goes wrong ---- */

static void path_of(const struct fix *f, const char *ending, char path[DAY_PATH_BYTES])
{
	day_path(f->dir, (uint32_t)(f->now / fixture_day_ns), ending, path);
}

static void test_merge_given_index_lost_when_opened_then_every_event_is_there_once(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf before = { 0 }, after = { 0 };
	struct store_scan_stats stats;
	struct merge_counters c;
	char path[DAY_PATH_BYTES];

	put_all(f);
	tell(f, &all, &before, &stats);
	merge(f, &at_once, UINT64_MAX, &c);
	close_store(f);
	path_of(f, "db", path);
	assert_int_equal(unlink(path), 0);
	open_store(f);
	tell(f, &all, &after, &stats);
	assert_int_equal(stats.blocks, BATCHES);
	same(&before, &after);
	merge(f, &at_once, UINT64_MAX, &c);
	assert_true(c.into > 0);
	buf_clear(&after);
	tell(f, &all, &after, &stats);
	same(&before, &after);
}

static void test_merge_given_damaged_block_when_merged_then_those_around_it_are(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf before = { 0 }, after = { 0 };
	AUTO(merger) *m = NULL;
	struct store_scan_stats stats;
	struct merge_counters c;
	char path[DAY_PATH_BYTES];
	uint64_t now_ns = timestamp_now() + fixture_day_ns;
	uint8_t byte = 0xff;
	int fd, r = MERGE_E_MORE;

	put_all(f);
	path_of(f, "frames", path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, 4000), 1);
	assert_int_equal(pwrite(fd, &byte, 1, 4001), 1);
	close(fd);
	tell(f, &all, &before, &stats);
	assert_int_equal(stats.blocks_damaged, 1);
	assert_int_equal(merger_new(&m, f->store, &at_once), 0);
	while (r != 0)
		r = merger_step(m, now_ns, UINT64_MAX);
	merger_counters(m, &c);
	tell(f, &all, &after, &stats);
	assert_int_equal(stats.blocks_damaged, 1);
	assert_true(stats.blocks < BATCHES / 4);
	same(&before, &after);
	(void)c;
}

static void test_merge_given_merged_file_damaged_when_scanned_then_told_with_its_range(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf text = { 0 };
	struct store_scan_stats stats;
	struct merge_counters c;
	char path[DAY_PATH_BYTES];
	uint8_t bytes[4] = { 0 };
	int fd;

	put_all(f);
	merge(f, &at_once, UINT64_MAX, &c);
	path_of(f, "merged", path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 100), sizeof(bytes));
	close(fd);
	tell(f, &all, &text, &stats);
	assert_int_equal(stats.blocks_damaged, 1);
	assert_true(stats.damage[0].n_events > EVENTS);
	assert_string_equal(stats.damage[0].node_id, "n0");
	assert_true(stats.damage[0].to_ns > stats.damage[0].from_ns);
}

static void test_merge_given_day_removed_when_merged_then_nothing_is_left(void **state)
{
	struct fix *f = *state;
	struct merge_counters c;
	char path[DAY_PATH_BYTES];

	put_all(f);
	merge(f, &at_once, UINT64_MAX, &c);
	assert_int_equal(store_remove_day(f->store, (uint32_t)(f->now / fixture_day_ns)), 0);
	path_of(f, "merged", path);
	assert_int_equal(access(path, F_OK), -1);
}

/* Merges in a process of its own, which is killed after some steps, at any point of the one under
 * way. */
static void merge_and_be_killed(struct fix *f, unsigned steps, unsigned wait_us)
{
	int pipe_fd[2];
	char byte;
	pid_t pid;

	close_store(f);
	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct merger *m = NULL;
		struct diag d;

		if (store_open(&f->store, f->dir, &d) < 0 || merger_new(&m, f->store, &at_once) < 0)
			_exit(1);
		for (unsigned i = 0;; i++) {
			if (i == steps && write(pipe_fd[1], "x", 1) != 1)
				_exit(1);
			if (merger_step(m, timestamp_now() + fixture_day_ns, UINT64_MAX) < 0)
				_exit(1);
		}
	}
	close(pipe_fd[1]);
	assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
	usleep(wait_us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(pipe_fd[0]);
	open_store(f);
}

static void test_merge_given_merger_killed_when_reopened_then_every_event_is_there_once(
	void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf before = { 0 }, arrived = { 0 };
	struct store_scan_stats stats;

	put_all(f);
	tell(f, &all, &before, &stats);
	tell(f, &as_arrived, &arrived, &stats);
	for (unsigned i = 0; i < 12; i++) {
		AUTO_BUF struct buf after = { 0 }, again = { 0 };

		merge_and_be_killed(f, i, i * 211 % 1500);
		tell(f, &all, &after, &stats);
		assert_int_equal(stats.blocks_damaged, 0);
		same(&before, &after);
		tell(f, &as_arrived, &again, &stats);
		same(&arrived, &again);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_merge_given_index_lost_when_opened_then_every_event_is_there_once),
		T(test_merge_given_damaged_block_when_merged_then_those_around_it_are),
		T(test_merge_given_merged_file_damaged_when_scanned_then_told_with_its_range),
		T(test_merge_given_day_removed_when_merged_then_nothing_is_left),
		T(test_merge_given_merger_killed_when_reopened_then_every_event_is_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
