/* SPDX-License-Identifier: Apache-2.0 */
/* The whole user side without a kernel: records of a replay source in, frames out, opened again
 * with the collector's reader. */
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

enum { RECORDS = 16384 };

static const uint64_t second = 1000000000;

/* ---- replay source ---- */

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

static int64_t replay_consume(void *self, uint32_t budget, ring_record_fn *fn, void *arg)
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

static int replay_wait(void *self, enum rec_wake wake, int timeout_ms)
{
	(void)self;
	(void)wake;
	(void)timeout_ms;
	return 0;
}

static int replay_loss(void *self, struct probe_loss ret[REC_CLASSES][REC_CAUSES])
{
	struct replay *r = self;

	memcpy(ret, r->loss, sizeof(r->loss));
	memset(r->loss, 0, sizeof(r->loss));
	return 0;
}

static uint64_t replay_malformed(void *self)
{
	struct replay *r = self;

	return r->malformed;
}

static void replay_counts(void *self, struct probe_counts *ret)
{
	struct replay *r = self;

	*ret = r->counts;
}

static int replay_filter(void *self, struct filter *rules, struct diag *d)
{
	struct replay *r = self;

	if (r->refuses)
		return diag_set(d, r->refuses, 0, 0, "the table is full");
	filter_free(r->filter);
	r->filter = rules;
	return 0;
}

static int replay_filter_counts(void *self, struct probe_filter_count *ret, size_t most)
{
	struct replay *r = self;
	size_t n = r->filter ? MIN(filter_n(r->filter), most) : 0;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct probe_filter_count){ filter_name(r->filter, i), FILTER_DROP, 7 };
	return (int)n;
}

static const struct source_ops replay_ops = { .consume = replay_consume,
					      .wait = replay_wait,
					      .loss = replay_loss,
					      .malformed = replay_malformed,
					      .counts = replay_counts,
					      .filter_counts = replay_filter_counts,
					      .filter = replay_filter };

/* ---- what each test has ---- */

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

static struct world w;
static union made made;

static void feed(void)
{
	union made *copy;

	assert_true(w.replay.n < RECORDS);
	copy = aligned_alloc(8, (made.head.size + 15) / 8 * 8);
	assert_non_null(copy);
	memcpy((void *)copy, &made, made.head.size);
	w.replay.records[w.replay.n++] = copy;
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	AUTO_FD int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
}

static int setup_sized(size_t queue_bytes)
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

static int setup(void **state)
{
	(void)state;
	return setup_sized(64 << 20);
}

static int teardown(void **state)
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
static bool next_frame(void)
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

static void run(void)
{
	consumer_finish(w.consumer, "stop");
	assert_true(next_frame());
}

static bool find(enum kind kind)
{
	for (w.table = 0; w.table < block_info(w.block)->n_tables; w.table++)
		if (block_kind(w.block, w.table) == kind)
			return true;
	return false;
}

static struct block_value value(uint32_t row, const char *name)
{
	struct field_ref ref;

	if (!field_find(name, strlen(name), &ref))
		fail_msg("no field %s", name);
	return block_value(w.block, w.table, row, ref);
}

static void check_text(uint32_t row, const char *name, const char *want)
{
	struct block_value v = value(row, name);

	if (!want) {
		assert_int_equal(VALUE_NULL, v.type);
		return;
	}
	if (v.type != VALUE_STRING || v.string.n != strlen(want) ||
	    memcmp(v.string.s, want, v.string.n) != 0)
		fail_msg("%s: \"%.*s\" is not \"%s\"", name,
			 v.type == VALUE_STRING ? (int)v.string.n : 0, v.string.s, want);
}

static void check_number(uint32_t row, const char *name, uint64_t want)
{
	struct block_value v = value(row, name);

	if (v.type != VALUE_LONG && v.type != VALUE_ID && v.type != VALUE_DATE &&
	    v.type != VALUE_BOOL)
		fail_msg("%s is null", name);
	assert_int_equal(want, v.number);
}

static void feed_exec(uint32_t pid, const char *exe, uint64_t time_ns)
{
	made_exec(&made, pid, pid * second, time_ns, exe, "prog\0-v\0", 8);
	made.exec.uid = made.exec.euid = 1000;
	made.exec.gid = made.exec.egid = 1000;
	made.head.uid = made.head.gid = 1000;
	made.exec.tty_major = 136;
	made.exec.tty_minor = 4;
	feed();
}

