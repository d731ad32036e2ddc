/* SPDX-License-Identifier: Apache-2.0 */
/* sql - SQLite's dialect translated into ours, and the settings every database of ours has.
 * Thread: a connection and its statements have one owner at a time.  Memory: SQLite's. */
#pragma once
#include <sqlite3.h>

#include "lib/diag.h"

enum sql_mode {
	SQL_WRITE, /* made when missing (mode 0600), WAL, fsync on every commit */
	SQL_READ,  /* must exist; nothing can be written through it */
};

/* Opens the database file @path.  *ret is the caller's, freed with sql_close().  Returns 0 or a
 * negative errno with the reason in @d (NULL: not kept). */
NODISCARD int sql_open(sqlite3 **ret, const char *path, enum sql_mode mode, struct diag *d);
/* Writes the path of the database @name in the folder @dir.  Returns 0 or -ENAMETOOLONG with @d. */
enum { SQL_PATH_BYTES = 512 };
NODISCARD int sql_path(char ret_path[SQL_PATH_BYTES], const char *dir, const char *name,
		       struct diag *d);

/* The same of a database of its own in memory, which is gone when it is closed. */
NODISCARD int sql_open_memory(sqlite3 **ret);
/* NULL: no-op.  All statements must be finalized before. */
sqlite3 *sql_close(sqlite3 *db);

/* What the last failure of @db is in our dialect: -ENOSPC, -EIO, -EBADMSG (file damaged), -EBUSY,
 * -ENOMEM, -EROFS, -EACCES or -EINVAL (our own SQL is wrong). */
NODISCARD int sql_error(sqlite3 *db);

/* Runs statements without parameters or rows.  Returns 0 or as sql_error(). */
NODISCARD int sql_exec(sqlite3 *db, const char *text);

/* Prepares the @n texts into ret_stmts[] (all NULL before); the caller finalizes all with
 * sql_finalize(), on failure too.  Returns 0 or as sql_error(). */
NODISCARD int sql_prepare(sqlite3 *db, const char *const *texts, size_t n,
			  sqlite3_stmt **ret_stmts);
void sql_finalize(sqlite3_stmt **stmts, size_t n);

enum { SQL_E_ROW = 1 };
/* Steps once.  Returns SQL_E_ROW, 0 (no more rows) or as sql_error(). */
NODISCARD int sql_step(sqlite3_stmt *stmt);
/* Steps a statement that gives no rows and resets it.  Returns 0 or as sql_error(). */
NODISCARD int sql_run(sqlite3_stmt *stmt);

/* Times are unsigned with us, signed with SQLite; what does not fit is its greatest. */
static inline int64_t sql_time(uint64_t ns)
{
	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

/* Binds one unsigned value bit for bit, sequence numbers for instance. */
static inline void sql_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v)
{
	sqlite3_bind_int64(stmt, at, (int64_t)v);
}
static inline uint64_t sql_u64(sqlite3_stmt *stmt, int column)
{
	return (uint64_t)sqlite3_column_int64(stmt, column);
}

/* A column as text, "" where it is null.  Lent until the statement is stepped or reset. */
static inline const char *sql_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}
/* The same to @to, cut to @room bytes with the NUL. */
static inline void sql_copy_text(sqlite3_stmt *stmt, int column, char *to, size_t room)
{
	snprintf(to, room, "%s", sql_text(stmt, column));
}
