/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask, and who did: /api/v1/me, /api/v1/tokens, /api/v1/tokens/{id}/revoke, /api/v1/audit.
 */
#include "collector/api.h"
#include "collector/scope.h"
#include "lib/timestamp.h"

#define TOKEN_MOST_NS (UINT64_C(3660) * 86400 * 1000000000)

/* ---- tokens ---- */

static void write_time(struct json *j, const char *key, uint64_t ns)
{
	if (ns)
		json_key_time(j, key, ns);
	else
		json_key_text(j, key, NULL);
}

/* Members of a token, for an object that is open. */
static void write_members(struct json *j, const struct token *t)
{
	json_key_uint(j, "id", (uint64_t)t->id);
	json_key_text(j, "name", t->name);
	json_key_text(j, "role", role_name(t->role));
	json_key_text(j, "scope", t->scope[0] ? t->scope : NULL);
	json_key_text(j, "created_by", t->created_by[0] ? t->created_by : NULL);
	json_key_time(j, "created", t->created_ns);
	write_time(j, "expires", t->expires_ns);
	write_time(j, "revoked", t->revoked_ns);
}

static int write_token(const struct token *t, void *arg)
{
	struct json *j = arg;

	json_begin_object(j);
	write_members(j, t);
	json_end_object(j);
	return 0;
}

void api_me(struct request *r)
{
	struct json j = json_to(request_body(r));

	json_begin_object(&j);
	write_members(&j, request_token(r));
	api_finish(r, &j);
}

static void list_tokens(struct request *r)
{
	struct json j = json_to(request_body(r));
	int e;

	json_begin_object(&j);
	json_key(&j, "tokens");
	json_begin_array(&j);
	e = maindb_tokens(request_server(r)->config.maindb, write_token, &j);
	json_end_array(&j);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &j);
}

static bool read_text(struct request *r, enum param p, char *to, size_t room)
{
	struct diag d = { 0 };
	size_t n;
	const char *s = params_text(request_params(r), p, &n);

	if (n < room) {
		memcpy(to, s, n + 1);
		return true;
	}
	diag_set(&d, 0, 0, 0, "expected at most %zu bytes", room - 1);
	api_bad_param(r, p, &d);
	return false;
}

static bool read_token(struct request *r, struct token *t)
{
	struct diag d = { 0 };
	struct scope scope;
	char role[16];

	if (!read_text(r, PARAM_NAME, t->name, sizeof(t->name)) ||
	    !read_text(r, PARAM_SCOPE, t->scope, sizeof(t->scope)) ||
	    !read_text(r, PARAM_ROLE, role, sizeof(role)) ||
	    !api_read_ttl(r, "90d", TOKEN_MOST_NS, &t->expires_ns))
		return false;
	if (!t->name[0])
		return api_bad(r, PARAM_NAME, "expected what the token is for");
	if (!role_parse(role, &t->role))
		return api_bad(r, PARAM_ROLE, "expected viewer, analyst, operator or admin");
	if (scope_parse(&scope, t->scope, &d) == 0)
		return true;
	api_bad_param(r, PARAM_SCOPE, &d);
	return false;
}

static void create_token(struct request *r)
{
	struct json j = json_to(request_body(r));
	char text[MAINDB_TOKEN_CHARS + 1];
	struct token t = { 0 };
	int e;

	if (!read_token(r, &t))
		return;
	snprintf(t.created_by, sizeof(t.created_by), "%s", request_token(r)->name);
	e = maindb_token_add(request_server(r)->config.maindb, &t, text);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	json_begin_object(&j);
	json_key_text(&j, "token", text);
	json_key_text(&j, "name", t.name);
	json_key_text(&j, "role", role_name(t.role));
	json_key_text(&j, "scope", t.scope[0] ? t.scope : NULL);
	json_key_time(&j, "expires", t.expires_ns);
	api_finish(r, &j);
	explicit_bzero(text, sizeof(text));
}

void api_tokens(struct request *r)
{
	if (request_method(r) == METHOD_POST)
		create_token(r);
	else
		list_tokens(r);
}

void api_token_revoke(struct request *r)
{
	struct json j = json_to(request_body(r));
	char text[PATH_VALUE_BYTES];
	long long id;
	char *end;
	int e;

	if (!request_path_value(r, "token_id", text))
		return;
	id = strtoll(text, &end, 10);
	e = *end ? MAINDB_E_UNKNOWN
		 : maindb_token_revoke(request_server(r)->config.maindb, id, timestamp_now());
	if (e == MAINDB_E_UNKNOWN) {
		request_problem_text(r, 404, "there is no token of this id that is not revoked");
		return;
	}
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	json_begin_object(&j);
	json_key_uint(&j, "revoked", (uint64_t)id);
	api_finish(r, &j);
}

/* ---- audit ---- */

struct page {
	struct json j;
	int64_t last;
	uint64_t n;
};

static int write_row(const struct audit *a, void *arg)
{
	struct page *p = arg;
	struct json *j = &p->j;

	json_begin_object(j);
	json_key_uint(j, "id", (uint64_t)a->id);
	json_key_time(j, "time", a->time_ns);
	json_key_text(j, "actor", a->actor[0] ? a->actor : NULL);
	json_key_uint(j, "token_id", (uint64_t)a->token_id);
	json_key_text(j, "address", a->address);
	json_key_text(j, "action", a->action);
	json_key_text(j, "detail", a->detail);
	json_key_uint(j, "status", a->status);
	json_key_uint(j, "took_us", a->took_us);
	json_end_object(j);
	p->last = a->id;
	p->n++;
	return 0;
}

void api_audit(struct request *r)
{
	struct page p = { .j = json_to(request_body(r)) };
	struct diag d = { 0 };
	uint64_t limit, before = 0;
	char cursor[32];
	int e = params_number(request_params(r), PARAM_LIMIT, 1, 10000, &limit, &d);

	if (e < 0) {
		api_bad_param(r, PARAM_LIMIT, &d);
		return;
	}
	if (request_params(r)->value[PARAM_CURSOR].n)
		e = params_number(request_params(r), PARAM_CURSOR, 1, INT64_MAX, &before, &d);
	if (e < 0) {
		api_bad_param(r, PARAM_CURSOR, &d);
		return;
	}
	json_begin_object(&p.j);
	json_key(&p.j, "rows");
	json_begin_array(&p.j);
	e = maindb_audit_list(request_server(r)->config.maindb, (int64_t)before, (uint32_t)limit,
			      write_row, &p);
	json_end_array(&p.j);
	snprintf(cursor, sizeof(cursor), "%lld", (long long)p.last);
	json_key_text(&p.j, "cursor", p.n == limit ? cursor : NULL);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &p.j);
}
