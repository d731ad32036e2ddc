/* SPDX-License-Identifier: Apache-2.0 */
/* day_source - the rows of who sends: found in memory, else in the file, else made. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/day_internal.h"

static uint64_t source_key(const struct block_info *i)
{
	uint64_t h = XXH3_64bits_withSeed(i->boot_id, sizeof(i->boot_id), i->node_id.n);

	h = XXH3_64bits_withSeed(i->node_id.s, i->node_id.n, h);
	return XXH3_64bits_withSeed(i->node_name.s, i->node_name.n, h);
}

static bool source_is(const struct source *s, const struct block_info *i)
{
	return s->n_node_id == i->node_id.n && s->n_node_name == i->node_name.n &&
	       memcmp(s->node_id, i->node_id.s, i->node_id.n) == 0 &&
	       memcmp(s->node_name, i->node_name.s, i->node_name.n) == 0 &&
	       memcmp(s->boot_id, i->boot_id, sizeof(s->boot_id)) == 0;
}

static void bind_source(sqlite3_stmt *stmt, const struct block_info *i)
{
	sqlite3_bind_text(stmt, 1, i->node_id.s, (int)i->node_id.n, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, i->boot_id, sizeof(i->boot_id), SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, i->node_name.s ? i->node_name.s : "", (int)i->node_name.n,
			  SQLITE_STATIC);
}

/* Id of the source's row, made when there is none. */
static int source_row(struct day *day, const struct block_info *i, int64_t *ret)
{
	sqlite3_stmt *find = day->stmts[STMT_SOURCE_FIND], *put = day->stmts[STMT_SOURCE_ADD];
	int r;

	bind_source(find, i);
	r = sql_step(find);
	if (r == SQL_E_ROW)
		*ret = sqlite3_column_int64(find, 0);
	sqlite3_reset(find);
	if (r != 0)
		return r < 0 ? r : 0;
	bind_source(put, i);
	r = sql_run(put);
	*ret = sqlite3_last_insert_rowid(day->db);
	return r;
}

static int remember_source(struct day *day, const struct block_info *i, uint64_t key, int64_t id)
{
	struct source *s;

	if (day->n_sources == day->sources_room) {
		uint32_t room = day->sources_room ? day->sources_room * 2 : 16;

		s = reallocarray(day->sources, room, sizeof(*s));
		if (!s)
			return err_origin(-ENOMEM);
		day->sources = s;
		day->sources_room = room;
	}
	if (!slots_room(&day->by_source))
		return err_origin(-ENOMEM);
	s = &day->sources[day->n_sources++];
	s->n_node_id = i->node_id.n;
	s->n_node_name = i->node_name.n;
	memcpy(s->node_id, i->node_id.s, i->node_id.n);
	if (i->node_name.n)
		memcpy(s->node_name, i->node_name.s, i->node_name.n);
	memcpy(s->boot_id, i->boot_id, sizeof(s->boot_id));
	s->id = id;
	slots_put(&day->by_source, key, day->n_sources);
	return 0;
}

int day_source(struct day *day, const struct block_info *i, int64_t *ret)
{
	uint64_t key = source_key(i);
	uint32_t at = slots_first(&day->by_source, key), k;
	int r;

	if (i->node_id.n >= sizeof(day->sources->node_id) ||
	    i->node_name.n >= sizeof(day->sources->node_name))
		return err_origin(-EINVAL); /* block_load() has refused it */
	while ((k = slots_next(&day->by_source, key, &at))) {
		if (!source_is(&day->sources[k - 1], i))
			continue;
		*ret = day->sources[k - 1].id;
		return 0;
	}
	r = source_row(day, i, ret);
	return r < 0 ? r : remember_source(day, i, key, *ret);
}
