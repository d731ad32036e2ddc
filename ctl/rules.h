/* SPDX-License-Identifier: Apache-2.0 */
/* rules - the rules in files and folders, as cmd_rules.c goes through them.
 * Thread: one.  Memory: all rules at once. */
#pragma once
#include "ctl/cli.h"
#include "lib/rule.h"

/* A rule, or a text that is none. */
struct rules_entry {
	char *file;
	struct rule *rule; /* NULL: it is wrong; its gaps name lines of the file */
	uint32_t line;	   /* at which its document begins */
	struct diag wrong;
};

struct rules {
	struct rules_entry *v;
	size_t n, cap;
	size_t n_wrong, n_unmapped, n_partial;
	const char *placeholders; /* set before rules_load(): a file; NULL: none */
	struct buf given;	  /* of that file: what each Sigma rule with "expand" gets */
	char **paths;		  /* of the files, in order */
	size_t n_paths, cap_paths;
};

/* Reads every document of the files @paths, and of the files *.yml and *.yaml under those that are
 * folders, sorted by name.  Zero-initialise @ret but for placeholders and end with rules_done(),
 * whatever is returned. Returns 0, -ENOMEM, or the negative errno of reading; @d says of what. */
NODISCARD int rules_load(struct rules *ret, const char *const *paths, size_t n, struct diag *d);
void rules_done(struct rules *r);

/* Appends the documents of the file @path as they are sent, with the placeholders of @r, and a NUL.
 * Returns 0, -ENOMEM, or the negative errno of reading, with @d. */
NODISCARD int rules_read(const struct rules *r, const char *path, struct buf *out, struct diag *d);
