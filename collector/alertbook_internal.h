/* SPDX-License-Identifier: Apache-2.0 */
/* alertbook_internal - what the files alertbook*.c share.
 * Thread: with the book's mutex held, but for what says otherwise. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "collector/alertbook.h"
#include "collector/sql.h"

enum ab_stmt {
	AB_CHANGE,
	AB_POSITION,
	AB_POSITION_PUT,
	AB_FIND,
	AB_ADD,
	AB_EVENT_ADD,
	AB_MARK,
	AB_COUNT,
	AB_LIST,
	AB_CHANGED,
	AB_GET,
	AB_EVENTS,
	AB_NOTES,
	AB_STATUS,
	AB_OWNER,
	AB_NOTE_ADD,
	AB_TOUCH,
	AB_MARKS,
	AB_OUTPUT,
	AB_OUTPUT_PUT,
	AB_DEAD_ADD,
	AB_DEAD_TRIM,
	AB_DEAD_COUNT,
	AB_DEAD_LIST,
	AB_DEAD_EACH,
	AB_DEAD_DROP,
	AB_SILENCE_ADD,
	AB_SILENCE_TRIM,
	AB_SILENCES,
	AB_SILENCE_DROP,
	AB_SETTLED,
	AB_SETTLED_PUT,
	AB_INCIDENT,
	AB_MAX
};

struct alertbook {
	pthread_mutex_t mutex;
	sqlite3 *db;
	sqlite3_stmt *stmts[AB_MAX];
	uint64_t change;	 /* the last one given, committed or not */
	atomic_ullong committed; /* the last one that others see */
};

/* NULL: SQL's NULL. */
void alertbook_bind(sqlite3_stmt *s, int at, const char *text);
/* The first number of the first row; 0: no row.  Returns 0 or a negative errno. */
NODISCARD int alertbook_number(struct alertbook *b, enum ab_stmt which, uint64_t *ret);
/* Gives the alert the next change number.  Returns 0, ALERTBOOK_E_UNKNOWN or a negative errno. */
NODISCARD int alertbook_touch(struct alertbook *b, uint64_t id, uint64_t now_ns);
/* Ends what alertbook_begin() began, and gives the mutex back. */
void alertbook_end(struct alertbook *b, bool committed);
