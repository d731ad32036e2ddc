/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/maindb_internal.h"
#include "collector/migrate.h"

enum { N_STATS = 12 };

static const char *const texts[STMT_MAX] = {
	[STMT_NODES] = "SELECT id, name, boot_id, architecture, os_kernel, agent_version, "
		       "first_seen_ns, last_seen_ns, last_seq, events, batches, clock_offset_ns, "
		       "stats, tiers, alarms, highest_version FROM node",
	[STMT_NODE_PUT] = "INSERT OR REPLACE INTO node VALUES "
			  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[STMT_BOOT_PUT] = "INSERT INTO boot VALUES (?1, ?2, ?3, ?3, ?4) "
			  "ON CONFLICT (node_id, boot_id) DO UPDATE SET "
			  "last_seen_ns = ?3, last_seq = max(last_seq, ?4)",
	[STMT_TOKEN_ADD] = "INSERT INTO token (name, role, sha256, created_ns, expires_ns, "
			   "scope, created_by) "
			   "VALUES (?1, ?2, ?3, unixepoch() * 1000000000, ?4, ?5, ?6)",
	[STMT_TOKEN_FIND] = "SELECT id, name, role, scope, created_by, created_ns, expires_ns, "
			    "revoked_ns, sha256 FROM token WHERE sha256 = ?1",
	[STMT_TOKEN_STANDS] = "SELECT 1 FROM token WHERE id = ?1 AND revoked_ns = 0 AND "
			      "(expires_ns = 0 OR expires_ns > ?2)",
	[STMT_TOKEN_LIST] = "SELECT id, name, role, scope, created_by, created_ns, expires_ns, "
			    "revoked_ns FROM token ORDER BY id",
	[STMT_TOKEN_REVOKE] = "UPDATE token SET revoked_ns = ?2 WHERE id = ?1 AND revoked_ns = 0",
	[STMT_JOIN_ADD] =
		"INSERT INTO join_token (sha256, node_id, created_ns, expires_ns, used_ns, "
		"created_by) VALUES (?1, ?2, unixepoch() * 1000000000, ?3, 0, ?4)",
	[STMT_JOIN_FIND] = "SELECT sha256, node_id, expires_ns, used_ns FROM join_token "
			   "WHERE sha256 = ?1",
	[STMT_JOIN_USE] = "UPDATE join_token SET used_ns = ?2 WHERE sha256 = ?1",
	[STMT_CERT_ADD] = "INSERT INTO certificate VALUES (?1, ?2, ?3, ?4, ?5, 0)",
	[STMT_CERT_FIND] = "SELECT revoked_ns FROM certificate WHERE serial = ?1",
	[STMT_CERT_LIVE] = "SELECT count(*) FROM certificate "
			   "WHERE node_id = ?1 AND revoked_ns = 0 AND expires_ns > ?2",
	[STMT_CERT_REVOKE] = "UPDATE certificate SET revoked_ns = ?2 "
			     "WHERE node_id = ?1 AND revoked_ns = 0",
	[STMT_AUDIT_ADD] = "INSERT INTO audit (time_ns, actor, token_id, address, action, detail, "
			   "status, took_us, class) "
			   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[STMT_AUDIT_TRIM] = "DELETE FROM audit WHERE class = ?1 AND id <= (SELECT id FROM audit "
			    "WHERE class = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
	[STMT_AUDIT_LIST] = "SELECT id, time_ns, actor, token_id, address, action, detail, status, "
			    "took_us FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
	[STMT_HOLD_ADD] = "INSERT OR IGNORE INTO hold VALUES (?1, unixepoch() * 1000000000)",
	[STMT_HOLD_DROP] = "DELETE FROM hold WHERE day = ?1",
	[STMT_HOLD_LIST] = "SELECT day FROM hold ORDER BY day",
	[STMT_HOLD_FIND] = "SELECT 1 FROM hold WHERE day = ?1",
	[STMT_REMOVED_ADD] = "INSERT OR REPLACE INTO removed_day VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[STMT_REMOVED_SUM] = "SELECT count(*), total(n_events), total(bytes) FROM removed_day",
	[STMT_KEEP_PUT] = "INSERT OR REPLACE INTO retention VALUES (1, ?1, ?2, ?3, ?4)",
	[STMT_KEEP_GET] = "SELECT keep_days, keep_bytes, changed_ns, author FROM retention",
	[STMT_KEEP_DROP] = "DELETE FROM retention",
};

/* ---- nodes in memory ---- */

static void copy_text(char *to, size_t room, struct block_string s)
{
	size_t n = MIN((size_t)s.n, room - 1);

	if (n)
		memcpy(to, s.s, n);
	to[n] = '\0';
}

static uint64_t id_key(const char *id, size_t n)
{
	return XXH3_64bits(id, n);
}

