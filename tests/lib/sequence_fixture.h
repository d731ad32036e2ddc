/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_fixture - events written as words, such as "A1@10": the letters are file.name (so one
 * event may be several), the digit the process.pid, and after @ the second.  Matches are written
 * the same way, "A1@10 B1@11", with - for what is missing, and ; between two. */
#pragma once
#include "tests/test.h"

#include "lib/batch.h"
#include "lib/block.h"
#include "lib/sequence.h"

enum { SEQ_MAX_EVENTS = 512, SEQ_BASE_S = 1795000000 };
#define SEQ_NS UINT64_C(1000000000)

struct seq_event {
	char letters[8];
	unsigned pid, second; /* pid 0: no process */
	uint64_t seq;
};

struct seq_world {
	struct seq_event events[SEQ_MAX_EVENTS]; /* event.sequence - 1 is its place */
	uint32_t n;
	struct block *block;
	struct expr_scratch *scratch;
	struct buf told;
	struct sequence *sequence; /* set while it runs */
	struct sequence_info info;
	size_t memory_bytes;
	uint32_t stop_after; /* matches; 0: never */
};

static inline void seq_setup(struct seq_world *w)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(block_new(&w->block), 0);
	assert_int_equal(expr_scratch_new(&w->scratch), 0);
}

static inline void seq_done(struct seq_world *w)
{
	block_free(w->block);
	expr_scratch_free(w->scratch);
	buf_done(&w->told);
}

static inline void seq_add(struct seq_world *w, const char *letters, unsigned pid, unsigned second)
{
	struct seq_event *e = &w->events[w->n++];

	assert_true(w->n <= SEQ_MAX_EVENTS);
	snprintf(e->letters, sizeof(e->letters), "%s", letters);
	e->pid = pid;
	e->second = second;
	e->seq = w->n;
}

static inline UNUSED void seq_read(struct seq_world *w, const char *text)
{
	w->n = 0;
	for (const char *at = text; *at;) {
		char letters[8];
		unsigned pid, second;
		int n = 0;

		assert_int_equal(sscanf(at, " %7[A-Z]%u@%u%n", letters, &pid, &second, &n), 3);
		seq_add(w, letters, pid, second);
		at += n;
	}
}

/* Events [from, to) that @take says yes to (NULL: all), as a block of their own. */
static inline void seq_load(struct seq_world *w, uint32_t from, uint32_t to,
			    bool (*take)(uint32_t i))
{
	const struct batch_origin origin = { .node_id = "n1",
					     .node_name = "n1",
					     .architecture = "x86_64",
					     .os_kernel = "6",
					     .agent_version = "0" };
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;
	AUTO_BUF struct buf frame = { 0 };
	uint32_t process[16] = { 0 };
	struct diag d;

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_new(&b, &origin), 0);
	for (uint32_t i = from; i < to; i++) {
		const struct seq_event *e = &w->events[i];
		enum kind kind = e->seq % 3 ? KIND_OPEN : KIND_CREATION;

		if (take && !take(i))
			continue;
		assert_true(e->pid < 16);
		if (e->pid && !process[e->pid]) {
			process[e->pid] = batch_process_add(b, 0x100 + e->pid, 0);
			batch_set(b, KIND_NONE, FIELD_PID, e->pid);
		}
		batch_event(b, kind, e->seq, (SEQ_BASE_S + e->second) * SEQ_NS);
		if (e->pid)
			batch_set_row(b, kind, FIELD_PROCESS, process[e->pid]);
		batch_set_str(b, kind, FIELD_FILE_PATH, e->letters, strlen(e->letters));
	}
	assert_true(batch_seal(b, codec, NULL, w->n + 1, 1, &frame) >= 0);
	assert_int_equal(block_load(w->block, frame.data, frame.n, &d), 0);
}

static inline int seq_on_match(const struct sequence_match *m, void *arg)
{
	struct seq_world *w = arg;
	struct sequence_info info;

	buf_str(&w->told, w->told.n ? "; " : "");
	for (uint32_t i = 0; i < m->n_events; i++) {
		const struct seq_event *e;

		buf_str(&w->told, i ? " " : "");
		if (m->events[i].missing) {
			buf_str(&w->told, "-");
			continue;
		}
		e = &w->events[m->events[i].seq - 1];
		buf_printf(&w->told, "%s%u@%u", e->letters, e->pid, e->second);
	}
	sequence_info(w->sequence, &info);
	return w->stop_after && info.n_matches >= w->stop_after ? 7 : 0;
}

static inline struct eql_statement *seq_parse(const char *text)
{
	struct eql_statement *st = NULL;
	struct diag d = { 0 };

	if (eql_statement_parse(&st, text, strlen(text), &d) < 0)
		fail_msg("%s\n%u:%u: %s", text, d.line, d.column, d.text);
	return st;
}

static inline struct sequence *seq_begin(struct seq_world *w, const struct eql_statement *st)
{
	const struct sequence_config config = { .statement = st,
						.to_ns = UINT64_MAX,
						.memory_bytes = w->memory_bytes,
						.match = seq_on_match,
						.arg = w };

	buf_clear(&w->told);
	assert_int_equal(sequence_new(&w->sequence, &config), 0);
	return w->sequence;
}

/* What was told, and the end. */
static inline const char *seq_end(struct seq_world *w)
{
	sequence_info(w->sequence, &w->info);
	w->sequence = sequence_free(w->sequence);
	buf_byte(&w->told, 0);
	return (const char *)w->told.data;
}
