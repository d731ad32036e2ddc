/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* process - exec, fork, exit, from the scheduler's tracepoints.
 *
 * Exec is told when the new program is in place: path, directory and arguments are those of the new
 * mm, so nothing that another thread does to the caller's memory can change them.  The arguments
 * lie in the new stack, whose first instruction has not run yet. */
#include "bpf/emit.h"
#include "bpf/fill.h"

/* <linux/sched.h> */
enum {
	NEW_MNT = 0x20000,
	NEW_CGROUP = 0x2000000,
	NEW_UTS = 0x4000000,
	NEW_IPC = 0x8000000,
	NEW_USER = 0x10000000,
	NEW_PID = 0x20000000,
	NEW_NET = 0x40000000,
};
enum { ELF_MAGIC = 0x464c457f }; /* on little-endian machines, as all of ours are */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* --- fork --- */
/* CLONE_NEW* of what @child has and @maker has not. */
static __always_inline uint32_t made_namespaces(struct task_struct *maker,
						struct task_struct *child)
{
	struct nsproxy *a = maker->nsproxy, *b = child->nsproxy;
	uint32_t types = 0;

	if (maker->cred->user_ns != child->cred->user_ns)
		types |= NEW_USER;
	if (a == b)
		return types;
	if (a->mnt_ns != b->mnt_ns)
		types |= NEW_MNT;
	if (a->uts_ns != b->uts_ns)
		types |= NEW_UTS;
	if (a->ipc_ns != b->ipc_ns)
		types |= NEW_IPC;
	if (a->net_ns != b->net_ns)
		types |= NEW_NET;
	if (a->pid_ns_for_children != b->pid_ns_for_children)
		types |= NEW_PID;
	if (a->cgroup_ns != b->cgroup_ns)
		types |= NEW_CGROUP;
	return types;
}

/* What @child shares with @maker or got otherwise. */
static __always_inline uint32_t clone_flags(struct task_struct *maker, struct task_struct *child)
{
	uint32_t flags = 0;

	if (child->mm && child->mm == maker->mm)
		flags |= REC_CLONE_VM;
	if (child->files && child->files == maker->files)
		flags |= REC_CLONE_FILES;
	if (child->fs && child->fs == maker->fs)
		flags |= REC_CLONE_FS;
	if (child->real_parent->tgid != maker->tgid)
		flags |= REC_CLONE_PARENT;
	if (child->cgroups->dfl_cgrp != maker->cgroups->dfl_cgrp)
		flags |= REC_CLONE_CGROUP;
	return flags;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct rec_fork r = {};
	struct task_struct *real;

	parent = LOOSE(struct task_struct, parent);
	child = LOOSE(struct task_struct, child);
	if (child->pid != child->tgid)
		return 0;
	filter_forked(child);
	if (!read_watched(parent))
		return 0;
	fill_head(&r.head, parent);
	real = child->real_parent;
	r.child_tgid = (uint32_t)child->tgid;
	r.child_start_ns = child->start_boottime;
	r.child_vpid = read_vpid(child);
	r.parent_tgid = (uint32_t)real->tgid;
	r.parent_start_ns = real->group_leader->start_boottime;
	r.namespaces = made_namespaces(parent, child);
	r.clone = clone_flags(parent, child);
	r.head.type = REC_FORK;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}

/* --- exit --- */
/* As wait() tells it. */
static __always_inline uint32_t exit_status(struct task_struct *t)
{
	struct signal_struct *signal = t->signal;

	if (signal->flags & SIGNAL_GROUP_EXIT)
		return (uint32_t)signal->group_exit_code;
	return (uint32_t)t->group_leader->exit_code;
}

/* Threads that end at the same time may each see that none lives: the first of them tells. */
static __always_inline bool exit_told(const struct rec_head *head)
{
	struct ended key = { .start_ns = head->start_ns, .tgid = head->tgid };
	uint8_t one = 1;

	/* as int: before 6.4 the upper half of what it returns is not set */
	return (int)bpf_map_update_elem(&ends, &key, &one, BPF_NOEXIST) == -EEXIST;
}

