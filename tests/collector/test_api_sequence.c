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
		if (*c == ' ' || *c == '"' || *c == '[' || *c == ']' || *c == '|' || *c == '<')
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

static void expect_names(struct served *s, const char *query, const char *wanted, bool truncated)
{
	AUTO_BUF struct buf names = { 0 };
	json_t *doc = ask(s, "search?fields=file.name,host.id&limit=4&q=", query, 200), *hit;
	size_t i;

	json_array_foreach(json_at(doc, "hits"), i, hit)
	{
		buf_printf(&names, "%s%s/%s", i ? " " : "", text_at(hit, "host.id"),
			   text_at(hit, "file.name"));
	}
	buf_byte(&names, 0);
	assert_string_equal((char *)names.data, wanted);
	assert_int_equal(json_is_true(json_at(doc, "truncated")), truncated);
	assert_true(json_is_null(json_at(doc, "cursor")));
	json_decref(doc);
}

static void test_search_given_sort_and_uniq_when_asked_then_in_that_order(void **state)
{
	struct served *s = *state;

	put_two_nodes(s);
	expect_names(s, "file where true | sort file.name", "n2/0 n1/0 n2/1 n1/1", true);
	expect_names(s, "file where true | sort -file.name, host.id | head 3", "n1/9 n2/9 n1/8",
		     false);
	expect_names(s, "file where true | sort file.name | tail 3", "n1/8 n2/9 n1/9", false);
	expect_names(s,
		     "file where file.name < \"3\" | sort file.extension desc, file.name, -host.id",
		     "n2/0 n1/0 n2/1 n1/1", true);
	expect_names(s, "file where true | uniq host.id", "n2/9 n1/9", false);
	expect_names(s, "file where true | uniq host.id | sort host.id", "n1/9 n2/9", false);
	expect_names(s, "file where true | sort file.name | unique host.id", "n2/0 n1/0", false);
	expect_names(s, "file where true | uniq file.name | tail 2", "n2/1 n2/0", false);
	expect_names(s, "file where true | uniq file.extension, process.pid", "n2/9", false);
	expect_names(s, "file where file.name == \"zz\" | sort file.name", "", false);
}

static void test_search_given_many_events_when_sorted_then_the_first_are_exact(void **state)
{
	struct served *s = *state;
	json_t *doc, *hits;

	for (uint64_t i = 0; i < 40; i++)
		served_put(s, &(struct fixture_batch){ .node = i % 2 ? "n1" : "n2",
						       .boot = 1,
						       .first_seq = 1 + i * 200,
						       .n = 200,
						       .word = "w",
						       .time_ns = s->base_ns + i * STEP_NS * 200,
						       .step_ns = STEP_NS });
	doc = ask(s, "search?fields=file.name,event.sequence&q=",
		  "file where true | sort file.name desc, event.sequence | head 50", 200);
	hits = json_at(doc, "hits");
	assert_int_equal(json_array_size(hits), 50);
	for (size_t i = 0; i < 50; i++) { /* 40 blocks have a 99, and the first 10 a 98 */
		const json_t *hit = json_array_get(hits, i);

		assert_string_equal(text_at(hit, "file.name"), i < 40 ? "99" : "98");
		assert_int_equal(json_integer_value(json_at(hit, "event.sequence")),
				 1 + (i % 40) * 200 + (i < 40 ? 99 : 98));
	}
	json_decref(doc);
	doc = ask(s, "search?q=", "file where true | count process.name", 200);
	assert_int_equal(
		json_integer_value(json_array_get(json_array_get(json_at(doc, "rows"), 0), 1)),
		8000);
	json_decref(doc);
}

