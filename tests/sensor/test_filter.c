/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

#include "lib/yaml.h"
#include "sensor/options.h"

/* --- the text of rules --- */
static int read_text(struct filter **ret, const char *text, struct diag *d)
{
	AUTO(yaml) *y = NULL;

	*d = (struct diag){ 0 };
	assert_int_equal(yaml_parse(&y, text, strlen(text), d), 0);
	return filter_read(ret, yaml_first(y), d);
}

static void test_filter_given_wrong_text_when_read_then_the_place_and_what_was_expected(
	void **state)
{
	static const struct {
		const char *text, *says;
		uint32_t line, column;
	} cases[] = {
		{ "a: b", "filters: expected a list of rules, not a map", 1, 1 },
		{ "- drop", "expected a rule, a map such as", 1, 3 },
		{ "- kinds: open", "needs an action: drop or keep", 1, 3 },
		{ "- action: forget", "expected drop or keep, not forget", 1, 11 },
		{ "- action: [drop]", "expected drop or keep, not a list", 1, 11 },
		{ "- action: drop\n  kinds: [open, exec]", "exec is no kind of events that can be",
		  2, 17 },
		{ "- action: drop\n  kinds: []", "kinds: expected a value or a list of values", 2,
		  10 },
		{ "- action: drop\n  path-prefx: /x", "did you mean path-prefix?", 2, 3 },
		{ "- action: drop\n  path: x", "path: expected an absolute path", 2, 9 },
		{ "- action: drop\n  path: {a: b}", "path: expected a value or a list of values", 2,
		  9 },
		{ "- action: drop\n  path: [/a, [/b]]", "path: expected a value, not a list", 2,
		  14 },
		{ "- action: drop\n  path-suffix: ''", "the end of a path", 2, 16 },
		{ "- action: drop\n  uid: root", "uid: expected the number of a user, not root", 2,
		  8 },
		{ "- action: drop\n  uid: 4294967296", "the number of a user", 2, 8 },
		{ "- action: drop\n  container: abc", "at least 12 bytes of a container's id", 2,
		  14 },
		{ "- action: drop\n  source: 10.0.0.1/8", "no bit set behind its length", 2, 11 },
		{ "- action: drop\n  source: 10.0.0.0/33", "an address or a network", 2, 11 },
		{ "- action: drop\n  source: 10.0.0", "an address or a network", 2, 11 },
		{ "- action: drop\n  source: fd00::/129", "an address or a network", 2, 11 },
		{ "- action: drop\n  source-port: 65536", "a port such as 443", 2, 16 },
		{ "- action: drop\n  source-port: 9-8", "a port such as 443", 2, 16 },
		{ "- action: drop\n  source-port: -8", "a port such as 443", 2, 16 },
		{ "- action: drop\n  kinds: signal\n  path: /x", "would never hold", 3, 9 },
		{ "- action: drop\n  kinds: open\n  source-port: 1", "would never hold", 3, 16 },
		{ "- {action: drop, name: a}\n- {action: drop, name: a}",
		  "another rule has that name", 2, 24 },
		{ "- {action: drop, name: ''}", "name: expected text of at most 63 bytes", 1, 24 },
		{ "- action: drop\n  destination-port: 1-2100", "more than 2048 values", 2, 21 },
	};
	struct filter *none = NULL;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_not_equal(read_text(&none, cases[i].text, &d), 0);
		assert_null(none);
		if (!strstr(d.text, cases[i].says))
			fail_msg("%s: says %s", cases[i].text, d.text);
		if (d.line != cases[i].line || d.column != cases[i].column)
			fail_msg("%s: at %u:%u", cases[i].text, d.line, d.column);
	}
}

static void test_filter_given_257_rules_when_read_then_the_last_is_refused(void **state)
{
	static const char line[] = "- {action: drop}\n";
	char text[FILTER_SLOTS * 32] = "";
	struct filter *none = NULL;
	struct diag d;

	(void)state;
	for (size_t i = 0; i <= FILTER_SLOTS; i++)
		memcpy(text + i * strlen(line), line, strlen(line) + 1);
	assert_int_equal(read_text(&none, text, &d), -ENOSPC);
	assert_non_null(strstr(d.text, "more than 256 rules"));
	assert_int_equal(d.line, FILTER_SLOTS + 1);
}

static void test_filter_given_no_rules_when_read_then_there_are_none(void **state)
{
	AUTO(filter) *f = NULL;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(filter_read(&f, NULL, &d), 0);
	assert_int_equal(filter_n(f), 0);
}

/* --- the tables --- */
struct tables {
	struct filter *f;
	struct filter_set set;
	struct filter_entry *entries;
	size_t n;
};

static void tables_of(struct tables *t, const char *text)
{
	struct diag d;
	int r = read_text(&t->f, text, &d);

	if (r != 0)
		fail_msg("%s: %s", text, d.text);
	assert_int_equal(filter_compile(t->f, &t->set, &t->entries, &t->n), 0);
}

