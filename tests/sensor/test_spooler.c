/* SPDX-License-Identifier: Apache-2.0 */
/* Outbox, spooler, spool and uplink together, against a collector of our own that is there or not.
 */
#include "tests/test.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>

#include "lib/nng_end.h"
#include "sensor/ack.h"
#include "sensor/spooler.h"
#include "sensor/uplink.h"
#include "tests/sensor/ack_encode.h"

enum { NUMBERS = 4096 };

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- collector ---- */

struct collector {
	nng_socket socket;
	pthread_t thread;
	int port;
	bool runs;
	atomic_bool stopping;
	atomic_uint seen[NUMBERS];
	atomic_uint stored, backwards; /* distinct numbers; by how much order was broken at most */
	uint64_t highest;
};

static void *serve(void *arg)
{
	struct collector *c = arg;
	struct frame_codec *codec = NULL;
	nng_msg *message;

	if (frame_codec_new(&codec) < 0)
		abort();
	while (!atomic_load(&c->stopping)) {
		struct ack ack = { .code = ACK_STORED };
		AUTO_BUF struct buf out = { 0 };
		uint64_t number;

		if (nng_recvmsg(c->socket, &message, NNG_FLAG_NONBLOCK) != 0) {
			nng_msleep(2); /* not by a time-out of NNG's: see lib/nng_end.h */
			continue;
		}
		memcpy(&number, nng_msg_body(message), sizeof(number));
		if (atomic_fetch_add(&c->seen[number % NUMBERS], 1))
			ack.code = ACK_DUPLICATE;
		else
			atomic_fetch_add(&c->stored, 1);
		if (number + atomic_load(&c->backwards) < c->highest)
			atomic_store(&c->backwards, (unsigned)(c->highest - number));
		c->highest = MAX(c->highest, number);
		ack.first_seq = number;
		if (ack_encode(&ack, codec, &out) < 0)
			abort();
		nng_msg_clear(message);
		nng_msg_append(message, out.data, out.n);
		if (nng_sendmsg(c->socket, message, 0) != 0)
			nng_msg_free(message);
	}
	frame_codec_free(codec);
	return NULL;
}

static void collector_start(struct collector *c)
{
	nng_listener listener;
	char url[64];

	assert_int_equal(0, nng_rep0_open(&c->socket));
	atomic_store(&c->stopping, false);
	nng_socket_set_ms(c->socket, NNG_OPT_SENDTIMEO, 200);
	nng_socket_set_size(c->socket, NNG_OPT_RECVMAXSZ, 8 << 20);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", c->port);
	assert_int_equal(0, nng_listen(c->socket, url, &listener, 0));
	if (c->port == 0)
		assert_int_equal(0,
				 nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &c->port));
	assert_int_equal(0, pthread_create(&c->thread, NULL, serve, c));
	c->runs = true;
}

static void collector_stop(struct collector *c)
{
	if (!c->runs)
		return;
	c->runs = false;
	atomic_store(&c->stopping, true); /* NNG may hang when closed under a call */
	pthread_join(c->thread, NULL);
	(void)!nng_end(c->socket, 2000); /* NNG may hang, see lib/nng_end.h */
}

/* ---- sensor ---- */

static struct collector collector;
static char dir[64];
static struct outbox *outbox;
static struct spool *spool;
static struct spooler *spooler;
static struct uplink *uplink;
static const struct spool_io *io;

static void kick(void *arg)
{
	(void)arg;
	uplink_kick(uplink);
}

static void sensor_start(size_t queue_bytes)
{
	struct spool_config config = {
		.dir = dir, .max_bytes = 64 << 20, .boot_id = { 1 }, .io = io
	};
	struct spooler_config move = { .away_ms = 100, .retry_ms = 200, .kick = kick };
	struct uplink_config up = { .window = 8,
				    .resend_ms = 1000,
				    .reconnect_min_ms = 20,
				    .reconnect_max_ms = 50,
				    .busy_ms = 20 };
	struct diag d = { 0 };
	char url[64];

	assert_int_equal(0, outbox_new(&outbox, queue_bytes));
	assert_int_equal(0, spool_new(&spool, &config, &d));
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", collector.port);
	up.urls = (const char *const[]){ url, NULL };
	up.outbox = outbox;
	assert_int_equal(0, uplink_new(&uplink, &up, &d));
	move.outbox = outbox;
	move.spool = spool;
	assert_int_equal(0, spooler_new(&spooler, &move));
}

