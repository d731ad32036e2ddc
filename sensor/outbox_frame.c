/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/outbox_frame.h"

void frame_list_append(struct frame_list *l, struct outbox_frame *f)
{
	f->next = NULL;
	f->prev = l->last;
	if (l->last)
		l->last->next = f;
	else
		l->first = f;
	l->last = f;
}

void frame_list_prepend(struct frame_list *l, struct outbox_frame *f)
{
	f->prev = NULL;
	f->next = l->first;
	if (l->first)
		l->first->prev = f;
	else
		l->last = f;
	l->first = f;
}

void frame_list_remove(struct frame_list *l, struct outbox_frame *f)
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

void frame_list_free(struct frame_list *l)
{
	struct outbox_frame *next;

	for (struct outbox_frame *f = l->first; f; f = next) {
		next = f->next;
		outbox_frame_free(f);
	}
}

struct outbox_frame *outbox_frame_free(struct outbox_frame *f)
{
	if (!f)
		return NULL;
	free(f->data);
	free(f->losses);
	free(f);
	return NULL;
}

bool outbox_frame_is_heartbeat(const struct outbox_frame *f)
{
	return f->events[CLASS_PRIORITY] == 0 && f->events[CLASS_BULK] == 0 && f->n_losses == 0;
}

enum kind_class outbox_frame_class(const struct outbox_frame *f)
{
	return f->events[CLASS_PRIORITY] == 0 && f->events[CLASS_BULK] ? CLASS_BULK
								       : CLASS_PRIORITY;
}

uint64_t outbox_frame_lost(const struct outbox_frame *f, enum loss_cause cause, struct losses *into)
{
	uint64_t counts[CLASS_MAX] = { f->events[CLASS_PRIORITY], f->events[CLASS_BULK] };

	for (size_t c = 0; c < CLASS_MAX; c++) {
		struct loss l = {
			.count = counts[c],
			.class = (enum kind_class)c,
			.cause = cause,
			.from_ns = f->from_ns,
			.to_ns = f->to_ns,
			.first_seq = f->foreign ? 0 : f->first_seq,
			.last_seq = f->foreign ? 0 : f->last_seq,
		};

		if (counts[c])
			losses_add(into, &l);
	}
	for (size_t i = 0; i < f->n_losses; i++)
		losses_add(into, &f->losses[i]);
	return counts[CLASS_PRIORITY] + counts[CLASS_BULK];
}
