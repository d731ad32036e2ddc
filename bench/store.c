/* SPDX-License-Identifier: Apache-2.0 */
/* store FRAMES NODES EVENTS DIR: what storing costs, on recorded batches (a collector's .frames
 * file, or rtsecctl export
 * --format batches) as NODES nodes would have sent them, until there are EVENTS events.  The
 * batches are made before the clock runs; what is timed is what ingest does with each: checking it
 * whole, the filter over its words, the log, the index, a commit after COMMIT batches.  Then what
 * merging makes of it, and beside it plain rows with three indexes in SQLite. Prints one JSON line;
 * ns are of CPU, of the whole process. */
#include <ftw.h>
#include <sys/stat.h>

#include "collector/filter.h"
#include "collector/merge.h"
#include "collector/sql.h"
#include "lib/rebatch.h"
#include "lib/timestamp.h"
#include "lib/token.h"

enum { COMMIT = 16, MOST_FRAMES = 200000, ROW_EVENTS = 500000 };

struct frame {
	uint8_t *data;
	size_t n;
	uint32_t events;
};

struct bench {
	struct frame *recorded, *frames;
	size_t n_recorded, n_frames;
	uint64_t n_events;
	struct block *block;
	struct rebatch *rebatch;
	struct buf out;
};

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "store: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* ---- the batches ---- */

static void keep(struct frame *to, const void *data, size_t n, uint32_t events)
{
	to->data = malloc(n);
	must(to->data ? 0 : -ENOMEM, "keeping a batch");
	memcpy(to->data, data, n);
	to->n = n;
	to->events = events;
}

static void read_recorded(struct bench *b, const char *path)
{
	uint8_t header[24];
	FILE *f = fopen(path, "re");

	must(f ? 0 : -errno, path);
	while (fread(header, 1, sizeof(header), f) == sizeof(header) &&
	       memcmp(header, "RSEG", 4) == 0 && b->n_recorded < MOST_FRAMES) {
		uint32_t n;

		memcpy(&n, header + 4, sizeof(n));
		buf_clear(&b->out);
		must(buf_reserve(&b->out, n) ? 0 : -ENOMEM, "reading");
		must(fread(b->out.data, 1, n, f) == n ? 0 : -EBADMSG, "reading");
		must(block_load(b->block, b->out.data, n, NULL), "a recorded batch");
		if (block_info(b->block)->n_events)
			keep(&b->recorded[b->n_recorded++], b->out.data, n,
			     block_info(b->block)->n_events);
	}
	fclose(f);
	must(b->n_recorded ? 0 : -ENODATA, "no batches recorded");
}

/* What node @node would have sent in @round. */
static void make_frame(struct bench *b, const struct frame *from, unsigned node, unsigned round)
{
	char name[32];
	struct batch_origin origin = { .node_id = name,
				       .node_name = name,
				       .architecture = "x86_64",
				       .os_kernel = "6.18",
				       .agent_version = RTSEC_VERSION };

	snprintf(name, sizeof(name), "node-%u", node);
	memcpy(origin.boot_id, &node, sizeof(node));
	memcpy(origin.boot_id + 8, &round, sizeof(round));
	must(block_load_stored(b->block, from->data, from->n, NULL), "a recorded batch");
	must(rebatch_begin_as(b->rebatch, &origin), "making a batch");
	must(rebatch_add(b->rebatch, b->block, 0, UINT64_MAX), "making a batch");
	buf_clear(&b->out);
	must(rebatch_seal(b->rebatch, block_info(b->block)->sent_time_ns, &b->out), "sealing");
	keep(&b->frames[b->n_frames++], b->out.data, b->out.n, from->events);
	b->n_events += from->events;
}

/* In the order in which they would come: each recorded batch of all nodes, then the next. */
static void make_frames(struct bench *b, unsigned nodes, uint64_t events)
{
	for (unsigned round = 0; b->n_events < events; round++)
		for (size_t i = 0; i < b->n_recorded && b->n_events < events; i++)
			for (unsigned node = 0; node < nodes && b->n_events < events; node++) {
				if (b->n_frames == MOST_FRAMES)
					return;
				make_frame(b, &b->recorded[i], node, round);
			}
}

/* ---- bytes ---- */

static uint64_t disk_bytes;

/* Of how many absent words, and absent beginnings of words, do filters say "maybe"?  In parts of a
 * million. */
