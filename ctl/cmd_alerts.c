/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl alerts: what the rules have found, and what people make of it. */
#include <inttypes.h>

#include "ctl/alert_story.h"
#include "ctl/cmds.h"
#include "ctl/lookup.h"
#include "ctl/printer.h"
#include "ctl/session.h"
#include "ctl/sse.h"

enum { DEFAULT_ALERTS = 100, RETRY_US = 1000000 };

static const struct cli_option options[] = {
	OPTION("status", 0, CHOICE, "open|acknowledged|closed", status, "Only alerts that are so"),
	OPTION("level", 0, CHOICE, "informational|low|medium|high|critical", level,
	       "Only alerts of this level or above"),
	OPTION("rule", 0, TEXT, "ID", rule, "Only alerts of this rule"),
	OPTION("node", 0, TEXT, "NODE", node, "Only this node, by name or id"),
	OPTION("since", 0, TIME, "TIME", since, "From this time on, else since ever"),
	OPTION("until", 0, TIME, "TIME", until, "Before this time"),
	OPTION("limit", 0, NUMBER, "N", limit, "At most N alerts (100); watch: stop after N"),
	OPTION("owner", 0, TEXT, "NAME", owner, "ack, close, note, except: who answers for it"),
	OPTION("note", 0, TEXT, "TEXT", note, "ack, close, note, except: a note"),
	OPTION("condition", 0, TEXT, "EQL", condition,
	       "except: what is left out, else the same program on the same object"),
	OPTION("expires", 0, AHEAD, "TIME", expires, "except: until when, else for ever"),
	CLI_OPTIONS_SERVER,
};

static void rule_cell(const json_t *row, struct buf *out)
{
	printer_value(printer_find(row, "rule.title"), out);
}

static void process_cell(const json_t *row, struct buf *out)
{
	const json_t *args = printer_find(row, "process.args"), *arg;
	size_t i;

	if (!args)
		printer_value(printer_find(row, "process.name"), out);
	json_array_foreach(args, i, arg)
	{
		buf_str(out, i ? " " : "");
		printer_value(arg, out);
	}
}

static const char *tint(const json_t *row)
{
	const char *level = json_string_value(printer_find(row, "rule.level"));

	return !level				? NULL
	       : strcmp(level, "critical") == 0 ? "31"
	       : strcmp(level, "high") == 0	? "31"
	       : strcmp(level, "medium") == 0	? "33"
						: NULL;
}

static const struct printer_column columns[] = {
	{ .title = "ID", .field = "id", .right = true, .whole = true },
	{ .title = "LAST", .field = "last", .time = PRINTER_SECONDS, .width = 15 },
	{ .title = "LEVEL", .field = "rule.level", .width = 8 },
	{ .title = "STATUS", .field = "status", .width = 12, .spare = 2 },
	{ .title = "NODE", .field = "node", .width = 8, .middle = true },
	{ .title = "COUNT", .field = "count", .right = true, .spare = 1 },
	{ .title = "RULE", .field = "rule.id", .cell = rule_cell, .width = 24, .gives_way = true },
	{ .title = "OBJECT", .field = "object", .gives_way = true, .middle = true, .spare = 3 },
	{ .title = "PROCESS", .field = "process.name", .cell = process_cell, .gives_way = true },
};

struct job {
	const struct cli_io *io;
	const struct cli_values *v;
	struct session *session;
	struct printer *printer;
	struct sse sse;
	uint64_t shown;
	size_t ids; /* the operand that is the first id */
	int error;
};

static int open_printer(struct job *j, bool live)
{
	const struct printer_config config = {
		PRINTER_ON(j->io),  .format = printer_format_of(j->v->output, j->io->out_tty),
		.columns = columns, .n_columns = ARRAY_SIZE(columns),
		.list = "alerts",   .live = live,
		.tint = tint,
	};

	return printer_new(&j->printer, &config);
}

/* ---- get ---- */

static int print_page(struct job *j, struct slice doc)
{
	struct slice rows;

	if (!rawjson_member(doc, "alerts", &rows))
		return err_origin(-EBADMSG);
	return printer_rows(j->printer, rows, &j->shown);
}

