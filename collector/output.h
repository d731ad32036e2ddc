/* SPDX-License-Identifier: Apache-2.0 */
/* output - alerts told to others: a webhook, Prometheus' Alertmanager, syslog over TLS, a file.
 *
 * What there is stands in outputs.yaml of the collector's folder (docs/outputs.md).  An output
 * follows the alert book by its own place in it, which is kept in main.db: over a restart nothing
 * is lost, and what was told last may be told again.  An alert is told when it is made, when its
 * state changes, and, while it goes on, every OUTPUT_REPEAT_NS.  Up to OUTPUT_GROUP alerts go as
 * one message.
 *
 * A message that does not get through is sent again with growing pauses; after OUTPUT_TRIES its
 * alerts are dead letters, kept in main.db until they are replayed, and the output goes on with the
 * next.
 * Threads: one of its own for all outputs; the calls below from any.  Memory: one message. */
#pragma once
#include <stdatomic.h>

#include "collector/alertbook.h"
#include "lib/json.h"

struct outputs;

#define OUTPUT_REPEAT_NS UINT64_C(300000000000)
enum {
	OUTPUT_MOST = 32,
	OUTPUT_GROUP = 50,
	OUTPUT_TRIES = 8,
	OUTPUT_FIRST_PAUSE_MS = 500,
	OUTPUT_LAST_PAUSE_MS = 60000,
};

/* Reads @dir/outputs.yaml, if it is there, and starts.  *ret is NULL without outputs.  Returns 0,
 * -EINVAL
 * (@d has the place in the file) or another negative errno. */
NODISCARD int outputs_start(struct outputs **ret, struct alertbook *book, const char *dir,
			    struct diag *d);
/* Reads @dir/outputs.yaml only.  Returns what outputs_start() would for that file, with @d. */
NODISCARD int outputs_check(const char *dir, struct diag *d);
/* Stops within a second or so, joins, gives the reference up.  NULL: no-op.  Returns NULL. */
struct outputs *outputs_stop(struct outputs *o);
/* One more that uses it, and one less: for calls from other threads than the one that stops it. */
struct outputs *outputs_ref(struct outputs *o);
struct outputs *outputs_unref(struct outputs *o);

/* Writes the outputs as an array: name, type, place, sent, failed, dead, error, silences.  NULL: an
 * empty one. */
void outputs_write(struct outputs *o, struct json *j);

/* Writes the newest dead letters of @name, at most @limit, as an array.  Returns 0, 1 (there is no
 * such output) or a negative errno. */
NODISCARD int outputs_dead(struct outputs *o, const char *name, uint32_t limit, struct json *j);

/* Sends one made-up alert by a connection of its own, and waits for that.  Returns 0, 1 (there
 * is no such output), -EIO (not taken; @d says why) or another negative errno.  @stop ends the
 * wait. */
NODISCARD int outputs_test(struct outputs *o, const char *name, const atomic_bool *stop,
			   struct diag *d);

/* Keeps @name from telling what the silence is for, or has it tell again.  Returns 0, 1 (there
 * is no such output, or silence), -ENOSPC (OUTPUT_SILENCES are there) or a negative errno. */
NODISCARD int outputs_silence(struct outputs *o, const char *name, struct alert_silence *s);
NODISCARD int outputs_silence_drop(struct outputs *o, const char *name, uint64_t id);

/* Of all outputs, for metrics: alerts told since start, tries that failed, dead letters. */
struct outputs_stats {
	uint64_t outputs, sent, failed, dead;
};
void outputs_stats(struct outputs *o, struct outputs_stats *ret); /* NULL: zeroes */

/* Sends the dead letters of @name again.  Returns 0, 1 (there is no such output) or a negative
 * errno; *ret_n of them. */
NODISCARD int outputs_replay(struct outputs *o, const char *name, uint64_t *ret_n);