/* ---- tests ---- */

static void test_consumer_given_fork_exec_and_exit_when_sealed_then_the_tree_is_told(void **state)
{
	(void)state;
	feed_exec(10, "/bin/bash", 20 * second);
	made_fork(&made, 10, 10 * second, 21 * second, 11, 11 * second);
	made.head.uid = made.head.gid = 1000;
	feed();
	feed_exec(11, "/usr/bin/true", 22 * second);
	made_exit(&made, 11, 11 * second, 23 * second, 3 << 8);
	made.head.uid = made.head.gid = 1000;
	feed();
	run();
	assert_true(find(KIND_EXEC));
	check_text(1, "process.name", "true");
	check_text(1, "process.executable", "/usr/bin/true");
	check_text(1, "process.command_line", "prog -v");
	check_text(1, "process.parent.name", "bash");
	check_text(1, "process.working_directory", "/home/user");
	check_text(1, "process.user.name", "ann");
	check_text(1, "process.group.name", "staff");
	check_text(1, "process.tty", "pts/4");
	check_number(1, "process.pid", 11);
	check_number(1, "process.parent.pid", 10);
	check_number(1, "process.session_leader.pid", 11);
	check_number(1, "process.entity_id",
		     proctab_entity(known_processes(enrich_known(w.enrich)), 11, 11 * second));
	assert_true(find(KIND_FORK));
	check_text(0, "process.name", "bash");
	check_number(0, "process.child.pid", 11);
	assert_true(find(KIND_END));
	check_number(0, "process.exit_code", 3);
	check_text(0, "process.exit_signal", NULL);
	check_number(0, "event.duration", 12 * second);
}

static void test_consumer_given_opens_when_sealed_then_paths_flags_and_creation_are_told(
	void **state)
{
	(void)state;
	made_open(&made, 10, 10 * second, 20 * second, "/etc/passwd", O_RDONLY);
	feed();
	made_open(&made, 10, 10 * second, 21 * second, "/tmp/new.txt", O_RDWR | O_CREAT | O_TRUNC);
	made.head.flags = REC_F_CREATED;
	feed();
	made_open_failed(&made, 10, 10 * second, 22 * second, "/home/ann", "../x", ENOENT);
	feed();
	run();
	assert_true(find(KIND_OPEN));
	assert_int_equal(3, block_rows(w.block, w.table));
	check_text(0, "file.path", "/etc/passwd");
	check_text(0, "event.outcome", "success");
	check_text(0, "file.mode", "0644");
	check_text(0, "file.device", "8:1");
	check_text(0, "file.type", "file");
	check_number(0, "file.inode", 77);
	assert_int_equal(4, value(1, "file.open.flags").n_strings);
	check_text(2, "file.path", "/home/x");
	check_text(2, "event.outcome", "failure");
	check_text(2, "error.code", "ENOENT");
	check_text(2, "file.mode", NULL);
	assert_true(find(KIND_CREATION));
	assert_int_equal(1, block_rows(w.block, w.table));
	check_text(0, "file.name", "new.txt");
	check_text(0, "process.name", "comm10"); /* nothing more is known of it */
}

static void test_consumer_given_a_connection_when_sealed_then_both_ends_and_the_id_are_told(
	void **state)
{
	(void)state;
	made_tcp(&made, REC_CONNECT, 10, 10 * second, 20 * second);
	made.tcp.error = EINPROGRESS;
	feed();
	made_tcp(&made, REC_ACCEPT, 11, 11 * second, 21 * second);
	feed();
	made_tcp(&made, REC_CLOSE, 0, 0, 22 * second);
	made.head.flags = REC_F_NO_OWNER;
	made.tcp.source_bytes = 5;
	feed();
	run();
	assert_true(find(KIND_CONNECT));
	check_text(0, "source.ip", "10.20.30.40");
	check_text(0, "destination.ip", "10.20.30.41");
	check_number(0, "destination.port", 443);
	check_text(0, "network.direction", "egress");
	check_text(0, "network.community_id", "1:EViGcgBbB4WSg5XJ6I5LvTiH7lQ=");
	check_text(0, "error.code", "EINPROGRESS");
	assert_true(find(KIND_ACCEPT));
	check_text(0, "network.direction", "ingress");
	check_text(0, "network.community_id", "1:EViGcgBbB4WSg5XJ6I5LvTiH7lQ=");
	assert_true(find(KIND_DISCONNECT));
	check_number(0, "source.bytes", 5);
	assert_int_equal(VALUE_NULL, value(0, "process.pid").type);
}

