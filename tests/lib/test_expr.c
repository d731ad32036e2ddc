/* SPDX-License-Identifier: Apache-2.0 */
/* Corners of the engine that random trees seldom meet. */
#include "query_fixture.h"

#include "lib/expr_text.h"
#include "lib/limits.h"
#include "lib/token.h"

static struct field_ref field(const char *name)
{
	struct field_ref f;

	assert_true(field_find(name, strlen(name), &f));
	return f;
}

static bool fits(int (*add)(struct expr_text *t, const char *s, size_t n), const char *pattern,
		 const char *text, size_t n)
{
	struct expr_text_scratch s = { 0 };
	struct expr_text t = { 0 };
	bool yes;

	assert_int_equal(expr_text_scratch_init(&s), 0);
	assert_int_equal(add(&t, pattern, strlen(pattern)), 0);
	expr_text_finish(&t);
	yes = expr_text_test(&t, &s, text, n) == STATE_TRUE;
	expr_text_done(&t);
	expr_text_scratch_done(&s);
	return yes;
}

static bool glob(const char *pattern, const char *text)
{
	return fits(expr_text_add_wildcard, pattern, text, strlen(text));
}

static int add_regex(struct expr_text *t, const char *s, size_t n)
{
	return expr_text_add_regex(t, s, n, NULL);
}

static bool regex(const char *pattern, const char *text)
{
	return fits(add_regex, pattern, text, strlen(text));
}

static void test_expr_given_wildcards_when_matched_then_by_character(void **state)
{
	(void)state;
	assert_true(glob("", ""));
	assert_false(glob("", "a"));
	assert_true(glob("*", ""));
	assert_true(glob("***", "a"));
	assert_true(glob("a*b*c", "aXbYbc"));
	assert_false(glob("a*b*c", "aXcYc"));
	assert_false(glob("ab*ba", "aba"));
	assert_true(glob("*ab*ab*", "abab"));
	assert_false(glob("*ab*ab*", "abxa"));
	assert_true(glob("a?c", "a\xc3\xa4"
				"c"));
	assert_false(glob("a??c", "a\xc3\xa4"
				  "c"));
	assert_true(glob("a??c", "a\xc3\xff"
				 "c"));		       /* no UTF-8: two bytes */
	assert_false(glob("*??", "\xf0\x9f\x98\x80")); /* a star never stops inside a character */
	assert_true(glob("*?", "\xf0\x9f\x98\x80"));
	assert_false(glob("?", "\xc0\xaf")); /* overlong */
	assert_false(glob("?", "\xe0\x80\xaf"));
	assert_false(glob("?", "\xed\xa0\x80"));     /* surrogate */
	assert_false(glob("?", "\xf4\x90\x80\x80")); /* past U+10FFFF */
	assert_true(glob("?", "\xf4\x8f\xbf\xbf"));
	assert_false(glob("?", "\xf0\x8f\xbf\xbf"));
	assert_true(glob("\\*", "\\x")); /* no escapes */
}

static void test_expr_given_regex_when_matched_then_whole_text_and_any_bytes(void **state)
{
	(void)state;
	assert_true(regex("b.", "b\xc3\xa4"));
	assert_false(regex("b", "ab"));
	assert_false(regex("a", "a\n"));
	assert_true(regex("a.b", "a\nb"));
	assert_true(regex(".*evil.*", "\xff/evil\xfe"));
	assert_true(regex("a|ab", "ab"));
	assert_false(regex("\\x{100}", "\xc4"));
	assert_true(regex("\\x{100}", "\xc4\x80"));
}

static void test_expr_given_hopeless_regex_when_evaluated_then_null_and_counted(void **state)
{
	struct fixture *f = *state;
	uint64_t before = expr_gave_up(f->scratch);
	const char *query = "process.command_line regex \"(([a-z:/. -]+)+)+[#@]\"";
	char negated[128];

	snprintf(negated, sizeof(negated), "event.action == \"exec\" and not %s", query);
	assert_int_equal(fixture_hits(f, query), 0);
	assert_true(expr_gave_up(f->scratch) > before);
	assert_int_equal(fixture_hits(f, negated) & BIT(3), 0);
}

