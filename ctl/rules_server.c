/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/rules_server.h"

#include "ctl/listing.h"
#include "ctl/lookup.h"
#include "ctl/rules.h"
#include "ctl/session.h"

struct job {
	const struct cli_io *io;
	const struct cli_values *v;
	struct session *session;
	struct printer *printer;
	struct rules rules;
	bool wrong;
};

static int open_printer(struct job *j, const struct printer_column *columns, size_t n)
{
	const struct printer_config config = {
		PRINTER_ON(j->io),  .format = printer_format_of(j->v->output, j->io->out_tty),
		.columns = columns, .n_columns = n,
		.list = "rules",
	};

	return printer_new(&j->printer, &config);
}

/* Asks for @method of the path that @key stands in.  Returns as session_ask(). */
struct call {
	enum client_method method;
	const char *before, *key, *after;
	const struct client_param *params;
	size_t n_params;
};
static int call(struct job *j, const struct call *c, struct buf *body, struct slice *ret)
{
	AUTO_BUF struct buf path = { 0 };
	struct client_request q = { .params = c->params,
				    .n_params = c->n_params,
				    .method = c->method };

	lookup_path(&path, c->before, c->key, c->after);
	if (!buf_ok(&path))
		return session_failed(j->io, err_origin(-ENOMEM), NULL);
	q.path = (const char *)path.data;
	return session_ask(j->session, &q, body, ret);
}

/* ---- apply ---- */

static void why(const json_t *row, struct buf *out)
{
	const json_t *first = json_array_get(json_object_get(row, "problems"), 0);

	if (!first)
		return;
	buf_printf(out,
		   "%lld:%lld: ", (long long)json_integer_value(json_object_get(first, "line")),
		   (long long)json_integer_value(json_object_get(first, "column")));
	printer_value(json_object_get(first, "text"), out);
}

static const struct printer_column change_columns[] = {
	{ .title = "RULE", .field = "id", .whole = true },
	{ .title = "CHANGE", .field = "change" },
	{ .title = "REVISION", .field = "revision", .right = true },
	{ .title = "STATUS", .field = "status" },
	{ .title = "TITLE", .field = "title", .gives_way = true },
	{ .title = "WHY", .field = "problems", .cell = why, .gives_way = true },
};

static int print_rows(struct job *j, struct slice doc, const char *member)
{
	struct slice rows;

	if (!rawjson_member(doc, member, &rows))
		return err_origin(-EBADMSG);
	return printer_rows(j->printer, rows, NULL);
}

static void say_unread(const struct job *j, const struct diag *d, int r)
{
	char text[1024];

	cli_say(j->io, "%s", d->text[0] ? diag_format(d, text, sizeof(text)) : strerror(-r));
}

/* Sends one file.  A text that is wrong is answered by 422, and told as rows too. */
static int apply_file(struct job *j, const char *path, bool dry)
{
	AUTO_BUF struct buf text = { 0 }, body = { 0 };
	const struct client_param params[] = {
		{ "source", NULL },
		{ "note", path },
		{ "dry", dry ? "true" : NULL },
	};
	struct client_param all[ARRAY_SIZE(params)];
	struct client_request q = { .path = "/api/v1/rules",
				    .params = all,
				    .n_params = ARRAY_SIZE(all),
				    .method = CLIENT_POST };
	struct diag d = { 0 };
	struct slice doc;
	long status;
	int r = rules_read(&j->rules, path, &text, &d);

	if (r < 0) {
		say_unread(j, &d, r);
		return EXIT_USAGE;
	}
	memcpy(all, params, sizeof(all));
	all[0].value = (const char *)text.data;
	r = client_ask(session_client(j->session), &q, &status, &body, &d);
	if (r < 0)
		return session_failed(j->io, r, &d);
	doc = (struct slice){ (const char *)body.data, body.n };
	if ((status != 200 && status != 422) || !rawjson_is_object(doc))
		return session_refused(j->session, &q, status, &body);
	if (status == 422) {
		cli_say(j->io, "%s: not applied", path);
		j->wrong = true;
	}
	return print_rows(j, doc, "rules");
}

static int apply(struct job *j)
{
	struct diag d = { 0 };
	int r;

	j->rules.placeholders = j->v->placeholders;
	r = rules_load(&j->rules, j->v->operands + 1, j->v->n_operands - 1, &d);
	if (r < 0) {
		say_unread(j, &d, r);
		return EXIT_USAGE;
	}
	if (j->rules.n_paths == 0) {
		cli_say(j->io, "no rules (*.yml, *.yaml) there");
		return EXIT_USAGE;
	}
	r = open_printer(j, change_columns, ARRAY_SIZE(change_columns));
	for (size_t i = 0; r == 0 && i < j->rules.n_paths; i++)
		r = apply_file(j, j->rules.paths[i], j->v->dry_run);
	if (r == 0)
		r = printer_finish(j->printer, "");
	return r < 0 ? session_failed(j->io, r, NULL) : r ? r : j->wrong ? EXIT_USAGE : EXIT_HITS;
}

