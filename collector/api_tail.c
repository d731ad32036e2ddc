/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/tail */
#include "collector/api_table.h"
#include "collector/tail.h"
#include "lib/expr_kin.h"

static bool looks_at_now(struct request *r, const struct ask *ask)
{
	struct expr_kin *kins[EXPR_KINS];

	if (!ask->expr || expr_kins(ask->expr, kins) == 0)
		return true;
	request_problem_text(r, 400,
			     "child of, descendant of and event of look at history: they are for "
			     "/api/v1/search");
	return false;
}

void api_tail(struct request *r)
{
	AUTO(document) *document = NULL;
	struct tails *tails = request_server(r)->tails;
	struct ask ask;
	struct tail_request what;

	if (!tails) {
		request_problem_text(r, 503, "this collector has no live tail");
		return;
	}
	if (ask_read_condition(r, &ask) && looks_at_now(r, &ask) &&
	    ask_read_fields(r, &ask, &document)) {
		what = (struct tail_request){ .expr = TAKE(ask.expr),
					      .node = TAKE(ask.node),
					      .scope = request_scope(r),
					      .document = TAKE(document),
					      .last_event_id = request_header(r, "Last-Event-ID") };
		tail_open(tails, r, &what);
	}
	ask_done(&ask);
}