static void test_expr_given_addresses_when_parsed_then_networks_hold(void **state)
{
	struct expr_net net;
	uint8_t a[16];

	(void)state;
	assert_true(expr_net_parse("10.0.0.0/7", 10, &net));
	assert_true(expr_ip_parse("11.255.0.1", 10, a) && expr_net_has(&net, a));
	assert_true(expr_ip_parse("12.0.0.1", 8, a) && !expr_net_has(&net, a));
	assert_true(expr_ip_parse("::ffff:a00:1", 12, a) && expr_net_has(&net, a));
	assert_true(expr_net_parse("::/0", 4, &net) && expr_net_has(&net, a));
	assert_false(expr_net_parse("10.0.0.0/33", 11, &net));
	assert_false(expr_net_parse("10.0.0.0/", 9, &net));
	assert_false(expr_net_parse("/8", 2, &net));
	assert_false(expr_net_parse("", 0, &net));
	assert_false(expr_net_parse("10.0.0.0/8x", 11, &net));
	assert_false(expr_ip_parse("10.0.0", 6, a));
}

static bool has_no_token(uint64_t token, void *arg)
{
	(void)token;
	(*(int *)arg)++;
	return false;
}

static bool has_tokens_of(uint64_t token, void *arg)
{
	for (const char **word = arg; *word; word++)
		if (token_hash(*word, strlen(*word)) == token ||
		    (token_has_prefix(*word, strlen(*word)) && token_prefix_hash(*word) == token))
			return true;
	return false;
}

static bool may(const char *query, const char **words)
{
	AUTO(expr) *e = NULL;

	assert_int_equal(eql_parse(&e, query, strlen(query), NULL), 0);
	return expr_may_match(e, has_tokens_of, words);
}

static void test_expr_given_words_when_may_match_then_never_too_strict(void **state)
{
	const char *v4[] = { "10", "99", NULL }, *mapped[] = { "ffff", "0a00", "63", NULL };
	const char *v6[] = { "2001", "0db8", "0ff", NULL }, *none[] = { NULL };
	const char *path[] = { "usr", "bin", "bash", NULL };

	(void)state;
	assert_true(may("source.ip == \"10.0.0.99\"", v4));
	assert_true(may("source.ip == \"10.0.0.99\"", mapped));
	assert_false(may("source.ip == \"10.0.0.99\"", v6));
	assert_true(may("source.ip == \"2001:db8::ff\"", v6));
	assert_false(may("source.ip == \"2001:db9::ff\"", v6));
	assert_true(may("source.ip == \"10.0.0.0/31\"", none));
	assert_true(may("file.path == \"/USR/bin/bash\"", path));
	assert_true(may("file.path : \"/usr/bi*ash\"", path));
	assert_false(may("file.path : \"/usr/bi/*ash\"", path));
	assert_true(may("startsWith(file.path, \"/usr/b\")", path));
	assert_true(may("startsWith(file.path, \"/usr/bin/bash\")", path));
	assert_true(may("startsWith~(file.path, \"/usr/bin/BASH-5\")", path));
	assert_false(may("startsWith(file.path, \"/usr/bin/basher\") and startsWith(file.path, "
			 "\"/usr/bin/dash\")",
			 path));
	assert_true(may("file.path like \"/usr/bin/bash*\" and file.path : \"/usr/bin/bash?rc\"",
			path));
	assert_false(may("file.path like \"/usr/bin/dash*\"", path));
	assert_false(may("file.path : \"*/dash*\"", path));
	assert_true(may("file.path : \"*/1234*\"", path)); /* nobody knows how numbers begin */
	assert_true(may("file.path : \"*dash*\" or file.path like \"/usr/bin/das*\"", path));
	assert_false(may("endsWith(file.path, \"/sh\")", path));
	assert_true(may("endsWith(file.path, \"sh\")", path));
	assert_true(may("host.name == \"nobody\" and event.action == \"exec\"", none));
	assert_true(may("not process.name == \"nobody\"", none));
	assert_true(may("process.name != \"nobody\"", none));
	assert_false(may("not process.name != \"nobody\"", none));
	assert_true(may("process.user.id == \"1234\" or process.pid : \"123*\"", none));
	assert_false(may("process.child.entity_id == \"1234\"", none));
	assert_false(may("process.parent.entity_id == \"1234\"", none));
	assert_true(may("process.name == null or nobody", none));
	assert_true(may("nobody", none)); /* at both edges a token may go on */
	assert_false(may("\"x nobody x\"", none));
	assert_false(may("null", none));
}