/* Text of the member cursor without its quotes; false: there is no more. */
static bool next_cursor(struct slice doc, char *ret, size_t n)
{
	struct slice cursor;

	if (!rawjson_member(doc, "cursor", &cursor) || cursor.n < 3 || *cursor.s != '"')
		return false;
	snprintf(ret, n, "%.*s", (int)cursor.n - 2, cursor.s + 1);
	return true;
}

static int list(struct job *j)
{
	uint64_t wanted = j->v->limit ? j->v->limit : DEFAULT_ALERTS;
	char limit[24], cursor[64] = "";
	bool more = true;
	int r = open_printer(j, false);

	while (r == 0 && more && j->shown < wanted) {
		const struct client_param params[] = {
			{ "status", j->v->status }, { "level", j->v->level },
			{ "rule", j->v->rule },	    { "node", j->v->node },
			{ "since", j->v->since },   { "until", j->v->until },
			{ "limit", limit },	    { "cursor", cursor[0] ? cursor : NULL },
		};
		const struct client_request q = { .path = "/api/v1/alerts",
						  .params = params,
						  .n_params = ARRAY_SIZE(params) };
		AUTO_BUF struct buf body = { 0 };
		struct slice doc;

		snprintf(limit, sizeof(limit), "%" PRIu64, MIN(wanted - j->shown, UINT64_C(1000)));
		r = session_ask(j->session, &q, &body, &doc);
		if (r)
			return r;
		r = print_page(j, doc);
		more = next_cursor(doc, cursor, sizeof(cursor));
	}
	if (r == 0)
		r = printer_finish(j->printer, "");
	if (r < 0)
		return session_failed(j->io, r, NULL);
	if (j->shown == 0)
		cli_say_none(j->io, "alerts");
	return j->shown ? EXIT_HITS : EXIT_NONE;
}

/* Asks for the path of an alert and shows the answer: the whole of it but in a table. */
static int ask_one(struct job *j, const char *id, const char *after, enum client_method method)
{
	const struct client_param params[] = {
		{ "owner", j->v->owner },
		{ "note", j->v->note },
		{ "condition", j->v->condition },
		{ "expires", j->v->expires },
	};
	struct client_request q = { .method = method, .params = params };
	AUTO_BUF struct buf path = { 0 }, body = { 0 };
	struct slice doc;
	int r;

	lookup_path(&path, "/api/v1/alerts/", id, after);
	if (!buf_ok(&path))
		return session_failed(j->io, err_origin(-ENOMEM), NULL);
	q.path = (const char *)path.data;
	q.n_params = method == CLIENT_POST ? ARRAY_SIZE(params) : 0;
	r = session_ask(j->session, &q, &body, &doc);
	if (r == 0)
		r = open_printer(j, false);
	if (r == 0)
		r = printer_row(j->printer, doc);
	if (r == 0)
		r = printer_finish(j->printer, "");
	j->printer = printer_free(j->printer);
	return r < 0 ? session_failed(j->io, r, NULL) : r;
}

/* The whole of one: a page for people, else the collector's object. */
static int get_one(struct job *j, const char *id)
{
	bool text = printer_format_of(j->v->output, j->io->out_tty) == PRINTER_TABLE;
	struct client_request q = { .method = CLIENT_GET };
	AUTO_BUF struct buf path = { 0 }, body = { 0 };
	struct slice doc;
	json_t *alert;
	int r;

	if (!text)
		return ask_one(j, id, "", CLIENT_GET);
	lookup_path(&path, "/api/v1/alerts/", id, "");
	if (!buf_ok(&path))
		return session_failed(j->io, err_origin(-ENOMEM), NULL);
	q.path = (const char *)path.data;
	r = session_ask(j->session, &q, &body, &doc);
	if (r)
		return r;
	alert = rawjson_load(doc);
	r = alert_story_print(j->io, alert);
	json_decref(alert);
	return r < 0 ? session_failed(j->io, r, NULL) : r;
}

static int get(struct job *j)
{
	int r = 0;

	if (j->v->n_operands <= j->ids)
		return list(j);
	for (size_t i = j->ids; r == 0 && i < j->v->n_operands; i++)
		r = get_one(j, j->v->operands[i]);
	return r;
}

/* ---- changes ---- */

static int change(struct job *j, const char *after)
{
	int r = 0;

	if (j->v->n_operands < 2) {
		cli_say(j->io, "alerts %s wants the ids of alerts", j->v->operands[0]);
		return EXIT_USAGE;
	}
	for (size_t i = 1; r == 0 && i < j->v->n_operands; i++)
		r = ask_one(j, j->v->operands[i], after, CLIENT_POST);
	return r;
}

