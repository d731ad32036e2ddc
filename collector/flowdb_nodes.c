/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, their boots, addresses and outages. */
#include <string.h>

#include <xxhash.h>

#include "collector/flowdb_internal.h"

/* ---- nodes and sources ---- */

static uint64_t hash_text(const char *s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s, strlen(s), seed);
}

/* The list with room for one more; NULL: no memory. */
static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
	void *more;

	if (n < *cap)
		return list;
	more = reallocarray(list, *cap * 2 + 16, size);
	if (more)
		*cap = *cap * 2 + 16;
	return more;
}

void flowdb_copy_text(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%.*s", (int)n - 1, from ? from : "");
}

static int add_node(struct flowdb *db, const char *id, const char *name, uint64_t last_ns)
{
	struct node **list = grow(db->nodes, db->n_nodes, &db->nodes_room, sizeof(struct node *));
	struct node *node;

	if (!list)
		return err_origin(-ENOMEM);
	db->nodes = list;
	node = calloc(1, sizeof(*node));
	if (!node || !slots_room(&db->by_node)) {
		free(node);
		return err_origin(-ENOMEM);
	}
	flowdb_copy_text(node->id, sizeof(node->id), id);
	flowdb_copy_text(node->name, sizeof(node->name), name);
	node->last_ns = last_ns;
	db->nodes[db->n_nodes++] = node;
	slots_put(&db->by_node, hash_text(node->id, 0), db->n_nodes);
	return 0;
}

static int add_source(struct flowdb *db, uint32_t node, const char *boot_id)
{
	struct source *s = grow(db->sources, db->n_sources, &db->sources_room, sizeof(*s));

	if (!s)
		return err_origin(-ENOMEM);
	db->sources = s;
	if (!slots_room(&db->by_source))
		return err_origin(-ENOMEM);
	s += db->n_sources++;
	s->node = node;
	flowdb_copy_text(s->boot_id, sizeof(s->boot_id), boot_id);
	slots_put(&db->by_source, hash_text(s->boot_id, node), db->n_sources);
	return 0;
}

void flowdb_forget_nodes(struct flowdb *db)
{
	for (size_t i = 0; i < db->n_nodes; i++)
		free(db->nodes[i]);
	db->n_nodes = 0;
	db->n_sources = 0;
	slots_clear(&db->by_node);
	slots_clear(&db->by_source);
	slots_clear(&db->addresses);
	db->n_addresses = 0;
}

/* Numbers are row ids, without a hole from 1 on. */
int flowdb_load_nodes(struct flowdb *db)
{
	sqlite3_stmt *s = db->stmts[STMT_NODES];
	int r;

	flowdb_forget_nodes(db);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = sql_u64(s, 0) == db->n_nodes + 1
			    ? add_node(db, sql_text(s, 1), sql_text(s, 2), sql_u64(s, 3))
			    : err_origin(-EBADMSG);
		if (r < 0)
			break;
		db->nodes[db->n_nodes - 1]->ahead_ns = sqlite3_column_int64(s, 4);
	}
	sqlite3_reset(s);
	if (r < 0)
		return r;
	s = db->stmts[STMT_SOURCES];
	while ((r = sql_step(s)) == SQL_E_ROW) {
		uint64_t node = sql_u64(s, 1);

		r = sql_u64(s, 0) == db->n_sources + 1 && node && node <= db->n_nodes
			    ? add_source(db, (uint32_t)node, sql_text(s, 2))
			    : err_origin(-EBADMSG);
		if (r < 0)
			break;
	}
	sqlite3_reset(s);
	return r;
}

static uint32_t find_node(const struct flowdb *db, const char *id)
{
	uint64_t key = hash_text(id, 0);
	uint32_t at = slots_first(&db->by_node, key), number;

	while ((number = slots_next(&db->by_node, key, &at)))
		if (strcmp(db->nodes[number - 1]->id, id) == 0)
			return number;
	return 0;
}

static uint32_t find_source(const struct flowdb *db, uint32_t node, const char *boot_id)
{
	uint64_t key = hash_text(boot_id, node);
	uint32_t at = slots_first(&db->by_source, key), number;

	while ((number = slots_next(&db->by_source, key, &at)))
		if (db->sources[number - 1].node == node &&
		    strcmp(db->sources[number - 1].boot_id, boot_id) == 0)
			return number;
	return 0;
}

