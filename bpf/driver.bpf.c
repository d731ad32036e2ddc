/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* driver - what programs add to the kernel: modules, BPF programs and maps, kprobes and uprobes.
 * All told at the return of rare calls; of what was made the kernel's own objects are read, of what
 * failed the caller's words. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

/* <linux/bpf.h>, of any version */
enum {
	CMD_MAP_CREATE = 0,
	CMD_PROG_LOAD = 5,
	CMD_PROG_BY_ID = 13,
	CMD_MAP_BY_ID = 14,
	CMD_LINK_CREATE = 28,
	CMD_LINK_BY_ID = 30,
	ATTACH_KPROBE_MULTI = 42,
	ATTACH_UPROBE_MULTI = 48,
	ATTACH_KPROBE_SESSION = 56,
	ATTACH_UPROBE_SESSION = 58,
	MULTI_RETURN = 1,
	MAP_NAME_AT = 28, /* in union bpf_attr */
	PROG_NAME_AT = 48,
	LINK_PROBES_AT = 16,
};
/* struct perf_event_attr */
enum {
	PERF_CONFIG_AT = 8,
	PERF_CONFIG1_AT = 56,
};

/* --- modules --- */
/* The name is the module's own; it comes before the call returns. */
SEC("tp_btf/module_load")
int BPF_PROG(driver_module_name, struct module *mod)
{
	uint64_t thread = bpf_get_current_pid_tgid();
	struct module_name name = {};

	bpf_core_read_str(name.text, sizeof(name.text), &mod->name);
	bpf_map_update_elem(&loading, &thread, &name, BPF_ANY);
	return 0;
}

static __always_inline void module_fill(struct scratch *s, struct task_struct *t,
					struct call_exit *call)
{
	struct rec_module *r = (struct rec_module *)s->bytes;
	uint64_t thread = bpf_get_current_pid_tgid();
	struct pt_regs *regs = read_call(t, call->nr);
	struct module_name *name;
	struct file *file;

	fill_move(s, sizeof(*r));
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->error = error_of(call->ret);
	name = bpf_map_lookup_elem(&loading, &thread);
	if (name)
		__builtin_memcpy(r->name, name->text, sizeof(r->name));
	bpf_map_delete_elem(&loading, &thread);
	file = regs && call->nr == CALL_FINIT_MODULE ? read_fd(t, (int)ARG1(regs)) : NULL;
	if (file)
		fill_file_path(s, &r->path, file);
	r->head.type = REC_MODULE;
	emit_scratch(REC_CLASS_PRIORITY, s);
}

SEC("tracepoint")
int driver_module(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct scratch *s;

	if (!read_watched(t))
		return 0;
	s = scratch_take(SCRATCH_PROCESS, REC_CLASS_PRIORITY);
	if (!s)
		return 0;
	module_fill(s, t, call);
	scratch_give(s);
	return 0;
}

/* --- probes --- */
/* Tells of a probe whose name is at the user address @name (0: none). */
static __always_inline void probe_tell(struct task_struct *t, uint16_t flags, uint64_t offset,
				       uint64_t name)
{
	struct scratch *s = scratch_take(SCRATCH_PROCESS, REC_CLASS_PRIORITY);
	uint16_t head_flags = REC_F_AS_ASKED;
	struct rec_probe *r;

	if (!s)
		return;
	r = (struct rec_probe *)s->bytes;
	fill_move(s, sizeof(*r));
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, t);
	r->flags = flags;
	r->offset = offset;
	if (name)
		r->name_bytes = fill_name(s, name, &head_flags);
	r->head.flags = head_flags;
	r->head.type = REC_PROBE;
	emit_scratch(REC_CLASS_PRIORITY, s);
	scratch_give(s);
}

/* Which probe the event behind @fd is; -1: none.  By the kernel's name of its source. */
static __always_inline int probe_kind(struct task_struct *t, int fd)
{
	struct file *file = read_fd(t, fd);
	struct perf_event *event = file ? BPF_CORE_READ(file, private_data) : NULL;
	char name[8] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(event, pmu, name));
	if (name[1] != 'p' || name[2] != 'r' || name[3] != 'o' || name[4] != 'b' ||
	    name[5] != 'e' || name[6])
		return -1;
	return name[0] == 'u' ? REC_PROBE_USER : name[0] == 'k' ? 0 : -1;
}

SEC("tracepoint")
int driver_perf(struct call_exit *call)
{
	struct task_struct *t = task_now();
	uint64_t config = 0, probe[2] = {}; /* name and offset */
	struct pt_regs *regs;
	char *attr;
	int kind;

	if (call->ret < 0 || !read_watched(t))
		return 0;
	kind = probe_kind(t, (int)call->ret);
	regs = read_call(t, call->nr);
	if (kind < 0 || !regs)
		return 0;
	attr = (char *)ARG1(regs);
	bpf_probe_read_user(&config, sizeof(config), attr + PERF_CONFIG_AT);
	bpf_probe_read_user(probe, sizeof(probe), attr + PERF_CONFIG1_AT);
	probe_tell(t, (uint16_t)(kind | (config & 1 ? REC_PROBE_RETURN : 0)), probe[1], probe[0]);
	return 0;
}