/* Who is left out is so until it ends, for its number is soon another's, or executes something
 * else. */
static __always_inline void forget_ignored(uint32_t tgid)
{
	for (int i = 0; i < REC_IGNORED; i++)
		if (control.ignored[i] == tgid)
			control.ignored[i] = 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct rec_exit r = {};

	task = LOOSE(struct task_struct, task);
	if (task->signal->live.counter != 0)
		return 0;
	filter_ended((uint32_t)task->tgid);
	if (!read_watched(task)) {
		forget_ignored((uint32_t)task->tgid);
		return 0;
	}
	fill_head(&r.head, task);
	if (exit_told(&r.head))
		return 0;
	r.duration_ns = r.head.time_ns - r.head.start_ns;
	r.status = exit_status(task);
	r.head.type = REC_EXIT;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}

/* --- exec --- */
static __always_inline void fill_ids(struct rec_exec *r, struct task_struct *task)
{
	const struct cred *cred = task->cred;

	r->uid = cred->uid.val;
	r->gid = cred->gid.val;
	r->euid = cred->euid.val;
	r->egid = cred->egid.val;
	r->suid = cred->suid.val;
	r->sgid = cred->sgid.val;
	bpf_core_read(&r->effective, sizeof(r->effective), &cred->cap_effective);
	bpf_core_read(&r->permitted, sizeof(r->permitted), &cred->cap_permitted);
	r->sid = read_session(task);
	r->vpid = read_vpid(task);
}

static __always_inline void fill_parent(struct rec_exec *r, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;

	r->parent_tgid = (uint32_t)parent->tgid;
	r->parent_start_ns = parent->group_leader->start_boottime;
}

static __always_inline void fill_tty(struct rec_exec *r, struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);

	r->tty_major = r->tty_minor = 0;
	__builtin_memset(r->tty, 0, sizeof(r->tty));
	if (!tty)
		return;
	r->tty_major = (uint32_t)BPF_CORE_READ(tty, driver, major);
	r->tty_minor =
		(uint32_t)(BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index));
	bpf_core_read_str(r->tty, sizeof(r->tty), &tty->name);
}

/* Where controllers are still those of cgroup v1, only their groups tell of containers. */
static __always_inline uint64_t cpu_cgroup(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, cpu_cgrp_id))
		return 0;
	bpf_probe_read_kernel(&css, sizeof(css),
			      (char *)set + bpf_core_field_offset(struct css_set, subsys) +
				      8 * bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
	return BPF_CORE_READ(css, cgroup, kn, id);
}

/* Sends all whole pieces of the argument block but the last.  Returns the bytes sent;
 * @limit: the bytes to send in all. */
static __noinline uint32_t emit_args(struct scratch *s, uint64_t start, uint32_t limit)
{
	struct rec_args *r = (struct rec_args *)s->bytes;
	uint32_t done = 0;

	for (int i = 0; i < REC_ARGS_BYTES / REC_ARGS_CHUNK; i++) {
		if (limit <= REC_ARGS_CHUNK || done >= limit - REC_ARGS_CHUNK)
			break;
		if (bpf_probe_read_user(r + 1, REC_ARGS_CHUNK, (void *)(start + done)))
			break;
		r->head.type = REC_ARGS;
		r->head.flags = 0;
		r->head.size = sizeof(*r) + REC_ARGS_CHUNK;
		r->offset = done;
		r->bytes = REC_ARGS_CHUNK;
		emit_bytes(REC_CLASS_PRIORITY, r, sizeof(*r) + REC_ARGS_CHUNK);
		done += REC_ARGS_CHUNK;
	}
	return done;
}

