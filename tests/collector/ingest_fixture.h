/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_fixture - a port of ingest on a free port, and a sensor that sends to it.
 * Thread: the test's own.  Memory: freed with the fixture. */
#pragma once
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
static UNUSED _Atomic uint64_t free_bytes;

static inline UNUSED int ask_disk(const char *dir, struct disk_space *ret)
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

static inline UNUSED void deliver(struct block *b, uint64_t block_id, uint64_t dropped, void *arg)
{
	struct fix *f = arg;

	assert_true(block_id > 0);
	assert_int_equal(dropped, 0);
	f->n_delivered++;
	f->delivered_seq = block_info(b)->first_seq;
	f->delivered_ns = block_info(b)->ingested_ns;
}

static inline UNUSED void start(struct fix *f)
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

static inline UNUSED void dial(nng_socket *ret, const char *url)
{
	assert_int_equal(nng_req0_open(ret), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_RECVTIMEO, 60000), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_SENDTIMEO, 60000), 0);
	assert_int_equal(nng_dial(*ret, url, NULL, 0), 0);
}

static inline UNUSED int setup(void **state)
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

static inline UNUSED int teardown(void **state)
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

struct ack {
	int code;
	uint32_t linger_ms;
	uint64_t first_seq, received_ns;
	char reason[200];
};

static inline UNUSED void read_ack(struct fix *f, const void *frame, size_t n, struct ack *ret)
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

static inline UNUSED struct ack ask(struct fix *f, const void *frame, size_t n)
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

static inline UNUSED struct ack send_batch(struct fix *f, struct fixture_batch batch)
{
	buf_clear(&f->frame);
	fixture_frame(&batch, &f->frame);
	return ask(f, f->frame.data, f->frame.n);
}

static inline UNUSED struct ingest_counters counters(const struct fix *f)
{
	struct ingest_counters c;

	ingest_counters(f->ingest, &c);
	return c;
}

static inline UNUSED int count_block(const struct store_block *meta, struct block *b, void *arg)
{
	(void)meta;
	*(uint64_t *)arg += block_info(b)->n_events;
	return 0;
}

static inline UNUSED uint64_t stored_events(struct fix *f)
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
