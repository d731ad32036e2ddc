/* SPDX-License-Identifier: Apache-2.0 */
/* Removing days: which, and what readers, late nodes and crashes see of it. */
#include "tests/collector/store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/day.h"
#include "collector/retention.h"
#include "lib/log.h"

static int setup_here(void **state)
{
	int r = setup(state);
	struct fix *f = *state;

	assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
	return r;
}

static int teardown_here(void **state)
{
	struct fix *f = *state;

	maindb_free(f->maindb);
	return teardown(state);
}

/* One batch of 2 events, @ago days ago. */
static int append_ago(struct fix *f, uint32_t ago, uint64_t seq)
{
	struct fixture_batch b = { .first_seq = seq,
				   .n = 2,
				   .step_ns = 1,
				   .time_ns = f->now - ago * fixture_day_ns + seq };

	buf_clear(&f->frame);
	fixture_frame(&b, &f->frame);
	if (block_load(f->block, f->frame.data, f->frame.n, NULL) < 0)
		return -EBADMSG;
	return store_append(f->store, f->block, f->frame.data, f->frame.n,
			    store_arrival(f->store, f->now));
}

static void put_ago(struct fix *f, uint32_t ago, uint64_t seq)
{
	assert_int_equal(append_ago(f, ago, seq), 0);
	assert_int_equal(store_commit(f->store), 0);
}

static int run(struct fix *f, uint64_t keep_days, uint64_t keep_bytes)
{
	struct retention_limits limits = { keep_days, keep_bytes };

	return retention_run(f->store, f->maindb, &limits, f->now);
}

/* ---- what is there ---- */

struct seen {
	struct fix *f;
	uint64_t seqs[64];
	size_t n;
	uint32_t remove; /* day to be removed when the first block comes; 0: none */
	struct store_scan_stats stats;
};

static int see(const struct store_block *meta, struct block *b, void *arg)
{
	struct seen *s = arg;

	(void)meta;
	assert_true(s->n < ARRAY_SIZE(s->seqs));
	s->seqs[s->n++] = block_info(b)->first_seq;
	if (s->remove)
		assert_int_equal(store_remove_day(s->f->store, s->remove), 0);
	s->remove = 0;
	return 0;
}

static const struct seen *scan(struct fix *f, struct store_reader *r, bool ascending,
			       uint32_t remove)
{
	static struct seen s;
	struct store_range range = { .to_ns = UINT64_MAX, .ascending = ascending };

	memset(&s, 0, sizeof(s));
	s.f = f;
	s.remove = remove;
	assert_int_equal(store_scan(r, &range, NULL, see, &s, &s.stats), 0);
	assert_int_equal(s.stats.blocks_damaged, 0);
	return &s;
}

static void expect_n(const struct seen *s, const uint64_t *seqs, size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s->seqs[i], seqs[i]);
}
#define EXPECT(s, ...)                                 \
	expect_n(s, (const uint64_t[]){ __VA_ARGS__ }, \
		 sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static bool exists(struct fix *f, uint32_t ago, const char *ending)
{
	char path[DAY_PATH_BYTES];

	return access(day_path(f->dir, f->today - ago, ending, path), F_OK) == 0;
}

/* Descriptors of files that have no name any more. */
static size_t open_but_deleted(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char target[512];
		ssize_t len = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		n += strstr(target, "/events-") && strstr(target, "(deleted)");
	}
	closedir(d);
	return n;
}

/* ---- which days ---- */

static void test_retention_given_days_when_run_by_age_then_only_older_ones_go(void **state)
{
	struct fix *f = *state;
	struct maindb_removed_sum sum;

	for (uint32_t ago = 0; ago < 5; ago++)
		put_ago(f, ago, 100 + ago);
	assert_int_equal(run(f, 0, 0), 0);
	assert_int_equal(run(f, 4, 0), 0);
	EXPECT(scan(f, f->reader, true, 0), 104, 103, 102, 101, 100);
	assert_int_equal(run(f, 2, 0), 0);
	EXPECT(scan(f, f->reader, true, 0), 102, 101, 100);
	for (size_t i = 3; i < 5; i++) {
		assert_false(exists(f, (uint32_t)i, "db"));
		assert_false(exists(f, (uint32_t)i, "frames"));
		assert_false(exists(f, (uint32_t)i, "gone"));
	}
	assert_int_equal(maindb_removed_sum(f->maindb, &sum), 0);
	assert_int_equal(sum.days, 2);
	assert_int_equal(sum.events, 4);
	assert_true(sum.bytes > 2 * f->frame.n);
	close_store(f);
	open_store(f);
	EXPECT(scan(f, f->reader, true, 0), 102, 101, 100);
}

