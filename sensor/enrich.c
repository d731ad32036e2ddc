/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enrich.h"

#include "sensor/event.h"

enum {
	CLOCK_WINDOW_NS = 2000,
	CLOCK_JITTER_NS = 50000,
};

/* ---- process ---- */

static void record_args(struct event *c)
{
	known_args(c->e->known, c->r);
}

static void record_fork(struct event *c)
{
	struct proc *child = known_fork(c->e->known, c->r);
	const char *words[WORDS_MAX];
	uint32_t pid = child->tgid, row;
	uint64_t entity = child->entity;
	size_t n;

	row = event_row(c, known_actor(c->e->known, c->r->head)); /* may move @child's entry out */
	event_begin(c, KIND_FORK, row);
	batch_set(c->b, KIND_FORK, FIELD_CHILD_PID, pid);
	batch_set_id(c->b, KIND_FORK, FIELD_CHILD_ENTITY, entity);
	if (c->r->fork->namespaces)
		event_namespaces(c, KIND_FORK, c->r->fork->namespaces);
	n = names_of_clone(c->r->fork->clone, words);
	event_words(c, KIND_FORK, FIELD_CLONE_FLAGS, words, n);
}

static void record_exit(struct event *c)
{
	const struct rec_exit *x = c->r->exit;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t signal = x->status & 0x7f;
	char name[32];

	/* comes twice: see bpf/abi.h; not of another one with its number within a tick of the clock
	 */
	if (!p || (p->told_end && p->start_ns == c->r->head->start_ns))
		return;
	p->told_end = true;
	p->start_ns = c->r->head->start_ns;
	event_begin(c, KIND_END, event_row(c, p));
	if (signal) {
		const char *s = name_of_signal(signal, name, sizeof(name));

		if (s)
			batch_set_str(c->b, KIND_END, FIELD_EXIT_SIGNAL, s, strlen(s));
	} else {
		batch_set(c->b, KIND_END, FIELD_EXIT_CODE, x->status >> 8 & 0xff);
	}
	batch_set(c->b, KIND_END, FIELD_DURATION, x->duration_ns);
	proctab_exit(known_processes(c->e->known), p, c->r->head->time_ns);
}

/* ---- all ---- */

void enrich_record(struct enrich *e, const struct record *r, struct gather *g, uint64_t *seq)
{
	static void (*const handlers[REC_END])(struct event * c) = {
		[REC_EXEC] = enrich_exec,
		[REC_ARGS] = record_args,
		[REC_FORK] = record_fork,
		[REC_EXIT] = record_exit,
		[REC_OPEN] = enrich_open,
		[REC_DELETE] = enrich_delete,
		[REC_RENAME] = enrich_rename,
		[REC_CONNECT] = enrich_connect,
		[REC_ACCEPT] = enrich_connect,
		[REC_CLOSE] = enrich_close,
		[REC_CREDENTIALS] = enrich_credentials,
		[REC_PTRACE] = enrich_ptrace,
		[REC_SIGNAL] = enrich_signal,
		[REC_SETNS] = enrich_namespace,
		[REC_UNSHARE] = enrich_namespace,
		[REC_MEMFD] = enrich_memfd,
		[REC_LINK] = enrich_link,
		[REC_SYMLINK] = enrich_symlink,
		[REC_CREATE] = enrich_create,
		[REC_CHMOD] = enrich_attributes,
		[REC_CHOWN] = enrich_attributes,
		[REC_MOUNT] = enrich_mount,
		[REC_UMOUNT] = enrich_mount,
		[REC_LISTEN] = enrich_socket,
		[REC_BIND] = enrich_socket,
		[REC_DATAGRAM] = enrich_datagram,
		[REC_UNIX] = enrich_unix,
		[REC_DNS] = enrich_dns,
		[REC_PROTECT] = enrich_protect,
		[REC_PRCTL] = enrich_prctl,
		[REC_VM_READ] = enrich_memory,
		[REC_VM_WRITE] = enrich_memory,
		[REC_CHROOT] = enrich_chroot,
		[REC_PIVOT] = enrich_pivot,
		[REC_XATTR] = enrich_xattr,
		[REC_WRITTEN] = enrich_written,
		[REC_MODULE] = enrich_module,
		[REC_BPF_LOAD] = enrich_bpf,
		[REC_BPF_MAP] = enrich_bpf,
		[REC_BPF_TAKEN] = enrich_bpf_taken,
		[REC_PROBE] = enrich_probe,
		[REC_URING] = enrich_uring,
	};
	struct event c = { e, r, g, g->batch, seq };

	handlers[r->type](&c);
}

/* When so many ended since that it is forgotten, all that is left of it: its identity and
 * container. */
static struct proc *member_of(struct enrich *e, struct container *c,
			      const struct container_process *m)
{
	struct proctab *table = known_processes(e->known);
	struct proc *p = proctab_find(table, m->tgid, m->start_ns);

	if (p)
		return p;
	p = proctab_add(table, m->tgid, m->start_ns);
	proctab_exit(table, p, m->at_ns);
	proctab_set_container(p, c, m->at_ns);
	return p;
}

static void tell_container(struct enrich *e, struct gather *g, uint64_t *seq, struct container *c,
			   enum kind kind)
{
	const struct container_process *m = kind == KIND_CONTAINER_START ? &c->first : &c->last;
	struct proc *p = member_of(e, c, m);
	uint32_t row;

