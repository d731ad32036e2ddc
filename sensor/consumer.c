/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/consumer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "lib/log.h"
#include "sensor/pace.h"
#include "sensor/rows.h"
#include "sensor/tally.h"

enum {
	DEFAULT_EVENTS = 4096,
	DEFAULT_BYTES = 1 << 20,
	BUDGET = 16384,
	IDLE_MS = 1000,
	NICE = -10,
	THROTTLES = 64,		  /* told at one time */
	FINISH_RECORDS = 4 << 20, /* at most so many are still taken at the end */
};

static const uint64_t ms = 1000000, second = 1000000000;

struct consumer {
	struct consumer_config config;
	struct frame_codec *codec;
	struct gather gathers[GATHER_SLOTS]; /* [1] is used while @split, for bulk events */
	bool split;
	struct losses losses;
	struct batch_stats stats;
	struct tally tally;
	uint64_t evicted_told, evicted_told_ns;
	struct pace pace;
	uint64_t priority_read; /* records of this turn */
	uint64_t sealed_ns, told_ns, throttles_ns, noted_ns, lost_ns, measured_ns, reconciled_ns;
	uint64_t malformed_seen, now_ns;
	bool reconcile;
	struct filter *_Atomic filter; /* to be put in force; NULL: none */
	pthread_t thread;
	bool started;
	atomic_bool stopping;
	_Atomic(const char *) detached; /* told when not NULL */
	_Atomic uint64_t turns;
};

/* ---- telling ---- */

void consumer_say(struct consumer *c, const char *message)
{
	c->now_ns = enrich_tick(c->config.enrich);
	gather_sensor(&c->gathers[0], c->config.seq->next++, c->now_ns, message);
}

/* ---- sealing ---- */

static void measure(struct consumer *c)
{
	struct proctab_counters processes;
	struct outbox_totals totals;
	struct rusage usage;
	unsigned long pages = 0;
	FILE *f;

	outbox_totals(c->config.outbox, &totals);
	c->split = totals.crowded;
	c->stats.batches_queued = totals.frames + totals.spooled;
	c->stats.bytes_queued = totals.bytes;
	c->stats.lost_queue = totals.lost_events;
	if (c->config.clock &&
	    !c->config.clock(&c->stats.clock_offset_ns, &c->stats.clock_error_ns, c->config.arg))
		c->stats.clock_error_ns = 0;
	if (c->now_ns - c->measured_ns < second)
		return;
	c->measured_ns = c->now_ns;
	proctab_counters(known_processes(enrich_known(c->config.enrich)), &processes);
	c->stats.processes = processes.alive;
	tally_make(&c->tally, &c->config.source, c->config.enrich);
	c->stats.left_out = c->tally.left_out;
	c->stats.undecided = c->tally.undecided;
	c->stats.counters = c->tally.at;
	c->stats.n_counters = c->tally.n;
	getrusage(RUSAGE_SELF, &usage);
	c->stats.cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * second +
			  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	f = fopen("/proc/self/statm", "re");
	if (f && fscanf(f, "%*u %lu", &pages) == 1)
		c->stats.rss_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (f)
		fclose(f);
}

static void seal(struct consumer *c, struct gather *g)
{
	struct outbox_frame *f;

	measure(c);
	c->sealed_ns = c->now_ns;
	if (gather_seal(g, c->codec, &c->stats, c->config.seq->next, c->now_ns, &f) < 0) {
		gather_lost(g, LOSS_NO_MEMORY, &c->losses);
		gather_clear(g);
		return;
	}
	outbox_push(c->config.outbox, f);
	if (c->config.kick)
		c->config.kick(c->config.arg);
}

static bool is_full(const struct consumer *c, const struct gather *g)
{
	return batch_events(g->batch) >= c->config.max_events ||
	       batch_bytes(g->batch) >= c->config.max_bytes || g->n_list_values >= ROWS_LIST_VALUES;
}

static void seal_all(struct consumer *c)
{
	for (size_t i = 0; i < GATHER_SLOTS; i++)
		if (gather_any(&c->gathers[i]))
			seal(c, &c->gathers[i]);
	pace_sealed(&c->pace, c->now_ns);
}

/* ---- records ---- */

