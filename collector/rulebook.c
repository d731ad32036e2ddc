/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rulebook_internal.h"

#include "collector/mainfile.h"
#include "lib/eql.h"
#include "lib/timestamp.h"

static const char *const texts[RB_MAX] = {
	[RB_RULES] = "SELECT r.id, r.revision, r.enabled, v.source, v.created_ns FROM rule r "
		     "JOIN rule_revision v ON v.rule_id = r.id AND v.revision = r.revision "
		     "WHERE r.deleted = 0 ORDER BY r.id",
	[RB_EVER] = "SELECT count(*) FROM rule",
	[RB_LAST] = "SELECT coalesce(max(revision), 0) FROM rule_revision WHERE rule_id = ?1",
	[RB_RULE_PUT] = "INSERT INTO rule VALUES (?1, ?2, 1, 0) ON CONFLICT (id) DO UPDATE SET "
			"revision = ?2, enabled = iif(deleted, 1, enabled), deleted = 0",
	[RB_REVISION_ADD] = "INSERT INTO rule_revision VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[RB_REVISIONS] = "SELECT revision, created_ns, author, note, source FROM rule_revision "
			 "WHERE rule_id = ?1 ORDER BY revision DESC",
	[RB_SOURCE] = "SELECT source FROM rule_revision WHERE rule_id = ?1 AND revision = ?2",
	[RB_ENABLE] = "UPDATE rule SET enabled = ?2 WHERE id = ?1",
	[RB_DELETE] = "UPDATE rule SET deleted = 1 WHERE id = ?1",
	[RB_EXCEPTIONS] = "SELECT id, rule_id, condition, reason, owner, coalesce(alert_id, 0), "
			  "created_ns, expires_ns FROM rule_exception ORDER BY rule_id, id",
	[RB_EXCEPTION_ADD] =
		"INSERT INTO rule_exception (rule_id, condition, reason, owner, "
		"alert_id, created_ns, expires_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[RB_EXCEPTIONS_DROP] = "DELETE FROM rule_exception WHERE rule_id = ?1",
	[RB_EXCEPTION_DROP] = "DELETE FROM rule_exception WHERE rule_id = ?1 AND id = ?2",
};

uint64_t rulebook_generation(const struct rulebook *b)
{
	return atomic_load(&b->generation);
}

/* ---- entries ---- */

static void exception_done(struct rulebook_exception *e)
{
	free((void *)(uintptr_t)e->condition);
	free((void *)(uintptr_t)e->reason);
	free((void *)(uintptr_t)e->owner);
	expr_free(e->expr);
}

static void entry_done(struct rulebook_entry *e)
{
	for (size_t i = 0; i < e->n_exceptions; i++)
		exception_done(&e->exceptions[i]);
	free(e->exceptions);
	rule_free(e->rule);
}

/* Place of @id, or where it belongs; *ret_there: it is there. */
static size_t place_of(const struct rulebook *b, const char *id, bool *ret_there)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(b->entries[mid]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_there = low < b->n && strcmp(b->entries[low]->id, id) == 0;
	return low;
}

struct rulebook_entry *rulebook_find(const struct rulebook *b, const char *id)
{
	bool there;
	size_t at = place_of(b, id, &there);

	return there ? b->entries[at] : NULL;
}

/* The entry of @id, made when it is not there; NULL: no memory, or too many. */
struct rulebook_entry *rulebook_enter(struct rulebook *b, const char *id)
{
	bool there;
	size_t at = place_of(b, id, &there);
	struct rulebook_entry *e;

	if (there)
		return b->entries[at];
	if (b->n == RULEBOOK_RULES)
		return NULL;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 256;
		struct rulebook_entry **more = reallocarray(b->entries, cap, sizeof(e));

		if (!more)
			return NULL;
		b->entries = more;
		b->cap = cap;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	snprintf(e->id, sizeof(e->id), "%s", id);
	memmove(b->entries + at + 1, b->entries + at,
		(b->n - at) * sizeof(struct rulebook_entry *));
	b->entries[at] = e;
	b->n++;
	return e;
}

void rulebook_leave(struct rulebook *b, const char *id)
{
	bool there;
	size_t at = place_of(b, id, &there);

	if (!there)
		return;
	entry_done(b->entries[at]);
	free(b->entries[at]);
	b->n--;
	memmove(b->entries + at, b->entries + at + 1,
		(b->n - at) * sizeof(struct rulebook_entry *));
}