static void test_consumer_given_a_late_open_when_the_exec_came_first_then_it_is_the_old_programs(
	void **state)
{
	(void)state;
	feed_exec(10, "/bin/bash", 20 * second);
	feed_exec(10, "/bin/cat", 30 * second);
	made_open(&made, 10, 10 * second, 25 * second, "/late", 0);
	feed();
	made_open(&made, 10, 10 * second, 31 * second, "/new", 0);
	feed();
	run();
	assert_true(find(KIND_OPEN));
	check_text(0, "process.name", "bash");
	check_text(1, "process.name", "cat");
}

static void test_consumer_given_10000_arguments_when_sealed_then_all_are_told(void **state)
{
	enum { N = 10000, PIECE = REC_ARGS_CHUNK };
	static char all[2 * N];
	size_t n_before = sizeof(all) / PIECE * PIECE;
	struct block_value v;

	(void)state;
	for (size_t i = 0; i < N; i++)
		all[2 * i] = (char)('a' + i % 26);
	for (size_t at = 0; at < n_before; at += PIECE) {
		made_begin(&made, REC_ARGS, sizeof(struct rec_args), 10, 10 * second, 20 * second);
		made.args.bytes = PIECE;
		made.args.offset = (uint32_t)at;
		made_add(&made, all + at, PIECE);
		feed();
	}
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/x", all + n_before,
		  sizeof(all) - n_before);
	made.exec.args_before = (uint32_t)n_before;
	feed();
	run();
	assert_true(find(KIND_EXEC));
	v = value(0, "process.args");
	assert_int_equal(v.n_strings, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(*block_string(w.block, v.strings[i]).s, 'a' + (int)(i % 26));
	assert_int_equal(VALUE_NULL, value(0, "process.args_truncated").type);
}

static void test_consumer_given_long_arguments_in_pieces_when_sealed_then_they_are_whole(
	void **state)
{
	static const char first[] = "prog\0one\0tw", rest[] = "o\0three";

	(void)state;
	made_begin(&made, REC_ARGS, sizeof(struct rec_args), 10, 10 * second, 20 * second);
	made.args.bytes = sizeof(first) - 1;
	made_add(&made, first, sizeof(first) - 1);
	feed();
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/prog", rest, sizeof(rest));
	made.exec.args_before = sizeof(first) - 1;
	feed();
	made_exec(&made, 11, 11 * second, 20 * second, "/bin/prog", rest, sizeof(rest));
	made.exec.args_before = sizeof(first) - 1; /* its pieces never came */
	feed();
	run();
	assert_true(find(KIND_EXEC));
	check_text(0, "process.command_line", "prog one two three");
	assert_int_equal(VALUE_NULL, value(0, "process.args_truncated").type);
	check_text(1, "process.command_line", "o three");
	check_number(1, "process.args_truncated", 1);
}

static void test_consumer_given_many_events_when_sealed_then_numbers_have_no_hole(void **state)
{
	uint64_t next = w.seq.next, events = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		made_open(&made, 10 + i % 7, second, 20 * second + i, "/etc/hosts", 0);
		feed();
	}
	consumer_finish(w.consumer, "stop");
	while (next_frame()) {
		assert_int_equal(next, block_info(w.block)->first_seq);
		assert_true(block_info(w.block)->n_events <= 4096);
		next += block_info(w.block)->n_events;
		events += block_info(w.block)->n_events;
	}
	assert_int_equal(10001, events); /* and the sensor's own */
	assert_int_equal(w.seq.next, next);
}

