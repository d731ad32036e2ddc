/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes in which rules for Linux are written elsewhere: all must be read; what they ask for
 * and rtsec does not have is named, and whether they can fire at all is told. */
#include "tests/test.h"

#include "lib/eql_statement.h"

#define LINUX "process where host.os.type == \"linux\" and event.type == \"start\" and "
#define EXECUTE                                                                \
	"event.action in (\"exec\", \"exec_event\", \"start\", \"executed\", " \
	"\"process_started\") and "
#define SHELLS "(\"bash\", \"dash\", \"sh\", \"tcsh\", \"csh\", \"zsh\", \"ksh\", \"fish\")"

/* Unknown fields with blanks between; does not fire when they stand behind a '!'. */
static const struct {
	const char *rule, *unknown;
} rules[] = {
	/* who starts what */
	{ LINUX EXECUTE "process.name : (\"nc*\", \"socat\")", "" },
	{ LINUX EXECUTE "process.name in " SHELLS " and process.args : \"-i\"", "" },
	{ LINUX EXECUTE "process.parent.name in (\"java\", \"node\") and process.name : " SHELLS
			" and not process.parent.args like \"*/opt/vendor/*\"",
	  "" },
	{ LINUX "event.action == \"exec\" and process.parent.executable : (\"/tmp/*\", "
		"\"/dev/shm/*\") and process.args_count >= 2 and process.args_count <= 5",
	  "" },
	{ LINUX EXECUTE "?process.parent.executable != null and process.name == \"ldd\"", "" },
	{ LINUX EXECUTE "(process.name == \"chattr\" and process.args : (\"-*i*\", \"+*i*\")) and "
			"not process.parent.name : (\"systemd\", \"cf-agent\")",
	  "" },
	{ LINUX "event.action == \"exec\" and process.name == \"base64\" and process.args in~ "
		"(\"-d\", \"--decode\") and process.parent.name != null",
	  "" },
	{ LINUX EXECUTE "process.executable regex \"\"\"/(tmp|var/tmp)/\\.[a-z0-9]{1,8}\"\"\"",
	  "" },
	{ LINUX EXECUTE "process.command_line like~ \"*curl*|*sh*\" or "
			"process.command_line : (\"*wget*| bash*\")",
	  "" },
	{ LINUX EXECUTE "process.working_directory : \"/dev/shm*\" and user.id == \"0\"", "" },
	{ LINUX "event.action == \"exec\" and user.name == \"www-data\" and "
		"process.parent.user.id != \"0\" and process.user.id == 0",
	  "" },
	{ LINUX EXECUTE "process.session_leader.name == \"sshd\" and process.name == \"passwd\"",
	  "" },
	{ LINUX EXECUTE "process.group_leader.name == \"bash\" and process.name == \"id\"",
	  "!process.group_leader.name" },
	{ LINUX EXECUTE "process.entry_leader.entry_meta.type == \"sshd\"",
	  "!process.entry_leader.entry_meta.type" },
	{ LINUX EXECUTE "(process.entry_leader.entry_meta.type == \"container\" or container.id != "
			"null) and process.name == \"nsenter\"",
	  "process.entry_leader.entry_meta.type" },
	{ LINUX EXECUTE "process.interactive == true and container.id : \"?*\"",
	  "!process.interactive" },
	{ LINUX EXECUTE "process.name : \"kubectl\" and not ?process.group_leader.executable like "
			"(\"/opt/*\", \"/usr/lib/*\")",
	  "!process.group_leader.executable" },
	{ LINUX EXECUTE "curl and process.Ext.score + 1 > 2", "!process.Ext.score" },
	{ LINUX EXECUTE "length(process.env) > 1 or evil", "process.env" },
	{ LINUX EXECUTE "process.env_vars : \"LD_PRELOAD=*\"", "" },
	{ LINUX EXECUTE "process.hash.sha256 in (\"aa\", \"bb\")", "" },
	{ LINUX EXECUTE
	  "process.parent.command_line != null and length(process.command_line) > 500",
	  "" },
	{ LINUX EXECUTE "length(process.name) == 1 and not process.name in (\"[\", \"w\")", "" },
	{ LINUX EXECUTE "process.name == process.parent.name and process.args_count == 1", "" },
	{ LINUX EXECUTE
	  "process.args[1] == \"-c\" and stringContains~(process.command_line, \"eval\")",
	  "" },
	{ LINUX EXECUTE "startsWith(process.executable, \"/home/\") and "
			"endsWith~(process.executable, \".elf\")",
	  "" },
	{ LINUX EXECUTE "indexOf(process.command_line, \"/dev/tcp/\") >= 0", "" },
	{ LINUX EXECUTE "concat(process.parent.name, \" \", process.name) == \"cron sh\"", "" },
	{ LINUX EXECUTE "substring(process.name, -3) == \".sh\"", "" },
	{ LINUX EXECUTE "between(process.command_line, \"--token \", \" \") != \"\"", "" },
	{ LINUX EXECUTE "process.pid - process.parent.pid == 1", "" },
	{ LINUX EXECUTE "modulo(process.pid, 2) == 0 and process.pid % 3 != 1", "" },
	{ LINUX EXECUTE "number(process.args[1]) > 60 and process.name == \"sleep\"", "" },
	{ LINUX EXECUTE "process.Ext.effective_parent.name == \"x\" or process.name == \"y\"",
	  "process.Ext.effective_parent.name" },
	{ LINUX EXECUTE "not (process.parent.name == \"make\" and process.parent.args : \"*all*\")",
	  "" },
	{ "process where host.os.type == \"linux\" and event.action == \"end\" and "
	  "process.exit_code != 0",
	  "" },
	{ "process where event.action in (\"uid_change\", \"gid_change\") and user.id == \"0\" and "
	  "process.parent.user.id != \"0\"",
	  "" },
	{ "process where host.os.type == \"linux\" and event.action == \"session_id_change\"",
	  "!" },
	{ "process where event.category == \"process\" and event.kind == \"event\" and true", "" },
	{ "process where host.os.type == \"windows\" and process.name == \"cmd.exe\"", "" },
	/* files */
	{ "file where host.os.type == \"linux\" and event.type == \"creation\" and file.path : "
	  "(\"/etc/cron.d/*\", \"/etc/init.d/*\") and not file.extension in (\"swp\", "
	  "\"dpkg-new\")",
	  "" },
	{ "file where event.action in (\"creation\", \"rename\") and file.Ext.original.path like "
	  "\"/tmp/*\" and file.name : \"?*.so\"",
	  "" },
	{ "file where event.type != \"deletion\" and file.path == \"/etc/ld.so.preload\" and "
	  "process.executable != null",
	  "" },
	{ "file where event.type in (\"change\", \"creation\") and file.Ext.header_bytes : "
	  "\"7f454c46*\"",
	  "!file.Ext.header_bytes" },
	{ "file where file.extension : (\"sh\", \"py\") and file.size > 1000", "!file.size" },
	{ "file where event.action : (\"renamed\", \"rename\") and not process.name : \"dpkg\"",
	  "" },
	{ "file where file.directory == \"/root/.ssh\" and file.name like~ \"AUTHORIZED_KEYS*\"",
	  "" },
	{ "file where file.path regex~ \"\"\"/HOME/[^/]+/\\.BASHRC\"\"\" // a comment\n and true",
	  "" },
	{ "file where /* all of them */ wildcard(file.path, \"/boot/*\", \"/lib/modules/*\")", "" },
	/* network */
	{ "network where host.os.type == \"linux\" and event.action == \"connection_attempted\" "
	  "and "
	  "destination.ip != null and not cidrmatch(destination.ip, \"10.0.0.0/8\", "
	  "\"127.0.0.0/8\", "
	  "\"::1\", \"FE80::/10\")",
	  "" },
	{ "network where event.type == \"start\" and destination.port in (4444, 5555) and "
	  "process.name : " SHELLS,
	  "" },
	{ "network where destination.ip == null or destination.ip == \"0.0.0.0\" or "
	  "cidrMatch(source.ip, \"192.168.0.0/16\")",
	  "" },
	{ "network where destination.port > 1024 and source.port < 1024 and network.transport == "
	  "\"tcp\" and destination.port != source.port + 1",
	  "" },
	{ "network where event.action == \"connection_accepted\" and process.name == \"nginx\"",
	  "" },
	{ "any where event.category : (\"file\", \"network\") and process.name == \"x\"", "" },
	{ "any where true", "" },
	{ "driver where host.os.type == \"linux\" and event.action == \"loaded-kernel-module\" and "
	  "auditd.data.syscall in (\"init_module\", \"finit_module\")",
	  "!auditd.data.syscall" },
	{ "process where auditd.data.a0 == \"1\" or ?auditd.data.a1 == \"2\"",
	  "!auditd.data.a0 auditd.data.a1" },
	/* one after the other */
	{ "sequence by host.id, process.entity_id with maxspan=1m\n"
	  " [" LINUX "event.action == \"exec\" and process.name : \"curl\"]\n"
	  " [network where event.action == \"connection_attempted\" and "
	  "not cidrmatch(destination.ip, \"10.0.0.0/8\")]",
	  "" },
	{ "sequence by host.id with maxspan=3s\n"
	  " [file where event.action == \"creation\" and file.path : \"/tmp/*\"] by file.path\n"
	  " [" LINUX "event.action == \"exec\"] by process.executable",
	  "" },
	{ "sequence by host.id with maxspan=5s\n"
	  " [" LINUX "event.action == \"fork\"] by process.entity_id\n"
	  " [network where true] by process.entity_id\n"
	  " [process where event.action == \"exec\"] by process.parent.entity_id",
	  "" },
	{ "sequence by process.parent.entity_id, host.id with maxspan=1s\n"
	  " [process where event.type == \"start\" and process.name == \"echo\"]\n"
	  " ![process where event.type == \"start\" and process.name == \"logger\"]\n"
	  " [process where event.type == \"start\" and process.name == \"sh\"]\n"
	  "until [process where event.type == \"end\"]",
	  "" },
	{ "sequence by host.id, user.id with maxspan=10s\n"
	  " [network where event.action == \"connection_accepted\"] with runs=10\n"
	  " [process where ?process.code_signature.trusted == false]",
	  "!process.code_signature.trusted" },
	{ "sequence by ?user.id with maxspan=5m [process where process.name == \"a\"] "
	  "[file where file.size == 1 or file.name == \"b\"]",
	  "file.size" },
	{ "sample by host.id [process where process.name == \"a\"] [file where file.name == \"b\"]",
	  "" },
	{ "sequence by host.id, process.session_leader.entity_id with maxspan=30s "
	  "[process where process.name == \"cat\" and process.args : \"/etc/passwd\"] "
	  "[process where process.name == \"tar\"]",
	  "" },
	{ "sequence with maxspan = 5 m by host.id [process where +1 < process.pid] "
	  "[any where true]",
	  "" },
	{ "registry where registry.path : \"HK*\"", "!registry.path" },
	{ "image_load where ?dll.`Ext`.x == 1.", "!dll.Ext.x" },
	{ "sequence by process.entity_id [process where true] [alert where true]", "!" },
	{ "process where `process.name` == \"x\" and process.args == \"\\u{2f}bin\\u{2f}sh\"", "" },
	{ "process where process.command_line : \"*\\\\x*\" and process.name == \"\"\"a\"b\"\"\"",
	  "" },
};

