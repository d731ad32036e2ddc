/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/facets and /api/v1/values, from a real store over a real socket; paths of routes. */
#include "tests/collector/served.h"

#include "collector/facet.h"
#include "collector/path.h"

enum { STEP_NS = 1000000 };

static void put(struct served *s, const char *node, const char *word, uint64_t first, uint32_t n)
{
	served_put(s, &(struct fixture_batch){ .node = node,
					       .boot = 1,
					       .first_seq = first,
					       .n = n,
					       .word = word,
					       .time_ns = s->base_ns + first * STEP_NS,
					       .step_ns = STEP_NS });
}

static json_int_t number_at(const json_t *doc, const char *path)
{
	return json_integer_value(json_at(doc, path));
}

/* Count of @value in facet @i; -1: it is not there. */
static json_int_t count_of(const json_t *doc, size_t i, const char *value)
{
	json_t *facet = json_array_get(json_at(doc, "facets"), i), *v;
	size_t k;

	json_array_foreach(json_at(facet, "values"), k, v) if (strcmp(text_at(v, "value"), value) ==
							       0) return number_at(v, "count");
	return -1;
}

static void test_facets_given_events_when_asked_then_each_value_is_counted(void **state)
{
	struct served *s = *state;
	json_t *doc, *facet;

	put(s, "n1", "alpha", 1, 30);
	put(s, "n2", "beta", 1, 12);
	put(s, "n2", "alpha", 100, 8);
	doc = served_json(s,
			  "/api/v1/facets?field=process.name,host.name,event.action,file.name,"
			  "process.pid,user.name,file.directory&limit=5",
			  200);
	assert_int_equal(number_at(doc, "total"), 50);
	assert_int_equal(json_array_size(json_at(doc, "facets")), 7);
	assert_int_equal(count_of(doc, 0, "alpha"), 38);
	assert_int_equal(count_of(doc, 0, "beta"), 12);
	assert_int_equal(count_of(doc, 1, "n1"), 30);
	assert_int_equal(count_of(doc, 1, "n2"), 20);
	assert_int_equal(count_of(doc, 2, "open"), 50);
	assert_int_equal(count_of(doc, 3, "0"), 3);
	assert_int_equal(count_of(doc, 6, "/srv/alpha"), 38);
	facet = json_array_get(json_at(doc, "facets"), 3);
	assert_int_equal(number_at(facet, "distinct"), 30);
	assert_int_equal(json_array_size(json_at(facet, "values")), 5);
	assert_int_equal(number_at(facet, "other"), 50 - 5 * 3);
	assert_true(json_is_true(json_at(facet, "complete")));
	facet = json_array_get(json_at(doc, "facets"), 4);
	assert_string_equal(text_at(facet, "type"), "long");
	assert_int_equal(number_at(json_array_get(json_at(facet, "values"), 0), "value"), 4001);
	facet = json_array_get(json_at(doc, "facets"), 5);
	assert_int_equal(number_at(facet, "null"), 50);
	assert_int_equal(json_array_size(json_at(facet, "values")), 0);
	assert_true(json_is_array(json_at(doc, "gaps")));
	json_decref(doc);
}

static void test_facets_given_query_and_range_when_asked_then_only_hits_are_counted(void **state)
{
	struct served *s = *state;
	char path[300];
	json_t *doc;

	put(s, "n1", "alpha", 0, 30);
	put(s, "n2", "beta", 0, 12);
	snprintf(path, sizeof(path),
		 "/api/v1/facets?field=file.path&q=process.name%%3D%%3D%%22alpha%%22&since=%llu"
		 "&until=%llu",
		 (unsigned long long)(s->base_ns + 10 * STEP_NS),
		 (unsigned long long)(s->base_ns + 14 * STEP_NS));
	doc = served_json(s, path, 200);
	assert_int_equal(number_at(doc, "total"), 4);
	assert_int_equal(count_of(doc, 0, "/srv/alpha/10"), 1);
	assert_int_equal(count_of(doc, 0, "/srv/alpha/14"), -1);
	json_decref(doc);
	doc = served_json(s, "/api/v1/facets?field=file.path&node=n2", 200);
	assert_int_equal(number_at(doc, "total"), 12);
	json_decref(doc);
}

static void test_facets_given_wrong_parameters_when_asked_then_told(void **state)
{
	struct served *s = *state;
	static const char *const paths[] = {
		"/api/v1/facets",
		"/api/v1/facets?field=nope",
		"/api/v1/facets?field=host.name,",
		"/api/v1/facets?field=host.name&limit=0",
		"/api/v1/facets?field=host.name&limit=1001",
		"/api/v1/facets?field=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
		"/api/v1/facets?field=host.name&prefix=a",
		"/api/v1/values?prefix=a",
		"/api/v1/values?field=host.name&q=a",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		json_t *doc = served_json(s, paths[i], 400);

		assert_non_null(text_at(doc, "detail"));
		json_decref(doc);
	}
}

static void test_values_given_prefix_when_asked_then_newest_that_begin_with_it(void **state)
{
	struct served *s = *state;
	json_t *doc, *values, *field;

	put(s, "n1", "alpha", 1, 3);
	put(s, "n1", "beta", 100, 3);
	put(s, "n1", "Alpine", 200, 3);
	doc = served_json(s, "/api/v1/values?field=process.name&prefix=al", 200);
	field = json_array_get(json_at(doc, "fields"), 0);
	values = json_at(field, "values");
	assert_int_equal(json_array_size(values), 2);
	assert_string_equal(text_at(json_array_get(values, 0), "value"), "Alpine");
	assert_string_equal(text_at(json_array_get(values, 1), "value"), "alpha");
	assert_true(json_is_false(json_at(doc, "truncated")));
	json_decref(doc);
	doc = served_json(s, "/api/v1/values?field=process.name&limit=1", 200);
	assert_true(json_is_true(json_at(doc, "truncated")));
	field = json_array_get(json_at(doc, "fields"), 0);
	assert_int_equal(json_array_size(json_at(field, "values")), 1);
	json_decref(doc);
	doc = served_json(s, "/api/v1/values?field=process.pid&prefix=40", 200);
	field = json_array_get(json_at(doc, "fields"), 0);
	assert_int_equal(json_array_size(json_at(field, "values")), 1);
	json_decref(doc);
}

