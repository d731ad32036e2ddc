/* SPDX-License-Identifier: Apache-2.0 */
/* A spool on a disk that damages, fails and is full: the rest is used, what is missing is told. */
#include "tests/sensor/spool_fixture.h"

/* ---- help ---- */

static struct buf content(void)
{
	struct buf b = { 0 };
	AUTO_FD int fd = open(file(), O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_true(buf_reserve(&b, (size_t)st.st_size));
	b.n = (size_t)st.st_size;
	assert_int_equal(b.n, pread(fd, b.data, b.n, 0));
	return b;
}

static void put(const char *path, const void *data, size_t n)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(n, write(fd, data, n));
}

/* ---- damage ---- */

enum { BODY = 40, RECORD = SPOOL_HEAD_BYTES + BODY };

static void three_records(void)
{
	assert_int_equal(0, append(BODY, 10, 2, 0));
	assert_int_equal(0, append(BODY, 20, 3, 0));
	assert_int_equal(0, append(BODY, 30, 4, 0));
	spool = spool_free(spool);
}

static void test_spool_given_a_last_record_torn_at_any_byte_when_opened_then_it_is_told(
	void **state)
{
	AUTO_BUF struct buf all = { 0 };
	char path[512];

	(void)state;
	three_records();
	all = content();
	snprintf(path, sizeof(path), "%s", file());
	assert_int_equal(3 * RECORD, all.n);
	for (size_t n = 2 * RECORD + 1; n < all.n; n++) {
		struct loss l;

		put(path, all.data, n);
		start();
		assert_int_equal(10, next(false));
		assert_int_equal(20, next(false));
		assert_int_equal(0, next(false));
		assert_true(lost(&l));
		assert_int_equal(LOSS_SPOOL_DAMAGED, l.cause);
		assert_int_equal(CLASS_PRIORITY, l.class);
		if (n >= 2 * RECORD + SPOOL_HEAD_BYTES) {
			assert_int_equal(4, l.count);
			assert_int_equal(30, l.first_seq);
			assert_int_equal(33, l.last_seq);
		} else {
			assert_int_equal(0, l.count);
		}
		assert_false(losses_take(&losses, &l));
		spool = spool_free(spool);
	}
	put(path, all.data, 2 * RECORD);
	start();
	check_no_loss();
}

static void test_spool_given_any_byte_flipped_when_read_then_it_is_told_and_the_rest_is_used(
	void **state)
{
	AUTO_BUF struct buf all = { 0 };
	char path[512];

	(void)state;
	three_records();
	all = content();
	snprintf(path, sizeof(path), "%s", file());
	for (size_t at = RECORD; at < 2 * RECORD; at++) {
		struct loss l;

		all.data[at] ^= 0x10;
		put(path, all.data, all.n);
		all.data[at] ^= 0x10;
		start();
		assert_int_equal(10, next(false));
		if (at - RECORD >= SPOOL_DONE_AT && at - RECORD < SPOOL_HEAD_BYTES) {
			assert_int_equal(20, next(false)); /* not a mark: still to be sent */
			assert_int_equal(30, next(false));
			check_no_loss();
			spool = spool_free(spool);
			continue;
		}
		assert_int_equal(30, next(false));
		assert_int_equal(0, next(false));
		assert_true(lost(&l));
		assert_int_equal(LOSS_SPOOL_DAMAGED, l.cause);
		if (at - RECORD >= SPOOL_HEAD_BYTES) {
			assert_int_equal(3, l.count);
			assert_int_equal(20, l.first_seq);
			assert_int_equal(22, l.last_seq);
		} else { /* what its neighbours leave */
			assert_int_equal(0, l.count);
			assert_int_equal(12, l.first_seq);
			assert_int_equal(29, l.last_seq);
		}
		assert_int_equal(l.count, n_lost);
		assert_false(losses_take(&losses, &l));
		spool = spool_free(spool);
	}
}

static void test_spool_given_foreign_files_and_zeros_when_opened_then_they_do_no_harm(void **state)
{
	AUTO_BUF struct buf zeros = { 0 };
	char path[512];
	struct loss l;

	(void)state;
	assert_true(buf_reserve(&zeros, 300000));
	memset(zeros.data, 0, 300000);
	snprintf(path, sizeof(path), "%s/README", dir);
	put(path, "x", 1);
	snprintf(path, sizeof(path), "%s/b-0000000000000009.segment", dir);
	put(path, "x", 1);
	snprintf(path, sizeof(path), "%s/b-0000000000000009.seg", dir);
	put(path, zeros.data, 300000);
	assert_int_equal(0, append(100, 1, 1, 0));
	restart();
	assert_int_equal(1, next(true));
	assert_true(lost(&l));
	assert_int_equal(0, l.count);
	assert_int_equal(CLASS_BULK, l.class);
	assert_true(access(path, F_OK) < 0); /* nothing in it was of use */
	restart();
	check_no_loss();
}

static void test_spool_given_a_record_in_another_place_when_scanned_then_it_is_none(void **state)
{
	AUTO_BUF struct buf all = { 0 };
	char path[512];

	(void)state;
	three_records();
	all = content();
	snprintf(path, sizeof(path), "%s", file());
	put(path, all.data + RECORD, 2 * RECORD);
	start();
	assert_int_equal(0, next(false));
	spool = spool_free(spool);
	put(path, all.data, all.n);
	start();
	assert_int_equal(10, next(false));
}

