/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel records, any bytes: what record_open() lets through must be safe to read, and what enrich
 * makes of it must be a batch that the collector's reader accepts.  Input: records one after the
 * other, each begun by its own size. */
#include "lib/block.h"
#include "sensor/enrich.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_records)

static struct enrich *enrich;
static struct block *block;
static struct frame_codec *codec;
static struct gather gather;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void begin(void)
{
	static const uint8_t boot[16] = { 1 };
	static const struct batch_origin origin = { .node_id = "node", .node_name = "name" };
	const struct known_config config = { .node_id = "node",
					     .boot_id = boot,
					     .max_processes = 64,
					     .proc_root = "/proc/self/fdinfo",
					     .passwd = "/dev/null",
					     .group = "/dev/null" };

	check(enrich_new(&enrich, &config) == 0 && block_new(&block) == 0 &&
	      frame_codec_new(&codec) == 0 && gather_init(&gather, 0, &origin) == 0);
}

/* Reads every byte of a record's views, so that a sanitizer sees a bad one. */
static void read_views(const struct record *r)
{
	static char text[REC_PATH_BYTES + REC_NAME_BYTES + 2], small[16];
	volatile char sum = 0;

	for (int i = 0; i < 2; i++) {
		if (!r->path[i].parts || !r->name[i].s)
			continue;
		check(record_path_text(&r->path[i], text, sizeof(text)) < sizeof(text));
		check(record_path_text(&r->path[i], small, sizeof(small)) < sizeof(small));
		check(record_asked_text(&r->path[i], &r->name[i], text, sizeof(text)) <
		      sizeof(text));
		check(record_asked_text(&r->path[i], &r->name[i], small, sizeof(small)) <
		      sizeof(small));
	}
	for (uint32_t i = 0; i < r->n_arg_bytes; i++)
		sum = (char)(sum + r->arg_bytes[i]);
}

static void check_batch(struct gather *g, uint64_t next_seq)
{
	const struct batch_stats stats = { 0 };
	struct outbox_frame *f = NULL;
	struct diag d = { 0 };

	check(gather_seal(g, codec, &stats, next_seq, 1, &f) == 0);
	check(block_load(block, f->data, f->n, &d) == 0);
	outbox_frame_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint64_t seq = 1;
	uint32_t size;

	if (!enrich)
		begin();
	while (n >= sizeof(size)) {
		struct record r;
		void *copy;

		memcpy(&size, data, sizeof(size));
		size = (uint32_t)MIN(MAX(size, 4u), n);
		copy = aligned_alloc(8, ((size_t)size + 7) / 8 * 8);
		check(copy != NULL);
		memcpy(copy, data, size);
		if (record_open(&r, copy, size) == 0 && r.head->time_ns < UINT64_MAX / 4) {
			read_views(&r);
			enrich_record(enrich, &r, &gather, &seq);
		}
		free(copy);
		data += size;
		n -= size;
	}
	check_batch(&gather, seq);
	return 0;
}
