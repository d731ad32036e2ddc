/* SPDX-License-Identifier: Apache-2.0 */
/* Plans from text, their mistakes, and the bounds of running them. */
#include "tests/lib/query_fixture.h"

#include "lib/limits.h"

static struct pipe *parse(const char *text)
{
	struct pipe *p = NULL;
	struct diag d = { 0 };

	if (pipe_parse(&p, text, strlen(text), &d) < 0)
		fail_msg("%s\n%u:%u: %s", text, d.line, d.column, d.text);
	return p;
}

static void expect_error(const char *text, uint32_t column, const char *part)
{
	AUTO(pipe) *p = NULL;
	struct diag d = { 0 };

	assert_int_equal(pipe_parse(&p, text, strlen(text), &d), -EINVAL);
	if (d.line != 1 || d.column != column || !strstr(d.text, part))
		fail_msg("%s\n%u:%u: %s, not %u: %s", text, d.line, d.column, d.text, column, part);
	assert_null(p);
}

static void test_pipe_given_stats_when_parsed_then_columns_in_order(void **state)
{
	AUTO(pipe) *p = parse("process where true | stats n=count(), COUNT_DISTINCT(user.name), "
			      "min(@timestamp) by `process.name`, t = bucket(@timestamp, 1h30m), "
			      "bucket(process.start, 5m) | sort t, -n, min(@timestamp) asc "
			      "| head 7 | keep n, process.name");
	static const char *const names[] = { "process.name",
					     "t",
					     "bucket(process.start, 5m)",
					     "n",
					     "count_distinct(user.name)",
					     "min(@timestamp)" };

	(void)state;
	assert_true(p->is_table);
	assert_int_equal(p->n_keys, 3);
	assert_int_equal(p->n_columns, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(p->columns[i].name, names[i]);
	assert_int_equal(p->columns[1].bucket_ns, UINT64_C(5400000000000));
	assert_int_equal(p->n_steps, 2);
	assert_int_equal(p->steps[0].n_sort, 3);
	assert_true(p->steps[0].sort[1].descending && !p->steps[0].sort[2].descending);
	assert_int_equal(p->steps[1].n, 7);
	assert_int_equal(p->n_shown, 2);
	assert_int_equal(p->shown[0], 3);
	assert_int_equal(p->shown[1], 0);
}

/* No pipe but where, keep and drop. */
static bool is_filter(const struct pipe *p)
{
	return !p->is_table && !p->series && p->n == 0 && !pipe_is_ranked(p);
}

static void test_pipe_given_events_when_parsed_then_fields_and_number(void **state)
{
	AUTO(pipe) *p = parse("a | keep process.parent.*, file.path | drop process.parent.user");
	AUTO(pipe) *head = parse("| HEAD 5 | Limit 3");
	AUTO(pipe) *nothing = parse("");

	(void)state;
	assert_true(is_filter(p));
	assert_non_null(strstr(p->fields, "process.parent.command_line"));
	assert_non_null(strstr(p->fields, "file.path"));
	assert_null(strstr(p->fields, "process.parent.user"));
	assert_null(strstr(p->fields, "process.session_leader"));
	assert_int_equal(strlen(p->fields), p->n_fields);
	assert_int_equal(head->n, 3);
	assert_false(is_filter(head));
	assert_true(is_filter(nothing) && nothing->expr && !nothing->fields);
}

static void test_pipe_given_mistakes_when_parsed_then_position_and_reason(void **state)
{
	(void)state;
	expect_error("a |", 4, "expected a pipe such as stats after '|'");
	expect_error("a | | b", 5, "expected a pipe such as stats");
	expect_error("a || stats count", 3, "expected 'or' instead of '||'");
	expect_error("a | fork", 5, "unknown pipe 'fork'");
	expect_error("a | stats", 10, "expected a function");
	expect_error("a | stats count foo", 17, "expected ',', 'by', '|' or the end");
	expect_error("a | stats count() as n", 19, "expected ',', 'by', '|' or the end");
	expect_error("a | stats min by b", 15, "expected '(' and a field");
	expect_error("a | stats min()", 15, "expected a field");
	expect_error("a | stats min(process.args[0])", 15, "without [n]");
	expect_error("a | stats min(?x.y)", 15, "no event has this field");
	expect_error("a | stats avg(@timestamp)", 15, "expected a number");
	expect_error("a | stats cout(process.pid)", 11, "did you mean count?");
	expect_error("a | stats 1x = count", 11, "expected a name");
	expect_error("a | stats count, count", 18, "two columns are called 'count'");
	expect_error("a | stats count by", 19, "expected a field");
	expect_error("a | stats count by bucket(process.pid, 5m)", 27, "expected a time");
	expect_error("a | stats count by bucket(@timestamp, 5)", 39, "expected a length of time");
	expect_error("a | stats count by bucket(@timestamp)", 37, "expected ','");
	expect_error("a | stats count by process.args, file.open.flags", 34, "only one list");
	expect_error("a | stats count | sort values(file.path)", 24, "unknown column");
	expect_error("a | stats values(file.path) | sort values(file.path)", 36, "is a list");
	expect_error("a | stats count | drop count", 24, "no column would be left");
	expect_error("a | stats count | keep count, count", 31, "unknown column 'count'");
	expect_error("a | stats count | stats count", 25, "stats cannot follow stats");
	expect_error("a | stats count | where count > \"x\"", 33, "count is a long: expected a number");
	expect_error("a | stats count | where cnt > 1", 25, "unknown column 'cnt'");
	expect_error("a | stats avg(process.pid) | where avg(process.pid) : 1", 55, "expected ==");
	expect_error("a | stats values(process.pid) | where values(process.pid) == 1", 39,
		     "a column of values() cannot be asked");
	expect_error("a | stats count | where (count > 1", 35, "expected 'and', 'or' or ')'");
	expect_error("a | sort process.name | where b", 31, "where cannot follow sort");
	expect_error("a | uniq process.args", 10, "expected a field of one value");
	expect_error("a | sort process.args", 10, "expected a field of one value");
	expect_error("a | uniq host.id | uniq host.id", 25, "uniq cannot follow uniq");
	expect_error("a | head 5 | sort host.id", 19, "sort cannot follow head");
	expect_error("a | top 0 process.name", 9, "at least 1");
	expect_error("a | head 1234567890", 10, "at most 9 digits");
	expect_error("a | head 5 x", 12, "expected '|' or the end");
	expect_error("a | head 5 | tail 3", 19, "tail cannot follow head");
	expect_error("a | head 5 | where b", 20, "where cannot follow head");
	expect_error("a | keep process.nme", 10, "did you mean process.name?");
	expect_error("a | keep", 9, "expected a field");
	expect_error("a | where", 10, "instead of the end of the query");
	expect_error("a | where process.pid = 4", 23, "expected '==' or ':'");
}

/* ---- bounds ---- */

/* @n opens of different files. */
static void many(struct fixture *f, struct block *b, uint32_t n, uint64_t from)
{
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct diag d;

	assert_int_equal(frame_codec_new(&codec), 0);
	for (uint32_t i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/srv/data/%llu", (unsigned long long)(from + i));
		batch_event(f->batch, KIND_OPEN, from + i, 1000 + i);
		fixture_str(f, KIND_OPEN, FIELD_FILE_PATH, path);
	}
	assert_int_equal(batch_seal(f->batch, codec, NULL, from + n, 1, &frame), 0);
	assert_int_equal(block_load(b, frame.data, frame.n, &d), 0);
}

static struct pipe_table_info run_many(struct fixture *f, const struct pipe *p, size_t memory,
				       struct buf *ret_first)
{
	const struct pipe_run_config config = { .pipe = p,
						.to_ns = UINT64_MAX,
						.memory_bytes = memory };
	struct pipe_table_info info;
	AUTO(pipe_run) *run = NULL;
	AUTO(block) *b = NULL;
	struct json j = json_to(ret_first);

	assert_int_equal(block_new(&b), 0);
	assert_int_equal(pipe_run_new(&run, &config), 0);
	for (uint64_t i = 0; i < 10; i++) {
		many(f, b, 5000, 1 + i * 5000);
		assert_int_equal(pipe_run_block(run, f->scratch, b), 0);
	}
	assert_int_equal(pipe_run_finish(run), 0);
	pipe_run_info(run, &info);
	if (info.n_rows)
		pipe_write_row(run, 0, &j);
	buf_byte(ret_first, 0);
	return info;
}

static void test_pipe_given_too_many_groups_when_run_then_bounded_and_told(void **state)
{
	AUTO(pipe) *p = parse("| stats count by file.path | sort -count");
	AUTO(pipe) *head = parse("| stats count by file.path | head 3");
	AUTO_BUF struct buf first = { 0 };
	struct pipe_table_info info = run_many(*state, p, 1 << 20, &first);

	assert_true(info.truncated);
	assert_in_range(info.n_left_out, 30000, 49000);
	assert_in_range(info.n_rows, 1000, 10000);
	buf_clear(&first);
	info = run_many(*state, p, 0, &first);
	assert_true(info.truncated); /* 50,000 rows */
	assert_int_equal(info.n_left_out, 0);
	assert_int_equal(info.n_rows, PIPE_ROWS);
	buf_clear(&first);
	info = run_many(*state, head, 0, &first);
	assert_false(info.truncated);
	assert_int_equal(info.n_rows, 3);
	assert_string_equal((char *)first.data, "[\"/srv/data/1\",1]");
}

static void test_pipe_given_many_values_when_run_then_bounded_and_told(void **state)
{
	AUTO(pipe) *distinct = parse("| stats count_distinct(file.path)");
	AUTO(pipe) *values = parse("| stats values(file.path)");
	AUTO_BUF struct buf first = { 0 };
	struct pipe_table_info info = run_many(*state, distinct, 0, &first);

	assert_false(info.truncated);
	assert_string_equal((char *)first.data, "[50000]");
	buf_clear(&first);
	info = run_many(*state, distinct, 1 << 20, &first);
	assert_true(info.truncated);
	assert_int_equal(info.n_left_out, 0);
	buf_clear(&first);
	info = run_many(*state, values, 0, &first);
	assert_true(info.truncated);
	assert_int_equal(info.n_rows, 1);
}

static void test_pipe_given_no_memory_when_run_then_nothing_is_grouped(void **state)
{
	AUTO(pipe) *p = parse("| top file.path");
	AUTO_BUF struct buf first = { 0 };
	struct pipe_table_info info = run_many(*state, p, 1, &first);

	assert_true(info.truncated);
	assert_int_equal(info.n_rows, 0);
	assert_int_equal(info.n_left_out, 50000);
}

static void test_pipe_given_long_text_when_parsed_then_refused(void **state)
{
	static char text[LIMIT_QUERY_BYTES + 2];
	AUTO(pipe) *p = NULL;
	struct diag d = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_int_equal(pipe_parse(&p, text, sizeof(text) - 1, &d), -EINVAL);
	assert_non_null(strstr(d.text, "too long"));
}

static void test_pipe_given_too_many_pipes_when_parsed_then_refused(void **state)
{
	AUTO_BUF struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < PIPE_PIPES; i++)
		buf_str(&text, "| keep file ");
	buf_byte(&text, 0);
	pipe_free(parse((char *)text.data));
	text.n--;
	buf_str(&text, "| keep file");
	buf_byte(&text, 0);
	expect_error((char *)text.data, PIPE_PIPES * 12 + 1, "too many pipes: at most 64");
}

