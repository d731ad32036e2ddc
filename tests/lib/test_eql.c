/* SPDX-License-Identifier: Apache-2.0 */
#include "query_fixture.h"

#include "lib/limits.h"

static void expect(const char *query, const char *printed)
{
	AUTO(expr) *e = NULL;
	AUTO_BUF struct buf out = { 0 };
	struct diag d = { 0 };

	if (eql_parse(&e, query, strlen(query), &d) < 0)
		fail_msg("%s\n%u:%u: %s", query, d.line, d.column, d.text);
	expr_print(e, &out);
	buf_byte(&out, 0);
	assert_string_equal((char *)out.data, printed);
}

static void expect_error(const char *query, const char *message)
{
	AUTO(expr) *e = NULL;
	struct diag d = { 0 };
	char text[700];

	assert_int_equal(eql_parse(&e, query, strlen(query), &d), -EINVAL);
	assert_null(e);
	assert_string_equal(diag_format(&d, text, sizeof(text)), message);
}

static void test_eql_given_logic_when_parsed_then_binding_as_in_eql(void **state)
{
	(void)state;
	expect("", "true");
	expect(" \n\t // nothing\n /* at all */ ", "true");
	expect("true or false and not null", "true or (false and not null)");
	expect("(true or false) and not (null and true)",
	       "(true or false) and not (null and true)");
	expect("true and (false and (null and true))", "true and false and null and true");
	expect("TRUE AND NOT(false)OR null", "(true and not false) or null");
	expect("not not true", "not not true");
	expect("process where true or false", "event.category == \"process\" and (true or false)");
	expect("any where true", "true");
	expect("\"my-cat\" where true", "event.category == \"my-cat\" and true");
}

static void test_eql_given_comparisons_when_parsed_then_each_operator(void **state)
{
	(void)state;
	expect("process.pid==-1", "process.pid == -1");
	expect("process.pid != 1.5", "process.pid != 1.5");
	expect("process.pid >= 1e3", "process.pid >= 1000.0");
	expect("process.name in (\"a\")", "process.name in (\"a\")");
	expect("process.name not in~ (\"a\", \"b\")", "not process.name in~ (\"a\", \"b\")");
	expect("process.name not like \"a*\"", "not process.name like \"a*\"");
	expect("process.name regex~ (\"a\", \"b\")", "process.name regex~ (\"a\", \"b\")");
	expect("process.name == null", "process.name == null");
	expect("null != process.name", "process.name != null");
	expect("\"x\" == process.name", "process.name == \"x\"");
	expect("5 < process.pid and 5 >= process.pid", "process.pid > 5 and process.pid <= 5");
	expect("true == file.path_truncated", "file.path_truncated == true");
	expect("file.path_truncated and not file.path_truncated",
	       "file.path_truncated == true and not file.path_truncated == true");
	expect("process.name == process.parent.name", "process.name == `process.parent.name`");
	expect("`process.name` : `message`", "process.name : `message`");
	expect("node == \"x\" or seq == 1", "host.name == \"x\" or event.sequence == 1");
	expect("process.pid > .5 and process.pid < 1. and process.pid != +2",
	       "process.pid > 0.5 and process.pid < 1.0 and process.pid != 2");
	expect("process.`name` == \"a\" and `process`.name == \"b\"",
	       "process.name == \"a\" and process.name == \"b\"");
	expect("process.`parent`.name == \"a\"", "process.parent.name == \"a\"");
}

static void test_eql_given_unquoted_values_when_after_colon_then_text_by_type(void **state)
{
	(void)state;
	expect("process.name: bash*", "process.name : \"bash*\"");
	expect("process.name :bash or true", "process.name : \"bash\" or true");
	expect("process.name: (a, b-c,\"d\")", "process.name : (\"a\", \"b-c\", \"d\")");
	expect("(process.name: a)", "process.name : \"a\"");
	expect("file.mode: 0644", "file.mode : \"0644\"");
	expect("process.pid: 5", "process.pid : 5");
	expect("process.pid: 5*", "process.pid : \"5*\"");
	expect("file.path_truncated: true", "file.path_truncated : true");
	expect("process.args: --x=y", "process.args : \"--x=y\"");
	expect("source.ip: fe80::1", "source.ip : \"fe80::1\"");
	expect("source.ip: 10.0.0.0/8", "source.ip : \"10.0.0.0/8\"");
	expect("process.name: true", "process.name : \"true\"");
	expect("process.name: null", "process.name == null");
	expect("process.name: /* c */ \"a\"", "process.name : \"a\"");
	expect("process.name: ?x", "process.name : \"?x\"");
	expect("process.name: message", "process.name : \"message\"");
	expect("process.name: process.parent.name", "process.name : `process.parent.name`");
}

