/* SPDX-License-Identifier: Apache-2.0 */
/* The uplink against a small collector of our own: a REP socket that answers as each test wants.
 * Frames are opaque to the uplink; here they hold their number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <stdatomic.h>

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include "lib/timestamp.h"
#include "lib/nng_end.h"
#include "sensor/ack.h"
#include "sensor/uplink.h"
#include "tests/sensor/ack_encode.h"

enum { NUMBERS = 4096 };

struct collector {
	nng_socket socket;
	pthread_t thread;
	atomic_bool stopping;
	int port;
	enum ack_code answer; /* to frames whose number is in [answer_from, answer_to) */
	uint64_t answer_from, answer_to;
	int answer_times;	/* then STORED; -1: always */
	bool nonsense;		/* answer the first frame with bytes that are no Ack */
	atomic_uint pause_us;	/* before each answer */
	atomic_bool mute;	/* takes connections and frames, and answers nothing */
	uint64_t seen[NUMBERS]; /* how often each number came */
	atomic_ullong stored;	/* distinct numbers */
	uint64_t stop_after;	/* hang up without an answer after so many frames; 0: never */
	uint64_t frames;
	uint64_t behind_ns; /* its clock, after ours; 0: it tells no time */
};

static void answer(struct collector *c, struct frame_codec *codec, nng_msg *message)
{
	struct ack ack = { .linger_ms = 5, .received_time_ns = c->behind_ns };
	AUTO_BUF struct buf out = { 0 };
	uint64_t number;

	if (ack.received_time_ns)
		ack.received_time_ns = timestamp_now() - c->behind_ns;
	memcpy(&number, nng_msg_body(message), sizeof(number));
	ack.first_seq = number;
	if (c->answer_times != 0 && number >= c->answer_from && number < c->answer_to) {
		ack.code = c->answer;
		snprintf(ack.reason, sizeof(ack.reason), "as the test wants");
		c->answer_times -= c->answer_times > 0;
	}
	if (ack.code == ACK_STORED) {
		if (c->seen[number % NUMBERS]++)
			ack.code = ACK_DUPLICATE;
		else
			c->stored++;
	}
	if (ack_encode(&ack, codec, &out) < 0)
		abort();
	nng_msg_clear(message);
	if (c->nonsense)
		nng_msg_append(message, "nonsense", 8);
	else
		nng_msg_append(message, out.data, out.n);
	c->nonsense = false;
}

/* Never waits in NNG: its 1.5.2 may forget a time-out, and then the thread would not see the stop.
 */
static bool receive(struct collector *c, nng_msg **ret)
{
	if (nng_recvmsg(c->socket, ret, NNG_FLAG_NONBLOCK) == 0)
		return true;
	usleep(500);
	return false;
}

static void *serve(void *arg)
{
	struct collector *c = arg;
	struct frame_codec *codec = NULL;
	nng_msg *message;

	if (frame_codec_new(&codec) < 0)
		abort();
	while (!atomic_load(&c->stopping)) {
		if (!receive(c, &message))
			continue;
		if (c->stop_after && ++c->frames >= c->stop_after) {
			nng_msg_free(message);
			break;
		}
		if (atomic_load(&c->mute)) {
			nng_msg_free(message);
			continue;
		}
		usleep(atomic_load(&c->pause_us));
		answer(c, codec, message);
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
	nng_socket_set_ms(c->socket, NNG_OPT_RECVTIMEO, 20);
	nng_socket_set_ms(c->socket, NNG_OPT_SENDTIMEO, 200);
	nng_socket_set_size(c->socket, NNG_OPT_RECVMAXSZ, 8 << 20);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", c->port);
	assert_int_equal(0, nng_listen(c->socket, url, &listener, 0));
	if (c->port == 0)
		assert_int_equal(0,
				 nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &c->port));
	assert_int_equal(0, pthread_create(&c->thread, NULL, serve, c));
}

static void collector_stop(struct collector *c)
{
	atomic_store(&c->stopping, true); /* NNG may hang when closed under a call */
	pthread_join(c->thread, NULL);
	(void)!nng_end(c->socket, 2000); /* NNG may hang, see lib/nng_end.h */
}

static struct uplink *dial(struct outbox *o, int port)
{
	char url[64];
	struct uplink_config config = {
		.urls = (const char *const[]){ url, NULL },
		.outbox = o,
		.window = 8,
		.resend_ms = 60000,
		.reconnect_min_ms = 20,
		.reconnect_max_ms = 50,
		.busy_ms = 20,
	};
	struct uplink *u = NULL;
	struct diag d = { 0 };

	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", port);
	assert_int_equal(0, uplink_new(&u, &config, &d));
	return u;
}