/* Returns true when nothing but what is on disk is left.  @killed: nothing is written at the end.
 */
static bool sensor_stop(bool killed)
{
	bool all = false;

	spooler_halt(spooler);
	uplink = uplink_free(uplink);
	if (!killed)
		all = spooler_rest(spooler);
	spooler = spooler_free(spooler);
	spool = spool_free(spool);
	outbox = outbox_free(outbox);
	return all;
}

/* As the sensor's loop does, once a second. */
static bool all_sent(void)
{
	for (int i = 0; i < 120; i++) {
		uplink_tick(uplink);
		if (outbox_wait_empty(outbox, 500))
			return true;
	}
	return false;
}

static void push(uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		struct outbox_frame *f = calloc(1, sizeof(*f));

		assert_non_null(f);
		f->n = 1000;
		f->data = calloc(1, f->n);
		memcpy(f->data, &i, sizeof(i));
		f->first_seq = f->last_seq = i;
		f->events[i % 3 ? CLASS_BULK : CLASS_PRIORITY] = 1;
		outbox_push(outbox, f);
		uplink_kick(uplink);
	}
}

static struct outbox_totals totals(void)
{
	struct outbox_totals t;

	outbox_totals(outbox, &t);
	return t;
}

/* As the consumer does when nothing happens. */
static void heartbeat(void)
{
	struct outbox_frame *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	outbox_push(outbox, f);
}

/* Waits until nothing is in memory alone. */
static bool all_on_disk(int tries)
{
	for (int i = 0; i < tries && totals().lowest_seq; i++) {
		heartbeat();
		wait_ms(10);
	}
	return totals().lowest_seq == 0;
}

/* Waits until at most @bytes are in memory. */
static bool is_room(size_t bytes)
{
	for (int i = 0; i < 30000 && totals().bytes > bytes; i++) {
		heartbeat();
		wait_ms(1);
	}
	return totals().bytes <= bytes;
}

