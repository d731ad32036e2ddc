/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sequence_fixture.h"

/* All events in one block. */
static const char *matches(struct seq_world *w, const char *query, const char *events)
{
	AUTO(eql_statement) *st = seq_parse(query);
	struct sequence *s = seq_begin(w, st);

	seq_read(w, events);
	seq_load(w, 0, w->n, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 1), 0);
	assert_int_equal(sequence_finish(s), 0);
	return seq_end(w);
}

static int setup(void **state)
{
	struct seq_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	seq_setup(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct seq_world *w = *state;

	seq_done(w);
	free(w);
	return 0;
}

#define A    "[file where stringContains(file.name, \"A\")]"
#define B    "[file where stringContains(file.name, \"B\")]"
#define C    "[file where stringContains(file.name, \"C\")]"
#define M    "![file where stringContains(file.name, \"M\")]"
#define U    " until [any where stringContains(file.name, \"U\")]"
#define BY   "sequence by process.pid "
#define SPAN "with maxspan=10s "

/* Events, and what comes of them. */
static const struct {
	const char *query, *events, *found;
} cases[] = {
	/* The example of Elastic's page "How sequence queries handle matches". */
	{ BY A B C, "A1@1 A1@2 B2@3 B1@4 B1@5 A2@6 A1@7 B2@8 C1@9 C2@10 C1@11",
	  "A1@2 B1@4 C1@9; A2@6 B2@8 C2@10" },
	/* order, keys */
	{ "sequence " A B, "A1@1 B2@2", "A1@1 B2@2" },
	{ BY A B, "A1@1 B2@2", "" },
	{ BY A B, "B1@1 A1@2", "" },
	{ BY A B, "A1@1 B1@2 B1@3", "A1@1 B1@2" },
	{ BY A B, "A1@1 B1@2 A1@3 B1@4", "A1@1 B1@2; A1@3 B1@4" },
	/* equal times: the order of their numbers */
	{ BY A B, "A1@1 B1@1", "A1@1 B1@1" },
	{ BY A B, "B1@1 A1@1", "" },
	/* an event does not follow itself, but may be two things */
	{ BY A B, "AB1@1", "" },
	{ BY A B, "AB1@1 AB1@2 AB1@3", "AB1@1 AB1@2; AB1@2 AB1@3" },
	{ BY A A, "A1@1 A1@2 A1@3", "A1@1 A1@2; A1@2 A1@3" },
	/* maxspan: its end is within */
	{ BY SPAN A B, "A1@1 B1@11", "A1@1 B1@11" },
	{ BY SPAN A B, "A1@1 B1@12", "" },
	{ BY SPAN A B C, "A1@1 B1@6 C1@12", "" },
	{ "sequence with maxspan=10s by process.pid " A B, "A1@1 B1@11", "A1@1 B1@11" },
	/* a partial match that is too old is used up all the same */
	{ BY SPAN A B, "A1@1 B1@12 A1@20 B1@21", "A1@20 B1@21" },
	/* until */
	{ BY A B U, "A1@1 U1@2 B1@3", "" },
	{ BY A B U, "A1@1 U2@2 B1@3", "A1@1 B1@3" },
	{ BY A B U, "A1@1 U1@2 A1@3 B1@4", "A1@3 B1@4" },
	{ BY A B U, "A1@1 BU1@2", "A1@1 BU1@2" },
	{ BY A B U, "AU1@1 B1@2", "" },
	{ BY A B U, "U1@1 A1@2 B1@3", "A1@2 B1@3" },
	/* missing in the middle */
	{ BY SPAN A M B, "A1@1 B1@3", "A1@1 - B1@3" },
	{ BY SPAN A M B, "A1@1 M1@2 B1@3", "" },
	{ BY SPAN A M B, "A1@1 M2@2 B1@3", "A1@1 - B1@3" },
	{ BY SPAN A M B, "M1@0 A1@1 B1@3 M1@4", "A1@1 - B1@3" },
	{ BY SPAN A M B, "AM1@1 BM1@2", "AM1@1 - BM1@2" },
	{ BY SPAN A M B, "A1@1 M1@2 A1@3 B1@4", "A1@3 - B1@4" },
	/* at the beginning: within maxspan before the last event */
	{ BY SPAN M A B, "A1@20 B1@21", "- A1@20 B1@21" },
	{ BY SPAN M A B, "M1@11 A1@20 B1@21", "" },
	{ BY SPAN M A B, "M1@10 A1@20 B1@21", "- A1@20 B1@21" },
	{ BY SPAN M A B, "M2@15 A1@20 B1@21", "- A1@20 B1@21" },
	{ BY SPAN M A, "M1@15 A1@20", "" },
	{ BY SPAN M A, "MA1@20", "- MA1@20" },
	/* at the end: within maxspan after the first event */
	{ BY SPAN A M, "A1@1", "A1@1 -" },
	{ BY SPAN A M, "A1@1 M1@11", "" },
	{ BY SPAN A M, "A1@1 M1@12", "A1@1 -" },
	{ BY SPAN A M, "AM1@1", "AM1@1 -" },
	{ BY SPAN A M, "A1@1 A1@5 M1@12", "A1@1 -" },
	{ BY SPAN A M, "A1@1 A2@2 M1@3", "A2@2 -" },
	{ BY SPAN A B M, "A1@1 B1@5 M1@11", "" },
	{ BY SPAN A B M, "A1@1 B1@5 M1@12", "A1@1 B1@5 -" },
	{ BY SPAN M A M B M, "A1@1 B1@2", "- A1@1 - B1@2 -" },
	/* runs */
	{ BY A " with runs=3 ", "A1@1 A2@2 A1@3 A1@4 A1@5", "A1@1 A1@3 A1@4; A1@3 A1@4 A1@5" },
	{ BY A " with runs=2 " B, "A1@1 B1@2 A1@3 B1@4", "A1@1 A1@3 B1@4" },
	{ "sequence " A " by process.pid with runs=2 " B " by process.pid", "A1@1 A1@2 B1@3",
	  "A1@1 A1@2 B1@3" },
	/* a key that is null joins nothing, unless it is optional */
	{ BY A B, "A0@1 B0@2", "" },
	{ "sequence by ?process.pid " A B, "A0@1 B0@2 A1@3", "A0@1 B0@2" },
	{ "sequence by ?no.such.field " A B, "A1@1 B2@2", "A1@1 B2@2" },
	/* keys of each step */
	{ "sequence " A " by process.pid " B " by event.sequence", "A2@1 B9@2 B9@3", "A2@1 B9@2" },
	{ "sequence by file.extension " A " by process.pid " B " by process.pid", "A1@1 B1@2", "" },
	/* samples: any order, each event once, one for a key */
	{ "sample by process.pid " A B, "B1@1 A2@2 A1@3 B2@4", "A1@3 B1@1; A2@2 B2@4" },
	{ "sample by process.pid " A B, "AB1@1", "" },
	{ "sample by process.pid " A B, "AB1@1 B1@2", "AB1@1 B1@2" },
	{ "sample by process.pid " A B, "AB1@1 A1@2", "A1@2 AB1@1" },
	{ "sample by process.pid " A B, "A1@1 B1@2 A1@3 B1@4", "A1@1 B1@2" },
	{ "sample by process.pid " A A A, "A1@1 A1@2", "" },
	{ "sample by process.pid " A A B, "AB1@1 A1@2 A1@3", "A1@3 A1@2 AB1@1" },
};

static void test_sequence_given_events_when_all_are_taken_then_matches_as_elastic_tells(
	void **state)
{
	struct seq_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *found = matches(w, cases[i].query, cases[i].events);

		if (strcmp(found, cases[i].found) != 0)
			fail_msg("%s\n  of %s\n  is '%s', not '%s'", cases[i].query,
				 cases[i].events, found, cases[i].found);
		assert_int_equal(w->info.n_evicted + w->info.n_late, 0);
	}
}

