/* SPDX-License-Identifier: Apache-2.0 */
/* query over a real store of blocks that overlap in time. */
#include "tests/collector/fixture.h"

#include <jansson.h>

#include "collector/query.h"
#include "lib/eql.h"

enum { MAX_EVENTS = 20000, BLOCKS = 120 };

/* What is in the store, as the yardstick. */
struct event {
	uint64_t time_ns, seq;
	uint8_t node, boot;
};

struct world {
	char dir[128];
	struct store *store;
	struct block *block;
	struct query_worker *worker;
	struct document *document;
	uint64_t random, base_ns, arrived;
	uint64_t next_seq[4][3];
	struct event events[MAX_EVENTS];
	size_t n_events;
};

static const char *const nodes[] = { "n0", "n1", "n1x", "zz" };

static uint64_t next_random(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static void store_frame(struct world *w, const struct buf *frame)
{
	struct diag d = { 0 };

	assert_int_equal(block_load(w->block, frame->data, frame->n, &d), 0);
	assert_int_equal(store_append(w->store, w->block, frame->data, frame->n, ++w->arrived), 0);
	assert_int_equal(store_commit(w->store), 0);
}

static void put(struct world *w, const struct fixture_batch *f)
{
	AUTO_BUF struct buf frame = { 0 };

	fixture_frame(f, &frame);
	store_frame(w, &frame);
}

/* A batch of some events anywhere in @span_ns from @from_ns on; many share a time. */
static void put_random(struct world *w, uint64_t from_ns, uint64_t span_ns)
{
	uint8_t node = (uint8_t)next_random(w, 4), boot = (uint8_t)next_random(w, 3);
	struct fixture_batch f = { .node = nodes[node],
				   .boot = (uint8_t)(boot + 1),
				   .first_seq = w->next_seq[node][boot],
				   .time_ns = from_ns + next_random(w, span_ns) / 1000 * 1000,
				   .step_ns = next_random(w, 3) * 1000,
				   .n = 1 + (uint32_t)next_random(w, 120),
				   .word = next_random(w, 2) ? "even" : "odd" };

	put(w, &f);
	w->next_seq[node][boot] += f.n;
	for (uint32_t i = 0; i < f.n; i++) {
		assert_true(w->n_events < MAX_EVENTS);
		w->events[w->n_events++] =
			(struct event){ f.time_ns + i * f.step_ns, f.first_seq + i, node, boot };
	}
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct diag d = { 0 };

	assert_non_null(w);
	fixture_folder(w->dir);
	w->random = 88172645463325252u;
	w->arrived = timestamp_now();
	/* around a midnight, so that blocks of two day files overlap */
	w->base_ns = timestamp_now() / fixture_day_ns * fixture_day_ns - fixture_day_ns - 50000;
	assert_int_equal(store_open(&w->store, w->dir, &d), 0);
	assert_int_equal(block_new(&w->block), 0);
	assert_int_equal(query_worker_new(&w->worker, w->store), 0);
	assert_int_equal(document_new(&w->document, TEXT("host.id"), &d), 0);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 3; k++)
			w->next_seq[i][k] = 1;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	document_free(w->document);
	query_worker_free(w->worker);
	block_free(w->block);
	store_free(w->store);
	fixture_remove(w->dir);
	free(w);
	return 0;
}

/* ---- pages ---- */

static int ascending(const void *x, const void *y)
{
	const struct event *a = x, *b = y;
	int r = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);

	if (r == 0)
		r = strcmp(nodes[a->node], nodes[b->node]);
	if (r == 0)
		r = a->boot - b->boot;
	return r ? r : (a->seq > b->seq) - (a->seq < b->seq);
}

static int descending(const void *x, const void *y)
{
	return ascending(y, x);
}

static void expect_id(const struct event *e, const struct query_page *p, uint32_t i)
{
	char id[128];

	snprintf(id, sizeof(id), "{\"_id\":\"%s:%02x000000-0000-0000-0000-000000000000:%llu\",",
		 nodes[e->node], e->boot + 1, (unsigned long long)e->seq);
	assert_memory_equal(p->text.data + p->hits[i].at, id, strlen(id));
}

/* Pages from beginning to end, by way of the cursor's text, against @expected; between two pages
 * @meanwhile is called. */
