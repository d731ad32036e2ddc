/* SPDX-License-Identifier: Apache-2.0 */
/* A file of saved batches, as rtsec-collector import takes it: each batch is stored or refused, and
 * the file is read to its end or told to be none. */
#include <assert.h>
#include <stdio.h>

#include "tests/collector/fixture.h"

#include "collector/import.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_day)

static struct store *store;
static char dir[128];

static void remove_all(void)
{
	store = store_free(store);
	fixture_remove(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	FILE *f = n ? fmemopen((void *)(uintptr_t)data, n, "r") : NULL;
	struct import_result got;
	struct diag d = { 0 };
	int r;

	if (!store) {
		fixture_folder(dir);
		r = store_open(&store, dir, &d);
		assert(r == 0);
		atexit(remove_all);
	}
	if (!f)
		return 0;
	r = import_file(store, f, &got, &d);
	fclose(f);
	assert(r == 0 || r == -EBADMSG || r == -ENOMEM);
	assert(r == 0 || d.text[0] || r == -ENOMEM);
	assert(got.at <= n);
	return 0;
}
