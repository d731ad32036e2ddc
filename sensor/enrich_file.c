/* SPDX-License-Identifier: Apache-2.0 */
/* enrich_file - opens, deletions, renames, links, attributes, mounts. */
#include <sys/mount.h>
#include <sys/stat.h>

#include "sensor/event.h"

static bool is_cut(const struct event *c, int which)
{
	return (c->r->head->flags & REC_F_NAME_CUT) ||
	       (c->r->path[which].flags & REC_PATH_TRUNCATED);
}

/* Number of the path that a call asked for; 0: it could not be read. */
static uint32_t asked(struct event *c, int which)
{
	const struct record_text *name = &c->r->name[which];
	size_t n;

	if (name->n == 0 && (is_cut(c, which) ||
			     (c->r->path[which].n == 0 && (c->r->head->flags & REC_F_AS_ASKED))))
		return 0;
	/* no name: the file of a descriptor */
	n = record_asked_text(&c->r->path[which], name, c->e->path, sizeof(c->e->path));
	return batch_string(c->b, c->e->path, n);
}

/* The same of a call that did what was asked: links in its directory part are followed. */
static uint32_t meant(struct event *c, const struct proc *p, uint32_t error, int which)
{
	const struct record_text *name = &c->r->name[which];
	size_t n;

	if (error || name->n == 0 || c->r->head->flags & REC_F_SUBMITTED)
		return asked(c, which);
	n = resolve_name(&c->e->resolve, c->r->head, p && p->container, &c->r->path[which], name,
			 c->e->path, sizeof(c->e->path));
	return batch_string(c->b, c->e->path, n);
}

static void event_path(struct event *c, enum kind kind, uint32_t path, bool cut)
{
	batch_set_row(c->b, kind, FIELD_FILE_PATH, path);
	if (cut)
		batch_set(c->b, kind, FIELD_PATH_TRUNCATED, 1);
}

static void tell_open(struct event *c, uint32_t row, uint32_t path)
{
	const struct rec_open *o = c->r->open;
	const char *words[WORDS_MAX];
	size_t n = names_of_open(o->open_flags, words);

	if (c->r->head->flags & REC_F_BY_HANDLE)
		words[n++] = "handle";
	event_begin(c, KIND_OPEN, row);
	event_path(c, KIND_OPEN, path, is_cut(c, 0));
	event_words(c, KIND_OPEN, FIELD_OPEN_FLAGS, words, n);
	event_outcome(c, KIND_OPEN, o->error);
	if (!(c->r->head->flags & REC_F_AS_ASKED))
		event_file(c, KIND_OPEN, &o->file);
}

/* Of the host's own files: the text of the path is still in c->e->path. */
static void watch_open(struct event *c, uint32_t row, uint32_t path, size_t n)
{
	enum guard_what what = guard_minds(&c->e->guard, c->e->path, n, c->r->head->time_ns);

	if (what == GUARD_NOTHING)
		return;
	event_alarm(c, row, what,
		    what == GUARD_STATE ? "a process opened the sensor's state"
					: "a process opened the sensor's memory or descriptors");
	event_path(c, KIND_ALARM, path, false);
}

void enrich_open(struct event *c)
{
	const struct rec_open *o = c->r->open;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path;
	size_t n = 0;

	if (c->r->head->flags & REC_F_AS_ASKED) {
		path = meant(c, p, o->error, 0);
	} else {
		n = record_path_text(&c->r->path[0], c->e->path, sizeof(c->e->path));

		path = batch_string(c->b, c->e->path, n);
	}
	if (event_wanted(c, KIND_OPEN))
		tell_open(c, row, path);
	if (n && !(p && p->container))
		watch_open(c, row, path, n);
	if (!(c->r->head->flags & REC_F_CREATED) || !event_wanted(c, KIND_CREATION))
		return;
	event_begin(c, KIND_CREATION, row);
	event_path(c, KIND_CREATION, path, is_cut(c, 0));
	event_outcome(c, KIND_CREATION, 0);
	event_file(c, KIND_CREATION, &o->file);
}

void enrich_delete(struct event *c)
{
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path = meant(c, p, c->r->del->error, 0);

	event_begin(c, KIND_DELETION, row);
	event_path(c, KIND_DELETION, path, is_cut(c, 0));
	event_outcome(c, KIND_DELETION, c->r->del->error);
	if (c->r->head->flags & REC_F_DIRECTORY)
		event_word(c, KIND_DELETION, FIELD_FILE_TYPE, "dir");
}

void enrich_rename(struct event *c)
{
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), error = c->r->rename->error;
	uint32_t from = meant(c, p, error, 0), to = meant(c, p, error, 1);
	const char *words[WORDS_MAX];
	size_t n = names_of_rename(c->r->rename->rename_flags, words);

	event_begin(c, KIND_RENAME, row);
	event_path(c, KIND_RENAME, to, is_cut(c, 0) || is_cut(c, 1));
	batch_set_row(c->b, KIND_RENAME, FIELD_FILE_ORIGINAL, from);
	event_words(c, KIND_RENAME, FIELD_RENAME_FLAGS, words, n);
	event_outcome(c, KIND_RENAME, error);
}

/* ---- links ---- */

void enrich_link(struct event *c)
{
	const struct rec_rename *x = c->r->rename;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p);
	uint32_t from = meant(c, p, x->error, 0), to = meant(c, p, x->error, 1);

	event_begin(c, KIND_LINK, row);
	event_path(c, KIND_LINK, to, is_cut(c, 0) || is_cut(c, 1));
	batch_set_row(c->b, KIND_LINK, FIELD_FILE_ORIGINAL, from);
	event_outcome(c, KIND_LINK, x->error);
}

