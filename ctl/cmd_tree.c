/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ctl/cmds.h"
#include "ctl/lookup.h"
#include "ctl/printer.h"
#include "ctl/session.h"
#include "ctl/text.h"

enum { DEEPEST = 130 }; /* twice what the collector follows, and some */

static const struct cli_option options[] = {
	OPTION("query", 'q', TEXT, "EQL", query,
	       "The process of the newest event that matches, instead of ENTITY_ID"),
	OPTION("depth", 0, NUMBER, "N", depth, "At most N generations up and down (64)"),
	OPTION("limit", 0, NUMBER, "N", limit, "At most N processes, the nearest (1000)"),
	OPTION("since", 0, TIME, "TIME", since,
	       "From this time on, else since ever; with --query -24h"),
	OPTION("until", 0, TIME, "TIME", until, "Before this time"),
	OPTION("node", 0, TEXT, "NODE", node, "Only this node, by name or id"),
	OPTION("across", 0, FLAG, NULL, across, "Over connections to other nodes, too"),
	OPTION("hops", 0, NUMBER, "N", hops, "With --across: at most N connections in a row (8)"),
	CLI_OPTIONS_SERVER,
};

/* ---- cells ---- */

static const char *text_at(const json_t *row, const char *path)
{
	return json_string_value(printer_find(row, path));
}

static void add_command_line(const json_t *row, struct buf *out)
{
	const json_t *args = printer_find(row, "process.args"), *arg;
	const char *executable = text_at(row, "process.executable");
	size_t i;

	json_array_foreach(args, i, arg)
	{
		const char *s = json_string_value(arg);

		buf_str(out, i ? " " : "");
		text_escape(s ? s : "", s ? strlen(s) : 0, out);
	}
	if (json_array_size(args) == 0 && executable)
		text_escape(executable, strlen(executable), out);
}

static void add_end(const json_t *row, struct buf *out)
{
	const json_t *code = printer_find(row, "exit_code");
	const char *signal = text_at(row, "exit_signal");

	if (signal) {
		buf_str(out, "  killed by ");
		text_escape(signal, strlen(signal), out);
	} else if (json_is_integer(code)) {
		buf_printf(out, "  exit %lld", (long long)json_integer_value(code));
	} else if (printer_find(row, "end")) {
		buf_str(out, "  ended");
	}
}

static void add_badges(const json_t *row, struct buf *out)
{
	static const char *const names[] = { "network", "file" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[32];
		json_int_t n;

		snprintf(path, sizeof(path), "events.%s", names[i]);
		n = json_integer_value(printer_find(row, path));
		if (n <= 0)
			continue;
		buf_printf(out, "%s%lld %s", any ? ", " : "  (", (long long)n, names[i]);
		any = true;
	}
	buf_str(out, any ? ")" : "");
}

/* The connection that leads to it from what stands above, with the node. */
static void add_via(const json_t *row, struct buf *out)
{
	const json_t *edge = json_array_get(json_object_get(row, "via"), 0);
	const char *host = text_at(row, "host.name");
	json_int_t n = json_integer_value(json_object_get(row, "edges"));

	if (!edge)
		return;
	buf_str(out, "=> ");
	text_escape(host ? host : "?", host ? strlen(host) : 1, out);
	buf_str(out, " :");
	printer_value(printer_find(edge, "destination.port"), out);
	if (n > 1)
		buf_printf(out, " (%lld connections)", (long long)n);
	buf_str(out, "  ");
}

/* How sure it is that it belongs here, where that is in question; and a circle. */
static void add_doubt(const json_t *row, struct buf *out)
{
	const json_t *sure = json_object_get(row, "confidence");

	if (json_is_integer(sure) && json_integer_value(sure) < 100)
		buf_printf(out, "  %lld %% sure", (long long)json_integer_value(sure));
	if (json_is_true(json_object_get(row, "again")))
		buf_str(out, "  (told above)");
}

/* What stands behind the lines of the tree, escaped. */
static void add_process(const json_t *row, struct buf *out)
{
	const char *name = text_at(row, "process.name"), *user = text_at(row, "process.user.name");

	add_via(row, out);
	text_escape(name ? name : "?", name ? strlen(name) : 1, out);
	buf_str(out, "[");
	printer_value(printer_find(row, "process.pid"), out);
	buf_str(out, "]");
	add_doubt(row, out);
	if (user) {
		buf_str(out, "  ");
		text_escape(user, strlen(user), out);
	}
	add_end(row, out);
	add_badges(row, out);
	buf_str(out, "  ");
	add_command_line(row, out);
}

/* ---- lines ---- */

struct tree {
	const struct cli_io *io;
	json_t *rows; /* of the collector: each before those below it */
	int top;      /* depth of the first */
};

static int depth_at(const struct tree *t, size_t i)
{
	return (int)json_integer_value(json_object_get(json_array_get(t->rows, i), "depth"));
}

