/* SPDX-License-Identifier: Apache-2.0 */
/* fleet - fills a collector's folder with a recorded fleet, read as lines of JSON from stdin:
 *   {"node":"web-1","boot":1,"kernel":"6.1.0","architecture":"x86_64","stats":{"events":9,…}}
 *       what follows was sent by this node, in a batch of its own
 *   {"process":"00000000000000a1","generation":0,"parent":"…","fields":{"process.pid":7,…}}
 *       a process that events may name, with the newest generation; parents come first
 *   {"event":"exec","sequence":1,"time":"1795383859123456789","of":"…","target":"…","fields":{…}}
 * The batches go through lib/batch, lib/block and the store as those of a sensor do.  For tests and
 * screenshots only: no collector may run on the folder.
 *   fleet DIR <story.ndjson */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/maindb.h"
#include "collector/store.h"
#include "lib/batch.h"
#include "lib/block.h"
#include "lib/timestamp.h"

enum { BATCH_EVENTS = 4096, LIST_MAX = 64 };

struct fleet {
	struct store *store;
	struct maindb *maindb;
	struct block *block;
	struct frame_codec *codec;
	struct batch *batch;
	struct batch_stats stats;
	const char *tiers[LIST_MAX];
	json_t *node, *processes; /* by entity id */
	uint64_t last_seq, total;
};

static _Noreturn void die(const char *what, const char *more)
{
	fprintf(stderr, "fleet: %s%s%s\n", what, more ? ": " : "", more ? more : "");
	exit(EXIT_FAILURE);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint64_t number_of(const json_t *v, int base)
{
	if (json_is_integer(v))
		return (uint64_t)json_integer_value(v);
	if (json_is_string(v))
		return strtoull(json_string_value(v), NULL, base);
	return json_is_true(v) ? 1 : 0;
}

static uint64_t stat_of(const struct fleet *f, const char *key)
{
	return number_of(json_object_get(json_object_get(f->node, "stats"), key), 10);
}

static void read_stats(struct fleet *f)
{
	const json_t *tiers = json_object_get(json_object_get(f->node, "stats"), "tiers");

	f->stats = (struct batch_stats){
		.clock_offset_ns = (int64_t)stat_of(f, "clock_offset_ns"),
		.clock_error_ns = stat_of(f, "clock_error_ns"),
		.events = stat_of(f, "events"),
		.lost_bulk = stat_of(f, "lost_bulk"),
		.lost_priority = stat_of(f, "lost_priority"),
		.batches_queued = stat_of(f, "batches_queued"),
		.bytes_queued = stat_of(f, "bytes_queued"),
		.cpu_ns = stat_of(f, "cpu_ns"),
		.rss_bytes = stat_of(f, "rss_bytes"),
		.processes = stat_of(f, "processes"),
		.tiers = f->tiers,
	};
	for (; f->stats.n_tiers < LIST_MAX && f->stats.n_tiers < json_array_size(tiers);
	     f->stats.n_tiers++)
		f->tiers[f->stats.n_tiers] =
			json_string_value(json_array_get(tiers, f->stats.n_tiers));
}

/* Stores what is gathered. */
static void flush(struct fleet *f)
{
	AUTO_BUF struct buf frame = { 0 };
	uint64_t now = timestamp_now();
	uint32_t n = f->batch ? batch_events(f->batch) : 0, node;
	struct diag d = { 0 };

	if (n == 0)
		return;
	read_stats(f);
	if (batch_seal(f->batch, f->codec, &f->stats, f->last_seq + 1, now, &frame) < 0 ||
	    block_load(f->block, frame.data, frame.n, &d) < 0 ||
	    store_append(f->store, f->block, frame.data, frame.n, store_arrival(f->store, now)) <
		    0 ||
	    store_commit(f->store) < 0 || maindb_node_seen(f->maindb, f->block, now, &node) < 0)
		die("cannot store a batch", d.text);
	maindb_node_stored(f->maindb, node, n, f->last_seq);
	f->total += n;
}

static void begin_node(struct fleet *f, json_t *line)
{
	const char *name = text_of(line, "node");
	struct batch_origin origin = { .node_id = name,
				       .node_name = name,
				       .boot_id = { 0x1f, 0x0c, 0x7a, 0x52 },
				       .architecture = text_of(line, "architecture"),
				       .os_kernel = text_of(line, "kernel"),
				       .agent_version = text_of(line, "agent") };

	flush(f);
	origin.boot_id[15] = (uint8_t)number_of(json_object_get(line, "boot"), 10);
	json_decref(f->node);
	f->node = json_incref(line);
	f->batch = batch_free(f->batch);
	if (batch_new(&f->batch, &origin) < 0)
		die("not a node", name);
}

static void set_list(struct batch *b, enum kind kind, enum field field, const json_t *v)
{
	uint32_t numbers[LIST_MAX];
	size_t n = json_array_size(v) < LIST_MAX ? json_array_size(v) : LIST_MAX;

	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(v, i);

		numbers[i] = batch_string(b, json_string_value(s), json_string_length(s));
	}
	batch_set_list(b, kind, field, numbers, n);
}