/* Number of the node, 1-based; 0 when it is not known. */
static uint32_t find_node(const struct maindb *m, const char *id, size_t n)
{
	uint64_t key = id_key(id, n);
	uint32_t at = slots_first(&m->by_id, key), k;

	while ((k = slots_next(&m->by_id, key, &at))) {
		const char *known = m->nodes[k - 1]->node.id;

		if (strlen(known) == n && memcmp(known, id, n) == 0)
			break;
	}
	return k;
}

static int add_node(struct maindb *m, const char *id, size_t n, uint32_t *ret)
{
	struct known *k;

	if (m->n_nodes == MAINDB_NODES)
		return err_origin(-ENOSPC);
	if (m->n_nodes == m->nodes_room) {
		struct known **more = reallocarray(m->nodes, m->nodes_room + 64, sizeof(k));

		if (!more)
			return err_origin(-ENOMEM);
		m->nodes = more;
		m->nodes_room += 64;
	}
	k = slots_room(&m->by_id) ? calloc(1, sizeof(*k)) : NULL;
	if (!k)
		return err_origin(-ENOMEM);
	copy_text(k->node.id, sizeof(k->node.id), (struct block_string){ id, (uint32_t)n });
	k->node.clock_offset_ns = INT64_MIN;
	m->nodes[m->n_nodes++] = k;
	k->node.number = m->n_nodes;
	slots_put(&m->by_id, id_key(id, n), m->n_nodes);
	*ret = m->n_nodes;
	return 0;
}

/* Splits lines into their strings.  Returns how many. */
static size_t split_lines(const char *lines, struct block_string *ret, size_t most)
{
	const char *at = lines, *end;
	size_t n;

	for (n = 0; n < most && (end = strchr(at, '\n')); at = end + 1)
		ret[n++] = (struct block_string){ at, (uint32_t)(end - at) };
	return n;
}

/* Writes strings as lines, as many as fit. */
static void join_lines(char *to, size_t room, const struct block_string *from, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + from[i].n + 2 <= room; i++) {
		memcpy(to + at, from[i].s, from[i].n);
		at += from[i].n;
		to[at++] = '\n';
	}
	to[at] = '\0';
}

static void split_texts(struct known *k)
{
	struct block_stats *s = &k->node.stats;

	s->n_tiers = split_lines(k->tiers, s->tiers, ARRAY_SIZE(s->tiers));
	s->n_counters = split_lines(k->counters, s->counters, ARRAY_SIZE(s->counters));
}

static void keep_stats(struct known *k, const struct block *b)
{
	struct block_stats s;

	block_stats(b, &s);
	join_lines(k->tiers, sizeof(k->tiers), s.tiers, s.n_tiers);
	join_lines(k->counters, sizeof(k->counters), s.counters, s.n_counters);
	k->node.stats = s;
	if (s.clock_error_ns) /* measured on the link */
		k->node.clock_offset_ns = s.clock_offset_ns;
	split_texts(k);
}

/* How far the node's clock is ahead of ours, less the way. */
static int64_t offset_of(const struct block_info *i, uint64_t now_ns)
{
	return i->sent_time_ns > INT64_MAX ? INT64_MAX : (int64_t)i->sent_time_ns - (int64_t)now_ns;
}

static void keep_facts(struct node *n, const struct block_info *i, uint64_t now_ns)
{
	if (strcmp(n->boot_id, i->boot_text) != 0) {
		memcpy(n->boot_id, i->boot_text, sizeof(n->boot_id));
		n->clock_offset_ns = INT64_MIN;
		n->last_seq = 0;
	}
	copy_text(n->name, sizeof(n->name), i->node_name);
	copy_text(n->architecture, sizeof(n->architecture), i->architecture);
	copy_text(n->os_kernel, sizeof(n->os_kernel), i->os_kernel);
	copy_text(n->agent_version, sizeof(n->agent_version), i->agent_version);
	if (n->first_seen_ns == 0)
		n->first_seen_ns = now_ns;
	n->last_seen_ns = now_ns;
	n->clock_offset_ns = MAX(n->clock_offset_ns, offset_of(i, now_ns));
}

int maindb_node_seen(struct maindb *m, const struct block *b, uint64_t now_ns, uint32_t *ret_node)
{
	const struct block_info *i = block_info(b);
	uint32_t number;
	int r = 0;

	pthread_mutex_lock(&m->mutex);
	number = find_node(m, i->node_id.s, i->node_id.n);
	if (number == 0)
		r = add_node(m, i->node_id.s, i->node_id.n, &number);
	if (r == 0) {
		struct known *k = m->nodes[number - 1];

		keep_facts(&k->node, i, now_ns);
		keep_stats(k, b);
		k->dirty = true;
		*ret_node = number;
	}
	pthread_mutex_unlock(&m->mutex);
	return r;
}

