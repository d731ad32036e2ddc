/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rules: on files of our own, and against a collector of canned answers. */
#include <sys/stat.h>

#include "ctl/rules.h"
#include "tests/ctl/fake.h"

#define RULE(title, source, detection)                                                           \
	"title: " title "\nlevel: high\nlogsource: { " source " }\ndetection:\n  s:\n" detection \
	"  condition: s\n"
#define PROC  "product: linux, category: process_creation"
#define GOOD  RULE("good", PROC, "    Image|endswith: /nc\n")
#define OTHER RULE("other", PROC, "    CommandLine|contains: x\n")
#define LACKS RULE("lacks", PROC, "    Hashes: x\n    IntegrityLevel: y\n")
#define WRONG RULE("wrong", PROC, "    Image|endwith: /nc\n")
#define QUERY "event.action%20%3D%3D%20%22exec%22%20and%20process.executable%20%3A%20%22%2A%2Fnc%22"

static char folder[64];

static const char *path(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *p = paths[turn++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
	return p;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/rtsec-rules-XXXXXX");
	if (!mkdtemp(folder) || mkdir(path("good"), 0700) < 0 || mkdir(path("good/in"), 0700) < 0 ||
	    mkdir(path("empty"), 0700) < 0)
		return -1;
	put("good/a.yml", GOOD);
	put("good/in/b.yaml", OTHER);
	put("good/notes.txt", "no rule");
	put("good/.hidden.yml", WRONG);
	put("lacks.yml", LACKS "---\n" GOOD);
	put("wrong.yml", WRONG);
	put("zero.yml", "");
	put("expand.yml", GOOD "---\n" RULE("who", PROC, "    User|expand: '%admins%'\n"));
	put("names.yaml", "---\n# ours\nadmins:\n  - root\n  - adm_*\n");
	put("list.yaml", "- a\n");
	return 0;
}

static int teardown(void **state)
{
	static const char *const all[] = { "good/a.yml",     "good/in/b.yaml",
					   "good/notes.txt", "good/.hidden.yml",
					   "lacks.yml",	     "wrong.yml",
					   "zero.yml",	     "expand.yml",
					   "names.yaml",     "list.yaml",
					   "good/in",	     "good",
					   "empty",	     "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (remove(path(all[i])) < 0)
			return -1;
	return 0;
}

static struct run alone(const char *const *args)
{
	return run((struct run_setting){ 0 }, args);
}

static void test_rules_given_folder_when_linted_then_each_rule_and_0(void **state)
{
	struct run r = alone(ARGS("rules", "lint", path("good")));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "/good/a.yml\",\"line\":1,\"status\":\"ok\",\"title\":\"good\"");
	assert_has(r.out, "/good/in/b.yaml\"");
	assert_has_not(r.out, "notes.txt");
	assert_has_not(r.out, ".hidden");
	assert_string_equal(r.err, "");
	run_done(&r);
}

static void test_rules_given_what_we_lack_when_linted_then_place_and_1(void **state)
{
	struct run r = alone(ARGS("rules", "lint", path("lacks.yml"), path("good")));

	(void)state;
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "\"status\":\"unmapped\",\"title\":\"lacks\"");
	assert_has(r.out, "{\"line\":6,\"column\":13,\"text\":\"of hashes only the SHA-256");
	assert_has(r.out, "{\"line\":7,\"column\":5,\"text\":\"field IntegrityLevel: ");
	assert_has(r.out, "\"line\":10,\"status\":\"ok\"");
	run_done(&r);
}

static void test_rules_given_mistakes_when_linted_then_place_and_2(void **state)
{
	struct run r = alone(
		ARGS("rules", "lint", path("wrong.yml"), path("zero.yml"), path("lacks.yml")));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.out, "\"status\":\"wrong\"");
	assert_has(r.out, "\"column\":11,\"text\":\"unknown modifier \\\"endwith\\\"\"");
	assert_has(r.out, "the file is empty");
	run_done(&r);
	r = run((struct run_setting){ .tty = true, .width = 100 },
		ARGS("rules", "lint", path("wrong.yml")));
	assert_has(r.out, "6:11: unknown modifier");
	run_done(&r);
}

