/* SPDX-License-Identifier: Apache-2.0 */
/* rule_own - what the files rule*.c share of a rule that is being parsed.
 * Thread: the one that parses. */
#pragma once
#include <stdatomic.h>

#include "lib/rule.h"

struct rule_own {
	atomic_uint references;
	struct arena arena;
	struct yaml *yaml; /* tests refer to its nodes */
	struct sigma_rule *sigma;
	struct eql_statement *statement; /* of an envelope */
};

/* Reads a document that has a query.  Returns 0, -EINVAL with @d, or -ENOMEM. */
NODISCARD int rule_parse_envelope(struct rule *r, const struct yaml_node *document, struct diag *d);
