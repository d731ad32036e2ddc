/* SPDX-License-Identifier: Apache-2.0 */
/* A store: what is appended, committed, scanned by time, arrival, kind, node and word. */
#include "tests/collector/store_seen.h"

#include "collector/day.h"
#include "lib/log.h"

static void test_store_given_nothing_when_scanned_then_nothing_comes(void **state)
{
	struct fix *f = *state;
	struct store_totals t;

	expect(f, (struct store_range){ 0 }, NULL, 0);
	assert_int_equal(store_totals(f->reader, &t), 0);
	assert_int_equal(t.days, 0);
}

static void test_store_given_batch_when_committed_then_reader_gets_its_bytes(void **state)
{
	struct fix *f = *state;
	struct store_totals t;

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 7, .n = 3, .time_ns = f->now }), 0);
	EXPECT(f, RANGE(0), 7);
	assert_int_equal(store_totals(f->reader, &t), 0);
	assert_int_equal(t.blocks, 1);
	assert_int_equal(t.events, 3);
	assert_int_equal(t.days, 1);
	assert_int_equal(t.bytes, f->frame.n + DAY_RECORD_HEADER_BYTES);
}

static void test_store_given_append_when_not_committed_then_readers_do_not_see_it(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 1, .n = 1, .time_ns = f->now };

	assert_int_equal(append(f, &b), 0);
	expect(f, (struct store_range){ 0 }, NULL, 0);
	assert_int_equal(store_commit(f->store), 0);
	EXPECT(f, RANGE(0), 1);
}

static void test_store_given_same_batch_when_appended_again_then_duplicate(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 1, .n = 2, .time_ns = f->now };
	struct fixture_batch other_boot = b, other_node = b;

	other_boot.boot = 9;
	other_node.node = "n2";
	assert_int_equal(append(f, &b), 0);
	assert_int_equal(append(f, &b), STORE_E_DUPLICATE);
	assert_int_equal(store_commit(f->store), 0);
	assert_int_equal(append(f, &b), STORE_E_DUPLICATE);
	close_store(f);
	open_store(f);
	assert_int_equal(append(f, &b), STORE_E_DUPLICATE);
	assert_int_equal(append(f, &other_boot), 0);
	assert_int_equal(append(f, &other_node), 0);
	assert_int_equal(store_commit(f->store), 0);
	EXPECT(f, RANGE(0), 1, 1, 1);
}

static void test_store_given_seq_when_another_batch_claims_it_then_conflict(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 1, .n = 2, .time_ns = f->now };

	assert_int_equal(append(f, &b), 0);
	b.n = 3;
	assert_int_equal(append(f, &b), STORE_E_CONFLICT);
	assert_int_equal(store_commit(f->store), 0);
	EXPECT(f, RANGE(0), 1);
}

static void test_store_given_blocks_when_reopened_then_all_are_there_and_arrival_rises(void **state)
{
	struct fix *f = *state;
	uint64_t next;

	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 10 * i + 1,
								.n = 4,
								.time_ns = f->now + i }),
				 0);
	next = store_arrival(f->store, 0);
	close_store(f);
	open_store(f);
	assert_int_equal(store_arrival(f->store, 0), next);
	EXPECT(f, RANGE(.ascending = true), 1, 11, 21, 31, 41);
}

/* Seq 1: yesterday.  2: from yesterday over midnight into today.  3: today.  4: late, of yesterday.
 */
static void put_around_midnight(struct fix *f)
{
	uint64_t midnight = f->now - fixture_day_ns / 2;

	assert_int_equal(
		put(f,
		    (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = midnight - 1000 }),
		0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2,
							.n = 2,
							.step_ns = 3000,
							.boot = 1,
							.time_ns = midnight - 500 }),
			 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 3,
							.n = 1,
							.boot = 2,
							.time_ns = midnight + 1000 }),
			 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 4,
							.n = 1,
							.boot = 3,
							.time_ns = midnight - 700 }),
			 0);
}

static void test_store_given_midnight_when_scanned_then_order_is_by_time_over_days(void **state)
{
	struct fix *f = *state;
	uint64_t midnight = f->now - fixture_day_ns / 2;

	put_around_midnight(f);
	EXPECT(f, RANGE(0), 2, 3, 4, 1);
	EXPECT(f, RANGE(.ascending = true), 1, 4, 2, 3);
	EXPECT(f, RANGE(.from_ns = midnight), 2, 3);
	EXPECT(f, RANGE(.from_ns = midnight, .ascending = true), 2, 3);
	EXPECT(f, RANGE(.to_ns = midnight), 2, 4, 1);
	EXPECT(f, RANGE(.to_ns = midnight - 500), 4, 1);
	EXPECT(f, RANGE(.to_ns = midnight - 700, .ascending = true), 1);
	EXPECT(f, RANGE(.from_ns = midnight + 1001), 2);
	expect(f, (struct store_range){ .from_ns = midnight + 2501 }, NULL, 0);
}

static void test_store_given_arrivals_when_resumed_then_later_ones_come_in_order(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	uint64_t arrivals[4];
	struct store_range all = { .to_ns = UINT64_MAX, .arrived_after_ns = 1 };

	put_around_midnight(f);
	EXPECT(f, RANGE(.arrived_after_ns = 1), 1, 2, 3, 4);
	assert_int_equal(scan_into(f, &all, &s), 0);
	arrivals[3] = store_arrival(f->store, 0) - 1;
	EXPECT(f, RANGE(.arrived_after_ns = arrivals[3] - 1), 4);
	expect(f, (struct store_range){ .arrived_after_ns = arrivals[3] }, NULL, 0);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 100 + i,
								.n = 1,
								.time_ns = f->now - i }),
				 0);
	all.arrived_after_ns = arrivals[3];
	assert_int_equal(scan_into(f, &all, &s), 0);
	assert_int_equal(s.n, 40);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(s.seqs[i], 100 + i);
}