static void ask_absent(struct bench *b, uint64_t *ret_words, uint64_t *ret_prefixes)
{
	AUTO(filter_builder) *f = NULL;
	uint64_t asked = 0, words = 0, prefixes = 0;
	const void *bits;
	size_t n;

	must(filter_builder_new(&f), "a filter");
	for (size_t i = 0; i < b->n_frames && i < 200; i++) {
		must(block_load(b->block, b->frames[i].data, b->frames[i].n, NULL), "a batch");
		must(filter_build(f, b->block, &bits, &n), "a filter");
		for (unsigned k = 0; k < 1000; k++, asked++) {
			char word[24];

			snprintf(word, sizeof(word), "%czqx%u", 'a' + k % 26, k);
			words += filter_has(bits, n, token_hash(word, strlen(word)));
			snprintf(word, sizeof(word), "%cq%03u", 'a' + k % 26, k);
			prefixes += filter_has(bits, n, token_prefix_hash(word));
		}
	}
	*ret_words = asked ? words * 1000000 / asked : 0;
	*ret_prefixes = asked ? prefixes * 1000000 / asked : 0;
}

static int add_file(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	disk_bytes += flag == FTW_F ? (uint64_t)st->st_size : 0;
	return 0;
}

static uint64_t bytes_of(const char *dir)
{
	disk_bytes = 0;
	nftw(dir, add_file, 8, FTW_PHYS);
	return disk_bytes;
}

/* ---- stored ---- */

static double store_all(struct bench *b, struct store *s)
{
	double begin = cpu_now();

	for (size_t i = 0; i < b->n_frames; i++) {
		const struct frame *f = &b->frames[i];
		int r;

		must(block_load(b->block, f->data, f->n, NULL), "loading");
		r = store_append(s, b->block, f->data, f->n, store_arrival(s, timestamp_now()));
		must(r > 0 ? -EEXIST : r, "appending");
		if (i % COMMIT == COMMIT - 1)
			must(store_commit(s), "committing");
	}
	must(store_commit(s), "committing");
	return cpu_now() - begin;
}

static double merge_all(struct store *s, struct merge_counters *ret)
{
	struct merge_limits at_once = merge_usual;
	uint64_t later_ns = timestamp_now() + UINT64_C(7200000000000);
	struct merger *m = NULL;
	double begin = cpu_now();

	at_once.rest_ns = 0;
	must(merger_new(&m, s, &at_once), "merging");
	while (merger_step(m, later_ns, UINT64_MAX) == MERGE_E_MORE)
		;
	merger_counters(m, ret);
	merger_free(m);
	return cpu_now() - begin;
}

/* ---- plain rows ---- */

static const char rows_schema[] =
	"CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER, node TEXT, boot TEXT, seq "
	"INTEGER,"
	" category TEXT, action TEXT, pid INTEGER, entity TEXT, name TEXT, executable TEXT,"
	" command_line TEXT, cwd TEXT, user TEXT, uid INTEGER, parent TEXT, parent_name TEXT,"
	" path TEXT, outcome TEXT, source TEXT, destination TEXT, port INTEGER, container TEXT);"
	"CREATE INDEX by_time ON event (time);"
	"CREATE INDEX by_node ON event (node, time);"
	"CREATE INDEX by_action ON event (action, time)";
static const char *const row_fields[] = {
	"@timestamp",
	"host.id",
	"host.boot.id",
	"event.sequence",
	"event.category",
	"event.action",
	"process.pid",
	"process.entity_id",
	"process.name",
	"process.executable",
	"process.command_line",
	"process.working_directory",
	"process.user.name",
	"process.user.id",
	"process.parent.entity_id",
	"process.parent.name",
	"file.path",
	"event.outcome",
	"source.ip",
	"destination.ip",
	"destination.port",
	"container.id",
};

static void bind_value(sqlite3_stmt *s, int at, const struct block_value *v)
{
	char id[20];

	switch (v->type) {
	case VALUE_NULL:
	case VALUE_STRINGS:
		sqlite3_bind_null(s, at);
		break;
	case VALUE_STRING:
		sqlite3_bind_text(s, at, v->string.s, (int)v->string.n, SQLITE_TRANSIENT);
		break;
	case VALUE_ID:
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)v->number);
		sqlite3_bind_text(s, at, id, 16, SQLITE_TRANSIENT);
		break;
	default:
		sql_bind_u64(s, at, v->number);
	}
}

