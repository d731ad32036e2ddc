/* SPDX-License-Identifier: Apache-2.0 */
/* users - names of user and group ids, from /etc/passwd and /etc/group: the host's, which are read
 * again when their time of change changes, looked at most once a second; or a container's, read
 * once, with the ids of its user namespace.
 * Directory services are not asked: that would block the consumer.
 * Thread: one owner at a time.  Memory: the files' text, bounded. */
#pragma once
#include "lib/util.h"

enum { USERS_FILE_BYTES = 4 << 20, USERS_CONTAINER_BYTES = 256 << 10, USERS_ENTRIES = 65536 }; /* what lies beyond has no name */

struct users;

/* Reads both files; one that is missing knows no names.  *ret is freed with users_free().
 * Returns 0 or -ENOMEM. */
NODISCARD int users_new(struct users **ret, const char *passwd_path, const char *group_path);

/* The same from two open files (-1: no names) of a container, at most USERS_CONTAINER_BYTES each.
 * @uid_map, @gid_map: text of /proc/PID/uid_map and gid_map; ids outside of them have no name. */
NODISCARD int users_new_container(struct users **ret, int passwd, int group, const char *uid_map,
				  const char *gid_map);
struct users *users_free(struct users *u);
DEFINE_FREEP(users)

/* Looks whether the files changed, at most once a second of @now_ns (any steady clock). */
void users_refresh(struct users *u, uint64_t now_ns);

/* Name of an id, NULL when unknown.  Lives until the next users_refresh(). */
const char *users_name(const struct users *u, uint32_t uid);
const char *users_group(const struct users *u, uint32_t gid);
