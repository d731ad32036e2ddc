/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spooler.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/log.h"
#include "lib/monotonic.h"

enum { AWAY_MS = 2000, RETRY_MS = 30000, SYNC_MS = 1000, EXPIRE_MS = 60000 };

struct spooler {
	struct spooler_config config;
	pthread_t thread;
	bool started;
	atomic_bool stopping;
	uint64_t off_until_ms; /* 0: the disk is fine */
	bool told_use;	       /* that the disk is in use was logged */
};

static uint64_t backlog(const struct spooler *s)
{
	struct spool_totals totals;

	spool_totals(s->config.spool, &totals);
	return totals.unread;
}

/* Says it once, not with every frame that stays in memory. */
static void turn_off(struct spooler *s, int r)
{
	if (s->off_until_ms == 0)
		log_error("spool.off", "error=%d reason=\"%s\" retry_ms=%u", -r, strerror(-r),
			  s->config.retry_ms);
	s->off_until_ms = monotonic_ms() + s->config.retry_ms;
	outbox_spool_usable(s->config.outbox, false);
}

static void turn_on(struct spooler *s)
{
	if (s->off_until_ms == 0)
		return;
	s->off_until_ms = 0;
	log_info("spool.on", "%s", "reason=\"the disk works again\"");
}

static void tell_losses(struct spooler *s)
{
	struct losses losses = { 0 };
	uint64_t n = spool_losses(s->config.spool, &losses);

	if (!losses_any(&losses))
		return;
	log_warn("spool.lost", "events=%" PRIu64, n);
	outbox_lose(s->config.outbox, &losses, n);
}

static void tell_use(struct spooler *s)
{
	uint64_t n = backlog(s);

	if (n && !s->told_use)
		log_info("spool.begin",
			 "frames=%" PRIu64 " reason=\"the collector is away or slow\"", n);
	else if (!n && s->told_use)
		log_info("spool.end", "%s", "reason=\"the collector has caught up\"");
	s->told_use = n != 0;
}

/* Writes what is due.  Returns false when the disk failed. */
static bool spill(struct spooler *s, bool all)
{
	struct outbox *o = s->config.outbox;
	struct outbox_frame *f;
	bool is_sent;

	while ((f = outbox_spill(o, all))) {
		struct spool_ref ref = { 0 };
		int r;

		is_sent = f->pinned;
		r = spool_append(s->config.spool, f, is_sent, &ref);
		tell_losses(s);
		outbox_spilled(o, f, r, &ref, backlog(s));
		if (r < 0) {
			turn_off(s, r);
			return false;
		}
		turn_on(s);
	}
	return true;
}

static void cross_out(struct spooler *s)
{
	struct outbox_frame *f;

	while ((f = outbox_ended(s->config.outbox))) {
		spool_done(s->config.spool, &f->spooled);
		outbox_frame_free(f);
	}
}

static void load(struct spooler *s)
{
	struct outbox *o = s->config.outbox;
	bool any = false;

	while (outbox_wants(o)) {
		struct outbox_frame *f = NULL;
		int r = spool_next(s->config.spool, &f);

		tell_losses(s);
		if (r < 0)
			break; /* no memory now: the next turn tries again */
		outbox_load(o, f, backlog(s));
		any = true;
	}
	if (any && s->config.kick)
		s->config.kick(s->config.arg);
}

/* How long to sleep when nobody wakes us; 0: for ever. */
static uint32_t patience_ms(const struct spooler *s)
{
	struct spool_totals totals;

	spool_totals(s->config.spool, &totals);
	if (s->off_until_ms || totals.unsynced)
		return SYNC_MS;
	return totals.records ? EXPIRE_MS : 0;
}

static void turn(struct spooler *s)
{
	int r;

	if (s->off_until_ms && monotonic_ms() >= s->off_until_ms)
		outbox_spool_usable(s->config.outbox, true);
	cross_out(s);
	if (!spill(s, false) && s->config.kick)
		s->config.kick(s->config.arg); /* what could not move is to be sent from memory */
	r = spool_tick(s->config.spool, false);
	if (r < 0)
		turn_off(s, r);
	tell_losses(s);
	load(s);
	tell_use(s);
}

static void *run(void *arg)
{
	struct spooler *s = arg;

	pthread_setname_np(pthread_self(), "rtsec-spooler");
	while (!atomic_load(&s->stopping)) {
		turn(s);
		outbox_wait_work(s->config.outbox, patience_ms(s));
	}
	return NULL;
}

int spooler_new(struct spooler **ret, const struct spooler_config *config)
{
	AUTO(spooler) *s = calloc(1, sizeof(*s));
	struct outbox_spooling spooling = { 0 };
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	s->config = *config;
	if (s->config.away_ms == 0)
		s->config.away_ms = AWAY_MS;
	if (s->config.retry_ms == 0)
		s->config.retry_ms = RETRY_MS;
	spooling.away_ms = s->config.away_ms;
	spooling.backlog = backlog(s);
	tell_losses(s);
	outbox_spooling(s->config.outbox, &spooling);
	r = pthread_create(&s->thread, NULL, run, s);
	if (r) {
		outbox_spooling(s->config.outbox, NULL);
		return err_origin(-r);
	}
	s->started = true;
	*ret = TAKE(s);
	return 0;
}

void spooler_halt(struct spooler *s)
{
	if (!s->started)
		return;
	atomic_store(&s->stopping, true);
	outbox_wake(s->config.outbox);
	pthread_join(s->thread, NULL);
	s->started = false;
}

bool spooler_rest(struct spooler *s)
{
	struct outbox_totals left;
	bool synced;

	cross_out(s);
	(void)spill(s, true);
	synced = spool_tick(s->config.spool, true) == 0;
	tell_losses(s);
	outbox_totals(s->config.outbox, &left);
	return synced && left.lowest_seq == 0;
}

struct spooler *spooler_free(struct spooler *s)
{
	if (!s)
		return NULL;
	spooler_halt(s);
	outbox_spooling(s->config.outbox, NULL);
	free(s);
	return NULL;
}