static const struct {
	const char *query, *message;
} errors[] = {
	{ "sequence", NULL }, /* a bare word */
	{ "sequence by", "1:12: expected a field after 'by' instead of the end of the query" },
	{ "sequence by process.pid",
	  "1:24: expected '[' and a condition instead of the end of the query" },
	{ "sequence [any where true]", "1:1: a sequence needs two events or more" },
	{ "sequence [any where true] ![any where true]",
	  "1:1: a sequence with ![..] needs 'with maxspan=': within which time?" },
	{ "sequence with maxspan=1m ![any where true]",
	  "1:1: a sequence needs an event that is not missing" },
	{ "sequence with maxspan=5 [true] [true]",
	  "1:23: expected a length of time such as 30s or 5m instead of '5'" },
	{ "sequence with maxspn=5s [true] [true]",
	  "1:15: expected 'maxspan=' after 'with' instead of 'maxspn'" },
	{ "sequence [true] by process.pid [true]",
	  "1:32: each [..] needs as many keys as the first: expected 1, not 0" },
	{ "sequence [true] by process.pid [true] by process.name",
	  "1:32: process.pid is a long and process.name a keyword: they are never equal" },
	{ "sequence by process.args [true] [true]",
	  "1:13: a key is a field of one value, expected another than 'process.args'" },
	{ "sequence [process where process.nme == \"a\"] [true]",
	  "1:25: unknown field 'process.nme'; did you mean process.name?" },
	{ "sequence [] [true]", "1:11: expected a condition after '[' instead of ']'" },
	{ "sequence [true [true]", "1:16: expected 'and', 'or' or ']' instead of '['" },
	{ "sequence [true] with runs=0 [true]",
	  "1:27: expected a number of 1 to 128 after 'runs=' instead of '0'" },
	{ "sequence [true] with runs=100 [true] with runs=100",
	  "1:31: too many events in the sequence: at most 128, runs counted" },
	{ "sequence [true] [true] | stats count",
	  "1:24: no pipes are taken here: expected the end" },
	{ "sample [true] [true]", "1:1: a sample needs keys: expected 'by' and a field" },
	{ "sample by process.pid [true] ![true]",
	  "1:30: expected '[': a sample has no missing events instead of '!'" },
	{ "sequence [true] [true] bla", "1:24: expected 'and', 'or' or the end instead of 'bla'" },
};

