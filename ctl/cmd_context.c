/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "ctl/cmds.h"
#include "ctl/contexts.h"
#include "ctl/printer.h"
#include "ctl/session.h"

static const struct cli_option options[] = {
	OPTION("url", 0, TEXT, "URL", url, "add: address of the collector"),
	OPTION("token-file", 0, TEXT, "FILE", token_file,
	       "add: file that holds its API token, else $RTSEC_TOKEN"),
	OPTION("ca", 0, TEXT, "FILE", ca_file,
	       "add: its CA (DIR/tls/ca.pem of it), else $RTSEC_CA"),
	CLI_OPTIONS_COMMON,
};

static const struct printer_column columns[] = {
	{ .title = "NAME", .field = "name" },
	{ .title = "CURRENT", .field = "current" },
	{ .title = "URL", .field = "url", .gives_way = true },
};

struct contexts {
	const struct cli_io *io;
	const struct cli_values *v;
	json_t *doc;
};

static json_t *all(struct contexts *c)
{
	json_t *list = json_object_get(c->doc, "contexts");

	if (json_is_object(list))
		return list;
	list = json_object();
	json_object_set_new(c->doc, "contexts", list);
	return list;
}

static int save(struct contexts *c)
{
	struct diag d = { 0 };

	if (contexts_save(c->io, c->doc, &d) == 0)
		return EXIT_HITS;
	cli_say(c->io, "%s", d.text);
	return EXIT_SERVER;
}

static int unknown(const struct contexts *c, const char *name)
{
	cli_say(c->io, "there is no context %s: see rtsecctl context list", name);
	return EXIT_NONE;
}

static bool name_is_good(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       n;
}

/* From the root, wherever rtsecctl is run later. */
static const char *path_of_ca(const struct context *where, char path[PATH_MAX])
{
	return where->ca[0] && realpath(where->ca, path) ? path : where->ca;
}

/* The first one becomes the current one.  What address and token may be, client_new() says. */
static int add(struct contexts *c, const char *name)
{
	struct context where = { 0 };
	AUTO(client) *client = NULL;
	char path[PATH_MAX];
	struct diag d = { 0 };
	json_t *one;
	int r;

	if (!name_is_good(name)) {
		cli_say(c->io, "a context's name has 1 to 64 letters, digits, '.', '_' or '-'");
		return EXIT_USAGE;
	}
	r = session_where(c->io, c->v, &where);
	if (r)
		return r;
	r = client_new(&client, where.url, where.token, &d);
	if (r < 0)
		return session_failed(c->io, r, &d);
	one = json_pack("{s:s,s:s,s:s}", "url", where.url, "token", where.token, "ca",
			path_of_ca(&where, path));
	if (!one)
		return session_failed(c->io, err_origin(-ENOMEM), NULL);
	json_object_set_new(all(c), name, one);
	if (!json_object_get(c->doc, "current"))
		json_object_set_new(c->doc, "current", json_string(name));
	return save(c);
}

static int use(struct contexts *c, const char *name)
{
	if (!json_object_get(all(c), name))
		return unknown(c, name);
	json_object_set_new(c->doc, "current", json_string(name));
	return save(c);
}

static int drop(struct contexts *c, const char *name)
{
	const char *current = json_string_value(json_object_get(c->doc, "current"));

	if (!json_object_get(all(c), name))
		return unknown(c, name);
	if (current && strcmp(current, name) == 0)
		json_object_del(c->doc, "current");
	json_object_del(all(c), name);
	return save(c);
}

/* Tokens are not shown. */
static int print_one(const struct contexts *c, struct printer *p, const char *name)
{
	const char *current = json_string_value(json_object_get(c->doc, "current"));
	const json_t *one = json_object_get(json_object_get(c->doc, "contexts"), name);
	json_t *row = json_pack("{s:s,s:b,s:O}", "name", name, "current",
				current && strcmp(current, name) == 0, "url",
				json_object_get(one, "url"));
	AUTO_MEM char *text = row ? json_dumps(row, JSON_COMPACT) : NULL;

	json_decref(row);
	return text ? printer_row(p, (struct slice){ text, strlen(text) }) : err_origin(-ENOMEM);
}

static int list(struct contexts *c)
{
	const struct printer_config config = {
		PRINTER_ON(c->io),  .format = printer_format_of(c->v->output, c->io->out_tty),
		.columns = columns, .n_columns = ARRAY_SIZE(columns),
		.list = "contexts",
	};
	AUTO(printer) *p = NULL;
	const char *name;
	json_t *one;
	int r = printer_new(&p, &config);

	json_object_foreach(all(c), name, one) if (r == 0) r = print_one(c, p, name);
	if (r == 0)
		r = printer_finish(p, "");
	if (r < 0)
		return session_failed(c->io, r, NULL);
	return json_object_size(all(c)) ? EXIT_HITS : EXIT_NONE;
}

static int dispatch(struct contexts *c)
{
	static const struct {
		const char *verb;
		int (*run)(struct contexts *c, const char *name);
	} verbs[] = { { "add", add }, { "use", use }, { "remove", drop } };
	const char *verb = c->v->n_operands ? c->v->operands[0] : "list";

	if (strcmp(verb, "list") == 0 && c->v->n_operands < 2)
		return list(c);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verb, verbs[i].verb) == 0 && c->v->n_operands == 2)
			return verbs[i].run(c, c->v->operands[1]);
	return cli_unknown_verb(c->io, &cmd_context, verb);
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct contexts c = { .io = io, .v = v };
	struct diag d = { 0 };
	int r = contexts_load(io, &c.doc, &d);

	(void)operand;
	if (r < 0) {
		cli_say(io, "%s", d.text[0] ? d.text : strerror(-r));
		return EXIT_USAGE;
	}
	r = dispatch(&c);
	json_decref(c.doc);
	return r;
}

const struct cli_command cmd_context = {
	.name = "context",
	.operand = "[list|add NAME|use NAME|remove NAME]",
	.many = true,
	.verbs = "list|add|use|remove",
	.summary = "Keep collectors and their tokens by name",
	.about = "Keeps address and token of collectors in ~/.config/rtsec/contexts.json, which "
		 "only you\n"
		 "can read. The current one is asked when neither --url nor RTSEC_URL says "
		 "another;\n"
		 "--context NAME asks one of them once.\n"
		 "\n"
		 "  rtsecctl context add prod --url https://sec.example:8443 --token-file token\n"
		 "  rtsecctl context use prod\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
