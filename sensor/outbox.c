/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/outbox.h"

#include <pthread.h>
#include <time.h>

struct list {
	struct outbox_frame *first, *last;
};

struct outbox {
	pthread_mutex_t lock;
	pthread_cond_t empty;
	size_t max_bytes;
	uint64_t next_number, lost_events;
	uint64_t frames, bytes;
	struct list waiting[CLASS_MAX]; /* CLASS_BULK: nothing but bulk events */
	struct list under_way;
	struct losses losses;
};

/* ---- lists ---- */

static void list_append(struct list *l, struct outbox_frame *f)
{
	f->next = NULL;
	f->prev = l->last;
	if (l->last)
		l->last->next = f;
	else
		l->first = f;
	l->last = f;
}

static void list_remove(struct list *l, struct outbox_frame *f)
{
	if (f->prev)
		f->prev->next = f->next;
	else
		l->first = f->next;
	if (f->next)
		f->next->prev = f->prev;
	else
		l->last = f->prev;
}

static void list_free(struct list *l)
{
	struct outbox_frame *next;

	for (struct outbox_frame *f = l->first; f; f = next) {
		next = f->next;
		outbox_frame_free(f);
	}
}

/* ---- frames ---- */

struct outbox_frame *outbox_frame_free(struct outbox_frame *f)
{
	if (!f)
		return NULL;
	free(f->data);
	free(f->losses);
	free(f);
	return NULL;
}

static bool is_heartbeat(const struct outbox_frame *f)
{
	return f->events[CLASS_PRIORITY] == 0 && f->events[CLASS_BULK] == 0 && f->n_losses == 0;
}

static enum kind_class class_of(const struct outbox_frame *f)
{
	return f->events[CLASS_PRIORITY] == 0 && f->events[CLASS_BULK] ? CLASS_BULK
								       : CLASS_PRIORITY;
}

/* The frame is gone: its events, and the losses it was to tell, are to be told by another.  Its gap
 * events themselves are no loss: they come again. */
static void account(struct outbox *o, const struct outbox_frame *f, enum loss_cause cause)
{
	uint64_t counts[CLASS_MAX] = { f->events[CLASS_PRIORITY], f->events[CLASS_BULK] };

	for (size_t c = 0; c < CLASS_MAX; c++) {
		struct loss l = {
			.count = counts[c],
			.class = (enum kind_class)c,
			.cause = cause,
			.from_ns = f->from_ns,
			.to_ns = f->to_ns,
			.first_seq = f->first_seq,
			.last_seq = f->last_seq,
		};

		if (counts[c])
			losses_add(&o->losses, &l);
		o->lost_events += counts[c];
	}
	for (size_t i = 0; i < f->n_losses; i++)
		losses_add(&o->losses, &f->losses[i]);
}

/* ---- outbox ---- */

int outbox_new(struct outbox **ret, size_t max_bytes)
{
	pthread_condattr_t attr;
	struct outbox *o;

	if (max_bytes == 0)
		return err_origin(-EINVAL);
	o = calloc(1, sizeof(*o));
	if (!o)
		return err_origin(-ENOMEM);
	o->max_bytes = max_bytes;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->empty, &attr);
	pthread_condattr_destroy(&attr);
	*ret = o;
	return 0;
}

struct outbox *outbox_free(struct outbox *o)
{
	if (!o)
		return NULL;
	list_free(&o->waiting[CLASS_PRIORITY]);
	list_free(&o->waiting[CLASS_BULK]);
	list_free(&o->under_way);
	pthread_cond_destroy(&o->empty);
	pthread_mutex_destroy(&o->lock);
	free(o);
	return NULL;
}

/* Takes @f off the books; the caller frees it. */
static void forget(struct outbox *o, struct list *l, struct outbox_frame *f)
{
	list_remove(l, f);
	o->frames--;
	o->bytes -= f->n;
	if (o->frames == 0)
		pthread_cond_broadcast(&o->empty);
}

