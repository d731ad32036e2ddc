/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/session.h"

#include <ctype.h>
#include <inttypes.h>

#include "ctl/contexts.h"
#include "ctl/problem.h"
#include "ctl/progress.h"

struct session {
	const struct cli_io *io;
	struct client *client;
};

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	client_free(s->client);
	free(s);
	return NULL;
}

struct client *session_client(struct session *s)
{
	return s->client;
}

static void trim_end(char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
}

/* The token of the file or the environment.  Returns 0 or an exit code. */
static int find_token(const struct cli_io *io, const char *path, char *ret, size_t n)
{
	const char *token = io->env("RTSEC_TOKEN");
	FILE *f;

	snprintf(ret, n, "%s", token ? token : "");
	if (path) {
		f = fopen(path, "re");
		if (!f) {
			cli_say(io, "cannot read the token file %s: %s", path, strerror(errno));
			return EXIT_USAGE;
		}
		ret[fread(ret, 1, n - 1, f)] = 0;
		fclose(f);
	}
	trim_end(ret);
	if (ret[0])
		return 0;
	cli_say(io, "%s: set RTSEC_TOKEN or give --token-file FILE",
		path ? "the token file is empty" : "no API token");
	return EXIT_USAGE;
}

int session_where(const struct cli_io *io, const struct cli_values *v, struct context *ret)
{
	const char *url = v->url ? v->url : io->env("RTSEC_URL");
	const char *ca = v->ca_file ? v->ca_file : io->env("RTSEC_CA");

	if (!url || !*url) {
		cli_say(io, "no collector named: set RTSEC_URL, give --url URL, or keep one with "
			    "rtsecctl context add (./dev up writes it to DIR/env)");
		return EXIT_USAGE;
	}
	snprintf(ret->url, sizeof(ret->url), "%s", url);
	snprintf(ret->ca, sizeof(ret->ca), "%s", ca ? ca : "");
	return find_token(io, v->token_file, ret->token, sizeof(ret->token));
}

/* A context is asked when it is named, or when nothing else says where.  Its token never goes to an
 * address that is not its own. */
static int find_server(const struct cli_io *io, const struct cli_values *v, struct context *ret)
{
	const char *url = v->url ? v->url : io->env("RTSEC_URL");
	struct diag d = { 0 };
	int r = CONTEXTS_E_NONE;

	if (v->context || !url || !*url)
		r = contexts_find(io, v->context, ret, &d);
	if (r == 0)
		return 0;
	if (r == CONTEXTS_E_NONE && !v->context)
		return session_where(io, v, ret);
	cli_say(io, "%s", d.text[0] ? d.text : strerror(r < 0 ? -r : 0));
	return EXIT_USAGE;
}

int session_open(struct session **ret, const struct cli_io *io, const struct cli_values *v)
{
	AUTO(session) *s = calloc(1, sizeof(*s));
	struct context where = { 0 };
	struct diag d = { 0 };
	int r;

	if (!s)
		return session_failed(io, err_origin(-ENOMEM), NULL);
	r = find_server(io, v, &where);
	if (r)
		return r;
	s->io = io;
	r = client_new(&s->client, where.url, where.token, &d);
	explicit_bzero(where.token, sizeof(where.token));
	if (r == 0 && where.ca[0])
		r = client_trust(s->client, where.ca);
	if (r < 0)
		return session_failed(io, r, &d);
	*ret = TAKE(s);
	return 0;
}

int session_failed(const struct cli_io *io, int r, const struct diag *d)
{
	if (r == -EPIPE)
		return 0;
	cli_say(io, "%s", d && d->text[0] ? d->text : strerror(-r));
	return r == -EINVAL ? EXIT_USAGE : EXIT_SERVER;
}

/* Writes what problem_format() made: its first line after our name. */
static void say_problem(const struct session *s, const struct problem *p,
			const struct client_request *q)
{
	AUTO_BUF struct buf text = { 0 };
	const char *value = NULL;

	for (size_t i = 0; i < q->n_params; i++)
		if (strcmp(q->params[i].name, p->parameter) == 0)
			value = q->params[i].value;
	problem_format(p, value, s->io->err_tty ? s->io->width : 0, &text);
	if (buf_ok(&text))
		fprintf(s->io->err, "rtsecctl: %.*s", (int)text.n, (const char *)text.data);
	fflush(s->io->err);
}

int session_refused(struct session *s, const struct client_request *q, long status,
		    const struct buf *body)
{
	struct problem p;

	problem_read(&p, status, (const char *)body->data, body->n);
	if (status == 401) {
		cli_say(s->io, "the collector does not know this token: check RTSEC_TOKEN or "
			       "--token-file");
		return EXIT_SERVER;
	}
	say_problem(s, &p, q);
	if (status == 404 && strcmp(p.parameter, "q") != 0) /* what the path names is not there */
		return EXIT_NONE;
	return problem_is_usage(&p) ? EXIT_USAGE : EXIT_SERVER;
}

