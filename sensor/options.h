/* SPDX-License-Identifier: Apache-2.0 */
/* options - the sensor's settings: one table from which parser and --help come.
 * Thread: main, at start.  Memory: strings stay in argv. */
#pragma once
#include "lib/batch.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "sensor/spool.h"

enum { OPTIONS_IGNORED = 6 };

struct options {
	const char *collector, *state_dir, *node_id, *node_name, *only_netns;
	struct batch_label labels[LIMIT_LABELS];
	size_t n_labels;
	uint32_t ignored[OPTIONS_IGNORED];
	size_t n_ignored;
	uint64_t ring_bytes, priority_ring_bytes, queue_bytes, max_processes, linger_ms;
	uint64_t spool_bytes, spool_age_s;
	enum spool_sync spool_sync;
	enum log_level log_level;
	bool insecure, version, help;
};

/* Fills @ret from the command line, over the defaults.  Label keys are cut out of argv in place.
 * Returns 0, or -EINVAL with @d. */
NODISCARD int options_parse(struct options *ret, int argc, char **argv, struct diag *d);

/* Writes the help text to @f. */
void options_help(FILE *f);

/* A number with an optional K, M or G (1024 each).  Returns 0 or -EINVAL. */
NODISCARD int options_size(const char *s, uint64_t *ret);
