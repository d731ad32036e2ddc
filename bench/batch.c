/* SPDX-License-Identifier: Apache-2.0 */
/* batch - CPU time an event of writing, sealing and loading batches of opens, and their bytes.
 * Prints one JSON line.  Data: 40 processes, 5,500 paths, 4,096 events a batch (xorshift). */
#include "lib/batch.h"
#include "lib/block.h"

enum { BATCHES = 50, EVENTS = 4096, PROCESSES = 40 };

struct bench {
	struct batch *batch;
	struct block *block;
	struct frame_codec *codec;
	struct buf frame;
	uint64_t random, seq;
};

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t next_random(struct bench *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

static void add_open(struct bench *b, uint32_t process)
{
	uint64_t x = next_random(b), file = (x >> 8) % 500;
	struct batch *to = b->batch;
	uint32_t flag;
	char path[64];
	int n = snprintf(path, sizeof(path), "/usr/lib/x86_64/%u/file%u.so", (unsigned)(x % 11),
			 (unsigned)file);

	b->seq++;
	batch_event(to, KIND_OPEN, b->seq,
		    UINT64_C(1790000000000000000) + b->seq * 20000 + x % 4096);
	batch_set_row(to, KIND_OPEN, FIELD_PROCESS, process);
	batch_set(to, KIND_OPEN, FIELD_CPU, x & 1);
	batch_set(to, KIND_OPEN, FIELD_THREAD_ID, 1000 + process);
	batch_set_str(to, KIND_OPEN, FIELD_FILE_PATH, path, (size_t)n);
	batch_set(to, KIND_OPEN, FIELD_FILE_INODE, file * 7 + 1234567);
	flag = batch_string(to, "read", 4);
	batch_set_list(to, KIND_OPEN, FIELD_OPEN_FLAGS, &flag, 1);
	batch_set_str(to, KIND_OPEN, FIELD_OUTCOME, "success", 7);
}

static void fill(struct bench *b)
{
	uint32_t rows[PROCESSES];

	for (uint32_t i = 0; i < PROCESSES; i++) {
		rows[i] = batch_process_add(b->batch, (i + 1) * UINT64_C(0x9e3779b97f4a7c15), 1);
		batch_set_str(b->batch, KIND_NONE, FIELD_EXECUTABLE, "/usr/bin/cat", 12);
		batch_set(b->batch, KIND_NONE, FIELD_PID, 1000 + i);
	}
	for (uint32_t i = 0; i < EVENTS; i++)
		add_open(b, rows[next_random(b) % PROCESSES]);
}

int main(void)
{
	static const struct batch_origin origin = { .node_id = "n", .node_name = "n" };
	struct bench b = { .random = 88172645463325252u };
	double add = 0, seal = 0, load = 0, stored = 0, per = 1e9 / BATCHES / EVENTS;
	size_t bytes = 0;

	if (batch_new(&b.batch, &origin) < 0 || block_new(&b.block) < 0 ||
	    frame_codec_new(&b.codec) < 0)
		return 1;
	for (uint32_t i = 0; i < BATCHES; i++) {
		double t = cpu_now();

		fill(&b);
		add += cpu_now() - t;
		buf_clear(&b.frame);
		t = cpu_now();
		if (batch_seal(b.batch, b.codec, NULL, 0, 1, &b.frame) < 0)
			return 1;
		seal += cpu_now() - t;
		t = cpu_now();
		if (block_load(b.block, b.frame.data, b.frame.n, NULL) < 0)
			return 1;
		load += cpu_now() - t;
		t = cpu_now();
		if (block_load_stored(b.block, b.frame.data, b.frame.n, NULL) < 0)
			return 1;
		stored += cpu_now() - t;
		bytes += b.frame.n;
	}
	printf("{\"bench\":\"batch\",\"add_ns\":%.0f,\"seal_ns\":%.0f,\"load_ns\":%.0f,"
	       "\"load_stored_ns\":%.0f,\"bytes_per_event\":%.1f}\n",
	       add * per, seal * per, load * per, stored * per, (double)bytes / BATCHES / EVENTS);
	batch_free(b.batch);
	block_free(b.block);
	frame_codec_free(b.codec);
	buf_done(&b.frame);
	return 0;
}
