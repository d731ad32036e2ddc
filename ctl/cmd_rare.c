/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rare and spread: what was seen on few nodes, and what came to several at once. */
#include <inttypes.h>

#include "ctl/cmds.h"
#include "ctl/listing.h"
#include "ctl/text.h"

#define KINDS "executable|hash|pair|destination|domain|user"

static const struct cli_option rare_options[] = {
	OPTION("kind", 0, CHOICE, KINDS, kind, "Of what (executable)"),
	OPTION("value", 0, TEXT, "VALUE", value, "This one only, with the nodes it was seen on"),
	OPTION("since", 0, TIME, "TIME", since, "Seen since then (24h)"),
	OPTION("max-nodes", 0, NUMBER, "N", max_nodes,
	       "Only what was ever seen on N nodes or fewer"),
	OPTION("limit", 0, NUMBER, "N", limit, "The N rarest, to 10000 (100)"),
	CLI_OPTIONS_SERVER,
};

static const struct cli_option spread_options[] = {
	OPTION("kind", 0, CHOICE, KINDS, kind, "Of what (executable)"),
	OPTION("nodes", 0, NUMBER, "N", nodes, "That came to N nodes at least (2)"),
	OPTION("within", 0, TEXT, "TIME", within, "In this time (1h)"),
	OPTION("since", 0, TIME, "TIME", since, "First seen since then (24h)"),
	OPTION("limit", 0, NUMBER, "N", limit, "The newest N, to 10000 (100)"),
	CLI_OPTIONS_SERVER,
};

/* Names of the nodes, as far as they are told. */
static void seen_on(const json_t *row, struct buf *out)
{
	const json_t *nodes = json_object_get(row, "seen_on"), *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		const char *name = json_string_value(json_object_get(node, "name"));

		buf_str(out, i ? ", " : "");
		text_escape(name ? name : "?", name ? strlen(name) : 1, out);
	}
}

static void window(const json_t *row, struct buf *out)
{
	const json_t *ms = json_object_get(row, "window_ms");

	if (json_is_number(ms))
		buf_printf(out, "%.1f s", json_number_value(ms) / 1e3);
}

static const struct printer_column columns[] = {
	{ .title = "NODES", .field = "nodes", .right = true },
	{ .title = "COUNT", .field = "count", .right = true },
	{ .title = "FIRST SEEN", .field = "first_seen", .time = PRINTER_SECONDS },
	{ .title = "LAST SEEN", .field = "last_seen", .time = PRINTER_SECONDS, .spare = 1 },
	{ .title = "WITHIN", .field = "window_ms", .cell = window, .right = true, .spare = 2 },
	{ .title = "VALUE", .field = "value", .gives_way = true, .middle = true },
	{ .title = "SEEN ON", .field = "seen_on", .cell = seen_on, .gives_way = true },
};

static int ask(const char *path, const struct cli_io *io, const struct cli_values *v)
{
	char limit[24], max_nodes[24], nodes[24];
	const struct client_param params[] = {
		{ "kind", v->kind },
		{ "value", v->value },
		{ "since", v->since },
		{ "max_nodes", v->max_nodes ? max_nodes : NULL },
		{ "nodes", v->nodes ? nodes : NULL },
		{ "within", v->within },
		{ "limit", v->limit ? limit : NULL },
	};
	const struct listing l = { .path = path,
				   .member = "facts",
				   .params = params,
				   .n_params = ARRAY_SIZE(params),
				   .columns = columns,
				   .n_columns = ARRAY_SIZE(columns) };

	snprintf(limit, sizeof(limit), "%" PRIu64, v->limit);
	snprintf(max_nodes, sizeof(max_nodes), "%" PRIu64, v->max_nodes);
	snprintf(nodes, sizeof(nodes), "%" PRIu64, v->nodes);
	return listing_run(&l, io, v);
}

static int run_rare(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	(void)operand;
	return ask("/api/v1/prevalence", io, v);
}

static int run_spread(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	(void)operand;
	return ask("/api/v1/spread", io, v);
}

const struct cli_command cmd_rare = {
	.name = "rare",
	.summary = "List what was seen on the fewest nodes",
	.about = "Shows programs, their hashes, which program starts which, addresses and domains "
		 "that were\n"
		 "connected to, or users: those on the fewest nodes first, then the fewest times.\n"
		 "\n"
		 "  rtsecctl rare --since -1h\n"
		 "  rtsecctl rare --kind domain --max-nodes 1\n"
		 "  rtsecctl rare --kind executable --value /usr/bin/nc\n",
	.options = rare_options,
	.n_options = ARRAY_SIZE(rare_options),
	.run = run_rare,
};

const struct cli_command cmd_spread = {
	.name = "spread",
	.summary = "List what is new and came to several nodes in a short time",
	.about = "Shows what the fleet had never seen before --since and what then came to --nodes "
		 "nodes\n"
		 "within --within: an update that is rolled out, or a worm.\n"
		 "\n"
		 "  rtsecctl spread --kind hash --nodes 3 --within 10m\n",
	.options = spread_options,
	.n_options = ARRAY_SIZE(spread_options),
	.run = run_spread,
};
