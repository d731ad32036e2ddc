/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/listing.h"

static const struct cli_option options[] = { CLI_OPTIONS_SERVER };

static const struct printer_column columns[] = {
	{ .title = "FIELD", .field = "name" },
	{ .title = "TYPE", .field = "type" },
	{ .title = "WHAT IT SAYS", .field = "help", .gives_way = true },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	static const struct listing fields = {
		.path = "/api/v1/fields",
		.member = "fields",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
	};

	(void)operand;
	return listing_run(&fields, io, v);
}

const struct cli_command cmd_fields = {
	.name = "fields",
	.summary = "List the fields that a query may ask for",
	.about = "Shows name, type and meaning of every field of this collector's events.\n"
		 "\n"
		 "  rtsecctl fields\n"
		 "  rtsecctl fields -o csv | grep -i hash\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
