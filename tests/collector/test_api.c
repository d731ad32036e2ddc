/* SPDX-License-Identifier: Apache-2.0 */
/* What the API answers, from a real store over a real socket. */
#include "tests/collector/served.h"

#include "collector/api.h"

enum { STEP_NS = 1000000 };

/* 30 events of "alpha" (id n1), 20 later ones of "beta" (n2). */
static void put_two_nodes(struct served *s)
{
	served_put(s, &(struct fixture_batch){ .node = "n1",
					       .name = "alpha",
					       .boot = 1,
					       .first_seq = 1,
					       .n = 30,
					       .word = "one",
					       .time_ns = s->base_ns,
					       .step_ns = STEP_NS });
	served_put(s, &(struct fixture_batch){ .node = "n2",
					       .name = "beta",
					       .boot = 1,
					       .first_seq = 1,
					       .n = 20,
					       .word = "two",
					       .time_ns = s->base_ns + 30 * STEP_NS,
					       .step_ns = STEP_NS });
}

static void test_search_given_events_when_asked_then_newest_documents_first(void **state)
{
	struct served *s = *state;
	json_t *doc, *hits, *hit;

	put_two_nodes(s);
	doc = served_json(s, "/api/v1/search?limit=25", 200);
	hits = json_at(doc, "hits");
	assert_int_equal(json_array_size(hits), 25);
	hit = json_array_get(hits, 0);
	assert_string_equal(text_at(hit, "host.name"), "beta");
	assert_string_equal(text_at(hit, "event.action"), "open");
	assert_string_equal(text_at(hit, "process.name"), "two");
	assert_string_equal(text_at(hit, "file.path"), "/srv/two/19");
	assert_int_equal(json_integer_value(json_at(hit, "event.sequence")), 20);
	assert_non_null(text_at(hit, "event.ingested"));
	assert_string_equal(text_at(json_array_get(hits, 20), "host.name"), "alpha");
	assert_non_null(text_at(doc, "cursor"));
	assert_true(json_is_real(json_at(doc, "took_ms")));
	assert_int_equal(json_integer_value(json_at(doc, "scanned.blocks")), 2);
	assert_true(json_integer_value(json_at(doc, "scanned.events")) > 0);
	assert_true(json_is_false(json_at(doc, "truncated")));
	assert_true(json_is_array(json_at(doc, "gaps")));
	json_decref(doc);
}

static void test_search_given_cursor_when_followed_then_each_event_once_in_order(void **state)
{
	struct served *s = *state;
	char path[600] = "/api/v1/search?limit=7&order=asc&fields=event.sequence,host.id";
	size_t base = strlen(path), n = 0;

	put_two_nodes(s);
	for (bool more = true; more;) {
		json_t *doc = served_json(s, path, 200), *hit;
		const char *cursor = text_at(doc, "cursor");
		size_t i;

		json_array_foreach(json_at(doc, "hits"), i, hit)
		{
			const char *node = n < 30 ? "n1" : "n2";

			assert_string_equal(text_at(hit, "host.id"), node);
			assert_int_equal(json_integer_value(json_at(hit, "event.sequence")),
					 n < 30 ? n + 1 : n - 29);
			n++;
		}
		more = cursor != NULL;
		if (more)
			snprintf(path + base, sizeof(path) - base, "&cursor=%s", cursor);
		json_decref(doc);
	}
	assert_int_equal(n, 50);
	memcpy(strstr(path, "&order=asc"), "&node=beta",
	       10); /* newest first: the cursor's is not */
	json_decref(served_json(s, path, 400));
}

static void test_search_given_query_when_asked_then_only_hits(void **state)
{
	struct served *s = *state;
	json_t *doc;

	put_two_nodes(s);
	doc = served_json(
		s, "/api/v1/search?q=file+where+file.name+%3D%3D+%227%22&fields=file.path", 200);
	assert_int_equal(json_array_size(json_at(doc, "hits")), 2);
	json_decref(doc);
	doc = served_json(s, "/api/v1/search?q=file.name+%3D%3D+%227%22&node=alpha", 200);
	assert_int_equal(json_array_size(json_at(doc, "hits")), 1);
	assert_true(json_is_null(json_at(doc, "cursor")));
	json_decref(doc);
	doc = served_json(s, "/api/v1/search?node=n2&limit=1000", 200);
	assert_int_equal(json_array_size(json_at(doc, "hits")), 20);
	json_decref(doc);
	doc = served_json(s, "/api/v1/search?until=-2h", 200);
	assert_int_equal(json_array_size(json_at(doc, "hits")), 0);
	json_decref(doc);
}

