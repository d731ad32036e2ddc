/* SPDX-License-Identifier: Apache-2.0 */
/* Revisions are written here, in one transaction a call. */
#include "collector/rulebook_internal.h"

#include "lib/timestamp.h"

/* One document of a text, on its way into the book. */
struct document {
	struct rule *rule; /* NULL: wrong */
	struct diag wrong;
	uint32_t line;
	uint64_t revision;
	const char *change;
};

struct work {
	struct rulebook *book;
	const struct rulebook_change *change;
	struct document *v;
	size_t n, cap, n_wrong;
};

static void work_done(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		rule_free(w->v[i].rule);
	free(w->v);
}

/* ---- reading ---- */

static struct document *document_new(struct work *w)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct document *more = reallocarray(w->v, cap, sizeof(*more));

		if (!more)
			return NULL;
		w->v = more;
		w->cap = cap;
	}
	memset(&w->v[w->n], 0, sizeof(w->v[0]));
	return &w->v[w->n++];
}

/* Two documents of one text that are the same rule. */
static bool is_twice(const struct work *w, const char *id)
{
	for (size_t i = 0; i + 1 < w->n; i++)
		if (w->v[i].rule && strcmp(w->v[i].rule->id, id) == 0)
			return true;
	return false;
}

static int read_document(struct work *w, const char *text, size_t n, uint32_t line)
{
	struct document *d = document_new(w);
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	d->line = line;
	r = rule_parse(&d->rule, text, n, &d->wrong);
	if (r == 0 && is_twice(w, d->rule->id)) {
		r = diag_set(&d->wrong, -EINVAL, 1, 1, "the text has two rules with the id %.100s",
			     d->rule->id);
		d->rule = rule_free(d->rule);
	}
	if (r < 0 && r != -EINVAL)
		return r;
	d->change = "wrong";
	d->wrong.line += line;
	w->n_wrong += !d->rule;
	return 0;
}

static int read_documents(struct work *w)
{
	const char *text;
	size_t at = 0, n;
	uint32_t line;
	int r = 0;

	while (r == 0 && rule_next_document(w->change->text, w->change->n, &at, &text, &n, &line))
		r = read_document(w, text, n, line);
	if (r == 0 && w->n == 0)
		r = read_document(w, "", 0, 0); /* told as an empty text */
	return r;
}

/* ---- writing ---- */

static int last_revision(struct rulebook *b, const char *id, uint64_t *ret)
{
	sqlite3_stmt *s = b->stmts[RB_LAST];
	int r;

	sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
	r = sql_step(s);
	if (r == SQL_E_ROW)
		*ret = sql_u64(s, 0);
	sqlite3_reset(s);
	return MIN(r, 0);
}

static int put_revision(struct work *w, struct document *d, uint64_t now_ns)
{
	struct rulebook *b = w->book;
	sqlite3_stmt *s = b->stmts[RB_REVISION_ADD];
	int r;

	sqlite3_bind_text(s, 1, d->rule->id, -1, SQLITE_TRANSIENT);
	sql_bind_u64(s, 2, d->revision);
	sqlite3_bind_text(s, 3, d->rule->source, (int)d->rule->n_source, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 4, w->change->author ? w->change->author : "", -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 5, w->change->note ? w->change->note : "", -1, SQLITE_TRANSIENT);
	sql_bind_u64(s, 6, now_ns);
	r = sql_run(s);
	if (r < 0)
		return r;
	s = b->stmts[RB_RULE_PUT];
	sqlite3_bind_text(s, 1, d->rule->id, -1, SQLITE_TRANSIENT);
	sql_bind_u64(s, 2, d->revision);
	return sql_run(s);
}

static int settle(struct work *w, struct document *d)
{
	const struct rulebook_entry *e = rulebook_find(w->book, d->rule->id);
	int r;

	if (e && e->rule && e->rule->n_source == d->rule->n_source &&
	    memcmp(e->rule->source, d->rule->source, d->rule->n_source) == 0) {
		d->change = "unchanged";
		d->revision = e->revision;
		return 0;
	}
	d->change = e ? "updated" : "created";
	r = last_revision(w->book, d->rule->id, &d->revision);
	d->revision++;
	return r;
}

static bool is_new(const struct document *d)
{
	return d->rule && d->revision && strcmp(d->change, "unchanged") != 0;
}

/* The book in memory follows only what is committed.  Entries were made before, so that nothing can
 * fail here. */
