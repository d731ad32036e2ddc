/* SPDX-License-Identifier: Apache-2.0 */
/* The spool alone: what is written is read back in order, over restarts; what a disk can do to it is
 * told; nothing more than its bounds; and every call of the system may fail. */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sensor/spool_record.h"
#include "sensor/spool.h"

static char dir[64];
static struct spool *spool;
static struct spool_config config;

/* ---- help ---- */

/* A frame of @n bytes, all of them made of its number. */
static struct outbox_frame *frame(size_t n, uint64_t seq, uint64_t priority, uint64_t bulk)
{
	struct outbox_frame *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->data = malloc(n);
	memset(f->data, (int)(seq & 0xff), n);
	f->n = n;
	f->first_seq = seq;
	f->last_seq = seq + priority + bulk - 1;
	f->events[CLASS_PRIORITY] = priority;
	f->events[CLASS_BULK] = bulk;
	f->from_ns = seq * 10;
	f->to_ns = seq * 10 + 5;
	return f;
}

static void start(void)
{
	struct diag d = { 0 };

	if (spool_new(&spool, &config, &d) < 0)
		fail_msg("%s", d.text);
}

static void restart(void)
{
	spool = spool_free(spool);
	start();
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rtsec-spool-XXXXXX");
	assert_non_null(mkdtemp(dir));
	config = (struct spool_config){ .dir = dir, .max_bytes = 1 << 20, .boot_id = { 7 } };
	start();
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	spool = spool_free(spool);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static int append(size_t n, uint64_t seq, uint64_t priority, uint64_t bulk)
{
	AUTO(outbox_frame) *f = frame(n, seq, priority, bulk);
	struct spool_ref ref;

	return spool_append(spool, f, false, &ref);
}

/* Takes the next and checks it.  Returns its first number, 0: there is none. */
static uint64_t next(bool done)
{
	AUTO(outbox_frame) *f = NULL;
	int r = spool_next(spool, &f);

	if (r == SPOOL_E_EMPTY)
		return 0;
	assert_int_equal(0, r);
	for (size_t i = 0; i < f->n; i++)
		assert_int_equal(f->first_seq & 0xff, f->data[i]);
	assert_int_equal(f->first_seq * 10 + 5, f->to_ns);
	if (done)
		spool_done(spool, &f->spooled);
	return f->first_seq;
}

static struct spool_totals totals(void)
{
	struct spool_totals t;

	spool_totals(spool, &t);
	return t;
}

static struct losses losses;
static uint64_t n_lost;

static bool lost(struct loss *ret)
{
	n_lost = spool_losses(spool, &losses);
	return losses_take(&losses, ret);
}

static void check_no_loss(void)
{
	struct loss l;

	assert_false(lost(&l));
	assert_int_equal(0, n_lost);
}

/* Path of the only file. */
static const char *file(void)
{
	static char path[512];
	DIR *d = opendir(dir);
	const struct dirent *e;

	assert_non_null(d);
	path[0] = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			assert_false(path[0]);
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		}
	closedir(d);
	return path;
}

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

/* ---- order ---- */

static void test_spool_given_frames_of_both_classes_when_read_then_order_and_bytes_are_theirs(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 200; i++)
		assert_int_equal(0, append(100 + i * 7, i, i % 3 == 0, i % 3 != 0));
	assert_int_equal(200, totals().unread);
	for (uint64_t i = 1; i <= 200; i++)
		assert_int_equal(i, next(true));
	assert_int_equal(0, next(true));
	assert_int_equal(0, totals().files + totals().bytes + totals().records);
	assert_string_equal("", file());
	check_no_loss();
}

static void test_spool_given_a_restart_when_read_then_only_what_is_not_done_comes_again(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(0, append(6000, i, i % 2, 1));
	for (uint64_t i = 1; i <= 40; i++)
		assert_int_equal(i, next(i != 7));
	restart();
	assert_int_equal(7, next(true)); /* given, not done */
	for (uint64_t i = 41; i <= 60; i++)
		assert_int_equal(i, next(true));
	assert_int_equal(0, append(6000, 101, 1, 1));
	restart();
	for (uint64_t i = 61; i <= 101; i++)
		assert_int_equal(i, next(true));
	assert_int_equal(0, next(true));
	check_no_loss();
	assert_int_equal(0, totals().files);
}

