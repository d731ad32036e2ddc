/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/known.h"

enum {
	DEFAULT_PROCESSES = 16384,
	PIECES = 8, /* execs whose long arguments are being told at one time */
	PATH_BYTES = REC_PATH_BYTES + 2,
};

/* Arguments of one exec so far. */
struct pieces {
	uint64_t start_ns, time_ns; /* time_ns 0: free */
	uint32_t tgid, n;
	bool broken; /* a piece is missing */
	char *bytes; /* REC_ARGS_BYTES, once used; kept */
};

struct known {
	struct proctab *table;
	struct procfs *procfs;
	struct users *users;
	struct containers *containers;
	struct cgroups *cgroups;
	struct pieces pieces[PIECES];
	uint32_t next_pieces;
	struct known_counters counters;
	char exe[PATH_BYTES], cwd[PATH_BYTES];
};

/* ---- from /proc ---- */

static void take_found(struct known *k, struct proc *p, const struct procfs_process *f)
{
	struct proc_program program = {
		.exe = f->exe,
		.n_exe = (uint32_t)f->n_exe,
		.cwd = f->cwd,
		.n_cwd = (uint32_t)f->n_cwd,
		.comm = f->stat.comm,
		.n_comm = f->stat.n_comm,
		.args = f->args,
		.n_args = (uint32_t)f->n_args,
		.file = f->exe_file,
		.args_truncated = f->args_truncated,
		.kernel_thread = f->kernel_thread,
	};

	(void)!proctab_set_image(p, &program); /* no memory: the process has no program */
	p->now.id = (struct proc_identity){
		.uid = f->status.uid,
		.gid = f->status.gid,
		.euid = f->status.euid,
		.egid = f->status.egid,
		.suid = f->status.suid,
		.sgid = f->status.sgid,
		.sid = f->stat.sid,
		.tty = f->stat.tty,
	};
	p->vpid = f->status.vpid;
	p->ppid = f->stat.ppid;
	if (f->container.id[0]) {
		struct container *c = containers_find(k->containers, &f->container);

		proctab_set_container(p, c, 0);
		container_unref(c);
	}
}

static int scan_one(const struct procfs_process *f, void *arg)
{
	struct known *k = arg;
	uint64_t start_ns = f->stat.start_ticks * PROCFS_TICK_NS;
	struct proc *p = proctab_find(k->table, f->stat.pid, start_ns);

	if (!p)
		p = proctab_add(k->table, f->stat.pid, start_ns);
	take_found(k, p, f);
	return 0;
}

static void link_parent(struct proc *p, void *arg)
{
	struct known *k = arg;

	if (p->ppid)
		proctab_set_parent(k->table, p, proctab_find_pid(k->table, p->ppid, p->start_ns));
}

void known_scan(struct known *k)
{
	(void)procfs_each(k->procfs, scan_one, k);
	proctab_each_alive(k->table, link_parent, k);
}

struct reconcile {
	struct known *k;
	uint64_t now_ns;
};

static void reconcile_one(struct proc *p, void *arg)
{
	struct reconcile *r = arg;
	uint64_t ticks;

	if (procfs_start_ticks(r->k->procfs, p->tgid, &ticks) < 0 ||
	    ticks != p->start_ns / PROCTAB_TICK_NS)
		proctab_exit(r->k->table, p, r->now_ns);
}

void known_reconcile(struct known *k, uint64_t now_ns)
{
	struct reconcile r = { k, now_ns };

	proctab_each_alive(k->table, reconcile_one, &r);
}

/* ---- processes that events name ---- */

static uint32_t comm_length(const char comm[REC_COMM_BYTES])
{
	return (uint32_t)strnlen(comm, REC_COMM_BYTES);
}

/* Nothing but the event tells of it: @head may be of another process (@head NULL then). */
static void guess(struct known *k, struct proc *p, const struct rec_head *head)
{
	const struct procfs_process *f;

	p->guessed = true;
	k->counters.guessed++;
	if (procfs_read(k->procfs, p->tgid, &f) == 0 &&
	    f->stat.start_ticks == p->start_ns / PROCTAB_TICK_NS) {
		k->counters.proc_reads++;
		take_found(k, p, f);
		link_parent(p, k);
	} else if (head) {
		struct proc_program program = { .comm = head->comm,
						.n_comm = comm_length(head->comm) };

		(void)!proctab_set_image(p, &program);
		p->now.id = (struct proc_identity){
			.uid = head->uid,
			.gid = head->gid,
			.euid = head->uid,
			.egid = head->gid,
			.suid = head->uid,
			.sgid = head->gid,
		};
	}
}

static struct proc *named(struct known *k, uint32_t tgid, uint64_t start_ns,
			  const struct rec_head *head)
{
	struct proc *p;

	if (tgid == 0)
		return NULL;
	p = proctab_find(k->table, tgid, start_ns);
	if (p)
		return p;
	p = proctab_add(k->table, tgid, start_ns);
	guess(k, p, head);
	return p;
}