static void tables_done(struct tables *t)
{
	filter_free(t->f);
	free(t->entries);
}

/* As the kernel's tree: the longest entry that @bytes begin with.  Slots below 64. */
static uint64_t look_up(const struct tables *t, enum filter_dim dim, const void *bytes, size_t bits)
{
	uint32_t longest = 0;
	uint64_t slots = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct filter_key *k = &t->entries[i].key;
		uint32_t n = k->bits - FILTER_HEAD_BITS;
		bool same = k->dim == dim && n <= bits && memcmp(k->data, bytes, n / 8) == 0;

		if (same && n % 8)
			same = (k->data[n / 8] ^ ((const uint8_t *)bytes)[n / 8]) >> (8 - n % 8) ==
			       0;
		if (same && k->bits >= longest) {
			assert_true(k->bits != longest); /* each key once */
			longest = k->bits;
			slots = t->entries[i].slots.w[0];
		}
	}
	return slots;
}

static uint64_t look_up_path(const struct tables *t, const char *path)
{
	return look_up(t, FILTER_PATH, path, 8 * (strlen(path) + 1));
}

static void test_filter_given_beginnings_when_compiled_then_longer_ones_have_their_slots(
	void **state)
{
	struct tables t;

	(void)state;
	tables_of(&t, "[{action: drop, path-prefix: /a}, {action: drop, path-prefix: /ab/},"
		      " {action: drop, path: [/ab/c, /a]}, {action: drop, path-prefix: /ab/},"
		      " {action: drop, path-prefix: /b}]");
	assert_int_equal(look_up_path(&t, "/"), 0);
	assert_int_equal(look_up_path(&t, "/a"), 1 | 4);
	assert_int_equal(look_up_path(&t, "/ab"), 1);
	assert_int_equal(look_up_path(&t, "/ab/"), 1 | 2 | 8);
	assert_int_equal(look_up_path(&t, "/ab/c"), 1 | 2 | 4 | 8);
	assert_int_equal(look_up_path(&t, "/ab/cd"), 1 | 2 | 8);
	assert_int_equal(look_up_path(&t, "/bx"), 16);
	tables_done(&t);
}

static void test_filter_given_networks_when_compiled_then_smaller_ones_have_their_slots(
	void **state)
{
	static const uint8_t ten[] = { 4, 10, 1, 2, 3 }, other[] = { 4, 10, 128, 0, 0 };
	static const uint8_t six[17] = { 6, 0xfd };
	struct tables t;

	(void)state;
	tables_of(
		&t,
		"[{action: drop, source: 0.0.0.0/0}, {action: drop, source: 10.0.0.0/9},"
		" {action: drop, source: [10.1.2.3, 'fd00::/8']}, {action: drop, source: '::/0'}]");
	assert_int_equal(look_up(&t, FILTER_SOURCE, ten, 40), 1 | 2 | 4);
	assert_int_equal(look_up(&t, FILTER_SOURCE, other, 40), 1);
	assert_int_equal(look_up(&t, FILTER_SOURCE, six, 136), 4 | 8);
	tables_done(&t);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Random beginnings and whole paths over two letters, against the plain reading of each rule. */
static void test_filter_given_random_rules_when_looked_up_then_as_each_rule_reads(void **state)
{
	uint32_t seed = 20261128;

	(void)state;
	for (int round = 0; round < 200; round++) {
		char values[40][16], text[4096] = "[", path[16];
		bool whole[40];
		struct tables t;
		size_t n = 1 + next_random(&seed) % 40;

		for (size_t i = 0; i < n; i++) {
			size_t length = 1 + next_random(&seed) % 8;

			values[i][0] = '/';
			for (size_t k = 1; k < length; k++)
				values[i][k] = next_random(&seed) & 64 ? 'a' : '/';
			values[i][length] = 0;
			whole[i] = next_random(&seed) & 64;
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 "{action: drop, %s: %s},", whole[i] ? "path" : "path-prefix",
				 values[i]);
		}
		memcpy(text + strlen(text), "]", 2);
		tables_of(&t, text);
		for (int k = 0; k < 50; k++) {
			uint64_t want = 0;
			size_t length = 1 + next_random(&seed) % 9;

			path[0] = '/';
			for (size_t i = 1; i < length; i++)
				path[i] = next_random(&seed) & 64 ? 'a' : '/';
			path[length] = 0;
			for (size_t i = 0; i < n; i++)
				if (whole[i] ? strcmp(path, values[i]) == 0
					     : strncmp(path, values[i], strlen(values[i])) == 0)
					want |= UINT64_C(1) << i;
			assert_int_equal(look_up_path(&t, path), want);
		}
		tables_done(&t);
	}
}

