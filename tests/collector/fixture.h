/* SPDX-License-Identifier: Apache-2.0 */
/* fixture - folders and batches for the tests of the collector. */
#pragma once
#include "tests/test.h"

#include <ftw.h>

#include "lib/batch.h"
#include "lib/block.h"
#include "lib/timestamp.h"

static const uint64_t fixture_day_ns = 86400000000000u;

/* Makes a folder of its own below TMPDIR; the caller gives it to fixture_remove(). */
static inline UNUSED void fixture_folder(char path[128])
{
	const char *base = getenv("TMPDIR");

	snprintf(path, 128, "%s/rtsec-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline int fixture_remove_one(const char *path, const struct stat *s, int flag,
				     struct FTW *ftw)
{
	(void)s;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline UNUSED void fixture_remove(const char *path)
{
	nftw(path, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What a batch of the tests holds: @n opens of "/srv/WORD/N", a process "WORD" for them. */
struct fixture_batch {
	const char *node, *name; /* NULL: "n1", the node's id */
	uint8_t boot;
	uint64_t first_seq, time_ns, step_ns; /* of the first event; between two */
	uint32_t n;
	const char *word; /* NULL: "plain" */
	enum kind kind;	  /* KIND_NONE: OPEN */
};

static inline uint32_t fixture_process(struct batch *b, const struct fixture_batch *f,
				       const char *word)
{
	uint32_t process = batch_process_add(b, 0x1000 + f->first_seq, 0);

	batch_set_str(b, KIND_NONE, FIELD_NAME, word, strlen(word));
	batch_set(b, KIND_NONE, FIELD_PID, 4000 + f->boot);
	return process;
}

/* Appends the frame of @f to @out. */
static inline UNUSED void fixture_frame(const struct fixture_batch *f, struct buf *out)
{
	const char *node = f->node ? f->node : "n1", *word = f->word ? f->word : "plain";
	struct batch_origin origin = { .node_id = node,
				       .node_name = f->name ? f->name : node,
				       .boot_id = { f->boot },
				       .architecture = "x86_64",
				       .os_kernel = "6.18",
				       .agent_version = "0.1" };
	enum kind kind = f->kind ? f->kind : KIND_OPEN;
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;
	uint32_t process = 0;

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_new(&b, &origin), 0);
	if (f->n)
		process = fixture_process(b, f, word);
	for (uint32_t i = 0; i < f->n; i++) {
		char path[256];
		int n = snprintf(path, sizeof(path), "/srv/%s/%u", word, i);

		batch_event(b, kind, f->first_seq + i, f->time_ns + i * f->step_ns);
		batch_set_row(b, kind, FIELD_PROCESS, process);
		batch_set_str(b, kind, FIELD_FILE_PATH, path, (size_t)n);
	}
	assert_int_equal(batch_seal(b, codec, NULL, f->first_seq, f->time_ns, out), 0);
}
