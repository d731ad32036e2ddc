/* SPDX-License-Identifier: Apache-2.0 */
/* How rules are read: attributes, correlations, gaps told, mistakes refused with their place. */
#include "tests/lib/sigma_fixture.h"

/* ---- what is told ---- */

static void test_sigma_given_rule_when_read_then_attributes_are_there(void **state)
{
	static const char text[] =
		"title: A title\nid: 0f1e\nstatus: test\ndescription: |\n  Two\n  lines\n"
		"author: me\ndate: 2026-11-22\nlevel: high\nreferences:\n  - https://a\n  - "
		"https://b\n"
		"tags: [attack.execution, attack.t1059.004, attack.T1105, cve.2020-1]\n"
		"logsource: { product: linux, category: process_creation }\n"
		"falsepositives: [admins]\nfields: [CommandLine]\n"
		"detection:\n  s:\n    Image|endswith|cased: /x\n    User: y\n  condition: s\n";
	AUTO(sigma_rule) *r = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(parse(text, &r, &d), 0);
	assert_string_equal(r->title, "A title");
	assert_string_equal(r->id, "0f1e");
	assert_string_equal(r->status, "test");
	assert_string_equal(r->description, "Two\nlines\n");
	assert_string_equal(r->author, "me");
	assert_string_equal(r->date, "2026-11-22");
	assert_string_equal(r->level, "high");
	assert_int_equal(r->references.n, 2);
	assert_string_equal(r->references.v[1], "https://b");
	assert_int_equal(r->tags.n, 4);
	assert_int_equal(r->techniques.n, 2);
	assert_string_equal(r->techniques.v[0], "T1059.004");
	assert_string_equal(r->techniques.v[1], "T1105");
	assert_string_equal(r->falsepositives.v[0], "admins");
	assert_string_equal(r->fields.v[0], "CommandLine");
	assert_int_equal(r->used_fields.n, 2);
	assert_string_equal(r->used_modifiers.v[1], "cased");
}

static void test_sigma_given_what_events_lack_when_read_then_gap_with_place(void **state)
{
	static const struct {
		enum source source;
		const char *detection;
		uint32_t line, column;
		const char *text;
	} cases[] = {
		{ PROC, "s:\n  OriginalFileName: x", 7, 5, "resource of Windows programs" },
		{ PROC, "s:\n  Foo|contains: x", 7, 5, "field Foo: no event of this log source" },
		{ PROC, "s:\n  User|expand: '%admins%'", 7, 18, "%admins%" },
		{ PROC, "s:\n  User|lt: 3", 7, 5, "User is not a number here" },
		{ PROC, "s:\n  ProcessId: bash", 7, 16, "expected a number" },
		{ PROC, "s:\n  CommandLine|wide: abc", 7, 23, "inside Base64 only" },
		{ PROC, "s:\n  Image|fieldref: Foo", 7, 21, "Foo is not a field of our events" },
		{ PROC, "s:\n  Hashes: MD5=0123", 7, 13, "only the SHA-256" },
		{ PROC, "s:\n  Image|cidr: 10.0.0.0/8", 7, 17, "a field of addresses" },
		{ PROC, "s:\n  ProcessId|hour: 3", 7, 5, "is not a time here" },
		{ NET, "s:\n  SourceHostname: x", 7, 5, "connected to" },
		{ NET, "s:\n  DestinationIp: localhost", 7, 20, "expected an address" },
		{ NET, "s:\n  Initiated: maybe", 7, 16, "Initiated maybe" },
		{ NET, "s:\n  Initiated|contains: tr", 7, 25, "one of its values" },
		{ AUDIT, "s:\n  type: TTY", 7, 11, "type TTY" },
		{ AUDIT, "s:\n  type: SYSCALL\n  a0: 3", 8, 5, "raw argument of the system call" },
		{ AUDIT, "s:\n  SYSCALL: personality", 7, 14, "SYSCALL personality" },
		{ AUDIT, "s:\n  key: x", 7, 5, "rule of auditd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_MEM char *text = rule_text(cases[i].source, cases[i].detection, "not s");
		AUTO(sigma_rule) *r = NULL;
		struct diag d = { 0 };

		if (parse(text, &r, &d) != SIGMA_E_UNMAPPED || r->expr || r->n_gaps != 1)
			fail_msg("no gap, or several: %s", text);
		if (!strstr(r->gaps[0].text, cases[i].text))
			fail_msg("%s\n%s", text, r->gaps[0].text);
		if (r->gaps[0].line != cases[i].line || r->gaps[0].column != cases[i].column)
			fail_msg("%s\n%u:%u %s", text, r->gaps[0].line, r->gaps[0].column,
				 r->gaps[0].text);
	}
}

static void test_sigma_given_several_gaps_when_read_then_all_are_told(void **state)
{
	AUTO_MEM char *text = rule_text(
		PROC, "a:\n  Foo: x\n  Bar: y\nb:\n  - Baz: 1\n  - Image: 1", "a or not b");
	AUTO(sigma_rule) *r = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(parse(text, &r, &d), SIGMA_E_UNMAPPED);
	assert_int_equal(r->n_gaps, 3);
	assert_int_equal(r->gaps[2].line, 10);
}

static void test_sigma_given_foreign_sources_when_read_then_gap(void **state)
{
	static const struct {
		const char *source, *text;
	} cases[] = {
		{ "{ product: linux, definition: needs /var/log/secure }", "plain log files" },
		{ "{ product: linux, service: sshd }", "plain log files" },
		{ "{ product: windows, category: process_creation }", "Linux only" },
		{ "{ category: proxy }", "not collected" },
	};
	static const char more[] =
		"title: t\nlogsource: %s\ndetection:\n  k: [a, b]\n  condition: k\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(sigma_rule) *r = NULL;
		struct diag d = { 0 };
		char text[256];

		snprintf(text, sizeof(text), "title: t\nlogsource: %s%s", cases[i].source,
			 strchr(more + 10, '%') + 2);
		assert_int_equal(parse(text, &r, &d), SIGMA_E_UNMAPPED);
		if (!strstr(r->gaps[0].text, cases[i].text) || r->gaps[0].line != 2)
			fail_msg("%s\n%u: %s", text, r->gaps[0].line, r->gaps[0].text);
	}
}