static void test_eql_given_strings_when_parsed_then_escapes_resolved(void **state)
{
	(void)state;
	expect("\"a\\n\\r\\t\\\\\\\"\"", "\"a\\n\\r\\t\\\\\\\"\"");
	expect("\"\\u{20AC}\\u{0000e4}\\u{1f600}\\u{00}\"",
	       "\"\xe2\x82\xac\xc3\xa4\xf0\x9f\x98\x80\\u{00}\"");
	expect("\"\"\"a\\d\"b\"\"\"", "\"a\\\\d\\\"b\"");
	expect("\"\"\"a\"\"\"\"", "\"a\\\"\"");
	expect("\"\"", "\"\"");
	expect("\"a\\b\\f\\'\"", "\"a\\u{08}\\u{0c}'\"");
	expect("\"\xff\"", "\"\xff\"");
}

static void test_eql_given_functions_when_parsed_then_operators(void **state)
{
	(void)state;
	expect("cidrMatch(source.ip, \"10.0.0.0/8\", \"::1\")",
	       "cidrmatch(source.ip, \"10.0.0.0/8\", \"::1\")");
	expect("startswith~(process.name,\"a\")", "startsWith~(process.name, \"a\")");
	expect("endsWith(process.name, \"a\") == false", "not endsWith(process.name, \"a\")");
	expect("stringContains(process.name, \"a\") != true",
	       "not stringContains(process.name, \"a\")");
	expect("stringContains~(process.name, \"a\") == true",
	       "stringContains~(process.name, \"a\")");
	expect("wildcard(process.name, \"a*\", \"b\")", "process.name like (\"a*\", \"b\")");
	expect("match~(process.name, \"a+\")", "process.name regex~ \"a+\"");
	expect("arrayContains(process.args, \"a\", \"b\")", "process.args in (\"a\", \"b\")");
	expect("arrayContains~(process.args, \"a\")", "process.args in~ (\"a\")");
	expect("length(process.args) in (1, 2)", "length(process.args) in (1, 2)");
	expect("3 <= length(process.name)", "length(process.name) >= 3");
	expect("length(process.name) != null", "process.name != null");
}

static void test_eql_given_computed_values_when_parsed_then_functions(void **state)
{
	(void)state;
	expect("process.pid + 1 == 5", "add(process.pid, 1) == 5");
	expect("2 * (process.pid - 1) % 3 < -process.pid",
	       "modulo(multiply(2, subtract(process.pid, 1)), 3) < subtract(0, process.pid)");
	expect("hourOf(@timestamp) >= 22 or weekof(process.start) == 53",
	       "hourOf(@timestamp) >= 22 or weekOf(process.start) == 53");
	expect("process.pid - 1 - 2 == 0", "subtract(subtract(process.pid, 1), 2) == 0");
	expect("process.args_count+1 > 3", "add(process.args_count, 1) > 3");
	expect("(process.pid / 2) == 1 and (process.pid == 3)",
	       "divide(process.pid, 2) == 1 and process.pid == 3");
	expect("node-1 or 443/tcp or 10-5 or a+b",
	       "\"node-1\" or \"443/tcp\" or \"10-5\" or \"a+b\"");
	expect("length(process.name) > length(process.parent.name)",
	       "length(process.name) > length(process.parent.name)");
	expect("substring(process.name, 0, -1) not in (\"a\", \"b\")",
	       "not substring(process.name, 0, -1) in (\"a\", \"b\")");
	expect("cidrmatch(concat(source.ip, \"\"), \"10.0.0.0/8\") or "
	       "match~(string(process.pid), \"1+\")",
	       "cidrmatch(concat(source.ip, \"\"), \"10.0.0.0/8\") or string(process.pid) regex~ "
	       "\"1+\"");
	expect("concat(\"a\", ?x.y) == null or ?x == process.pid + 1",
	       "concat(\"a\", ?x.y) == null or ?x == add(process.pid, 1)");
	expect("process.args[0] == process.name", "process.args[0] == process.name");
	expect("5 == 5 or true == false", "5 == 5 or true == false");
	expect("startsWith~(process.name, process.parent.name) == true",
	       "startsWith~(process.name, process.parent.name) == true");
}

