/* SPDX-License-Identifier: Apache-2.0 */
/* import_append - the second step of an import: the writer's.  And both steps over a whole file. */
#include "collector/day.h"
#include "collector/import.h"
#include "lib/limits.h"
#include "lib/timestamp.h"

static int append_one(struct store *s, struct block *b, struct import_batch *batch,
		      struct import_result *ret)
{
	int r = block_load(b, batch->frame, batch->n, NULL);

	batch->ingested_ns = store_arrival(s, timestamp_now());
	if (r == 0)
		r = store_append(s, b, batch->frame, batch->n, batch->ingested_ns);
	if (r == STORE_E_CONFLICT || r == -EBADMSG)
		ret->refused++;
	if (r == STORE_E_DUPLICATE)
		ret->there += block_info(b)->n_events;
	if (r != 0)
		return r == -EBADMSG || r > 0 ? 0 : r;
	batch->id = store_last_id(s);
	batch->n_events = block_info(b)->n_events;
	return 0;
}

/* The records of import_gather() are whole.  Returns the offset behind the one at @at. */
static size_t next_record(const struct buf *records, size_t at, struct import_batch *ret)
{
	struct day_record_header h;

	memcpy(&h, records->data + at, sizeof(h));
	*ret = (struct import_batch){ .frame = records->data + at + sizeof(h), .n = h.n };
	return at + sizeof(h) + h.n;
}

static size_t count_records(const struct buf *records)
{
	struct import_batch batch;
	size_t n = 0;

	for (size_t at = 0; at < records->n; n++)
		at = next_record(records, at, &batch);
	return n;
}

int import_append(struct store *s, const struct buf *records, import_stored_fn stored, void *arg,
		  struct import_result *ret)
{
	size_t n = count_records(records), at = 0;
	AUTO_MEM struct import_batch *list = calloc(n + 1, sizeof(*list));
	AUTO(block) *b = NULL;
	int r = list ? block_new(&b) : err_origin(-ENOMEM);

	for (size_t i = 0; i < n && r == 0; i++) {
		at = next_record(records, at, &list[i]);
		r = append_one(s, b, &list[i], ret);
	}
	if (r == 0 && n)
		r = store_commit(s);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!list[i].n_events)
			continue;
		ret->batches++;
		ret->events += list[i].n_events;
		if (stored)
			stored(&list[i], arg);
	}
	return r;
}

/* ---- a file ---- */

/* Bytes at the begin of the piece that are whole batches, or whole lines. */
static size_t whole_of(const struct buf *piece)
{
	const uint8_t *newline;
	size_t at = 0;
	uint32_t size;

	if (*piece->data != 'R') {
		newline = memrchr(piece->data, '\n', piece->n);
		return newline ? (size_t)(newline - piece->data) + 1 : 0;
	}
	while (day_record_at(piece->data + at, piece->n - at, &size) == DAY_RECORD_WHOLE)
		at += DAY_RECORD_HEADER_BYTES + size;
	return at;
}

static uint64_t count_lines(const uint8_t *s, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += s[i] == '\n';
	return lines;
}

static int import_piece(struct store *s, struct importer *im, const void *data, size_t n,
			uint64_t first_line, struct import_result *ret, struct diag *d)
{
	AUTO_BUF struct buf records = { 0 };
	int r = import_gather(im, data, n, first_line, NULL, &records, ret, d);
	int stored = r == 0 || r == -EBADMSG ? import_append(s, &records, NULL, NULL, ret) : 0;

	if (stored < 0)
		return diag_set(d, stored, 0, 0, "the events cannot be stored: %s",
				strerror(-stored));
	return r;
}

int import_file(struct store *s, FILE *f, struct import_result *ret, struct diag *d)
{
	AUTO(store_reader) *reader = NULL;
	AUTO_BUF struct buf piece = { 0 };
	AUTO(importer) *im = NULL;
	bool ended = false;
	uint64_t line = 1;
	size_t whole;
	int r = store_reader_new(s, &reader);

	memset(ret, 0, sizeof(*ret));
	if (r == 0)
		r = importer_new(&im, reader);
	if (r == 0 && !buf_reserve(&piece, LIMIT_IMPORT_BYTES))
		r = err_origin(-ENOMEM);
	while (r == 0 && !ended) {
		piece.n += fread(piece.data + piece.n, 1, LIMIT_IMPORT_BYTES - piece.n, f);
		if (ferror(f))
			return diag_set(d, err_origin(-EIO), 0, 0, "the file cannot be read");
		ended = piece.n < LIMIT_IMPORT_BYTES;
		whole = ended ? piece.n : whole_of(&piece);
		if (whole == 0)
			whole = piece.n; /* nothing; or a line that is too long, which is no
					    document */
		r = import_piece(s, im, piece.data, whole, line, ret, d);
		line += count_lines(piece.data, whole);
		piece.n -= whole;
		memmove(piece.data, piece.data + whole, piece.n);
	}
	return r;
}
