/* SPDX-License-Identifier: Apache-2.0 */
/* Batches out of one store, into another. */
#include "tests/collector/served.h"

#include "collector/day.h"
#include "collector/import.h"

enum { BATCHES = 30, EVENTS = 4 };

static void put_all(struct served *s)
{
	for (uint32_t i = 0; i < BATCHES; i++)
		served_put(s, &(struct fixture_batch){ .node = i % 2 ? "n1" : "n2",
						       .boot = 1,
						       .first_seq = 1 + i * 10,
						       .n = EVENTS,
						       .time_ns = s->base_ns + i * 1000000,
						       .step_ns = 1000 });
}

/* A store beside the one that is served. */
struct other {
	char dir[128];
	struct store *store;
	struct store_reader *reader;
};

static void other_open(struct other *o)
{
	struct diag d = { 0 };

	fixture_folder(o->dir);
	assert_int_equal(store_open(&o->store, o->dir, &d), 0);
	assert_int_equal(store_reader_new(o->store, &o->reader), 0);
}

static void other_close(struct other *o)
{
	store_reader_free(o->reader);
	store_free(o->store);
	fixture_remove(o->dir);
}

static int import(struct other *o, const void *data, size_t n, struct import_result *ret)
{
	FILE *f = n ? fmemopen((void *)(uintptr_t)data, n, "r") : fopen("/dev/null", "r");
	struct diag d = { 0 };
	int r;

	assert_non_null(f);
	r = import_file(o->store, f, ret, &d);
	fclose(f);
	if (r < 0)
		assert_true(strlen(d.text) > 0);
	return r;
}

static int see(const struct store_block *meta, struct block *b, void *arg)
{
	(void)meta;
	buf_printf(arg, "%.*s %llu %u\n", (int)block_info(b)->node_id.n, block_info(b)->node_id.s,
		   (unsigned long long)block_info(b)->first_seq, block_info(b)->n_events);
	return 0;
}

static void tell(struct store_reader *r, struct buf *out)
{
	static const struct store_range all = { .to_ns = UINT64_MAX, .arrived_after_ns = 1 };
	struct store_scan_stats stats = { 0 };

	assert_int_equal(store_scan(r, &all, NULL, see, out, &stats), 0);
}

static void analyst(struct served *s)
{
	assert_int_equal(maindb_token_create(s->maindb, "a", ROLE_ANALYST, s->token), 0);
}

static void ask(struct served *s, const char *line, struct answer *a)
{
	served_ask(s, line, NULL, a);
	assert_int_equal(a->status, 200);
	assert_non_null(strstr(a->headers, "application/octet-stream"));
}

static void test_export_given_store_when_imported_elsewhere_then_it_is_the_same(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf before = { 0 }, after = { 0 };
	AUTO(store_reader) *reader = NULL;
	struct import_result got;
	struct other o;
	struct answer a;

	put_all(s);
	analyst(s);
	ask(s, "GET /api/v1/export", &a);
	assert_non_null(strstr(a.headers, "Rtsec-Batches: 30\r\n"));
	assert_null(strstr(a.headers, "Rtsec-Cursor"));
	other_open(&o);
	assert_int_equal(import(&o, a.body, a.n_body, &got), 0);
	assert_int_equal(got.batches, BATCHES);
	assert_int_equal(got.events, BATCHES * EVENTS);
	assert_int_equal(got.refused, 0);
	assert_int_equal(store_reader_new(s->store, &reader), 0);
	tell(reader, &before);
	tell(o.reader, &after);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.data, after.data, before.n);
	assert_int_equal(import(&o, a.body, a.n_body, &got), 0);
	assert_int_equal(got.batches, 0);
	assert_int_equal(got.there, BATCHES * EVENTS);
	answer_done(&a);
	other_close(&o);
}

static void test_export_given_node_and_cursor_when_asked_then_only_those_after_it(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf line = { 0 };
	uint64_t half_ns;
	struct answer a;

	put_all(s);
	analyst(s);
	ask(s, "GET /api/v1/export?node=n1", &a);
	assert_non_null(strstr(a.headers, "Rtsec-Batches: 15\r\n"));
	memcpy(&half_ns, a.body + 8, sizeof(half_ns));
	buf_printf(&line, "GET /api/v1/export?node=n1&cursor=%llu", (unsigned long long)half_ns);
	buf_byte(&line, 0);
	answer_done(&a);
	ask(s, (const char *)line.data, &a);
	assert_non_null(strstr(a.headers, "Rtsec-Batches: 14\r\n"));
	answer_done(&a);
	ask(s, "GET /api/v1/export?until=2001-01-01&since=2000-01-01", &a);
	assert_int_equal(a.n_body, 0);
	answer_done(&a);
}

