/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rules backtest: what rules would have found in the past: hits, each rule's search asked;
 * or, with
 * --alerts, the alerts that they would have made, by the engine that makes them live. */
#include <inttypes.h>

#include "ctl/pages.h"
#include "ctl/rules_work.h"
#include "ctl/session.h"
#include "lib/limits.h"

/* ---- hits ---- */

static const struct printer_column backtest_columns[] = {
	{ .title = "HITS", .field = "hits", .right = true },
	{ .title = "LEVEL", .field = "level" },
	{ .title = "RULE", .field = "title" },
	{ .title = "FILE", .field = "file", .middle = true, .spare = 1 },
	{ .title = "WHY NOT", .field = "problems", .cell = rules_why_cell, .gives_way = true },
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
	rules_begin_row(&j, e);
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
	rules_problems(&j, e);
	return r ? r : rules_end_row(w, &j);
}

static int hits(struct work *w)
{
	struct rules *rules = &w->rules;
	int r;

	r = session_open(&w->session, w->io, w->v);
	if (r == 0)
		r = rules_open_printer(w, backtest_columns, ARRAY_SIZE(backtest_columns));
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

/* ---- alerts ---- */

static void process_cell(const json_t *row, struct buf *out)
{
	const json_t *args = printer_find(row, "process.args");

	printer_value(args ? args : printer_find(row, "process.name"), out);
}

static const struct printer_column alert_columns[] = {
	{ .title = "FIRST", .field = "first", .time = PRINTER_SECONDS },
	{ .title = "LEVEL", .field = "rule.level" },
	{ .title = "NODE", .field = "node" },
	{ .title = "COUNT", .field = "count", .right = true, .spare = 1 },
	{ .title = "RULE", .field = "rule.title", .gives_way = true },
	{ .title = "OBJECT", .field = "object", .gives_way = true },
	{ .title = "PROCESS", .field = "process.name", .cell = process_cell, .gives_way = true },
};

/* All files as one text. */
static int gather(struct work *w, struct buf *out)
{
	struct diag d = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->rules.n_paths; i++) {
		if (i) {
			out->n--; /* the NUL behind the last one */
			buf_str(out, "\n---\n");
		}
		r = rules_read(&w->rules, w->rules.paths[i], out, &d);
	}
	return r;
}

static int print_alerts(struct work *w, struct slice doc)
{
	struct slice rows, key, row, cut;
	size_t at = 0;
	int r = rules_open_printer(w, alert_columns, ARRAY_SIZE(alert_columns));

	if (r == 0 && !rawjson_member(doc, "alerts", &rows))
		r = err_origin(-EBADMSG);
	while (r == 0 && rawjson_next(rows, &at, &key, &row)) {
		r = printer_row(w->printer, row);
		w->hits++;
	}
	if (r == 0)
		r = printer_finish(w->printer, "");
	w->partial = rawjson_member(doc, "gaps", &cut) && cut.n > 2;
	if (r == 0 && rawjson_member(doc, "truncated", &cut) && cut.n == 4)
		cli_say(w->io, "there are more than these: --limit N");
	return r;
}

static int alerts(struct work *w)
{
	AUTO_BUF struct buf text = { 0 }, body = { 0 };
	char limit[24];
	struct client_param params[] = {
		{ "source", NULL },
		{ "since", w->v->since },
		{ "until", w->v->until },
		{ "node", w->v->node },
		{ "limit", w->v->limit ? limit : NULL },
	};
	const struct client_request q = { "/api/v1/rules/backtest", params, ARRAY_SIZE(params),
					  CLIENT_POST };
	struct slice doc;
	int r = gather(w, &text);

	if (r < 0)
		return r;
	snprintf(limit, sizeof(limit), "%" PRIu64, w->v->limit);
	params[0].value = w->rules.n_paths ? (const char *)text.data : NULL;
	r = session_open(&w->session, w->io, w->v);
	if (r == 0)
		r = session_ask(w->session, &q, &body, &doc);
	if (r == 0)
		r = print_alerts(w, doc);
	if (r)
		return r;
	if (w->partial)
		cli_say(w->io, "events of that time are known to be missing: alerts may be, too");
	return w->hits == 0 ? EXIT_NONE : w->partial ? EXIT_PARTIAL : EXIT_HITS;
}

int rules_backtest(struct work *w)
{
	for (size_t i = 0; i < w->rules.n; i++)
		if (!w->rules.v[i].rule)
			rules_say_entry(w, &w->rules.v[i]);
	if (w->rules.n_wrong)
		return EXIT_USAGE;
	return w->v->alerts ? alerts(w) : hits(w);
}
