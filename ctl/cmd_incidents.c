/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl incidents: alerts that belong together, as one story. */
#include "ctl/cmds.h"
#include "ctl/lookup.h"
#include "ctl/printer.h"
#include "ctl/session.h"

static const struct cli_option options[] = {
	OPTION("since", 0, TIME, "TIME", since, "Alerts from this time on (24h)"),
	OPTION("until", 0, TIME, "TIME", until, "Alerts before this time"),
	OPTION("limit", 0, NUMBER, "N", limit, "At most N incidents (100)"),
	CLI_OPTIONS_SERVER,
};

static const struct printer_column list_columns[] = {
	{ .title = "ID", .field = "id", .right = true, .whole = true },
	{ .title = "SCORE", .field = "score", .right = true },
	{ .title = "LEVEL", .field = "level" },
	{ .title = "LAST", .field = "last", .time = PRINTER_SECONDS },
	{ .title = "ALERTS", .field = "n_alerts", .right = true, .spare = 1 },
	{ .title = "NODES", .field = "nodes" },
	{ .title = "TECHNIQUES", .field = "techniques", .spare = 2 },
	{ .title = "TITLE", .field = "title", .gives_way = true },
};

static const struct printer_column story_columns[] = {
	{ .title = "TIME", .field = "time", .time = PRINTER_SECONDS },
	{ .title = "NODE", .field = "node" },
	{ .title = "ALERT", .field = "alert", .right = true },
	{ .title = "WHAT", .field = "title", .gives_way = true },
	{ .title = "PROCESS", .field = "process", .gives_way = true },
	{ .title = "OBJECT", .field = "object", .gives_way = true, .middle = true, .spare = 1 },
};

static const struct printer_column why_columns[] = {
	{ .title = "ALERT", .field = "alert", .right = true },
	{ .title = "BELONGS TO", .field = "with", .right = true },
	{ .title = "BY", .field = "kind" },
	{ .title = "BECAUSE", .field = "text", .gives_way = true },
};

/* Shows the array @member of @doc; *ret_n rows. */
static int show(const struct cli_io *io, const struct cli_values *v, struct slice doc,
		const char *member, const struct printer_column *columns, size_t n, uint64_t *ret_n)
{
	const struct printer_config config = {
		PRINTER_ON(io),	    .format = printer_format_of(v->output, io->out_tty),
		.columns = columns, .n_columns = n,
		.list = member,
	};
	struct slice rows;

	*ret_n = 0;
	if (!rawjson_member(doc, member, &rows))
		return err_origin(-EBADMSG);
	return printer_print(&config, rows, "", ret_n);
}

/* A person gets the story and why; a program the whole answer. */
static int show_one(const struct cli_io *io, const struct cli_values *v, struct slice doc)
{
	uint64_t n;
	int r;

	if (printer_format_of(v->output, io->out_tty) != PRINTER_TABLE) {
		fwrite(doc.s, 1, doc.n, io->out);
		return 0;
	}
	r = show(io, v, doc, "timeline", story_columns, ARRAY_SIZE(story_columns), &n);
	if (r < 0)
		return r;
	fputc('\n', io->out);
	return show(io, v, doc, "because", why_columns, ARRAY_SIZE(why_columns), &n);
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	char limit[24];
	const struct client_param params[] = {
		{ "since", v->since },
		{ "until", v->until },
		{ "limit", v->limit && !operand ? limit : NULL },
	};
	struct client_request q = { .path = "/api/v1/incidents",
				    .params = params,
				    .n_params = ARRAY_SIZE(params) };
	AUTO_BUF struct buf body = { 0 }, path = { 0 };
	AUTO(session) *s = NULL;
	struct slice doc;
	uint64_t n = 1;
	int r = session_open(&s, io, v);

	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)v->limit);
	if (operand) {
		lookup_path(&path, "/api/v1/incidents/", operand, "");
		q.path = buf_ok(&path) ? (const char *)path.data : q.path;
	}
	if (r == 0)
		r = session_ask(s, &q, &body, &doc);
	if (r)
		return r;
	r = operand ? show_one(io, v, doc)
		    : show(io, v, doc, "incidents", list_columns, ARRAY_SIZE(list_columns), &n);
	if (r < 0)
		return session_failed(io, r, NULL);
	if (n == 0)
		cli_say_none(io, v->since ? "incidents"
					  : "incidents in the last 24 hours: --since 7d looks "
					    "further back");
	return n ? EXIT_HITS : EXIT_NONE;
}

const struct cli_command cmd_incidents = {
	.name = "incidents",
	.operand = "[ID]",
	.summary = "Alerts that belong together, as one story",
	.about = "Joins the alerts of the last 24 hours (--since) by lineage, also over hosts, "
		 "flow, file and\n"
		 "user (docs/rules.md). With ID, what happened in order, and why each alert "
		 "belongs to it.\n"
		 "\n"
		 "  rtsecctl incidents --since 7d\n"
		 "  rtsecctl incidents 12\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
