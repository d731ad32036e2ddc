/* SPDX-License-Identifier: Apache-2.0 */
/* disk - watches the free space of the collector's folder, so that it stops taking batches before
 * the disk is full: below the limit those with bulk events only, below half of it all. Thread:
 * disk_check() one; disk_state() and disk_free_bytes() any. */
#pragma once
#include <stdatomic.h>

#include "lib/diag.h"

enum disk_state { DISK_OK, DISK_LOW, DISK_FULL };

struct disk_space {
	uint64_t free_bytes, total_bytes; /* free: for us */
};
/* Returns 0 or a negative errno. */
typedef int (*disk_space_fn)(const char *dir, struct disk_space *ret);

/* As the limit: 1 GiB, or 1 % of a smaller disk. */
#define DISK_AUTO UINT64_MAX

struct disk {
	char dir[512]; /* "": nothing is watched */
	uint64_t min_free_bytes;
	disk_space_fn ask;
	_Atomic int state;
	_Atomic uint64_t free_bytes;
	bool blind; /* could not be asked the last time */
};

/* @dir NULL or @min_free_bytes 0: never low.  @ask NULL: statvfs(). */
void disk_init(struct disk *d, const char *dir, uint64_t min_free_bytes, disk_space_fn ask);

/* Another @min_free_bytes from the next look on. */
void disk_set_limit(struct disk *d, uint64_t min_free_bytes);

/* Looks, and logs a change.  To be low is over when a sixteenth more than the limit is free. */
void disk_check(struct disk *d);

enum disk_state disk_state(const struct disk *d);
uint64_t disk_free_bytes(const struct disk *d); /* as of the last look */
