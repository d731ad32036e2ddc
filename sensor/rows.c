/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rows.h"

#include "sensor/node.h"
#include "sensor/procfs.h"

/* Rows that a row refers to; 0: none. */
struct refs {
	uint32_t parent, session_leader, entry_leader;
};

static uint32_t row_at(struct rows *r, struct gather *g, struct proc *p, struct proc_version *v,
		       int depth);

static void set_str(struct gather *g, enum field f, const char *s, size_t n)
{
	if (n)
		batch_set_str(g->batch, KIND_NONE, f, s, n);
}

static void set_name(struct gather *g, enum field f, const char *s)
{
	if (s)
		batch_set_str(g->batch, KIND_NONE, f, s, strlen(s));
}

static void set(struct gather *g, enum field f, uint64_t v)
{
	batch_set(g->batch, KIND_NONE, f, v);
}

static void write_args(struct rows *r, struct gather *g, const struct proc_image *i)
{
	const char *s = i->args, *end = i->args + i->n_args;
	bool truncated = i->args_truncated;
	size_t n = 0;

	while (s < end && n < ROWS_ARGS && g->n_list_values + n < 2 * ROWS_LIST_VALUES) {
		size_t length = strnlen(s, (size_t)(end - s));

		r->args[n++] = batch_string(g->batch, s, length);
		s += length + 1;
	}
	truncated |= s < end;
	if (n)
		batch_set_list(g->batch, KIND_NONE, FIELD_ARGS, r->args, n);
	if (truncated)
		set(g, FIELD_ARGS_TRUNC, 1);
	g->n_list_values += (uint32_t)n;
}

static void ask_hash(struct rows *r, const struct proc *p, struct proc_image *i)
{
	const struct proc *parent = proctab_parent(r->table, p);
	const struct hash_ask ask = {
		.key = &i->file,
		.fs_magic = i->fs_magic,
		.tgid = p->tgid,
		.parent = parent ? parent->tgid : 0,
		.start_ns = p->start_ns,
		.path = i->exe,
		.n_path = i->n_exe,
	};

	i->hashed = hashes_get(r->hashes, &ask, i->sha256);
}

static void write_hash(struct rows *r, struct gather *g, const struct proc *p, struct proc_image *i)
{
	char hex[2 * HASH_BYTES + 1];

	if (!i->hashed && r->hashes && i->file.inode)
		ask_hash(r, p, i);
	if (!i->hashed)
		return;
	node_hex(i->sha256, HASH_BYTES, hex);
	set_str(g, FIELD_SHA256, hex, 2 * HASH_BYTES);
}

static void write_image(struct rows *r, struct gather *g, const struct proc_image *i)
{
	set_str(g, FIELD_NAME, i->name, i->n_name);
	set_str(g, FIELD_EXECUTABLE, i->exe, i->n_exe);
	set_str(g, FIELD_CWD, i->cwd, i->n_cwd);
	set_str(g, FIELD_COMM, i->comm, i->n_comm);
	if (i->file.inode)
		set(g, FIELD_EXE_INODE, i->file.inode);
	write_args(r, g, i);
}

/* Of a container its own names; none while they are not read. */
static void write_names(struct rows *r, struct gather *g, const struct proc *p,
			const struct proc_identity *id)
{
	const struct users *names = p->container ? p->container->users : r->users;

	if (!names)
		return;
	set_name(g, FIELD_USER_NAME, users_name(names, id->euid));
	set_name(g, FIELD_GROUP_NAME, users_group(names, id->egid));
}

static void write_identity(struct gather *g, const struct proc_identity *id)
{
	char tty[32];

	set(g, FIELD_USER_ID, id->euid);
	set(g, FIELD_GROUP_ID, id->egid);
	set(g, FIELD_REAL_USER_ID, id->uid);
	set(g, FIELD_REAL_GROUP_ID, id->gid);
	set(g, FIELD_SAVED_USER_ID, id->suid);
	set(g, FIELD_SAVED_GROUP_ID, id->sgid);
	set_name(g, FIELD_TTY, procfs_tty_name(id->tty, tty, sizeof(tty)));
	if (id->sid)
		set(g, FIELD_SESSION_ID, id->sid);
}

