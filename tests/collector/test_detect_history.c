/* SPDX-License-Identifier: Apache-2.0 */
/* History finds what live rules do, in whatever order events came and whenever the collector was
 * away. */
#include "tests/collector/detect_fixture.h"

static uint64_t next_random(struct fix *f, uint64_t below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random % below;
}

static int show_key(const struct alert *a, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 65536 - n, "%s %016llx %s %s %d %lld\n", a->rule_id,
		 (unsigned long long)a->dedup, a->node, a->object ? a->object : "-",
		 (int)a->n_events, (long long)(a->first_ns % (1000 * S)));
	return 0;
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All alerts, a line each, sorted; the caller's. */
static char *sorted(struct alertbook *b)
{
	const struct alert_filter all = { .status = -1, .until_ns = UINT64_MAX, .limit = 1000 };
	char *text = calloc(1, 65536), *out = calloc(1, 65536), *lines[1000], *rest = NULL;
	size_t n = 0, at = 0;

	assert_non_null(text);
	assert_non_null(out);
	assert_int_equal(alertbook_list(b, &all, show_key, text), 0);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	if (n)
		qsort(lines, n, sizeof(lines[0]), by_line);
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, 65536 - at, "%s\n", lines[i]);
	free(text);
	return out;
}

/* What the rules in force would have found in all that is stored. */
static char *history(struct fix *f)
{
	struct store_scan_stats stats = { 0 };
	struct detect_history h = { .range = { .to_ns = UINT64_MAX, .ascending = true },
				    .stats = &stats };
	AUTO(store_reader) *reader = NULL;
	AUTO(alertbook) *alerts = NULL;
	AUTO(detect) *d = NULL;
	struct diag diag = { 0 };

	assert_int_equal(alertbook_open(&alerts, NULL, &diag), 0);
	assert_int_equal(detect_new(&d, f->rules, alerts, f->store), 0);
	assert_int_equal(store_reader_new(f->store, &reader), 0);
	h.reader = reader;
	assert_int_equal(detect_history(d, &h), 0);
	return sorted(alerts);
}

#define ALL_KINDS                                                                               \
	X_THEN_Y "---\n" THREE_X                                                                \
		 "---\nid: plain\nname: p\nquery: file where process.name in (\"y\", \"z\")\n"  \
		 "---\ntitle: kinds\nid: kinds\ncorrelation:\n  type: value_count\n"            \
		 "  rules: [plain]\n  group-by: [host.id]\n  timespan: 20s\n  generate: true\n" \
		 "  condition: { field: process.name, gte: 2 }\n"                               \
		 "---\nid: until\nname: u\nquery: |\n  sequence by host.id with maxspan=30s\n"  \
		 "    [ file where process.name == \"z\" ]\n"                                   \
		 "    [ file where process.name == \"x\" ]\n"                                   \
		 "  until [ file where process.name == \"y\" ]\n"

/* An hour of it: nodes whose batches come in the order of their making, but each node's as late as
 * it likes within some seconds, the rules asked after some of them, and the collector stopped now
 * and then. */
static void test_detect_given_recorded_hour_when_history_is_asked_then_as_live(void **state)
{
	static const char *const words[] = { "x", "y", "z", "other" }, *const nodes[] = { "n1",
											  "n2" };
	struct fix *f = *state;
	AUTO_MEM char *live = NULL, *then = NULL;

	apply_and_follow(f, ALL_KINDS);
	for (uint64_t at_s = 0; at_s < 3600; at_s += 1 + next_random(f, 30)) {
		put(f, nodes[next_random(f, 2)], at_s, 1 + (uint32_t)next_random(f, 3),
		    words[next_random(f, 4)]);
		if (next_random(f, 4) == 0)
			follow(f);
		if (next_random(f, 20) == 0)
			restart(f);
	}
	put(f, "n1", 4000, 1, "other");
	put(f, "n2", 4001, 1, "other");
	follow(f);
	live = sorted(f->alerts);
	then = history(f);
	assert_true(strlen(live) > 500);
	assert_string_equal(live, then);
}

/* Pairs of one event on each node, that come in any order whatever, however late. */
enum { PAIRS = 60 };
struct pair {
	char word[16];
	uint64_t at_s[2];
};

#define PAIR_RULES                                                                         \
	"id: order\nname: o\nquery: |\n  sequence by process.name with maxspan=1m\n"       \
	"    [ file where host.id == \"n1\" and process.name like \"w*\" ]\n"              \
	"    [ file where host.id == \"n2\" and process.name like \"w*\" ]\n"              \
	"---\nid: base\nname: b\nquery: file where process.name like \"w*\"\n"             \
	"---\ntitle: both\nid: both\ncorrelation:\n  type: event_count\n  rules: [base]\n" \
	"  group-by: [process.name]\n  timespan: 1m\n  condition: { gte: 2 }\n"

static size_t count_of(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void test_detect_given_pairs_in_any_order_when_asked_then_each_that_there_is_once(
	void **state)
{
	struct fix *f = *state;
	AUTO_MEM char *live = NULL, *then = NULL;
	struct pair pairs[PAIRS];
	size_t order[2 * PAIRS], in_order = 0, both = 0;

	apply_and_follow(f, PAIR_RULES);
	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t at_s = 100 + next_random(f, 3000), *at = pairs[i].at_s;

		snprintf(pairs[i].word, sizeof(pairs[i].word), "w%zu.", i);
		at[0] = at_s;
		at[1] = at_s - 80 + next_random(f, 160);
		in_order +=
			at[1] > at[0] && at[1] - at[0] <= 60; /* at the same time: n1 is first */
		in_order += at[1] == at[0];
		both += (at[1] > at[0] ? at[1] - at[0] : at[0] - at[1]) <= 60;
		order[2 * i] = 2 * i;
		order[2 * i + 1] = 2 * i + 1;
	}
	for (size_t i = 2 * PAIRS; i-- > 1;) {
		size_t k = next_random(f, i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
	for (size_t i = 0; i < 2 * PAIRS; i++) {
		const struct pair *p = &pairs[order[i] / 2];

		put(f, order[i] % 2 ? "n2" : "n1", p->at_s[order[i] % 2], 1, p->word);
		if (next_random(f, 3) == 0)
			follow(f);
		if (next_random(f, 20) == 0)
			restart(f);
	}
	put(f, "n1", 5000, 1, "end");
	put(f, "n2", 5000, 1, "end");
	follow(f);
	live = sorted(f->alerts);
	then = history(f);
	assert_int_equal(count_of(live, "order "), in_order);
	assert_int_equal(count_of(live, "both "), both);
	assert_string_equal(live, then);
}

#define AGAIN(test) cmocka_unit_test_setup_teardown(test, setup_ago, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGAIN(test_detect_given_recorded_hour_when_history_is_asked_then_as_live),
		AGAIN(test_detect_given_pairs_in_any_order_when_asked_then_each_that_there_is_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
