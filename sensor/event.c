/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event.h"

#include <assert.h>

uint32_t event_row(struct event *c, struct proc *p)
{
	return p ? rows_of(&c->e->rows, c->g, p, proctab_version(p, c->r->head->time_ns)) : 0;
}

void event_begin(struct event *c, enum kind kind, uint32_t row)
{
	const struct rec_head *h = c->r->head;

	gather_event(c->g, kind, (*c->seq)++, h->time_ns + c->e->offset_ns);
	c->g->events[c->r->class]++;
	batch_set(c->b, kind, FIELD_CPU, h->cpu);
	if (row == 0)
		return;
	batch_set_row(c->b, kind, FIELD_PROCESS, row);
	batch_set(c->b, kind, FIELD_THREAD_ID, h->tid);
	batch_set_str(c->b, kind, FIELD_THREAD_NAME, h->comm, strnlen(h->comm, sizeof(h->comm)));
}

void event_word(struct event *c, enum kind kind, enum field f, const char *word)
{
	batch_set_row(c->b, kind, f, gather_word(c->g, word));
}

static void print_number(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "%llu", (unsigned long long)v);
}

void event_number(struct event *c, enum kind kind, enum field f, uint64_t v)
{
	batch_set_row(c->b, kind, f, gather_number(c->g, print_number, v));
}

void event_outcome(struct event *c, enum kind kind, uint32_t error)
{
	const char *name = name_of_error(error);
	bool submitted = c->r->head->flags & REC_F_SUBMITTED;

	event_word(c, kind, FIELD_OUTCOME, submitted ? "unknown" : error ? "failure" : "success");
	if (name)
		event_word(c, kind, FIELD_ERROR_CODE, name);
	else if (error)
		event_number(c, kind, FIELD_ERROR_CODE, error);
}

static void print_mode(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "0%03o", (unsigned)v);
}

static void print_device(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "%u:%u", (unsigned)(v >> 32), (unsigned)v);
}

void event_mode(struct event *c, enum kind kind, enum field f, uint32_t mode)
{
	batch_set_row(c->b, kind, f, gather_number(c->g, print_mode, mode & 07777));
}

void event_file(struct event *c, enum kind kind, const struct rec_file *f)
{
	batch_set(c->b, kind, FIELD_FILE_INODE, f->inode);
	event_mode(c, kind, FIELD_FILE_MODE, f->mode);
	batch_set_row(
		c->b, kind, FIELD_FILE_DEVICE,
		gather_number(c->g, print_device, (uint64_t)f->dev_major << 32 | f->dev_minor));
	event_word(c, kind, FIELD_FILE_TYPE, name_of_type(f->mode));
	batch_set(c->b, kind, FIELD_FILE_UID, f->uid);
	batch_set(c->b, kind, FIELD_FILE_GID, f->gid);
}

void event_words(struct event *c, enum kind kind, enum field f, const char *const *words, size_t n)
{
	uint32_t numbers[WORDS_MAX];

	assert(n <= WORDS_MAX);
	for (size_t i = 0; i < n; i++)
		numbers[i] = gather_word(c->g, words[i]);
	if (n)
		batch_set_list(c->b, kind, f, numbers, n);
}

void event_walked(struct event *c, enum kind kind)
{
	const struct record_path *path = &c->r->path[0];
	size_t n = record_path_text(path, c->e->path, sizeof(c->e->path));

	batch_set_str(c->b, kind, FIELD_FILE_PATH, c->e->path, n);
	if (path->flags & REC_PATH_TRUNCATED)
		batch_set(c->b, kind, FIELD_PATH_TRUNCATED, 1);
}

void event_alarm(struct event *c, uint32_t row, enum guard_what what, const char *message)
{
	event_begin(c, KIND_ALARM, row);
	event_word(c, KIND_ALARM, FIELD_ALARM_REASON, guard_reason(what));
	event_word(c, KIND_ALARM, FIELD_ALARM_STATE, "raised");
	event_word(c, KIND_ALARM, FIELD_MESSAGE, message);
}
