/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/printer.h"
#include "ctl/text.h"

static const struct printer_column columns[] = {
	{ .title = "NAME", .field = "a.name" },
	{ .title = "N", .field = "n", .right = true },
	{ .title = "TEXT", .field = "text", .gives_way = true },
};

static const struct printer_config base = {
	.columns = columns,
	.n_columns = ARRAY_SIZE(columns),
	.list = "hits",
};

static const char *const rows[] = {
	"{\"a\":{\"name\":\"one\"},\"n\":1,\"text\":\"plain\"}",
	"{\"a\":{\"name\":\"three\"},\"n\":18446744073709551615,\"text\":[\"x\",\"y z\"]}",
	"{\"n\":null}",
};

/* What the printer writes for @rows_; the caller frees it. */
static char *print(struct printer_config c, const char *const *rows_, size_t n)
{
	AUTO(printer) *p = NULL;
	char *text = NULL;
	size_t size;

	text_init();
	c.out = open_memstream(&text, &size);
	assert_int_equal(printer_new(&p, &c), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(printer_row(p, (struct slice){ rows_[i], strlen(rows_[i]) }), 0);
	assert_int_equal(printer_finish(p, "\"cursor\":null"), 0);
	fclose(c.out);
	return text;
}

static void check(struct printer_config c, const char *const *rows_, size_t n, const char *expected)
{
	char *text = print(c, rows_, n);

	assert_string_equal(text, expected);
	free(text);
}

static struct printer_config as(enum printer_format format)
{
	struct printer_config c = base;

	c.format = format;
	return c;
}

static void test_printer_given_rows_when_table_then_aligned(void **state)
{
	(void)state;
	check(as(PRINTER_TABLE), rows, 3,
	      "NAME                      N  TEXT\n"
	      "one                       1  plain\n"
	      "three  18446744073709551615  x, y z\n"
	      "\n");
	check(as(PRINTER_TABLE), rows, 0, "");
}

static void test_printer_given_rows_when_json_then_one_document(void **state)
{
	(void)state;
	check(as(PRINTER_JSON), rows, 2,
	      "{\"hits\":[{\"a\":{\"name\":\"one\"},\"n\":1,\"text\":\"plain\"},"
	      "{\"a\":{\"name\":\"three\"},\"n\":18446744073709551615,\"text\":[\"x\",\"y z\"]}],"
	      "\"cursor\":null}\n");
	check(as(PRINTER_JSON), rows, 0, "{\"hits\":[],\"cursor\":null}\n");
}

static void test_printer_given_rows_when_ndjson_then_a_line_each_as_they_came(void **state)
{
	static const char *const pretty[] = { "{\n \"n\":\r\n 1.50e1,\t\"a\":\"\\u001b\\n\" }" };

	(void)state;
	check(as(PRINTER_NDJSON), rows, 2,
	      "{\"a\":{\"name\":\"one\"},\"n\":1,\"text\":\"plain\"}\n"
	      "{\"a\":{\"name\":\"three\"},\"n\":18446744073709551615,\"text\":[\"x\",\"y z\"]}\n");
	check(as(PRINTER_NDJSON), pretty, 1, "{  \"n\":   1.50e1,\t\"a\":\"\\u001b\\n\" }\n");
	check(as(PRINTER_NDJSON), rows, 0, "");
}

static void test_printer_given_rows_when_csv_then_quoted_where_needed(void **state)
{
	static const char *const odd[] = {
		"{\"a\":{\"name\":\"com,ma\"},\"n\":-5,\"text\":\"say \\\"hi\\\"\"}",
		"{\"a\":{\"name\":\"line\\nbreak\"},\"n\":true,\"text\":\"cr\\r\"}",
		"{\"a\":{\"name\":\" blank\"},\"n\":1.5,\"text\":\"\"}",
		"{\"a\":{\"name\":{\"x\":1}},\"text\":\"nul\\u0000byte\"}",
	};

	(void)state;
	check(as(PRINTER_CSV), rows, 3,
	      "a.name,n,text\n"
	      "one,1,plain\n"
	      "three,18446744073709551615,\"[\"\"x\"\",\"\"y z\"\"]\"\n"
	      ",,\n");
	check(as(PRINTER_CSV), odd, 3,
	      "a.name,n,text\n"
	      "\"com,ma\",-5,\"say \"\"hi\"\"\"\n"
	      "\"line\nbreak\",true,\"cr\r\"\n"
	      "\" blank\",1.5,\n");
	check(as(PRINTER_CSV), rows, 0, "a.name,n,text\n");
}

static void test_printer_given_width_when_table_then_cut_with_ellipsis(void **state)
{
	static const char *const wide[] = {
		"{\"a\":{\"name\":\"node\"},\"n\":1,\"text\":"
		"\"0123456789012345678901234567890123456789\"}",
		"{\"a\":{\"name\":\"n\"},\"n\":2,\"text\":"
		"\"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
		"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
		"\xa2\xe6\xbc\xa2"
		"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\"}",
	};
	struct printer_config c = as(PRINTER_TABLE);
	char *text, *line;

	(void)state;
	c.width = 35;
	text = print(c, wide, 2);
	assert_non_null(strstr(text, "node  1  0123456789012345678901234\xe2\x80\xa6\n"));
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(text_width(line, strcspn(line, "\n")) <= 35);
	free(text);
}

static void test_printer_given_spare_columns_when_narrow_then_left_out_first(void **state)
{
	static const struct printer_column all[] = {
		{ .title = "ID", .field = "id", .whole = true },
		{ .title = "FIRST", .field = "a", .spare = 2 },
		{ .title = "PATH", .field = "path", .gives_way = true, .middle = true },
		{ .title = "LAST", .field = "b", .spare = 1 },
	};
	static const char *const one[] = {
		"{\"id\":\"an-id-of-19-letters\",\"a\":\"0123456789\",\"path\":"
		"\"/usr/lib/x86_64-linux-gnu/libc.so.6\",\"b\":\"0123456789\"}",
	};
	static const struct {
		unsigned width;
		const char *expected;
	} cases[] = {
		{ 80, "ID                   FIRST       PATH                                 LAST\n"
		      "an-id-of-19-letters  0123456789  /usr/lib/x86_64-linux-gnu/libc.so.6  "
		      "0123456789\n" },
		{ 76,
		  "ID                   FIRST       PATH                             LAST\n"
		  "an-id-of-19-letters  0123456789  /usr/lib/x86_64\xe2\x80\xa6x-gnu/libc.so.6  "
		  "0123456789\n" },
		{ 60, "ID                   PATH                         LAST\n"
		      "an-id-of-19-letters  /usr/lib/x86_\xe2\x80\xa6gnu/libc.so.6  0123456789\n" },
		{ 46, "ID                   PATH\n"
		      "an-id-of-19-letters  /usr/lib/x86\xe2\x80\xa6nu/libc.so.6\n" },
		{ 30, "ID                   PATH\n"
		      "an-id-of-19-letters  /usr\xe2\x80\xa6so.6\n" },
		{ 20, "ID              PATH\n"
		      "an-id-of-19-l\xe2\x80\xa6  /u\xe2\x80\xa6" "6\n" },
	};
	struct printer_config c = as(PRINTER_TABLE);

	(void)state;
	c.columns = all;
	c.n_columns = ARRAY_SIZE(all);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c.width = cases[i].width;
		check(c, one, 1, cases[i].expected);
	}
}

