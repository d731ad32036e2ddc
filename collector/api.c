/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api.h"

#include "collector/api_table.h"
#include "lib/timestamp.h"
#include "web/assets.h"

#define CONDITION (PARAM_BIT(Q) | PARAM_BIT(NODE))
#define ASK	  (CONDITION | PARAM_BIT(SINCE) | PARAM_BIT(UNTIL))
#define PAGED	  (PARAM_BIT(LIMIT) | PARAM_BIT(CURSOR) | PARAM_BIT(ORDER))
#define WHERE	  (PARAM_BIT(NODE) | PARAM_BIT(SINCE) | PARAM_BIT(UNTIL))
#define WITHIN	  (ASK | PARAM_BIT(LIMIT) | PARAM_BIT(CURSOR) | PARAM_BIT(FIELDS))

#define PAGE "Page\nEvent" /* as JSON, and as a line of NDJSON */

/* A route without a help text, or with an answer that is not what it says, fails
 * tests/collector/test_openapi.c. */
#define ALERTS                                                                      \
	(PARAM_BIT(RULE) | PARAM_BIT(NODE) | PARAM_BIT(STATUS) | PARAM_BIT(LEVEL) | \
	 PARAM_BIT(SINCE) | PARAM_BIT(UNTIL))

static const struct route routes[] = {
	{ METHOD_GET | METHOD_POST, "/api/v1/search", ROLE_VIEWER, api_search,
	  ASK | PAGED | PARAM_BIT(FIELDS) | PARAM_BIT(EXPLAIN) | PARAM_BIT(PROGRESS),
	  "One page of the events that a query finds", "(Page|Table|Sequences)\n(Event|Row|any)" },
	{ METHOD_GET | METHOD_POST, "/api/v1/count", ROLE_VIEWER, api_count,
	  ASK | PARAM_BIT(EXPLAIN) | PARAM_BIT(PROGRESS), "How many events a query finds",
	  "Count" },
	{ METHOD_GET | METHOD_POST, "/api/v1/hits", ROLE_VIEWER, api_hits,
	  ASK | PARAM_BIT(BUCKETS) | PARAM_BIT(INTERVAL) | PARAM_BIT(PROGRESS),
	  "How many events a query finds over time", "Histogram" },
	{ METHOD_GET | METHOD_POST, "/api/v1/facets", ROLE_VIEWER, api_facets,
	  ASK | PARAM_BIT(FIELD) | PARAM_BIT(LIMIT) | PARAM_BIT(PROGRESS),
	  "The most frequent values of fields among the events that a query finds", "Facets" },
	{ METHOD_GET, "/api/v1/export", ROLE_ANALYST, api_export, WHERE | PARAM_BIT(CURSOR),
	  "Batches as they came, oldest arrival first, for rtsecctl export and import",
	  "application/octet-stream" },
	{ METHOD_POST, "/api/v1/import", ROLE_ADMIN, api_import, PARAMS_NONE_BUT_BODY,
	  "Stores saved events: documents, one a line, or batches of /export", "Import" },
	{ METHOD_POST, "/api/v1/sql", ROLE_VIEWER, api_sql, PARAM_BIT(SQL) | PARAM_BIT(LIMIT),
	  "Rows of a SELECT over events and nodes", "SqlRows\nRow" },
	{ METHOD_GET, "/api/v1/values", ROLE_VIEWER, api_values,
	  PARAM_BIT(FIELD) | PARAM_BIT(PREFIX) | PARAM_BIT(SINCE) | PARAM_BIT(UNTIL) |
		  PARAM_BIT(NODE) | PARAM_BIT(LIMIT),
	  "Values that a field has had lately, for completion", "Values" },
	{ METHOD_GET, "/api/v1/processes/{entity_id}", ROLE_VIEWER, api_process, WHERE,
	  "What is known of a process", "Process" },
	{ METHOD_GET, "/api/v1/processes/{entity_id}/tree", ROLE_VIEWER, api_process_tree,
	  WHERE | PARAM_BIT(DEPTH) | PARAM_BIT(LIMIT) | PARAM_BIT(HOSTS) | PARAM_BIT(HOPS),
	  "Its ancestors and descendants; with hosts=all over connections, too",
	  "(ProcessTree|FleetTree)" },
	{ METHOD_GET | METHOD_POST, "/api/v1/processes/{entity_id}/timeline", ROLE_VIEWER,
	  api_process_timeline, WITHIN | PARAM_BIT(DESCENDANTS),
	  "One page of what it did, oldest first", PAGE },
	{ METHOD_GET | METHOD_POST, "/api/v1/flows/{community_id}", ROLE_VIEWER, api_flow, WITHIN,
	  "One page of both sides' events of a flow, oldest first", PAGE },
	{ METHOD_GET, "/api/v1/edges", ROLE_VIEWER, api_edges,
	  WHERE | PARAM_BIT(PROCESS) | PARAM_BIT(STATE) | PAGED,
	  "One page of connections between processes, and of their halves", "Edges" },
	{ METHOD_GET, "/api/v1/hops", ROLE_VIEWER, api_hops,
	  PARAM_BIT(FROM) | PARAM_BIT(SINCE) | PARAM_BIT(UNTIL) | PARAM_BIT(LIMIT) |
		  PARAM_BIT(HOPS),
	  "Chains of connections from process to process over nodes, by time", "Hops" },
	{ METHOD_GET, "/api/v1/prevalence", ROLE_VIEWER, api_prevalence,
	  PARAM_BIT(KIND) | PARAM_BIT(VALUE) | PARAM_BIT(SINCE) | PARAM_BIT(MAX_NODES) |
		  PARAM_BIT(LIMIT),
	  "What was ever seen on the fleet, the rarest first", "Facts" },
	{ METHOD_GET, "/api/v1/spread", ROLE_VIEWER, api_spread,
	  PARAM_BIT(KIND) | PARAM_BIT(SINCE) | PARAM_BIT(NODES) | PARAM_BIT(WITHIN) |
		  PARAM_BIT(LIMIT),
	  "What was new and came to several nodes in a short time", "Facts" },
	{ METHOD_GET | METHOD_POST, "/api/v1/tail", ROLE_VIEWER, api_tail,
	  CONDITION | PARAM_BIT(FIELDS), "Events as they come in, as server-sent events",
	  "text/event-stream" },
	{ METHOD_GET, "/api/v1/fields", ROLE_VIEWER, api_fields, 0, "Fields that may be asked for",
	  "{fields:[Field]}" },
	{ METHOD_GET, "/api/v1/kinds", ROLE_VIEWER, api_kinds, 0, "Kinds of events",
	  "{kinds:[Kind]}" },
	{ METHOD_GET, "/api/v1/nodes", ROLE_VIEWER, api_nodes, 0, "Nodes that have sent events",
	  "{nodes:[Node]}" },
	{ METHOD_GET, "/api/v1/rules", ROLE_VIEWER, api_rules, 0, "The detection rules in force",
	  "{rules:[Rule]}" },
	{ METHOD_POST, "/api/v1/rules", ROLE_OPERATOR, api_rules_apply,
	  PARAM_BIT(SOURCE) | PARAM_BIT(NOTE) | PARAM_BIT(DRY), "Enters rules or changes them",
	  "RuleChanges" },
	{ METHOD_POST, "/api/v1/rules/backtest", ROLE_ANALYST, api_rules_backtest,
	  WHERE | PARAM_BIT(SOURCE) | PARAM_BIT(LIMIT),
	  "The alerts that rules, or those in force, would have made of what is stored",
	  "Backtest" },
	{ METHOD_POST, "/api/v1/rules/lint", ROLE_VIEWER, api_rules_lint, PARAM_BIT(SOURCE),
	  "Checks rules and runs the tests that they carry", "RuleChanges" },
	{ METHOD_GET, "/api/v1/rules/{rule_id}", ROLE_VIEWER, api_rule, 0, "One rule",
	  "RuleWhole" },
	{ METHOD_DELETE, "/api/v1/rules/{rule_id}", ROLE_OPERATOR, api_rule_delete, 0,
	  "Takes a rule out of force; its revisions stay", "{id:string,deleted:boolean}" },
	{ METHOD_GET, "/api/v1/rules/{rule_id}/source", ROLE_VIEWER, api_rule_source,
	  PARAM_BIT(REVISION), "Its text, as YAML", "application/yaml" },
	{ METHOD_GET, "/api/v1/rules/{rule_id}/revisions", ROLE_VIEWER, api_rule_revisions, 0,
	  "What it was, newest first", "{id:string,revisions:[RuleRevision]}" },
	{ METHOD_POST, "/api/v1/rules/{rule_id}/rollback", ROLE_OPERATOR, api_rule_rollback,
	  PARAM_BIT(REVISION), "Puts the text of an earlier revision in force", "RuleWhole" },
	{ METHOD_POST, "/api/v1/rules/{rule_id}/enable", ROLE_OPERATOR, api_rule_enable, 0,
	  "Has it run", "RuleWhole" },
	{ METHOD_POST, "/api/v1/rules/{rule_id}/disable", ROLE_OPERATOR, api_rule_disable, 0,
	  "Keeps it, but does not run it", "RuleWhole" },
	{ METHOD_POST, "/api/v1/rules/{rule_id}/exceptions", ROLE_ANALYST, api_rule_except,
	  PARAM_BIT(CONDITION) | PARAM_BIT(NOTE) | PARAM_BIT(OWNER) | PARAM_BIT(EXPIRES),
	  "Leaves events out that it would find", "RuleWhole" },
	{ METHOD_DELETE, "/api/v1/rules/{rule_id}/exceptions/{exception_id}", ROLE_ANALYST,
	  api_rule_except_drop, 0, "Ends an exception", "RuleWhole" },
	{ METHOD_GET, "/api/v1/alerts", ROLE_VIEWER, api_alerts,
	  ALERTS | PARAM_BIT(LIMIT) | PARAM_BIT(CURSOR), "One page of the alerts, newest first",
	  "{alerts:[Alert],cursor:?string}" },
	{ METHOD_GET, "/api/v1/alerts/watch", ROLE_VIEWER, api_alerts_watch, ALERTS,
	  "Alerts as they are made and changed, as server-sent events", "text/event-stream" },
	{ METHOD_GET, "/api/v1/alerts/{alert_id}", ROLE_VIEWER, api_alert, 0,
	  "One alert with its events, notes and gaps", "AlertWhole" },
	{ METHOD_POST, "/api/v1/alerts/{alert_id}/ack", ROLE_ANALYST, api_alert_ack,
	  PARAM_BIT(OWNER) | PARAM_BIT(NOTE), "Says that somebody looks at it", "AlertWhole" },
	{ METHOD_POST, "/api/v1/alerts/{alert_id}/close", ROLE_ANALYST, api_alert_close,
	  PARAM_BIT(OWNER) | PARAM_BIT(NOTE), "Says that it is done", "AlertWhole" },
	{ METHOD_POST, "/api/v1/alerts/{alert_id}/reopen", ROLE_ANALYST, api_alert_reopen,
	  PARAM_BIT(OWNER) | PARAM_BIT(NOTE), "Says that it is not", "AlertWhole" },
	{ METHOD_POST, "/api/v1/alerts/{alert_id}/note", ROLE_ANALYST, api_alert_note,
	  PARAM_BIT(OWNER) | PARAM_BIT(NOTE), "Adds a note, or gives it to an owner",
	  "AlertWhole" },
	{ METHOD_POST, "/api/v1/alerts/{alert_id}/exception", ROLE_ANALYST, api_alert_except,
	  PARAM_BIT(CONDITION) | PARAM_BIT(NOTE) | PARAM_BIT(OWNER) | PARAM_BIT(EXPIRES),
	  "Has the rule leave out what made the alert", "RuleWhole" },
	{ METHOD_POST, "/api/v1/nodes/{node_id}/revoke", ROLE_OPERATOR, api_node_revoke, 0,
	  "Shuts a node out: its certificates are good no more",
	  "{node_id:string,revoked:integer}" },
	{ METHOD_POST, "/api/v1/join-tokens", ROLE_OPERATOR, api_join_tokens,
	  PARAM_BIT(TTL) | PARAM_BIT(NODE_ID), "Makes a token with which one node may join",
	  "{token:string,node_id:?string,expires:time}" },
	{ METHOD_GET, "/api/v1/ca", ROLE_NONE, api_ca, 0, "Certificate of the collector's CA",
	  "text/plain" },
	{ METHOD_POST, "/api/v1/enroll", ROLE_NONE, api_enroll,
	  PARAM_BIT(SECRET) | PARAM_BIT(REQUEST), "Signs a node's certificate for a join token",
	  "Certificate" },
	{ METHOD_POST, "/api/v1/renew", ROLE_NONE, api_renew,
	  PARAM_BIT(CERTIFICATE) | PARAM_BIT(REQUEST),
	  "Signs a node's next certificate for the one that it has", "Certificate" },
	{ METHOD_GET, "/api/v1/me", ROLE_VIEWER, api_me, 0, "The API token that asks", "Token" },
	{ METHOD_GET | METHOD_POST, "/api/v1/tokens", ROLE_ADMIN, api_tokens,
	  PARAM_BIT(NAME) | PARAM_BIT(ROLE) | PARAM_BIT(SCOPE) | PARAM_BIT(TTL),
	  "API tokens; POST makes one", "({tokens:[Token]}|NewToken)" },
	{ METHOD_POST, "/api/v1/tokens/{token_id}/revoke", ROLE_ADMIN, api_token_revoke, 0,
	  "Ends an API token", "{revoked:integer}" },
	{ METHOD_GET, "/api/v1/audit", ROLE_ADMIN, api_audit, PARAM_BIT(LIMIT) | PARAM_BIT(CURSOR),
	  "What was asked and changed, newest first", "{rows:[Audit],cursor:?string}" },
	{ METHOD_GET, "/api/v1/incidents", ROLE_VIEWER, api_incidents,
	  PARAM_BIT(SINCE) | PARAM_BIT(UNTIL) | PARAM_BIT(LIMIT),
	  "Alerts that belong together, the gravest first",
	  "{incidents:[Incident],truncated:boolean}" },
	{ METHOD_GET, "/api/v1/incidents/{incident_id}", ROLE_VIEWER, api_incident,
	  PARAM_BIT(SINCE) | PARAM_BIT(UNTIL),
	  "One incident, in order, and why each alert belongs to it", "IncidentWhole" },
	{ METHOD_GET, "/api/v1/outputs", ROLE_VIEWER, api_outputs, 0,
	  "Where alerts are told to others", "{outputs:[Output]}" },
	{ METHOD_POST, "/api/v1/outputs/{output}/replay", ROLE_OPERATOR, api_output_replay, 0,
	  "Tells its dead letters again", "{output:string,replayed:integer}" },
	{ METHOD_GET, "/api/v1/outputs/{output}/dead", ROLE_VIEWER, api_output_dead,
	  PARAM_BIT(LIMIT), "What did not get through after all tries, newest first",
	  "{dead:[{id:integer,alert:integer,created:time,error:string}]}" },
	{ METHOD_POST, "/api/v1/outputs/{output}/test", ROLE_OPERATOR, api_output_test, 0,
	  "Sends it a made-up alert, and says what came of it",
	  "{output:string,sent:boolean,error:?string}" },
	{ METHOD_POST, "/api/v1/outputs/{output}/silences", ROLE_ANALYST, api_output_silence,
	  PARAM_BIT(RULE) | PARAM_BIT(NODE) | PARAM_BIT(NOTE) | PARAM_BIT(TTL),
	  "Keeps it from telling alerts of a rule, a node or both for a time",
	  "{output:string,silence:integer,until:time}" },
	{ METHOD_DELETE, "/api/v1/outputs/{output}/silences/{silence_id}", ROLE_ANALYST,
	  api_output_silence_drop, 0, "Ends a silence", "{output:string,ended:integer}" },
	{ METHOD_GET, "/api/v1/retention", ROLE_VIEWER, api_retention, 0,
	  "How long days are kept, and which there are", "Retention" },
	{ METHOD_POST, "/api/v1/retention", ROLE_ADMIN, api_retention_set,
	  PARAM_BIT(KEEP_DAYS) | PARAM_BIT(KEEP_BYTES),
	  "Sets how long days are kept, before what the options say", "Retention" },
	{ METHOD_DELETE, "/api/v1/retention", ROLE_ADMIN, api_retention_drop, 0,
	  "Has days kept as the options say", "Retention" },
	{ METHOD_GET, "/api/v1/status", ROLE_VIEWER, api_status, 0, "State of the collector",
	  "Status" },
	{ METHOD_GET, "/api/v1/openapi.json", ROLE_VIEWER, api_openapi, 0,
	  "This description of the API, OpenAPI 3.1", "any" },
	{ METHOD_GET, "/metrics", ROLE_VIEWER, api_metrics, 0,
	  "Counters in Prometheus' text format", "text/plain" },
	{ METHOD_GET, "/healthz", ROLE_NONE, api_health, 0,
	  "Answers 200 while the collector serves", "text/plain" },
};

