/* SPDX-License-Identifier: Apache-2.0 */
/* import - takes batches from a file into a store: what rtsecctl export --format batches wrote, or
 * a frames file of a day (collector/day.h), from this collector or another. Thread: the store's
 * writer.  Memory: the record at hand. */
#pragma once
#include <stdio.h>

#include "collector/store.h"

struct import_result {
	uint64_t batches, events; /* that are new */
	uint64_t there;		  /* batches that were there before */
	uint64_t refused; /* batches that are damaged, break a limit, or differ from one that is
			     there */
	uint64_t at;	  /* bytes of the file that were read */
};

/* Reads @f to its end.  Each batch is checked as if a sensor had sent it.  Returns 0; -EBADMSG: the
 * file is no such file or ends within a batch: what came before is stored; or another negative
 * errno of reading or of the store; with @d. */
NODISCARD int import_file(struct store *s, FILE *f, struct import_result *ret, struct diag *d);