static void push(struct outbox *o, struct uplink *u, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		struct outbox_frame *f = calloc(1, sizeof(*f));

		assert_non_null(f);
		f->n = 1000;
		f->data = calloc(1, f->n);
		memcpy(f->data, &i, sizeof(i));
		f->first_seq = f->last_seq = i;
		f->events[CLASS_BULK] = 1;
		outbox_push(o, f);
		uplink_kick(u);
	}
}

static struct outbox *make_outbox(void)
{
	struct outbox *o = NULL;

	assert_int_equal(0, outbox_new(&o, 64 << 20));
	return o;
}

static void check_each_once(const struct collector *c, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		assert_true(c->seen[i] >= 1);
	assert_int_equal(to - from, c->stored);
}

static void test_uplink_given_a_collector_when_frames_are_pushed_then_all_are_stored(void **state)
{
	struct collector c = { 0 };
	struct outbox *o = make_outbox();
	struct uplink_counters counters;
	struct uplink *u;

	(void)state;
	collector_start(&c);
	u = dial(o, c.port);
	push(o, u, 1, 501);
	assert_true(outbox_wait_empty(o, 20000));
	uplink_counters(u, &counters);
	assert_int_equal(500, counters.stored);
	assert_int_equal(0, counters.errors + counters.bad_acks);
	assert_true(counters.connected);
	assert_int_equal(5, uplink_linger_ms(u));
	check_each_once(&c, 1, 501);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

static void test_uplink_given_clocks_apart_when_acked_then_the_offset_is_known(void **state)
{
	struct collector c = { .behind_ns = UINT64_C(3000000000) };
	struct outbox *o = make_outbox();
	int64_t offset_ns = 0;
	uint64_t error_ns = 0;
	struct uplink *u;

	(void)state;
	collector_start(&c);
	u = dial(o, c.port);
	assert_false(uplink_clock(u, &offset_ns, &error_ns));
	push(o, u, 1, 51);
	assert_true(outbox_wait_empty(o, 20000));
	assert_true(uplink_clock(u, &offset_ns, &error_ns));
	assert_true(llabs(offset_ns - 3000000000) <= (int64_t)error_ns);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

static void test_uplink_given_no_collector_when_one_comes_up_then_all_are_stored(void **state)
{
	struct collector c = { 0 };
	struct outbox *o = make_outbox();
	struct uplink *u;

	(void)state;
	collector_start(&c); /* to learn of a free port */
	collector_stop(&c);
	u = dial(o, c.port);
	push(o, u, 1, 51);
	assert_false(outbox_wait_empty(o, 100));
	collector_start(&c);
	assert_true(outbox_wait_empty(o, 20000));
	check_each_once(&c, 1, 51);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

static void test_uplink_given_a_collector_that_dies_thrice_when_it_is_back_then_nothing_is_lost(
	void **state)
{
	struct collector c = { .stop_after = 20 };
	struct outbox *o = make_outbox();
	struct outbox_totals totals;
	struct uplink *u;

	(void)state;
	collector_start(&c);
	u = dial(o, c.port);
	push(o, u, 1, 301);
	for (int i = 0; i < 3; i++) {
		assert_false(outbox_wait_empty(o, 50));
		collector_stop(&c); /* with frames read and not answered */
		c.frames = 0;
		c.stop_after = i < 2 ? 20 : 0;
		collector_start(&c);
	}
	assert_true(outbox_wait_empty(o, 20000));
	check_each_once(&c, 1, 301);
	outbox_totals(o, &totals);
	assert_int_equal(0, totals.lost_events);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

static void test_uplink_given_busy_answers_when_retried_then_the_frames_are_stored(void **state)
{
	struct collector c = { .answer = ACK_BUSY, .answer_times = 10, .answer_to = UINT64_MAX };
	struct outbox *o = make_outbox();
	struct uplink_counters counters;
	struct uplink *u;

	(void)state;
	collector_start(&c);
	u = dial(o, c.port);
	push(o, u, 1, 31);
	assert_true(outbox_wait_empty(o, 20000));
	uplink_counters(u, &counters);
	assert_int_equal(10, counters.busy);
	check_each_once(&c, 1, 31);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

static void test_uplink_given_a_refused_frame_when_acked_then_it_is_dropped_and_told(void **state)
{
	struct collector c = {
		.answer = ACK_REFUSED, .answer_times = -1, .answer_from = 7, .answer_to = 9
	};
	struct outbox *o = make_outbox();
	struct losses lost = { 0 };
	struct loss l;
	struct uplink *u;

	(void)state;
	collector_start(&c);
	u = dial(o, c.port);
	push(o, u, 1, 31);
	assert_true(outbox_wait_empty(o, 20000));
	outbox_losses(o, &lost);
	assert_true(losses_take(&lost, &l));
	assert_int_equal(LOSS_REFUSED, l.cause);
	assert_int_equal(2, l.count);
	assert_int_equal(7, l.first_seq);
	assert_int_equal(8, l.last_seq);
	assert_int_equal(28, c.stored);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

static void test_uplink_given_an_answer_that_is_no_ack_when_received_then_it_is_sent_again(
	void **state)
{
	struct collector c = { .nonsense = true };
	struct outbox *o = make_outbox();
	struct uplink_counters counters;
	struct uplink *u;

	(void)state;
	collector_start(&c);
	u = dial(o, c.port);
	push(o, u, 1, 4);
	assert_true(outbox_wait_empty(o, 20000));
	uplink_counters(u, &counters);
	assert_int_equal(1, counters.bad_acks);
	check_each_once(&c, 1, 4);
	uplink_free(u);
	collector_stop(&c);
	outbox_free(o);
}

/* ---- several collectors ---- */

enum { PATIENCE = 6000, PAUSE_US = 10000 }; /* a minute */

static struct uplink *dial_two(struct outbox *o, const struct collector two[2])
{
	char urls[2][64];
	struct uplink_config config = {
		.urls = (const char *const[]){ urls[0], urls[1], NULL },
		.outbox = o,
		.window = 8,
		.resend_ms = 500,
		.reconnect_min_ms = 20,
		.reconnect_max_ms = 50,
		.busy_ms = 20,
		.silent_ms = 2000,
		.away_ms = 500,
		.return_ms = 500,
		.trial_ms = 2000,
	};
	struct uplink *u = NULL;
	struct diag d = { 0 };

	for (size_t i = 0; i < 2; i++)
		snprintf(urls[i], sizeof(urls[i]), "tcp://127.0.0.1:%d", two[i].port);
	assert_int_equal(0, uplink_new(&u, &config, &d));
	return u;
}

/* Says why until it is there. */
static void test_uplink_given_no_collector_when_it_is_away_then_it_says_why(void **state)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct collector two[2] = { 0 };
	struct uplink_counters c = { 0 };
	struct outbox *o = make_outbox();
	struct uplink *u;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		collector_start(&two[i]); /* to learn of free ports */
		collector_stop(&two[i]);
	}
	u = dial_two(o, two);
	for (int i = 0; !c.away || strcmp(c.away, "nobody listens there") != 0; i++) {
		assert_true(i < 6000);
		nanosleep(&pause, NULL);
		uplink_tick(u);
		uplink_counters(u, &c);
	}
	for (size_t i = 0; i < 2; i++)
		collector_start(&two[i]);
	for (int i = 0; c.away; i++) {
		assert_true(i < 6000);
		nanosleep(&pause, NULL);
		uplink_tick(u);
		uplink_counters(u, &c);
	}
	uplink_free(u);
	for (size_t i = 0; i < 2; i++)
		collector_stop(&two[i]);
	outbox_free(o);
}

static void wait_empty(struct outbox *o, struct uplink *u)
{
	for (int i = 0; i < PATIENCE && !outbox_wait_empty(o, 0); i++) {
		uplink_tick(u);
		usleep(PAUSE_US);
	}
	assert_true(outbox_wait_empty(o, 0));
}

static void wait_for_collector(struct uplink *u, uint32_t which)
{
	struct uplink_counters c = { .collector = UINT32_MAX };

	for (int i = 0; i < PATIENCE && !(c.collector == which && c.connected); i++) {
		uplink_tick(u);
		usleep(PAUSE_US);
		uplink_counters(u, &c);
	}
	assert_int_equal(which, c.collector);
}

/* Each is stored in one of them; seen[] of each counts what came twice, which it tells apart. */
static void check_in_one(const struct collector two[2], uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		assert_true(two[0].seen[i] || two[1].seen[i]);
}

/* True when a batch of frames from @from on goes to the first alone: it does, once the second's
 * connection is closed. */
static bool leaves_the_second(struct outbox *o, struct uplink *u, struct collector two[2],
			      uint64_t from)
{
	unsigned long long before = atomic_load(&two[1].stored);

	push(o, u, from, from + 50);
	wait_empty(o, u);
	return atomic_load(&two[1].stored) == before;
}

static void test_uplink_given_two_collectors_when_the_first_goes_and_comes_back_then_followed(
	void **state)
{
	static struct collector two[2];
	struct outbox *o = make_outbox();
	uint64_t end = 701;
	struct uplink *u;

	(void)state;
	memset(two, 0, sizeof(two));
	collector_start(&two[0]);
	collector_start(&two[1]);
	u = dial_two(o, two);
	wait_for_collector(u, 0);
	push(o, u, 1, 301);
	wait_empty(o, u);
	push(o, u, 301, 401);
	collector_stop(&two[0]); /* perhaps in the middle of them */
	push(o, u, 401, 601);
	wait_empty(o, u);
	wait_for_collector(u, 1);
	check_in_one(two, 1, 601);
	assert_true(atomic_load(&two[1].stored) >= 200);
	collector_start(&two[0]);
	push(o, u, 601, 701);
	wait_for_collector(u, 0);
	wait_empty(o, u);
	while (!leaves_the_second(o, u, two, end) && end + 100 < NUMBERS)
		end += 50;
	assert_true(end + 100 < NUMBERS);
	check_in_one(two, 1, end + 50);
	uplink_free(u);
	collector_stop(&two[0]);
	collector_stop(&two[1]);
	outbox_free(o);
}

/* Neither at first nor when it is tried again: that it takes connections is not enough while there
 * is something that it could answer. */
static void
test_uplink_given_a_first_collector_that_hangs_when_frames_wait_then_the_second_has_them(
	void **state)
{
	static struct collector two[2];
	struct uplink_counters before, now;
	struct outbox *o = make_outbox();
	struct uplink *u;

	(void)state;
	memset(two, 0, sizeof(two));
	atomic_store(&two[0].mute, true);
	collector_start(&two[0]);
	collector_start(&two[1]);
	u = dial_two(o, two);
	push(o, u, 1, 101);
	wait_empty(o, u);
	check_in_one(two, 1, 101);
	assert_int_equal(100, atomic_load(&two[1].stored));
	wait_for_collector(u, 1);
	atomic_store(&two[1].pause_us, 2000); /* so that some always wait */
	uplink_counters(u, &before);
	push(o, u, 101, 601);
	for (int i = 0; i < PATIENCE && !outbox_wait_empty(o, 0); i++) {
		uplink_tick(u);
		usleep(PAUSE_US);
		uplink_counters(u, &now);
		assert_int_equal(1, now.collector);
	}
	assert_true(now.connections > before.connections); /* the first was tried */
	wait_empty(o, u);
	check_in_one(two, 1, 601);
	assert_int_equal(0, atomic_load(&two[0].stored));
	uplink_free(u);
	collector_stop(&two[0]);
	collector_stop(&two[1]);
	outbox_free(o);
}

static void test_uplink_given_addresses_when_asked_then_only_loopback_may_be_plain(void **state)
{
	const char *urls[] = { "tcp://192.0.2.1:7443", NULL };
	struct uplink_config config = { .urls = urls, .window = 1 };
	struct uplink *u = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_true(uplink_url_is_local("tcp://127.0.0.1:7443"));
	assert_true(uplink_url_is_local("tcp://localhost:7443"));
	assert_false(uplink_url_is_local("tcp://10.1.2.3:1"));
	assert_false(uplink_url_is_local("tcp://172.31.0.1:1"));
	assert_false(uplink_url_is_local("tcp://192.168.0.1:1"));
	assert_true(uplink_url_is_local("tcp://[::1]:1"));
	assert_false(uplink_url_is_local("tcp://[fd00::1]:1"));
	assert_false(uplink_url_is_local("tcp://172.32.0.1:1"));
	assert_false(uplink_url_is_local("tcp://8.8.8.8:1"));
	assert_false(uplink_url_is_local("tcp://[2001:db8::1]:1"));
	assert_false(uplink_url_is_local("tcp://example.org:1"));
	assert_false(uplink_url_is_local("127.0.0.1:1"));
	assert_int_equal(-EINVAL, uplink_new(&u, &config, &d));
	assert_non_null(strstr(d.text, "tls+tcp://"));
	urls[0] = "nonsense";
	assert_int_equal(-EINVAL, uplink_new(&u, &config, &d));
	assert_null(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_uplink_given_clocks_apart_when_acked_then_the_offset_is_known),
		cmocka_unit_test(
			test_uplink_given_a_collector_when_frames_are_pushed_then_all_are_stored),
		cmocka_unit_test(test_uplink_given_no_collector_when_it_is_away_then_it_says_why),
		cmocka_unit_test(
			test_uplink_given_no_collector_when_one_comes_up_then_all_are_stored),
		cmocka_unit_test(
			test_uplink_given_a_collector_that_dies_thrice_when_it_is_back_then_nothing_is_lost),
		cmocka_unit_test(
			test_uplink_given_busy_answers_when_retried_then_the_frames_are_stored),
		cmocka_unit_test(
			test_uplink_given_a_refused_frame_when_acked_then_it_is_dropped_and_told),
		cmocka_unit_test(
			test_uplink_given_an_answer_that_is_no_ack_when_received_then_it_is_sent_again),
		cmocka_unit_test(
			test_uplink_given_two_collectors_when_the_first_goes_and_comes_back_then_followed),
		cmocka_unit_test(
			test_uplink_given_a_first_collector_that_hangs_when_frames_wait_then_the_second_has_them),
		cmocka_unit_test(
			test_uplink_given_addresses_when_asked_then_only_loopback_may_be_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
