/* SPDX-License-Identifier: Apache-2.0 */
/* Modifiers, log sources and fields of Sigma's specification 2.1 that tests/lib/test_sigma.c has
 * not: each on an event that it must hit and one that is near. */
#include "tests/rule_fixture.h"

#define PROC  "{ product: linux, category: process_creation }"
#define AUDIT "{ product: linux, service: auditd }"
#define DNS   "{ product: linux, category: dns_query }"
#define ANY   "{ product: linux }"
#define NET   "{ product: linux, category: network_connection }"

static struct rule *rule_of(const char *source, const char *detection, const char *more)
{
	AUTO_BUF struct buf b = { 0 };
	struct rule *rule = NULL;
	struct diag d = { 0 };

	buf_printf(&b, "title: t\nid: t\n%slogsource: %s\ndetection: %s\n", more ? more : "",
		   source, detection);
	if (rule_parse(&rule, (const char *)b.data, b.n, &d) < 0)
		fail_msg("%.*s\n%u:%u: %s", (int)b.n, b.data, d.line, d.column, d.text);
	return rule;
}

#define EXEC(more) "{ event.action: exec, process.executable: /opt/t, " more " }"
#define CMD(line)  EXEC("process.command_line: \"" line "\"")
#define HASH	   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
#define DASHES	   "t -a -b -c -d -e"

