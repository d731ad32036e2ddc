/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rules: Sigma rules looked at (lint, show, coverage) and tried over history (backtest).
 */
#include <inttypes.h>

#include "ctl/cmds.h"
#include "ctl/pages.h"
#include "ctl/printer.h"
#include "ctl/rules.h"
#include "ctl/rules_server.h"
#include "ctl/session.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/rule_test.h"

static const struct cli_option options[] = {
	OPTION("since", 0, TEXT, "TIME", since,
	       "backtest: from this time on (-24h): RFC 3339, seconds since 1970, or -15m, -7d"),
	OPTION("until", 0, TEXT, "TIME", until, "backtest: before this time, written likewise"),
	OPTION("limit", 0, NUMBER, "N", limit,
	       "backtest: also the newest N events of each rule (json, ndjson)"),
	OPTION("node", 0, TEXT, "NODE", node, "backtest: only this node, by name or id"),
	OPTION("placeholders", 0, TEXT, "FILE", placeholders,
	       "lint, show, apply and others: a map in YAML of what %name% stands for in Sigma "
	       "rules (expand)"),
	OPTION("dry-run", 0, FLAG, NULL, dry_run, "apply: only tell what would be done"),
	CLI_OPTIONS_SERVER,
};

/* A verb at work. */
struct work {
	const struct cli_io *io;
	const struct cli_values *v;
	struct rules rules;
	struct printer *printer;
	struct session *session;
	enum printer_format format;
	uint64_t hits; /* backtest: of all rules */
	bool partial;  /* backtest: events are known to be missing */
};

/* ---- rows ---- */

static void problem(struct json *j, const struct diag *d)
{
	json_begin_object(j);
	json_key_uint(j, "line", d->line);
	json_key_uint(j, "column", d->column);
	json_key_text(j, "text", d->text);
	json_end_object(j);
}

static void problems(struct json *j, const struct rules_entry *e)
{
	json_key(j, "problems");
	json_begin_array(j);
	if (!e->rule)
		problem(j, &e->wrong);
	for (size_t i = 0; e->rule && i < e->rule->n_gaps; i++)
		problem(j, &e->rule->gaps[i]);
	json_end_array(j);
}

static void list(struct json *j, const char *key, const struct sigma_list *l)
{
	json_key(j, key);
	json_begin_array(j);
	for (size_t i = 0; i < l->n; i++)
		json_text(j, l->v[i]);
	json_end_array(j);
}

/* What every row begins with; the object stays open. */
static void begin_row(struct json *j, const struct rules_entry *e)
{
	static const struct rule none;
	const struct rule *r = e->rule ? e->rule : &none;

	json_begin_object(j);
	json_key_text(j, "file", e->file);
	json_key_uint(j, "line", e->rule ? e->line : e->wrong.line);
	json_key_text(j, "status", rule_status_name(e->rule));
	json_key_text(j, "title", r->title);
	json_key_text(j, "id", r->id);
	json_key_text(j, "language", e->rule ? rule_language_name(r->language) : NULL);
	json_key_text(j, "level", e->rule ? rule_level_name(r->level) : NULL);
	list(j, "techniques", &r->techniques);
}

static int end_row(struct work *w, struct json *j)
{
	json_end_object(j);
	if (!buf_ok(j->out))
		return err_origin(-ENOMEM);
	return printer_row(w->printer, (struct slice){ (const char *)j->out->data, j->out->n });
}

/* The first problem, and how many more there are. */
static void why_cell(const json_t *row, struct buf *out)
{
	const json_t *all = json_object_get(row, "problems"), *first = json_array_get(all, 0);
	size_t n = json_array_size(all);

	if (!first)
		return;
	buf_printf(out,
		   "%lld:%lld: ", (long long)json_integer_value(json_object_get(first, "line")),
		   (long long)json_integer_value(json_object_get(first, "column")));
	printer_value(json_object_get(first, "text"), out);
	if (n > 1)
		buf_printf(out, " (and %zu more)", n - 1);
}

static const char *tint(const json_t *row)
{
	const char *status = json_string_value(json_object_get(row, "status"));

	return !status || strcmp(status, "ok") == 0 ? NULL
	       : strcmp(status, "wrong") == 0	    ? "31"
						    : "33";
}

static int open_printer(struct work *w, const struct printer_column *columns, size_t n)
{
	const struct printer_config config = {
		.out = w->io->out,
		.format = w->format,
		.columns = columns,
		.n_columns = n,
		.list = "rules",
		.width = w->io->width,
		.color = w->io->color,
		.terminal = w->io->out_tty,
		.tint = tint,
	};

	return printer_new(&w->printer, &config);
}

