/* SPDX-License-Identifier: Apache-2.0 */
/* replay SOURCE DEST NODES EVENTS [worst] - fills the store DEST with at least EVENTS events: those
 * of the store SOURCE, again and again, as NODES nodes, each at its own pace, so that blocks of all
 * of them lie over each other in time.  With "worst" nothing repeats: each event opens another file
 * with random letters, and SOURCE is not read (-).  Further, a process with 1,000 descendants on
 * node-0001, and one file that only one event has: /needle/in/one/block.
 * Prints one JSON line. */
#include "bench/copy.h"
#include "collector/store.h"
#include "lib/timestamp.h"

enum { TREE = 1000, WORST_BLOCK = 4000, COMMIT = 64 };
#define NS_PER_S UINT64_C(1000000000)

struct replay {
	struct store *to;
	struct block *block, *source;
	struct copy *copy;
	struct buf frame, *recorded;
	size_t n_recorded;
	uint64_t begin_ns, length_ns; /* of the record */
	uint64_t *seq;		      /* next, by node */
	uint64_t base_ns, n_events, n_blocks, n_bytes, random;
};

static uint64_t next_random(struct replay *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random;
}

static int store_frame(struct replay *r)
{
	struct diag d = { 0 };
	int e = block_load(r->block, r->frame.data, r->frame.n, &d);

	if (e < 0)
		fprintf(stderr, "replay: %s\n", d.text);
	if (e == 0)
		e = store_append(r->to, r->block, r->frame.data, r->frame.n,
				 store_arrival(r->to, timestamp_now()));
	r->n_events += block_info(r->block)->n_events;
	r->n_bytes += r->frame.n;
	buf_clear(&r->frame);
	if (e == 0 && ++r->n_blocks % COMMIT == 0)
		e = store_commit(r->to);
	return e;
}

/* ---- what was recorded ---- */

static int keep(const struct store_block *meta, struct block *b, void *arg)
{
	struct replay *r = arg;
	struct buf *all;
	const struct copy_change as_it_was = { .seq = 1 };
	uint32_t n;

	if (meta->n_events == 0)
		return 0;
	all = reallocarray(r->recorded, r->n_recorded + 1, sizeof(*all));
	if (!all)
		return err_origin(-ENOMEM);
	r->recorded = all;
	all[r->n_recorded] = (struct buf){ 0 };
	r->begin_ns = r->n_recorded ? MIN(r->begin_ns, meta->min_time_ns) : meta->min_time_ns;
	r->length_ns = MAX(r->length_ns, meta->max_time_ns - r->begin_ns + 1);
	return copy_block(r->copy, b, &as_it_was, &all[r->n_recorded++], &n);
}

static int read_record(struct replay *r, const char *dir)
{
	const struct store_range range = { .to_ns = UINT64_MAX, .ascending = true };
	struct store_scan_stats stats = { 0 };
	AUTO(store_reader) *reader = NULL;
	AUTO(store) *from = NULL;
	struct diag d = { 0 };
	int e = store_open(&from, dir, &d);

	if (e == 0)
		e = store_reader_new(from, &reader);
	if (e == 0)
		e = store_scan(reader, &range, NULL, keep, r, &stats);
	if (e < 0 || r->n_recorded == 0)
		fprintf(stderr, "replay: nothing can be read in %s: %s\n", dir, d.text);
	return e < 0 ? e : r->n_recorded ? 0 : -ENOENT;
}

/* One node's turn: block @i of the record in its round @round. */
static int copy_one(struct replay *r, uint32_t node, size_t i, uint64_t round)
{
	struct copy_change change = { .node = node + 1,
				      .salt = (uint64_t)(node + 1) << 40 ^ round << 16,
				      .seq = r->seq[node] };
	struct diag d;
	uint32_t n;
	int e = block_load_stored(r->source, r->recorded[i].data, r->recorded[i].n, &d);

	change.shift_ns = (int64_t)(r->base_ns + round * r->length_ns +
				    node * UINT64_C(7919) * 1000000 % NS_PER_S) -
			  (int64_t)r->begin_ns;
	if (e == 0)
		e = copy_block(r->copy, r->source, &change, &r->frame, &n);
	if (e < 0)
		return e;
	r->seq[node] += n;
	return store_frame(r);
}

static int fill_recorded(struct replay *r, uint32_t nodes, uint64_t events)
{
	int e = 0;

	for (uint64_t round = 0; e == 0 && r->n_events < events; round++)
		for (size_t i = 0; e == 0 && i < r->n_recorded; i++)
			for (uint32_t node = 0; e == 0 && node < nodes; node++)
				if (r->n_events < events)
					e = copy_one(r, node, i, round);
	return e;
}

/* ---- the worst case ---- */