static void test_printer_given_hostile_text_when_table_then_harmless(void **state)
{
	static const char *const hostile[] = {
		"{\"a\":{\"name\":\"\\u001b[2J\\u0007\"},\"n\":1,\"text\":\"a\\nb\\r\\u202ecod."
		"exe\\u0000z\"}",
		"{\"a\":{\"name\":\"\xc2\x9b"
		"31m\"},\"n\":2,\"text\":\"\xe2\x80\x8bzero\xef\xbb\xbf\\u007f\"}",
	};

	(void)state;
	check(as(PRINTER_TABLE), hostile, 2,
	      "NAME         N  TEXT\n"
	      "\\x1b[2J\\x07  1  a\\nb\\r\\u202ecod.exe\\x00z\n"
	      "\\u009b31m    2  \\u200bzero\\ufeff\\x7f\n");
}

static void test_printer_given_hostile_text_when_json_on_terminal_then_escaped_but_equal(
	void **state)
{
	static const char row[] = "{\"a\":\"\xc2\x9b"
				  "31m\xe2\x80\xae\x7f\xc3\xa9\xf3\xa0\x80\x81\"}";
	static const char *const list[] = { row };
	struct printer_config c = as(PRINTER_NDJSON);
	char *text;
	json_t *before, *after;

	(void)state;
	check(c, list, 1,
	      "{\"a\":\"\xc2\x9b"
	      "31m\xe2\x80\xae\x7f\xc3\xa9\xf3\xa0\x80\x81\"}\n");
	c.terminal = true;
	check(c, list, 1, "{\"a\":\"\\u009b31m\\u202e\\u007f\xc3\xa9\\udb40\\udc01\"}\n");
	text = print(c, list, 1);
	before = json_loads(row, 0, NULL);
	after = json_loads(text, 0, NULL);
	assert_true(before && json_equal(before, after));
	json_decref(before);
	json_decref(after);
	free(text);
}

static void test_printer_given_terminal_when_csv_then_control_characters_escaped(void **state)
{
	static const char *const hostile[] = {
		"{\"a\":{\"name\":\"\\u001b[0m\"},\"text\":\"x\\ny\"}"
	};
	struct printer_config c = as(PRINTER_CSV);

	(void)state;
	c.terminal = true;
	check(c, hostile, 1, "a.name,n,text\n\\x1b[0m,,x\\ny\n");
}