static void malformed(struct consumer *c, uint64_t count)
{
	struct loss l = { .count = count,
			  .class = CLASS_BULK,
			  .cause = LOSS_MALFORMED,
			  .from_ns = c->now_ns,
			  .to_ns = c->now_ns };

	c->stats.malformed += count;
	losses_add(&c->losses, &l);
}

static int take(const struct rec_head *head, size_t n, void *arg)
{
	struct consumer *c = arg;
	struct gather *g;
	struct record r;

	c->stats.events++;
	if (record_open(&r, head, n) < 0) {
		malformed(c, 1);
		return 0;
	}
	c->priority_read += r.class == CLASS_PRIORITY;
	g = &c->gathers[c->split && r.class == CLASS_BULK ? 1 : 0];
	enrich_record(c->config.enrich, &r, g, &c->config.seq->next);
	if (is_full(c, g))
		seal(c, g);
	return 0;
}

/* ---- losses ---- */

static void add_kernel_loss(struct consumer *c, enum rec_class class, enum rec_cause cause,
			    const struct probe_loss *lost)
{
	static const enum loss_cause causes[REC_CAUSES] = {
		[REC_LOST_RING] = LOSS_RING_FULL,
		[REC_LOST_MAP] = LOSS_MAP_FULL,
		[REC_LOST_BUSY] = LOSS_PROBE_BUSY,
	};
	struct loss l = { .count = lost->count, .cause = causes[cause] };

	l.class = class == REC_CLASS_PRIORITY ? CLASS_PRIORITY : CLASS_BULK;
	l.from_ns = enrich_time(c->config.enrich, lost->from_ns);
	l.to_ns = enrich_time(c->config.enrich, lost->to_ns);
	if (l.class == CLASS_PRIORITY) {
		c->stats.lost_priority += l.count;
		c->reconcile = true;
	} else {
		c->stats.lost_bulk += l.count;
	}
	losses_add(&c->losses, &l);
}

static int ask_losses(struct consumer *c)
{
	struct probe_loss lost[REC_CLASSES][REC_CAUSES] = { 0 };
	const struct source *s = &c->config.source;
	uint64_t seen = s->ops->malformed(s->self);
	int r = s->ops->loss(s->self, lost);

	c->lost_ns = c->now_ns;
	for (size_t class = 0; r == 0 && class < REC_CLASSES; class ++)
		for (size_t cause = 0; cause < REC_CAUSES; cause++)
			if (lost[class][cause].count)
				add_kernel_loss(c, (enum rec_class) class, (enum rec_cause)cause,
						&lost[class][cause]);
	if (seen > c->malformed_seen)
		malformed(c, seen - c->malformed_seen);
	c->malformed_seen = seen;
	outbox_losses(c->config.outbox, &c->losses);
	return r;
}

static void tell_throttles(struct consumer *c)
{
	const struct source *s = &c->config.source;
	struct probe_throttle at[THROTTLES];
	int n = s->ops->throttles ? s->ops->throttles(s->self, at, THROTTLES) : 0;

	c->throttles_ns = c->now_ns;
	for (int i = 0; i < n; i++)
		enrich_throttle(c->config.enrich, &c->gathers[0], &c->config.seq->next, &at[i]);
}

static void put_filter(struct consumer *c)
{
	const struct source *s = &c->config.source;
	AUTO(filter) *rules = atomic_exchange(&c->filter, NULL);
	struct diag d = { .text = "this source takes none" };
	char message[640];
	size_t n;
	int r;

	if (!rules)
		return;
	n = filter_n(rules);
	r = s->ops->filter ? s->ops->filter(s->self, rules, &d) : err_origin(-ENOTSUP);
	if (r == 0) {
		(void)TAKE(rules);
		snprintf(message, sizeof(message), "filters in force: %zu rules", n);
		log_info("filters.changed", "rules=%zu", n);
	} else {
		snprintf(message, sizeof(message), "filters: those before stay in force: %s",
			 d.text);
		log_error("filters.failed", "error=%d reason=\"%s\"", -r, d.text);
	}
	consumer_say(c, message);
}

static void tell_losses(struct consumer *c)
{
	struct loss l;

	c->told_ns = c->now_ns;
	while (losses_take(&c->losses, &l)) {
		gather_gap(&c->gathers[0], c->config.seq->next++, c->now_ns, &l);
		if (is_full(c, &c->gathers[0]))
			seal(c, &c->gathers[0]);
	}
}

