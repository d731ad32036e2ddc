/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of our own envelope, what is wrong with them told by place, documents of a text, and the
 * tests that rules carry. */
#include "tests/test.h"

#include "lib/rule_test.h"

static const char curl_rule[] =
	"id: curl-to-tmp\n"
	"name: curl writes below /tmp\n"
	"severity: high\n"
	"description: Downloads to a place that everyone may write to\n"
	"author: us\n"
	"mitre: [T1105, T1059.004]\n"
	"references: [https://example.org/a]\n"
	"false_positives: [installers]\n"
	"bypass: another program\n"
	"query: |\n"
	"  file where event.action == \"creation\" and\n"
	"    process.name == \"curl\" and file.path : \"/tmp/*\"\n"
	"exceptions:\n"
	"  - condition: user.name == \"ci\"\n"
	"    reason: builds\n"
	"    owner: alice\n"
	"    expires: 2100-01-01\n"
	"tests:\n"
	"  - name: download\n"
	"    fires: true\n"
	"    events:\n"
	"      - { event.action: creation, process.executable: /usr/bin/curl, file.path: /tmp/x }\n"
	"  - name: elsewhere\n"
	"    fires: false\n"
	"    events:\n"
	"      - { event.action: creation, process.executable: /usr/bin/curl, file.path: /home/x "
	"}\n"
	"  - name: excepted\n"
	"    fires: false\n"
	"    events:\n"
	"      - { event.action: creation, process.executable: /usr/bin/curl, file.path: /tmp/x,\n"
	"          process.user.name: ci }\n";

static void test_rule_given_envelope_when_parsed_then_all_of_it_is_there(void **state)
{
	AUTO(rule) *r = NULL;
	AUTO_BUF struct buf query = { 0 };
	struct diag d = { 0 };

	(void)state;
	if (rule_parse(&r, TEXT(curl_rule), &d) < 0)
		fail_msg("%u:%u %s", d.line, d.column, d.text);
	assert_string_equal(r->id, "curl-to-tmp");
	assert_string_equal(r->title, "curl writes below /tmp");
	assert_int_equal(r->level, RULE_HIGH);
	assert_int_equal(r->language, RULE_EQL);
	assert_int_equal(r->techniques.n, 2);
	assert_string_equal(r->techniques.v[1], "T1059.004");
	assert_string_equal(r->bypass, "another program");
	assert_int_equal(r->n_exceptions, 1);
	assert_true(r->exceptions[0].expires_ns > 0);
	assert_int_equal(r->n_tests, 3);
	rule_print_query(r, &query);
	assert_non_null(memmem(query.data, query.n, TEXT("process.name == \"curl\"")));
	assert_string_equal(r->source, curl_rule);
}

static void test_rule_given_its_tests_when_run_then_each_does_as_it_says(void **state)
{
	AUTO(rule) *r = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(rule_parse(&r, TEXT(curl_rule), &d), 0);
	for (size_t i = 0; i < r->n_tests; i++) {
		bool passed = false;

		if (rule_test_run(r, i, &passed, &d) < 0 || !passed)
			fail_msg("%s: %s", r->tests[i].name, d.text);
	}
	r->tests[1].fires = true; /* now it asks for what does not happen */
	for (size_t i = 1; i < 2; i++) {
		bool passed = true;

		assert_int_equal(rule_test_run(r, i, &passed, &d), 0);
		assert_false(passed);
		assert_string_equal(d.text, "it did not fire");
	}
}

