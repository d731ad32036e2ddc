/* SPDX-License-Identifier: Apache-2.0 */
/* A segment file of the disk spool, any bytes: opening, reading and dropping it is safe, and what
 * it gives fits in it.  The first byte says what happens with it. */
#include "sensor/spool.h"

#include <fcntl.h>
#include <stdio.h>

#include "sensor/spool_record.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
MUTATE_WITH(mutate_spool)

static void check(bool ok)
{
	if (!ok)
		abort();
}

static char dir[64];

static void remove_folder(void)
{
	(void)!rmdir(dir); /* a spool of which all is done has no files */
}

static const char *folder(void)
{
	if (!dir[0]) {
		snprintf(dir, sizeof(dir), "/dev/shm/rtsec-fuzz-XXXXXX");
		check(mkdtemp(dir) != NULL);
		atexit(remove_folder);
	}
	return dir;
}

static void put(const uint8_t *data, size_t n)
{
	AUTO_FD int fd = -1;
	char path[128];

	snprintf(path, sizeof(path), "%s/p-0000000000000001.seg", folder());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && write(fd, data, n) == (ssize_t)n);
}

static void read_all(struct spool *s, size_t n)
{
	struct outbox_frame *f;

	while (spool_next(s, &f) == 0) {
		check(f->n + SPOOL_HEAD_BYTES <= n && f->n_losses <= LOSSES_MAX);
		spool_done(s, &f->spooled);
		outbox_frame_free(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spool_config config = {
		.dir = folder(), .max_bytes = 1 << 20, .boot_id = { 7 }, .sync = SPOOL_SYNC_NEVER
	};
	AUTO(spool) *s = NULL;
	struct losses lost = { 0 };
	struct spool_totals totals;
	struct diag d = { 0 };

	if (n == 0)
		return 0;
	put(data + 1, n - 1);
	check(spool_new(&s, &config, &d) == 0);
	if (data[0] & 1) { /* pushed out by others */
		struct outbox_frame big = { .n = 1 << 19, .events = { 1, 0 } };
		struct spool_ref ref;

		big.data = calloc(1, big.n);
		check(spool_append(s, &big, false, &ref) == 0);
		check(spool_append(s, &big, false, &ref) == 0);
		free(big.data);
	}
	read_all(s, data[0] & 1 ? 1 << 20 : n);
	(void)spool_losses(s, &lost);
	spool_totals(s, &totals);
	check(totals.records == 0 && totals.files == 0 && totals.bytes == 0);
	return 0;
}