	known_forget_rows(p); /* those of this batch may lack what the runtime told since */
	row = rows_of(&e->rows, g, p, &p->now);
	gather_event(g, kind, (*seq)++, m->at_ns + e->offset_ns);
	g->events[CLASS_PRIORITY]++;
	batch_set_row(g->batch, kind, FIELD_PROCESS, row);
}

void enrich_containers(struct enrich *e, struct gather *g, uint64_t *seq, bool end)
{
	uint64_t now_ns = end ? UINT64_MAX : e->now_ns - e->offset_ns;
	struct containers *all = known_containers(e->known);
	enum container_news news;
	struct container *c;

	while ((c = containers_next(all, now_ns, &news)))
		tell_container(e, g, seq, c,
			       news == CONTAINER_STARTED ? KIND_CONTAINER_START
							 : KIND_CONTAINER_STOP);
}

void enrich_throttle(struct enrich *e, struct gather *g, uint64_t *seq,
		     const struct probe_throttle *t)
{
	const struct rec_workload_key *w = &t->workload;
	struct proc *p = proctab_find(known_processes(e->known), t->tgid, t->start_ns);
	uint32_t row = p ? rows_of(&e->rows, g, p, &p->now) : 0;

	gather_event(g, KIND_THROTTLE, (*seq)++, e->now_ns);
	g->events[CLASS_PRIORITY]++;
	if (row)
		batch_set_row(g->batch, KIND_THROTTLE, FIELD_PROCESS, row);
	batch_set(g->batch, KIND_THROTTLE, FIELD_THROTTLE_COUNT, t->count);
	batch_set(g->batch, KIND_THROTTLE, FIELD_THROTTLE_FROM, t->from_ns + e->offset_ns);
	batch_set(g->batch, KIND_THROTTLE, FIELD_THROTTLE_TO, t->to_ns + e->offset_ns);
	if (w->kind == REC_BY_CGROUP)
		batch_set(g->batch, KIND_THROTTLE, FIELD_THROTTLE_CGROUP, w->id);
	else if (w->kind == REC_BY_SESSION)
		batch_set(g->batch, KIND_THROTTLE, FIELD_THROTTLE_SESSION, w->id);
}

void enrich_hashes(struct enrich *e, struct gather *g, uint64_t *seq)
{
	struct proc_version *v = NULL;
	struct hash_found found;

	while (e->rows.hashes && hashes_take(e->rows.hashes, &found)) {
		struct proc *p = known_hashed(e->known, &found, &v);
		uint32_t row = p ? rows_of(&e->rows, g, p, v) : 0;

		if (!p)
			continue;
		gather_event(g, KIND_HASHED, (*seq)++, e->now_ns);
		g->events[CLASS_PRIORITY]++;
		batch_set_row(g->batch, KIND_HASHED, FIELD_PROCESS, row);
	}
}

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Distance between the clocks: of a few readings the one that was interrupted least. */
static uint64_t read_offset(uint64_t *ret_boot)
{
	uint64_t best = UINT64_MAX, offset = 0;

	for (int i = 0; i < 5 && best > CLOCK_WINDOW_NS; i++) {
		uint64_t before = read_clock(CLOCK_BOOTTIME), now = read_clock(CLOCK_REALTIME);
		uint64_t after = read_clock(CLOCK_BOOTTIME);

		*ret_boot = after;
		if (after - before < best) {
			best = after - before;
			offset = now - before - best / 2;
		}
	}
	return offset;
}

uint64_t enrich_tick(struct enrich *e)
{
	uint64_t boot, offset = read_offset(&boot);

	/* What differs less is how the clocks are read, not that one was set. */
	if (offset - e->offset_ns + CLOCK_JITTER_NS > 2 * CLOCK_JITTER_NS)
		e->offset_ns = offset;
	e->rows.offset_ns = e->offset_ns;
	known_tick(e->known, boot);
	e->now_ns = boot + e->offset_ns;
	return e->now_ns;
}

uint64_t enrich_time(const struct enrich *e, uint64_t boot_ns)
{
	return boot_ns + e->offset_ns;
}

void enrich_evictions(const struct enrich *e, struct enrich_evictions *ret)
{
	struct proctab_counters processes;

	proctab_counters(known_processes(e->known), &processes);
	ret->processes = processes.evicted_alive;
	ret->domains = domains_evicted(e->domains);
	ret->containers = containers_refused(known_containers(e->known));
}

struct known *enrich_known(struct enrich *e)
{
	return e->known;
}

const struct hashes *enrich_hasher(const struct enrich *e)
{
	return e->rows.hashes;
}

int enrich_new(struct enrich **ret, const struct known_config *config)
{
	AUTO(enrich) *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return err_origin(-ENOMEM);
	r = known_new(&e->known, config);
	if (r == 0)
		r = domains_new(&e->domains, DOMAINS_DEFAULT);
	if (r < 0)
		return r;
	e->rows.table = known_processes(e->known);
	e->rows.users = known_users(e->known);
	e->rows.hashes = config->hashes;
	e->conntrack = config->conntrack;
	e->kinds = config->kinds ? config->kinds : UINT64_MAX;
	guard_init(&e->guard, config->state_dir, config->own);
	*ret = TAKE(e);
	return 0;
}

struct enrich *enrich_free(struct enrich *e)
{
	if (!e)
		return NULL;
	known_free(e->known);
	domains_free(e->domains);
	free(e);
	return NULL;
}
