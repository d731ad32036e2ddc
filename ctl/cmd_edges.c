/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl edges and hops: connections between processes. */
#include <inttypes.h>

#include "ctl/cmds.h"
#include "ctl/listing.h"
#include "ctl/text.h"

static const struct cli_option edge_options[] = {
	OPTION("process", 0, TEXT, "ENTITY_ID", process, "Only with this process at an end"),
	OPTION("state", 0, CHOICE, "all|joined|half", state, "With both ends, or with one (all)"),
	OPTION("since", 0, TIME, "TIME", since, "From this time on (24h)"),
	OPTION("until", 0, TIME, "TIME", until, "Before this time"),
	OPTION("node", 0, TEXT, "NODE", node, "Only with this node at an end, by name or id"),
	OPTION("limit", 0, NUMBER, "N", limit, "The newest N, to 1000 (100)"),
	CLI_OPTIONS_SERVER,
};

static const struct cli_option hop_options[] = {
	OPTION("from", 0, TEXT, "NODE|ENTITY_ID", from, "Where the chains begin"),
	OPTION("since", 0, TIME, "TIME", since, "From this time on (24h)"),
	OPTION("until", 0, TIME, "TIME", until, "Before this time"),
	OPTION("hops", 0, NUMBER, "N", hops, "At most N connections in a row, to 16 (8)"),
	OPTION("limit", 0, NUMBER, "N", limit, "At most N of them, to 1000 (100)"),
	CLI_OPTIONS_SERVER,
};

/* ---- cells ---- */

static void add_escaped(const char *s, struct buf *out)
{
	text_escape(s, strlen(s), out);
}

static const char *text_at(const json_t *row, const char *prefix, const char *path)
{
	char full[96];

	snprintf(full, sizeof(full), "%s%s", prefix, path);
	return json_string_value(printer_find(row, full));
}

/* node: process[pid], or the address where there is no such end. */
static void add_end(const json_t *row, const char *prefix, const char *side, const char *address,
		    struct buf *out)
{
	char path[64];
	const char *node, *process, *ip;
	const json_t *pid;

	snprintf(path, sizeof(path), "%s.node.name", side);
	node = text_at(row, prefix, path);
	snprintf(path, sizeof(path), "%s.process", side);
	process = text_at(row, prefix, path);
	snprintf(path, sizeof(path), "%s.ip", address);
	ip = text_at(row, prefix, path);
	if (!node) {
		buf_str(out, "(");
		add_escaped(ip ? ip : "?", out);
		buf_str(out, ")");
		return;
	}
	add_escaped(node, out);
	buf_str(out, ": ");
	add_escaped(process ? process : "?", out);
	snprintf(path, sizeof(path), "%s%s.pid", prefix, side);
	pid = printer_find(row, path);
	if (json_is_integer(pid))
		buf_printf(out, "[%lld]", (long long)json_integer_value(pid));
}

static void add_target(const json_t *row, const char *prefix, struct buf *out)
{
	const char *ip = text_at(row, prefix, "destination.ip");
	bool v6 = ip && strchr(ip, ':');
	char path[64];

	buf_str(out, v6 ? "[" : "");
	add_escaped(ip ? ip : "?", out);
	buf_str(out, v6 ? "]:" : ":");
	snprintf(path, sizeof(path), "%sdestination.port", prefix);
	printer_value(printer_find(row, path), out);
}

/* Why an end is missing, with the node whose it is. */
static void add_missing(const json_t *row, const char *prefix, struct buf *out)
{
	const char *reason = text_at(row, prefix, "missing.reason");
	const char *node = text_at(row, prefix, "missing.node.name");
	const char *cause = text_at(row, prefix, "missing.cause");

	if (!reason)
		return;
	add_escaped(reason, out);
	if (node) {
		buf_str(out, " of ");
		add_escaped(node, out);
	}
	if (cause) {
		buf_str(out, " (");
		add_escaped(cause, out);
		buf_str(out, ")");
	}
}

/* ---- edges ---- */

static void edge_from(const json_t *row, struct buf *out)
{
	add_end(row, "", "connected", "source", out);
}

static void edge_to(const json_t *row, struct buf *out)
{
	add_end(row, "", "accepted", "destination", out);
}

static void edge_target(const json_t *row, struct buf *out)
{
	add_target(row, "", out);
}

static void edge_state(const json_t *row, struct buf *out)
{
	if (printer_find(row, "missing.reason"))
		add_missing(row, "", out);
	else
		buf_printf(out, "%lld %%",
			   (long long)json_integer_value(printer_find(row, "confidence")));
}

static const char *edge_tint(const json_t *row)
{
	const char *reason = json_string_value(printer_find(row, "missing.reason"));

	return reason && strncmp(reason, "evidence", 8) == 0 ? "33" : NULL;
}

