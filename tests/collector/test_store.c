/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collector/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/day.h"
#include "collector/sql.h"
#include "collector/store.h"
#include "lib/log.h"

struct fix {
	char dir[128];
	struct store *store;
	struct store_reader *reader;
	struct block *block;
	struct buf frame;
	uint64_t noon; /* of today */
};

static void open_store(struct fix *f)
{
	struct diag d = { 0 };

	if (store_open(&f->store, f->dir, &d) < 0)
		fail_msg("%s: %s", d.file, d.text);
	assert_int_equal(store_reader_new(f->store, &f->reader), 0);
}

static void close_store(struct fix *f)
{
	f->reader = store_reader_free(f->reader);
	f->store = store_free(f->store);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	assert_int_equal(block_new(&f->block), 0);
	f->noon = timestamp_now() / fixture_day_ns * fixture_day_ns + fixture_day_ns / 2;
	open_store(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	close_store(f);
	block_free(f->block);
	buf_done(&f->frame);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static int append(struct fix *f, const struct fixture_batch *batch)
{
	struct diag d = { 0 };

	buf_clear(&f->frame);
	fixture_frame(batch, &f->frame);
	if (block_load(f->block, f->frame.data, f->frame.n, &d) < 0)
		fail_msg("%s", d.text);
	return store_append(f->store, f->block, f->frame.data, f->frame.n,
			    store_arrival(f->store, timestamp_now()));
}

static int put(struct fix *f, struct fixture_batch batch)
{
	int r = append(f, &batch);

	return r < 0 ? r : store_commit(f->store);
}

/* ---- scanning ---- */

struct seen {
	uint64_t seqs[4096];
	size_t n, stop_after;
	struct store_scan_stats stats;
};

static int see(const struct store_block *meta, struct block *b, void *arg)
{
	struct seen *s = arg;
	const struct block_info *i = block_info(b);

	assert_true(s->n < ARRAY_SIZE(s->seqs));
	assert_int_equal(meta->n_events, i->n_events);
	assert_int_equal(meta->min_time_ns, i->min_time_ns);
	assert_int_equal(meta->max_time_ns, i->max_time_ns);
	assert_int_equal(meta->ingested_ns, i->ingested_ns);
	s->seqs[s->n++] = i->first_seq;
	return s->stop_after && s->n == s->stop_after ? 77 : 0;
}

static int scan_into(struct fix *f, const struct store_range *range, struct seen *ret)
{
	memset(ret, 0, sizeof(*ret));
	return store_scan(f->reader, range, NULL, see, ret, &ret->stats);
}

static void expect(struct fix *f, struct store_range range, const uint64_t *seqs, size_t n)
{
	static struct seen s;

	if (range.to_ns == 0)
		range.to_ns = UINT64_MAX;
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s.seqs[i], seqs[i]);
}
#define EXPECT(f, range, ...)                                                        \
	expect(f, (struct store_range)range, (const uint64_t[]){ __VA_ARGS__ },      \
	       sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))
#define RANGE(...) { __VA_ARGS__ }

/* ---- tests ---- */

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

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 7, .n = 3,
							.time_ns = f->noon }), 0);
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
	struct fixture_batch b = { .first_seq = 1, .n = 1, .time_ns = f->noon };

	assert_int_equal(append(f, &b), 0);
	expect(f, (struct store_range){ 0 }, NULL, 0);
	assert_int_equal(store_commit(f->store), 0);
	EXPECT(f, RANGE(0), 1);
}

static void test_store_given_same_batch_when_appended_again_then_duplicate(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 1, .n = 2, .time_ns = f->noon };
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
	struct fixture_batch b = { .first_seq = 1, .n = 2, .time_ns = f->noon };

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
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 10 * i + 1, .n = 4,
								.time_ns = f->noon + i }), 0);
	next = store_arrival(f->store, 0);
	close_store(f);
	open_store(f);
	assert_int_equal(store_arrival(f->store, 0), next);
	EXPECT(f, RANGE(.ascending = true), 1, 11, 21, 31, 41);
}

/* Seq 1: yesterday.  2: from yesterday over midnight into today.  3: today.  4: late, of yesterday. */
static void put_around_midnight(struct fix *f)
{
	uint64_t midnight = f->noon - fixture_day_ns / 2;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							.time_ns = midnight - 1000 }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2, .n = 2, .step_ns = 3000,
							.boot = 1, .time_ns = midnight - 500 }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 3, .n = 1, .boot = 2,
							.time_ns = midnight + 1000 }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 4, .n = 1, .boot = 3,
							.time_ns = midnight - 700 }), 0);
}