static void test_eql_given_kin_when_parsed_then_condition_inside(void **state)
{
	AUTO_BUF struct buf q = { 0 };
	struct expr *e = NULL;
	struct diag d;

	(void)state;
	expect("process where child of [process where true] and not descendant of [bash or event "
	       "of "
	       "[any where child of [a]]]",
	       "event.category == \"process\" and child of [event.category == \"process\" and "
	       "true] "
	       "and not descendant of [\"bash\" or event of [child of [\"a\"]]]");
	expect("child or event and descendant", "\"child\" or (\"event\" and \"descendant\")");
	expect_error("child of process", "1:10: expected '[' and a condition instead of 'process'");
	expect_error("child of [process where true",
		     "1:29: expected 'and', 'or' or ']' instead of the end of the query");
	for (int i = 0; i < LIMIT_QUERY_DEPTH; i++)
		buf_str(&q, "child of [");
	assert_int_equal(eql_parse(&e, (char *)q.data, q.n, &d), -EINVAL);
	assert_non_null(strstr(d.text, "too many of [..]"));
}

static void test_eql_given_optional_fields_when_unknown_then_always_null(void **state)
{
	(void)state;
	expect("?process.name == \"a\"", "process.name == \"a\"");
	expect("?x.y == \"a\"", "null");
	expect("?x.y == null", "true");
	expect("?x.y != null", "false");
	expect("?x.y : (\"a\", \"b\") or ?x.y in (1)", "null or null");
	expect("cidrmatch(?x.ip, \"10.0.0.0/8\")", "null");
	expect("length(?x) > 1", "null");
	expect("process.name == ?x.y", "null");
	expect("?`x.y` == \"a\" or ?x.`y-z` == 1 or ?`a``b` == null", "null or null or true");
	expect("?`process.name` == \"a\"", "process.name == \"a\"");
}

static void test_eql_given_bare_words_when_parsed_then_text(void **state)
{
	(void)state;
	expect("bash", "\"bash\"");
	expect("/etc/passwd or 10.0.0.1 or *.sh or -i or a-b or 443 or evil.com/x?y",
	       "\"/etc/passwd\" or \"10.0.0.1\" or \"*.sh\" or \"-i\" or \"a-b\" or \"443\" or "
	       "\"evil.com/x?y\"");
	expect("node and message", "\"node\" and \"message\"");
	expect("not \"a b\"", "not \"a b\"");
}

