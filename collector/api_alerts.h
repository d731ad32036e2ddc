/* SPDX-License-Identifier: Apache-2.0 */
/* api_alerts - how alerts are asked for and written, for lists and watches.
 * Thread: the loop, or the job of the request. */
#pragma once
#include "collector/alertbook.h"
#include "collector/request.h"

/* The alerts; NULL: there are none, and it has answered. */
struct alertbook *api_alertbook(struct request *r);

/* A filter and the texts that it points to. */
struct alert_query {
	struct alert_filter filter;
	char *rule_id, *node;
};

/* Reads the parameters rule, node, status, level, since and until.  Returns false when one is
 * wrong: answered already.  @ret is done with alert_query_done() in either case. */
NODISCARD bool alert_query_read(struct request *r, struct alert_query *ret);
void alert_query_done(struct alert_query *q);

/* Writes an alert as one object, without its events and notes. */
void alert_write(struct json *j, const struct alert *a);