static const struct route asset_route = {
	METHOD_GET, "/", ROLE_NONE, api_asset, PARAMS_OF_PAGE, "The web page", "text/html"
};

const struct route *api_routes(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(routes);
	return routes;
}

static bool path_is(const char *known, const char *path, size_t n)
{
	return strlen(known) == n && memcmp(known, path, n) == 0;
}

const struct route *api_route(const char *path, size_t n, unsigned methods, unsigned *ret_allowed)
{
	size_t n_assets;
	const struct web_asset *assets = web_assets(&n_assets);
	const struct route *found = NULL;

	*ret_allowed = METHOD_GET;
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const struct route *r = &routes[i];

		/* of several patterns that fit the first one is meant: words before {names} */
		if (!path_fits(r->path, path, n) || (found && strcmp(found->path, r->path) != 0))
			continue;
		*ret_allowed = found ? *ret_allowed | r->methods : r->methods;
		if (!found || (r->methods & methods))
			found = r;
	}
	if (found)
		return found;
	for (size_t i = 0; i < n_assets; i++)
		if (path_is(assets[i].path, path, n))
			return &asset_route;
	return NULL;
}

/* ---- what is asked ---- */

static bool read_condition(struct request *r, enum ask_taken taken, struct ask *ret)
{
	const struct params *p = request_params(r);
	struct diag d = { 0 };
	size_t n;
	const char *s = params_text(p, PARAM_Q, &n);
	int e;

	*ret = (struct ask){ .to_ns = UINT64_MAX };
	e = n ? pipe_parse(&ret->pipe, s, n, &d) : 0;
	if (e == -EINVAL)
		api_bad_param(r, PARAM_Q, &d);
	else if (e < 0)
		request_problem_errno(r, e);
	if (e < 0 || (ret->pipe && !ask_take_pipe(r, ret, taken)))
		return false;
	s = params_text(p, PARAM_NODE, &n);
	if (n == 0)
		return true;
	ret->node = strdup(s);
	if (!ret->node)
		request_problem_errno(r, -ENOMEM);
	return ret->node != NULL;
}

