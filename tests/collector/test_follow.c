/* SPDX-License-Identifier: Apache-2.0 */
/* Observers of committed batches: order, exactly once over restarts, poison, stops. */
#include "tests/collector/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "collector/follow.h"
#include "lib/log.h"

enum { WAIT_MS = 30000, MOST = 512 };

/* What an observer knows: what is committed, and what would be with the next commit(). */
struct state {
	uint64_t seqs[MOST], position_ns;
	size_t n;
};

struct watcher {
	struct state durable, open;
	_Atomic size_t n_durable;
	uint64_t poison_seq; /* this batch fails always; 0: none */
	uint32_t hiccups;    /* so many batches fail once, with @hiccup */
	int hiccup;
	uint32_t commit_hiccups;
	size_t n_calls, biggest_group, group;
	_Atomic bool blocked, inside; /* batch() waits while blocked */
};

struct fix {
	char dir[128];
	struct store *store;
	struct block *block;
	struct follow *follow;
	uint64_t now, seq;
};

static int w_position(uint64_t *ret_ns, void *arg)
{
	const struct watcher *w = arg;

	*ret_ns = w->durable.position_ns;
	return 0;
}

static int w_batch(const struct store_block *meta, struct block *b, void *arg)
{
	struct watcher *w = arg;

	w->n_calls++;
	atomic_store(&w->inside, true);
	while (atomic_load(&w->blocked))
		usleep(1000);
	if (w->hiccups) {
		w->hiccups--;
		return w->hiccup;
	}
	assert_true(w->open.n < MOST);
	w->open.seqs[w->open.n++] = block_info(b)->first_seq;
	assert_int_equal(meta->n_events, block_info(b)->n_events);
	w->group++;
	return block_info(b)->first_seq == w->poison_seq ? -EINVAL : 0;
}

static int w_commit(uint64_t ingested_ns, void *arg)
{
	struct watcher *w = arg;

	if (w->commit_hiccups) {
		w->commit_hiccups--;
		return -EIO;
	}
	assert_true(ingested_ns > w->durable.position_ns);
	w->biggest_group = MAX(w->biggest_group, w->group);
	w->group = 0;
	w->open.position_ns = ingested_ns;
	w->durable = w->open;
	atomic_store(&w->n_durable, w->durable.n);
	return 0;
}

static void w_rollback(void *arg)
{
	struct watcher *w = arg;

	w->open = w->durable;
	w->group = 0;
}

static struct follow_observer observer(struct watcher *w)
{
	return (struct follow_observer){ .name = "watcher",
					 .position = w_position,
					 .batch = w_batch,
					 .commit = w_commit,
					 .rollback = w_rollback,
					 .arg = w };
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	log_set_level(LOG_ERROR);
	fixture_folder(f->dir);
	f->now = timestamp_now();
	f->seq = 1;
	assert_int_equal(block_new(&f->block), 0);
	assert_int_equal(store_open(&f->store, f->dir, NULL), 0);
	assert_int_equal(follow_new(&f->follow, f->store), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	follow_free(f->follow);
	store_free(f->store);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* Appends a batch of @kind and two events, @days_ago. */
static void append(struct fix *f, enum kind kind, uint32_t days_ago)
{
	struct fixture_batch b = { .first_seq = f->seq,
				   .n = 2,
				   .step_ns = 1,
				   .kind = kind,
				   .time_ns = f->now - days_ago * fixture_day_ns };
	AUTO_BUF struct buf frame = { 0 };

	f->seq += 2;
	fixture_frame(&b, &frame);
	assert_int_equal(block_load(f->block, frame.data, frame.n, NULL), 0);
	assert_int_equal(store_append(f->store, f->block, frame.data, frame.n,
				      store_arrival(f->store, f->now)),
			 0);
}

static void put(struct fix *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		append(f, KIND_OPEN, i % 3);
	assert_int_equal(store_commit(f->store), 0);
	follow_wake(f->follow);
}

static void caught_up(struct fix *f)
{
	assert_int_equal(follow_wait(f->follow, store_arrived(f->store), WAIT_MS), 0);
}

/* Batches 1 .. @n of put(), each once and in order, but @without (a first_seq; 0: none). */
static void assert_seen(const struct watcher *w, size_t n, uint64_t without)
{
	size_t at = 0;

	for (uint64_t seq = 1; seq < 2 * n; seq += 2)
		if (seq != without)
			assert_int_equal(w->durable.seqs[at++], seq);
	assert_int_equal(w->durable.n, at);
}

static void test_follow_given_history_when_added_then_all_batches_in_order(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);
	struct follow_stats stats;

	put(f, 150);
	assert_int_equal(follow_add(f->follow, &o), 0);
	caught_up(f);
	assert_true(follow_stats(f->follow, 0, &stats));
	assert_false(follow_stats(f->follow, 1, &stats));
	assert_int_equal(stats.batches, 150);
	assert_int_equal(stats.events, 300);
	assert_int_equal(stats.lag_ns, 0);
	assert_int_equal(follow_low(f->follow), store_arrived(f->store));
	f->follow = follow_free(f->follow);
	assert_seen(&w, 150, 0);
	assert_int_equal(w.biggest_group, FOLLOW_GROUP_BATCHES);
}

static void test_follow_given_commits_when_woken_then_batches_come(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);