static void test_filter_given_a_rule_when_compiled_then_its_kinds_and_questions(void **state)
{
	struct tables t;

	(void)state;
	tables_of(&t, "[{action: keep, kinds: creation}, {action: drop, uid: 1, executable: /x}]");
	assert_int_equal(t.set.drops.w[0], 2);
	assert_int_equal(t.set.uses, 1u << FILTER_UID | 1u << FILTER_EXECUTABLE);
	assert_int_equal(t.set.silent[FILTER_UID].w[0], 1);
	assert_int_equal(t.set.silent[FILTER_PATH].w[0], 3);
	assert_int_equal(t.set.kinds[REC_CREATE].w[0], 3);
	assert_int_equal(t.set.kinds[FILTER_ROW_CREATED].w[0], 3);
	assert_int_equal(t.set.kinds[REC_OPEN].w[0], 2);
	assert_int_equal(t.set.kinds[REC_EXEC].w[0], 0); /* always told, as are these */
	assert_int_equal(t.set.kinds[REC_ARGS].w[0], 0);
	assert_int_equal(t.set.kinds[REC_FORK].w[0], 0);
	assert_int_equal(t.set.kinds[REC_EXIT].w[0], 0);
	tables_done(&t);
}

static void test_filter_given_every_kind_when_asked_then_all_but_the_sensors_own_have_rows(
	void **state)
{
	(void)state;
	for (uint32_t k = 0; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);
		bool own = info &&
			   (strcmp(info->category, "rtsec") == 0 ||
			    strcmp(info->category, "container") == 0 || info->kind == KIND_HASHED);
		/* translations are of no process, and told for the collector to join connections by
		 */
		bool always = info && (info->kind == KIND_NAT || info->kind == KIND_EXEC ||
				       info->kind == KIND_FORK || info->kind == KIND_END);

		if (info && filter_is_for(info->kind) == (own || always))
			fail_msg("kind %s", info->action);
	}
}

static void test_filter_given_containers_when_asked_for_a_cgroup_then_those_that_hold(void **state)
{
	struct filter_entry e;
	struct tables t;

	(void)state;
	tables_of(&t, "[{action: drop, container: any}, {action: drop, container: none},"
		      " {action: drop, container: [0123456789ab, ffffffffffff]}]");
	e = filter_cgroup(t.f, 77, "0123456789abcdef");
	assert_int_equal(e.slots.w[0], 1 | 4);
	assert_int_equal(e.key.dim, FILTER_CGROUP);
	assert_int_equal(*(uint64_t *)e.key.data, 77);
	e = filter_cgroup(t.f, 77, "");
	assert_int_equal(e.slots.w[0], 2);
	e = filter_cgroup(t.f, 77, "0123456789ac");
	assert_int_equal(e.slots.w[0], 1);
	tables_done(&t);
}

/* --- the settings --- */
static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_filter_given_a_file_when_options_are_read_then_rules_or_file_line_column(
	void **state)
{
	char name[] = "/tmp/rtsec-filter-XXXXXX", config[] = "--config", program[] = "rtsec-sensor";
	char *argv[] = { program, config, name, NULL }, want[128], got[900];
	AUTO(filter) *f = NULL;
	struct options o;
	struct diag d = { 0 };
	AUTO_FD int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	write_file(name, "throttle: 7\nfilters:\n- action: drop\n  path-prefix: /proc/\n");
	assert_int_equal(options_parse(&o, 3, argv, &d), 0);
	assert_int_equal(options_filters(&o, &f, &d), 0);
	assert_int_equal(filter_n(f), 1);
	assert_string_equal(filter_name(f, 0), "rule 1");
	options_done(&o);
	write_file(name, "filters:\n- action: drop\n  path-prefix: proc\n");
	assert_int_equal(options_parse(&o, 3, argv, &d), -EINVAL);
	snprintf(want, sizeof(want), "%s:3:16: path-prefix: expected", name);
	diag_format(&d, got, sizeof(got));
	assert_int_equal(strncmp(got, want, strlen(want)), 0);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_filter_given_wrong_text_when_read_then_the_place_and_what_was_expected),
		cmocka_unit_test(test_filter_given_257_rules_when_read_then_the_last_is_refused),
		cmocka_unit_test(test_filter_given_no_rules_when_read_then_there_are_none),
		cmocka_unit_test(
			test_filter_given_beginnings_when_compiled_then_longer_ones_have_their_slots),
		cmocka_unit_test(
			test_filter_given_networks_when_compiled_then_smaller_ones_have_their_slots),
		cmocka_unit_test(
			test_filter_given_random_rules_when_looked_up_then_as_each_rule_reads),
		cmocka_unit_test(
			test_filter_given_a_rule_when_compiled_then_its_kinds_and_questions),
		cmocka_unit_test(
			test_filter_given_every_kind_when_asked_then_all_but_the_sensors_own_have_rows),
		cmocka_unit_test(
			test_filter_given_containers_when_asked_for_a_cgroup_then_those_that_hold),
		cmocka_unit_test(
			test_filter_given_a_file_when_options_are_read_then_rules_or_file_line_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
