/* SPDX-License-Identifier: Apache-2.0 */
/* The live tail: what comes, in which order, once, and after a lost connection from where it was.
 */
#include "tests/collector/served.h"

#include "collector/merge.h"

struct stream {
	int fd;
	struct buf raw; /* as it came: headers first, then chunks */
	size_t raw_at;	/* decoded up to here */
	struct buf got; /* the chunks' contents */
	size_t at;	/* read up to here */
	char last_id[64];
};

/* Decodes the whole chunks of what has come. */
static void decode(struct stream *t)
{
	for (;;) {
		char *from = (char *)t->raw.data + t->raw_at, *line;
		size_t n = t->raw.n - t->raw_at, size;

		line = n ? memmem(from, n, "\r\n", 2) : NULL;
		if (!line)
			break;
		size = strtoul(from, NULL, 16);
		if (n < (size_t)(line - from) + 2 + size + 2)
			break;
		buf_add(&t->got, line + 2, size);
		t->raw_at += (size_t)(line - from) + 2 + size + 2;
	}
	if (t->raw_at < 1 << 20)
		return;
	memmove(t->raw.data, t->raw.data + t->raw_at, t->raw.n - t->raw_at);
	t->raw.n -= t->raw_at;
	t->raw_at = 0;
}

static bool stream_read(struct stream *t, int ms)
{
	bool ok = served_read(t->fd, &t->raw, ms);

	decode(t);
	return ok;
}

static void stream_open(struct served *s, struct stream *ret, const char *query,
			const char *last_id)
{
	AUTO_BUF struct buf request = { 0 };

	memset(ret, 0, sizeof(*ret));
	buf_printf(&request,
		   "GET /api/v1/tail%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n", query,
		   s->token);
	if (last_id)
		buf_printf(&request, "Last-Event-ID: %s\r\n", last_id);
	buf_str(&request, "\r\n");
	ret->fd = served_connect(s);
	served_send(ret->fd, request.data, request.n);
	while (!got_has(&ret->raw, "\r\n\r\n"))
		assert_true(served_read(ret->fd, &ret->raw, 30000));
	assert_memory_equal(ret->raw.data, "HTTP/1.1 200", 12);
	assert_true(got_has(&ret->raw, "Content-Type: text/event-stream"));
	ret->raw_at = (size_t)((uint8_t *)memmem(ret->raw.data, ret->raw.n, "\r\n\r\n", 4) -
			       ret->raw.data) +
		      4;
	decode(ret);
	while (!got_has(&ret->got, ": rtsec\n"))
		assert_true(stream_read(ret, 30000));
	ret->at = (size_t)((uint8_t *)memmem(ret->got.data, ret->got.n, ": rtsec\n", 8) -
			   ret->got.data);
}

static void stream_close(struct stream *t)
{
	close(t->fd);
	buf_done(&t->raw);
	buf_done(&t->got);
}

/* The next line that begins with @field, without it; NULL when none comes within @ms. */
static const char *next_field(struct stream *t, const char *field, int ms)
{
	static char line[4096];

	for (;;) {
		char *from = (char *)t->got.data + t->at, *end;

		end = t->got.n > t->at ? memchr(from, '\n', t->got.n - t->at) : NULL;
		if (!end) {
			if (!stream_read(t, ms))
				return NULL;
			continue;
		}
		t->at += (size_t)(end - from) + 1;
		if (strncmp(from, field, strlen(field)) != 0)
			continue;
		from += strlen(field);
		snprintf(line, sizeof(line), "%.*s", (int)(end - from), from);
		return line;
	}
}

/* The next hit must be event @seq of node @node. */
static void expect_hit(struct stream *t, const char *node, uint64_t seq)
{
	const char *data;
	json_t *doc;
	json_error_t e;

	data = next_field(t, "id: ", 30000);
	assert_non_null(data);
	snprintf(t->last_id, sizeof(t->last_id), "%s", data);
	assert_string_equal(next_field(t, "event: ", 30000), "hit");
	data = next_field(t, "data: ", 30000);
	assert_non_null(data);
	doc = json_loads(data, 0, &e);
	if (!doc)
		fail_msg("%s in %s", e.text, data);
	assert_string_equal(text_at(doc, "host.id"), node);
	assert_int_equal(json_integer_value(json_at(doc, "event.sequence")), seq);
	json_decref(doc);
}

#define FIELDS "fields=host.id,event.sequence"

static void put(struct served *s, uint64_t first_seq, uint32_t n, const char *word)
{
	served_put(s, &(struct fixture_batch){ .first_seq = first_seq,
					       .n = n,
					       .word = word,
					       .time_ns = timestamp_now(),
					       .step_ns = 1 });
}