static const struct {
	const char *source, *detection, *fires, *near, *more;
} cases[] = {
	/* windash of many options is one pattern */
	{ PROC, "{ s: { CommandLine|windash|contains: ' -a -b -c -d -e' }, condition: s }",
	  CMD("t /a -b \xe2\x80\x93"
	      "c \xe2\x80\x94"
	      "d \xe2\x80\x95"
	      "e"),
	  CMD("t /a -b =c -d -e"), NULL },
	{ PROC, "{ s: { CommandLine|windash|endswith|cased: ' -a -b -c -D' }, condition: s }",
	  CMD("t -a /b -c /D"), CMD("t -a /b -c /d"), NULL },
	/* fieldref */
	{ PROC, "{ s: { CommandLine|fieldref|startswith: Image }, condition: s }", CMD("/OPT/T x"),
	  CMD("/opt/ x"), NULL },
	{ PROC, "{ s: { CommandLine|fieldref|startswith|cased: Image }, condition: s }",
	  CMD("/opt/t x"), CMD("/opt/T x"), NULL },
	{ PROC, "{ s: { CommandLine|fieldref|contains: User }, condition: s }",
	  EXEC("process.command_line: 'x alice y', process.user.name: alice"),
	  EXEC("process.command_line: 'x alive y', process.user.name: alice"), NULL },
	{ PROC, "{ s: { CommandLine|fieldref|endswith: User }, condition: not s }",
	  EXEC("process.command_line: 'x alice y', process.user.name: alice"),
	  EXEC("process.command_line: 'x y alice', process.user.name: alice"), NULL },
	{ PROC, "{ s: { CommandLine|fieldref|endswith: User }, condition: not s }",
	  EXEC("process.command_line: x"),
	  EXEC("process.command_line: 'x y alice', process.user.name: alice"), NULL },
	{ PROC, "{ s: { User|fieldref|neq: ParentUser }, condition: s }",
	  EXEC("process.user.name: a, process.parent.user.name: b"),
	  EXEC("process.user.name: a, process.parent.user.name: A"), NULL },
	/* parts of a time */
	{ PROC, "{ s: { UtcTime|hour|gte: 13 }, condition: s }", /* 2026-09-21T14:13:20Z */
	  EXEC("process.pid: 5"), EXEC("process.pid: 5, after: 22h"), NULL },
	{ PROC, "{ s: { UtcTime|minute: [13, 99] }, condition: s }", EXEC("process.pid: 5"),
	  EXEC("process.pid: 5, after: 1m"), NULL },
	{ PROC, "{ s: { UtcTime|day: 21, UtcTime|month: 9, UtcTime|year: 2026 }, condition: s }",
	  EXEC("process.pid: 5"), EXEC("process.pid: 5, after: 10h"), NULL },
	{ PROC, "{ s: { UtcTime|week: 39 }, condition: s }", EXEC("process.pid: 5"),
	  EXEC("process.pid: 5, after: 7d"), NULL },
	{ PROC, "{ s: { UtcTime|hour|lt: 8 }, condition: not s }", EXEC("process.pid: 5"),
	  EXEC("process.pid: 5, after: 11h"), NULL },
	{ PROC, "{ s: { process.start|hour|neq: 3 }, condition: s }",
	  EXEC("process.start: 2026-01-01T04:59:59Z"), EXEC("process.start: 2026-01-01T03:00:00Z"),
	  NULL },
	/* placeholders */
	{ PROC, "{ s: { User|expand: '%Admins%' }, condition: s }",
	  EXEC("process.user.name: adm_bob"), EXEC("process.user.name: bob"),
	  "placeholders: { Admins: [root, adm_*] }\n" },
	{ PROC, "{ s: { CommandLine|expand|contains: '%a%-%b%' }, condition: s }", CMD("x 2-4 y"),
	  CMD("x 4-2 y"), "placeholders: { a: [1, 2], b: [3, 4] }\n" },
	{ PROC, "{ s: { CommandLine|expand|contains: '\\%a%b%' }, condition: s }", CMD("x %a4 y"),
	  CMD("x 34 y"), "placeholders: { a: 3, b: 4 }\n" },
	{ PROC, "{ s: { CommandLine|expand: '100%' }, condition: s }", CMD("100%"), CMD("100"),
	  NULL },
	/* without the modifier it is a text */
	{ PROC, "{ s: { CommandLine: '%a%' }, condition: s }", CMD("%a%"), CMD("3"),
	  "placeholders: { a: 3 }\n" },
	/* hashes; known in an event of its own after the first exec */
	{ PROC, "{ s: { Hashes|contains: ['SHA256=" HASH "'] }, condition: s }",
	  "{ event.action: executable_hashed, process.hash.sha256: " HASH " }",
	  "{ event.action: executable_hashed, process.hash.sha256: f" HASH " }", NULL },
	{ PROC, "{ s: { sha256: " HASH " }, condition: s }", EXEC("process.hash.sha256: " HASH),
	  EXEC("process.pid: 1"), NULL },
	{ PROC, "{ s: { Image: /opt/t }, condition: s }", EXEC("process.pid: 1"),
	  "{ event.action: executable_hashed, process.executable: /opt/t }", NULL },
	/* name servers */
	{ DNS, "{ s: { QueryName|endswith: .example.org, QueryStatus: 0 }, condition: s }",
	  "{ event.action: dns_answer, dns.question.name: a.example.org, dns.response_code: "
	  "NOERROR }",
	  "{ event.action: dns_answer, dns.question.name: a.example.org, dns.response_code: "
	  "NXDOMAIN }",
	  NULL },
	{ DNS, "{ s: { QueryResults|contains: '203.0.113.' }, condition: s }",
	  "{ event.action: dns_answer, dns.resolved_ip: [192.0.2.1, 203.0.113.9] }",
	  "{ event.action: dns_answer, dns.resolved_ip: [192.0.2.1] }", NULL },
	{ "{ category: dns }", "{ s: { query: a.b, record_type: TXT }, condition: s }",
	  "{ event.action: dns_answer, dns.question.name: A.b, dns.question.type: TXT }",
	  "{ event.action: dns_answer, dns.question.name: A.b, dns.question.type: A }", NULL },
	/* any log: commands */
	{ ANY, "{ k: [evil thing], condition: k }", CMD("sh -c evil thing"),
	  CMD("sh -c evil  thing"), NULL },
	{ ANY, "{ k: { '|all': [a1, b2] }, condition: k }", CMD("b2 a1"), CMD("b2 a2"), NULL },
	/* auditd's records of programs */
	{ AUDIT, "{ s: { type: ADD_USER }, condition: s }",
	  "{ event.action: rename, file.path: /etc/passwd, process.executable: /usr/sbin/useradd }",
	  "{ event.action: rename, file.path: /etc/passwd, process.executable: /usr/bin/vipw }",
	  NULL },
	{ AUDIT, "{ s: { type: SERVICE_STOP, unit: [auditd, ufw] }, condition: s }",
	  "{ event.action: exec, process.executable: /bin/systemctl, process.command_line: "
	  "systemctl stop auditd.service }",
	  "{ event.action: exec, process.executable: /bin/systemctl, process.command_line: "
	  "systemctl stop auditd.socket }",
	  NULL },
	{ AUDIT, "{ s: { type: SERVICE_STOP, unit: auditd }, condition: not s }",
	  "{ event.action: open, file.path: /x }",
	  "{ event.action: exec, process.executable: /bin/systemctl, process.command_line: "
	  "systemctl stop auditd }",
	  NULL },
	{ AUDIT, "{ s: { type: SYSCALL, SYSCALL: mknodat }, condition: s }",
	  "{ event.action: creation, file.path: /tmp/x, file.type: block }",
	  "{ event.action: creation, file.path: /tmp/x, file.type: file }", NULL },
	{ AUDIT, "{ s: { type: SYSCALL, syscall: [finit_module, bpf] }, condition: s }",
	  "{ event.action: load_module, rtsec.module.name: r }",
	  "{ event.action: ptrace, rtsec.ptrace.request: PTRACE_ATTACH }", NULL },
	{ AUDIT, "{ s: { type: KERN_MODULE }, condition: s }", "{ event.action: load_module }",
	  "{ event.action: bpf_load }", NULL },
	{ "{ product: linux, category: process_creation, service: sysmon }",
	  "{ s: { User: a }, condition: s }", EXEC("process.user.name: a"),
	  EXEC("process.user.name: b"), "taxonomy: sigma\n" },
	/* addresses and ports as texts */
	{ NET,
	  "{ s: { DestinationIp: '192.168.?.*', DestinationPort|startswith: 80 }, condition: s }",
	  "{ event.action: connection_attempted, destination.ip: 192.168.1.22, destination.port: "
	  "8080 }",
	  "{ event.action: connection_attempted, destination.ip: 192.168.1.22, destination.port: "
	  "180 }",
	  NULL },
	/* conditions: precedence, a list, names with blanks of all kinds */
	{ PROC,
	  "{ a: { User: a }, b: { Image: /b }, c: { ProcessId: 1 }, condition: a or b and c }",
	  EXEC("process.user.name: a"), EXEC("process.pid: 1"), NULL },
	{ PROC, "{ a: { User: a }, b: { Image: /opt/t }, condition: not a and b }",
	  EXEC("process.user.name: b"), EXEC("process.user.name: a"), NULL },
	{ PROC, "{ a: [{ User: a }, { User: b, ProcessId: 2 }], condition: [a] }",
	  EXEC("process.user.name: b, process.pid: 2"),
	  EXEC("process.user.name: b, process.pid: 3"), NULL },
	{ PROC, "{ a: { User: '' }, condition: a }", EXEC("process.user.name: ''"),
	  EXEC("process.user.name: ' '"), NULL },
	{ PROC, "{ a: { User|exists: false }, condition: a }", EXEC("process.pid: 1"),
	  EXEC("process.user.name: ''"), NULL },
	{ PROC, "{ a: { User: null }, condition: not a }", EXEC("process.user.name: a"),
	  EXEC("process.pid: 1"), NULL },
	/* backslashes: \\\* is a backslash and a star, \\\\ two backslashes */
	{ PROC, "{ a: { CommandLine: 'x\\\\\\*y' }, condition: a }", CMD("x\\\\*y"), CMD("x\\\\zy"),
	  NULL },
	{ PROC, "{ a: { CommandLine: 'x\\\\*y' }, condition: a }", CMD("x\\\\zy"), CMD("xzy"),
	  NULL },
	{ PROC, "{ a: { CommandLine: 'x\\\\\\\\y' }, condition: a }", CMD("x\\\\\\\\y"),
	  CMD("x\\\\y"), NULL },
	{ PROC, "{ a: { CommandLine|re|i|m: '^X$' }, condition: a }", CMD("a\\nx\\nb"),
	  CMD("a\\nxx\\nb"), NULL },
	{ PROC, "{ a: { CommandLine|re|s: 'a.b' }, condition: a }", CMD("a\\nb"), CMD("a\\n\\nb"),
	  NULL },
	{ PROC, "{ a: { CommandLine|re: 'a.b' }, condition: a }", CMD("a b"), CMD("a\\nb"), NULL },
	{ NET, "{ a: { DestinationIp|cidr: ['2001:db8::/32', 10.0.0.0/8] }, condition: not a }",
	  "{ event.action: connection_attempted, destination.ip: '2001:db9::1' }",
	  "{ event.action: connection_attempted, destination.ip: '2001:db8:1::1' }", NULL },
	{ PROC, "{ a: { LogonId|neq: [0, 1000] }, condition: a }", EXEC("process.user.id: 5"),
	  EXEC("process.user.id: 0"), NULL },
};

