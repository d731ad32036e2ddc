/* SPDX-License-Identifier: Apache-2.0 */
/* detect_fixture - rules, alerts and a store in a folder of their own, for the tests of
 * collector/detect.h. */
#pragma once
#include "tests/collector/fixture.h"

#include "collector/detect.h"
#include "collector/maindb.h"

#define S UINT64_C(1000000000)

/* A sequence, and a count of three by name. */
#define X_THEN_Y                                                            \
	"id: q\nname: q\nquery: |\n  sequence by host.id with maxspan=1m\n" \
	"    [ file where process.name == \"x\" ]\n"                        \
	"    [ file where process.name == \"y\" ]\n"
#define THREE_X                                                                       \
	"id: base\nname: b\nquery: file where process.name == \"x\"\n---\n"           \
	"title: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [base]\n" \
	"  group-by: [process.name]\n  timespan: 1m\n  condition: { gte: 3 }\n"

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct rulebook *rules;
	struct alertbook *alerts;
	struct store *store;
	struct detect *detect;
	struct block *block;
	uint64_t base_ns; /* when the first event happens; a setup may change it */
	uint64_t seq;	  /* of the batch that was put last */
	uint64_t random;
};

static inline void start(struct fix *f)
{
	struct diag d = { 0 };

	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	assert_int_equal(rulebook_open(&f->rules, f->dir, &d), 0);
	assert_int_equal(alertbook_open(&f->alerts, f->dir, &d), 0);
	assert_int_equal(store_open(&f->store, f->dir, &d), 0);
	assert_int_equal(detect_new(&f->detect, f->rules, f->alerts, f->store), 0);
	detect_set_patience(f->detect, UINT64_MAX); /* however long the test takes */
}

static inline void stop(struct fix *f)
{
	f->detect = detect_free(f->detect);
	f->store = store_free(f->store);
	f->alerts = alertbook_free(f->alerts);
	f->rules = rulebook_free(f->rules);
	f->maindb = maindb_free(f->maindb);
}

static inline UNUSED void restart(struct fix *f)
{
	stop(f);
	start(f);
}

static inline UNUSED int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->base_ns = UINT64_C(1790000000000000000);
	f->random = 88172645463325252u;
	assert_int_equal(block_new(&f->block), 0);
	start(f);
	*state = f;
	return 0;
}

/* Two to three hours ago, so that all that follows is settled at once; half past, so that no clock
 * hour has more alerts of a rule than are made each. */
static inline UNUSED int setup_ago(void **state)
{
	int r = setup(state);
	struct fix *f = *state;

	f->base_ns = timestamp_now() / (3600 * S) * 3600 * S - 9000 * S;
	return r;
}

static inline UNUSED int teardown(void **state)
{
	struct fix *f = *state;

	stop(f);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* Puts rules in force. */
static inline void apply(struct fix *f, const char *text)
{
	const struct rulebook_change c = { .text = text, .n = strlen(text) };

	assert_int_equal(rulebook_apply(f->rules, &c, NULL, NULL), 0);
}

/* Asks the rules of all that was stored since; the first time it only takes its place. */
static inline UNUSED void follow(struct fix *f)
{
	const struct follow_observer o = detect_observer(f->detect);

	assert_int_equal(follow_catch_up(f->store, &o), 0);
}

static inline UNUSED void apply_and_follow(struct fix *f, const char *text)
{
	apply(f, text);
	follow(f);
}

/* Makes @what into the frame @ret_frame and loads it into the fixture's block. */
static inline void load(struct fix *f, const struct fixture_batch *what, struct buf *ret_frame)
{
	struct diag d = { 0 };

	fixture_frame(what, ret_frame);
	assert_int_equal(block_load(f->block, ret_frame->data, ret_frame->n, &d), 0);
}

/* Stores @what, as ingest does. */
static inline UNUSED void store(struct fix *f, const struct fixture_batch *what)
{
	AUTO_BUF struct buf frame = { 0 };

	load(f, what, &frame);
	assert_int_equal(store_append(f->store, f->block, frame.data, frame.n,
				      store_arrival(f->store, timestamp_now())),
			 0);
	assert_int_equal(store_commit(f->store), 0);
}

/* Stores @n opens of @word by node @node, a second apart, from @at_s seconds after the begin on. */
static inline UNUSED void put(struct fix *f, const char *node, uint64_t at_s, uint32_t n,
			      const char *word)
{
	const struct fixture_batch what = { .node = node,
					    .first_seq = f->seq += 1000,
					    .n = n,
					    .time_ns = f->base_ns + at_s * S,
					    .step_ns = S,
					    .word = word };

	store(f, &what);
}

/* Stores it and asks the rules. */
static inline UNUSED void happen(struct fix *f, const char *node, uint64_t at_s, uint32_t n,
				 const char *word)
{
	put(f, node, at_s, n, word);
	follow(f);
}