static void test_expr_given_constant_false_when_may_match_then_no_token_asked(void **state)
{
	AUTO(expr) *e = NULL;
	int asked = 0;

	(void)state;
	assert_int_equal(eql_parse(&e, "false and bash", 14, NULL), 0);
	assert_false(expr_may_match(e, has_no_token, &asked));
	assert_int_equal(asked, 0);
}

static uint64_t kinds(const char *query)
{
	AUTO(expr) *e = NULL;

	assert_int_equal(eql_parse(&e, query, strlen(query), NULL), 0);
	return expr_kinds(e);
}

#define KIND_BIT(k) (UINT64_C(1) << KIND_##k)

/* Kinds whose ECS category or type, as kinds.def has it, is @word. */
static uint64_t kinds_of(const char *word)
{
	uint64_t set = 0;

	for (uint32_t k = 1; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (info && (!strcmp(info->category, word) || !strcmp(info->type, word)))
			set |= UINT64_C(1) << k;
	}
	return set;
}

static void test_expr_given_category_when_kinds_asked_then_those_alone(void **state)
{
	(void)state;
	assert_int_equal(kinds("process where true"), kinds_of("process"));
	assert_true(kinds_of("process") & KIND_BIT(EXEC));
	assert_false(kinds_of("process") & KIND_BIT(OPEN));
	assert_int_equal(kinds("event.type : \"ch*\""), kinds_of("change"));
	assert_int_equal(kinds("event.action in (\"exec\", \"open\") and process.pid == 1"),
			 KIND_BIT(EXEC) | KIND_BIT(OPEN));
	assert_int_equal(kinds("event.category == null") & KIND_BIT(EXEC), 0);
	assert_int_equal(kinds("process where event.category != \"process\""), 0);
	assert_int_equal(
		kinds("not (event.action == \"exec\" or process.pid == 1)") & KIND_BIT(EXEC), 0);
	assert_int_equal(kinds(""), ~UINT64_C(1));
	assert_int_equal(kinds("null"), 0);
}

static void test_expr_given_deep_tree_when_built_then_refused(void **state)
{
	struct expr *e = NULL;
	unsigned depth = 1;

	(void)state;
	assert_int_equal(expr_new_const(&e, true), 0);
	for (int r = 0; r == 0; depth++) {
		struct expr *next = NULL;

		r = expr_new_not(&next, e);
		e = next;
		assert_true(r == 0 || r == -E2BIG);
	}
	assert_null(e);
	assert_int_equal(depth, LIMIT_QUERY_DEPTH + 1);
}

