/* SPDX-License-Identifier: Apache-2.0 */
/* Files of ours with checksums: what is changed in them is summed again. */
#include "tests/fuzz/mutate.h"

#include <endian.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sensor/spool_record.h"

/* ---- a day's frames ---- */

enum { DAY_HEADER = 24, RECORDS_MAX = 64 };

struct piece {
	size_t at, n; /* header included */
};

static size_t find_records(const uint8_t *data, size_t n, struct piece *ret)
{
	size_t count = 0;

	for (size_t at = 0; at + DAY_HEADER <= n && count < RECORDS_MAX;) {
		uint32_t size;

		memcpy(&size, data + at + 4, sizeof(size));
		if (memcmp(data + at, "RSEG", 4) != 0 || size > n - at - DAY_HEADER)
			break;
		ret[count++] = (struct piece){ at, DAY_HEADER + size };
		at += DAY_HEADER + size;
	}
	return count;
}

static void sum_record(uint8_t *record, size_t n)
{
	uint32_t size = htole32((uint32_t)(n - DAY_HEADER));
	uint64_t ingested, sum;

	memcpy(&ingested, record + 8, sizeof(ingested));
	sum = htole64(XXH3_64bits_withSeed(record + DAY_HEADER, n - DAY_HEADER, le64toh(ingested)));
	memcpy(record, "RSEG", 4);
	memcpy(record + 4, &size, sizeof(size));
	memcpy(record + 16, &sum, sizeof(sum));
}

/* One record is changed, doubled or taken away. */
size_t mutate_day(uint8_t *data, size_t n, size_t max)
{
	struct piece pieces[RECORDS_MAX], p;
	size_t count = find_records(data, n, pieces), after, changed;
	uint8_t *record;

	if (count == 0)
		return 0;
	p = pieces[mutate_below((uint32_t)count)];
	after = n - p.at - p.n;
	if (count > 1 && mutate_below(10) == 0) {
		memmove(data + p.at, data + p.at + p.n, after);
		return n - p.n;
	}
	if (mutate_below(10) == 0 && n + p.n <= max) {
		memmove(data + p.at + p.n, data + p.at, after + p.n);
		return n + p.n;
	}
	record = malloc(max);
	if (!record)
		return 0;
	memcpy(record, data + p.at, p.n);
	if (mutate_below(8) == 0)
		record[8 + mutate_below(8)] ^= (uint8_t)(1 << mutate_below(8));
	changed = mutate_frame_of_batch(record + DAY_HEADER, p.n - DAY_HEADER,
					max - p.at - after - DAY_HEADER);
	if (changed) {
		changed += DAY_HEADER;
		if (mutate_below(20))
			sum_record(record, changed);
		memmove(data + p.at + changed, data + p.at + p.n, after);
		memcpy(data + p.at, record, changed);
		n = n - p.n + changed;
	}
	free(record);
	return changed ? n : 0;
}

/* ---- the spool ---- */

enum { SEGMENT = 1, FRAME_BYTES_AT = 8, LOSSES_AT = 12, BODY_HASH_AT = 96, HEAD_HASH_AT = 112 };

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* Makes what stands at @at a record that fits into the @n bytes of the file.  Returns its size. */
static size_t sum_spooled(uint8_t *file, size_t at, size_t n)
{
	uint8_t *head = file + at;
	size_t room = (n - at - SPOOL_HEAD_BYTES) / SPOOL_ALIGN * SPOOL_ALIGN;
	uint32_t losses = MIN(get32(head + LOSSES_AT), (uint32_t)(room / 48));
	uint32_t frame = MIN(get32(head + FRAME_BYTES_AT), (uint32_t)(room - losses * 48));
	size_t body = (losses * 48 + frame + SPOOL_ALIGN - 1) / SPOOL_ALIGN * SPOOL_ALIGN;

	put32(head + FRAME_BYTES_AT, frame);
	put32(head + LOSSES_AT, losses);
	for (uint32_t i = 0; i < losses; i++) { /* of a class and cause that there are */
		uint8_t *loss = head + SPOOL_HEAD_BYTES + i * 48;

		put32(loss + 40, get32(loss + 40) % CLASS_MAX);
		put32(loss + 44, get32(loss + 44) % LOSS_CAUSES);
	}
	put64(head + BODY_HASH_AT, XXH3_64bits(head + SPOOL_HEAD_BYTES, body));
	put64(head + HEAD_HASH_AT,
	      XXH3_64bits_withSeed(head, HEAD_HASH_AT,
				   SEGMENT * UINT64_C(0x9e3779b97f4a7c15) + at));
	if (mutate_below(8) == 0)
		memcpy(head + SPOOL_DONE_AT, &spool_done_mark, sizeof(spool_done_mark));
	return SPOOL_HEAD_BYTES + body;
}

size_t mutate_spool(uint8_t *data, size_t n, size_t max)
{
	size_t at;

	n = LLVMFuzzerMutate(data, n, max);
	if (n && mutate_below(6) == 0 && max - n > SPOOL_HEAD_BYTES + 96) { /* one more record */
		at = (n - 1) / SPOOL_ALIGN * SPOOL_ALIGN + 1;
		memset(data + at, 0, SPOOL_HEAD_BYTES + 96);
		memcpy(data + at, "RTSPREC1", 8);
		put32(data + at + FRAME_BYTES_AT, mutate_below(48));
		put32(data + at + LOSSES_AT, mutate_below(2));
		for (size_t i = 16; i < BODY_HASH_AT; i++)
			data[at + i] = mutate_below(2) ? 0 : (uint8_t)mutate_below(256);
		n = MAX(n, at + SPOOL_HEAD_BYTES + 96);
	}
	for (at = 0; at + SPOOL_HEAD_BYTES + 1 <= n; at += SPOOL_ALIGN)
		if (memcmp(data + 1 + at, "RTSPREC1", 8) == 0 && mutate_below(12))
			at += sum_spooled(data + 1, at, n - 1) - SPOOL_ALIGN;
	return n;
}
