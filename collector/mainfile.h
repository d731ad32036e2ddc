/* SPDX-License-Identifier: Apache-2.0 */
/* mainfile - another connection to main.db, for those who keep tables of their own in it.
 * Thread: the caller's.  Memory: SQLite's. */
#pragma once
#include "collector/sql.h"

/* Opens main.db of the folder @dir, which maindb_open() has made; NULL: one of its own in memory,
 * with the same schema.  Prepares the @n texts into ret_stmts[] (all NULL before).  Returns 0 or a
 * negative errno with @d; *ret and the statements are the caller's in any case. */
NODISCARD int mainfile_open(sqlite3 **ret, const char *dir, const char *const *texts, size_t n,
			    sqlite3_stmt **ret_stmts, struct diag *d);
