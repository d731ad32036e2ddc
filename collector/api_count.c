/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/count and /api/v1/hits */
#include "collector/api.h"
#include "collector/explain.h"
#include "collector/query_sequence.h"
#include "lib/timestamp.h"

#define NS_PER_MS UINT64_C(1000000)

struct tally {
	struct ask ask;
	bool explain;
	struct query_buckets buckets;
};

static void tally_free(void *arg)
{
	struct tally *t = arg;

	if (!t)
		return;
	ask_done(&t->ask);
	free(t->buckets.counts);
	free(t);
}
DEFINE_FREEP(tally)

/* Ends the object with what every answer says; sends it, or the problem that @e is. */
static void finish(struct request *r, struct query_worker *w, const struct query *q, struct json *j,
		   bool explain, int e)
{
	uint32_t n;

	if (e == 0)
		e = api_write_gaps(w, q, j, &n);
	if (e == 0 && explain)
		e = explain_write(w, q, j);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	api_write_stats(r, q->stats, j);
	api_finish(r, j);
}

/* ---- count ---- */

static void count_sequences(struct request *r, struct query_worker *w, const struct query *q,
			    const struct tally *t)
{
	struct json j = json_to(request_body(r));
	struct sequence_info info = { 0 };
	int e = query_count_sequences(w, q, t->ask.pipe->series, &info);

	json_begin_object(&j);
	json_key_uint(&j, "count", info.n_matches);
	json_key_uint(&j, "evicted", info.n_evicted);
	json_key_uint(&j, "late", info.n_late);
	json_key_bool(&j, "truncated", info.n_evicted || info.n_late);
	finish(r, w, q, &j, t->explain, e);
}

static void work_count(struct request *r, struct query_worker *w, void *task)
{
	const struct tally *t = task;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct json j = json_to(request_body(r));
	const struct pipe *pipe = t->ask.pipe;
	uint64_t n = 0;
	int e;

	if (pipe && pipe->series) {
		count_sequences(r, w, &q, t);
		return;
	}
	e = query_count(w, &q, &n);
	json_begin_object(&j);
	json_key_uint(&j, "count", n);
	if (query_lacks_kin(w, &q))
		json_key_bool(&j, "truncated", true);
	finish(r, w, &q, &j, t->explain, e);
}

void api_count(struct request *r)
{
	AUTO(tally) *t = api_task(r, sizeof(*t));

	if (t && ask_read_count(r, &t->ask) && api_read_bool(r, PARAM_EXPLAIN, &t->explain))
		request_run(r, work_count, TAKE(t), tally_free);
}

/* ---- hits ---- */

static void work_hits(struct request *r, struct query_worker *w, void *task)
{
	const struct tally *t = task;
	const struct query_buckets *b = &t->buckets;
	struct store_scan_stats stats = { 0 };
	struct query q = ask_query(&t->ask, r, &stats);
	struct json j = json_to(request_body(r));
	uint64_t total = 0;
	int e = query_histogram(w, &q, b);

	json_begin_object(&j);
	json_key_time(&j, "from", q.from_ns);
	json_key_time(&j, "to", q.to_ns);
	json_key_uint(&j, "interval_ms", b->interval_ns / NS_PER_MS);
	json_key(&j, "buckets");
	json_begin_array(&j);
	for (size_t i = 0; i < b->n; i++) {
		json_begin_object(&j);
		json_key_time(&j, "from", b->origin_ns + i * b->interval_ns);
		json_key_uint(&j, "count", b->counts[i]);
		json_end_object(&j);
		total += b->counts[i];
	}
	json_end_array(&j);
	json_key_uint(&j, "total", total);
	finish(r, w, &q, &j, false, e);
}

/* Widths that people read easily, in ms. */
static const uint64_t steps_ms[] = {
	1,	  2,	    5,	      10,	 20,	    50,	     100,     200,
	500,	  1000,	    2000,     5000,	 10000,	    15000,   30000,   60000,
	120000,	  300000,   600000,   900000,	 1800000,   3600000, 7200000, 10800000,
	21600000, 43200000, 86400000, 172800000, 604800000,
};

static size_t buckets_needed(const struct ask *a, uint64_t interval_ns)
{
	return (a->to_ns - 1) / interval_ns - a->from_ns / interval_ns + 1;
}

/* The finest easy width that needs no more than @most buckets, which begin at its multiples. */
static uint64_t choose_interval(const struct ask *a, uint64_t most)
{
	uint64_t last = steps_ms[ARRAY_SIZE(steps_ms) - 1] * NS_PER_MS, n = 1;

	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++)
		if (buckets_needed(a, steps_ms[i] * NS_PER_MS) <= most)
			return steps_ms[i] * NS_PER_MS;
	while (buckets_needed(a, n * last) > most && n < UINT64_MAX / last / 2)
		n *= 2;
	return n * last;
}

static bool read_interval(struct request *r, const struct ask *a, uint64_t *ret)
{
	struct diag d = { 0 };
	size_t n;
	const char *s = params_text(request_params(r), PARAM_INTERVAL, &n);

	if (duration_parse(s, n, ret, &d) < 0) {
		api_bad_param(r, PARAM_INTERVAL, &d);
		return false;
	}
	if (*ret % NS_PER_MS == 0 && *ret && buckets_needed(a, *ret) <= LIMIT_HISTOGRAM_BUCKETS)
		return true;
	diag_set(&d, 0, 0, 0, "whole milliseconds expected, wide enough for at most %d buckets",
		 LIMIT_HISTOGRAM_BUCKETS);
	api_bad_param(r, PARAM_INTERVAL, &d);
	return false;
}

static bool read_buckets(struct request *r, struct tally *t)
{
	const struct params *p = request_params(r);
	struct diag d = { 0 };
	uint64_t most;

	if (p->value[PARAM_INTERVAL].n) {
		if (!read_interval(r, &t->ask, &t->buckets.interval_ns))
			return false;
	} else if (params_number(p, PARAM_BUCKETS, 1, LIMIT_HISTOGRAM_BUCKETS, &most, &d) < 0) {
		api_bad_param(r, PARAM_BUCKETS, &d);
		return false;
	} else {
		t->buckets.interval_ns = choose_interval(&t->ask, most);
	}
	t->buckets.origin_ns = t->ask.from_ns - t->ask.from_ns % t->buckets.interval_ns;
	t->buckets.n = buckets_needed(&t->ask, t->buckets.interval_ns);
	t->buckets.counts = calloc(t->buckets.n, sizeof(*t->buckets.counts));
	if (!t->buckets.counts)
		request_problem_errno(r, -ENOMEM);
	return t->buckets.counts != NULL;
}

void api_hits(struct request *r)
{
	AUTO(tally) *t = api_task(r, sizeof(*t));

	if (t && ask_read(r, true, &t->ask) && read_buckets(r, t))
		request_run(r, work_hits, TAKE(t), tally_free);
}