static void test_eql_rules_given_their_idioms_when_parsed_then_read_and_what_is_missing_told(
	void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(rules) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		bool fires = *rules[i].unknown != '!';
		AUTO(eql_statement) *st = NULL;
		AUTO_BUF struct buf names = { 0 };
		struct eql_unknown unknown;
		struct diag d = { 0 };

		if (eql_statement_parse_rule(&st, rules[i].rule, strlen(rules[i].rule), &unknown,
					     &d) < 0)
			fail_msg("%s\n%u:%u: %s", rules[i].rule, d.line, d.column, d.text);
		for (uint32_t k = 0; k < unknown.n; k++)
			buf_printf(&names, "%s%s", k ? " " : "", unknown.names[k]);
		buf_byte(&names, 0);
		if (strcmp((char *)names.data, rules[i].unknown + !fires) != 0)
			fail_msg("%s\n  lacks '%s'", rules[i].rule, (char *)names.data);
		if (eql_statement_can_match(st) != fires)
			fail_msg("%s\n  can %sfire", rules[i].rule, fires ? "not " : "");
	}
}

/* A search is told instead. */
static void test_eql_rules_given_unknown_field_when_searched_then_error(void **state)
{
	AUTO(eql_statement) *st = NULL;
	const char *q = "process where process.group_leader.name == \"x\"";
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(eql_statement_parse(&st, q, strlen(q), &d), -EINVAL);
	assert_int_equal(d.column, 15);
}

static void test_eql_rules_given_many_unknown_fields_when_parsed_then_bounded(void **state)
{
	AUTO(eql_statement) *st = NULL;
	AUTO_BUF struct buf q = { 0 };
	struct eql_unknown unknown;

	(void)state;
	for (int i = 0; i < 2 * EQL_UNKNOWN; i++)
		buf_printf(&q, "%sx.y%d == 1 or x.y%d == 2", i ? " or " : "", i, i);
	assert_int_equal(eql_statement_parse_rule(&st, (char *)q.data, q.n, &unknown, NULL), 0);
	assert_int_equal(unknown.n, EQL_UNKNOWN);
	assert_true(unknown.more);
	assert_string_equal(unknown.names[1], "x.y1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_eql_rules_given_their_idioms_when_parsed_then_read_and_what_is_missing_told),
		cmocka_unit_test(test_eql_rules_given_unknown_field_when_searched_then_error),
		cmocka_unit_test(test_eql_rules_given_many_unknown_fields_when_parsed_then_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