/* Lists and numbers, against a store-less block. */
static void make_block(struct block *block, uint32_t n)
{
	struct batch_origin origin = { .node_id = "n", .node_name = "n" };
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct diag d = { 0 };

	origin.architecture = origin.os_kernel = origin.agent_version = "x";
	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_new(&b, &origin), 0);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t flags[2] = { batch_string(b, "read", 4), batch_string(b, "write", 5) };
		uint32_t process = batch_process_add(b, 77 + i % 2, 0);

		batch_set_list(b, KIND_NONE, FIELD_ARGS, flags, 1 + i % 2);
		batch_event(b, KIND_OPEN, i, i);
		batch_set_row(b, KIND_OPEN, FIELD_PROCESS, process);
		batch_set(b, KIND_OPEN, FIELD_FILE_INODE, i % 3);
		batch_set_list(b, KIND_OPEN, FIELD_OPEN_FLAGS, flags, i % 3);
	}
	assert_int_equal(batch_seal(b, codec, NULL, 0, 0, &frame), 0);
	if (block_load(block, frame.data, frame.n, &d) < 0)
		fail_msg("%s", d.text);
}

static void test_facet_given_lists_and_numbers_when_counted_then_each_element_counts(void **state)
{
	static const char names[] = "file.open.flags,file.inode,process.args,process.command_line,"
				    "process.entity_id,process.parent.name";
	static const char expected[] =
		"[{\"field\":\"file.open.flags\",\"type\":\"keyword\",\"distinct\":2,"
		"\"complete\":true,\"null\":2,\"other\":0,\"values\":[{\"value\":\"read\","
		"\"count\":4},{\"value\":\"write\",\"count\":2}]},"
		"{\"field\":\"file.inode\",\"type\":\"long\",\"distinct\":3,\"complete\":true,"
		"\"null\":0,\"other\":2,\"values\":[{\"value\":0,\"count\":2},{\"value\":1,"
		"\"count\":2}]},"
		"{\"field\":\"process.args\",\"type\":\"keyword\",\"distinct\":2,"
		"\"complete\":true,\"null\":0,\"other\":0,\"values\":[{\"value\":\"read\","
		"\"count\":6},{\"value\":\"write\",\"count\":3}]},"
		"{\"field\":\"process.command_line\",\"type\":\"keyword\",\"distinct\":2,"
		"\"complete\":true,\"null\":0,\"other\":0,\"values\":[{\"value\":\"read\","
		"\"count\":3},{\"value\":\"read write\",\"count\":3}]},"
		"{\"field\":\"process.entity_id\",\"type\":\"keyword\",\"distinct\":2,"
		"\"complete\":true,\"null\":0,\"other\":0,\"values\":[{\"value\":"
		"\"000000000000004d\",\"count\":3},{\"value\":\"000000000000004e\",\"count\":3}]},"
		"{\"field\":\"process.parent.name\",\"type\":\"keyword\",\"distinct\":0,"
		"\"complete\":true,\"null\":6,\"other\":0,\"values\":[]}]";
	AUTO(block) *block = NULL;
	AUTO(facets) *f = NULL;
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(block_new(&block), 0);
	make_block(block, 6);
	assert_int_equal(facets_new(&f, names, strlen(names), &d), 0);
	assert_int_equal(facets_begin(f, block), 0);
	for (uint32_t row = 0; row < 6; row++)
		assert_int_equal(facets_row(f, 0, row), 0);
	assert_int_equal(facets_end(f), 0);
	facets_write(f, FACET_MOST, 2, &j);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
}

static void test_path_given_pattern_when_matched_then_parts_are_read(void **state)
{
	static const char pattern[] = "/a/{id}/tree";
	static const char *const no[] = { "/a//tree",	"/a/x/y/tree", "/a/x/tre", "/a/x/trees",
					  "/a/x/tree/", "/a/x",	       "",	   "/b/x/tree" };
	char value[PATH_VALUE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(path_fits(pattern, no[i], strlen(no[i])));
	assert_true(path_fits(pattern, "/a/x/tree", 9));
	assert_true(path_fits("/a", "/a", 2));
	assert_false(path_fits("/a", "/ab", 3));
	assert_true(path_value(pattern, "/a/1%3A%2f+x%3d/tree", 20, "id", value));
	assert_string_equal(value, "1:/+x=");
	assert_false(path_value(pattern, "/a/%4/tree", 10, "id", value));
	assert_false(path_value(pattern, "/a/%00/tree", 11, "id", value));
	assert_false(path_value(pattern, "/a/x/tree", 9, "other", value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_facets_given_events_when_asked_then_each_value_is_counted),
		SERVED(test_facets_given_query_and_range_when_asked_then_only_hits_are_counted),
		SERVED(test_facets_given_wrong_parameters_when_asked_then_told),
		SERVED(test_values_given_prefix_when_asked_then_newest_that_begin_with_it),
		cmocka_unit_test(
			test_facet_given_lists_and_numbers_when_counted_then_each_element_counts),
		cmocka_unit_test(test_path_given_pattern_when_matched_then_parts_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
