/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rebatch.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/limits.h"
#include "lib/slots.h"

enum { NAME_BYTES = LIMIT_NODE_ID_BYTES + 1, MAX_CELLS = FIELD_MAX + 1 };

/* A column of the table at hand. */
struct source {
	const struct field_info *info;
	const uint64_t *values; /* NULL: a list */
	struct block_list list;
};

struct rebatch {
	struct frame_codec *codec;
	struct batch *batch;
	char names[5][NAME_BYTES]; /* of the origin */
	uint8_t boot_id[16];
	uint64_t labels_hash;
	struct slots rows; /* by hash, to process rows of the batch */
	XXH128_hash_t *row_hashes;
	uint32_t n_rows, rows_room;
	/* what the sensor said of itself in the block that was added last */
	struct batch_stats stats;
	struct buf tier_texts;
	const char *tiers[ARRAY_SIZE(((struct block_stats *)0)->tiers)];
	/* the block at hand */
	struct block *from;
	uint32_t *strings, *processes; /* to numbers and rows of the batch; 0: not yet */
	size_t strings_room, processes_room;
	struct source columns[MAX_CELLS];
	uint32_t n_columns;
};

int rebatch_new(struct rebatch **ret)
{
	AUTO(rebatch) *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return err_origin(-ENOMEM);
	e = frame_codec_new(&r->codec);
	if (e == 0)
		*ret = TAKE(r);
	return e;
}

struct rebatch *rebatch_free(struct rebatch *r)
{
	if (!r)
		return NULL;
	frame_codec_free(r->codec);
	batch_free(r->batch);
	slots_done(&r->rows);
	free(r->row_hashes);
	buf_done(&r->tier_texts);
	free(r->strings);
	free(r->processes);
	free(r);
	return NULL;
}

/* ---- who sent it ---- */

static const struct block_string *origin_strings(const struct block *b, struct block_string to[5])
{
	const struct block_info *i = block_info(b);

	to[0] = i->node_id;
	to[1] = i->node_name;
	to[2] = i->architecture;
	to[3] = i->os_kernel;
	to[4] = i->agent_version;
	return to;
}

static uint64_t hash_labels(const struct block_info *i)
{
	uint64_t h = i->n_labels;

	for (uint32_t k = 0; k < i->n_labels; k++) {
		h = XXH3_64bits_withSeed(i->labels[k].key.s, i->labels[k].key.n, h);
		h = XXH3_64bits_withSeed(i->labels[k].value.s, i->labels[k].value.n, h + 1);
	}
	return h;
}

bool rebatch_fits(const struct rebatch *r, const struct block *b)
{
	const struct block_info *i = block_info(b);
	struct block_string names[5];

	origin_strings(b, names);
	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		if (strlen(r->names[k]) != names[k].n ||
		    (names[k].n && memcmp(r->names[k], names[k].s, names[k].n) != 0))
			return false;
	return memcmp(r->boot_id, i->boot_id, sizeof(r->boot_id)) == 0 &&
	       r->labels_hash == hash_labels(i);
}

/* Labels with their bytes ended by NUL, in @texts. */
static bool copy_labels(const struct block_info *i, struct buf *texts,
			struct batch_label labels[LIMIT_LABELS])
{
	size_t at = 0;

	for (uint32_t k = 0; k < i->n_labels; k++) {
		buf_add(texts, i->labels[k].key.s, i->labels[k].key.n);
		buf_byte(texts, 0);
		buf_add(texts, i->labels[k].value.s, i->labels[k].value.n);
		buf_byte(texts, 0);
	}
	for (uint32_t k = 0; k < i->n_labels && buf_ok(texts); k++) {
		labels[k].key = (const char *)texts->data + at;
		at += i->labels[k].key.n + 1;
		labels[k].value = (const char *)texts->data + at;
		at += i->labels[k].value.n + 1;
	}
	return buf_ok(texts);
}

static void forget(struct rebatch *r)
{
	r->stats = (struct batch_stats){ 0 };
	r->batch = batch_free(r->batch);
	slots_clear(&r->rows);
	r->n_rows = 0;
}

int rebatch_begin_as(struct rebatch *r, const struct batch_origin *origin)
{
	forget(r);
	return batch_new(&r->batch, origin);
}

