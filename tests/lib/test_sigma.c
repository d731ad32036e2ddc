/* SPDX-License-Identifier: Apache-2.0 */
/* Sigma rules of our own on events of our own: each shape with what must fire and what is near but
 * must stay quiet, the opposite of each under NOT, and every way to be wrong or out of reach. */
#include "query_fixture.h"

#include "lib/sigma.h"
#include "tests/test.h"

/* ---- events ---- */

static void add_processes(struct fixture *f)
{
	static const struct fixture_process all[] = {
		{ 1, 0, "/usr/lib/systemd/systemd", "root", 0, { "/sbin/init" } },
		{ 700, 1, "/usr/sbin/sshd", "root", 0, { "sshd:", "alice" } },
		{ 800, 2, "/usr/bin/bash", "alice", 1000, { "-bash" } },
		{ 801, 3, "/usr/bin/cp", "root", 0, { "cp", "/bin/sh", "/tmp/crond" } },
		{ 802, 3, "/usr/bin/cp", "root", 0, { "cp", "/tmp/crond", "/bin/sh" } },
		{ 803,
		  3,
		  "/usr/bin/wget",
		  "alice",
		  1000,
		  { "wget", "-O", "/tmp/x", "http://h/x" } },
		{ 804,
		  3,
		  "/usr/bin/wget",
		  "alice",
		  1000,
		  { "WGET", "-o", "/tmp/x", "http://h/y" } },
		{ 805, 3, "/usr/bin/bash", "alice", 1000, { "bash", "-c", "echo a*b?c" } },
		{ 806, 3, "/usr/bin/bash", "bash", 1001, { "bash", "-c", "echo aXbYc" } },
		{ 807, 3, "/opt/tool", "alice", 1000, { "tool", "/enc", "aGVsbG8gd29ybGQ=" } },
		{ 808, 3, "/opt/tool", "alice", 1000, { "tool", "-enc", "YwBtAGQA", "x\\y" } },
		{ 809, 4, "/usr/bin/kmod", "root", 0, { "insmod", "/tmp/r.ko" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		fixture_add_process(f, &all[i]);
	fixture_str(f, KIND_NONE, FIELD_COMM, "insmod");
	fixture_str(f, KIND_NONE, FIELD_CWD, "/var/tmp");
	batch_process_add(f->batch, 0xabc999, 0); /* nothing is known of it */
}

/* Bits of the events, as fixture_eval() numbers them. */
enum {
	CP = BIT(1),
	CP_TURNED = BIT(2),
	WGET = BIT(3),
	WGET_SMALL = BIT(4),
	STARS = BIT(5),
	NO_STARS = BIT(6),
	TOOL = BIT(7),
	TOOL_WIDE = BIT(8),
	INSMOD = BIT(9),
	UNKNOWN = BIT(10),
	EXECS = BIT(11) - BIT(1),
	CREATED = BIT(11),
	CREATE_FAILED = BIT(12),
	TRUNCATED = BIT(13),
	READ = BIT(14),
	RENAMED = BIT(15),
	DELETED = BIT(16),
	PRELOAD = BIT(17),
	FILES = CREATED | TRUNCATED | RENAMED,
	OUT_443 = BIT(18),
	OUT_22 = BIT(19),
	IN_22 = BIT(20),
	FLOWS = OUT_443 | OUT_22 | IN_22,
	ENDED = BIT(21),
	EVERYTHING = BIT(22) - BIT(1),
};

static void add_events(struct fixture *f)
{
	static const char *const truncate[] = { "write", "truncate", NULL }, *const read[] = {
		"read", NULL
	};

	for (uint32_t p = 4; p <= 13; p++)
		fixture_event(f, KIND_EXEC, p);
	fixture_file(f, KIND_CREATION, 6, "/etc/cron.d/job", NULL);
	fixture_file(f, KIND_CREATION, 6, "/etc/cron.d/job", "EACCES");
	fixture_file(f, KIND_OPEN, 6, "/etc/cron.d/old", NULL);
	fixture_list(f, KIND_OPEN, FIELD_OPEN_FLAGS, truncate);
	fixture_file(f, KIND_OPEN, 6, "/etc/cron.d/old", NULL);
	fixture_list(f, KIND_OPEN, FIELD_OPEN_FLAGS, read);
	fixture_file(f, KIND_RENAME, 4, "/etc/cron.d/new", NULL);
	fixture_str(f, KIND_RENAME, FIELD_FILE_ORIGINAL, "/tmp/new");
	fixture_file(f, KIND_DELETION, 4, "/var/log/auth.log", NULL);
	fixture_file(f, KIND_OPEN, 13, "/etc/ld.so.preload", NULL);
	fixture_flow(f, KIND_CONNECT, 6, "10.0.0.5", "203.0.113.9", 443);
	fixture_flow(f, KIND_CONNECT, 8, "10.0.0.5", "10.1.2.3", 22);
	fixture_flow(f, KIND_ACCEPT, 2, "10.1.2.3", "10.0.0.5", 22);
	fixture_event(f, KIND_END, 6);
}

static int setup(void **state)
{
	const struct batch_origin origin = { .node_id = "n1", .node_name = "n1" };
	struct fixture *f = calloc(1, sizeof(*f));
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct diag d;

	if (!f || batch_new(&f->batch, &origin) < 0 || block_new(&f->block) < 0 ||
	    frame_codec_new(&codec) < 0 || expr_scratch_new(&f->scratch) < 0)
		return -1;
	add_processes(f);
	add_events(f);
	*state = f;
	return batch_seal(f->batch, codec, NULL, f->seq + 1, 1, &frame) < 0 ||
	       block_load(f->block, frame.data, frame.n, &d) < 0;
}

/* ---- rules ---- */

static int parse(const char *text, struct sigma_rule **ret, struct diag *d)
{
	AUTO(yaml) *y = NULL;
	int r = yaml_parse(&y, text, strlen(text), d);

	if (r == 0)
		r = sigma_rule_new(ret, yaml_first(y), d);
	return r;
}

static const char *const sources[] = {
	"category: process_creation",	 "category: file_event",  "category: file_delete",
	"category: file_rename",	 "category: file_access", "category: network_connection",
	"category: process_termination", "service: auditd",
};
enum source { PROC, FILE_EVENT, FILE_DELETE, FILE_RENAME, FILE_ACCESS, NET, END, AUDIT };

static const uint32_t of_source[] = {
	EXECS, FILES, DELETED,	  RENAMED, READ | TRUNCATED | PRELOAD | CREATED | CREATE_FAILED,
	FLOWS, ENDED, EVERYTHING,
};

/* The detection stands without its two blanks of indentation after line ends: "\n" becomes them. */
static char *rule_text(enum source source, const char *detection, const char *condition)
{
	AUTO_BUF struct buf b = { 0 };

	buf_printf(&b, "title: t\nlogsource:\n  product: linux\n  %s\ndetection:\n  ",
		   sources[source]);
	for (const char *c = detection; *c; c++)
		buf_str(&b, *c == '\n' ? "\n  " : (char[]){ *c, 0 });
	buf_printf(&b, "\n  condition: %s\n", condition);
	buf_byte(&b, 0);
	return (char *)TAKE(b.data);
}

static uint32_t hits(struct fixture *f, enum source source, const char *detection,
		     const char *condition)
{
	AUTO_MEM char *text = rule_text(source, detection, condition);
	AUTO(sigma_rule) *rule = NULL;
	AUTO(expr) *again = NULL;
	AUTO_BUF struct buf query = { 0 };
	struct diag d = { 0 };
	uint32_t found;
	int r = parse(text, &rule, &d);

	if (r)
		fail_msg("%s\n%d %u:%u %s", text, r, r < 0 ? d.line : rule->gaps[0].line, d.column,
			 r < 0 ? d.text : rule->gaps[0].text);
	found = fixture_eval(f, rule->expr);
	expr_print(rule->expr, &query);
	if (eql_parse(&again, (char *)query.data, query.n, &d) < 0)
		fail_msg("%s: %.*s", d.text, (int)query.n, query.data);
	assert_int_equal(fixture_eval(f, again), found); /* what backtest asks is the rule */
	return found;
}

static void check(struct fixture *f, enum source source, const char *detection,
		  const char *condition, uint32_t want)
{
	uint32_t got = hits(f, source, detection, condition);

	if (got != want)
		fail_msg("%s\ncondition: %s\ngot %x, want %x", detection, condition, got, want);
}

static const struct {
	enum source source;
	const char *detection; /* of "selection" */
	uint32_t hits;
} shapes[] = {
	/* strings */
	{ PROC, "selection:\n  Image: /usr/bin/cp", CP | CP_TURNED },
	{ PROC, "selection:\n  Image: /USR/bin/CP", CP | CP_TURNED },
	{ PROC, "selection:\n  Image|cased: /USR/bin/CP", 0 },
	{ PROC, "selection:\n  Image: cp", 0 },
	{ PROC, "selection:\n  Image|endswith: /wget", WGET | WGET_SMALL },
	{ PROC, "selection:\n  Image|endswith: [/wget, /kmod]", WGET | WGET_SMALL | INSMOD },
	{ PROC, "selection:\n  Image|startswith: /opt/", TOOL | TOOL_WIDE },
	{ PROC, "selection:\n  CommandLine|contains: /tmp/crond", CP | CP_TURNED },
	{ PROC, "selection:\n  CommandLine|contains|cased: 'WGET'", WGET_SMALL },
	{ PROC, "selection:\n  CommandLine|contains|all: [' -o ', 'h/x']", WGET },
	{ PROC, "selection:\n  CommandLine: '*-o*h/?'", WGET | WGET_SMALL },
	{ PROC, "selection:\n  CommandLine|startswith|cased: 'wget -O'", WGET },
	/* wildcards that stand for themselves */
	{ PROC, "selection:\n  CommandLine|contains: 'a\\*b'", STARS },
	{ PROC, "selection:\n  CommandLine|contains: 'o a*b'", STARS | NO_STARS },
	{ PROC, "selection:\n  CommandLine|endswith: 'a*b\\?c'", STARS },
	{ PROC, "selection:\n  CommandLine|endswith: 'a\\*b?c'", STARS },
	{ PROC, "selection:\n  CommandLine: 'bash -c echo a\\*b\\?c'", STARS },
	{ PROC, "selection:\n  CommandLine|endswith: ' x\\\\y'", TOOL_WIDE },
	{ PROC, "selection:\n  CommandLine|endswith: ' x\\y'", TOOL_WIDE },
	/* maps and lists */
	{ PROC, "selection:\n  Image|endswith: /bash\n  User: alice", STARS },
	{ PROC, "selection:\n  - Image|endswith: /kmod\n  - User: bash", INSMOD | NO_STARS },
	{ PROC, "selection:\n  ParentImage|endswith: /cp\n  LogonId: 0", INSMOD },
	{ PROC, "selection:\n  CurrentDirectory: /var/tmp", INSMOD },
	{ PROC, "selection:\n  User: [root, 1000]", CP | CP_TURNED | INSMOD },
	{ PROC, "selection:\n  process.args: /bin/sh", CP | CP_TURNED },
	/* null, exists, numbers */
	{ PROC, "selection:\n  Image: null", UNKNOWN },
	{ PROC, "selection:\n  Image:", UNKNOWN },
	{ PROC, "selection:\n  CurrentDirectory|exists: true", INSMOD },
	{ PROC, "selection:\n  CurrentDirectory|exists: false", EXECS & ~INSMOD },
	{ PROC, "selection:\n  Image: [null, /usr/bin/kmod]", UNKNOWN | INSMOD },
	{ PROC, "selection:\n  Image: ''", 0 },
	{ PROC, "selection:\n  Image: '*'", EXECS & ~UNKNOWN },
	{ PROC, "selection:\n  ProcessId|lt: 802", CP },
	{ PROC, "selection:\n  ProcessId|lte: 802", CP | CP_TURNED },
	{ PROC, "selection:\n  ProcessId|gt: 808", INSMOD },
	{ PROC, "selection:\n  ProcessId|gte: 808.5", INSMOD },
	{ PROC, "selection:\n  ProcessId: [801, '809']", CP | INSMOD },
	{ PROC, "selection:\n  ProcessId: '80*'", EXECS & ~UNKNOWN },
	/* re */
	{ PROC, "selection:\n  CommandLine|re: '\\s-O\\s'", WGET },
	{ PROC, "selection:\n  CommandLine|re|i: '\\s-O\\s'", WGET | WGET_SMALL },
	{ PROC, "selection:\n  CommandLine|re: '^wget|y$'", WGET | WGET_SMALL | TOOL_WIDE },
	{ PROC, "selection:\n  CommandLine|re: 'h.x$'", WGET },
	/* encodings */
	{ PROC, "selection:\n  CommandLine|base64|contains: 'hello world'", TOOL },
	{ PROC, "selection:\n  CommandLine|base64|contains: 'hello worlt'", 0 },
	{ PROC, "selection:\n  CommandLine|base64offset|contains: world", TOOL },
	{ PROC, "selection:\n  CommandLine|base64offset|contains: ello", TOOL },
	{ PROC, "selection:\n  CommandLine|base64offset|contains: 'lo w'", TOOL },
	{ PROC, "selection:\n  CommandLine|base64offset|contains: wordy", 0 },
	{ PROC, "selection:\n  CommandLine|wide|base64offset|contains: md", TOOL_WIDE },
	{ PROC, "selection:\n  CommandLine|utf16le|base64|contains: cmd", TOOL_WIDE },
	{ PROC, "selection:\n  CommandLine|utf16be|base64offset|contains: cmd", 0 },
	{ PROC, "selection:\n  CommandLine|windash|contains: ' -enc '", TOOL | TOOL_WIDE },
	{ PROC, "selection:\n  CommandLine|contains: ' -enc '", TOOL_WIDE },
	/* other modifiers */
	{ PROC, "selection:\n  Image|fieldref: ParentImage", STARS | NO_STARS },
	{ PROC, "selection:\n  Image|neq: /usr/bin/cp", EXECS & ~(CP | CP_TURNED) },
	{ PROC, "selection:\n  Image|endswith|neq: [/cp, /tool]",
	  EXECS & ~(CP | CP_TURNED | TOOL | TOOL_WIDE) },
	{ PROC, "selection:\n  User|expand: alice", WGET | WGET_SMALL | STARS | TOOL | TOOL_WIDE },
	/* keywords */
	{ PROC, "selection:\n  - h/x\n  - r.ko", WGET | INSMOD },
	{ PROC, "selection:\n  '|all':\n    - wget\n    - h/y", WGET_SMALL },
	{ PROC, "selection: '*crond'", CP | CP_TURNED },
	{ PROC, "selection:\n  - 'a\\*b'", STARS },
	{ PROC, "selection:\n  '|re': 'x$'", WGET },
	/* files */
	{ FILE_EVENT, "selection:\n  TargetFilename|startswith: /etc/cron.d/", FILES },
	{ FILE_EVENT, "selection:\n  TargetFilename: /etc/cron.d/job", CREATED },
	{ FILE_EVENT, "selection:\n  TargetFilename|endswith: /old\n  Image|endswith: /wget",
	  TRUNCATED },
	{ FILE_EVENT, "selection:\n  TargetFilename|startswith: /var/log", 0 },
	{ FILE_DELETE, "selection:\n  TargetFilename|startswith: /var/log", DELETED },
	{ FILE_RENAME, "selection:\n  SourceFilename|startswith: /tmp/", RENAMED },
	{ FILE_ACCESS, "selection:\n  TargetFilename|endswith: /old", READ | TRUNCATED },
	/* connections */
	{ NET, "selection:\n  DestinationPort: 22", OUT_22 | IN_22 },
	{ NET, "selection:\n  DestinationPort: 22\n  Initiated: true", OUT_22 },
	{ NET, "selection:\n  Initiated: 'false'", IN_22 },
	{ NET, "selection:\n  DestinationIp: 203.0.113.9", OUT_443 },
	{ NET, "selection:\n  DestinationIp|cidr: 10.0.0.0/8", OUT_22 | IN_22 },
	{ NET, "selection:\n  DestinationIp|startswith: '10.'", OUT_22 | IN_22 },
	{ NET, "selection:\n  DestinationIp|cidr: [203.0.113.0/24, '2001:db8::/32']", OUT_443 },
	{ NET, "selection:\n  Image|endswith: /sshd", IN_22 },
	{ END, "selection:\n  Image|endswith: /wget", ENDED },
	/* auditd */
	{ AUDIT, "selection:\n  type: EXECVE\n  a0: cp\n  a1: /bin/sh\n  a2|endswith: /crond", CP },
	{ AUDIT, "selection:\n  type: execve\n  a1|contains: /", CP | CP_TURNED | INSMOD | TOOL },
	{ AUDIT, "selection:\n  a3|startswith: 'http'", WGET | WGET_SMALL },
	{ AUDIT, "selection:\n  type: PATH\n  name: /etc/ld.so.preload", PRELOAD },
	{ AUDIT, "selection:\n  type: PATH\n  nametype: CREATE\n  name|startswith: /etc/cron.d",
	  CREATED | CREATE_FAILED | RENAMED },
	{ AUDIT, "selection:\n  nametype: CREATE\n  success: 'no'", CREATE_FAILED },
	{ AUDIT, "selection:\n  type: SYSCALL\n  comm: insmod\n  exe: /usr/bin/kmod", INSMOD },
	{ AUDIT, "selection:\n  SYSCALL: connect\n  exe|endswith: /bash", OUT_22 },
};

static void test_sigma_given_shapes_when_evaluated_then_triggers_fire_and_near_misses_do_not(
	void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		check(*state, shapes[i].source, shapes[i].detection, "selection", shapes[i].hits);
}

/* Two values: what a selection does not hit, its NOT does, fields that are not there included. */
static void test_sigma_given_shapes_when_negated_then_exactly_the_others(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		uint32_t all = of_source[shapes[i].source], yes = shapes[i].hits;

		check(*state, shapes[i].source, shapes[i].detection, "not selection", all & ~yes);
		check(*state, shapes[i].source, shapes[i].detection, "not not selection", yes);
		check(*state, shapes[i].source, shapes[i].detection,
		      "not (selection or not selection)", 0);
		check(*state, shapes[i].source, shapes[i].detection,
		      "not (selection and not selection)", all);
	}
}

static void test_sigma_given_conditions_when_evaluated_then_grouped_right(void **state)
{
	static const char d[] =
		"sel_a:\n  Image|endswith: /cp\nsel_b:\n  CommandLine|contains: "
		"/bin/sh\nfilter:\n  CommandLine|endswith: crond\n_hidden:\n  Image: x";
	static const struct {
		const char *condition;
		uint32_t hits;
	} cases[] = {
		{ "sel_a and sel_b", CP | CP_TURNED },
		{ "sel_a and not filter", CP_TURNED },
		{ "1 of sel_*", CP | CP_TURNED },
		{ "any of sel_*", CP | CP_TURNED },
		{ "all of sel_*", CP | CP_TURNED },
		{ "all of sel_* and not 1 of filter*", CP_TURNED },
		{ "all of them", CP },
		{ "1 of them", CP | CP_TURNED },
		{ "not 1 of them", EXECS & ~(CP | CP_TURNED) },
		{ "filter or sel_a and not sel_b", CP },
		{ "(filter or sel_a) and not filter", CP_TURNED },
		{ "NOT sel_a OR filter", (EXECS & ~CP_TURNED) },
		{ "[sel_a and filter, _hidden]", CP },
		{ "\"sel_a\\n and sel_b\"", CP | CP_TURNED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(*state, PROC, d, cases[i].condition, cases[i].hits);
}

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

static void test_sigma_given_table_when_checked_then_every_entry_is_known(void **state)
{
	struct diag d = { 0 };

	(void)state;
	if (sigma_check_table(&d) < 0)
		fail_msg("%s", d.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_sigma_given_shapes_when_evaluated_then_triggers_fire_and_near_misses_do_not),
		cmocka_unit_test(test_sigma_given_shapes_when_negated_then_exactly_the_others),
		cmocka_unit_test(test_sigma_given_conditions_when_evaluated_then_grouped_right),
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
		cmocka_unit_test(test_sigma_given_table_when_checked_then_every_entry_is_known),
	};

	return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