static void test_rule_given_what_is_wrong_when_parsed_then_place_and_reason(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *said;
	} cases[] = {
		{ "", 1, 1, "the text is empty" },
		{ "- a\n", 1, 1, "a rule must be a map" },
		{ "id: a\nname: b\nquery: process where nam == 1\n", 3, 22, "unknown field" },
		{ "id: a\nname: b\nquery: |\n  process where\n    nam == 1\n", 5, 5,
		  "unknown field" },
		{ "id: a\nquery: true\n", 1, 1, "no name" },
		{ "name: a\nquery: true\n", 1, 1, "no id" },
		{ "id: a b\nname: a\nquery: true\n", 1, 5, "an id is letters" },
		{ "id: a\nname: a\nquery: true\nseverity: bad\n", 4, 11, "informational, low" },
		{ "id: a\nname: a\nquery: true\nmitre: [T1059, T1]\n", 4, 16, "MITRE ATT&CK ids" },
		{ "id: a\nname: a\nquery: true\nmitre: T1059.4\n", 4, 8, "MITRE ATT&CK ids" },
		{ "id: [a]\nname: a\nquery: true\n", 1, 5, "expected a text" },
		{ "id: a\nname: { b: c }\nquery: true\n", 2, 7, "expected a text" },
		{ "id: a\nname: a\nquery: [a]\n", 3, 8, "expected a text" },
		{ "id: a\nname: a\nquery:\n", 3, 1, "a condition in the query language" },
		{ "id: a\nname: a\nquery: true\ndescription: [a]\n", 4, 14, "expected a text" },
		{ "id: a\nname: a\nquery: true\nauthor: [a]\n", 4, 9, "expected a text" },
		{ "id: a\nname: a\nquery: true\nbypass: [a]\n", 4, 9, "expected a text" },
		{ "id: a\nname: a\nquery: true\ntags: [a, [b]]\n", 4, 11, "expected a text" },
		{ "id: a\nname: a\nquery: true\nreferences: [[b]]\n", 4, 14, "expected a text" },
		{ "id: a\nname: a\nquery: true\nfalse_positives: [[b]]\n", 4, 19,
		  "expected a text" },
		{ "id: a\nname: a\nquery: true\nexceptions: x\n", 4, 13, "a list of exceptions" },
		{ "id: a\nname: a\nquery: true\nexceptions: [x]\n", 4, 14,
		  "a map with a condition" },
		{ "id: a\nname: a\nquery: true\nexceptions: [{ condition: nam == 1 }]\n", 4, 27,
		  "unknown field" },
		{ "id: a\nname: a\nquery: true\nexceptions: [{ condition: true, who: x }]\n", 4, 33,
		  "condition, reason, owner or expires" },
		{ "id: a\nname: a\nquery: true\ntests: x\n", 4, 8, "a list of tests" },
		{ "id: a\nname: a\nquery: true\ntests: [x]\n", 4, 9, "a map with name" },
		{ "id: a\nname: a\nquery: true\ntests: [{ name: x, fires: 1 }]\n", 4, 27,
		  "true or false" },
		{ "id: a\nname: a\nquery: true\ntests: [{ name: x, events: [] }]\n", 4, 28,
		  "a list of events" },
		{ "id: a\nname: a\nquery: true\ntests: [{ name: x, at: 1 }]\n", 4, 20,
		  "name, fires or events" },
		{ "id: a\nname: a\nquery: true\nname: b\n", 4, 1, "stands twice" },
		{ "id: a\nname: a\nquery: true\nlevel: high\n", 4, 1, "unknown key \"level\"" },
		{ "id: a\nname: a\nquery: true\ntests: [{ name: x }]\n", 4, 9, "name and events" },
		{ "id: a\nname: a\nquery: true\nexceptions: [{ reason: x }]\n", 4, 14,
		  "has no condition" },
		{ "id: a\nname: a\nquery: true\nexceptions: [{ condition: false, expires: x }]\n",
		  4, 43, "a date" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(rule) *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(rule_parse(&r, cases[i].text, strlen(cases[i].text), &d), -EINVAL);
		if (d.line != cases[i].line || !strstr(d.text, cases[i].said) ||
		    (cases[i].column && d.column != cases[i].column))
			fail_msg("%zu: %u:%u %s", i, d.line, d.column, d.text);
	}
}