void maindb_node_stored(struct maindb *m, uint32_t node, uint32_t n_events, uint64_t last_seq)
{
	struct node *n;

	pthread_mutex_lock(&m->mutex);
	n = &m->nodes[node - 1]->node;
	n->events += n_events;
	n->batches++;
	n->last_seq = MAX(n->last_seq, last_seq);
	m->nodes[node - 1]->dirty = true;
	pthread_mutex_unlock(&m->mutex);
}

void maindb_node_watched(struct maindb *m, uint32_t node, const struct node_watched *w)
{
	struct known *k;
	struct node *n;

	pthread_mutex_lock(&m->mutex);
	k = m->nodes[node - 1];
	n = &k->node;
	n->state = w->state;
	k->dirty = k->dirty || n->alarms != w->alarms ||
		   strcmp(n->highest_version, w->highest_version) != 0;
	n->alarms = w->alarms;
	snprintf(n->highest_version, sizeof(n->highest_version), "%s", w->highest_version);
	pthread_mutex_unlock(&m->mutex);
}

static int by_name(const void *a, const void *b)
{
	const struct known *const *x = a, *const *y = b;
	int r = strcmp((*x)->node.name, (*y)->node.name);

	return r ? r : strcmp((*x)->node.id, (*y)->node.id);
}

int maindb_nodes(struct maindb *m, int (*each)(const struct node *n, void *arg), void *arg)
{
	AUTO_MEM struct known **sorted = NULL;
	int r = 0;

	pthread_mutex_lock(&m->mutex);
	sorted = calloc((size_t)m->n_nodes + 1, sizeof(struct known *));
	if (!sorted)
		r = err_origin(-ENOMEM);
	for (uint32_t i = 0; i < m->n_nodes && sorted; i++)
		sorted[i] = m->nodes[i];
	if (sorted)
		qsort(sorted, m->n_nodes, sizeof(struct known *), by_name);
	for (uint32_t i = 0; i < m->n_nodes && r == 0; i++)
		r = each(&sorted[i]->node, arg);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

/* ---- nodes on disk ---- */

/* The counters of SensorStats in the order of rtsec.proto. */
static void stats_numbers(struct block_stats *s, uint64_t *ret[N_STATS])
{
	uint64_t *const all[N_STATS] = { &s->events,	   &s->lost_priority, &s->lost_bulk,
					 &s->lost_queue,   &s->malformed,     &s->batches_queued,
					 &s->bytes_queued, &s->cpu_ns,	      &s->rss_bytes,
					 &s->processes,	   &s->left_out,      &s->undecided };

	memcpy(ret, all, sizeof(all));
}

void maindb_bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

static int put_node(struct maindb *m, struct known *k)
{
	sqlite3_stmt *s = m->stmts[STMT_NODE_PUT], *boot = m->stmts[STMT_BOOT_PUT];
	struct node *n = &k->node;
	const char *const words[] = { n->id,	       n->name,	     n->boot_id,
				      n->architecture, n->os_kernel, n->agent_version };
	const uint64_t numbers[] = { n->first_seen_ns, n->last_seen_ns, n->last_seq, n->events,
				     n->batches };
	uint64_t *from[N_STATS], stats[N_STATS];
	int r;

	for (int i = 0; i < (int)ARRAY_SIZE(words); i++)
		maindb_bind_text(s, 1 + i, words[i]);
	for (int i = 0; i < (int)ARRAY_SIZE(numbers); i++)
		sql_bind_u64(s, 7 + i, numbers[i]);
	sqlite3_bind_int64(s, 12, n->clock_offset_ns);
	stats_numbers(&n->stats, from);
	for (size_t i = 0; i < N_STATS; i++)
		stats[i] = *from[i];
	sqlite3_bind_blob(s, 13, stats, sizeof(stats), SQLITE_TRANSIENT);
	maindb_bind_text(s, 14, k->tiers);
	sqlite3_bind_int64(s, 15, n->alarms);
	maindb_bind_text(s, 16, n->highest_version);
	r = sql_run(s);
	if (r < 0)
		return r;
	maindb_bind_text(boot, 1, n->id);
	maindb_bind_text(boot, 2, n->boot_id);
	sql_bind_u64(boot, 3, n->last_seen_ns);
	sql_bind_u64(boot, 4, n->last_seq);
	return sql_run(boot);
}

static int put_dirty(struct maindb *m, uint32_t n_dirty)
{
	int r = n_dirty ? sql_exec(m->db, "BEGIN IMMEDIATE") : 0;

	for (uint32_t i = 0; i < m->n_nodes && r == 0; i++)
		if (m->nodes[i]->dirty)
			r = put_node(m, m->nodes[i]);
	if (r == 0 && n_dirty)
		r = sql_exec(m->db, "COMMIT");
	if (r < 0 && !sqlite3_get_autocommit(m->db))
		(void)sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
	for (uint32_t i = 0; i < m->n_nodes && r == 0; i++)
		m->nodes[i]->dirty = false;
	return r;
}

int maindb_flush(struct maindb *m)
{
	uint32_t n_dirty = 0;
	int r;

	pthread_mutex_lock(&m->mutex);
	for (uint32_t i = 0; i < m->n_nodes; i++)
		n_dirty += m->nodes[i]->dirty;
	r = put_dirty(m, n_dirty);
	if (r == 0)
		r = maindb_audit_flush(m);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

static struct block_string column_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return (struct block_string){ text ? text : "", (uint32_t)sqlite3_column_bytes(s, column) };
}

static int load_node(struct maindb *m, sqlite3_stmt *s)
{
	struct block_string id = column_text(s, 0);
	uint64_t *to[N_STATS], stats[N_STATS] = { 0 };
	uint32_t number;
	struct known *k;
	struct node *n;
	int r = add_node(m, id.s, id.n, &number);

	if (r < 0)
		return r;
	k = m->nodes[number - 1];
	n = &k->node;
	copy_text(n->name, sizeof(n->name), column_text(s, 1));
	copy_text(n->boot_id, sizeof(n->boot_id), column_text(s, 2));
	copy_text(n->architecture, sizeof(n->architecture), column_text(s, 3));
	copy_text(n->os_kernel, sizeof(n->os_kernel), column_text(s, 4));
	copy_text(n->agent_version, sizeof(n->agent_version), column_text(s, 5));
	n->first_seen_ns = sql_u64(s, 6);
	n->last_seen_ns = sql_u64(s, 7);
	n->last_seq = sql_u64(s, 8);
	n->events = sql_u64(s, 9);
	n->batches = sql_u64(s, 10);
	n->clock_offset_ns = sqlite3_column_int64(s, 11);
	if (sqlite3_column_bytes(s, 12) > 0) /* an older release's has fewer */
		memcpy(stats, sqlite3_column_blob(s, 12),
		       MIN(sizeof(stats), (size_t)sqlite3_column_bytes(s, 12)));
	stats_numbers(&n->stats, to);
	for (size_t i = 0; i < N_STATS; i++)
		*to[i] = stats[i];
	copy_text(k->tiers, sizeof(k->tiers), column_text(s, 13));
	n->alarms = (uint32_t)sqlite3_column_int64(s, 14);
	copy_text(n->highest_version, sizeof(n->highest_version), column_text(s, 15));
	split_texts(k);
	return 0;
}

static int load_nodes(struct maindb *m)
{
	sqlite3_stmt *s = m->stmts[STMT_NODES];
	int r;

	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = load_node(m, s);
		if (r < 0)
			break;
	}
	sqlite3_reset(s);
	return r;
}