/* Appends the rest of the arguments, those after the pieces. */
static __always_inline void fill_args(struct scratch *s, uint64_t start)
{
	struct rec_exec *r = (struct rec_exec *)s->bytes;
	uint32_t n = r->args_total < REC_ARGS_BYTES ? r->args_total : REC_ARGS_BYTES;
	uint32_t at = fill_at(s), last;

	n -= r->args_before;
	if (n > REC_ARGS_CHUNK)
		n = 0; /* a piece could not be read */
	OPAQUE(n);
	if (at > SCRATCH_BYTES - REC_ARGS_CHUNK - 1 || n > REC_ARGS_CHUNK)
		return;
	if (bpf_probe_read_user(s->bytes + at, n, (void *)(start + r->args_before)))
		n = 0;
	last = at + n - 1;
	OPAQUE(last);
	if (n && last < SCRATCH_BYTES)
		s->bytes[last] = 0; /* where they are cut, too */
	r->args_bytes = n;
	if (r->args_before + n < r->args_total)
		r->head.flags |= REC_F_ARGS_CUT;
	fill_move(s, at + n);
}

/* --- environment --- */
/* First bytes of the names that are kept; the sensor looks at them whole. */
enum { ENV_NAMES = 13, ENV_ROUNDS = 32, ENV_CALLS = 256, ENV_PIECE = 1024 };
static const char env_names[ENV_NAMES][8] = {
	"LD_PRELO", "LD_AUDIT", "LD_LIBRA", "GCONV_PA", "GLIBC_TU", "BASH_ENV", "PYTHONPA",
	"PYTHONST", "PERL5LIB", "PERL5OPT", "NODE_OPT", "RUBYOPT=", "HISTFILE",
};

/* @head: the first 8 bytes of a variable.  Global functions, see fill_walk(). */
__noinline int env_kept(uint64_t head)
{
	if ((head & 0xffffffffff) == 0x3d48544150) /* PATH= */
		return 1;
	for (int i = 0; i < ENV_NAMES; i++)
		if (head == *(const uint64_t *)env_names[i])
			return 1;
	return 0;
}

/* The next variable; 1: that was the last one, or there is no more room.  All that changes is in
 * memory, see walk_load(). */
static __noinline long env_once(uint32_t i, struct scratch **at)
{
	struct scratch *s = *at;
	volatile uint64_t *from = &s->mnt;
	volatile uint32_t *inside = (uint32_t *)&s->flags; /* a variable whose beginning was seen */
	uint32_t to = fill_at(s);
	long n;

	if (*from >= *(volatile uint64_t *)&s->dentry || to > SCRATCH_BYTES - ENV_PIECE ||
	    to - *(volatile uint32_t *)&s->begin > REC_ENV_BYTES - ENV_PIECE)
		return 1;
	n = bpf_probe_read_user_str(s->bytes + to, ENV_PIECE, (void *)*from);
	if (n <= 0)
		return 1;
	*from += (uint64_t)(n == ENV_PIECE ? n - 1 : n);
	if (!*inside && n > 8 && env_kept(*(uint64_t *)(s->bytes + to)))
		fill_move(s, to + (uint32_t)n);
	*inside = n == ENV_PIECE;
	return 0;
}

/* Appends those of the next ENV_CALLS variables from s->mnt to s->dentry (user addresses) that are
 * kept.  Each is read to where it would stand, and stays there if it is wanted; of one longer than
 * a piece the beginning.  Returns whether to go on. */
__noinline int fill_env(uint32_t which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &which);

	if (!s)
		return 0;
	if (has_loop)
		return bpf_loop(ENV_CALLS, env_once, &s, 0) == ENV_CALLS;
	for (uint32_t i = 0; i < ENV_CALLS; i++)
		if (env_once(i, &s))
			return 0;
	return 1;
}

static __always_inline void exec_env(struct scratch *s, struct mm_struct *mm)
{
	struct rec_exec *r = (struct rec_exec *)s->bytes;

	s->mnt = mm->env_start;
	s->dentry = mm->env_end;
	s->flags = 0;
	s->begin = fill_at(s);
	for (int i = 0; i < ENV_ROUNDS && fill_env(s->which); i++)
		;
	r->env_bytes = (uint16_t)(fill_at(s) - s->begin);
	if (*(volatile uint64_t *)&s->mnt < mm->env_end)
		r->head.flags |= REC_F_ENV_CUT;
}

