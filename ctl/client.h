/* SPDX-License-Identifier: Apache-2.0 */
/* client - requests to a collector's REST API.  The only file that touches libcurl.
 *
 * http and https only, no redirects, certificates checked; every answer is bounded in bytes and a
 * silent connection is given up.
 * Thread: one owner at a time.  Memory: the answer's buf is the caller's. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"

enum {
	CLIENT_ANSWER_BYTES = 256 << 20, /* an answer's body */
	CLIENT_CONNECT_S = 10,		 /* until the connection stands */
	CLIENT_SILENCE_S = 120,		 /* without a byte before an answer is given up */
	CLIENT_STREAM_SILENCE_S = 60,	 /* the same for a stream, which has keep-alive comments */
};

struct client;

/* @url is http://HOST:PORT or https://HOST:PORT, @token 1 to 512 printable characters.  Both are
 * copied.  Returns 0, -EINVAL (@d says what is wrong with them) or -ENOMEM. */
NODISCARD int client_new(struct client **ret, const char *url, const char *token, struct diag *d);
struct client *client_free(struct client *c);
DEFINE_FREEP(client)

/* Has https:// trust the CA certificates in the file @ca (PEM) instead of the system's.  Returns 0
 * or -ENOMEM. */
NODISCARD int client_trust(struct client *c, const char *ca);

struct client_param {
	const char *name, *value; /* value NULL: not sent */
};

enum client_method {
	CLIENT_GET,
	CLIENT_MAY_POST, /* the same can be asked by POST with a JSON body of strings */
	CLIENT_POST,	 /* always by POST */
	CLIENT_DELETE,
};

struct client_request {
	const char *path; /* such as /api/v1/search */
	const struct client_param *params;
	size_t n_params;
	enum client_method method;
};

/* Asks and waits for the whole answer; by POST where that may be and the parameters are long.
 * *ret_status is the HTTP status, @body (cleared
 * first) the answer, whatever the status is.
 * Returns 0, -EMSGSIZE (over CLIENT_ANSWER_BYTES), -ENOMEM, -EIO (nobody answered) or -EINVAL (a
 * parameter is not UTF-8); @d says why. */
NODISCARD int client_ask(struct client *c, const struct client_request *q, long *ret_status,
			 struct buf *body, struct diag *d);

/* A body that is sent by POST as it is. */
struct client_upload {
	const void *data;
	size_t n;
	const char *type; /* media type */
};
/* The same with @u instead of parameters. */
NODISCARD int client_send(struct client *c, const char *path, const struct client_upload *u,
			  long *ret_status, struct buf *body, struct diag *d);

enum { CLIENT_E_STOPPED = 1, CLIENT_E_ENDED = 2 };

struct client_stream {
	const char *last_event_id; /* sent as Last-Event-ID unless "" */
	int stop_fd;		   /* readable: stop; -1: none */
	int out_fd;		   /* a pipe or socket whose reader has gone: stop; -1: none */
	int (*data)(const void *data, size_t n, void *arg); /* bytes of a 200 answer; not 0: stop */
	void (*opened)(void *arg); /* a 200 answer has begun; NULL: not told */
	void *arg;
};

/* Asks for an event stream and hands its bytes on until it ends.  *ret_status is 0 when there was
 * no answer; the body of an answer other than 200 goes to @body.
 * Returns 0 (an answer other than 200), CLIENT_E_STOPPED (stop_fd, or @data said so),
 * CLIENT_E_ENDED (a 200 answer was cut or fell silent; @d says how), -ENOMEM, -EIO (no answer)
 * or -EINVAL (a parameter is not UTF-8). */
NODISCARD int client_follow(struct client *c, const struct client_request *q,
			    const struct client_stream *s, long *ret_status, struct buf *body,
			    struct diag *d);
