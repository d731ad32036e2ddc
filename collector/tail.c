/* SPDX-License-Identifier: Apache-2.0 */
/* A tail is in one of two modes.  In replay, jobs read blocks from the store in the order of their
 * arrival, a bounded piece at a time and only when the client has taken the last one.  When a job
 * came to the store's end, and nothing was delivered live since it began, the tail goes live at the
 * place where the job ended; else another job reads what came in between. */
#include "collector/tail.h"

#include "collector/query.h"
#include "lib/timestamp.h"

enum {
	MAX_TAILS = 64,
	LIVE_BYTES = 1 << 20,	  /* of events that wait for the client */
	REPLAY_BYTES = 256 << 10, /* of one piece of replay */
	KEEP_ALIVE_MS = 10000,
};

/* Everything up to here was shown: all blocks that arrived before @ns, of the one that arrived then
 * the events up to @seq (UINT64_MAX: all). */
struct place {
	uint64_t ns, seq;
};

struct row {
	uint64_t seq;
	uint32_t table, row;
};

/* The hits of one block, by seq. */
struct rows {
	struct row *list;
	size_t n, room;
};

struct tail {
	struct tails *tails;
	struct tail *previous, *next;
	struct request *request;
	struct tail_request what;
	struct buf out;
	size_t taken; /* of out */
	uint64_t dropped;
	uint64_t wrote_ms; /* loop time */
	struct place place;
	bool live, closed;
	/* replay */
	struct pool_job job;
	bool job_runs, job_is_done; /* is_done: it came to the store's end */
	int job_result;
	uint64_t delivered_ns,
		delivered_before_ns; /* newest block delivered live; before the job */
	struct buf piece;
	struct rows piece_rows;
	struct expr_scratch *job_scratch;
};

struct tails {
	struct server *server;
	uv_loop_t *loop;
	struct tail *first;
	struct tails_counters counters;
	struct expr_scratch *scratch;
	struct rows rows;
};

/* ---- writing events ---- */

static int add_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	const uint64_t *seq = block_column(b, table, FIELD_SEQ);
	struct rows *rows = arg;

	if (rows->n == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 256;
		struct row *list = realloc(rows->list, room * sizeof(*list));

		if (!list)
			return err_origin(-ENOMEM);
		rows->list = list;
		rows->room = room;
	}
	rows->list[rows->n++] = (struct row){ seq && seq[row] ? seq[row] - 1 : 0, table, row };
	return 0;
}

static int by_seq(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	return (a->seq > b->seq) - (a->seq < b->seq);
}

/* The hits of @b after @after_seq (UINT64_MAX: all), by seq. */
static int find_rows(struct expr_scratch *s, const struct tail *t, struct block *b,
		     struct rows *ret)
{
	int r;

	ret->n = 0;
	if (!query_node_is(b, t->what.node) || !scope_has(t->what.scope, block_info(b)))
		return 0;
	r = query_rows(s, t->what.expr, b, add_row, ret);
	if (r == 0 && ret->n > 1)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_seq);
	return r;
}

static void write_event(const struct tail *t, const struct row *row, uint64_t ns, struct buf *out)
{
	struct json j = json_to(out);

	buf_printf(out, "id: %llu.%llu\nevent: hit\ndata: ", (unsigned long long)ns,
		   (unsigned long long)row->seq);
	document_write(t->what.document, row->row, &j);
	buf_str(out, "\n\n");
}

/* Writes rows[@from ..] while @out holds less than @limit bytes.  Returns how far it came. */
static size_t write_rows(const struct tail *t, struct block *b, const struct rows *rows,
			 size_t from, struct buf *out, size_t limit)
{
	uint32_t table = UINT32_MAX;
	size_t i;

	for (i = from; i < rows->n && out->n < limit; i++) {
		const struct row *row = &rows->list[i];

		if (row->table != table)
			document_begin(t->what.document, b, row->table);
		table = row->table;
		write_event(t, row, block_info(b)->ingested_ns, out);
	}
	return i;
}

static size_t waiting_bytes(const struct tail *t)
{
	return t->out.n - t->taken;
}

/* Drops what the client has taken from the front. */
static void move_up(struct tail *t)
{
	if (!t->taken)
		return;
	memmove(t->out.data, t->out.data + t->taken, waiting_bytes(t));
	t->out.n -= t->taken;
	t->taken = 0;
}

static void tell_dropped(struct tail *t)
{
	if (!t->dropped || waiting_bytes(t) > LIVE_BYTES / 2)
		return;
	buf_printf(&t->out, "event: dropped\ndata: {\"count\":%llu}\n\n",
		   (unsigned long long)t->dropped);
	t->dropped = 0;
}

static void wrote(struct tail *t)
{
	t->wrote_ms = uv_now(t->tails->loop);
	request_wake(t->request);
}

/* ---- live ---- */

