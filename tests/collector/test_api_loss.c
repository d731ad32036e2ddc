/* SPDX-License-Identifier: Apache-2.0 */
/* What the API tells of events that are missing: damaged files, removed days. */
#include "tests/collector/served.h"

#include <fcntl.h>

#include "collector/day.h"
#include "collector/retention.h"
#include "lib/log.h"

static void spoil(const struct served *s, uint64_t time_ns)
{
	char path[DAY_PATH_BYTES];
	AUTO_FD int fd = open(day_path(s->dir, (uint32_t)(time_ns / fixture_day_ns), "frames",
				       path), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "SPOILED", 7, DAY_RECORD_HEADER_BYTES + 20), 7);
}

static void test_api_given_damaged_block_when_asked_then_its_node_range_and_reason(void **state)
{
	static const char *const paths[] = { "/api/v1/search", "/api/v1/count?q=any+where+true",
					     "/api/v1/hits?q=any+where+true" };
	struct served *s = *state;
	struct fixture_batch lost = { .node = "id-7", .name = "web-7", .first_seq = 1, .n = 4,
				      .step_ns = 1000, .time_ns = s->base_ns };

	served_put(s, &lost);
	spoil(s, lost.time_ns);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		json_t *doc = served_json(s, paths[i], 200), *first;

		assert_int_equal(json_integer_value(json_at(doc, "scanned.blocks_damaged")), 1);
		assert_int_equal(json_array_size(json_at(doc, "damaged")), 1);
		first = json_array_get(json_at(doc, "damaged"), 0);
		assert_string_equal(text_at(first, "node"), "web-7");
		assert_string_equal(text_at(first, "node_id"), "id-7");
		assert_int_equal(json_integer_value(json_at(first, "events")), 4);
		assert_non_null(strstr(text_at(first, "reason"), "checksum"));
		assert_non_null(text_at(first, "from"));
		assert_non_null(text_at(first, "to"));
		json_decref(doc);
	}
}

static void test_api_given_removed_day_when_status_is_asked_then_history_lost_is_told(void **state)
{
	struct served *s = *state;
	struct retention_limits limits = { .keep_days = 1 };
	struct fixture_batch old = { .first_seq = 1, .n = 4,
				     .time_ns = s->base_ns - 3 * fixture_day_ns };
	struct fixture_batch now = { .first_seq = 100, .n = 2, .time_ns = s->base_ns };
	json_t *doc = served_json(s, "/api/v1/status", 200);

	assert_int_equal(json_integer_value(json_at(doc, "removed.days")), 0);
	json_decref(doc);
	served_put(s, &old);
	served_put(s, &now); /* by which the other day is old */
	assert_int_equal(retention_run(s->store, s->maindb, &limits, timestamp_now()), 0);
	doc = served_json(s, "/api/v1/status", 200);
	assert_int_equal(json_integer_value(json_at(doc, "removed.days")), 1);
	assert_int_equal(json_integer_value(json_at(doc, "removed.events")), 4);
	assert_true(json_integer_value(json_at(doc, "removed.bytes")) > 0);
	assert_int_equal(json_integer_value(json_at(doc, "store.events")), 2);
	json_decref(doc);
}

#define T(name) cmocka_unit_test_setup_teardown(name, served_setup, served_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_api_given_damaged_block_when_asked_then_its_node_range_and_reason),
		T(test_api_given_removed_day_when_status_is_asked_then_history_lost_is_told),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
