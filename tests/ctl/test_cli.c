/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/ctl/fake.h"

static int parse(int argc, const char *const *argv, struct cli_values *v, const char **operand,
		 struct diag *d)
{
	*d = (struct diag){ 0 };
	return cli_parse(&cmd_query, argc, argv, v, operand, d);
}

static void test_cli_given_all_forms_when_parsed_then_values_are_set(void **state)
{
	const char *const argv[] = { "--since", "-5m",	   "any where true", "--limit=7",
				     "-ojson",	"--count", "--order",	     "asc" };
	struct cli_values v;
	const char *operand;
	struct diag d;

	(void)state;
	assert_int_equal(parse(8, argv, &v, &operand, &d), 0);
	assert_string_equal(v.since, "-5m");
	assert_string_equal(operand, "any where true");
	assert_int_equal(v.limit, 7);
	assert_string_equal(v.output, "json");
	assert_string_equal(v.order, "asc");
	assert_true(v.count);
	assert_false(v.all);
	assert_null(v.until);
}

static void test_cli_given_double_dash_when_parsed_then_the_rest_is_operand(void **state)
{
	const char *const argv[] = { "--all", "--", "--since" };
	struct cli_values v;
	const char *operand;
	struct diag d;

	(void)state;
	assert_int_equal(parse(3, argv, &v, &operand, &d), 0);
	assert_string_equal(operand, "--since");
	assert_true(v.all);
}

static void test_cli_given_wrong_options_when_parsed_then_reason_is_told(void **state)
{
	static const struct {
		const char *argv[2];
		const char *reason;
	} table[] = {
		{ { "--limt", "3" }, "unknown option --limt: did you mean --limit?" },
		{ { "--limt=3" }, "unknown option --limt: did you mean --limit?" },
		{ { "--lim", "3" }, "did you mean --limit?" },
		{ { "--zzzzzzz" }, "unknown option --zzzzzzz: see rtsecctl help query" },
		{ { "-x" }, "unknown option -x" },
		{ { "--limit" }, "--limit wants N" },
		{ { "--limit", "0" }, "1 or more" },
		{ { "--limit", "-3" }, "1 or more" },
		{ { "--limit", "3x" }, "1 or more" },
		{ { "--limit", "99999999999999999999999" }, "1 or more" },
		{ { "--order", "up" }, "one of desc|asc" },
		{ { "-o", "tab" }, "one of compact|table|json|ndjson|csv" },
		{ { "-o", "table|json" }, "one of compact|table|json|ndjson|csv" },
		{ { "--all=yes" }, "--all takes no value" },
		{ { "--since", "" }, "not nothing" },
		{ { "process", "where" }, "put quotes around the whole" },
	};
	struct cli_values v;
	const char *operand;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int argc = table[i].argv[1] ? 2 : 1;

		assert_int_equal(parse(argc, table[i].argv, &v, &operand, &d), -EINVAL);
		assert_has(d.text, table[i].reason);
	}
}

static void test_cli_given_a_long_unknown_name_when_parsed_then_it_is_refused(void **state)
{
	char name[600] = "--";
	const char *const argv[] = { name };
	struct cli_values v;
	const char *operand;
	struct diag d;

	(void)state;
	memset(name + 2, 'a', sizeof(name) - 3);
	assert_int_equal(parse(1, argv, &v, &operand, &d), -EINVAL);
}

static void test_cli_given_no_command_when_run_then_usage_on_stderr(void **state)
{
	struct run r = run((struct run_setting){ 0 }, (const char *const[]){ NULL });

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "usage: rtsecctl COMMAND");
	assert_string_equal(r.out, "");
	run_done(&r);
}