static void test_sequence_given_mistakes_when_parsed_then_place_and_expectation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		AUTO(eql_statement) *st = NULL;
		struct diag d = { 0 };
		char text[600];
		int r = eql_statement_parse(&st, errors[i].query, strlen(errors[i].query), &d);

		if (!errors[i].message) {
			assert_int_equal(r, 0);
			assert_int_equal(st->type, EQL_EVENTS);
			continue;
		}
		assert_int_equal(r, -EINVAL);
		diag_format(&d, text, sizeof(text));
		if (strcmp(text, errors[i].message) != 0)
			fail_msg("%s\n  is '%s', not '%s'", errors[i].query, text,
				 errors[i].message);
	}
}

/* ---- blocks, bounds, stopping ---- */

static bool take_even(uint32_t i)
{
	return i % 2 == 0;
}

static bool take_odd(uint32_t i)
{
	return i % 2 == 1;
}

static void test_sequence_given_blocks_that_overlap_when_advanced_then_one_order(void **state)
{
	struct seq_world *w = *state;
	AUTO(eql_statement) *st = seq_parse(BY A B);
	struct sequence *s = seq_begin(w, st);

	seq_read(w, "A1@1 B1@2 A1@3 B1@4 A1@5 B1@6");
	seq_load(w, 0, w->n, take_odd);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 1), 0);
	assert_int_equal(sequence_advance(s, (SEQ_BASE_S + 1) * SEQ_NS), 0);
	seq_load(w, 0, w->n, take_even);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 2), 0);
	assert_int_equal(sequence_advance(s, (SEQ_BASE_S + 4) * SEQ_NS), 0);
	assert_int_equal(w->told.n, strlen("A1@1 B1@2")); /* the event at 4 is not taken yet */
	assert_int_equal(sequence_finish(s), 0);
	assert_string_equal(seq_end(w), "A1@1 B1@2; A1@3 B1@4; A1@5 B1@6");
	assert_int_equal(w->info.n_matches, 3);
	assert_int_equal(w->info.n_late, 0);
}

static void test_sequence_given_late_block_when_taken_then_it_is_counted(void **state)
{
	struct seq_world *w = *state;
	AUTO(eql_statement) *st = seq_parse(BY A B);
	struct sequence *s = seq_begin(w, st);

	seq_read(w, "A1@1 B1@2 A1@3 B1@4");
	seq_load(w, 2, 4, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 1), 0);
	assert_int_equal(sequence_advance(s, UINT64_MAX), 0);
	seq_load(w, 0, 2, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 2), 0);
	assert_int_equal(sequence_finish(s), 0);
	assert_string_equal(seq_end(w), "A1@3 B1@4; A1@1 B1@2");
	assert_int_equal(w->info.n_late, 2);
}

