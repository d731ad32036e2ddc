/* SPDX-License-Identifier: Apache-2.0 */
/* enrich_act - what processes do to themselves and to others: credentials, ptrace, signals,
 * namespaces, files in memory. */
#include "sensor/event.h"

/* ---- credentials ---- */

static void set_capabilities(struct event *c, enum kind kind, enum field f, uint64_t bits)
{
	uint32_t numbers[CAPABILITIES_MAX];
	size_t n = 0;

	for (uint32_t bit = 0; bit < CAPABILITIES_MAX; bit++) {
		const char *name = bits >> bit & 1 ? name_of_capability(bit) : NULL;

		if (name)
			numbers[n++] = gather_word(c->g, name);
	}
	batch_set_list(c->b, kind, f, numbers, n);
}

void event_capabilities(struct event *c, enum kind kind, uint64_t effective, uint64_t permitted)
{
	set_capabilities(c, kind, FIELD_CAPS_EFFECTIVE, effective);
	set_capabilities(c, kind, FIELD_CAPS_PERMITTED, permitted);
}

/* Ids for files mostly follow the effective ones. */
static void set_file_ids(struct event *c, enum kind kind, const uint32_t old[2],
			 const uint32_t new[2])
{
	bool user = kind == KIND_UID_CHANGE;

	if (old[0] == old[1] && new[0] == new[1])
		return;
	batch_set(c->b, kind, user ? FIELD_OLD_FILE_USER : FIELD_OLD_FILE_GROUP, old[0]);
	batch_set(c->b, kind, user ? FIELD_FILE_USER : FIELD_FILE_GROUP, new[0]);
}

void enrich_credentials(struct event *c)
{
	const struct rec_credentials *x = c->r->credentials;
	const struct rec_ids *old = &x->before, *new = &x->after;
	uint32_t row = event_row(c, known_credentials(c->e->known, c->r));

	if ((x->changed & REC_CHANGED_UIDS) && event_wanted(c, KIND_UID_CHANGE)) {
		event_begin(c, KIND_UID_CHANGE, row);
		batch_set(c->b, KIND_UID_CHANGE, FIELD_OLD_USER_ID, old->euid);
		batch_set(c->b, KIND_UID_CHANGE, FIELD_OLD_REAL_USER, old->uid);
		batch_set(c->b, KIND_UID_CHANGE, FIELD_OLD_SAVED_USER, old->suid);
		set_file_ids(c, KIND_UID_CHANGE, (uint32_t[]){ old->fsuid, old->euid },
			     (uint32_t[]){ new->fsuid, new->euid });
	}
	if ((x->changed & REC_CHANGED_GIDS) && event_wanted(c, KIND_GID_CHANGE)) {
		event_begin(c, KIND_GID_CHANGE, row);
		batch_set(c->b, KIND_GID_CHANGE, FIELD_OLD_GROUP_ID, old->egid);
		batch_set(c->b, KIND_GID_CHANGE, FIELD_OLD_REAL_GROUP, old->gid);
		batch_set(c->b, KIND_GID_CHANGE, FIELD_OLD_SAVED_GROUP, old->sgid);
		set_file_ids(c, KIND_GID_CHANGE, (uint32_t[]){ old->fsgid, old->egid },
			     (uint32_t[]){ new->fsgid, new->egid });
	}
	if ((x->changed & REC_CHANGED_CAPS) && event_wanted(c, KIND_CAPSET)) {
		event_begin(c, KIND_CAPSET, row);
		event_capabilities(c, KIND_CAPSET, x->effective, x->permitted);
	}
}

/* ---- one process acting on another ---- */

/* Begins an event with its actor and the process acted upon. */
static void event_begin_on(struct event *c, enum kind kind, const struct rec_target *target)
{
	uint32_t row = event_row(c, known_actor(c->e->known, c->r->head)), on;

	on = event_row(c, known_target(c->e->known, target, c->r->head->time_ns));
	event_begin(c, kind, row);
	if (on)
		batch_set_row(c->b, kind, FIELD_TARGET, on);
}

void enrich_ptrace(struct event *c)
{
	const struct rec_ptrace *x = c->r->ptrace;

	event_begin_on(c, KIND_PTRACE, &x->target);
	event_word(c, KIND_PTRACE, FIELD_PTRACE_REQUEST, name_of_ptrace(x->request));
	event_outcome(c, KIND_PTRACE, x->error);
}

void enrich_memory(struct event *c)
{
	enum kind kind = c->r->type == REC_VM_READ ? KIND_VM_READ : KIND_VM_WRITE;

	event_begin_on(c, kind, &c->r->ptrace->target);
	event_outcome(c, kind, c->r->ptrace->error);
}

void enrich_signal(struct event *c)
{
	const struct rec_signal *x = c->r->signal;
	char buf[32];
	const char *name = name_of_signal(x->signal, buf, sizeof(buf));

	event_begin_on(c, KIND_SIGNAL, &x->target);
	if (name)
		batch_set_str(c->b, KIND_SIGNAL, FIELD_SIGNAL_NAME, name, strlen(name));
	event_outcome(c, KIND_SIGNAL, x->error);
}

/* ---- namespaces, files in memory ---- */

void event_namespaces(struct event *c, enum kind kind, uint32_t types)
{
	const char *words[WORDS_MAX];
	size_t n = names_of_namespaces(types, words);

	event_words(c, kind, FIELD_NAMESPACE_TYPES, words, n);
}

void enrich_namespace(struct event *c)
{
	enum kind kind = c->r->type == REC_SETNS ? KIND_SETNS : KIND_UNSHARE;
	const struct rec_namespace *x = c->r->ns;
	const char *words[WORDS_MAX];
	size_t n = names_of_namespaces(x->types, words);

	if (n == 0) {
		words[0] = name_of_namespace(x->name, sizeof(x->name));
		n = words[0] ? 1 : 0;
	}
	event_begin(c, kind, event_row(c, known_actor(c->e->known, c->r->head)));
	event_words(c, kind, FIELD_NAMESPACE_TYPES, words, n);
	event_outcome(c, kind, x->error);
}

void enrich_memfd(struct event *c)
{
	static const char prefix[] = "memfd:";
	const struct rec_open *x = c->r->open;
	const char *words[WORDS_MAX], *name = c->r->name[0].s;
	size_t n_words = names_of_memfd(x->open_flags, words), n = c->r->name[0].n;

	event_begin(c, KIND_MEMFD, event_row(c, known_actor(c->e->known, c->r->head)));
	if (x->error == 0 && !(c->r->head->flags & REC_F_AS_ASKED)) {
		n = record_path_text(&c->r->path[0], c->e->path, sizeof(c->e->path));
		name = c->e->path + (*c->e->path == '/');
		batch_set_str(c->b, KIND_MEMFD, FIELD_FILE_PATH, c->e->path, n);
		n = strlen(name);
		if (strncmp(name, prefix, sizeof(prefix) - 1) == 0) {
			name += sizeof(prefix) - 1;
			n -= sizeof(prefix) - 1;
		}
		event_file(c, KIND_MEMFD, &x->file);
	}
	batch_set_str(c->b, KIND_MEMFD, FIELD_MEMFD_NAME, name, n);
	event_words(c, KIND_MEMFD, FIELD_MEMFD_FLAGS, words, n_words);
	event_outcome(c, KIND_MEMFD, x->error);
}
