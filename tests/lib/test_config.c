/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/config.h"

struct settings {
	struct config_common common;
	const char *name, *word;
	bool fast;
	uint64_t count, size, age, idle;
	unsigned mode;
	struct config_texts hosts;
	struct config_numbers ports;
	struct config_pairs labels;
	const struct yaml_node *filters;
};

#define AT(member) .offset = offsetof(struct settings, member)
static const struct config_setting rows[] = {
	{ "name", CONFIG_TEXT, "NAME", AT(name), .fallback = "nobody", .help = "who" },
	{ "fast", CONFIG_FLAG, AT(fast), .help = "hurry" },
	{ "count", CONFIG_NUMBER, "N", AT(count), .fallback = "3", .help = "h", .min = 1,
	  .max = 10 },
	{ "size", CONFIG_SIZE, "N", AT(size), .fallback = "4K", .help = "h" },
	{ "idle", CONFIG_SIZE, "N", AT(idle), .fallback = "auto", .help = "h", .word = "auto" },
	{ "age", CONFIG_TIME, "TIME", AT(age), .fallback = "7d", .help = "h" },
	{ "mode", CONFIG_CHOICE, "off|on|1", AT(mode), .fallback = "on", .help = "h" },
	{ "host", CONFIG_TEXTS, "HOST", AT(hosts), .help = "h" },
	{ "port", CONFIG_NUMBERS, "PORT", AT(ports), .help = "h", .min = 1, .max = 65535 },
	{ "label", CONFIG_PAIRS, "KEY=VALUE", AT(labels), .help = "h" },
	{ "filters", CONFIG_TREE, AT(filters), .help = "what is left out" },
	{ "once", CONFIG_TEXT, "X", AT(word), .help = "h", .no_file = true, .letter = 'o' },
};
static const struct config_table table = {
	.settings = rows,
	.n = ARRAY_SIZE(rows),
	.size = sizeof(struct settings),
	.common = offsetof(struct settings, common),
};

static int parse(struct config **c, struct settings *s, const char *text, struct diag *d)
{
	return config_parse(c, &table, s, "test.yaml", text, strlen(text), d);
}

static void test_config_given_nothing_when_read_then_defaults(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "---\n", "~\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO(config) *c = NULL;
		struct diag d = { 0 };
		struct settings s;

		assert_int_equal(parse(&c, &s, texts[i], &d), 0);
		assert_string_equal(s.name, "nobody");
		assert_false(s.fast);
		assert_int_equal(s.count, 3);
		assert_int_equal(s.size, 4096);
		assert_true(s.idle == CONFIG_WORD);
		assert_int_equal(s.age, 7 * 86400);
		assert_int_equal(s.mode, 1);
		assert_int_equal(s.hosts.n + s.ports.n + s.labels.n, 0);
		assert_null(s.filters);
		assert_string_equal(config_file(c), "test.yaml");
	}
}

static void test_config_given_all_types_when_read_then_each_is_set(void **state)
{
	AUTO(config) *c = NULL;
	struct diag d = { 0 };
	struct settings s;

	(void)state;
	assert_int_equal(parse(&c, &s,
			       "name: 'a # b'\nfast: true\ncount: 10\nsize: 2G\nidle: 5\n"
			       "age: 90\nmode: 1\nhost: [a, b]\nport: 80\n"
			       "label: {env: prod, n: 7, on: yes}\nfilters:\n  - drop: x\n",
			       &d),
			 0);
	assert_string_equal(s.name, "a # b");
	assert_true(s.fast);
	assert_int_equal(s.count, 10);
	assert_int_equal(s.size, 2ull << 30);
	assert_int_equal(s.idle, 5);
	assert_int_equal(s.age, 90);
	assert_int_equal(s.mode, 2);
	assert_int_equal(s.hosts.n, 2);
	assert_string_equal(s.hosts.at[1], "b");
	assert_int_equal(s.ports.n, 1);
	assert_int_equal(s.ports.at[0], 80);
	assert_int_equal(s.labels.n, 3);
	assert_string_equal(s.labels.at[1].key, "n");
	assert_string_equal(s.labels.at[1].value, "7");
	assert_int_equal(s.filters->type, YAML_LIST);
	assert_int_equal(s.filters->line, 12);
}