static void assert_pages(struct world *w, struct query_page_request *request,
			 const struct event *expected, size_t n, void (*meanwhile)(struct world *))
{
	struct query_cursor cursor;
	struct query q = { .to_ns = UINT64_MAX };
	size_t seen = 0;
	bool more = true;

	request->after = NULL;
	while (more) {
		struct query_page p;
		char text[QUERY_CURSOR_BYTES];

		request->limit = 1 + (uint32_t)next_random(w, 700);
		assert_int_equal(query_page(w->worker, &q, request, &p), 0);
		for (uint32_t i = 0; i < p.n_hits; i++, seen++) {
			assert_true(seen < n);
			expect_id(&expected[seen], &p, i);
		}
		more = p.more;
		assert_true(!more || p.cut || p.n_hits == request->limit);
		cursor = (struct query_cursor){ p.last, request->ascending, 1, 2 };
		query_cursor_format(&cursor, text);
		memset(&cursor, 0, sizeof(cursor));
		assert_int_equal(query_cursor_parse(&cursor, text, strlen(text)), 0);
		assert_int_equal(cursor.ascending, request->ascending);
		request->after = &cursor.key;
		query_page_done(&p);
		if (more && meanwhile)
			meanwhile(w);
	}
	assert_int_equal(seen, n);
}

static void test_query_given_overlapping_blocks_when_paged_then_sorted_once_each(void **state)
{
	struct world *w = *state;
	struct query_page_request request = { .max_bytes = SIZE_MAX, .document = w->document };

	for (int i = 0; i < BLOCKS; i++)
		put_random(w, w->base_ns, 100000);
	qsort(w->events, w->n_events, sizeof(w->events[0]), descending);
	assert_pages(w, &request, w->events, w->n_events, NULL);
	request.ascending = true;
	qsort(w->events, w->n_events, sizeof(w->events[0]), ascending);
	assert_pages(w, &request, w->events, w->n_events, NULL);
}

static void arrive_newer(struct world *w)
{
	put_random(w, w->base_ns + 10000000, 100000);
}

static void test_query_given_new_events_when_paged_back_then_neither_twice_nor_skipped(void **state)
{
	struct world *w = *state;
	struct query_page_request request = { .max_bytes = SIZE_MAX, .document = w->document };
	static struct event before[MAX_EVENTS];
	size_t n;

	for (int i = 0; i < BLOCKS; i++)
		put_random(w, w->base_ns, 100000);
	n = w->n_events;
	memcpy(before, w->events, n * sizeof(before[0]));
	qsort(before, n, sizeof(before[0]), descending);
	assert_pages(w, &request, before, n, arrive_newer);
	assert_true(w->n_events > n);
}

static void test_query_given_few_bytes_when_paged_then_cut_but_complete(void **state)
{
	struct world *w = *state;
	struct query_page_request request = { .max_bytes = 2000, .document = w->document };

	for (int i = 0; i < 20; i++)
		put_random(w, w->base_ns, 100000);
	qsort(w->events, w->n_events, sizeof(w->events[0]), descending);
	assert_pages(w, &request, w->events, w->n_events, NULL);
	request.max_bytes = 1; /* one document is given all the same */
	assert_pages(w, &request, w->events, w->n_events, NULL);
}

static void test_query_given_many_blocks_when_newest_asked_then_few_are_read(void **state)
{
	struct world *w = *state;
	struct store_scan_stats stats = { 0 };
	struct query q = { .to_ns = UINT64_MAX, .stats = &stats };
	struct query_page_request request = { .limit = 15,
					      .max_bytes = SIZE_MAX,
					      .document = w->document };
	struct query_page p;

	for (uint32_t i = 0; i < 50; i++)
		put(w, &(struct fixture_batch){ .first_seq = 1 + i * 10,
						.time_ns = w->base_ns + i * 10000,
						.step_ns = 1000,
						.n = 10 });
	assert_int_equal(query_page(w->worker, &q, &request, &p), 0);
	assert_int_equal(p.n_hits, 15);
	assert_true(p.more);
	assert_true(stats.blocks_read <= 3);
	query_page_done(&p);
	request.ascending = true;
	memset(&stats, 0, sizeof(stats));
	assert_int_equal(query_page(w->worker, &q, &request, &p), 0);
	assert_int_equal(p.last.seq, 15);
	assert_true(stats.blocks_read <= 3);
	query_page_done(&p);
}

static void test_query_given_cancel_when_asked_then_ecanceled(void **state)
{
	struct world *w = *state;
	atomic_bool cancel = true;
	struct query q = { .to_ns = UINT64_MAX, .cancel = &cancel };
	struct query_page_request request = { .limit = 15,
					      .max_bytes = SIZE_MAX,
					      .document = w->document };
	struct query_page p;
	uint64_t n;

	put_random(w, w->base_ns, 100000);
	assert_int_equal(query_page(w->worker, &q, &request, &p), -ECANCELED);
	query_page_done(&p);
	assert_int_equal(query_count(w->worker, &q, &n), -ECANCELED);
}

/* ---- counts ---- */

static struct expr *parse(const char *text)
{
	struct expr *e = NULL;
	struct diag d = { 0 };

