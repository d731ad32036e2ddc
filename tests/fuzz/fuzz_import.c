/* SPDX-License-Identifier: Apache-2.0 */
/* A file of saved batches, as rtsec-collector import takes it: each batch is stored or refused, and
 * the file is read to its end or told to be none.  Imported again, all of it is there. */
#include <assert.h>

#include "tests/collector/fixture.h"

#include "collector/import.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_day)

enum { STORED_MAX = 200 }; /* batches, then the store is made anew */

static struct {
	struct store *store;
	struct store_reader *reader;
	struct importer *importer;
	char dir[128];
	uint64_t n_stored;
} all;

static void end(void)
{
	importer_free(all.importer);
	store_reader_free(all.reader);
	store_free(all.store);
	fixture_remove(all.dir);
}

static void begin(void)
{
	struct diag d = { 0 };
	int r;

	fixture_folder(all.dir);
	r = store_open(&all.store, all.dir, &d);
	assert(r == 0);
	r = store_reader_new(all.store, &all.reader);
	assert(r == 0);
	r = importer_new(&all.importer, all.reader);
	assert(r == 0);
	all.n_stored = 0;
}

static int import(const uint8_t *data, size_t n, struct import_result *got)
{
	AUTO_BUF struct buf records = { 0 };
	struct diag d = { 0 };
	int r = import_gather(all.importer, data, n, 1, NULL, &records, got, &d), stored;

	assert(r == 0 || r == -EBADMSG || r == -ENOMEM);
	assert(r == 0 || d.text[0] || r == -ENOMEM);
	assert(got->at <= n);
	stored = import_append(all.store, &records, NULL, NULL, got);
	assert(stored == 0);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct import_result first = { 0 }, second = { 0 };
	int r;

	if (!all.importer) {
		begin();
		atexit(end);
	}
	if (n && *data != 'R') /* fuzz_documents has those */
		return 0;
	r = import(data, n, &first);
	/* What is refused may have two events of one number, or a number that another batch has. */
	if (import(data, n, &second) == r && r == 0 && second.refused == 0)
		assert(second.events == 0);
	all.n_stored += first.batches;
	if (all.n_stored > STORED_MAX) {
		end();
		begin();
	}
	return 0;
}
