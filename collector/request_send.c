/* SPDX-License-Identifier: Apache-2.0 */
/* request_send - hands an answer, or the begin of a stream, to libmicrohttpd. */
#include "collector/request_internal.h"

static ssize_t on_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct request *r = arg;
	ssize_t n = r->stream.read ? r->stream.read(buf, max, r->stream.arg) : -1;

	(void)pos;
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		MHD_suspend_connection(r->connection);
		r->suspended = true;
	}
	return n;
}

static struct MHD_Response *response_of(struct request *r)
{
	struct MHD_Response *response;

	if (r->state == REQUEST_STREAMING)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 << 10, on_read, r,
							 NULL);
	if (r->constant)
		return MHD_create_response_from_buffer(
			r->n_constant, (void *)(uintptr_t)r->constant, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(r->body.n, r->body.data, MHD_RESPMEM_MUST_FREE);
	if (response)
		r->body = (struct buf){ 0 }; /* moved */
	return response;
}

static void add_headers(const struct request *r, struct MHD_Response *response)
{
	const char *at = (const char *)r->headers.data, *end = at ? at + r->headers.n : at;

	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	if (r->content_type)
		MHD_add_response_header(response, "Content-Type", r->content_type);
	if (!r->route || r->route->role != ROLE_NONE)
		MHD_add_response_header(response, "Cache-Control", "no-store");
	while (at < end) {
		const char *value = at + strlen(at) + 1;

		MHD_add_response_header(response, at, value);
		at = value + strlen(value) + 1;
	}
}

enum MHD_Result request_send(struct request *r)
{
	struct MHD_Response *response = response_of(r);
	enum MHD_Result ok;

	if (!response)
		return MHD_NO; /* closes the connection */
	add_headers(r, response);
	request_audit(r);
	r->server->counters.answers[MIN(r->status / 100, 5U)]++;
	if (r->refused)
		r->server->counters.refused[r->refused]++;
	ok = MHD_queue_response(r->connection, r->status, response);
	MHD_destroy_response(response);
	if (r->state != REQUEST_STREAMING)
		r->state = REQUEST_SENT;
	return ok;
}