/* Many probes by one link: the first of them is named. */
static __always_inline void probe_link(struct task_struct *t, char *attr)
{
	struct {
		uint32_t flags, n;
		uint64_t names, addresses;
	} kernel = {};
	struct {
		uint64_t path, offsets, reference, cookies;
		uint32_t n, flags;
	} user = {};
	uint64_t name = 0, offset = 0;
	uint32_t type = 0;

	bpf_probe_read_user(&type, sizeof(type), attr + 8);
	if (type == ATTACH_KPROBE_MULTI || type == ATTACH_KPROBE_SESSION) {
		bpf_probe_read_user(&kernel, sizeof(kernel), attr + LINK_PROBES_AT);
		bpf_probe_read_user(&name, sizeof(name), (void *)kernel.names);
		bpf_probe_read_user(&offset, sizeof(offset), (void *)kernel.addresses);
		probe_tell(t, kernel.flags & MULTI_RETURN ? REC_PROBE_RETURN : 0, offset, name);
	} else if (type == ATTACH_UPROBE_MULTI || type == ATTACH_UPROBE_SESSION) {
		bpf_probe_read_user(&user, sizeof(user), attr + LINK_PROBES_AT);
		bpf_probe_read_user(&offset, sizeof(offset), (void *)user.offsets);
		probe_tell(t, REC_PROBE_USER | (user.flags & MULTI_RETURN ? REC_PROBE_RETURN : 0),
			   offset, user.path);
	}
}

/* --- BPF --- */
static __always_inline void bpf_made(struct rec_bpf *r, struct task_struct *t, int fd, bool map)
{
	struct file *file = read_fd(t, fd);
	void *object = file ? BPF_CORE_READ(file, private_data) : NULL;
	struct bpf_prog *prog = object;
	struct bpf_map *m = object;

	if (map) {
		r->type = BPF_CORE_READ(m, map_type);
		r->id = BPF_CORE_READ(m, id);
		bpf_core_read_str(r->name, sizeof(r->name), &m->name);
	} else {
		struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);

		r->type = BPF_CORE_READ(prog, type);
		r->id = BPF_CORE_READ(aux, id);
		bpf_core_read_str(r->name, sizeof(r->name), &aux->name);
	}
}

static __always_inline void bpf_tell(struct task_struct *t, long ret, char *attr, bool map)
{
	struct rec_bpf r = {};

	fill_head(&r.head, t);
	if (ret >= 0) {
		bpf_made(&r, t, (int)ret, map);
	} else {
		r.error = error_of(ret);
		r.head.flags = REC_F_AS_ASKED;
		bpf_probe_read_user(&r.type, sizeof(r.type), attr);
		bpf_probe_read_user_str(r.name, sizeof(r.name),
					attr + (map ? MAP_NAME_AT : PROG_NAME_AT));
	}
	r.head.type = map ? REC_BPF_MAP : REC_BPF_LOAD;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
}

/* Somebody got a descriptor of what others made, and may change it by that. */
static __always_inline void bpf_taken(struct task_struct *t, int fd, uint64_t cmd)
{
	struct file *file = read_fd(t, fd);
	struct bpf_link *link = file ? BPF_CORE_READ(file, private_data) : NULL;
	struct rec_bpf r = {};

	fill_head(&r.head, t);
	if (cmd == CMD_LINK_BY_ID)
		r.id = BPF_CORE_READ(link, id);
	else
		bpf_made(&r, t, fd, cmd == CMD_MAP_BY_ID);
	r.type = cmd == CMD_LINK_BY_ID	 ? REC_BPF_OBJECT_LINK
		 : cmd == CMD_MAP_BY_ID ? REC_BPF_OBJECT_MAP
					: REC_BPF_OBJECT_PROGRAM;
	r.head.type = REC_BPF_TAKEN;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
}

SEC("tracepoint")
int driver_bpf(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	uint32_t cmd = regs ? (uint32_t)ARG1(regs) : (uint32_t)-1; /* the kernel takes no more of it */
	bool made = cmd == CMD_MAP_CREATE || cmd == CMD_PROG_LOAD;
	bool taken = cmd == CMD_PROG_BY_ID || cmd == CMD_MAP_BY_ID || cmd == CMD_LINK_BY_ID;

	if (!made && !taken && cmd != CMD_LINK_CREATE)
		return 0;
	if (!read_watched(t))
		return 0;
	if (made)
		bpf_tell(t, call->ret, (char *)ARG2(regs), cmd == CMD_MAP_CREATE);
	else if (taken && call->ret >= 0)
		bpf_taken(t, (int)call->ret, cmd);
	else if (call->ret >= 0)
		probe_link(t, (char *)ARG2(regs));
	return 0;
}
