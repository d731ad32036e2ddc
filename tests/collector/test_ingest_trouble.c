/* SPDX-License-Identifier: Apache-2.0 */
/* What ingest does with what it cannot take: broken frames, a disk that is full, an address that is
 * taken. */
#include "tests/collector/ingest_fixture.h"

/* ---- tests ---- */

static void test_ingest_given_conflicting_batch_when_sent_then_refused_with_reason(void **state)
{
	struct fix *f = *state;
	struct ack a;

	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 2, .time_ns = f->now });
	a = send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 5, .time_ns = f->now });
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_non_null(strstr(a.reason, "first_seq"));
	assert_int_equal(stored_events(f), 2);
}

static size_t files_in(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/quarantine/%s", dir, name);
	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void test_ingest_given_broken_frames_when_sent_then_each_is_refused_and_ingest_goes_on(
	void **state)
{
	struct fix *f = *state;
	struct fixture_batch good = { .first_seq = 1, .n = 50, .time_ns = f->now };
	AUTO_BUF struct buf frame = { 0 };
	struct ack a;

	fixture_frame(&good, &frame);
	a = ask(f, "", 0);
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_true(a.reason[0] != '\0');
	for (size_t n = 1; n < frame.n; n += 7)
		assert_int_equal(ask(f, frame.data, n).code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_int_equal(files_in(f->dir, "refused-00.frame"), 0); /* the empty one */
	assert_int_equal(stored_events(f), 0);
	assert_true(counters(f).refused > 2);
	assert_int_equal(ask(f, frame.data, frame.n).code, RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(stored_events(f), 50);
}

static void test_ingest_given_refused_frame_when_quarantined_then_its_bytes_are_kept(void **state)
{
	struct fix *f = *state;

	assert_int_equal(ask(f, "no frame at all", 15).code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_int_equal(files_in(f->dir, "refused-00.frame"), 15);
}

/* A plain socket that speaks just enough SP over ipc to announce a message of @n bytes. */
static void announce(struct fix *f, uint64_t n)
{
	static const uint8_t hello[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 }; /* REQ */
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 60 };
	uint8_t theirs[8], head[9] = { 1 };

	snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", f->url + strlen("ipc://"));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, hello, sizeof(hello)), sizeof(hello));
	assert_int_equal(read(fd, theirs, sizeof(theirs)), sizeof(theirs));
	for (size_t i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)(n >> (56 - 8 * i));
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(read(fd, theirs, 1), 0); /* hung up on, before a byte of it came */
}

static void test_ingest_given_message_over_the_limit_when_announced_then_hung_up_on(void **state)
{
	struct fix *f = *state;

	announce(f, LIMIT_FRAME_BYTES + 4096);
	announce(f, 1ull << 40);
	announce(f, UINT64_MAX);
	assert_int_equal(
		send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now })
			.code,
		RTSEC__V1__ACK__CODE__STORED);
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_ingest_given_full_disk_when_it_has_room_again_then_busy_becomes_stored(
	void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 10, .n = 800, .time_ns = f->now };
	struct ack a;

	signal(SIGXFSZ, SIG_IGN);
	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now });
	limit_file_size(300);
	a = send_batch(f, b);
	assert_true(ingest_failing(f->ingest));
	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__BUSY);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__BUSY);
	assert_true(a.reason[0] != '\0');
	assert_int_equal(counters(f).busy, 2);
	assert_int_equal(stored_events(f), 1);
	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__STORED);
	assert_false(ingest_failing(f->ingest));
	assert_int_equal(stored_events(f), 801);
}

/* Nobody sends meanwhile: the alarm alone finds out that the disk is full. */
static void test_ingest_given_full_disk_when_an_alarm_is_due_then_it_is_stored_once_there_is_room(
	void **state)
{
	static const struct watch_limits soon = {
		.silent_ms = 1, .lag_ms = 60000, .skew_ms = 60000, .calm_ms = 60000
	};
	struct fix *f = *state;
	struct ingest_config config = {
		.url = f->url, .store = f->store, .maindb = f->maindb, .watch = &soon
	};
	struct diag d = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now });
	f->ingest = ingest_stop(f->ingest);
	limit_file_size(300);
	assert_int_equal(ingest_start(&f->ingest, &config, &d), 0);
	for (int i = 0; i < 3000 && ingest_turns(f->ingest) < 2; i++)
		usleep(10000);
	assert_true(ingest_turns(f->ingest) >= 2);
	assert_int_equal(counters(f).commits, 0);
	limit_file_size(RLIM_INFINITY);
	for (int i = 0; i < 3000 && counters(f).commits == 0; i++)
		usleep(10000);
	assert_int_equal(stored_events(f), 2);
	assert_int_equal(counters(f).alarms_lost, 0);
}

