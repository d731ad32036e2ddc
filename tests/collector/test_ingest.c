/* SPDX-License-Identifier: Apache-2.0 */
/* Batches as they should come: stored once, answered after the commit, told to tails. */
#include "tests/collector/ingest_fixture.h"

/* ---- tests ---- */

static void test_ingest_given_batch_when_acked_then_it_is_stored(void **state)
{
	struct fix *f = *state;
	struct ack a =
		send_batch(f, (struct fixture_batch){ .first_seq = 5, .n = 3, .time_ns = f->now });

	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(a.first_seq, 5);
	assert_int_equal(a.linger_ms, 0);
	assert_true(a.received_ns >= f->now);
	assert_int_equal(stored_events(f), 3);
	assert_int_equal(counters(f).batches, 1);
	assert_int_equal(counters(f).events, 3);
	assert_int_equal(counters(f).commits, 1);
}

static void test_ingest_given_batch_when_sent_twice_then_duplicate_and_stored_once(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 1, .n = 2, .time_ns = f->now };

	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__DUPLICATE);
	assert_int_equal(stored_events(f), 2);
	assert_int_equal(counters(f).duplicates, 1);
	assert_int_equal(counters(f).events, 2);
}

static int keep_node(const struct node *n, void *arg)
{
	*(struct node *)arg = *n;
	return 0;
}

static void test_ingest_given_heartbeat_when_sent_then_node_is_seen_and_nothing_stored(void **state)
{
	struct fix *f = *state;
	struct node n = { 0 };

	assert_int_equal(
		send_batch(f, (struct fixture_batch){ .first_seq = 9, .node = "quiet" }).code,
		RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(maindb_nodes(f->maindb, keep_node, &n), 0);
	assert_string_equal(n.id, "quiet");
	assert_int_equal(n.events, 0);
	assert_int_equal(stored_events(f), 0);
	assert_int_equal(counters(f).heartbeats, 1);
	assert_int_equal(counters(f).commits, 0);
}

static void test_ingest_given_stored_batches_when_node_is_asked_then_it_counts_them(void **state)
{
	struct fix *f = *state;
	struct node n = { 0 };

	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 2, .time_ns = f->now });
	send_batch(f, (struct fixture_batch){ .first_seq = 3, .n = 4, .time_ns = f->now });
	send_batch(f, (struct fixture_batch){ .first_seq = 3, .n = 4, .time_ns = f->now });
	assert_int_equal(maindb_nodes(f->maindb, keep_node, &n), 0);
	assert_int_equal(n.events, 6);
	assert_int_equal(n.batches, 2);
	assert_int_equal(n.last_seq, 6);
}

enum { WINDOW = 32, ROUNDS = 12 };

/* A window of contexts, as a sensor has: commits must be shared. */
static void test_ingest_given_full_window_when_answered_then_batches_share_commits(void **state)
{
	struct fix *f = *state;
	nng_ctx ctx[WINDOW];
	nng_aio *aio[WINDOW];
	uint64_t seq = 1;

	for (size_t k = 0; k < WINDOW; k++) {
		assert_int_equal(nng_ctx_open(&ctx[k], f->req), 0);
		assert_int_equal(nng_aio_alloc(&aio[k], NULL, NULL), 0);
		nng_aio_set_timeout(aio[k], 10000);
	}
	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t k = 0; k < WINDOW; k++, seq += 2) {
			struct fixture_batch b = { .first_seq = seq, .n = 2, .time_ns = f->now };
			nng_msg *msg;

			buf_clear(&f->frame);
			fixture_frame(&b, &f->frame);
			assert_int_equal(nng_msg_alloc(&msg, 0), 0);
			assert_int_equal(nng_msg_append(msg, f->frame.data, f->frame.n), 0);
			nng_aio_set_msg(aio[k], msg);
			nng_ctx_send(ctx[k], aio[k]);
		}
		for (size_t k = 0; k < WINDOW; k++) {
			nng_aio_wait(aio[k]);
			assert_int_equal(nng_aio_result(aio[k]), 0);
			nng_ctx_recv(ctx[k], aio[k]);
		}
		for (size_t k = 0; k < WINDOW; k++) {
			nng_msg *msg;
			struct ack a;

			nng_aio_wait(aio[k]);
			assert_int_equal(nng_aio_result(aio[k]), 0);
			msg = nng_aio_get_msg(aio[k]);
			read_ack(f, nng_msg_body(msg), nng_msg_len(msg), &a);
			assert_int_equal(a.code, RTSEC__V1__ACK__CODE__STORED);
			assert_int_equal(a.first_seq, seq - 2 * (WINDOW - k)); /* its own Ack */
			nng_msg_free(msg);
		}
	}
	assert_int_equal(counters(f).batches, WINDOW * ROUNDS);
	assert_true(counters(f).commits < WINDOW * ROUNDS);
	assert_int_equal(stored_events(f), 2 * WINDOW * ROUNDS);
	for (size_t k = 0; k < WINDOW; k++) {
		nng_aio_free(aio[k]);
		nng_ctx_close(ctx[k]);
	}
}