static void set_fields(struct batch *b, enum kind kind, json_t *fields)
{
	struct field_ref ref;
	const char *key;
	json_t *v;

	json_object_foreach(fields, key, v)
	{
		enum field field;

		if (!field_find(key, strlen(key), &ref) || ref.info->rule != RULE_STORED)
			die("no field that is stored", key);
		field = ref.info->field;
		if (ref.info->type == TYPE_KEYWORDS)
			set_list(b, kind, field, v);
		else if (ref.info->type == TYPE_KEYWORD || ref.info->type == TYPE_IP)
			batch_set_str(b, kind, field, json_string_value(v), json_string_length(v));
		else if (ref.info->type == TYPE_ID)
			batch_set_id(b, kind, field, number_of(v, 16));
		else
			batch_set(b, kind, field, number_of(v, 10));
	}
}

/* Row of a process and, before it, of its ancestors. */
static uint32_t process_row(struct fleet *f, const char *entity)
{
	json_t *p = json_object_get(f->processes, entity);
	uint32_t generation, row, parent = 0;

	if (!p)
		die("no such process", entity);
	generation = (uint32_t)number_of(json_object_get(p, "generation"), 10);
	row = batch_process_find(f->batch, strtoull(entity, NULL, 16), generation);
	if (row)
		return row;
	if (*text_of(p, "parent"))
		parent = process_row(f, text_of(p, "parent"));
	row = batch_process_add(f->batch, strtoull(entity, NULL, 16), generation);
	set_fields(f->batch, KIND_NONE, json_object_get(p, "fields"));
	if (parent)
		batch_set_row(f->batch, KIND_NONE, FIELD_PARENT, parent);
	return row;
}

static enum kind kind_of(const char *action)
{
	for (uint32_t k = 1; k < KIND_MAX; k++)
		if (kind_info(k) && strcmp(kind_info(k)->action, action) == 0)
			return (enum kind)k;
	die("no kind of event", action);
}

static void add_event(struct fleet *f, json_t *line)
{
	enum kind kind = kind_of(text_of(line, "event"));
	uint32_t of = 0, target = 0;

	if (!f->batch)
		die("an event before any node", NULL);
	if (batch_events(f->batch) >= BATCH_EVENTS)
		flush(f);
	if (*text_of(line, "of"))
		of = process_row(f, text_of(line, "of"));
	if (*text_of(line, "target"))
		target = process_row(f, text_of(line, "target"));
	f->last_seq = number_of(json_object_get(line, "sequence"), 10);
	batch_event(f->batch, kind, f->last_seq, number_of(json_object_get(line, "time"), 10));
	if (of)
		batch_set_row(f->batch, kind, FIELD_PROCESS, of);
	if (target)
		batch_set_row(f->batch, kind, FIELD_TARGET, target);
	set_fields(f->batch, kind, json_object_get(line, "fields"));
}

static void take(struct fleet *f, json_t *line)
{
	if (json_object_get(line, "node"))
		begin_node(f, line);
	else if (json_object_get(line, "process"))
		json_object_set(f->processes, text_of(line, "process"), line);
	else
		add_event(f, line);
}

int main(int argc, char **argv)
{
	struct fleet f = { .processes = json_object() };
	struct diag d = { 0 };
	json_error_t e;
	json_t *line;

	if (argc != 2)
		die("usage: fleet DIR <story.ndjson", NULL);
	if (store_open(&f.store, argv[1], &d) < 0 || maindb_open(&f.maindb, argv[1], &d) < 0)
		die(argv[1], d.text);
	if (block_new(&f.block) < 0 || frame_codec_new(&f.codec) < 0)
		die("no memory", NULL);
	while ((line = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, &e))) {
		take(&f, line);
		json_decref(line);
	}
	if (json_error_code(&e) != json_error_premature_end_of_input)
		die("not JSON", e.text);
	flush(&f);
	if (maindb_flush(f.maindb) < 0)
		die("cannot store the nodes", NULL);
	printf("%" PRIu64 "\n", f.total);
	json_decref(f.node);
	json_decref(f.processes);
	batch_free(f.batch);
	block_free(f.block);
	frame_codec_free(f.codec);
	maindb_free(f.maindb);
	store_free(f.store);
	return EXIT_SUCCESS;
}