bool ask_read_condition(struct request *r, struct ask *ret)
{
	return read_condition(r, ASK_FILTER, ret);
}

enum range { RANGE_OPEN, RANGE_TO_NOW, RANGE_EVER };

static bool read_range(struct request *r, enum range range, struct ask *ret)
{
	bool ever = range == RANGE_EVER && request_params(r)->value[PARAM_SINCE].n == 0;
	uint64_t now_ns = timestamp_now();

	if (range == RANGE_TO_NOW)
		ret->to_ns = now_ns;
	if ((!ever && !api_read_time(r, PARAM_SINCE, now_ns, &ret->from_ns)) ||
	    !api_read_time(r, PARAM_UNTIL, now_ns, &ret->to_ns))
		return false;
	if (ret->from_ns < ret->to_ns)
		return true;
	request_problem_text(r, 400, "since is not before until: the range is empty");
	return false;
}

bool ask_read(struct request *r, bool now_is_end, struct ask *ret)
{
	return read_condition(r, ASK_FILTER, ret) &&
	       read_range(r, now_is_end ? RANGE_TO_NOW : RANGE_OPEN, ret);
}

bool ask_read_pipes(struct request *r, struct ask *ret)
{
	return read_condition(r, ASK_ALL, ret) && read_range(r, RANGE_OPEN, ret);
}