static unsigned files(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static bool no_files(void)
{
	for (int i = 0; i < 200 && files(); i++)
		wait_ms(10);
	return files() == 0;
}

static void check_each_once(uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		if (collector.seen[i] == 0)
			fail_msg("%d never came", (int)i);
	assert_int_equal(to - from, collector.stored);
}

static int setup(void **state)
{
	(void)state;
	memset(&collector, 0, sizeof(collector));
	io = NULL;
	snprintf(dir, sizeof(dir), "/tmp/rtsec-spooler-XXXXXX");
	assert_non_null(mkdtemp(dir));
	collector_start(&collector);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	collector_stop(&collector);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---- tests ---- */

static void test_spooler_given_a_collector_when_frames_flow_then_the_disk_is_not_touched(
	void **state)
{
	(void)state;
	sensor_start(64 << 20);
	for (uint64_t i = 0; i < 5; i++) {
		push(1 + i * 100, 101 + i * 100);
		assert_true(all_sent());
		assert_int_equal(0, files());
		wait_ms(30);
	}
	assert_true(sensor_stop(false));
	check_each_once(1, 501);
}

static void test_spooler_given_no_collector_when_it_comes_back_then_all_are_stored_in_order(
	void **state)
{
	(void)state;
	collector_stop(&collector);
	sensor_start(64 << 20);
	push(1, 501);
	assert_true(all_on_disk(500));
	assert_true(totals().spooled > 400);
	assert_true(totals().bytes < 100000); /* memory is free again */
	push(501, 601);
	collector_start(&collector);
	push(601, 701);
	assert_true(all_sent());
	check_each_once(1, 701);
	assert_true(collector.backwards <= 64); /* no more than the window */
	assert_true(no_files());
	assert_int_equal(0, totals().lost_events);
	assert_true(sensor_stop(false));
}

static void test_spooler_given_a_small_memory_when_flooded_then_nothing_is_lost(void **state)
{
	(void)state;
	collector_stop(&collector);
	sensor_start(100000);
	for (uint64_t i = 1; i < 2001; i += 20) {
		assert_true(is_room(75000)); /* however slow the disk is */
		push(i, i + 20);
	}
	assert_int_equal(0, totals().lost_events);
	assert_true(totals().spooled > 0); /* 2 MB do not fit in 100 kB */
	collector_start(&collector);
	assert_true(all_sent());
	check_each_once(1, 2001);
	assert_true(sensor_stop(false));
}

static void test_spooler_given_a_stop_without_a_collector_when_started_again_then_all_are_stored(
	void **state)
{
	(void)state;
	collector_stop(&collector);
	sensor_start(64 << 20);
	push(1, 301);
	assert_true(sensor_stop(false)); /* at once: under way, waiting, nothing on disk yet */
	sensor_start(64 << 20);
	push(301, 401);
	assert_true(sensor_stop(false));
	collector_start(&collector);
	sensor_start(64 << 20);
	kick(NULL);
	assert_true(all_sent());
	check_each_once(1, 401);
	assert_true(collector.backwards <= 64);
	assert_true(no_files());
	assert_true(sensor_stop(false));
}

static void test_spooler_given_a_kill_when_started_again_then_what_was_on_disk_is_stored(
	void **state)
{
	(void)state;
	collector_stop(&collector);
	sensor_start(64 << 20);
	push(1, 301);
	assert_true(all_on_disk(500)); /* those under way too */
	sensor_stop(true);
	collector_start(&collector);
	sensor_start(64 << 20);
	assert_true(all_sent());
	check_each_once(1, 301);
	assert_true(sensor_stop(false));
}

static void test_spooler_given_a_collector_that_flickers_when_it_stays_then_nothing_is_lost(
	void **state)
{
	(void)state;
	sensor_start(64 << 20);
	for (uint64_t i = 0; i < 6; i++) {
		push(1 + i * 200, 201 + i * 200);
		if (i % 2)
			collector_start(&collector);
		else
			collector_stop(&collector);
		wait_ms(150);
	}
	assert_true(all_sent());
	check_each_once(1, 1201);
	assert_int_equal(0, totals().lost_events);
	assert_true(sensor_stop(false));
}

static atomic_bool disk_fails;

static ssize_t failing_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	if (!atomic_load(&disk_fails))
		return pwrite(fd, buf, n, at);
	errno = ENOSPC;
	return -1;
}

static void test_spooler_given_a_full_disk_when_it_has_room_again_then_nothing_was_lost(
	void **state)
{
	struct spool_io failing = spool_io_system;

	(void)state;
	failing.pwrite = failing_pwrite;
	io = &failing;
	collector_stop(&collector);
	atomic_store(&disk_fails, true);
	sensor_start(64 << 20);
	push(1, 201);
	assert_false(all_on_disk(50));
	assert_true(totals().frames >= 200); /* in memory */
	atomic_store(&disk_fails, false);
	push(201, 301);
	assert_true(all_on_disk(500));
	atomic_store(&disk_fails, true);
	push(301, 401);
	collector_start(&collector);
	assert_true(all_sent());
	check_each_once(1, 401);
	assert_int_equal(0, totals().lost_events);
	assert_true(sensor_stop(false));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_spooler_given_a_collector_when_frames_flow_then_the_disk_is_not_touched),
		T(test_spooler_given_no_collector_when_it_comes_back_then_all_are_stored_in_order),
		T(test_spooler_given_a_small_memory_when_flooded_then_nothing_is_lost),
		T(test_spooler_given_a_stop_without_a_collector_when_started_again_then_all_are_stored),
		T(test_spooler_given_a_kill_when_started_again_then_what_was_on_disk_is_stored),
		T(test_spooler_given_a_collector_that_flickers_when_it_stays_then_nothing_is_lost),
		T(test_spooler_given_a_full_disk_when_it_has_room_again_then_nothing_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
