/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl audit: who asked and changed what. */
#include "ctl/cmds.h"
#include "ctl/listing.h"

static const struct cli_option options[] = {
	OPTION("limit", 0, NUMBER, "N", limit, "Newest rows that are shown, to 10000 (100)"),
	CLI_OPTIONS_SERVER,
};

static const struct printer_column columns[] = {
	{ .title = "TIME", .field = "time", .time = PRINTER_SECONDS },
	{ .title = "ACTOR", .field = "actor" },
	{ .title = "ADDRESS", .field = "address", .spare = 1 },
	{ .title = "STATUS", .field = "status" },
	{ .title = "ACTION", .field = "action", .gives_way = true },
	{ .title = "DETAIL", .field = "detail", .gives_way = true },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	char path[64];
	const struct listing rows = {
		.path = path,
		.member = "rows",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
	};

	(void)operand;
	snprintf(path, sizeof(path), "/api/v1/audit?limit=%llu",
		 (unsigned long long)(v->limit ? v->limit : 100));
	return listing_run(&rows, io, v);
}

const struct cli_command cmd_audit = {
	.name = "audit",
	.summary = "Show who asked and changed what",
	.about = "The newest requests to the collector's API: who, from where, what was asked, and "
		 "how\n"
		 "it was answered. Needs the role admin.\n"
		 "\n"
		 "  rtsecctl audit --limit 20\n"
		 "  rtsecctl audit -o ndjson | jq -r 'select(.status >= 400)'\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
