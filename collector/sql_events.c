/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sql_events.h"

#include <string.h>

#include "collector/sql_columns.h"
#include "collector/sql_push.h"
#include "lib/json.h"
#include "lib/timestamp.h"

enum { ALL_ROWS = 1000000, MAX_PUSHED = 64 };

struct table {
	sqlite3_vtab base; /* first: SQLite sees this */
	struct sql_events *events;
	const struct sql_columns *columns;
};

struct scan {
	sqlite3_vtab_cursor base; /* first */
	struct table *table;
	struct sql_scan *told;
	struct store_reader *reader;
	struct expr_scratch *scratch;
	struct sql_pushed pushed;
	struct store_scan_stats stats;
	struct buf text; /* of a list */
	bool walking;
	/* where it stands */
	struct block *block; /* NULL: past the last row */
	uint32_t kind_table, word;
	const uint64_t *hits; /* of the table; NULL: all rows */
	uint64_t bits;	      /* of the word, those that are left */
	sqlite3_int64 row_id;
};

/* ---- the table ---- */

static int on_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
		      char **ret_why)
{
	AUTO_BUF struct buf text = { 0 };
	struct table *t;
	int rc;

	(void)argc;
	(void)argv;
	(void)ret_why;
	sql_columns_declare(sql_columns(), &text);
	buf_byte(&text, 0);
	if (!buf_ok(&text))
		return SQLITE_NOMEM;
	rc = sqlite3_declare_vtab(db, (const char *)text.data);
	if (rc != SQLITE_OK)
		return rc;
	t = calloc(1, sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	t->events = aux;
	t->columns = sql_columns();
	*ret = &t->base;
	return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* ---- the plan ---- */

/* Rows that a condition leaves of a hundred, for SQLite to choose an order of a join by. */
static unsigned percent(enum sql_push how)
{
	if (how == PUSH_EQ || how == PUSH_QUERY)
		return 2;
	if (how == PUSH_NULL || how == PUSH_NOT_NULL)
		return 60;
	return how == PUSH_IN || how == PUSH_LIKE || how == PUSH_GLOB ? 10 : 30;
}

/* How constraint @i can be pushed; tells SQLite to hand a list over at once. */
static enum sql_push choose(const struct sql_columns *columns, sqlite3_index_info *info, int i)
{
	const struct sqlite3_index_constraint *c = &info->aConstraint[i];
	struct field_ref field = sql_column_field(columns, c->iColumn);
	enum sql_push how;

	if (sql_column_is_query(columns, c->iColumn))
		return c->op == SQLITE_INDEX_CONSTRAINT_EQ ? PUSH_QUERY : PUSH_NOT;
	if (!field.info || !c->usable)
		return PUSH_NOT;
	how = sql_push_how(field.info, c->op);
	if (how == PUSH_EQ && strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0)
		return PUSH_NOT;
	if (how == PUSH_EQ && sqlite3_vtab_in(info, i, 1))
		return PUSH_IN;
	return how;
}

/* idxStr is "LETTER COLUMN;" for each condition, in the order of their arguments. */
static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct table *t = (const struct table *)base;
	sqlite3_str *plan = sqlite3_str_new(NULL);
	double rows = ALL_ROWS;
	int n = 0;

	for (int i = 0; i < info->nConstraint && n < MAX_PUSHED; i++) {
		enum sql_push how = choose(t->columns, info, i);

		if (how == PUSH_NOT)
			continue;
		if (!info->aConstraint[i].usable) { /* the query depends on what is not known yet */
			sqlite3_free(sqlite3_str_finish(plan));
			return SQLITE_CONSTRAINT;
		}
		info->aConstraintUsage[i].argvIndex = ++n;
		info->aConstraintUsage[i].omit = how == PUSH_QUERY;
		sqlite3_str_appendf(plan, "%c%d;", how, info->aConstraint[i].iColumn);
		rows = rows * percent(how) / 100;
	}
	info->idxStr = sqlite3_str_finish(plan);
	if (!info->idxStr && n)
		return SQLITE_NOMEM;
	info->needToFreeIdxStr = info->idxStr != NULL;
	info->estimatedRows = (sqlite3_int64)rows + 1;
	info->estimatedCost = rows + 1000;
	return SQLITE_OK;
}

/* ---- a scan ---- */

bool sql_events_is_over(const struct sql_events *e)
{
	return (e->cancel && atomic_load_explicit(e->cancel, memory_order_relaxed)) ||
	       (e->deadline_ns && timestamp_now() >= e->deadline_ns);
}

static int failed(struct scan *s, int r)
{
	struct sql_events *e = s->table->events;

	if (r == -ENOMEM)
		return SQLITE_NOMEM;
	if (!e->reason[0])
		snprintf(e->reason, sizeof(e->reason), "the store cannot be read: %s",
			 strerror(-r));
	return SQLITE_IOERR;
}

/* Ends the walk and adds to what is told of it. */
static void end_walk(struct scan *s)
{
	struct sql_scan *told = s->told;

	if (!s->walking)
		return;
	store_walk_end(s->reader);
	s->walking = false;
	s->block = NULL;
	store_scan_stats_add(&s->table->events->stats, &s->stats);
	if (told) {
		told->blocks += s->stats.blocks;
		told->blocks_skipped += s->stats.blocks_skipped;
		told->blocks_read += s->stats.blocks_read;
		told->events += s->stats.events;
	}
	s->stats = (struct store_scan_stats){ 0 };
}

static int on_close(sqlite3_vtab_cursor *base)
{
	struct scan *s = (struct scan *)base;

	end_walk(s);
	s->table->events->n_open--;
	store_reader_free(s->reader);
	expr_scratch_free(s->scratch);
	sql_pushed_done(&s->pushed);
	buf_done(&s->text);
	free(s);
	return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct table *t = (struct table *)base;
	struct sql_events *e = t->events;
	struct scan *s;
	int r, rc;

	if (e->n_open == SQL_EVENTS_SCANS) {
		snprintf(e->reason, sizeof(e->reason),
			 "a statement may have at most %d scans of events open at once",
			 SQL_EVENTS_SCANS);
		return SQLITE_ERROR;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return SQLITE_NOMEM;
	s->table = t;
	sql_pushed_init(&s->pushed);
	e->n_open++;
	r = store_reader_new(e->store, &s->reader);
	if (r == 0)
		r = expr_scratch_new(&s->scratch);
	if (r < 0) { /* SQLite takes no cursor of a call that fails */
		rc = failed(s, r);
		on_close(&s->base);
		return rc;
	}
	if (e->n_scans < SQL_EVENTS_SCANS)
		s->told = &e->scans[e->n_scans++];
	*ret = &s->base;
	return SQLITE_OK;
}

static enum store_wish on_wanted(const struct store_block *meta, void *arg)
{
	const struct scan *s = arg;

	(void)meta;
	return sql_events_is_over(s->table->events) ? STORE_STOP : STORE_READ;
}

/* Rows of the kind's table that are hits, as words of bits. */
static int enter_table(struct scan *s)
{
	const struct expr *e = s->pushed.expr;
	int r = 0;

	s->word = 0;
	s->hits = NULL;
	if (block_rows(s->block, s->kind_table) == 0 ||
	    (e && !(expr_kinds(e) >> block_kind(s->block, s->kind_table) & 1))) {
		s->bits = 0;
		s->word = UINT32_MAX - 1;
		return 0;
	}
	if (e)
		r = expr_eval(s->scratch, s->kind_table, &s->hits);
	s->bits = s->hits ? s->hits[0] : UINT64_MAX;
	return r;
}

/* The next block that holds anything.  Returns 0 or a negative errno; s->block NULL: there is none.
 */
static int enter_block(struct scan *s)
{
	const struct store_block *meta;
	int r;

	do
		r = store_walk_next(s->reader, &meta, &s->block);
	while (r == STORE_E_BLOCK && block_info(s->block)->n_tables == 0);
	if (r != STORE_E_BLOCK) {
		s->block = NULL;
		return r;
	}
	s->kind_table = 0;
	r = s->pushed.expr ? expr_begin(s->scratch, s->pushed.expr, s->block) : 0;
	return r < 0 ? r : enter_table(s);
}

static uint32_t row_of(const struct scan *s)
{
	return s->word * 64 + (uint32_t)__builtin_ctzll(s->bits);
}

/* Stands on a row of the table at hand; false: it has no more. */
static bool find_row(struct scan *s)
{
	uint32_t n = block_rows(s->block, s->kind_table);

	while (!s->bits) {
		if (++s->word >= (n + 63) / 64)
			return false;
		s->bits = s->hits ? s->hits[s->word] : UINT64_MAX;
	}
	return row_of(s) < n;
}

/* Goes on to where a row is, from a place that may be none. */
static int settle(struct scan *s)
{
	int r = 0;

	while (r == 0 && s->block && !find_row(s))
		r = ++s->kind_table < block_info(s->block)->n_tables ? enter_table(s)
								     : enter_block(s);
	if (r < 0)
		return failed(s, r);
	if (!s->block && sql_events_is_over(s->table->events))
		return SQLITE_INTERRUPT;
	return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
	struct scan *s = (struct scan *)base;

	s->bits &= s->bits - 1;
	s->row_id++;
	return settle(s);
}

static int read_plan(struct scan *s, const char *plan, sqlite3_value **argv, struct diag *d)
{
	int r = 0;

	for (int i = 0; plan && *plan && r == 0; i++) {
		char how = *plan, *end;
		int column = (int)strtol(plan + 1, &end, 10);

		r = sql_push_add(&s->pushed, sql_column_field(s->table->columns, column),
				 (enum sql_push)how, argv[i], d);
		plan = end + (*end == ';');
	}
	return r;
}

static void tell(struct scan *s)
{
	struct sql_scan *told = s->told;

	if (!told)
		return;
	told->rounds++;
	told->from_ns = s->pushed.from_ns;
	told->to_ns = s->pushed.to_ns;
	buf_clear(&told->pushed);
	if (s->pushed.expr)
		expr_print(s->pushed.expr, &told->pushed);
}

static int begin_walk(struct scan *s)
{
	struct store_range range = { .from_ns = s->pushed.from_ns,
				     .to_ns = s->pushed.to_ns,
				     .expr = s->pushed.expr,
				     .kinds = s->pushed.expr ? expr_kinds(s->pushed.expr) : 0 };
	int r = store_walk_begin(s->reader, &range, on_wanted, s, &s->stats);

	s->walking = r == 0;
	return r < 0 ? r : enter_block(s);
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
		     sqlite3_value **argv)
{
	struct scan *s = (struct scan *)base;
	struct sql_events *e = s->table->events;
	struct diag d = { 0 };
	int r;

	(void)number;
	(void)argc;
	end_walk(s);
	sql_pushed_done(&s->pushed);
	s->row_id = 0;
	r = read_plan(s, plan, argv, &d);
	if (r == -EINVAL) {
		snprintf(e->reason, sizeof(e->reason), "query, line %u column %u: %.100s", d.line,
			 d.column, d.text);
		return SQLITE_ERROR;
	}
	tell(s);
	if (r == 0 && !s->pushed.never)
		r = begin_walk(s);
	return r < 0 ? failed(s, r) : settle(s);
}

static int on_eof(sqlite3_vtab_cursor *base)
{
	return ((const struct scan *)base)->block == NULL;
}

/* ---- values ---- */

static void give_list(struct scan *s, sqlite3_context *to, const struct block_value *v)
{
	struct json j = json_to(&s->text);

	buf_clear(&s->text);
	json_begin_array(&j);
	for (uint32_t i = 0; i < v->n_strings; i++) {
		struct block_string one = block_string(s->block, v->strings[i]);

		json_text_n(&j, one.s, one.n);
	}
	json_end_array(&j);
	if (buf_ok(&s->text))
		sqlite3_result_text64(to, (const char *)s->text.data, s->text.n, SQLITE_TRANSIENT,
				      SQLITE_UTF8);
	else
		sqlite3_result_error_nomem(to);
}

static void give(struct scan *s, sqlite3_context *to, const struct block_value *v)
{
	char id[20];

	switch (v->type) {
	case VALUE_LONG:
	case VALUE_DATE:
		if (v->number > INT64_MAX)
			sqlite3_result_double(to, (double)v->number);
		else
			sqlite3_result_int64(to, (int64_t)v->number);
		break;
	case VALUE_BOOL:
		sqlite3_result_int(to, v->number != 0);
		break;
	case VALUE_ID:
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)v->number);
		sqlite3_result_text(to, id, 16, SQLITE_TRANSIENT);
		break;
	case VALUE_STRING:
		sqlite3_result_text64(to, v->string.s, v->string.n, SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case VALUE_STRINGS:
		give_list(s, to, v);
		break;
	case VALUE_NULL:
		break;
	}
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *to, int i)
{
	struct scan *s = (struct scan *)base;
	struct field_ref field = sql_column_field(s->table->columns, i);
	struct block_value v;

	if (!field.info)
		return SQLITE_OK; /* query is null */
	v = block_value(s->block, s->kind_table, row_of(s), field);
	if (block_failed(s->block))
		return SQLITE_NOMEM;
	give(s, to, &v);
	return SQLITE_OK;
}

static int on_row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = ((const struct scan *)base)->row_id;
	return SQLITE_OK;
}

/* Without xCreate it is there in every schema, and cannot be made or dropped. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = on_connect,
	.xDisconnect = on_disconnect,
	.xBestIndex = on_best_index,
	.xOpen = on_open,
	.xClose = on_close,
	.xFilter = on_filter,
	.xNext = on_next,
	.xEof = on_eof,
	.xColumn = on_column,
	.xRowid = on_row_id,
};

int sql_events_register(sqlite3 *db, struct sql_events *e)
{
	if (!sql_columns())
		return err_origin(-ENOMEM);
	if (sqlite3_create_module_v2(db, "events", &module, e, NULL) != SQLITE_OK)
		return sql_error(db);
	return 0;
}

void sql_events_done(struct sql_events *e)
{
	for (uint32_t i = 0; i < e->n_scans; i++)
		buf_done(&e->scans[i].pushed);
	e->n_scans = 0;
}