static const char *red(const json_t *row)
{
	return json_object_get(row, "n") ? "31" : NULL;
}

static void test_printer_given_color_when_table_then_only_tinted_rows(void **state)
{
	static const char *const two[] = { "{\"n\":1}", "{\"text\":\"x\"}" };
	struct printer_config c = as(PRINTER_TABLE);

	(void)state;
	c.tint = red;
	c.color = true;
	check(c, two, 2, "\x1b[1mNAME  N  TEXT\x1b[0m\n\x1b[31m      1\x1b[0m\n         x\n");
	c.color = false;
	check(c, two, 2, "NAME  N  TEXT\n      1\n         x\n");
}

static void test_printer_given_many_rows_when_table_then_all_are_shown(void **state)
{
	struct printer_config c = as(PRINTER_TABLE);
	AUTO(printer) *p = NULL;
	char *text = NULL, row[64];
	size_t size, lines = 0;

	(void)state;
	c.out = open_memstream(&text, &size);
	assert_int_equal(printer_new(&p, &c), 0);
	for (int i = 0; i < 3 * PRINTER_HELD + 7; i++) {
		snprintf(row, sizeof(row), "{\"n\":%d}", i);
		assert_int_equal(printer_row(p, (struct slice){ row, strlen(row) }), 0);
	}
	assert_int_equal(printer_finish(p, ""), 0);
	fclose(c.out);
	for (const char *s = text; *s; s++)
		lines += *s == '\n';
	assert_int_equal(lines, 3 * PRINTER_HELD + 8);
	free(text);
}

static void test_printer_given_no_object_when_row_then_refused(void **state)
{
	static const char *const broken[] = { "[]", "1", "{", "" };
	struct printer_config c = as(PRINTER_TABLE);
	AUTO(printer) *p = NULL;

	(void)state;
	c.out = stdout;
	assert_int_equal(printer_new(&p, &c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(printer_row(p, (struct slice){ broken[i], strlen(broken[i]) }),
				 -EBADMSG);
}

static void test_printer_given_full_disk_when_written_then_its_errno(void **state)
{
	static const enum printer_format formats[] = { PRINTER_TABLE, PRINTER_JSON, PRINTER_NDJSON,
						       PRINTER_CSV };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct printer_config c = as(formats[i]);
		AUTO(printer) *p = NULL;

		c.out = fopen("/dev/full", "w");
		assert_int_equal(printer_new(&p, &c), 0);
		assert_int_equal(printer_row(p, (struct slice){ rows[0], strlen(rows[0]) }), 0);
		assert_int_equal(printer_finish(p, ""), -ENOSPC);
		fclose(c.out);
	}
}

static void test_printer_given_dotted_names_when_found_then_nested_or_flat(void **state)
{
	json_t *doc = json_loads("{\"a\":{\"b\":{\"c\":1},\"b.d\":2},\"a.e\":3}", 0, NULL);

	(void)state;
	assert_int_equal(json_integer_value(printer_find(doc, "a.b.c")), 1);
	assert_int_equal(json_integer_value(printer_find(doc, "a.b.d")), 2);
	assert_int_equal(json_integer_value(printer_find(doc, "a.e")), 3);
	assert_null(printer_find(doc, "a.b.x"));
	assert_null(printer_find(doc, "a.b.c.d"));
	assert_null(printer_find(doc, ""));
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printer_given_rows_when_table_then_aligned),
		cmocka_unit_test(test_printer_given_rows_when_json_then_one_document),
		cmocka_unit_test(test_printer_given_rows_when_ndjson_then_a_line_each_as_they_came),
		cmocka_unit_test(test_printer_given_rows_when_csv_then_quoted_where_needed),
		cmocka_unit_test(test_printer_given_width_when_table_then_cut_with_ellipsis),
		cmocka_unit_test(test_printer_given_spare_columns_when_narrow_then_left_out_first),
		cmocka_unit_test(test_printer_given_hostile_text_when_table_then_harmless),
		cmocka_unit_test(
			test_printer_given_hostile_text_when_json_on_terminal_then_escaped_but_equal),
		cmocka_unit_test(
			test_printer_given_terminal_when_csv_then_control_characters_escaped),
		cmocka_unit_test(test_printer_given_color_when_table_then_only_tinted_rows),
		cmocka_unit_test(test_printer_given_many_rows_when_table_then_all_are_shown),
		cmocka_unit_test(test_printer_given_no_object_when_row_then_refused),
		cmocka_unit_test(test_printer_given_full_disk_when_written_then_its_errno),
		cmocka_unit_test(test_printer_given_dotted_names_when_found_then_nested_or_flat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
