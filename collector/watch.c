/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch.h"

#include <inttypes.h>
#include <stdarg.h>

#include "lib/log.h"
#include "lib/monotonic.h"

enum {
	STOP_MS = 10000,    /* what comes later than this after a stop is of another start */
	LAG_PART = 6,	    /* lagging for this part of the limit on end is an alarm */
	SKEW_PART = 5,	    /* a skew that is this part below the limit is over */
	RETURNS = 3,	    /* times that the connection before the last one sends again */
	RETURNS_MS = 60000, /* within this time */
};

const struct watch_limits watch_usual = {
	.silent_ms = 60000, .lag_ms = 60000, .skew_ms = 5000, .calm_ms = 120000
};

struct one {
	char id[129], name[129];
	uint64_t heard_ms, stopped_ms;
	uint32_t raised; /* a bit a condition */
	uint64_t lagging_since_ms;
	char version[32]; /* the highest one it had */
	uint32_t pipes[2];
	char addresses[2][WATCH_ADDRESS_BYTES]; /* of the pipes: the last one, the one before */
	unsigned n_returns;
	uint64_t returns_ms;		    /* when the first of them was */
	uint64_t seen_ms[WATCH_CONDITIONS]; /* last, of what is over when it is not seen for long */
};

struct watch {
	struct watch_limits limits;
	struct maindb *maindb;
	struct one **ones; /* by the node's number - 1; NULL: not watched yet */
	uint32_t n;
	struct watch_alarm pending[WATCH_PENDING];
	size_t n_pending, at; /* a ring */
	uint64_t lost;
};

static const char *const names[WATCH_CONDITIONS] = {
	[WATCH_STOPPED] = "stopped",	     [WATCH_SILENT] = "silent",
	[WATCH_LAGGING] = "lagging",	     [WATCH_SKEWED] = "skewed",
	[WATCH_DOWNGRADED] = "downgraded",   [WATCH_DUPLICATED] = "duplicated",
	[WATCH_DETACHED] = "detached",	     [WATCH_STATE_OPENED] = "state_opened",
	[WATCH_RING_OPENED] = "ring_opened",
};

const char *watch_name(enum watch_condition c)
{
	return names[c];
}

/* ---- nodes ---- */

static struct one *one_of(struct watch *w, uint32_t number, uint64_t now_ms)
{
	struct one **more;

	if (number > w->n) {
		more = reallocarray(w->ones, number, sizeof(struct one *));
		if (!more)
			return NULL;
		memset(more + w->n, 0, (number - w->n) * sizeof(struct one *));
		w->ones = more;
		w->n = number;
	}
	if (!w->ones[number - 1]) {
		w->ones[number - 1] = calloc(1, sizeof(struct one));
		if (w->ones[number - 1])
			w->ones[number - 1]->heard_ms = now_ms;
	}
	return w->ones[number - 1];
}

static void name_it(struct one *o, const char *id, size_t n_id, const char *name, size_t n_name)
{
	snprintf(o->id, sizeof(o->id), "%.*s", (int)n_id, id);
	snprintf(o->name, sizeof(o->name), "%.*s", (int)n_name, name);
}

/* ---- conditions ---- */

static bool has(const struct one *o, enum watch_condition c)
{
	return o->raised & UINT32_C(1) << c;
}

static const char *gravest(const struct one *o)
{
	static const enum watch_condition order[] = {
		WATCH_DETACHED,	    WATCH_SILENT,     WATCH_RING_OPENED,
		WATCH_STATE_OPENED, WATCH_DUPLICATED, WATCH_DOWNGRADED,
		WATCH_STOPPED,	    WATCH_SKEWED,     WATCH_LAGGING,
	};

	_Static_assert(ARRAY_SIZE(order) == WATCH_CONDITIONS, "each has its place");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (has(o, order[i]))
			return names[order[i]];
	return NULL;
}

static void tell_maindb(struct watch *w, uint32_t number)
{
	const struct one *o = w->ones[number - 1];

	maindb_node_watched(w->maindb, number,
			    &(struct node_watched){ gravest(o), o->raised, o->version });
}

/* Returns whether that is new. */
static bool mark(struct watch *w, uint32_t number, enum watch_condition c, bool raised)
{
	struct one *o = w->ones[number - 1];

	if (has(o, c) == raised)
		return false;
	o->raised ^= UINT32_C(1) << c;
	tell_maindb(w, number);
	return true;
}