static void test_config_given_mistakes_when_read_then_place_and_what_was_expected(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *said;
	} wrong[] = {
		{ "count: 1\nnames: x\n", 2, 1, "did you mean name?" },
		{ "zzzzzzzz: x\n", 1, 1, "--help" },
		{ "name: x\nname: y\n", 2, 1, "twice" },
		{ "name: [x]\n", 1, 7, "not a list" },
		{ "name: ''\n", 1, 7, "not nothing" },
		{ "name:\n", 1, 1, "not nothing" },
		{ "name: true\n", 1, 7, "not a boolean" },
		{ "name: \"a\\0b\"\n", 1, 7, "NUL" },
		{ "fast: 1\n", 1, 7, "true or false" },
		{ "fast: yes\n", 1, 7, "true or false" },
		{ "count: 11\n", 1, 8, "from 1 to 10" },
		{ "count: 0\n", 1, 8, "from 1 to 10" },
		{ "count: -1\n", 1, 8, "from 1 to 10" },
		{ "count: '3'\n", 1, 8, "whole number" },
		{ "count: 1.5\n", 1, 8, "whole number" },
		{ "size: 3X\n", 1, 7, "a size" },
		{ "size: 4g\n", 1, 7, "a size" },
		{ "size: 99999999999G\n", 1, 7, "a size" },
		{ "size: 18446744073709551615\n", 1, 7, "a size" },
		{ "idle: never\n", 1, 7, "or auto" },
		{ "age: 0\n", 1, 6, "a time" },
		{ "age: 3w\n", 1, 6, "a time" },
		{ "mode: maybe\n", 1, 7, "one of off|on|1" },
		{ "host: [a, [b]]\n", 1, 11, "not a list" },
		{ "port: [1, 65536]\n", 1, 11, "from 1 to 65535" },
		{ "label: a=b\n", 1, 8, "a map" },
		{ "label: {a: [b]}\n", 1, 12, "not a list" },
		{ "filters: x\n", 1, 10, "a list or a map" },
		{ "config: x\n", 1, 1, "command line" },
		{ "once: x\n", 1, 1, "command line" },
		{ "- a\n", 1, 1, "a list" },
		{ "name: a\n---\nname: b\n", 3, 1, "second document" },
		{ "name: [\n", 2, 1, "not YAML" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		AUTO(config) *c = NULL;
		struct diag d = { 0 };
		struct settings s;

		assert_int_equal(parse(&c, &s, wrong[i].text, &d), -EINVAL);
		if (!strstr(d.text, wrong[i].said) || d.line != wrong[i].line ||
		    d.column != wrong[i].column)
			fail_msg("%s: %u:%u %s", wrong[i].text, d.line, d.column, d.text);
		assert_string_equal(d.file, "test.yaml");
		assert_null(c);
	}
}

static void test_config_given_too_many_values_when_read_then_refused(void **state)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO(config) *c = NULL;
	struct diag d = { 0 };
	struct settings s;

	(void)state;
	buf_str(&text, "host: [");
	for (int i = 0; i < CONFIG_ITEMS; i++)
		buf_printf(&text, "h%d, ", i);
	buf_printf(&text, "]\n%c", 0);
	assert_int_equal(parse(&c, &s, (const char *)text.data, &d), 0);
	assert_int_equal(s.hosts.n, CONFIG_ITEMS);
	c = config_free(c);
	text.n -= 3;
	buf_printf(&text, "last]\n%c", 0);
	assert_int_equal(parse(&c, &s, (const char *)text.data, &d), -EINVAL);
	assert_non_null(strstr(d.text, "more than 64"));
}

/* ---- command line ---- */

enum { MOST_WORDS = 16 };

