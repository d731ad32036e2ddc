/* SPDX-License-Identifier: Apache-2.0 */
/* store_seen - what a scan of a store finds: the first number of each block, in order. */
#pragma once
#include "tests/collector/store_fixture.h"

struct seen {
	uint64_t seqs[4096];
	size_t n, stop_after;
	struct store_scan_stats stats;
};

static inline int see(const struct store_block *meta, struct block *b, void *arg)
{
	struct seen *s = arg;
	const struct block_info *i = block_info(b);

	assert_true(s->n < ARRAY_SIZE(s->seqs));
	assert_int_equal(meta->n_events, i->n_events);
	assert_int_equal(meta->min_time_ns, i->min_time_ns);
	assert_int_equal(meta->max_time_ns, i->max_time_ns);
	assert_int_equal(meta->ingested_ns, i->ingested_ns);
	s->seqs[s->n++] = i->first_seq;
	return s->stop_after && s->n == s->stop_after ? 77 : 0;
}

static inline int scan_into(struct fix *f, const struct store_range *range, struct seen *ret)
{
	memset(ret, 0, sizeof(*ret));
	return store_scan(f->reader, range, NULL, see, ret, &ret->stats);
}

static inline UNUSED void expect(struct fix *f, struct store_range range, const uint64_t *seqs,
				 size_t n)
{
	static struct seen s;

	if (range.to_ns == 0)
		range.to_ns = UINT64_MAX;
	assert_int_equal(scan_into(f, &range, &s), 0);
	assert_int_equal(s.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s.seqs[i], seqs[i]);
}
#define EXPECT(f, range, ...)                                                   \
	expect(f, (struct store_range)range, (const uint64_t[]){ __VA_ARGS__ }, \
	       sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))
#define RANGE(...)          \
	{                   \
		__VA_ARGS__ \
	}
