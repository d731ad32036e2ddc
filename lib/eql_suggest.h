/* SPDX-License-Identifier: Apache-2.0 */
/* eql_suggest - what somebody may have meant by a name that is unknown.
 * Thread: any.  Memory: none. */
#pragma once
#include "lib/fields.h"

/* Nearest field name: one that ends in ".name", or of few typing errors.  False: none is near. */
bool eql_suggest_field(const char *name, size_t n, char *ret, size_t n_ret);

/* Nearest of a list of words that NULL ends; NULL: none is near. */
const char *eql_suggest(const char *const *words, const char *name, size_t n);
