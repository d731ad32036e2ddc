/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/request_internal.h"

#include "lib/limits.h"

struct server *request_server(const struct request *r)
{
	return r->server;
}

const struct params *request_params(const struct request *r)
{
	return &r->params;
}

const char *request_path(const struct request *r)
{
	return r->uri;
}

bool request_path_value(struct request *r, const char *name, char buf[PATH_VALUE_BYTES])
{
	struct problem p = { .status = 400, .kind = "parameter", .parameter = name };

	if (path_value(r->route->path, r->uri, r->n_path, name, buf))
		return true;
	diag_set(&p.diag, 0, 0, 0, "the path's part for '%s' is too long or not encoded as it must",
		 name);
	request_problem(r, &p);
	return false;
}

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

bool request_is_head(const struct request *r)
{
	return r->is_head;
}

unsigned request_method(const struct request *r)
{
	return r->method;
}

const struct buf *request_upload(const struct request *r)
{
	return &r->upload;
}

size_t request_upload_limit(const struct request *r)
{
	bool is_import = r->route && r->route->params == PARAMS_NONE_BUT_BODY;

	return is_import ? LIMIT_IMPORT_BYTES : LIMIT_HTTP_BODY_BYTES;
}

const struct token *request_token(const struct request *r)
{
	return &r->token;
}

void request_note(struct request *r, const char *text)
{
	snprintf(r->note, sizeof(r->note), "%s", text);
}

uint64_t request_took_ns(const struct request *r)
{
	return uv_hrtime() - r->begun_ns;
}

const atomic_bool *request_cancel(const struct request *r)
{
	return &r->job.cancel;
}

/* ---- life ---- */

struct request *request_new(struct server *s, const char *uri)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->server = s;
	r->begun_ns = uv_hrtime();
	r->uri = strdup(uri);
	if (!r->uri)
		return request_free(r);
	s->counters.requests++;
	return r;
}

struct request *request_free(struct request *r)
{
	if (!r)
		return NULL;
	if (r->tells && !r->job_done) { /* on_done() frees it */
		atomic_store(&r->job.cancel, true);
		r->orphan = true;
		return NULL;
	}
	if (r->state > REQUEST_HEADERS)
		request_audit(r);
	if (r->stream.closed)
		r->stream.closed(r->stream.arg);
	if (r->task)
		r->free_task(r->task);
	params_done(&r->params);
	buf_done(&r->upload);
	buf_done(&r->line);
	buf_done(&r->body);
	buf_done(&r->headers);
	free(r->uri);
	free(r);
	return NULL;
}

void request_resume(struct request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	r->server->resumed = true;
	MHD_resume_connection(r->connection);
}

void request_gone(struct request *r)
{
	atomic_store(&r->job.cancel, true);
	if (r->state == REQUEST_STREAMING && (!r->tells || r->job_done)) {
		r->stream.read = NULL;
		request_resume(r);
	}
}

/* ---- reading ---- */

/* Splits the path off; *ret_query (*ret_n bytes) is what follows the '?'. */
static void split_uri(struct request *r, const char **ret_query, size_t *ret_n)
{
	char *question = strchr(r->uri, '?');

	*ret_query = "";
	*ret_n = 0;
	r->n_path = question ? (size_t)(question - r->uri) : strlen(r->uri);
	if (!question)
		return;
	*question = 0;
	*ret_query = question + 1;
	*ret_n = strlen(question + 1);
}

static const struct {
	const char *name, *allow;
	unsigned bit;
} methods[] = {
	{ "GET", "GET, HEAD", METHOD_GET },
	{ "HEAD", NULL, METHOD_GET },
	{ "POST", "POST", METHOD_POST },
	{ "DELETE", "DELETE", METHOD_DELETE },
};

static unsigned method_bit(const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].name, method) == 0)
			return methods[i].bit;
	return 0;
}

static bool method_fits(struct request *r, unsigned method, unsigned allowed)
{
	char allow[64] = "";
	size_t n = 0;

	if (r->route->methods & method)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i].allow && (allowed & methods[i].bit))
			n += (size_t)snprintf(allow + n, sizeof(allow) - n, "%s%s", n ? ", " : "",
					      methods[i].allow);
	request_refuse(r, REFUSAL_REQUEST_METHOD, 405,
		       "this resource does not know this method; see the Allow header");
	request_add_header(r, "Allow", allow);
	return false;
}

static bool body_fits(struct request *r)
{
	const char *length = request_header(r, "Content-Length");
	uint64_t n = length ? strtoull(length, NULL, 10) : 0;

	if (n <= request_upload_limit(r))
		return true;
	request_refuse(r, REFUSAL_REQUEST_LONG_BODY, 413,
		       "the body is longer than a request's may be");
	return false;
}

static void bad_params(struct request *r, const struct diag *d)
{
	struct problem p = { .status = 400, .kind = "parameter", .diag = *d };

	request_problem(r, &p);
}

void request_begin(struct request *r, const char *method)
{
	const char *query;
	struct diag d = { 0 };
	unsigned allowed;
	size_t n;
	int e;

	r->state = REQUEST_HEADERS;
	split_uri(r, &query, &n);
	if (request_is_limited(r))
		return;
	if (r->server->stopping) {
		request_refuse(r, REFUSAL_REQUEST_STOPPING, 503, "the collector is stopping");
		return;
	}
	if (r->n_path + n > LIMIT_HTTP_URL_BYTES) {
		request_refuse(r, REFUSAL_REQUEST_LONG_ADDRESS, 414,
			       "the address is too long: send the parameters by POST");
		return;
	}
	r->is_head = strcmp(method, "HEAD") == 0;
	r->method = method_bit(method);
	r->is_post = r->method == METHOD_POST;
	r->route = api_route(r->uri, r->n_path, r->method, &allowed);
	if (!r->route) {
		request_refuse(r, REFUSAL_REQUEST_PATH, 404, "there is nothing at this path");
		return;
	}
	if (!request_may_enter(r) || !method_fits(r, r->method, allowed) || !body_fits(r) ||
	    r->route->params == PARAMS_OF_PAGE)
		return;
	e = params_parse_query(&r->params, r->route->params, query, n, &d);
	if (e == -EINVAL)
		bad_params(r, &d);
	else if (e < 0)
		request_problem_errno(r, e);
}