/* What lint and show end with. */
static int verdict(const struct work *w)
{
	const struct rules *r = &w->rules;

	return r->n_wrong ? EXIT_USAGE : r->n_unmapped || r->n_partial ? EXIT_NONE : EXIT_HITS;
}

static void say_entry(const struct work *w, const struct rules_entry *e)
{
	struct diag d = !e->rule ? e->wrong : e->rule->gaps[0];
	char text[1024];

	diag_file(&d, e->file);
	cli_say(w->io, "%s", diag_format(&d, text, sizeof(text)));
}

/* ---- lint ---- */

static const struct printer_column lint_columns[] = {
	{ .title = "STATUS", .field = "status" },
	{ .title = "RULE", .field = "title" },
	{ .title = "WHY", .field = "problems", .cell = why_cell, .gives_way = true },
	{ .title = "FILE", .field = "file", .gives_way = true },
};

static int lint(struct work *w)
{
	int r = open_printer(w, lint_columns, ARRAY_SIZE(lint_columns));

	for (size_t i = 0; r == 0 && i < w->rules.n; i++) {
		AUTO_BUF struct buf row = { 0 };
		struct json j = json_to(&row);

		begin_row(&j, &w->rules.v[i]);
		problems(&j, &w->rules.v[i]);
		r = end_row(w, &j);
	}
	if (r == 0)
		r = printer_finish(w->printer, "");
	return r < 0 ? r : verdict(w);
}

/* ---- show ---- */

static int show_row(struct work *w, const struct rules_entry *e, const struct buf *query)
{
	AUTO_BUF struct buf row = { 0 };
	struct json j = json_to(&row);

	begin_row(&j, e);
	json_key(&j, "query");
	if (e->rule && e->rule->expr)
		json_text_n(&j, (const char *)query->data, query->n);
	else
		json_nil(&j);
	problems(&j, e);
	return end_row(w, &j);
}

static int show(struct work *w)
{
	static const struct printer_column columns[] = { { .field = "file" },
							 { .field = "title" },
							 { .field = "status" },
							 { .field = "query" } };
	bool text = w->format == PRINTER_TABLE;
	int r = text ? 0 : open_printer(w, columns, ARRAY_SIZE(columns));

	for (size_t i = 0; r == 0 && i < w->rules.n; i++) {
		const struct rules_entry *e = &w->rules.v[i];
		AUTO_BUF struct buf query = { 0 };

		if (e->rule)
			rule_print_query(e->rule, &query);
		if (!buf_ok(&query))
			return err_origin(-ENOMEM);
		if (!text)
			r = show_row(w, e, &query);
		else if (query.n)
			fprintf(w->io->out, "// %s (%s:%u)\n%.*s\n", e->rule->title, e->file,
				e->line, (int)query.n, (const char *)query.data);
		else
			say_entry(w, e);
	}
	if (r == 0 && !text)
		r = printer_finish(w->printer, "");
	return r < 0 ? r : verdict(w);
}

/* ---- test ---- */

static int test_row(struct work *w, const struct rules_entry *e, size_t i, bool *ret_passed)
{
	const struct rule_test *t = &e->rule->tests[i];
	AUTO_BUF struct buf row = { 0 };
	struct json j = json_to(&row);
	struct diag d = { 0 };
	int r = rule_test_run(e->rule, i, ret_passed, &d);

	if (r < 0 && r != -EINVAL)
		return r;
	json_begin_object(&j);
	json_key_text(&j, "file", e->file);
	json_key_text(&j, "id", e->rule->id);
	json_key_text(&j, "test", t->name);
	json_key_bool(&j, "fires", t->fires);
	json_key_bool(&j, "passed", *ret_passed);
	json_key_uint(&j, "line", d.line ? d.line + e->line - 1 : 0);
	json_key_text(&j, "reason", *ret_passed ? NULL : d.text);
	return end_row(w, &j);
}

/* Runs the tests that the rules carry, here: the collector is not asked. */
static int test(struct work *w)
{
	static const struct printer_column columns[] = {
		{ .title = "PASSED", .field = "passed" },
		{ .title = "RULE", .field = "id" },
		{ .title = "TEST", .field = "test" },
		{ .title = "WHY NOT", .field = "reason" },
		{ .title = "FILE", .field = "file", .gives_way = true },
		{ .title = "LINE", .field = "line", .right = true },
	};
	size_t failed = 0, n = 0;
	int r = open_printer(w, columns, ARRAY_SIZE(columns));

	for (size_t i = 0; r == 0 && i < w->rules.n; i++) {
		const struct rules_entry *e = &w->rules.v[i];

		if (!e->rule)
			say_entry(w, e);
		for (size_t t = 0; r == 0 && e->rule && t < e->rule->n_tests; t++, n++) {
			bool passed = false;

			r = test_row(w, e, t, &passed);
			failed += !passed;
		}
	}
	if (r == 0)
		r = printer_finish(w->printer, "");
	if (r < 0)
		return r;
	cli_say(w->io, "%zu tests, %zu failed", n, failed);
	return w->rules.n_wrong ? EXIT_USAGE : failed ? EXIT_NONE : EXIT_HITS;
}

