/* SPDX-License-Identifier: Apache-2.0 */
/* ingest over a real socket: raw REP on one end, a sensor's REQ on the other. */
#include "tests/collector/fixture.h"
#include "tests/collector/hang_up.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "collector/day.h"
#include "collector/import.h"
#include "collector/ingest.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "proto/rtsec.pb-c.h"

/* The disk that ingest sees; its folder has to be named for it to look. */
static _Atomic uint64_t free_bytes;

static int ask_disk(const char *dir, struct disk_space *ret)
{
	assert_non_null(dir);
	*ret = (struct disk_space){ atomic_load(&free_bytes), 1 << 20 };
	return 0;
}

struct fix {
	char dir[128], url[200];
	struct store *store;
	struct maindb *maindb;
	struct hub *hub;
	struct ingest *ingest;
	uv_loop_t loop;
	nng_socket req;
	struct frame_codec *codec;
	struct buf frame, message;
	uint64_t now;
	/* what the hub delivered */
	uint32_t n_delivered;
	uint64_t delivered_seq, delivered_ns;
};

static void deliver(struct block *b, uint64_t block_id, uint64_t dropped, void *arg)
{
	struct fix *f = arg;

	assert_true(block_id > 0);
	assert_int_equal(dropped, 0);
	f->n_delivered++;
	f->delivered_seq = block_info(b)->first_seq;
	f->delivered_ns = block_info(b)->ingested_ns;
}

static void start(struct fix *f)
{
	struct ingest_config config = { .url = f->url,
					.store = f->store,
					.maindb = f->maindb,
					.hub = f->hub,
					.dir = f->dir,
					.min_free_bytes = 1000,
					.disk_space = ask_disk };
	char quarantine[160];
	struct diag d = { 0 };

	snprintf(quarantine, sizeof(quarantine), "%s/quarantine", f->dir);
	config.quarantine_dir = quarantine;
	if (ingest_start(&f->ingest, &config, &d) < 0)
		fail_msg("%s", d.text);
}

static void dial(nng_socket *ret, const char *url)
{
	assert_int_equal(nng_req0_open(ret), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_RECVTIMEO, 5000), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_SENDTIMEO, 5000), 0);
	assert_int_equal(nng_dial(*ret, url, NULL, 0), 0);
}

