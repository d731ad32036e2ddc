/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_fixture - a consumer of records that the test makes, and the batches that it seals.
 * Thread: the test's own.  Memory: freed with the fixture. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/block.h"
#include "sensor/consumer.h"
#include "tests/sensor/make_record.h"
#include "tests/sensor/row_checks.h"

enum { RECORDS = 16384 };

static UNUSED const uint64_t second = 1000000000;

struct replay {
	union made *records[RECORDS];
	size_t n, next;
	struct probe_loss loss[REC_CLASSES][REC_CAUSES];
	uint64_t malformed;
	int failure; /* what consume returns instead */
	struct probe_counts counts;
	struct filter *filter; /* in force */
	int refuses;	       /* what filter returns instead */
};

static inline UNUSED int64_t replay_consume(void *self, uint32_t budget, ring_record_fn *fn,
					    void *arg)
{
	struct replay *r = self;
	int64_t n = 0;

	if (r->failure)
		return r->failure;
	for (; r->next < r->n && n < budget; n++, r->next++) {
		int result = fn(&r->records[r->next]->head, r->records[r->next]->head.size, arg);

		if (result)
			return result;
	}
	return n;
}

static inline UNUSED int replay_wait(void *self, enum rec_wake wake, int timeout_ms)
{
	(void)self;
	(void)wake;
	(void)timeout_ms;
	return 0;
}

static inline UNUSED int replay_loss(void *self, struct probe_loss ret[REC_CLASSES][REC_CAUSES])
{
	struct replay *r = self;

	memcpy(ret, r->loss, sizeof(r->loss));
	memset(r->loss, 0, sizeof(r->loss));
	return 0;
}

static inline UNUSED uint64_t replay_malformed(void *self)
{
	struct replay *r = self;

	return r->malformed;
}

static inline UNUSED void replay_counts(void *self, struct probe_counts *ret)
{
	struct replay *r = self;

	*ret = r->counts;
}

static inline UNUSED int replay_filter(void *self, struct filter *rules, struct diag *d)
{
	struct replay *r = self;

	if (r->refuses)
		return diag_set(d, r->refuses, 0, 0, "the table is full");
	filter_free(r->filter);
	r->filter = rules;
	return 0;
}

static inline UNUSED int replay_filter_counts(void *self, struct probe_filter_count *ret,
					      size_t most)
{
	struct replay *r = self;
	size_t n = r->filter ? MIN(filter_n(r->filter), most) : 0;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct probe_filter_count){ filter_name(r->filter, i), FILTER_DROP, 7 };
	return (int)n;
}

static UNUSED const struct source_ops replay_ops = { .consume = replay_consume,
						     .wait = replay_wait,
						     .loss = replay_loss,
						     .malformed = replay_malformed,
						     .counts = replay_counts,
						     .filter_counts = replay_filter_counts,
						     .filter = replay_filter };

struct world {
	struct replay replay;
	char dir[64];
	struct enrich *enrich;
	struct outbox *outbox;
	struct consumer *consumer;
	struct seq seq;
	struct block *block;
	struct outbox_frame *frame;
	uint32_t table; /* found by find() */
};

static UNUSED struct world w;

static UNUSED union made made;

static inline UNUSED void feed(void)
{
	union made *copy;

	assert_true(w.replay.n < RECORDS);
	copy = aligned_alloc(8, (made.head.size + 15) / 8 * 8);
	assert_non_null(copy);
	memcpy((void *)copy, &made, made.head.size);
	w.replay.records[w.replay.n++] = copy;
}

static inline UNUSED void write_file(const char *name, const char *text)
{
	char path[128];
	AUTO_FD int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
}

