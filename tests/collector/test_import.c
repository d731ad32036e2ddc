/* SPDX-License-Identifier: Apache-2.0 */
/* Events out of one store as documents or batches, into another, where some may be already. */
#include "tests/collector/fixture.h"

#include "collector/day.h"
#include "collector/document.h"
#include "collector/import.h"
#include "tests/lib/expr_random.h"

enum { FRAMES = 12 };

struct side {
	char dir[128];
	struct store *store;
	struct store_reader *reader;
};

static void side_open(struct side *s)
{
	struct diag d = { 0 };

	fixture_folder(s->dir);
	assert_int_equal(store_open(&s->store, s->dir, &d), 0);
	assert_int_equal(store_reader_new(s->store, &s->reader), 0);
}

static void side_close(struct side *s)
{
	store_reader_free(s->reader);
	store_free(s->store);
	fixture_remove(s->dir);
}

static void put_frame(struct side *s, const struct buf *frame)
{
	AUTO(block) *b = NULL;
	struct diag d = { 0 };

	assert_int_equal(block_new(&b), 0);
	assert_int_equal(block_load(b, frame->data, frame->n, &d), 0);
	if (block_info(b)->n_events)
		assert_int_equal(store_append(s->store, b, frame->data, frame->n,
					      store_arrival(s->store, timestamp_now())),
				 0);
	assert_int_equal(store_commit(s->store), 0);
}

/* ---- what a store holds ---- */

struct lines {
	struct document *document;
	struct buf text;
	size_t at[FRAMES * 1200], n;
};

static int add_lines(const struct store_block *meta, struct block *b, void *arg)
{
	struct lines *l = arg;
	struct json j = json_to(&l->text);

	(void)meta;
	block_set_ingested(b, 0); /* of the store, not of the event */
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		document_begin(l->document, b, t);
		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			assert_true(l->n < ARRAY_SIZE(l->at));
			l->at[l->n++] = l->text.n;
			j.comma = false;
			document_write(l->document, row, &j);
			buf_byte(&l->text, 0);
		}
	}
	return 0;
}

static const char *line_base;

static int by_line(const void *a, const void *b)
{
	return strcmp(line_base + *(const size_t *)a, line_base + *(const size_t *)b);
}

/* All documents, in the order of their texts. */
static struct lines *lines_of(struct side *s)
{
	static const struct store_range all = { .to_ns = UINT64_MAX };
	struct store_scan_stats stats = { 0 };
	struct lines *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(document_new(&l->document, "", 0, NULL), 0);
	assert_int_equal(store_scan(s->reader, &all, NULL, add_lines, l, &stats), 0);
	line_base = (const char *)l->text.data;
	qsort(l->at, l->n, sizeof(l->at[0]), by_line);
	return l;
}

static const char *line(const struct lines *l, size_t i)
{
	return (const char *)l->text.data + l->at[i];
}

static void lines_free(struct lines *l)
{
	document_free(l->document);
	buf_done(&l->text);
	free(l);
}

static void assert_same(struct side *a, struct side *b)
{
	struct lines *of_a = lines_of(a), *of_b = lines_of(b);

	assert_int_equal(of_a->n, of_b->n);
	for (size_t i = 0; i < of_a->n; i++)
		assert_string_equal(line(of_a, i), line(of_b, i));
	lines_free(of_a);
	lines_free(of_b);
}

/* Every @step-th line, as a file. */
static void to_text(const struct lines *l, size_t step, struct buf *out)
{
	for (size_t i = 0; i < l->n; i += step) {
		buf_str(out, line(l, i));
		buf_str(out, i % 5 ? "\n" : " \r\n\n"); /* blank lines do not matter */
	}
}

static struct import_result import(struct side *s, const void *data, size_t n)
{
	FILE *f = n ? fmemopen((void *)(uintptr_t)data, n, "r") : fopen("/dev/null", "r");
	struct import_result got;
	struct diag d = { 0 };

	assert_non_null(f);
	if (import_file(s->store, f, &got, &d) < 0)
		fail_msg("%u:%u: %s", d.line, d.column, d.text);
	fclose(f);
	return got;
}

static void put_random(struct side *s, uint64_t seed)
{
	AUTO(frame_codec) *codec = NULL;
	uint64_t seq = 1;

	random_state = seed;
	assert_int_equal(frame_codec_new(&codec), 0);
	for (int i = 0; i < FRAMES; i++) {
		AUTO_BUF struct buf frame = { 0 };

		random_frame(codec, &seq, &frame);
		put_frame(s, &frame);
	}
}

