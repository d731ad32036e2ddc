/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <math.h>

#include "lib/json.h"
#include "lib/timestamp.h"

static void assert_json(struct buf *b, const char *expected)
{
	buf_byte(b, 0);
	assert_true(buf_ok(b));
	assert_string_equal((const char *)b->data, expected);
	buf_clear(b);
}

static void test_json_given_nesting_when_written_then_commas_fit(void **state)
{
	AUTO_BUF struct buf b = { 0 };
	struct json j = json_to(&b);

	(void)state;
	json_begin_object(&j);
	json_key(&j, "a");
	json_begin_array(&j);
	json_uint(&j, 1);
	json_begin_object(&j);
	json_end_object(&j);
	json_begin_array(&j);
	json_end_array(&j);
	json_nil(&j);
	json_end_array(&j);
	json_key_text(&j, "b", NULL);
	json_key_bool(&j, "c", true);
	json_key(&j, "d");
	json_raw(&j, "{\"x\":1}", 7);
	json_key_uint(&j, "e", 0);
	json_end_object(&j);
	assert_json(&b, "{\"a\":[1,{},[],null],\"b\":null,\"c\":true,\"d\":{\"x\":1},\"e\":0}");
}

static void assert_string(const char *in, size_t n, const char *expected)
{
	AUTO_BUF struct buf b = { 0 };
	struct json j = json_to(&b);

	json_text_n(&j, in, n);
	assert_json(&b, expected);
}

static void test_json_given_controls_and_quotes_when_written_then_escaped(void **state)
{
	(void)state;
	assert_string(TEXT("a\"b\\c/\n\r\t\b\f"), "\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\"");
	assert_string(TEXT("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"");
	assert_string(TEXT(""), "\"\"");
	assert_string(NULL, 0, "\"\"");
}

#define BAD "\xef\xbf\xbd"

static void test_json_given_utf8_when_written_then_kept_and_broken_replaced(void **state)
{
	(void)state;
	assert_string(TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"),
		      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"");
	assert_string(TEXT("a\xffz"), "\"a" BAD "z\"");
	assert_string(TEXT("\xc3"), "\"" BAD "\"");			    /* cut */
	assert_string(TEXT("\xc0\xaf"), "\"" BAD BAD "\"");		    /* overlong */
	assert_string(TEXT("\xe0\x80\xaf"), "\"" BAD BAD BAD "\"");	    /* overlong */
	assert_string(TEXT("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");	    /* surrogate */
	assert_string(TEXT("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""); /* past U+10FFFF */
	assert_string(TEXT("\xe2\x82"
			   "a"),
		      "\"" BAD BAD "a\"");
	assert_string(TEXT("\x80"), "\"" BAD "\"");
}

static void test_json_given_numbers_when_written_then_exact(void **state)
{
	AUTO_BUF struct buf b = { 0 };
	struct json j = json_to(&b);

	(void)state;
	json_begin_array(&j);
	json_uint(&j, UINT64_MAX);
	json_int(&j, INT64_MIN);
	json_int(&j, -1);
	json_double(&j, 0.5);
	json_double(&j, NAN);
	json_double(&j, -INFINITY);
	json_time(&j, UINT64_C(1795383859123456789));
	json_end_array(&j);
	assert_json(&b, "[18446744073709551615,-9223372036854775808,-1,0.5,null,null,"
			"\"2026-11-22T21:44:19.123456789Z\"]");
}

/* Its own calendar against the C library's: each day of two centuries, and odd times. */
static void test_json_given_any_time_when_written_then_as_timestamp_says(void **state)
{
	AUTO_BUF struct buf b = { 0 };
	char expected[TIMESTAMP_TEXT_BYTES + 2], text[TIMESTAMP_TEXT_BYTES];

	(void)state;
	for (uint64_t i = 0; i < 80000; i++) {
		uint64_t ns =
			i * UINT64_C(86400000000000) + i * UINT64_C(1099511627) % 86400000000000;
		struct json j = json_to(&b);

		json_time(&j, ns);
		snprintf(expected, sizeof(expected), "\"%s\"", timestamp_format(ns, text));
		assert_json(&b, expected);
	}
	for (uint64_t ns = UINT64_MAX; ns > 1; ns /= 3) {
		struct json j = json_to(&b);

		json_time(&j, ns);
		snprintf(expected, sizeof(expected), "\"%s\"", timestamp_format(ns, text));
		assert_json(&b, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_given_nesting_when_written_then_commas_fit),
		cmocka_unit_test(test_json_given_controls_and_quotes_when_written_then_escaped),
		cmocka_unit_test(test_json_given_utf8_when_written_then_kept_and_broken_replaced),
		cmocka_unit_test(test_json_given_numbers_when_written_then_exact),
		cmocka_unit_test(test_json_given_any_time_when_written_then_as_timestamp_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