	if (eql_parse(&e, text, strlen(text), &d) < 0)
		fail_msg("%s", d.text);
	return e;
}

static void test_query_given_ranges_when_counted_then_as_many_as_there_are(void **state)
{
	struct world *w = *state;
	AUTO(expr) *all = parse("file.path : \"/srv/*\"");

	for (int i = 0; i < BLOCKS; i++)
		put_random(w, w->base_ns, 100000);
	for (int i = 0; i < 200; i++) {
		uint64_t a = w->base_ns + next_random(w, 120000), n;
		struct query q = { .from_ns = a, .to_ns = a + 1 + next_random(w, 60000) };
		bool of_node = next_random(w, 2);
		uint64_t expected = 0;

		q.expr = next_random(w, 2) ? all : NULL;
		q.node = of_node ? "n1" : NULL;
		for (size_t k = 0; k < w->n_events; k++)
			expected += w->events[k].time_ns >= q.from_ns &&
				    w->events[k].time_ns < q.to_ns &&
				    (!of_node || w->events[k].node == 1);
		assert_int_equal(query_count(w->worker, &q, &n), 0);
		assert_int_equal(n, expected);
	}
}

static void test_query_given_condition_when_counted_then_only_its_hits(void **state)
{
	struct world *w = *state;
	AUTO(expr) *needle = parse("process.name == \"needle\" and file.name == \"3\"");
	AUTO(expr) *processes = parse("process where true");
	struct query q = { .to_ns = UINT64_MAX, .expr = needle };
	uint64_t n;

	put(w, &(struct fixture_batch){
		       .first_seq = 1, .time_ns = w->base_ns, .n = 10, .word = "needle" });
	put(w, &(struct fixture_batch){
		       .first_seq = 11, .time_ns = w->base_ns, .n = 10, .word = "hay" });
	assert_int_equal(query_count(w->worker, &q, &n), 0);
	assert_int_equal(n, 1);
	q.expr = processes;
	assert_int_equal(query_count(w->worker, &q, &n), 0);
	assert_int_equal(n, 0);
}

static void test_query_given_buckets_when_counted_then_each_event_in_its_own(void **state)
{
	struct world *w = *state;
	AUTO(expr) *all = parse("file where true");
	uint64_t counts[40], expected[40];

	for (int i = 0; i < BLOCKS; i++)
		put_random(w, w->base_ns, 100000);
	for (int round = 0; round < 50; round++) {
		struct query_buckets b = { .origin_ns = w->base_ns,
					   .interval_ns = 500 + next_random(w, 9000),
					   .counts = counts,
					   .n = ARRAY_SIZE(counts) };
		struct query q = { .expr = round % 2 ? all : NULL,
				   .from_ns = w->base_ns + next_random(w, 5000) };
		uint64_t to_ns = q.from_ns + 1 + next_random(w, 200000);

		q.to_ns = MIN(b.origin_ns + b.n * b.interval_ns, to_ns);
		memset(counts, 0, sizeof(counts));
		memset(expected, 0, sizeof(expected));
		for (size_t k = 0; k < w->n_events; k++)
			if (w->events[k].time_ns >= q.from_ns && w->events[k].time_ns < q.to_ns)
				expected[(w->events[k].time_ns - b.origin_ns) / b.interval_ns]++;
		assert_int_equal(query_histogram(w->worker, &q, &b), 0);
		assert_memory_equal(counts, expected, sizeof(counts));
	}
}

/* ---- gaps ---- */

static void put_gap(struct world *w, uint64_t seq, uint64_t from_ns, uint64_t to_ns)
{
	struct batch_origin origin = { .node_id = "n1",
				       .node_name = "alpha",
				       .architecture = "a",
				       .os_kernel = "k",
				       .agent_version = "v" };
	AUTO_BUF struct buf frame = { 0 };
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_new(&b, &origin), 0);
	batch_event(b, KIND_GAP, seq, to_ns + 1000);
	batch_set(b, KIND_GAP, FIELD_GAP_COUNT, 7);
	batch_set_str(b, KIND_GAP, FIELD_GAP_CLASS, TEXT("bulk"));
	batch_set_str(b, KIND_GAP, FIELD_GAP_CAUSE, TEXT("ring_full"));
	batch_set(b, KIND_GAP, FIELD_GAP_FROM, from_ns);
	batch_set(b, KIND_GAP, FIELD_GAP_TO, to_ns);
	assert_int_equal(batch_seal(b, codec, NULL, seq + 1, to_ns, &frame), 0);
	store_frame(w, &frame);
}

