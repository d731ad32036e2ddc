/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/listing.h"

static const struct cli_option options[] = { CLI_OPTIONS_SERVER };

static const struct printer_column columns[] = {
	{ .title = "NODE", .field = "name" },
	{ .title = "ID", .field = "id", .gives_way = true },
	{ .title = "LAST SEEN", .field = "last_seen" },
	{ .title = "EVENTS", .field = "events", .right = true },
	{ .title = "KERNEL", .field = "os_kernel" },
	{ .title = "ARCH", .field = "architecture" },
	{ .title = "SENSOR", .field = "agent_version" },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	static const struct listing nodes = {
		.path = "/api/v1/nodes",
		.member = "nodes",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
	};

	(void)operand;
	return listing_run(&nodes, io, v);
}

const struct cli_command cmd_nodes = {
	.name = "nodes",
	.summary = "List the nodes of the fleet",
	.about = "Shows every node that ever sent events: when it was last seen, how many it sent, what\n"
		 "it runs. json and ndjson have all that the collector knows of it.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
