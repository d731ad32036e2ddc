/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile peers at both ports: whatever they send, honest ones are served meanwhile, and each
 * refusal is counted. */
#include "tests/collector/served.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "collector/ingest.h"
#include "lib/limits.h"

enum { ROUNDS = 2000 };

struct fix {
	char dir[128], url[200];
	struct store *store;
	struct maindb *maindb;
	struct ingest *ingest;
	nng_socket evil, honest;
	uint64_t now, seed, honest_seq;
};

static void dial(nng_socket *ret, const char *url)
{
	assert_int_equal(nng_req0_open(ret), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_RECVTIMEO, 30000), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_SENDTIMEO, 30000), 0);
	assert_int_equal(nng_dial(*ret, url, NULL, 0), 0);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct ingest_config config = { 0 };
	struct diag d = { 0 };

	assert_non_null(f);
	fixture_folder(f->dir);
	snprintf(f->url, sizeof(f->url), "ipc://%s/hostile.ipc", f->dir);
	f->now = timestamp_now();
	f->seed = 88172645463325252u;
	f->honest_seq = 1;
	assert_int_equal(store_open(&f->store, f->dir, &d), 0);
	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	config.url = f->url;
	config.store = f->store;
	config.maindb = f->maindb;
	if (ingest_start(&f->ingest, &config, &d) < 0)
		fail_msg("%s", d.text);
	dial(&f->evil, f->url);
	dial(&f->honest, f->url);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	nng_close(f->evil);
	nng_close(f->honest);
	ingest_stop(f->ingest);
	maindb_free(f->maindb);
	store_free(f->store);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static uint64_t next_random(struct fix *f)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return f->seed;
}

/* Sends and waits for the answer, whatever it is. */
static void send_bytes(nng_socket s, const void *data, size_t n)
{
	nng_msg *msg;

	assert_int_equal(nng_msg_alloc(&msg, 0), 0);
	assert_int_equal(nng_msg_append(msg, data, n), 0);
	assert_int_equal(nng_sendmsg(s, msg, 0), 0);
	assert_int_equal(nng_recvmsg(s, &msg, 0), 0);
	nng_msg_free(msg);
}

static struct ingest_counters counters(const struct fix *f)
{
	struct ingest_counters c;

	ingest_counters(f->ingest, &c);
	return c;
}

/* A batch of an honest node is stored at once. */
static void check_honest(struct fix *f)
{
	struct fixture_batch b = {
		.node = "honest", .first_seq = f->honest_seq, .n = 2, .time_ns = f->now
	};
	AUTO_BUF struct buf frame = { 0 };
	uint64_t before = counters(f).events;

	fixture_frame(&b, &frame);
	send_bytes(f->honest, frame.data, frame.n);
	assert_int_equal(counters(f).events, before + 2);
	f->honest_seq += 2;
}

/* What is done to a good frame before it is sent. */
typedef void (*harm_fn)(struct fix *f, struct buf *frame);

static void truncate_it(struct fix *f, struct buf *frame)
{
	frame->n = next_random(f) % frame->n;
}

static void flip_it(struct fix *f, struct buf *frame)
{
	frame->data[next_random(f) % frame->n] ^= (uint8_t)(1u << next_random(f) % 8);
}

static void fill_it(struct fix *f, struct buf *frame)
{
	for (size_t i = 0; i < frame->n; i++)
		frame->data[i] = (uint8_t)next_random(f);
}

static void change_version(struct fix *f, struct buf *frame)
{
	frame->data[next_random(f) % 8] = (uint8_t)next_random(f); /* magic, version, kind */
}

/* Claims more than it holds: what a decompression bomb begins with. */
static void claim_more(struct fix *f, struct buf *frame)
{
	uint32_t raw = (uint32_t)LIMIT_BATCH_BYTES + 1 + (uint32_t)(next_random(f) % 1000000);

	memcpy(frame->data + 8, &raw, sizeof(raw));
}

static void run_harm(struct fix *f, harm_fn harm)
{
	struct fixture_batch good = { .node = "evil", .first_seq = 1, .n = 20, .time_ns = f->now };
	AUTO_BUF struct buf frame = { 0 };
	struct ingest_counters before = counters(f), after;

	for (int i = 0; i < ROUNDS; i++) {
		buf_clear(&frame);
		fixture_frame(&good, &frame);
		harm(f, &frame);
		send_bytes(f->evil, frame.data, frame.n);
		if (i % 200 == 0)
			check_honest(f);
	}
	after = counters(f);
	/* each was refused and counted, but for changes that make no difference: stored once, then
	 * doubles */
	assert_int_equal(after.refused - before.refused + after.duplicates - before.duplicates +
				 after.batches - before.batches - ROUNDS / 200,
			 ROUNDS);
	assert_true(after.refused > before.refused);
}

static void test_hostile_given_harmed_frames_when_sent_then_refused_counted_and_honest_served(
	void **state)
{
	static const harm_fn harms[] = { truncate_it, flip_it, fill_it, change_version,
					 claim_more };
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(harms); i++)
		run_harm(f, harms[i]);
}

static void test_hostile_given_replays_when_sent_then_stored_once(void **state)
{
	struct fix *f = *state;
	struct fixture_batch good = { .node = "evil", .first_seq = 1, .n = 20, .time_ns = f->now };
	AUTO_BUF struct buf frame = { 0 };

	fixture_frame(&good, &frame);
	for (int i = 0; i < ROUNDS; i++)
		send_bytes(f->evil, frame.data, frame.n);
	assert_int_equal(counters(f).events, 20);
	assert_int_equal(counters(f).duplicates, ROUNDS - 1);
	check_honest(f);
}

/* ---- the API ---- */

/* Connections that never finish their request do not keep others from being answered. */
static void test_hostile_given_slow_clients_when_honest_one_asks_then_answered(void **state)
{
	static const char head[] = "GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\nX-Slow: ";
	struct served *s = *state;
	int fds[200];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = served_connect(s);
		served_send(fds[i], head, i % sizeof(head));
	}
	json_decref(served_json(s, "/api/v1/nodes", 200));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void test_hostile_given_random_requests_when_sent_then_honest_one_is_answered(void **state)
{
	struct served *s = *state;
	struct fix random = { .seed = 1442695040888963407u };

	for (int i = 0; i < 1000; i++) {
		uint8_t bytes[512];
		size_t n = 1 + next_random(&random) % sizeof(bytes);
		int fd = served_connect(s);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)next_random(&random);
		served_send(fd, bytes, n);
		close(fd);
	}
	json_decref(served_json(s, "/api/v1/nodes", 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_hostile_given_harmed_frames_when_sent_then_refused_counted_and_honest_served,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_replays_when_sent_then_stored_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_slow_clients_when_honest_one_asks_then_answered,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_random_requests_when_sent_then_honest_one_is_answered,
			served_setup, served_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