static void PRINTF_LIKE(5, 6) change(struct watch *w, uint32_t number, enum watch_condition c,
				     bool raised, const char *format, ...)
{
	struct one *o = w->ones[number - 1];
	struct watch_alarm *a;
	char quoted[300];
	va_list ap;

	if (!mark(w, number, c, raised))
		return;
	if (w->n_pending == WATCH_PENDING) {
		w->lost++;
		return;
	}
	a = &w->pending[(w->at + w->n_pending++) % WATCH_PENDING];
	memset(a, 0, sizeof(*a));
	a->condition = c;
	a->raised = raised;
	memcpy(a->node_id, o->id, sizeof(a->node_id));
	memcpy(a->node_name, o->name, sizeof(a->node_name));
	if (c == WATCH_DUPLICATED)
		memcpy(a->addresses, o->addresses, sizeof(a->addresses));
	va_start(ap, format);
	vsnprintf(a->text, sizeof(a->text), format, ap);
	va_end(ap);
	log_write(raised ? (c == WATCH_DUPLICATED ? LOG_ERROR : LOG_WARN) : LOG_INFO, "node.alarm",
		  "condition=%s state=%s node=%s text=%s", names[c], raised ? "raised" : "cleared",
		  o->id, log_value(a->text, strlen(a->text), quoted, sizeof(quoted)));
}

