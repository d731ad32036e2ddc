/* SPDX-License-Identifier: Apache-2.0 */
/* api - the routes of the REST API, one table, and what its handlers share.
 * Thread: the loop. */
#pragma once
#include "collector/query.h"
#include "collector/request.h"
#include "lib/pipe.h"

enum { METHOD_GET = 1, METHOD_POST = 2, METHOD_DELETE = 4 }; /* HEAD goes with GET */

#define PARAMS_OF_PAGE UINT64_MAX /* the page reads its own address: the server does not */
#define PARAMS_NONE_BUT_BODY \
	(UINT64_C(1)         \
	 << 63) /* no parameters: the body is what the handler reads, request_upload() */

struct route {
	unsigned methods;
	const char *path; /* see path.h */
	enum role role;	  /* least role of the token; ROLE_NONE: open */
	void (*handle)(struct request *r);
	uint64_t params; /* PARAM_BIT()s that it takes; or one of PARAMS_.. */
	const char *help;
	const char *answer; /* of status 200: the shape (shape.h) of its JSON; after a newline that
			     * of a line of its NDJSON, if there is any; or, known by its slash,
			     * another media type */
};

/* The table, for lookups and OpenAPI.  *ret_n rows. */
const struct route *api_routes(size_t *ret_n);

/* The row of @path, an asset's too, that knows one of @methods where there is one; NULL: 404.
 * *ret_allowed: the methods of all rows of that path. */
const struct route *api_route(const char *path, size_t n, unsigned methods, unsigned *ret_allowed);

/* What search, count and hits ask in common, from the parameters q, since, until and node. */
struct ask {
	struct expr *expr; /* NULL: everything */
	char *node;	   /* NULL: all */
	uint64_t from_ns, to_ns;
	struct pipe *pipe; /* as parsed; NULL: everything.  Of a table it keeps the expression */
};

/* Reads them; @now_is_end: without until the range ends now, else it is open.  Returns false when
 * one is wrong: answered already.  @ret is done with ask_done() in either case. */
NODISCARD bool ask_read(struct request *r, bool now_is_end, struct ask *ret);
/* The same for search: all pipes are taken, and the range is open. */
NODISCARD bool ask_read_pipes(struct request *r, struct ask *ret);
/* The same for count: no pipe that changes the count, but sequences and samples. */
NODISCARD bool ask_read_count(struct request *r, struct ask *ret);
/* The same for what is looked up by key: no pipe that changes the count; without since, since ever.
 */
NODISCARD bool ask_read_ever(struct request *r, struct ask *ret);
void ask_done(struct ask *a);

/* The same of q and node alone. */
NODISCARD bool ask_read_condition(struct request *r, struct ask *ret);

/* The parameter fields.  Returns false when it is wrong: answered already. */
NODISCARD bool api_read_fields(struct request *r, struct document **ret);

/* True when the client accepts NDJSON. */
bool api_wants_lines(const struct request *r);

/* ---- how parameters are read: collector/api_read.c ---- */

/* Answers 400 about parameter @p; of q, with the position that @d tells. */
void api_bad_param(struct request *r, enum param p, const struct diag *d);

/* The same with what was @expected.  Always false. */
bool api_bad(struct request *r, enum param p, const char *expected);

/* The parameter's text; NULL when it is not given or empty. */
const char *api_text(const struct request *r, enum param p);

/* Zeroed memory of @n bytes for what a question asks, to be handed to request_run() with it.  NULL:
 * there is none, and it has answered. */
void *api_task(struct request *r, size_t n);

/* Each returns false when the parameter is wrong: answered already.  True or false: */
NODISCARD bool api_read_bool(struct request *r, enum param p, bool *ret);

/* A number from 1 to @most, which has a default: */
NODISCARD bool api_read_number(struct request *r, enum param p, uint64_t most, uint32_t *ret);

/* A time, as of @now_ns; *ret stays when it is not given. */
NODISCARD bool api_read_time(struct request *r, enum param p, uint64_t now_ns, uint64_t *ret);

/* The parameter ttl, or @otherwise: *ret_expires_ns is that long from now.  More than @most_ns is
 * wrong. */