static void test_consumer_given_losses_of_each_kind_when_sealed_then_gaps_tell_them(void **state)
{
	struct batch_stats stats;

	(void)state;
	w.replay.loss[REC_CLASS_BULK][REC_LOST_RING] = (struct probe_loss){ 7, second, 2 * second };
	w.replay.loss[REC_CLASS_PRIORITY][REC_LOST_RING] = (struct probe_loss){ 3, second, second };
	w.replay.malformed = 2;
	made_exit(&made, 10, second, 2 * second, 0);
	made.head.type = 99;
	feed();
	run();
	assert_true(find(KIND_GAP));
	assert_int_equal(3, block_rows(w.block, w.table));
	check_text(0, "rtsec.gap.class", "priority");
	check_text(0, "rtsec.gap.cause", "ring_full");
	check_number(0, "rtsec.gap.count", 3);
	check_text(1, "rtsec.gap.class", "bulk");
	check_number(1, "rtsec.gap.count", 7);
	check_number(1, "rtsec.gap.from", enrich_time(w.enrich, second));
	check_number(1, "rtsec.gap.to", enrich_time(w.enrich, 2 * second));
	check_text(2, "rtsec.gap.cause", "malformed");
	check_number(2, "rtsec.gap.count", 3);
	consumer_stats(w.consumer, &stats);
	assert_int_equal(3, stats.lost_priority);
	assert_int_equal(7, stats.lost_bulk);
	assert_int_equal(3, stats.malformed);
	assert_true(find(KIND_SENSOR));
	check_text(0, "message", "stop");
}

/* Takes all frames: @kept counts their events but for gaps, @lost what their gaps tell. */
static void count_all(uint64_t *kept, uint64_t *lost)
{
	while (next_frame()) {
		*kept += block_info(w.block)->n_events;
		if (!find(KIND_GAP))
			continue;
		*kept -= block_rows(w.block, w.table);
		for (uint32_t i = 0; i < block_rows(w.block, w.table); i++) {
			check_text(i, "rtsec.gap.cause", "queue_full");
			*lost += value(i, "rtsec.gap.count").number;
		}
	}
}

static void test_consumer_given_a_small_queue_when_flooded_then_stored_and_lost_are_all(
	void **state)
{
	uint64_t kept = 0, lost = 0;

	(void)state;
	teardown(NULL);
	setup_sized(60000);
	for (uint32_t i = 0; i < 12000; i++) {
		char path[64];

		if (i % 100 == 0)
			feed_exec(10, "/bin/bash", 20 * second + i);
		snprintf(path, sizeof(path), "/var/%08x/%08x", i * 2654435761u, i * 40503u);
		made_open(&made, 10 + i % 7, second, 20 * second + i, path, 0);
		feed();
	}
	consumer_finish(w.consumer, "stop"); /* nobody takes a frame meanwhile */
	count_all(&kept, &lost);
	consumer_finish(w.consumer, "stop"); /* tells what the end of the first pushed out */
	count_all(&kept, &lost);
	assert_true(lost > 0);
	assert_int_equal(12000 + 120 + 2, kept + lost);
}

