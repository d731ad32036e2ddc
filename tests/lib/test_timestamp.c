/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "lib/timestamp.h"

#define NOW UINT64_C(1795383859000000000)
#define S   UINT64_C(1000000000)

static void test_timestamp_given_good_text_when_parsed_then_ns(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T21:44:19Z", UINT64_C(1795383859) * S },
		{ "2026-11-22T21:44:19.5Z", UINT64_C(1795383859) * S + 500000000 },
		{ "2026-11-22T21:44:19.1234567899Z", UINT64_C(1795383859) * S + 123456789 },
		{ "2026-11-22 22:44:19+01:00", UINT64_C(1795383859) * S },
		{ "2026-11-22T21:44:19", UINT64_C(1795383859) * S },
		{ "2026-11-22", UINT64_C(1795305600) * S },
		{ "2024-02-29", UINT64_C(1709164800) * S },
		{ "now", NOW },
		{ "-15m", NOW - 900 * S },
		{ "now-1h30m", NOW - 5400 * S },
		{ "-250ms", NOW - 250000000 },
		{ "-9999w", 0 },
		{ "1795383859", UINT64_C(1795383859) * S },
		{ "1795383859123", UINT64_C(1795383859123) * 1000000 },
		{ "1795383859123456", UINT64_C(1795383859123456) * 1000 },
		{ "1795383859123456789", UINT64_C(1795383859123456789) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 1;
		struct diag d = { 0 };

		if (timestamp_parse(cases[i].text, strlen(cases[i].text), NOW, &ns, &d) < 0)
			fail_msg("%s: %s", cases[i].text, d.text);
		if (ns != cases[i].ns)
			fail_msg("%s: %llu", cases[i].text, (unsigned long long)ns);
	}
}

static void test_timestamp_given_bad_text_when_parsed_then_error_with_column(void **state)
{
	static const char *const cases[] = { "",
					     "yesterday",
					     "2026-13-01",
					     "2026-02-30",
					     "2026-11-22T25:00:00Z",
					     "2026-11-22T21:44",
					     "-15",
					     "-15x",
					     "now+1h",
					     "12h",
					     "-",
					     "99999999999999999999",
					     "2026-11-22T21:44:19Zz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct diag d = { 0 };
		uint64_t ns;

		if (timestamp_parse(cases[i], strlen(cases[i]), NOW, &ns, &d) != -EINVAL)
			fail_msg("accepted: %s", cases[i]);
		assert_true(d.column >= 1);
		assert_non_null(strstr(d.text, "expected"));
	}
}

static void test_timestamp_given_any_ns_when_formatted_then_parses_back(void **state)
{
	uint64_t ns = 1;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char text[TIMESTAMP_TEXT_BYTES];
		uint64_t back;

		ns = ns * UINT64_C(6364136223846793005) + 1442695040888963407u;
		timestamp_format(ns / 2, text);
		assert_int_equal(timestamp_parse(text, strlen(text), NOW, &back, NULL), 0);
		assert_true(back == ns / 2);
	}
}

static void test_duration_given_text_when_parsed_then_ns_or_error(void **state)
{
	uint64_t ns;

	(void)state;
	assert_int_equal(duration_parse("1h30m", 5, &ns, NULL), 0);
	assert_true(ns == 5400 * S);
	assert_int_equal(duration_parse("30", 2, &ns, NULL), -EINVAL);
	assert_int_equal(duration_parse("99999999999999w", 15, &ns, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamp_given_good_text_when_parsed_then_ns),
		cmocka_unit_test(test_timestamp_given_bad_text_when_parsed_then_error_with_column),
		cmocka_unit_test(test_timestamp_given_any_ns_when_formatted_then_parses_back),
		cmocka_unit_test(test_duration_given_text_when_parsed_then_ns_or_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