static inline UNUSED int setup_sized(size_t queue_bytes)
{
	static const uint8_t boot[16] = { 9 };
	struct batch_origin origin = { .node_id = "node", .node_name = "name" };
	char passwd[128], group[128], proc[128];
	struct known_config known = { .node_id = "node",
				      .boot_id = boot,
				      .proc_root = proc,
				      .state_dir = w.dir,
				      .passwd = passwd,
				      .group = group };
	struct seq_past past;
	struct diag d = { 0 };

	w = (struct world){ .dir = "/tmp/rtsec-consumer-XXXXXX" };
	assert_non_null(mkdtemp(w.dir));
	snprintf(passwd, sizeof(passwd), "%s/passwd", w.dir);
	snprintf(group, sizeof(group), "%s/group", w.dir);
	snprintf(proc, sizeof(proc), "%s/proc", w.dir);
	write_file("passwd", "root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n");
	write_file("group", "staff:x:1000:\n");
	assert_int_equal(0, mkdir(proc, 0700));
	assert_int_equal(
		0, seq_open(&w.seq, w.dir, "3d03e335-9586-44b8-b03d-10757b3652f6", 100, &past, &d));
	assert_int_equal(0, enrich_new(&w.enrich, &known));
	assert_int_equal(0, outbox_new(&w.outbox, queue_bytes));
	assert_int_equal(0, block_new(&w.block));
	struct consumer_config config = {
		.source = { &replay_ops, &w.replay },
		.enrich = w.enrich,
		.outbox = w.outbox,
		.seq = &w.seq,
		.origin = &origin,
	};

	assert_int_equal(0, consumer_new(&w.consumer, &config));
	return 0;
}

static inline UNUSED int setup(void **state)
{
	(void)state;
	return setup_sized(64 << 20);
}

static inline UNUSED int teardown(void **state)
{
	char command[128];

	(void)state;
	consumer_free(w.consumer);
	enrich_free(w.enrich);
	outbox_free(w.outbox);
	block_free(w.block);
	seq_close(&w.seq, true);
	filter_free(w.replay.filter);
	for (size_t i = 0; i < w.replay.n; i++)
		free(w.replay.records[i]);
	snprintf(command, sizeof(command), "rm -r %s", w.dir);
	return system(command);
}

/* Runs all records through and opens the next frame. */
static inline UNUSED bool next_frame(void)
{
	struct diag d = { 0 };

	if (w.frame)
		outbox_stored(w.outbox, w.frame);
	w.frame = outbox_take(w.outbox);
	if (!w.frame)
		return false;
	if (block_load(w.block, w.frame->data, w.frame->n, &d) < 0)
		fail_msg("%s", d.text);
	return true;
}

static inline UNUSED void run(void)
{
	consumer_finish(w.consumer, "stop");
	assert_true(next_frame());
}

static inline UNUSED bool find(enum kind kind)
{
	for (w.table = 0; w.table < block_info(w.block)->n_tables; w.table++)
		if (block_kind(w.block, w.table) == kind)
			return true;
	return false;
}

static inline UNUSED struct block_value value(uint32_t row, const char *name)
{
	return row_value(w.block, w.table, row, name);
}

static inline UNUSED void check_text(uint32_t row, const char *name, const char *want)
{
	row_check_text(name, value(row, name), want);
}

static inline UNUSED void check_number(uint32_t row, const char *name, uint64_t want)
{
	struct block_value v = value(row, name);

	if (v.type != VALUE_LONG && v.type != VALUE_ID && v.type != VALUE_DATE &&
	    v.type != VALUE_BOOL)
		fail_msg("%s is null", name);
	assert_int_equal(want, v.number);
}

static inline UNUSED void feed_exec(uint32_t pid, const char *exe, uint64_t time_ns)
{
	made_exec(&made, pid, pid * second, time_ns, exe, "prog\0-v\0", 8);
	made.exec.uid = made.exec.euid = 1000;
	made.exec.gid = made.exec.egid = 1000;
	made.head.uid = made.head.gid = 1000;
	made.exec.tty_major = 136;
	made.exec.tty_minor = 4;
	feed();
}