static void test_eql_given_mistakes_when_parsed_then_place_and_expectation(void **state)
{
	(void)state;
	expect_error("process where",
		     "1:14: expected a condition, such as process.name == \"bash\", "
		     "instead of the end of the query");
	expect_error("proces where true",
		     "1:1: unknown event category 'proces'; did you mean process?");
	expect_error("true and\n  process.nme == 1",
		     "2:3: unknown field 'process.nme'; did you mean process.name?");
	expect_error("name == \"x\"", "1:1: unknown field 'name'; did you mean process.name?");
	expect_error("zzzzzz == 1",
		     "1:1: unknown field 'zzzzzz'; ?zzzzzz allows fields that no event has");
	expect_error("process.name = \"x\"", "1:14: expected '==' or ':' instead of '='");
	expect_error("process.name == ",
		     "1:17: expected a value after '==' instead of the end of the query");
	expect_error("process.name == bash",
		     "1:17: expected a value after '=='; text needs quotes: \"bash\", not 'bash'");
	expect_error("process.name == (\"a\")",
		     "1:17: expected one value after '=='; lists stand after : in like regex");
	expect_error("process.name in \"a\"", "1:17: expected '(' and a list instead of '\"a\"'");
	expect_error("process.name in (\"a\" \"b\")",
		     "1:22: expected ',' or ')' in the list instead of '\"b\"'");
	expect_error("process.name in ()", "1:18: expected a value after 'in' instead of ')'");
	expect_error("process.pid in (1, 2, \"x\")",
		     "1:23: process.pid is a long: expected a number, not \"x\"");
	expect_error("process.name in (\"a\", null)",
		     "1:23: process.name is a keyword: expected a string, not null");
	expect_error("process.name",
		     "1:13: expected a comparison such as == after the field instead of "
		     "the end of the query");
	expect_error("(true", "1:6: expected 'and', 'or' or ')' instead of the end of the query");
	expect_error("true)", "1:5: this ')' closes nothing");
	expect_error("a && b", "1:3: expected 'and' instead of '&&'");
	expect_error("a || b", "1:3: expected 'or' instead of '||'");
	expect_error("process where true | head 5",
		     "1:20: no pipes are taken here: expected the end");
	expect_error("sequence [process where true] [true]",
		     "1:1: expected one condition, not a sequence or sample");
	expect_error("\"abc", "1:1: expected \" at the end of this string");
	expect_error("\"\"\"abc\"", "1:1: expected \"\"\" at the end of this string");
	expect_error(
		"/* abc",
		"1:1: expected */ at the end of this comment; a path that begins so needs quotes");
	expect_error("\"a\\qb\"", "1:3: expected one of \\b \\f \\n \\r \\t \\\\ \\\" \\u{...}; "
				  "\"\"\"...\"\"\" takes "
				  "backslashes as they are");
	expect_error("\"\\u{d800}\"", "1:2: this is not a Unicode character");
	expect_error("\"\\u{1}\"", "1:2: expected \\u{...} with 2 to 8 hex digits");
	expect_error("startWith(process.name, \"a\")",
		     "1:1: unknown function 'startWith'; did you mean startsWith?");
	expect_error("startsWith(process.name)",
		     "1:24: expected ',' and a value after the field instead of ')'");
	expect_error("cidrmatch(source.ip, \"10.0.0.0/8\", \"10.0.0.0/64\")",
		     "1:36: source.ip is an ip: expected an address or network such as "
		     "\"10.0.0.0/8\", not "
		     "\"10.0.0.0/64\"");
	expect_error("process.name regex \"(a\"", "1:20: the regular expression is broken at its "
						  "byte 3: missing closing parenthesis");
	expect_error("process.pid == 99999999999999999999", "1:16: this number is too large");
	expect_error(
		"process.pid < process.name",
		"1:15: process.pid (long) cannot be compared with process.name (keyword) this way");
	expect_error("process.name not == \"a\"",
		     "1:18: expected 'in', 'like' or 'regex' after 'not' instead of '=='");
	expect_error("process.name == 'x'",
		     "1:17: text stands in double quotes: expected \" instead of '");
	expect_error("process.name == ?\"x\"",
		     "1:17: ?\"...\" was a raw string once: expected \"\"\"...\"\"\"");
	expect_error("arrayCount(process.args, $x, $x == 1)",
		     "1:1: unknown function 'arrayCount': expected a comparison, which is asked of "
		     "each value of a list");
	expect_error("add(process.pid, 1",
		     "1:19: expected ',' or ')' after an argument instead of the end of the query");
	expect_error("process.name + 1 == 2", "1:14: add() expected a number as argument 1");
	expect_error("concat(process.args, file.open.flags) == \"x\"",
		     "1:1: expected at most one field of several values in a comparison: name[0] "
		     "is one of them");
	expect_error("@timestamp + 1 == 2", "1:12: add() expected a number as argument 1");
}

static void test_eql_given_nesting_when_parsed_then_bounded(void **state)
{
	AUTO_BUF struct buf q = { 0 };
	struct expr *e = NULL;
	struct diag d;

	(void)state;
	for (int i = 0; i < LIMIT_QUERY_DEPTH; i++)
		buf_byte(&q, '(');
	assert_int_equal(eql_parse(&e, (char *)q.data, q.n, &d), -EINVAL);
	assert_int_equal(d.column, LIMIT_QUERY_DEPTH + 1);
	buf_clear(&q);
	for (int i = 0; i < LIMIT_QUERY_DEPTH - 1; i++)
		buf_str(&q, i % 2 ? "not " : "(");
	buf_str(&q, "true");
	for (int i = 0; i < LIMIT_QUERY_DEPTH / 2; i++)
		buf_byte(&q, ')');
	assert_int_equal(eql_parse(&e, (char *)q.data, q.n, &d), 0);
	expr_free(e);
}

