/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/retention: how long days are kept, and a change of that. */
#include "collector/api.h"
#include "lib/timestamp.h"

#define DAY_NS UINT64_C(86400000000000)
enum { MOST_DAYS = 36500 };

static int collect(uint32_t day, void *arg)
{
	struct buf *held = arg;

	buf_add(held, &day, sizeof(day));
	return 0;
}

static bool is_held(const struct buf *held, uint32_t day)
{
	for (size_t at = 0; at + sizeof(day) <= held->n; at += sizeof(day))
		if (memcmp((const char *)held->data + at, &day, sizeof(day)) == 0)
			return true;
	return false;
}

static int write_days(struct json *j, const struct server *s)
{
	AUTO_MEM struct store_day *days = NULL;
	AUTO_BUF struct buf held = { 0 };
	char text[TIMESTAMP_TEXT_BYTES];
	size_t n = 0;
	int r = store_list_days(s->config.store, &days, &n);

	if (r == 0)
		r = maindb_holds(s->config.maindb, collect, &held);
	json_key(j, "days");
	json_begin_array(j);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_begin_object(j);
		timestamp_format(days[i].number * DAY_NS, text);
		json_key(j, "day");
		json_text_n(j, text, strlen("1970-01-01"));
		json_key_uint(j, "events", days[i].n_events);
		json_key_uint(j, "bytes", days[i].bytes);
		json_key_bool(j, "held", is_held(&held, days[i].number));
		json_end_object(j);
	}
	json_end_array(j);
	return r;
}

static void write_limits(struct json *j, const struct retention_limits *l)
{
	json_key_uint(j, "keep_days", l->keep_days);
	json_key_uint(j, "keep_bytes", l->keep_bytes);
}

/* Stats files: in a thread of the pool. */
static void tell(struct request *r, struct query_worker *w, void *task)
{
	const struct server *s = request_server(r);
	struct json j = json_to(request_body(r));
	struct maindb_keep keep = { 0 };
	int e = maindb_keep_get(s->config.maindb, &keep);

	(void)w;
	(void)task;
	json_begin_object(&j);
	if (e == 0)
		write_limits(&j, &(struct retention_limits){ keep.keep_days, keep.keep_bytes });
	else
		write_limits(&j, &s->config.keep);
	json_key(&j, "configured");
	json_begin_object(&j);
	write_limits(&j, &s->config.keep);
	json_end_object(&j);
	if (e == 0)
		json_key_time(&j, "changed", keep.changed_ns);
	else
		json_key_text(&j, "changed", NULL);
	json_key_text(&j, "author", e == 0 ? keep.author : NULL);
	if (e >= 0)
		e = write_days(&j, s);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &j);
}

void api_retention(struct request *r)
{
	request_run(r, tell, NULL, free);
}

/* Leaves *@value as it is when @p is not given. */
static bool read_limit(struct request *r, enum param p, uint64_t most, uint64_t *value)
{
	struct diag d = { 0 };

	if (!api_text(r, p) || params_number(request_params(r), p, 0, most, value, &d) == 0)
		return true;
	api_bad_param(r, p, &d);
	return false;
}

void api_retention_set(struct request *r)
{
	struct maindb *m = request_server(r)->config.maindb;
	struct maindb_keep keep = { .changed_ns = timestamp_now() };
	struct retention_limits now;
	int e = retention_limits_now(m, &request_server(r)->config.keep, &now);

	if (!api_text(r, PARAM_KEEP_DAYS) && !api_text(r, PARAM_KEEP_BYTES)) {
		request_problem_text(r, 400, "expected keep_days, keep_bytes or both");
		return;
	}
	keep.keep_days = now.keep_days;
	keep.keep_bytes = now.keep_bytes;
	if (e == 0 && (!read_limit(r, PARAM_KEEP_DAYS, MOST_DAYS, &keep.keep_days) ||
		       !read_limit(r, PARAM_KEEP_BYTES, INT64_MAX, &keep.keep_bytes)))
		return;
	snprintf(keep.author, sizeof(keep.author), "%s", request_token(r)->name);
	if (e == 0)
		e = maindb_keep_set(m, &keep);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_retention(r);
}

void api_retention_drop(struct request *r)
{
	int e = maindb_keep_drop(request_server(r)->config.maindb);

	if (e < 0)
		request_problem_errno(r, e);
	else
		api_retention(r);
}
