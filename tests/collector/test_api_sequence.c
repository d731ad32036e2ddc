/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences and samples through the API, from a real store over a real socket. */
#include "tests/collector/served.h"

#include "collector/api.h"

enum { STEP_NS = 1000000 };

/* Files 0..9 of each of two nodes, whose blocks overlap in time: n1 a step before n2. */
static void put_two_nodes(struct served *s)
{
	for (uint64_t i = 0; i < 2; i++)
		served_put(s, &(struct fixture_batch){ .node = i ? "n2" : "n1",
						       .boot = 1,
						       .first_seq = 1,
						       .n = 10,
						       .word = "w",
						       .time_ns = s->base_ns + i * STEP_NS,
						       .step_ns = 2 * STEP_NS });
}

/* @query in the address; blanks are the only thing that is escaped. */
static json_t *ask(struct served *s, const char *resource, const char *query, int status)
{
	AUTO_BUF struct buf path = { 0 };

	buf_printf(&path, "/api/v1/%s", resource);
	for (const char *c = query; *c; c++) {
		if (*c == ' ' || *c == '"' || *c == '[' || *c == ']' || *c == '|')
			buf_printf(&path, "%%%02x", *c);
		else
			buf_byte(&path, (uint8_t)*c);
	}
	buf_byte(&path, 0);
	return served_json(s, (const char *)path.data, status);
}

#define PAIR "sequence by host.id [file where file.name == \"2\"] [file where file.name == \"5\"]"

static void test_search_given_sequence_when_asked_then_events_and_keys_newest_first(void **state)
{
	struct served *s = *state;
	json_t *doc, *one;

	put_two_nodes(s);
	doc = ask(s, "search?fields=file.name,host.id&q=", PAIR, 200);
	assert_int_equal(json_array_size(json_at(doc, "sequences")), 2);
	one = json_array_get(json_at(doc, "sequences"), 0);
	assert_string_equal(json_string_value(json_array_get(json_at(one, "join_keys"), 0)), "n2");
	assert_int_equal(json_array_size(json_at(one, "events")), 2);
	assert_string_equal(text_at(json_array_get(json_at(one, "events"), 0), "file.name"), "2");
	assert_string_equal(text_at(json_array_get(json_at(one, "events"), 1), "file.name"), "5");
	assert_string_equal(text_at(json_array_get(json_at(one, "events"), 1), "host.id"), "n2");
	assert_true(json_is_false(json_at(doc, "truncated")));
	assert_int_equal(json_integer_value(json_at(doc, "evicted")), 0);
	assert_true(json_is_null(json_at(doc, "cursor")));
	assert_int_equal(json_integer_value(json_at(doc, "scanned.blocks")), 2);
	json_decref(doc);
	doc = ask(s, "search?order=asc&q=", PAIR " | head 1", 200);
	assert_int_equal(json_array_size(json_at(doc, "sequences")), 1);
	one = json_array_get(json_at(doc, "sequences"), 0);
	assert_string_equal(json_string_value(json_array_get(json_at(one, "join_keys"), 0)), "n1");
	assert_true(json_is_false(json_at(doc, "truncated"))); /* no more was asked for */
	json_decref(doc);
}

static void test_search_given_sequence_over_nodes_when_asked_then_one_order_of_time(void **state)
{
	struct served *s = *state;
	json_t *doc, *events;

	put_two_nodes(s);
	doc = ask(s, "search?q=",
		  "sequence with maxspan=1ms [file where host.id == \"n2\" and file.name == \"4\"] "
		  "![file where file.name == \"9\"] "
		  "[file where host.id == \"n1\" and file.name == \"5\"]",
		  200);
	assert_int_equal(json_array_size(json_at(doc, "sequences")), 1);
	events = json_at(json_array_get(json_at(doc, "sequences"), 0), "events");
	assert_int_equal(json_array_size(events), 3);
	assert_string_equal(text_at(json_array_get(events, 0), "host.id"), "n2");
	assert_true(json_is_true(json_at(json_array_get(events, 1), "missing")));
	assert_string_equal(text_at(json_array_get(events, 2), "host.id"), "n1");
	json_decref(doc);
	doc = ask(s, "search?q=",
		  "sample by file.name [any where host.id == \"n2\"] "
		  "[any where host.id == \"n1\"]",
		  200);
	assert_int_equal(json_array_size(json_at(doc, "sequences")), 10);
	json_decref(doc);
}

static void test_search_given_more_sequences_than_the_limit_when_asked_then_truncated(void **state)
{
	struct served *s = *state;
	json_t *doc;

	put_two_nodes(s);
	doc = ask(s, "search?limit=3&q=", "sequence by host.id [any where true] [any where true]",
		  200);
	assert_int_equal(json_array_size(json_at(doc, "sequences")), 3);
	assert_true(json_is_true(json_at(doc, "truncated")));
	json_decref(doc);
	doc = ask(s, "count?q=", "sequence by host.id [any where true] [any where true]", 200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 18);
	json_decref(doc);
}

static void test_search_given_sequence_when_asked_as_ndjson_then_one_document_each(void **state)
{
	struct served *s = *state;
	struct answer a;
	json_t *first;
	char *line;

	put_two_nodes(s);
	served_ask(s,
		   "GET /api/v1/search?fields=file.name&q=sequence%20by%20host.id%20%5B"
		   "true%5D%20%5Bfile%20where%20file.name%20==%20%225%22%5D",
		   "Accept: application/x-ndjson\r\n\r\n", &a);
	assert_int_equal(a.status, 200);
	line = strchr(a.body, '\n');
	assert_non_null(line);
	first = json_loadb(a.body, (size_t)(line - a.body), 0, NULL);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(first, "join_keys"), 0)), "n2");
	assert_int_equal(json_array_size(json_object_get(first, "events")), 2);
	json_decref(first);
	answer_done(&a);
}

static void test_api_given_sequence_when_only_events_are_taken_then_refused(void **state)
{
	struct served *s = *state;
	json_t *doc = ask(s, "hits?q=", PAIR, 400);

	assert_string_equal(text_at(doc, "detail"),
			    "sequences and samples are for /api/v1/search and /api/v1/count");
	json_decref(doc);
	doc = ask(s, "search?q=", "sequence by host.id [any where true]", 400);
	assert_string_equal(text_at(doc, "detail"), "a sequence needs two events or more");
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_search_given_sequence_when_asked_then_events_and_keys_newest_first),
		SERVED(test_search_given_sequence_over_nodes_when_asked_then_one_order_of_time),
		SERVED(test_search_given_more_sequences_than_the_limit_when_asked_then_truncated),
		SERVED(test_search_given_sequence_when_asked_as_ndjson_then_one_document_each),
		SERVED(test_api_given_sequence_when_only_events_are_taken_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