static void test_retention_given_bytes_when_run_then_oldest_go_but_never_today(void **state)
{
	struct fix *f = *state;
	uint64_t bytes;

	for (uint32_t ago = 0; ago < 4; ago++)
		put_ago(f, ago, 100 + ago);
	close_store(f); /* so that write-ahead logs are gone and sizes stay */
	open_store(f);
	bytes = day_file_bytes(f->dir, f->today - 1);
	assert_true(bytes > 0);
	assert_int_equal(run(f, 0, 3 * bytes + bytes / 2), 0);
	EXPECT(scan(f, f->reader, true, 0), 102, 101, 100);
	assert_int_equal(run(f, 0, 1), RETENTION_E_OVER);
	EXPECT(scan(f, f->reader, true, 0), 100);
}

static void test_retention_given_day_on_hold_when_run_then_it_stays_until_released(void **state)
{
	struct fix *f = *state;

	for (uint32_t ago = 0; ago < 4; ago++)
		put_ago(f, ago, 100 + ago);
	assert_int_equal(maindb_hold(f->maindb, f->today - 3), 0);
	assert_int_equal(maindb_hold(f->maindb, f->today - 3), 0);
	assert_int_equal(run(f, 1, 0), 0);
	EXPECT(scan(f, f->reader, true, 0), 103, 101, 100);
	assert_int_equal(run(f, 0, 1), RETENTION_E_OVER);
	EXPECT(scan(f, f->reader, true, 0), 103, 100);
	assert_int_equal(maindb_release(f->maindb, f->today - 3), 0);
	assert_int_equal(maindb_release(f->maindb, f->today - 3), MAINDB_E_NOT_HELD);
	assert_int_equal(run(f, 1, 0), 0);
	EXPECT(scan(f, f->reader, true, 0), 100);
}

static void test_retention_given_clocks_far_off_when_run_then_arrival_is_their_age(void **state)
{
	struct fix *f = *state;
	struct retention_limits limits = { 2, 0 };

	put_ago(f, 400, 7);
	assert_int_equal(run(f, 2, 1), RETENTION_E_OVER);
	EXPECT(scan(f, f->reader, true, 0), 7);
	f->now += 3 * fixture_day_ns;
	put_ago(f, 0, 8); /* other nodes tell the same time */
	assert_int_equal(retention_run(f->store, f->maindb, &limits, f->now), 0);
	EXPECT(scan(f, f->reader, true, 0), 8);
}

static void test_retention_given_clock_far_ahead_when_run_then_no_history_goes(void **state)
{
	struct fix *f = *state;
	struct retention_limits limits = { 30, 0 };
	uint64_t right = f->now, ahead = f->now + 4000 * fixture_day_ns;

	for (uint32_t ago = 0; ago < 5; ago++)
		put_ago(f, ago, 100 + ago);
	assert_int_equal(retention_run(f->store, f->maindb, &limits, ahead), 0);
	EXPECT(scan(f, f->reader, true, 0), 104, 103, 102, 101, 100);
	f->now = ahead; /* what comes now is of the same nodes, whose clocks are right */
	put_ago(f, 4000, 200);
	assert_int_equal(retention_run(f->store, f->maindb, &limits, ahead), 0);
	assert_int_equal(scan(f, f->reader, true, 0)->n, 6);
	f->now = right;
}

/* ---- readers ---- */

static void test_retention_given_scan_under_way_when_its_day_goes_then_it_gets_all_of_it(
	void **state)
{
	struct fix *f = *state;

	for (uint64_t seq = 1; seq < 30; seq += 2)
		put_ago(f, 1, seq);
	put_ago(f, 0, 100);
	EXPECT(scan(f, f->reader, true, f->today - 1), 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23,
	       25, 27, 29, 100);
	assert_int_equal(open_but_deleted(), 0);
	EXPECT(scan(f, f->reader, true, 0), 100);
}