static const struct printer_column edge_columns[] = {
	{ .title = "TIME", .field = "time", .time = PRINTER_SECONDS },
	{ .title = "FROM", .field = "connected.entity_id", .cell = edge_from, .middle = true },
	{ .title = "TO", .field = "accepted.entity_id", .cell = edge_to, .middle = true },
	{ .title = "DESTINATION", .field = "destination.ip", .cell = edge_target, .middle = true },
	{ .title = "JOINED", .field = "state", .cell = edge_state },
	{ .title = "FLOW", .field = "community_id", .whole = true, .spare = 1 },
};

static int run_edges(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	char limit[24];
	const struct client_param params[] = {
		{ "process", v->process }, { "state", v->state },
		{ "since", v->since },	   { "until", v->until },
		{ "node", v->node },	   { "limit", v->limit ? limit : NULL },
	};
	const struct listing edges = { .path = "/api/v1/edges",
				       .member = "edges",
				       .params = params,
				       .n_params = ARRAY_SIZE(params),
				       .columns = edge_columns,
				       .n_columns = ARRAY_SIZE(edge_columns),
				       .tint = edge_tint };

	(void)operand;
	snprintf(limit, sizeof(limit), "%" PRIu64, v->limit);
	return listing_run(&edges, io, v);
}

const struct cli_command cmd_edges = {
	.name = "edges",
	.summary = "List connections from process to process, and halves with the reason",
	.about = "Shows connections that both sides' sensors saw as one, newest first, and those "
		 "of which one\n"
		 "side is missing: no_sensor, evidence_lost, evidence_late, not_seen, failed.\n"
		 "\n"
		 "  rtsecctl edges --node web-1 --since -1h\n"
		 "  rtsecctl edges --state half\n",
	.options = edge_options,
	.n_options = ARRAY_SIZE(edge_options),
	.run = run_edges,
};

/* ---- hops ---- */

static void hop_from(const json_t *row, struct buf *out)
{
	add_end(row, "edge.", "connected", "source", out);
}

static void hop_to(const json_t *row, struct buf *out)
{
	add_end(row, "edge.", "accepted", "destination", out);
}

static void hop_target(const json_t *row, struct buf *out)
{
	add_target(row, "edge.", out);
}

static void hop_skew(const json_t *row, struct buf *out)
{
	const json_t *skew = printer_find(row, "edge.skew_ns");

	if (json_is_integer(skew))
		buf_printf(out, "%+.1f ms", (double)json_integer_value(skew) / 1e6);
}

static void hop_sure(const json_t *row, struct buf *out)
{
	buf_printf(out, "%lld %%", (long long)json_integer_value(printer_find(row, "confidence")));
}

static const struct printer_column hop_columns[] = {
	{ .title = "TIME", .field = "edge.time", .time = PRINTER_SECONDS },
	{ .title = "HOP", .field = "hop", .right = true },
	{ .title = "FROM", .field = "edge.connected.entity_id", .cell = hop_from, .middle = true },
	{ .title = "TO", .field = "edge.accepted.entity_id", .cell = hop_to, .middle = true },
	{ .title = "DESTINATION", .field = "edge.destination.ip", .cell = hop_target },
	{ .title = "SKEW", .field = "edge.skew_ns", .cell = hop_skew, .right = true, .spare = 1 },
	{ .title = "SURE", .field = "confidence", .cell = hop_sure, .right = true },
};

static int run_hops(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	char limit[24], n[24];
	const struct client_param params[] = {
		{ "from", v->from },
		{ "since", v->since },
		{ "until", v->until },
		{ "hops", v->hops ? n : NULL },
		{ "limit", v->limit ? limit : NULL },
	};
	const struct listing hops = { .path = "/api/v1/hops",
				      .member = "hops",
				      .params = params,
				      .n_params = ARRAY_SIZE(params),
				      .columns = hop_columns,
				      .n_columns = ARRAY_SIZE(hop_columns) };

	(void)operand;
	if (!v->from) {
		cli_say(io, "hops wants --from NODE or --from ENTITY_ID");
		return EXIT_USAGE;
	}
	snprintf(limit, sizeof(limit), "%" PRIu64, v->limit);
	snprintf(n, sizeof(n), "%" PRIu64, v->hops);
	return listing_run(&hops, io, v);
}

const struct cli_command cmd_hops = {
	.name = "hops",
	.summary = "Show the chains of connections from a node or process over the fleet",
	.about = "Follows connections from process to process over nodes, through what a server "
		 "starts and\n"
		 "connects to while it serves, and shows every step by time: how much later the "
		 "accepting side's\n"
		 "clock was (SKEW), and how sure the way there is.\n"
		 "\n"
		 "  rtsecctl hops --from web-1 --since -1h\n"
		 "  rtsecctl hops --from 9f1c0e6b5d2a4477\n",
	.options = hop_options,
	.n_options = ARRAY_SIZE(hop_options),
	.run = run_hops,
};