int rebatch_begin(struct rebatch *r, const struct block *like)
{
	const struct block_info *i = block_info(like);
	struct batch_label labels[LIMIT_LABELS];
	AUTO_BUF struct buf texts = { 0 };
	struct batch_origin origin = { .labels = labels, .n_labels = i->n_labels };
	struct block_string names[5];

	forget(r);
	origin_strings(like, names);
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		if (names[k].n >= NAME_BYTES)
			return REBATCH_E_ODD;
		if (names[k].n)
			memcpy(r->names[k], names[k].s, names[k].n);
		r->names[k][names[k].n] = '\0';
	}
	memcpy(r->boot_id, i->boot_id, sizeof(r->boot_id));
	memcpy(origin.boot_id, i->boot_id, sizeof(origin.boot_id));
	r->labels_hash = hash_labels(i);
	origin.node_id = r->names[0];
	origin.node_name = r->names[1];
	origin.architecture = r->names[2];
	origin.os_kernel = r->names[3];
	origin.agent_version = r->names[4];
	if (!copy_labels(i, &texts, labels))
		return err_origin(-ENOMEM);
	return batch_new(&r->batch, &origin);
}

/* ---- cells ---- */

static bool is_row(enum field f)
{
	return f == FIELD_PROCESS || f == FIELD_TARGET || f == FIELD_PARENT ||
	       f == FIELD_SESSION_LEADER || f == FIELD_ENTRY_LEADER;
}

static uint32_t string_to(struct rebatch *r, uint64_t number)
{
	struct block_string s;

	if (number == 0)
		return 0;
	if (!r->strings[number]) {
		s = block_string(r->from, (uint32_t)number);
		r->strings[number] = batch_string(r->batch, s.s, s.n);
	}
	return r->strings[number];
}

static bool read_columns(struct rebatch *r, uint32_t table)
{
	enum field_home home = table == BLOCK_PROCESSES ? HOME_PROCESS : HOME_EVENT;

	r->n_columns = 0;
	for (uint32_t f = 1; f < FIELD_MAX; f++) {
		const struct field_info *info = field_info(f);
		struct source *c = &r->columns[r->n_columns];

		if (!info || info->rule != RULE_STORED || info->home != home)
			continue;
		*c = (struct source){ .info = info };
		if (info->type == TYPE_KEYWORDS) {
			r->n_columns += block_list(r->from, table, info->field, &c->list);
			continue;
		}
		c->values = block_column(r->from, table, info->field);
		r->n_columns += c->values != NULL;
	}
	return !block_failed(r->from);
}

static void copy_list(struct rebatch *r, enum kind kind, const struct source *c, uint32_t row)
{
	uint32_t small[64], *strings = small, begin = c->list.starts[row];
	uint32_t n = c->list.starts[row + 1] - begin;

	if (n == 0)
		return;
	if (n > ARRAY_SIZE(small))
		strings = reallocarray(NULL, n, sizeof(*strings));
	if (!strings)
		return; /* told by rebatch_add(): the value is missing */
	for (uint32_t i = 0; i < n; i++)
		strings[i] = string_to(r, c->list.values[begin + i]);
	batch_set_list(r->batch, kind, c->info->field, strings, n);
	if (strings != small)
		free(strings);
}

static void copy_cell(struct rebatch *r, enum kind kind, const struct source *c, uint32_t row)
{
	uint64_t raw = c->values ? c->values[row] : 0;

	if (!c->values) {
		copy_list(r, kind, c, row);
		return;
	}
	if (raw == 0)
		return;
	if (is_row(c->info->field))
		batch_set_row(r->batch, kind, c->info->field, r->processes[raw]);
	else if (c->info->type == TYPE_KEYWORD || c->info->type == TYPE_IP)
		batch_set_string(r->batch, kind, c->info->field, string_to(r, raw));
	else if (c->info->type == TYPE_ID)
		batch_set_id(r->batch, kind, c->info->field, raw);
	else
		batch_set(r->batch, kind, c->info->field, raw - 1);
}

/* ---- processes ---- */

