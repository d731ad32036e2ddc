/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sensor/hashes.h"
#include "sensor/helper.h"
#include "sensor/node.h"

static const char *const sha_abc =
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char *const sha_empty =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rtsec-hashes-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void write_file(const char *name, const char *text, size_t n, char path[128])
{
	AUTO_FD int fd = -1;

	snprintf(path, 128, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
}

static struct hash_key key_of(const char *path)
{
	struct hash_key key;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	hash_key_of(&key, &st);
	return key;
}

static struct hash_ask ask_of(const struct hash_key *key, const char *path)
{
	return (struct hash_ask){
		.key = key, .path = path, .n_path = (uint32_t)strlen(path), .start_ns = 7
	};
}

static void assert_hash(const uint8_t digest[HASH_BYTES], const char *want)
{
	char hex[2 * HASH_BYTES + 1];

	node_hex(digest, HASH_BYTES, hex);
	assert_string_equal(hex, want);
}

static void pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Waits until the helper has nothing left to do.  Returns how many hashes were found. */
static unsigned settle(struct hashes *h, struct hash_found *last)
{
	struct hash_found found;
	unsigned n = 0;

	for (int i = 0; i < 30000 && hashes_busy(h); i++) {
		for (; hashes_take(h, &found); n++)
			*last = found;
		if (hashes_busy(h))
			pause_ms(1);
	}
	assert_false(hashes_busy(h));
	return n;
}

static struct hashes *make(uint64_t max_bytes)
{
	const struct hashes_config config = { .bytes_per_second = 1 << 30, .max_bytes = max_bytes };
	struct hashes *h = NULL;

	assert_int_equal(hashes_new(&h, &config), 0);
	return h;
}

static void test_hashes_given_file_when_asked_then_told_once_and_known_after(void **state)
{
	AUTO(hashes) *h = make(1 << 20);
	struct hash_found found = { 0 };
	uint8_t digest[HASH_BYTES];
	struct hash_key key;
	struct hash_ask ask;
	char path[128];

	(void)state;
	write_file("abc", TEXT("abc"), path);
	key = key_of(path);
	ask = ask_of(&key, path);
	assert_false(hashes_get(h, &ask, digest));
	assert_false(hashes_get(h, &ask, digest)); /* waits for the same job */
	assert_int_equal(settle(h, &found), 1);
	assert_hash(found.digest, sha_abc);
	assert_int_equal(found.start_ns, 7);
	assert_true(hashes_get(h, &ask, digest));
	assert_hash(digest, sha_abc);
	assert_false(hashes_busy(h));
}

static void test_hashes_given_running_program_when_its_path_is_gone_then_hashed_by_exe(void **state)
{
	AUTO(hashes) *h = make(64 << 20);
	struct hash_found found = { 0 };
	struct hash_key key = key_of("/proc/self/exe");
	struct hash_ask ask = ask_of(&key, "/nowhere/at/all");
	uint8_t digest[HASH_BYTES];

	(void)state;
	ask.tgid = (uint32_t)getpid();
	assert_false(hashes_get(h, &ask, digest));
	assert_int_equal(settle(h, &found), 1);
	assert_int_equal(found.tgid, getpid());
}

static void test_hashes_given_another_file_at_the_path_when_asked_then_no_hash(void **state)
{
	AUTO(hashes) *h = make(1 << 20);
	struct hashes_counters counters;
	uint8_t digest[HASH_BYTES];
	struct hash_found found;
	char path[128], other[128];
	struct hash_key key;
	struct hash_ask ask;

	(void)state;
	write_file("victim", TEXT("abc"), path);
	key = key_of(path);
	write_file("other", TEXT("xyz"), other);
	assert_int_equal(rename(other, path), 0);
	ask = ask_of(&key, path);
	assert_false(hashes_get(h, &ask, digest));
	assert_int_equal(settle(h, &found), 0);
	hashes_counters(h, &counters);
	assert_int_equal(counters.failed, 1);
	assert_false(hashes_get(h, &ask, digest)); /* not tried again at once */
	assert_false(hashes_busy(h));
}

static void test_hashes_given_changed_content_when_asked_then_the_old_one_is_not_told(void **state)
{
	AUTO(hashes) *h = make(1 << 20);
	uint8_t digest[HASH_BYTES];
	struct hash_found found;
	struct hash_key key, now;
	struct hash_ask ask;
	char path[128];

	(void)state;
	write_file("file", TEXT("abc"), path);
	key = key_of(path);
	ask = ask_of(&key, path);
	assert_false(hashes_get(h, &ask, digest));
	assert_int_equal(settle(h, &found), 1);
	write_file("file", TEXT(""), path);
	now = key_of(path);
	ask.key = &now;
	assert_false(hashes_get(h, &ask, digest));
	assert_int_equal(settle(h, &found), 1);
	assert_hash(found.digest, sha_empty);
}

static void test_hashes_given_fifo_or_remote_or_long_file_when_asked_then_left_alone(void **state)
{
	AUTO(hashes) *h = make(3);
	struct hashes_counters counters;
	uint8_t digest[HASH_BYTES];
	struct hash_found found;
	struct hash_key key;
	struct hash_ask ask;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	key = key_of(path);
	ask = ask_of(&key, path);
	assert_false(hashes_get(h, &ask, digest));
	assert_int_equal(settle(h, &found), 0);
	write_file("remote", TEXT("abc"), path);
	key = key_of(path);
	ask.fs_magic = 0x65735546; /* FUSE */
	assert_false(hashes_get(h, &ask, digest));
	assert_int_equal(settle(h, &found), 0);
	write_file("long", TEXT("abcd"), path);
	key = key_of(path);
	ask.fs_magic = 0;
	assert_false(hashes_get(h, &ask, digest));
	assert_false(hashes_busy(h));
	hashes_counters(h, &counters);
	assert_int_equal(counters.failed, 1);
	assert_int_equal(counters.skipped, 2);
}

static void test_hashes_given_more_files_than_jobs_when_asked_then_refused_and_later_done(
	void **state)
{
	AUTO(hashes) *h = make(1 << 20);
	struct hashes_counters counters;
	uint8_t digest[HASH_BYTES];
	struct hash_found found;
	unsigned done = 0;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < HELPER_JOBS + 6; i++) {
			struct hash_key key;
			struct hash_ask ask;
			char name[16], path[128];

			snprintf(name, sizeof(name), "f%d", i);
			if (round == 0)
				write_file(name, name, strlen(name), path);
			snprintf(path, sizeof(path), "%s/%s", dir, name);
			key = key_of(path);
			ask = ask_of(&key, path);
			(void)hashes_get(h, &ask, digest);
		}
		if (round == 0) {
			hashes_counters(h, &counters);
			assert_int_equal(counters.refused, 6); /* none is taken yet */
		}
		done += settle(h, &found);
	}
	assert_int_equal(done, HELPER_JOBS + 6);
}

