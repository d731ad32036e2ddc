/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/migrate.h"

extern const unsigned char migration_events_0001[], migration_events_0002[],
	migration_events_0003[], migration_main_0001[], migration_main_0002[],
	migration_main_0003[], migration_main_0004[], migration_main_0005[], migration_main_0006[],
	migration_main_0007[], migration_main_0008[], migration_main_0009[], migration_main_0010[];

static const struct migration events[] = {
	{ "events/0001_blocks.sql", migration_events_0001 },
	{ "events/0002_merged.sql", migration_events_0002 },
	{ "events/0003_quarantine.sql", migration_events_0003 },
};
static const struct migration main_[] = {
	{ "main/0001_nodes.sql", migration_main_0001 },
	{ "main/0002_days.sql", migration_main_0002 },
	{ "main/0003_access.sql", migration_main_0003 },
	{ "main/0004_rules.sql", migration_main_0004 },
	{ "main/0005_alerts.sql", migration_main_0005 },
	{ "main/0006_outputs.sql", migration_main_0006 },
	{ "main/0007_rules.sql", migration_main_0007 },
	{ "main/0008_retention.sql", migration_main_0008 },
	{ "main/0009_audit.sql", migration_main_0009 },
	{ "main/0010_alarms.sql", migration_main_0010 },
};
extern const unsigned char migration_flows_0001[], migration_flows_0002[], migration_flows_0003[],
	migration_facts_0001[];
static const struct migration facts[] = {
	{ "facts/0001_facts.sql", migration_facts_0001 },
};
const struct migrations migrations_facts = { facts, ARRAY_SIZE(facts) };
static const struct migration flows[] = {
	{ "flows/0001_flows.sql", migration_flows_0001 },
	{ "flows/0002_clock.sql", migration_flows_0002 },
	{ "flows/0003_nat.sql", migration_flows_0003 },
};
const struct migrations migrations_flows = { flows, ARRAY_SIZE(flows) };
const struct migrations migrations_events = { events, ARRAY_SIZE(events) };
const struct migrations migrations_main = { main_, ARRAY_SIZE(main_) };

static int read_version(sqlite3 *db, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	static const char *const text = "PRAGMA user_version";
	int r = sql_prepare(db, &text, 1, &stmt);

	if (r == 0)
		r = sql_step(stmt);
	if (r == SQL_E_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sql_finalize(&stmt, 1);
	return r < 0 ? r : 0;
}

/* IMMEDIATE, and the version asked again inside: another process may be migrating the same file. */
static int apply(sqlite3 *db, const struct migration *m, int64_t version)
{
	char set[64];
	int64_t now = 0;
	int r = sql_exec(db, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	snprintf(set, sizeof(set), "PRAGMA user_version = %lld", (long long)version);
	r = read_version(db, &now);
	if (r == 0 && now < version)
		r = sql_exec(db, (const char *)m->sql);
	if (r == 0 && now < version)
		r = sql_exec(db, set);
	if (r == 0)
		r = sql_exec(db, "COMMIT");
	return r;
}

int migrate_apply(sqlite3 *db, const struct migrations *m, const char *path, struct diag *d)
{
	int64_t version = 0;
	int r = read_version(db, &version);

	if (r == 0 && version > (int64_t)m->n)
		r = diag_set(d, err_origin(-EEXIST), 0, 0,
			     "the schema has version %lld, this build knows up to %zu: it was "
			     "written by a newer rtsec",
			     (long long)version, m->n);
	else if (r == 0 && version < 0)
		r = diag_set(d, err_origin(-EBADMSG), 0, 0,
			     "the schema has version %lld: the file is damaged",
			     (long long)version);
	else if (r < 0)
		diag_set(d, r, 0, 0, "cannot read the schema's version: %s", sqlite3_errmsg(db));
	for (; r == 0 && version < (int64_t)m->n; version++) {
		r = apply(db, &m->list[version], version + 1);
		if (r < 0) {
			diag_set(d, r, 0, 0, "%s failed: %s", m->list[version].name,
				 sqlite3_errmsg(db));
			if (!sqlite3_get_autocommit(db))
				(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		}
	}
	if (r < 0)
		diag_file(d, path);
	return r;
}
