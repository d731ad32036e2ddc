/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the examples of docs/query.md: what stands behind the last "// " is what must come out. */
#include "query_fixture.h"

#include "lib/sequence.h"

static char *read_doc(void)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(TEST_SOURCE_DIR "/docs/query.md", "rb");

	assert_non_null(text);
	assert_non_null(f);
	assert_in_range(fread(text, 1, (1 << 20) - 1, f), 1000, 1 << 20);
	fclose(f);
	return text;
}

static uint32_t numbers(const char *s)
{
	uint32_t bits = 0;
	char *end;

	if (strcmp(s, "none") == 0)
		return 0;
	for (; *s; s = end) {
		unsigned long n = strtoul(s, &end, 10);

		if (end == s)
			fail_msg("expected numbers, not '%s'", s);
		bits |= BIT(n);
	}
	return bits;
}

static void expect_error(const char *query, const char *message)
{
	AUTO(pipe) *p = NULL;
	struct diag d = { 0 };
	char text[700];

	assert_int_equal(pipe_parse(&p, query, strlen(query), &d), -EINVAL);
	assert_string_equal(diag_format(&d, text, sizeof(text)), message);
}

/* The newest or oldest of events; a later one has a larger number. */
static uint32_t cut(uint32_t hits, const struct pipe *p)
{
	uint32_t kept = 0;

	for (uint64_t n = 0; n < p->n && hits; n++) {
		uint32_t one = p->is_tail ? hits & -hits : BIT(31 - __builtin_clz(hits));

		kept |= one;
		hits &= ~one;
	}
	return p->n ? kept : hits;
}

/* "(2 5) (3 - 6)" */
static int on_match(const struct sequence_match *m, void *arg)
{
	struct buf *out = arg;

	buf_str(out, out->n ? " (" : "(");
	for (uint32_t i = 0; i < m->n_events; i++) {
		buf_str(out, i ? " " : "");
		if (m->events[i].missing)
			buf_str(out, "-");
		else
			buf_printf(out, "%u", (unsigned)m->events[i].seq);
	}
	buf_str(out, ")");
	return 0;
}

static void expect_series(struct fixture *f, const struct eql_statement *st, const char *wanted)
{
	AUTO_BUF struct buf out = { 0 };
	const struct sequence_config config = {
		.statement = st, .to_ns = UINT64_MAX, .match = on_match, .arg = &out
	};
	AUTO(sequence) *s = NULL;

	assert_int_equal(sequence_new(&s, &config), 0);
	assert_int_equal(sequence_block(s, f->scratch, f->block, 1), 0);
	assert_int_equal(sequence_finish(s), 0);
	if (out.n == 0)
		buf_str(&out, "none");
	buf_byte(&out, 0);
	assert_string_equal((char *)out.data, wanted);
}

static void expect(struct fixture *f, const char *query, const char *wanted)
{
	AUTO_BUF struct buf table = { 0 };
	AUTO(pipe) *p = NULL;
	struct diag d = { 0 };
	uint32_t hits;

	if (pipe_parse(&p, query, strlen(query), &d) < 0)
		fail_msg("%s\n%u:%u: %s", query, d.line, d.column, d.text);
	if (p->is_table) {
		fixture_table(f, p, &table);
		assert_string_equal((char *)table.data, wanted);
		return;
	}
	if (p->series) {
		expect_series(f, p->series, wanted);
		return;
	}
	hits = cut(fixture_eval(f, p->expr), p);
	if (hits != numbers(wanted))
		fail_msg("hits are %x, not %x: %s", hits, numbers(wanted), query);
}

static void run_example(struct fixture *f, const char *query)
{
	const char *comment = NULL, *next = query;

	while ((next = strstr(next, "// ")))
		comment = next++;
	if (!comment)
		fail_msg("an example without its hits: %s", query);
	comment += 3;
	if (strncmp(comment, "error ", 6) == 0)
		expect_error(query, comment + 6);
	else
		expect(f, query, comment);
}

/* A query ends at an empty line or at the end of its fence. */
static int run_fence(struct fixture *f, char *text)
{
	int n = 0;

	for (char *end; *text; text = end) {
		end = strstr(text, "\n\n");
		if (end) {
			*end = '\0';
			end += 2;
		} else {
			end = text + strlen(text);
			if (end > text && end[-1] == '\n')
				end[-1] = '\0';
		}
		run_example(f, text);
		n++;
	}
	return n;
}

static void test_query_doc_given_its_events_when_examples_run_then_hits_as_told(void **state)
{
	AUTO_MEM char *doc = read_doc();
	int n = 0;

	for (char *at = doc; (at = strstr(at, "```eql\n"));) {
		char *from = at + 7, *end = strstr(from, "```");

		assert_non_null(end);
		*end = '\0';
		n += run_fence(*state, from);
		at = end + 3;
	}
	assert_in_range(n, 50, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_query_doc_given_its_events_when_examples_run_then_hits_as_told),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
