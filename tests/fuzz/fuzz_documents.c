/* SPDX-License-Identifier: Apache-2.0 */
/* Documents, a JSON object a line: all are taken and made a batch that loads, or the place of what
 * is wrong is told. */
#include <assert.h>

#include "tests/collector/fixture.h"

#include "collector/day.h"
#include "collector/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct store *store;
static struct store_reader *reader;
static struct importer *importer;
static char dir[128];

static void remove_all(void)
{
	importer_free(importer);
	store_reader_free(reader);
	store_free(store);
	fixture_remove(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_BUF struct buf records = { 0 };
	struct import_result got = { 0 };
	struct diag d = { 0 };
	AUTO(block) *b = NULL;
	int r;

	if (!store) {
		fixture_folder(dir);
		r = store_open(&store, dir, &d);
		assert(r == 0);
		r = store_reader_new(store, &reader);
		assert(r == 0);
		r = importer_new(&importer, reader);
		assert(r == 0);
		atexit(remove_all);
	}
	if (n && *data == 'R') /* fuzz_import has batches */
		return 0;
	r = import_gather(importer, data, n, 1, NULL, &records, &got, &d);
	assert(r == 0 || r == -EBADMSG || r == -ENOMEM);
	assert(r != -EBADMSG || (d.line && d.column && d.text[0] && records.n == 0));
	assert(block_new(&b) == 0);
	for (size_t at = 0; at < records.n;) {
		uint32_t size;

		memcpy(&size, records.data + at + 4, sizeof(size));
		at += DAY_RECORD_HEADER_BYTES;
		r = block_load(b, records.data + at, size, NULL);
		assert(r == 0 && block_info(b)->n_events);
		at += size;
	}
	return 0;
}
