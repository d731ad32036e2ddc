/* SPDX-License-Identifier: Apache-2.0 */
/* sample - an event written by hand, as the block that a sensor would have sent: for the tests that
 * rules carry, and for trying a rule out.
 *
 *   event.action: exec                     which kind; event.category too where two share a name
 *   process.executable: /usr/bin/curl      a field of docs/fields.md and its value
 *   process.command_line: curl -s http://h  made a list of arguments at its blanks
 *   after: 5s                              since the first event of the test; default: 1 s a step
 *
 * What a sensor would fill in is filled in: process.name and process.args from the executable, an
 * entity id of each process (by its pid where that is told), event.outcome success.
 * Thread: one owner at a time.  Memory: a batch and a block, kept from event to event. */
#pragma once
#include "lib/block.h"
#include "lib/yaml.h"

struct sample;

NODISCARD int sample_new(struct sample **ret);
struct sample *sample_free(struct sample *s);
DEFINE_FREEP(sample)

/* Makes event @number (0 the first) out of the map @event.  *ret_block lives in @s until the next
 * call.  Returns 0, -EINVAL (@d has the place and what was expected) or -ENOMEM. */
NODISCARD int sample_event(struct sample *s, const struct yaml_node *event, uint32_t number,
			   struct block **ret_block, struct diag *d);
