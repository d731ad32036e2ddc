/* SPDX-License-Identifier: Apache-2.0 */
/* Small blocks merged: every event is there once, in every order, whatever happens meanwhile. */
#include "tests/collector/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/day.h"
#include "collector/merge.h"

enum { NODES = 3, BATCHES = 120, EVENTS = 3, STEP_NS = 1000 };

static const struct merge_limits at_once = {
	.small_events = 100, .target_events = 60, .least_blocks = 2, .sweep_ns = 1
};

/* Batch @i: of node i % NODES, its numbers and times rising; every 40th is large. */
static struct fixture_batch batch_of(const struct fix *f, uint32_t i)
{
	static const char *const nodes[NODES] = { "n0", "n1", "n2" };
	static const char *const words[] = { "alpha", "beta", "gamma", "delta" };

	return (struct fixture_batch){ .node = nodes[i % NODES],
				       .boot = 1,
				       .first_seq = 1 + (uint64_t)i * 1000,
				       .time_ns = f->now + i * 1000000,
				       .step_ns = STEP_NS,
				       .n = i % 40 == 39 ? 150 : EVENTS,
				       .word = words[i % ARRAY_SIZE(words)],
				       .kind = i % 7 ? KIND_OPEN : KIND_CREATION };
}

static void put_all(struct fix *f)
{
	for (uint32_t i = 0; i < BATCHES; i++) {
		struct fixture_batch b = batch_of(f, i);

		assert_int_equal(put(f, b), 0);
	}
}

/* Until there is nothing left to do. */
static void merge(struct fix *f, const struct merge_limits *limits, uint64_t low_ns,
		  struct merge_counters *ret)
{
	AUTO(merger) *m = NULL;
	uint64_t now_ns = timestamp_now() + fixture_day_ns;
	int r;

	assert_int_equal(merger_new(&m, f->store, limits), 0);
	while ((r = merger_step(m, now_ns, low_ns)) == MERGE_E_MORE)
		;
	assert_int_equal(r, 0);
	merger_counters(m, ret);
}

static void test_merge_given_clock_that_is_set_back_when_stepped_then_it_goes_on(void **state)
{
	struct fix *f = *state;
	struct merge_limits limits = at_once;
	struct merge_counters counters;
	AUTO(merger) *m = NULL;
	uint64_t now_ns = timestamp_now() + fixture_day_ns;

	limits.sweep_ns = fixture_day_ns / 24 / 60;
	assert_int_equal(merger_new(&m, f->store, &limits), 0);
	assert_int_equal(merger_step(m, now_ns + fixture_day_ns, UINT64_MAX), 0); /* rests */
	put_all(f);
	while (merger_step(m, now_ns, UINT64_MAX) == MERGE_E_MORE)
		;
	merger_counters(m, &counters);
	assert_true(counters.blocks > 0);
}

static void test_merge_given_clock_that_was_ahead_when_a_rest_has_passed_then_it_goes_on(
	void **state)
{
	struct fix *f = *state;
	struct merge_limits limits = at_once;
	struct fixture_batch first = batch_of(f, BATCHES);
	struct merge_counters counters;
	AUTO(merger) *m = NULL;
	uint64_t now_ns = timestamp_now();

	limits.rest_ns = 1;
	assert_int_equal(merger_new(&m, f->store, &limits), 0);
	assert_int_equal(append_at(f, &first, now_ns + fixture_day_ns / 24), 0);
	assert_int_equal(store_commit(f->store), 0);
	put_all(f); /* all of it counts as of that hour */
	while (merger_step(m, now_ns, UINT64_MAX) == MERGE_E_MORE)
		;
	merger_counters(m, &counters);
	assert_int_equal(counters.blocks, 0);
	now_ns += 2 * limits.sweep_ns;
	while (merger_step(m, now_ns, UINT64_MAX) == MERGE_E_MORE)
		;
	merger_counters(m, &counters);
	assert_true(counters.blocks > BATCHES / 2);
}

/* ---- what is there ---- */

static int tell_event(struct field_ref ref, void *arg)
{
	void **a = arg;
	struct block_value v = block_value(a[0], *(uint32_t *)a[1], *(uint32_t *)a[2], ref);

	if (ref.info->field == FIELD_INGESTED)
		return 0; /* of merged ones that of the last: test_merge_given_merged_when_.. */
	if (v.type == VALUE_STRING)
		buf_printf(a[3], " %.*s", (int)v.string.n, v.string.s);
	else if (v.type != VALUE_NULL)
		buf_printf(a[3], " %llu", (unsigned long long)v.number);
	return 0;
}

