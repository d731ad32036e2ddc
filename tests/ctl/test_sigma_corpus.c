/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's Linux rules, read from ../shared/corpora where they are: each is valid, those that
 * cannot be asked say why, and what tests/ctl/sigma_triggers.txt says of each is true.  Where there
 * are none, ctest tells these tests as skipped. */
#include "ctl/rules.h"
#include "lib/json.h"
#include "tests/rule_fixture.h"

#include <unistd.h>

#define CORPUS	 TEST_SOURCE_DIR "/../shared/corpora/sigma-linux"
#define TRIGGERS TEST_SOURCE_DIR "/tests/ctl/sigma_triggers.txt"
enum { N_RULES = 162, N_CAN_FIRE = 156, N_PARTIAL = 2 };

static int setup(void **state)
{
	const char *const corpus = CORPUS;
	struct rules *rules = calloc(1, sizeof(*rules));
	struct diag d = { 0 };

	if (!rules)
		return -1;
	*state = rules;
	if (access(CORPUS, R_OK) == 0)
		return rules_load(rules, &corpus, 1, &d);
	print_message("no rules at %s: nothing is tested with them\n", CORPUS);
	return 0;
}

static int teardown(void **state)
{
	rules_done(*state);
	free(*state);
	return 0;
}

/* ---- events ---- */

static void words(struct json *j, const char *key, const char *first, const char *rest)
{
	json_key(j, key);
	json_begin_array(j);
	json_text(j, first);
	while (*rest == ' ') {
		size_t n = strcspn(++rest, " ");

		json_text_n(j, rest, n);
		rest += n;
	}
	json_end_array(j);
}

/* PROGRAM ARGUMENT ...; @name NULL: as the program. */
static void write_program(struct json *j, const char *prefix, char *text, const char *name)
{
	size_t n = strcspn(text, " ");
	AUTO_MEM char *program = strndup(text, n);
	const char *slash = program ? strrchr(program, '/') : NULL;
	char key[64];

	assert_non_null(slash);
	snprintf(key, sizeof(key), "%s.executable", prefix);
	json_key_text(j, key, program);
	snprintf(key, sizeof(key), "%s.args", prefix);
	words(j, key, name ? name : slash + 1, text + n);
}

/* What stands behind " MARK " in @text, which ends there then; NULL: nothing. */
static char *split(char *text, const char *mark)
{
	char *at = text ? strstr(text, mark) : NULL;

	if (!at)
		return NULL;
	*at = '\0';
	return at + strlen(mark);
}

/* Value of NAME=VALUE among @words, to be freed; NULL: none. */
static char *word_of(const char *words, const char *name)
{
	const char *at = words ? strstr(words, name) : NULL;

	return at ? strndup(at + strlen(name), strcspn(at + strlen(name), " ")) : NULL;
}

static void write_others(struct json *j, const char *others)
{
	static const char *const texts[][2] = { { "user=", "process.user.name" },
						{ "cwd=", "process.working_directory" },
						{ "comm=", "process.comm" } };
	AUTO_MEM char *uid = word_of(others, "uid=");

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_MEM char *value = word_of(others, texts[i][0]);

		if (value)
			json_key_text(j, texts[i][1], value);
	}
	if (uid)
		json_key_uint(j, "process.user.id", strtoull(uid, NULL, 10));
}

static void write_command(struct json *j, char *text)
{
	char *others = split(text, " @@ "), *parent = split(text, " <- ");
	AUTO_MEM char *name = word_of(others, "name=");

	json_key_text(j, "event.action", "exec");
	write_program(j, "process", text, name);
	if (parent)
		write_program(j, "process.parent", parent, NULL);
	write_others(j, others);
}

static void write_connection(struct json *j, const char *verb, char *rest)
{
	char *address = split(rest, " "), *port = split(address, " ");
	bool out = strcmp(verb, "connect") == 0;

	assert_non_null(port);
	json_key_text(j, "event.action", out ? "connection_attempted" : "connection_accepted");
	if (strcmp(rest, "-") != 0)
		json_key_text(j, "destination.domain", rest);
	json_key_text(j, "destination.ip", address);
	json_key_uint(j, "destination.port", strtoull(port, NULL, 10));
}