/* Is there another of @depth below the same parent after row @i? */
static bool goes_on(const struct tree *t, size_t i, int depth)
{
	for (size_t k = i + 1; k < json_array_size(t->rows); k++)
		if (depth_at(t, k) <= depth)
			return depth_at(t, k) == depth;
	return false;
}

/* What stands before row @i; open[] is kept from row to row: does a line go down at that depth? */
static void add_branch(const struct tree *t, size_t i, bool *open, struct buf *out)
{
	bool utf8 = t->io->out_tty;
	int depth = MIN(depth_at(t, i) - t->top, DEEPEST - 1);

	if (depth <= 0)
		return;
	open[depth] = goes_on(t, i, depth + t->top);
	for (int d = 1; d < depth; d++)
		buf_str(out, !open[d] ? "   " : utf8 ? "\xe2\x94\x82  " : "|  ");
	if (utf8)
		buf_str(out,
			open[depth] ? "\xe2\x94\x9c\xe2\x94\x80 " : "\xe2\x94\x94\xe2\x94\x80 ");
	else
		buf_str(out, open[depth] ? "|- " : "`- ");
}

static int print_lines(struct tree *t)
{
	AUTO_BUF struct buf line = { 0 };
	bool open[DEEPEST] = { false };
	size_t n = json_array_size(t->rows);

	t->top = n ? depth_at(t, 0) : 0;
	for (size_t i = 0; i < n; i++) {
		bool is_root = depth_at(t, i) == 0 && t->io->color;
		size_t fits;

		buf_clear(&line);
		add_branch(t, i, open, &line);
		add_process(json_array_get(t->rows, i), &line);
		if (!buf_ok(&line))
			return err_origin(-ENOMEM);
		fits = t->io->width ? text_fit((const char *)line.data, line.n, t->io->width)
				    : line.n;
		fprintf(t->io->out, "%s%.*s%s\n", is_root ? "\x1b[1m" : "", (int)fits,
			(const char *)line.data, is_root ? "\x1b[0m" : "");
	}
	return 0;
}

static void add_word(const json_t *row, const char *before, const char *path, struct buf *out)
{
	const char *s = text_at(row, path);

	if (!s)
		return;
	buf_str(out, before);
	text_escape(s, strlen(s), out);
}

/* Where the tree breaks off, and why. */
static void print_break(const struct cli_io *io, const json_t *edge)
{
	AUTO_BUF struct buf line = { 0 };

	add_word(edge, "", "connected.process", &line);
	add_word(edge, "", "accepted.process", &line);
	add_word(edge, ": ", "source.ip", &line);
	add_word(edge, " -> ", "destination.ip", &line);
	buf_str(&line, ":");
	printer_value(printer_find(edge, "destination.port"), &line);
	add_word(edge, ": ", "missing.reason", &line);
	add_word(edge, " of ", "missing.node.name", &line);
	add_word(edge, ", ", "missing.cause", &line);
	add_word(edge, ", from ", "missing.from", &line);
	add_word(edge, " to ", "missing.to", &line);
	cli_say(io, "broken off: %.*s", (int)line.n, (const char *)line.data);
}

static int print_breaks(const struct cli_io *io, struct slice doc)
{
	struct slice list;
	json_t *breaks = NULL;
	const json_t *edge;
	size_t i, n = 0;

	if (rawjson_member(doc, "breaks", &list))
		breaks = rawjson_load(list);
	json_array_foreach(breaks, i, edge) print_break(io, edge);
	n = json_array_size(breaks);
	json_decref(breaks);
	return n ? EXIT_PARTIAL : EXIT_HITS;
}

static const struct printer_column columns[] = {
	{ .field = "depth" },
	{ .field = "entity_id" },
	{ .field = "parent_entity_id" },
	{ .field = "process.pid" },
	{ .field = "process.name" },
	{ .field = "process.executable" },
	{ .field = "process.args" },
	{ .field = "process.user.name" },
	{ .field = "start" },
	{ .field = "end" },
	{ .field = "exit_code" },
	{ .field = "exit_signal" },
	{ .field = "events.process" },
	{ .field = "events.file" },
	{ .field = "events.network" },
};

static int print_rows(const struct cli_io *io, enum printer_format format, struct slice rows)
{
	const struct printer_config config = {
		PRINTER_ON(io),	     .format = format,
		.columns = columns,  .n_columns = ARRAY_SIZE(columns),
		.list = "processes",
	};

	return printer_print(&config, rows, "", NULL);
}

static int print_json(const struct cli_io *io, struct slice doc)
{
	AUTO_BUF struct buf text = { 0 };

	while (doc.n && doc.s[doc.n - 1] == '\n')
		doc.n--;
	if (io->out_tty)
		text_escape_json(doc.s, doc.n, &text);
	else
		buf_add(&text, doc.s, doc.n);
	buf_byte(&text, '\n');
	if (!buf_ok(&text))
		return err_origin(-ENOMEM);
	fwrite(text.data, 1, text.n, io->out);
	return 0;
}

