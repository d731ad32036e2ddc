/* SPDX-License-Identifier: Apache-2.0 */
/* A store whose disk damages, cuts and fills: the rest is found, what is missing is told. */
#include "tests/collector/store_seen.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/day.h"
#include "collector/sql.h"
#include "lib/log.h"

/* ---- damage ---- */

static void spoil(struct fix *f, const char *ending, off_t at)
{
	char path[DAY_PATH_BYTES];
	AUTO_FD int fd = open(day_path(f->dir, f->today, ending, path), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "SPOILED", 7, at), 7);
}

static void test_store_given_spoiled_frame_when_scanned_then_counted_and_passed_over(void **state)
{
	struct fix *f = *state;
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX };

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now }), 0);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now + 1 }), 0);
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
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1 + 3 * i,
								.n = 3,
								.step_ns = 5,
								.node = "id-1",
								.name = "web-1",
								.time_ns = f->now + 100 * i }),
				 0);
	for (uint64_t i = 0; i < STORE_DAMAGE_TOLD + 2; i++)
		spoil(f, "frames", (off_t)(i * (f->frame.n + DAY_RECORD_HEADER_BYTES) + 50));
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks_damaged, STORE_DAMAGE_TOLD + 2);
	assert_int_equal(d[1].from_ns, f->now + 100);
	assert_int_equal(d[1].to_ns, f->now + 110);
	assert_int_equal(d[1].n_events, 3);
	assert_string_equal(d[1].node_id, "id-1");
	assert_string_equal(d[1].node, "web-1");
	assert_non_null(strstr(d[1].reason, "checksum"));
	memset(&sum, 0, sizeof(sum));
	sum.blocks_damaged = STORE_DAMAGE_TOLD - 1;
	store_scan_stats_add(&sum, &s.stats);
	assert_int_equal(sum.blocks_damaged, 2 * STORE_DAMAGE_TOLD + 1);
	assert_int_equal(sum.damage[STORE_DAMAGE_TOLD - 1].from_ns, f->now);
	assert_int_equal(sum.damage[0].to_ns, 0);
}

static void write_frames(struct fix *f, const void *bytes, size_t n, off_t at)
{
	char path[DAY_PATH_BYTES];
	AUTO_FD int fd = open(day_path(f->dir, f->today, "frames", path), O_WRONLY);

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
		assert_int_equal(s.stats.damage[i].from_ns, f->now);
		assert_int_equal(s.stats.damage[i].to_ns, f->now + 10);
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

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1,
							.n = 3,
							.step_ns = 5,
							.node = "id-1",
							.name = "web-1",
							.time_ns = f->now }),
			 0);
	memcpy(good, f->frame.data + 40 - DAY_RECORD_HEADER_BYTES, sizeof(good));
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 9, .n = 1, .time_ns = f->now + 20 }),
		0);
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
	assert_int_equal(unlink(day_path(f->dir, f->today, "db", path)), 0);
	open_store(f);
	expect_damaged(f, 0, 2);
	spoil(f, "frames", 40);
	expect_damaged(f, 1, 1);
	assert_int_equal(store_remove_day(f->store, f->today), 0);
	expect_damaged(f, 0, 0);
	store_keep_quarantine(f->store, 5);
}

/* Each byte of a record matters, and no damage stops the others from being found. */
static void test_store_given_any_byte_flipped_when_scanned_then_only_its_block_is_missing(
	void **state)
{
	struct fix *f = *state;
	uint8_t *record;
	size_t n;

	assert_int_equal(put(f, (struct fixture_batch){ .first_seq = 1,
							.n = 3,
							.step_ns = 5,
							.node = "id-1",
							.name = "web-1",
							.time_ns = f->now }),
			 0);
	n = f->frame.n + DAY_RECORD_HEADER_BYTES;
	record = malloc(n);
	assert_non_null(record);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 9, .n = 1, .time_ns = f->now + 20 }),
		0);
	{
		char path[DAY_PATH_BYTES];
		AUTO_FD int fd = open(day_path(f->dir, f->today, "frames", path), O_RDONLY);

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

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 2, .time_ns = f->now }), 0);
	assert_int_equal(unlink(day_path(f->dir, f->today, "frames", path)), 0);
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.stats.blocks_damaged, 1);
	assert_int_equal(s.stats.damage[0].from_ns, f->now);
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
		assert_int_equal(put(f, (struct fixture_batch){ .first_seq = i,
								.n = 1,
								.time_ns = f->now + i }),
				 0);
	assert_int_equal(stat(day_path(f->dir, f->today, "frames", path), &st), 0);
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

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now }), 0);
	close_store(f);
	assert_int_equal(sql_open(&db, day_path(f->dir, f->today, "db", path), SQL_WRITE, &d), 0);
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
	struct fixture_batch b = { .first_seq = 2, .n = 500, .time_ns = f->now + 1 };
	struct fixture_batch first = { .first_seq = 1, .n = 1, .time_ns = f->now };
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
			struct fixture_batch b = { .first_seq = seq + k,
						   .n = 1,
						   .time_ns = f->now + seq + k };
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

	assert_int_equal(sql_open(&db, day_path(f->dir, f->today, "db", path), SQL_READ, NULL), 0);
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
			assert_int_equal(unlink(day_path(f->dir, f->today, gone[i], path)), 0);
		open_store(f);
		check_integrity(f);
		assert_int_equal(store_totals(f->reader, &t), 0);
		assert_true(t.events >= acked && acked > 0);
		next = store_arrival(f->store, 0);
		EXPECT(f, RANGE(.to_ns = f->now + 4, .ascending = true), 1, 2, 3);
		EXPECT(f, RANGE(.to_ns = f->now + 4, .arrived_after_ns = 1), 1, 2, 3);
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

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now }), 0);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now + 1 }), 0);
	close_store(f);
	unlink(day_path(f->dir, f->today, "db", path));
	assert_int_equal(stat(day_path(f->dir, f->today, "frames", path), &st), 0);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, st.st_size - 1), 1);
	open_store(f);
	EXPECT(f, RANGE(0), 1);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now + 1 }), 0);
	EXPECT(f, RANGE(0), 2, 1);
}

static void test_store_given_files_when_made_then_nobody_else_may_read_them(void **state)
{
	struct fix *f = *state;
	static const char *const endings[] = { "db", "frames", "db-wal" };
	char path[DAY_PATH_BYTES];
	struct stat st;

	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now }), 0);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		assert_int_equal(stat(day_path(f->dir, f->today, endings[i], path), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

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
								.time_ns = f->now + seq }),
				 0);
	assert_int_equal(scan_into(f, &all, &before), 0);
	close_store(f);
	day_path(f->dir, (uint32_t)(f->now / fixture_day_ns), "db", path);
	make_older(path);
	open_store(f);
	assert_int_equal(scan_into(f, &all, &after), 0);
	assert_int_equal(before.n, 20);
	assert_int_equal(after.n, before.n);
	assert_memory_equal(after.seqs, before.seqs, before.n * sizeof(before.seqs[0]));
	assert_int_equal(
		append(f, &(struct fixture_batch){ .first_seq = 1, .n = 3, .time_ns = f->now + 1 }),
		STORE_E_DUPLICATE);
	assert_int_equal(
		put(f, (struct fixture_batch){ .first_seq = 300, .n = 3, .time_ns = f->now }), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
