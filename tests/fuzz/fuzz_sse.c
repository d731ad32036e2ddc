/* SPDX-License-Identifier: Apache-2.0 */
/* A stream must give the same events in one piece and byte by byte; both end with the same id. */
#include <assert.h>

#include "ctl/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int record(const struct sse_event *e, void *arg)
{
	buf_str(arg, e->type);
	buf_byte(arg, 0);
	buf_str(arg, e->id);
	buf_byte(arg, 0);
	buf_add(arg, e->data, e->n);
	buf_byte(arg, 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sse whole = { 0 }, bytes = { 0 };
	struct buf a = { 0 }, b = { 0 };
	int r = sse_feed(&whole, data, n, record, &a), s = 0;

	for (size_t i = 0; i < n && s == 0; i++)
		s = sse_feed(&bytes, data + i, 1, record, &b);
	assert(r == s);
	assert(a.n == b.n && (a.n == 0 || memcmp(a.data, b.data, a.n) == 0));
	assert(strcmp(sse_last_id(&whole), sse_last_id(&bytes)) == 0);
	sse_reset(&whole);
	assert(strcmp(sse_last_id(&whole), sse_last_id(&bytes)) == 0);
	sse_done(&whole);
	sse_done(&bytes);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
