/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/outbox.h"

#include "lib/monotonic.h"

enum {
	LOADED_MAX = 16,
	LOADED_BYTES = 4 << 20,
	QUIET_MS = 500, /* without an Ack, and there is no use in waiting for another */
};

/* The far end of the queue, on disk. */
struct far {
	bool on, usable, wake;
	uint32_t away_ms;
	uint64_t backlog;	  /* frames there that are not here as well */
	struct frame_list loaded; /* read from there, next to be sent */
	uint64_t n_loaded, loaded_bytes;
	struct outbox_frame *moving; /* on its way there */
	bool moving_waited;	     /* it was waiting, not under way */
	struct frame_list ended;     /* to be crossed out there */
};

struct outbox {
	pthread_mutex_t lock;
	pthread_cond_t empty, work;
	size_t max_bytes;
	uint64_t next_number, lost_events;
	uint64_t frames, bytes;
	struct frame_list waiting[CLASS_MAX]; /* CLASS_BULK: nothing but bulk events */
	struct frame_list under_way;
	struct losses losses;
	struct far far;
};

static void account(struct outbox *o, const struct outbox_frame *f, enum loss_cause cause)
{
	o->lost_events += outbox_frame_lost(f, cause, &o->losses);
}

/* ---- outbox ---- */

int outbox_new(struct outbox **ret, size_t max_bytes)
{
	struct outbox *o;

	if (max_bytes == 0)
		return err_origin(-EINVAL);
	o = calloc(1, sizeof(*o));
	if (!o)
		return err_origin(-ENOMEM);
	o->max_bytes = max_bytes;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->empty, NULL);
	pthread_cond_init(&o->work, NULL);
	*ret = o;
	return 0;
}

struct outbox *outbox_free(struct outbox *o)
{
	if (!o)
		return NULL;
	frame_list_free(&o->waiting[CLASS_PRIORITY]);
	frame_list_free(&o->waiting[CLASS_BULK]);
	frame_list_free(&o->under_way);
	frame_list_free(&o->far.loaded);
	frame_list_free(&o->far.ended);
	pthread_cond_destroy(&o->work);
	pthread_cond_destroy(&o->empty);
	pthread_mutex_destroy(&o->lock);
	free(o);
	return NULL;
}

/* Older frames than the waiting ones are on disk, or on their way there. */
static bool is_behind(const struct outbox *o)
{
	return o->far.backlog || (o->far.moving && o->far.moving_waited);
}

/* The books no longer hold @f; the caller has taken it from its list, and frees it. */
static void forget(struct outbox *o, const struct outbox_frame *f)
{
	o->frames--;
	o->bytes -= f->n;
	if (o->frames == 0 && o->far.backlog == 0)
		pthread_cond_broadcast(&o->empty);
}

static struct outbox_frame *oldest_waiting(struct outbox *o, struct frame_list **ret_from)
{
	struct outbox_frame *f = o->waiting[CLASS_PRIORITY].first;
	struct outbox_frame *bulk = o->waiting[CLASS_BULK].first;

	*ret_from = &o->waiting[CLASS_PRIORITY];
	if (!f || (bulk && bulk->number < f->number)) {
		f = bulk;
		*ret_from = &o->waiting[CLASS_BULK];
	}
	return f;
}

/* ---- what the spooler should do ---- */

static bool wants_loaded(const struct outbox *o, uint64_t below)
{
	const struct far *far = &o->far;

	return far->on && far->backlog && far->n_loaded < below &&
	       (far->n_loaded == 0 || far->loaded_bytes < MIN(LOADED_BYTES, o->max_bytes / 4));
}

/* A frame under way for so long that the collector must be away, and not on disk yet. */
static struct outbox_frame *due_copy(const struct outbox *o, uint64_t older_than_ms)
{
	for (struct outbox_frame *f = o->under_way.first; f; f = f->next)
		if (!outbox_frame_is_heartbeat(f) && f->spooled.segment == 0 && !f->unspoolable &&
		    f->since_ms <= older_than_ms)
			return f;
	return NULL;
}

static bool due_move(struct outbox *o, uint64_t older_than_ms)
{
	struct frame_list *from;
	const struct outbox_frame *f = oldest_waiting(o, &from);

	return f && (is_behind(o) || o->bytes > o->max_bytes / 2 || f->since_ms <= older_than_ms);
}

static bool has_work(struct outbox *o)
{
	uint64_t now = monotonic_ms(), old = now - MIN(now, o->far.away_ms);

	if (!o->far.on)
		return o->far.wake;
	return o->far.wake || o->far.ended.first || wants_loaded(o, LOADED_MAX / 2) ||
	       (o->far.usable && (due_copy(o, old) || due_move(o, old)));
}

static void tell_spooler(struct outbox *o)
{
	if (o->far.on && has_work(o))
		pthread_cond_signal(&o->work);
}

/* ---- consumer and uplink ---- */

