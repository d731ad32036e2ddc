/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile peers at the sensors' port: whatever they send, honest ones are served meanwhile, and
 * each refusal is counted. */
#include "tests/collector/hostile.h"
#include "tests/collector/hang_up.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include <sys/un.h>

#include <zstd.h>

#include "collector/ingest.h"
#include "lib/limits.h"

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

	hang_up(f->evil);
	hang_up(f->honest);
	ingest_stop(f->ingest);
	maindb_free(f->maindb);
	store_free(f->store);
	fixture_remove(f->dir);
	free(f);
	return 0;
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
	frame->n = next_random(&f->seed) % frame->n;
}

static void flip_it(struct fix *f, struct buf *frame)
{
	frame->data[next_random(&f->seed) % frame->n] ^= (uint8_t)(1u << next_random(&f->seed) % 8);
}

static void fill_it(struct fix *f, struct buf *frame)
{
	for (size_t i = 0; i < frame->n; i++)
		frame->data[i] = (uint8_t)next_random(&f->seed);
}

static void change_version(struct fix *f, struct buf *frame)
{
	frame->data[next_random(&f->seed) % 8] =
		(uint8_t)next_random(&f->seed); /* magic, version, kind */
}

/* Claims more than it holds: what a decompression bomb begins with. */
static void claim_more(struct fix *f, struct buf *frame)
{
	uint32_t raw =
		(uint32_t)LIMIT_BATCH_BYTES + 1 + (uint32_t)(next_random(&f->seed) % 1000000);

	memcpy(frame->data + 8, &raw, sizeof(raw));
}

static void change_to_next_version(struct fix *f, struct buf *frame)
{
	(void)f;
	frame->data[3]++;
}

/* Each refusal is counted, once, for one reason; for @why, unless that is REFUSAL_NONE. */
static void run_harm(struct fix *f, harm_fn harm, enum refusal why)
{
	struct fixture_batch good = { .node = "evil", .first_seq = 1, .n = 20, .time_ns = f->now };
	AUTO_BUF struct buf frame = { 0 };
	struct ingest_counters before = counters(f), after;
	uint64_t n_reasons = 0;
	int n = rounds();

	for (int i = 0; i < n; i++) {
		buf_clear(&frame);
		fixture_frame(&good, &frame);
		harm(f, &frame);
		send_bytes(f->evil, frame.data, frame.n);
		if (i % HONEST_EVERY == 0)
			check_honest(f);
	}
	after = counters(f);
	/* each was refused and counted, but for changes that make no difference: stored once, then
	 * doubles */
	assert_int_equal(after.refused - before.refused + after.duplicates - before.duplicates +
				 after.batches - before.batches -
				 (uint64_t)(n + HONEST_EVERY - 1) / HONEST_EVERY,
			 n);
	for (size_t k = 0; k < REFUSAL_MAX; k++)
		n_reasons += after.reasons[k] - before.reasons[k];
	assert_int_equal(n_reasons, after.refused - before.refused);
	assert_true(n_reasons > 0);
	if (why)
		assert_int_equal(after.reasons[why] - before.reasons[why], n);
}

static void test_hostile_given_harmed_frames_when_sent_then_refused_counted_and_honest_served(
	void **state)
{
	static const struct {
		harm_fn harm;
		enum refusal why;
	} harms[] = {
		{ truncate_it, REFUSAL_NONE },
		{ flip_it, REFUSAL_NONE },
		{ fill_it, REFUSAL_BATCH_FOREIGN },
		{ change_version, REFUSAL_NONE },
		{ change_to_next_version, REFUSAL_BATCH_VERSION },
		{ claim_more, REFUSAL_BATCH_OVERSIZED },
	};
	struct fix *f = *state;
	size_t fds, bytes;

	run_harm(f, flip_it, REFUSAL_NONE); /* what is made once is there now */
	fds = n_fds();
	bytes = in_use();
	for (size_t i = 0; i < ARRAY_SIZE(harms); i++)
		run_harm(f, harms[i].harm, harms[i].why);
	assert_int_equal(n_fds(), fds);
	assert_true(in_use() < bytes + MEBIBYTE);
}

