/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/export: batches as they came, in the form of a day's frames file (collector/day.h).
 */
#include "collector/api.h"
#include "collector/day.h"

enum { EXPORT_BYTES = 8 << 20 }; /* of an answer, but for its last batch */

struct task {
	struct ask ask;
	uint64_t after_ns; /* the cursor: when the last batch had arrived */
};

static void task_free(void *arg)
{
	struct task *t = arg;

	if (!t)
		return;
	ask_done(&t->ask);
	free(t);
}
DEFINE_FREEP(task)

struct exported {
	uint64_t batches, events, last_ns;
	bool more;
	struct buf *out;
	const atomic_bool *cancel;
};

static enum store_wish on_wanted(const struct store_block *meta, void *arg)
{
	struct exported *e = arg;

	(void)meta;
	if (atomic_load_explicit(e->cancel, memory_order_relaxed))
		return STORE_STOP;
	e->more = e->out->n >= EXPORT_BYTES;
	return e->more ? STORE_STOP : STORE_READ;
}

static int add_batch(struct exported *e, struct store_reader *r, const struct store_block *meta)
{
	uint8_t header[DAY_RECORD_HEADER_BYTES];
	size_t n;
	const void *frame = store_walk_frame(r, &n);

	day_frame_header(header, frame, n, meta->ingested_ns);
	buf_add(e->out, header, sizeof(header));
	buf_add(e->out, frame, n);
	e->batches++;
	e->events += meta->n_events;
	e->last_ns = meta->ingested_ns;
	return buf_ok(e->out) ? 0 : err_origin(-ENOMEM);
}

static int gather(const struct task *t, struct store_reader *reader, struct exported *e,
		  struct store_scan_stats *stats)
{
	struct store_range range = { .from_ns = t->ask.from_ns,
				     .to_ns = t->ask.to_ns,
				     .node = t->ask.node,
				     .arrived_after_ns = MAX(t->after_ns, UINT64_C(1)) };
	const struct store_block *meta;
	struct block *b;
	int r = store_walk_begin(reader, &range, on_wanted, e, stats);

	if (r < 0)
		return r;
	while ((r = store_walk_next(reader, &meta, &b)) == STORE_E_BLOCK) {
		r = add_batch(e, reader, meta);
		if (r < 0)
			break;
	}
	store_walk_end(reader);
	if (r == 0 && atomic_load(e->cancel))
		r = -ECANCELED;
	return r;
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	const struct task *t = task;
	struct exported e = { .out = request_body(r),
			      .cancel = request_cancel(r),
			      .last_ns = t->after_ns };
	struct store_scan_stats stats = { 0 };
	int error = gather(t, query_worker_reader(w), &e, &stats);

	if (error < 0) {
		request_problem_errno(r, error);
		return;
	}
	if (e.more)
		request_add_number(r, "Rtsec-Cursor", e.last_ns);
	request_add_number(r, "Rtsec-Batches", e.batches);
	request_add_number(r, "Rtsec-Events", e.events);
	request_add_number(r, "Rtsec-Scanned-Blocks-Damaged", stats.blocks_damaged);
	request_answer(r, 200, "application/octet-stream");
}

static bool read_cursor(struct request *r, struct task *t)
{
	struct diag d = { 0 };

	if (request_params(r)->value[PARAM_CURSOR].n == 0 ||
	    params_number(request_params(r), PARAM_CURSOR, 1, INT64_MAX, &t->after_ns, &d) == 0)
		return true;
	api_bad_param(r, PARAM_CURSOR, &d);
	return false;
}

void api_export(struct request *r)
{
	AUTO(task) *t = api_task(r, sizeof(*t));

	if (t && ask_read(r, false, &t->ask) && read_cursor(r, t))
		request_run(r, work, TAKE(t), task_free);
}