/* Adds @x, whose texts are copied, to its rule's exceptions. */
static int keep_exception(struct rulebook_entry *e, const struct rulebook_exception *x,
			  struct expr *expr_)
{
	AUTO(expr) *expr = expr_;
	struct rulebook_exception *more = reallocarray(e->exceptions, e->n_exceptions + 1,
						       sizeof(*more)),
				  *new;

	if (!more)
		return err_origin(-ENOMEM);
	e->exceptions = more;
	new = &more[e->n_exceptions];
	*new = *x;
	new->rule_id = e->id;
	new->condition = strdup(x->condition);
	new->reason = strdup(x->reason);
	new->owner = strdup(x->owner);
	new->expr = NULL;
	if (!new->condition || !new->reason || !new->owner) {
		exception_done(new);
		return err_origin(-ENOMEM);
	}
	new->expr = TAKE(expr);
	e->n_exceptions++;
	return 0;
}

/* ---- opening ---- */

static int load_rule(struct rulebook *b, sqlite3_stmt *s)
{
	struct rulebook_entry *e = rulebook_enter(b, sql_text(s, 0));
	const char *source = sql_text(s, 3);
	int r;

	if (!e)
		return err_origin(-ENOMEM);
	e->revision = sql_u64(s, 1);
	e->enabled = sqlite3_column_int(s, 2) != 0;
	e->created_ns = sql_u64(s, 4);
	r = rule_parse(&e->rule, source, strlen(source), &e->wrong);
	return r == -EINVAL ? 0 : r;
}

static int load_exception(struct rulebook *b, sqlite3_stmt *s)
{
	struct rulebook_entry *e = rulebook_find(b, sql_text(s, 1));
	const struct rulebook_exception x = {
		.id = sql_u64(s, 0),
		.condition = sql_text(s, 2),
		.reason = sql_text(s, 3),
		.owner = sql_text(s, 4),
		.alert_id = sql_u64(s, 5),
		.created_ns = sql_u64(s, 6),
		.expires_ns = sql_u64(s, 7),
	};
	struct expr *expr = NULL;
	int r;

	if (!e)
		return 0; /* of a deleted rule */
	r = eql_parse(&expr, x.condition, strlen(x.condition), NULL);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	return keep_exception(e, &x, expr);
}

static int load(struct rulebook *b, enum rb_stmt which,
		int (*take)(struct rulebook *b, sqlite3_stmt *s))
{
	sqlite3_stmt *s = b->stmts[which];
	int r;

	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = take(b, s);
		if (r < 0)
			break;
	}
	sqlite3_reset(s);
	return r;
}

int rulebook_open(struct rulebook **ret, const char *dir, struct diag *d)
{
	AUTO(rulebook) *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&b->mutex, NULL);
	r = mainfile_open(&b->db, dir, texts, RB_MAX, b->stmts, d);
	if (r < 0)
		return r;
	r = load(b, RB_RULES, load_rule);
	if (r == 0)
		r = load(b, RB_EXCEPTIONS, load_exception);
	if (r < 0)
		return diag_set(d, r, 0, 0, "cannot read the rules: %s", sqlite3_errmsg(b->db));
	*ret = TAKE(b);
	return 0;
}

struct rulebook *rulebook_free(struct rulebook *b)
{
	if (!b)
		return NULL;
	sql_finalize(b->stmts, RB_MAX);
	sql_close(b->db);
	for (size_t i = 0; i < b->n; i++) {
		entry_done(b->entries[i]);
		free(b->entries[i]);
	}
	free(b->entries);
	pthread_mutex_destroy(&b->mutex);
	free(b);
	return NULL;
}

/* ---- reading ---- */

int rulebook_each(struct rulebook *b, const char *id, rulebook_entry_fn each, void *arg)
{
	const struct rulebook_entry *one = NULL;
	int r = 0;

	pthread_mutex_lock(&b->mutex);
	if (id) {
		one = rulebook_find(b, id);
		r = one ? each(one, arg) : RULEBOOK_E_UNKNOWN;
	}
	for (size_t i = 0; !id && r == 0 && i < b->n; i++)
		r = each(b->entries[i], arg);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

static int read_revisions(struct rulebook *b, const char *id, rulebook_revision_fn each, void *arg)
{
	const struct rulebook_entry *e = rulebook_find(b, id);
	sqlite3_stmt *s = b->stmts[RB_REVISIONS];
	size_t n = 0;
	int r;

	sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		struct rulebook_revision v = {
			.revision = sql_u64(s, 0),
			.created_ns = sql_u64(s, 1),
			.author = sql_text(s, 2),
			.note = sql_text(s, 3),
			.source = sql_text(s, 4),
		};

		v.current = e && e->revision == v.revision;
		n++;
		r = each(&v, arg);
		if (r)
			break;
	}
	sqlite3_reset(s);
	return r == 0 && n == 0 ? RULEBOOK_E_UNKNOWN : r;
}

