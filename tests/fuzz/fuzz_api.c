/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of every route to a whole web server with a store behind, by who may do all: each is
 * answered, none with an error of the server's own, and what says that it is JSON is.
 * Input: method, blank and address up to a newline; then the body. */
#include <assert.h>

#include "tests/collector/served.h"
#include "tests/lib/expr_random.h"

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { HEAD_BYTES = 4096, BODY_BYTES = 16384 };

static struct served server;

static void end(void)
{
	served_stop(&server);
	fixture_remove(server.dir);
}

static void begin(void)
{
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	uint64_t seq = 1;

	log_set_level(LOG_ERROR + 1);
	fixture_folder(server.dir);
	server.base_ns = timestamp_now() - UINT64_C(60000000000);
	served_start(&server);
	served_use_token(&server, ROLE_ADMIN, "");
	random_state = 20261128;
	assert(frame_codec_new(&codec) == 0);
	random_frame(codec, &seq, &frame);
	served_put_frame(&server, &frame);
	for (uint32_t i = 0; i < 3; i++)
		served_put(&server,
			   &(const struct fixture_batch){ .node = i ? "n1" : "n2",
							  .first_seq = seq + i * 10,
							  .n = 5,
							  .time_ns = server.base_ns + i,
							  .step_ns = 1000,
							  .kind = i == 2 ? KIND_EXEC : KIND_NONE });
	atexit(end);
}

/* Does the head of an answer say that it has no end? */
static bool is_stream(const struct buf *got)
{
	const char *end = got->n ? memmem(got->data, got->n, "\r\n\r\n", 4) : NULL;

	return end &&
	       memmem(got->data, (size_t)(end - (const char *)got->data), "text/event-stream", 17);
}

/* Reads to the end of the answer; of what has no end, its head. */
static void read_answer(int fd, struct buf *ret)
{
	while (!is_stream(ret) && served_read(fd, ret, 300000))
		;
}

static void check_json(const char *head, const char *body)
{
	json_error_t e;
	json_t *doc;

	if (!strstr(head, "Content-Type: application/json") || strstr(head, "Transfer-Encoding"))
		return;
	doc = json_loads(body, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &e);
	assert(doc);
	json_decref(doc);
}

static void check_answer(struct buf *got)
{
	char *head, *body;
	int status;

	buf_byte(got, 0);
	assert(buf_ok(got));
	if (got->n == 1) /* not a request at all: the connection was closed */
		return;
	head = (char *)got->data;
	assert(sscanf(head, "HTTP/1.%*1[01] %d ", &status) == 1);
	assert(status != 500 && status >= 200 && status < 600);
	body = strstr(head, "\r\n\r\n");
	if (body) {
		*body = '\0';
		if (!strstr(head, "Content-Length: 0\r") && status != 204 && body[4])
			check_json(head, body + 4);
	}
	if (status == 401) /* the token has revoked itself */
		served_use_token(&server, ROLE_ADMIN, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data, *newline = memchr(text, '\n', n);
	size_t n_head = newline ? (size_t)(newline - text) : n,
	       n_body = newline ? n - n_head - 1 : 0;
	AUTO_BUF struct buf request = { 0 }, got = { 0 };
	int fd;

	if (n_head > HEAD_BYTES || n_body > BODY_BYTES)
		return 0;
	if (!server.port)
		begin();
	buf_add(&request, text, n_head);
	buf_printf(&request,
		   " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		   "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
		   server.token, n_body);
	if (n_body)
		buf_add(&request, newline + 1, n_body);
	fd = served_connect(&server);
	served_send(fd, request.data, request.n);
	read_answer(fd, &got);
	close(fd);
	check_answer(&got);
	return 0;
}
