/* SPDX-License-Identifier: Apache-2.0 */
/* Merging small blocks changes no answer. */
#include "tests/collector/merge_fixture.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