static void test_ingest_given_tail_when_batch_is_committed_then_hub_delivers_it(void **state)
{
	struct fix *f = *state;
	struct ack a;

	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now });
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->n_delivered, 0); /* nobody listened */
	hub_set_listeners(f->hub, 1);
	a = send_batch(f, (struct fixture_batch){ .first_seq = 2, .n = 1, .time_ns = f->now });
	assert_int_equal(a.linger_ms, INGEST_LINGER_MS);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->n_delivered, 1);
	assert_int_equal(f->delivered_seq, 2);
	assert_true(f->delivered_ns >= a.received_ns);
	hub_set_listeners(f->hub, 0);
}

static void test_ingest_given_restart_when_batch_comes_again_then_duplicate(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 1, .n = 2, .time_ns = f->now };
	struct diag d = { 0 };

	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__STORED);
	f->ingest = ingest_stop(f->ingest);
	store_free(f->store);
	assert_int_equal(store_open(&f->store, f->dir, &d), 0);
	start(f); /* the REQ socket dials again by itself */
	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__DUPLICATE);
	assert_int_equal(stored_events(f), 2);
}

/* ---- imports ---- */

struct import_job {
	struct fix *f;
	struct buf records;
	struct import_result result;
	int error;
};

static void *import_run(void *arg)
{
	struct import_job *job = arg;

	job->error = ingest_import(&job->records, &job->result, job->f->ingest);
	return NULL;
}

static void add_record(struct fix *f, const struct fixture_batch *b, struct buf *records)
{
	uint8_t header[DAY_RECORD_HEADER_BYTES];

	buf_clear(&f->frame);
	fixture_frame(b, &f->frame);
	day_frame_header(header, f->frame.data, f->frame.n, 0);
	buf_add(records, header, sizeof(header));
	buf_add(records, f->frame.data, f->frame.n);
}

/* While a sensor sends, too. */
static void test_ingest_given_records_when_imported_then_stored_and_published(void **state)
{
	struct fix *f = *state;
	struct import_job job = { .f = f };
	struct ingest_counters c;
	pthread_t thread;

	add_record(
		f,
		&(struct fixture_batch){ .node = "a", .first_seq = 1, .n = 3, .time_ns = f->now },
		&job.records);
	add_record(
		f,
		&(struct fixture_batch){ .node = "b", .first_seq = 1, .n = 4, .time_ns = f->now },
		&job.records);
	hub_set_listeners(f->hub, 1);
	assert_int_equal(pthread_create(&thread, NULL, import_run, &job), 0);
	assert_int_equal(
		send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 2, .time_ns = f->now })
			.code,
		RTSEC__V1__ACK__CODE__STORED);
	pthread_join(thread, NULL);
	assert_int_equal(job.error, 0);
	assert_int_equal(job.result.batches, 2);
	assert_int_equal(job.result.events, 7);
	ingest_counters(f->ingest, &c);
	assert_int_equal(c.events, 9);
	while (f->n_delivered < 3)
		uv_run(&f->loop, UV_RUN_ONCE);
	job.result = (struct import_result){ 0 };
	import_run(&job); /* once more */
	assert_int_equal(job.error, 0);
	assert_int_equal(job.result.events, 0);
	assert_int_equal(job.result.there, 7);
	atomic_store(&free_bytes, 10); /* looked at once a second */
	do {
		job.result = (struct import_result){ 0 };
		import_run(&job);
	} while (job.error == 0);
	assert_int_equal(job.error, -ENOSPC);
	buf_done(&job.records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ingest_given_batch_when_acked_then_it_is_stored),
		T(test_ingest_given_batch_when_sent_twice_then_duplicate_and_stored_once),
		T(test_ingest_given_heartbeat_when_sent_then_node_is_seen_and_nothing_stored),
		T(test_ingest_given_stored_batches_when_node_is_asked_then_it_counts_them),
		T(test_ingest_given_full_window_when_answered_then_batches_share_commits),
		T(test_ingest_given_tail_when_batch_is_committed_then_hub_delivers_it),
		T(test_ingest_given_restart_when_batch_comes_again_then_duplicate),
		cmocka_unit_test_setup_teardown(
			test_ingest_given_records_when_imported_then_stored_and_published, setup,
			teardown),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