NODISCARD bool api_read_ttl(struct request *r, const char *otherwise, uint64_t most_ns,
			    uint64_t *ret_expires_ns);

/* ---- how answers are written ---- */

/* Writes took_ms: milliseconds since the request @r came, to the microsecond. */
void api_took(const struct request *r, struct json *j);

/* Ends the object @j and with it the answer. */
void api_finish(struct request *r, struct json *j);

/* The same of a list that was written into @j: whether it was @truncated, and took_ms.  A negative
 * errno @e becomes a problem in its place. */
void api_finish_list(struct request *r, struct json *j, bool truncated, int e);

/* The query that @a is, for a job of @r. */
struct query ask_query(const struct ask *a, struct request *r, struct store_scan_stats *stats);

/* took_ms, "scanned" and "damaged" of an answer. */
void api_write_stats(const struct request *r, const struct store_scan_stats *stats, struct json *j);

/* "gaps" of an answer; *ret_n of them.  Returns as query_gaps(). */
NODISCARD int api_write_gaps(struct query_worker *w, const struct query *q, struct json *j,
			     uint32_t *ret_n);

/* A search for what stands in a path, oldest first, since ever: in the thread that answers it,
 * @narrow adds to the condition of @ask; *ret_cut: it does not hold all that it should.  Returns 0
 * or a negative errno.  api_search_within() takes @arg over, to free it by @free_arg. */
struct search_within {
	int (*narrow)(struct query_worker *w, const struct query *q, void *arg, struct ask *ask,
		      bool *ret_cut);
	void *arg;
	void (*free_arg)(void *);
};
void api_search_within(struct request *r, const struct search_within *within);

/* Handlers, in the api_*.c files. */
void api_search(struct request *r);
void api_count(struct request *r);
void api_hits(struct request *r);
void api_facets(struct request *r);
void api_values(struct request *r);
void api_process(struct request *r);
void api_process_tree(struct request *r);
void api_process_timeline(struct request *r);
void api_flow(struct request *r);
void api_export(struct request *r);
void api_import(struct request *r);
void api_sql(struct request *r);
void api_edges(struct request *r);
void api_hops(struct request *r);
void api_prevalence(struct request *r);
void api_spread(struct request *r);
void api_tail(struct request *r);
void api_fields(struct request *r);
void api_kinds(struct request *r);
void api_nodes(struct request *r);
void api_status(struct request *r);
void api_metrics(struct request *r);
void api_health(struct request *r);
void api_openapi(struct request *r);
void api_ca(struct request *r);
void api_enroll(struct request *r);
void api_renew(struct request *r);
void api_join_tokens(struct request *r);
void api_node_revoke(struct request *r);
void api_me(struct request *r);
void api_tokens(struct request *r);
void api_token_revoke(struct request *r);
void api_audit(struct request *r);
void api_asset(struct request *r);
void api_rules(struct request *r);
void api_rules_apply(struct request *r);
void api_rules_lint(struct request *r);
void api_rules_backtest(struct request *r);
void api_rule(struct request *r);
void api_rule_delete(struct request *r);
void api_rule_source(struct request *r);
void api_rule_revisions(struct request *r);
void api_rule_rollback(struct request *r);
void api_rule_enable(struct request *r);
void api_rule_disable(struct request *r);
void api_rule_except(struct request *r);
void api_rule_except_drop(struct request *r);
void api_alerts(struct request *r);
void api_alerts_watch(struct request *r);
void api_alert(struct request *r);
void api_alert_ack(struct request *r);
void api_alert_close(struct request *r);
void api_alert_reopen(struct request *r);
void api_alert_note(struct request *r);
void api_alert_except(struct request *r);
void api_incidents(struct request *r);
void api_incident(struct request *r);
void api_retention(struct request *r);
void api_retention_set(struct request *r);
void api_retention_drop(struct request *r);
void api_outputs(struct request *r);
void api_output_replay(struct request *r);
void api_output_dead(struct request *r);
void api_output_test(struct request *r);
void api_output_silence(struct request *r);
void api_output_silence_drop(struct request *r);
