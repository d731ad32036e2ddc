/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the collector that a disk, or a copy of another's folder, has damaged: main.db, a day's
 * index, frames and merged blocks, flows.db, facts.db.  What opens them says what is wrong, or goes
 * on; asking and writing end with an answer or an error.
 * Input: which file, then patches: place (3 bytes, modulo the file's size), n, n bytes; n 0: the
 * file ends there. */
#include <assert.h>
#include <dirent.h>

#include "tests/collector/detect_fixture.h"

#include "collector/day.h"
#include "collector/facts.h"
#include "collector/flows.h"
#include "collector/follow.h"
#include "collector/merge.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FILES = 8, PATCHES = 32, BATCHES = 6 };

/* As it was before any damage. */
struct file {
	char path[DAY_PATH_BYTES];
	const char *name;
	struct buf bytes;
};

static struct fix all;
static struct file files[FILES];
static size_t n_files;
static const struct merge_limits at_once = {
	.small_events = 100, .target_events = 20, .least_blocks = 2, .sweep_ns = 1
};

/* ---- the folder ---- */

static void end(void)
{
	for (size_t i = 0; i < n_files; i++)
		buf_done(&files[i].bytes);
	block_free(all.block);
	fixture_remove(all.dir);
}

static void note_file(const char *name)
{
	struct file *f = &files[n_files++];
	uint8_t piece[4096];
	FILE *from;
	size_t n;

	assert(n_files <= FILES);
	snprintf(f->path, sizeof(f->path), "%s/%s", all.dir, name);
	f->name = strrchr(f->path, '/') + 1;
	from = fopen(f->path, "re");
	assert(from);
	while ((n = fread(piece, 1, sizeof(piece), from)) > 0)
		buf_add(&f->bytes, piece, n);
	fclose(from);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void note_files(void)
{
	DIR *d = opendir(all.dir);
	struct dirent *e;

	assert(d);
	while ((e = readdir(d)))
		if (strstr(e->d_name, ".db") || strstr(e->d_name, ".frames") ||
		    strstr(e->d_name, ".merged"))
			note_file(e->d_name);
	closedir(d);
	qsort(files, n_files, sizeof(*files), by_name);
	for (size_t i = 0; i < n_files; i++)
		files[i].name = strrchr(files[i].path, '/') + 1;
}

static void observe(struct follow_observer o)
{
	int r = follow_catch_up(all.store, &o);

	(void)r; /* damage is in the answer */
}

static void observe_all(void)
{
	struct flows *flows = NULL;
	struct facts *facts = NULL;
	struct diag d = { 0 };
	int r;

	r = flows_new(&flows, all.dir, all.store, 1000, &d);
	assert(r == 0 || d.text[0] || r == -ENOMEM);
	if (r == 0)
		observe(flows_observer(flows));
	flows_free(flows);
	r = facts_new(&facts, all.dir, 100, &d);
	assert(r == 0 || d.text[0] || r == -ENOMEM);
	if (r == 0)
		observe(facts_observer(facts));
	facts_free(facts);
}

static void merge(void)
{
	struct merger *m = NULL;
	int r = merger_new(&m, all.store, &at_once);

	assert(r == 0);
	for (int i = 0; i < 20 && r >= 0; i++)
		r = merger_step(m, timestamp_now() + (UINT64_C(1) << 50), UINT64_MAX);
	merger_free(m);
}

static void begin(void)
{
	log_set_level(LOG_ERROR + 1);
	all.base_ns = UINT64_C(1790000000000000000);
	fixture_folder(all.dir);
	assert(block_new(&all.block) == 0);
	start(&all);
	apply(&all, X_THEN_Y);
	apply(&all, THREE_X);
	follow(&all);
	for (uint32_t i = 0; i < BATCHES; i++)
		happen(&all, i % 3 ? "n1" : "n2", i * 4, 4, i % 2 ? "x" : "y");
	observe_all();
	merge();
	happen(&all, "n1", 100, 4, "x");
	stop(&all);
	note_files();
	assert(n_files >= 5);
	atexit(end);
}

/* Puts everything back as it was, but for @damaged. */
static void put_back(const struct file *damaged, const struct buf *bytes)
{
	DIR *d = opendir(all.dir);
	struct dirent *e;
	char path[DAY_PATH_BYTES];

	assert(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%.255s", all.dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	for (size_t i = 0; i < n_files; i++) {
		const struct buf *b = &files[i] == damaged ? bytes : &files[i].bytes;
		FILE *to = fopen(files[i].path, "we");

		assert(to && fwrite(b->data, 1, b->n, to) == b->n);
		fclose(to);
	}
}

/* ---- what is done with it ---- */

static int see_node(const struct node *n, void *arg)
{
	*(size_t *)arg += strlen(n->id) + strlen(n->name) + n->stats.n_tiers;
	return 0;
}

static int see_token(const struct token *t, void *arg)
{
	*(size_t *)arg += strlen(t->name) + strlen(t->scope);
	return 0;
}

static int see_audit(const struct audit *a, void *arg)
{
	*(size_t *)arg +=
		strlen(a->action) + strlen(a->actor) + strlen(a->address) + strlen(a->detail);
	return 0;
}

static int see_day(uint32_t day, void *arg)
{
	*(size_t *)arg += day;
	return 0;
}

static int see_rule(const struct rulebook_entry *e, void *arg)
{
	*(size_t *)arg += strlen(e->id) + (e->rule ? 1 : strlen(e->wrong.text));
	return 0;
}

static int see_alert(const struct alert *a, void *arg)
{
	*(size_t *)arg += strlen(a->rule_id) + strlen(a->title) + strlen(a->node) +
			  strlen(a->node_id) + strlen(a->techniques) + strlen(a->owner) +
			  strlen(a->body) + (a->object ? strlen(a->object) : 0);
	return 0;
}

static int see_document(const char *document, void *arg)
{
	*(size_t *)arg += strlen(document);
	return 0;
}

static void use_main(struct maindb *m)
{
	const struct audit a = {
		.class = AUDIT_CHANGE, .actor = "a", .address = "b", .action = "c", .detail = "d"
	};
	struct maindb_removed_sum sum;
	struct maindb_keep keep;
	struct token token;
	size_t n = 0;
	int r = maindb_nodes(m, see_node, &n);

	r |= maindb_tokens(m, see_token, &n);
	r |= maindb_audit_list(m, 0, 100, see_audit, &n);
	r |= maindb_holds(m, see_day, &n);
	r |= maindb_removed_sum(m, &sum);
	r |= maindb_keep_get(m, &keep);
	r |= maindb_certificate_standing(m, "00");
	r |= maindb_token_find(m, "00", 2, 1, &token);
	r |= maindb_hold(m, 7);
	r |= maindb_audit_add(m, &a);
	r |= maindb_flush(m);
	(void)r;
}

static void use_alerts(struct alertbook *b)
{
	const struct alert_filter filter = { .status = -1, .limit = 100 };
	const struct alert_edit edit = { .status = -1, .note = "n", .author = "a" };
	size_t n = 0;
	int r = alertbook_list(b, &filter, see_alert, &n);

	for (uint64_t id = 1; id < 4; id++) {
		r |= alertbook_get(b, id, see_alert, &n);
		r |= alertbook_events(b, id, see_document, &n);
		r |= alertbook_edit(b, id, &edit);
	}
	(void)r;
}

static int see_block(const struct store_block *meta, struct block *b, void *arg)
{
	assert(block_info(b)->n_events <= LIMIT_BATCH_EVENTS);
	*(uint64_t *)arg += meta->n_events;
	return 0;
}

static void use_store(void)
{
	const struct store_range range = { .to_ns = UINT64_MAX };
	struct store_scan_stats stats = { 0 };
	struct store_reader *reader = NULL;
	struct store_totals totals;
	uint64_t n = 0;
	int r = store_reader_new(all.store, &reader);

	if (r == 0) {
		r |= store_scan(reader, &range, NULL, see_block, &n, &stats);
		r |= store_totals(reader, &totals);
		store_keep_quarantine(all.store, timestamp_now());
	}
	store_reader_free(reader);
	merge();
	(void)r;
}

static void append(void)
{
	const struct fixture_batch more = {
		.node = "n1", .first_seq = 999000, .n = 2, .time_ns = all.base_ns, .word = "x"
	};
	AUTO_BUF struct buf frame = { 0 };
	int r;

	load(&all, &more, &frame);
	r = store_append(all.store, all.block, frame.data, frame.n,
			 store_arrival(all.store, timestamp_now()));
	if (r == 0)
		r = store_commit(all.store);
	(void)r;
}

static bool opened(int r, struct diag *d)
{
	assert(r == 0 || d->text[0] || r == -ENOMEM);
	return r == 0;
}

static void use_books(struct diag *d)
{
	size_t n = 0;

	if (opened(maindb_open(&all.maindb, all.dir, d), d))
		use_main(all.maindb);
	if (all.maindb && opened(rulebook_open(&all.rules, all.dir, d), d))
		(void)!rulebook_each(all.rules, NULL, see_rule, &n);
	if (all.rules && opened(alertbook_open(&all.alerts, all.dir, d), d))
		use_alerts(all.alerts);
}

static void use(const struct file *damaged, bool whole)
{
	bool is_main = strcmp(damaged->name, "main.db") == 0;
	struct diag d = { 0 };

	if (is_main || whole)
		use_books(&d);
	if ((!is_main || whole) && opened(store_open(&all.store, all.dir, &d), &d)) {
		append();
		use_store();
		observe_all();
	}
	if (all.store && all.alerts &&
	    detect_new(&all.detect, all.rules, all.alerts, all.store) == 0)
		observe(detect_observer(all.detect));
	stop(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct file *f;
	struct buf damaged = { 0 };
	size_t at = 1;

	if (n < 5)
		return 0;
	if (!n_files)
		begin();
	f = &files[data[0] % n_files];
	buf_add(&damaged, f->bytes.data, f->bytes.n);
	for (int i = 0; i < PATCHES && at + 4 <= n && damaged.n; i++) {
		size_t place = ((size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2]) %
			       damaged.n;
		size_t size = MIN(data[at + 3], n - at - 4);

		if (size == 0)
			damaged.n = place;
		else
			memcpy(damaged.data + place, data + at + 4, MIN(size, damaged.n - place));
		at += 4 + size;
	}
	put_back(f, &damaged);
	use(f, data[0] >= 0xf0);
	buf_done(&damaged);
	return 0;
}