struct proc *known_named(struct known *k, const struct rec_head *head)
{
	return named(k, head->tgid, head->start_ns, head);
}

void known_forget_rows(struct proc *p)
{
	memset(p->now.row_stamp, 0, sizeof(p->now.row_stamp));
	memset(p->before.row_stamp, 0, sizeof(p->before.row_stamp));
}

static void move_cgroup(struct known *k, struct proc *p, const struct rec_head *head)
{
	struct container *c = cgroups_find(k->cgroups, head->cgroup_id);

	p->cgroup = head->cgroup_id;
	if (c)
		proctab_set_container(p, c, head->time_ns);
	known_forget_rows(p);
}

/* Where the cgroup's v2 id tells nothing of containers. */
static void move_cgroup_v1(struct known *k, struct proc *p, const struct record *r)
{
	struct container *c = cgroups_find_v1(k->cgroups, r->exec->cpu_cgroup_id);

	if (!c || c == p->container)
		return;
	proctab_set_container(p, c, r->head->time_ns);
	known_forget_rows(p);
}

struct proc *known_actor(struct known *k, const struct rec_head *head)
{
	struct proc *p = known_named(k, head);
	struct proc_identity *id;

	if (!p)
		return NULL;
	id = &proctab_version(p, head->time_ns)->id;
	if (id->euid != head->uid || id->egid != head->gid) {
		id->euid = head->uid;
		id->egid = head->gid;
		known_forget_rows(p);
	}
	if (p->cgroup != head->cgroup_id)
		move_cgroup(k, p, head);
	return p;
}

struct proc *known_target(struct known *k, const struct rec_target *target, uint64_t at_ns)
{
	if (target->tgid)
		return named(k, target->tgid, target->start_ns, NULL);
	return target->tid ? proctab_find_pid(k->table, target->tid, at_ns) : NULL;
}

struct proc *known_credentials(struct known *k, const struct record *r)
{
	const struct rec_ids *ids = &r->credentials->after;
	struct proc *p = known_actor(k, r->head);
	struct proc_identity *id;

	if (!p)
		return NULL;
	id = &proctab_version(p, r->head->time_ns)->id;
	id->uid = ids->uid;
	id->gid = ids->gid;
	id->euid = ids->euid;
	id->egid = ids->egid;
	id->suid = ids->suid;
	id->sgid = ids->sgid;
	known_forget_rows(p);
	return p;
}

static bool runs(const struct proc_version *v, const struct hash_key *file)
{
	return v->image && v->image->file.inode == file->inode &&
	       v->image->file.ctime_ns == file->ctime_ns;
}

struct proc *known_hashed(struct known *k, const struct hash_found *found,
			  struct proc_version **ret_version)
{
	struct proc *p = proctab_find(k->table, found->tgid, found->start_ns);

	if (!p || (!runs(&p->now, &found->key) && !runs(&p->before, &found->key)))
		return NULL;
	*ret_version = runs(&p->now, &found->key) ? &p->now : &p->before;
	(*ret_version)->image->hashed = true;
	memcpy((*ret_version)->image->sha256, found->digest, HASH_BYTES);
	known_forget_rows(p);
	return p;
}

/* ---- arguments in pieces ---- */

static struct pieces *pieces_of(struct known *k, const struct rec_head *head)
{
	for (size_t i = 0; i < PIECES; i++) {
		struct pieces *a = &k->pieces[i];

		if (a->time_ns == head->time_ns && a->tgid == head->tgid &&
		    a->start_ns == head->start_ns)
			return a;
	}
	return NULL;
}

static struct pieces *pieces_begin(struct known *k, const struct rec_head *head)
{
	struct pieces *a = &k->pieces[k->next_pieces++ % PIECES];

	if (!a->bytes)
		a->bytes = malloc(REC_ARGS_BYTES);
	if (!a->bytes)
		return NULL;
	a->start_ns = head->start_ns;
	a->time_ns = head->time_ns;
	a->tgid = head->tgid;
	a->n = 0;
	a->broken = false;
	return a;
}

static void pieces_add(struct pieces *a, uint32_t offset, const char *bytes, uint32_t n)
{
	if (offset != a->n || n > REC_ARGS_BYTES - a->n) {
		a->broken = true;
		return;
	}
	memcpy(a->bytes + a->n, bytes, n);
	a->n += n;
}

void known_args(struct known *k, const struct record *r)
{
	struct pieces *a = pieces_of(k, r->head);

	if (!a)
		a = pieces_begin(k, r->head);
	if (a && !a->broken)
		pieces_add(a, r->args->offset, r->arg_bytes, r->n_arg_bytes);
}

/* Puts what came before and what the exec record itself has together. */
static void join_args(struct known *k, const struct record *r, struct proc_program *program)
{
	struct pieces *a = pieces_of(k, r->head);

	program->args = r->arg_bytes;
	program->n_args = r->n_arg_bytes;
	program->args_truncated = r->head->flags & REC_F_ARGS_CUT;
	if (r->exec->args_before == 0)
		return;
	if (!a || a->broken || a->n != r->exec->args_before) {
		k->counters.args_lost++;
		program->args_truncated = true;
	} else {
		pieces_add(a, a->n, r->arg_bytes, r->n_arg_bytes);
		program->args = a->bytes;
		program->n_args = a->n;
		program->args_truncated |= a->broken;
	}
	if (a)
		a->time_ns = 0;
}