static int read_line(struct config **c, struct settings *s, const char *line, struct diag *d)
{
	static char words[512];
	char *argv[MOST_WORDS], *rest = NULL;
	int argc = 0;

	snprintf(words, sizeof(words), "prog %s", line);
	for (char *w = strtok_r(words, " ", &rest); w && argc < MOST_WORDS;
	     w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	return config_read(c, &table, s, argc, argv, d);
}

static void write_file(char path[64], const char *text)
{
	int fd;

	snprintf(path, 64, "/tmp/rtsec-config-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_config_given_file_and_options_when_read_then_command_line_beats_file(void **state)
{
	AUTO(config) *c = NULL;
	struct diag d = { 0 };
	char path[64], line[300];
	struct settings s;

	(void)state;
	write_file(path, "name: file\ncount: 7\nhost: [f1, f2]\nlabel: {a: file}\n");
	snprintf(line, sizeof(line), "-o once --name line --host x --config %s --host=y --fast", path);
	assert_int_equal(read_line(&c, &s, line, &d), 0);
	unlink(path);
	assert_string_equal(config_file(c), path);
	assert_string_equal(s.name, "line");
	assert_string_equal(s.word, "once");
	assert_int_equal(s.count, 7);
	assert_true(s.fast);
	assert_int_equal(s.hosts.n, 2);
	assert_string_equal(s.hosts.at[0], "x");
	assert_string_equal(s.hosts.at[1], "y");
	assert_int_equal(s.labels.n, 1);
	assert_string_equal(s.labels.at[0].value, "file");
}

static void test_config_given_files_that_cannot_be_read_when_read_then_named(void **state)
{
	struct config_table with_default = table;
	char prog[] = "prog", *argv[] = { prog };
	AUTO(config) *c = NULL;
	struct diag d = { 0 };
	struct settings s;

	(void)state;
	assert_int_equal(read_line(&c, &s, "--config /nowhere/x.yaml", &d), -ENOENT);
	assert_string_equal(d.file, "/nowhere/x.yaml");
	assert_int_equal(read_line(&c, &s, "--config /tmp", &d), -EISDIR);
	assert_int_equal(read_line(&c, &s, "--help --config /nowhere/x.yaml", &d), 0);
	assert_true(s.common.help);
	c = config_free(c);
	with_default.default_file = "/nowhere/x.yaml"; /* it need not exist */
	assert_int_equal(config_read(&c, &with_default, &s, 1, argv, &d), 0);
	assert_null(config_file(c));
}

static void test_config_given_wrong_lines_when_read_then_each_is_named(void **state)
{
	static const char *const wrong[][2] = {
		{ "--names x", "--name?" },
		{ "--name", "needs a value" },
		{ "--fast=1", "no value" },
		{ "--label x", "KEY=VALUE" },
		{ "--label =x", "KEY=VALUE" },
		{ "--filters x", "no option" },
		{ "-o", "needs a value" },    { "-x y", "-x" },
		{ "stray", "stray" },
		{ "-n", "-n" },
		{ "--", "--" },
		{ "--count 11", "from 1 to 10" },
		{ "--name=", "not nothing" },
		{ "--port 0", "from 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		AUTO(config) *c = NULL;
		struct diag d = { 0 };
		struct settings s;

		assert_int_equal(read_line(&c, &s, wrong[i][0], &d), -EINVAL);
		if (!strstr(d.text, wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], d.text);
		assert_int_equal(d.line, 0);
	}
}

static int take_word(void *settings, const char *word, struct diag *d)
{
	struct settings *s = settings;

	if (s->word)
		return diag_set(d, -EINVAL, 0, 0, "one word");
	s->word = word;
	return 0;
}

static void test_config_given_words_when_read_then_the_program_takes_them(void **state)
{
	char prog[] = "prog", doctor[] = "doctor", name[] = "--name=x", more[] = "more";
	char *argv[] = { prog, doctor, name, more };
	struct config_table words = table;
	AUTO(config) *c = NULL;
	struct diag d = { 0 };
	struct settings s;

	(void)state;
	words.word = take_word;
	assert_int_equal(config_read(&c, &words, &s, 3, argv, &d), 0);
	assert_string_equal(s.word, "doctor");
	assert_string_equal(s.name, "x");
	c = config_free(c);
	assert_int_equal(config_read(&c, &words, &s, 4, argv, &d), -EINVAL);
	assert_string_equal(d.text, "one word");
}

static void test_config_given_table_when_helped_then_every_row_is_there(void **state)
{
	AUTO_BUF struct buf text = { 0 };

	(void)state;
	config_help(&table, &text);
	buf_byte(&text, 0);
	assert_true(buf_ok(&text));
	for (size_t i = 0; i < table.n; i++)
		assert_non_null(strstr((const char *)text.data, rows[i].name));
	assert_non_null(strstr((const char *)text.data, "--check-config"));
	assert_null(strstr((const char *)text.data, "--filters"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_given_nothing_when_read_then_defaults),
		cmocka_unit_test(test_config_given_all_types_when_read_then_each_is_set),
		cmocka_unit_test(
			test_config_given_mistakes_when_read_then_place_and_what_was_expected),
		cmocka_unit_test(test_config_given_too_many_values_when_read_then_refused),
		cmocka_unit_test(
			test_config_given_file_and_options_when_read_then_command_line_beats_file),
		cmocka_unit_test(test_config_given_files_that_cannot_be_read_when_read_then_named),
		cmocka_unit_test(test_config_given_wrong_lines_when_read_then_each_is_named),
		cmocka_unit_test(test_config_given_words_when_read_then_the_program_takes_them),
		cmocka_unit_test(test_config_given_table_when_helped_then_every_row_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
