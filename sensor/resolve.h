/* SPDX-License-Identifier: Apache-2.0 */
/* resolve - where a name as asked led to, when the kernel told only the name (deletions,
 * renames).
 *
 * A single component below the directory that the kernel walked needs nothing: it cannot be a
 * symbolic link that the call followed.  Of any other name the directory part is looked up now,
 * in the root of the process while it lives and else, for a process outside containers, in the
 * sensor's own: symbolic links and ".." are followed as the call did.  The directory could have
 * been moved since: docs/fields.md says so of file.path.  When it is not there, the text is
 * kept.
 * Thread: the consumer.  Memory: fixed; the last answer is kept for 100 ms of event time. */
#pragma once
#include "sensor/record.h"

enum { RESOLVE_PATH_BYTES = REC_PATH_BYTES + REC_NAME_BYTES + 2 };

struct resolve {
	uint32_t tgid;
	uint64_t start_ns, at_ns;
	char asked[RESOLVE_PATH_BYTES]; /* directory part; "" : nothing is kept */
	char found[RESOLVE_PATH_BYTES]; /* "": it is not there */
};

/* Writes the path that @name, below @dir when relative, meant to the process of @head, NUL-ended
 * and cut to @n bytes.  @contained: the process has a root of its own.  Returns its length. */
size_t resolve_name(struct resolve *r, const struct rec_head *head, bool contained,
		    const struct record_path *dir, const struct record_text *name, char *buf,
		    size_t n);
