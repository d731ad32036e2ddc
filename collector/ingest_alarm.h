/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_alarm - makes an alarm of watch.h a batch of its own, as a sensor would send it: it is
 * stored, found and matched like one.  Its node is the one that it is about; its boot is this run
 * of the collector.
 * Thread: ingest.  Memory: a frame codec, and a batch for each call. */
#pragma once
#include "collector/watch.h"
#include "lib/buf.h"

struct alarm_writer;

/* Returns 0, -ENOMEM or another negative errno. */
NODISCARD int alarm_writer_new(struct alarm_writer **ret);
struct alarm_writer *alarm_writer_free(struct alarm_writer *w);
DEFINE_FREEP(alarm_writer)

/* Appends the frame of @alarm, which happened at @now_ns, to @out.  Returns 0, -EINVAL (a node
 * without an id) or -ENOMEM. */
NODISCARD int alarm_write(struct alarm_writer *w, const struct watch_alarm *alarm, uint64_t now_ns,
			  struct buf *out);
