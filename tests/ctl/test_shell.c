/* SPDX-License-Identifier: Apache-2.0 */
/* The shell's lines and completions, completion scripts, and contexts. */
#include "tests/ctl/fake.h"

#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ctl/contexts.h"
#include "ctl/shell.h"
#include "lib/buf.h"

/* ---- words ---- */

static void test_shell_given_lines_when_split_then_words(void **state)
{
	static const struct {
		const char *line;
		int n;
		const char *words[4];
	} cases[] = {
		{ "", 0, { NULL } },
		{ "  \t ", 0, { NULL } },
		{ "query a", 2, { "query", "a" } },
		{ " query  'a b' --all ", 3, { "query", "a b", "--all" } },
		{ "a\"b c\"d", 1, { "ab cd" } },
		{ "'a\\b' \"c\\\"d\"", 2, { "a\\b", "c\"d" } },
		{ "a\\ b ''", 2, { "a b", "" } },
		{ "a 'b", -EINVAL, { NULL } },
		{ "a \"b", -EINVAL, { NULL } },
		{ "a\\", 1, { "a\\" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *words[SHELL_WORDS];
		char line[64];
		struct diag d = { 0 };
		int n;

		snprintf(line, sizeof(line), "%s", cases[i].line);
		n = shell_split(line, words, &d);
		if (n != cases[i].n)
			fail_msg("'%s': %d words", cases[i].line, n);
		for (int k = 0; k < n; k++)
			assert_string_equal(words[k], cases[i].words[k]);
	}
}

static void test_shell_given_too_many_words_when_split_then_refused(void **state)
{
	const char *words[SHELL_WORDS];
	char line[SHELL_WORDS * 2 + 8] = "";
	struct diag d = { 0 };

	(void)state;
	for (size_t i = 0; i <= SHELL_WORDS; i++)
		memcpy(line + 2 * i, "a ", 3);
	assert_int_equal(shell_split(line, words, &d), -E2BIG);
}

static void gather(const char *word, void *arg)
{
	buf_printf(arg, "%s ", word);
}

static void test_shell_given_beginnings_when_completed_then_what_they_may_become(void **state)
{
	static const char *const names[] = { "process.name", "process.pid", "file.path" };
	static const struct shell_names known = { names, ARRAY_SIZE(names) };
	static const struct {
		const char *line, *words;
		size_t at;
	} cases[] = {
		{ "tim", "timeline ", 0 },
		{ "query --hist", "--histogram ", 6 },
		{ "query process.p", "process.pid ", 6 },
		{ "process where file.", "file.path ", 14 },
		{ "process where (process.n", "process.name ", 15 },
		{ "process where x and cidr", "cidrMatch ", 20 },
		{ "nothing.like.it", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_BUF struct buf out = { 0 };
		const char *got;
		size_t at;

		shell_complete(cases[i].line, strlen(cases[i].line), &known, gather, &out, &at);
		buf_byte(&out, 0);
		got = (const char *)out.data;
		if (strcasecmp(got, cases[i].words) != 0 || at != cases[i].at)
			fail_msg("'%s' at %zu: %s", cases[i].line, at, got);
	}
}

static void test_shell_given_open_quotes_when_looked_at_then_field_and_value(void **state)
{
	static const struct {
		const char *line, *field, *value; /* field NULL: none */
	} cases[] = {
		{ "process.name == \"ba", "process.name", "ba" },
		{ "process where process.name:\"", "process.name", "" },
		{ "x and file.path like~ \"/etc/pa", "file.path", "/etc/pa" },
		{ "process.name in (\"a\", \"b, c\",\"d", "process.name", "d" },
		{ "(process.name : (\"a", "process.name", "a" },
		{ "not process.name != \"a b", "process.name", "a b" },
		{ "process.args : \"a\\\"b", "process.args", "a\\\"b" },
		{ "process.name == \"bash\"", NULL, NULL },
		{ "process.name == ba", NULL, NULL },
		{ "\"a bare word", NULL, NULL },
		{ "concat(\"a\", \"b", NULL, NULL },
		{ ", \"b", NULL, NULL },
		{ "== \"b", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char field[SHELL_FIELD_BYTES] = "";
		size_t at;
		bool is = shell_value_at(cases[i].line, strlen(cases[i].line), field, &at);

		if (is != (cases[i].field != NULL) ||
		    (is && (strcmp(field, cases[i].field) != 0 ||
			    strcmp(cases[i].line + at, cases[i].value) != 0)))
			fail_msg("%s: %d %s %zu", cases[i].line, is, field, at);
	}
}

/* ---- scripts ---- */

static void test_completion_given_shells_when_written_then_all_commands_and_options_are_in(
	void **state)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		struct run r = run((struct run_setting){ 0 }, ARGS("completion", shells[i]));

		assert_int_equal(r.code, EXIT_HITS);
		for (const struct cli_command *const *c = cmds_all(); *c; c++) {
			assert_has(r.out, (*c)->name);
			for (size_t k = 0; k < (*c)->n_options; k++)
				assert_has(r.out, (*c)->options[k].name);
		}
		run_done(&r);
	}
}

static void test_completion_given_bash_when_read_then_it_has_no_errors(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("completion", "bash"));
	FILE *bash;
	int status;

	(void)state;
	bash = popen("bash -n", "w");
	assert_non_null(bash);
	fputs(r.out, bash);
	status = pclose(bash);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	run_done(&r);
}

static void test_completion_given_no_shell_when_asked_then_usage(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("completion", "csh"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "bash, zsh or fish");
	run_done(&r);
}

/* ---- contexts ---- */

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *ftw)
{
	(void)s;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int setup_home(void **state)
{
	static char home[128];
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(home, sizeof(home), "%s/rtsec-home-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(home));
	run_home = home;
	return 0;
}

static int teardown_home(void **state)
{
	(void)state;
	nftw(run_home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	run_home = NULL;
	return 0;
}

static void expect(const char *const *args, int code, const char *has)
{
	struct run r = run((struct run_setting){ 0 }, args);

	if (r.code != code || (has && !strstr(r.out, has) && !strstr(r.err, has)))
		fail_msg("%s: %d\n%s%s", args[0], r.code, r.out, r.err);
	run_done(&r);
}

static void test_context_given_two_when_used_then_the_current_one_is_asked(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, "{\"nodes\":[{\"id\":\"n1\"}]}",
							0 } };
	struct fake f;
	char url[64], path[256];
	struct stat st;

	(void)state;
	fake_start(&f, answers, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", f.port);
	expect(ARGS("context"), EXIT_NONE, NULL);
	expect(ARGS("context", "add", "a", "--url", "http://127.0.0.1:1"), EXIT_HITS, NULL);
	expect(ARGS("context", "add", "b", "--url", url), EXIT_HITS, NULL);
	expect(ARGS("context", "list", "-o", "csv"), EXIT_HITS, "a,true,http://127.0.0.1:1");
	expect(ARGS("context", "use", "b"), EXIT_HITS, NULL);
	expect(ARGS("nodes"), EXIT_HITS, "n1");
	assert_has(f.requests[0], "Authorization: Bearer 0123456789abcdef");
	expect(ARGS("context", "remove", "a"), EXIT_HITS, NULL);
	expect(ARGS("context", "use", "a"), EXIT_NONE, "no context a");
	expect(ARGS("nodes", "--context", "a"), EXIT_USAGE, "no context a");
	snprintf(path, sizeof(path), "%s/.config/rtsec/contexts.json", run_home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fake_stop(&f);
}

static void test_context_given_file_that_others_read_when_used_then_refused(void **state)
{
	char path[256];

	(void)state;
	expect(ARGS("context", "add", "a", "--url", "http://127.0.0.1:1"), EXIT_HITS, NULL);
	snprintf(path, sizeof(path), "%s/.config/rtsec/contexts.json", run_home);
	assert_int_equal(chmod(path, 0644), 0);
	expect(ARGS("nodes"), EXIT_USAGE, "chmod 600");
	expect(ARGS("context"), EXIT_USAGE, "chmod 600");
}

static void test_context_given_wrong_words_when_asked_then_usage(void **state)
{
	(void)state;
	expect(ARGS("context", "add"), EXIT_USAGE, "takes something else");
	expect(ARGS("context", "add", "a/b", "--url", "http://x:1"), EXIT_USAGE, "letters");
	expect(ARGS("context", "add", "a"), EXIT_USAGE, "no collector named");
	expect(ARGS("context", "add", "a", "--url", "ftp://x"), EXIT_USAGE, "not an address");
}

int main(void)
{
#define HOME(name) cmocka_unit_test_setup_teardown(name, setup_home, teardown_home)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shell_given_lines_when_split_then_words),
		cmocka_unit_test(test_shell_given_too_many_words_when_split_then_refused),
		cmocka_unit_test(
			test_shell_given_beginnings_when_completed_then_what_they_may_become),
		cmocka_unit_test(test_shell_given_open_quotes_when_looked_at_then_field_and_value),
		cmocka_unit_test(
			test_completion_given_shells_when_written_then_all_commands_and_options_are_in),
		cmocka_unit_test(test_completion_given_bash_when_read_then_it_has_no_errors),
		cmocka_unit_test(test_completion_given_no_shell_when_asked_then_usage),
		HOME(test_context_given_two_when_used_then_the_current_one_is_asked),
		HOME(test_context_given_file_that_others_read_when_used_then_refused),
		HOME(test_context_given_wrong_words_when_asked_then_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
