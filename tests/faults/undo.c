/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/util.h"
#include "tests/faults/layer.h"

enum { PAGE = 4096 };

/* A write or a cut of a file, by what it was before and is after. */
struct change {
	struct change *before; /* the one made before it */
	dev_t dev;
	ino_t ino;
	char path[LAYER_PATH_BYTES];
	off_t at, size; /* where; size of the file before */
	size_t n, n_old;
	uint8_t *old, *new; /* new NULL: the file was cut at @at */
};

enum entry_kind { MADE, RENAMED, UNLINKED };

/* A change of a folder. */
struct entry {
	struct entry *before;
	enum entry_kind kind;
	char from[LAYER_PATH_BYTES], to[LAYER_PATH_BYTES];
	char kept[LAYER_PATH_BYTES]; /* what was unlinked or renamed over; "": nothing */
};

static struct {
	struct layer_calls calls;
	char graveyard[LAYER_PATH_BYTES];
	unsigned n_graves;
	struct change *changes;
	struct entry *entries;
} u;

void undo_init(const struct layer_calls *calls, const char *graveyard)
{
	u.calls = *calls;
	snprintf(u.graveyard, sizeof(u.graveyard), "%s", graveyard);
}

static void copy_path(char to[LAYER_PATH_BYTES], const char *path)
{
	snprintf(to, LAYER_PATH_BYTES, "%s", path);
}

/* ---- files ---- */

static struct change *change_new(int fd, const char *path, off_t at, size_t n)
{
	struct change *c = calloc(1, sizeof(*c));
	struct stat st;

	if (!c || fstat(fd, &st) < 0)
		abort();
	copy_path(c->path, path);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	c->size = st.st_size;
	c->at = at;
	c->n = n;
	c->n_old = at < st.st_size ? MIN(n, (size_t)(st.st_size - at)) : 0;
	c->old = malloc(c->n_old + 1);
	if (!c->old)
		abort();
	if (c->n_old && u.calls.pread(fd, c->old, c->n_old, at) != (ssize_t)c->n_old)
		c->n_old = 0; /* not readable: what was there is left as it becomes */
	c->before = u.changes;
	u.changes = c;
	return c;
}

void undo_note_write(int fd, const char *path, const void *data, size_t n, off_t at)
{
	struct change *c = change_new(fd, path, at, n);

	c->new = malloc(n + 1);
	if (!c->new)
		abort();
	memcpy(c->new, data, n);
}

void undo_note_truncate(int fd, const char *path, off_t n)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && n < st.st_size)
		(void)change_new(fd, path, n, (size_t)(st.st_size - n));
}

static void change_free(struct change *c)
{
	free(c->old);
	free(c->new);
	free(c);
}

/* ---- folders ---- */

static struct entry *entry_new(enum entry_kind kind, const char *from, const char *to)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->kind = kind;
	copy_path(e->from, from);
	copy_path(e->to, to);
	e->before = u.entries;
	u.entries = e;
	return e;
}

/* A second name for what is about to lose its own. */
static void bury(struct entry *e, const char *path)
{
	char grave[LAYER_PATH_BYTES * 2];

	snprintf(grave, sizeof(grave), "%s/%d-%u", u.graveyard, (int)getpid(), u.n_graves++);
	if (strlen(grave) < sizeof(e->kept) && link(path, grave) == 0)
		copy_path(e->kept, grave);
}

void undo_note_made(const char *path)
{
	(void)entry_new(MADE, path, "");
}

void undo_note_rename(const char *from, const char *to)
{
	bury(entry_new(RENAMED, from, to), to);
}

void undo_note_unlink(const char *path)
{
	bury(entry_new(UNLINKED, path, ""), path);
}

static void entry_free(struct entry *e)
{
	if (e->kept[0])
		u.calls.unlink(e->kept);
	free(e);
}

static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

static void entries_synced(const char *folder)
{
	for (struct entry **at = &u.entries; *at;) {
		struct entry *e = *at;

		if (!is_in(e->from, folder)) {
			at = &e->before;
			continue;
		}
		*at = e->before;
		entry_free(e);
	}
}

void undo_synced(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		entries_synced(path);
	for (struct change **at = &u.changes; *at;) {
		struct change *c = *at;

		if (c->dev != st.st_dev || c->ino != st.st_ino) {
			at = &c->before;
			continue;
		}
		*at = c->before;
		change_free(c);
	}
}

/* ---- the power is cut ---- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Where the change's file is now: renamed, unlinked (a grave then), or in its place. */
static int open_changed(const struct change *c)
{
	const char *path = c->path;
	struct stat st;
	int fd;

	for (struct entry *e = u.entries; e; e = e->before) {
		if (e->kept[0] && stat(e->kept, &st) == 0 && st.st_ino == c->ino)
			path = e->kept;
		if (e->kind == RENAMED && stat(e->to, &st) == 0 && st.st_ino == c->ino)
			path = e->to;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_ino != c->ino)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void put_back(const struct change *c)
{
	int fd = open_changed(c);

	if (fd < 0)
		return;
	(void)!u.calls.pwrite(fd, c->old, c->n_old, c->at);
	(void)!u.calls.ftruncate(fd, c->size);
	close(fd);
}

/* Some of the pages that were written were on the disk. */
static void keep_some(const struct change *c, uint64_t *random)
{
	int fd = c->new ? open_changed(c) : -1;
	size_t n;

	if (fd < 0)
		return;
	for (size_t at = 0; at < c->n; at += n) {
		n = MIN(c->n - at, PAGE - (size_t)(c->at + (off_t)at) % PAGE);
		if (next_random(random) & 1)
			(void)!u.calls.pwrite(fd, c->new + at, n, c->at + (off_t)at);
	}
	close(fd);
}

static void entry_undo(const struct entry *e)
{
	if (e->kind == MADE)
		u.calls.unlink(e->from);
	if (e->kind == RENAMED)
		u.calls.rename(e->to, e->from);
	if (e->kept[0])
		u.calls.rename(e->kept, e->kind == RENAMED ? e->to : e->from);
}

static struct change *reversed(struct change *list)
{
	struct change *out = NULL;

	while (list) {
		struct change *next = list->before;

		list->before = out;
		out = list;
		list = next;
	}
	return out;
}

void undo_all(uint64_t seed)
{
	uint64_t random = seed | 1, n = 0, undone;
	bool some = next_random(&random) % 2;

	for (struct change *c = u.changes; c; c = c->before)
		put_back(c);
	u.changes = reversed(u.changes);
	for (struct change *c = u.changes; c && some; c = c->before)
		keep_some(c, &random);
	for (struct entry *e = u.entries; e; e = e->before)
		n++;
	undone = some && n ? next_random(&random) % (n + 1) : n; /* a journal keeps their order */
	for (struct entry *e = u.entries; e && undone; e = e->before, undone--)
		entry_undo(e);
	for (struct entry *e = u.entries; e; e = e->before)
		if (e->kept[0])
			u.calls.unlink(e->kept);
}
