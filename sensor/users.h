/* SPDX-License-Identifier: Apache-2.0 */
/* users - names of user and group ids, from the host's /etc/passwd and /etc/group.
 *
 * Files are read again when their time of change changes, looked at most once a second.  Names in
 * containers may differ: an id is always named as the host names it, and has no name when the host
 * does not know it.  Directory services are not asked: that would block the consumer.
 * Thread: sensor consumer.  Memory: the files' text, bounded. */
#pragma once
#include "lib/util.h"

enum { USERS_FILE_BYTES = 4 << 20, USERS_ENTRIES = 65536 }; /* what lies beyond has no name */

struct users;

/* Reads both files; one that is missing knows no names.  *ret is freed with users_free().
 * Returns 0 or -ENOMEM. */
NODISCARD int users_new(struct users **ret, const char *passwd_path, const char *group_path);
struct users *users_free(struct users *u);
DEFINE_FREEP(users)

/* Looks whether the files changed, at most once a second of @now_ns (any steady clock). */
void users_refresh(struct users *u, uint64_t now_ns);

/* Name of an id, NULL when unknown.  Lives until the next users_refresh(). */
const char *users_name(const struct users *u, uint32_t uid);
const char *users_group(const struct users *u, uint32_t gid);