static void test_search_given_post_when_asked_then_same_as_get(void **state)
{
	struct served *s = *state;
	struct answer a;
	json_t *doc;

	put_two_nodes(s);
	served_ask(s, "POST /api/v1/search",
		   "Content-Length: 91\r\n\r\n"
		   "{\"q\":\"file.name == "
		   "\\\"7\\\"\",\"limit\":10,\"fields\":[\"file.path\",\"user\"],"
		   "\"node\":\"\",\"cursor\":null}",
		   &a);
	assert_int_equal(a.status, 200);
	doc = answer_json(&a);
	assert_int_equal(json_array_size(json_at(doc, "hits")), 2);
	json_decref(doc);
	answer_done(&a);
}

static void test_search_given_ndjson_when_accepted_then_lines_and_headers(void **state)
{
	struct served *s = *state;
	struct answer a;
	size_t lines = 0;

	put_two_nodes(s);
	served_ask(s, "GET /api/v1/search?limit=10", "Accept: application/x-ndjson\r\n\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strcasestr(a.headers, "\r\nContent-Type: application/x-ndjson"));
	assert_non_null(strcasestr(a.headers, "\r\nRtsec-Cursor: d"));
	assert_non_null(strcasestr(a.headers, "\r\nRtsec-Truncated: false"));
	assert_non_null(strcasestr(a.headers, "\r\nRtsec-Gaps: 0"));
	for (const char *at = a.body, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
		json_t *doc = json_loadb(at, (size_t)(end - at), 0, NULL);

		assert_string_equal(text_at(doc, "host.name"), "beta");
		json_decref(doc);
	}
	assert_int_equal(lines, 10);
	answer_done(&a);
}

static void expect_rows(const struct served *s, const char *path, const char *rows)
{
	json_t *doc = served_json(s, path, 200);
	char *text = json_dumps(json_at(doc, "rows"), JSON_COMPACT);

	assert_string_equal(text, rows);
	assert_true(json_is_false(json_at(doc, "truncated")));
	assert_true(json_is_array(json_at(doc, "gaps")));
	assert_true(json_integer_value(json_at(doc, "scanned.events")) > 0);
	free(text);
	json_decref(doc);
}

static void test_search_given_pipes_when_table_then_columns_and_rows(void **state)
{
	struct served *s = *state;
	json_t *doc;
	char *text;

	put_two_nodes(s);
	doc = served_json(s, "/api/v1/search?q=%7C+stats+count,+avg(process.pid)+by+process.name",
			  200);
	text = json_dumps(json_at(doc, "columns"), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "[{\"name\":\"process.name\",\"type\":\"keyword\"},"
				  "{\"name\":\"count\",\"type\":\"long\"},"
				  "{\"name\":\"avg(process.pid)\",\"type\":\"double\"}]");
	free(text);
	json_decref(doc);
	expect_rows(s, "/api/v1/search?q=%7C+stats+count+by+process.name",
		    "[[\"one\",30],[\"two\",20]]");
	expect_rows(s, "/api/v1/search?q=%7C+rare+1+host.name", "[[\"beta\",20]]");
	expect_rows(s, "/api/v1/search?node=alpha&q=%7C+stats+count_distinct(file.path)", "[[30]]");
	expect_rows(s, "/api/v1/search?q=file.name+==+%227%22+%7C+top+file.path",
		    "[[\"/srv/one/7\",1],[\"/srv/two/7\",1]]");
}

static void test_search_given_range_when_table_then_only_its_events(void **state)
{
	struct served *s = *state;
	char path[200];

	put_two_nodes(s);
	snprintf(path, sizeof(path), "/api/v1/search?since=%llu&until=%llu&q=%%7C+top+host.name",
		 (unsigned long long)(s->base_ns + 25 * STEP_NS),
		 (unsigned long long)(s->base_ns + 32 * STEP_NS));
	expect_rows(s, path, "[[\"alpha\",5],[\"beta\",2]]");
}

static void expect_sequences(const struct served *s, const char *path, const char *wanted)
{
	json_t *doc = served_json(s, path, 200), *hit;
	char text[256] = "";
	size_t i, n = 0;

	json_array_foreach(json_at(doc, "hits"), i, hit)
	{
		assert_null(json_at(hit, "process"));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s:%d", i ? " " : "",
				      text_at(hit, "host.name"),
				      (int)json_integer_value(json_at(hit, "event.sequence")));
	}
	assert_string_equal(text, wanted);
	assert_true(json_is_null(json_at(doc, "cursor")));
	json_decref(doc);
}

