/* SPDX-License-Identifier: Apache-2.0 */
/* api_rules - what the handlers of rules and alerts share.
 * Thread: the loop, or the job of the request. */
#pragma once
#include "collector/request.h"
#include "collector/rulebook.h"

/* The rule book; NULL: there is none, and it has answered. */
struct rulebook *api_rulebook(struct request *r);

/* Members of a rule, for an object that is open. */
void api_write_rule(struct json *j, const struct rule *rule, bool whole);
/* "query": what @rule searches for, or null. */
void api_write_query(struct json *j, const struct rule *rule);
/* "problems": gaps of @rule, or @wrong when it is NULL. */
void api_write_problems(struct json *j, const struct rule *rule, const struct diag *wrong,
			uint32_t lines_before);

/* Answers @r by adding an exception out of its parameters. */
void api_rule_add_exception(struct request *r, const char *rule_id, const char *condition,
			    uint64_t alert_id);