static void test_store_given_midnight_when_scanned_then_order_is_by_time_over_days(void **state)
{
	struct fix *f = *state;
	uint64_t midnight = f->noon - fixture_day_ns / 2;

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
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 100 + i, .n = 1,
								.time_ns = f->noon - i }), 0);
	all.arrived_after_ns = arrivals[3];
	assert_int_equal(scan_into(f, &all, &s), 0);
	assert_int_equal(s.n, 40);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(s.seqs[i], 100 + i);
}

static void test_store_given_kinds_and_nodes_when_asked_then_only_theirs_come(void **state)
{
	struct fix *f = *state;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .node = "a",
							.name = "alpha", .time_ns = f->noon }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .node = "b",
							.name = "beta", .time_ns = f->noon + 1,
							.kind = KIND_RENAME }), 0);
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
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1 + i, .n = 1,
								.time_ns = f->noon + i,
								.word = i == 20 ? "needle" : "hay" }), 0);
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
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = i, .n = 1,
								.time_ns = f->noon + i }), 0);
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

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							.time_ns = 500 * fixture_day_ns }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2, .n = 1,
							.time_ns = 60000 * fixture_day_ns }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 3, .n = 1,
							.time_ns = f->noon }), 0);
	assert_int_equal(access(day_path(f->dir, 0, "db", path), F_OK), 0);
	EXPECT(f, RANGE(0), 2, 3, 1);
	EXPECT(f, RANGE(.from_ns = f->noon - 5, .to_ns = f->noon + 5), 3);
}

static void test_store_given_many_days_when_scanned_then_few_files_stay_open(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };

	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1 + i, .n = 1,
								.time_ns = f->noon - i * fixture_day_ns }), 0);
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.n, 20);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(s.seqs[i], 1 + i);
}

/* ---- damage ---- */

static uint32_t today(const struct fix *f)
{
	return (uint32_t)(f->noon / fixture_day_ns);
}

static void spoil(struct fix *f, const char *ending, off_t at)
{
	char path[DAY_PATH_BYTES];
	AUTO_FD int fd = open(day_path(f->dir, today(f), ending, path), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "SPOILED", 7, at), 7);
}

static void test_store_given_spoiled_frame_when_scanned_then_counted_and_passed_over(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							.time_ns = f->noon }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2, .n = 1,
							.time_ns = f->noon + 1 }), 0);
	spoil(f, "frames", 40);
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks_damaged, 1);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.seqs[0], 2);
}

static void test_store_given_spoiled_frames_when_scanned_then_range_node_and_reason_are_told(
	void **state)
{
	struct fix *f = *state;
	static struct seen s;
	static struct store_scan_stats sum;
	struct store_range range = { .to_ns = UINT64_MAX, .ascending = true };
	const struct store_damage *d = s.stats.damage;

	for (uint64_t i = 0; i < STORE_DAMAGE_TOLD + 2; i++)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1 + 3 * i, .n = 3,
								.step_ns = 5, .node = "id-1",
								.name = "web-1",
								.time_ns = f->noon + 100 * i }), 0);
	for (uint64_t i = 0; i < STORE_DAMAGE_TOLD + 2; i++)
		spoil(f, "frames", (off_t)(i * (f->frame.n + DAY_RECORD_HEADER_BYTES) + 50));
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks_damaged, STORE_DAMAGE_TOLD + 2);
	assert_int_equal(d[1].from_ns, f->noon + 100);
	assert_int_equal(d[1].to_ns, f->noon + 110);
	assert_int_equal(d[1].n_events, 3);
	assert_string_equal(d[1].node_id, "id-1");
	assert_string_equal(d[1].node, "web-1");
	assert_non_null(strstr(d[1].reason, "checksum"));
	memset(&sum, 0, sizeof(sum));
	sum.blocks_damaged = STORE_DAMAGE_TOLD - 1;
	store_scan_stats_add(&sum, &s.stats);
	assert_int_equal(sum.blocks_damaged, 2 * STORE_DAMAGE_TOLD + 1);
	assert_int_equal(sum.damage[STORE_DAMAGE_TOLD - 1].from_ns, f->noon);
	assert_int_equal(sum.damage[0].to_ns, 0);
}