static void test_search_given_head_or_tail_when_asked_then_one_page(void **state)
{
#define KEEP "+%7C+keep+host.name,+event.sequence"
	struct served *s = *state;

	put_two_nodes(s);
	expect_sequences(s, "/api/v1/search?limit=1&q=%7C+head+2" KEEP, "beta:20 beta:19");
	expect_sequences(s, "/api/v1/search?q=%7C+tail+2" KEEP, "alpha:2 alpha:1");
	expect_sequences(s, "/api/v1/search?order=asc&q=%7C+tail+2" KEEP, "beta:19 beta:20");
	expect_sequences(s, "/api/v1/search?q=%7C+where+file.name+==+%223%22+%7C+limit+9" KEEP,
			 "beta:4 alpha:4");
}

static void test_pipes_given_other_resource_when_they_change_the_count_then_400(void **state)
{
	static const char *const paths[] = {
		"/api/v1/count?q=%7C+stats+count",  "/api/v1/hits?q=%7C+head+5",
		"/api/v1/tail?q=%7C+top+host.name", "/api/v1/tail?q=%7C+tail+1",
		"/api/v1/facets?q=%7C+head+5&field=host.name",
		"/api/v1/search?q=%7C+top+host.name&cursor=x",
		"/api/v1/search?q=%7C+stats+cuont",
	};
	struct served *s = *state;
	json_t *doc;

	put_two_nodes(s);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		json_decref(served_json(s, paths[i], 400));
	doc = served_json(s, "/api/v1/count?q=%7C+where+file.name+==+%223%22+%7C+keep+file.path",
			  200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 2);
	json_decref(doc);
}

static void test_search_given_ndjson_when_table_then_an_object_a_row(void **state)
{
	struct served *s = *state;
	struct answer a;

	put_two_nodes(s);
	served_ask(s, "GET /api/v1/search?q=%7C+top+process.name",
		   "Accept: application/x-ndjson\r\n\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{\"process.name\":\"one\",\"count\":30}\n"
				    "{\"process.name\":\"two\",\"count\":20}\n");
	assert_non_null(strcasestr(a.headers, "\r\nRtsec-Rows: 2"));
	answer_done(&a);
}

static void test_search_given_bad_query_when_asked_then_position_told(void **state)
{
	struct served *s = *state;
	json_t *doc = served_json(s, "/api/v1/search?q=process.name+%3D%3D%0A%29", 400);

	assert_string_equal(text_at(doc, "type"), "urn:rtsec:problem:query");
	assert_string_equal(text_at(doc, "parameter"), "q");
	assert_int_equal(json_integer_value(json_at(doc, "line")), 2);
	assert_int_equal(json_integer_value(json_at(doc, "column")), 1);
	assert_int_equal(json_integer_value(json_at(doc, "offset")), 16);
	assert_true(strlen(text_at(doc, "expected")) > 0);
	json_decref(doc);
	doc = served_json(s, "/api/v1/count?since=soon", 400);
	assert_string_equal(text_at(doc, "type"), "urn:rtsec:problem:parameter");
	assert_string_equal(text_at(doc, "parameter"), "since");
	json_decref(doc);
}

static void test_count_given_events_when_asked_then_number(void **state)
{
	struct served *s = *state;
	char path[200];
	json_t *doc;

	put_two_nodes(s);
	doc = served_json(s, "/api/v1/count", 200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 50);
	json_decref(doc);
	snprintf(path, sizeof(path), "/api/v1/count?since=%llu&until=%llu&node=n1",
		 (unsigned long long)s->base_ns, (unsigned long long)(s->base_ns + 10 * STEP_NS));
	doc = served_json(s, path, 200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 10);
	json_decref(doc);
}

static void test_hits_given_events_when_asked_then_buckets_add_up(void **state)
{
	struct served *s = *state;
	json_t *doc, *bucket;
	size_t i;
	json_int_t sum = 0;

	put_two_nodes(s);
	doc = served_json(s, "/api/v1/hits?since=-10m&buckets=50", 200);
	json_array_foreach(json_at(doc, "buckets"), i, bucket)
	{
		sum += json_integer_value(json_at(bucket, "count"));
		assert_non_null(text_at(bucket, "from"));
	}
	assert_true(i > 25 && i <= 50);
	assert_int_equal(sum, 50);
	assert_int_equal(json_integer_value(json_at(doc, "total")), 50);
	assert_int_equal(json_integer_value(json_at(doc, "interval_ms")), 15000);
	json_decref(doc);
	doc = served_json(s, "/api/v1/hits?since=-10m&interval=1m&q=host.name+%3A+%22beta%22", 200);
	assert_int_equal(json_integer_value(json_at(doc, "interval_ms")), 60000);
	assert_int_equal(json_integer_value(json_at(doc, "total")), 20);
	json_decref(doc);
	doc = served_json(s, "/api/v1/hits?since=0&buckets=10", 200); /* decades */
	assert_true(json_array_size(json_at(doc, "buckets")) <= 10);
	assert_int_equal(json_integer_value(json_at(doc, "total")), 50);
	json_decref(doc);
}

