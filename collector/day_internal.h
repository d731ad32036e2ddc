/* SPDX-License-Identifier: Apache-2.0 */
/* day_internal - the inside of a day, for day.c, which appends, day_source.c, and day_merge.c,
 * which merges. Thread and memory: as day.h. */
#pragma once
#include "collector/day.h"
#include "collector/sql.h"
#include "lib/slots.h"

enum stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_SUMMARY,
	STMT_SUMMARY_SET,
	STMT_SOURCE_FIND,
	STMT_SOURCE_ADD,
	STMT_BLOCK_ADD,
	STMT_BLOCK_SAME,
	STMT_FILTER_ADD,
	STMT_PART_SAME,
	STMT_SOURCE_AFTER,
	STMT_ROWS,
	STMT_PART_ADD,
	STMT_FILTER_DROP,
	STMT_BLOCK_DROP,
	STMT_MERGED_ADD,
	STMT_QUARANTINE_ADD,
	STMT_QUARANTINE_LIST,
	STMT_MAX
};

/* A source row of this file, known so that a batch of a known boot asks no SQL. */
struct source {
	char node_id[129], node_name[129];
	uint32_t n_node_id, n_node_name;
	uint8_t boot_id[16];
	int64_t id;
};

struct day {
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_MAX];
	int frames, merged;
	bool in_transaction;
	struct day_summary committed, next; /* next: with the open transaction */
	struct source *sources;
	uint32_t n_sources, sources_room;
	struct slots by_source;
	struct buf unwritten; /* records of the open transaction, from file offset @written on */
	uint64_t written;
};

/* Opens a transaction, if none is. */
NODISCARD int day_begin(struct day *day);
/* Writes day->next to the day's row. */
NODISCARD int day_write_summary(struct day *day);
/* Commits; what was next is so from now on. */
NODISCARD int day_end_transaction(struct day *day);
NODISCARD int day_insert_filter(struct day *day, uint64_t id, const void *bits, size_t n);
/* Id of the row of @i's source, made when there is none. */
NODISCARD int day_source(struct day *day, const struct block_info *i, int64_t *ret);
