/* SPDX-License-Identifier: Apache-2.0 */
/* request - one HTTP request, as handlers see it: parameters in, one answer out.
 *
 * A handler, called on the loop, does one of: request_json() and the like at once; request_run(),
 * whose work answers from a thread; request_stream(), which goes on answering for long.
 * Thread: the loop, but for what request_run() says. */
#pragma once
#include "collector/http.h"
#include "collector/params.h"
#include "collector/path.h"
#include "collector/pool.h"
#include "collector/refusal.h"
#include "collector/scope.h"
#include "lib/json.h"

struct request;
struct route;
struct tails;

/* Requests since start, for /metrics. */
struct http_counters {
	uint64_t requests, answers[6]; /* by hundreds of the status */
	uint64_t connections, cancelled;
	uint64_t refused[REFUSAL_MAX];
};

/* What handlers may use; lives as long as the server. */
struct server {
	struct http_config config; /* its strings are gone */
	struct pool *pool;
	struct tails *tails; /* NULL without a hub */
	struct alert_watches *watches;
	uint64_t started_ns;
	struct http_counters counters;
	struct access *access; /* how often who asks */
	bool stopping;	       /* nothing is begun any more */
	bool resumed;	       /* libmicrohttpd must be run before the loop sleeps */
};

struct server *request_server(const struct request *r);
const struct params *request_params(const struct request *r);
/* The path as it was sent, without the query string; value of a header or NULL. */
const char *request_path(const struct request *r);
/* What the path has where {@name} stands in the route's, decoded.  Returns false when that cannot
 * be read: answered already. */
NODISCARD bool request_path_value(struct request *r, const char *name, char buf[PATH_VALUE_BYTES]);
const char *request_header(const struct request *r, const char *name);
bool request_is_head(const struct request *r);
/* METHOD_GET, METHOD_POST or METHOD_DELETE (collector/api.h). */
unsigned request_method(const struct request *r);
/* The body of a route with PARAMS_NONE_BUT_BODY. */
const struct buf *request_upload(const struct request *r);
/* Whose request it is; role NONE: nobody's who is known. */
const struct token *request_token(const struct request *r);
/* The nodes it may see; NULL: all. */
const struct scope *request_scope(const struct request *r);
/* What the audit log tells of it instead of its parameters. */
void request_note(struct request *r, const char *text);

/* ---- answering ---- */

/* The body, to be written before request_answer(). */
struct buf *request_body(struct request *r);

/* Adds a header; what would break the message is left out of @value. */
void request_add_header(struct request *r, const char *name, const char *value);
void request_add_number(struct request *r, const char *name, uint64_t v);

/* Ends the answer: @status and the body so far.  @content_type is a constant; NULL: no body. */
void request_answer(struct request *r, unsigned status, const char *content_type);

/* Answers with @n bytes that live for ever. */
void request_answer_constant(struct request *r, const char *content_type, const void *data,
			     size_t n);

/* Answers with an RFC 9457 problem; an answer begun before is forgotten. */
struct problem {
	unsigned status;
	const char *kind;      /* type is urn:rtsec:problem:KIND; NULL: about:blank */
	const char *parameter; /* name of the one at fault; NULL: none */
	const char *query;     /* text that diag's position is in; NULL: it has none to tell */
	struct diag diag;      /* text becomes detail */
};
void request_problem(struct request *r, const struct problem *p);
void request_problem_text(struct request *r, unsigned status, const char *detail);
/* The same of a request that is not taken, counted as @why. */
void request_refuse(struct request *r, enum refusal why, unsigned status, const char *detail);
/* The same with 403, for a secret that is wrong: the next ones of this client have to wait. */
void request_refuse_secret(struct request *r, enum refusal why, const char *detail);
/* 503 for -ENOMEM, 499 for -ECANCELED (nobody reads it), else 500. */
void request_problem_errno(struct request *r, int error);

/* ---- answering later ---- */

/* Has @work called in a thread of the pool; there, and only there until it returns, it may use @r's
 * answering calls and must answer.  @task is freed with @free_task on the loop, also when there is
 * no room (answered by 503).  *@cancel of the job is true when the client has gone. */
typedef void (*request_work_fn)(struct request *r, struct query_worker *w, void *task);
void request_run(struct request *r, request_work_fn work, void *task, void (*free_task)(void *));
const atomic_bool *request_cancel(const struct request *r);
/* What the work tells of how far it is; NULL: the client did not ask (parameter progress).  Where
 * it did, the answer is lines of JSON, {"progress":{"blocks":N,"of":M}} some times a second, then
 * {"answer":..} or
 * {"problem":..}; the connection is the stream's, the request lives until the work is done. */
struct query_progress *request_progress(struct request *r);
/* ns since the request was read. */
uint64_t request_took_ns(const struct request *r);

/* Answers 200 with a body that goes on: @read is called when there is room, fills at most @max
 * bytes and returns how many; 0: none now, call request_wake() when there are; below 0: the end.
 * @closed is called once, when the connection is gone or has ended. */
struct stream {
	ssize_t (*read)(void *buf, size_t max, void *arg);
	void (*closed)(void *arg);
	void *arg;
};
void request_stream(struct request *r, const char *content_type, const struct stream *s);
void request_wake(struct request *r);