int flowdb_put_node(struct flowdb *db, uint32_t number)
{
	sqlite3_stmt *s = db->stmts[STMT_NODE_PUT];
	struct node *node = db->nodes[number - 1];

	sqlite3_bind_int64(s, 1, number);
	sqlite3_bind_text(s, 2, node->id, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 3, node->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 4, sql_time(node->last_ns));
	sqlite3_bind_int64(s, 5, node->ahead_ns);
	node->dirty = false;
	return sql_run(s);
}

static int put_source(struct flowdb *db, uint32_t number)
{
	sqlite3_stmt *s = db->stmts[STMT_SOURCE_PUT];

	sqlite3_bind_int64(s, 1, number);
	sqlite3_bind_int64(s, 2, db->sources[number - 1].node);
	sqlite3_bind_text(s, 3, db->sources[number - 1].boot_id, -1, SQLITE_TRANSIENT);
	return sql_run(s);
}

/* ---- what a batch tells of its node ---- */

int flowdb_source(struct flowdb *db, const char *node_id, const char *name, const char *boot_id,
		  uint32_t *ret_source, uint32_t *ret_node)
{
	uint32_t node = find_node(db, node_id), source;
	int r = flowdb_begin(db);

	if (r == 0 && !node) {
		r = db->n_nodes < FLOWDB_NODES ? add_node(db, node_id, name, 0) : -ENOSPC;
		node = (uint32_t)db->n_nodes;
		if (r == 0)
			r = flowdb_put_node(db, node);
	}
	if (r < 0)
		return err_origin(r);
	if (strcmp(db->nodes[node - 1]->name, name) != 0) {
		flowdb_copy_text(db->nodes[node - 1]->name, sizeof(db->nodes[0]->name), name);
		db->nodes[node - 1]->dirty = true;
	}
	source = find_source(db, node, boot_id);
	if (!source) {
		r = db->n_sources < FLOWDB_NODES ? add_source(db, node, boot_id) : -ENOSPC;
		source = (uint32_t)db->n_sources;
		if (r == 0)
			r = put_source(db, source);
	}
	*ret_source = source;
	*ret_node = node;
	return r;
}

void flowdb_seen(struct flowdb *db, uint32_t node, uint64_t last_ns, uint64_t *ret_before_ns)
{
	struct node *n = db->nodes[node - 1];

	*ret_before_ns = n->last_ns;
	if (last_ns <= n->last_ns)
		return;
	n->last_ns = last_ns;
	n->dirty = true;
}

void flowdb_clock(struct flowdb *db, uint32_t node, bool measured, int64_t *ahead_ns)
{
	struct node *n = db->nodes[node - 1];

	if (!measured) {
		*ahead_ns = n->ahead_ns;
		return;
	}
	n->dirty = n->dirty || n->ahead_ns != *ahead_ns;
	n->ahead_ns = *ahead_ns;
}

/* Each is written once a run. */
int flowdb_address(struct flowdb *db, const char *ip, uint32_t node, uint64_t now_ns)
{
	sqlite3_stmt *s = db->stmts[STMT_ADDRESS_PUT];
	uint64_t key = hash_text(ip, node);
	uint32_t at = slots_first(&db->addresses, key);
	int r;

	if (slots_next(&db->addresses, key, &at) || db->n_addresses == FLOWDB_ADDRESSES)
		return 0;
	if (!slots_room(&db->addresses))
		return err_origin(-ENOMEM);
	r = flowdb_begin(db);
	if (r < 0)
		return r;
	sqlite3_bind_text(s, 1, ip, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 2, node);
	sqlite3_bind_int64(s, 3, sql_time(now_ns));
	r = sql_run(s);
	if (r == 0)
		slots_put(&db->addresses, key, ++db->n_addresses);
	return r;
}

int flowdb_outage(struct flowdb *db, uint32_t node, uint64_t from_ns, uint64_t to_ns,
		  const char *cause)
{
	sqlite3_stmt *s = db->stmts[STMT_OUTAGE_PUT];
	int r = flowdb_begin(db);

	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, node);
	sqlite3_bind_int64(s, 2, sql_time(from_ns));
	sqlite3_bind_int64(s, 3, sql_time(to_ns));
	sqlite3_bind_text(s, 4, cause, -1, SQLITE_TRANSIENT);
	return sql_run(s);
}