/* Marks the rows that the events in the window lead to, by 1. */
static int mark_needed(struct rebatch *r, uint64_t first_seq, uint64_t last_seq)
{
	static const enum field links[] = { FIELD_PARENT, FIELD_SESSION_LEADER,
					    FIELD_ENTRY_LEADER };
	static const enum field actors[] = { FIELD_PROCESS, FIELD_TARGET };
	uint32_t n_rows = block_info(r->from)->n_processes;

	for (uint32_t t = 0; t < block_info(r->from)->n_tables; t++) {
		const uint64_t *seq = block_column(r->from, t, FIELD_SEQ);

		if (!seq || !block_column(r->from, t, FIELD_TIMESTAMP))
			return block_failed(r->from) ? err_origin(-ENOMEM) : REBATCH_E_ODD;
		for (size_t k = 0; k < ARRAY_SIZE(actors); k++) {
			const uint64_t *rows = block_column(r->from, t, actors[k]);

			for (uint32_t row = 0; rows && row < block_rows(r->from, t); row++)
				if (seq[row] > first_seq && seq[row] - 1 <= last_seq)
					r->processes[rows[row]] = rows[row] != 0;
		}
	}
	for (uint32_t row = n_rows; row > 0; row--) {
		for (size_t k = 0; r->processes[row] && k < ARRAY_SIZE(links); k++) {
			const uint64_t *to = block_column(r->from, BLOCK_PROCESSES, links[k]);

			if (to && to[row - 1] > row)
				return REBATCH_E_ODD;
			if (to && to[row - 1])
				r->processes[to[row - 1]] = 1;
		}
	}
	return block_failed(r->from) ? err_origin(-ENOMEM) : 0;
}

/* Of all that a row says, with strings and rows by their numbers in the batch; a link to itself is
 * its number before. */
static XXH128_hash_t hash_row(struct rebatch *r, uint32_t row)
{
	XXH3_state_t state;

	XXH3_128bits_reset(&state);
	for (uint32_t k = 0; k < r->n_columns; k++) {
		const struct source *c = &r->columns[k];
		uint64_t cell[2] = { c->info->field, c->values ? c->values[row] : 0 };
		uint32_t begin = c->values ? 0 : c->list.starts[row];
		uint32_t n = c->values ? 0 : c->list.starts[row + 1] - begin;

		if (cell[1] == 0 && n == 0)
			continue;
		if (c->values && is_row(c->info->field))
			cell[1] = cell[1] == row + 1 ? UINT64_MAX : r->processes[cell[1]];
		else if (c->values && (c->info->type == TYPE_KEYWORD || c->info->type == TYPE_IP))
			cell[1] = string_to(r, cell[1]);
		else if (!c->values)
			cell[1] = n;
		XXH3_128bits_update(&state, cell, sizeof(cell));
		for (uint32_t i = 0; i < n; i++) {
			uint32_t string = string_to(r, c->list.values[begin + i]);

			XXH3_128bits_update(&state, &string, sizeof(string));
		}
	}
	return XXH3_128bits_digest(&state);
}

static uint32_t find_row(const struct rebatch *r, XXH128_hash_t hash)
{
	uint32_t at = slots_first(&r->rows, hash.low64), row;

	while ((row = slots_next(&r->rows, hash.low64, &at)))
		if (XXH128_isEqual(r->row_hashes[row - 1], hash))
			return row;
	return 0;
}