static json_t *gaps_of(struct world *w, const struct query *q)
{
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);
	uint32_t n;
	json_t *list;

	assert_int_equal(query_gaps(w->worker, q, &j, &n), 0);
	list = json_loadb((const char *)out.data, out.n, 0, NULL);
	assert_int_equal(json_array_size(list), n);
	return list;
}

static void test_query_given_gaps_when_asked_then_those_that_overlap(void **state)
{
	struct world *w = *state;
	uint64_t t = w->base_ns;
	json_t *list, *gap;

	put_random(w, t, 100000);
	put_gap(w, 1, t + 1000, t + 2000);
	put_gap(w, 2, t + 5000, t + 9000); /* its event is later than the range below */
	put_gap(w, 3, t + 20000, t + 30000);
	list = gaps_of(w, &(struct query){ .from_ns = t + 2500, .to_ns = t + 6000 });
	assert_int_equal(json_array_size(list), 1);
	gap = json_array_get(list, 0);
	assert_int_equal(json_integer_value(json_object_get(gap, "count")), 7);
	assert_string_equal(json_string_value(json_object_get(gap, "node")), "alpha");
	assert_string_equal(json_string_value(json_object_get(gap, "class")), "bulk");
	assert_string_equal(json_string_value(json_object_get(gap, "cause")), "ring_full");
	assert_non_null(json_string_value(json_object_get(gap, "from")));
	json_decref(list);
	list = gaps_of(w, &(struct query){ .to_ns = UINT64_MAX, .node = "alpha" });
	assert_int_equal(json_array_size(list), 3);
	json_decref(list);
	list = gaps_of(w, &(struct query){ .to_ns = UINT64_MAX, .node = "zz" });
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void test_query_given_many_gaps_when_asked_then_bounded(void **state)
{
	struct world *w = *state;
	json_t *list;

	for (uint64_t i = 1; i <= QUERY_GAPS + 5; i++)
		put_gap(w, i, w->base_ns + i, w->base_ns + i + 1);
	list = gaps_of(w, &(struct query){ .to_ns = UINT64_MAX });
	assert_int_equal(json_array_size(list), QUERY_GAPS);
	json_decref(list);
}

/* ---- cursors ---- */

static void test_cursor_given_key_when_written_then_read_back(void **state)
{
	struct query_cursor c = { .key = { .time_ns = 5, .seq = UINT64_MAX, .n_node = 3 },
				  .from_ns = 7,
				  .to_ns = UINT64_MAX },
			    back = { 0 };
	char text[QUERY_CURSOR_BYTES];

	(void)state;
	memcpy(c.key.node, "a\xff\x01", 3);
	c.key.boot_id[15] = 9;
	query_cursor_format(&c, text);
	assert_int_equal(query_cursor_parse(&back, text, strlen(text)), 0);
	assert_memory_equal(&c, &back, sizeof(c));
	c.key.n_node = LIMIT_NODE_ID_BYTES;
	query_cursor_format(&c, text);
	assert_int_equal(strlen(text), QUERY_CURSOR_BYTES - 1);
	assert_int_equal(query_cursor_parse(&back, text, strlen(text)), 0);
}

static void test_cursor_given_garbage_when_read_then_refused(void **state)
{
	struct query_cursor c = { .key.n_node = 1 }, back;
	char text[QUERY_CURSOR_BYTES + 2];
	size_t n;

	(void)state;
	query_cursor_format(&c, text);
	n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(query_cursor_parse(&back, text, i), -EINVAL);
		text[i] ^= 0x40;
		assert_int_equal(query_cursor_parse(&back, text, n), -EINVAL);
		text[i] ^= 0x40;
	}
	memset(text, 'a', sizeof(text));
	assert_int_equal(query_cursor_parse(&back, text, QUERY_CURSOR_BYTES), -EINVAL);
}

#define STORED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORED(test_query_given_overlapping_blocks_when_paged_then_sorted_once_each),
		STORED(test_query_given_new_events_when_paged_back_then_neither_twice_nor_skipped),
		STORED(test_query_given_few_bytes_when_paged_then_cut_but_complete),
		STORED(test_query_given_many_blocks_when_newest_asked_then_few_are_read),
		STORED(test_query_given_cancel_when_asked_then_ecanceled),
		STORED(test_query_given_ranges_when_counted_then_as_many_as_there_are),
		STORED(test_query_given_condition_when_counted_then_only_its_hits),
		STORED(test_query_given_buckets_when_counted_then_each_event_in_its_own),
		STORED(test_query_given_gaps_when_asked_then_those_that_overlap),
		STORED(test_query_given_many_gaps_when_asked_then_bounded),
		cmocka_unit_test(test_cursor_given_key_when_written_then_read_back),
		cmocka_unit_test(test_cursor_given_garbage_when_read_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
