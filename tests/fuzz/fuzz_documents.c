/* SPDX-License-Identifier: Apache-2.0 */
/* Documents, a JSON object a line: all are taken and made a batch that loads, and shows documents
 * of which the same batch is made; or the place of what is wrong is told. */
#include <assert.h>

#include "tests/collector/fixture.h"

#include "collector/day.h"
#include "collector/document.h"
#include "collector/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct store *store;
static struct store_reader *reader;
static struct importer *importer;
static struct block *block;
static struct document *document;
static char dir[128];

static void remove_all(void)
{
	importer_free(importer);
	document_free(document);
	block_free(block);
	store_reader_free(reader);
	store_free(store);
	fixture_remove(dir);
}

static void begin(void)
{
	struct diag d = { 0 };
	int r;

	fixture_folder(dir);
	r = store_open(&store, dir, &d);
	assert(r == 0);
	r = store_reader_new(store, &reader) | importer_new(&importer, reader) | block_new(&block) |
	    document_new(&document, "", 0, &d);
	assert(r == 0);
	atexit(remove_all);
}

/* Makes batches of the documents at @text, and appends the events of these as documents to @out. */
static int take(const void *text, size_t n, struct buf *out)
{
	AUTO_BUF struct buf records = { 0 };
	struct import_result got = { 0 };
	struct json j = json_to(out);
	struct diag d = { 0 };
	int r = import_gather(importer, text, n, 1, NULL, &records, &got, &d);
	uint32_t size;

	assert(r == 0 || r == -EBADMSG || r == -ENOMEM);
	assert(r != -EBADMSG || (d.line && d.column && d.text[0] && records.n == 0));
	for (size_t at = 0; at < records.n; at += size) {
		memcpy(&size, records.data + at + 4, sizeof(size));
		at += DAY_RECORD_HEADER_BYTES;
		assert(block_load(block, records.data + at, size, NULL) == 0);
		assert(block_info(block)->n_events);
		for (uint32_t t = 0; t < block_info(block)->n_tables; t++) {
			document_begin(document, block, t);
			for (uint32_t row = 0; row < block_rows(block, t); row++) {
				j = json_to(out);
				document_write(document, row, &j);
				buf_byte(out, '\n');
			}
		}
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_BUF struct buf first = { 0 }, second = { 0 };

	if (!store)
		begin();
	if (n && *data == 'R') /* fuzz_import has batches */
		return 0;
	if (take(data, n, &first) != 0 || first.n == 0)
		return 0;
	assert(take(first.data, first.n, &second) == 0);
	assert(second.n == first.n && memcmp(second.data, first.data, first.n) == 0);
	return 0;
}