/* ---- opening ---- */

int maindb_run_durably(struct maindb *m, sqlite3_stmt *s)
{
	int r = sql_exec(m->db, "PRAGMA synchronous = FULL"), back;

	if (r < 0)
		return r;
	r = sql_run(s);
	back = sql_exec(m->db, "PRAGMA synchronous = NORMAL");
	return r < 0 ? r : back;
}

int maindb_open(struct maindb **ret, const char *dir, struct diag *d)
{
	AUTO(maindb) *m = calloc(1, sizeof(*m));
	char path[SQL_PATH_BYTES];
	int r;

	if (!m)
		return err_origin(-ENOMEM);
	pthread_mutex_init(&m->mutex, NULL);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", dir,
				strerror(errno));
	r = sql_path(path, dir, "main.db", d);
	if (r == 0)
		r = sql_open(&m->db, path, SQL_WRITE, d);
	if (r == 0)
		r = migrate_apply(m->db, &migrations_main, path, d);
	if (r < 0)
		return r;
	/* node counters may lose a second; maindb_run_durably() asks for more */
	r = sql_exec(m->db, "PRAGMA synchronous = NORMAL");
	if (r == 0)
		r = sql_prepare(m->db, texts, STMT_MAX, m->stmts);
	if (r == 0)
		r = load_nodes(m);
	if (r == 0)
		*ret = TAKE(m);
	else
		diag_set(d, r, 0, 0, "cannot read %s: %s", path, sqlite3_errmsg(m->db));
	return r;
}

struct maindb *maindb_free(struct maindb *m)
{
	if (!m)
		return NULL;
	if (m->n_audit && maindb_audit_flush(m) < 0)
		maindb_audit_drop(m);
	free(m->audit);
	sql_finalize(m->stmts, STMT_MAX);
	sql_close(m->db);
	for (uint32_t i = 0; i < m->n_nodes; i++)
		free(m->nodes[i]);
	free(m->nodes);
	slots_done(&m->by_id);
	pthread_mutex_destroy(&m->mutex);
	free(m);
	return NULL;
}
