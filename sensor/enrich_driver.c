/* SPDX-License-Identifier: Apache-2.0 */
/* enrich_driver - what processes add to the kernel: modules, BPF programs and maps, probes;
 * io_uring. */
#include "sensor/event.h"

static void set_name(struct event *c, enum kind kind, enum field f, const char *name, size_t n)
{
	if (name[0])
		batch_set_str(c->b, kind, f, name, strnlen(name, n));
}

void enrich_module(struct event *c)
{
	const struct rec_module *x = c->r->module;

	event_begin(c, KIND_MODULE, event_row(c, known_actor(c->e->known, c->r->head)));
	set_name(c, KIND_MODULE, FIELD_MODULE_NAME, x->name, sizeof(x->name));
	if (x->path.bytes)
		event_walked(c, KIND_MODULE);
	event_outcome(c, KIND_MODULE, x->error);
}

void enrich_bpf(struct event *c)
{
	enum kind kind = c->r->type == REC_BPF_LOAD ? KIND_BPF_LOAD : KIND_BPF_MAP;
	const struct rec_bpf *x = c->r->bpf;
	const char *type =
		kind == KIND_BPF_LOAD ? name_of_bpf_program(x->type) : name_of_bpf_map(x->type);

	event_begin(c, kind, event_row(c, known_actor(c->e->known, c->r->head)));
	if (type)
		event_word(c, kind, FIELD_BPF_TYPE, type);
	else
		event_number(c, kind, FIELD_BPF_TYPE, x->type);
	set_name(c, kind, FIELD_BPF_NAME, x->name, sizeof(x->name));
	if (x->id)
		batch_set(c->b, kind, FIELD_BPF_ID, x->id);
	event_outcome(c, kind, x->error);
}

/* A descriptor of what somebody else made, got by its id: told when that is the sensor. */
void enrich_bpf_taken(struct event *c)
{
	static const char *const told[REC_BPF_OBJECTS] = {
		[REC_BPF_OBJECT_PROGRAM] = "a process got hold of a BPF program of the sensor",
		[REC_BPF_OBJECT_MAP] = "a process got hold of a BPF map of the sensor",
		[REC_BPF_OBJECT_LINK] = "a process got hold of a BPF link of the sensor",
	};
	const struct rec_bpf *x = c->r->bpf;
	enum guard_what what = guard_minds_bpf(&c->e->guard, x->type, x->id, c->r->head->time_ns);

	if (what == GUARD_NOTHING)
		return;
	event_alarm(c, event_row(c, known_actor(c->e->known, c->r->head)), what, told[x->type]);
}

void enrich_probe(struct event *c)
{
	static const char *const types[] = {
		[0] = "kprobe",
		[REC_PROBE_RETURN] = "kretprobe",
		[REC_PROBE_USER] = "uprobe",
		[REC_PROBE_USER | REC_PROBE_RETURN] = "uretprobe",
	};
	const struct rec_probe *x = c->r->probe;

	event_begin(c, KIND_PROBE, event_row(c, known_actor(c->e->known, c->r->head)));
	event_word(c, KIND_PROBE, FIELD_PROBE_TYPE,
		   types[x->flags & (REC_PROBE_USER | REC_PROBE_RETURN)]);
	if (c->r->name[0].n)
		batch_set_str(c->b, KIND_PROBE, FIELD_PROBE_NAME, c->r->name[0].s, c->r->name[0].n);
	batch_set(c->b, KIND_PROBE, FIELD_PROBE_OFFSET, x->offset);
	event_outcome(c, KIND_PROBE, 0);
}

void enrich_uring(struct event *c)
{
	const struct rec_uring *x = c->r->uring;
	const char *words[WORDS_MAX];
	size_t n = names_of_uring(x->flags, words);

	event_begin(c, KIND_IO_URING, event_row(c, known_actor(c->e->known, c->r->head)));
	event_words(c, KIND_IO_URING, FIELD_URING_FLAGS, words, n);
	event_outcome(c, KIND_IO_URING, x->error);
}
