/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask what, how often, and the note of it in the audit log. */
#include <arpa/inet.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/request_internal.h"
#include "lib/log.h"
#include "lib/timestamp.h"

/* Far above what people, the page and scripts need; below what hurts.  A wrong token costs more. */
#define TOKEN_PER_S   500
#define TOKEN_BURST   2000
#define ADDRESS_PER_S 1000
#define ADDRESS_BURST 4000
#define WRONG_PER_S   2
#define WRONG_BURST   300

struct access {
	struct rate tokens, addresses, wrong;
};

struct access *access_new(void)
{
	struct access *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	rate_init(&a->tokens, TOKEN_PER_S, TOKEN_BURST);
	rate_init(&a->addresses, ADDRESS_PER_S, ADDRESS_BURST);
	rate_init(&a->wrong, WRONG_PER_S, WRONG_BURST);
	return a;
}

/* ---- who ---- */

uint64_t request_client(const struct sockaddr *a)
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

	if (a && a->sa_family == AF_INET)
		return XXH3_64bits(&((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	if (a && a->sa_family == AF_INET6)
		return IN6_IS_ADDR_V4MAPPED(v6) ? XXH3_64bits(v6->s6_addr + 12, 4)
						: XXH3_64bits(v6->s6_addr, 8);
	return 0;
}

static void read_address(struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info ? info->client_addr : NULL;
	const void *bytes = NULL;

	snprintf(r->address, sizeof(r->address), "unknown");
	if (a && a->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
	if (a && a->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
	if (bytes)
		inet_ntop(a->sa_family, bytes, r->address, sizeof(r->address));
	r->client = request_client(a);
}

static bool too_often(struct request *r, enum refusal why)
{
	request_refuse(r, why, 429, "too many requests: ask again in a second");
	request_add_header(r, "Retry-After", "1");
	return true;
}

bool request_is_limited(struct request *r)
{
	struct access *a = r->server->access;
	uint64_t now_ms = r->begun_ns / 1000000u;

	read_address(r);
	return (!rate_take(&a->addresses, r->client, now_ms) ||
		!rate_has(&a->wrong, r->client, now_ms)) &&
	       too_often(r, REFUSAL_REQUEST_ADDRESS_RATE);
}

/* The token of the header; role NONE when there is none that is good. */
static void find_token(struct request *r)
{
	static const char scheme[] = "Bearer ";
	const char *header = request_header(r, "Authorization");
	struct diag d = { 0 };

	memset(&r->token, 0, sizeof(r->token));
	if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return;
	header += sizeof(scheme) - 1;
	if (!maindb_token_find(r->server->config.maindb, header, strlen(header), timestamp_now(),
			       &r->token) ||
	    scope_parse(&r->scope, r->token.scope, &d) < 0)
		memset(&r->token, 0, sizeof(r->token));
}

/* What a token that is bound to some nodes may use: routes that read the store through a
 * query_worker, which has the scope, and what tells nothing of nodes.  A route that is not named is
 * shut. */
static bool takes_scope(const struct request *r)
{
	static const char *const paths[] = {
		"/api/v1/search",
		"/api/v1/count",
		"/api/v1/hits",
		"/api/v1/facets",
		"/api/v1/values",
		"/api/v1/processes/{entity_id}",
		"/api/v1/processes/{entity_id}/tree",
		"/api/v1/processes/{entity_id}/timeline",
		"/api/v1/flows/{community_id}",
		"/api/v1/tail",
		"/api/v1/nodes",
		"/api/v1/fields",
		"/api/v1/kinds",
		"/api/v1/openapi.json",
		"/api/v1/me",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(paths[i], r->route->path) == 0)
			return true;
	return false;
}

static void count_wrong(struct request *r)
{
	(void)rate_take(&r->server->access->wrong, r->client, r->begun_ns / 1000000u);
}

void request_refuse_secret(struct request *r, enum refusal why, const char *detail)
{
	count_wrong(r);
	request_refuse(r, why, 403, detail);
}

bool request_may_enter(struct request *r)
{
	uint64_t now_ms = r->begun_ns / 1000000u;

	if (r->route->role == ROLE_NONE)
		return true;
	find_token(r);
	if (r->token.role == ROLE_NONE) {
		count_wrong(r);
		request_refuse(r,
			       request_header(r, "Authorization") ? REFUSAL_REQUEST_WRONG_TOKEN
								  : REFUSAL_REQUEST_NO_TOKEN,
			       401, "a known token is expected: Authorization: Bearer TOKEN");
		request_add_header(r, "WWW-Authenticate", "Bearer realm=\"rtsec\"");
		return false;
	}
	if (!rate_take(&r->server->access->tokens, (uint64_t)r->token.id, now_ms))
		return !too_often(r, REFUSAL_REQUEST_TOKEN_RATE);
	if (r->token.role >= r->route->role && (r->scope.n == 0 || takes_scope(r)))
		return true;
	if (r->token.role < r->route->role)
		request_refuse(r, REFUSAL_REQUEST_ROLE, 403,
			       "the role of this token does not allow this");
	else
		request_refuse(r, REFUSAL_REQUEST_SCOPE, 403,
			       "this token is bound to some nodes, and this is about all");
	return false;
}

/* When main.db cannot be asked nobody is turned out. */
bool request_may_stay(const struct request *r)
{
	return r->token.id == 0 ||
	       maindb_token_stands(r->server->config.maindb, r->token.id, timestamp_now()) != 0;
}

const struct scope *request_scope(const struct request *r)
{
	return r->scope.n ? &r->scope : NULL;
}

/* ---- audit ---- */

/* What is asked all the time and tells nothing. */
static bool is_noise(const struct request *r)
{
	static const char *const paths[] = { "/",
					     "/healthz",
					     "/metrics",
					     "/api/v1/status",
					     "/api/v1/fields",
					     "/api/v1/kinds",
					     "/api/v1/ca",
					     "/api/v1/openapi.json" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(paths[i], r->route->path) == 0)
			return r->status < 400 || r->route->role == ROLE_NONE;
	return false;
}

static bool is_secret(enum param p)
{
	return p == PARAM_SECRET || p == PARAM_REQUEST || p == PARAM_CERTIFICATE;
}

static void write_detail(const struct request *r, struct buf *to)
{
	if (r->note[0])
		buf_printf(to, "%s ", r->note);
	for (enum param p = 0; p < PARAM_MAX; p++)
		if (r->params.value[p].n && !is_secret(p))
			buf_printf(to, "%s=%s ", param_info(p)->name, r->params.value[p].s);
	if (to->n)
		to->n--;
	buf_byte(to, 0);
}

/* Searches may be asked by POST: that changes nothing. */
static bool is_change(const struct request *r)
{
	return r->method != METHOD_GET &&
	       (!(r->route->methods & METHOD_GET) || r->route->role > ROLE_VIEWER);
}

void request_audit(struct request *r)
{
	static const char *const methods[] = {
		[METHOD_GET] = "GET", [METHOD_POST] = "POST", [METHOD_DELETE] = "DELETE"
	};
	AUTO_BUF struct buf detail = { 0 };
	char action[320];
	const char *method = r->method < ARRAY_SIZE(methods) ? methods[r->method] : NULL;
	struct audit a = { .time_ns = timestamp_now(),
			   .took_us = request_took_ns(r) / 1000,
			   .actor = r->token.name,
			   .token_id = r->token.id,
			   .address = r->address,
			   .action = action,
			   .status = r->status };

	if (!r->route || r->audited || is_noise(r))
		return;
	r->audited = true;
	snprintf(action, sizeof(action), "%s %.*s", method ? method : "?",
		 (int)MIN(r->n_path, (size_t)256), r->uri);
	write_detail(r, &detail);
	a.detail = buf_ok(&detail) ? (const char *)detail.data : "";
	a.class = !r->token.id && r->status >= 400 ? AUDIT_STRANGER
		  : is_change(r)		   ? AUDIT_CHANGE
						   : AUDIT_QUESTION;
	if (maindb_audit_add(r->server->config.maindb, &a) < 0)
		log_error("audit.not_written", "action=\"%s\"", action);
}