static void test_cli_given_unknown_command_when_run_then_exit_2_with_suggestion(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("qeury"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_string_equal(r.err, "rtsecctl: unknown command qeury: did you mean query?\n");
	run_done(&r);
	r = run((struct run_setting){ 0 }, ARGS("--since", "-5m", "query"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "options follow the command");
	run_done(&r);
}

static void test_cli_given_hostile_name_when_refused_then_escaped(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("\x1b[2Jquery"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "\\x1b[2Jquery");
	assert_has_not(r.err, "\x1b");
	run_done(&r);
}

/* @text without its line ends and what blanks follow them, as it was before it was filled. */
static char *unfilled(const char *text)
{
	char *copy = calloc(1, strlen(text) + 1), *to = copy;

	assert_non_null(copy);
	for (bool line = false; *text; text++) {
		if (*text == '\n')
			line = true;
		else if (!line || *text != ' ')
			*to++ = *text, line = false;
		if (line && to > copy && to[-1] != ' ')
			*to++ = ' ';
	}
	return copy;
}

static void check_help(const struct cli_command *c, const char *help)
{
	char *flat = unfilled(help);
	char text[128];

	for (size_t o = 0; o < c->n_options; o++) {
		snprintf(text, sizeof(text), "--%s", c->options[o].name);
		assert_has(flat, text);
		assert_has(flat, c->options[o].help);
	}
	snprintf(text, sizeof(text), "\n  rtsecctl %s", c->name);
	assert_has(help, text); /* an example */
	for (const char *p = help; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strcspn(p, "\n") > 80)
			fail_msg("over 80 columns: %.*s", (int)strcspn(p, "\n"), p);
	free(flat);
}

static void test_cli_given_help_when_run_then_every_option_is_in_it_with_an_example(void **state)
{
	(void)state;
	for (const struct cli_command *const *c = cmds_all(); *c; c++) {
		struct run a = run((struct run_setting){ 0 }, ARGS("help", (*c)->name));
		struct run b = run((struct run_setting){ 0 }, ARGS((*c)->name, "--help"));

		assert_int_equal(a.code, EXIT_HITS);
		assert_int_equal(b.code, EXIT_HITS);
		assert_string_equal(a.out, b.out);
		check_help(*c, a.out);
		run_done(&a);
		run_done(&b);
	}
}

static void test_cli_given_unknown_verb_when_run_then_exit_2_with_the_nearest(void **state)
{
	static const struct {
		const char *command, *verb, *expected;
	} all[] = {
		{ "rules", "aply", "did you mean rtsecctl rules apply?" },
		{ "alerts", "wacth", "did you mean rtsecctl alerts watch?" },
		{ "alerts", "xyz", "alerts takes get, watch, ack" },
		{ "outputs", "silense", "did you mean rtsecctl outputs silence?" },
		{ "outputs", "test", "outputs test takes something else behind it" },
		{ "token", "creat", "did you mean rtsecctl token create?" },
		{ "node", "revok", "did you mean rtsecctl node revoke?" },
		{ "context", "lst", "did you mean rtsecctl context list?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct run r =
			run((struct run_setting){ .port = 1 }, ARGS(all[i].command, all[i].verb));

		assert_int_equal(r.code, EXIT_USAGE);
		assert_has(r.err, all[i].expected);
		run_done(&r);
	}
}

static void test_cli_given_words_of_others_when_run_then_ours_is_named(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("doctor"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "did you mean status?");
	run_done(&r);
}

static void test_cli_given_verbs_when_completed_then_words_of_every_shell(void **state)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		struct run r = run((struct run_setting){ 0 }, ARGS("completion", shells[i]));

		assert_int_equal(r.code, EXIT_HITS);
		assert_has(r.out, "get watch ack close reopen note except");
		assert_has(r.out, "bash zsh fish");
		run_done(&r);
	}
}

static void test_cli_given_version_when_run_then_shown_in_each_form(void **state)
{
	struct run r = run((struct run_setting){ 0 }, ARGS("version"));

	(void)state;
	assert_string_equal(r.out, "rtsecctl " RTSEC_VERSION "\n");
	run_done(&r);
	r = run((struct run_setting){ 0 }, ARGS("--version"));
	assert_string_equal(r.out, "rtsecctl " RTSEC_VERSION "\n");
	run_done(&r);
	r = run((struct run_setting){ 0 }, ARGS("version", "-o", "json"));
	assert_string_equal(r.out, "{\"version\":\"" RTSEC_VERSION "\"}\n");
	run_done(&r);
}

static void test_cli_given_full_disk_when_run_then_exit_3(void **state)
{
	static const struct cli_command *const commands[] = { &cmd_version, NULL };
	const char *const argv[] = { "rtsecctl", "version" };
	struct cli_io io = { .env = run_env };
	size_t n;
	char *err = NULL;

	(void)state;
	io.out = fopen("/dev/full", "w");
	io.err = open_memstream(&err, &n);
	assert_int_equal(cli_main(&io, commands, 2, argv), EXIT_SERVER);
	fclose(io.err);
	fclose(io.out);
	assert_has(err, "cannot write the output: No space left on device");
	free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cli_given_all_forms_when_parsed_then_values_are_set),
		cmocka_unit_test(test_cli_given_double_dash_when_parsed_then_the_rest_is_operand),
		cmocka_unit_test(test_cli_given_wrong_options_when_parsed_then_reason_is_told),
		cmocka_unit_test(test_cli_given_a_long_unknown_name_when_parsed_then_it_is_refused),
		cmocka_unit_test(test_cli_given_no_command_when_run_then_usage_on_stderr),
		cmocka_unit_test(
			test_cli_given_unknown_command_when_run_then_exit_2_with_suggestion),
		cmocka_unit_test(test_cli_given_hostile_name_when_refused_then_escaped),
		cmocka_unit_test(
			test_cli_given_help_when_run_then_every_option_is_in_it_with_an_example),
		cmocka_unit_test(test_cli_given_unknown_verb_when_run_then_exit_2_with_the_nearest),
		cmocka_unit_test(test_cli_given_words_of_others_when_run_then_ours_is_named),
		cmocka_unit_test(test_cli_given_verbs_when_completed_then_words_of_every_shell),
		cmocka_unit_test(test_cli_given_version_when_run_then_shown_in_each_form),
		cmocka_unit_test(test_cli_given_full_disk_when_run_then_exit_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