/* ---- coverage ---- */

struct tally {
	struct {
		const char *word;
		size_t n;
	} v[512];
	size_t n;
};

static void count(struct tally *t, const struct sigma_list *words)
{
	for (size_t i = 0; i < words->n; i++) {
		size_t k = 0;

		while (k < t->n && strcmp(t->v[k].word, words->v[i]) != 0)
			k++;
		if (k == ARRAY_SIZE(t->v))
			continue;
		t->n = MAX(t->n, k + 1);
		t->v[k].word = words->v[i];
		t->v[k].n++;
	}
	for (size_t i = 1; i < t->n; i++) /* nearly sorted: the most used first */
		for (size_t k = i; k > 0 && t->v[k].n > t->v[k - 1].n; k--) {
			__typeof__(t->v[0]) swap = t->v[k];

			t->v[k] = t->v[k - 1];
			t->v[k - 1] = swap;
		}
}

/* Is there a kind of ours of which an event could be a hit? */
static bool can_fire(const struct rule *r)
{
	uint64_t kinds = r && r->expr ? expr_kinds(r->expr) : 0;

	for (uint32_t k = 0; k < KIND_MAX; k++)
		if ((kinds >> k & 1) && kind_info(k))
			return true;
	return false;
}

struct coverage {
	size_t fire;
	struct tally fields, modifiers;
};

static int coverage_row(struct work *w, const struct rules_entry *e, struct coverage *c)
{
	static const struct sigma_list nothing;
	AUTO_BUF struct buf row = { 0 };
	struct json j = json_to(&row);
	const struct sigma_list *fields = e->rule ? &e->rule->used_fields : &nothing;
	const struct sigma_list *modifiers = e->rule ? &e->rule->used_modifiers : &nothing;

	begin_row(&j, e);
	json_key_bool(&j, "compiles", e->rule && e->rule->expr);
	json_key_bool(&j, "can_fire", can_fire(e->rule));
	list(&j, "fields", fields);
	list(&j, "modifiers", modifiers);
	problems(&j, e);
	c->fire += can_fire(e->rule);
	count(&c->fields, fields);
	count(&c->modifiers, modifiers);
	return end_row(w, &j);
}

static void tally_json(struct json *j, const char *key, const struct tally *t)
{
	json_key(j, key);
	json_begin_object(j);
	for (size_t i = 0; i < t->n; i++)
		json_key_uint(j, t->v[i].word, t->v[i].n);
	json_end_object(j);
}

static void tally_text(FILE *out, const char *title, const struct tally *t)
{
	fprintf(out, "%s:", title);
	for (size_t i = 0; i < t->n; i++)
		fprintf(out, "%s %s %zu", i ? "," : "", t->v[i].word, t->v[i].n);
	fputc('\n', out);
}

static int coverage_end(struct work *w, const struct coverage *c)
{
	const struct rules *r = &w->rules;
	AUTO_BUF struct buf members = { 0 };
	struct json j = json_to(&members);
	int e;

	json_key_uint(&j, "n_rules", r->n);
	json_key_uint(&j, "n_compile", r->n - r->n_wrong - r->n_unmapped);
	json_key_uint(&j, "n_can_fire", c->fire);
	json_key_uint(&j, "n_partial", r->n_partial);
	json_key_uint(&j, "n_unmapped", r->n_unmapped);
	json_key_uint(&j, "n_wrong", r->n_wrong);
	tally_json(&j, "used_fields", &c->fields);
	tally_json(&j, "used_modifiers", &c->modifiers);
	buf_byte(&members, 0);
	if (!buf_ok(&members))
		return err_origin(-ENOMEM);
	e = printer_finish(w->printer, (const char *)members.data);
	if (e < 0 || w->format != PRINTER_TABLE)
		return e;
	fprintf(w->io->out,
		"\n%zu rules: %zu compile, %zu can fire on our events (%zu in part), %zu need what "
		"we lack, %zu are wrong\n",
		r->n, r->n - r->n_wrong - r->n_unmapped, c->fire, r->n_partial, r->n_unmapped,
		r->n_wrong);
	tally_text(w->io->out, "fields", &c->fields);
	tally_text(w->io->out, "modifiers", &c->modifiers);
	return 0;
}

