/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rules cost: which rules take how much time. */
#include "ctl/printer.h"
#include "ctl/rules_server.h"
#include "ctl/session.h"

static uint64_t number(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

static void batch_cell(const json_t *row, struct buf *out)
{
	uint64_t n = number(row, "batches");

	if (n)
		buf_printf(out, "%.1f us", (double)number(row, "cost_ns") / 1000 / (double)n);
}

static void cost_cell(const json_t *row, struct buf *out)
{
	buf_printf(out, "%.1f ms", (double)number(row, "cost_ns") / 1e6);
}

static const struct printer_column columns[] = {
	{ .title = "COST", .field = "cost_ns", .cell = cost_cell, .right = true },
	{ .title = "A BATCH", .field = "batches", .cell = batch_cell, .right = true, .spare = 5 },
	{ .title = "BATCHES", .field = "batches", .right = true },
	{ .title = "HITS", .field = "hits", .right = true },
	{ .title = "DEAR", .field = "dear" },
	{ .title = "SKIPPED", .field = "skipped", .right = true, .spare = 3 },
	{ .title = "EVICTED", .field = "evicted", .right = true, .spare = 2 },
	{ .title = "LATE", .field = "late", .right = true, .spare = 4 },
	{ .title = "RULE", .field = "id", .whole = true },
	{ .title = "TITLE", .field = "title", .gives_way = true },
};

struct priced {
	struct slice row;
	uint64_t ns;
};

static int by_cost(const void *a, const void *b)
{
	const struct priced *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : x->row.s < y->row.s ? -1 : 1;
}

static uint64_t cost_of(struct slice row)
{
	struct slice ns;

	return rawjson_member(row, "cost_ns", &ns) ? strtoull(ns.s, NULL, 10) : 0;
}

/* The rows of @rules, dearest first; *ret is the caller's. */
static int sort(struct slice rules, struct priced **ret, size_t *ret_n)
{
	struct priced *all = NULL;
	struct slice key, row;
	size_t n = 0, at = 0;

	while (rawjson_next(rules, &at, &key, &row)) {
		struct priced *more = reallocarray(all, n + 1, sizeof(*more));

		if (!more) {
			free(all);
			return err_origin(-ENOMEM);
		}
		all = more;
		all[n++] = (struct priced){ row, cost_of(row) };
	}
	if (n)
		qsort(all, n, sizeof(*all), by_cost);
	*ret = all;
	*ret_n = n;
	return 0;
}

static int print(const struct cli_io *io, const struct cli_values *v, const struct priced *all,
		 size_t n)
{
	const struct printer_config config = {
		PRINTER_ON(io),	    .format = printer_format_of(v->output, io->out_tty),
		.columns = columns, .n_columns = ARRAY_SIZE(columns),
		.list = "rules",
	};
	AUTO(printer) *p = NULL;
	int r = printer_new(&p, &config);

	for (size_t i = 0; r == 0 && i < n && (!v->limit || i < v->limit); i++)
		r = printer_row(p, all[i].row);
	return r < 0 ? r : printer_finish(p, "");
}

int rules_cost(struct session *s, const struct cli_io *io, const struct cli_values *v)
{
	const struct client_request q = { .path = "/api/v1/rules" };
	AUTO_BUF struct buf body = { 0 };
	AUTO_MEM struct priced *all = NULL;
	struct slice doc, rules;
	size_t n = 0;
	int r = session_ask(s, &q, &body, &doc);

	if (r)
		return r;
	r = rawjson_member(doc, "rules", &rules) ? sort(rules, &all, &n) : err_origin(-EBADMSG);
	if (r == 0)
		r = print(io, v, all, n);
	if (r < 0)
		return session_failed(io, r, NULL);
	return n ? EXIT_HITS : EXIT_NONE;
}