/* Tables that are full are told once a minute, while more gives way. */
static void tell_evictions(struct consumer *c)
{
	char message[320];

	if (c->tally.evicted <= c->evicted_told ||
	    (c->evicted_told && c->now_ns - c->evicted_told_ns < 60 * second))
		return;
	c->evicted_told = c->tally.evicted;
	c->evicted_told_ns = c->now_ns;
	consumer_say(c, tally_evictions(&c->tally, message, sizeof(message)));
}

static void take_translations(struct consumer *c)
{
	struct gather *g = &c->gathers[c->split ? 1 : 0];
	const struct loss l = { .class = CLASS_BULK,
				.cause = LOSS_CONNTRACK_FULL,
				.from_ns = c->told_ns,
				.to_ns = c->now_ns };

	if (!enrich_translations(c->config.enrich, g, &c->config.seq->next))
		losses_add(&c->losses, &l);
	if (is_full(c, g))
		seal(c, g);
}

/* ---- a turn ---- */

/* Notes up to which number everything is settled, for the case that this process is killed. */
static void note_settled(struct consumer *c)
{
	struct outbox_totals totals;
	uint64_t settled = c->config.seq->next;

	c->noted_ns = c->now_ns;
	outbox_totals(c->config.outbox, &totals);
	if (losses_any(&c->losses))
		return;
	if (totals.lowest_seq)
		settled = MIN(settled, totals.lowest_seq);
	for (size_t i = 0; i < GATHER_SLOTS; i++)
		if (gather_any(&c->gathers[i]))
			settled = MIN(settled, c->gathers[i].first_seq);
	seq_note(c->config.seq, settled);
}

static void tell_detached(struct consumer *c)
{
	const char *message = atomic_exchange(&c->detached, NULL);

	if (message)
		gather_detached(&c->gathers[0], c->config.seq->next++, c->now_ns, message);
}

/* What is to be done now and then.  Returns a negative errno of the source. */
static int chores(struct consumer *c)
{
	int r = 0;

	if (c->now_ns - c->lost_ns >= second)
		r = ask_losses(c);
	if (losses_any(&c->losses) && c->now_ns - c->told_ns >= second)
		tell_losses(c);
	if (c->now_ns - c->throttles_ns >= second)
		tell_throttles(c);
	put_filter(c);
	tell_evictions(c);
	tell_detached(c);
	if (c->reconcile && c->now_ns - c->reconciled_ns >= 10 * second) {
		c->reconcile = false;
		c->reconciled_ns = c->now_ns;
		known_reconcile(enrich_known(c->config.enrich),
				c->now_ns - enrich_time(c->config.enrich, 0));
	}
	if (c->now_ns - c->noted_ns >= 5 * second)
		note_settled(c);
	return r;
}

static bool is_open(const struct consumer *c, enum kind_class class)
{
	return gather_has(&c->gathers[0], class) || gather_has(&c->gathers[1], class);
}

/* Seals what is due. @events were read in this turn. */
static void seal_due(struct consumer *c, uint64_t events)
{
	const struct pace_turn turn = {
		.events = events,
		.woken = c->priority_read > 0,
		.priority = is_open(c, CLASS_PRIORITY),
		.bulk = is_open(c, CLASS_BULK),
		.asked_ms =
			c->config.asked_linger_ms ? c->config.asked_linger_ms(c->config.arg) : 0,
	};

	pace_look(&c->pace, &turn, c->now_ns);
	if (pace_left_ns(&c->pace, c->now_ns) == 0)
		seal_all(c);
	else if (!turn.priority && !turn.bulk && c->now_ns - c->sealed_ns >= 5 * second)
		seal(c, &c->gathers[0]); /* a heartbeat */
}

static int sleep_until_due(struct consumer *c, int max_wait_ms)
{
	const struct source *s = &c->config.source;
	enum rec_wake wake;
	uint64_t wait = pace_sleep_ns(&c->pace, c->now_ns, &wake);
	int r = s->ops->wait(s->self, wake, MIN((int)((wait + ms - 1) / ms), max_wait_ms));

	return MIN(r, 0);
}

