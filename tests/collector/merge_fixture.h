/* SPDX-License-Identifier: Apache-2.0 */
/* merge_fixture - a store of small blocks, a merger, and all events that a scan gives.
 * Thread: the test's own.  Memory: freed with the fixture. */
#pragma once
#include "tests/collector/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/day.h"
#include "collector/merge.h"

enum { NODES = 3, BATCHES = 120, EVENTS = 3, STEP_NS = 1000 };

static UNUSED const struct merge_limits at_once = {
	.small_events = 100, .target_events = 60, .least_blocks = 2, .sweep_ns = 1
};

/* Batch @i: of node i % NODES, its numbers and times rising; every 40th is large. */
static inline UNUSED struct fixture_batch batch_of(const struct fix *f, uint32_t i)
{
	static const char *const nodes[NODES] = { "n0", "n1", "n2" };
	static const char *const words[] = { "alpha", "beta", "gamma", "delta" };

	return (struct fixture_batch){ .node = nodes[i % NODES],
				       .boot = 1,
				       .first_seq = 1 + (uint64_t)i * 1000,
				       .time_ns = f->now + i * 1000000,
				       .step_ns = STEP_NS,
				       .n = i % 40 == 39 ? 150 : EVENTS,
				       .word = words[i % ARRAY_SIZE(words)],
				       .kind = i % 7 ? KIND_OPEN : KIND_CREATION };
}

static inline UNUSED void put_all(struct fix *f)
{
	for (uint32_t i = 0; i < BATCHES; i++) {
		struct fixture_batch b = batch_of(f, i);

		assert_int_equal(put(f, b), 0);
	}
}

/* Until there is nothing left to do. */
static inline UNUSED void merge(struct fix *f, const struct merge_limits *limits, uint64_t low_ns,
				struct merge_counters *ret)
{
	AUTO(merger) *m = NULL;
	uint64_t now_ns = timestamp_now() + fixture_day_ns;
	int r;

	assert_int_equal(merger_new(&m, f->store, limits), 0);
	while ((r = merger_step(m, now_ns, low_ns)) == MERGE_E_MORE)
		;
	assert_int_equal(r, 0);
	merger_counters(m, ret);
}

static inline UNUSED int tell_event(struct field_ref ref, void *arg)
{
	void **a = arg;
	struct block_value v = block_value(a[0], *(uint32_t *)a[1], *(uint32_t *)a[2], ref);

	if (ref.info->field == FIELD_INGESTED)
		return 0; /* of merged ones that of the last: test_merge_given_merged_when_.. */
	if (v.type == VALUE_STRING)
		buf_printf(a[3], " %.*s", (int)v.string.n, v.string.s);
	else if (v.type != VALUE_NULL)
		buf_printf(a[3], " %llu", (unsigned long long)v.number);
	return 0;
}

/* Events that the block holds, one line each, with all they say. */
static inline UNUSED int tell_block(const struct store_block *meta, struct block *b, void *arg)
{
	assert_int_equal(meta->n_events, block_info(b)->n_events);
	assert_int_equal(meta->min_time_ns, block_info(b)->min_time_ns);
	assert_int_equal(meta->max_time_ns, block_info(b)->max_time_ns);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			void *one[] = { b, &t, &row, arg };

			field_each(tell_event, one);
			buf_byte(arg, '\n');
		}
	return 0;
}

static inline UNUSED int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines of @text. */
static inline UNUSED void sort_lines(struct buf *text)
{
	AUTO_BUF struct buf sorted = { 0 };
	static char *lines[65536];
	char *at, *rest;
	size_t n = 0;

	buf_byte(text, 0);
	rest = (char *)text->data;
	while ((at = strsep(&rest, "\n")) && *at) {
		assert_true(n < ARRAY_SIZE(lines));
		lines[n++] = at;
	}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++) {
		buf_str(&sorted, lines[i]);
		buf_byte(&sorted, '\n');
	}
	buf_clear(text);
	buf_add(text, sorted.data, sorted.n);
}

/* All events that @range wants, in no order but that of arrival. */
static inline UNUSED void tell(struct fix *f, const struct store_range *range, struct buf *out,
			       struct store_scan_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	assert_int_equal(store_scan(f->reader, range, NULL, tell_block, out, stats), 0);
	if (!range->arrived_after_ns)
		sort_lines(out);
}

static UNUSED const struct store_range all = { .to_ns = UINT64_MAX };

static UNUSED const struct store_range as_arrived = { .to_ns = UINT64_MAX, .arrived_after_ns = 1 };

static inline UNUSED void same(const struct buf *a, const struct buf *b)
{
	assert_true(a->n > 0);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->data, b->data, a->n);
}