static void test_tail_given_batches_when_open_then_hits_in_order(void **state)
{
	struct served *s = *state;
	struct stream t;

	put(s, 1, 5, "before"); /* not shown: it was there */
	stream_open(s, &t, "?" FIELDS, NULL);
	put(s, 6, 5, "live");
	put(s, 11, 5, "live");
	for (uint64_t seq = 6; seq <= 15; seq++)
		expect_hit(&t, "n1", seq);
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

static void test_tail_given_query_and_node_when_open_then_only_those(void **state)
{
	struct served *s = *state;
	struct stream t;

	stream_open(s, &t, "?" FIELDS "&node=n2&q=process.name+%3D%3D+%22yes%22", NULL);
	put(s, 1, 3, "yes");
	served_put(s, &(struct fixture_batch){ .node = "n2",
					       .first_seq = 1,
					       .n = 3,
					       .word = "no",
					       .time_ns = timestamp_now() });
	served_put(s, &(struct fixture_batch){ .node = "n2",
					       .first_seq = 4,
					       .n = 2,
					       .word = "yes",
					       .time_ns = timestamp_now() });
	expect_hit(&t, "n2", 4);
	expect_hit(&t, "n2", 5);
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

static void test_tail_given_id_when_resumed_then_no_hole_and_no_double(void **state)
{
	struct served *s = *state;
	struct stream t;
	char id[64];

	stream_open(s, &t, "?" FIELDS, NULL);
	put(s, 1, 10, "a");
	for (uint64_t seq = 1; seq <= 4; seq++)
		expect_hit(&t, "n1", seq);
	snprintf(id, sizeof(id), "%s", t.last_id); /* in the middle of a batch */
	stream_close(&t);
	put(s, 11, 10, "a");
	/* older by its events, newer by its arrival */
	served_put(s, &(struct fixture_batch){ .node = "n2",
					       .first_seq = 1,
					       .n = 2,
					       .time_ns = s->base_ns - 2 * fixture_day_ns });
	put(s, 21, 5, "a");
	stream_open(s, &t, "?" FIELDS, id);
	for (uint64_t seq = 5; seq <= 20; seq++)
		expect_hit(&t, "n1", seq);
	expect_hit(&t, "n2", 1);
	expect_hit(&t, "n2", 2);
	for (uint64_t seq = 21; seq <= 25; seq++)
		expect_hit(&t, "n1", seq);
	put(s, 26, 3, "a"); /* and live from there on */
	for (uint64_t seq = 26; seq <= 28; seq++)
		expect_hit(&t, "n1", seq);
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

static void test_tail_given_batches_merged_meanwhile_when_resumed_then_no_hole_and_no_double(
	void **state)
{
	static const struct merge_limits at_once = {
		.small_events = 100, .target_events = 1000, .least_blocks = 2, .sweep_ns = 1
	};
	struct served *s = *state;
	struct merge_counters counters;
	AUTO(merger) *m = NULL;
	struct stream t;
	char id[64];

	stream_open(s, &t, "?" FIELDS, NULL);
	for (uint64_t seq = 1; seq <= 91; seq += 10)
		put(s, seq, 10, "a");
	for (uint64_t seq = 1; seq <= 34; seq++)
		expect_hit(&t, "n1", seq);
	snprintf(id, sizeof(id), "%s", t.last_id); /* in the middle of the fourth batch */
	stream_close(&t);
	assert_int_equal(merger_new(&m, s->store, &at_once), 0);
	while (merger_step(m, timestamp_now() + fixture_day_ns, UINT64_MAX) == MERGE_E_MORE)
		;
	merger_counters(m, &counters);
	assert_int_equal(counters.blocks, 10);
	put(s, 101, 5, "a");
	stream_open(s, &t, "?" FIELDS, id);
	for (uint64_t seq = 35; seq <= 105; seq++)
		expect_hit(&t, "n1", seq);
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

/* More than one piece of replay, while batches come in. */
static void test_tail_given_flood_when_resumed_then_every_event_once(void **state)
{
	struct served *s = *state;
	struct stream t;
	char id[64];
	uint64_t seq = 1, made = 0;

	snprintf(id, sizeof(id), "%llu", (unsigned long long)s->base_ns);
	for (; made < 20000; made += 500)
		put(s, made + 1, 500, "a");
	stream_open(s, &t, "?" FIELDS, id);
	for (; made < 24000; made += 100) {
		put(s, made + 1, 100, "a");
		for (int i = 0; i < 300; i++)
			expect_hit(&t, "n1", seq++);
	}
	while (seq <= made)
		expect_hit(&t, "n1", seq++);
	put(s, made + 1, 1, "a");
	expect_hit(&t, "n1", seq);
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

static void test_tail_given_client_that_does_not_read_when_flooded_then_dropped_told(void **state)
{
	struct served *s = *state;
	struct stream t;
	uint64_t made = 0, hits = 0, dropped = 0;

	stream_open(s, &t, "", NULL);
	for (; made < 40000; made += 2000) { /* some 20 MB of documents: no socket takes that */
		put(s, made + 1, 2000, "a-rather-long-word-for-the-path");
		poll(NULL, 0, 10);
	}
	while (hits + dropped < made) {
		const char *event = next_field(&t, "event: ", 3000);

		assert_non_null(event);
		if (strncmp(event, "dropped", 7) == 0)
			dropped += strtoull(next_field(&t, "data: {\"count\":", 3000), NULL, 10);
		else
			hits++;
		if (t.at > 1 << 20) { /* what was read is of no use any more */
			memmove(t.got.data, t.got.data + t.at, t.got.n - t.at);
			t.got.n -= t.at;
			t.at = 0;
		}
	}
	assert_true(hits > 0);
	assert_true(dropped > 0);
	assert_int_equal(hits + dropped, made);
	put(s, made + 1, 1, "a");
	assert_string_equal(next_field(&t, "event: ", 3000), "hit");
	stream_close(&t);
}

static void test_tail_given_nothing_when_ten_seconds_pass_then_keep_alive(void **state)
{
	struct served *s = *state;
	struct stream t;

	stream_open(s, &t, "?q=process.name+%3D%3D+%22none%22", NULL);
	put(s, 1, 1, "other");
	/* it names the batch that held no hit, so that a client need not go back before it */
	assert_non_null(next_field(&t, "id: ", 130000));
	assert_non_null(next_field(&t, ": keep-alive", 1000));
	stream_close(&t);
}

static void test_tail_given_no_hit_yet_when_lost_then_comes_back_to_where_it_began(void **state)
{
	struct served *s = *state;
	struct stream t;
	char place[64];
	const char *id;

	put(s, 1, 3, "before");
	stream_open(s, &t, "?" FIELDS, NULL);
	t.at = 0;
	id = next_field(&t, "id: ", 30000);
	assert_non_null(id);
	snprintf(place, sizeof(place), "%s", id);
	stream_close(&t);
	put(s, 4, 2, "while away");
	stream_open(s, &t, "?" FIELDS, place);
	expect_hit(&t, "n1", 4);
	expect_hit(&t, "n1", 5);
	stream_close(&t);
}

/* Over restarts of the whole collector, each while the client has read a part of what there was,
 * events of before, of meanwhile and live: each comes once, in order. */
static void test_tail_given_restarts_when_resumed_then_no_hole_and_no_double(void **state)
{
	struct served *s = *state;
	uint64_t put_to = 0, seen_to = 0;
	struct stream t;
	char id[64];

	stream_open(s, &t, "?" FIELDS, NULL);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t k = 0; k < 3; k++, put_to += 10)
			put(s, put_to + 1, 10, "a");
		for (uint32_t k = 0; k < 7 + 8 * round; k++)
			expect_hit(&t, "n1", ++seen_to);
		snprintf(id, sizeof(id), "%s", t.last_id); /* in the middle of a batch, mostly */
		served_stop(s);
		stream_close(&t);
		served_start(s);
		put(s, put_to + 1, 10, "a"); /* before it comes back */
		put_to += 10;
		stream_open(s, &t, "?" FIELDS, id);
		put(s, put_to + 1, 10, "a");
		put_to += 10;
		while (seen_to + 9 < put_to)
			expect_hit(&t, "n1", ++seen_to);
	}
	while (seen_to < put_to)
		expect_hit(&t, "n1", ++seen_to);
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

/* Who was let in is turned out when his token is, not when he comes again. */
static void test_tail_given_token_revoked_when_open_then_it_ends(void **state)
{
	static const char end[] = "\r\n0\r\n\r\n"; /* of the chunks */
	struct served *s = *state;
	struct token token;
	struct stream t;

	stream_open(s, &t, "?" FIELDS, NULL);
	put(s, 1, 1, "a");
	expect_hit(&t, "n1", 1);
	assert_true(
		maindb_token_find(s->maindb, s->token, strlen(s->token), timestamp_now(), &token));
	assert_int_equal(maindb_token_revoke(s->maindb, token.id, timestamp_now()), 0);
	while (!got_has(&t.raw, end))
		assert_true(stream_read(&t, 30000));
	put(s, 2, 1, "a");
	assert_null(next_field(&t, "id: ", 300));
	stream_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_tail_given_batches_when_open_then_hits_in_order),
		SERVED(test_tail_given_query_and_node_when_open_then_only_those),
		SERVED(test_tail_given_id_when_resumed_then_no_hole_and_no_double),
		SERVED(test_tail_given_restarts_when_resumed_then_no_hole_and_no_double),
		SERVED(test_tail_given_batches_merged_meanwhile_when_resumed_then_no_hole_and_no_double),
		SERVED(test_tail_given_flood_when_resumed_then_every_event_once),
		SERVED(test_tail_given_client_that_does_not_read_when_flooded_then_dropped_told),
		SERVED(test_tail_given_no_hit_yet_when_lost_then_comes_back_to_where_it_began),
		SERVED(test_tail_given_token_revoked_when_open_then_it_ends),
		SERVED(test_tail_given_nothing_when_ten_seconds_pass_then_keep_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