/* ---- progress ---- */

/* An answer of lines, some of which tell how far it is; the last one has it (parameter progress).
 */
struct lines {
	struct progress progress;
	struct buf line;
	struct buf *answer;
	long status;
};

static void take_line(struct lines *l, struct slice line)
{
	struct slice value, number;
	uint64_t blocks = 0, of = 0;

	if (rawjson_member(line, "progress", &value)) {
		if (rawjson_member(value, "blocks", &number))
			blocks = strtoull(number.s, NULL, 10);
		if (rawjson_member(value, "of", &number))
			of = strtoull(number.s, NULL, 10);
		if (of)
			progress_show(&l->progress,
				      "%" PRIu64 " of %" PRIu64 " blocks, %" PRIu64 " %%", blocks,
				      of, blocks * 100 / of);
		return;
	}
	l->status = 200;
	if (rawjson_member(line, "problem", &value)) {
		if (rawjson_member(value, "status", &number))
			l->status = strtol(number.s, NULL, 10);
	} else if (!rawjson_member(line, "answer", &value)) {
		value = line; /* of a collector that tells no progress */
	}
	buf_clear(l->answer);
	buf_add(l->answer, value.s, value.n);
	buf_byte(l->answer, '\n');
}

static int take_lines(const void *data, size_t n, void *arg)
{
	const char *at = data, *newline;
	struct lines *l = arg;

	for (; (newline = memchr(at, '\n', n)); n -= (size_t)(newline + 1 - at), at = newline + 1) {
		buf_add(&l->line, at, (size_t)(newline - at));
		if (buf_ok(&l->line) && l->line.n)
			take_line(l, (struct slice){ (const char *)l->line.data, l->line.n });
		buf_clear(&l->line);
	}
	buf_add(&l->line, at, n);
	return l->line.n > CLIENT_ANSWER_BYTES;
}

/* Long work is told on a terminal. */
static bool tells_progress(const struct session *s, const struct client_request *q)
{
	static const char *const paths[] = { "/api/v1/search", "/api/v1/count", "/api/v1/hits" };

	for (size_t i = 0; s->io->err_tty && i < ARRAY_SIZE(paths); i++)
		if (strcmp(q->path, paths[i]) == 0)
			return true;
	return false;
}

enum { MAX_PARAMS = 16 };

static int ask_lines(struct session *s, const struct client_request *q, long *ret_status,
		     struct buf *body, struct diag *d)
{
	struct client_param params[MAX_PARAMS + 1];
	struct client_request asked = *q;
	struct lines l = { .progress = { .io = s->io }, .answer = body };
	struct client_stream stream = {
		.last_event_id = "", .stop_fd = -1, .out_fd = -1, .data = take_lines, .arg = &l
	};
	AUTO_BUF struct buf refusal = { 0 };
	int r;

	if (q->n_params)
		memcpy(params, q->params, q->n_params * sizeof(*params));
	params[q->n_params] = (struct client_param){ "progress", "true" };
	asked.params = params;
	asked.n_params = q->n_params + 1;
	buf_clear(body);
	r = client_follow(s->client, &asked, &stream, ret_status, &refusal, d);
	progress_end(&l.progress);
	if (r == CLIENT_E_ENDED && l.line.n) /* a last line without its end */
		take_line(&l, (struct slice){ (const char *)l.line.data, l.line.n });
	buf_done(&l.line);
	if (r == 0)
		buf_add(body, refusal.data, refusal.n);
	if (r == CLIENT_E_ENDED && l.status) {
		*ret_status = l.status;
		r = 0;
	}
	if (r > 0)
		r = diag_set(d, -EIO, 0, 0, "the collector stopped answering");
	return r == 0 && !buf_ok(body) ? err_origin(-ENOMEM) : r;
}

int session_ask(struct session *s, const struct client_request *q, struct buf *body,
		struct slice *ret_doc)
{
	struct diag d = { 0 };
	long status;
	int r;

	if (tells_progress(s, q) && q->n_params <= MAX_PARAMS)
		r = ask_lines(s, q, &status, body, &d);
	else
		r = client_ask(s->client, q, &status, body, &d);
	if (r < 0)
		return session_failed(s->io, r, &d);
	if (status != 200)
		return session_refused(s, q, status, body);
	*ret_doc = (struct slice){ (const char *)body->data, body->n };
	if (rawjson_is_object(*ret_doc))
		return 0;
	cli_say(s->io, "the answer to %s is no JSON object: is this an rtsec collector?", q->path);
	return EXIT_SERVER;
}
