/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of flows.db. */
#include <string.h>

#include "collector/flowdb_internal.h"

/* Around the time of a flow, what a gap's times and clocks may be off by. */
#define SLACK_NS UINT64_C(2000000000)

/* ---- nodes ---- */

struct flowdb_node flowdb_node(struct flowdb *db, uint32_t node)
{
	const struct node *n;

	if (node == 0 || node > db->n_nodes)
		return (struct flowdb_node){ 0 };
	n = db->nodes[node - 1];
	return (struct flowdb_node){ n->id, n->name, n->last_ns };
}

struct flowdb_node flowdb_node_of(struct flowdb *db, uint64_t source)
{
	bool known = source && source <= db->n_sources;

	return flowdb_node(db, known ? db->sources[source - 1].node : 0);
}

const char *flowdb_boot_of(struct flowdb *db, uint64_t source)
{
	return source && source <= db->n_sources ? db->sources[source - 1].boot_id : NULL;
}

uint32_t flowdb_find_node(struct flowdb *db, const char *id_or_name)
{
	for (uint32_t i = 0; i < db->n_nodes; i++)
		if (strcmp(db->nodes[i]->id, id_or_name) == 0)
			return i + 1;
	for (uint32_t i = 0; i < db->n_nodes; i++)
		if (strcmp(db->nodes[i]->name, id_or_name) == 0)
			return i + 1;
	return 0;
}

/* ---- flows ---- */

struct asked {
	struct flowdb *db;
	const struct flow_question *q;
	flow_each_fn each;
	void *arg;
};

static int run(const struct asked *a, size_t stmt, uint64_t day, uint64_t which)
{
	sqlite3_stmt *s = a->db->stmts[stmt];
	const struct flow_question *q = a->q;
	struct flow f;
	int r;

	sqlite3_bind_int64(s, 1, sql_time(q->from_ns));
	sqlite3_bind_int64(s, 2, sql_time(q->to_ns));
	sql_bind_u64(s, 3, day);
	sql_bind_u64(s, 4, which);
	sqlite3_bind_int64(s, 5, q->state == FLOW_JOINED);
	sqlite3_bind_int64(s, 6, q->state == FLOW_HALVES);
	sql_bind_u64(s, 7, q->after_id);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		flowdb_read(a->db, s, &f);
		r = a->each(&f, a->arg);
		if (r != 0)
			break;
	}
	sqlite3_reset(s);
	return r;
}

/* The days that there are of those the question touches; false: none. */
static int days(const struct asked *a, uint64_t *ret_first, uint64_t *ret_last, bool *ret_any)
{
	sqlite3_stmt *s = a->db->stmts[STMT_DAYS];
	uint64_t from = a->q->from_ns, to = a->q->to_ns;
	int r = sql_step(s);

	*ret_any = r == SQL_E_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL && from < to;
	if (*ret_any) {
		from = MAX(from, sql_u64(s, 0));
		to = MIN(to - 1, sql_u64(s, 1));
		*ret_any = from <= to;
		*ret_first = from / FLOWDB_DAY_NS;
		*ret_last = to / FLOWDB_DAY_NS;
	}
	sqlite3_reset(s);
	return MIN(r, 0);
}

static int of_entity(const struct asked *a)
{
	const struct flow_question *q = a->q;
	uint64_t first = 0, last = 0;
	bool any;
	int r = days(a, &first, &last, &any);

	for (uint64_t i = 0; any && r == 0 && i <= last - first; i++) {
		uint64_t day = q->descending ? last - i : first + i;

		if (!q->only_side || q->side == FLOW_CONNECTED)
			r = run(a, STMT_BY_A, day, q->entity);
		if (r == 0 && (!q->only_side || q->side == FLOW_ACCEPTED))
			r = run(a, STMT_BY_B, day, q->entity);
	}
	return r;
}

int flowdb_ask(struct flowdb *db, const struct flow_question *q, flow_each_fn each, void *arg)
{
	struct asked a = { db, q, each, arg };

	if (q->entity)
		return of_entity(&a);
	return run(&a, q->descending ? STMT_BY_TIME_DOWN : STMT_BY_TIME, 0, q->node);
}

/* ---- why a half is one ---- */

static const char *const absences[] = {
	[FLOW_NOT_ABSENT] = "joined",		[FLOW_FAILED] = "failed",
	[FLOW_NO_SENSOR] = "no_sensor",		[FLOW_EVIDENCE_LOST] = "evidence_lost",
	[FLOW_EVIDENCE_LATE] = "evidence_late", [FLOW_NOT_SEEN] = "not_seen",
};

const char *flow_absence_name(enum flow_absence a)
{
	return absences[a];
}

