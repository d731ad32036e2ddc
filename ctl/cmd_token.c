/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl token: API tokens made, listed, ended. */
#include "ctl/change.h"
#include "ctl/cmds.h"
#include "ctl/listing.h"

static const struct cli_option options[] = {
	OPTION("name", 0, TEXT, "NAME", name, "create: what the token is for"),
	OPTION("role", 0, CHOICE, "viewer|analyst|operator|admin", role,
	       "create: what it may do (viewer)"),
	OPTION("scope", 0, TEXT, "TERMS", scope,
	       "create: nodes it may see: node:ID and label:KEY=VALUE, commas between (all)"),
	OPTION("ttl", 0, TEXT, "TIME", ttl, "create: how long it is good (90d)"),
	CLI_OPTIONS_SERVER,
};

static const struct printer_column columns[] = {
	{ .title = "ID", .field = "id", .right = true, .whole = true },
	{ .title = "NAME", .field = "name" },
	{ .title = "ROLE", .field = "role" },
	{ .title = "SCOPE", .field = "scope", .gives_way = true },
	{ .title = "CREATED", .field = "created", .time = PRINTER_SECONDS, .spare = 1 },
	{ .title = "BY", .field = "created_by", .spare = 2 },
	{ .title = "EXPIRES", .field = "expires", .time = PRINTER_SECONDS },
	{ .title = "REVOKED", .field = "revoked", .time = PRINTER_SECONDS },
};

static int list(const struct cli_io *io, const struct cli_values *v)
{
	static const struct listing tokens = {
		.path = "/api/v1/tokens",
		.member = "tokens",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
	};

	return listing_run(&tokens, io, v);
}

static void tell_token(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "%s\n", change_text(answer, "token"));
	if (io->err_tty)
		cli_say(io, "role %s, good until %s; it is shown only now",
			change_text(answer, "role"), change_text(answer, "expires"));
}

static int create(const struct cli_io *io, const struct cli_values *v)
{
	const struct client_param params[] = {
		{ "name", v->name }, { "role", v->role }, { "scope", v->scope }, { "ttl", v->ttl }
	};
	const struct change c = {
		.request = { .path = "/api/v1/tokens",
			     .params = params,
			     .n_params = ARRAY_SIZE(params) },
		.tell = tell_token,
	};

	if (v->name)
		return change_run(&c, io, v);
	cli_say(io, "token create needs --name NAME: what the token is for");
	return EXIT_USAGE;
}

static void tell_revoked(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "token %lld is revoked\n",
		(long long)json_integer_value(json_object_get(answer, "revoked")));
}

static int end(const struct cli_io *io, const struct cli_values *v, const char *id)
{
	struct change c = { .tell = tell_revoked };
	char path[128];

	if (strspn(id, "0123456789") != strlen(id) || strlen(id) > 19) {
		cli_say(io, "\"%s\" is no token's id: rtsecctl token list shows them", id);
		return EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "/api/v1/tokens/%s/revoke", id);
	c.request.path = path;
	return change_run(&c, io, v);
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	const char *id = NULL;

	if (v->n_operands == 0 || change_words(v, "list", false, NULL))
		return list(io, v);
	if (change_words(v, "create", false, NULL))
		return create(io, v);
	if (change_words(v, "revoke", true, &id))
		return end(io, v, id);
	return cli_unknown_verb(io, &cmd_token, operand);
}

const struct cli_command cmd_token = {
	.name = "token",
	.operand = "[list | create | revoke ID]",
	.many = true,
	.verbs = "list|create|revoke",
	.summary = "API tokens: list, make, end",
	.about = "A token has a role, may be bound to some nodes, and ends. Its text is shown "
		 "once,\n"
		 "when it is made; the collector keeps only a hash of it.\n"
		 "\n"
		 "  rtsecctl token create --name grafana --role viewer --ttl 90d\n"
		 "  rtsecctl token create --name team-a --role analyst --scope label:team=a\n"
		 "  rtsecctl token revoke 7\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