static void write_frames(struct fix *f, const void *bytes, size_t n, off_t at)
{
	char path[DAY_PATH_BYTES];
	AUTO_FD int fd = open(day_path(f->dir, today(f), "frames", path), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
}

static void expect_damaged(struct fix *f, uint64_t n_damaged, size_t n_good)
{
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };
	struct store_totals totals;

	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.n, n_good);
	assert_int_equal(s.stats.blocks_damaged, n_damaged);
	assert_int_equal(store_totals(f->reader, &totals), 0);
	assert_int_equal(totals.damaged_blocks, n_damaged);
	assert_int_equal(totals.damaged_events, 3 * n_damaged);
	for (uint64_t i = 0; i < n_damaged; i++) {
		assert_int_equal(s.stats.damage[i].from_ns, f->noon);
		assert_int_equal(s.stats.damage[i].to_ns, f->noon + 10);
		assert_string_equal(s.stats.damage[i].node, "web-1");
		assert_non_null(strstr(s.stats.damage[i].reason, "checksum"));
	}
}

/* What is on the disk tells whether it is read again. */
static void test_store_given_quarantine_when_scanned_again_then_told_but_not_read(void **state)
{
	struct fix *f = *state;
	uint8_t good[7];
	char path[DAY_PATH_BYTES];

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 3, .step_ns = 5,
							.node = "id-1", .name = "web-1",
							.time_ns = f->noon }), 0);
	memcpy(good, f->frame.data + 40 - DAY_RECORD_HEADER_BYTES, sizeof(good));
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 9, .n = 1,
							.time_ns = f->noon + 20 }), 0);
	expect_damaged(f, 0, 2);
	spoil(f, "frames", 40);
	expect_damaged(f, 1, 1);
	write_frames(f, good, sizeof(good), 40);
	expect_damaged(f, 1, 1);
	store_keep_quarantine(f->store, 5);
	close_store(f);
	open_store(f);
	expect_damaged(f, 1, 1);
	close_store(f); /* an index made anew looks anew */
	assert_int_equal(unlink(day_path(f->dir, today(f), "db", path)), 0);
	open_store(f);
	expect_damaged(f, 0, 2);
	spoil(f, "frames", 40);
	expect_damaged(f, 1, 1);
	assert_int_equal(store_remove_day(f->store, today(f)), 0);
	expect_damaged(f, 0, 0);
	store_keep_quarantine(f->store, 5);
}

/* Each byte of a record matters, and no damage stops the others from being found. */
static void test_store_given_any_byte_flipped_when_scanned_then_only_its_block_is_missing(void **state)
{
	struct fix *f = *state;
	uint8_t *record;
	size_t n;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 3, .step_ns = 5,
							.node = "id-1", .name = "web-1",
							.time_ns = f->noon }), 0);
	n = f->frame.n + DAY_RECORD_HEADER_BYTES;
	record = malloc(n);
	assert_non_null(record);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 9, .n = 1,
							.time_ns = f->noon + 20 }), 0);
	{
		char path[DAY_PATH_BYTES];
		AUTO_FD int fd = open(day_path(f->dir, today(f), "frames", path), O_RDONLY);

		assert_int_equal(pread(fd, record, n, 0), (ssize_t)n);
	}
	for (size_t at = 0; at < n; at += 1 + n / 40) {
		uint8_t flipped = record[at] ^ 0x10;

		write_frames(f, &flipped, 1, (off_t)at);
		expect_damaged(f, 1, 1);
		write_frames(f, &record[at], 1, (off_t)at);
		close_store(f); /* what was found is not kept: it was not written down */
		open_store(f);
	}
	expect_damaged(f, 0, 2);
	free(record);
}

static void test_store_given_lost_frames_file_when_scanned_then_the_day_is_told(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };
	char path[DAY_PATH_BYTES];

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 2,
							.time_ns = f->noon }), 0);
	assert_int_equal(unlink(day_path(f->dir, today(f), "frames", path)), 0);
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks_damaged, 1);
	assert_int_equal(s.stats.damage[0].from_ns, f->noon);
	assert_int_equal(s.stats.damage[0].n_events, 2);
	assert_non_null(strstr(s.stats.damage[0].reason, "No such file"));
}

static void test_store_given_cut_frames_file_when_scanned_then_rest_is_found(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };
	char path[DAY_PATH_BYTES];
	struct stat st;

	for (uint64_t i = 1; i < 4; i++)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = i, .n = 1,
								.time_ns = f->noon + i }), 0);
	assert_int_equal(stat(day_path(f->dir, today(f), "frames", path), &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks_damaged, 1);
	assert_int_equal(s.n, 2);
}