/* A parent's exec in one batch, the child's open in a later one that names its ancestors. */
static void put_family(struct served *s)
{
	struct batch_origin origin = { .node_id = "n1",
				       .node_name = "n1",
				       .boot_id = { 1 },
				       .architecture = "x86_64",
				       .os_kernel = "6",
				       .agent_version = "0" };

	for (uint32_t i = 0; i < 3; i++) {
		AUTO(frame_codec) *codec = NULL;
		AUTO_BUF struct buf frame = { 0 };
		AUTO(batch) *b = NULL;
		enum kind kind = i ? KIND_OPEN : KIND_EXEC;
		uint32_t row = 0;

		assert_int_equal(frame_codec_new(&codec), 0);
		assert_int_equal(batch_new(&b, &origin), 0);
		for (uint32_t p = 0; p <= i; p++) { /* 0x100, its child, its grandchild */
			uint32_t parent = row;

			row = batch_process_add(b, 0x100 + p, 0);
			if (parent)
				batch_set_row(b, KIND_NONE, FIELD_PARENT, parent);
		}
		batch_event(b, kind, i + 1, s->base_ns + i * STEP_NS);
		batch_set_row(b, kind, FIELD_PROCESS, row);
		assert_true(batch_seal(b, codec, NULL, i + 2, 1, &frame) >= 0);
		served_put_frame(s, &frame);
	}
}

static void expect_seqs(struct served *s, const char *query, const char *wanted)
{
	AUTO_BUF struct buf seqs = { 0 };
	json_t *doc = ask(s, "search?order=asc&q=", query, 200), *hit;
	size_t i;

	json_array_foreach(json_at(doc, "hits"), i, hit)
	{
		buf_printf(&seqs, "%d", (int)json_integer_value(json_at(hit, "event.sequence")));
	}
	buf_byte(&seqs, 0);
	assert_string_equal((char *)seqs.data, wanted);
	json_decref(doc);
}

static void test_search_given_kin_when_asked_then_learnt_from_other_blocks(void **state)
{
	struct served *s = *state;
	json_t *doc;

	put_family(s);
	expect_seqs(s, "file where child of [process where event.action == \"exec\"]", "2");
	expect_seqs(s, "file where descendant of [process where event.action == \"exec\"]", "23");
	expect_seqs(s, "any where event of [process where event.action == \"exec\"]", "1");
	expect_seqs(s, "file where child of [file where child of [process where true]]", "3");
	expect_seqs(s, "any where not descendant of [process where true]", "1");
	doc = ask(s, "count?q=", "descendant of [process where true]", 200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 2);
	json_decref(doc);
	doc = ask(s, "tail?q=", "child of [true]", 400);
	assert_non_null(strstr(text_at(doc, "detail"), "look at history"));
	json_decref(doc);
}

static void test_search_given_explain_when_asked_then_each_block_is_told_once(void **state)
{
	static const char *const queries[] = {
		"file where file.name == \"3\" and host.id == \"n1\"",
		"process where true",
		"file where file.name == \"absent-from-all\"",
		"any where true | stats count",
		"sequence by host.id [file where true] [file where true]",
		"file where child of [file where true] and file.name == \"3\"",
	};
	struct served *s = *state;

	put_two_nodes(s);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		json_t *doc = ask(s, "search?explain=true&node=n1&q=", queries[i], 200);
		json_int_t sum = 0;
		const char *key;
		json_t *v;

		json_object_foreach(json_at(doc, "plan.blocks"), key, v)
		{
			sum += strcmp(key, "stored") ? json_integer_value(v) : 0;
		}
		assert_int_equal(sum, 2);
		assert_int_equal(json_integer_value(json_at(doc, "plan.blocks.stored")), 2);
		assert_int_equal(json_integer_value(json_at(doc, "plan.blocks.other_node")), 1);
		assert_true(json_array_size(json_at(doc, "plan.kinds")) > 0);
		json_decref(doc);
	}
	{
		json_t *doc = ask(s, "count?explain=true&q=", queries[0], 200);

		assert_string_equal(text_at(doc, "plan.query"),
				    "event.category == \"file\" and file.name == \"3\" and host.id "
				    "== \"n1\"");
		assert_int_equal(json_array_size(json_at(doc, "plan.fields")), 3);
		json_decref(doc);
		doc = ask(s, "search?explain=maybe&q=", queries[0], 400);
		json_decref(doc);
	}
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
		SERVED(test_search_given_sort_and_uniq_when_asked_then_in_that_order),
		SERVED(test_search_given_many_events_when_sorted_then_the_first_are_exact),
		SERVED(test_search_given_kin_when_asked_then_learnt_from_other_blocks),
		SERVED(test_search_given_explain_when_asked_then_each_block_is_told_once),
		SERVED(test_api_given_sequence_when_only_events_are_taken_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