static int setup(void **state)
{
	static int n;
	struct fix *f = calloc(1, sizeof(*f));
	struct diag d = { 0 };

	assert_non_null(f);
	fixture_folder(f->dir);
	snprintf(f->url, sizeof(f->url), "ipc://%s/%d.ipc", f->dir, n++);
	f->now = timestamp_now();
	atomic_store(&free_bytes, 1000);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(store_open(&f->store, f->dir, &d), 0);
	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	assert_int_equal(hub_new(&f->hub, &f->loop, deliver, f), 0);
	assert_int_equal(frame_codec_new(&f->codec), 0);
	start(f);
	dial(&f->req, f->url);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	hang_up(f->req);
	ingest_stop(f->ingest);
	hub_free(f->hub);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	maindb_free(f->maindb);
	store_free(f->store);
	frame_codec_free(f->codec);
	buf_done(&f->frame);
	buf_done(&f->message);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* ---- asking ---- */

struct ack {
	int code;
	uint32_t linger_ms;
	uint64_t first_seq, received_ns;
	char reason[200];
};

static void read_ack(struct fix *f, const void *frame, size_t n, struct ack *ret)
{
	struct diag d = { 0 };
	Rtsec__V1__Ack *a;

	if (frame_decode(f->codec, FRAME_ACK, frame, n, &f->message, &d) < 0)
		fail_msg("%s", d.text);
	a = rtsec__v1__ack__unpack(NULL, f->message.n, f->message.data);
	assert_non_null(a);
	ret->code = (int)a->code;
	ret->linger_ms = a->linger_ms;
	ret->first_seq = a->first_seq;
	ret->received_ns = a->received_time_ns;
	snprintf(ret->reason, sizeof(ret->reason), "%s", a->reason);
	rtsec__v1__ack__free_unpacked(a, NULL);
}

static struct ack ask(struct fix *f, const void *frame, size_t n)
{
	nng_msg *msg;
	struct ack a;

	assert_int_equal(nng_msg_alloc(&msg, 0), 0);
	assert_int_equal(nng_msg_append(msg, frame, n), 0);
	assert_int_equal(nng_sendmsg(f->req, msg, 0), 0);
	assert_int_equal(nng_recvmsg(f->req, &msg, 0), 0);
	read_ack(f, nng_msg_body(msg), nng_msg_len(msg), &a);
	nng_msg_free(msg);
	return a;
}

static struct ack send_batch(struct fix *f, struct fixture_batch batch)
{
	buf_clear(&f->frame);
	fixture_frame(&batch, &f->frame);
	return ask(f, f->frame.data, f->frame.n);
}

static struct ingest_counters counters(const struct fix *f)
{
	struct ingest_counters c;

	ingest_counters(f->ingest, &c);
	return c;
}

static int count_block(const struct store_block *meta, struct block *b, void *arg)
{
	(void)meta;
	*(uint64_t *)arg += block_info(b)->n_events;
	return 0;
}

static uint64_t stored_events(struct fix *f)
{
	struct store_range range = { .to_ns = UINT64_MAX };
	struct store_scan_stats stats = { 0 };
	AUTO(store_reader) *r = NULL;
	uint64_t n = 0;

	assert_int_equal(store_reader_new(f->store, &r), 0);
	assert_int_equal(store_scan(r, &range, NULL, count_block, &n, &stats), 0);
	assert_int_equal(stats.blocks_damaged, 0);
	return n;
}

/* ---- tests ---- */

static void test_ingest_given_batch_when_acked_then_it_is_stored(void **state)
{
	struct fix *f = *state;
	struct ack a = send_batch(f, (struct fixture_batch){ .first_seq = 5, .n = 3,
							     .time_ns = f->now });

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

static void test_ingest_given_conflicting_batch_when_sent_then_refused_with_reason(void **state)
{
	struct fix *f = *state;
	struct ack a;

	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 2, .time_ns = f->now });
	a = send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 5, .time_ns = f->now });
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_non_null(strstr(a.reason, "first_seq"));
	assert_int_equal(stored_events(f), 2);
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

	assert_int_equal(send_batch(f, (struct fixture_batch){ .first_seq = 9, .node = "quiet" }).code,
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

static size_t files_in(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/quarantine/%s", dir, name);
	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void test_ingest_given_broken_frames_when_sent_then_each_is_refused_and_ingest_goes_on(void **state)
{
	struct fix *f = *state;
	struct fixture_batch good = { .first_seq = 1, .n = 50, .time_ns = f->now };
	AUTO_BUF struct buf frame = { 0 };
	struct ack a;

	fixture_frame(&good, &frame);
	a = ask(f, "", 0);
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_true(a.reason[0] != '\0');
	for (size_t n = 1; n < frame.n; n += 7)
		assert_int_equal(ask(f, frame.data, n).code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_int_equal(files_in(f->dir, "refused-00.frame"), 0); /* the empty one */
	assert_int_equal(stored_events(f), 0);
	assert_true(counters(f).refused > 2);
	assert_int_equal(ask(f, frame.data, frame.n).code, RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(stored_events(f), 50);
}

static void test_ingest_given_refused_frame_when_quarantined_then_its_bytes_are_kept(void **state)
{
	struct fix *f = *state;

	assert_int_equal(ask(f, "no frame at all", 15).code, RTSEC__V1__ACK__CODE__REFUSED);
	assert_int_equal(files_in(f->dir, "refused-00.frame"), 15);
}

/* A plain socket that speaks just enough SP over ipc to announce a message of @n bytes. */
static void announce(struct fix *f, uint64_t n)
{
	static const uint8_t hello[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 }; /* REQ */
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 5 };
	uint8_t theirs[8], head[9] = { 1 };

	snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", f->url + strlen("ipc://"));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, hello, sizeof(hello)), sizeof(hello));
	assert_int_equal(read(fd, theirs, sizeof(theirs)), sizeof(theirs));
	for (size_t i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)(n >> (56 - 8 * i));
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(read(fd, theirs, 1), 0); /* hung up on, before a byte of it came */
}

static void test_ingest_given_message_over_the_limit_when_announced_then_hung_up_on(void **state)
{
	struct fix *f = *state;

	announce(f, LIMIT_FRAME_BYTES + 4096);
	announce(f, 1ull << 40);
	announce(f, UINT64_MAX);
	assert_int_equal(send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 1,
							       .time_ns = f->now }).code,
			 RTSEC__V1__ACK__CODE__STORED);
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

static void limit_file_size(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_ingest_given_full_disk_when_it_has_room_again_then_busy_becomes_stored(void **state)
{
	struct fix *f = *state;
	struct fixture_batch b = { .first_seq = 10, .n = 800, .time_ns = f->now };
	struct ack a;

	signal(SIGXFSZ, SIG_IGN);
	send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 1, .time_ns = f->now });
	limit_file_size(300);
	a = send_batch(f, b);
	assert_true(ingest_failing(f->ingest));
	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__BUSY);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__BUSY);
	assert_true(a.reason[0] != '\0');
	assert_int_equal(counters(f).busy, 2);
	assert_int_equal(stored_events(f), 1);
	assert_int_equal(send_batch(f, b).code, RTSEC__V1__ACK__CODE__STORED);
	assert_false(ingest_failing(f->ingest));
	assert_int_equal(stored_events(f), 801);
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