/* The descriptor that the kernel made a name of, for the interpreter: "/dev/fd/N"; -1: it is none.
 */
static __always_inline int named_fd(const char *name)
{
	uint64_t words[2] = {};
	const char *text = (const char *)words;
	int fd = 0;

	if (bpf_probe_read_kernel_str(words, sizeof(words), name) < 10 ||
	    words[0] != 0x2f64662f7665642f /* /dev/fd/ */)
		return -1;
	for (int i = 8; i < 15; i++) {
		if (!text[i])
			return fd;
		if (text[i] < '0' || text[i] > '9')
			return -1;
		fd = fd * 10 + (text[i] - '0');
	}
	return -1;
}

/* The script: what was to be executed, if another program is executed for it. */
static __always_inline void exec_script(struct scratch *s, struct task_struct *task,
					struct linux_binprm *bprm)
{
	struct rec_exec *r = (struct rec_exec *)s->bytes;
	const char *name = bprm->filename;
	uint16_t flags = 0;
	struct file *file;
	int fd;

	r->script_bytes = 0;
	r->script_dir.bytes = r->script_dir.flags = 0;
	if (name == bprm->interp)
		return;
	fd = named_fd(name);
	file = fd < 0 ? NULL : read_fd(task, fd);
	if (file)
		fill_file_path(s, &r->script_dir, file);
	else
		r->script_bytes = fill_copied(s, name, &flags);
}

/* What the kernel itself read of the executable: nothing that a file says later counts. */
static __always_inline void exec_elf(struct rec_exec *r, struct linux_binprm *bprm)
{
	uint32_t head[5]; /* up to e_machine; words, as the stack is read by whole ones */

	r->elf_class = r->pad = 0;
	r->elf_machine = 0;
	if (bpf_core_read(head, sizeof(head), &bprm->buf) || head[0] != ELF_MAGIC)
		return;
	r->elf_class = (uint8_t)head[1];
	r->elf_machine = (uint16_t)(head[4] >> 16);
}

static __always_inline void exec_fill(struct scratch *s, struct task_struct *task,
				      struct linux_binprm *bprm, int old_pid)
{
	struct rec_exec *r = (struct rec_exec *)s->bytes;
	struct mm_struct *mm = task->mm;
	uint64_t args = mm->arg_start;
	uint32_t total = (uint32_t)(mm->arg_end - args), before;
	struct file *file;

	fill_head(&r->head, task);
	/* the pieces share the head and lie where the rest of the record will be */
	before = emit_args(s, args, total < REC_ARGS_BYTES ? total : REC_ARGS_BYTES);
	r->args_total = total;
	r->args_before = before;
	r->args_bytes = 0;
	r->cpu_cgroup_id = cpu_cgroup(task);
	exec_elf(r, bprm);
	r->head.type = REC_EXEC;
	r->head.flags = (uint16_t)((uint32_t)old_pid == r->head.tgid ? 0 : REC_F_NOT_LEADER);
	/* alone, secureexec also says that real and effective ids differed before, and still do */
	if (bprm->per_clear && BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec))
		r->head.flags |= REC_F_SECURE;
	r->old_tid = (uint32_t)old_pid;
	fill_parent(r, task);
	fill_ids(r, task);
	fill_tty(r, task);
	file = TYPED(struct file, mm->exe_file);
	fill_file(&r->file, file);
	fill_stamp(&r->stamp, file);
	fill_move(s, sizeof(*r));
	fill_file_path(s, &r->exe, file);
	fill_cwd(s, &r->cwd, task);
	fill_args(s, args);
	exec_env(s, mm);
	exec_script(s, task, bprm);
	emit_scratch(REC_CLASS_PRIORITY, s);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct scratch *s;

	task = LOOSE(struct task_struct, task);
	filter_executed(task);
	forget_ignored((uint32_t)task->tgid);
	if (!read_watched(task))
		return 0;
	s = scratch_take(SCRATCH_PROCESS, REC_CLASS_PRIORITY);
	if (!s)
		return 0;
	exec_fill(s, task, bprm, old_pid);
	scratch_give(s);
	return 0;
}
