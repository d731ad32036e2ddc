/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/disk.h"

#include <sys/statvfs.h>

#include "lib/log.h"

static const uint64_t gib = UINT64_C(1) << 30;

static int ask_system(const char *dir, struct disk_space *ret)
{
	struct statvfs s;

	if (statvfs(dir, &s) < 0)
		return err_origin(-errno);
	ret->free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
	ret->total_bytes = (uint64_t)s.f_blocks * s.f_frsize;
	return 0;
}

void disk_init(struct disk *d, const char *dir, uint64_t min_free_bytes, disk_space_fn ask)
{
	memset(d, 0, sizeof(*d));
	if (dir)
		snprintf(d->dir, sizeof(d->dir), "%s", dir);
	d->min_free_bytes = min_free_bytes;
	d->ask = ask ? ask : ask_system;
}

void disk_set_limit(struct disk *d, uint64_t min_free_bytes)
{
	d->min_free_bytes = min_free_bytes;
}

static uint64_t limit_of(const struct disk *d, const struct disk_space *s)
{
	return d->min_free_bytes == DISK_AUTO ? MIN(gib, s->total_bytes / 100) : d->min_free_bytes;
}

/* A state that is better than @was needs a sixteenth more. */
static enum disk_state judge(enum disk_state was, uint64_t free_bytes, uint64_t limit)
{
	enum disk_state now = DISK_OK;

	if (free_bytes < limit / 2 + (was >= DISK_FULL ? limit / 32 : 0))
		now = DISK_FULL;
	else if (free_bytes < limit + (was >= DISK_LOW ? limit / 16 : 0))
		now = DISK_LOW;
	return now;
}

static void tell(const struct disk *d, enum disk_state state, uint64_t limit)
{
	static const char *const taken[] = { "all", "priority", "none" };
	unsigned long long bytes = disk_free_bytes(d), least = limit;

	if (state == DISK_OK)
		log_info("disk.recovered", "dir=%s free_bytes=%llu batches_taken=all", d->dir,
			 bytes);
	else
		log_error("disk.low", "dir=%s free_bytes=%llu limit_bytes=%llu batches_taken=%s",
			  d->dir, bytes, least, taken[state]);
}

void disk_check(struct disk *d)
{
	enum disk_state was = disk_state(d), now;
	struct disk_space s = { 0 };
	uint64_t limit;
	int r = d->dir[0] ? d->ask(d->dir, &s) : 0;

	if (r < 0 && !d->blind)
		log_warn("disk.unknown", "dir=%s error=\"%s\"", d->dir, strerror(-r));
	d->blind = r < 0;
	if (r < 0 || !d->dir[0])
		return;
	limit = limit_of(d, &s);
	now = judge(was, s.free_bytes, limit);
	atomic_store(&d->free_bytes, s.free_bytes);
	atomic_store(&d->state, (int)now);
	if (now != was)
		tell(d, now, limit);
}

enum disk_state disk_state(const struct disk *d)
{
	return (enum disk_state)atomic_load(&d->state);
}

uint64_t disk_free_bytes(const struct disk *d)
{
	return atomic_load(&d->free_bytes);
}
