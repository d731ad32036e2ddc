/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/users.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

enum { REFRESH_NS = 1000000000, RANGES = 8 };

/* A line of uid_map: ids from @inner on are @outer on outside. */
struct range {
	uint32_t inner, outer, count;
};

struct entry {
	uint32_t id, name; /* offset in text */
};

/* One file: "name:password:id:..." a line. */
struct names {
	char path[256];
	struct timespec changed;
	off_t size;
	char *text;
	struct entry *entries; /* by id */
	size_t n;
	struct range ranges[RANGES];
	size_t n_ranges; /* 0: ids are as they come */
};

struct users {
	struct names users, groups;
	uint64_t refreshed_ns;
};

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Parses "name:x:id" in place.  Returns false for a line that is none. */
static bool parse_line(char *line, uint32_t *ret_id)
{
	char *name_end = strchr(line, ':'), *id, *end;
	unsigned long v;

	id = name_end ? strchr(name_end + 1, ':') : NULL;
	if (!id || name_end == line || id[1] < '0' || id[1] > '9')
		return false;
	errno = 0;
	v = strtoul(id + 1, &end, 10);
	if (errno || v > UINT32_MAX || (*end != ':' && *end != 0))
		return false;
	*name_end = 0;
	*ret_id = (uint32_t)v;
	return true;
}

static void parse(struct names *f)
{
	char *next;

	f->n = 0;
	for (char *line = f->text; line && *line && f->n < USERS_ENTRIES; line = next) {
		uint32_t id;

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (parse_line(line, &id))
			f->entries[f->n++] = (struct entry){ id, (uint32_t)(line - f->text) };
	}
	qsort(f->entries, f->n, sizeof(*f->entries), by_id);
}

static size_t count_lines(const char *s)
{
	size_t n = 1;

	for (; (s = strchr(s, '\n')); s++)
		n++;
	return MIN(n, (size_t)USERS_ENTRIES);
}

static int read_names(struct names *f, int fd)
{
	AUTO_MEM char *text = NULL;
	struct entry *entries;
	size_t n = 0;
	ssize_t got;

	text = malloc(MIN((size_t)f->size, (size_t)USERS_FILE_BYTES) + 1);
	if (!text)
		return err_origin(-ENOMEM);
	while (n < MIN((size_t)f->size, (size_t)USERS_FILE_BYTES) &&
	       (got = read(fd, text + n, MIN((size_t)f->size, (size_t)USERS_FILE_BYTES) - n)) > 0)
		n += (size_t)got;
	text[n] = 0;
	entries = malloc(count_lines(text) * sizeof(*entries));
	if (!entries)
		return err_origin(-ENOMEM);
	free(f->text);
	free(f->entries);
	f->text = TAKE(text);
	f->entries = entries;
	parse(f);
	return 0;
}

static int refresh(struct names *f)
{
	AUTO_FD int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		f->n = 0;
		f->size = -1;
		return 0;
	}
	if (f->text && st.st_size == f->size && st.st_mtim.tv_sec == f->changed.tv_sec &&
	    st.st_mtim.tv_nsec == f->changed.tv_nsec)
		return 0;
	f->size = st.st_size;
	f->changed = st.st_mtim;
	return read_names(f, fd);
}

static void parse_ranges(struct names *f, const char *text)
{
	struct range r;
	int used;

	while (f->n_ranges < RANGES && sscanf(text, "%" SCNu32 "%" SCNu32 "%" SCNu32 "%n", &r.inner,
					      &r.outer, &r.count, &used) == 3) {
		f->ranges[f->n_ranges++] = r;
		text += used;
	}
}

/* Id inside of the container.  Returns false when it has none. */
static bool inner_id(const struct names *f, uint32_t *id)
{
	for (size_t i = 0; i < f->n_ranges; i++)
		if (*id - f->ranges[i].outer < f->ranges[i].count) {
			*id = *id - f->ranges[i].outer + f->ranges[i].inner;
			return true;
		}
	return f->n_ranges == 0;
}

static int take_file(struct names *f, int fd, const char *map)
{
	struct stat st;

	parse_ranges(f, map);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	f->size = MIN(st.st_size, USERS_CONTAINER_BYTES);
	return read_names(f, fd);
}

int users_new_container(struct users **ret, int passwd, int group, const char *uid_map,
			const char *gid_map)
{
	AUTO(users) *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_origin(-ENOMEM);
	r = take_file(&u->users, passwd, uid_map);
	if (r == 0)
		r = take_file(&u->groups, group, gid_map);
	if (r < 0)
		return r;
	*ret = TAKE(u);
	return 0;
}

int users_new(struct users **ret, const char *passwd_path, const char *group_path)
{
	AUTO(users) *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_origin(-ENOMEM);
	snprintf(u->users.path, sizeof(u->users.path), "%s", passwd_path);
	snprintf(u->groups.path, sizeof(u->groups.path), "%s", group_path);
	r = refresh(&u->users);
	if (r == 0)
		r = refresh(&u->groups);
	if (r < 0)
		return r;
	*ret = TAKE(u);
	return 0;
}

struct users *users_free(struct users *u)
{
	if (!u)
		return NULL;
	free(u->users.text);
	free(u->users.entries);
	free(u->groups.text);
	free(u->groups.entries);
	free(u);
	return NULL;
}

void users_refresh(struct users *u, uint64_t now_ns)
{
	if (now_ns - u->refreshed_ns < REFRESH_NS)
		return;
	u->refreshed_ns = now_ns;
	(void)!refresh(&u->users); /* out of memory: the old names stay, tried again in a second */
	(void)!refresh(&u->groups);
}

/* First line with @id counts, as for getpwuid(3). */
static const char *find(const struct names *f, uint32_t id)
{
	size_t low = 0, high = f->n;

	if (!inner_id(f, &id))
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->n && f->entries[low].id == id ? f->text + f->entries[low].name : NULL;
}

const char *users_name(const struct users *u, uint32_t uid)
{
	return find(&u->users, uid);
}

const char *users_group(const struct users *u, uint32_t gid)
{
	return find(&u->groups, gid);
}