static void set_text(struct gather *g, enum field f, const char *s)
{
	set_str(g, f, s, strlen(s));
}

static void write_container(struct gather *g, const struct container *c)
{
	const struct container_facts *f = &c->facts;

	set_text(g, FIELD_CONTAINER_ID, c->ref.id);
	set_name(g, FIELD_CONTAINER_RUNTIME, container_runtime_name(c->ref.runtime));
	set_text(g, FIELD_CONTAINER_NAME, f->name);
	set_text(g, FIELD_CONTAINER_IMAGE, f->image);
	set_text(g, FIELD_POD_UID, c->ref.pod_uid);
	set_text(g, FIELD_POD_NAME, f->pod);
	set_text(g, FIELD_POD_NAMESPACE, f->namespace);
	if (c->ref.pod_uid[0] || f->pod[0]) {
		set_text(g, FIELD_ORCHESTRATOR, "kubernetes");
		set_text(g, FIELD_ORCHESTRATOR_RESOURCE, "pod");
	}
}

static void write_process(struct rows *r, struct gather *g, struct proc *p)
{
	if (p->start_time_ns == 0)
		p->start_time_ns = p->start_ns + r->offset_ns;
	set(g, FIELD_PID, p->tgid);
	set(g, FIELD_START, p->start_time_ns);
	if (p->vpid)
		set(g, FIELD_VPID, p->vpid);
	if (p->container)
		write_container(g, p->container);
	if (p->cgroup)
		set(g, FIELD_CGROUP, p->cgroup);
}

/* Rows of the others, which must stand before its own.  A leader that is the process itself gets
 * its row later: told as UINT32_MAX. */
static struct refs refs_of(struct rows *r, struct gather *g, struct proc *p, int depth)
{
	struct proc *parent = proctab_parent(r->table, p);
	struct proc *session = proctab_session_leader(r->table, p);
	struct proc *entry = proctab_entry_leader(r->table, p);
	struct refs refs = { 0 };

	if (parent)
		refs.parent = row_at(r, g, parent, proctab_version(parent, p->start_ns), depth + 1);
	if (session)
		refs.session_leader =
			session == p ? UINT32_MAX : row_at(r, g, session, &session->now, depth + 1);
	if (entry)
		refs.entry_leader =
			entry == p ? UINT32_MAX : row_at(r, g, entry, &entry->now, depth + 1);
	return refs;
}

static void write_refs(struct gather *g, const struct refs *refs, uint32_t own)
{
	uint32_t session = refs->session_leader == UINT32_MAX ? own : refs->session_leader;
	uint32_t entry = refs->entry_leader == UINT32_MAX ? own : refs->entry_leader;

	if (refs->parent)
		batch_set_row(g->batch, KIND_NONE, FIELD_PARENT, refs->parent);
	if (session)
		batch_set_row(g->batch, KIND_NONE, FIELD_SESSION_LEADER, session);
	if (entry)
		batch_set_row(g->batch, KIND_NONE, FIELD_ENTRY_LEADER, entry);
}

static uint32_t row_at(struct rows *r, struct gather *g, struct proc *p, struct proc_version *v,
		       int depth)
{
	struct refs refs;

	if (v->row_stamp[g->slot] == g->stamp)
		return v->row[g->slot];
	if (depth >= PROCTAB_DEPTH)
		return 0;
	/* Stale facts may lead round in a circle: who is being written has no row yet. */
	v->row_stamp[g->slot] = g->stamp;
	v->row[g->slot] = 0;
	refs = refs_of(r, g, p, depth);
	v->row[g->slot] = batch_process_add(g->batch, p->entity, v->generation);
	write_process(r, g, p);
	write_identity(g, &v->id);
	write_names(r, g, p, &v->id);
	if (v->image) {
		write_image(r, g, v->image);
		write_hash(r, g, p, v->image);
	}
	write_refs(g, &refs, v->row[g->slot]);
	return v->row[g->slot];
}

uint32_t rows_of(struct rows *r, struct gather *g, struct proc *p, struct proc_version *v)
{
	return row_at(r, g, p, v, 0);
}