#define CORRELATION(more) "title: t\ncorrelation:\n  rules: [a]\n  timespan: 5m\n  " more "\n"

static void test_sigma_given_correlation_when_read_then_all_of_it(void **state)
{
	static const char text[] =
		"title: many\nid: x\nname: many_execs\nlevel: high\ncorrelation:\n"
		"  type: value_percentile\n  rules: [a, b]\n  group-by: [User, who]\n"
		"  timespan: 1h\n  condition: { field: ProcessId, gte: 10, lt: 20, percentile: 95 "
		"}\n"
		"  aliases: { who: { a: User, b: ParentUser } }\n  generate: true\n";
	AUTO(sigma_rule) *r = NULL;
	struct diag d = { 0 };
	const struct sigma_correlation *c;

	(void)state;
	assert_int_equal(parse(text, &r, &d), 0);
	c = r->correlation;
	assert_non_null(c);
	assert_string_equal(r->name, "many_execs");
	assert_int_equal(c->config.type, CORRELATE_VALUE_PERCENTILE);
	assert_int_equal(c->config.n_rules, 2);
	assert_int_equal(c->config.timespan_ns, UINT64_C(3600000000000));
	assert_int_equal(c->config.n_conditions, 2);
	assert_true(c->config.conditions[1].op == CORRELATE_LT);
	assert_string_equal(c->field, "ProcessId");
	assert_int_equal(c->group_by.n, 2);
	assert_int_equal(c->n_aliases, 2);
	assert_string_equal(c->aliases[1].field, "ParentUser");
	assert_true(c->generate);
}

