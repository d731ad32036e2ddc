/* SPDX-License-Identifier: Apache-2.0 */
/* store_cursor - the files of one day opened for reading, and where a scan stands in them.
 * Thread: the reader's.  Memory: malloc, SQLite's. */
#pragma once
#include "collector/sql.h"
#include "collector/store_internal.h"
#include "lib/rebatch.h"

enum order { NEWEST, OLDEST, ARRIVAL, STORE_ORDERS };

enum { CURSOR_FILTER = STORE_ORDERS, CURSOR_ID_AFTER, CURSOR_SOURCE, CURSOR_STMTS };

struct cursor {
	struct day_summary day; /* as the scan at hand sees it */
	sqlite3 *db;
	sqlite3_stmt *stmts[CURSOR_STMTS];
	int frames, merged;
	bool active; /* stands on a row: what follows is its */
	struct store_block meta;
	uint64_t offset;
	size_t n_frame;
	bool is_merged;	   /* its frame lies in the merged file */
	uint64_t block_id; /* row of its block and filter; not meta.id where the row is a part */
	bool is_part;	   /* a batch as it came, out of a merged block: */
	uint64_t first_seq, last_seq; /* what of it */
	uint64_t used;		      /* when last, in scans */
	/* for cutting out parts; NULL until then */
	struct block *whole;
	struct rebatch *rebatch;
	struct buf part;
};

enum { CURSOR_E_GONE = 1 }; /* the day was removed meanwhile: it holds nothing any more */

/* Opens @day's files in the folder of @s.  Returns 0, CURSOR_E_GONE or a negative errno. */
NODISCARD int cursor_new(struct cursor **ret, struct store *s, const struct day_summary *day);
struct cursor *cursor_free(struct cursor *c);
DEFINE_FREEP(cursor)

/* Goes to the first row that @range wants in @order, and to the next one.  c->active tells whether
 * there is one.  Return 0 or a negative errno. */
NODISCARD int cursor_begin(struct cursor *c, const struct store_range *range, enum order order);
NODISCARD int cursor_next(struct cursor *c, enum order order);
void cursor_end(struct cursor *c);

/* True when the filter of the block shows that no event of it can be a hit. */
bool cursor_filtered_out(struct cursor *c, const struct expr *e);

/* Loads the block into @b; @record is scratch.  Returns 0, -ENOMEM or another negative errno with
 * @d. */
NODISCARD int cursor_fetch(struct cursor *c, struct buf *record, struct block *b, struct diag *d);

/* Who sent the block, "" when that cannot be read either. */
void cursor_source(struct cursor *c, char ret_id[STORE_NODE_BYTES],
		   char ret_name[STORE_NODE_BYTES]);

/* True when a scan in @order wants @a before @b. */
bool cursor_before(enum order order, const struct store_block *a, const struct store_block *b);