static void test_hostile_given_replays_when_sent_then_stored_once(void **state)
{
	struct fix *f = *state;
	struct fixture_batch good = { .node = "evil", .first_seq = 1, .n = 20, .time_ns = f->now };
	AUTO_BUF struct buf frame = { 0 };

	fixture_frame(&good, &frame);
	for (int i = 0; i < rounds(); i++)
		send_bytes(f->evil, frame.data, frame.n);
	assert_int_equal(counters(f).events, 20);
	assert_int_equal(counters(f).duplicates, rounds() - 1);
	check_honest(f);
}

/* A small frame that would unpack to far more than a batch may be, and says it does not. */
static void write_bomb(struct buf *frame, uint32_t claim)
{
	size_t n = 64 * (size_t)MEBIBYTE, room = ZSTD_compressBound(n), packed;
	AUTO_MEM uint8_t *zeroes = calloc(1, n), *body = malloc(room);
	AUTO(frame_codec) *codec = NULL;

	assert_non_null(zeroes);
	assert_non_null(body);
	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(frame_encode(codec, FRAME_BATCH, zeroes, MEBIBYTE, frame), 0);
	frame->n = FRAME_HEADER_BYTES;
	memcpy(frame->data + 8, &claim, sizeof(claim));
	packed = ZSTD_compress(body, room, zeroes, n, 1);
	assert_false(ZSTD_isError(packed));
	assert_true(packed < MEBIBYTE / 8);
	buf_add(frame, body, packed);
	assert_true(buf_ok(frame));
}

static void test_hostile_given_decompression_bombs_when_sent_then_refused_at_the_limit(void **state)
{
	static const uint32_t claims[] = { 0, 1000, LIMIT_BATCH_BYTES };
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		AUTO_BUF struct buf frame = { 0 };

		write_bomb(&frame, claims[i]);
		for (int k = 0; k < 10; k++)
			send_bytes(f->evil, frame.data, frame.n);
		check_honest(f);
	}
	assert_int_equal(counters(f).refused, 30);
	assert_int_equal(counters(f).reasons[REFUSAL_BATCH_OVERSIZED], 30);
}

/* Connections to the sensors' port that say nothing, or half of what they should. */
static void test_hostile_given_slow_sensors_when_honest_one_sends_then_stored(void **state)
{
	static const uint8_t hello[] = {
		0, 'S', 'P', 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2
	};
	struct fix *f = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fds[200];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->url + strlen("ipc://"));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		assert_int_equal(connect(fds[i], (const struct sockaddr *)&a, sizeof(a)), 0);
		(void)!send(fds[i], hello, i % (sizeof(hello) + 1), MSG_NOSIGNAL);
		if (i % 20 == 0)
			check_honest(f);
	}
	check_honest(f);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	check_honest(f);
}

/* A message that is longer than any frame may be ends its connection, and no other. */
static void test_hostile_given_messages_without_end_when_sent_then_cut_off(void **state)
{
	struct fix *f = *state;
	size_t n = LIMIT_FRAME_BYTES + 1;
	nng_socket evil;
	nng_msg *msg;

	for (int i = 0; i < 3; i++) {
		dial(&evil, f->url); /* NNG may not dial again by itself: lib/nng_end.h */
		assert_int_equal(nng_socket_set_ms(evil, NNG_OPT_RECVTIMEO, 200), 0);
		assert_int_equal(nng_msg_alloc(&msg, n), 0);
		assert_int_equal(nng_sendmsg(evil, msg, 0), 0);
		assert_int_not_equal(nng_recvmsg(evil, &msg, 0), 0);
		hang_up(evil);
		check_honest(f);
	}
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
			test_hostile_given_decompression_bombs_when_sent_then_refused_at_the_limit,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_slow_sensors_when_honest_one_sends_then_stored, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_messages_without_end_when_sent_then_cut_off, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