/* Drops waiting frames until @n more bytes fit.  Returns false when that cannot be. */
static bool make_room(struct outbox *o, size_t n)
{
	while (o->bytes + n > o->max_bytes) {
		struct list *l = &o->waiting[CLASS_BULK];
		struct outbox_frame *f;

		if (!l->first)
			l = &o->waiting[CLASS_PRIORITY];
		f = l->first;
		if (!f)
			return false;
		account(o, f, LOSS_QUEUE_FULL);
		forget(o, l, f);
		outbox_frame_free(f);
	}
	return true;
}

void outbox_push(struct outbox *o, struct outbox_frame *f)
{
	bool keep;

	pthread_mutex_lock(&o->lock);
	keep = !is_heartbeat(f) || (!o->waiting[0].first && !o->waiting[1].first);
	if (keep && !make_room(o, f->n)) {
		account(o, f, LOSS_QUEUE_FULL);
		keep = false;
	}
	if (keep) {
		f->number = o->next_number++;
		list_append(&o->waiting[class_of(f)], f);
		o->frames++;
		o->bytes += f->n;
	}
	pthread_mutex_unlock(&o->lock);
	if (!keep)
		outbox_frame_free(f);
}

struct outbox_frame *outbox_take(struct outbox *o)
{
	struct outbox_frame *f, *bulk;
	struct list *from;

	pthread_mutex_lock(&o->lock);
	f = o->waiting[CLASS_PRIORITY].first;
	bulk = o->waiting[CLASS_BULK].first;
	from = &o->waiting[CLASS_PRIORITY];
	if (!f || (bulk && bulk->number < f->number)) {
		f = bulk;
		from = &o->waiting[CLASS_BULK];
	}
	if (f) {
		list_remove(from, f);
		list_append(&o->under_way, f);
	}
	pthread_mutex_unlock(&o->lock);
	return f;
}

void outbox_stored(struct outbox *o, struct outbox_frame *f)
{
	pthread_mutex_lock(&o->lock);
	forget(o, &o->under_way, f);
	pthread_mutex_unlock(&o->lock);
	outbox_frame_free(f);
}

void outbox_refused(struct outbox *o, struct outbox_frame *f)
{
	pthread_mutex_lock(&o->lock);
	account(o, f, LOSS_REFUSED);
	forget(o, &o->under_way, f);
	pthread_mutex_unlock(&o->lock);
	outbox_frame_free(f);
}

void outbox_losses(struct outbox *o, struct losses *into)
{
	pthread_mutex_lock(&o->lock);
	losses_move(into, &o->losses);
	pthread_mutex_unlock(&o->lock);
}

static void lowest(const struct list *l, uint64_t *seq)
{
	for (const struct outbox_frame *f = l->first; f; f = f->next)
		if (!is_heartbeat(f) && (*seq == 0 || f->first_seq < *seq))
			*seq = f->first_seq;
}

void outbox_totals(struct outbox *o, struct outbox_totals *ret)
{
	*ret = (struct outbox_totals){ 0 };
	pthread_mutex_lock(&o->lock);
	ret->frames = o->frames;
	ret->bytes = o->bytes;
	ret->lost_events = o->lost_events;
	ret->crowded = o->bytes > o->max_bytes / 2;
	lowest(&o->waiting[CLASS_PRIORITY], &ret->lowest_seq);
	lowest(&o->waiting[CLASS_BULK], &ret->lowest_seq);
	lowest(&o->under_way, &ret->lowest_seq);
	pthread_mutex_unlock(&o->lock);
}

bool outbox_wait_empty(struct outbox *o, uint32_t timeout_ms)
{
	struct timespec until;
	bool is_empty;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&o->lock);
	while (o->frames && r == 0)
		r = pthread_cond_timedwait(&o->empty, &o->lock, &until);
	is_empty = o->frames == 0;
	pthread_mutex_unlock(&o->lock);
	return is_empty;
}