static void test_spool_given_a_frame_under_way_when_written_then_it_comes_only_after_a_restart(void **state)
{
	AUTO(outbox_frame) *f = frame(50, 5, 1, 0);
	struct spool_ref ref;

	(void)state;
	assert_int_equal(0, spool_append(spool, f, true, &ref));
	assert_int_equal(0, totals().unread);
	assert_int_equal(1, totals().records);
	assert_int_equal(0, next(true));
	restart();
	assert_int_equal(5, next(true));
	spool_done(spool, &ref); /* of what is gone: nothing happens */
}

static void test_spool_given_another_boot_when_read_then_its_numbers_are_not_ours(void **state)
{
	AUTO(outbox_frame) *f = frame(50, 5, 1, 0), *back = NULL;
	struct loss told = { .count = 3, .class = CLASS_BULK, .cause = LOSS_RING_FULL,
			     .from_ns = 1, .to_ns = 2, .first_seq = 8, .last_seq = 9 };
	struct spool_ref ref;

	(void)state;
	f->losses = malloc(sizeof(told));
	f->losses[0] = told;
	f->n_losses = 1;
	assert_int_equal(0, spool_append(spool, f, false, &ref));
	restart();
	assert_int_equal(0, spool_next(spool, &back));
	assert_false(back->foreign);
	assert_memory_equal(&told, back->losses, sizeof(told));
	back = outbox_frame_free(back);
	config.boot_id[0] = 8;
	restart();
	assert_int_equal(0, spool_next(spool, &back));
	assert_true(back->foreign);
	assert_int_equal(3, back->losses[0].count);
	assert_int_equal(0, back->losses[0].last_seq);
}

static void test_spool_given_numbers_without_holes_when_restarted_then_it_says_how_far(void **state)
{
	(void)state;
	assert_int_equal(0, append(100, 10, 2, 3)); /* 10 to 14 */
	assert_int_equal(0, append(100, 15, 0, 5)); /* 15 to 19 */
	assert_int_equal(0, append(100, 30, 0, 5)); /* 30 to 34 */
	restart();
	assert_int_equal(9, spool_reaches(spool, 9));
	assert_int_equal(20, spool_reaches(spool, 10));
	assert_int_equal(20, spool_reaches(spool, 12));
	assert_int_equal(25, spool_reaches(spool, 25));
	assert_int_equal(35, spool_reaches(spool, 30));
}

/* ---- bounds ---- */

static void test_spool_given_no_room_when_written_then_bulk_goes_first_and_is_told(void **state)
{
	uint64_t seq = 1, kept = 0;
	struct loss l;

	(void)state;
	for (; seq <= 20; seq++)
		assert_int_equal(0, append(20000, seq, 1, 0));
	for (; seq <= 100; seq++)
		assert_int_equal(0, append(20000, seq, 0, 1));
	assert_true(totals().bytes <= config.max_bytes);
	for (uint64_t s; (s = next(true)); kept++)
		if (kept < 20)
			assert_int_equal(kept + 1, s);
	assert_true(lost(&l));
	assert_int_equal(CLASS_BULK, l.class);
	assert_int_equal(LOSS_SPOOL_FULL, l.cause);
	assert_int_equal(21, l.first_seq);
	assert_int_equal(100, kept + l.count);
	assert_int_equal(l.count, n_lost);
	assert_false(losses_take(&losses, &l));
}

static void test_spool_given_only_priority_inside_when_bulk_comes_then_it_has_no_room(void **state)
{
	struct loss l;

	(void)state;
	for (uint64_t i = 1; i <= 52; i++)
		assert_int_equal(0, append(20000, i, 1, 0));
	assert_int_equal(SPOOL_E_NO_ROOM, append(20000, 53, 0, 1));
	check_no_loss();
	assert_int_equal(0, append(20000, 54, 1, 0)); /* pushes out the oldest of its kind */
	assert_true(lost(&l));
	assert_int_equal(CLASS_PRIORITY, l.class);
	assert_int_equal(1, l.first_seq);
	assert_int_equal(SPOOL_E_NO_ROOM, append(2 << 20, 55, 1, 0));
}

