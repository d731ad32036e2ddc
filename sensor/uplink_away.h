/* SPDX-License-Identifier: Apache-2.0 */
/* uplink_away - why a collector cannot be dialled, by what NNG counts of its dialer: it tries again
 * by itself and tells nobody. Thread: any.  Memory: a snapshot of NNG's counters during the call.
 */
#pragma once
#include <nng/nng.h>

#include "lib/util.h"

/* What the tries of @dialer failed by most, as a sentence; "no answer" when it has not failed. */
const char *uplink_away_reason(nng_dialer dialer);
