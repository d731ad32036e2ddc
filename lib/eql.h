/* SPDX-License-Identifier: Apache-2.0 */
/* eql - front end of lib/expr for EQL text: "category where condition", a bare condition, a bare
 * word.  Grammar: docs/query.md.  Semantics: the EQL syntax reference of Elastic.
 * Thread: any. */
#pragma once
#include "lib/expr.h"

/* Parses @text (@n bytes, UTF-8, at most LIMIT_QUERY_BYTES).  Empty text matches everything.
 * *ret is the caller's, freed with expr_free().  Returns 0, -ENOMEM, or -EINVAL: @d has line,
 * column (1-based, bytes) and what was expected there. */
NODISCARD int eql_parse(struct expr **ret, const char *text, size_t n, struct diag *d);

/* Words of the language, for completion and highlighting; NULL ends each list. */
const char *const *eql_keywords(void);	 /* and, or, where, like~ ... */
const char *const *eql_functions(void);	 /* cidrmatch, startsWith ... */
const char *const *eql_categories(void); /* any, process, file ... */