static bool has_params(const struct params *p)
{
	for (enum param i = 0; i < PARAM_MAX; i++)
		if (p->value[i].s)
			return true;
	return false;
}

static bool read_body(struct request *r)
{
	struct diag d = { 0 };
	int e;

	if (r->body_too_long) {
		request_refuse(r, REFUSAL_REQUEST_LONG_BODY, 413,
			       "the body is longer than a request's may be");
		return false;
	}
	if (!buf_ok(&r->upload)) {
		request_problem_errno(r, -ENOMEM);
		return false;
	}
	if (r->upload.n == 0 || r->route->params == PARAMS_NONE_BUT_BODY)
		return true;
	if (!r->is_post || has_params(&r->params)) {
		request_problem_text(r, 400,
				     "parameters are expected in the address or in the body "
				     "of a POST, not in both");
		return false;
	}
	params_done(&r->params);
	e = params_parse_json(&r->params, r->route->params, (const char *)r->upload.data,
			      r->upload.n, &d);
	if (e == -EINVAL)
		bad_params(r, &d);
	else if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}

/* A body may be long on its way, and its token may end meanwhile. */
static bool is_still_let_in(struct request *r)
{
	if (r->upload.n == 0 || request_may_stay(r))
		return true;
	request_refuse(r, REFUSAL_REQUEST_WRONG_TOKEN, 401, "the token has ended");
	return false;
}

void request_dispatch(struct request *r)
{
	if (!is_still_let_in(r) || !read_body(r) || !request_progress_is_right(r))
		return;
	if (r->scope.n && r->params.value[PARAM_HOSTS].n) { /* edges lead to any node */
		request_refuse(r, REFUSAL_REQUEST_SCOPE, 403,
			       "this token is bound to some nodes: hosts is not for it");
		return;
	}
	r->route->handle(r);
}

/* ---- answering ---- */

struct buf *request_body(struct request *r)
{
	return &r->body;
}

void request_add_header(struct request *r, const char *name, const char *value)
{
	if (r->tells)
		return;
	buf_str(&r->headers, name);
	buf_byte(&r->headers, 0);
	for (const char *c = value; *c; c++)
		if ((uint8_t)*c >= 0x20 && (uint8_t)*c < 0x7f)
			buf_byte(&r->headers, (uint8_t)*c);
	buf_byte(&r->headers, 0);
}

void request_add_number(struct request *r, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	request_add_header(r, name, text);
}

void request_answer(struct request *r, unsigned status, const char *content_type)
{
	if (!buf_ok(&r->body) || !buf_ok(&r->headers)) {
		buf_done(&r->body);
		buf_done(&r->headers);
		status = 503;
		content_type = NULL;
	}
	if (r->tells) { /* the stream's head is the loop's: what is answered stands in its last line
			 */
		r->job_status = buf_ok(&r->body) ? status : 503;
		return;
	}
	r->status = status;
	r->content_type = content_type;
	if (r->state != REQUEST_RUNNING) /* else on_done() says so, on the loop */
		r->state = REQUEST_ANSWERED;
}

void request_answer_constant(struct request *r, const char *content_type, const void *data,
			     size_t n)
{
	r->constant = data;
	r->n_constant = n;
	request_answer(r, 200, content_type);
}

/* ---- answering later ---- */

static void on_run(struct query_worker *w, struct pool_job *job)
{
	struct request *r = (struct request *)((char *)job - offsetof(struct request, job));

	store_reader_scope(query_worker_reader(w), request_scope(r));
	r->work(r, w, r->task);
	store_reader_scope(query_worker_reader(w), NULL);
}

static void on_done(struct pool_job *job)
{
	struct request *r = (struct request *)((char *)job - offsetof(struct request, job));

	if (atomic_load(&job->cancel))
		r->server->counters.cancelled++;
	r->job_done = true;
	if (r->orphan) {
		request_free(r);
		return;
	}
	if (!r->tells)
		r->state = REQUEST_ANSWERED;
	request_resume(r);
}

void request_run(struct request *r, request_work_fn work, void *task, void (*free_task)(void *))
{
	int e;

	r->work = work;
	r->task = task;
	r->free_task = free_task;
	r->job.run = on_run;
	r->job.done = on_done;
	r->state = REQUEST_RUNNING; /* before a thread may see it */
	r->tells = request_wants_progress(r);
	if (r->tells)
		request_progress_begin(r);
	e = r->server->stopping ? POOL_E_FULL : pool_submit(r->server->pool, &r->job);
	if (e == 0)
		return;
	r->state = REQUEST_HEADERS;
	r->tells = false;
	r->stream = (struct stream){ 0 };
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	request_refuse(r, REFUSAL_REQUEST_BUSY, 503,
		       "too many questions wait for an answer: ask again later");
	request_add_header(r, "Retry-After", "1");
}

void request_stream(struct request *r, const char *content_type, const struct stream *s)
{
	r->stream = *s;
	request_answer(r, 200, content_type);
	if (!r->is_head)
		r->state = REQUEST_STREAMING;
}

void request_wake(struct request *r)
{
	request_resume(r);
}