static void test_retention_given_scan_under_way_when_next_day_goes_then_it_is_no_damage(
	void **state)
{
	struct fix *f = *state;

	put_ago(f, 0, 100);
	put_ago(f, 1, 101);
	put_ago(f, 2, 102);
	EXPECT(scan(f, f->reader, false, f->today - 1), 100, 102);
}

static void test_retention_given_idle_readers_when_day_goes_then_its_space_is_free(void **state)
{
	struct fix *f = *state;
	AUTO(store_reader) *other = NULL;

	assert_int_equal(store_reader_new(f->store, &other), 0);
	put_ago(f, 1, 1);
	put_ago(f, 0, 3);
	EXPECT(scan(f, f->reader, true, 0), 1, 3);
	EXPECT(scan(f, other, true, 0), 1, 3);
	assert_int_equal(run(f, 0, 1), RETENTION_E_OVER);
	assert_int_equal(open_but_deleted(), 0);
	EXPECT(scan(f, other, true, 0), 3);
}

static void test_retention_given_removed_day_when_node_sends_late_then_it_begins_anew(void **state)
{
	struct fix *f = *state;
	struct maindb_removed_sum sum;

	put_ago(f, 3, 1);
	put_ago(f, 3, 3);
	put_ago(f, 0, 50);
	EXPECT(scan(f, f->reader, true, 0), 1, 3, 50);
	assert_int_equal(run(f, 1, 0), 0);
	put_ago(f, 3, 9);
	EXPECT(scan(f, f->reader, true, 0), 9, 50);
	close_store(f);
	open_store(f);
	EXPECT(scan(f, f->reader, true, 0), 9, 50);
	assert_int_equal(run(f, 1, 0), 0);
	EXPECT(scan(f, f->reader, true, 0), 50);
	assert_int_equal(maindb_removed_sum(f->maindb, &sum), 0);
	assert_int_equal(sum.days, 2);
	assert_int_equal(sum.events, 6);
}

static void test_retention_given_open_transaction_when_day_is_removed_then_busy(void **state)
{
	struct fix *f = *state;

	put_ago(f, 1, 1);
	assert_int_equal(append_ago(f, 1, 3), 0);
	assert_int_equal(store_remove_day(f->store, f->today - 1), -EBUSY);
	assert_int_equal(store_commit(f->store), 0);
	EXPECT(scan(f, f->reader, true, 0), 1, 3);
	assert_int_equal(store_remove_day(f->store, f->today - 1), 0);
	assert_int_equal(store_remove_day(f->store, f->today - 1), -ENOENT);
}

/* ---- crash ---- */

static void test_retention_given_removal_cut_off_when_opened_then_it_is_finished(void **state)
{
	static const char *const gone[] = { "db", "db-wal", "db-shm" };
	struct fix *f = *state;
	char from[DAY_PATH_BYTES], to[DAY_PATH_BYTES];

	for (size_t n_gone = 0; n_gone <= ARRAY_SIZE(gone); n_gone++) {
		put_ago(f, 1, 1);
		put_ago(f, 0, 101 + 2 * n_gone);
		close_store(f);
		assert_int_equal(rename(day_path(f->dir, f->today - 1, "frames", from),
					day_path(f->dir, f->today - 1, "gone", to)),
				 0);
		for (size_t i = 0; i < n_gone; i++)
			(void)unlink(day_path(f->dir, f->today - 1, gone[i], from));
		open_store(f);
		assert_false(exists(f, 1, "gone"));
		assert_false(exists(f, 1, "db"));
		assert_int_equal(scan(f, f->reader, true, 0)->n, n_gone + 1);
		put_ago(f, 1, 1); /* no duplicate: it is gone */
		assert_int_equal(store_remove_day(f->store, f->today - 1), 0);
	}
}