int consumer_turn(struct consumer *c, int max_wait_ms)
{
	const struct source *s = &c->config.source;
	int64_t n;
	int r;

	c->now_ns = enrich_tick(c->config.enrich);
	c->priority_read = 0;
	n = s->ops->consume(s->self, BUDGET, take, c);
	if (n < 0)
		return (int)n;
	enrich_containers(c->config.enrich, &c->gathers[0], &c->config.seq->next, false);
	enrich_hashes(c->config.enrich, &c->gathers[0], &c->config.seq->next);
	take_translations(c);
	r = chores(c);
	if (r < 0)
		return r;
	seal_due(c, (uint64_t)n);
	return n < BUDGET ? sleep_until_due(c, max_wait_ms) : 0;
}

void consumer_finish(struct consumer *c, const char *message)
{
	const struct source *s = &c->config.source;

	c->now_ns = enrich_tick(c->config.enrich);
	for (int64_t n = BUDGET, all = 0; n == BUDGET && all < FINISH_RECORDS; all += n)
		n = s->ops->consume(s->self, BUDGET, take, c);
	take_translations(c);
	enrich_containers(c->config.enrich, &c->gathers[0], &c->config.seq->next, true);
	(void)!ask_losses(c);
	tell_losses(c);
	tell_throttles(c);
	tell_detached(c);
	consumer_say(c, message);
	seal_all(c);
}

/* ---- thread ---- */

static void wake_up(int signal)
{
	(void)signal; /* ends the sleep in source.wait() */
}

static void *run(void *arg)
{
	struct consumer *c = arg;
	int r = 0;

	pthread_setname_np(pthread_self(), "rtsec-consumer");
	/* A ring holds a fraction of a second: who reads late, loses.  Best effort. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while (r == 0 && !atomic_load(&c->stopping)) {
		r = consumer_turn(c, IDLE_MS);
		atomic_fetch_add_explicit(&c->turns, 1, memory_order_relaxed);
	}
	if (r < 0 && c->config.failed)
		c->config.failed(r, c->config.arg);
	return NULL;
}

int consumer_start(struct consumer *c)
{
	struct sigaction action = { .sa_handler = wake_up };
	int r;

	sigaction(SIGUSR2, &action, NULL);
	r = pthread_create(&c->thread, NULL, run, c);
	if (r)
		return err_origin(-r);
	c->started = true;
	return 0;
}

void consumer_stop(struct consumer *c, const char *message)
{
	if (!c->started)
		return;
	atomic_store(&c->stopping, true);
	pthread_kill(c->thread, SIGUSR2);
	pthread_join(c->thread, NULL);
	c->started = false;
	consumer_finish(c, message);
}

/* ---- making, telling ---- */

void consumer_filter(struct consumer *c, struct filter *rules)
{
	filter_free(atomic_exchange(&c->filter, rules));
	if (c->started)
		pthread_kill(c->thread, SIGUSR2); /* out of its sleep */
}

void consumer_detached(struct consumer *c, const char *message)
{
	atomic_store(&c->detached, message);
}

void consumer_lose(struct consumer *c, const struct loss *l)
{
	losses_add(&c->losses, l);
}

uint64_t consumer_turns(const struct consumer *c)
{
	return atomic_load_explicit(&c->turns, memory_order_relaxed);
}

void consumer_stats(const struct consumer *c, struct batch_stats *ret)
{
	*ret = c->stats;
}

int consumer_new(struct consumer **ret, const struct consumer_config *config)
{
	AUTO(consumer) *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_origin(-ENOMEM);
	c->config = *config;
	if (c->config.max_events == 0)
		c->config.max_events = DEFAULT_EVENTS;
	if (c->config.max_bytes == 0)
		c->config.max_bytes = DEFAULT_BYTES;
	pace_init(&c->pace, config->linger_ms);
	if (config->tiers) {
		c->stats.tiers = config->tiers->tiers;
		c->stats.n_tiers = config->tiers->n_tiers;
	}
	r = frame_codec_new(&c->codec);
	for (uint32_t i = 0; r == 0 && i < GATHER_SLOTS; i++)
		r = gather_init(&c->gathers[i], i, config->origin);
	if (r < 0)
		return r;
	*ret = TAKE(c);
	return 0;
}

struct consumer *consumer_free(struct consumer *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < GATHER_SLOTS; i++)
		gather_done(&c->gathers[i]);
	filter_free(atomic_load(&c->filter));
	frame_codec_free(c->codec);
	free(c);
	return NULL;
}
