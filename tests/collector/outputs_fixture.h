/* SPDX-License-Identifier: Apache-2.0 */
/* outputs_fixture - outputs on an alert book of their own, a file that they write to, and a web
 * server that fails as often as it is told to. */
#pragma once
#include "tests/collector/fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "collector/maindb.h"
#include "collector/output.h"
#include "collector/output_send.h"

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct alertbook *book;
	struct outputs *outputs;
};

static inline UNUSED int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct diag d = { 0 };

	assert_non_null(f);
	fixture_folder(f->dir);
	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	assert_int_equal(alertbook_open(&f->book, f->dir, &d), 0);
	*state = f;
	return 0;
}

static inline UNUSED int teardown(void **state)
{
	struct fix *f = *state;

	outputs_stop(f->outputs);
	alertbook_free(f->book);
	maindb_free(f->maindb);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static inline UNUSED void start(struct fix *f, const char *settings)
{
	struct diag d = { 0 };
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/outputs.yaml", f->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(settings, file);
	fclose(file);
	if (outputs_start(&f->outputs, f->book, f->dir, &d) < 0)
		fail_msg("%u:%u %s", d.line, d.column, d.text);
}

static inline UNUSED uint64_t add(struct fix *f, const char *rule, enum rule_level level)
{
	struct alert a = { .rule_id = rule,
			   .title = "a \"title\"",
			   .level = level,
			   .techniques = "[\"T1\"]",
			   .node_id = "n1",
			   .node = "n1",
			   .first_ns = 1790000000000000000,
			   .last_ns = 1790000000000000000,
			   .n_events = 1,
			   .body = "{\"folded\":false,\"process\":{\"name\":\"sh\"}}" };

	assert_int_equal(alertbook_begin(f->book), 0);
	assert_int_equal(alertbook_add(f->book, &a), 0);
	assert_int_equal(alertbook_commit(f->book, 1), 0);
	return a.id;
}

/* Reads the file until it has @n lines; the text is the caller's. */
static inline UNUSED char *lines(struct fix *f, size_t n)
{
	char path[160], *text = calloc(1, 65536);

	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/out.ndjson", f->dir);
	for (int tries = 0; tries < 300; tries++) {
		FILE *file = fopen(path, "re");
		size_t found = 0;

		memset(text, 0, 65536);
		if (file) {
			found = fread(text, 1, 65535, file);
			fclose(file);
		}
		found = 0;
		for (const char *at = text; *at; at++)
			found += *at == '\n';
		if (found >= n)
			return text;
		usleep(100000);
	}
	fail_msg("not %zu lines: %s", n, text);
	return text;
}

/* ---- a web server ---- */

struct server {
	int fd;
	uint16_t port;
	_Atomic int fail;   /* so many requests are answered by 500 */
	char got[8][65536]; /* head and body of the last ones */
	_Atomic int n;
	pthread_t thread;
};

static inline UNUSED void *serve(void *arg)
{
	struct server *s = arg;

	for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0;) {
		char *got = s->got[s->n % 8];
		size_t n = 0, body = 0;
		const char *end = NULL;

		memset(got, 0, sizeof(s->got[0]));
		while (n < sizeof(s->got[0]) - 1) {
			ssize_t r = recv(fd, got + n, sizeof(s->got[0]) - 1 - n, 0);
			const char *length = strcasestr(got, "content-length: ");

			if (r <= 0)
				break;
			n += (size_t)r;
			length = strcasestr(got, "content-length: ");
			end = strstr(got, "\r\n\r\n");
			body = length ? strtoul(length + 16, NULL, 10) : 0;
			if (end && n >= (size_t)(end - got) + 4 + body)
				break;
		}
		dprintf(fd, "HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			s->n < s->fail ? 500 : 200);
		close(fd);
		s->n++;
	}
	return NULL;
}

static inline UNUSED void server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static inline UNUSED void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}
