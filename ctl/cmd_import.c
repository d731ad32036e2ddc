/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl import: a file of saved events, sent piece by piece. */
#include <inttypes.h>

#include "ctl/change.h"
#include "ctl/cmds.h"
#include "ctl/progress.h"
#include "ctl/session.h"
#include "lib/limits.h"

/* The first so much is read before it is sent; the collector takes LIMIT_IMPORT_BYTES. */
enum { PIECE_BYTES = 4 << 20, RECORD_HEADER_BYTES = 24 };

static const struct cli_option options[] = {
	OPTION("output", 'o', CHOICE, "table|json|ndjson", output, "Form of the result"),
	CLI_OPTIONS_SERVER,
};

struct import {
	const struct cli_io *io;
	struct session *session;
	FILE *in;
	struct buf piece;
	uint64_t line; /* of the file, that the piece begins with */
	uint64_t batches, events, duplicates, refused, bytes;
	struct progress progress;
};

static bool is_batches(const struct buf *piece)
{
	return piece->n && *piece->data == 'R';
}

/* Bytes at the begin of the piece that are whole batches, or whole lines. */
static size_t whole_of(const struct buf *piece)
{
	const uint8_t *newline;
	size_t at = 0;
	uint32_t n;

	if (!is_batches(piece)) {
		newline = piece->n ? memrchr(piece->data, '\n', piece->n) : NULL;
		return newline ? (size_t)(newline - piece->data) + 1 : 0;
	}
	while (piece->n - at >= RECORD_HEADER_BYTES) {
		memcpy(&n, piece->data + at + 4, sizeof(n));
		if (n > piece->n - at - RECORD_HEADER_BYTES)
			break;
		at += RECORD_HEADER_BYTES + n;
	}
	return at;
}

/* ---- one piece ---- */

static uint64_t number(const json_t *answer, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(answer, key));

	return n > 0 ? (uint64_t)n : 0;
}

static int take_answer(struct import *m, struct slice doc)
{
	json_t *answer = json_loadb(doc.s, doc.n, 0, NULL);

	if (!answer)
		return session_failed(m->io, err_origin(-EBADMSG), NULL);
	m->batches += number(answer, "batches");
	m->events += number(answer, "events");
	m->duplicates += number(answer, "duplicates");
	m->refused += number(answer, "refused");
	json_decref(answer);
	return 0;
}

/* The collector counts lines from the begin of the piece. */
static int refused(struct import *m, const struct client_request *q, long status,
		   const struct buf *body)
{
	json_t *problem = json_loadb((const char *)body->data, body->n, 0, NULL);
	uint64_t line = number(problem, "line");
	int code = EXIT_USAGE;

	if (status == 400 && line)
		cli_say(m->io, "line %" PRIu64 ", column %" PRIu64 ": %s", m->line + line - 1,
			number(problem, "column"), change_text(problem, "detail"));
	else
		code = session_refused(m->session, q, status, body);
	json_decref(problem);
	return code;
}

static int send_piece(struct import *m, size_t n)
{
	const struct client_request q = { "/api/v1/import", NULL, 0, CLIENT_POST };
	const struct client_upload u = { m->piece.data, n,
					 is_batches(&m->piece) ? "application/octet-stream"
							       : "application/x-ndjson" };
	AUTO_BUF struct buf body = { 0 };
	struct diag d = { 0 };
	long status = 0;
	int r = client_send(session_client(m->session), q.path, &u, &status, &body, &d);

	if (r < 0)
		return session_failed(m->io, r, &d);
	if (status != 200)
		return refused(m, &q, status, &body);
	return take_answer(m, (struct slice){ (const char *)body.data, body.n });
}

static void drop(struct import *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m->line += m->piece.data[i] == '\n';
	m->piece.n -= n;
	memmove(m->piece.data, m->piece.data + n, m->piece.n);
	m->bytes += n;
}

/* ---- the file ---- */

/* Reads until the piece has something whole.  Returns how much of it that is (0: the file has
 * ended), or a negative errno. */
static ssize_t fill(struct import *m)
{
	size_t want = PIECE_BYTES, whole;

	for (;;) {
		if (m->piece.n < want)
			m->piece.n +=
				fread(m->piece.data + m->piece.n, 1, want - m->piece.n, m->in);
		if (ferror(m->in))
			return err_origin(-EIO);
		if (m->piece.n < want)
			return (ssize_t)m->piece.n; /* the end: whatever is left */
		whole = whole_of(&m->piece);
		if (whole)
			return (ssize_t)whole;
		if (want == LIMIT_IMPORT_BYTES)
			return (ssize_t)m->piece.n; /* the collector tells what is wrong with it */
		want = LIMIT_IMPORT_BYTES;
	}
}

static int send_all(struct import *m)
{
	ssize_t n;
	int r = 0;

	if (!buf_reserve(&m->piece, LIMIT_IMPORT_BYTES))
		return session_failed(m->io, err_origin(-ENOMEM), NULL);
	while (r == 0 && (n = fill(m)) != 0) {
		if (n < 0)
			return session_failed(m->io, (int)n, NULL);
		r = send_piece(m, (size_t)n);
		drop(m, (size_t)n);
		progress_show(&m->progress, "%" PRIu64 " MiB, %" PRIu64 " events stored",
			      m->bytes >> 20, m->events);
	}
	progress_end(&m->progress);
	return r;
}

static int tell(const struct import *m, const struct cli_values *v)
{
	bool json = v->output && strcmp(v->output, "table") != 0;

	fprintf(m->io->out,
		json ? "{\"batches\":%" PRIu64 ",\"events\":%" PRIu64 ",\"duplicates\":%" PRIu64
		       ",\"refused\":%" PRIu64 "}\n"
		     : "%" PRIu64 " batches with %" PRIu64 " events stored, %" PRIu64
		       " events were there, %" PRIu64 " batches refused\n",
		m->batches, m->events, m->duplicates, m->refused);
	if (m->refused)
		return cli_finish(m->io, EXIT_PARTIAL);
	return cli_finish(m->io, m->events || m->duplicates ? EXIT_HITS : EXIT_NONE);
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct import m = { .io = io, .line = 1, .progress = { .io = io } };
	int r;

	if (!operand) {
		cli_say(io, "import needs a FILE, or - for what comes in");
		return EXIT_USAGE;
	}
	m.in = strcmp(operand, "-") == 0 ? stdin : fopen(operand, "re");
	if (!m.in) {
		cli_say(io, "cannot read %s: %s", operand, strerror(errno));
		return EXIT_USAGE;
	}
	r = session_open(&m.session, io, v);
	if (r == 0)
		r = send_all(&m);
	if (r == 0 || m.events)
		r = r ? (tell(&m, v), r) : tell(&m, v);
	if (m.in != stdin)
		fclose(m.in);
	buf_done(&m.piece);
	session_free(m.session);
	return r;
}

const struct cli_command cmd_import = {
	.name = "import",
	.operand = "FILE",
	.summary = "Store events that were saved to a file",
	.about =
		"Sends a file of events to the collector, which stores those that it does not "
		"have: documents, one\n"
		"JSON object a line, as export and query -o ndjson write them, or batches of "
		"export --format batches.\n"
		"What is wrong is told with its line and column; what stood before it is stored.  "
		"Needs a token of the\n"
		"role admin.  While no collector runs, rtsec-collector import FILE does the same.\n"
		"\n"
		"  rtsecctl import web-1.batches\n"
		"  zcat processes.ndjson.gz | rtsecctl import -\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
