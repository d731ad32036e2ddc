/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pace.h"

#include "lib/monotonic.h"

static const uint64_t prompt_ns = (uint64_t)PACE_PROMPT_MS * NS_PER_MS;
static const uint64_t slow_ns = (uint64_t)PACE_SLOW_MS * NS_PER_MS;
static const uint64_t price_ns = NS_PER_S; /* of a batch */

/* Somebody has said how long; 0: nobody. */
static uint64_t said_ns(const struct pace *p)
{
	if (p->asked_ns)
		return MIN(p->asked_ns, p->fixed_ns ? p->fixed_ns : prompt_ns);
	return p->fixed_ns;
}

static uint64_t credit_ns(const struct pace *p, uint64_t now_ns)
{
	return MIN(p->credit_ns + MIN(now_ns - p->credited_ns, PACE_CREDIT * price_ns),
		   PACE_CREDIT * price_ns);
}

static uint64_t left_of(uint64_t since_ns, uint64_t linger_ns, uint64_t now_ns)
{
	uint64_t age = now_ns - since_ns;

	return age < linger_ns ? linger_ns - age : 0;
}

/* Until the batch may go that a priority event is in: its time, and credit. */
static uint64_t priority_left(const struct pace *p, uint64_t now_ns)
{
	uint64_t credit = credit_ns(p, now_ns), left = left_of(p->priority_ns, prompt_ns, now_ns);

	return p->busy || credit >= price_ns ? left : MAX(left, price_ns - credit);
}

void pace_init(struct pace *p, uint32_t fixed_ms)
{
	*p = (struct pace){ .fixed_ns = (uint64_t)fixed_ms * NS_PER_MS,
			    .credit_ns = PACE_CREDIT * price_ns };
}

void pace_look(struct pace *p, const struct pace_turn *turn, uint64_t now_ns)
{
	/* What did not wake us may have come right after we looked. */
	uint64_t unseen_ns = said_ns(p) || p->looked_ns == 0 ? now_ns : p->looked_ns;

	if (p->sealed_ns == 0)
		p->sealed_ns = now_ns;
	p->asked_ns = (uint64_t)turn->asked_ms * NS_PER_MS;
	p->looked_ns = now_ns;
	p->events += turn->events;
	p->busy = p->busy && turn->events;
	p->woken = turn->woken;
	if (!turn->priority)
		p->priority_ns = 0;
	else if (p->priority_ns == 0)
		p->priority_ns = now_ns;
	if (!turn->bulk)
		p->bulk_ns = 0;
	else if (p->bulk_ns == 0)
		p->bulk_ns = unseen_ns;
}

uint64_t pace_left_ns(const struct pace *p, uint64_t now_ns)
{
	uint64_t said = said_ns(p), left = UINT64_MAX;

	if (p->priority_ns)
		left = said ? left_of(p->priority_ns, said, now_ns) : priority_left(p, now_ns);
	if (p->bulk_ns)
		left = MIN(left, left_of(p->bulk_ns,
					 said	   ? said
					 : p->busy ? prompt_ns
						   : slow_ns,
					 now_ns));
	return left;
}

void pace_sealed(struct pace *p, uint64_t now_ns)
{
	uint64_t credit = credit_ns(p, now_ns);
	uint64_t span_ns = MAX(MIN(now_ns - p->sealed_ns, price_ns * PACE_CREDIT), prompt_ns);

	p->busy = p->events * NS_PER_S >= PACE_BUSY_RATE * span_ns;
	if (p->priority_ns && !p->busy && !said_ns(p))
		credit -= MIN(credit, price_ns);
	p->credit_ns = credit;
	p->credited_ns = now_ns;
	p->sealed_ns = now_ns;
	p->events = 0;
	p->priority_ns = p->bulk_ns = 0;
}

uint64_t pace_sleep_ns(const struct pace *p, uint64_t now_ns, enum rec_wake *ret_wake)
{
	uint64_t left = MIN(pace_left_ns(p, now_ns), NS_PER_S);
	bool open = p->priority_ns || p->bulk_ns;

	if (said_ns(p)) {
		*ret_wake = open ? REC_WAKE_FILL : REC_WAKE_FIRST;
		return left;
	}
	*ret_wake = REC_WAKE_FILL;
	if (p->busy || p->woken) /* ten times a second, not more */
		return MIN(left, prompt_ns);
	if (open && left <= prompt_ns)
		return left;
	*ret_wake = REC_WAKE_PRIORITY;
	return left;
}