/* Fills a day, tells the pipe, removes it, and waits. */
static void fill_and_remove(struct fix *f, int pipe)
{
	struct retention_limits limits = { .keep_days = 1 };

	for (uint64_t seq = 1; seq < 40; seq += 2)
		if (append_ago(f, 2, seq) < 0)
			_exit(1);
	if (store_commit(f->store) < 0 || write(pipe, "r", 1) < 0 ||
	    retention_run(f->store, f->maindb, &limits, f->now) < 0)
		_exit(2);
	for (;;)
		pause();
}

static void kill_in_removal(struct fix *f, useconds_t after_us)
{
	int ends[2], status;
	char step;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (maindb_open(&f->maindb, f->dir, NULL) < 0)
			_exit(3);
		open_store(f);
		fill_and_remove(f, ends[1]);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &step, 1), 1);
	assert_int_equal(step, 'r');
	usleep(after_us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	close(ends[0]);
}

/* The day is there with all its acknowledged batches, or it is not there at all; nothing is left
 * over. */
static void test_retention_given_collector_killed_when_reopened_then_day_is_whole_or_gone(
	void **state)
{
	struct fix *f = *state;

	put_ago(f, 0, 100);
	for (useconds_t i = 0; i < 24; i++) {
		const struct seen *s;

		close_store(f);
		f->maindb = maindb_free(f->maindb);
		kill_in_removal(f, i * 331);
		assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
		open_store(f);
		assert_false(exists(f, 2, "gone"));
		s = scan(f, f->reader, true, 0);
		assert_true(s->n == 1 || s->n == 21);
		assert_int_equal(s->seqs[s->n - 1], 100);
		assert_int_equal(exists(f, 2, "db"), exists(f, 2, "frames"));
		assert_int_equal(run(f, 1, 0), 0);
		EXPECT(scan(f, f->reader, true, 0), 100);
	}
}

static void test_retention_given_limits_in_main_db_when_asked_then_they_go_before_the_options(
	void **state)
{
	const struct retention_limits own = { 30, 0 };
	struct maindb_keep keep = {
		.keep_days = 7, .keep_bytes = 4096, .changed_ns = 5, .author = "alice"
	};
	struct retention_limits now;
	struct fix *f = *state;

	assert_int_equal(retention_limits_now(f->maindb, &own, &now), 0);
	assert_int_equal(now.keep_days, 30);
	assert_int_equal(maindb_keep_set(f->maindb, &keep), 0);
	keep.keep_days = 6;
	assert_int_equal(maindb_keep_set(f->maindb, &keep), 0);
	f->maindb = maindb_free(f->maindb);
	assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
	assert_int_equal(retention_limits_now(f->maindb, &own, &now), 0);
	assert_int_equal(now.keep_days, 6);
	assert_int_equal(now.keep_bytes, 4096);
	memset(&keep, 0, sizeof(keep));
	assert_int_equal(maindb_keep_get(f->maindb, &keep), 0);
	assert_string_equal(keep.author, "alice");
	assert_int_equal(maindb_keep_drop(f->maindb), 0);
	assert_int_equal(maindb_keep_get(f->maindb, &keep), MAINDB_E_NOT_SET);
	assert_int_equal(retention_limits_now(f->maindb, &own, &now), 0);
	assert_int_equal(now.keep_days, 30);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_here, teardown_here)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_retention_given_days_when_run_by_age_then_only_older_ones_go),
		T(test_retention_given_bytes_when_run_then_oldest_go_but_never_today),
		T(test_retention_given_day_on_hold_when_run_then_it_stays_until_released),
		T(test_retention_given_clocks_far_off_when_run_then_arrival_is_their_age),
		T(test_retention_given_limits_in_main_db_when_asked_then_they_go_before_the_options),
		T(test_retention_given_clock_far_ahead_when_run_then_no_history_goes),
		T(test_retention_given_scan_under_way_when_its_day_goes_then_it_gets_all_of_it),
		T(test_retention_given_scan_under_way_when_next_day_goes_then_it_is_no_damage),
		T(test_retention_given_idle_readers_when_day_goes_then_its_space_is_free),
		T(test_retention_given_removed_day_when_node_sends_late_then_it_begins_anew),
		T(test_retention_given_open_transaction_when_day_is_removed_then_busy),
		T(test_retention_given_removal_cut_off_when_opened_then_it_is_finished),
		T(test_retention_given_collector_killed_when_reopened_then_day_is_whole_or_gone),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
