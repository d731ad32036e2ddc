/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/import.h"

#include <string.h>

#include "collector/day.h"
#include "lib/limits.h"
#include "lib/timestamp.h"

enum { GROUP_BATCHES = 64 };

enum { E_RECORD = 1 };

/* Reads the next record.  Returns E_RECORD, 0 at the end, -EBADMSG or another negative errno. */
static int read_record(FILE *f, uint8_t header[DAY_RECORD_HEADER_BYTES], struct buf *frame,
		       struct diag *d)
{
	size_t got = fread(header, 1, DAY_RECORD_HEADER_BYTES, f);
	uint32_t n;

	if (got == 0 && !ferror(f))
		return 0;
	memcpy(&n, header + 4, sizeof(n));
	if (got != DAY_RECORD_HEADER_BYTES || memcmp(header, "RSEG", 4) != 0 ||
	    n > LIMIT_FRAME_BYTES)
		return diag_set(
			d, err_origin(-EBADMSG), 0, 0,
			"no batch stands here: a file of rtsecctl export --format batches, or "
			"a collector's .frames file is expected");
	buf_clear(frame);
	if (!buf_reserve(frame, MAX(n, 1u)))
		return err_origin(-ENOMEM);
	if (fread(frame->data, 1, n, f) != n)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "the file ends within a batch");
	frame->n = n;
	return E_RECORD;
}

/* Stores one batch, if it is a good one.  Returns 0 or a negative errno of the store. */
static int take(struct store *s, struct block *b, const void *header, const struct buf *frame,
		struct import_result *ret)
{
	int r = day_frame_check(header, frame->data, frame->n) ? 0 : -EBADMSG;

	if (r == 0)
		r = block_load(b, frame->data, frame->n, NULL);
	if (r == 0 && block_info(b)->n_events == 0)
		r = -EBADMSG; /* heartbeats are not stored */
	if (r == 0)
		r = store_append(s, b, frame->data, frame->n, store_arrival(s, timestamp_now()));
	ret->batches += r == 0;
	ret->events += r == 0 ? block_info(b)->n_events : 0;
	ret->there += r == STORE_E_DUPLICATE;
	ret->refused += r == STORE_E_CONFLICT || r == -EBADMSG;
	return r == -EBADMSG || r > 0 ? 0 : r;
}

int import_file(struct store *s, FILE *f, struct import_result *ret, struct diag *d)
{
	uint8_t header[DAY_RECORD_HEADER_BYTES];
	AUTO_BUF struct buf frame = { 0 };
	AUTO(block) *b = NULL;
	unsigned n = 0;
	int r = block_new(&b), committed;

	memset(ret, 0, sizeof(*ret));
	while (r == 0 && (r = read_record(f, header, &frame, d)) == E_RECORD) {
		r = take(s, b, header, &frame, ret);
		ret->at += sizeof(header) + frame.n;
		if (r == 0 && ++n % GROUP_BATCHES == 0)
			r = store_commit(s);
	}
	committed = store_commit(s);
	if (r == 0 || r == -EBADMSG)
		r = committed < 0 ? committed : r;
	if (r < 0 && r != -EBADMSG)
		diag_set(d, r, 0, 0, "the batches cannot be stored: %s", strerror(-r));
	return r;
}
