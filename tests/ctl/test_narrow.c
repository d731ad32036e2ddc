/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/narrow.h"
#include "lib/pipe.h"

/* What is asked; it must be a query of the language, too. */
static void check(struct cli_values v, const char *query, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };
	AUTO(pipe) *plan = NULL;
	struct diag d = { 0 };

	assert_int_equal(narrow_query(&v, query, &out, &d), 0);
	assert_true(buf_ok(&out));
	assert_string_equal((const char *)out.data, expected);
	if (pipe_parse(&plan, expected, strlen(expected), &d) < 0)
		fail_msg("%s: %s", expected, d.text);
}

static void test_narrow_given_no_options_when_made_then_query_as_it_is(void **state)
{
	static const struct cli_values none;

	(void)state;
	check(none, NULL, "");
	check(none, "", "");
	check(none, "process where true | head 3", "process where true | head 3");
}

static void test_narrow_given_options_alone_when_made_then_all_must_hold(void **state)
{
	(void)state;
	check((struct cli_values){ .process = "cu*" }, NULL, "(process.name : \"cu*\")");
	check((struct cli_values){ .process = "a\"b\\c\n", .user = "eve", .parent = "sh" }, "",
	      "(process.name : \"a\\\"b\\\\c\\u{0a}\") and (process.parent.name : \"sh\") and "
	      "(user.name : \"eve\")");
	check((struct cli_values){ .container = "3f1c", .pod = "cart-*", .namespace = "shop" },
	      NULL,
	      "(container.name : \"3f1c\" or container.id : \"3f1c*\") and "
	      "(orchestrator.resource.name : \"cart-*\") and (orchestrator.namespace : \"shop\")");
	check((struct cli_values){ .action = "exec,,open" }, NULL,
	      "(event.action : (\"exec\", \"open\"))");
	check((struct cli_values){ .action = "," }, NULL, "(event.action : \"\")");
}

static void test_narrow_given_conditions_and_pipes_when_made_then_pipes_stay_behind(void **state)
{
	const struct cli_values sh = { .process = "sh" };

	(void)state;
	check(sh, "file where file.path : \"/etc/*\" or process.pid == 1 | head 3",
	      "file where (process.name : \"sh\") and ( file.path : \"/etc/*\" or process.pid == 1 "
	      ") "
	      "| head 3");
	check(sh, "| stats count by user.name",
	      "(process.name : \"sh\") | stats count by user.name");
	check(sh, "passwd", "(process.name : \"sh\") and (passwd)");
	check(sh, "process.args : \"a|b\" or process.args : (x, \"|\")",
	      "(process.name : \"sh\") and (process.args : \"a|b\" or process.args : (x, \"|\"))");
	check(sh, "file.path : /tmp/* | head 1",
	      "(process.name : \"sh\") and (file.path : /tmp/* ) | head 1");
	check(sh, "true // all of it", "(process.name : \"sh\") and (true // all of it\n)");
}

static void test_narrow_given_a_sequence_when_made_then_told_to_write_it(void **state)
{
	const struct cli_values v = { .process = "sh" };
	AUTO_BUF struct buf out = { 0 };
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(narrow_query(&v,
				      "sequence by host.id [process where true] [file where true]",
				      &out, &d),
			 -EINVAL);
	assert_non_null(strstr(d.text, "put the condition into its terms"));
}

static void test_narrow_given_what_is_no_query_when_made_then_left_to_the_collector(void **state)
{
	const struct cli_values v = { .process = "sh" };
	AUTO_BUF struct buf out = { 0 };
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(narrow_query(&v, "process where \"open", &out, &d), 0);
	assert_string_equal((const char *)out.data, "process where \"open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_narrow_given_no_options_when_made_then_query_as_it_is),
		cmocka_unit_test(test_narrow_given_options_alone_when_made_then_all_must_hold),
		cmocka_unit_test(
			test_narrow_given_conditions_and_pipes_when_made_then_pipes_stay_behind),
		cmocka_unit_test(test_narrow_given_a_sequence_when_made_then_told_to_write_it),
		cmocka_unit_test(
			test_narrow_given_what_is_no_query_when_made_then_left_to_the_collector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
