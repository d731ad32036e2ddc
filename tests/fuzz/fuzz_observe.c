/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch that is accepted, of a node that was taken over, does in the collector: it is shown
 * as documents, merged, watched, joined to flows, kept as facts and asked by rules.  None of that
 * may fail for what it holds; what is merged loads again.  Input as in fuzz_batch. */
#include <assert.h>

#include "tests/collector/detect_fixture.h"

#include "collector/document.h"
#include "collector/facts.h"
#include "collector/flows.h"
#include "collector/watch.h"
#include "lib/log.h"
#include "lib/rebatch.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_batch)

enum { MOST_EVENTS = 500, COMMIT_EVERY = 16, BEGIN_EVERY = 4000 };

/* They hold of much: what comes after a match is to be reached. */
static const char rules[] =
	"id: two\nname: t\nquery: |\n  sequence by host.id with maxspan=1m\n"
	"    [ any where process.pid != null ]\n    [ any where process.name != null ]\n---\n"
	"id: base\nname: b\nquery: any where process.pid > 1\n---\n"
	"id: other\nname: o\nquery: any where process.name != null\n---\n"
	"title: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [base]\n"
	"  group-by: [process.name]\n  timespan: 1m\n  condition: { gte: 3 }\n---\n"
	"title: sorts\nid: sorts\ncorrelation:\n  type: value_count\n  rules: [base]\n"
	"  group-by: [host.id]\n  timespan: 1m\n  condition: { gte: 2, field: process.pid }\n---\n"
	"title: both\nid: both\ncorrelation:\n  type: temporal\n  rules: [base, other]\n"
	"  group-by: [host.id]\n  timespan: 1m\n";

static struct observers {
	struct fix fix;
	struct document *document;
	struct rebatch *rebatch;
	struct block *merged;
	struct watch *watch;
	struct flows *flows;
	struct facts *facts;
	struct follow_observer list[3];
	uint64_t n, now_ms;
} all;

static void end(void)
{
	watch_free(all.watch);
	flows_free(all.flows);
	facts_free(all.facts);
	document_free(all.document);
	rebatch_free(all.rebatch);
	block_free(all.merged);
	stop(&all.fix);
	block_free(all.fix.block);
	fixture_remove(all.fix.dir);
}

static void begin(void)
{
	static bool began;
	struct diag d = { 0 };

	log_set_level(LOG_ERROR + 1);
	if (!began)
		atexit(end);
	began = true;
	fixture_folder(all.fix.dir);
	assert(block_new(&all.fix.block) == 0 && block_new(&all.merged) == 0);
	start(&all.fix);
	apply(&all.fix, rules);
	assert(watch_new(&all.watch, all.fix.maindb, 1) == 0);
	assert(document_new(&all.document, "", 0, &d) == 0);
	assert(rebatch_new(&all.rebatch) == 0);
	assert(flows_new(&all.flows, all.fix.dir, NULL, 1000, &d) == 0);
	assert(facts_new(&all.facts, all.fix.dir, 100, &d) == 0);
	all.list[0] = flows_observer(all.flows);
	all.list[1] = facts_observer(all.facts);
	all.list[2] = detect_observer(all.fix.detect);
}

/* Appends all events of @b as documents. */
static void show(struct block *b, struct buf *out)
{
	struct json j = json_to(out);

	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		document_begin(all.document, b, t);
		for (uint32_t row = 0; row < block_rows(b, t); row++)
			document_write(all.document, row, &j);
	}
}

static void show_same(struct block *a, struct block *b)
{
	AUTO_BUF struct buf x = { 0 }, y = { 0 };

	show(a, &x);
	show(b, &y);
	assert(x.n == y.n && (x.n == 0 || memcmp(x.data, y.data, x.n) == 0));
}

static void merge(struct block *b)
{
	AUTO_BUF struct buf out = { 0 };
	struct diag d = { 0 };
	int r = rebatch_begin(all.rebatch, b);

	if (r == 0)
		r = rebatch_add(all.rebatch, b, 0, UINT64_MAX);
	assert(r == 0 || r == REBATCH_E_ODD);
	if (r)
		return;
	r = rebatch_seal(all.rebatch, 1, &out);
	assert(r == 0);
	r = block_load(all.merged, out.data, out.n, &d);
	assert(r == 0);
	assert(block_info(all.merged)->n_events == block_info(b)->n_events);
	show_same(b, all.merged);
}

static void watch_it(struct block *b)
{
	struct watch_arrival a = { .pipe = (uint32_t)(all.n % 3),
				   .address = "192.0.2.1:1",
				   .received_ns = all.fix.base_ns,
				   .now_ms = all.now_ms };
	struct watch_alarm alarm;
	int r;

	all.now_ms += 1000;
	r = maindb_node_seen(all.fix.maindb, b, all.fix.base_ns, &a.number);
	assert(r == 0 || r == -ENOSPC); /* too many nodes */
	if (r)
		return;
	watch_batch(all.watch, b, &a);
	watch_tick(all.watch, all.now_ms);
	while (watch_take(all.watch, &alarm))
		assert(alarm.text[0]);
}

static void observe(struct block *b)
{
	const struct block_info *i = block_info(b);
	const struct store_block meta = { .id = ++all.n,
					  .min_time_ns = i->min_time_ns,
					  .max_time_ns = i->max_time_ns,
					  .ingested_ns = all.fix.base_ns + all.n,
					  .n_events = i->n_events };

	for (size_t k = 0; k < ARRAY_SIZE(all.list); k++) {
		int r = all.list[k].batch(&meta, b, all.list[k].arg);

		assert(r == 0);
		if (all.n % COMMIT_EVERY == 0)
			r = all.list[k].commit(meta.ingested_ns, all.list[k].arg);
		assert(r == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint32_t size = (uint32_t)n;
	uint8_t head[FRAME_HEADER_BYTES] = { 'R', 'T', 'S', '1', FRAME_BATCH };
	AUTO_BUF struct buf frame = { 0 };
	struct block *b;

	if (all.n >= BEGIN_EVERY) {
		end();
		all = (struct observers){ 0 };
	}
	if (!all.document)
		begin();
	memcpy(head + 8, &size, sizeof(size));
	buf_add(&frame, head, sizeof(head));
	buf_add(&frame, data, n);
	b = all.fix.block;
	if (block_load(b, frame.data, frame.n, NULL) != 0)
		return 0;
	watch_it(b);
	if (block_info(b)->n_events == 0 || block_info(b)->n_events > MOST_EVENTS)
		return 0;
	merge(b);
	observe(b);
	return 0;
}
