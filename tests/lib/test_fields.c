/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "lib/fields.h"

static int check_found(struct field_ref ref, void *arg)
{
	struct field_ref found;
	char name[64];
	size_t n;

	field_name(ref, name, sizeof(name));
	n = strlen(name);
	assert_true(n + 1 < sizeof(name));
	assert_true(field_find(name, n, &found));
	assert_ptr_equal(found.info, ref.info);
	assert_int_equal(found.via, ref.via);
	assert_true(strlen(ref.info->help) > 3);
	assert_non_null(field_type_name(ref.info->type));
	++*(unsigned *)arg;
	return 0;
}

static void test_fields_given_registry_when_walked_then_each_is_found_by_name(void **state)
{
	unsigned n = 0;

	(void)state;
	assert_int_equal(field_each(check_found, &n), 0);
	assert_true(n > 100);
}

static void test_fields_given_aliases_when_looked_up_then_the_real_field(void **state)
{
	const char *alias, *name;
	struct field_ref a, b;
	size_t i;

	(void)state;
	for (i = 0; field_alias(i, &alias, &name); i++) {
		assert_true(field_find(alias, strlen(alias), &a));
		assert_true(field_find(name, strlen(name), &b));
		assert_ptr_equal(a.info, b.info);
		assert_int_equal(a.via, b.via);
	}
	assert_true(i > 0);
}

static void test_fields_given_wiring_or_unknown_when_looked_up_then_not_found(void **state)
{
	static const char *const names[] = { "",
					     "process",
					     "process.",
					     "process.nam",
					     "rtsec.process.row",
					     "rtsec.parent.row",
					     "Process.name",
					     "process.parent.parent.name" };
	struct field_ref ref;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_false(field_find(names[i], strlen(names[i]), &ref));
}

static void test_fields_given_derived_when_asked_then_source_is_stored(void **state)
{
	(void)state;
	for (uint32_t f = 1; f <= FIELD_MAX; f++) {
		const struct field_info *i = field_info(f);

		if (!i || i->rule < RULE_BASENAME)
			continue;
		assert_int_equal(field_info(i->source)->rule, RULE_STORED);
		assert_int_equal(field_info(i->source)->home, i->home);
	}
}

static void test_kinds_given_each_when_asked_then_category_action_and_type(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uint32_t k = 0; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (!info)
			continue;
		assert_int_equal(info->kind, k);
		assert_true(info->category[0] && info->action[0] && info->type[0]);
		n++;
	}
	assert_true(n >= 10);
	assert_null(kind_info(KIND_NONE));
	assert_null(kind_info(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_given_registry_when_walked_then_each_is_found_by_name),
		cmocka_unit_test(test_fields_given_aliases_when_looked_up_then_the_real_field),
		cmocka_unit_test(test_fields_given_wiring_or_unknown_when_looked_up_then_not_found),
		cmocka_unit_test(test_fields_given_derived_when_asked_then_source_is_stored),
		cmocka_unit_test(test_kinds_given_each_when_asked_then_category_action_and_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