static uint64_t clock_ns;
static uint64_t test_now_ns(clockid_t clock)
{
	return clock == CLOCK_REALTIME ? clock_ns + 1000000000000 : clock_ns;
}

static void test_spool_given_an_age_when_over_it_then_frames_are_dropped_and_told(void **state)
{
	struct spool_io io = spool_io_system;
	const uint64_t hour = 3600000000000;
	struct loss l;

	(void)state;
	io.now_ns = test_now_ns;
	config.io = &io;
	config.max_age_ns = 10 * hour;
	config.segment_bytes = 1000;
	clock_ns = hour;
	restart();
	assert_int_equal(0, append(900, 1, 1, 0));
	clock_ns += 6 * hour;
	assert_int_equal(0, append(900, 2, 1, 0));
	restart(); /* over it, age is that of the wall clock */
	clock_ns += 3 * hour;
	assert_int_equal(0, spool_tick(spool, false));
	assert_int_equal(2, totals().records);
	clock_ns += 2 * hour;
	assert_int_equal(0, spool_tick(spool, false));
	assert_int_equal(1, totals().records);
	assert_true(lost(&l));
	assert_int_equal(LOSS_SPOOL_EXPIRED, l.cause);
	assert_int_equal(1, l.first_seq);
	assert_int_equal(1, l.count);
	assert_int_equal(2, next(true));
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

static void test_spool_given_a_last_record_torn_at_any_byte_when_opened_then_it_is_told(void **state)
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

static void test_spool_given_any_byte_flipped_when_read_then_it_is_told_and_the_rest_is_used(void **state)
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

static const struct spool_io faulty = { faulty_open,	  faulty_pread,	 faulty_pwrite, faulty_ftruncate,
					faulty_fdatasync, faulty_unlink, NULL };

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

/* Writes ten frames, those that do not go in again once, takes some out, the rest after a restart. */
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

static void test_spool_given_any_call_that_fails_when_lived_through_then_all_come_or_are_told(void **state)
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

static void test_spool_given_a_full_disk_when_written_then_it_says_so_and_what_is_there_stays(void **state)
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

static void test_spool_given_a_bad_configuration_when_made_then_it_is_refused_with_a_reason(void **state)
{
	struct spool_config bad = { .dir = "/no/such/folder", .max_bytes = 1 };
	struct spool *s = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(-ENOENT, spool_new(&s, &bad, &d));
	assert_true(d.text[0]);
	d.text[0] = 0;
	bad.max_bytes = 0;
	assert_int_equal(-EINVAL, spool_new(&s, &bad, &d));
	assert_true(d.text[0]);
	assert_null(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_spool_given_frames_of_both_classes_when_read_then_order_and_bytes_are_theirs),
		T(test_spool_given_a_restart_when_read_then_only_what_is_not_done_comes_again),
		T(test_spool_given_a_frame_under_way_when_written_then_it_comes_only_after_a_restart),
		T(test_spool_given_another_boot_when_read_then_its_numbers_are_not_ours),
		T(test_spool_given_numbers_without_holes_when_restarted_then_it_says_how_far),
		T(test_spool_given_no_room_when_written_then_bulk_goes_first_and_is_told),
		T(test_spool_given_only_priority_inside_when_bulk_comes_then_it_has_no_room),
		T(test_spool_given_an_age_when_over_it_then_frames_are_dropped_and_told),
		T(test_spool_given_a_last_record_torn_at_any_byte_when_opened_then_it_is_told),
		T(test_spool_given_any_byte_flipped_when_read_then_it_is_told_and_the_rest_is_used),
		T(test_spool_given_foreign_files_and_zeros_when_opened_then_they_do_no_harm),
		T(test_spool_given_a_record_in_another_place_when_scanned_then_it_is_none),
		T(test_spool_given_any_call_that_fails_when_lived_through_then_all_come_or_are_told),
		T(test_spool_given_a_full_disk_when_written_then_it_says_so_and_what_is_there_stays),
		T(test_spool_given_a_bad_configuration_when_made_then_it_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