static void test_consumer_given_an_open_of_the_state_when_sealed_then_an_alarm_tells_who(
	void **state)
{
	char path[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/seq", w.dir);
	made_open(&made, 10, 10 * second, 20 * second, path, O_RDONLY);
	feed();
	made_open(&made, 10, 10 * second, 20 * second + 1, path, O_RDONLY); /* within a second */
	feed();
	made_open_failed(&made, 10, 10 * second, 22 * second, "/home/ann", path, EACCES);
	feed();
	run();
	assert_true(find(KIND_ALARM));
	assert_int_equal(1, block_rows(w.block, w.table));
	check_text(0, "rtsec.alarm.reason", "state_opened");
	check_text(0, "rtsec.alarm.state", "raised");
	check_text(0, "file.path", path);
	check_text(0, "process.name", "comm10");
	assert_true(find(KIND_OPEN));
	assert_int_equal(3, block_rows(w.block, w.table));
}

static void test_consumer_given_programs_detached_when_told_then_an_alarm_before_the_stop(
	void **state)
{
	(void)state;
	consumer_detached(w.consumer, 3);
	run();
	assert_true(find(KIND_ALARM));
	assert_int_equal(1, block_rows(w.block, w.table));
	check_text(0, "rtsec.alarm.reason", "detached");
	check_text(0, "message", "3 of the sensor's programs are no longer attached");
	assert_true(find(KIND_SENSOR));
}

static void test_consumer_given_a_broken_source_when_turned_then_it_says_so(void **state)
{
	(void)state;
	w.replay.failure = -EBADMSG;
	assert_int_equal(-EBADMSG, consumer_turn(w.consumer, 0));
}

/* A sensor event of the frames to come says @text. */
static bool is_said(const char *text)
{
	while (next_frame())
		for (uint32_t i = 0; find(KIND_SENSOR) && i < block_rows(w.block, w.table); i++) {
			struct block_string s = value(i, "message").string;

			if (memmem(s.s, s.n, text, strlen(text)))
				return true;
		}
	return false;
}

static struct filter *one_rule(const char *name)
{
	struct filter *f = NULL;
	struct diag d;

	assert_int_equal(0, filter_new(&f));
	assert_int_equal(0, filter_rule(f, name, FILTER_DROP, 0, &d));
	return f;
}

static void test_consumer_given_filters_when_handed_over_then_the_last_are_put_in_force(
	void **state)
{
	(void)state;
	consumer_filter(w.consumer, one_rule("first"));
	consumer_filter(w.consumer, one_rule("second"));
	assert_null(w.replay.filter);
	assert_int_equal(0, consumer_turn(w.consumer, 0));
	assert_string_equal("second", filter_name(w.replay.filter, 0));
	w.replay.refuses = -ENOSPC;
	consumer_filter(w.consumer, one_rule("third"));
	assert_int_equal(0, consumer_turn(w.consumer, 0));
	assert_string_equal("second", filter_name(w.replay.filter, 0));
	consumer_filter(w.consumer, one_rule("never"));
	consumer_finish(w.consumer, "stop");
	assert_true(is_said("filters in force: 1 rules"));
}

static void test_consumer_given_counts_when_sealed_then_the_statistics_have_them(void **state)
{
	struct block_stats s;
	char text[64];

	(void)state;
	w.replay.counts = (struct probe_counts){ 11, 12, 13, 0, 0 };
	w.replay.filter = one_rule("quiet");
	run();
	block_stats(w.block, &s);
	assert_int_equal(11, s.left_out);
	assert_int_equal(12, s.undecided);
	assert_int_equal(2, s.n_counters);
	snprintf(text, sizeof(text), "%.*s %.*s", (int)s.counters[0].n, s.counters[0].s,
		 (int)s.counters[1].n, s.counters[1].s);
	assert_string_equal("evicted followed=13 filter quiet=7", text);
}

static void test_consumer_given_a_process_from_before_when_sealed_then_it_is_counted(void **state)
{
	struct block_stats s;
	char text[64];

	(void)state;
	feed_exec(70, "/usr/bin/older", second);
	run();
	block_stats(w.block, &s);
	assert_int_equal(1, s.n_counters);
	snprintf(text, sizeof(text), "%.*s", (int)s.counters[0].n, s.counters[0].s);
	assert_string_equal("processes begin_unseen=1", text);
}

static void test_consumer_given_full_tables_when_more_gives_way_then_an_event_tells(void **state)
{
	(void)state;
	w.replay.counts = (struct probe_counts){ .unfollowed = 13, .unthrottled = 2 };
	assert_int_equal(0, consumer_turn(w.consumer, 0)); /* a heartbeat counts them */
	assert_int_equal(0, consumer_turn(w.consumer, 0));
	consumer_finish(w.consumer, "stop");
	assert_true(is_said("gave way since the start: followed=13 workloads=2"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_consumer_given_fork_exec_and_exit_when_sealed_then_the_tree_is_told),
		T(test_consumer_given_opens_when_sealed_then_paths_flags_and_creation_are_told),
		T(test_consumer_given_a_connection_when_sealed_then_both_ends_and_the_id_are_told),
		T(test_consumer_given_a_late_open_when_the_exec_came_first_then_it_is_the_old_programs),
		T(test_consumer_given_10000_arguments_when_sealed_then_all_are_told),
		T(test_consumer_given_long_arguments_in_pieces_when_sealed_then_they_are_whole),
		T(test_consumer_given_many_events_when_sealed_then_numbers_have_no_hole),
		T(test_consumer_given_losses_of_each_kind_when_sealed_then_gaps_tell_them),
		T(test_consumer_given_a_small_queue_when_flooded_then_stored_and_lost_are_all),
		T(test_consumer_given_filters_when_handed_over_then_the_last_are_put_in_force),
		T(test_consumer_given_counts_when_sealed_then_the_statistics_have_them),
		T(test_consumer_given_a_process_from_before_when_sealed_then_it_is_counted),
		T(test_consumer_given_full_tables_when_more_gives_way_then_an_event_tells),
		T(test_consumer_given_an_open_of_the_state_when_sealed_then_an_alarm_tells_who),
		T(test_consumer_given_programs_detached_when_told_then_an_alarm_before_the_stop),
		T(test_consumer_given_a_broken_source_when_turned_then_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
