/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/day_record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/limits.h"

static const char magic[4] = { 'R', 'S', 'E', 'G' };
_Static_assert(sizeof(struct day_record_header) == DAY_RECORD_HEADER_BYTES, "as told above");

static uint64_t hash_of(const void *frame, size_t n, uint64_t ingested_ns)
{
	return XXH3_64bits_withSeed(frame, n, ingested_ns);
}

void day_frame_header(void *header, const void *frame, size_t n, uint64_t ingested_ns)
{
	struct day_record_header h = { .n = (uint32_t)n,
				       .ingested_ns = ingested_ns,
				       .hash = hash_of(frame, n, ingested_ns) };

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(header, &h, sizeof(h));
}

bool day_frame_check(const void *header, const void *frame, size_t n)
{
	struct day_record_header h;

	memcpy(&h, header, sizeof(h));
	return memcmp(h.magic, magic, sizeof(magic)) == 0 && h.n == n &&
	       h.hash == hash_of(frame, n, h.ingested_ns);
}

enum day_record day_record_at(const void *data, size_t n, uint32_t *ret_frame_bytes)
{
	struct day_record_header h;

	if (n < sizeof(h))
		return DAY_RECORD_NONE;
	memcpy(&h, data, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.n > LIMIT_FRAME_BYTES)
		return DAY_RECORD_NONE;
	*ret_frame_bytes = h.n;
	return h.n <= n - sizeof(h) ? DAY_RECORD_WHOLE : DAY_RECORD_CUT;
}

int day_write_all(int fd, const void *data, size_t n, uint64_t at)
{
	const uint8_t *from = data;

	while (n > 0) {
		ssize_t done = pwrite(fd, from, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_origin(done < 0 ? -errno : -EIO);
		from += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int day_read_whole(int fd, void *to, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (uint8_t *)to + done, n - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? err_origin(-errno) : 0;
		done += (size_t)got;
	}
	return 1;
}