static void test_hashes_given_more_files_than_room_when_asked_then_evictions_are_counted(
	void **state)
{
	AUTO(hashes) *h = make(1 << 20);
	struct hashes_counters counters;
	uint8_t digest[HASH_BYTES];
	struct hash_found found;
	char path[128];

	(void)state;
	for (int i = 0; i < 2400; i++) {
		struct hash_key key;
		struct hash_ask ask;

		write_file("one", TEXT("x"), path);
		key = key_of(path);
		ask = ask_of(&key, path);
		key.inode = key.inode * 4096 + (uint64_t)i; /* nothing leads there */
		(void)hashes_get(h, &ask, digest);
		if (i % 32 == 0)
			assert_int_equal(settle(h, &found), 0);
	}
	settle(h, &found);
	hashes_counters(h, &counters);
	assert_int_equal(counters.failed, 2400);
	assert_int_equal(counters.evicted, 0); /* what is not known is no loss */
}

static void test_hashes_given_work_when_freed_then_the_helper_ends(void **state)
{
	const struct hashes_config slow = { .bytes_per_second = 1, .max_bytes = 64 << 20 };
	uint8_t digest[HASH_BYTES];
	struct hashes *h = NULL;
	struct hash_key key;
	struct hash_ask ask;
	char path[128];

	(void)state;
	write_file("slow", TEXT("abc"), path);
	key = key_of(path);
	ask = ask_of(&key, path);
	assert_int_equal(hashes_new(&h, &slow), 0);
	assert_false(hashes_get(h, &ask, digest));
	pause_ms(20);
	assert_null(hashes_free(h));
	assert_null(hashes_free(NULL));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_hashes_given_file_when_asked_then_told_once_and_known_after),
		T(test_hashes_given_running_program_when_its_path_is_gone_then_hashed_by_exe),
		T(test_hashes_given_another_file_at_the_path_when_asked_then_no_hash),
		T(test_hashes_given_changed_content_when_asked_then_the_old_one_is_not_told),
		T(test_hashes_given_fifo_or_remote_or_long_file_when_asked_then_left_alone),
		T(test_hashes_given_more_files_than_jobs_when_asked_then_refused_and_later_done),
		T(test_hashes_given_more_files_than_room_when_asked_then_evictions_are_counted),
		T(test_hashes_given_work_when_freed_then_the_helper_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