/* ---- diff ---- */

static struct slice next_line(struct slice *text)
{
	const char *end = text->n ? memchr(text->s, '\n', text->n) : NULL;
	struct slice line = { text->s, end ? (size_t)(end - text->s) + 1 : text->n };

	text->s += line.n;
	text->n -= line.n;
	return line;
}

static bool same(struct slice a, struct slice b)
{
	return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

static void print_lines(struct job *j, char mark, struct slice text)
{
	while (text.n) {
		struct slice line = next_line(&text);
		size_t n = line.n && line.s[line.n - 1] == '\n' ? line.n - 1 : line.n;

		fprintf(j->io->out, "%c%.*s\n", mark, (int)n, line.s);
	}
}

/* What is between the lines that both begin and end with. */
static void print_diff(struct job *j, struct slice a, struct slice b)
{
	while (a.n && b.n) {
		struct slice x = a, y = b;

		if (!same(next_line(&x), next_line(&y)))
			break;
		a = x;
		b = y;
	}
	while (a.n && b.n && a.s[a.n - 1] == b.s[b.n - 1]) {
		const char *x = a.n > 1 ? memrchr(a.s, '\n', a.n - 1) : NULL;
		const char *y = b.n > 1 ? memrchr(b.s, '\n', b.n - 1) : NULL;
		size_t p = x ? (size_t)(x - a.s) + 1 : 0, q = y ? (size_t)(y - b.s) + 1 : 0;

		if (!same((struct slice){ a.s + p, a.n - p }, (struct slice){ b.s + q, b.n - q }))
			break;
		a.n = p;
		b.n = q;
	}
	print_lines(j, '-', a);
	print_lines(j, '+', b);
}

/* The text in force; 404: "" */
static int fetch_source(struct job *j, const char *id, struct buf *body)
{
	AUTO_BUF struct buf path = { 0 };
	struct client_request q = { 0 };
	struct diag d = { 0 };
	long status;
	int r;

	lookup_path(&path, "/api/v1/rules/", id, "/source");
	if (!buf_ok(&path))
		return session_failed(j->io, err_origin(-ENOMEM), NULL);
	q.path = (const char *)path.data;
	r = client_ask(session_client(j->session), &q, &status, body, &d);
	if (r < 0)
		return session_failed(j->io, r, &d);
	if (status == 404)
		buf_clear(body);
	return status == 200 || status == 404 ? 0 : session_refused(j->session, &q, status, body);
}

static int diff_rule(struct job *j, const struct rules_entry *e, bool *ret_differs)
{
	AUTO_BUF struct buf body = { 0 };
	struct slice now, new = { e->rule->source, e->rule->n_source };
	int r = fetch_source(j, e->rule->id, &body);

	if (r)
		return r;
	now = (struct slice){ body.n ? (const char *)body.data : "", body.n };
	if (same(now, new))
		return 0;
	*ret_differs = true;
	fprintf(j->io->out, "--- %s (%s)\n+++ %s:%u\n", e->rule->id,
		now.n ? "in force" : "not there", e->file, e->line);
	print_diff(j, now, new);
	return 0;
}

/* Exit codes as of diff(1): 0 the same, 1 not. */
static int diff(struct job *j)
{
	struct diag d = { 0 };
	bool differs = false;
	int r;

	j->rules.placeholders = j->v->placeholders;
	r = rules_load(&j->rules, j->v->operands + 1, j->v->n_operands - 1, &d);
	if (r < 0) {
		say_unread(j, &d, r);
		return EXIT_USAGE;
	}
	for (size_t i = 0; r == 0 && i < j->rules.n; i++) {
		char text[1024];

		if (j->rules.v[i].rule) {
			r = diff_rule(j, &j->rules.v[i], &differs);
			continue;
		}
		diag_file(&j->rules.v[i].wrong, j->rules.v[i].file);
		cli_say(j->io, "%s", diag_format(&j->rules.v[i].wrong, text, sizeof(text)));
		r = EXIT_USAGE;
	}
	return r ? r : differs;
}

/* ---- get ---- */

static const struct printer_column rule_columns[] = {
	{ .title = "RULE", .field = "id", .whole = true },
	{ .title = "LEVEL", .field = "level" },
	{ .title = "ON", .field = "enabled" },
	{ .title = "STATUS", .field = "status" },
	{ .title = "REV", .field = "revision", .right = true, .spare = 2 },
	{ .title = "HITS", .field = "hits", .right = true },
	{ .title = "LANGUAGE", .field = "language", .spare = 4 },
	{ .title = "TECHNIQUES", .field = "techniques", .spare = 3 },
	{ .title = "TITLE", .field = "title", .gives_way = true },
};

static int get_source(struct job *j, const char *id)
{
	AUTO_BUF struct buf body = { 0 };
	int r = fetch_source(j, id, &body);

	if (r)
		return r;
	if (body.n == 0) {
		cli_say(j->io, "there is no rule %s", id);
		return EXIT_NONE;
	}
	fwrite(body.data, 1, body.n, j->io->out);
	return EXIT_HITS;
}

static int show_rule(struct job *j, struct slice doc)
{
	int r = open_printer(j, rule_columns, ARRAY_SIZE(rule_columns));

	if (r == 0)
		r = printer_row(j->printer, doc);
	if (r == 0)
		r = printer_finish(j->printer, "");
	return r < 0 ? session_failed(j->io, r, NULL) : EXIT_HITS;
}

/* A person gets the text, a program the collector's answer. */
static int get_one(struct job *j, const char *id)
{
	const struct call c = { CLIENT_GET, "/api/v1/rules/", id, "", NULL, 0 };
	AUTO_BUF struct buf body = { 0 };
	struct slice doc;
	int r;

	if (printer_format_of(j->v->output, j->io->out_tty) == PRINTER_TABLE)
		return get_source(j, id);
	r = call(j, &c, &body, &doc);
	return r ? r : show_rule(j, doc);
}

static int get(struct job *j)
{
	static const struct listing all = {
		.path = "/api/v1/rules",
		.member = "rules",
		.columns = rule_columns,
		.n_columns = ARRAY_SIZE(rule_columns),
	};

	return j->v->n_operands < 2 ? listing_run(&all, j->io, j->v)
				    : get_one(j, j->v->operands[1]);
}

static int history(struct job *j)
{
	static const struct printer_column columns[] = {
		{ .title = "REVISION", .field = "revision", .right = true },
		{ .title = "CURRENT", .field = "current" },
		{ .title = "CREATED", .field = "created", .time = PRINTER_SECONDS },
		{ .title = "AUTHOR", .field = "author" },
		{ .title = "NOTE", .field = "note", .gives_way = true },
	};
	const struct call c = { CLIENT_GET, "/api/v1/rules/", j->v->operands[1], "/revisions", NULL,
				0 };
	AUTO_BUF struct buf body = { 0 };
	struct slice doc;
	int r = call(j, &c, &body, &doc);

	if (r)
		return r;
	r = open_printer(j, columns, ARRAY_SIZE(columns));
	if (r == 0)
		r = print_rows(j, doc, "revisions");
	if (r == 0)
		r = printer_finish(j->printer, "");
	return r < 0 ? session_failed(j->io, r, NULL) : EXIT_HITS;
}

/* ---- changes of one rule ---- */

static int change(struct job *j, const struct call *c)
{
	AUTO_BUF struct buf body = { 0 };
	struct slice doc;
	int r = call(j, c, &body, &doc);

	return r ? r : show_rule(j, doc);
}

static int change_each(struct job *j, enum client_method method, const char *after)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i < j->v->n_operands; i++) {
		const struct call c = {
			method, "/api/v1/rules/", j->v->operands[i], after, NULL, 0
		};

		r = change(j, &c);
		j->printer = printer_free(j->printer);
	}
	return r;
}

