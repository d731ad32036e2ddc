/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile peers at both ports: whatever they send, honest ones are served meanwhile, and each
 * refusal is counted. */
#include "tests/collector/served.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include <sys/un.h>

#include <zstd.h>

#include "collector/ingest.h"
#include "lib/limits.h"

enum { HONEST_EVERY = 200, MEBIBYTE = 1 << 20 };

/* Of each kind; HOSTILE_ROUNDS=10000 in the environment for the whole run. */
static int rounds(void)
{
	const char *given = getenv("HOSTILE_ROUNDS");
	long n = given ? strtol(given, NULL, 10) : 0;

	return n > 0 ? (int)n : 1000;
}

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
	nng_msg *msg;

	assert_int_equal(nng_socket_set_ms(f->evil, NNG_OPT_RECVTIMEO, 200), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(nng_msg_alloc(&msg, n), 0);
		assert_int_equal(nng_sendmsg(f->evil, msg, 0), 0);
		assert_int_not_equal(nng_recvmsg(f->evil, &msg, 0), 0);
		check_honest(f);
	}
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

/* From another address than those who hold all the connections that theirs may have. */
static int status_from_elsewhere(struct served *s)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(s->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	AUTO_BUF struct buf got = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	served_send(fd, request, sizeof(request) - 1);
	while (served_read(fd, &got, 20000))
		;
	close(fd);
	buf_byte(&got, 0);
	(void)sscanf((char *)got.data, "HTTP/1.1 %d ", &status);
	return status;
}

/* Half a request and gone: libmicrohttpd keeps such a connection until its time is over. */
static void test_hostile_given_random_requests_when_sent_then_honest_one_is_answered(void **state)
{
	struct served *s = *state;
	struct fix random = { .seed = 1442695040888963407u };

	for (int i = 0; i < rounds(); i++) {
		uint8_t bytes[512];
		size_t n = 1 + next_random(&random) % sizeof(bytes);
		int fd = served_connect(s);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)next_random(&random);
		served_send(fd, bytes, n);
		close(fd);
		if (i % HONEST_EVERY == HONEST_EVERY - 1)
			assert_int_equal(status_from_elsewhere(s), 200);
	}
	assert_int_equal(status_from_elsewhere(s), 200);
}

/* ---- requests that are refused, each for its reason ---- */

/* Sends one on a connection of its own and returns the status; 0: the connection was cut. */
static int ask_status(struct served *s, const struct buf *request)
{
	struct answer a;
	int status;

	served_raw(s, request->data, request->n, &a);
	status = a.status;
	answer_done(&a);
	return status;
}

static void write_head(struct buf *b, const char *line, const char *token)
{
	buf_printf(b, "%s\r\nHost: x\r\nConnection: close\r\n", line);
	if (token)
		buf_printf(b, "Authorization: Bearer %s\r\n", token);
}

static void write_long(struct buf *b, size_t n)
{
	while (n--)
		buf_byte(b, 'x');
}

enum refused { NO_TOKEN, WRONG_TOKEN, BAD_QUERY, NO_ROUTE, LONG_BODY, LONG_ADDRESS, REFUSALS };

static void write_refused(struct buf *b, enum refused kind, struct served *s, uint64_t random)
{
	char wrong[65];

	snprintf(wrong, sizeof(wrong), "%016llx%016llx%016llx%016llx", (unsigned long long)random,
		 (unsigned long long)random, (unsigned long long)random,
		 (unsigned long long)random);
	if (kind == NO_TOKEN || kind == WRONG_TOKEN)
		write_head(b, "GET /api/v1/nodes HTTP/1.1", kind == NO_TOKEN ? NULL : wrong);
	if (kind == BAD_QUERY)
		write_head(b, "GET /api/v1/search?q=process%20where%20%28%28 HTTP/1.1", s->token);
	if (kind == NO_ROUTE)
		write_head(b, "GET /api/v9/nodes HTTP/1.1", s->token);
	if (kind == LONG_BODY) {
		write_head(b, "POST /api/v1/search HTTP/1.1", s->token);
		buf_printf(b, "Content-Length: %d\r\n", 1 << 30);
	}
	if (kind == LONG_ADDRESS) {
		buf_printf(b, "GET /api/v1/search?q=");
		write_long(b, 200000);
		write_head(b, " HTTP/1.1", s->token);
	}
	buf_printf(b, "\r\n");
}

static uint64_t metric(struct served *s, const char *name)
{
	struct answer a;
	const char *at;
	uint64_t value = 0;
	char line[80];

	served_ask(s, "GET /metrics", NULL, &a);
	assert_int_equal(a.status, 200);
	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(a.body, line);
	if (at)
		value = strtoull(at + strlen(line), NULL, 10);
	else
		fail_msg("no %s", name);
	answer_done(&a);
	return value;
}

/* From the address of those who ask too often: it may have to wait for its turn. */
static void ask_honest(struct served *s)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int status = 429;

	for (int i = 0; i < 600 && status == 429; i++) {
		struct answer a;

		served_ask(s, "GET /api/v1/nodes", NULL, &a);
		status = a.status;
		answer_done(&a);
		if (status == 429)
			nanosleep(&pause, NULL);
	}
	assert_int_equal(status, 200);
}

/* 429 is what the limits of rate give who asks too often: a refusal as well. */
static void test_hostile_given_requests_to_be_refused_when_sent_then_each_has_its_status(
	void **state)
{
	static const int want[REFUSALS] = {
		[NO_TOKEN] = 401, [WRONG_TOKEN] = 401, [BAD_QUERY] = 400,
		[NO_ROUTE] = 404, [LONG_BODY] = 413,   [LONG_ADDRESS] = 414
	};
	struct served *s = *state;
	struct fix random = { .seed = 1442695040888963407u };
	uint64_t before = metric(s, "rtsec_http_answers_4xx_total");
	int n = rounds() / 10 + (getenv("HOSTILE_ROUNDS") ? rounds() : 0), answered = 0;

	for (int kind = 0; kind < REFUSALS; kind++)
		for (int i = 0; i < n; i++) {
			AUTO_BUF struct buf request = { 0 };
			int status;

			write_refused(&request, (enum refused)kind, s, next_random(&random));
			status = ask_status(s, &request);
			if (status != want[kind] && status != 429 && status != 431 && status != 0)
				fail_msg("kind %d: %d", kind, status);
			answered += status != 0;
			if (i % HONEST_EVERY == 0)
				ask_honest(s);
		}
	assert_true(answered >= 4 * n); /* those that are too long may be cut off */
	assert_true(metric(s, "rtsec_http_answers_4xx_total") - before >= (uint64_t)(3 * n));
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
		cmocka_unit_test_setup_teardown(
			test_hostile_given_requests_to_be_refused_when_sent_then_each_has_its_status,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_slow_clients_when_honest_one_asks_then_answered,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_random_requests_when_sent_then_honest_one_is_answered,
			served_setup, served_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
