/* SPDX-License-Identifier: Apache-2.0 */
/* no_kernel - a sensor without eBPF: in the place of probe.c and ring.c a ring that holds numbered
 * events, one for every 10 ms of the time since boot, "$NUMBERS/000000001" and so on, as if files
 * were made all the time.  All else is rtsec-sensor: for many rounds of faults, and where no
 * programs can be loaded.
 *
 * What nobody reads is lost like what a kernel's ring cannot hold: a sensor that starts begins with
 * now. All names are weak: what is not replaced here brings the real ones back. Thread: sensor
 * consumer.  Memory: fixed. */
#include <time.h>

#include "sensor/ring.h"
#include "sensor/source.h"
#include "tests/sensor/make_record.h"

#define WEAK __attribute__((weak))

enum { STEP_MS = 10, MS_NS = 1000000 };

struct probe {
	struct probe_tier tier;
};

struct ring {
	uint64_t next; /* number */
	union made made;
};

static uint64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000u * MS_NS + (uint64_t)t.tv_nsec;
}

WEAK int probe_new(struct probe **ret, const struct probe_settings *settings, struct diag *d)
{
	(void)settings;
	(void)d;
	*ret = calloc(1, sizeof(struct probe));
	if (!*ret)
		return err_origin(-ENOMEM);
	(*ret)->tier = (struct probe_tier){ KIND_CREATION, "creation", "none", "creation=none" };
	return 0;
}

WEAK struct probe *probe_free(struct probe *p)
{
	free(p);
	return NULL;
}

WEAK const struct probe_tier *probe_tiers(const struct probe *p, size_t *ret_n)
{
	*ret_n = 1;
	return &p->tier;
}

WEAK const char *probe_note(const struct probe *p, size_t i)
{
	(void)p;
	(void)i;
	return NULL;
}

WEAK const struct guard_ids *probe_ids(const struct probe *p)
{
	(void)p;
	return NULL;
}

WEAK const char *probe_wrong(struct probe *p)
{
	(void)p;
	return NULL;
}

WEAK int probe_ignore_tgid(struct probe *p, uint32_t tgid)
{
	(void)p;
	(void)tgid;
	return 0;
}

WEAK void probe_links(const struct probe *p, struct guard_links *to)
{
	(void)p;
	(void)to;
}

WEAK int probe_loss(struct probe *p, struct probe_loss ret[REC_CLASSES][REC_CAUSES])
{
	(void)p;
	memset(ret, 0, sizeof(struct probe_loss) * REC_CLASSES * REC_CAUSES);
	return 0;
}

WEAK int probe_throttles(struct probe *p, struct probe_throttle *ret, size_t most)
{
	(void)p;
	(void)ret;
	(void)most;
	return 0;
}

WEAK int ring_new(struct ring **ret, struct probe *p)
{
	(void)p;
	*ret = calloc(1, sizeof(struct ring));
	if (!*ret)
		return err_origin(-ENOMEM);
	(*ret)->next = boot_ns() / (STEP_MS * MS_NS);
	return 0;
}

WEAK struct ring *ring_free(struct ring *r)
{
	free(r);
	return NULL;
}

static int give(struct ring *r, ring_record_fn *fn, void *arg)
{
	const char *folder = getenv("NUMBERS");
	char path[256];

	snprintf(path, sizeof(path), "%s/%09llu", folder ? folder : "/numbers",
		 (unsigned long long)r->next);
	made_open(&r->made, 1, 0, r->next * STEP_MS * MS_NS, path, 0);
	r->made.head.flags = REC_F_CREATED;
	r->next++;
	return fn(&r->made.head, r->made.head.size, arg);
}

WEAK int64_t ring_consume(struct ring *r, uint32_t budget, ring_record_fn *fn, void *arg)
{
	uint64_t now = boot_ns() / (STEP_MS * MS_NS);
	int64_t n = 0;
	int e = 0;

	for (; e == 0 && r->next <= now && n < budget; n++)
		e = give(r, fn, arg);
	return e ? e : n;
}

WEAK int ring_wait(struct ring *r, enum rec_wake wake, int timeout_ms)
{
	const struct timespec t = { .tv_nsec = (long)MIN(MAX(timeout_ms, 1), 2 * STEP_MS) * MS_NS };

	(void)r;
	(void)wake;
	nanosleep(&t, NULL);
	return 1;
}

WEAK uint64_t ring_malformed(const struct ring *r)
{
	(void)r;
	return 0;
}
