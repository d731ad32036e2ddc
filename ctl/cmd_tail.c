/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "ctl/cmds.h"
#include "ctl/events.h"
#include "ctl/narrow.h"
#include "ctl/session.h"
#include "ctl/sse.h"

enum { RETRY_MIN_MS = 250, RETRY_MAX_MS = 5000 };

static const struct cli_option options[] = {
	OPTION("node", 0, TEXT, "NODE", node, "Only this node, by name or id"),
	NARROW_OPTIONS,
	OPTION("fields", 0, TEXT, "A,B", fields, "Only these fields"),
	OPTION("limit", 0, NUMBER, "N", limit, "Stop after N events"),
	CLI_OPTIONS_EVENTS,
};

/* One live view. */
struct tail {
	const struct cli_io *io;
	const struct cli_values *v;
	const char *query;
	struct session *session;
	struct printer *printer;
	struct events events;
	struct sse sse;
	uint64_t shown, dropped;
	int retry_ms;
	int error;   /* negative errno that showing ended with */
	bool lost;   /* the stream broke since it was last open */
	bool opened; /* it was open at least once */
};

/* Says how many events the collector could not keep for us. */
static void note_dropped(struct tail *t, const struct sse_event *e)
{
	json_t *doc = rawjson_load((struct slice){ e->data, e->n });
	json_int_t n = json_integer_value(json_object_get(doc, "count"));

	n = MAX(n, 1);
	json_decref(doc);
	t->dropped += (uint64_t)n;
	cli_say(t->io, "%lld events were dropped: more came than could be followed", (long long)n);
}

static int on_event(const struct sse_event *e, void *arg)
{
	struct tail *t = arg;

	if (strcmp(e->type, "dropped") == 0) {
		note_dropped(t, e);
		return 0;
	}
	if (strcmp(e->type, "hit") != 0 && strcmp(e->type, "message") != 0)
		return 0; /* something that a newer collector tells */
	t->error = printer_row(t->printer, (struct slice){ e->data, e->n });
	if (t->error == 0)
		t->error = printer_flush(t->printer);
	if (t->error == 0)
		t->shown++;
	return t->error < 0 || (t->v->limit && t->shown >= t->v->limit);
}

static int on_data(const void *data, size_t n, void *arg)
{
	struct tail *t = arg;
	int r = sse_feed(&t->sse, data, n, on_event, t);

	if (r < 0)
		t->error = r;
	return r;
}

static void on_open(void *arg)
{
	struct tail *t = arg;

	if (t->lost)
		cli_say(t->io, "connected again");
	t->lost = false;
	t->opened = true;
	t->retry_ms = RETRY_MIN_MS;
}

/* Waits before the next try.  Returns true when told to stop. */
static bool wait_retry(struct tail *t, int stop_fd)
{
	struct pollfd stop = { .fd = stop_fd, .events = POLLIN };
	int ms = t->retry_ms;

	t->retry_ms = MIN(2 * t->retry_ms, (int)RETRY_MAX_MS);
	return poll(&stop, 1, ms) > 0;
}

/* True when a stream that ended so is worth another try: the collector restarts. */
static bool may_retry(const struct tail *t, int r, long status)
{
	if (!t->opened || t->error)
		return false;
	return r == CLIENT_E_ENDED || r == -EIO || (r == 0 && status >= 500);
}

enum { AGAIN = -1, DONE = 0 };

/* One connection.  Returns AGAIN, DONE, or an exit code whose reason was said. */
static int follow_once(struct tail *t, int stop_fd)
{
	const struct client_param params[] = {
		{ "q", t->query },
		{ "node", t->v->node },
		{ "fields", t->events.fields },
	};
	const struct client_request q = { "/api/v1/tail", params, ARRAY_SIZE(params),
					  CLIENT_MAY_POST };
	const struct client_stream stream = {
		sse_last_id(&t->sse), stop_fd, fileno(t->io->out), on_data, on_open, t
	};
	AUTO_BUF struct buf body = { 0 };
	struct diag d = { 0 };
	long status = 0;
	int r;

	r = client_follow(session_client(t->session), &q, &stream, &status, &body, &d);
	if (may_retry(t, r, status)) {
		if (!t->lost)
			cli_say(t->io, "the stream broke (%s): connecting again",
				d.text[0] ? d.text : "the collector is not ready");
		t->lost = true;
		sse_reset(&t->sse);
		return AGAIN;
	}
	if (t->error < 0)
		return session_failed(t->io, t->error, NULL);
	if (r == CLIENT_E_STOPPED)
		return DONE;
	return r < 0 ? session_failed(t->io, r, &d)
		     : session_refused(t->session, &q, status, &body);
}

static int follow(struct tail *t, int stop_fd)
{
	int r;

	do {
		r = follow_once(t, stop_fd);
		if (r == AGAIN && wait_retry(t, stop_fd))
			r = DONE;
	} while (r == AGAIN);
	if (r != DONE || t->error < 0)
		return r;
	r = printer_finish(t->printer, "");
	if (r < 0)
		return session_failed(t->io, r, NULL);
	if (t->shown == 0)
		return EXIT_NONE;
	return t->dropped ? EXIT_PARTIAL : EXIT_HITS;
}

/* Ctrl-C and SIGTERM end a live view in order, so that its last line is whole. */
static int catch_signals(sigset_t *ret_old)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &mask, ret_old);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Takes what came, so that it does not strike when the signals are let through again. */
static void release_signals(int stop_fd, const sigset_t *old)
{
	struct signalfd_siginfo info;

	while (read(stop_fd, &info, sizeof(info)) > 0)
		;
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

static int run_tail(struct tail *t)
{
	bool compact = t->io->out_tty && !t->v->output && !t->v->fields;
	enum printer_format format =
		compact ? PRINTER_COMPACT : printer_format_of(t->v->output, t->io->out_tty);
	AUTO_FD int stop_fd = -1;
	struct diag d = { 0 };
	sigset_t old;
	int r;

	if (events_columns(&t->events, format, t->v->fields, &d) < 0) {
		cli_say(t->io, "%s", d.text);
		return EXIT_USAGE;
	}
	r = events_printer(&t->printer, t->io, &t->events, format, true);
	if (r < 0)
		return session_failed(t->io, r, NULL);
	stop_fd = catch_signals(&old);
	r = follow(t, stop_fd);
	release_signals(stop_fd, &old);
	return r;
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct tail t = { .io = io, .v = v, .retry_ms = RETRY_MIN_MS };
	AUTO_BUF struct buf query = { 0 };
	struct diag d = { 0 };
	int r;

	if (narrow_query(v, operand, &query, &d) < 0) {
		cli_say(io, "%s", d.text);
		return EXIT_USAGE;
	}
	if (!buf_ok(&query))
		return session_failed(io, err_origin(-ENOMEM), NULL);
	t.query = query.n > 1 ? (const char *)query.data : NULL;
	r = session_open(&t.session, io, v);
	if (r == 0)
		r = run_tail(&t);
	printer_free(t.printer);
	session_free(t.session);
	sse_done(&t.sse);
	return r;
}

const struct cli_command cmd_tail = {
	.name = "tail",
	.operand = "[QUERY]",
	.summary = "Follow events as they happen",
	.about = "Shows events that match QUERY (without one: all) as the collector stores them, "
		 "until\n"
		 "Ctrl-C. When the collector restarts, it goes on where it was.\n"
		 "\n"
		 "  rtsecctl tail --namespace shop --action exec,connection_attempted\n"
		 "  rtsecctl tail 'event.action == \"connection_accepted\"' --node web-1\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
