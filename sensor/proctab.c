/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/proctab.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint64_t keep_dead_ns = UINT64_C(10) * 1000000000;

/* FREE entries are in none; DEAD ones may go when old; PINNED are dead, old, and have children. */
enum list_name { LIST_FREE, LIST_ALIVE, LIST_DEAD, LIST_PINNED, LISTS };

struct list {
	uint32_t first, last; /* index + 1; first is the oldest */
	uint64_t n;
};

struct proctab {
	struct proc *procs;
	uint32_t *buckets; /* index + 1 of the youngest with that hash */
	uint32_t capacity, mask;
	uint32_t n_used;    /* entries ever used: those from here on are untouched */
	uint32_t free_list; /* index + 1, through hash_next */
	struct list lists[LISTS];
	uint64_t seed;
	struct proctab_counters counters;
	uint64_t dead_max;
};

/* ---- lists ---- */

static uint32_t index_of(const struct proctab *t, const struct proc *p)
{
	return (uint32_t)(p - t->procs);
}

static void list_remove(struct proctab *t, struct proc *p)
{
	struct list *l = &t->lists[p->list];

	if (p->prev)
		t->procs[p->prev - 1].next = p->next;
	else
		l->first = p->next;
	if (p->next)
		t->procs[p->next - 1].prev = p->prev;
	else
		l->last = p->prev;
	l->n--;
	p->list = LIST_FREE;
}

static void list_append(struct proctab *t, enum list_name name, struct proc *p)
{
	struct list *l = &t->lists[name];
	uint32_t me = index_of(t, p) + 1;

	p->list = (uint8_t)name;
	p->next = 0;
	p->prev = l->last;
	if (l->last)
		t->procs[l->last - 1].next = me;
	else
		l->first = me;
	l->last = me;
	l->n++;
}

static void touch(struct proctab *t, struct proc *p)
{
	if (p->list != LIST_ALIVE || t->lists[LIST_ALIVE].last == index_of(t, p) + 1)
		return;
	list_remove(t, p);
	list_append(t, LIST_ALIVE, p);
}

/* ---- identity ---- */

static uint32_t bucket_of(const struct proctab *t, uint32_t tgid)
{
	return (tgid * UINT32_C(2654435761)) >> 7 & t->mask;
}

static uint64_t tick(uint64_t start_ns)
{
	return start_ns / PROCTAB_TICK_NS;
}

uint64_t proctab_entity(const struct proctab *t, uint32_t tgid, uint64_t start_ns)
{
	const uint64_t key[2] = { tgid, tick(start_ns) };
	uint64_t h = XXH3_64bits_withSeed(key, sizeof(key), t->seed);

	return h ? h : 1;
}

static struct proc *chain(const struct proctab *t, uint32_t at)
{
	return at ? &t->procs[at - 1] : NULL;
}

struct proc *proctab_find(struct proctab *t, uint32_t tgid, uint64_t start_ns)
{
	for (struct proc *p = chain(t, t->buckets[bucket_of(t, tgid)]); p;
	     p = chain(t, p->hash_next))
		if (p->tgid == tgid && tick(p->start_ns) == tick(start_ns)) {
			touch(t, p);
			return p;
		}
	return NULL;
}

struct proc *proctab_find_pid(struct proctab *t, uint32_t tgid, uint64_t at_ns)
{
	struct proc *best = NULL;

	for (struct proc *p = chain(t, t->buckets[bucket_of(t, tgid)]); p;
	     p = chain(t, p->hash_next))
		if (p->tgid == tgid && tick(p->start_ns) <= tick(at_ns) &&
		    (!best || p->start_ns > best->start_ns))
			best = p;
	return best;
}

/* ---- images ---- */

static void image_unref(struct proc_image *i)
{
	if (i && --i->refs == 0)
		free(i);
}

static const char *put(struct proc_image *i, size_t *at, const char *s, size_t n)
{
	char *to = i->data + *at;

	if (n)
		memcpy(to, s, n);
	to[n] = 0;
	*at += n + 1;
	return to;
}

static void name_image(struct proc_image *i)
{
	const char *slash = memrchr(i->exe, '/', i->n_exe);

	i->name = slash ? slash + 1 : i->exe;
	i->n_name = (uint32_t)(i->exe + i->n_exe - i->name);
	if (i->n_name == 0 || i->kernel_thread) {
		i->name = i->comm;
		i->n_name = i->n_comm;
	}
}

static struct proc_image *image_new(const struct proc_program *g)
{
	size_t at = 0, n = (size_t)g->n_exe + g->n_cwd + g->n_comm + g->n_args + 4;
	struct proc_image *i = malloc(sizeof(*i) + n);