static void test_expr_given_wide_tree_when_built_then_flat_until_limit(void **state)
{
	struct expr *e = NULL;
	int r, n = 1;

	(void)state;
	assert_int_equal(expr_new_is_null(&e, field("process.name")), 0);
	for (r = 0; r == 0; n++) {
		struct expr *one = NULL, *all = NULL;

		assert_int_equal(expr_new_is_null(&one, field("process.pid")), 0);
		r = expr_new_or(&all, e, one);
		e = all;
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(n, LIMIT_QUERY_NODES);
}

static void test_expr_given_many_values_when_in_then_found(void **state)
{
	AUTO_BUF struct buf query = { 0 };
	struct fixture *f = *state;

	buf_str(&query, "file.path in (\"/tmp/x.sh\"");
	for (int i = 0; i < 3000; i++)
		buf_printf(&query, ", \"/tmp/%d\"", i);
	buf_str(&query, ", \"/etc/passwd\") and process.pid in (0, 1300, 1301, 5, 7)");
	buf_byte(&query, 0);
	assert_int_equal(fixture_hits(f, (char *)query.data), BIT(4) | BIT(6));
}

static void test_expr_given_misfits_when_built_then_reason(void **state)
{
	const struct expr_literal text = { .type = LITERAL_STRING, .string = "x", .n = 1 };
	const struct expr_literal no = { .type = LITERAL_BOOL };
	struct expr *e = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(expr_new_compare(&e, field("process.pid"), EXPR_EQ, &text, 1, &d),
			 -EINVAL);
	assert_string_equal(d.text, "process.pid is a long: expected a number, not \"x\"");
	assert_int_equal(expr_new_compare(&e, field("process.name"), EXPR_EQ, &no, 1, &d), -EINVAL);
	assert_string_equal(d.text, "process.name is a keyword: expected a string, not false");
	assert_int_equal(expr_new_compare(&e, field("process.name"), EXPR_CIDR, &text, 1, &d),
			 -EINVAL);
	assert_int_equal(expr_new_compare(&e, field("process.entity_id"), EXPR_LT, &text, 1, &d),
			 -EINVAL);
	assert_int_equal(expr_new_compare(&e, field("@timestamp"), EXPR_LIKE, &text, 1, &d),
			 -EINVAL);
	assert_int_equal(expr_new_compare(&e, field("process.name"), EXPR_IN, &text, 0, &d),
			 -EINVAL);
	assert_int_equal(expr_new_length(&e, field("process.pid"), EXPR_EQ, &text, 1, &d), -EINVAL);
	assert_int_equal(expr_new_compare_fields(&e, field("process.pid"), EXPR_EQ,
						 field("process.name"), &d),
			 -EINVAL);
	assert_int_equal(expr_new_compare_fields(&e, field("process.name"), EXPR_LIKE,
						 field("process.name"), &d),
			 -EINVAL);
	assert_null(e);
}

static void test_expr_given_one_scratch_when_queries_change_then_no_old_answers(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(fixture_hits(f, "process.name == \"curl\""),
				 BIT(3) | BIT(6) | BIT(7) | BIT(8) | BIT(11));
		assert_int_equal(fixture_hits(f, "process.name == \"sshd\""), BIT(10));
		assert_int_equal(fixture_hits(f, "process.parent.name == null or true") & BIT(1),
				 BIT(1));
	}
}

static void test_expr_given_no_process_when_asked_then_null(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_hits(f, "process.name == null"), BIT(13));
	assert_int_equal(fixture_hits(f, "rtsec where not process.name == \"x\""), 0);
	assert_int_equal(fixture_hits(f, "rtsec where process.name == null and not bash"), BIT(13));
	assert_int_equal(fixture_hits(f, "Target.process.name != null"), 0);
	assert_int_equal(fixture_hits(f, "process.session_leader.pid == 1300"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expr_given_wildcards_when_matched_then_by_character),
		cmocka_unit_test(test_expr_given_regex_when_matched_then_whole_text_and_any_bytes),
		cmocka_unit_test(
			test_expr_given_hopeless_regex_when_evaluated_then_null_and_counted),
		cmocka_unit_test(test_expr_given_addresses_when_parsed_then_networks_hold),
		cmocka_unit_test(test_expr_given_words_when_may_match_then_never_too_strict),
		cmocka_unit_test(test_expr_given_constant_false_when_may_match_then_no_token_asked),
		cmocka_unit_test(test_expr_given_category_when_kinds_asked_then_those_alone),
		cmocka_unit_test(test_expr_given_deep_tree_when_built_then_refused),
		cmocka_unit_test(test_expr_given_wide_tree_when_built_then_flat_until_limit),
		cmocka_unit_test(test_expr_given_many_values_when_in_then_found),
		cmocka_unit_test(test_expr_given_misfits_when_built_then_reason),
		cmocka_unit_test(
			test_expr_given_one_scratch_when_queries_change_then_no_old_answers),
		cmocka_unit_test(test_expr_given_no_process_when_asked_then_null),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