static void deliver(struct tail *t, struct block *b)
{
	struct tails *all = t->tails;
	uint64_t ns = block_info(b)->ingested_ns;
	size_t n;

	if (ns <= t->place.ns || find_rows(all->scratch, t, b, &all->rows) < 0)
		return;
	t->place = (struct place){ ns, UINT64_MAX };
	if (all->rows.n == 0)
		return;
	move_up(t);
	tell_dropped(t);
	n = write_rows(t, b, &all->rows, 0, &t->out, LIVE_BYTES);
	all->counters.events += n;
	t->dropped += all->rows.n - n;
	all->counters.dropped += all->rows.n - n;
	wrote(t);
}

void tails_deliver(struct tails *all, struct block *b, uint64_t dropped)
{
	all->counters.dropped += dropped;
	for (struct tail *t = all->first; t; t = t->next) {
		t->delivered_ns = block_info(b)->ingested_ns;
		if (!t->live)
			continue; /* the replay reads it from the store */
		t->dropped += dropped;
		deliver(t, b);
	}
}

/* ---- replay ---- */

static enum store_wish replay_wanted(const struct store_block *meta, void *arg)
{
	const struct tail *t = arg;

	(void)meta;
	return atomic_load(&t->job.cancel) ? STORE_STOP : STORE_READ;
}

static int replay_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct tail *t = arg;
	struct rows *rows = &t->piece_rows;
	size_t from = 0, to;
	int r = find_rows(t->job_scratch, t, b, rows);

	if (r < 0)
		return r;
	while (meta->ingested_ns == t->place.ns && from < rows->n &&
	       (t->place.seq == UINT64_MAX || rows->list[from].seq <= t->place.seq))
		from++;
	to = write_rows(t, b, rows, from, &t->piece, REPLAY_BYTES);
	if (to == rows->n)
		t->place = (struct place){ meta->ingested_ns, UINT64_MAX };
	else if (to > from)
		t->place = (struct place){ meta->ingested_ns, rows->list[to - 1].seq };
	return to < rows->n; /* 1: the piece is full: another job goes on from here */
}

static void replay_run(struct query_worker *w, struct pool_job *job)
{
	struct tail *t = (struct tail *)((char *)job - offsetof(struct tail, job));
	struct store_scan_stats stats = { 0 };
	struct store_range range = {
		.to_ns = UINT64_MAX,
		.kinds = t->what.expr ? expr_kinds(t->what.expr) : 0,
		.node = t->what.node,
		.expr = t->what.expr,
		.arrived_after_ns = t->place.ns - (t->place.seq == UINT64_MAX ? 0 : 1),
	};
	int r = 0;

	if (!t->job_scratch)
		r = expr_scratch_new(&t->job_scratch);
	store_reader_scope(query_worker_reader(w), t->what.scope);
	if (r == 0)
		r = store_scan(query_worker_reader(w), &range, replay_wanted, replay_block, t,
			       &stats);
	store_reader_scope(query_worker_reader(w), NULL);
	t->job_result = r < 0 || buf_ok(&t->piece) ? r : -ENOMEM;
	t->job_is_done = r == 0;
}

static void replay_next(struct tail *t);
static void tail_free(struct tail *t);

static void replay_done(struct pool_job *job)
{
	struct tail *t = (struct tail *)((char *)job - offsetof(struct tail, job));

	t->job_runs = false;
	if (t->closed) {
		tail_free(t);
		return;
	}
	if (t->job_result < 0) {
		buf_str(&t->out, "event: error\ndata: {\"detail\":\"the replay failed\"}\n\n");
		t->closed = true; /* the client comes back to where it was */
	} else {
		move_up(t);
		buf_add(&t->out, t->piece.data, t->piece.n);
	}
	buf_clear(&t->piece);
	if (t->job_is_done && !t->closed) {
		if (t->place.ns < t->delivered_before_ns)
			t->place = (struct place){ t->delivered_before_ns, UINT64_MAX };
		t->live = t->delivered_ns <= t->place.ns;
	}
	wrote(t);
	replay_next(t);
}

/* Reads on when the client has taken what there is. */
static void replay_next(struct tail *t)
{
	if (t->live || t->job_runs || t->closed || waiting_bytes(t) || t->tails->server->stopping)
		return;
	t->delivered_before_ns = t->delivered_ns;
	t->job.run = replay_run;
	t->job.done = replay_done;
	t->job_runs = true;
	if (pool_submit(t->tails->server->pool, &t->job) != 0)
		t->job_runs = false; /* the next tick tries again */
}

/* ---- the stream ---- */

static ssize_t tail_read(void *buf, size_t max, void *arg)
{
	struct tail *t = arg;
	size_t n = MIN(waiting_bytes(t), max);

	if (!buf_ok(&t->out))
		return -1;
	if (n == 0 && t->closed)
		return -1;
	memcpy(buf, t->out.data + t->taken, n);
	t->taken += n;
	if (waiting_bytes(t) == 0) {
		buf_clear(&t->out);
		t->taken = 0;
		tell_dropped(t);
		replay_next(t);
	}
	return (ssize_t)n;
}

