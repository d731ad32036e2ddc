/* SPDX-License-Identifier: Apache-2.0 */
/* rule_fixture - is an event, written as a map of fields (lib/sample.h), a hit of a condition? */
#pragma once
#include "lib/eql.h"
#include "lib/rule.h"
#include "lib/sample.h"
#include "tests/test.h"

static inline UNUSED bool is_hit_of(const struct expr *e, struct block *b)
{
	AUTO(expr_scratch) *scratch = NULL;
	const uint64_t *hits;

	assert_int_equal(expr_scratch_new(&scratch), 0);
	assert_int_equal(expr_begin(scratch, e, b), 0);
	assert_int_equal(expr_eval(scratch, 0, &hits), 0);
	return hits[0] & 1;
}

/* Asks the tree, and the search that it is printed as: what backtest asks. */
static inline UNUSED bool rule_hits(const struct expr *e, const char *event)
{
	AUTO_BUF struct buf query = { 0 };
	AUTO(sample) *sample = NULL;
	AUTO(expr) *again = NULL;
	AUTO(yaml) *y = NULL;
	struct diag d = { 0 };
	struct block *b = NULL;
	bool hit;

	assert_int_equal(sample_new(&sample), 0);
	if (yaml_parse(&y, event, strlen(event), &d) < 0 ||
	    sample_event(sample, yaml_first(y), 0, &b, &d) < 0)
		fail_msg("%s\n%u:%u: %s", event, d.line, d.column, d.text);
	hit = is_hit_of(e, b);
	expr_print(e, &query);
	if (eql_parse(&again, (char *)query.data, query.n, &d) < 0)
		fail_msg("%s: %.*s", d.text, (int)query.n, query.data);
	assert_int_equal(is_hit_of(again, b), hit);
	return hit;
}
