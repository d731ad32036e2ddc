/* SPDX-License-Identifier: Apache-2.0 */
/* fake - a collector of a few canned answers, one request a connection, in a thread of the test;
 * and rtsecctl run inside the test with its output kept. Thread: the test's own, and the server's
 * between fake_start() and fake_stop(). */
#pragma once
#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ctl/cmds.h"
#include "ctl/text.h"

enum { FAKE_ANSWERS = 16, FAKE_REQUEST_BYTES = 128 << 10 };

/* One answer, given to the n-th request. */
struct fake_answer {
	int status;
	const char *type; /* NULL: application/json */
	const char *body;
	enum {
		FAKE_ANSWERS_SO,
		FAKE_HANGS_UP,	 /* closes without a word */
		FAKE_INTERRUPTS, /* so, after a SIGINT to this process */
	} how;
};

struct fake {
	int fd;
	uint16_t port;
	pthread_t thread;
	const struct fake_answer *answers;
	size_t n_answers;
	atomic_size_t n_asked;	      /* requests[] up to here may be read */
	char *requests[FAKE_ANSWERS]; /* head and body as they came */
};

static struct fake *fake_running;

static inline bool fake_complete(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n"), *length;

	if (!body)
		return false;
	length = strcasestr(request, "\r\nContent-Length: ");
	return !length || length > body || strlen(body + 4) >= strtoul(length + 18, NULL, 10);
}

static inline char *fake_read(int fd)
{
	char *request = calloc(1, FAKE_REQUEST_BYTES);
	size_t n = 0;
	ssize_t r = 1;

	while (request && n < FAKE_REQUEST_BYTES - 1 && r > 0 && !fake_complete(request)) {
		r = read(fd, request + n, FAKE_REQUEST_BYTES - 1 - n);
		n += r > 0 ? (size_t)r : 0;
	}
	return request;
}

/* By value: who is interrupted may be through with its answers before kill() has returned. */
static inline void fake_answer(int fd, struct fake_answer a)
{
	if (a.how == FAKE_INTERRUPTS)
		kill(getpid(), SIGINT);
	if (a.how != FAKE_ANSWERS_SO)
		return;
	dprintf(fd, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nConnection: close\r\n\r\n%s", a.status,
		a.type ? a.type : "application/json", a.body);
}

static inline void *fake_serve(void *arg)
{
	struct fake *f = arg;

	while (f->n_asked < f->n_answers) {
		int fd = accept(f->fd, NULL, NULL);

		if (fd < 0)
			break;
		f->requests[f->n_asked] = fake_read(fd);
		fake_answer(fd, f->answers[atomic_fetch_add(&f->n_asked, 1)]);
		close(fd);
	}
	shutdown(f->fd, SHUT_RDWR); /* whoever asks more is refused */
	return NULL;
}

static inline void fake_start(struct fake *f, const struct fake_answer *answers, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	assert_true(n <= FAKE_ANSWERS);
	*f = (struct fake){ .answers = answers, .n_answers = n };
	fake_running = f;
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (const struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(f->fd, 8), 0);
	assert_int_equal(getsockname(f->fd, (struct sockaddr *)&a, &len), 0);
	f->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_serve, f), 0);
}

static inline void fake_stop(struct fake *f)
{
	fake_running = NULL;
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
	for (size_t i = 0; i < f->n_asked; i++)
		free(f->requests[i]);
}

/* What a run of rtsecctl left behind. */
struct run {
	int code;
	char *out, *err;
};

struct run_setting {
	uint16_t port; /* 0: RTSEC_URL is not set */
	bool tty;
	unsigned width;
};

static char run_url[64];
static bool run_no_token;
static UNUSED const char *run_home; /* NULL: the user has none */

static inline const char *run_env(const char *name)
{
	if (strcmp(name, "RTSEC_URL") == 0)
		return run_url[0] ? run_url : NULL;
	if (strcmp(name, "RTSEC_TOKEN") == 0)
		return run_no_token ? NULL : "0123456789abcdef";
	if (strcmp(name, "HOME") == 0)
		return run_home;
	return NULL;
}

/* Runs "rtsecctl ARGS..."; @args ends with NULL. */
static inline struct run run(struct run_setting s, const char *const *args)
{
	const char *argv[32] = { "rtsecctl" };
	size_t n_out, n_err;
	struct run r = { 0 };
	struct cli_io io = { .out_tty = s.tty, .err_tty = s.tty, .width = s.width, .env = run_env };
	int argc = 1;

	text_init();
	run_url[0] = 0;
	if (s.port)
		snprintf(run_url, sizeof(run_url), "http://127.0.0.1:%u", s.port);
	for (; *args; args++)
		argv[argc++] = *args;
	io.out = open_memstream(&r.out, &n_out);
	io.err = open_memstream(&r.err, &n_err);
	r.code = cli_main(&io, cmds_all(), argc, argv);
	if (fake_running)
		(void)atomic_load(
			&fake_running->n_asked); /* its requests[] may be read from here */
	fclose(io.out);
	fclose(io.err);
	return r;
}

static inline void run_done(struct run *r)
{
	free(r->out);
	free(r->err);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define assert_has(text, part)                                                 \
	do {                                                                   \
		if (!strstr((text), (part)))                                   \
			fail_msg("\"%s\" is missing in:\n%s", (part), (text)); \
	} while (0)
#define assert_has_not(text, part)                                             \
	do {                                                                   \
		if (strstr((text), (part)))                                    \
			fail_msg("\"%s\" is wrongly in:\n%s", (part), (text)); \
	} while (0)

/* Runs rtsecctl against a collector of these answers; end() frees both. */
static inline struct run ask(struct fake *f, const struct fake_answer *answers, size_t n,
			     const char *const *args)
{
	fake_start(f, answers, n);
	return run((struct run_setting){ .port = f->port }, args);
}

static inline void end(struct fake *f, struct run *r)
{
	fake_stop(f);
	run_done(r);
}