static void test_sequence_given_little_memory_when_keys_are_many_then_bounded_and_told(void **state)
{
	struct seq_world *w = *state;
	AUTO(eql_statement) *st =
		seq_parse("sequence by event.sequence with maxspan=1d [any where true] "
			  "[any where true] ![any where false]");
	struct sequence *s;

	w->memory_bytes = 40000;
	s = seq_begin(w, st);
	w->n = 0;
	for (unsigned i = 0; i < SEQ_MAX_EVENTS; i++)
		seq_add(w, "A", 1, i);
	for (uint64_t i = 0; i < 20; i++) {
		struct sequence_info info;

		seq_load(w, 0, w->n, NULL);
		assert_int_equal(sequence_block(s, w->scratch, w->block, i), 0);
		sequence_info(s, &info);
		assert_true(info.bytes <= 40000);
	}
	assert_int_equal(sequence_finish(s), 0);
	seq_end(w);
	assert_true(w->info.n_evicted > 0);
	w->memory_bytes = 0;
}

static void test_sequence_given_little_memory_when_all_wait_for_nothing_then_bounded(void **state)
{
	struct seq_world *w = *state;
	AUTO(eql_statement) *st = seq_parse("sequence by event.sequence with maxspan=1d "
					    "[any where true] ![any where false]");
	struct sequence *s;

	w->memory_bytes = 60000;
	s = seq_begin(w, st);
	w->n = 0;
	for (unsigned i = 0; i < SEQ_MAX_EVENTS; i++)
		seq_add(w, "A", 1, i);
	seq_load(w, 0, w->n, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 1), 0);
	assert_int_equal(sequence_advance(s, UINT64_MAX), 0);
	seq_end(w);
	assert_true(w->info.n_evicted > 0);
	assert_int_equal(w->info.n_matches + w->info.n_evicted, SEQ_MAX_EVENTS);
	w->memory_bytes = 0;
}

static void test_sequence_given_callback_that_stops_when_matched_then_its_value(void **state)
{
	struct seq_world *w = *state;
	AUTO(eql_statement) *st = seq_parse(BY A B);
	struct sequence *s = seq_begin(w, st);

	w->stop_after = 2;
	seq_read(w, "A1@1 B1@2 A1@3 B1@4 A1@5 B1@6");
	seq_load(w, 0, w->n, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 1), 0);
	assert_int_equal(sequence_finish(s), 7);
	assert_string_equal(seq_end(w), "A1@1 B1@2; A1@3 B1@4");
	w->stop_after = 0;
}

static void test_sequence_given_same_statement_when_read_again_then_what_waits_is_kept(void **state)
{
	struct seq_world *w = *state;
	AUTO(eql_statement) *first = seq_parse(BY A B);
	AUTO(eql_statement) *again = seq_parse(BY A B);
	struct sequence *s = seq_begin(w, first);

	seq_read(w, "A1@1 B1@2");
	seq_load(w, 0, 1, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 1), 0);
	assert_int_equal(sequence_advance(s, UINT64_MAX), 0);
	sequence_keep(s, again);
	first = eql_statement_free(first);
	seq_load(w, 1, 2, NULL);
	assert_int_equal(sequence_block(s, w->scratch, w->block, 2), 0);
	assert_int_equal(sequence_finish(s), 0);
	assert_string_equal(seq_end(w), "A1@1 B1@2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_sequence_given_events_when_all_are_taken_then_matches_as_elastic_tells),
		cmocka_unit_test(
			test_sequence_given_mistakes_when_parsed_then_place_and_expectation),
		cmocka_unit_test(
			test_sequence_given_blocks_that_overlap_when_advanced_then_one_order),
		cmocka_unit_test(test_sequence_given_late_block_when_taken_then_it_is_counted),
		cmocka_unit_test(
			test_sequence_given_little_memory_when_keys_are_many_then_bounded_and_told),
		cmocka_unit_test(
			test_sequence_given_little_memory_when_all_wait_for_nothing_then_bounded),
		cmocka_unit_test(
			test_sequence_given_callback_that_stops_when_matched_then_its_value),
		cmocka_unit_test(
			test_sequence_given_same_statement_when_read_again_then_what_waits_is_kept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
