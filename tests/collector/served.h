/* SPDX-License-Identifier: Apache-2.0 */
/* served - a whole web server on a loopback port with a real store behind, and a plain client. */
#pragma once
#include "tests/collector/fixture.h"

#include <arpa/inet.h>
#include <execinfo.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "collector/http.h"
#include "collector/import.h"

struct served {
	char dir[128], token[MAINDB_TOKEN_CHARS + 1];
	struct store *store;
	struct maindb *maindb;
	struct rulebook *rulebook;
	struct alertbook *alertbook;
	struct outputs *outputs; /* "o": a file */
	struct authority *authority;
	struct hub *hub;
	struct http *http;
	struct flows *flows;
	struct facts *facts;
	struct follow *follow;
	struct block *block;
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	uint16_t port;
	uint64_t base_ns; /* a minute ago */
};

static inline void served_on_stop(uv_async_t *a)
{
	uv_stop(a->loop);
	uv_close((uv_handle_t *)a, NULL);
}

static inline void *served_run(void *arg)
{
	struct served *s = arg;

	uv_run(&s->loop, UV_RUN_DEFAULT);
	s->http = http_stop(s->http);
	s->hub = hub_free(s->hub);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return NULL;
}

static inline struct outputs *served_outputs(struct served *s)
{
	struct outputs *outputs;
	struct diag d = { 0 };
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/outputs.yaml", s->dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "outputs: [{ name: o, type: ndjson, path: %s/alerts.ndjson }]\n", s->dir);
	fclose(f);
	assert_int_equal(outputs_start(&outputs, s->alertbook, s->dir, &d), 0);
	return outputs;
}

/* The test waits for its answer meanwhile: nobody else writes. */
static inline int served_import(const struct buf *records, struct import_result *ret, void *arg)
{
	struct served *s = arg;
	int r = import_append(s->store, records, NULL, NULL, ret);

	follow_wake(s->follow);
	return r;
}

/* libuv and others abort without a word: at least where is told. */
static inline void served_on_abort(int signal_number)
{
	static const char text[] = "SIGABRT at:\n";
	void *frames[64];
	int n = backtrace(frames, ARRAY_SIZE(frames));

	if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0)
		backtrace_symbols_fd(frames, n, STDERR_FILENO);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Opens all in s->dir and serves, on any port. */
static inline void served_start(struct served *s)
{
	struct http_config config = { .address = "127.0.0.1" };
	struct follow_observer observer;
	struct diag d = { 0 };

	assert_int_equal(store_open(&s->store, s->dir, &d), 0);
	assert_int_equal(maindb_open(&s->maindb, s->dir, &d), 0);
	assert_int_equal(rulebook_open(&s->rulebook, s->dir, &d), 0);
	assert_int_equal(alertbook_open(&s->alertbook, s->dir, &d), 0);
	assert_int_equal(block_new(&s->block), 0);
	assert_int_equal(uv_loop_init(&s->loop), 0);
	assert_int_equal(uv_async_init(&s->loop, &s->stop, served_on_stop), 0);
	assert_int_equal(hub_new(&s->hub, &s->loop, http_deliver, &s->http), 0);
	assert_int_equal(flows_new(&s->flows, s->dir, s->store, 0, &d), 0);
	assert_int_equal(follow_new(&s->follow, s->store), 0);
	observer = flows_observer(s->flows);
	assert_int_equal(follow_add(s->follow, &observer), 0);
	assert_int_equal(facts_new(&s->facts, s->dir, 0, &d), 0);
	observer = facts_observer(s->facts);
	assert_int_equal(follow_add(s->follow, &observer), 0);
	config.flows = s->flows;
	config.facts = s->facts;
	config.follow = s->follow;
	assert_int_equal(authority_open(&s->authority, s->dir, NULL, 0, timestamp_now(), &d), 0);
	config.authority = s->authority;
	config.events_url = "tls+tcp://127.0.0.1:7443";
	config.store = s->store;
	config.maindb = s->maindb;
	config.rulebook = s->rulebook;
	s->outputs = served_outputs(s);
	config.alertbook = s->alertbook;
	config.outputs = s->outputs;
	config.hub = s->hub;
	config.import = served_import;
	config.import_arg = s;
	if (http_start(&s->http, &s->loop, &config, &d) < 0)
		fail_msg("%s", d.text);
	s->port = http_port(s->http);
	assert_int_equal(pthread_create(&s->thread, NULL, served_run, s), 0);
}

static inline int served_setup(void **state)
{
	struct served *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	signal(SIGABRT, served_on_abort);
	fixture_folder(s->dir);
	s->base_ns = timestamp_now() - 60000000000u;
	served_start(s);
	assert_int_equal(maindb_token_create(s->maindb, "test", ROLE_VIEWER, s->token), 0);
	*state = s;
	return 0;
}

static inline UNUSED void served_use_token(struct served *s, enum role role, const char *scope)
{
	struct token t = { .role = role };

	snprintf(t.name, sizeof(t.name), "%s", "bound");
	snprintf(t.scope, sizeof(t.scope), "%s", scope);
	assert_int_equal(maindb_token_add(s->maindb, &t, s->token), 0);
}

/* Ends what served_start() began; the folder stays. */
static inline void served_stop(struct served *s)
{
	uv_async_send(&s->stop);
	pthread_join(s->thread, NULL);
	assert_int_equal(uv_loop_close(&s->loop), 0);
	follow_free(s->follow);
	flows_free(s->flows);
	facts_free(s->facts);
	block_free(s->block);
	outputs_stop(s->outputs);
	alertbook_free(s->alertbook);
	rulebook_free(s->rulebook);
	authority_free(s->authority);
	maindb_free(s->maindb);
	store_free(s->store);
}