static void tail_free(struct tail *t)
{
	buf_done(&t->out);
	buf_done(&t->piece);
	free(t->piece_rows.list);
	expr_scratch_free(t->job_scratch);
	expr_free(t->what.expr);
	document_free(t->what.document);
	free(t->what.node);
	free(t);
}

static void count(struct tails *all, int change)
{
	all->counters.open += (uint64_t)change;
	hub_set_listeners(all->server->config.hub, (uint32_t)all->counters.open);
}

static void tail_closed(void *arg)
{
	struct tail *t = arg;

	if (t->next)
		t->next->previous = t->previous;
	if (t->previous)
		t->previous->next = t->next;
	else
		t->tails->first = t->next;
	count(t->tails, -1);
	t->closed = true;
	atomic_store(&t->job.cancel, true);
	if (!t->job_runs) /* else replay_done() frees it */
		tail_free(t);
}

static void keep_alive(struct tail *t)
{
	if (t->live && waiting_bytes(t) == 0 && t->place.ns)
		buf_printf(&t->out, "id: %llu\n", (unsigned long long)t->place.ns);
	buf_str(&t->out, ": keep-alive\n\n");
	wrote(t);
}

void tails_tick(struct tails *all)
{
	for (struct tail *t = all->first; t; t = t->next) {
		if (uv_now(all->loop) - t->wrote_ms >= KEEP_ALIVE_MS &&
		    waiting_bytes(t) < LIVE_BYTES)
			keep_alive(t);
		replay_next(t);
	}
}

/* ---- opening ---- */

/* Reads NS or NS.SEQ. */
static bool parse_place(const char *s, struct place *ret)
{
	char *end;

	ret->seq = UINT64_MAX;
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	ret->ns = strtoull(s, &end, 10);
	if (*end == '.' && end[1] >= '0' && end[1] <= '9')
		ret->seq = strtoull(end + 1, &end, 10);
	return *end == 0 && errno == 0 && ret->ns > 1;
}

static struct tail *tail_new(struct tails *all, struct request *r, const struct tail_request *what)
{
	struct tail *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tails = all;
	t->request = r;
	t->what = *what;
	t->live = !what->last_event_id;
	t->wrote_ms = uv_now(all->loop);
	t->next = all->first;
	if (t->next)
		t->next->previous = t;
	all->first = t;
	count(all, 1);
	return t;
}

static const char *refusal(const struct tails *all, const struct tail_request *what,
			   unsigned *ret_status)
{
	struct place place;

	*ret_status = 400;
	if (what->last_event_id && !parse_place(what->last_event_id, &place))
		return "Last-Event-ID: an id that this resource has sent is expected";
	*ret_status = 503;
	if (all->counters.open >= MAX_TAILS || all->server->stopping)
		return "too many live tails are open";
	return NULL;
}

/* A live tail begins behind all that is stored: who loses the connection before the first hit
 * comes back to there. */
static void tell_place(struct tail *t)
{
	uint64_t ns = t->live ? store_arrived(t->tails->server->config.store) : 0;

	if (ns)
		buf_printf(&t->out, "id: %llu\n", (unsigned long long)ns);
}

void tail_open(struct tails *all, struct request *r, const struct tail_request *what)
{
	unsigned status;
	const char *no = refusal(all, what, &status);
	struct tail *t = no || request_is_head(r) ? NULL : tail_new(all, r, what);
	struct stream stream = { tail_read, tail_closed, t };

	if (t) {
		if (what->last_event_id && parse_place(what->last_event_id, &t->place))
			t->what.last_event_id = NULL;
		buf_str(&t->out, "retry: 1000\n");
		tell_place(t);
		buf_str(&t->out, ": rtsec\n\n");
	} else {
		expr_free(what->expr);
		document_free(what->document);
		free(what->node);
	}
	request_add_header(r, "X-Accel-Buffering", "no");
	if (t)
		request_stream(r, "text/event-stream", &stream);
	else if (no)
		request_problem_text(r, status, no);
	else if (request_is_head(r))
		request_answer(r, 200, "text/event-stream");
	else
		request_problem_errno(r, -ENOMEM);
}

int tails_new(struct tails **ret, struct server *s, uv_loop_t *loop)
{
	struct tails *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return err_origin(-ENOMEM);
	all->server = s;
	all->loop = loop;
	r = expr_scratch_new(&all->scratch);
	if (r < 0)
		return tails_free(all), r;
	*ret = all;
	return 0;
}

struct tails *tails_free(struct tails *all)
{
	if (!all)
		return NULL;
	expr_scratch_free(all->scratch);
	free(all->rows.list);
	free(all);
	return NULL;
}

void tails_counters(const struct tails *all, struct tails_counters *ret)
{
	*ret = all->counters;
}