/* "1.10.2" is after "1.9": number by number; what is no number ends it. */
static int compare_versions(const char *a, const char *b)
{
	for (;;) {
		char *end_a, *end_b;
		unsigned long x = strtoul(a, &end_a, 10), y = strtoul(b, &end_b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		if (*end_a != '.' || *end_b != '.')
			return (*end_a == '.') - (*end_b == '.');
		a = end_a + 1;
		b = end_b + 1;
	}
}

static void see_version(struct watch *w, uint32_t number, struct block_string version)
{
	struct one *o = w->ones[number - 1];
	char now[sizeof(o->version)];

	snprintf(now, sizeof(now), "%.*s", (int)version.n, version.n ? version.s : "");
	if (!now[0] || strcmp(now, o->version) == 0) {
		if (now[0])
			change(w, number, WATCH_DOWNGRADED, false, "its sensor is %s again", now);
		return;
	}
	if (o->version[0] && compare_versions(now, o->version) < 0) {
		change(w, number, WATCH_DOWNGRADED, true, "its sensor is %s, and was %s", now,
		       o->version);
		return;
	}
	memcpy(o->version, now, sizeof(o->version));
	tell_maindb(w, number);
	change(w, number, WATCH_DOWNGRADED, false, "its sensor is %s", now);
}

static void see_clock(struct watch *w, uint32_t number, const struct block_stats *s)
{
	int64_t off_ms = s->clock_offset_ns / NS_PER_MS;
	uint64_t away = (uint64_t)(off_ms < 0 ? -off_ms : off_ms);

	if (s->clock_error_ns == 0)
		return;
	if (away > w->limits.skew_ms + s->clock_error_ns / NS_PER_MS)
		change(w, number, WATCH_SKEWED, true, "its clock is %" PRIu64 ".%01" PRIu64 " s %s",
		       away / 1000, away / 100 % 10, off_ms < 0 ? "behind" : "ahead");
	else if (away < w->limits.skew_ms - w->limits.skew_ms / SKEW_PART)
		change(w, number, WATCH_SKEWED, false, "its clock is right again");
}

static void see_lag(struct watch *w, const struct block_info *i, const struct block_stats *s,
		    const struct watch_arrival *a)
{
	struct one *o = w->ones[a->number - 1];
	int64_t offset = s->clock_error_ns ? s->clock_offset_ns : 0;
	uint64_t for_ms = w->limits.lag_ms / LAG_PART;
	int64_t lag_ms;

	if (i->n_events == 0)
		return;
	lag_ms = ((int64_t)a->received_ns + offset - (int64_t)i->max_time_ns) / NS_PER_MS;
	if (lag_ms < (int64_t)w->limits.lag_ms) {
		if (a->now_ms - o->seen_ms[WATCH_LAGGING] < for_ms)
			return; /* among old ones: priority events go first */
		o->lagging_since_ms = 0;
		change(w, a->number, WATCH_LAGGING, false, "what it tells is new again");
		return;
	}
	if (o->lagging_since_ms == 0 || a->now_ms - o->seen_ms[WATCH_LAGGING] > w->limits.lag_ms)
		o->lagging_since_ms = a->now_ms;
	o->seen_ms[WATCH_LAGGING] = a->now_ms;
	if (a->now_ms - o->lagging_since_ms >= for_ms)
		change(w, a->number, WATCH_LAGGING, true, "what it tells is %" PRId64 " s old",
		       lag_ms / 1000);
}

/* A sensor that dials anew leaves its old connection for good; two that are one node's take turns.
 */
static void see_twins(struct watch *w, const struct watch_arrival *a)
{
	struct one *o = w->ones[a->number - 1];
	char swapped[WATCH_ADDRESS_BYTES];

	if (a->pipe == 0 || a->pipe == o->pipes[0])
		return;
	if (a->pipe != o->pipes[1]) {
		o->pipes[1] = o->pipes[0];
		memcpy(o->addresses[1], o->addresses[0], sizeof(o->addresses[1]));
		o->pipes[0] = a->pipe;
		snprintf(o->addresses[0], sizeof(o->addresses[0]), "%s", a->address);
		return;
	}
	o->pipes[1] = o->pipes[0];
	o->pipes[0] = a->pipe;
	memcpy(swapped, o->addresses[0], sizeof(swapped));
	memcpy(o->addresses[0], o->addresses[1], sizeof(swapped));
	memcpy(o->addresses[1], swapped, sizeof(swapped));
	if (o->n_returns == 0 || a->now_ms - o->returns_ms > RETURNS_MS) {
		o->n_returns = 0;
		o->returns_ms = a->now_ms;
	}
	if (++o->n_returns < RETURNS)
		return;
	o->seen_ms[WATCH_DUPLICATED] = a->now_ms;
	change(w, a->number, WATCH_DUPLICATED, true,
	       "two sensors send as this node, from %s and from %s: one is a copy of the other's "
	       "state; enroll one of them anew",
	       o->addresses[0], o->addresses[1]);
}

enum said { NOTHING, START, STOP };

/* What the sensor told last of itself in this batch. */
static enum said says(struct block *b)
{
	const struct block_info *i = block_info(b);
	enum said said = NOTHING;

	if (!(i->kinds & UINT64_C(1) << KIND_SENSOR))
		return NOTHING;
	for (uint32_t t = 0; t < i->n_tables; t++) {
		const uint64_t *message =
			block_kind(b, t) == KIND_SENSOR ? block_column(b, t, FIELD_MESSAGE) : NULL;

		for (uint32_t r = 0; message && r < block_rows(b, t); r++) {
			struct block_string s = { 0 };

			if (message[r])
				s = block_string(b, (uint32_t)message[r]);
			if (s.n >= 4 && memcmp(s.s, "stop", 4) == 0)
				said = STOP;
			else if (s.n >= 5 && memcmp(s.s, "start", 5) == 0)
				said = START;
		}
	}
	return said;
}

/* What it had gathered before may come behind the stop. */
static void see_stop(struct watch *w, enum said said, const struct watch_arrival *a)
{
	struct one *o = w->ones[a->number - 1];

	if (said == STOP) {
		o->stopped_ms = a->now_ms;
		change(w, a->number, WATCH_STOPPED, true, "its sensor has stopped");
	} else if (said == START || a->now_ms - o->stopped_ms > STOP_MS) {
		change(w, a->number, WATCH_STOPPED, false, "its sensor is at work again");
	}
}

/* The sensor's own alarms are events already. */
static void see_alarm(struct watch *w, struct block_string reason, const struct watch_arrival *a)
{
	static const enum watch_condition own[] = { WATCH_DETACHED, WATCH_STATE_OPENED,
						    WATCH_RING_OPENED };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (strlen(names[own[i]]) != reason.n ||
		    memcmp(names[own[i]], reason.s, reason.n) != 0)
			continue;
		w->ones[a->number - 1]->seen_ms[own[i]] = a->now_ms;
		if (mark(w, a->number, own[i], true))
			log_warn("node.alarm", "condition=%s state=raised node=%s told=sensor",
				 names[own[i]], w->ones[a->number - 1]->id);
	}
}

static void see_alarms(struct watch *w, struct block *b, const struct watch_arrival *a)
{
	const struct block_info *i = block_info(b);

	if (!(i->kinds & UINT64_C(1) << KIND_ALARM))
		return;
	for (uint32_t t = 0; t < i->n_tables; t++) {
		const uint64_t *reason = block_kind(b, t) == KIND_ALARM
						 ? block_column(b, t, FIELD_ALARM_REASON)
						 : NULL;

		for (uint32_t r = 0; reason && r < block_rows(b, t); r++)
			if (reason[r])
				see_alarm(w, block_string(b, (uint32_t)reason[r]), a);
	}
}