static void test_store_given_newer_schema_when_opened_then_refused_by_name(void **state)
{
	struct fix *f = *state;
	char path[DAY_PATH_BYTES];
	struct diag d = { 0 };
	struct store *again = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							.time_ns = f->noon }), 0);
	close_store(f);
	assert_int_equal(sql_open(&db, day_path(f->dir, today(f), "db", path), SQL_WRITE, &d), 0);
	assert_int_equal(sql_exec(db, "PRAGMA user_version = 99"), 0);
	sql_close(db);
	assert_int_equal(store_open(&again, f->dir, &d), -EEXIST);
	assert_null(again);
	assert_string_equal(d.file, path);
	assert_non_null(strstr(d.text, "newer"));
}

/* ---- failing disks ---- */

static void limit_file_size(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_store_given_full_disk_when_it_has_room_again_then_goes_on(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 2, .n = 500, .time_ns = f->noon + 1 };
	struct fixture_batch first = { .first_seq = 1, .n = 1, .time_ns = f->noon };
	int r;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(put(f, first), 0);
	limit_file_size(200);
	r = append(f, &b);
	if (r == 0)
		r = store_commit(f->store);
	limit_file_size(RLIM_INFINITY);
	assert_true(r < 0);
	EXPECT(f, RANGE(0), 1);
	assert_int_equal(put(f, b), 0);
	assert_int_equal(append(f, &first), STORE_E_DUPLICATE);
	assert_int_equal(store_commit(f->store), 0);
	EXPECT(f, RANGE(.ascending = true), 1, 2);
}

/* ---- crash ---- */

/* Appends groups of 3 for ever, and tells the pipe the last seq of each group that is committed. */
static void write_for_ever(struct fix *f, int pipe)
{
	for (uint64_t seq = 1;; seq += 3) {
		uint64_t last = seq + 2;

		for (uint64_t k = 0; k < 3; k++) {
			struct fixture_batch b = { .first_seq = seq + k, .n = 1,
						   .time_ns = f->noon + seq + k };
			int r = append(f, &b);

			if (r != 0 && r != STORE_E_DUPLICATE)
				_exit(1);
		}
		if (store_commit(f->store) < 0 || write(pipe, &last, sizeof(last)) < 0)
			_exit(2);
	}
}

static void check_integrity(struct fix *f)
{
	static const char *const text = "PRAGMA integrity_check";
	char path[DAY_PATH_BYTES];
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sql_open(&db, day_path(f->dir, today(f), "db", path), SQL_READ, NULL), 0);
	assert_int_equal(sql_prepare(db, &text, 1, &s), 0);
	assert_int_equal(sql_step(s), SQL_E_ROW);
	assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
	sql_finalize(&s, 1);
	sql_close(db);
}

/* Kills the writer some time after it told of @acks commits, wherever it is then. */
static uint64_t run_and_kill(struct fix *f, size_t acks, useconds_t after_us)
{
	uint64_t acked = 0, seq;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		open_store(f);
		write_for_ever(f, ends[1]);
	}
	close(ends[1]);
	for (size_t i = 0; i < acks && read(ends[0], &seq, sizeof(seq)) == sizeof(seq); i++)
		acked = seq;
	usleep(after_us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	while (read(ends[0], &seq, sizeof(seq)) == sizeof(seq))
		acked = seq;
	close(ends[0]);
	return acked;
}

static void test_store_given_writer_killed_when_reopened_then_acked_is_there_once(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX, .ascending = true };

	for (useconds_t i = 0; i < 6; i++) {
		uint64_t acked;

		close_store(f);
		acked = run_and_kill(f, 1 + i * 3, i * 1471);
		open_store(f);
		check_integrity(f);
		assert_int_equal(scan_into(f, &range, &s), 0);
		assert_int_equal(s.stats.blocks_damaged, 0);
		assert_true(acked > 0);
		assert_true(s.n >= acked);
		for (size_t k = 0; k < s.n; k++)
			assert_int_equal(s.seqs[k], k + 1); /* no hole, nothing twice */
	}
}

/* The index without what it had not yet synced, as after a power cut: the log makes up for it. */
static void test_store_given_index_behind_its_log_when_opened_then_it_is_replayed(void **state)
{
	static const char *const gone[] = { "db-wal", "db-shm", "db" };
	struct fix *f = *state;
	char path[DAY_PATH_BYTES];
	struct store_totals t;

	for (size_t n_gone = 2; n_gone <= 3; n_gone++) {
		uint64_t acked, next;

		close_store(f);
		acked = run_and_kill(f, 4, 500);
		for (size_t i = 0; i < n_gone; i++)
			assert_int_equal(unlink(day_path(f->dir, today(f), gone[i], path)), 0);
		open_store(f);
		check_integrity(f);
		assert_int_equal(store_totals(f->reader, &t), 0);
		assert_true(t.events >= acked && acked > 0);
		next = store_arrival(f->store, 0);
		EXPECT(f, RANGE(.to_ns = f->noon + 4, .ascending = true), 1, 2, 3);
		EXPECT(f, RANGE(.to_ns = f->noon + 4, .arrived_after_ns = 1), 1, 2, 3);
		close_store(f);
		open_store(f);
		assert_int_equal(store_arrival(f->store, 0), next);
	}
}

