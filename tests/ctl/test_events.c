/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/events.h"
#include "lib/fields.h"

static void check(printer_cell_fn cell, const char *text, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };
	json_t *doc = json_loads(text, 0, NULL);

	assert_non_null(doc);
	cell(doc, &out);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
	json_decref(doc);
}

static void test_events_given_each_kind_when_summarised_then_one_line(void **state)
{
	(void)state;
	check(events_summary,
	      "{\"event\":{\"category\":\"process\",\"action\":\"exec\"},"
	      "\"process\":{\"command_line\":\"/bin/true a b\"}}",
	      "/bin/true a b");
	check(events_summary,
	      "{\"event\":{\"category\":\"process\",\"action\":\"end\"},"
	      "\"process\":{\"executable\":\"/bin/true\",\"exit_code\":3}}",
	      "exit 3  /bin/true");
	check(events_summary,
	      "{\"event\":{\"category\":\"process\",\"action\":\"end\"},"
	      "\"process\":{\"command_line\":\"sleep 9\",\"exit_signal\":\"SIGKILL\"}}",
	      "killed by SIGKILL  sleep 9");
	check(events_summary,
	      "{\"event\":{\"category\":\"process\",\"action\":\"fork\"},"
	      "\"process\":{\"command_line\":\"bash\",\"child\":{\"pid\":77}}}",
	      "child 77  bash");
	check(events_summary,
	      "{\"event\":{\"category\":\"file\",\"action\":\"open\"},"
	      "\"file\":{\"path\":\"/etc/passwd\",\"open\":{\"flags\":[\"read\",\"write\"]}}}",
	      "/etc/passwd (read, write)");
	check(events_summary,
	      "{\"event\":{\"category\":\"file\",\"action\":\"open\"},\"file\":{\"path\":\"/x\"},"
	      "\"error\":{\"code\":\"ENOENT\"}}",
	      "/x [ENOENT]");
	check(events_summary,
	      "{\"event\":{\"category\":\"file\",\"action\":\"rename\"},"
	      "\"file\":{\"path\":\"/b\",\"Ext\":{\"original\":{\"path\":\"/a\"}}}}",
	      "/a -> /b");
	check(events_summary,
	      "{\"event\":{\"category\":[\"network\"],\"action\":\"connection_attempted\"},"
	      "\"source\":{\"ip\":\"10.0.0.1\",\"port\":4242},"
	      "\"destination\":{\"ip\":\"2001:db8::1\",\"port\":443},"
	      "\"network\":{\"transport\":\"tcp\"}}",
	      "10.0.0.1:4242 -> [2001:db8::1]:443 tcp");
	check(events_summary, "{\"event\":{\"category\":\"network\"}}", "? -> ?");
	check(events_summary,
	      "{\"event\":{\"category\":\"rtsec\",\"action\":\"gap\"},"
	      "\"rtsec\":{\"gap\":{\"count\":12,\"class\":\"bulk\",\"cause\":\"ring_full\"}}}",
	      "12 events lost: bulk, ring_full");
	check(events_summary,
	      "{\"event\":{\"category\":\"rtsec\",\"action\":\"sensor\"},\"message\":\"started\"}",
	      "started");
	check(events_summary, "{\"event\":{\"category\":\"novel\"}}", "");
	check(events_summary, "{}", "");
	check(events_summary, "{\"event\":3}", "");
}

static void test_events_given_process_when_shown_then_name_and_pid(void **state)
{
	(void)state;
	check(events_process, "{\"process\":{\"name\":\"bash\",\"pid\":12}}", "bash[12]");
	check(events_process, "{\"process\":{\"pid\":12}}", "[12]");
	check(events_process, "{}", "");
}

static void test_events_given_fields_when_columns_then_those_in_their_order(void **state)
{
	static struct events e;
	struct diag d;

	(void)state;
	assert_int_equal(
		events_columns(&e, PRINTER_TABLE, "process.name,process.parent.*,seq", &d), 0);
	assert_int_equal(e.n_columns, 3);
	assert_string_equal(e.columns[0].field, "process.name");
	assert_string_equal(e.columns[1].field, "process.parent");
	assert_string_equal(e.columns[2].field, "seq");
	assert_string_equal(e.fields, "process.name,process.parent.*,seq");
}

static void test_events_given_wrong_fields_when_columns_then_reason(void **state)
{
	static const char *const wrong[] = { ",", "a,", ",a", "a,,b" };
	static struct events e;
	char many[2 * PRINTER_COLUMNS + 2];
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		d = (struct diag){ 0 };
		assert_int_equal(events_columns(&e, PRINTER_NDJSON, wrong[i], &d), -EINVAL);
		assert_non_null(strstr(d.text, "--fields"));
	}
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? ',' : 'a';
	many[sizeof(many) - 1] = 0;
	assert_int_equal(events_columns(&e, PRINTER_NDJSON, many, &d), -EINVAL);
}

static void test_events_given_no_fields_when_columns_then_asked_for_what_is_shown(void **state)
{
	static struct events e;
	struct diag d;

	(void)state;
	assert_int_equal(events_columns(&e, PRINTER_NDJSON, NULL, &d), 0);
	assert_null(e.fields);
	assert_int_equal(events_columns(&e, PRINTER_TABLE, NULL, &d), 0);
	assert_non_null(strstr(e.fields, "rtsec.gap.count"));
	assert_int_equal(events_columns(&e, PRINTER_CSV, NULL, &d), 0);
	assert_string_equal(e.columns[0].field, "@timestamp");
	assert_true(e.n_columns > 15);
}

/* Every name that we ask for by ourselves is one of the registry. */
static void test_events_given_own_field_lists_when_looked_up_then_all_exist(void **state)
{
	static const enum printer_format formats[] = { PRINTER_TABLE, PRINTER_CSV };
	static struct events e;
	struct field_ref ref;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		assert_int_equal(events_columns(&e, formats[i], NULL, &d), 0);
		for (const char *p = e.fields; *p; p += *p == ',') {
			size_t n = strcspn(p, ",");

			if (!field_find(p, n, &ref))
				fail_msg("no field %.*s", (int)n, p);
			p += n;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_given_each_kind_when_summarised_then_one_line),
		cmocka_unit_test(test_events_given_process_when_shown_then_name_and_pid),
		cmocka_unit_test(test_events_given_fields_when_columns_then_those_in_their_order),
		cmocka_unit_test(test_events_given_wrong_fields_when_columns_then_reason),
		cmocka_unit_test(
			test_events_given_no_fields_when_columns_then_asked_for_what_is_shown),
		cmocka_unit_test(test_events_given_own_field_lists_when_looked_up_then_all_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