static int enable(struct job *j)
{
	return change_each(j, CLIENT_POST, "/enable");
}
static int disable(struct job *j)
{
	return change_each(j, CLIENT_POST, "/disable");
}
static int delete (struct job *j)
{
	return change_each(j, CLIENT_DELETE, "");
}

static int rollback(struct job *j)
{
	const struct client_param params[] = { { "revision", j->v->operands[2] } };
	const struct call c = { CLIENT_POST, "/api/v1/rules/", j->v->operands[1],
				"/rollback", params,	       ARRAY_SIZE(params) };

	return change(j, &c);
}

static int cost(struct job *j)
{
	return rules_cost(j->session, j->io, j->v);
}

static const struct {
	const char *name;
	size_t least; /* operands after it */
	const char *wants;
	int (*run)(struct job *j);
} verbs[] = {
	{ "apply", 1, "files or folders with rules", apply },
	{ "diff", 1, "files or folders with rules", diff },
	{ "get", 0, "", get },
	{ "cost", 0, "", cost },
	{ "history", 1, "the id of a rule", history },
	{ "enable", 1, "ids of rules", enable },
	{ "disable", 1, "ids of rules", disable },
	{ "delete", 1, "ids of rules", delete },
	{ "rollback", 2, "the id of a rule and a revision", rollback },
};

int rules_server_run(const char *verb, const struct cli_io *io, const struct cli_values *v)
{
	struct job j = { .io = io, .v = v };
	size_t i = 0;
	int r;

	while (i < ARRAY_SIZE(verbs) && strcmp(verbs[i].name, verb) != 0)
		i++;
	if (i == ARRAY_SIZE(verbs))
		return -1;
	if (v->n_operands - 1 < verbs[i].least) {
		cli_say(io, "rules %s wants %s", verb, verbs[i].wants);
		return EXIT_USAGE;
	}
	r = session_open(&j.session, io, v);
	if (r == 0)
		r = verbs[i].run(&j);
	printer_free(j.printer);
	session_free(j.session);
	rules_done(&j.rules);
	return r;
}
