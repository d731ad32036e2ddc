/* SPDX-License-Identifier: Apache-2.0 */
/* request_progress - an answer as lines: how far the search is, some times a second, then the
 * answer or the problem in the last one. */
#include "collector/request_internal.h"

enum { TELL_MS = 250 };

bool request_wants_progress(const struct request *r)
{
	const char *s = r->params.value[PARAM_PROGRESS].s;

	return s && strcmp(s, "true") == 0 && !r->is_head;
}

bool request_progress_is_right(struct request *r)
{
	const char *s = r->params.value[PARAM_PROGRESS].s;
	struct problem p = { .status = 400, .kind = "parameter", .parameter = "progress" };

	if (!s || strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		return true;
	diag_set(&p.diag, 0, 0, 0, "expected true or false");
	request_problem(r, &p);
	return false;
}

struct query_progress *request_progress(struct request *r)
{
	return r->tells ? &r->progress : NULL;
}

/* The next line, if one is due. */
static void write_line(struct request *r)
{
	unsigned long long blocks = atomic_load(&r->progress.blocks);
	unsigned long long of = atomic_load(&r->progress.of);
	struct json j = json_to(&r->line);

	if (r->job_done) {
		size_t n = buf_ok(&r->body) ? r->body.n : 0;

		while (n && r->body.data[n - 1] == '\n')
			n--;
		json_begin_object(&j);
		json_key(&j, r->job_status == 200 ? "answer" : "problem");
		json_raw(&j, n ? (const char *)r->body.data : "null", n ? n : 4);
		json_end_object(&j);
		r->told_all = true;
	} else {
		buf_printf(&r->line, "{\"progress\":{\"blocks\":%llu,\"of\":%llu}}",
			   blocks < of ? blocks : of, of);
	}
	buf_byte(&r->line, '\n');
	r->told_ns = uv_hrtime();
}

static bool line_is_due(const struct request *r)
{
	return r->job_done ? !r->told_all : uv_hrtime() - r->told_ns >= TELL_MS * UINT64_C(1000000);
}

static ssize_t read_lines(void *to, size_t max, void *arg)
{
	struct request *r = arg;
	size_t n;

	if (r->line_taken == r->line.n) {
		buf_clear(&r->line);
		r->line_taken = 0;
		if (line_is_due(r))
			write_line(r);
		else if (r->told_all)
			return -1;
	}
	if (!buf_ok(&r->line))
		return -1;
	n = MIN(r->line.n - r->line_taken, max);
	if (n)
		memcpy(to, r->line.data + r->line_taken, n);
	r->line_taken += n;
	return (ssize_t)n;
}

void request_tick(struct request *r)
{
	if (r->tells && line_is_due(r))
		request_resume(r);
}

void request_progress_begin(struct request *r)
{
	r->stream = (struct stream){ .read = read_lines, .arg = r };
	r->told_ns = uv_hrtime();
	r->status = 200;
	r->content_type = "application/x-ndjson";
	r->state = REQUEST_STREAMING;
}