/* True when @node is known to miss something of then: *ret tells it. */
static int covered(struct flowdb *db, uint32_t node, uint64_t at_ns, struct flow_why *ret,
		   bool *ret_covered)
{
	sqlite3_stmt *s = db->stmts[STMT_COVERED];
	const uint64_t at[] = { at_ns, at_ns + SLACK_NS, at_ns - MIN(at_ns, SLACK_NS) };
	int r = 0;

	*ret_covered = false;
	for (size_t i = 0; i < ARRAY_SIZE(at) && r == 0; i++) {
		sqlite3_bind_int64(s, 1, node);
		sqlite3_bind_int64(s, 2, sql_time(at[i]));
		r = sql_step(s);
		if (r == SQL_E_ROW) {
			*ret_covered = true;
			ret->absence = FLOW_EVIDENCE_LOST;
			ret->node = node;
			ret->from_ns = sql_u64(s, 0);
			ret->to_ns = sql_u64(s, 1);
			snprintf(ret->cause, sizeof(ret->cause), "%.*s",
				 (int)sizeof(ret->cause) - 1,
				 (const char *)sqlite3_column_text(s, 2));
		}
		sqlite3_reset(s);
	}
	return MIN(r, 0);
}

/* Asks the nodes that have the address until one explains it. */
static int of_peers(struct flowdb *db, const struct flow *f, const uint32_t *nodes, size_t n,
		    struct flow_why *ret)
{
	bool is_covered = false;
	int r = 0;

	for (size_t i = 0; i < n && r == 0 && !is_covered; i++) {
		uint64_t last_ns = db->nodes[nodes[i] - 1]->last_ns;

		r = covered(db, nodes[i], f->at_ns, ret, &is_covered);
		if (r < 0 || is_covered)
			break;
		if (last_ns < f->at_ns)
			*ret = (struct flow_why){ .absence = FLOW_EVIDENCE_LATE,
						  .node = nodes[i],
						  .from_ns = last_ns };
		else if (ret->absence == FLOW_NO_SENSOR)
			*ret = (struct flow_why){ .absence = FLOW_NOT_SEEN, .node = nodes[i] };
	}
	return r;
}

/* The address of the other end as that end has it: over up to FLOW_LINKS_DEEP translations that
 * were told around then.  @ip: as this end has it, and what is returned. */
static int real_peer(struct flowdb *db, const struct flow *f, bool accepted,
		     char ip[FLOWDB_IP_BYTES])
{
	sqlite3_stmt *s = db->stmts[accepted ? STMT_CAME_FROM : STMT_LED_TO];
	uint64_t from = f->at_ns - MIN(f->at_ns, FLOW_WINDOW_NS), to = f->at_ns + FLOW_WINDOW_NS;
	uint64_t key = f->tuple.key;
	int r = db->counters.translations ? SQL_E_ROW : 0;

	for (int deep = 0; r == SQL_E_ROW && deep < FLOW_LINKS_DEEP; deep++) {
		sql_bind_u64(s, 1, from / FLOWDB_DAY_NS);
		sql_bind_u64(s, 2, to / FLOWDB_DAY_NS);
		sql_bind_u64(s, 3, key);
		sqlite3_bind_int64(s, 4, sql_time(from));
		sqlite3_bind_int64(s, 5, sql_time(to));
		r = sql_step(s);
		if (r == SQL_E_ROW) {
			key = sql_u64(s, 0);
			sql_copy_text(s, 1, ip, FLOWDB_IP_BYTES);
		}
		sqlite3_reset(s);
	}
	return MIN(r, 0);
}

static bool is_loopback(const char *ip)
{
	return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

int flowdb_why(struct flowdb *db, const struct flow *f, struct flow_why *ret)
{
	enum { PEERS = 16 };
	bool accepted = f->ends.end[FLOW_ACCEPTED].source != 0;
	const struct flow_end *own = &f->ends.end[accepted ? FLOW_ACCEPTED : FLOW_CONNECTED];
	char ip[FLOWDB_IP_BYTES];
	sqlite3_stmt *s = db->stmts[STMT_ADDRESS];
	uint32_t nodes[PEERS];
	size_t n = 0;
	int r = 0;

	*ret = (struct flow_why){ .absence = FLOW_NO_SENSOR };
	if (f->ends.confidence || own->error[0]) {
		ret->absence = f->ends.confidence ? FLOW_NOT_ABSENT : FLOW_FAILED;
		return 0;
	}
	flowdb_copy_text(ip, sizeof(ip), accepted ? f->tuple.source_ip : f->tuple.dest_ip);
	r = real_peer(db, f, accepted, ip);
	if (r < 0)
		return r;
	if (is_loopback(ip)) {
		nodes[n++] = own->node;
		return own->node ? of_peers(db, f, nodes, n, ret) : 0;
	}
	sqlite3_bind_text(s, 1, ip, -1, SQLITE_TRANSIENT);
	while (n < PEERS && (r = sql_step(s)) == SQL_E_ROW) {
		uint64_t node = sql_u64(s, 0);

		if (node && node <= db->n_nodes)
			nodes[n++] = (uint32_t)node;
	}
	sqlite3_reset(s);
	return r < 0 ? r : of_peers(db, f, nodes, n, ret);
}
