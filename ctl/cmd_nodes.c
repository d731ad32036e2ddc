/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmds.h"
#include "ctl/listing.h"

static const struct cli_option options[] = { CLI_OPTIONS_SERVER };

/* How long ago it was heard of, to the eye. */
static void seen(const json_t *row, struct buf *out)
{
	static const struct {
		json_int_t below, unit_ms;
		char letter;
	} units[] = {
		{ 60 * 1000, 1000, 's' },
		{ 3600 * 1000, 60 * 1000, 'm' },
		{ 86400 * 1000, 3600 * 1000, 'h' },
		{ INT64_MAX, 86400 * 1000, 'd' },
	};
	const json_t *lag = printer_find(row, "lag_ms");
	json_int_t ms = json_integer_value(lag);
	size_t i = 0;

	if (!lag)
		return;
	while (i < ARRAY_SIZE(units) - 1 && ms >= units[i].below)
		i++;
	buf_printf(out, "%lld%c ago", (long long)(ms / units[i].unit_ms), units[i].letter);
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
	{ .title = "NODE", .field = "name" },
	{ .title = "STATE", .field = "state" },
	{ .title = "SEEN", .field = "last_seen", .cell = seen },
	{ .title = "EVENTS", .field = "events", .right = true },
	{ .title = "LOST", .field = "lost", .cell = lost, .right = true },
	{ .title = "KERNEL", .field = "os_kernel" },
	{ .title = "ARCH", .field = "architecture" },
	{ .title = "SENSOR", .field = "agent_version" },
	{ .title = "ID", .field = "id", .gives_way = true },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	static const struct listing nodes = {
		.path = "/api/v1/nodes",
		.member = "nodes",
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
		 "lost, what it runs. json and ndjson have all that the collector knows of it.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