	assert_int_equal(follow_add(f->follow, &o), 0);
	for (uint32_t i = 0; i < 20; i++) {
		put(f, 1 + i % 3);
		if (i % 4 == 0)
			caught_up(f);
	}
	caught_up(f);
	f->follow = follow_free(f->follow);
	assert_int_equal(w.durable.n, (f->seq - 1) / 2);
	assert_seen(&w, w.durable.n, 0);
}

static void test_follow_given_begin_now_when_added_then_only_what_comes_later(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);

	o.begin = FOLLOW_NOW;
	put(f, 3);
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_int_equal(w.durable.n, 0);
	assert_int_equal(w.durable.position_ns, store_arrived(f->store));
	put(f, 1); /* while it was stopped */
	assert_int_equal(follow_add(f->follow, &o), 0);
	caught_up(f);
	put(f, 1);
	caught_up(f);
	f->follow = follow_free(f->follow);
	assert_int_equal(w.durable.n, 2);
	assert_int_equal(w.durable.seqs[0], 7);
	assert_int_equal(w.durable.seqs[1], 9);
}

static void test_follow_given_empty_store_when_begin_now_then_the_first_batch_comes(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);

	o.begin = FOLLOW_NOW;
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	put(f, 1);
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_seen(&w, 1, 0);
}

static void test_follow_given_restarts_when_followed_then_each_batch_once(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);

	for (size_t i = 0; i < 6; i++) {
		put(f, 70);
		assert_int_equal(follow_add(f->follow, &o), 0);
		if (i % 2)
			caught_up(f);
		f->follow = follow_free(f->follow); /* anywhere in the middle */
		w_rollback(&w);			    /* as a crash would */
		f->store = store_free(f->store);
		assert_int_equal(store_open(&f->store, f->dir, NULL), 0);
		assert_int_equal(follow_new(&f->follow, f->store), 0);
	}
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_seen(&w, 420, 0);
}

static void test_follow_given_poison_when_followed_then_skipped_and_counted(void **state)
{
	struct fix *f = *state;
	struct watcher w = { .poison_seq = 7 };
	struct follow_observer o = observer(&w);
	struct follow_stats stats;

	put(f, 8);
	assert_int_equal(follow_add(f->follow, &o), 0);
	caught_up(f);
	put(f, 2);
	caught_up(f);
	assert_true(follow_stats(f->follow, 0, &stats));
	assert_int_equal(stats.skipped, 1);
	assert_int_equal(stats.failures, FOLLOW_TRIES - 1);
	assert_int_equal(stats.batches, 9);
	f->follow = follow_free(f->follow);
	assert_seen(&w, 10, 7);
}

static void test_follow_given_failures_that_pass_when_followed_then_nothing_is_skipped(void **state)
{
	struct fix *f = *state;
	/* more often than FOLLOW_TRIES: a full disk is no fault of the batch */
	struct watcher w = { .hiccups = FOLLOW_TRIES + 1, .hiccup = -ENOSPC, .commit_hiccups = 1 };
	struct follow_observer o = observer(&w);
	struct follow_stats stats;

	put(f, 5);
	assert_int_equal(follow_add(f->follow, &o), 0);
	caught_up(f);
	assert_true(follow_stats(f->follow, 0, &stats));
	assert_int_equal(stats.skipped, 0);
	assert_int_equal(stats.failures, FOLLOW_TRIES + 2);
	f->follow = follow_free(f->follow);
	assert_seen(&w, 5, 0);
}