static void test_export_given_viewer_when_asked_then_403(void **state)
{
	struct answer a;

	served_ask(*state, "GET /api/v1/export", NULL, &a);
	assert_int_equal(a.status, 403);
	answer_done(&a);
}

static void test_import_given_what_is_no_batch_when_read_then_told_and_the_rest_is_stored(
	void **state)
{
	struct served *s = *state;
	struct import_result got;
	struct other o;
	struct answer a;
	char *copy;

	put_all(s);
	analyst(s);
	ask(s, "GET /api/v1/export", &a);
	copy = malloc(a.n_body);
	assert_non_null(copy);
	memcpy(copy, a.body, a.n_body);
	copy[DAY_RECORD_HEADER_BYTES + 20] ^= 0x55; /* of the first frame */
	other_open(&o);
	assert_int_equal(import(&o, copy, a.n_body, &got), 0);
	assert_int_equal(got.refused, 1);
	assert_int_equal(got.batches, BATCHES - 1);
	other_close(&o);
	other_open(&o);
	assert_int_equal(import(&o, a.body, a.n_body - 1, &got), -EBADMSG); /* cut */
	assert_int_equal(got.batches, BATCHES - 1);
	assert_int_equal(import(&o, "{\"not\":\"a batch\", \"but\":\"text\"}", 32, &got), -EBADMSG);
	assert_int_equal(got.batches, 0);
	assert_int_equal(import(&o, "", 0, &got), 0);
	other_close(&o);
	free(copy);
	answer_done(&a);
}

/* ---- over the API ---- */

#define DOCUMENT(seq)                                                                          \
	"{\"@timestamp\":\"2026-11-22T21:44:19Z\",\"host\":{\"id\":\"n7\",\"boot\":{\"id\":"   \
	"\"00000000-0000-0000-0000-000000000001\"}},\"event\":{\"category\":\"process\","      \
	"\"action\":\"exec\",\"sequence\":" seq "},\"process\":{\"entity_id\":\"a\",\"name\":" \
	"\"imported\"}}\n"

static void post(struct served *s, const void *body, size_t n, struct answer *a)
{
	AUTO_BUF struct buf request = { 0 };

	buf_printf(&request, "POST /api/v1/import HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
	buf_printf(&request, "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n", s->token,
		   n);
	buf_add(&request, body, n);
	served_raw(s, request.data, request.n, a);
}

static void test_import_api_given_documents_and_batches_when_posted_then_stored_once(void **state)
{
	static const char text[] = DOCUMENT("1") DOCUMENT("2") DOCUMENT("2");
	struct served *s = *state;
	struct answer a, batches;
	json_t *doc;

	put_all(s);
	assert_int_equal(maindb_token_create(s->maindb, "root", ROLE_ADMIN, s->token), 0);
	post(s, text, strlen(text), &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\"events\":2,\"duplicates\":1,\"refused\":0,\"lines\":3"));
	answer_done(&a);
	doc = served_json(s, "/api/v1/count?since=2026-11-01&q=process.name%20%3D%3D%20%22imported%22", 200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 2);
	json_decref(doc);
	ask(s, "GET /api/v1/export", &batches);
	post(s, batches.body, batches.n_body, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\"events\":0,\"duplicates\":120,"));
	answer_done(&a);
	answer_done(&batches);
}

static void test_import_api_given_mistakes_when_posted_then_400_with_their_place(void **state)
{
	static const char wrong[] = DOCUMENT("1") "\n{\"event\":5}\n";
	struct served *s = *state;
	struct answer a;

	post(s, wrong, strlen(wrong), &a);
	assert_int_equal(a.status, 403); /* a viewer */
	answer_done(&a);
	assert_int_equal(maindb_token_create(s->maindb, "root", ROLE_ADMIN, s->token), 0);
	post(s, wrong, strlen(wrong), &a);
	assert_int_equal(a.status, 400);
	assert_non_null(strstr(a.body, "urn:rtsec:problem:import"));
	assert_non_null(strstr(a.body, "\"line\":3,\"column\":10"));
	answer_done(&a);
	post(s, "RSEG", 4, &a);
	assert_int_equal(a.status, 400);
	answer_done(&a);
	post(s, "", 0, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\"events\":0"));
	answer_done(&a);
	served_ask(s, "POST /api/v1/import", "Content-Length: 16777217\r\n\r\n", &a);
	assert_int_equal(a.status, 413);
	answer_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_export_given_store_when_imported_elsewhere_then_it_is_the_same),
		SERVED(test_export_given_node_and_cursor_when_asked_then_only_those_after_it),
		SERVED(test_export_given_viewer_when_asked_then_403),
		SERVED(test_import_given_what_is_no_batch_when_read_then_told_and_the_rest_is_stored),
		SERVED(test_import_api_given_documents_and_batches_when_posted_then_stored_once),
		SERVED(test_import_api_given_mistakes_when_posted_then_400_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