static void write_act(struct json *j, char *verb)
{
	static const char *const actions[][2] = { { "open", "open" },
						  { "creat", "creation" },
						  { "rename", "rename" } };
	char *program = split(verb, " by "), *rest = split(verb, " ");

	assert_non_null(program);
	assert_non_null(rest);
	write_program(j, "process", program, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i][0], verb) == 0) {
			json_key_text(j, "event.action", actions[i][1]);
			json_key_text(j, "file.path", rest);
			return;
		}
	write_connection(j, verb, rest);
}

/* Returns false, and says so, when the rule does not as @line says. */
static bool check_event(const struct rules_entry *e, const char *line)
{
	AUTO_MEM char *text = strdup(line + 2);
	AUTO_BUF struct buf event = { 0 };
	struct json j = json_to(&event);
	bool fires = line[0] == '+';

	assert_non_null(text);
	json_begin_object(&j);
	if (text[0] == '/')
		write_command(&j, text);
	else
		write_act(&j, text);
	json_end_object(&j);
	buf_byte(&event, 0);
	assert_true(buf_ok(&event));
	if (rule_hits(e->rule->expr, (const char *)event.data) == fires)
		return true;
	print_error("%s\n%s\n%s\nit must%s fire\n", e->file, line, (const char *)event.data,
		    fires ? "" : " not");
	return false;
}

/* ---- the table ---- */

static const struct rules_entry *find(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->n; i++) {
		const char *slash = strrchr(rules->v[i].file, '/');
		size_t n = strlen(name);

		if (strncmp(slash + 1, name, n) == 0 && strcmp(slash + 1 + n, ".yml") == 0)
			return &rules->v[i];
	}
	fail_msg("no rule %s", name);
	return NULL;
}

struct covered {
	const struct rules_entry *entry;
	size_t fires, near;
};

/* A rule of the table must have both. */
static size_t close_rule(const struct covered *c)
{
	if (c->entry && (c->fires == 0 || c->near == 0))
		fail_msg("%s: expected events of both signs", c->entry->file);
	return c->entry ? 1 : 0;
}

static void test_sigma_corpus_given_own_events_when_asked_then_triggers_fire_and_near_misses_do_not(
	void **state)
{
	struct covered c = { 0 };
	size_t n_rules = 0, n_wrong = 0, cap = 0;
	char *line = NULL;
	FILE *f;

	if (((struct rules *)*state)->n == 0)
		skip();
	f = fopen(TRIGGERS, "re");
	assert_non_null(f);
	for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[0] == '=') {
			n_rules += close_rule(&c);
			c = (struct covered){ .entry = find(*state, line + 2) };
		} else if (line[0] == '+' || line[0] == '-') {
			n_wrong += !check_event(c.entry, line);
			*(line[0] == '+' ? &c.fires : &c.near) += 1;
		}
	}
	n_rules += close_rule(&c);
	free(line);
	fclose(f);
	assert_int_equal(n_wrong, 0);
	assert_int_equal(n_rules, N_CAN_FIRE); /* all that can */
}

/* ---- all of them ---- */

/* Reasons that are good: what we do not collect, said so. */
static bool is_good(const char *text)
{
	static const char *const reasons[] = { "plain log files", "are not collected",
					       "do not carry" };

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strstr(text, reasons[i]))
			return true;
	return false;
}

static void test_sigma_corpus_given_all_rules_when_loaded_then_valid_and_gaps_told(void **state)
{
	const struct rules *rules = *state;

	if (rules->n == 0)
		skip();
	for (size_t i = 0; i < rules->n; i++) {
		const struct rules_entry *e = &rules->v[i];

		if (!e->rule)
			fail_msg("%s:%u: %s", e->file, e->wrong.line, e->wrong.text);
		for (size_t k = 0; k < e->rule->n_gaps; k++)
			if (!is_good(e->rule->gaps[k].text))
				fail_msg("%s: %s", e->file, e->rule->gaps[k].text);
	}
	assert_int_equal(rules->n, N_RULES);
	assert_int_equal(rules->n_unmapped, N_RULES - N_CAN_FIRE);
	assert_int_equal(rules->n_partial, N_PARTIAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_sigma_corpus_given_all_rules_when_loaded_then_valid_and_gaps_told),
		cmocka_unit_test(
			test_sigma_corpus_given_own_events_when_asked_then_triggers_fire_and_near_misses_do_not),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
