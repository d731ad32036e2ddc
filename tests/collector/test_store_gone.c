/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a store that somebody removed: made anew where that can be, told where not. */
#include "tests/collector/store_seen.h"

#include "collector/day.h"
#include "lib/log.h"

/* ---- files that others remove ---- */

static void remove_files(struct fix *f, uint32_t day, const char *endings)
{
	char path[DAY_PATH_BYTES];

	for (const char *at = endings; *at; at += strlen(at) + 1)
		(void)unlink(day_path(f->dir, day, at, path));
}

static void test_store_given_index_removed_by_hand_when_written_then_made_anew(void **state)
{
	struct fix *f = *state;
	static const char *const what[] = { "db\0", "db\0db-wal\0db-shm\0", "merged\0",
					    "db\0merged\0" };
	uint64_t seq = 1;

	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		static struct seen seen;
		const struct store_range all = { .to_ns = UINT64_MAX };
		int r;

		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = seq,
								.n = 1,
								.time_ns = f->now + seq + 1 }),
				 0);
		seq++;
		assert_int_equal(scan_into(f, &all, &seen), 0);
		assert_int_equal(seen.n, seq - 1);
		remove_files(f, f->today, what[i]);
		r = put(f, (struct fixture_batch){
				   .first_seq = seq, .n = 1, .time_ns = f->now + seq });
		assert_int_equal(r, -ESTALE); /* not acknowledged */
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = seq,
								.n = 1,
								.time_ns = f->now + seq }),
				 0);
		seq++;
		assert_int_equal(scan_into(f, &all, &seen), 0);
		assert_int_equal(seen.n, seq - 1);
		assert_int_equal(seen.stats.blocks_damaged, 0);
	}
	close_store(f);
	open_store(f);
	EXPECT(f, RANGE(0), 8, 7, 6, 5, 4, 3, 2, 1);
}

static void test_store_given_day_removed_by_hand_when_looked_at_then_told_and_the_rest_is_found(
	void **state)
{
	struct fix *f = *state;
	const uint64_t before = f->now - fixture_day_ns;
	struct store_day gone = { 0 };

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = before }), 0);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now }), 0);
	EXPECT(f, RANGE(0), 2, 1);
	close_store(f);
	open_store(f);
	remove_files(f, f->today - 1, "db\0db-wal\0db-shm\0frames\0merged\0");
	EXPECT(f, RANGE(0), 2); /* at once */
	assert_false(store_take_gone(f->store, &gone));
	store_look(f->store);
	assert_true(store_take_gone(f->store, &gone));
	assert_int_equal(gone.number, f->today - 1);
	assert_int_equal(gone.n_events, 1);
	assert_false(store_take_gone(f->store, &gone));
	store_look(f->store);
	assert_false(store_take_gone(f->store, &gone));
	EXPECT(f, RANGE(0), 2);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 3, .n = 1, .time_ns = before }), 0);
	EXPECT(f, RANGE(0), 2, 3);
}

/* Nothing is acknowledged into a file that has no name any more. */
static void test_store_given_day_removed_by_hand_when_written_to_then_the_batch_is_in_a_new_one(
	void **state)
{
	struct fix *f = *state;
	struct store_day gone = { 0 };

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now }), 0);
	EXPECT(f, RANGE(0), 1);
	remove_files(f, f->today, "db\0db-wal\0db-shm\0frames\0merged\0");
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now }),
		-ESTALE);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now }), 0);
	EXPECT(f, RANGE(0), 2);
	assert_true(store_take_gone(f->store, &gone));
	assert_int_equal(gone.number, f->today);
	close_store(f);
	open_store(f);
	EXPECT(f, RANGE(0), 2);
}

static void test_store_given_index_removed_by_hand_when_looked_at_then_all_is_found_again(
	void **state)
{
	struct fix *f = *state;
	const uint64_t before = f->now - fixture_day_ns;
	struct store_day gone = { 0 };

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = before }), 0);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now }), 0);
	close_store(f);
	open_store(f);
	remove_files(f, f->today - 1, "db\0db-wal\0db-shm\0");
	store_look(f->store);
	assert_false(store_take_gone(f->store, &gone));
	EXPECT(f, RANGE(0), 2, 1);
}

/* The scan goes on with what it has open; the next one must not. */
static void
test_store_given_index_removed_while_a_scan_goes_on_when_scanned_again_then_all_is_found(
	void **state)
{
	struct fix *f = *state;
	const struct store_range all = { .to_ns = UINT64_MAX };
	const struct store_block *meta;
	struct store_scan_stats stats = { 0 };
	struct block *b;

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now }), 0);
	assert_int_equal(store_walk_begin(f->reader, &all, NULL, NULL, &stats), 0);
	assert_int_equal(store_walk_next(f->reader, &meta, &b), STORE_E_BLOCK);
	remove_files(f, f->today, "db\0db-wal\0db-shm\0");
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now + 1 }),
		-ESTALE);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now + 1 }), 0);
	assert_int_equal(store_walk_next(f->reader, &meta, &b), 0);
	store_walk_end(f->reader);
	EXPECT(f, RANGE(0), 2, 1);
	assert_int_equal(stats.blocks_damaged, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_store_given_index_removed_by_hand_when_written_then_made_anew),
		T(test_store_given_index_removed_by_hand_when_looked_at_then_all_is_found_again),
		T(test_store_given_index_removed_while_a_scan_goes_on_when_scanned_again_then_all_is_found),
		T(test_store_given_day_removed_by_hand_when_looked_at_then_told_and_the_rest_is_found),
		T(test_store_given_day_removed_by_hand_when_written_to_then_the_batch_is_in_a_new_one),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