static inline int served_teardown(void **state)
{
	struct served *s = *state;

	served_stop(s);
	fixture_remove(s->dir);
	free(s);
	return 0;
}

/* Stores a frame as ingest does, and publishes it; returns when the collector had it. */
static inline UNUSED uint64_t served_put_frame(struct served *s, const struct buf *frame)
{
	struct hub_batch batch = { .frame = frame->data, .n = frame->n };
	const struct block_info *info = block_info(s->block);
	struct diag d = { 0 };
	uint32_t node;

	assert_int_equal(block_load(s->block, frame->data, frame->n, &d), 0);
	batch.n_events = info->n_events;
	batch.ingested_ns = store_arrival(s->store, timestamp_now());
	assert_int_equal(store_append(s->store, s->block, frame->data, frame->n, batch.ingested_ns),
			 0);
	batch.block_id = store_last_id(s->store);
	assert_int_equal(store_commit(s->store), 0);
	assert_int_equal(maindb_node_seen(s->maindb, s->block, batch.ingested_ns, &node), 0);
	maindb_node_stored(s->maindb, node, info->n_events, info->first_seq + info->n_events - 1);
	hub_publish(s->hub, &batch);
	follow_wake(s->follow);
	return batch.ingested_ns;
}

static inline UNUSED uint64_t served_put(struct served *s, const struct fixture_batch *f)
{
	AUTO_BUF struct buf frame = { 0 };

	fixture_frame(f, &frame);
	return served_put_frame(s, &frame);
}

/* ---- a client ---- */

static inline UNUSED int served_connect(const struct served *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(s->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline UNUSED void served_send(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent < 0)
			return; /* refused in the middle: the answer tells */
		at += sent;
		n -= (size_t)sent;
	}
}

/* Reads what comes within @ms.  Returns false at the end of the stream or when nothing came. */
static inline UNUSED bool served_read(int fd, struct buf *to, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char piece[16384];
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return false;
	n = recv(fd, piece, sizeof(piece), 0);
	if (n > 0)
		buf_add(to, piece, (size_t)n);
	return n > 0;
}

static inline UNUSED bool got_has(const struct buf *got, const char *text)
{
	return got->n && memmem(got->data, got->n, text, strlen(text));
}

struct answer {
	int status;	     /* 0: none came */
	struct buf all;	     /* NUL-terminated */
	const char *headers; /* NUL-terminated */
	const char *body;
	size_t n_body;
};

static inline UNUSED void answer_done(struct answer *a)
{
	buf_done(&a->all);
}

/* Sends @request as it is and reads to the end of the connection. */
static inline UNUSED void served_raw(const struct served *s, const void *request, size_t n,
				     struct answer *ret)
{
	int fd = served_connect(s);
	char *end;

	memset(ret, 0, sizeof(*ret));
	served_send(fd, request, n);
	while (served_read(fd, &ret->all, 60000))
		;
	close(fd);
	buf_byte(&ret->all, 0);
	ret->headers = ret->body = "";
	end = memmem(ret->all.data, ret->all.n, "\r\n\r\n", 4);
	if (!end)
		return;
	*end = 0;
	ret->headers = (char *)ret->all.data;
	ret->body = end + 4;
	ret->n_body = ret->all.n - 1 - (size_t)(ret->body - (char *)ret->all.data);
	assert_int_equal(sscanf(ret->headers, "HTTP/1.1 %d ", &ret->status), 1);
}

/* A request with the token; @more are further header lines, each with \r\n, and the body after an
 * empty line; NULL: none. */
static inline UNUSED void served_ask(const struct served *s, const char *line, const char *more,
				     struct answer *ret)
{
	AUTO_BUF struct buf request = { 0 };

	buf_printf(&request, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", line);
	buf_printf(&request, "Authorization: Bearer %s\r\n%s", s->token, more ? more : "\r\n");
	served_raw(s, request.data, request.n, ret);
}

static inline UNUSED json_t *answer_json(const struct answer *a)
{
	json_error_t e;
	json_t *doc = json_loadb(a->body, a->n_body, JSON_REJECT_DUPLICATES, &e);

	if (!doc)
		fail_msg("%s in %s", e.text, a->body);
	return doc;
}

/* GET @path must answer @status with JSON. */
static inline UNUSED json_t *served_json(const struct served *s, const char *path, int status)
{
	AUTO_BUF struct buf line = { 0 };
	struct answer a;
	json_t *doc;

	buf_printf(&line, "GET %s", path);
	buf_byte(&line, 0);
	served_ask(s, (const char *)line.data, NULL, &a);
	if (a.status != status)
		fail_msg("%s: %d %s", path, a.status, a.body);
	doc = answer_json(&a);
	answer_done(&a);
	return doc;
}

/* Follows dots. */
static inline UNUSED json_t *json_at(const json_t *doc, const char *path)
{
	json_t *at = NULL;

	while (doc && *path) {
		size_t n = strcspn(path, ".");
		char part[64];

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		doc = at = json_object_get(doc, part);
		path += n + (path[n] == '.');
	}
	return at;
}

static inline UNUSED const char *text_at(const json_t *doc, const char *path)
{
	return json_string_value(json_at(doc, path));
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, served_setup, served_teardown)