static void test_follow_given_a_stuck_observer_when_stored_then_others_go_on(void **state)
{
	struct fix *f = *state;
	struct watcher stuck = { .blocked = true }, free_one = { 0 };
	struct follow_observer a = observer(&stuck), b = observer(&free_one);
	struct follow_stats stats;

	assert_int_equal(follow_add(f->follow, &a), 0);
	assert_int_equal(follow_add(f->follow, &b), 0);
	put(f, 3);
	for (int ms = 0; ms < WAIT_MS && atomic_load(&free_one.n_durable) < 3; ms++)
		usleep(1000);
	for (int ms = 0; ms < WAIT_MS && !atomic_load(&stuck.inside); ms++)
		usleep(1000);
	assert_int_equal(atomic_load(&free_one.n_durable), 3);
	assert_int_equal(atomic_load(&stuck.n_durable), 0);
	assert_true(follow_stats(f->follow, 0, &stats));
	assert_true(stats.lag_ns > 0);
	assert_int_equal(follow_low(f->follow), 1);
	assert_int_equal(follow_wait(f->follow, store_arrived(f->store), 1), -ETIMEDOUT);
	atomic_store(&stuck.blocked, false);
	caught_up(f);
	f->follow = follow_free(f->follow);
	assert_seen(&stuck, 3, 0);
	assert_seen(&free_one, 3, 0);
}

static void test_follow_given_kinds_when_followed_then_only_those_and_position_moves(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);

	o.kinds = UINT64_C(1) << KIND_EXEC;
	append(f, KIND_OPEN, 0);
	append(f, KIND_EXEC, 1);
	append(f, KIND_OPEN, 0);
	put(f, 0);
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_int_equal(w.durable.n, 1);
	assert_int_equal(w.durable.seqs[0], 3);
	assert_int_equal(w.durable.position_ns, store_arrived(f->store));
}

static void test_follow_given_position_ahead_of_store_when_started_then_new_batches_come(
	void **state)
{
	struct fix *f = *state;
	struct watcher w = { .durable.position_ns = UINT64_MAX / 2 };
	struct follow_observer o = observer(&w);

	w.open = w.durable;
	assert_int_equal(follow_add(f->follow, &o), 0);
	f->follow = follow_free(f->follow);
	assert_int_equal(w.durable.position_ns,
			 UINT64_MAX / 2); /* nothing came, nothing is changed */
	w.durable.position_ns = 0;
	put(f, 1);
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_seen(&w, 1, 0);
}

static void test_follow_given_removed_days_when_followed_then_the_rest_comes(void **state)
{
	struct fix *f = *state;
	struct watcher w = { 0 };
	struct follow_observer o = observer(&w);
	struct store_day *days = NULL;
	size_t n;

	put(f, 9);
	assert_int_equal(store_list_days(f->store, &days, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(store_remove_day(f->store, days[2].number), 0); /* today's */
	free(days);
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_int_equal(w.durable.n, 6);
	put(f, 1);
	assert_int_equal(follow_catch_up(f->store, &o), 0);
	assert_int_equal(w.durable.n, 7);
	assert_int_equal(w.durable.seqs[6], 19);
}

static void test_follow_given_all_places_taken_when_added_then_enospc(void **state)
{
	struct fix *f = *state;
	struct watcher w[FOLLOW_OBSERVERS] = { 0 };
	struct follow_observer o;

	for (size_t i = 0; i < FOLLOW_OBSERVERS; i++) {
		o = observer(&w[i]);
		assert_int_equal(follow_add(f->follow, &o), 0);
	}
	assert_int_equal(follow_add(f->follow, &o), -ENOSPC);
	f->follow = follow_free(f->follow);
	follow_wake(NULL);
	assert_true(follow_low(NULL) == UINT64_MAX);
}

#define FOLLOW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLLOW(test_follow_given_history_when_added_then_all_batches_in_order),
		FOLLOW(test_follow_given_commits_when_woken_then_batches_come),
		FOLLOW(test_follow_given_begin_now_when_added_then_only_what_comes_later),
		FOLLOW(test_follow_given_empty_store_when_begin_now_then_the_first_batch_comes),
		FOLLOW(test_follow_given_restarts_when_followed_then_each_batch_once),
		FOLLOW(test_follow_given_poison_when_followed_then_skipped_and_counted),
		FOLLOW(test_follow_given_failures_that_pass_when_followed_then_nothing_is_skipped),
		FOLLOW(test_follow_given_a_stuck_observer_when_stored_then_others_go_on),
		FOLLOW(test_follow_given_kinds_when_followed_then_only_those_and_position_moves),
		FOLLOW(test_follow_given_position_ahead_of_store_when_started_then_new_batches_come),
		FOLLOW(test_follow_given_removed_days_when_followed_then_the_rest_comes),
		FOLLOW(test_follow_given_all_places_taken_when_added_then_enospc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
