/* SPDX-License-Identifier: Apache-2.0 */
/* The rule book: revisions, all or nothing, rollback, exceptions, and all of it after a restart. */
#include "tests/collector/fixture.h"

#include "collector/maindb.h"
#include "collector/rulebook.h"

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct rulebook *book;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct diag d = { 0 };

	assert_non_null(f);
	fixture_folder(f->dir);
	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	assert_int_equal(rulebook_open(&f->book, f->dir, &d), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	rulebook_free(f->book);
	maindb_free(f->maindb);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static void reopen(struct fix *f)
{
	struct diag d = { 0 };

	f->book = rulebook_free(f->book);
	assert_int_equal(rulebook_open(&f->book, f->dir, &d), 0);
}

#define RULE(id, query) "id: " id "\nname: " id "\nquery: " query "\n"

static int tell(const struct rulebook_result *r, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 512 - n, "%s %s %d; ", r->id ? r->id : "-", r->change, (int)r->revision);
	return 0;
}

/* Applies @text: what was told must be @said. */
static void apply(struct fix *f, const char *text, bool dry, int result, const char *said)
{
	const struct rulebook_change c = {
		.text = text, .n = strlen(text), .author = "me", .note = "why", .dry = dry
	};
	char told[512] = "";

	assert_int_equal(rulebook_apply(f->book, &c, tell, told), result);
	assert_string_equal(told, said);
}

static int show(const struct rulebook_entry *e, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 512 - n, "%s %d %s %zu; ", e->id, (int)e->revision,
		 e->enabled ? "on" : "off", e->n_exceptions);
	return 0;
}

static void check(struct fix *f, const char *expected)
{
	for (int again = 0; again < 2; again++) { /* and so it is after a restart */
		char shown[512] = "";

		assert_int_equal(rulebook_each(f->book, NULL, show, shown), 0);
		assert_string_equal(shown, expected);
		reopen(f);
	}
}

static void test_rulebook_given_rules_when_applied_then_only_what_differs_gets_a_revision(
	void **state)
{
	struct fix *f = *state;

	apply(f, RULE("b", "true") "---\n" RULE("a", "false"), false, 0,
	      "b created 1; a created 1; ");
	check(f, "a 1 on 0; b 1 on 0; ");
	apply(f, RULE("b", "false") "---\n" RULE("a", "false"), true, 0,
	      "b updated 2; a unchanged 1; ");
	check(f, "a 1 on 0; b 1 on 0; ");
	apply(f, RULE("b", "false") "---\n" RULE("a", "false"), false, 0,
	      "b updated 2; a unchanged 1; ");
	check(f, "a 1 on 0; b 2 on 0; ");
}

static void test_rulebook_given_one_wrong_document_when_applied_then_nothing_is(void **state)
{
	struct fix *f = *state;
	uint64_t before = rulebook_generation(f->book);

	apply(f, RULE("a", "true") "---\nid: x\n", false, RULEBOOK_E_WRONG,
	      "a created 1; - wrong 0; ");
	apply(f, RULE("a", "true") "---\n" RULE("a", "false"), false, RULEBOOK_E_WRONG,
	      "a created 1; - wrong 0; ");
	apply(f, "", false, RULEBOOK_E_WRONG, "- wrong 0; ");
	assert_true(rulebook_generation(f->book) == before);
	check(f, "");
}

static int list(const struct rulebook_revision *r, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 512 - n, "%d%s %s %s; ", (int)r->revision, r->current ? "*" : "",
		 r->author, r->note);
	return 0;
}

static void test_rulebook_given_revisions_when_rolled_back_then_a_new_one_has_the_old_text(
	void **state)
{
	struct fix *f = *state;
	char shown[512] = "";
	uint64_t now = 0;

	apply(f, RULE("a", "true"), false, 0, "a created 1; ");
	apply(f, RULE("a", "false"), false, 0, "a updated 2; ");
	assert_int_equal(rulebook_rollback(f->book, "a", 1, "you", &now), 0);
	assert_int_equal(now, 3);
	assert_int_equal(rulebook_revisions(f->book, "a", list, shown), 0);
	assert_string_equal(shown, "3* you rollback to revision 1; 2 me why; 1 me why; ");
	assert_int_equal(rulebook_rollback(f->book, "a", 9, "you", &now), RULEBOOK_E_UNKNOWN);
	assert_int_equal(rulebook_rollback(f->book, "z", 1, "you", &now), RULEBOOK_E_UNKNOWN);
	apply(f, RULE("a", "true"), false, 0, "a unchanged 3; ");
}