bool ask_read_count(struct request *r, struct ask *ret)
{
	return read_condition(r, ASK_SERIES, ret) && read_range(r, RANGE_OPEN, ret);
}

bool ask_read_ever(struct request *r, struct ask *ret)
{
	return read_condition(r, ASK_FILTER, ret) && read_range(r, RANGE_EVER, ret);
}

bool api_read_fields(struct request *r, struct document **ret)
{
	struct diag d = { 0 };
	size_t n;
	const char *fields = params_text(request_params(r), PARAM_FIELDS, &n);
	int e = document_new(ret, fields, n, &d);

	if (e == -EINVAL)
		api_bad_param(r, PARAM_FIELDS, &d);
	else if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}

bool api_wants_lines(const struct request *r)
{
	const char *accept = request_header(r, "Accept");

	if (request_params(r)->value[PARAM_PROGRESS].n) /* lines of another kind */
		return false;
	return accept && (strcasestr(accept, "application/x-ndjson") ||
			  strcasestr(accept, "application/ndjson") ||
			  strcasestr(accept, "application/jsonl"));
}

void ask_done(struct ask *a)
{
	expr_free(a->expr);
	pipe_free(a->pipe);
	free(a->node);
	memset(a, 0, sizeof(*a));
}

struct query ask_query(const struct ask *a, struct request *r, struct store_scan_stats *stats)
{
	return (struct query){ .expr = a->expr,
			       .from_ns = a->from_ns,
			       .to_ns = a->to_ns,
			       .node = a->node,
			       .cancel = request_cancel(r),
			       .progress = request_progress(r),
			       .stats = stats,
			       .flows = a->node || request_scope(r)
						? NULL /* edges lead to any node */
						: request_server(r)->config.flows };
}

