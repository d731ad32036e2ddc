/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/listing.h"

static const struct cli_option options[] = { CLI_OPTIONS_SERVER };

/* How long ago it was heard of, to the eye. */
static void seen(const json_t *row, struct buf *out)
{
	const json_t *lag = printer_find(row, "lag_ms");

	if (!lag)
		return;
	when_span((uint64_t)MAX(json_integer_value(lag), (json_int_t)0) * 1000000, out);
	buf_str(out, " ago");
}

/* Events that its sensor counted as lost, whatever the reason. */
static void lost(const json_t *row, struct buf *out)
{
	static const char *const paths[] = { "sensor.lost_priority", "sensor.lost_bulk",
					     "sensor.lost_queue", "sensor.malformed" };
	json_int_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		sum += json_integer_value(printer_find(row, paths[i]));
	if (printer_find(row, "sensor"))
		buf_printf(out, "%lld", (long long)sum);
}

static const char *tint(const json_t *row)
{
	const char *state = json_string_value(printer_find(row, "state"));

	return state && strcmp(state, "up") != 0 ? "33" : NULL;
}

static const struct printer_column columns[] = {
	{ .title = "NODE", .field = "name", .middle = true },
	{ .title = "STATE", .field = "state" },
	{ .title = "SEEN", .field = "last_seen", .cell = seen },
	{ .title = "EVENTS", .field = "events", .right = true },
	{ .title = "LOST", .field = "lost", .cell = lost, .right = true },
	{ .title = "KERNEL", .field = "os_kernel", .spare = 2 },
	{ .title = "ARCH", .field = "architecture", .spare = 3 },
	{ .title = "SENSOR", .field = "agent_version", .spare = 1 },
	{ .title = "ID", .field = "id", .whole = true, .spare = 4 },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	static const struct listing nodes = {
		.path = "/api/v1/nodes",
		.member = "nodes",
		.none = "nodes yet: rtsecctl node token create lets one in",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
		.tint = tint,
	};

	(void)operand;
	return listing_run(&nodes, io, v);
}

const struct cli_command cmd_nodes = {
	.name = "nodes",
	.summary = "List the nodes of the fleet",
	.about = "Shows every node that ever sent events: when it was last seen, how many it sent "
		 "and\n"
		 "lost, what it runs. json and ndjson have all that the collector knows of it.\n"
		 "\n"
		 "  rtsecctl nodes\n"
		 "  rtsecctl nodes -o ndjson | jq -r 'select(.state != \"up\").name'\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