static void test_rules_given_placeholders_when_shown_then_they_are_put_in(void **state)
{
	struct run r = alone(
		ARGS("rules", "show", path("expand.yml"), "--placeholders", path("names.yaml")));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "process.user.name : (\\\"root\\\", \\\"adm_*\\\")");
	run_done(&r);
	r = alone(ARGS("rules", "lint", path("expand.yml")));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "what %admins% stands for");
	run_done(&r);
	r = alone(ARGS("rules", "lint", path("good"), "--placeholders", path("list.yaml")));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "list.yaml:1:1: expected a map of placeholders");
	run_done(&r);
	r = alone(ARGS("rules", "lint", path("good"), "--placeholders", path("none")));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "cannot read");
	run_done(&r);
}

/* What is applied is what was shown: the rule that needs it carries the map, the other does not. */
static void test_rules_given_placeholders_when_applied_then_sent_with_the_rule(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, "{\"rules\":[]}", 0 } };
	const char *sent, *map;
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, 1);
	r = run((struct run_setting){ .port = f.port },
		ARGS("rules", "apply", path("expand.yml"), "--placeholders", path("names.yaml")));
	assert_int_equal(r.code, EXIT_HITS);
	sent = strstr(f.requests[0], "title");
	assert_non_null(sent);
	map = strstr(sent, "placeholders");
	assert_non_null(map);
	assert_true(strstr(sent, "good") < map); /* the first rule stays as it is */
	assert_null(strstr(map + 1, "placeholders"));
	assert_non_null(strstr(map, "adm_"));
	fake_stop(&f);
	run_done(&r);
}

static void test_rules_given_misuse_when_run_then_2(void **state)
{
	const struct {
		const char *args[3], *said;
	} wrong[] = {
		{ { "rules", "lint" }, "wants files or folders" },
		{ { "rules", "explode", "x" }, "rules takes get, apply, diff" },
		{ { "rules", "lint", "/nonexistent/x.yml" }, "cannot read /nonexistent/x.yml" },
		{ { "rules", "lint", path("empty") }, "no rules (*.yml, *.yaml) there" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct run r = alone(ARGS(wrong[i].args[0], wrong[i].args[1], wrong[i].args[2]));

		assert_int_equal(r.code, EXIT_USAGE);
		assert_has(r.err, wrong[i].said);
		run_done(&r);
	}
}

static void test_rules_given_rule_when_shown_then_the_search(void **state)
{
	struct run r = alone(ARGS("rules", "show", path("good/a.yml"), "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "// good (");
	assert_has(r.out, "\nevent.action == \"exec\" and process.executable : \"*/nc\"\n");
	run_done(&r);
	r = alone(ARGS("rules", "show", path("lacks.yml")));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "\"query\":null,\"problems\":[{\"line\":6");
	assert_has(r.out, "\"query\":\"event.action == \\\"exec\\\" and ");
	run_done(&r);
}

static void test_rules_given_folder_when_covered_then_rows_and_sums(void **state)
{
	struct run r =
		alone(ARGS("rules", "coverage", path("lacks.yml"), path("good"), "-o", "json"));

	(void)state;
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "\"compiles\":false,\"can_fire\":false,\"fields\":[\"Hashes\",");
	assert_has(r.out, "\"compiles\":true,\"can_fire\":true,\"fields\":[\"Image\"],"
			  "\"modifiers\":[\"endswith\"]");
	assert_has(
		r.out,
		"\"n_rules\":4,\"n_compile\":3,\"n_can_fire\":3,\"n_partial\":0,\"n_unmapped\":1,"
		"\"n_wrong\":0,\"used_fields\":{\"Image\":2,");
	run_done(&r);
	r = alone(ARGS("rules", "coverage", path("good"), "-o", "table"));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "2 rules: 2 compile, 2 can fire on our events");
	run_done(&r);
}

#define COUNT(n, more) "{\"count\":" n more "}"
#define GAPS                                                                   \
	",\"gaps\":[{\"node\":\"a\",\"from\":\"2026-11-22T21:00:00Z\",\"to\":" \
	"\"2026-11-22T21:00:01Z\",\"count\":3,\"class\":\"bulk\",\"cause\":\"ring_full\"}]"

