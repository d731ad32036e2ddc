/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sql.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "collector/sql_memory.h"

enum { BUSY_TIMEOUT_MS = 5000 };

/* 4 KiB pages: rows here are small, and a commit writes every page that it touched in full. */
static const char write_settings[] = "PRAGMA page_size = 4096;"
				     "PRAGMA journal_mode = WAL;"
				     "PRAGMA synchronous = FULL;"
				     "PRAGMA wal_autocheckpoint = 2000;"
				     "PRAGMA journal_size_limit = 16777216;"
				     "PRAGMA cache_size = -8192;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA trusted_schema = OFF;";
static const char read_settings[] = "PRAGMA query_only = ON;"
				    "PRAGMA mmap_size = 268435456;"
				    "PRAGMA cache_size = -1024;"
				    "PRAGMA trusted_schema = OFF;";

static int from_system(sqlite3 *db, int otherwise)
{
	int e = sqlite3_system_errno(db);

	return e > 0 ? -e : otherwise;
}

int sql_error(sqlite3 *db)
{
	switch (sqlite3_errcode(db)) {
	case SQLITE_FULL:
		return err_origin(-ENOSPC);
	case SQLITE_IOERR:
		return err_origin(from_system(db, -EIO));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return err_origin(-EBADMSG);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_origin(-EBUSY);
	case SQLITE_NOMEM:
		return err_origin(-ENOMEM);
	case SQLITE_READONLY:
		return err_origin(-EROFS);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_origin(from_system(db, -EACCES));
	default:
		return err_origin(-EINVAL);
	}
}

int sql_exec(sqlite3 *db, const char *text)
{
	return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_error(db);
}

/* SQLite gives its -wal and -shm the mode of the database, so this one is enough.  A file that is
 * there must not be opened here: closing it again would drop the locks that this process has on it
 * through other connections (fcntl(2)), and the next process that closes the database would take it
 * for unused and delete the WAL under us. */
static int make_private(const char *path)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 && errno != EEXIST ? err_origin(-errno) : 0;
}

static int told(struct diag *d, int r, const char *path, const char *why)
{
	diag_set(d, r, 0, 0, "cannot open the database: %s", why);
	diag_file(d, path);
	return r;
}

int sql_open(sqlite3 **ret, const char *path, enum sql_mode mode, struct diag *d)
{
	int flags = mode == SQL_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	sqlite3 *db = NULL;
	int r = mode == SQL_WRITE ? make_private(path) : 0;

	sql_memory_init();
	if (r < 0)
		return told(d, r, path, strerror(-r));
	if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		r = db ? sql_error(db) : err_origin(-ENOMEM);
	} else {
		sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
		r = sql_exec(db, mode == SQL_WRITE ? write_settings : read_settings);
	}
	if (r < 0) {
		told(d, r, path, db ? sqlite3_errmsg(db) : strerror(-r));
		sql_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

int sql_path(char ret_path[SQL_PATH_BYTES], const char *dir, const char *name, struct diag *d)
{
	if ((size_t)snprintf(ret_path, SQL_PATH_BYTES, "%s/%s", dir, name) < SQL_PATH_BYTES)
		return 0;
	return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0, "the folder's path is too long");
}

int sql_open_memory(sqlite3 **ret)
{
	sqlite3 *db = NULL;
	int r = 0;

	sql_memory_init();
	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		r = db ? sql_error(db) : err_origin(-ENOMEM);
	if (r < 0)
		sql_close(db);
	else
		*ret = db;
	return r;
}

sqlite3 *sql_close(sqlite3 *db)
{
	sqlite3_close(db);
	return NULL;
}

int sql_prepare(sqlite3 *db, const char *const *texts, size_t n, sqlite3_stmt **ret_stmts)
{
	for (size_t i = 0; i < n; i++)
		if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &ret_stmts[i],
				       NULL) != SQLITE_OK)
			return sql_error(db);
	return 0;
}

void sql_finalize(sqlite3_stmt **stmts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sqlite3_finalize(stmts[i]);
		stmts[i] = NULL;
	}
}

int sql_step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return SQL_E_ROW;
	return rc == SQLITE_DONE ? 0 : sql_error(sqlite3_db_handle(stmt));
}

int sql_run(sqlite3_stmt *stmt)
{
	int r = sql_step(stmt);

	sqlite3_reset(stmt);
	return r == SQL_E_ROW ? 0 : r;
}