static void test_sigma_spec_given_cases_when_asked_then_one_fires_and_the_near_one_does_not(
	void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(rule) *r = rule_of(cases[i].source, cases[i].detection, cases[i].more);

		if (r->n_gaps || !r->expr)
			fail_msg("%s: %s", cases[i].detection, r->gaps[0].text);
		assert_string_equal(rule_status_name(r), "ok");
		if (!rule_hits(r->expr, cases[i].fires))
			fail_msg("%s\nmust fire on %s", cases[i].detection, cases[i].fires);
		if (rule_hits(r->expr, cases[i].near))
			fail_msg("%s\nmust not fire on %s", cases[i].detection, cases[i].near);
	}
}

/* A branch of an OR that our events lack is left out, and told, where that can only make fewer
 * hits. */
static void test_sigma_spec_given_branch_we_lack_when_read_then_asked_in_part(void **state)
{
	static const struct {
		const char *source, *detection;
		size_t n_gaps;
		const char *status, *fires;
	} parts[] = {
		{ AUDIT, "{ a: { type: TTY }, b: { type: EXECVE }, condition: a or b }", 1,
		  "partial", EXEC("process.pid: 1") },
		{ AUDIT, "{ s_a: { type: TTY }, s_b: { type: EXECVE }, condition: 1 of s_* }", 1,
		  "partial", EXEC("process.pid: 1") },
		{ AUDIT, "{ a: { type: [TTY, EXECVE] }, condition: a }", 1, "partial",
		  EXEC("process.pid: 1") },
		{ PROC, "{ a: [{ Foo: 1 }, { Image: /opt/t }], condition: a }", 1, "partial",
		  EXEC("process.pid: 1") },
		{ PROC, "{ a: { Hashes|contains: ['MD5=1', 'SHA256=" HASH "'] }, condition: a }", 1,
		  "partial", EXEC("process.hash.sha256: " HASH) },
		{ PROC, "{ a: { Foo: 1 }, b: { Image: /opt/t }, condition: not not (a or b) }", 1,
		  "partial", EXEC("process.pid: 1") },
		{ PROC, "{ a: { Foo: 1 }, b: { Image: /opt/t }, condition: [a, b] }", 1, "partial",
		  EXEC("process.pid: 1") },
		{ PROC, "{ a: { User|expand: ['%x%', bob] }, condition: a }", 1, "partial",
		  EXEC("process.user.name: bob") },
		/* less of these would be more hits, or all of it is missing */
		{ PROC, "{ a: { Foo: 1 }, b: { Image: /opt/t }, condition: not (a or b) }", 1,
		  "unmapped", NULL },
		{ PROC, "{ a: { Foo: 1 }, b: { Image: /opt/t }, condition: b and not a }", 1,
		  "unmapped", NULL },
		{ PROC, "{ a: { User|expand|neq: ['%x%', bob] }, condition: a }", 1, "unmapped",
		  NULL },
		{ PROC, "{ a: { Foo: 1 }, b: { Bar: 1 }, condition: a or b }", 2, "unmapped",
		  NULL },
		{ PROC, "{ a: { CommandLine|expand|contains|all: ['%x%', b] }, condition: a }", 1,
		  "unmapped", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		AUTO(rule) *r = rule_of(parts[i].source, parts[i].detection, NULL);

		if (strcmp(rule_status_name(r), parts[i].status) != 0)
			fail_msg("%s is %s", parts[i].detection, rule_status_name(r));
		assert_int_equal(r->n_gaps, parts[i].n_gaps);
		assert_int_equal(r->expr != NULL, parts[i].fires != NULL);
		if (parts[i].fires && !rule_hits(r->expr, parts[i].fires))
			fail_msg("%s\nmust fire on %s", parts[i].detection, parts[i].fires);
	}
}

static void test_sigma_spec_given_another_taxonomy_when_read_then_gap_with_place(void **state)
{
	AUTO(rule) *r = rule_of(PROC, "{ s: { a: b }, condition: s }", "taxonomy: mine\n");

	(void)state;
	assert_string_equal(rule_status_name(r), "unmapped");
	assert_int_equal(r->gaps[0].line, 3);
	assert_int_equal(r->gaps[0].column, 11);
}

static void test_sigma_spec_given_wrong_placeholders_when_read_then_place_and_reason(void **state)
{
	static const struct {
		const char *text, *said;
		uint32_t line, column;
	} wrong[] = {
		{ "placeholders: x", "a map of placeholders", 3, 15 },
		{ "placeholders: { a: [] }", "is empty", 3, 20 },
		{ "placeholders: { a: [[b]] }", "a text or a list", 3, 21 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		AUTO_BUF struct buf b = { 0 };
		struct rule *rule = NULL;
		struct diag d = { 0 };

		buf_printf(&b, "title: t\nid: t\n%s\nlogsource: " PROC "\n", wrong[i].text);
		assert_int_equal(rule_parse(&rule, (const char *)b.data, b.n, &d), -EINVAL);
		if (!strstr(d.text, wrong[i].said) || d.line != wrong[i].line ||
		    d.column != wrong[i].column)
			fail_msg("%s\n%u:%u: %s", wrong[i].text, d.line, d.column, d.text);
	}
}

static void test_sigma_spec_given_too_many_placeholders_when_read_then_refused(void **state)
{
	static const char text[] =
		"title: t\nlogsource: " PROC "\nplaceholders: { a: b }\ndetection:\n"
		"  s: { User|expand: '%a%%a%%a%%a%%a%%a%%a%%a%%a%' }\n  condition: s\n";
	struct rule *rule = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(rule_parse(&rule, text, sizeof(text) - 1, &d), -EINVAL);
	assert_non_null(strstr(d.text, "placeholders in a text"));
	assert_int_equal(d.line, 5);
}

/* ISO 8601: a week is of the year that its Thursday is in. */
static void test_sigma_spec_given_dates_at_the_ends_of_years_when_asked_then_iso_weeks(void **state)
{
	static const struct {
		const char *date;
		unsigned week;
	} dates[] = {
		{ "2020-12-31", 53 }, { "2021-01-01", 53 }, { "2021-01-03", 53 },
		{ "2021-01-04", 1 },  { "2018-12-31", 1 },  { "2019-12-29", 52 },
		{ "2019-12-30", 1 },  { "2016-01-03", 53 }, { "2024-12-30", 1 },
		{ "2022-01-01", 52 }, { "2023-01-01", 52 }, { "2000-02-29", 9 },
		{ "2026-01-01", 1 },  { "2027-01-01", 53 }, { "2032-12-31", 53 },
		{ "2033-01-01", 53 }, { "1970-01-01", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++)
		for (unsigned week = 0; week <= 54; week++) {
			char detection[128], event[128];
			AUTO(rule) *r = NULL;

			snprintf(detection, sizeof(detection),
				 "{ s: { process.start|week: %u }, condition: s }", week);
			snprintf(event, sizeof(event),
				 "{ event.action: exec, process.start: %sT23:59:59Z }",
				 dates[i].date);
			r = rule_of(PROC, detection, NULL);
			if (rule_hits(r->expr, event) != (week == dates[i].week))
				fail_msg("%s: week %u", dates[i].date, week);
		}
}

/* "them" of a filter is its selections, not the rules that it names. */
static void test_sigma_spec_given_filter_when_read_then_its_rules_are_no_selection(void **state)
{
	static const char text[] = "title: f\nlogsource: " PROC "\nfilter:\n  rules: [x, y]\n"
				   "  selection: { User: bob }\n  condition: not 1 of them\n";
	struct rule *rule = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(rule_parse(&rule, text, sizeof(text) - 1, &d), 0);
	assert_int_equal(rule->filtered->n, 2);
	assert_true(rule_hits(rule->filter, EXEC("process.command_line: x y")));
	assert_false(rule_hits(rule->filter, EXEC("process.user.name: bob")));
	rule_free(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_sigma_spec_given_cases_when_asked_then_one_fires_and_the_near_one_does_not),
		cmocka_unit_test(test_sigma_spec_given_branch_we_lack_when_read_then_asked_in_part),
		cmocka_unit_test(
			test_sigma_spec_given_another_taxonomy_when_read_then_gap_with_place),
		cmocka_unit_test(
			test_sigma_spec_given_wrong_placeholders_when_read_then_place_and_reason),
		cmocka_unit_test(
			test_sigma_spec_given_too_many_placeholders_when_read_then_refused),
		cmocka_unit_test(
			test_sigma_spec_given_dates_at_the_ends_of_years_when_asked_then_iso_weeks),
		cmocka_unit_test(
			test_sigma_spec_given_filter_when_read_then_its_rules_are_no_selection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