	if (!i)
		return NULL;
	*i = (struct proc_image){
		.refs = 1,
		.n_exe = g->n_exe,
		.n_cwd = g->n_cwd,
		.n_comm = g->n_comm,
		.n_args = g->n_args,
		.file = g->file,
		.fs_magic = g->fs_magic,
		.args_truncated = g->args_truncated,
		.kernel_thread = g->kernel_thread,
	};
	i->exe = put(i, &at, g->exe, g->n_exe);
	i->cwd = put(i, &at, g->cwd, g->n_cwd);
	i->comm = put(i, &at, g->comm, g->n_comm);
	i->args = put(i, &at, g->args, g->n_args);
	name_image(i);
	return i;
}

int proctab_set_image(struct proc *p, const struct proc_program *program)
{
	struct proc_image *old = p->now.image;

	p->now.image = image_new(program); /* before the old goes: @program may point into it */
	image_unref(old);
	return p->now.image ? 0 : err_origin(-ENOMEM);
}

int proctab_exec(struct proc *p, const struct proc_program *program, uint64_t at_ns)
{
	struct proc_image *image = image_new(program);

	image_unref(p->before.image);
	p->before = p->now;
	p->now.image = image;
	p->now.since_ns = at_ns;
	p->now.generation++;
	memset(p->now.row_stamp, 0, sizeof(p->now.row_stamp));
	return image ? 0 : err_origin(-ENOMEM);
}

struct proc_version *proctab_version(struct proc *p, uint64_t at_ns)
{
	return at_ns < p->now.since_ns && p->before.image ? &p->before : &p->now;
}

void proctab_inherit(struct proc *child, struct proc *parent, uint64_t at_ns)
{
	const struct proc_version *v = proctab_version(parent, at_ns);

	child->now.id = v->id;
	child->cgroup = parent->cgroup;
	proctab_set_container(child, parent->container, at_ns);
	image_unref(child->now.image);
	child->now.image = v->image;
	if (child->now.image)
		child->now.image->refs++;
}

/* ---- containers ---- */

static struct container_process member(const struct proc *p, uint64_t at_ns)
{
	return (struct container_process){ p->start_ns, at_ns, p->cgroup, p->tgid };
}

static void leave_container(struct proc *p, uint64_t at_ns)
{
	const struct container_process m = member(p, at_ns);

	if (p->container && p->list == LIST_ALIVE)
		container_leave(p->container, &m);
}

void proctab_set_container(struct proc *p, struct container *c, uint64_t at_ns)
{
	const struct container_process m = member(p, at_ns);

	if (c == p->container)
		return;
	leave_container(p, at_ns);
	container_unref(p->container);
	p->container = c;
	if (!c)
		return;
	c->refs++;
	if (p->list == LIST_ALIVE)
		container_enter(c, &m);
}

/* ---- links ---- */

static struct proc *follow(const struct proctab *t, struct proc_link link)
{
	struct proc *p = &t->procs[link.index];

	return link.entity && p->entity == link.entity ? p : NULL;
}

void proctab_set_parent(struct proctab *t, struct proc *child, struct proc *parent)
{
	if (child->parent.entity || !parent || parent == child)
		return;
	child->parent = (struct proc_link){ index_of(t, parent), parent->entity };
	parent->children++;
}

struct proc *proctab_parent(const struct proctab *t, const struct proc *p)
{
	return follow(t, p->parent);
}

struct proc *proctab_session_leader(struct proctab *t, const struct proc *p)
{
	if (p->now.id.sid == 0)
		return NULL;
	if (p->now.id.sid == p->tgid)
		return &t->procs[index_of(t, p)];
	return proctab_find_pid(t, p->now.id.sid, p->start_ns);
}

static bool lets_in(const struct proc *p)
{
	static const char *const names[] = {
		"init",	   "systemd", "sshd",	    "sshd-session", "login",	  "agetty",
		"getty",   "telnetd", "in.telnetd", "cron",	    "crond",	  "atd",
		"anacron", "runc",    "crun",	    "conmon",	    "containerd", "dockerd",
		"crio",	   "lightdm", "gdm",	    "sddm",	    "xinetd",
	};
	static const char shim[] = "containerd-shim";
	const struct proc_image *i = p->now.image;

	if (p->tgid == 1)
		return true;
	if (!i)
		return false;
	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		if (strlen(names[k]) == i->n_name && memcmp(names[k], i->name, i->n_name) == 0)
			return true;
	return i->n_name >= sizeof(shim) - 1 && memcmp(i->name, shim, sizeof(shim) - 1) == 0;
}

struct proc *proctab_entry_leader(struct proctab *t, struct proc *p)
{
	struct proc *leader = proctab_session_leader(t, p);

	for (int depth = 0; leader && depth < PROCTAB_DEPTH; depth++) {
		struct proc *parent = proctab_parent(t, leader), *next;

		if (!parent || lets_in(parent))
			return leader;
		next = proctab_session_leader(t, parent);
		if (!next || next == leader)
			return leader;
		leader = next;
	}
	return leader;
}

