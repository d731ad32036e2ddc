/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/linkclock.h"

static const uint64_t keep_ns = LINKCLOCK_KEEP_S * UINT64_C(1000000000);

enum { DRIFT = 5000 }; /* clocks drift by less than one in so many (200 ppm) */

/* @r as it holds now. */
static struct linkclock_range now(const struct linkclock *c, const struct linkclock_range *r)
{
	int64_t drift_ns = (int64_t)((c->now_ns - r->at_ns) / DRIFT);

	return (struct linkclock_range){ r->low_ns - drift_ns, r->high_ns + drift_ns, r->at_ns };
}

static bool apart(const struct linkclock_range *a, const struct linkclock_range *b)
{
	return a->high_ns < b->low_ns || b->high_ns < a->low_ns;
}

static int64_t width(const struct linkclock_range *r)
{
	return r->high_ns - r->low_ns;
}

/* True when @r cannot be, after what is known. */
static bool contradicts(const struct linkclock *c, const struct linkclock_range *r)
{
	struct linkclock_range best = now(c, &c->best), before = now(c, &c->before);

	return (c->has_best && apart(&best, r)) || (c->has_before && apart(&before, r));
}

static void begin_anew(struct linkclock *c)
{
	c->has_best = c->has_before = false;
	c->since_ns = c->now_ns;
}

void linkclock_note(struct linkclock *c, uint64_t sent_ns, uint64_t received_ns,
		    uint64_t answered_ns)
{
	struct linkclock_range r = { (int64_t)(sent_ns - received_ns),
				     (int64_t)(answered_ns - received_ns), answered_ns };
	struct linkclock_range best;

	if (received_ns == 0 || answered_ns < sent_ns)
		return; /* no time was told, or the clock was set under way */
	if (answered_ns + keep_ns < c->now_ns)
		c->has_best = c->has_before = false; /* it was set back; Acks may cross a little */
	if (!c->has_best || answered_ns > c->now_ns)
		c->now_ns = answered_ns;
	if (contradicts(c, &r))
		begin_anew(c);
	if (c->now_ns - c->since_ns > keep_ns) {
		c->before = c->best;
		c->has_before = c->has_best && c->now_ns - c->since_ns <= 2 * keep_ns;
		c->has_best = false;
		c->since_ns = c->now_ns;
	}
	best = now(c, &c->best);
	if (!c->has_best || width(&r) < width(&best))
		c->best = r;
	c->has_best = true;
}

bool linkclock_read(const struct linkclock *c, int64_t *ret_offset_ns, uint64_t *ret_error_ns)
{
	struct linkclock_range r = now(c, &c->best), before = now(c, &c->before);

	if (!c->has_best)
		return false;
	if (c->has_before && width(&before) < width(&r))
		r = before;
	*ret_offset_ns = r.low_ns + width(&r) / 2;
	*ret_error_ns = (uint64_t)width(&r) / 2 + 1;
	return true;
}