static void test_rules_given_history_when_backtested_then_hits_of_each(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, COUNT("7", ""), 0 },
						      { 200, NULL, COUNT("0", ""), 0 } };
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, 2);
	r = run((struct run_setting){ .port = f.port },
		ARGS("rules", "backtest", path("good"), "--since", "-7d", "--until", "now"));
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[0], "GET /api/v1/count?q=" QUERY "&since=-7d&until=now HTTP");
	assert_has(r.out, "\"title\":\"good\",\"id\":\"good\",\"language\":\"sigma\",\"level\":"
			  "\"high\",\"techniques\":[],"
			  "\"hits\":7,\"partial\":false,\"problems\":[]}");
	assert_has(r.out, "\"title\":\"other\",\"id\":\"other\",\"language\":\"sigma\",\"level\":"
			  "\"high\",\"techniques\":[],"
			  "\"hits\":0,");
	fake_stop(&f);
	run_done(&r);
}

static void test_rules_given_gaps_when_backtested_then_4_and_said_once(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, COUNT("7", GAPS), 0 },
		{ 200, NULL, "{\"hits\":[{\"n\":18446744073709551615}]}", 0 },
		{ 200, NULL, COUNT("1", GAPS), 0 },
		{ 200, NULL, "{\"hits\":[]}", 0 },
	};
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, 4);
	r = run((struct run_setting){ .port = f.port },
		ARGS("rules", "backtest", path("good"), "--limit", "1"));
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_has(f.requests[1], "GET /api/v1/search?q=" QUERY "&limit=1 HTTP");
	assert_has(r.out, "\"events\":[{\"n\":18446744073709551615}],\"problems\":[]");
	assert_has(r.err, "3 events are known to be lost");
	assert_null(strstr(strstr(r.err, "known to be lost") + 1, "known to be lost"));
	fake_stop(&f);
	run_done(&r);
}

static void test_rules_given_no_hits_when_backtested_then_1_and_unasked_are_told(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, COUNT("0", ""), 0 } };
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, 1);
	r = run((struct run_setting){ .port = f.port },
		ARGS("rules", "backtest", path("lacks.yml")));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "\"status\":\"unmapped\"");
	assert_has(r.err, "1 of 2 rules were not asked");
	fake_stop(&f);
	run_done(&r);
}

static void test_rules_given_wrong_rule_or_no_collector_when_backtested_then_2_or_3(void **state)
{
	static const struct fake_answer answers[] = { { 503, NULL, "{\"title\":\"no\"}", 0 } };
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, 1);
	r = run((struct run_setting){ .port = f.port },
		ARGS("rules", "backtest", path("wrong.yml"), path("good")));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "wrong.yml:6:11: unknown modifier");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("rules", "backtest", path("good")));
	assert_int_equal(r.code, EXIT_SERVER);
	fake_stop(&f);
	run_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_given_folder_when_linted_then_each_rule_and_0),
		cmocka_unit_test(test_rules_given_what_we_lack_when_linted_then_place_and_1),
		cmocka_unit_test(test_rules_given_mistakes_when_linted_then_place_and_2),
		cmocka_unit_test(test_rules_given_placeholders_when_shown_then_they_are_put_in),
		cmocka_unit_test(
			test_rules_given_placeholders_when_applied_then_sent_with_the_rule),
		cmocka_unit_test(test_rules_given_misuse_when_run_then_2),
		cmocka_unit_test(test_rules_given_rule_when_shown_then_the_search),
		cmocka_unit_test(test_rules_given_folder_when_covered_then_rows_and_sums),
		cmocka_unit_test(test_rules_given_history_when_backtested_then_hits_of_each),
		cmocka_unit_test(test_rules_given_gaps_when_backtested_then_4_and_said_once),
		cmocka_unit_test(
			test_rules_given_no_hits_when_backtested_then_1_and_unasked_are_told),
		cmocka_unit_test(
			test_rules_given_wrong_rule_or_no_collector_when_backtested_then_2_or_3),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
