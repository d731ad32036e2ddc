/* SPDX-License-Identifier: Apache-2.0 */
/* When a container begins and ends, as its processes show it. */
#include "tests/sensor/runtime_fixture.h"

/* ---- containers ---- */

static struct container *next_until(struct containers *all, uint64_t at_ns,
				    enum container_news *news)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct container *c;

	for (int i = 0; i < 30000; i++) {
		c = containers_next(all, at_ns, news);
		if (c)
			return c;
		nanosleep(&pause, NULL);
	}
	fail_msg("no news of a container");
	return NULL;
}

static const uint64_t second = 1000000000;

static void test_containers_given_processes_when_first_comes_and_last_goes_then_news(void **state)
{
	const struct container_process a = { 10, 100, 5, 1 }, b = { 20, 200, 5, 2 };
	const struct runtime_config c = config();
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, &c), 0);
	one = containers_find(all, &ref);
	assert_null(containers_next(all, 100, &news));
	container_enter(one, &a);
	container_enter(one, &b);
	assert_ptr_equal(next_until(all, 200, &news), one); /* when the runtime has answered */
	assert_int_equal(news, CONTAINER_STARTED);
	assert_string_equal(one->facts.name, "web");
	assert_int_equal(one->first.tgid, 1);
	container_leave(one, &a);
	assert_null(containers_next(all, 300, &news));
	container_leave(one, &b);
	assert_null(containers_next(all, b.at_ns + second - 1, &news));
	assert_ptr_equal(containers_next(all, b.at_ns + 2 * second, &news), one);
	assert_int_equal(news, CONTAINER_STOPPED);
	assert_int_equal(one->last.tgid, 2);
	assert_null(containers_next(all, 9 * second, &news));
	container_enter(one, &a); /* started again */
	assert_ptr_equal(containers_next(all, 9 * second, &news), one);
	assert_int_equal(news, CONTAINER_STARTED);
	container_leave(one, &a);
	container_unref(one);
}

/* runc's own first process has ended before the container's program begins. */
static void test_containers_given_a_moment_without_a_process_when_asked_then_one_run(void **state)
{
	const struct container_process a = { 10, 100, 5, 1 }, b = { 20, 200, 5, 2 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_ptr_equal(containers_next(all, 100, &news), one);
	assert_int_equal(news, CONTAINER_STARTED);
	container_leave(one, &a);
	assert_null(containers_next(all, 150, &news));
	container_enter(one, &b);
	assert_null(containers_next(all, 300 + 5 * second, &news));
	assert_int_equal(one->n_members, 1);
	assert_int_equal(one->members[0], 2);
	container_leave(one, &b);
	assert_ptr_equal(containers_next(all, UINT64_MAX, &news), one); /* the sensor ends */
	assert_int_equal(news, CONTAINER_STOPPED);
	container_unref(one);
}

static void test_containers_given_another_cgroup_when_it_begins_again_then_end_and_begin(
	void **state)
{
	const struct container_process a = { 10, 100, 5, 1 }, b = { 20, 200, 6, 2 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_ptr_equal(containers_next(all, 100, &news), one);
	container_leave(one, &a);
	container_enter(one, &b);
	assert_ptr_equal(containers_next(all, 300, &news), one);
	assert_int_equal(news, CONTAINER_STOPPED);
	assert_int_equal(one->last.tgid, 1);
	assert_ptr_equal(containers_next(all, 300, &news), one);
	assert_int_equal(news, CONTAINER_STARTED);
	assert_int_equal(one->first.tgid, 2);
	assert_null(containers_next(all, 300 + 5 * second, &news));
	container_leave(one, &b);
	container_unref(one);
}

/* What is read now may have happened after the turn began. */
static void test_containers_given_a_process_of_later_when_asked_then_the_begin_waits(void **state)
{
	const struct container_process a = { 10, 200, 5, 1 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	struct runtime_config c = config();
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	c.docker_socket = "/nowhere/docker.sock";
	assert_int_equal(containers_new(&all, &c), 0);
	one = containers_find(all, &ref);
	one->asked = true; /* the answer is on its way */
	container_enter(one, &a);
	assert_null(containers_next(all, 100, &news));
	assert_null(containers_next(all, a.at_ns + second - 1, &news));
	assert_ptr_equal(containers_next(all, a.at_ns + second, &news), one);
	container_leave(one, &a);
	container_unref(one);
}

/* The runtime knows it a moment later; the path did not say which runtime it is. */
static void test_containers_given_a_runtime_that_does_not_know_it_yet_when_asked_again_then_known(
	void **state)
{
	const struct container_process a = { 10, 100, 5, 1 };
	const struct container_ref ref = ref_of(RUNTIME_UNKNOWN);
	struct runtime_config c = config();
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;
	uint64_t at_ns = 100;

	(void)state;
	c.podman_socket = "/nowhere/podman.sock";
	will_answer("HTTP/1.0 404 Not Found\r\n\r\n{}");
	assert_int_equal(containers_new(&all, &c), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_ptr_equal(next_until(all, at_ns, &news), one);
	assert_string_equal(one->facts.name, "");
	assert_int_equal(one->tries, 1);
	assert_null(containers_next(all, at_ns + second - 1, &news));
	assert_false(one->asked);
	will_answer(docker_answer);
	for (int i = 0; i < 30000 && !one->facts.name[0]; i++) {
		const struct timespec pause = { .tv_nsec = 1000000 };

		assert_null(containers_next(all, at_ns += second, &news));
		nanosleep(&pause, NULL);
	}
	assert_string_equal(one->facts.name, "web");
	assert_int_equal(one->ref.runtime, RUNTIME_DOCKER);
	container_leave(one, &a);
	container_unref(one);
}

static void test_containers_given_one_from_before_when_it_ends_then_only_that_is_told(void **state)
{
	const struct container_process a = { 10, 0, 0, 1 }, end = { 10, 50, 5, 1 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_null(containers_next(all, 100, &news));
	container_leave(one, &end);
	assert_ptr_equal(containers_next(all, 50 + second, &news), one);
	assert_int_equal(news, CONTAINER_STOPPED);
	container_unref(one);
}

static void test_containers_given_more_than_fit_when_found_then_dead_make_room(void **state)
{
	struct container_process a = { 10, 5, 5, 1 };
	struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	for (unsigned i = 0; i < CONTAINERS_MOST + 10; i++) {
		struct container *c;

		snprintf(ref.id, sizeof(ref.id), "c%u", i);
		c = containers_find(all, &ref);
		assert_non_null(c);
		container_enter(c, &a);
		if (i == 0)
			container_leave(c, &a);
		container_unref(c);
		while (containers_next(all, 5 + second, &news))
			;
	}
	assert_int_equal(containers_refused(all), 9);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_containers_given_processes_when_first_comes_and_last_goes_then_news),
		T(test_containers_given_a_moment_without_a_process_when_asked_then_one_run),
		T(test_containers_given_another_cgroup_when_it_begins_again_then_end_and_begin),
		T(test_containers_given_a_process_of_later_when_asked_then_the_begin_waits),
		T(test_containers_given_a_runtime_that_does_not_know_it_yet_when_asked_again_then_known),
		T(test_containers_given_one_from_before_when_it_ends_then_only_that_is_told),
		T(test_containers_given_more_than_fit_when_found_then_dead_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
