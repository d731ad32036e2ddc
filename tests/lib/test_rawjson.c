/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/rawjson.h"

static struct slice slice(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void check_member(const char *object, const char *key, const char *expected)
{
	struct slice v;

	if (!expected) {
		assert_false(rawjson_member(slice(object), key, &v));
		return;
	}
	assert_true(rawjson_member(slice(object), key, &v));
	assert_int_equal(v.n, strlen(expected));
	assert_int_equal(memcmp(v.s, expected, v.n), 0);
}

static void test_rawjson_given_object_when_asked_then_member_as_written(void **state)
{
	(void)state;
	check_member("{\"a\":1}", "a", "1");
	check_member(" { \"a\" : 1.50e3 , \"b\" : [ 1 , 2 ] } ", "a", "1.50e3");
	check_member(" { \"a\" : 1.50e3 , \"b\" : [ 1 , 2 ] } ", "b", "[ 1 , 2 ]");
	check_member("{\"x\":{\"a\":2},\"a\":3}", "a", "3");
	check_member("{\"x\":\"}\\\",\\\\\",\"a\":\"\\u001b]\"}", "a", "\"\\u001b]\"");
	check_member("{\"a\":18446744073709551615}", "a", "18446744073709551615");
	check_member("{\"b\":null}", "a", NULL);
	check_member("{}", "a", NULL);
	check_member("[1,2]", "a", NULL);
	check_member("", "a", NULL);
	check_member("   ", "a", NULL);
}

static void test_rawjson_given_array_when_gone_through_then_each_element_once(void **state)
{
	static const char text[] = "[{\"a\":[1,{}]}, \"x,]\" ,3,[],null]";
	static const char *const expected[] = { "{\"a\":[1,{}]}", "\"x,]\"", "3", "[]", "null" };
	struct slice key, v;
	size_t at = 0, n = 0;

	(void)state;
	while (rawjson_next(slice(text), &at, &key, &v)) {
		assert_true(n < ARRAY_SIZE(expected));
		assert_int_equal(v.n, strlen(expected[n]));
		assert_int_equal(memcmp(v.s, expected[n], v.n), 0);
		assert_int_equal(key.n, 0);
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(expected));
	at = 0;
	assert_false(rawjson_next(slice("[]"), &at, &key, &v));
	at = 0;
	assert_false(rawjson_next(slice("[ ]"), &at, &key, &v));
}

static void test_rawjson_given_big_integers_when_loaded_then_digits_are_kept(void **state)
{
	json_t *doc =
		rawjson_load(slice("{\"big\":18446744073709551615,\"low\":-9223372036854775809,"
				   "\"s\":\"99999999999999999999\",\"small\":12,"
				   "\"real\":1234567890123456789.5,\"list\":[true,1e3]}"));

	(void)state;
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "big")), "18446744073709551615");
	assert_string_equal(json_string_value(json_object_get(doc, "low")), "-9223372036854775809");
	assert_string_equal(json_string_value(json_object_get(doc, "s")), "99999999999999999999");
	assert_int_equal(json_integer_value(json_object_get(doc, "small")), 12);
	assert_true(json_is_real(json_object_get(doc, "real")));
	assert_int_equal(json_array_size(json_object_get(doc, "list")), 2);
	json_decref(doc);
}

static void test_rawjson_given_broken_text_when_loaded_then_null(void **state)
{
	static const char *const broken[] = {
		"",	"{",	      "{\"a\":}",	  "{\"a\":1e999}",
		"[1,]", "{\"a\":1}x", "{\"a\":\"\x1b\"}", "{\"a\":\"\xff\"}"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_null(rawjson_load(slice(broken[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rawjson_given_object_when_asked_then_member_as_written),
		cmocka_unit_test(test_rawjson_given_array_when_gone_through_then_each_element_once),
		cmocka_unit_test(test_rawjson_given_big_integers_when_loaded_then_digits_are_kept),
		cmocka_unit_test(test_rawjson_given_broken_text_when_loaded_then_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
