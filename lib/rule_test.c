/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rule_test.h"

#include "lib/sample.h"
#include "lib/sequence.h"

/* Is the one event of @b, which has one table of one row, a hit? */
static int is_hit(struct expr_scratch *s, const struct expr *e, struct block *b, bool *ret)
{
	const uint64_t *hits;
	int r = expr_begin(s, e, b);

	if (r == 0)
		r = expr_eval(s, 0, &hits);
	if (r == 0)
		*ret = hits[0] & 1;
	return r;
}

static int is_excepted(struct expr_scratch *s, const struct rule *rule, struct block *b, bool *ret)
{
	int r = 0;

	*ret = false;
	for (size_t i = 0; r == 0 && !*ret && i < rule->n_exceptions; i++)
		r = is_hit(s, rule->exceptions[i].expr, b, ret);
	return r;
}

static int count_hits(const struct rule *rule, const struct rule_test *t, uint32_t *ret,
		      struct diag *d)
{
	AUTO(expr_scratch) *scratch = NULL;
	AUTO(sample) *sample = NULL;
	uint32_t number = 0;
	int r = expr_scratch_new(&scratch);

	if (r == 0)
		r = sample_new(&sample);
	*ret = 0;
	for (const struct yaml_node *i = t->events->first; r == 0 && i; i = i->next) {
		struct block *b;
		bool hit = false, excepted = false;

		r = sample_event(sample, i, number++, &b, d);
		if (r == 0)
			r = is_hit(scratch, rule->expr, b, &hit);
		if (r == 0 && hit)
			r = is_excepted(scratch, rule, b, &excepted);
		*ret += hit && !excepted;
	}
	return r;
}

static int count_match(const struct sequence_match *m, void *arg)
{
	(void)m;
	++*(uint32_t *)arg;
	return 0;
}

/* Matches of a sequence or sample. */
static int count_matches(const struct rule *rule, const struct rule_test *t, uint32_t *ret,
			 struct diag *d)
{
	const struct sequence_config config = {
		.statement = rule->statement, .to_ns = UINT64_MAX, .match = count_match, .arg = ret
	};
	AUTO(expr_scratch) *scratch = NULL;
	AUTO(sample) *sample = NULL;
	AUTO(sequence) *sequence = NULL;
	uint32_t number = 0;
	int r = expr_scratch_new(&scratch);

	*ret = 0;
	if (r == 0)
		r = sample_new(&sample);
	if (r == 0)
		r = sequence_new(&sequence, &config);
	for (const struct yaml_node *i = t->events->first; r == 0 && i; i = i->next) {
		struct block *b;

		r = sample_event(sample, i, number, &b, d);
		if (r == 0)
			r = sequence_block(sequence, scratch, b, ++number);
	}
	return r == 0 ? sequence_finish(sequence) : r;
}

int rule_test_run(const struct rule *rule, size_t i, bool *ret_passed, struct diag *d)
{
	const struct rule_test *t = &rule->tests[i];
	uint32_t hits;
	int r;

	*ret_passed = false;
	if (!rule->expr)
		return diag_set(d, 0, t->events->line, t->events->column,
				"the rule cannot be asked of events");
	r = rule->statement ? count_matches(rule, t, &hits, d) : count_hits(rule, t, &hits, d);
	if (r < 0)
		return r;
	*ret_passed = (hits > 0) == t->fires;
	if (!*ret_passed)
		diag_set(d, 0, t->events->line, t->events->column, "%s",
			 t->fires ? "it did not fire" : "it fired");
	return 0;
}