static void test_pipe_given_word_lists_when_parsed_then_known(void **state)
{
	(void)state;
	for (size_t i = 0; pipe_commands()[i]; i++) {
		char text[64];
		AUTO(pipe) *p = NULL;
		struct diag d = { 0 };

		snprintf(text, sizeof(text), "| %s", pipe_commands()[i]);
		if (pipe_parse(&p, text, strlen(text), &d) < 0)
			assert_null(strstr(d.text, "unknown"));
	}
	for (size_t i = 0; pipe_functions()[i]; i++) {
		char text[64];

		snprintf(text, sizeof(text), "| stats %s(process.pid)", pipe_functions()[i]);
		pipe_free(parse(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_given_stats_when_parsed_then_columns_in_order),
		cmocka_unit_test(test_pipe_given_events_when_parsed_then_fields_and_number),
		cmocka_unit_test(test_pipe_given_mistakes_when_parsed_then_position_and_reason),
		cmocka_unit_test(test_pipe_given_long_text_when_parsed_then_refused),
		cmocka_unit_test(test_pipe_given_too_many_pipes_when_parsed_then_refused),
		cmocka_unit_test(test_pipe_given_word_lists_when_parsed_then_known),
		cmocka_unit_test(test_pipe_given_too_many_groups_when_run_then_bounded_and_told),
		cmocka_unit_test(test_pipe_given_many_values_when_run_then_bounded_and_told),
		cmocka_unit_test(test_pipe_given_no_memory_when_run_then_nothing_is_grouped),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