/* ---- a disk that fails ---- */

static int calls_left; /* until one fails; -1: none does */

static int failure;

static bool fails(void)
{
	if (calls_left < 0 || calls_left-- > 0)
		return false;
	errno = failure;
	calls_left = -1;
	return true;
}

static int faulty_open(const char *path, int flags, mode_t mode)
{
	return fails() ? -1 : open(path, flags, mode);
}

static ssize_t faulty_pread(int fd, void *buf, size_t n, off_t at)
{
	return fails() ? -1 : pread(fd, buf, n, at);
}

static ssize_t faulty_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	if (!fails())
		return pwrite(fd, buf, n, at);
	return n > 8 ? pwrite(fd, buf, n / 2, at) - (calls_left = 0) : -1; /* half, then no more */
}

static int faulty_ftruncate(int fd, off_t n)
{
	return fails() ? -1 : ftruncate(fd, n);
}

static int faulty_fdatasync(int fd)
{
	return fails() ? -1 : fdatasync(fd);
}

static int faulty_unlink(const char *path)
{
	return fails() ? -1 : unlink(path);
}

static const struct spool_io faulty = {
	faulty_open,	  faulty_pread,	 faulty_pwrite, faulty_ftruncate,
	faulty_fdatasync, faulty_unlink, NULL
};

struct tale {
	uint64_t seen[11]; /* how often each frame came */
	uint64_t told;	   /* lost events; one whose number is not known counts as one */
};

static void take_all(struct tale *t, int at_most)
{
	AUTO(outbox_frame) *f = NULL;
	struct loss l;

	for (int i = 0; i < at_most && spool_next(spool, &f) == 0; i++) {
		t->seen[f->first_seq]++;
		spool_done(spool, &f->spooled);
		f = outbox_frame_free(f);
	}
	while (lost(&l))
		t->told += MAX(l.count, 1u);
}

/* Writes ten frames, those that do not go in again once, takes some out, the rest after a restart.
 */
static void life(struct tale *t)
{
	struct diag d = { 0 };

	if (spool_new(&spool, &config, &d) < 0 && spool_new(&spool, &config, &d) < 0)
		fail_msg("%s", d.text);
	for (uint64_t i = 1; i <= 10; i++)
		if (append(300, i, i % 2, 1 - i % 2) != 0)
			assert_int_equal(0, append(300, i, i % 2, 1 - i % 2));
	(void)!spool_tick(spool, true);
	take_all(t, 3);
	spool = spool_free(spool);
	if (spool_new(&spool, &config, &d) < 0 && spool_new(&spool, &config, &d) < 0)
		fail_msg("%s", d.text);
	take_all(t, 100);
	assert_int_equal(0, totals().records);
	spool = spool_free(spool);
}

static void test_spool_given_any_call_that_fails_when_lived_through_then_all_come_or_are_told(
	void **state)
{
	static const int failures[] = { ENOSPC, EIO };
	struct spool_io io = faulty;
	bool reached = true;
	int at;

	(void)state;
	io.now_ns = spool_io_system.now_ns;
	config.io = &io;
	config.segment_bytes = 1500;
	config.sync = SPOOL_SYNC_BATCH;
	spool = spool_free(spool);
	for (at = 0; reached; at++) {
		char command[128];
		struct tale t = { 0 };
		uint64_t missing = 0;

		snprintf(command, sizeof(command), "rm -rf %s/*", dir);
		assert_int_equal(0, system(command));
		failure = failures[at % 2];
		calls_left = at / 2;
		life(&t);
		reached = calls_left < 0;
		calls_left = -1;
		start(); /* a file that could not be opened is there now */
		take_all(&t, 100);
		spool = spool_free(spool);
		for (int i = 1; i <= 10; i++)
			missing += t.seen[i] == 0;
		if (missing > t.told)
			fail_msg("call %d: %d missing, %d told", at / 2, (int)missing, (int)t.told);
	}
	assert_true(at > 100); /* so many calls were tried */
}

static void test_spool_given_a_full_disk_when_written_then_it_says_so_and_what_is_there_stays(
	void **state)
{
	struct rlimit before, small = { 100000, 100000 };
	uint64_t seq = 1, n = 0;
	int r = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	small.rlim_max = before.rlim_max;
	config.segment_bytes = 1 << 20;
	restart();
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
	for (; r == 0; seq++)
		r = append(7000, seq, 1, 0);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(-EFBIG, r);
	seq--;
	assert_int_equal(0, append(7000, seq, 1, 0)); /* there is room again */
	restart();
	while (next(true))
		n++;
	assert_int_equal(seq, n);
	check_no_loss();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_spool_given_a_last_record_torn_at_any_byte_when_opened_then_it_is_told),
		T(test_spool_given_any_byte_flipped_when_read_then_it_is_told_and_the_rest_is_used),
		T(test_spool_given_foreign_files_and_zeros_when_opened_then_they_do_no_harm),
		T(test_spool_given_a_record_in_another_place_when_scanned_then_it_is_none),
		T(test_spool_given_any_call_that_fails_when_lived_through_then_all_come_or_are_told),
		T(test_spool_given_a_full_disk_when_written_then_it_says_so_and_what_is_there_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