static int note_row(struct rebatch *r, XXH128_hash_t hash)
{
	XXH128_hash_t *more;

	if (r->n_rows == r->rows_room) {
		more = reallocarray(r->row_hashes, r->rows_room * 2 + 256, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		r->row_hashes = more;
		r->rows_room = r->rows_room * 2 + 256;
	}
	if (!slots_room(&r->rows))
		return err_origin(-ENOMEM);
	r->row_hashes[r->n_rows++] = hash;
	slots_put(&r->rows, hash.low64, r->n_rows);
	return 0;
}

/* Writes row @row (from 0) into the batch, or finds it there. */
static int copy_process(struct rebatch *r, uint32_t row)
{
	const uint64_t *ids = block_column(r->from, BLOCK_PROCESSES, FIELD_ENTITY_ID);
	const uint64_t *generations = block_column(r->from, BLOCK_PROCESSES, FIELD_GENERATION);
	XXH128_hash_t hash;
	uint32_t to;
	int e;

	if (!ids || !ids[row])
		return REBATCH_E_ODD;
	hash = hash_row(r, row);
	to = find_row(r, hash);
	if (to) {
		r->processes[row + 1] = to;
		return 0;
	}
	e = note_row(r, hash);
	if (e < 0)
		return e;
	to = batch_process_add(r->batch, ids[row],
			       generations && generations[row] ? (uint32_t)generations[row] - 1
							       : 0);
	r->processes[row + 1] = to;
	for (uint32_t k = 0; k < r->n_columns; k++)
		if (r->columns[k].info->field != FIELD_ENTITY_ID &&
		    r->columns[k].info->field != FIELD_GENERATION)
			copy_cell(r, KIND_NONE, &r->columns[k], row);
	return to ? 0 : err_origin(-ENOMEM);
}

static int copy_processes(struct rebatch *r)
{
	int e = 0;

	if (!read_columns(r, BLOCK_PROCESSES))
		return err_origin(-ENOMEM);
	for (uint32_t row = 0; row < block_info(r->from)->n_processes && e == 0; row++)
		if (r->processes[row + 1])
			e = copy_process(r, row);
	return e;
}

/* ---- events ---- */

static int copy_events(struct rebatch *r, uint32_t table, uint64_t first_seq, uint64_t last_seq)
{
	enum kind kind = block_kind(r->from, table);
	const uint64_t *seq = block_column(r->from, table, FIELD_SEQ);
	const uint64_t *time = block_column(r->from, table, FIELD_TIMESTAMP);

	if (!read_columns(r, table))
		return err_origin(-ENOMEM);
	for (uint32_t row = 0; row < block_rows(r->from, table); row++) {
		if (seq[row] == 0 || time[row] == 0)
			return REBATCH_E_ODD;
		if (seq[row] - 1 < first_seq || seq[row] - 1 > last_seq)
			continue;
		batch_event(r->batch, kind, seq[row] - 1, time[row] - 1);
		for (uint32_t k = 0; k < r->n_columns; k++)
			if (r->columns[k].info->field != FIELD_SEQ &&
			    r->columns[k].info->field != FIELD_TIMESTAMP)
				copy_cell(r, kind, &r->columns[k], row);
	}
	return 0;
}

/* Counters of later batches are those of earlier ones and more: the last ones are kept. */
static int keep_stats(struct rebatch *r, const struct block *b)
{
	struct block_stats s;
	size_t at = 0;

	block_stats(b, &s);
	buf_clear(&r->tier_texts);
	for (size_t i = 0; i < s.n_tiers; i++) {
		buf_add(&r->tier_texts, s.tiers[i].s, s.tiers[i].n);
		buf_byte(&r->tier_texts, 0);
	}
	if (!buf_ok(&r->tier_texts))
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < s.n_tiers; at += s.tiers[i++].n + 1)
		r->tiers[i] = (const char *)r->tier_texts.data + at;
	r->stats = (struct batch_stats){ .clock_offset_ns = s.clock_offset_ns,
					 .clock_error_ns = s.clock_error_ns,
					 .events = s.events,
					 .lost_priority = s.lost_priority,
					 .lost_bulk = s.lost_bulk,
					 .lost_queue = s.lost_queue,
					 .malformed = s.malformed,
					 .batches_queued = s.batches_queued,
					 .bytes_queued = s.bytes_queued,
					 .cpu_ns = s.cpu_ns,
					 .rss_bytes = s.rss_bytes,
					 .processes = s.processes,
					 .tiers = r->tiers,
					 .n_tiers = s.n_tiers };
	return 0;
}

/* A map of @n + 1 zeroes. */
static bool empty_map(uint32_t **map, size_t *room, size_t n)
{
	if (n + 1 > *room) {
		free(*map);
		*map = reallocarray(NULL, n + 1, sizeof(**map));
		*room = *map ? n + 1 : 0;
	}
	if (*map)
		memset(*map, 0, (n + 1) * sizeof(**map));
	return *map != NULL;
}

int rebatch_add(struct rebatch *r, struct block *b, uint64_t first_seq, uint64_t last_seq)
{
	const struct block_info *i = block_info(b);
	int e;

	r->from = b;
	if (i->has_unknown)
		return REBATCH_E_ODD;
	if (!empty_map(&r->strings, &r->strings_room, i->n_strings) ||
	    !empty_map(&r->processes, &r->processes_room, i->n_processes))
		return err_origin(-ENOMEM);
	e = mark_needed(r, first_seq, last_seq);
	if (e == 0)
		e = copy_processes(r);
	for (uint32_t t = 0; t < i->n_tables && e == 0; t++)
		e = copy_events(r, t, first_seq, last_seq);
	return e == 0 ? keep_stats(r, b) : e;
}

int rebatch_seal(struct rebatch *r, uint64_t sent_ns, struct buf *out)
{
	return batch_seal(r->batch, r->codec, &r->stats, 0, sent_ns, out);
}