static int coverage(struct work *w)
{
	static const struct printer_column columns[] = {
		{ .title = "STATUS", .field = "status" },
		{ .title = "FIRES", .field = "can_fire" },
		{ .title = "RULE", .field = "title" },
		{ .title = "FIELDS", .field = "fields" },
		{ .title = "MODIFIERS", .field = "modifiers" },
		{ .title = "WHY NOT", .field = "problems", .cell = why_cell, .gives_way = true },
	};
	AUTO_MEM struct coverage *c = calloc(1, sizeof(*c));
	int r = c ? open_printer(w, columns, ARRAY_SIZE(columns)) : err_origin(-ENOMEM);

	for (size_t i = 0; r == 0 && i < w->rules.n; i++)
		r = coverage_row(w, &w->rules.v[i], c);
	if (r == 0)
		r = coverage_end(w, c);
	return r < 0 ? r : verdict(w);
}

/* ---- backtest ---- */

static const struct printer_column backtest_columns[] = {
	{ .title = "HITS", .field = "hits", .right = true },
	{ .title = "LEVEL", .field = "level" },
	{ .title = "RULE", .field = "title" },
	{ .title = "FILE", .field = "file" },
	{ .title = "WHY NOT", .field = "problems", .cell = why_cell, .gives_way = true },
};

/* Asks @path for @query.  *ret_doc lives in @body.  Returns as session_ask(). */
static int ask(struct work *w, const char *path, const char *query, struct buf *body,
	       struct slice *ret_doc)
{
	bool search = strcmp(path, "/api/v1/search") == 0;
	char limit[24];
	const struct client_param params[] = {
		{ "q", query },
		{ "since", w->v->since },
		{ "until", w->v->until },
		{ "node", w->v->node },
		{ "limit", search ? limit : NULL },
	};
	const struct client_request q = { path, params, ARRAY_SIZE(params), CLIENT_MAY_POST };

	snprintf(limit, sizeof(limit), "%" PRIu64, MIN(w->v->limit, (uint64_t)LIMIT_SEARCH_HITS));
	return session_ask(w->session, &q, body, ret_doc);
}

/* Adds "hits".  Returns 0, an exit code that was said, or a negative errno. */
static int ask_count(struct work *w, const char *query, struct json *j)
{
	AUTO_BUF struct buf body = { 0 };
	struct pages pages = { 0 };
	struct slice doc, n;
	uint64_t hits;
	int r = ask(w, "/api/v1/count", query, &body, &doc);

	if (r)
		return r;
	r = pages_add(&pages, doc);
	if (r == 0 && !rawjson_member(doc, "count", &n))
		r = err_origin(-EBADMSG);
	if (r == 0) {
		hits = strtoull(n.s, NULL, 10);
		json_key_uint(j, "hits", hits);
		json_key_bool(j, "partial", pages_partial(&pages));
		w->hits += hits;
		if (pages_partial(&pages) && !w->partial)
			pages_say(&pages, w->io); /* once: it is the same range for all */
		w->partial |= pages_partial(&pages);
	}
	pages_done(&pages);
	return r;
}

/* Adds "events". */
static int ask_events(struct work *w, const char *query, struct json *j)
{
	AUTO_BUF struct buf body = { 0 };
	struct slice doc, hits;
	int r = ask(w, "/api/v1/search", query, &body, &doc);

	if (r)
		return r;
	if (!rawjson_member(doc, "hits", &hits))
		return err_origin(-EBADMSG);
	json_key(j, "events");
	json_raw(j, hits.s, hits.n);
	return 0;
}

static int backtest_rule(struct work *w, struct rules_entry *e)
{
	AUTO_BUF struct buf row = { 0 }, query = { 0 };
	struct json j = json_to(&row);
	int r = 0;

	rule_print_query(e->rule, &query);
	buf_byte(&query, 0);
	if (!buf_ok(&query))
		return err_origin(-ENOMEM);
	begin_row(&j, e);
	if (query.n > LIMIT_QUERY_BYTES) {
		e->rule->n_gaps = 1;
		diag_set(&e->rule->gaps[0], 0, e->line, 1,
			 "not asked: its query has %zu bytes, a search takes %d", query.n - 1,
			 LIMIT_QUERY_BYTES);
		w->partial = true;
	} else if (e->rule->expr) {
		r = ask_count(w, (const char *)query.data, &j);
		if (r == 0 && w->v->limit)
			r = ask_events(w, (const char *)query.data, &j);
	}
	problems(&j, e);
	return r ? r : end_row(w, &j);
}

