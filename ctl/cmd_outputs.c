/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl outputs: where alerts are told to others, and whether they get there. */
#include "ctl/change.h"
#include "ctl/cmds.h"
#include "ctl/listing.h"
#include "ctl/lookup.h"
#include "lib/json.h"

static const struct cli_option options[] = {
	OPTION("rule", 0, TEXT, "ID", rule, "silence: alerts of this rule"),
	OPTION("node", 0, TEXT, "NODE", node, "silence: alerts of this node, by name or id"),
	OPTION("ttl", 0, TEXT, "TIME", ttl, "silence: for how long (1h)"),
	OPTION("note", 0, TEXT, "TEXT", note, "silence: why"),
	OPTION("limit", 0, NUMBER, "N", limit, "dead: the newest N letters (100)"),
	CLI_OPTIONS_SERVER,
};

/* ---- list ---- */

static void silences_cell(const json_t *row, struct buf *out)
{
	const json_t *all = json_object_get(row, "silences"), *s;
	size_t i;

	json_array_foreach(all, i, s)
	{
		const json_t *rule = json_object_get(s, "rule"), *node = json_object_get(s, "node");
		const json_t *id = json_object_get(s, "id");

		buf_str(out, i ? ", " : "");
		if (json_is_integer(id))
			buf_printf(out, "%lld: ", (long long)json_integer_value(id));
		printer_value(json_is_null(rule) ? NULL : rule, out);
		buf_str(out, json_is_null(node) ? "" : "@");
		printer_value(json_is_null(node) ? NULL : node, out);
		if (json_is_null(rule) && json_is_null(node))
			buf_str(out, "all");
	}
}

static const struct printer_column list_columns[] = {
	{ .title = "OUTPUT", .field = "name" },
	{ .title = "TYPE", .field = "type" },
	{ .title = "SENT", .field = "sent", .right = true },
	{ .title = "FAILED", .field = "failed", .right = true },
	{ .title = "DEAD", .field = "dead", .right = true },
	{ .title = "SILENCES", .field = "silences", .cell = silences_cell },
	{ .title = "TO", .field = "to", .gives_way = true },
	{ .title = "ERROR", .field = "error", .gives_way = true },
};

static int list(const struct cli_io *io, const struct cli_values *v, const char *name)
{
	static const struct listing all = {
		.path = "/api/v1/outputs",
		.member = "outputs",
		.none = "outputs: they stand in the collector's outputs.yaml (docs/outputs.md)",
		.columns = list_columns,
		.n_columns = ARRAY_SIZE(list_columns),
	};

	(void)name;
	return listing_run(&all, io, v);
}

/* ---- dead ---- */

static const struct printer_column dead_columns[] = {
	{ .title = "ID", .field = "id", .right = true },
	{ .title = "SINCE", .field = "created", .time = PRINTER_SECONDS },
	{ .title = "ALERT", .field = "alert", .right = true },
	{ .title = "ERROR", .field = "error", .gives_way = true },
};

static int dead(const struct cli_io *io, const struct cli_values *v, const char *name)
{
	AUTO_BUF struct buf path = { 0 };
	char limit[24];
	const struct client_param params[] = { { "limit", v->limit ? limit : NULL } };
	struct listing letters = {
		.params = params,
		.n_params = ARRAY_SIZE(params),
		.member = "dead",
		.none = "dead letters",
		.columns = dead_columns,
		.n_columns = ARRAY_SIZE(dead_columns),
	};

	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)v->limit);
	lookup_path(&path, "/api/v1/outputs/", name, "/dead");
	letters.path = buf_ok(&path) ? (const char *)path.data : "/api/v1/outputs";
	return listing_run(&letters, io, v);
}

/* ---- what changes something ---- */

static int post(const struct cli_io *io, const struct cli_values *v, const char *name,
		const char *after, struct change *c)
{
	AUTO_BUF struct buf path = { 0 };

	lookup_path(&path, "/api/v1/outputs/", name, after);
	c->request.path = buf_ok(&path) ? (const char *)path.data : "/api/v1/outputs";
	return change_run(c, io, v);
}

static void tell_test(const struct cli_io *io, const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "sent")))
		fprintf(io->out, "%s has taken a test alert\n", change_text(answer, "output"));
	else
		fprintf(io->out, "%s did not take it: %s\n", change_text(answer, "output"),
			change_text(answer, "error"));
}

static int test(const struct cli_io *io, const struct cli_values *v, const char *name)
{
	struct change c = { .tell = tell_test };

	return post(io, v, name, "/test", &c);
}

static void tell_replay(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "%lld dead letters of %s are told again\n",
		(long long)json_integer_value(json_object_get(answer, "replayed")),
		change_text(answer, "output"));
}

static int replay(const struct cli_io *io, const struct cli_values *v, const char *name)
{
	struct change c = { .tell = tell_replay };

	return post(io, v, name, "/replay", &c);
}

static void tell_silence(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "silence %lld of %s holds until %s\n",
		(long long)json_integer_value(json_object_get(answer, "silence")),
		change_text(answer, "output"), change_text(answer, "until"));
}

static int silence(const struct cli_io *io, const struct cli_values *v, const char *name)
{
	const struct client_param params[] = {
		{ "rule", v->rule }, { "node", v->node }, { "ttl", v->ttl }, { "note", v->note }
	};
	struct change c = { .request = { .params = params, .n_params = ARRAY_SIZE(params) },
			    .tell = tell_silence };

	return post(io, v, name, "/silences", &c);
}

static void tell_unsilence(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "%s tells what silence %lld was for\n", change_text(answer, "output"),
		(long long)json_integer_value(json_object_get(answer, "ended")));
}

static int unsilence(const struct cli_io *io, const struct cli_values *v, const char *name)
{
	struct change c = { .request = { .method = CLIENT_DELETE }, .tell = tell_unsilence };
	char after[64];

	snprintf(after, sizeof(after), "/silences/%.40s", v->operands[2]);
	return post(io, v, name, after, &c);
}

/* ---- the command ---- */

static const struct {
	const char *name;
	size_t operands; /* with the verb */
	int (*run)(const struct cli_io *io, const struct cli_values *v, const char *name);
} verbs[] = {
	{ "list", 1, list },	 { "dead", 2, dead },	    { "test", 2, test },
	{ "replay", 2, replay }, { "silence", 2, silence }, { "unsilence", 3, unsilence },
};

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	if (!operand)
		return list(io, v, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, operand) == 0 && verbs[i].operands == v->n_operands)
			return verbs[i].run(io, v, v->n_operands > 1 ? v->operands[1] : NULL);
	return cli_unknown_verb(io, &cmd_outputs, operand);
}

const struct cli_command cmd_outputs = {
	.name = "outputs",
	.operand = "[VERB] [OUTPUT]",
	.many = true,
	.verbs = "list|test|dead|replay|silence|unsilence",
	.summary = "Where alerts are told to others, and whether they get there",
	.about = "Outputs stand in the collector's outputs.yaml (docs/outputs.md).\n"
		 "\n"
		 "  rtsecctl outputs                     How each is: told, failed, given up\n"
		 "  rtsecctl outputs test OUTPUT         Sends it a made-up alert\n"
		 "  rtsecctl outputs dead OUTPUT         What did not get through after all tries\n"
		 "  rtsecctl outputs replay OUTPUT       Tells that again\n"
		 "  rtsecctl outputs silence OUTPUT --rule ID --node NODE --ttl 2h --note TEXT\n"
		 "  rtsecctl outputs unsilence OUTPUT ID\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