/* Drops waiting frames until @n more bytes fit.  Returns false when that cannot be. */
static bool make_room(struct outbox *o, size_t n)
{
	while (o->bytes + n > o->max_bytes) {
		struct frame_list *l = &o->waiting[CLASS_BULK];
		struct outbox_frame *f;

		if (!l->first)
			l = &o->waiting[CLASS_PRIORITY];
		f = l->first;
		if (!f)
			return false;
		account(o, f, LOSS_QUEUE_FULL);
		frame_list_remove(l, f);
		forget(o, f);
		outbox_frame_free(f);
	}
	return true;
}

void outbox_push(struct outbox *o, struct outbox_frame *f)
{
	bool keep;

	pthread_mutex_lock(&o->lock);
	keep = !outbox_frame_is_heartbeat(f) ||
	       (!o->waiting[0].first && !o->waiting[1].first && !is_behind(o));
	if (keep && !make_room(o, f->n)) {
		account(o, f, LOSS_QUEUE_FULL);
		keep = false;
	}
	if (keep) {
		f->number = o->next_number++;
		f->since_ms = monotonic_ms();
		frame_list_append(&o->waiting[outbox_frame_class(f)], f);
		o->frames++;
		o->bytes += f->n;
	}
	tell_spooler(o);
	pthread_mutex_unlock(&o->lock);
	if (!keep)
		outbox_frame_free(f);
}

struct outbox_frame *outbox_take(struct outbox *o)
{
	struct far *far = &o->far;
	struct outbox_frame *f;
	struct frame_list *from = &far->loaded;

	pthread_mutex_lock(&o->lock);
	f = far->loaded.first;
	if (f) {
		far->n_loaded--;
		far->loaded_bytes -= f->n;
	} else if (!is_behind(o)) {
		f = oldest_waiting(o, &from);
	}
	if (f) {
		frame_list_remove(from, f);
		frame_list_append(&o->under_way, f);
	}
	if (wants_loaded(o, LOADED_MAX / 2))
		pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
	return f;
}

/* Takes a frame under way off the books.  Returns it when it is to be freed, else NULL. */
static struct outbox_frame *end(struct outbox *o, struct outbox_frame *f)
{
	frame_list_remove(&o->under_way, f);
	forget(o, f);
	if (f->pinned) {
		f->ended = true;
		return NULL;
	}
	if (f->spooled.segment == 0)
		return f;
	frame_list_append(&o->far.ended, f);
	pthread_cond_signal(&o->work);
	return NULL;
}

void outbox_stored(struct outbox *o, struct outbox_frame *f)
{
	pthread_mutex_lock(&o->lock);
	f = end(o, f);
	pthread_mutex_unlock(&o->lock);
	outbox_frame_free(f);
}

void outbox_refused(struct outbox *o, struct outbox_frame *f)
{
	pthread_mutex_lock(&o->lock);
	account(o, f, LOSS_REFUSED);
	f = end(o, f);
	pthread_mutex_unlock(&o->lock);
	outbox_frame_free(f);
}

void outbox_losses(struct outbox *o, struct losses *into)
{
	pthread_mutex_lock(&o->lock);
	losses_move(into, &o->losses);
	pthread_mutex_unlock(&o->lock);
}

static void lowest(const struct outbox_frame *first, uint64_t *seq)
{
	for (const struct outbox_frame *f = first; f; f = f->next)
		if (!outbox_frame_is_heartbeat(f) && f->spooled.segment == 0 &&
		    (*seq == 0 || f->first_seq < *seq))
			*seq = f->first_seq;
}

void outbox_totals(struct outbox *o, struct outbox_totals *ret)
{
	*ret = (struct outbox_totals){ 0 };
	pthread_mutex_lock(&o->lock);
	ret->frames = o->frames;
	ret->bytes = o->bytes;
	ret->spooled = o->far.backlog;
	ret->lost_events = o->lost_events;
	ret->crowded = o->bytes > o->max_bytes / 2 || is_behind(o);
	lowest(o->waiting[CLASS_PRIORITY].first, &ret->lowest_seq);
	lowest(o->waiting[CLASS_BULK].first, &ret->lowest_seq);
	lowest(o->under_way.first, &ret->lowest_seq);
	if (o->far.moving_waited && o->far.moving)
		lowest(o->far.moving, &ret->lowest_seq);
	pthread_mutex_unlock(&o->lock);
}

static uint64_t n_inside(const struct outbox *o)
{
	return o->frames + o->far.backlog;
}

bool outbox_wait_empty(struct outbox *o, uint32_t timeout_ms)
{
	struct timespec until;
	uint64_t before, left;

	pthread_mutex_lock(&o->lock);
	left = n_inside(o);
	do {
		uint32_t step_ms = o->far.on ? MIN(timeout_ms, (uint32_t)QUIET_MS) : timeout_ms;
		int r = 0;

		before = left;
		timeout_ms -= step_ms;
		until = monotonic_after_ms(step_ms);
		while ((left = n_inside(o)) && r == 0)
			r = monotonic_wait(&o->empty, &o->lock, &until);
	} while (left && left < before && timeout_ms);
	pthread_mutex_unlock(&o->lock);
	return left == 0;
}