/* ---- exec and fork ---- */

static uint32_t device(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
}

/* The process of an exec record; when new to us, with the parent that the record tells. */
static struct proc *exec_process(struct known *k, const struct record *r)
{
	const struct rec_exec *e = r->exec;
	struct proc *p = proctab_find(k->table, r->head->tgid, r->head->start_ns);

	if (!p) {
		p = proctab_add(k->table, r->head->tgid, r->head->start_ns);
		p->guessed = true;
		k->counters.guessed++;
	}
	if (e->parent_tgid && !proctab_parent(k->table, p))
		proctab_set_parent(k->table, p, named(k, e->parent_tgid, e->parent_start_ns, NULL));
	return p;
}

struct proc *known_exec(struct known *k, const struct record *r)
{
	const struct rec_exec *e = r->exec;
	struct proc_program program = {
		.exe = k->exe,
		.n_exe = (uint32_t)record_path_text(&r->path[0], k->exe, sizeof(k->exe)),
		.cwd = k->cwd,
		.n_cwd = (uint32_t)record_path_text(&r->path[1], k->cwd, sizeof(k->cwd)),
		.comm = r->head->comm,
		.n_comm = comm_length(r->head->comm),
		.file = { .inode = e->file.inode,
			  .bytes = e->stamp.bytes,
			  .mtime_ns = e->stamp.mtime_ns,
			  .ctime_ns = e->stamp.ctime_ns,
			  .dev_major = e->file.dev_major,
			  .dev_minor = e->file.dev_minor },
		.fs_magic = e->file.fs_magic,
	};
	struct proc *p = exec_process(k, r);

	join_args(k, r, &program);
	(void)!proctab_exec(p, &program, r->head->time_ns);
	p->now.id = (struct proc_identity){
		.uid = e->uid,
		.gid = e->gid,
		.euid = e->euid,
		.egid = e->egid,
		.suid = e->suid,
		.sgid = e->sgid,
		.sid = e->sid,
		.tty = device(e->tty_major, e->tty_minor),
	};
	p->vpid = e->vpid;
	if (p->cgroup != r->head->cgroup_id)
		move_cgroup(k, p, r->head);
	move_cgroup_v1(k, p, r);
	return p;
}

struct proc *known_fork(struct known *k, const struct record *r)
{
	const struct rec_fork *f = r->fork;
	struct proc *child = proctab_find(k->table, f->child_tgid, f->child_start_ns), *parent;

	if (!child)
		child = proctab_add(k->table, f->child_tgid, f->child_start_ns);
	parent = named(k, f->parent_tgid, f->parent_start_ns,
		       f->parent_tgid == r->head->tgid ? r->head : NULL);
	child->vpid = f->child_vpid;
	if (!parent)
		return child;
	proctab_set_parent(k->table, child, parent);
	if (!child->now.image)
		proctab_inherit(child, parent, r->head->time_ns);
	return child;
}

/* ---- making, asking ---- */

void known_tick(struct known *k, uint64_t now_ns)
{
	users_refresh(k->users, now_ns);
	proctab_expire(k->table, now_ns);
}

int known_new(struct known **ret, const struct known_config *c)
{
	AUTO(known) *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_origin(-ENOMEM);
	r = procfs_new(&k->procfs, c->proc_root ? c->proc_root : "/proc");
	if (r == 0)
		r = proctab_new(&k->table, c->max_processes ? c->max_processes : DEFAULT_PROCESSES,
				c->node_id, c->boot_id);
	if (r == 0)
		r = users_new(&k->users, c->passwd ? c->passwd : "/etc/passwd",
			      c->group ? c->group : "/etc/group");
	if (r == 0)
		r = containers_new(&k->containers, c->runtime);
	if (r == 0)
		r = cgroups_new(&k->cgroups, NULL, k->containers);
	if (r == 0)
		cgroups_tell(k->cgroups, c->cgroup_seen, c->arg);
	if (r < 0)
		return r;
	*ret = TAKE(k);
	return 0;
}

struct known *known_free(struct known *k)
{
	if (!k)
		return NULL;
	for (size_t i = 0; i < PIECES; i++)
		free(k->pieces[i].bytes);
	proctab_free(k->table);
	procfs_free(k->procfs);
	users_free(k->users);
	cgroups_free(k->cgroups);
	containers_free(k->containers);
	free(k);
	return NULL;
}

struct proctab *known_processes(struct known *k)
{
	return k->table;
}

struct containers *known_containers(struct known *k)
{
	return k->containers;
}

const struct users *known_users(const struct known *k)
{
	return k->users;
}

void known_counters(const struct known *k, struct known_counters *ret)
{
	*ret = k->counters;
}
