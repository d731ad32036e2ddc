/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and tokens of main.db. */
#include <sys/random.h>

#include <mbedtls/md.h>

#include "collector/maindb_internal.h"

enum { SHA256_BYTES = 32, TOKEN_BYTES = 32 };

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

/* ---- tokens ---- */

static int sha256(const char *s, size_t n, uint8_t ret[SHA256_BYTES])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	return info && mbedtls_md(info, (const uint8_t *)s, n, ret) == 0 ? 0 : err_origin(-EIO);
}

static int random_hex(char ret[2 * TOKEN_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_origin(-EIO);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * TOKEN_BYTES] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static int add_token(struct maindb *m, const char *name, enum role role,
		     const uint8_t hash[SHA256_BYTES])
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_ADD];

	maindb_bind_text(s, 1, name);
	maindb_bind_text(s, 2, role_name(role));
	sqlite3_bind_blob(s, 3, hash, SHA256_BYTES, SQLITE_TRANSIENT);
	return maindb_run_durably(m, s);
}

int maindb_token_create(struct maindb *m, const char *name, enum role role, char ret_token[65])
{
	uint8_t hash[SHA256_BYTES];
	int r;

	if (role <= ROLE_NONE || role > ROLE_ADMIN)
		return err_origin(-EINVAL);
	r = random_hex(ret_token);
	if (r == 0)
		r = sha256(ret_token, MAINDB_TOKEN_CHARS, hash);
	if (r < 0)
		return r;
	pthread_mutex_lock(&m->mutex);
	r = add_token(m, name, role, hash);
	pthread_mutex_unlock(&m->mutex);
	return r;
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

enum role maindb_token_role(struct maindb *m, const char *token, size_t n)
{
	sqlite3_stmt *s = m->stmts[STMT_TOKEN_FIND];
	enum role role = ROLE_NONE;
	uint8_t hash[SHA256_BYTES];

	if (n != MAINDB_TOKEN_CHARS || sha256(token, n, hash) < 0)
		return ROLE_NONE;
	pthread_mutex_lock(&m->mutex);
	sqlite3_bind_blob(s, 1, hash, sizeof(hash), SQLITE_STATIC);
	if (sql_step(s) == SQL_E_ROW && sqlite3_column_bytes(s, 1) == sizeof(hash) &&
	    same_bytes(sqlite3_column_blob(s, 1), hash, sizeof(hash)) &&
	    !role_parse((const char *)sqlite3_column_text(s, 0), &role))
		role = ROLE_NONE;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	pthread_mutex_unlock(&m->mutex);
	return role;
}
