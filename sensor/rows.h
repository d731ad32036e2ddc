/* SPDX-License-Identifier: Apache-2.0 */
/* rows - writes processes into a batch's process table, each once per batch, parents first.
 * Thread: sensor consumer.  Memory: a scratch for argument lists. */
#pragma once
#include "sensor/gather.h"
#include "sensor/hashes.h"
#include "sensor/proctab.h"
#include "sensor/users.h"

enum {
	ROWS_ARGS = 16384,	     /* arguments of one process that are told */
	ROWS_LIST_VALUES = 96 << 10, /* list values of a batch after which it should be sealed */
};

struct rows {
	struct proctab *table;
	const struct users *users;
	struct hashes *hashes; /* NULL: executables are not hashed */
	uint64_t offset_ns;    /* since boot to since 1970 */
	uint32_t args[ROWS_ARGS];
};

/* Row (1-based) of version @v of @p in @g's batch, added with its parents and leaders when it is
 * not there yet. */
uint32_t rows_of(struct rows *r, struct gather *g, struct proc *p, struct proc_version *v);