/* Events that the block holds, one line each, with all they say. */
static int tell_block(const struct store_block *meta, struct block *b, void *arg)
{
	assert_int_equal(meta->n_events, block_info(b)->n_events);
	assert_int_equal(meta->min_time_ns, block_info(b)->min_time_ns);
	assert_int_equal(meta->max_time_ns, block_info(b)->max_time_ns);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			void *one[] = { b, &t, &row, arg };

			field_each(tell_event, one);
			buf_byte(arg, '\n');
		}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines of @text. */
static void sort_lines(struct buf *text)
{
	AUTO_BUF struct buf sorted = { 0 };
	static char *lines[65536];
	char *at, *rest;
	size_t n = 0;

	buf_byte(text, 0);
	rest = (char *)text->data;
	while ((at = strsep(&rest, "\n")) && *at) {
		assert_true(n < ARRAY_SIZE(lines));
		lines[n++] = at;
	}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++) {
		buf_str(&sorted, lines[i]);
		buf_byte(&sorted, '\n');
	}
	buf_clear(text);
	buf_add(text, sorted.data, sorted.n);
}

/* All events that @range wants, in no order but that of arrival. */
static void tell(struct fix *f, const struct store_range *range, struct buf *out,
		 struct store_scan_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	assert_int_equal(store_scan(f->reader, range, NULL, tell_block, out, stats), 0);
	if (!range->arrived_after_ns)
		sort_lines(out);
}

static const struct store_range all = { .to_ns = UINT64_MAX };
static const struct store_range as_arrived = { .to_ns = UINT64_MAX, .arrived_after_ns = 1 };

static void same(const struct buf *a, const struct buf *b)
{
	assert_true(a->n > 0);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->data, b->data, a->n);
}

/* ---- tests ---- */

static void test_merge_given_small_blocks_when_merged_then_events_are_the_same_in_fewer(
	void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf before = { 0 }, after = { 0 };
	struct store_scan_stats stats;
	struct merge_counters c;

	put_all(f);
	tell(f, &all, &before, &stats);
	assert_int_equal(stats.blocks, BATCHES);
	merge(f, &at_once, UINT64_MAX, &c);
	tell(f, &all, &after, &stats);
	same(&before, &after);
	assert_true(stats.blocks < BATCHES / 5);
	assert_int_equal(c.failures, 0);
	assert_int_equal(BATCHES - c.blocks + c.into, stats.blocks);
	close_store(f);
	open_store(f);
	buf_clear(&after);
	tell(f, &all, &after, &stats);
	same(&before, &after);
}

static void test_merge_given_merged_when_scanned_by_time_and_word_then_found_and_skipped(
	void **state)
{
	struct fix *f = *state;
	struct store_range range = { .from_ns = f->now + 30000000,
				     .to_ns = f->now + 60000000,
				     .node = "n1",
				     .ascending = true };
	AUTO_BUF struct buf before = { 0 }, after = { 0 };
	struct store_scan_stats stats;
	struct merge_counters c;
	uint64_t n;

	put_all(f);
	tell(f, &range, &before, &stats);
	n = stats.events;
	merge(f, &at_once, UINT64_MAX, &c);
	tell(f, &range, &after, &stats);
	assert_true(stats.events >= n); /* whole blocks: they may reach out of the range */
	assert_true(after.n >= before.n);
	assert_true(stats.blocks_read <= 4);
}

static void test_merge_given_merged_when_batch_comes_again_then_it_is_known(void **state)
{
	struct fix *f = *state;
	struct store_scan_stats stats;
	AUTO_BUF struct buf before = { 0 }, after = { 0 };
	struct merge_counters c;

	put_all(f);
	tell(f, &all, &before, &stats);
	merge(f, &at_once, UINT64_MAX, &c);
	for (uint32_t i = 0; i < BATCHES; i++) {
		struct fixture_batch b = batch_of(f, i);

		assert_int_equal(put(f, b), STORE_E_DUPLICATE);
		b.n++; /* another one by the same number */
		assert_int_equal(put(f, b), STORE_E_CONFLICT);
	}
	tell(f, &all, &after, &stats);
	same(&before, &after);
}

