/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rules: Sigma rules looked at (lint, show, coverage) and tried over history (backtest).
 */
#include "ctl/cmds.h"
#include "ctl/rules_server.h"
#include "ctl/rules_work.h"
#include "lib/rule_test.h"

static const struct cli_option options[] = {
	OPTION("since", 0, TIME, "TIME", since, "backtest: from this time on (24h), such as 7d"),
	OPTION("until", 0, TIME, "TIME", until, "backtest: before this time"),
	OPTION("limit", 0, NUMBER, "N", limit,
	       "backtest: also the newest N events of each rule (json, ndjson)"),
	OPTION("node", 0, TEXT, "NODE", node, "backtest: only this node, by name or id"),
	OPTION("placeholders", 0, TEXT, "FILE", placeholders,
	       "lint, show, apply and others: a map in YAML of what %name% stands for in Sigma "
	       "rules (expand)"),
	OPTION("alerts", 0, FLAG, NULL, alerts,
	       "backtest: the alerts that the rules would have made; without FILE those in force"),
	OPTION("dry-run", 0, FLAG, NULL, dry_run, "apply: only tell what would be done"),
	CLI_OPTIONS_SERVER,
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

void rules_problems(struct json *j, const struct rules_entry *e)
{
	json_key(j, "problems");
	json_begin_array(j);
	if (!e->rule)
		problem(j, &e->wrong);
	for (size_t i = 0; e->rule && i < e->rule->n_gaps; i++)
		problem(j, &e->rule->gaps[i]);
	json_end_array(j);
}

void rules_list(struct json *j, const char *key, const struct sigma_list *l)
{
	json_key(j, key);
	json_begin_array(j);
	for (size_t i = 0; i < l->n; i++)
		json_text(j, l->v[i]);
	json_end_array(j);
}

void rules_begin_row(struct json *j, const struct rules_entry *e)
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
	rules_list(j, "techniques", &r->techniques);
}

int rules_end_row(struct work *w, struct json *j)
{
	json_end_object(j);
	if (!buf_ok(j->out))
		return err_origin(-ENOMEM);
	return printer_row(w->printer, (struct slice){ (const char *)j->out->data, j->out->n });
}

void rules_why_cell(const json_t *row, struct buf *out)
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

int rules_open_printer(struct work *w, const struct printer_column *columns, size_t n)
{
	const struct printer_config config = {
		PRINTER_ON(w->io), .format = w->format, .columns = columns,
		.n_columns = n,	   .list = "rules",	.tint = tint,
	};

	return printer_new(&w->printer, &config);
}

int rules_verdict(const struct work *w)
{
	const struct rules *r = &w->rules;

	return r->n_wrong ? EXIT_USAGE : r->n_unmapped || r->n_partial ? EXIT_NONE : EXIT_HITS;
}

void rules_say_entry(const struct work *w, const struct rules_entry *e)
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
	{ .title = "WHY", .field = "problems", .cell = rules_why_cell, .gives_way = true },
	{ .title = "FILE", .field = "file", .gives_way = true },
};

static int lint(struct work *w)
{
	int r = rules_open_printer(w, lint_columns, ARRAY_SIZE(lint_columns));

	for (size_t i = 0; r == 0 && i < w->rules.n; i++) {
		AUTO_BUF struct buf row = { 0 };
		struct json j = json_to(&row);

		rules_begin_row(&j, &w->rules.v[i]);
		rules_problems(&j, &w->rules.v[i]);
		r = rules_end_row(w, &j);
	}
	if (r == 0)
		r = printer_finish(w->printer, "");
	return r < 0 ? r : rules_verdict(w);
}

/* ---- show ---- */

static int show_row(struct work *w, const struct rules_entry *e, const struct buf *query)
{
	AUTO_BUF struct buf row = { 0 };
	struct json j = json_to(&row);

	rules_begin_row(&j, e);
	json_key(&j, "query");
	if (e->rule && e->rule->expr)
		json_text_n(&j, (const char *)query->data, query->n);
	else
		json_nil(&j);
	rules_problems(&j, e);
	return rules_end_row(w, &j);
}

static int show(struct work *w)
{
	static const struct printer_column columns[] = { { .field = "file" },
							 { .field = "title" },
							 { .field = "status" },
							 { .field = "query" } };
	bool text = w->format == PRINTER_TABLE;
	int r = text ? 0 : rules_open_printer(w, columns, ARRAY_SIZE(columns));

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
			rules_say_entry(w, e);
	}
	if (r == 0 && !text)
		r = printer_finish(w->printer, "");
	return r < 0 ? r : rules_verdict(w);
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
	return rules_end_row(w, &j);
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
	int r = rules_open_printer(w, columns, ARRAY_SIZE(columns));

	for (size_t i = 0; r == 0 && i < w->rules.n; i++) {
		const struct rules_entry *e = &w->rules.v[i];

		if (!e->rule)
			rules_say_entry(w, e);
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

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(struct work *w); /* an exit code or a negative errno */
} verbs[] = {
	{ "lint", lint },
	{ "test", test },
	{ "show", show },
	{ "backtest", rules_backtest },
	{ "coverage", rules_coverage },
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
	if (r == 0 && w->rules.n == 0 && w->v->n_operands > 1) {
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
		if (v->n_operands < 2 && !(v->alerts && verbs[i].run == rules_backtest))
			cli_say(io, "rules %s wants files or folders with rules", operand);
		else
			code = run_verb(&w, verbs[i].run);
		printer_free(w.printer);
		session_free(w.session);
		rules_done(&w.rules);
		return code;
	}
	code = rules_server_run(operand ? operand : "get", io, v);
	if (code >= 0)
		return code;
	return cli_unknown_verb(io, &cmd_rules, operand);
}

const struct cli_command cmd_rules = {
	.name = "rules",
	.operand = "[VERB] [FILE|DIR|ID...]",
	.many = true,
	.verbs = "get|apply|diff|lint|test|show|backtest|coverage|cost|history|enable|disable|"
		 "delete|"
		 "rollback",
	.summary = "Check, test and apply detection rules, and try them over history",
	.about =
		"The rules in force, and rules in files: Sigma and EQL, in *.yml and *.yaml "
		"(docs/rules.md).\n"
		"\n"
		"  rtsecctl rules                 Those in force; get ID: the text of one\n"
		"  rtsecctl rules lint DIR        Is each valid, and can our events answer it?\n"
		"  rtsecctl rules test DIR        Runs the tests that the rules carry, here\n"
		"  rtsecctl rules show FILE       The search that it becomes (docs/query.md)\n"
		"  rtsecctl rules backtest DIR --since 7d\n"
		"                                 Hits of each in that time\n"
		"  rtsecctl rules backtest --alerts DIR\n"
		"                                 The alerts that they would have made\n"
		"  rtsecctl rules diff DIR        What differs from the rules in force\n"
		"  rtsecctl rules apply DIR       Puts rules in force (--dry-run: only tells)\n"
		"  rtsecctl rules cost            What each takes and finds, dearest first\n"
		"  rtsecctl rules enable ID...    Has rules run; disable keeps them but does not;\n"
		"                                 delete takes them out of force\n"
		"  rtsecctl rules history ID      Its revisions\n"
		"  rtsecctl rules rollback ID 3   Back to revision 3\n"
		"  rtsecctl rules coverage DIR    Which rules can fire, why others cannot\n"
		"\n"
		"Exit codes of lint, show and coverage: 0 all rules compile, 1 some ask (or a part "
		"of them asks) for what our events lack, 2 some are wrong.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