static int print(const struct cli_io *io, const struct cli_values *v, struct slice doc)
{
	enum printer_format format = printer_format_of(v->output, io->out_tty);
	struct tree t = { .io = io };
	struct slice rows, cut;
	int r;

	if (!rawjson_member(doc, "processes", &rows))
		return err_origin(-EBADMSG);
	if (format == PRINTER_JSON) {
		r = print_json(io, doc);
	} else if (format == PRINTER_TABLE) {
		t.rows = rawjson_load(rows);
		r = t.rows ? print_lines(&t) : err_origin(-EBADMSG);
		json_decref(t.rows);
	} else {
		r = print_rows(io, format, rows);
	}
	if (r < 0)
		return r;
	r = print_breaks(io, doc);
	if (!rawjson_member(doc, "truncated", &cut) || cut.n != 4)
		return r;
	cli_say(io, "there are more processes than these: --limit N");
	return EXIT_PARTIAL;
}

/* ---- asked ---- */

/* Entity id of the process of the newest event that --query finds, to @ret.  Returns 0 or an exit
 * code. */
static int find_process(struct session *s, const struct cli_io *io, const struct cli_values *v,
			char ret[32])
{
	const struct client_param params[] = {
		{ "q", v->query },   { "since", v->since }, { "until", v->until },
		{ "node", v->node }, { "limit", "1" },	    { "fields", "process.entity_id" },
	};
	const struct client_request q = { "/api/v1/search", params, ARRAY_SIZE(params),
					  CLIENT_MAY_POST };
	AUTO_BUF struct buf body = { 0 };
	struct slice doc;
	json_t *answer;
	const json_t *hit;
	const char *id;
	int r = session_ask(s, &q, &body, &doc);

	if (r)
		return r;
	answer = rawjson_load(doc);
	hit = json_array_get(json_object_get(answer, "hits"), 0);
	id = hit ? text_at(hit, "process.entity_id") : NULL;
	snprintf(ret, 32, "%s", id ? id : "");
	json_decref(answer);
	if (ret[0])
		return 0;
	cli_say(io, hit ? "the newest event that matches has no process" : "no event matches");
	return EXIT_NONE;
}

static int show(struct session *s, const struct cli_io *io, const struct cli_values *v,
		const char *entity)
{
	char depth[24], limit[24], hops[24];
	const struct client_param params[] = {
		{ "since", v->query ? NULL : v->since },
		{ "until", v->query ? NULL : v->until },
		{ "node", v->node },
		{ "depth", v->depth ? depth : NULL },
		{ "limit", v->limit ? limit : NULL },
		{ "hosts", v->across ? "all" : NULL },
		{ "hops", v->across && v->hops ? hops : NULL },
	};
	AUTO_BUF struct buf path = { 0 }, body = { 0 };
	struct client_request q = { .params = params, .n_params = ARRAY_SIZE(params) };
	struct diag d = { 0 };
	struct slice doc;
	int r;

	snprintf(depth, sizeof(depth), "%" PRIu64, v->depth);
	snprintf(limit, sizeof(limit), "%" PRIu64, v->limit);
	snprintf(hops, sizeof(hops), "%" PRIu64, v->hops);
	lookup_path(&path, "/api/v1/processes/", entity, "/tree");
	if (!buf_ok(&path))
		return session_failed(io, err_origin(-ENOMEM), NULL);
	q.path = (const char *)path.data;
	r = session_ask(s, &q, &body, &doc);
	if (r)
		return r;
	r = print(io, v, doc);
	if (r == -EBADMSG)
		diag_set(&d, r, 0, 0, "the collector's answer is not that of a tree");
	return r < 0 ? session_failed(io, r, &d) : r;
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	AUTO(session) *s = NULL;
	char found[32];
	int r;

	if (!operand == !v->query) {
		cli_say(io, "tree wants either the entity id of a process or --query EQL");
		return EXIT_USAGE;
	}
	r = session_open(&s, io, v);
	if (r == 0 && v->query)
		r = find_process(s, io, v, found);
	return r ? r : show(s, io, v, operand ? operand : found);
}

const struct cli_command cmd_tree = {
	.name = "tree",
	.operand = "[ENTITY_ID]",
	.summary = "Show the ancestors and descendants of a process",
	.about = "Shows the family of the process with this process.entity_id, or of the newest "
		 "event that\n"
		 "--query finds: name, pid, user, how it ended, what it did, command line.\n"
		 "\n"
		 "  rtsecctl tree 9f1c0e6b5d2a4477\n"
		 "  rtsecctl tree --query 'process.name == \"nc\"'\n"
		 "  rtsecctl tree --across 9f1c0e6b5d2a4477\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