static void test_ingest_given_taken_address_when_started_then_error_names_it(void **state)
{
	struct fix *f = *state;
	struct ingest_config config = { .url = f->url, .store = f->store, .maindb = f->maindb };
	struct ingest *second = NULL;
	struct diag d = { 0 };

	assert_int_equal(ingest_start(&second, &config, &d), -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(d.text, f->url));
	config.url = "nonsense";
	assert_true(ingest_start(&second, &config, &d) < 0);
}

/* ---- little space ---- */

static void wait_for_disk(struct fix *f, uint64_t bytes, enum disk_state state)
{
	uint64_t seen;

	atomic_store(&free_bytes, bytes);
	for (size_t i = 0; i < 6000; i++) {
		if (ingest_disk(f->ingest, &seen) == state && seen == bytes)
			return;
		usleep(10000);
	}
	fail_msg("the disk's state is not seen");
}

static void test_ingest_given_little_space_when_sent_then_bulk_waits_before_all_do(void **state)
{
	struct fix *f = *state;
	struct fixture_batch bulk = { .first_seq = 1, .n = 2, .time_ns = f->now };
	struct fixture_batch priority = {
		.first_seq = 10, .n = 2, .time_ns = f->now, .kind = KIND_EXEC
	};
	struct fixture_batch heartbeat = { .first_seq = 12, .time_ns = f->now };
	struct ingest_counters c;
	struct ack a;

	wait_for_disk(f, 999, DISK_LOW);
	a = send_batch(f, bulk);
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__BUSY);
	assert_non_null(strstr(a.reason, "disk"));
	assert_int_equal(send_batch(f, priority).code, RTSEC__V1__ACK__CODE__STORED);
	wait_for_disk(f, 499, DISK_FULL);
	priority.first_seq = 12;
	heartbeat.first_seq = 14;
	assert_int_equal(send_batch(f, priority).code, RTSEC__V1__ACK__CODE__BUSY);
	assert_int_equal(send_batch(f, heartbeat).code, RTSEC__V1__ACK__CODE__STORED);
	wait_for_disk(f, 540, DISK_LOW);
	assert_int_equal(send_batch(f, priority).code, RTSEC__V1__ACK__CODE__STORED);
	wait_for_disk(f, 1050, DISK_LOW); /* not yet a sixteenth more */
	assert_int_equal(send_batch(f, bulk).code, RTSEC__V1__ACK__CODE__BUSY);
	wait_for_disk(f, 1100, DISK_OK);
	assert_int_equal(send_batch(f, bulk).code, RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(send_batch(f, bulk).code, RTSEC__V1__ACK__CODE__DUPLICATE);
	ingest_counters(f->ingest, &c);
	assert_int_equal(c.disk_busy, 3);
	assert_int_equal(c.busy, 3);
	assert_int_equal(c.batches, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ingest_given_conflicting_batch_when_sent_then_refused_with_reason),
		T(test_ingest_given_broken_frames_when_sent_then_each_is_refused_and_ingest_goes_on),
		T(test_ingest_given_refused_frame_when_quarantined_then_its_bytes_are_kept),
		T(test_ingest_given_message_over_the_limit_when_announced_then_hung_up_on),
		T(test_ingest_given_full_disk_when_it_has_room_again_then_busy_becomes_stored),
		T(test_ingest_given_full_disk_when_an_alarm_is_due_then_it_is_stored_once_there_is_room),
		T(test_ingest_given_taken_address_when_started_then_error_names_it),
		T(test_ingest_given_little_space_when_sent_then_bulk_waits_before_all_do),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