static void test_store_given_torn_record_when_opened_then_it_is_overwritten(void **state)
{
	struct fix *f = *state;
	char path[DAY_PATH_BYTES];
	struct stat st;
	AUTO_FD int fd = -1;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							.time_ns = f->noon }), 0);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2, .n = 1,
							.time_ns = f->noon + 1 }), 0);
	close_store(f);
	unlink(day_path(f->dir, today(f), "db", path));
	assert_int_equal(stat(day_path(f->dir, today(f), "frames", path), &st), 0);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, st.st_size - 1), 1);
	open_store(f);
	EXPECT(f, RANGE(0), 1);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 2, .n = 1,
							.time_ns = f->noon + 1 }), 0);
	EXPECT(f, RANGE(0), 2, 1);
}

static void test_store_given_files_when_made_then_nobody_else_may_read_them(void **state)
{
	struct fix *f = *state;
	static const char *const endings[] = { "db", "frames", "db-wal" };
	char path[DAY_PATH_BYTES];
	struct stat st;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							.time_ns = f->noon }), 0);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		assert_int_equal(stat(day_path(f->dir, today(f), endings[i], path), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* As the first release wrote it: no merged blocks yet. */
static void make_older(const char *path)
{
	static const char older[] = "DROP TABLE part;"
				    "DROP TABLE quarantine;"
				    "ALTER TABLE block DROP COLUMN log;"
				    "ALTER TABLE day DROP COLUMN merged_end;"
				    "ALTER TABLE day DROP COLUMN n_parts;"
				    "PRAGMA user_version = 1";
	sqlite3 *db = NULL;

	assert_int_equal(sql_open(&db, path, SQL_WRITE, NULL), 0);
	assert_int_equal(sql_exec(db, older), 0);
	sql_close(db);
}

static void test_store_given_day_of_an_older_schema_when_opened_then_upgraded_and_whole(
	void **state)
{
	struct fix *f = *state;
	struct seen before, after;
	struct store_range all = { .to_ns = UINT64_MAX, .ascending = true };
	char path[DAY_PATH_BYTES];

	for (uint64_t seq = 1; seq < 200; seq += 10)
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = seq,
								.n = 3,
								.time_ns = f->noon + seq }),
				 0);
	assert_int_equal(scan_into(f, &all, &before), 0);
	close_store(f);
	day_path(f->dir, (uint32_t)(f->noon / fixture_day_ns), "db", path);
	make_older(path);
	open_store(f);
	assert_int_equal(scan_into(f, &all, &after), 0);
	assert_int_equal(before.n, 20);
	assert_int_equal(after.n, before.n);
	assert_memory_equal(after.seqs, before.seqs, before.n * sizeof(before.seqs[0]));
	assert_int_equal(append(f, &(struct fixture_batch){ .first_seq = 1,
							    .n = 3,
							    .time_ns = f->noon + 1 }),
			 STORE_E_DUPLICATE);
	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 300,
							.n = 3,
							.time_ns = f->noon }),
			 0);
}

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
		T(test_store_given_spoiled_frame_when_scanned_then_counted_and_passed_over),
		T(test_store_given_spoiled_frames_when_scanned_then_range_node_and_reason_are_told),
		T(test_store_given_quarantine_when_scanned_again_then_told_but_not_read),
		T(test_store_given_any_byte_flipped_when_scanned_then_only_its_block_is_missing),
		T(test_store_given_lost_frames_file_when_scanned_then_the_day_is_told),
		T(test_store_given_cut_frames_file_when_scanned_then_rest_is_found),
		T(test_store_given_newer_schema_when_opened_then_refused_by_name),
		T(test_store_given_day_of_an_older_schema_when_opened_then_upgraded_and_whole),
		T(test_store_given_full_disk_when_it_has_room_again_then_goes_on),
		T(test_store_given_writer_killed_when_reopened_then_acked_is_there_once),
		T(test_store_given_index_behind_its_log_when_opened_then_it_is_replayed),
		T(test_store_given_torn_record_when_opened_then_it_is_overwritten),
		T(test_store_given_files_when_made_then_nobody_else_may_read_them),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
