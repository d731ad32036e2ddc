/* SPDX-License-Identifier: Apache-2.0 */
/* sigma_fixture - rules read from text, and asked of events.
 * Thread: the test's own.  Memory: freed by who made it. */
#pragma once
#include "query_fixture.h"

#include "lib/sigma.h"
#include "tests/test.h"

static inline UNUSED void add_processes(struct fixture *f)
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

static inline UNUSED void add_events(struct fixture *f)
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

static inline UNUSED int setup(void **state)
{
	const struct batch_origin origin = { .node_id = "n1", .node_name = "n1" };

	return fixture_make(state, &origin, add_processes, add_events);
}

static inline UNUSED int parse(const char *text, struct sigma_rule **ret, struct diag *d)
{
	AUTO(yaml) *y = NULL;
	int r = yaml_parse(&y, text, strlen(text), d);

	if (r == 0)
		r = sigma_rule_new(ret, yaml_first(y), d);
	return r;
}

static UNUSED const char *const sources[] = {
	"category: process_creation",	 "category: file_event",  "category: file_delete",
	"category: file_rename",	 "category: file_access", "category: network_connection",
	"category: process_termination", "service: auditd",
};

enum source { PROC, FILE_EVENT, FILE_DELETE, FILE_RENAME, FILE_ACCESS, NET, END, AUDIT };

/* The detection stands without its two blanks of indentation after line ends: "\n" becomes them. */
static inline UNUSED char *rule_text(enum source source, const char *detection,
				     const char *condition)
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

static inline UNUSED uint32_t hits(struct fixture *f, enum source source, const char *detection,
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

static UNUSED const struct {
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
