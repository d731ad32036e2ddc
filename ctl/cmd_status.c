/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/printer.h"
#include "ctl/session.h"

enum { MAX_DEPTH = 8 };

static const struct cli_option options[] = { CLI_OPTIONS_SERVER };

static const struct printer_column columns[] = {
	{ .title = "NAME", .field = "name" },
	{ .title = "VALUE", .field = "value", .gives_way = true },
};

/* Shows each leaf of @v as a row {"name":"store.events","value":...}. */
static int print_leaves(struct printer *p, const char *prefix, json_t *v, unsigned depth)
{
	AUTO_MEM char *text = NULL;
	const char *key;
	json_t *member, *row;
	int r = 0;

	if (!json_is_object(v) || depth == MAX_DEPTH) {
		row = json_pack("{s:s, s:O}", "name", prefix, "value", v);
		text = row ? json_dumps(row, JSON_COMPACT) : NULL;
		json_decref(row);
		return text ? printer_row(p, (struct slice){ text, strlen(text) })
			    : err_origin(-ENOMEM);
	}
	json_object_foreach(v, key, member)
	{
		AUTO_MEM char *name = NULL;

		if (asprintf(&name, "%s%s%s", prefix, *prefix ? "." : "", key) < 0)
			return err_origin(-ENOMEM);
		r = print_leaves(p, name, member, depth + 1);
		if (r < 0)
			break;
	}
	return r;
}

static int print_cells(const struct cli_io *io, enum printer_format format, struct slice doc)
{
	const struct printer_config config = {
		PRINTER_ON(io),	    .format = format,
		.columns = columns, .n_columns = ARRAY_SIZE(columns),
		.list = "status",
	};
	AUTO(printer) *p = NULL;
	json_t *status = rawjson_load(doc);
	int r = printer_new(&p, &config);

	if (r == 0)
		r = print_leaves(p, "", status, 0);
	if (r == 0)
		r = printer_finish(p, "");
	json_decref(status);
	return r;
}

/* The collector's object as it is: json and ndjson are the same for a single one. */
static int print_raw(const struct cli_io *io, struct slice doc)
{
	const struct printer_config config = {
		PRINTER_ON(io),
		.format = PRINTER_NDJSON,
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
	};
	AUTO(printer) *p = NULL;
	int r = printer_new(&p, &config);

	if (r == 0)
		r = printer_row(p, doc);
	return r < 0 ? r : printer_finish(p, "");
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	enum printer_format format = printer_format_of(v->output, io->out_tty);
	const struct client_request q = { .path = "/api/v1/status" };
	AUTO_BUF struct buf body = { 0 };
	AUTO(session) *s = NULL;
	struct slice doc;
	int r = session_open(&s, io, v);

	(void)operand;
	if (r == 0)
		r = session_ask(s, &q, &body, &doc);
	if (r)
		return r;
	r = format == PRINTER_TABLE || format == PRINTER_CSV ? print_cells(io, format, doc)
							     : print_raw(io, doc);
	return r < 0 ? session_failed(io, r, NULL) : EXIT_HITS;
}

const struct cli_command cmd_status = {
	.name = "status",
	.summary = "Show how the collector is doing",
	.about = "Shows the collector's version, what it stores, and its counters.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
