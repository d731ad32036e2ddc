/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and tokens of main.db. */
#include <sys/random.h>

#include <mbedtls/md.h>

#include "collector/maindb_internal.h"

static const char *const role_names[] = { "", "viewer", "analyst", "operator", "admin" };

const char *role_name(enum role role)
{
	return role_names[role];
}

bool role_parse(const char *s, enum role *ret)
{
	for (size_t i = ROLE_VIEWER; i < ARRAY_SIZE(role_names); i++) {
		if (strcmp(s, role_names[i]) != 0)
			continue;
		*ret = (enum role)i;
		return true;
	}
	return false;
}

/* ---- secrets ---- */

int maindb_hash(const char *s, size_t n, uint8_t ret[MAINDB_HASH_BYTES])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	return info && mbedtls_md(info, (const uint8_t *)s, n, ret) == 0 ? 0 : err_origin(-EIO);
}

int maindb_secret(char ret[MAINDB_TOKEN_CHARS + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[MAINDB_TOKEN_CHARS / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_origin(-EIO);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[MAINDB_TOKEN_CHARS] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

bool maindb_same_hash(const void *a, const void *b)
{
	const uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < MAINDB_HASH_BYTES; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

/* ---- tokens ---- */

static int add_token(struct maindb *m, const struct token *t, const uint8_t *hash)
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_ADD];

	maindb_bind_text(s, 1, t->name);
	maindb_bind_text(s, 2, role_name(t->role));
	sqlite3_bind_blob(s, 3, hash, MAINDB_HASH_BYTES, SQLITE_TRANSIENT);
	sql_bind_u64(s, 4, t->expires_ns);
	maindb_bind_text(s, 5, t->scope);
	maindb_bind_text(s, 6, t->created_by);
	return maindb_run_durably(m, s);
}

int maindb_token_add(struct maindb *m, const struct token *t, char ret_token[65])
{
	uint8_t hash[MAINDB_HASH_BYTES];
	int r;

	if (t->role <= ROLE_NONE || t->role > ROLE_ADMIN)
		return err_origin(-EINVAL);
	r = maindb_secret(ret_token);
	if (r == 0)
		r = maindb_hash(ret_token, MAINDB_TOKEN_CHARS, hash);
	if (r < 0)
		return r;
	pthread_mutex_lock(&m->mutex);
	r = add_token(m, t, hash);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_token_create(struct maindb *m, const char *name, enum role role, char ret_token[65])
{
	struct token t = { .role = role };

	snprintf(t.name, sizeof(t.name), "%s", name);
	return maindb_token_add(m, &t, ret_token);
}

/* Returns false for a role that this version does not know. */
static bool read_token(sqlite3_stmt *s, struct token *ret)
{
	const char *role = (const char *)sqlite3_column_text(s, 2);

	memset(ret, 0, sizeof(*ret));
	ret->id = sqlite3_column_int64(s, 0);
	sql_copy_text(s, 1, ret->name, sizeof(ret->name));
	sql_copy_text(s, 3, ret->scope, sizeof(ret->scope));
	sql_copy_text(s, 4, ret->created_by, sizeof(ret->created_by));
	ret->created_ns = sql_u64(s, 5);
	ret->expires_ns = sql_u64(s, 6);
	ret->revoked_ns = sql_u64(s, 7);
	return role && role_parse(role, &ret->role);
}

bool maindb_token_find(struct maindb *m, const char *token, size_t n, uint64_t now_ns,
		       struct token *ret)
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_FIND];
	uint8_t hash[MAINDB_HASH_BYTES];
	bool found;

	if (n != MAINDB_TOKEN_CHARS || maindb_hash(token, n, hash) < 0)
		return false;
	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_blob(s, 1, hash, sizeof(hash), SQLITE_STATIC);
	found = sql_step(s) == SQL_E_ROW && sqlite3_column_bytes(s, 8) == sizeof(hash) &&
		maindb_same_hash(sqlite3_column_blob(s, 8), hash) && read_token(s, ret);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	pthread_mutex_unlock(&m->mutex);
	return found && ret->revoked_ns == 0 && (ret->expires_ns == 0 || now_ns < ret->expires_ns);
}

int maindb_token_stands(struct maindb *m, int64_t id, uint64_t now_ns)
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_STANDS];
	int r;

	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_int64(s, 1, id);
	sql_bind_u64(s, 2, now_ns);
	r = sql_step(s);
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r < 0 ? r : r == SQL_E_ROW;
}

int maindb_tokens(struct maindb *m, int (*each)(const struct token *t, void *arg), void *arg)
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_LIST];
	struct token t;
	int r;

	pthread_mutex_lock(&m->mutex);
	while ((r = sql_step(s)) == SQL_E_ROW) {
		r = read_token(s, &t) ? each(&t, arg) : 0;
		if (r != 0)
			break;
	}
	sqlite3_reset(s);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

int maindb_token_revoke(struct maindb *m, int64_t id, uint64_t now_ns)
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_REVOKE];
	int r;

	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_int64(s, 1, id);
	sql_bind_u64(s, 2, now_ns);
	r = maindb_run_durably(m, s);
	if (r == 0 && sqlite3_changes(m->db) == 0)
		r = MAINDB_E_UNKNOWN;
	pthread_mutex_unlock(&m->mutex);
	return r;
}
