/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of users, run on a store of two small batches: each is answered or refused with a
 * reason, within its bounds, and changes nothing. */
#include <assert.h>

#include "tests/collector/fixture.h"

#include "collector/sql_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct store *store;
static struct maindb *maindb;
static char dir[128];

static void remove_all(void)
{
	store = store_free(store);
	maindb = maindb_free(maindb);
	fixture_remove(dir);
}

static void put(uint64_t first_seq, const char *word)
{
	const struct fixture_batch f = { .first_seq = first_seq,
					 .n = 3,
					 .time_ns = timestamp_now(),
					 .step_ns = 1000,
					 .word = word };
	AUTO_BUF struct buf frame = { 0 };
	AUTO(block) *b = NULL;
	uint32_t node;
	int r;

	fixture_frame(&f, &frame);
	r = block_new(&b);
	assert(r == 0);
	r = block_load(b, frame.data, frame.n, NULL);
	assert(r == 0);
	r = store_append(store, b, frame.data, frame.n, store_arrival(store, timestamp_now()));
	assert(r == 0);
	r = store_commit(store);
	assert(r == 0);
	r = maindb_node_seen(maindb, b, timestamp_now(), &node);
	assert(r == 0);
}

static void set_up(void)
{
	struct diag d = { 0 };
	int r;

	fixture_folder(dir);
	r = store_open(&store, dir, &d);
	assert(r == 0);
	r = maindb_open(&maindb, dir, &d);
	assert(r == 0);
	put(1, "alpha");
	put(11, "beta");
	atexit(remove_all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_MEM char *text = strndup((const char *)data, n);
	struct sql_answer answer = { 0 };
	struct sql_query q = { .limit = 1000, .within_ms = 1000 };
	struct diag d = { 0 };
	int r;

	if (!store)
		set_up();
	if (!text)
		return 0;
	q.text = text;
	q.n = strlen(text);
	q.store = store;
	q.maindb = maindb;
	r = sql_query_run(&q, &answer, &d);
	assert(r == 0 || r == -EINVAL || r == -ETIME || r == -E2BIG || r == -ENOMEM);
	assert(r == 0 || r == -ENOMEM || d.text[0]);
	assert(answer.n_rows <= 1000);
	sql_answer_done(&answer);
	return 0;
}
