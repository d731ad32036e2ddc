/* SPDX-License-Identifier: Apache-2.0 */
/* alert_watch - alerts as they are made and changed, as server-sent events:
 *
 *   id: 17                  number of the change; a client that comes back names it (Last-Event-ID)
 *   event: alert
 *   data: {"id":3,...}      the alert as it is now
 *
 * An alert that changed several times between two looks is told once.  A client that is slow gets
 * the next ones later; nothing is dropped, for all of it is in main.db.
 * Thread: the loop. */
#pragma once
#include "collector/request.h"

struct alert_watches;

NODISCARD int alert_watches_new(struct alert_watches **ret, struct server *s);
struct alert_watches *alert_watches_free(struct alert_watches *w);

/* Answers @r by a stream, or a problem.  The parameters are those of the list of alerts. */
void alert_watch_open(struct alert_watches *w, struct request *r);

/* Called some times a second while there are connections. */
void alert_watches_tick(struct alert_watches *w);
