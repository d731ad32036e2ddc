/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ctl/cmds.h"
#include "ctl/pages.h"
#include "ctl/rows.h"
#include "ctl/session.h"

static const struct cli_option options[] = {
	OPTION("limit", 0, NUMBER, "N", limit, "At most N rows, up to 100000 (1000)"),
	OPTION("explain", 0, FLAG, NULL, explain,
	       "What each scan of events asked of the store and read, instead of rows"),
	CLI_OPTIONS_SERVER,
};

static const struct printer_column scan_columns[] = {
	{ .title = "FROM", .field = "from" },
	{ .title = "TO", .field = "to" },
	{ .title = "ROUNDS", .field = "rounds", .right = true },
	{ .title = "BLOCKS", .field = "blocks", .right = true },
	{ .title = "SKIPPED", .field = "blocks_skipped", .right = true },
	{ .title = "READ", .field = "blocks_read", .right = true },
	{ .title = "EVENTS", .field = "events", .right = true },
	{ .title = "ASKED OF THE STORE", .field = "pushed", .gives_way = true },
};

static int print_scans(const struct cli_io *io, const struct cli_values *v, struct slice doc)
{
	const struct printer_config config = {
		PRINTER_ON(io),		 .format = printer_format_of(v->output, io->out_tty),
		.columns = scan_columns, .n_columns = ARRAY_SIZE(scan_columns),
		.list = "scans",
	};
	struct slice scans;

	if (!rawjson_member(doc, "scans", &scans))
		return err_origin(-EBADMSG);
	return printer_print(&config, scans, "", NULL);
}

static int print(const struct cli_io *io, const struct cli_values *v, struct slice doc)
{
	struct pages pages = { 0 };
	struct diag d = { 0 };
	uint64_t n = 1;
	int r;

	if (v->explain)
		r = print_scans(io, v, doc);
	else
		r = rows_print(io, v->output, doc, &n);
	if (r == 0)
		r = pages_add(&pages, doc);
	if (r == -EBADMSG)
		diag_set(&d, r, 0, 0, "the collector's answer is not what a statement answers");
	if (r < 0) {
		r = session_failed(io, r, &d);
	} else {
		pages_say(&pages, io);
		r = n == 0 ? EXIT_NONE : pages_partial(&pages) ? EXIT_PARTIAL : EXIT_HITS;
	}
	pages_done(&pages);
	return r;
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	char limit[24];
	const struct client_param params[] = { { "sql", operand },
					       { "limit", v->limit ? limit : NULL } };
	const struct client_request q = { "/api/v1/sql", params, ARRAY_SIZE(params), CLIENT_POST };
	AUTO_BUF struct buf body = { 0 };
	AUTO(session) *s = NULL;
	struct slice doc;
	int r;

	if (!operand) {
		cli_say(io, "a SELECT statement is expected, in quotes");
		return EXIT_USAGE;
	}
	snprintf(limit, sizeof(limit), "%" PRIu64, v->limit);
	r = session_open(&s, io, v);
	if (r == 0)
		r = session_ask(s, &q, &body, &doc);
	return r ? r : print(io, v, doc);
}

const struct cli_command cmd_sql = {
	.name = "sql",
	.operand = "SELECT",
	.summary = "Ask events and nodes by SQL",
	.about = "Runs one SELECT statement of SQLite over the tables events and nodes "
		 "(docs/sql.md).\n"
		 "Nothing can be changed by it; time, memory and rows are bounded.\n"
		 "\n"
		 "  rtsecctl sql \"SELECT process_name, count(*) FROM events\n"
		 "      WHERE timestamp > time_ns('-1h') GROUP BY 1 ORDER BY 2 DESC\"\n"
		 "  rtsecctl sql \"SELECT * FROM events('process.args : \\\"-i\\\"')\" --explain\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