void enrich_symlink(struct event *c)
{
	const struct rec_rename *x = c->r->rename;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path = meant(c, p, x->error, 1);

	event_begin(c, KIND_SYMLINK, row);
	event_path(c, KIND_SYMLINK, path, is_cut(c, 1));
	if (c->r->name[0].n)
		batch_set_str(c->b, KIND_SYMLINK, FIELD_FILE_TARGET, c->r->name[0].s,
			      c->r->name[0].n);
	event_outcome(c, KIND_SYMLINK, x->error);
	event_word(c, KIND_SYMLINK, FIELD_FILE_TYPE, "symlink");
}

/* ---- directories, devices ---- */

void enrich_create(struct event *c)
{
	uint32_t type = c->r->create->mode & S_IFMT;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path = meant(c, p, 0, 0);

	event_begin(c, KIND_CREATION, row);
	event_path(c, KIND_CREATION, path, is_cut(c, 0));
	event_outcome(c, KIND_CREATION, 0);
	event_word(c, KIND_CREATION, FIELD_FILE_TYPE, name_of_type(type ? type : S_IFREG));
}

/* ---- permissions and owners ---- */

void enrich_attributes(struct event *c)
{
	const struct rec_attributes *x = c->r->attributes;
	enum kind kind = c->r->type == REC_CHMOD ? KIND_CHMOD : KIND_CHOWN;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path = meant(c, p, x->error, 0);

	event_begin(c, kind, row);
	event_path(c, kind, path, is_cut(c, 0));
	event_outcome(c, kind, x->error);
	if (kind == KIND_CHMOD) {
		event_mode(c, kind, FIELD_FILE_MODE, x->mode);
		return;
	}
	if (x->uid != UINT32_MAX)
		batch_set(c->b, kind, FIELD_FILE_UID, x->uid);
	if (x->gid != UINT32_MAX)
		batch_set(c->b, kind, FIELD_FILE_GID, x->gid);
}

/* ---- mounts ---- */

/* What old programs put into the upper half of the flags (MS_MGC_VAL) says nothing. */
static uint64_t mount_flags(uint64_t flags)
{
	return (flags & MS_MGC_MSK) == MS_MGC_VAL ? flags & ~(uint64_t)MS_MGC_MSK : flags;
}

static void set_mount(struct event *c, const struct rec_mount *x, uint32_t source)
{
	const char *words[WORDS_MAX];
	size_t n = names_of_mount(mount_flags(x->mount_flags), words);

	batch_set_row(c->b, KIND_MOUNT, FIELD_MOUNT_SOURCE, source);
	if (x->type[0])
		batch_set_str(c->b, KIND_MOUNT, FIELD_MOUNT_TYPE, x->type,
			      strnlen(x->type, sizeof(x->type)));
	event_words(c, KIND_MOUNT, FIELD_MOUNT_FLAGS, words, n);
}

void enrich_mount(struct event *c)
{
	const struct rec_mount *x = c->r->mount;
	enum kind kind = c->r->type == REC_MOUNT ? KIND_MOUNT : KIND_UMOUNT;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path = meant(c, p, x->error, 0), source;

	/* mount(2) has its source as text: a device, a directory or a mere word */
	source = x->source_dir.bytes ? asked(c, 1)
				     : batch_string(c->b, c->r->name[1].n ? c->r->name[1].s : NULL,
						    c->r->name[1].n);
	event_begin(c, kind, row);
	event_path(c, kind, path, is_cut(c, 0));
	event_outcome(c, kind, x->error);
	if (kind == KIND_MOUNT)
		set_mount(c, x, source);
}

/* ---- roots ---- */

void enrich_chroot(struct event *c)
{
	const struct rec_attributes *x = c->r->attributes;
	uint32_t row = event_row(c, known_actor(c->e->known, c->r->head)), path = asked(c, 0);

	event_begin(c, KIND_CHROOT, row);
	event_path(c, KIND_CHROOT, path, is_cut(c, 0));
	event_outcome(c, KIND_CHROOT, x->error);
}

void enrich_pivot(struct event *c)
{
	uint32_t row = event_row(c, known_actor(c->e->known, c->r->head));
	uint32_t root = asked(c, 0), old = asked(c, 1);

	event_begin(c, KIND_PIVOT, row);
	event_path(c, KIND_PIVOT, root, is_cut(c, 0));
	batch_set_row(c->b, KIND_PIVOT, FIELD_FILE_ORIGINAL, old);
	event_outcome(c, KIND_PIVOT, c->r->rename->error);
}

/* ---- contents and extended attributes ---- */

void enrich_written(struct event *c)
{
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p);

	event_begin(c, KIND_MODIFICATION, row);
	event_outcome(c, KIND_MODIFICATION, 0);
	if (c->r->head->flags & REC_F_AS_ASKED) {
		event_path(c, KIND_MODIFICATION, meant(c, p, 0, 0), is_cut(c, 0));
		return;
	}
	event_walked(c, KIND_MODIFICATION);
	event_file(c, KIND_MODIFICATION, &c->r->open->file);
}

void enrich_xattr(struct event *c)
{
	const struct rec_xattr *x = c->r->xattr;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = event_row(c, p), path = meant(c, p, x->error, 0);

	event_begin(c, KIND_XATTR, row);
	event_path(c, KIND_XATTR, path, is_cut(c, 0));
	event_outcome(c, KIND_XATTR, x->error);
	if (x->attribute[0])
		batch_set_str(c->b, KIND_XATTR, FIELD_XATTR_NAME, x->attribute,
			      strnlen(x->attribute, sizeof(x->attribute)));
	if (x->removed)
		batch_set(c->b, KIND_XATTR, FIELD_XATTR_REMOVED, 1);
	else
		batch_set(c->b, KIND_XATTR, FIELD_XATTR_BYTES, x->bytes);
}