static void test_merge_given_merged_when_scanned_by_arrival_then_batches_are_as_they_came(
	void **state)
{
	struct fix *f = *state;
	struct store_range later = as_arrived;
	AUTO_BUF struct buf before = { 0 }, after = { 0 }, rest = { 0 };
	struct store_scan_stats stats;
	struct merge_counters c;
	uint64_t middle_ns = 0;

	for (uint32_t i = 0; i < BATCHES; i++) {
		struct fixture_batch b = batch_of(f, i);

		assert_int_equal(put(f, b), 0);
		if (i == BATCHES / 2)
			middle_ns = store_arrival(f->store, 0) - 1;
	}
	tell(f, &as_arrived, &before, &stats);
	merge(f, &at_once, UINT64_MAX, &c);
	assert_true(c.into > 0);
	tell(f, &as_arrived, &after, &stats);
	assert_int_equal(stats.blocks, BATCHES);
	same(&before, &after);
	later.arrived_after_ns = middle_ns;
	tell(f, &later, &rest, &stats);
	assert_int_equal(stats.blocks, BATCHES - BATCHES / 2 - 1);
	assert_true(rest.n < before.n);
	assert_memory_equal(rest.data, before.data + before.n - rest.n, rest.n);
}

static void test_merge_given_scan_under_way_when_merged_then_it_gets_each_event_once(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf before = { 0 }, during = { 0 };
	const struct store_block *meta;
	struct store_scan_stats stats;
	struct merge_counters c;
	struct block *b;
	int n = 0;

	put_all(f);
	tell(f, &all, &before, &stats);
	memset(&stats, 0, sizeof(stats));
	assert_int_equal(store_walk_begin(f->reader, &all, NULL, NULL, &stats), 0);
	while (store_walk_next(f->reader, &meta, &b) == STORE_E_BLOCK) {
		tell_block(meta, b, &during);
		if (++n == 5)
			merge(f, &at_once, UINT64_MAX, &c);
	}
	store_walk_end(f->reader);
	assert_true(n > 5);
	sort_lines(&during);
	same(&before, &during);
}

static void test_merge_given_blocks_not_followed_yet_when_merged_then_they_stay(void **state)
{
	struct fix *f = *state;
	struct store_scan_stats stats;
	AUTO_BUF struct buf text = { 0 };
	struct merge_counters c;

	put_all(f);
	merge(f, &at_once, 1, &c);
	assert_int_equal(c.into, 0);
	tell(f, &all, &text, &stats);
	assert_int_equal(stats.blocks, BATCHES);
}

static void test_merge_given_few_events_when_young_then_they_wait_until_they_are_old(void **state)
{
	struct fix *f = *state;
	struct merge_limits patient = at_once;
	struct merge_counters c;

	for (uint32_t i = 0; i < 6 * NODES; i++) {
		struct fixture_batch b = batch_of(f, i);

		assert_int_equal(put(f, b), 0);
	}
	patient.patience_ns = 2 * fixture_day_ns;
	merge(f, &patient, UINT64_MAX, &c);
	assert_int_equal(c.into, 0);
	patient.patience_ns = 1;
	merge(f, &patient, UINT64_MAX, &c);
	assert_int_equal(c.into, NODES);
	assert_int_equal(c.blocks, 6 * NODES);
}

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
		T(test_merge_given_small_blocks_when_merged_then_events_are_the_same_in_fewer),
		T(test_merge_given_merged_when_scanned_by_time_and_word_then_found_and_skipped),
		T(test_merge_given_merged_when_batch_comes_again_then_it_is_known),
		T(test_merge_given_merged_when_scanned_by_arrival_then_batches_are_as_they_came),
		T(test_merge_given_scan_under_way_when_merged_then_it_gets_each_event_once),
		T(test_merge_given_blocks_not_followed_yet_when_merged_then_they_stay),
		T(test_merge_given_clock_that_is_set_back_when_stepped_then_it_goes_on),
		T(test_merge_given_clock_that_was_ahead_when_a_rest_has_passed_then_it_goes_on),
		T(test_merge_given_few_events_when_young_then_they_wait_until_they_are_old),
		T(test_merge_given_index_lost_when_opened_then_every_event_is_there_once),
		T(test_merge_given_damaged_block_when_merged_then_those_around_it_are),
		T(test_merge_given_merged_file_damaged_when_scanned_then_told_with_its_range),
		T(test_merge_given_day_removed_when_merged_then_nothing_is_left),
		T(test_merge_given_merger_killed_when_reopened_then_every_event_is_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
