/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture - a store in a folder of its own, with a reader. */
#pragma once
#include "tests/collector/fixture.h"

#include "collector/store.h"

struct fix {
	char dir[128];
	struct store *store;
	struct store_reader *reader;
	struct maindb *maindb; /* of tests that open it */
	struct block *block;
	struct buf frame;
	uint64_t now;	/* noon of today, until a test moves it */
	uint32_t today; /* the day, since 1970 */
};

static inline void open_store(struct fix *f)
{
	struct diag d = { 0 };

	if (store_open(&f->store, f->dir, &d) < 0)
		fail_msg("%s: %s", d.file, d.text);
	assert_int_equal(store_reader_new(f->store, &f->reader), 0);
}

static inline void close_store(struct fix *f)
{
	f->reader = store_reader_free(f->reader);
	f->store = store_free(f->store);
}

static inline int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	assert_int_equal(block_new(&f->block), 0);
	f->today = (uint32_t)(timestamp_now() / fixture_day_ns);
	f->now = f->today * fixture_day_ns + fixture_day_ns / 2;
	open_store(f);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fix *f = *state;

	close_store(f);
	block_free(f->block);
	buf_done(&f->frame);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* As it comes when the collector's clock says @at_ns.  Returns as store_append(). */
static inline int append_at(struct fix *f, const struct fixture_batch *batch, uint64_t at_ns)
{
	struct diag d = { 0 };

	buf_clear(&f->frame);
	fixture_frame(batch, &f->frame);
	if (block_load(f->block, f->frame.data, f->frame.n, &d) < 0)
		fail_msg("%s", d.text);
	return store_append(f->store, f->block, f->frame.data, f->frame.n,
			    store_arrival(f->store, at_ns));
}

static inline int append(struct fix *f, const struct fixture_batch *batch)
{
	return append_at(f, batch, timestamp_now());
}

/* The same, and commits. */
static inline UNUSED int put(struct fix *f, struct fixture_batch batch)
{
	int r = append(f, &batch), e = r < 0 ? 0 : store_commit(f->store);

	return e < 0 ? e : r;
}