static void test_eql_given_size_when_parsed_then_bounded(void **state)
{
	AUTO_BUF struct buf q = { 0 };
	struct expr *e = NULL;
	struct diag d;

	(void)state;
	for (int i = 0; i < LIMIT_QUERY_NODES; i++)
		buf_str(&q, i ? " or a" : "a");
	assert_int_equal(eql_parse(&e, (char *)q.data, q.n, &d), -EINVAL);
	assert_non_null(strstr(d.text, "too large"));
	while (q.n <= LIMIT_QUERY_BYTES)
		buf_byte(&q, ' ');
	assert_int_equal(eql_parse(&e, (char *)q.data, q.n, &d), -EINVAL);
	assert_non_null(strstr(d.text, "too long"));
	assert_int_equal(eql_parse(&e, "a\0b", 3, &d), -EINVAL);
	assert_int_equal(d.column, 2);
	assert_null(e);
}

static void test_eql_given_relative_time_when_printed_then_does_not_move(void **state)
{
	AUTO(expr) *e = NULL;
	AUTO_BUF struct buf out = { 0 };

	(void)state;
	assert_int_equal(eql_parse(&e, "@timestamp > \"-15m\"", 19, NULL), 0);
	expr_print(e, &out);
	buf_byte(&out, 0);
	assert_non_null(strstr((char *)out.data, "@timestamp > \"20"));
	assert_non_null(strchr((char *)out.data, 'Z'));
	expect("@timestamp == 1795383859", "@timestamp == \"2026-11-22T21:44:19.000000000Z\"");
}

/* Every word that completion offers is one the parser knows. */
static void test_eql_given_word_lists_when_parsed_then_known(void **state)
{
	(void)state;
	for (const char *const *w = eql_functions(); *w; w++) {
		static const char *const arguments[] = {
			"(source.ip, \"10.0.0.1\")",  "(source.ip) != null",
			"(process.pid, 1) != null",   "(source.ip, 1) != null",
			"(source.ip, \"1\") != null", "(source.ip, \"1\", \"2\") != null"
		};
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
			AUTO(expr) *e = NULL;
			char q[128];

			snprintf(q, sizeof(q), "%s%s", *w, arguments[i]);
			known |= eql_parse(&e, q, strlen(q), NULL) == 0;
		}
		if (!known)
			fail_msg("%s", *w);
	}
	for (const char *const *w = eql_categories(); *w; w++) {
		AUTO(expr) *e = NULL;
		char q[64];

		snprintf(q, sizeof(q), "%s where true", *w);
		assert_int_equal(eql_parse(&e, q, strlen(q), NULL), 0);
	}
	for (uint32_t k = 0; k < KIND_MAX; k++) {
		AUTO(expr) *e = NULL;
		char q[64];

		if (!kind_info(k))
			continue;
		snprintf(q, sizeof(q), "%s where true", kind_info(k)->category);
		assert_int_equal(eql_parse(&e, q, strlen(q), NULL), 0);
		assert_true(expr_kinds(e) >> k & 1);
	}
	assert_string_equal(eql_keywords()[0], "and");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eql_given_logic_when_parsed_then_binding_as_in_eql),
		cmocka_unit_test(test_eql_given_comparisons_when_parsed_then_each_operator),
		cmocka_unit_test(test_eql_given_unquoted_values_when_after_colon_then_text_by_type),
		cmocka_unit_test(test_eql_given_strings_when_parsed_then_escapes_resolved),
		cmocka_unit_test(test_eql_given_functions_when_parsed_then_operators),
		cmocka_unit_test(test_eql_given_computed_values_when_parsed_then_functions),
		cmocka_unit_test(test_eql_given_kin_when_parsed_then_condition_inside),
		cmocka_unit_test(test_eql_given_optional_fields_when_unknown_then_always_null),
		cmocka_unit_test(test_eql_given_bare_words_when_parsed_then_text),
		cmocka_unit_test(test_eql_given_mistakes_when_parsed_then_place_and_expectation),
		cmocka_unit_test(test_eql_given_nesting_when_parsed_then_bounded),
		cmocka_unit_test(test_eql_given_size_when_parsed_then_bounded),
		cmocka_unit_test(test_eql_given_relative_time_when_printed_then_does_not_move),
		cmocka_unit_test(test_eql_given_word_lists_when_parsed_then_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
