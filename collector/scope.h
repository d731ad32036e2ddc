/* SPDX-License-Identifier: Apache-2.0 */
/* scope - the nodes that a token may see: "node:ID" and "label:KEY=VALUE" with commas between, any
 * of which lets a node in; an empty text lets in all.  A batch belongs to one node and bears its
 * labels, so whole batches are in or out.
 * Thread: any.  Memory: points into the text. */
#pragma once
#include "lib/block.h"

enum { SCOPE_TERMS = 64 };

struct scope_term {
	struct block_string key, value; /* key.s NULL: a node's id */
};

struct scope {
	struct scope_term terms[SCOPE_TERMS];
	size_t n; /* 0: everything */
};

/* Reads @text, which must live as long as @ret.  Returns 0 or -EINVAL with @d. */
NODISCARD int scope_parse(struct scope *ret, const char *text, struct diag *d);

/* True when the batch of @i is in.  @s NULL: it is. */
bool scope_has(const struct scope *s, const struct block_info *i);