static void test_sigma_given_wrong_correlation_when_read_then_place_and_reason(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ CORRELATION("type: sum"), "expected a type" },
		{ CORRELATION("type: temporal\n  groupby: [User]"), "unknown key \"groupby\"" },
		{ CORRELATION("type: temporal\n  aliases: { u: { b: User } }"),
		  "b is none of the rules" },
		{ CORRELATION("type: event_count"), "expected a condition" },
		{ CORRELATION("type: event_count\n  condition: { more: 1 }"), "expected gt, gte" },
		{ CORRELATION("type: event_count\n  condition: { gte: x }"), "expected a number" },
		{ CORRELATION("type: value_count\n  condition: { gte: 1 }"), "names no field" },
		{ CORRELATION("type: value_percentile\n  condition: { field: ProcessId, gte: 1 }"),
		  "a percentile" },
		{ CORRELATION("type: temporal\n  generate: 1"), "true or false" },
		{ CORRELATION("type: temporal\n  aliases: { a: b }"), "a map from rules" },
		{ "title: t\ncorrelation:\n  type: temporal\n  timespan: 5m\n", "names no rules" },
		{ "title: t\ncorrelation:\n  type: temporal\n  rules: [a]\n", "a timespan" },
		{ "title: t\nfilter:\n  rules: [a]\n", "a condition" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(sigma_rule) *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(parse(cases[i].text, &r, &d), -EINVAL);
		if (!strstr(d.text, cases[i].said) || d.line == 0)
			fail_msg("%s: %u:%u %s", cases[i].text, d.line, d.column, d.text);
	}
}

static void test_sigma_given_other_documents_when_read_then_gap(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ CORRELATION("type: event_count\n  condition: a or b"), "condition of words" },
		{ CORRELATION("type: value_count\n  condition: { field: [a, b], gte: 1 }"),
		  "several fields" },
		{ CORRELATION("type: temporal\n  group-by: [Foo]"), "field Foo: no event" },
		{ CORRELATION("type: value_count\n  condition: { field: Foo, gte: 1 }"),
		  "field Foo: no event" },
		{ CORRELATION("type: temporal\n  aliases: { u: { a: Foo } }"),
		  "field Foo: no event" },
		{ "action: global\ntitle: t\n", "rule collections" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(sigma_rule) *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(parse(cases[i].text, &r, &d), SIGMA_E_UNMAPPED);
		assert_non_null(strstr(r->gaps[0].text, cases[i].reason));
	}
}

