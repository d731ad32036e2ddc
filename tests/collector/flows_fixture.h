/* SPDX-License-Identifier: Apache-2.0 */
/* flows_fixture - connections joined in a folder of their own, by batches of nodes that connect to
 * each other. */
#pragma once
#include "tests/collector/fixture.h"

#include "tests/collector/fleet.h"

#include "collector/flows.h"

static UNUSED const uint64_t ms = 1000000, second = 1000000000;

struct fix {
	char dir[128];
	struct flows *flows;
	struct follow_observer o;
	struct flowdb *reader;
	struct block *block;
	uint64_t base, arrived;
	struct fleet_node a, b;
	struct flow got[4096];
	size_t n;
};

static inline UNUSED void open_flows(struct fix *f)
{
	struct diag d = { 0 };

	if (flows_new(&f->flows, f->dir, NULL, 0, &d) < 0)
		fail_msg("%s", d.text);
	f->o = flows_observer(f->flows);
}

static inline UNUSED int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->base = (timestamp_now() / fixture_day_ns) * fixture_day_ns - fixture_day_ns / 2;
	f->a = (struct fleet_node){ .id = "a", .boot = 1, .clock_error_ns = 1 };
	f->b = (struct fleet_node){ .id = "b", .boot = 2, .clock_error_ns = 1 };
	assert_int_equal(block_new(&f->block), 0);
	open_flows(f);
	*state = f;
	return 0;
}

static inline UNUSED int teardown(void **state)
{
	struct fix *f = *state;

	flowdb_free(f->reader);
	flows_free(f->flows);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static inline UNUSED void take(struct fix *f, const struct buf *frame)
{
	struct store_block meta = { .ingested_ns = ++f->arrived };
	struct diag d = { 0 };

	if (block_load(f->block, frame->data, frame->n, &d) < 0)
		fail_msg("%s", d.text);
	assert_int_equal(f->o.batch(&meta, f->block, f->o.arg), 0);
}

static inline UNUSED void commit(struct fix *f)
{
	assert_int_equal(f->o.commit(f->arrived, f->o.arg), 0);
}

/* A batch of its own for one event. */
static inline UNUSED void tell(struct fix *f, struct fleet_node *n, struct fleet_event e)
{
	AUTO_BUF struct buf frame = { 0 };

	fleet_frame(n, &e, 1, &frame);
	take(f, &frame);
	commit(f);
}

static inline UNUSED int keep(const struct flow *flow, void *arg)
{
	struct fix *f = arg;

	assert_true(f->n < ARRAY_SIZE(f->got));
	f->got[f->n++] = *flow;
	return 0;
}

static inline UNUSED void ask(struct fix *f, const struct flow_question *q)
{
	flowdb_free(f->reader);
	f->reader = NULL;
	assert_int_equal(flowdb_open_reader(&f->reader, f->dir, NULL), 0);
	f->n = 0;
	assert_int_equal(flowdb_ask(f->reader, q, keep, f), 0);
}

static inline UNUSED void ask_all(struct fix *f)
{
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX });
}
