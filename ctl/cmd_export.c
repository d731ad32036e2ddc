/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ctl/cmds.h"
#include "ctl/pages.h"
#include "ctl/progress.h"
#include "ctl/session.h"

enum { PAGE_HITS = 5000, RECORD_HEADER_BYTES = 24 };

static const struct cli_option options[] = {
	OPTION("since", 0, TIME, "TIME", since, "From this time on (24h)"),
	OPTION("until", 0, TIME, "TIME", until, "Before this time"),
	OPTION("node", 0, TEXT, "NODE", node, "Only this node, by name or id"),
	OPTION("format", 0, CHOICE, "ndjson|batches", format,
	       "Events as documents, or whole batches for rtsec-collector import (ndjson)"),
	OPTION("file", 0, TEXT, "FILE", file, "Write there, not to the output"),
	CLI_OPTIONS_SERVER,
};

struct export
{
	const struct cli_io *io;
	const struct cli_values *v;
	const char *query;
	struct session *session;
	FILE *out;
	struct pages pages;
	struct progress progress;
	uint64_t n;
};

static int put(struct export *e, const void *data, size_t n)
{
	errno = 0;
	if (fwrite(data, 1, n, e->out) == n)
		return 0;
	return err_origin(errno ? -errno : -EIO);
}

/* ---- documents ---- */

static int put_hits(struct export *e, struct slice page)
{
	struct slice hits, key, hit;
	size_t at = 0;
	int r = rawjson_member(page, "hits", &hits) ? 0 : err_origin(-EBADMSG);

	while (r == 0 && rawjson_next(hits, &at, &key, &hit)) {
		r = put(e, hit.s, hit.n);
		if (r == 0)
			r = put(e, "\n", 1);
		e->n++;
	}
	return r < 0 ? r : pages_add(&e->pages, page);
}

static int export_documents(struct export *e)
{
	AUTO_BUF struct buf body = { 0 };
	char limit[16];
	struct slice page;
	int r = 0;

	snprintf(limit, sizeof(limit), "%d", PAGE_HITS);
	do {
		const struct client_param params[] = {
			{ "q", e->query },
			{ "since", e->v->since },
			{ "until", e->v->until },
			{ "node", e->v->node },
			{ "order", "asc" },
			{ "limit", limit },
			{ "cursor", e->pages.cursor[0] ? e->pages.cursor : NULL },
		};
		const struct client_request q = { "/api/v1/search", params, ARRAY_SIZE(params),
						  CLIENT_MAY_POST };

		r = session_ask(e->session, &q, &body, &page);
		if (r == 0)
			r = put_hits(e, page);
		progress_show(&e->progress, "%" PRIu64 " events", e->n);
	} while (r == 0 && e->pages.cursor[0]);
	return r;
}

/* ---- batches ---- */

/* Walks over the records of @body.  Returns when the last one had arrived, or a negative errno. */
static int64_t last_arrival(struct export *e, const struct buf *body)
{
	uint64_t ingested_ns = 0;
	uint32_t n;

	for (size_t at = 0; at < body->n; at += RECORD_HEADER_BYTES + n) {
		if (body->n - at < RECORD_HEADER_BYTES || memcmp(body->data + at, "RSEG", 4) != 0)
			return err_origin(-EBADMSG);
		memcpy(&n, body->data + at + 4, sizeof(n));
		memcpy(&ingested_ns, body->data + at + 8, sizeof(ingested_ns));
		if (n > body->n - at - RECORD_HEADER_BYTES || ingested_ns > INT64_MAX)
			return err_origin(-EBADMSG);
		e->n++;
	}
	return (int64_t)ingested_ns;
}

static int export_batches(struct export *e)
{
	AUTO_BUF struct buf body = { 0 };
	char cursor[24] = "";
	struct diag d = { 0 };
	int64_t last;
	int r;

	do {
		const struct client_param params[] = {
			{ "since", e->v->since },
			{ "until", e->v->until },
			{ "node", e->v->node },
			{ "cursor", cursor[0] ? cursor : NULL },
		};
		const struct client_request q = { "/api/v1/export", params, ARRAY_SIZE(params),
						  CLIENT_GET };
		long status = 0;

		r = client_ask(session_client(e->session), &q, &status, &body, &d);
		if (r < 0)
			return session_failed(e->io, r, &d);
		if (status != 200)
			return session_refused(e->session, &q, status, &body);
		last = last_arrival(e, &body);
		if (last < 0)
			return session_failed(e->io, (int)last, &d);
		r = put(e, body.data, body.n);
		snprintf(cursor, sizeof(cursor), "%" PRId64, last);
		progress_show(&e->progress, "%" PRIu64 " batches", e->n);
	} while (r == 0 && body.n);
	return r;
}

/* ---- the command ---- */

static int finish(struct export *e, int r)
{
	progress_end(&e->progress);
	errno = 0;
	if (r == 0 && fflush(e->out) != 0)
		r = err_origin(errno ? -errno : -EIO);
	if (r != 0)
		return r < 0 ? session_failed(e->io, r, NULL) : r;
	pages_say(&e->pages, e->io);
	if (e->n == 0)
		return EXIT_NONE;
	return pages_partial(&e->pages) ? EXIT_PARTIAL : EXIT_HITS;
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct export e = {
		.io = io, .v = v, .query = operand, .out = io->out, .progress = { .io = io }
	};
	bool batches = v->format && strcmp(v->format, "batches") == 0;
	int r;

	if (batches && operand) {
		cli_say(io, "batches are exported whole: a query needs --format ndjson");
		return EXIT_USAGE;
	}
	if (batches && io->out_tty && !v->file) {
		cli_say(io, "batches are no text: name a file by --file");
		return EXIT_USAGE;
	}
	r = session_open(&e.session, io, v);
	if (r)
		return r;
	if (v->file)
		e.out = fopen(v->file, "we");
	if (e.out)
		r = finish(&e, batches ? export_batches(&e) : export_documents(&e));
	else
		r = session_failed(io, err_origin(-errno), NULL);
	if (v->file && e.out && fclose(e.out) != 0)
		r = session_failed(io, err_origin(-errno), NULL);
	session_free(e.session);
	pages_done(&e.pages);
	return r;
}

const struct cli_command cmd_export = {
	.name = "export",
	.operand = "[QUERY]",
	.summary = "Write a range of events to a file",
	.about =
		"Writes all stored events of the last 24 hours (--since) that match QUERY, oldest "
		"first, one\n"
		"JSON document a line; or, with --format batches, whole batches as they came, "
		"which\n"
		"rtsec-collector import takes in elsewhere.\n"
		"\n"
		"  rtsecctl export --since -7d --node web-1 --format batches --file web-1.batches\n"
		"  rtsecctl export 'process where true' | gzip > processes.ndjson.gz\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