static void test_ingest_given_taken_address_when_started_then_error_names_it(void **state)
{
	struct fix *f = *state;
	struct ingest_config config = { .url = f->url, .store = f->store, .maindb = f->maindb };
	struct ingest *second = NULL;
	struct diag d = { 0 };

	assert_int_equal(ingest_start(&second, &config, &d), -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(d.text, f->url));
	config.url = "nonsense";
	assert_true(ingest_start(&second, &config, &d) < 0);
}

/* ---- little space ---- */

static void wait_for_disk(struct fix *f, uint64_t bytes, enum disk_state state)
{
	uint64_t seen;

	atomic_store(&free_bytes, bytes);
	for (size_t i = 0; i < 500; i++) {
		if (ingest_disk(f->ingest, &seen) == state && seen == bytes)
			return;
		usleep(10000);
	}
	fail_msg("the disk's state is not seen");
}

static void test_ingest_given_little_space_when_sent_then_bulk_waits_before_all_do(void **state)
{
	struct fix *f = *state;
	struct fixture_batch bulk = { .first_seq = 1, .n = 2, .time_ns = f->now };
	struct fixture_batch priority = { .first_seq = 10, .n = 2, .time_ns = f->now,
					  .kind = KIND_EXEC };
	struct fixture_batch heartbeat = { .first_seq = 12, .time_ns = f->now };
	struct ingest_counters c;
	struct ack a;

	wait_for_disk(f, 999, DISK_LOW);
	a = send_batch(f, bulk);
	assert_int_equal(a.code, RTSEC__V1__ACK__CODE__BUSY);
	assert_non_null(strstr(a.reason, "disk"));
	assert_int_equal(send_batch(f, priority).code, RTSEC__V1__ACK__CODE__STORED);
	wait_for_disk(f, 499, DISK_FULL);
	priority.first_seq = 12;
	heartbeat.first_seq = 14;
	assert_int_equal(send_batch(f, priority).code, RTSEC__V1__ACK__CODE__BUSY);
	assert_int_equal(send_batch(f, heartbeat).code, RTSEC__V1__ACK__CODE__STORED);
	wait_for_disk(f, 540, DISK_LOW);
	assert_int_equal(send_batch(f, priority).code, RTSEC__V1__ACK__CODE__STORED);
	wait_for_disk(f, 1050, DISK_LOW); /* not yet a sixteenth more */
	assert_int_equal(send_batch(f, bulk).code, RTSEC__V1__ACK__CODE__BUSY);
	wait_for_disk(f, 1100, DISK_OK);
	assert_int_equal(send_batch(f, bulk).code, RTSEC__V1__ACK__CODE__STORED);
	assert_int_equal(send_batch(f, bulk).code, RTSEC__V1__ACK__CODE__DUPLICATE);
	ingest_counters(f->ingest, &c);
	assert_int_equal(c.disk_busy, 3);
	assert_int_equal(c.busy, 3);
	assert_int_equal(c.batches, 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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

	add_record(f, &(struct fixture_batch){ .node = "a", .first_seq = 1, .n = 3, .time_ns = f->now },
		   &job.records);
	add_record(f, &(struct fixture_batch){ .node = "b", .first_seq = 1, .n = 4, .time_ns = f->now },
		   &job.records);
	hub_set_listeners(f->hub, 1);
	assert_int_equal(pthread_create(&thread, NULL, import_run, &job), 0);
	assert_int_equal(send_batch(f, (struct fixture_batch){ .first_seq = 1, .n = 2, .time_ns = f->now })
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
		T(test_ingest_given_conflicting_batch_when_sent_then_refused_with_reason),
		T(test_ingest_given_heartbeat_when_sent_then_node_is_seen_and_nothing_stored),
		T(test_ingest_given_stored_batches_when_node_is_asked_then_it_counts_them),
		T(test_ingest_given_broken_frames_when_sent_then_each_is_refused_and_ingest_goes_on),
		T(test_ingest_given_refused_frame_when_quarantined_then_its_bytes_are_kept),
		T(test_ingest_given_message_over_the_limit_when_announced_then_hung_up_on),
		T(test_ingest_given_full_window_when_answered_then_batches_share_commits),
		T(test_ingest_given_full_disk_when_it_has_room_again_then_busy_becomes_stored),
		T(test_ingest_given_tail_when_batch_is_committed_then_hub_delivers_it),
		T(test_ingest_given_restart_when_batch_comes_again_then_duplicate),
		T(test_ingest_given_taken_address_when_started_then_error_names_it),
		T(test_ingest_given_little_space_when_sent_then_bulk_waits_before_all_do),
		cmocka_unit_test_setup_teardown(
			test_ingest_given_records_when_imported_then_stored_and_published, setup,
			teardown),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