static int backtest(struct work *w)
{
	struct rules *rules = &w->rules;
	int r;

	for (size_t i = 0; i < rules->n; i++)
		if (!rules->v[i].rule)
			say_entry(w, &rules->v[i]);
	if (rules->n_wrong)
		return EXIT_USAGE;
	r = session_open(&w->session, w->io, w->v);
	if (r == 0)
		r = open_printer(w, backtest_columns, ARRAY_SIZE(backtest_columns));
	for (size_t i = 0; r == 0 && i < rules->n; i++)
		r = backtest_rule(w, &rules->v[i]);
	if (r > 0 && w->printer && printer_flush(w->printer) < 0)
		return EXIT_SERVER;
	if (r == 0)
		r = printer_finish(w->printer, "");
	if (r)
		return r;
	if (rules->n_unmapped)
		cli_say(w->io, "%zu of %zu rules were not asked: rules lint says why",
			rules->n_unmapped, rules->n);
	return w->hits == 0 ? EXIT_NONE : w->partial ? EXIT_PARTIAL : EXIT_HITS;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(struct work *w); /* an exit code or a negative errno */
} verbs[] = {
	{ "lint", lint },	  { "test", test },	    { "show", show },
	{ "backtest", backtest }, { "coverage", coverage },
};

static int run_verb(struct work *w, int (*verb)(struct work *w))
{
	struct diag d = { 0 };
	char text[1024];
	int r;

	w->rules.placeholders = w->v->placeholders;
	r = rules_load(&w->rules, w->v->operands + 1, w->v->n_operands - 1, &d);
	if (r < 0 && d.text[0]) {
		cli_say(w->io, "%s", diag_format(&d, text, sizeof(text)));
		return EXIT_USAGE;
	}
	if (r == 0 && w->rules.n == 0) {
		cli_say(w->io, "no rules (*.yml, *.yaml) there");
		return EXIT_USAGE;
	}
	if (r == 0)
		r = verb(w);
	return r < 0 ? session_failed(w->io, r, NULL) : r;
}

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct work w = { .io = io, .v = v };
	int code = EXIT_USAGE;

	w.format = printer_format_of(v->output, io->out_tty);
	for (size_t i = 0; operand && i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, operand) != 0)
			continue;
		if (v->n_operands < 2)
			cli_say(io, "rules %s wants files or folders with rules", operand);
		else
			code = run_verb(&w, verbs[i].run);
		printer_free(w.printer);
		session_free(w.session);
		rules_done(&w.rules);
		return code;
	}
	code = operand ? rules_server_run(operand, io, v) : -1;
	if (code >= 0)
		return code;
	cli_say(io, "rules takes lint, test, show, backtest, coverage, apply, diff, get, cost, history, "
		    "enable, disable, delete or rollback");
	return EXIT_USAGE;
}

const struct cli_command cmd_rules = {
	.name = "rules",
	.operand = "VERB FILE|DIR|ID...",
	.many = true,
	.summary = "Check, test and apply detection rules, and try them over history",
	.about =
		"Reads Sigma and EQL rules out of files, and out of *.yml and *.yaml in folders "
		"(docs/rules.md).\n"
		"\n"
		"  rtsecctl rules apply DIR       Puts rules in force (--dry-run: tells what would "
		"change)\n"
		"  rtsecctl rules diff DIR        What differs from the rules in force\n"
		"  rtsecctl rules get [ID]        The rules in force, or the text of one\n"
		"  rtsecctl rules cost            What each takes and finds, dearest first\n"
		"  rtsecctl rules history ID      Its revisions; rollback ID REVISION goes back\n"
		"  rtsecctl rules enable ID...    Has rules run; disable keeps them but does not; "
		"delete\n"
		"                                 takes them out of force\n"
		"  rtsecctl rules test DIR        Runs the tests that the rules carry, here\n"
		"  rtsecctl rules lint DIR        Is each rule valid, and can our events answer "
		"it?\n"
		"  rtsecctl rules show FILE       The search that it becomes (docs/query.md)\n"
		"  rtsecctl rules backtest DIR    Hits of each rule in the last 24 hours "
		"(--since)\n"
		"  rtsecctl rules coverage DIR    Which rules can fire, why others cannot, what "
		"they "
		"use\n"
		"\n"
		"Exit codes of lint, show and coverage: 0 all rules compile, 1 some ask (or a part "
		"of them\n"
		"asks) for what our events lack, 2 some are wrong.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