static void test_sigma_given_mistakes_when_read_then_refused_with_place(void **state)
{
	static const struct {
		const char *detection, *condition;
		uint32_t line, column;
		const char *text;
	} cases[] = {
		{ "s:\n  Image|endwith: x", "s", 7, 11, "unknown modifier \"endwith\"" },
		{ "s:\n  Image|contains|re: x", "s", 7, 5, "only one of" },
		{ "s:\n  Image|i: x", "s", 7, 5, "flags of re" },
		{ "s:\n  UtcTime|hour: x", "s", 7, 19, "expected a number" },
		{ "s:\n  UtcTime|hour|contains: 3", "s", 7, 5, "stands alone" },
		{ "s:\n  UtcTime|hour|day: 3", "s", 7, 5, "stands alone" },
		{ "s:\n  '|hour': 3", "s", 7, 5, "name of a field is empty" },
		{ "s:\n  '|exists': true", "s", 7, 5, "name of a field is empty" },
		{ "s:\n  Image|fieldref|base64: User", "s", 7, 5, "fieldref takes only" },
		{ "s:\n  Image|fieldref: [1]", "s", 7, 22, "name of a field" },
		{ "s:\n  Image|re: 'a('", "s", 7, 15, "regular expression" },
		{ "s:\n  Image|re: 'a)(b'", "s", 7, 15, "regular expression" },
		{ "s:\n  Image: []", "s", 7, 12, "empty" },
		{ "s:\n  Image: [[a]]", "s", 7, 13, "expected a value" },
		{ "s:\n  Image:\n    a: b", "s", 8, 7, "a map" },
		{ "s:\n  ProcessId|lt: abc", "s", 7, 19, "expected a number" },
		{ "s:\n  Image|exists: maybe", "s", 7, 19, "true or false" },
		{ "s:\n  Image|contains:", "s", 7, 5, "not nothing" },
		{ "s:\n  CommandLine|base64: 'a*'", "s", 7, 25, "cannot be encoded" },
		{ "s: []", "s", 6, 6, "selection is empty" },
		{ "s: {}", "s", 6, 6, "selection is empty" },
		{ "s:\n  Image: x", "t", 8, 14, "no selection is called t" },
		{ "s:\n  Image: x", "s and", 8, 19, "the condition ends" },
		{ "s:\n  Image: x", "s s", 8, 16, "expected and, or or the end" },
		{ "s:\n  Image: x", "(s", 8, 16, "and, or or )" },
		{ "s:\n  Image: x", "1 of x*", 8, 19, "no selection is called x*" },
		{ "s:\n  Image: x", "all of", 8, 20, "them or a pattern" },
		{ "s:\n  Image: x", "not", 8, 17, "the name of a selection" },
		{ "s:\n  Image: x", "{}", 8, 14, "a condition must be a text" },
		{ "s:\n  Image: x\n  Image: y", "s", 8, 5, "stands twice" },
		{ "s:\n  Image: x\nu:\n  Image|foo: y", "s", 9, 11, "unknown modifier" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_MEM char *text = rule_text(PROC, cases[i].detection, cases[i].condition);
		AUTO(sigma_rule) *r = NULL;
		struct diag d = { 0 };
		int e = parse(text, &r, &d);

		if (e != -EINVAL)
			fail_msg("%d\n%s", e, text);
		if ((!strstr(d.text, cases[i].text) || d.line != cases[i].line ||
		     d.column != cases[i].column))
			fail_msg("%s\n%u:%u: %s", text, d.line, d.column, d.text);
	}
}

static void test_sigma_given_missing_parts_when_read_then_refused(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "- a", "a rule must be a map" },
		{ "logsource: { category: process_creation }", "no title" },
		{ "title: t", "no logsource" },
		{ "title: t\nlogsource: { foo: bar }", "names no category" },
		{ "title: t\nlogsource: { category: process_creation }", "no detection" },
		{ "title: t\nlogsource: { category: process_creation }\ndetection: { s: [a] }",
		  "no condition" },
		{ "title: t\nlevel: loud", "unknown level" },
		{ "title: t\nstatus: fine", "unknown status" },
		{ "title: [t]", "title must be a text" },
		{ "title: t\ntags: [[a]]", "tags must be a list" },
		{ "title: &a t", "anchors" },
		{ "title: 'x", "not YAML" },
		{ "title: \xff", "not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(sigma_rule) *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(parse(cases[i].text, &r, &d), -EINVAL);
		if (!strstr(d.text, cases[i].reason) || d.line == 0)
			fail_msg("%s\n%u: %s", cases[i].text, d.line, d.text);
	}
}

static void test_sigma_given_too_much_when_read_then_refused(void **state)
{
	AUTO_BUF struct buf many = { 0 }, deep = { 0 };
	struct diag d = { 0 };

	(void)state;
	for (int i = 0; i < 2000; i++)
		buf_str(&many, i ? " or s" : "s");
	for (int i = 0; i < 100; i++)
		buf_str(&deep, "not ");
	buf_str(&deep, "s");
	buf_byte(&many, 0);
	buf_byte(&deep, 0);
	for (int i = 0; i < 2; i++) {
		AUTO_MEM char *text =
			rule_text(PROC, "s:\n  Image: x", (char *)(i ? many.data : deep.data));
		AUTO(sigma_rule) *r = NULL;

		assert_int_equal(parse(text, &r, &d), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigma_given_rule_when_read_then_attributes_are_there),
		cmocka_unit_test(test_sigma_given_what_events_lack_when_read_then_gap_with_place),
		cmocka_unit_test(test_sigma_given_several_gaps_when_read_then_all_are_told),
		cmocka_unit_test(test_sigma_given_foreign_sources_when_read_then_gap),
		cmocka_unit_test(test_sigma_given_correlation_when_read_then_all_of_it),
		cmocka_unit_test(
			test_sigma_given_wrong_correlation_when_read_then_place_and_reason),
		cmocka_unit_test(test_sigma_given_other_documents_when_read_then_gap),
		cmocka_unit_test(test_sigma_given_mistakes_when_read_then_refused_with_place),
		cmocka_unit_test(test_sigma_given_missing_parts_when_read_then_refused),
		cmocka_unit_test(test_sigma_given_too_much_when_read_then_refused),
	};

	return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