static void test_store_given_kinds_and_nodes_when_asked_then_only_theirs_come(void **state)
{
	struct fix *f = *state;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1,
							.n = 1,
							.node = "a",
							.name = "alpha",
							.time_ns = f->now }),
			 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2,
							.n = 1,
							.node = "b",
							.name = "beta",
							.time_ns = f->now + 1,
							.kind = KIND_RENAME }),
			 0);
	EXPECT(f, RANGE(.node = "a"), 1);
	EXPECT(f, RANGE(.node = "beta"), 2);
	expect(f, (struct store_range){ .node = "c" }, NULL, 0);
	EXPECT(f, RANGE(.kinds = 1ull << KIND_RENAME), 2);
	EXPECT(f, RANGE(.kinds = 1ull << KIND_RENAME | 1ull << KIND_OPEN), 2, 1);
}

static struct expr *path_is(const char *path)
{
	struct expr_literal value = { .type = LITERAL_STRING, .string = path, .n = strlen(path) };
	struct expr *e = NULL;
	struct field_ref ref;

	assert_true(field_find(TEXT("file.path"), &ref));
	assert_int_equal(expr_new_compare(&e, ref, EXPR_EQ, &value, 1, NULL), 0);
	return e;
}

static void test_store_given_expression_when_its_word_is_absent_then_block_is_not_read(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	AUTO(expr) *e = NULL;
	struct store_range range = { .to_ns = UINT64_MAX };

	e = path_is("/srv/needle/0");
	for (uint64_t i = 0; i < 50; i++)
		assert_int_equal(
			put(f, (struct fixture_batch){ .first_seq = 1 + i,
						       .n = 1,
						       .time_ns = f->now + i,
						       .word = i == 20 ? "needle" : "hay" }),
			0);
	range.expr = e;
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks, 50);
	assert_true(s.stats.blocks_read < 10); /* a filter may say maybe */
	assert_int_equal(s.stats.blocks_read + s.stats.blocks_skipped, 50);
	assert_int_equal(s.seqs[s.stats.blocks_read == 1 ? 0 : s.n - 1], 21);
}

/* Reads seq 1, skips 2, reads 3, stops at 4. */
static enum store_wish wish(const struct store_block *meta, void *arg)
{
	static const enum store_wish wishes[] = { STORE_READ, STORE_SKIP, STORE_READ, STORE_STOP };

	(void)arg;
	return wishes[(meta->id & UINT32_MAX) - 1];
}

static void test_store_given_wishes_when_scanned_then_skips_and_stops(void **state)
{
	struct fix *f = *state;
	struct store_range range = { .to_ns = UINT64_MAX, .ascending = true };
	static struct seen s;

	for (uint64_t i = 1; i < 6; i++)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = i,
								.n = 1,
								.time_ns = f->now + i }),
				 0);
	memset(&s, 0, sizeof(s));
	assert_int_equal(store_scan(f->reader, &range, wish, see, &s, &s.stats), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.seqs[1], 3);
	assert_int_equal(s.stats.blocks_skipped, 1);
	memset(&s, 0, sizeof(s));
	s.stop_after = 2;
	assert_int_equal(store_scan(f->reader, &range, NULL, see, &s, &s.stats), 77);
	assert_int_equal(s.n, 2);
	EXPECT(f, RANGE(.ascending = true), 1, 2, 3, 4, 5); /* the reader is good again */
}

static void test_store_given_clock_far_off_when_appended_then_one_file_takes_it(void **state)
{
	struct fix *f = *state;
	char path[DAY_PATH_BYTES];

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1,
							.n = 1,
							.time_ns = 500 * fixture_day_ns }),
			 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2,
							.n = 1,
							.time_ns = 60000 * fixture_day_ns }),
			 0);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 3, .n = 1, .time_ns = f->now }), 0);
	assert_int_equal(access(day_path(f->dir, 0, "db", path), F_OK), 0);
	EXPECT(f, RANGE(0), 2, 3, 1);
	EXPECT(f, RANGE(.from_ns = f->now - 5, .to_ns = f->now + 5), 3);
}

static void test_store_given_many_days_when_scanned_then_few_files_stay_open(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };

	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(
			put(f, (struct fixture_batch){ .first_seq = 1 + i,
						       .n = 1,
						       .time_ns = f->now - i * fixture_day_ns }),
			0);
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.n, 20);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(s.seqs[i], 1 + i);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_store_given_nothing_when_scanned_then_nothing_comes),
		T(test_store_given_batch_when_committed_then_reader_gets_its_bytes),
		T(test_store_given_append_when_not_committed_then_readers_do_not_see_it),
		T(test_store_given_same_batch_when_appended_again_then_duplicate),
		T(test_store_given_seq_when_another_batch_claims_it_then_conflict),
		T(test_store_given_blocks_when_reopened_then_all_are_there_and_arrival_rises),
		T(test_store_given_midnight_when_scanned_then_order_is_by_time_over_days),
		T(test_store_given_arrivals_when_resumed_then_later_ones_come_in_order),
		T(test_store_given_kinds_and_nodes_when_asked_then_only_theirs_come),
		T(test_store_given_expression_when_its_word_is_absent_then_block_is_not_read),
		T(test_store_given_wishes_when_scanned_then_skips_and_stops),
		T(test_store_given_clock_far_off_when_appended_then_one_file_takes_it),
		T(test_store_given_many_days_when_scanned_then_few_files_stay_open),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