static int ack(struct job *j)
{
	return change(j, "/ack");
}
static int close_(struct job *j)
{
	return change(j, "/close");
}
static int reopen(struct job *j)
{
	return change(j, "/reopen");
}
static int note(struct job *j)
{
	return change(j, "/note");
}
static int except(struct job *j)
{
	return change(j, "/exception");
}

/* ---- watch ---- */

static int on_event(const struct sse_event *e, void *arg)
{
	struct job *j = arg;

	if (strcmp(e->type, "alert") != 0)
		return 0;
	j->error = printer_row(j->printer, (struct slice){ e->data, e->n });
	if (j->error == 0)
		j->error = printer_flush(j->printer);
	j->shown += j->error == 0;
	return j->error < 0 || (j->v->limit && j->shown >= j->v->limit);
}

static int on_data(const void *data, size_t n, void *arg)
{
	struct job *j = arg;
	int r = sse_feed(&j->sse, data, n, on_event, j);

	if (r < 0)
		j->error = r;
	return r;
}

static void on_open(void *arg)
{
	(void)arg;
}

static int watch(struct job *j)
{
	const struct client_param params[] = {
		{ "status", j->v->status },
		{ "level", j->v->level },
		{ "rule", j->v->rule },
		{ "node", j->v->node },
	};
	const struct client_request q = { .path = "/api/v1/alerts/watch",
					  .params = params,
					  .n_params = ARRAY_SIZE(params) };
	AUTO_BUF struct buf body = { 0 };
	struct diag d = { 0 };
	long status = 0;
	int r = open_printer(j, true);

	while (r == 0) {
		const struct client_stream stream = {
			sse_last_id(&j->sse), -1, fileno(j->io->out), on_data, on_open, j
		};

		r = client_follow(session_client(j->session), &q, &stream, &status, &body, &d);
		if (r != CLIENT_E_ENDED || j->error)
			break;
		sse_reset(&j->sse); /* the collector restarts: go on behind the last one */
		usleep(RETRY_US);
		r = 0;
	}
	if (j->error < 0)
		return session_failed(j->io, j->error, NULL);
	if (r == CLIENT_E_STOPPED)
		return j->shown ? EXIT_HITS : EXIT_NONE;
	return r < 0 ? session_failed(j->io, r, &d)
		     : session_refused(j->session, &q, status, &body);
}

static const struct {
	const char *name;
	int (*run)(struct job *j);
} verbs[] = {
	{ "get", get },	      { "watch", watch }, { "ack", ack },	{ "close", close_ },
	{ "reopen", reopen }, { "note", note },	  { "except", except },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct job j = { .io = io, .v = v, .ids = 1 };
	size_t i = 0;
	int r;

	while (operand && i < ARRAY_SIZE(verbs) && strcmp(verbs[i].name, operand) != 0)
		i++;
	if (i == ARRAY_SIZE(verbs) && strspn(operand, "0123456789") == strlen(operand))
		j.ids = i = 0; /* alerts 5 is alerts get 5 */
	if (i == ARRAY_SIZE(verbs))
		return cli_unknown_verb(io, &cmd_alerts, operand);
	r = session_open(&j.session, io, v);
	if (r == 0)
		r = verbs[operand ? i : 0].run(&j);
	printer_free(j.printer);
	session_free(j.session);
	sse_done(&j.sse);
	return r;
}

const struct cli_command cmd_alerts = {
	.name = "alerts",
	.operand = "[VERB] [ID...]",
	.many = true,
	.verbs = "get|watch|ack|close|reopen|note|except",
	.summary = "List, watch and work on alerts",
	.about =
		"Shows what the rules in force have found (docs/rules.md).\n"
		"\n"
		"  rtsecctl alerts                      Newest first; alerts ID: the whole of one\n"
		"  rtsecctl alerts watch --level high   As they are made and changed\n"
		"  rtsecctl alerts ack ID... --owner me --note TEXT\n"
		"  rtsecctl alerts close ID... --note TEXT; reopen ID...\n"
		"  rtsecctl alerts note ID... --note TEXT\n"
		"  rtsecctl alerts except ID --owner me --expires TIME\n"
		"                                       Leaves such events out from now on\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