static uint64_t insert_rows(struct bench *b, sqlite3 *db, sqlite3_stmt *insert)
{
	struct field_ref fields[ARRAY_SIZE(row_fields)];
	uint64_t n = 0;

	for (size_t k = 0; k < ARRAY_SIZE(row_fields); k++)
		must(field_find(row_fields[k], strlen(row_fields[k]), &fields[k]) ? 0 : -ENOENT,
		     row_fields[k]);
	for (size_t i = 0; i < b->n_frames && n < ROW_EVENTS; i++) {
		must(block_load_stored(b->block, b->frames[i].data, b->frames[i].n, NULL),
		     "loading");
		must(sql_exec(db, "BEGIN"), "rows");
		for (uint32_t t = 0; t < block_info(b->block)->n_tables; t++)
			for (uint32_t row = 0; row < block_rows(b->block, t); row++, n++) {
				for (size_t k = 0; k < ARRAY_SIZE(fields); k++) {
					struct block_value v =
						block_value(b->block, t, row, fields[k]);

					bind_value(insert, (int)k + 1, &v);
				}
				must(sql_run(insert), "rows");
			}
		must(sql_exec(db, "COMMIT"), "rows");
	}
	return n;
}

static void plain_rows(struct bench *b, const char *dir, double *ret_ns, double *ret_bytes)
{
	static const char *const text =
		"INSERT INTO event VALUES (NULL,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,"
		"?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)";
	sqlite3_stmt *insert = NULL;
	sqlite3 *db = NULL;
	char path[512];
	struct stat st;
	double begin;
	uint64_t n;

	snprintf(path, sizeof(path), "%s/rows.db", dir);
	must(sql_open(&db, path, SQL_WRITE, NULL), path);
	must(sql_exec(db, rows_schema), "rows");
	must(sql_prepare(db, &text, 1, &insert), "rows");
	begin = cpu_now();
	n = insert_rows(b, db, insert);
	*ret_ns = (cpu_now() - begin) * 1e9 / (double)n;
	sql_finalize(&insert, 1);
	must(sql_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)"), "rows");
	sql_close(db);
	must(stat(path, &st) < 0 ? -errno : 0, path);
	*ret_bytes = (double)st.st_size / (double)n;
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct merge_counters merged = { 0 };
	struct store *s = NULL;
	uint64_t absent_words, absent_prefixes;
	double store_s, merge_s, rows_ns, rows_bytes, bytes, after;
	char dir[512];

	if (argc != 5) {
		fprintf(stderr, "usage: store FRAMES NODES EVENTS DIR\n");
		return 2;
	}
	b.recorded = calloc(MOST_FRAMES, sizeof(*b.recorded));
	b.frames = calloc(MOST_FRAMES, sizeof(*b.frames));
	must(b.recorded && b.frames ? 0 : -ENOMEM, "starting");
	must(block_new(&b.block), "starting");
	must(rebatch_new(&b.rebatch), "starting");
	read_recorded(&b, argv[1]);
	make_frames(&b, (unsigned)strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	snprintf(dir, sizeof(dir), "%s/store", argv[4]);
	must(store_open(&s, dir, NULL), dir);
	store_s = store_all(&b, s);
	bytes = (double)bytes_of(dir);
	merge_s = merge_all(s, &merged);
	store_free(s);
	after = (double)bytes_of(dir);
	plain_rows(&b, argv[4], &rows_ns, &rows_bytes);
	ask_absent(&b, &absent_words, &absent_prefixes);
	printf("{\"bench\":\"store\",\"events\":%llu,\"batches\":%zu,\"store_ns\":%.0f,\"bytes\":%."
	       "1f,"
	       "\"merged_blocks\":%llu,\"into\":%llu,\"merge_ns\":%.0f,\"bytes_after\":%.1f,"
	       "\"rows_ns\":%.0f,\"rows_bytes\":%.1f,\"maybe_words_ppm\":%llu,"
	       "\"maybe_prefixes_ppm\":%llu}\n",
	       (unsigned long long)b.n_events, b.n_frames, store_s * 1e9 / (double)b.n_events,
	       bytes / (double)b.n_events, (unsigned long long)merged.blocks,
	       (unsigned long long)merged.into, merge_s * 1e9 / (double)b.n_events,
	       after / (double)b.n_events, rows_ns, rows_bytes, (unsigned long long)absent_words,
	       (unsigned long long)absent_prefixes);
	return 0;
}
