/* SPDX-License-Identifier: Apache-2.0 */
/* Long questions: lines of progress on the one request, and their end when the client goes. */
#include "tests/collector/served.h"

enum { ROUND_BLOCKS = 10000, ROUNDS = 6 };

/* Blocks of one event each, in one commit. */
static void put_blocks(struct served *s, uint64_t first, uint32_t n)
{
	AUTO_BUF struct buf frame = { 0 };
	struct diag d = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		buf_clear(&frame);
		fixture_frame(&(struct fixture_batch){ .node = "n1",
						       .boot = 1,
						       .first_seq = first + i,
						       .n = 1,
						       .time_ns = s->base_ns + first + i },
			      &frame);
		assert_int_equal(block_load(s->block, frame.data, frame.n, &d), 0);
		assert_int_equal(store_append(s->store, s->block, frame.data, frame.n,
					      store_arrival(s->store, timestamp_now())),
				 0);
	}
	assert_int_equal(store_commit(s->store), 0);
}

/* All lines of an answer: those of progress, then the answer, which is the caller's. */
static json_t *last_line(const struct answer *a)
{
	const char *at = a->body, *end = a->body + a->n_body;
	json_t *answer = NULL;

	assert_non_null(strstr(a->headers, "application/x-ndjson"));
	while (at < end) {
		json_t *line = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);

		assert_non_null(line);
		assert_null(answer); /* nothing comes behind it */
		if (json_object_get(line, "progress"))
			assert_true(json_integer_value(json_at(line, "progress.blocks")) <=
				    json_integer_value(json_at(line, "progress.of")));
		else
			answer = json_incref(json_object_get(line, "answer"));
		json_decref(line);
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
	}
	assert_non_null(answer);
	return answer;
}

/* The body of a chunked answer: a chunk's size stands before each, on a line of its own. */
static void unchunk(struct answer *a)
{
	char *to = (char *)(uintptr_t)a->body, *from = to, *end = to + a->n_body;

	if (!strcasestr(a->headers, "Transfer-Encoding: chunked"))
		return;
	a->n_body = 0;
	while (from < end) {
		size_t n = strtoul(from, &from, 16);

		from += 2;
		if (n == 0)
			break;
		memmove(to + a->n_body, from, n);
		a->n_body += n;
		from += n + 2;
	}
}

static json_t *ask_lines(struct served *s, const char *line)
{
	struct answer a;
	json_t *answer;

	served_ask(s, line, NULL, &a);
	assert_int_equal(a.status, 200);
	unchunk(&a);
	answer = last_line(&a);
	answer_done(&a);
	return answer;
}

static void test_progress_given_questions_when_asked_for_then_the_last_line_is_the_answer(
	void **state)
{
	struct served *s = *state;
	json_t *doc;

	put_blocks(s, 1, 40);
	doc = ask_lines(s, "GET /api/v1/search?progress=true&limit=7");
	assert_int_equal(json_array_size(json_object_get(doc, "hits")), 7);
	assert_true(json_is_string(json_object_get(doc, "cursor")));
	json_decref(doc);
	doc = ask_lines(s, "GET /api/v1/search?progress=true&q=%7C%20stats%20count");
	assert_int_equal(json_array_size(json_object_get(doc, "rows")), 1);
	json_decref(doc);
	doc = ask_lines(s, "GET /api/v1/count?progress=true");
	assert_int_equal(json_integer_value(json_object_get(doc, "count")), 40);
	json_decref(doc);
	doc = ask_lines(s, "GET /api/v1/hits?progress=true&buckets=5");
	assert_non_null(json_object_get(doc, "buckets"));
	json_decref(doc);
	doc = ask_lines(s, "GET /api/v1/facets?progress=true&field=host.name");
	assert_int_equal(json_integer_value(json_object_get(doc, "total")), 40);
	json_decref(doc);
}

static void test_progress_given_mistakes_when_asked_then_plain_problems(void **state)
{
	struct served *s = *state;

	json_decref(served_json(s, "/api/v1/search?progress=perhaps", 400));
	json_decref(served_json(s, "/api/v1/search?progress=true&q=process.nme%20%3D%3D%201", 400));
	json_decref(served_json(s, "/api/v1/count?progress=false", 200));
}

/* ---- closing ---- */

#define PART "child%20of%20%5Bany%20where%20process.pid%20%3D%3D%201%5D"
#define OR   "%20or%20"
#define LONG PART OR PART OR PART OR PART OR PART OR PART OR PART OR PART

static uint64_t metric(struct served *s, const char *name)
{
	struct answer a;
	const char *at;
	uint64_t v;

	served_ask(s, "GET /metrics", NULL, &a);
	at = strstr(a.body, name);
	assert_non_null(at);
	v = strtoull(at + strlen(name), NULL, 10);
	answer_done(&a);
	return v;
}

/* Reads until a line says that some blocks were looked at, and not all.  False: the answer came
 * before. */
static bool is_under_way(int fd)
{
	AUTO_BUF struct buf got = { 0 };
	const char *at = NULL;
	bool under_way = false;

	while (!under_way && !got_has(&got, "\"answer\"") && served_read(fd, &got, 30000)) {
		buf_byte(&got, 0);
		at = (const char *)got.data;
		while ((at = strstr(at, "\"blocks\":")) && !under_way) {
			at += strlen("\"blocks\":");
			under_way = strtoull(at, NULL, 10) > 0;
		}
		got.n--;
	}
	return under_way && !got_has(&got, "\"answer\"");
}

static void test_progress_given_long_question_when_client_goes_then_it_ends(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf text = { 0 };
	uint64_t round = 0;

	buf_str(&text, "GET /api/v1/count?progress=true&q=" LONG " HTTP/1.1\r\nHost: x\r\n");
	buf_printf(&text, "Authorization: Bearer %s\r\n\r\n", s->token);
	/* on a fast machine it takes more until somebody can go before the end */
	while (metric(s, "\nrtsec_http_cancelled_total ") == 0) {
		int fd;

		assert_true(round < ROUNDS);
		put_blocks(s, 1 + round++ * ROUND_BLOCKS, ROUND_BLOCKS);
		fd = served_connect(s);
		served_send(fd, text.data, text.n);
		(void)!is_under_way(fd);
		close(fd);
		while (metric(s, "\nrtsec_http_jobs ") > 0)
			poll(NULL, 0, 20); /* more slowly than the limit of requests */
	}
	json_decref(served_json(s, "/api/v1/count?node=n1&limit=1", 400)); /* it serves on */
	json_decref(served_json(s, "/api/v1/count?node=none", 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_progress_given_questions_when_asked_for_then_the_last_line_is_the_answer),
		SERVED(test_progress_given_mistakes_when_asked_then_plain_problems),
		SERVED(test_progress_given_long_question_when_client_goes_then_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