static void enter(struct work *w, uint64_t now_ns)
{
	for (size_t i = 0; i < w->n; i++) {
		struct document *d = &w->v[i];
		struct rulebook_entry *e = is_new(d) ? rulebook_find(w->book, d->rule->id) : NULL;

		if (!e)
			continue;
		if (e->revision == 0)
			e->enabled = true;
		rule_free(e->rule);
		e->rule = rule_ref(d->rule);
		e->wrong = (struct diag){ 0 };
		e->revision = d->revision;
		e->created_ns = now_ns;
	}
	atomic_fetch_add(&w->book->generation, 1);
}

/* Forgets the entries that were made for what was not committed. */
static void undo(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct rulebook_entry *e =
			is_new(&w->v[i]) ? rulebook_find(w->book, w->v[i].rule->id) : NULL;

		if (e && e->revision == 0)
			rulebook_leave(w->book, w->v[i].rule->id);
	}
	if (!sqlite3_get_autocommit(w->book->db))
		(void)sqlite3_exec(w->book->db, "ROLLBACK", NULL, NULL, NULL);
}

static int write_all(struct work *w)
{
	uint64_t now_ns = timestamp_now();
	int r = sql_exec(w->book->db, "BEGIN IMMEDIATE");

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		if (!is_new(&w->v[i]))
			continue;
		r = rulebook_enter(w->book, w->v[i].rule->id) ? 0 : err_origin(-ENOMEM);
		if (r == 0)
			r = put_revision(w, &w->v[i], now_ns);
	}
	if (r == 0)
		r = sql_exec(w->book->db, "COMMIT");
	if (r == 0)
		enter(w, now_ns);
	else
		undo(w);
	return r;
}

static int apply(struct work *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (w->v[i].rule)
			r = settle(w, &w->v[i]);
	if (r < 0 || w->n_wrong || w->change->dry)
		return r;
	return write_all(w);
}

static int tell(const struct work *w, rulebook_result_fn each, void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		const struct document *d = &w->v[i];
		const struct rulebook_result result = {
			.id = d->rule ? d->rule->id : NULL,
			.title = d->rule ? d->rule->title : NULL,
			.change = d->change,
			.revision = d->revision,
			.rule = d->rule,
			.problem = d->rule ? NULL : &d->wrong,
			.line = d->line,
		};

		r = each(&result, arg);
	}
	return r;
}

int rulebook_apply(struct rulebook *b, const struct rulebook_change *c, rulebook_result_fn each,
		   void *arg)
{
	struct work w = { .book = b, .change = c };
	int r = read_documents(&w);

	if (r == 0) {
		pthread_mutex_lock(&b->mutex);
		r = apply(&w);
		pthread_mutex_unlock(&b->mutex);
	}
	if (r == 0 && each)
		r = tell(&w, each, arg);
	if (r == 0 && w.n_wrong)
		r = RULEBOOK_E_WRONG;
	work_done(&w);
	return r;
}

/* ---- rollback ---- */

static int read_source(struct rulebook *b, const char *id, uint64_t revision, struct buf *out)
{
	sqlite3_stmt *s = b->stmts[RB_SOURCE];
	int r;

	sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
	sql_bind_u64(s, 2, revision);
	r = sql_step(s);
	if (r == SQL_E_ROW)
		buf_add(out, sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
	sqlite3_reset(s);
	if (r < 0)
		return r;
	if (r == 0)
		return RULEBOOK_E_UNKNOWN;
	return buf_ok(out) ? 0 : err_origin(-ENOMEM);
}

static int take_revision(const struct rulebook_result *r, void *arg)
{
	*(uint64_t *)arg = r->revision;
	return 0;
}

int rulebook_rollback(struct rulebook *b, const char *id, uint64_t revision, const char *author,
		      uint64_t *ret_revision)
{
	AUTO_BUF struct buf source = { 0 };
	char note[64];
	int r;

	pthread_mutex_lock(&b->mutex);
	r = read_source(b, id, revision, &source);
	pthread_mutex_unlock(&b->mutex);
	if (r)
		return r;
	snprintf(note, sizeof(note), "rollback to revision %llu", (unsigned long long)revision);
	return rulebook_apply(b,
			      &(struct rulebook_change){ .text = (const char *)source.data,
							 .n = source.n,
							 .author = author,
							 .note = note },
			      take_revision, ret_revision);
}