static int worst_block(struct replay *r, uint32_t node, uint64_t round)
{
	char name[24], path[80];
	const struct batch_origin origin = { .node_id = name,
					     .node_name = name,
					     .boot_id = { (uint8_t)node, 1 },
					     .architecture = "x86_64",
					     .os_kernel = "6.18.0",
					     .agent_version = "0.1.0" };
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;
	uint32_t process;

	snprintf(name, sizeof(name), "node-%04u", node + 1);
	if (frame_codec_new(&codec) < 0 || batch_new(&b, &origin) < 0)
		return -ENOMEM;
	process = batch_process_add(b, next_random(r) | 1, 0);
	batch_set_str(b, KIND_NONE, FIELD_NAME, "worst", 5);
	batch_set(b, KIND_NONE, FIELD_PID, next_random(r) % 32768);
	for (uint32_t i = 0; i < WORST_BLOCK; i++) {
		int n = snprintf(path, sizeof(path), "/var/%08llx/%016llx.dat",
				 (unsigned long long)next_random(r) >> 32,
				 (unsigned long long)next_random(r));

		batch_event(b, KIND_OPEN, r->seq[node]++,
			    r->base_ns + round * NS_PER_S + i * 250000 + next_random(r) % 250000);
		batch_set_row(b, KIND_OPEN, FIELD_PROCESS, process);
		batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, path, (size_t)n);
		batch_set(b, KIND_OPEN, FIELD_FILE_INODE, next_random(r) % 100000000);
	}
	if (batch_seal(b, codec, NULL, r->seq[node], r->base_ns, &r->frame) < 0)
		return -ENOMEM;
	return store_frame(r);
}

static int fill_worst(struct replay *r, uint32_t nodes, uint64_t events)
{
	int e = 0;

	for (uint64_t round = 0; e == 0 && r->n_events < events; round++)
		for (uint32_t node = 0; e == 0 && node < nodes && r->n_events < events; node++)
			e = worst_block(r, node, round);
	return e;
}

/* ---- what is looked for ---- */

/* 0xfeed0000 and 1,000 below it: each has at most 10 children. */
static int add_tree(struct replay *r)
{
	const struct batch_origin origin = { .node_id = "node-0001",
					     .node_name = "node-0001",
					     .boot_id = { 9 },
					     .architecture = "x86_64",
					     .os_kernel = "6.18.0",
					     .agent_version = "0.1.0" };
	uint32_t rows[TREE + 1];
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;

	if (frame_codec_new(&codec) < 0 || batch_new(&b, &origin) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i <= TREE; i++) {
		rows[i] = batch_process_add(b, UINT64_C(0xfeed0000) + i, 0);
		batch_set_str(b, KIND_NONE, FIELD_NAME, "tree", 4);
		batch_set(b, KIND_NONE, FIELD_PID, 2000 + i);
		if (i)
			batch_set_row(b, KIND_NONE, FIELD_PARENT, rows[(i - 1) / 10]);
		batch_event(b, KIND_EXEC, i + 1, r->base_ns + i);
		batch_set_row(b, KIND_EXEC, FIELD_PROCESS, rows[i]);
	}
	batch_event(b, KIND_OPEN, TREE + 2, r->base_ns + TREE + 1);
	batch_set_row(b, KIND_OPEN, FIELD_PROCESS, rows[0]);
	batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, "/needle/in/one/block", 20);
	if (batch_seal(b, codec, NULL, TREE + 3, r->base_ns, &r->frame) < 0)
		return -ENOMEM;
	return store_frame(r);
}

int main(int argc, char **argv)
{
	struct replay r = { .random = 88172645463325252u };
	uint32_t nodes = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	uint64_t events = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	bool worst = argc > 5 && strcmp(argv[5], "worst") == 0;
	struct diag d = { 0 };
	int e;

	if (nodes == 0 || nodes > 60000 || events == 0) {
		fprintf(stderr, "usage: replay SOURCE DEST NODES EVENTS [worst]\n");
		return 2;
	}
	r.seq = calloc(nodes, sizeof(*r.seq));
	for (uint32_t i = 0; r.seq && i < nodes; i++)
		r.seq[i] = 1;
	r.base_ns = timestamp_now() - 3600 * NS_PER_S * 12;
	e = r.seq ? store_open(&r.to, argv[2], &d) : -ENOMEM;
	if (e == 0)
		e = block_new(&r.block);
	if (e == 0)
		e = block_new(&r.source);
	if (e == 0)
		e = copy_new(&r.copy);
	if (e == 0 && !worst)
		e = read_record(&r, argv[1]);
	if (e == 0)
		e = add_tree(&r);
	if (e == 0)
		e = worst ? fill_worst(&r, nodes, events) : fill_recorded(&r, nodes, events);
	if (e == 0)
		e = store_commit(r.to);
	if (e < 0)
		fprintf(stderr, "replay: %s %s\n", strerror(-e), d.text);
	printf("{\"events\":%llu,\"blocks\":%llu,\"nodes\":%u,\"bytes\":%llu,\"recorded_blocks\":%"
	       "zu}\n",
	       (unsigned long long)r.n_events, (unsigned long long)r.n_blocks, nodes,
	       (unsigned long long)r.n_bytes, r.n_recorded);
	store_free(r.to);
	return e < 0;
}