static void test_import_given_documents_when_taken_then_the_same_documents_come_out(void **state)
{
	AUTO_BUF struct buf text = { 0 };
	struct import_result got;
	struct side a, b;
	struct lines *l;

	(void)state;
	side_open(&a);
	side_open(&b);
	put_random(&a, 1);
	l = lines_of(&a);
	assert_true(l->n > 1000);
	to_text(l, 1, &text);
	got = import(&b, text.data, text.n);
	assert_int_equal(got.events, l->n);
	assert_int_equal(got.lines, l->n);
	assert_int_equal(got.there + got.refused, 0);
	assert_same(&a, &b);
	got = import(&b, text.data, text.n); /* once more */
	assert_int_equal(got.events, 0);
	assert_int_equal(got.there, l->n);
	assert_same(&a, &b);
	lines_free(l);
	side_close(&a);
	side_close(&b);
}

static void test_import_given_some_events_there_when_taken_then_only_the_others(void **state)
{
	AUTO_BUF struct buf text = { 0 }, all = { 0 };
	struct import_result got;
	struct side a, b;
	struct lines *l;

	(void)state;
	side_open(&a);
	side_open(&b);
	put_random(&a, 2);
	l = lines_of(&a);
	to_text(l, 3, &text);
	to_text(l, 1, &all);
	got = import(&b, text.data, text.n);
	assert_int_equal(got.events, (l->n + 2) / 3);
	got = import(&b, all.data, all.n);
	assert_int_equal(got.there, (l->n + 2) / 3);
	assert_int_equal(got.events, l->n - (l->n + 2) / 3);
	assert_same(&a, &b);
	got = import(&a, text.data, text.n); /* where they came from */
	assert_int_equal(got.events, 0);
	assert_int_equal(got.there, (l->n + 2) / 3);
	lines_free(l);
	side_close(&a);
	side_close(&b);
}

/* The batches of @s as rtsecctl export --format batches writes them. */
static void batches_of(struct side *s, struct buf *out)
{
	static const struct store_range all = { .to_ns = UINT64_MAX, .arrived_after_ns = 1 };
	struct store_scan_stats stats = { 0 };
	const struct store_block *meta;
	struct block *b;

	assert_int_equal(store_walk_begin(s->reader, &all, NULL, NULL, &stats), 0);
	while (store_walk_next(s->reader, &meta, &b) == STORE_E_BLOCK) {
		uint8_t header[DAY_RECORD_HEADER_BYTES];
		size_t n;
		const void *frame = store_walk_frame(s->reader, &n);

		day_frame_header(header, frame, n, meta->ingested_ns);
		buf_add(out, header, sizeof(header));
		buf_add(out, frame, n);
	}
	store_walk_end(s->reader);
}

static void test_import_given_batches_partly_there_when_taken_then_each_event_is_there_once(
	void **state)
{
	AUTO_BUF struct buf text = { 0 }, batches = { 0 };
	struct import_result got;
	struct side a, b;
	struct lines *l;

	(void)state;
	side_open(&a);
	side_open(&b);
	put_random(&a, 3);
	l = lines_of(&a);
	to_text(l, 7, &text);
	batches_of(&a, &batches);
	import(&b, text.data, text.n);
	got = import(&b, batches.data, batches.n);
	assert_int_equal(got.there, (l->n + 6) / 7);
	assert_int_equal(got.events, l->n - (l->n + 6) / 7);
	assert_same(&a, &b);
	lines_free(l);
	side_close(&a);
	side_close(&b);
}

/* ---- what is wrong ---- */

#define HOST	  "\"host\":{\"id\":\"n\",\"boot\":{\"id\":\"00000000-0000-0000-0000-000000000001\"}}"
#define EXEC(seq) "\"event\":{\"category\":\"process\",\"action\":\"exec\",\"sequence\":" seq "}"
#define TIME	  "\"@timestamp\":\"2026-11-22T21:44:19Z\""
#define GOOD	  "{" TIME "," HOST "," EXEC("1") "}\n"

