/* SPDX-License-Identifier: Apache-2.0 */
/* rulebook_internal - what the files rulebook*.c share.
 * Thread: any; the book's mutex is held. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "collector/rulebook.h"
#include "collector/sql.h"

enum rb_stmt {
	RB_RULES,
	RB_EVER,
	RB_LAST,
	RB_RULE_PUT,
	RB_REVISION_ADD,
	RB_REVISIONS,
	RB_SOURCE,
	RB_ENABLE,
	RB_DELETE,
	RB_EXCEPTIONS,
	RB_EXCEPTION_ADD,
	RB_EXCEPTIONS_DROP,
	RB_EXCEPTION_DROP,
	RB_MAX
};

struct rulebook {
	pthread_mutex_t mutex;
	sqlite3 *db;
	sqlite3_stmt *stmts[RB_MAX];
	struct rulebook_entry **entries; /* by id */
	size_t n, cap;
	atomic_ullong generation;
};

struct rulebook_entry *rulebook_find(const struct rulebook *b, const char *id);
struct rulebook_entry *rulebook_enter(struct rulebook *b, const char *id);
void rulebook_leave(struct rulebook *b, const char *id);
