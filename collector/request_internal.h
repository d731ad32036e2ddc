/* SPDX-License-Identifier: Apache-2.0 */
/* request_internal - what http.c and request*.c share about a request.
 * Thread: the loop. */
#pragma once
#include <microhttpd.h>

#include "collector/api.h"
#include "collector/rate.h"
#include "collector/refusal.h"
#include "collector/request.h"

enum request_state {
	REQUEST_NEW,	   /* its line is read */
	REQUEST_HEADERS,   /* its headers are read and fine; the body may follow */
	REQUEST_RUNNING,   /* a job answers it: suspended */
	REQUEST_ANSWERED,  /* the answer is ready to be sent */
	REQUEST_STREAMING, /* the answer goes on */
	REQUEST_SENT,
};

struct request {
	struct server *server;
	struct MHD_Connection *connection;
	struct request *previous, *next; /* all that are in work */
	const struct route *route;
	struct token token; /* of whoever asks; role NONE: of nobody known */
	struct scope scope; /* its nodes; points into it */
	char address[46];   /* of the client */
	uint64_t client;    /* request_client() */
	char note[160];	    /* for the audit log, see request_note() */
	struct params params;
	char *uri;
	size_t n_path;
	uint64_t begun_ns; /* uv_hrtime() */
	enum request_state state;
	unsigned method; /* METHOD_GET ...; 0: another */
	bool is_head, is_post, suspended, body_too_long, audited;
	enum refusal refused; /* counted when the answer is sent */
	struct buf upload;
	/* the answer */
	unsigned status;
	const char *content_type;
	struct buf body, headers; /* headers: name NUL value NUL ... */
	const void *constant;
	size_t n_constant;
	struct stream stream;
	/* lines of progress, when they were asked for: then state is REQUEST_STREAMING while the
	 * job runs */
	struct query_progress progress;
	unsigned job_status;
	bool tells, told_all, job_done,
		orphan; /* orphan: its connection is gone, its job not yet */
	struct buf line;
	size_t line_taken;
	uint64_t told_ns;
	/* the job */
	struct pool_job job;
	request_work_fn work;
	void *task;
	void (*free_task)(void *task);
};

/* Makes one for the request line @uri.  NULL without memory. */
struct request *request_new(struct server *s, const char *uri);
/* Frees it; tells its stream's owner, and the audit log when its client left before the answer was
 * sent.  No job may be left. */
struct request *request_free(struct request *r);

/* Finds the route, checks role and method, reads the parameters of the query string: answers what
 * is wrong. */
void request_begin(struct request *r, const char *method);
/* Reads the body's parameters and calls the handler. */
void request_dispatch(struct request *r);

/* request_access.c: finds out who asks.  Return true, or false, when it must not be: answered
 * already. */
bool request_is_limited(struct request *r);
NODISCARD bool request_may_enter(struct request *r);
/* False when the token that @r was let in with has ended since. */
NODISCARD bool request_may_stay(const struct request *r);
/* Notes @r, which has its answer, in the audit log, once. */
void request_audit(struct request *r);
/* A number for who is at @a: an IPv4 address, or the /64 of an IPv6 address, since each has at
 * least one of those to himself.  0: not known. */
uint64_t request_client(const struct sockaddr *a);
/* NULL without memory; freed with free(). */
struct access *access_new(void);

/* Most bytes of its body. */
size_t request_upload_limit(const struct request *r);

/* Hands the answer to libmicrohttpd. */
enum MHD_Result request_send(struct request *r);

/* Lets a suspended connection go on; no-op on others. */
void request_resume(struct request *r);

/* request_progress.c: does the client want lines?  The second answers when it does not say that as
 * it must.  Then lines are sent from request_progress_begin() on, until the job is done. */
bool request_wants_progress(const struct request *r);
NODISCARD bool request_progress_is_right(struct request *r);
void request_progress_begin(struct request *r);
/* Called some times a second: a line of progress may be due. */
void request_tick(struct request *r);

/* The client has gone: cancels the job, ends the stream. */
void request_gone(struct request *r);