/* ---- coming and going ---- */

static void release_one(struct proctab *t, struct proc *p)
{
	uint32_t *at = &t->buckets[bucket_of(t, p->tgid)], me = index_of(t, p) + 1;

	while (*at && *at != me)
		at = &t->procs[*at - 1].hash_next;
	if (*at)
		*at = p->hash_next;
	leave_container(p, p->start_ns);
	list_remove(t, p);
	p->entity = 0; /* links to it are now dead */
	image_unref(p->now.image);
	image_unref(p->before.image);
	container_unref(p->container);
	p->hash_next = t->free_list;
	t->free_list = me;
}

/* Frees an entry, and those above it that were only kept for their children. */
static void release(struct proctab *t, struct proc *p)
{
	while (p) {
		struct proc *parent = follow(t, p->parent);

		release_one(t, p);
		if (!parent || --parent->children > 0 || parent->list != LIST_PINNED)
			return;
		p = parent;
	}
}

static void evict(struct proctab *t)
{
	static const enum list_name order[] = { LIST_DEAD, LIST_PINNED, LIST_ALIVE };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		struct proc *p = chain(t, t->lists[order[i]].first);

		if (!p)
			continue;
		t->counters.evicted++;
		t->counters.evicted_alive += order[i] == LIST_ALIVE;
		release(t, p);
		return;
	}
}

static struct proc *entry_new(struct proctab *t)
{
	struct proc *p;

	if (!t->free_list && t->n_used < t->capacity)
		return &t->procs[t->n_used++];
	if (!t->free_list)
		evict(t);
	p = chain(t, t->free_list);
	t->free_list = p->hash_next;
	return p;
}

struct proc *proctab_add(struct proctab *t, uint32_t tgid, uint64_t start_ns)
{
	struct proc *p = entry_new(t);
	uint32_t *bucket = &t->buckets[bucket_of(t, tgid)];

	*p = (struct proc){ .tgid = tgid, .start_ns = start_ns };
	p->entity = proctab_entity(t, tgid, start_ns);
	p->hash_next = *bucket;
	*bucket = index_of(t, p) + 1;
	list_append(t, LIST_ALIVE, p);
	return p;
}

void proctab_exit(struct proctab *t, struct proc *p, uint64_t now_ns)
{
	if (p->list != LIST_ALIVE)
		return;
	p->exit_ns = now_ns;
	leave_container(p, now_ns);
	list_remove(t, p);
	list_append(t, LIST_DEAD, p);
}

void proctab_expire(struct proctab *t, uint64_t now_ns)
{
	struct proc *p;

	while ((p = chain(t, t->lists[LIST_DEAD].first)) &&
	       (p->exit_ns + keep_dead_ns < now_ns || t->lists[LIST_DEAD].n > t->dead_max)) {
		if (p->children == 0) {
			release(t, p);
			continue;
		}
		list_remove(t, p);
		list_append(t, LIST_PINNED, p);
	}
}

void proctab_each_alive(struct proctab *t, void (*each)(struct proc *p, void *arg), void *arg)
{
	struct proc *next;

	for (struct proc *p = chain(t, t->lists[LIST_ALIVE].first); p; p = next) {
		next = chain(t, p->next);
		each(p, arg);
	}
}

void proctab_counters(const struct proctab *t, struct proctab_counters *ret)
{
	*ret = t->counters;
	ret->alive = t->lists[LIST_ALIVE].n;
	ret->dead = t->lists[LIST_DEAD].n + t->lists[LIST_PINNED].n;
}

/* ---- making and freeing ---- */

int proctab_new(struct proctab **ret, uint32_t capacity, const char *node_id,
		const uint8_t boot_id[16])
{
	AUTO(proctab) *t = NULL;
	uint32_t buckets = 16;

	if (capacity < 2 || capacity > 1 << 24)
		return err_origin(-EINVAL);
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_origin(-ENOMEM);
	while (buckets < capacity)
		buckets *= 2;
	t->capacity = capacity;
	t->mask = buckets - 1;
	t->dead_max = MAX(capacity / 8, 256u);
	t->seed = XXH3_64bits_withSeed(node_id, strlen(node_id), XXH3_64bits(boot_id, 16));
	t->procs = calloc(capacity, sizeof(*t->procs));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (!t->procs || !t->buckets)
		return err_origin(-ENOMEM);
	*ret = TAKE(t);
	return 0;
}

struct proctab *proctab_free(struct proctab *t)
{
	if (!t)
		return NULL;
	for (enum list_name l = LIST_ALIVE; t->procs && l < LISTS; l++)
		while (t->lists[l].first)
			release_one(t, chain(t, t->lists[l].first));
	free(t->procs);
	free(t->buckets);
	free(t);
	return NULL;
}
