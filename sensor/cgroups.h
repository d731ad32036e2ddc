/* SPDX-License-Identifier: Apache-2.0 */
/* cgroups - container of a cgroup v2 id, also after its processes have ended.
 *
 * An id is the file handle of its folder in cgroupfs, so the kernel itself turns it into a path
 * (open_by_handle_at(2), needs CAP_DAC_READ_SEARCH); the container id is then in the path, see
 * container_parse().  Where no cgroup v2 is mounted nothing is found.
 * Where controllers are still those of cgroup v1 (v1 alone, or hybrid), runtimes put containers
 * into v1 groups only: there an exec tells the id in the hierarchy of the cpu controller. Thread:
 * sensor consumer.  Memory: a fixed cache; ids are never used again within a boot. */
#pragma once
#include "sensor/containers.h"

struct cgroups;

/* @all: where containers are kept, borrowed.  @mount: folder of the cgroup v2 file system; NULL:
 * look it up in /proc/self/mounts. Returns 0 or -ENOMEM.  *ret is freed with cgroups_free(). */
NODISCARD int cgroups_new(struct cgroups **ret, const char *mount, struct containers *all);
struct cgroups *cgroups_free(struct cgroups *c);
DEFINE_FREEP(cgroups)

/* Has @seen told of each cgroup v2 id when it is looked up first, or again: which container's it
 * is, "" for none.  Not of those whose path is not known. */
void cgroups_tell(struct cgroups *c, void (*seen)(void *arg, uint64_t id, const char *container),
		  void *arg);

/* Container of cgroup @id, lent until the next call; NULL: in none, or not known. */
struct container *cgroups_find(struct cgroups *c, uint64_t id);

/* The same of @id in the hierarchy of the cpu controller; NULL also where that is cgroup v2. */
struct container *cgroups_find_v1(struct cgroups *c, uint64_t id);