static void test_rule_given_wrong_test_events_when_run_then_place_and_reason(void **state)
{
	static const struct {
		const char *event, *said;
	} cases[] = {
		{ "x", "an event is a map" },
		{ "{ process.name: x }", "event.action" },
		{ "{ event.action: nothing }", "no kind of event" },
		{ "{ event.action: exec, process.nam: x }", "unknown field" },
		{ "{ event.action: exec, file.name: x }", "derived from" },
		{ "{ event.action: exec, host.boot.id: x }", "host.id and host.name only" },
		{ "{ event.action: exec, process.pid: x }", "a number" },
		{ "{ event.action: exec, process.args_truncated: 1 }", "true or false" },
		{ "{ event.action: exec, after: 5 }", "a length of time" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_BUF struct buf text = { 0 };
		AUTO(rule) *r = NULL;
		struct diag d = { 0 };
		bool passed;

		buf_printf(
			&text,
			"id: a\nname: a\nquery: true\ntests:\n  - { name: t, fires: true, events: "
			"[%s] }\n",
			cases[i].event);
		assert_int_equal(rule_parse(&r, (const char *)text.data, text.n, &d), 0);
		assert_int_equal(rule_test_run(r, 0, &passed, &d), -EINVAL);
		if (d.line != 5 || !strstr(d.text, cases[i].said))
			fail_msg("%s: %u:%u %s", cases[i].event, d.line, d.column, d.text);
	}
}

static void test_rule_given_sequence_when_tested_then_order_and_key_count(void **state)
{
	static const char text[] =
		"id: s\nname: s\nquery: |\n  sequence by process.entity_id with maxspan=5s\n"
		"    [ file where event.action == \"creation\" ]\n"
		"    [ network where event.action == \"connection_attempted\" ]\n"
		"tests:\n"
		"  - { name: yes, fires: true, events: [\n"
		"      { event.action: creation, process.pid: 5 },\n"
		"      { event.action: connection_attempted, process.pid: 5, after: 5s }] }\n"
		"  - { name: too late, fires: false, events: [\n"
		"      { event.action: creation, process.pid: 5 },\n"
		"      { event.action: connection_attempted, process.pid: 5, after: 6s }] }\n"
		"  - { name: another process, fires: false, events: [\n"
		"      { event.action: creation, process.pid: 5 },\n"
		"      { event.action: connection_attempted, process.pid: 6 }] }\n";
	AUTO(rule) *r = NULL;
	struct diag d = { 0 };

	(void)state;
	if (rule_parse(&r, TEXT(text), &d) < 0)
		fail_msg("%u:%u %s", d.line, d.column, d.text);
	assert_non_null(r->statement);
	for (size_t i = 0; i < r->n_tests; i++) {
		bool passed = false;

		if (rule_test_run(r, i, &passed, &d) < 0 || !passed)
			fail_msg("%s: %s", r->tests[i].name, d.text);
	}
}

static void test_rule_given_sigma_when_parsed_then_it_is_one(void **state)
{
	static const char text[] =
		"title: A thing, done!\nlevel: low\nlogsource: { product: linux, "
		"category: process_creation }\ndetection:\n  s: { Image: /x }\n"
		"  condition: s\n";
	AUTO(rule) *r = NULL;

	(void)state;
	assert_int_equal(rule_parse(&r, TEXT(text), NULL), 0);
	assert_string_equal(r->id, "a-thing-done");
	assert_int_equal(r->language, RULE_SIGMA);
	assert_int_equal(r->level, RULE_LOW);
	assert_non_null(r->expr);
}

static void test_rule_given_text_when_cut_then_each_document_and_its_line(void **state)
{
	static const char text[] =
		"# only a comment\n---\na: 1\n---\n\n# nothing\n--- \nb: |\n  ---\n"
		"  x\n---";
	static const struct {
		const char *text;
		uint32_t line;
	} documents[] = { { "a: 1\n", 2 }, { "b: |\n  ---\n  x\n", 7 } };
	const char *document;
	size_t at = 0, n, i = 0;
	uint32_t line;

	(void)state;
	for (; rule_next_document(TEXT(text), &at, &document, &n, &line); i++) {
		assert_true(i < ARRAY_SIZE(documents));
		assert_int_equal(n, strlen(documents[i].text));
		assert_memory_equal(document, documents[i].text, n);
		assert_int_equal(line, documents[i].line);
	}
	assert_int_equal(i, ARRAY_SIZE(documents));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_given_envelope_when_parsed_then_all_of_it_is_there),
		cmocka_unit_test(test_rule_given_its_tests_when_run_then_each_does_as_it_says),
		cmocka_unit_test(test_rule_given_what_is_wrong_when_parsed_then_place_and_reason),
		cmocka_unit_test(test_rule_given_wrong_test_events_when_run_then_place_and_reason),
		cmocka_unit_test(test_rule_given_sequence_when_tested_then_order_and_key_count),
		cmocka_unit_test(test_rule_given_sigma_when_parsed_then_it_is_one),
		cmocka_unit_test(test_rule_given_text_when_cut_then_each_document_and_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
