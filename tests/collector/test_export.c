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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_export_given_store_when_imported_elsewhere_then_it_is_the_same),
		SERVED(test_export_given_node_and_cursor_when_asked_then_only_those_after_it),
		SERVED(test_export_given_viewer_when_asked_then_403),
		SERVED(test_import_given_what_is_no_batch_when_read_then_told_and_the_rest_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
