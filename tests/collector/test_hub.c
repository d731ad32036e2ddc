/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collector/fixture.h"

#include <pthread.h>

#include "collector/hub.h"

struct fix {
	uv_loop_t loop;
	struct hub *hub;
	struct buf frame;
	uint64_t ids[2 * HUB_BATCHES];
	size_t n;
	uint64_t dropped, ingested_ns;
};

static void deliver(struct block *b, uint64_t block_id, uint64_t dropped, void *arg)
{
	struct fix *f = arg;

	assert_int_equal(block_info(b)->n_events, 3);
	f->ids[f->n++] = block_id;
	f->dropped += dropped;
	f->ingested_ns = block_info(b)->ingested_ns;
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(hub_new(&f->hub, &f->loop, deliver, f), 0);
	fixture_frame(&(struct fixture_batch){ .first_seq = 1, .n = 3, .time_ns = 5 }, &f->frame);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	hub_free(f->hub);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	buf_done(&f->frame);
	free(f);
	return 0;
}

static void publish(struct fix *f, uint64_t id)
{
	struct hub_batch b = { .frame = f->frame.data, .n = f->frame.n, .block_id = id,
			       .ingested_ns = 1000 + id, .n_events = 3 };

	hub_publish(f->hub, &b);
}

static void test_hub_given_no_listener_when_published_then_nothing_is_kept(void **state)
{
	struct fix *f = *state;

	publish(f, 1);
	hub_set_listeners(f->hub, 1);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->n, 0);
}

static void test_hub_given_listener_when_published_then_delivered_in_order(void **state)
{
	struct fix *f = *state;

	hub_set_listeners(f->hub, 2);
	assert_int_equal(hub_listeners(f->hub), 2);
	for (uint64_t i = 1; i <= 20; i++)
		publish(f, i);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->n, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(f->ids[i], i + 1);
	assert_int_equal(f->dropped, 0);
	assert_int_equal(f->ingested_ns, 1020);
}

static void test_hub_given_slow_loop_when_flooded_then_oldest_are_dropped_and_counted(void **state)
{
	struct fix *f = *state;

	hub_set_listeners(f->hub, 1);
	for (uint64_t i = 1; i <= HUB_BATCHES + 10; i++)
		publish(f, i);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->n, HUB_BATCHES);
	assert_int_equal(f->ids[0], 11);
	assert_int_equal(f->dropped, 30);
	publish(f, 9999);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->dropped, 30); /* told once */
}

static void test_hub_given_large_frames_when_flooded_then_bytes_are_bounded(void **state)
{
	struct fix *f = *state;
	size_t big = HUB_BYTES / 4 + 1;

	hub_set_listeners(f->hub, 1);
	assert_true(buf_reserve(&f->frame, big));
	memset(f->frame.data + f->frame.n, 0, big); /* after the frame's end: such frames do not open */
	for (uint64_t i = 1; i <= 10; i++) {
		struct hub_batch b = { .frame = f->frame.data, .n = big, .block_id = i, .n_events = 3 };

		hub_publish(f->hub, &b);
	}
	publish(f, 77); /* of the four that fit, one more goes out for this; the others do not open */
	uv_run(&f->loop, UV_RUN_NOWAIT);
	publish(f, 78);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->ids[0], 77);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->dropped, 30);
}

static void *flood(void *arg)
{
	for (uint64_t i = 1; i <= 2000; i++)
		publish(arg, i);
	return NULL;
}

static void test_hub_given_other_thread_when_it_floods_then_all_are_delivered_or_counted(void **state)
{
	struct fix *f = *state;
	uint64_t delivered = 0;
	pthread_t thread;

	hub_set_listeners(f->hub, 1);
	assert_int_equal(pthread_create(&thread, NULL, flood, f), 0);
	for (uint64_t last = 0; last != 2000;) {
		f->n = 0;
		uv_run(&f->loop, UV_RUN_ONCE);
		delivered += f->n;
		for (size_t i = 0; i < f->n; i++, last = f->ids[i - 1])
			assert_true(f->ids[i] > last);
	}
	pthread_join(thread, NULL);
	assert_int_equal(delivered + f->dropped / 3, 2000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_hub_given_no_listener_when_published_then_nothing_is_kept),
		T(test_hub_given_listener_when_published_then_delivered_in_order),
		T(test_hub_given_slow_loop_when_flooded_then_oldest_are_dropped_and_counted),
		T(test_hub_given_large_frames_when_flooded_then_bytes_are_bounded),
		T(test_hub_given_other_thread_when_it_floods_then_all_are_delivered_or_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