/* ---- the spooler ---- */

void outbox_spooling(struct outbox *o, const struct outbox_spooling *s)
{
	pthread_mutex_lock(&o->lock);
	o->far.on = o->far.usable = s != NULL;
	if (s) {
		o->far.away_ms = s->away_ms;
		o->far.backlog = s->backlog;
	}
	pthread_mutex_unlock(&o->lock);
}

void outbox_wait_work(struct outbox *o, uint32_t timeout_ms)
{
	struct timespec until = monotonic_after_ms(timeout_ms);
	int r = 0;

	pthread_mutex_lock(&o->lock);
	while (!has_work(o) && r == 0)
		r = timeout_ms ? monotonic_wait(&o->work, &o->lock, &until)
			       : pthread_cond_wait(&o->work, &o->lock);
	o->far.wake = false;
	pthread_mutex_unlock(&o->lock);
}

void outbox_wake(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	o->far.wake = true;
	pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
}

/* Heartbeats never go to disk. */
static void drop_heartbeats(struct outbox *o)
{
	struct frame_list *from;

	for (struct outbox_frame *f;
	     (f = oldest_waiting(o, &from)) && outbox_frame_is_heartbeat(f);) {
		frame_list_remove(from, f);
		forget(o, f);
		outbox_frame_free(f);
	}
}

struct outbox_frame *outbox_spill(struct outbox *o, bool all)
{
	struct far *far = &o->far;
	struct outbox_frame *f;
	struct frame_list *from;
	uint64_t now, old;

	pthread_mutex_lock(&o->lock);
	now = monotonic_ms();
	old = all ? now : now - MIN(now, far->away_ms);
	f = far->usable || all ? due_copy(o, old) : NULL;
	far->moving_waited = false;
	if (f) {
		f->pinned = true;
	} else if ((far->usable && due_move(o, old)) || all) {
		drop_heartbeats(o);
		f = oldest_waiting(o, &from);
		if (f)
			frame_list_remove(from, f);
		far->moving_waited = f != NULL;
	}
	far->moving = f;
	pthread_mutex_unlock(&o->lock);
	return f;
}

/* A copy of a frame under way was written, or not.  Returns it when it is to be freed. */
static struct outbox_frame *copied(struct outbox *o, struct outbox_frame *f, int r)
{
	f->pinned = false;
	if (r)
		f->spooled = (struct spool_ref){ 0 };
	f->unspoolable = r > 0;
	if (!f->ended)
		return NULL;
	if (r)
		return f;
	frame_list_append(&o->far.ended, f);
	return NULL;
}

static struct outbox_frame *moved(struct outbox *o, struct outbox_frame *f, int r)
{
	if (r < 0) {
		frame_list_prepend(&o->waiting[outbox_frame_class(f)], f);
		return NULL;
	}
	if (r > 0)
		account(o, f, LOSS_SPOOL_FULL);
	forget(o, f);
	return f;
}

void outbox_spilled(struct outbox *o, struct outbox_frame *f, int r, const struct spool_ref *ref,
		    uint64_t backlog)
{
	bool waited;

	pthread_mutex_lock(&o->lock);
	waited = o->far.moving_waited;
	o->far.moving = NULL;
	o->far.backlog = backlog;
	if (r == 0)
		f->spooled = *ref;
	f = waited ? moved(o, f, r) : copied(o, f, r);
	pthread_mutex_unlock(&o->lock);
	outbox_frame_free(f);
}

void outbox_spool_usable(struct outbox *o, bool usable)
{
	pthread_mutex_lock(&o->lock);
	o->far.usable = usable;
	pthread_mutex_unlock(&o->lock);
}

bool outbox_wants(struct outbox *o)
{
	bool yes;

	pthread_mutex_lock(&o->lock);
	yes = wants_loaded(o, LOADED_MAX);
	pthread_mutex_unlock(&o->lock);
	return yes;
}

void outbox_load(struct outbox *o, struct outbox_frame *f, uint64_t backlog)
{
	pthread_mutex_lock(&o->lock);
	o->far.backlog = backlog;
	if (f) {
		frame_list_append(&o->far.loaded, f);
		o->far.n_loaded++;
		o->far.loaded_bytes += f->n;
		o->frames++;
		o->bytes += f->n;
	} else if (o->frames == 0 && backlog == 0) {
		pthread_cond_broadcast(&o->empty);
	}
	pthread_mutex_unlock(&o->lock);
}

void outbox_lose(struct outbox *o, struct losses *from, uint64_t n_events)
{
	pthread_mutex_lock(&o->lock);
	losses_move(&o->losses, from);
	o->lost_events += n_events;
	pthread_mutex_unlock(&o->lock);
}

struct outbox_frame *outbox_ended(struct outbox *o)
{
	struct outbox_frame *f;

	pthread_mutex_lock(&o->lock);
	f = o->far.ended.first;
	if (f)
		frame_list_remove(&o->far.ended, f);
	pthread_mutex_unlock(&o->lock);
	return f;
}