static void test_rulebook_given_rule_when_deleted_and_applied_then_revisions_go_on(void **state)
{
	struct fix *f = *state;
	char shown[512] = "";

	apply(f, RULE("a", "true"), false, 0, "a created 1; ");
	assert_int_equal(rulebook_enable(f->book, "a", false), 0);
	check(f, "a 1 off 0; ");
	assert_int_equal(rulebook_delete(f->book, "a"), 0);
	assert_int_equal(rulebook_delete(f->book, "a"), RULEBOOK_E_UNKNOWN);
	assert_int_equal(rulebook_enable(f->book, "a", true), RULEBOOK_E_UNKNOWN);
	check(f, "");
	assert_int_equal(rulebook_revisions(f->book, "a", list, shown), 0);
	assert_string_equal(shown, "1 me why; ");
	apply(f, RULE("a", "true"), false, 0, "a created 2; ");
	check(f, "a 2 on 0; ");
}

static void test_rulebook_given_exception_when_added_and_dropped_then_kept_between(void **state)
{
	struct fix *f = *state;
	struct rulebook_exception x = {
		.rule_id = "a", .condition = "process.name == \"x\"", .owner = "me", .expires_ns = 5
	};
	struct diag d = { 0 };
	uint64_t id = 0;

	apply(f, RULE("a", "true"), false, 0, "a created 1; ");
	assert_int_equal(rulebook_except(f->book, &x, &id, &d), 0);
	check(f, "a 1 on 1; ");
	apply(f, RULE("a", "false"), false, 0, "a updated 2; ");
	check(f, "a 2 on 1; "); /* it belongs to the rule, not to the text */
	x.condition = "process.nam == 1";
	assert_int_equal(rulebook_except(f->book, &x, &id, &d), -EINVAL);
	assert_true(d.column > 0);
	x.condition = "true";
	x.rule_id = "z";
	assert_int_equal(rulebook_except(f->book, &x, &id, &d), RULEBOOK_E_UNKNOWN);
	assert_int_equal(rulebook_except_drop(f->book, "a", 99), RULEBOOK_E_UNKNOWN);
	assert_int_equal(rulebook_except_drop(f->book, "a", 1), 0);
	check(f, "a 2 on 0; ");
}

static void write_rules(const struct fix *f, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_rulebook_given_new_folder_when_begun_then_shipped_rules_once(void **state)
{
	struct fix *f = *state;
	struct diag d = { 0 };
	size_t n = 9;

	assert_int_equal(rulebook_begin(f->book, "/nowhere/at/all", &n, &d), 0);
	assert_int_equal(n, 0);
	write_rules(f, "a.yml", RULE("a", "true") "---\n" RULE("b", "false"));
	write_rules(f, "b.yaml", RULE("c", "true"));
	write_rules(f, ".hidden.yml", "no rule");
	write_rules(f, "readme.md", "no rule");
	assert_int_equal(rulebook_begin(f->book, f->dir, &n, &d), 0);
	assert_int_equal(n, 3);
	check(f, "a 1 on 0; b 1 on 0; c 1 on 0; ");
	/* what people made of them stays */
	assert_int_equal(rulebook_delete(f->book, "a"), 0);
	assert_int_equal(rulebook_delete(f->book, "b"), 0);
	assert_int_equal(rulebook_delete(f->book, "c"), 0);
	reopen(f);
	assert_int_equal(rulebook_begin(f->book, f->dir, &n, &d), 0);
	assert_int_equal(n, 0);
	check(f, "");
}

static void test_rulebook_given_broken_shipped_rule_when_begun_then_place_is_told(void **state)
{
	struct fix *f = *state;
	struct diag d = { 0 };
	size_t n;

	write_rules(f, "a.yml", RULE("a", "true") "---\n" RULE("b", "what is"));
	assert_int_equal(rulebook_begin(f->book, f->dir, &n, &d), -EINVAL);
	assert_non_null(strstr(d.file, "a.yml"));
	assert_int_equal(d.line, 7);
}

#define BOOK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOK(test_rulebook_given_rules_when_applied_then_only_what_differs_gets_a_revision),
		BOOK(test_rulebook_given_one_wrong_document_when_applied_then_nothing_is),
		BOOK(test_rulebook_given_revisions_when_rolled_back_then_a_new_one_has_the_old_text),
		BOOK(test_rulebook_given_rule_when_deleted_and_applied_then_revisions_go_on),
		BOOK(test_rulebook_given_exception_when_added_and_dropped_then_kept_between),
		BOOK(test_rulebook_given_new_folder_when_begun_then_shipped_rules_once),
		BOOK(test_rulebook_given_broken_shipped_rule_when_begun_then_place_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