int rulebook_revisions(struct rulebook *b, const char *id, rulebook_revision_fn each, void *arg)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	r = read_revisions(b, id, each, arg);
	pthread_mutex_unlock(&b->mutex);
	return r;
}

/* ---- state and exceptions ---- */

static int run_for(struct rulebook *b, enum rb_stmt which, const char *id, uint64_t value)
{
	sqlite3_stmt *s = b->stmts[which];

	sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
	if (sqlite3_bind_parameter_count(s) > 1)
		sql_bind_u64(s, 2, value);
	return sql_run(s);
}

static void changed(struct rulebook *b)
{
	atomic_fetch_add(&b->generation, 1);
}

int rulebook_enable(struct rulebook *b, const char *id, bool enabled)
{
	struct rulebook_entry *e;
	int r;

	pthread_mutex_lock(&b->mutex);
	e = rulebook_find(b, id);
	r = e ? run_for(b, RB_ENABLE, id, enabled) : RULEBOOK_E_UNKNOWN;
	if (r == 0) {
		e->enabled = enabled;
		changed(b);
	}
	pthread_mutex_unlock(&b->mutex);
	return r;
}

int rulebook_delete(struct rulebook *b, const char *id)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	r = rulebook_find(b, id) ? run_for(b, RB_EXCEPTIONS_DROP, id, 0) : RULEBOOK_E_UNKNOWN;
	if (r == 0)
		r = run_for(b, RB_DELETE, id, 0);
	if (r == 0) {
		rulebook_leave(b, id);
		changed(b);
	}
	pthread_mutex_unlock(&b->mutex);
	return r;
}

static int add_exception(struct rulebook *b, struct rulebook_exception *x, struct expr *expr_)
{
	AUTO(expr) *expr = expr_;
	struct rulebook_entry *e = rulebook_find(b, x->rule_id);
	sqlite3_stmt *s = b->stmts[RB_EXCEPTION_ADD];
	int r;

	if (!e)
		return RULEBOOK_E_UNKNOWN;
	sqlite3_bind_text(s, 1, x->rule_id, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 2, x->condition, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 3, x->reason, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 4, x->owner, -1, SQLITE_TRANSIENT);
	if (x->alert_id)
		sql_bind_u64(s, 5, x->alert_id);
	else
		sqlite3_bind_null(s, 5);
	sql_bind_u64(s, 6, x->created_ns);
	sqlite3_bind_int64(s, 7, sql_time(x->expires_ns));
	r = sql_run(s);
	if (r < 0)
		return r;
	x->id = (uint64_t)sqlite3_last_insert_rowid(b->db);
	changed(b);
	return keep_exception(e, x, TAKE(expr));
}

int rulebook_except(struct rulebook *b, const struct rulebook_exception *e, uint64_t *ret_id,
		    struct diag *d)
{
	struct rulebook_exception x = *e;
	struct expr *expr = NULL;
	int r = eql_parse(&expr, e->condition, strlen(e->condition), d);

	if (r < 0)
		return r;
	x.created_ns = timestamp_now();
	x.reason = x.reason ? x.reason : "";
	x.owner = x.owner ? x.owner : "";
	pthread_mutex_lock(&b->mutex);
	r = add_exception(b, &x, expr);
	pthread_mutex_unlock(&b->mutex);
	if (r == 0)
		*ret_id = x.id;
	return r;
}

static int drop_exception(struct rulebook *b, const char *rule_id, uint64_t id)
{
	struct rulebook_entry *e = rulebook_find(b, rule_id);
	size_t i = 0;
	int r;

	while (e && i < e->n_exceptions && e->exceptions[i].id != id)
		i++;
	if (!e || i == e->n_exceptions)
		return RULEBOOK_E_UNKNOWN;
	r = run_for(b, RB_EXCEPTION_DROP, rule_id, id);
	if (r < 0)
		return r;
	exception_done(&e->exceptions[i]);
	e->exceptions[i] = e->exceptions[--e->n_exceptions];
	changed(b);
	return 0;
}

int rulebook_except_drop(struct rulebook *b, const char *rule_id, uint64_t id)
{
	int r;

	pthread_mutex_lock(&b->mutex);
	r = drop_exception(b, rule_id, id);
	pthread_mutex_unlock(&b->mutex);
	return r;
}
