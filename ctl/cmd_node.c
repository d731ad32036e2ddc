/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl node: lets nodes in (token create) and shuts them out (revoke). */
#include "ctl/change.h"
#include "ctl/cmds.h"

static const struct cli_option options[] = {
	OPTION("ttl", 0, TEXT, "TIME", ttl, "token create: how long the token is good (1h)"),
	OPTION("node", 0, TEXT, "ID", node,
	       "token create: for this node alone, also when it is enrolled already"),
	CLI_OPTIONS_SERVER,
};

static void tell_token(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "%s\n", change_text(answer, "token"));
	if (io->err_tty)
		cli_say(io,
			"good once, until %s; on the node: rtsec-sensor enroll --collector "
			"https://HOST:8443 --token-file FILE",
			change_text(answer, "expires"));
}

static int create(const struct cli_io *io, const struct cli_values *v)
{
	const struct client_param params[] = { { "ttl", v->ttl }, { "node_id", v->node } };
	const struct change c = {
		.request = { .path = "/api/v1/join-tokens",
			     .params = params,
			     .n_params = ARRAY_SIZE(params) },
		.tell = tell_token,
	};

	return change_run(&c, io, v);
}

static void tell_revoked(const struct cli_io *io, const json_t *answer)
{
	fprintf(io->out, "%s is shut out: %lld certificate(s) revoked\n",
		change_text(answer, "node_id"),
		(long long)json_integer_value(json_object_get(answer, "revoked")));
}

static int shut_out(const struct cli_io *io, const struct cli_values *v, const char *node)
{
	struct change c = { .tell = tell_revoked };
	char path[512];

	if (strspn(node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:@") !=
	    strlen(node)) {
		cli_say(io, "\"%s\" is no node's id: rtsecctl nodes lists them", node);
		return EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "/api/v1/nodes/%.400s/revoke", node);
	c.request.path = path;
	return change_run(&c, io, v);
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	const char *node = NULL;

	if (change_words(v, "token create", false, NULL))
		return create(io, v);
	if (change_words(v, "revoke", true, &node))
		return shut_out(io, v, node);
	return cli_unknown_verb(io, &cmd_node, operand);
}

const struct cli_command cmd_node = {
	.name = "node",
	.operand = "token create | revoke ID",
	.many = true,
	.verbs = "token|revoke",
	.summary = "Let a node in, or shut one out",
	.about =
		"token create makes a join token: good once, and for a while, with which\n"
		"rtsec-sensor enroll gets a certificate for its node. revoke ends all certificates "
		"of a\n"
		"node at once, on connections that are open, too.\n"
		"\n"
		"  rtsecctl node token create > token           # then, on the node:\n"
		"  rtsec-sensor enroll --collector https://HOST:8443 --token-file token\n"
		"  rtsecctl node revoke web-1\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
