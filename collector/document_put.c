/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/document_internal.h"
#include "lib/block.h"

static void put_list(struct document_reader *r, struct batch *b, enum kind kind, enum field f,
		     const json_t *v)
{
	size_t n = json_is_array(v) ? json_array_size(v) : 1;

	if (n > r->strings_room) {
		free(r->strings);
		r->strings = reallocarray(NULL, n, sizeof(*r->strings));
		r->strings_room = r->strings ? n : 0;
	}
	for (size_t i = 0; r->strings && i < n; i++) {
		const json_t *s = json_is_array(v) ? json_array_get(v, i) : v;

		r->strings[i] = batch_string(b, json_string_value(s), json_string_length(s));
	}
	batch_set_list(b, kind, f, r->strings, r->strings ? n : 0);
}

static void put_value(struct document_reader *r, struct batch *b, enum kind kind,
		      const struct field_info *info, const json_t *v)
{
	uint64_t number = 0;

	switch (info->type) {
	case TYPE_KEYWORDS:
		put_list(r, b, kind, info->field, v);
		break;
	case TYPE_KEYWORD:
	case TYPE_IP:
		batch_set_str(b, kind, info->field, json_string_value(v), json_string_length(v));
		break;
	case TYPE_ID:
		if (document_number(v, info->type, &number))
			batch_set_id(b, kind, info->field, number);
		break;
	default:
		if (document_number(v, info->type, &number))
			batch_set(b, kind, info->field, number);
	}
}

static uint64_t hash_image(const json_t *const *values)
{
	static const enum field fields[] = { FIELD_EXECUTABLE, FIELD_NAME, FIELD_ARGS };
	uint64_t h = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const json_t *v = values[fields[i]], *element;
		size_t k;

		if (json_is_string(v))
			h = XXH3_64bits_withSeed(json_string_value(v), json_string_length(v),
						 h + i);
		json_array_foreach(v, k, element)
		{
			h = XXH3_64bits_withSeed(json_string_value(element),
						 json_string_length(element), h + i);
		}
	}
	return h;
}

/* How often the process had called execve, as far as the batch shows it. */
static uint32_t generation_of(struct document_reader *r, uint64_t entity, uint64_t hash)
{
	uint64_t key = XXH3_64bits(&entity, sizeof(entity));
	uint32_t at, number, n = 0;
	struct image *more;

	if (!slots_room(&r->by_entity))
		return 0;
	for (at = slots_first(&r->by_entity, key);
	     (number = slots_next(&r->by_entity, key, &at));) {
		if (r->images[number - 1].entity != entity)
			continue;
		if (r->images[number - 1].hash == hash)
			return r->images[number - 1].generation;
		n++;
	}
	if (r->n_images == r->images_room) {
		more = reallocarray(r->images, r->images_room * 2 + 64, sizeof(*more));
		if (!more)
			return n;
		r->images = more;
		r->images_room = r->images_room * 2 + 64;
	}
	r->images[r->n_images++] = (struct image){ entity, hash, n };
	slots_put(&r->by_entity, key, r->n_images);
	return n;
}

/* Its row; 0: the document does not tell of it. */
static uint32_t put_process(struct document_reader *r, struct batch *b, enum field_via via)
{
	const json_t *const *values = r->values[via];
	uint64_t entity = 0;
	uint32_t row;

	if (!document_has_process(r, via) ||
	    !document_number(values[FIELD_ENTITY_ID], TYPE_ID, &entity))
		return 0;
	row = batch_process_add(b, entity, generation_of(r, entity, hash_image(values)));
	for (uint32_t f = 1; f < FIELD_MAX; f++) {
		const struct field_info *info = values[f] ? field_info(f) : NULL;

		if (info && info->home == HOME_PROCESS && info->rule == RULE_STORED &&
		    f != FIELD_ENTITY_ID && !block_is_beside(f))
			put_value(r, b, KIND_NONE, info, values[f]);
	}
	return row;
}

/* Is the leader the acting process itself? */
static bool is_actor(const struct document_reader *r, enum field_via via)
{
	for (uint32_t f = 1; f < FIELD_MAX; f++) {
		const struct field_info *info = field_info(f);
		const json_t *own = r->values[VIA_ACTOR][f], *its = r->values[via][f];

		if (info && info->has_via && own != its && (!own || !its || !json_equal(own, its)))
			return false;
	}
	return true;
}

static uint32_t put_actor(struct document_reader *r, struct batch *b)
{
	static const struct {
		enum field_via via;
		enum field link;
	} links[] = { { VIA_PARENT, FIELD_PARENT },
		      { VIA_SESSION_LEADER, FIELD_SESSION_LEADER },
		      { VIA_ENTRY_LEADER, FIELD_ENTRY_LEADER } };
	uint32_t rows[ARRAY_SIZE(links)], actor;
	bool own[ARRAY_SIZE(links)];

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		own[i] = links[i].via != VIA_PARENT && is_actor(r, links[i].via);
		rows[i] = own[i] ? 0 : put_process(r, b, links[i].via);
	}
	actor = put_process(r, b, VIA_ACTOR);
	for (size_t i = 0; actor && i < ARRAY_SIZE(links); i++)
		if (own[i] || rows[i])
			batch_set_row(b, KIND_NONE, links[i].link, own[i] ? actor : rows[i]);
	return actor;
}

void document_put(struct document_reader *r, struct batch *b)
{
	const struct document_event *e = &r->event;
	uint32_t actor = put_actor(r, b), target = put_process(r, b, VIA_TARGET);

	batch_event(b, e->kind, e->seq, e->time_ns);
	if (actor)
		batch_set_row(b, e->kind, FIELD_PROCESS, actor);
	if (target)
		batch_set_row(b, e->kind, FIELD_TARGET, target);
	for (uint32_t f = 1; f < FIELD_MAX; f++) {
		const json_t *v = r->values[VIA_ACTOR][f];
		const struct field_info *info = v ? field_info(f) : NULL;

		if (info && info->home == HOME_EVENT && info->rule == RULE_STORED &&
		    f != FIELD_SEQ && f != FIELD_TIMESTAMP)
			put_value(r, b, e->kind, info, v);
	}
}

void document_reader_begin(struct document_reader *r)
{
	slots_clear(&r->by_entity);
	r->n_images = 0;
}
