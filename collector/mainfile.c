/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mainfile.h"

#include "collector/migrate.h"

static int open_memory(sqlite3 **ret, struct diag *d)
{
	int r = sql_open_memory(ret);

	return r == 0 ? migrate_apply(*ret, &migrations_main, ":memory:", d) : r;
}

static int open_file(sqlite3 **ret, const char *dir, struct diag *d)
{
	char path[SQL_PATH_BYTES];
	int r = sql_path(path, dir, "main.db", d);

	return r == 0 ? sql_open(ret, path, SQL_WRITE, d) : r;
}

int mainfile_open(sqlite3 **ret, const char *dir, const char *const *texts, size_t n,
		  sqlite3_stmt **ret_stmts, struct diag *d)
{
	int r = dir ? open_file(ret, dir, d) : open_memory(ret, d);

	if (r < 0)
		return r;
	r = sql_prepare(*ret, texts, n, ret_stmts);
	return r == 0 ? 0
		      : diag_set(d, r, 0, 0, "cannot read main.db of %s: %s",
				 dir ? dir : "the memory", sqlite3_errmsg(*ret));
}
