/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped rules: each tells what a person needs to judge it, its own tests pass, and it is done
 * for real, with a near miss, on the kernel. */
#include "ctl/rules.h"
#include "lib/rule_test.h"
#include "tests/test.h"

#define PACK   TEST_SOURCE_DIR "/rules"
#define KERNEL TEST_SOURCE_DIR "/tests/e2e/test_rules.sh"
#define FLEET  TEST_SOURCE_DIR "/tests/e2e/test_flows.sh"
#define SELF   TEST_SOURCE_DIR "/tests/e2e/test_watch.sh"
#define PAGE   TEST_SOURCE_DIR "/docs/rules.md"

/* Rules that make no alerts of their own: what they count is tested with who counts it. */
static const char *const counted[] = { "connection-to-service-port", "dropped-program-runs" };

static int setup(void **state)
{
	const char *const pack = PACK;
	struct rules *rules = calloc(1, sizeof(*rules));
	struct diag d = { 0 };

	*state = rules;
	return rules ? rules_load(rules, &pack, 1, &d) : -1;
}

static int teardown(void **state)
{
	rules_done(*state);
	free(*state);
	return 0;
}

static bool is_counted(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		if (strcmp(counted[i], id) == 0)
			return true;
	return false;
}

static void test_pack_given_each_rule_when_read_then_it_tells_all_of_itself(void **state)
{
	const struct rules *rules = *state;

	assert_true(rules->n > 70);
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i].rule;

		if (!r)
			fail_msg("%s:%u: %s", rules->v[i].file, rules->v[i].wrong.line,
				 rules->v[i].wrong.text);
		if (r->n_gaps)
			fail_msg("%s: %s", r->id, r->gaps[0].text);
		if (!r->description || !r->author || !r->bypass)
			fail_msg("%s: expected description, author and bypass", r->id);
		if (r->techniques.n == 0 || r->false_positives.n == 0)
			fail_msg("%s: expected MITRE ids and false positives", r->id);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rules->v[k].rule->id, r->id);
	}
}

static void test_pack_given_tests_of_rules_when_run_then_trigger_and_near_miss_each(void **state)
{
	const struct rules *rules = *state;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i].rule;
		size_t fires = 0;

		for (size_t t = 0; t < r->n_tests; t++) {
			struct diag d = { 0 };
			bool passed;

			assert_int_equal(rule_test_run(r, t, &passed, &d), 0);
			if (!passed)
				fail_msg("%s: %s: %s", r->id, r->tests[t].name, d.text);
			fires += r->tests[t].fires;
		}
		if (!r->correlation && (fires == 0 || fires == r->n_tests))
			fail_msg("%s: expected tests that fire and tests that do not", r->id);
	}
}

/* ---- texts of other files ---- */

static void read_whole(const char *path, struct buf *out)
{
	char piece[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
	buf_byte(out, 0);
	assert_true(buf_ok(out));
}

static void test_pack_given_each_rule_when_looked_for_then_a_kernel_test_does_it(void **state)
{
	const struct rules *rules = *state;
	AUTO_BUF struct buf kernel = { 0 }, fleet = { 0 }, self = { 0 };

	read_whole(KERNEL, &kernel);
	read_whole(FLEET, &fleet);
	read_whole(SELF, &self);
	for (size_t i = 0; i < rules->n; i++) {
		const char *id = rules->v[i].rule->id;
		char text[160];

		snprintf(text, sizeof(text), "\t%s ## ", id);
		if (!strstr((char *)kernel.data, text) && !strstr((char *)fleet.data, id) &&
		    !strstr((char *)self.data, id) && !is_counted(id))
			fail_msg("%s: neither in " KERNEL " nor in " FLEET " nor in " SELF, id);
	}
}

static const struct rule *find(const struct rules *rules, const char *id, size_t n)
{
	for (size_t i = 0; i < rules->n; i++)
		if (strlen(rules->v[i].rule->id) == n && memcmp(rules->v[i].rule->id, id, n) == 0)
			return rules->v[i].rule;
	return NULL;
}

/* Names in `quotes` of the last column of the page's table of what others detect. */
static void test_pack_given_table_of_detections_when_read_then_its_rules_exist(void **state)
{
	AUTO_BUF struct buf page = { 0 };
	const char *row;
	size_t n = 0;

	read_whole(PAGE, &page);
	row = strstr((char *)page.data, "| detection of Tracee |");
	assert_non_null(row);
	for (row = strchr(row, '\n') + 1; *row == '|'; row = strchr(row, '\n') + 1) {
		const char *end = strchr(row, '\n'), *at = memchr(row, '`', (size_t)(end - row));

		for (; at && at < end; n++) {
			const char *close = strchr(at + 1, '`');

			if (!find(*state, at + 1, (size_t)(close - at - 1)))
				fail_msg("no rule %.*s", (int)(close - at - 1), at + 1);
			at = memchr(close + 1, '`', (size_t)(end - close - 1));
		}
	}
	assert_true(n >= 29);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack_given_each_rule_when_read_then_it_tells_all_of_itself),
		cmocka_unit_test(
			test_pack_given_tests_of_rules_when_run_then_trigger_and_near_miss_each),
		cmocka_unit_test(
			test_pack_given_each_rule_when_looked_for_then_a_kernel_test_does_it),
		cmocka_unit_test(
			test_pack_given_table_of_detections_when_read_then_its_rules_exist),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
