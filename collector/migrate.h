/* SPDX-License-Identifier: Apache-2.0 */
/* migrate - brings a database to the schema of this build: the files of migrations/, in order, each
 * in one transaction, counted by SQLite's user_version.
 * Thread: the connection's owner.  Memory: none. */
#pragma once
#include "collector/sql.h"

struct migration {
	const char *name;	  /* its file, below migrations/ */
	const unsigned char *sql; /* ends with a NUL */
};

struct migrations {
	const struct migration *list;
	size_t n; /* the user_version that this build writes */
};
extern const struct migrations migrations_events, migrations_main, migrations_flows,
	migrations_facts;

/* Applies what @db lacks of @m.  @path names the file in @d.
 * Returns 0, -EEXIST (the file is of a newer build), -EBADMSG (it is damaged), or another negative
 * errno, with @d: then the failing file has changed nothing. */
NODISCARD int migrate_apply(sqlite3 *db, const struct migrations *m, const char *path,
			    struct diag *d);