/* ---- what is answered ---- */

/* The blocks of the range that could not be read, each with its range. */
static void write_damage(const struct store_scan_stats *stats, struct json *j)
{
	uint64_t n = MIN(stats->blocks_damaged, (uint64_t)ARRAY_SIZE(stats->damage));

	json_key(j, "damaged");
	json_begin_array(j);
	for (uint64_t i = 0; i < n; i++) {
		const struct store_damage *d = &stats->damage[i];

		json_begin_object(j);
		json_key_text(j, "node", d->node[0] ? d->node : NULL);
		json_key_text(j, "node_id", d->node_id[0] ? d->node_id : NULL);
		json_key_time(j, "from", d->from_ns);
		json_key_time(j, "to", d->to_ns);
		json_key_uint(j, "events", d->n_events);
		json_key_text(j, "reason", d->reason);
		json_end_object(j);
	}
	json_end_array(j);
}

void api_took(const struct request *r, struct json *j)
{
	uint64_t us = request_took_ns(r) / 1000;
	char took[32];
	int n = snprintf(took, sizeof(took), "%llu.%03u", (unsigned long long)(us / 1000),
			 (unsigned)(us % 1000));

	json_key(j, "took_ms");
	json_raw(j, took, (size_t)n);
}

void api_finish(struct request *r, struct json *j)
{
	json_end_object(j);
	buf_byte(j->out, '\n');
	request_answer(r, 200, "application/json");
}

void api_finish_list(struct request *r, struct json *j, bool truncated, int e)
{
	json_key_bool(j, "truncated", truncated);
	api_took(r, j);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, j);
}

void api_write_stats(const struct request *r, const struct store_scan_stats *stats, struct json *j)
{
	api_took(r, j);
	json_key(j, "scanned");
	json_begin_object(j);
	json_key_uint(j, "blocks", stats->blocks);
	json_key_uint(j, "blocks_skipped", stats->blocks_skipped);
	json_key_uint(j, "blocks_damaged", stats->blocks_damaged);
	json_key_uint(j, "events", stats->events);
	json_key_uint(j, "bytes", stats->bytes);
	json_end_object(j);
	write_damage(stats, j);
}

/* What this costs is not part of "scanned". */
int api_write_gaps(struct query_worker *w, const struct query *q, struct json *j, uint32_t *ret_n)
{
	struct query alone = *q;

	alone.stats = NULL;
	json_key(j, "gaps");
	return query_gaps(w, &alone, j, ret_n);
}