static void test_catalog_given_registry_when_asked_then_fields_and_kinds(void **state)
{
	struct served *s = *state;
	json_t *doc = served_json(s, "/api/v1/fields", 200), *item;
	bool seen_args = false, seen_alias = false;
	size_t i;

	json_array_foreach(json_at(doc, "fields"), i, item)
	{
		struct field_ref ref;
		const char *name = text_at(item, "name");

		assert_true(field_find(name, strlen(name), &ref));
		assert_true(strlen(text_at(item, "help")) > 0);
		seen_args |= strcmp(name, "process.parent.args") == 0 &&
			     json_is_true(json_at(item, "list"));
		seen_alias |= strcmp(name, "user.name") == 0 &&
			      strcmp(text_at(item, "alias_of"), "process.user.name") == 0;
	}
	assert_true(seen_args && seen_alias);
	json_decref(doc);
	doc = served_json(s, "/api/v1/kinds", 200);
	assert_true(json_array_size(json_at(doc, "kinds")) >= 12);
	json_decref(doc);
}

static void test_nodes_given_batches_when_asked_then_facts_and_counters(void **state)
{
	struct served *s = *state;
	json_t *doc, *node;

	put_two_nodes(s);
	doc = served_json(s, "/api/v1/nodes", 200);
	assert_int_equal(json_array_size(json_at(doc, "nodes")), 2);
	node = json_array_get(json_at(doc, "nodes"), 0);
	assert_string_equal(text_at(node, "id"), "n1");
	assert_string_equal(text_at(node, "name"), "alpha");
	assert_string_equal(text_at(node, "state"), "up");
	assert_string_equal(text_at(node, "os_kernel"), "6.18");
	assert_int_equal(json_integer_value(json_at(node, "events")), 30);
	assert_int_equal(json_integer_value(json_at(node, "last_sequence")), 30);
	assert_non_null(text_at(node, "last_seen"));
	assert_true(json_is_array(json_at(node, "sensor.tiers")));
	json_decref(doc);
}

static void test_status_given_events_when_asked_then_totals(void **state)
{
	struct served *s = *state;
	struct answer a;
	json_t *doc;

	put_two_nodes(s);
	doc = served_json(s, "/api/v1/status", 200);
	assert_string_equal(text_at(doc, "version"), RTSEC_VERSION);
	assert_int_equal(json_integer_value(json_at(doc, "store.events")), 50);
	assert_int_equal(json_integer_value(json_at(doc, "store.blocks")), 2);
	assert_int_equal(json_integer_value(json_at(doc, "nodes.up")), 2);
	assert_true(json_integer_value(json_at(doc, "http.requests")) >= 1);
	json_decref(doc);
	served_ask(s, "GET /metrics", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\nrtsec_store_events 50\n"));
	assert_non_null(strstr(a.body, "\n# TYPE rtsec_ingest_events_total counter\n"));
	answer_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_search_given_events_when_asked_then_newest_documents_first),
		SERVED(test_search_given_cursor_when_followed_then_each_event_once_in_order),
		SERVED(test_search_given_query_when_asked_then_only_hits),
		SERVED(test_search_given_post_when_asked_then_same_as_get),
		SERVED(test_search_given_ndjson_when_accepted_then_lines_and_headers),
		SERVED(test_search_given_pipes_when_table_then_columns_and_rows),
		SERVED(test_search_given_range_when_table_then_only_its_events),
		SERVED(test_search_given_head_or_tail_when_asked_then_one_page),
		SERVED(test_pipes_given_other_resource_when_they_change_the_count_then_400),
		SERVED(test_search_given_ndjson_when_table_then_an_object_a_row),
		SERVED(test_search_given_bad_query_when_asked_then_position_told),
		SERVED(test_count_given_events_when_asked_then_number),
		SERVED(test_hits_given_events_when_asked_then_buckets_add_up),
		SERVED(test_catalog_given_registry_when_asked_then_fields_and_kinds),
		SERVED(test_nodes_given_batches_when_asked_then_facts_and_counters),
		SERVED(test_status_given_events_when_asked_then_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
