/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of answers, written out as JSON Schema. */
#include "tests/test.h"

#include "collector/shape.h"

static void test_shape_given_text_when_written_then_schema_or_refused(void **state)
{
	static const struct {
		const char *shape, *schema;
	} cases[] = {
		{ "string", "{\"type\":\"string\"}" },
		{ "?time", "{\"anyOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":"
			   "\"null\"}]}" },
		{ "[Event]",
		  "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Event\"}}" },
		{ "(integer|any)", "{\"anyOf\":[{\"type\":\"integer\"},{}]}" },
		{ "{*:boolean}",
		  "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"}}" },
		{ "{a:number,b?:string}",
		  "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},"
		  "\"b\":{\"type\":\"string\"}},\"required\":[\"a\"]}" },
		{ "{}", "{\"type\":\"object\",\"properties\":{}}" },
		{ "", NULL },
		{ "strings", NULL },
		{ "Nothing", NULL },
		{ "[string", NULL },
		{ "{a}", NULL },
		{ "{:string}", NULL },
		{ "(string", NULL },
		{ "string]", NULL },
		{ "[[[[[[[[[[[[[[[[[[[[string]]]]]]]]]]]]]]]]]]]]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_BUF struct buf out = { 0 };
		struct json j = json_to(&out);
		int r = shape_write(cases[i].shape, &j);

		if (r != (cases[i].schema ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].shape, r);
		buf_byte(&out, 0);
		if (cases[i].schema)
			assert_string_equal((const char *)out.data, cases[i].schema);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape_given_text_when_written_then_schema_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