void watch_batch(struct watch *w, struct block *b, const struct watch_arrival *a)
{
	const struct block_info *i = block_info(b);
	struct one *o = one_of(w, a->number, a->now_ms);
	enum said said = says(b);
	struct block_stats stats;

	if (!o)
		return; /* no memory now: the next batch tries again */
	name_it(o, i->node_id.s, i->node_id.n, i->node_name.s ? i->node_name.s : "",
		i->node_name.n);
	o->heard_ms = a->now_ms;
	block_stats(b, &stats);
	change(w, a->number, WATCH_SILENT, false, "it is heard again");
	see_stop(w, said, a);
	if (said == START)
		change(w, a->number, WATCH_DETACHED, false, "its sensor has attached anew");
	see_alarms(w, b, a);
	see_version(w, a->number, i->agent_version);
	see_clock(w, a->number, &stats);
	see_lag(w, i, &stats, a);
	see_twins(w, a);
}

static void calm_down(struct watch *w, uint32_t number, uint64_t now_ms)
{
	static const struct {
		enum watch_condition condition;
		const char *over;
	} passing[] = {
		{ WATCH_DUPLICATED, "one sensor sends as this node" },
		{ WATCH_STATE_OPENED, "nobody has opened its sensor's state since" },
		{ WATCH_RING_OPENED, "nobody has opened its sensor's memory or maps since" },
	};
	struct one *o = w->ones[number - 1];

	for (size_t i = 0; i < ARRAY_SIZE(passing); i++) {
		enum watch_condition c = passing[i].condition;

		if (!has(o, c) || now_ms - o->seen_ms[c] <= w->limits.calm_ms)
			continue;
		if (c == WATCH_DUPLICATED)
			o->n_returns = 0;
		change(w, number, c, false, "%s", passing[i].over);
	}
}

void watch_tick(struct watch *w, uint64_t now_ms)
{
	for (uint32_t k = 0; k < w->n; k++) {
		struct one *o = w->ones[k];

		if (!o)
			continue;
		if (now_ms - o->heard_ms > w->limits.silent_ms && !has(o, WATCH_STOPPED))
			change(w, k + 1, WATCH_SILENT, true, "nothing came for %" PRIu64 " s",
			       w->limits.silent_ms / 1000);
		calm_down(w, k + 1, now_ms);
	}
}

void watch_set_limits(struct watch *w, const struct watch_limits *limits)
{
	w->limits = *limits;
}

/* ---- life ---- */

static int know(const struct node *n, void *arg)
{
	void **a = arg;
	uint64_t now_ms = *(uint64_t *)a[1];
	struct one *o = one_of(a[0], n->number, now_ms);

	if (!o)
		return err_origin(-ENOMEM);
	name_it(o, n->id, strlen(n->id), n->name, strlen(n->name));
	memcpy(o->version, n->highest_version[0] ? n->highest_version : n->agent_version,
	       sizeof(o->version));
	o->raised = n->alarms;
	o->stopped_ms = now_ms;
	for (size_t c = 0; c < WATCH_CONDITIONS; c++)
		o->seen_ms[c] = now_ms;
	return 0;
}

int watch_new(struct watch **ret, struct maindb *m, uint64_t now_ms)
{
	AUTO(watch) *w = calloc(1, sizeof(*w));
	void *arg[] = { w, &now_ms };
	int r;

	if (!w)
		return err_origin(-ENOMEM);
	w->maindb = m;
	w->limits = watch_usual;
	r = maindb_nodes(m, know, arg);
	for (uint32_t k = 0; r == 0 && k < w->n; k++)
		if (w->ones[k])
			tell_maindb(w, k + 1);
	if (r == 0)
		*ret = TAKE(w);
	return r;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	for (uint32_t k = 0; k < w->n; k++)
		free(w->ones[k]);
	free(w->ones);
	free(w);
	return NULL;
}

bool watch_take(struct watch *w, struct watch_alarm *ret)
{
	if (w->n_pending == 0)
		return false;
	*ret = w->pending[w->at];
	w->at = (w->at + 1) % WATCH_PENDING;
	w->n_pending--;
	return true;
}

uint64_t watch_lost(const struct watch *w)
{
	return w->lost;
}