static void test_import_given_mistakes_when_read_then_line_and_column_are_told(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *reason;
	} cases[] = {
		{ GOOD "{" TIME ",\"host\":{\"nme\":\"x\"}}", 2, 52,
		  "no field is called 'host.nme'" },
		{ GOOD "\n\n{\"event\":{\"sequence\":\"x\"}}", 4, 22,
		  "event.sequence is a long: expected a whole number" },
		{ "{\"event.sequence\":-1}", 1, 19, "event.sequence is a long" },
		{ "{\"@timestamp\":\"now\"}", 1, 15, "expected a time such as" },
		{ "{\"process\":{\"entity_id\":\"xyz\"}}", 1, 25,
		  "expected a string of 1 to 16 hex" },
		{ "{\"process\":{\"args\":[\"a\",5]}}", 1, 20, "expected an array of strings" },
		{ "{\"file\":{\"path\":true}}", 1, 17,
		  "file.path is a keyword: expected a string" },
		{ GOOD "{\"a\":", 2, 5, "this is no JSON" },
		{ GOOD "[1]", 2, 1, "expected an object" },
		{ "{\"a\":1,\"a\":2}", 1, 10, "this is no JSON: duplicate object key" },
		{ "{" TIME "," EXEC("1") "}", 1, 1, "host.id is missing" },
		{ "{" TIME ",\"host\":{\"id\":\"n\",\"boot\":{\"id\":\"5\"}}," EXEC("1") "}", 1, 68,
		  "host.boot.id is missing or no UUID" },
		{ "{" TIME "," HOST ",\"event\":{\"category\":\"file\",\"action\":\"exec\"}}", 1,
		  145, "not 'file' and 'exec'" },
		{ "{" HOST "," EXEC("1") "}", 1, 1, "@timestamp is missing" },
		{ "{" TIME "," HOST "," EXEC("1") ",\"process\":{\"pid\":5}}", 1, 1,
		  "process.entity_id is missing" },
		{ "{" TIME "," HOST
		  "," EXEC("1") ",\"process\":{\"parent\":{\"entity_id\":\"5\"}}}",
		  1, 1, "process.parent.entity_id is there, but process.entity_id is not" },
		{ "text", 1, 1, "expected documents, a JSON object on each line, or batches" },
		{ "RSEC and more than a header's bytes", 0, 0, "no batch stands here" },
	};
	struct import_result got;
	struct side s;

	(void)state;
	side_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		FILE *f = fmemopen((void *)(uintptr_t)cases[i].text, strlen(cases[i].text), "r");
		struct diag d = { 0 };

		assert_non_null(f);
		assert_int_equal(import_file(s.store, f, &got, &d), -EBADMSG);
		fclose(f);
		if (d.line != cases[i].line || d.column != cases[i].column ||
		    !strstr(d.text, cases[i].reason))
			fail_msg("%s\n%u:%u: %s", cases[i].text, d.line, d.column, d.text);
		assert_int_equal(got.events, 0); /* all of a piece or nothing */
	}
	side_close(&s);
}

static void test_import_given_other_spellings_when_read_then_the_same_event(void **state)
{
	static const char text[] =
		"{" TIME "," HOST "," EXEC("\"7\"") ",\"_id\":\"any\",\"user\":{\"name\":\"root\"},"
						    "\"process.entity_id\":\"5\",\"process.args\":"
						    "\"one\",\"file\":{\"inode\":null}}\n"
						    "{" TIME "," HOST
						    "," EXEC("7") "}\n"; /* the same event again */
	struct import_result got;
	struct side s;
	struct lines *l;

	(void)state;
	side_open(&s);
	got = import(&s, text, strlen(text));
	assert_int_equal(got.events, 1);
	assert_int_equal(got.there, 1);
	l = lines_of(&s);
	assert_int_equal(l->n, 1);
	assert_non_null(strstr(line(l, 0), "\"args\":[\"one\"]"));
	assert_non_null(strstr(line(l, 0), "\"entity_id\":\"0000000000000005\""));
	assert_non_null(strstr(line(l, 0), "\"user\":{\"name\":\"root\"}"));
	assert_non_null(strstr(line(l, 0), "\"name\":\"n\"")); /* host.name is host.id */
	lines_free(l);
	side_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_import_given_documents_when_taken_then_the_same_documents_come_out),
		cmocka_unit_test(
			test_import_given_some_events_there_when_taken_then_only_the_others),
		cmocka_unit_test(
			test_import_given_batches_partly_there_when_taken_then_each_event_is_there_once),
		cmocka_unit_test(
			test_import_given_mistakes_when_read_then_line_and_column_are_told),
		cmocka_unit_test(test_import_given_other_spellings_when_read_then_the_same_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
