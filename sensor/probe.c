/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probe.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "sensor/probe_filter.h"
#include "sensor/probe_throttle.h"
#include "sensor/tracefs.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "bpf/rtsec.skel.h"
#pragma GCC diagnostic pop

/* --- tables --- */
enum { HOOK_CALLS = 10, TIER_PROGRAMS = 4, PROBE_LINKS = 192, PROBE_NOTES = 4 };

/* Where a program is attached: at the return of these system calls, or (none named) where its
 * section says. */
struct hook {
	const char *program;
	const char *calls[HOOK_CALLS]; /* those that an architecture lacks are left out, the first
					* one must be there */
	bool at_entry;		       /* where the calls come in, not at their return */
	int params;		       /* that the tracepoint must have; 0: any number */
};

#define CREDENTIAL_CALLS                                                                        \
	{                                                                                       \
		"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "capset", \
			"setfsuid", "setfsgid"                                                  \
	}

static const struct hook hooks[] = {
	{ .program = "process_exec" },
	{ .program = "process_fork" },
	{ .program = "process_exit" },
	{ .program = "file_open", .calls = { "openat", "openat2", "open", "creat", "open_by_handle_at" } },
	{ .program = "file_delete", .calls = { "unlinkat", "unlink", "rmdir" } },
	{ .program = "file_rename", .calls = { "renameat2", "renameat", "rename" } },
	{ .program = "network_state" },
	{ .program = "network_connect", .calls = { "connect" } },
	{ .program = "network_accept", .calls = { "accept4", "accept" } },
	{ .program = "socket_listen", .calls = { "listen" } },
	{ .program = "socket_bind", .calls = { "bind" } },
	{ .program = "datagram_sent" },
	{ .program = "datagram_arrived" },
	{ .program = "datagram_received" },
	{ .program = "datagram_taken" },
	{ .program = "protect_mmap", .calls = { "mmap" } },
	{ .program = "protect_mprotect", .calls = { "mprotect", "pkey_mprotect" } },
	{ .program = "protect_shmat", .calls = { "shmat" } },
	{ .program = "prctl_set", .calls = { "prctl" } },
	{ .program = "control_memory", .calls = { "process_vm_readv", "process_vm_writev" } },
	{ .program = "change_chroot", .calls = { "chroot" } },
	{ .program = "change_pivot", .calls = { "pivot_root" } },
	{ .program = "change_xattr",
	  .calls = { "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
		     "fremovexattr", "setxattrat", "removexattrat" } },
	{ .program = "written_file" },
	{ .program = "written_truncate", .calls = { "truncate" } },
	{ .program = "driver_module", .calls = { "finit_module", "init_module" } },
	{ .program = "driver_module_name" },
	{ .program = "driver_bpf", .calls = { "bpf" } },
	{ .program = "driver_perf", .calls = { "perf_event_open" } },
	{ .program = "uring_setup", .calls = { "io_uring_setup" } },
	{ .program = "uring_complete", .params = 3 },
	{ .program = "uring_complete_old", .params = 7 },
	{ .program = "uring_submit" },
	{ .program = "uring_submit_old" },
	{ .program = "change_link", .calls = { "linkat", "link" } },
	{ .program = "change_symlink", .calls = { "symlinkat", "symlink" } },
	{ .program = "change_create", .calls = { "mkdirat", "mkdir", "mknodat", "mknod" } },
	{ .program = "change_mode", .calls = { "fchmodat", "fchmodat2", "fchmod", "chmod" } },
	{ .program = "change_owner", .calls = { "fchownat", "fchown", "chown", "lchown" } },
	{ .program = "change_mount", .calls = { "mount", "move_mount", "mount_setattr" } },
	{ .program = "change_umount", .calls = { "umount" } },
	{ .program = "credentials_begin", .calls = CREDENTIAL_CALLS, .at_entry = true },
	{ .program = "credentials_end", .calls = CREDENTIAL_CALLS },
	{ .program = "control_ptrace", .calls = { "ptrace" } },
	{ .program = "control_signal" },
	{ .program = "namespace_setns", .calls = { "setns" } },
	{ .program = "namespace_unshare", .calls = { "unshare" } },
	{ .program = "memory_memfd", .calls = { "memfd_create" } },
	{ .program = "resolve_unlink" },
	{ .program = "resolve_rmdir" },
	{ .program = "resolve_mkdir" },
	{ .program = "resolve_mknod" },
	{ .program = "resolve_symlink" },
	{ .program = "resolve_link" },
	{ .program = "resolve_rename" },
	{ .program = "resolve_chmod" },
	{ .program = "resolve_chown" },
	{ .program = "resolve_mount" },
	{ .program = "resolve_move_mount" },
	{ .program = "resolve_umount" },
};

/* How a kind can be watched.  Of the rows of one kind the first that attaches is taken. */
struct tier {
	enum kind kind;
	const char *kind_name;
	const char *name;
	const char *programs[TIER_PROGRAMS];
};

static const struct tier tiers[] = {
	{ KIND_EXEC, "exec", "tp_btf", { "process_exec" } },
	{ KIND_FORK, "fork", "tp_btf", { "process_fork" } },
	{ KIND_END, "end", "tp_btf", { "process_exit" } },
	{ KIND_UID_CHANGE,
	  "uid_change",
	  "tp/syscalls",
	  { "credentials_end", "credentials_begin" } },
	{ KIND_GID_CHANGE,
	  "gid_change",
	  "tp/syscalls",
	  { "credentials_end", "credentials_begin" } },
	{ KIND_CAPSET, "capset", "tp/syscalls", { "credentials_end", "credentials_begin" } },
	{ KIND_SIGNAL, "signal", "tp_btf", { "control_signal" } },
	{ KIND_PTRACE, "ptrace", "tp/syscalls", { "control_ptrace" } },
	{ KIND_SETNS, "setns", "tp/syscalls", { "namespace_setns" } },
	{ KIND_UNSHARE, "unshare", "tp/syscalls", { "namespace_unshare" } },
	{ KIND_MEMFD, "memfd_create", "tp/syscalls", { "memory_memfd" } },
	{ KIND_OPEN, "open", "tp/syscalls", { "file_open" } },
	{ KIND_CREATION,
	  "creation",
	  "fentry",
	  { "file_open", "change_create", "resolve_mkdir", "resolve_mknod" } },
	{ KIND_CREATION, "creation", "tp/syscalls", { "file_open", "change_create" } },
	{ KIND_LINK, "link", "fentry", { "change_link", "resolve_link" } },
	{ KIND_LINK, "link", "tp/syscalls", { "change_link" } },
	{ KIND_SYMLINK, "symlink", "fentry", { "change_symlink", "resolve_symlink" } },
	{ KIND_SYMLINK, "symlink", "tp/syscalls", { "change_symlink" } },
	{ KIND_CHMOD, "chmod", "fentry", { "change_mode", "resolve_chmod" } },
	{ KIND_CHMOD, "chmod", "tp/syscalls", { "change_mode" } },
	{ KIND_CHOWN, "chown", "fentry", { "change_owner", "resolve_chown" } },
	{ KIND_CHOWN, "chown", "tp/syscalls", { "change_owner" } },
	{ KIND_MOUNT,
	  "mount",
	  "fentry",
	  { "change_mount", "resolve_mount", "resolve_move_mount" } },
	{ KIND_MOUNT, "mount", "tp/syscalls", { "change_mount" } },
	{ KIND_UMOUNT, "umount", "fentry", { "change_umount", "resolve_umount" } },
	{ KIND_UMOUNT, "umount", "tp/syscalls", { "change_umount" } },
	{ KIND_DELETION,
	  "deletion",
	  "fentry",
	  { "file_delete", "resolve_unlink", "resolve_rmdir" } },
	{ KIND_DELETION, "deletion", "tp/syscalls", { "file_delete" } },
	{ KIND_RENAME, "rename", "fentry", { "file_rename", "resolve_rename" } },
	{ KIND_RENAME, "rename", "tp/syscalls", { "file_rename" } },
	{ KIND_CONNECT, "connection_attempted", "tp_btf", { "network_state", "network_connect" } },
	{ KIND_ACCEPT, "connection_accepted", "tp/syscalls", { "network_accept" } },
	{ KIND_DISCONNECT, "disconnect_received", "tp_btf", { "network_state", "network_accept" } },
	{ KIND_MPROTECT,
	  "mprotect_exec",
	  "tp/syscalls",
	  { "protect_mprotect", "protect_mmap", "protect_shmat" } },
	{ KIND_PRCTL_NAME, "prctl_name", "tp/syscalls", { "prctl_set" } },
	{ KIND_PRCTL, "prctl", "tp/syscalls", { "prctl_set" } },
	{ KIND_VM_WRITE, "process_vm_write", "tp/syscalls", { "control_memory" } },
	{ KIND_VM_READ, "process_vm_read", "tp/syscalls", { "control_memory" } },
	{ KIND_CHROOT, "chroot", "tp/syscalls", { "change_chroot" } },
	{ KIND_PIVOT, "pivot_root", "tp/syscalls", { "change_pivot" } },
	{ KIND_XATTR, "xattr", "tp/syscalls", { "change_xattr" } },
	{ KIND_MODIFICATION, "modification", "tp_btf", { "written_file", "written_truncate" } },
	{ KIND_MODULE, "load_module", "tp/syscalls", { "driver_module", "driver_module_name" } },
	{ KIND_BPF_LOAD, "bpf_load", "tp/syscalls", { "driver_bpf" } },
	{ KIND_BPF_MAP, "bpf_map_create", "tp/syscalls", { "driver_bpf" } },
	{ KIND_PROBE, "kprobe_attach", "tp/syscalls", { "driver_perf", "driver_bpf" } },
	{ KIND_IO_URING,
	  "io_uring_setup",
	  "tp/syscalls+tp_btf",
	  { "uring_setup", "uring_complete", "uring_submit" } },
	{ KIND_IO_URING,
	  "io_uring_setup",
	  "tp/syscalls+tp_btf",
	  { "uring_setup", "uring_complete_old", "uring_submit" } },
	{ KIND_IO_URING,
	  "io_uring_setup",
	  "tp/syscalls+tp_btf",
	  { "uring_setup", "uring_complete_old", "uring_submit_old" } },
	{ KIND_IO_URING, "io_uring_setup", "tp/syscalls", { "uring_setup" } },
	{ KIND_LISTEN, "listen", "tp/syscalls", { "socket_listen" } },
	{ KIND_BIND, "bind", "tp/syscalls", { "socket_bind" } },
	{ KIND_DATAGRAM,
	  "datagram_peer",
	  "tp_btf",
	  { "datagram_sent", "datagram_arrived", "datagram_received" } },
	{ KIND_DATAGRAM, "datagram_peer", "tp_btf/skb", { "datagram_sent", "datagram_taken" } },
	{ KIND_UNIX, "unix_connect", "tp/syscalls", { "network_connect" } },
	{ KIND_DNS, "dns_answer", "tp_btf", { "datagram_arrived", "datagram_received" } },
	{ KIND_DNS, "dns_answer", "tp_btf/skb", { "datagram_taken" } },
};

/* --- the object --- */
enum { PROGRAM_IDLE, PROGRAM_ATTACHED, PROGRAM_FAILED };

struct probe {
	struct rtsec_bpf *skel;
	struct bpf_link *links[PROBE_LINKS];
	size_t n_links;
	int states[ARRAY_SIZE(hooks)]; /* PROGRAM_*, as hooks[] */
	struct probe_tier tiers[ARRAY_SIZE(tiers)];
	char reports[ARRAY_SIZE(tiers)][64];
	size_t n_tiers;
	bool trampolines; /* of the kernel work */
	char notes[PROBE_NOTES][160];
	size_t n_notes;
	int events; /* tracefs; -1: not opened */
	uint32_t ring_bytes[REC_CLASSES], marks[REC_CLASSES];
	int n_cpus;
	struct rec_losses *losses, *losses_before; /* per CPU */
	struct throttle_state *throttle;
	struct filter_state filter;
};

struct probe *probe_free(struct probe *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->n_links; i++)
		bpf_link__destroy(p->links[i]);
	if (p->events >= 0)
		close(p->events);
	rtsec_bpf__destroy(p->skel);
	free(p->losses);
	free(p->losses_before);
	free(p->throttle);
	filter_state_done(&p->filter);
	free(p);
	return NULL;
}

static void note(struct probe *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct probe *p, const char *fmt, ...)
{
	va_list ap;

	if (p->n_notes == PROBE_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(p->notes[p->n_notes], sizeof(p->notes[0]), fmt, ap);
	va_end(ap);
	p->n_notes++;
}

/* --- what libbpf says, for the diag --- */
static _Thread_local char complaint[256];

PRINTF_LIKE(2, 0)
static int keep_complaint(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN || complaint[0])
		return 0;
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	complaint[strcspn(complaint, "\n")] = 0;
	return 0;
}

/* --- loading --- */
static const uint64_t throttle_windows_per_1000_s = UINT64_C(1000000000000) >> REC_THROTTLE_SHIFT;

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int set_ring(struct probe *p, struct bpf_map *map, enum rec_class class, uint32_t bytes,
		    uint32_t percent, struct diag *d)
{
	if (!power_of_two(bytes) || bytes < (uint32_t)sysconf(_SC_PAGESIZE) || bytes > 1u << 30)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"ring of %u bytes: expected a power of two from a page to 1 GiB",
				bytes);
	p->ring_bytes[class] = bytes;
	p->marks[class] = (uint32_t)((uint64_t)bytes * percent / 100);
	return bpf_map__set_max_entries(map, bytes);
}

static int set_up(struct probe *p, const struct probe_settings *s, struct diag *d)
{
	uint32_t percent = s->fill_percent ? s->fill_percent : 25;
	uint32_t priority = s->priority_ring_bytes ? s->priority_ring_bytes : 1 << 20;
	uint32_t bulk = s->bulk_ring_bytes ? s->bulk_ring_bytes : 4 << 20;
	uint64_t quota = s->throttle ? s->throttle * 1000 / throttle_windows_per_1000_s + 1 : 0;
	int r;

	if (percent > 90)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"fill mark of %u %%: expected 1 to 90", percent);
	r = set_ring(p, p->skel->maps.priority_ring, REC_CLASS_PRIORITY, priority, percent, d);
	if (r == 0)
		r = set_ring(p, p->skel->maps.bulk_ring, REC_CLASS_BULK, bulk, percent, d);
	if (r == 0)
		r = bpf_map__set_max_entries(p->skel->maps.connections,
					     s->sockets ? s->sockets : 16384);
	p->skel->rodata->fill_priority = p->marks[REC_CLASS_PRIORITY];
	p->skel->rodata->fill_bulk = p->marks[REC_CLASS_BULK];
	p->skel->rodata->only_netns = s->only_netns;
	p->skel->rodata->filters_possible = s->filters;
	p->skel->rodata->throttle_quota = quota;
	p->skel->rodata->throttle_share = quota / (2 * (uint64_t)MAX(p->n_cpus, 1));
	return r;
}

static bool wanted(const struct probe_settings *s, enum kind kind)
{
	return !s->kinds || (s->kinds >> kind & 1);
}

/* Attaches a program of nothing to the entry of a kernel function: whether the kernel has
 * trampolines and lets us use them cannot be told from anything less. */
static bool trampolines_work(const struct btf *kernel)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = btf__find_by_name_kind(kernel, "security_path_unlink", BTF_KIND_FUNC);
	int prog, link;

	if (id <= 0)
		return false;
	opts.attach_btf_id = (uint32_t)id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "rtsec_nothing", "GPL", nothing,
			     ARRAY_SIZE(nothing), &opts);
	if (prog < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, prog);
	if (link >= 0)
		close(link);
	close(prog);
	return link >= 0;
}

static struct bpf_program *find_program(const struct probe *p, const char *name)
{
	return bpf_object__find_program_by_name(p->skel->obj, name);
}

static const struct hook *find_hook(const char *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (strcmp(hooks[i].program, program) == 0)
			return &hooks[i];
	return NULL;
}

/* Number of parameters of the tracepoint whose typedef is @id: of the function that it points at,
 * less the one that is not the tracepoint's own. */
static int n_params(const struct btf *kernel, int id)
{
	const struct btf_type *t = btf__type_by_id(kernel, (uint32_t)id);

	while (t && (btf_is_typedef(t) || btf_is_ptr(t)))
		t = btf__type_by_id(kernel, t->type);
	return t && btf_is_func_proto(t) ? btf_vlen(t) - 1 : -1;
}

/* The running kernel has the tracepoint or function that the program's section names, or it names
 * none. */
static bool has_place(const struct probe *p, const struct btf *kernel, const char *program)
{
	static const char tracepoint[] = "tp_btf/", entry[] = "fentry/";
	const char *section = bpf_program__section_name(find_program(p, program));
	int params = find_hook(program)->params, id;
	char name[80];

	if (strncmp(section, entry, sizeof(entry) - 1) == 0)
		return p->trampolines && btf__find_by_name_kind(kernel, section + sizeof(entry) - 1,
								BTF_KIND_FUNC) > 0;
	if (strncmp(section, tracepoint, sizeof(tracepoint) - 1) != 0)
		return true;
	snprintf(name, sizeof(name), "btf_trace_%s", section + sizeof(tracepoint) - 1);
	id = btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF);
	return id > 0 && (!params || params == n_params(kernel, id));
}

static bool has_places(const struct probe *p, const struct btf *kernel, const struct tier *tier)
{
	for (size_t i = 0; i < TIER_PROGRAMS && tier->programs[i]; i++)
		if (!has_place(p, kernel, tier->programs[i]))
			return false;
	return true;
}

/* Only programs of wanted kinds are loaded, of each kind those of the first row that this kernel
 * has a place for; the verifier refuses a program without one, and all others with it. */
static int choose_programs(struct probe *p, const struct probe_settings *s)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	enum kind done = KIND_NONE;
	struct bpf_program *prog;

	if (!kernel)
		return err_origin(errno ? -errno : -ENOTSUP);
	p->trampolines = trampolines_work(kernel);
	bpf_object__for_each_program(prog, p->skel->obj) bpf_program__set_autoload(prog, false);
	for (size_t i = 0; i < ARRAY_SIZE(tiers); i++) {
		const struct tier *tier = &tiers[i];

		if (!wanted(s, tier->kind) || tier->kind == done || !has_places(p, kernel, tier))
			continue;
		done = tier->kind;
		for (size_t k = 0; k < TIER_PROGRAMS && tier->programs[k]; k++)
			bpf_program__set_autoload(find_program(p, tier->programs[k]), true);
	}
	btf__free(kernel);
	bpf_map__set_autocreate(p->skel->maps.resolved_paths, p->trampolines);
	p->skel->rodata->keeps_resolved = p->trampolines;
	return 0;
}

static int open_and_load(struct probe *p, const struct probe_settings *s, bool direct,
			 struct diag *d)
{
	int r;

	complaint[0] = 0;
	p->skel = rtsec_bpf__open();
	if (!p->skel)
		return err_origin(errno ? -errno : -ENOMEM);
	r = set_up(p, s, d);
	if (r < 0)
		return r;
	p->skel->rodata->direct_loads = direct;
	r = choose_programs(p, s);
	return r < 0 ? r : rtsec_bpf__load(p->skel);
}

static int explain(int r, struct diag *d)
{
	if (d && d->text[0])
		return r;
	if (geteuid() != 0 && (r == -EPERM || r == -EACCES))
		return diag_set(d, err_origin(-EPERM), 0, 0,
				"loading BPF programs needs root, or CAP_BPF, CAP_PERFMON and "
				"CAP_SYS_ADMIN (%s)",
				complaint);
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return diag_set(d, err_origin(-ENOTSUP), 0, 0,
				"the kernel tells no types (/sys/kernel/btf/vmlinux is missing): "
				"expected 5.8 or newer built with CONFIG_DEBUG_INFO_BTF");
	return diag_set(d, r, 0, 0, "the kernel refused the BPF programs: %s (%s)", strerror(-r),
			complaint[0] ? complaint : "no reason given");
}

/* With typed loads where the kernel has them, else with reads by helper. */
static int load(struct probe *p, const struct probe_settings *s, struct diag *d)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_complaint);
	int r = open_and_load(p, s, true, d);

	if (r < 0 && r != -EPERM && p->skel && !(d && d->text[0])) {
		rtsec_bpf__destroy(p->skel);
		p->skel = NULL;
		r = open_and_load(p, s, false, d);
		if (r == 0)
			note(p,
			     "file paths are read by helper calls: this kernel has no typed loads");
	}
	if (r < 0)
		r = explain(r, d);
	libbpf_set_print(before);
	return r;
}

void probe_links(const struct probe *p, struct guard_links *to)
{
	for (size_t i = 0; i < p->n_links; i++)
		(void)guard_links_note(to, bpf_link__fd(p->links[i]));
}

/* --- attaching --- */
static int add_link(struct probe *p, struct bpf_link *link)
{
	if (!link)
		return err_origin(-errno);
	if (p->n_links == PROBE_LINKS) {
		bpf_link__destroy(link);
		return err_origin(-ENOSPC);
	}
	p->links[p->n_links++] = link;
	return 0;
}

static int events_folder(struct probe *p)
{
	enum tracefs_how how;

	if (p->events >= 0)
		return p->events;
	p->events = tracefs_open(&how);
	if (p->events >= 0 && how == TRACEFS_DETACHED)
		note(p, "tracefs is not mounted: reached through a detached mount of our own");
	return p->events;
}

static int attach_call(struct probe *p, struct bpf_program *prog, const char *call, bool at_entry)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.sample_period = 1,
					.wakeup_events = 1 };
	int folder = events_folder(p), id, fd, r;
	char name[64];

	if (folder < 0)
		return folder;
	snprintf(name, sizeof(name), "sys_%s_%s", at_entry ? "enter" : "exit", call);
	id = tracefs_event(folder, "syscalls", name);
	if (id < 0)
		return id;
	attr.config = (uint32_t)id;
	/* for BPF an event on one CPU stands for all */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return err_origin(-errno);
	r = add_link(p, bpf_program__attach_perf_event(prog, fd));
	if (r < 0)
		close(fd);
	return r;
}

static int attach_hook(struct probe *p, const struct hook *hook)
{
	struct bpf_program *prog = find_program(p, hook->program);
	int r;

	if (!bpf_program__autoload(prog)) /* there is no place for it */
		return err_origin(-ENOTSUP);
	if (!hook->calls[0])
		return add_link(p, bpf_program__attach(prog));
	for (size_t i = 0; i < HOOK_CALLS && hook->calls[i]; i++) {
		r = attach_call(p, prog, hook->calls[i], hook->at_entry);
		if (r < 0 && (r != -ENOENT || i == 0))
			return r;
	}
	return 0;
}

static int attach_program(struct probe *p, const char *program)
{
	const struct hook *hook = find_hook(program);
	int *state = &p->states[hook - hooks];

	if (*state == PROGRAM_IDLE)
		*state = attach_hook(p, hook) < 0 ? PROGRAM_FAILED : PROGRAM_ATTACHED;
	return *state == PROGRAM_ATTACHED ? 0 : err_origin(-ENOTSUP);
}

static int attach_tier(struct probe *p, const struct tier *tier)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < TIER_PROGRAMS && tier->programs[i]; i++)
		r = attach_program(p, tier->programs[i]);
	return r;
}

static void report(struct probe *p, const struct tier *tier, const char *name)
{
	char *text = p->reports[p->n_tiers];

	snprintf(text, sizeof(p->reports[0]), "%s=%s", tier->kind_name, name);
	p->tiers[p->n_tiers++] = (struct probe_tier){
		.kind = tier->kind, .name = tier->kind_name, .tier = name, .report = text
	};
}

/* Tries the rows of each kind in order. */
static size_t attach(struct probe *p, const struct probe_settings *s)
{
	size_t n_attached = 0;
	bool done = false;

	for (size_t i = 0; i < ARRAY_SIZE(tiers); i++) {
		bool last = i + 1 == ARRAY_SIZE(tiers) || tiers[i + 1].kind != tiers[i].kind;

		if (wanted(s, tiers[i].kind) && !done) {
			done = attach_tier(p, &tiers[i]) == 0;
			if (done || last)
				report(p, &tiers[i], done ? tiers[i].name : "none");
			n_attached += done;
		}
		if (last)
			done = false;
	}
	return n_attached;
}

/* --- making one --- */
static int make_losses(struct probe *p)
{
	p->n_cpus = libbpf_num_possible_cpus();
	if (p->n_cpus < 0)
		return err_origin(p->n_cpus);
	p->losses = calloc((size_t)p->n_cpus, sizeof(*p->losses));
	p->losses_before = calloc((size_t)p->n_cpus, sizeof(*p->losses));
	p->throttle = calloc(1, sizeof(*p->throttle));
	p->filter.read = calloc((size_t)p->n_cpus, sizeof(*p->filter.read));
	if (!p->losses || !p->losses_before || !p->throttle || !p->filter.read)
		return err_origin(-ENOMEM);
	return 0;
}

static void make_filter(struct probe *p)
{
	p->filter.sets = bpf_map__fd(p->skel->maps.filter_sets);
	p->filter.values = bpf_map__fd(p->skel->maps.filter_values);
	p->filter.hits = bpf_map__fd(p->skel->maps.filter_hits);
	p->filter.generation = &p->skel->bss->filter_generation;
	p->filter.follows = &p->skel->bss->filter_follows;
	p->filter.n_cpus = p->n_cpus;
}

int probe_new(struct probe **ret, const struct probe_settings *settings, struct diag *d)
{
	AUTO(probe) *p = calloc(1, sizeof(*p));
	int r;

	if (d)
		d->text[0] = 0;
	if (!p)
		return err_origin(-ENOMEM);
	p->events = -1;
	r = make_losses(p);
	if (r < 0)
		return r;
	r = load(p, settings, d);
	if (r < 0)
		return r;
	make_filter(p);
	p->skel->bss->control.ignored[0] = (uint32_t)getpid();
	if (attach(p, settings) == 0)
		return diag_set(d, err_origin(-ENOTSUP), 0, 0,
				"no probe could be attached: expected tracepoints with BPF (kernel "
				"5.8 or newer, CONFIG_FTRACE_SYSCALLS, CONFIG_BPF_EVENTS)");
	if (p->events >= 0)
		close(p->events);
	p->events = -1;
	malloc_trim(0); /* libbpf's copy of the kernel's types: some 10 MB */
	*ret = TAKE(p);
	return 0;
}

/* --- questions --- */
const struct probe_tier *probe_tiers(const struct probe *p, size_t *ret_n)
{
	*ret_n = p->n_tiers;
	return p->tiers;
}

const char *probe_note(const struct probe *p, size_t i)
{
	return i < p->n_notes ? p->notes[i] : NULL;
}

int probe_ignore_tgid(struct probe *p, uint32_t tgid)
{
	uint32_t *slots = p->skel->bss->control.ignored;

	for (size_t i = 0; i < REC_IGNORED; i++) {
		if (slots[i] == 0 || slots[i] == tgid) {
			__atomic_store_n(&slots[i], tgid, __ATOMIC_RELAXED);
			return 0;
		}
	}
	return err_origin(-ENOSPC);
}

void probe_unignore_tgid(struct probe *p, uint32_t tgid)
{
	uint32_t *slots = p->skel->bss->control.ignored;

	for (size_t i = 0; i < REC_IGNORED; i++) {
		if (slots[i] == tgid)
			__atomic_store_n(&slots[i], 0, __ATOMIC_RELAXED);
	}
}

void probe_counts(const struct probe *p, struct probe_counts *ret)
{
	const struct rtsec_bpf__bss *b = p->skel->bss;

	ret->left_out = __atomic_load_n(&b->left_out, __ATOMIC_RELAXED);
	ret->undecided = __atomic_load_n(&b->filter_undecided, __ATOMIC_RELAXED);
	ret->unfollowed = __atomic_load_n(&b->filter_unfollowed, __ATOMIC_RELAXED);
	ret->unthrottled = __atomic_load_n(&b->unthrottled, __ATOMIC_RELAXED);
}

static void add_loss(struct probe_loss *sum, const struct rec_loss *now,
		     const struct rec_loss *before)
{
	uint64_t n = now->count - before->count;
	uint64_t from = MAX(now->first_ns, before->last_ns);

	if (n == 0)
		return;
	sum->from_ns = sum->count ? MIN(sum->from_ns, from) : from;
	sum->to_ns = MAX(sum->to_ns, now->last_ns);
	sum->count += n;
}

int probe_loss(struct probe *p, struct probe_loss ret[REC_CLASSES][REC_CAUSES])
{
	struct rec_losses *swap = p->losses;
	uint32_t zero = 0;

	memset(ret, 0, sizeof(ret[0]) * REC_CLASSES);
	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.losses), &zero, p->losses) < 0)
		return err_origin(-errno);
	__atomic_add_fetch(&p->skel->bss->control.loss_epoch, 1, __ATOMIC_RELAXED);
	for (int cpu = 0; cpu < p->n_cpus; cpu++) {
		for (size_t i = 0; i < REC_CLASSES * REC_CAUSES; i++)
			add_loss(&ret[0][0] + i, &p->losses[cpu].by[0][0] + i,
				 &p->losses_before[cpu].by[0][0] + i);
	}
	p->losses = p->losses_before;
	p->losses_before = swap;
	return 0;
}

int probe_throttles(struct probe *p, struct probe_throttle *ret, size_t most)
{
	uint64_t seen = __atomic_load_n(&p->skel->bss->throttled, __ATOMIC_RELAXED);
	struct timespec t;
	int n;

	if (seen == p->throttle->seen)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &t);
	n = throttle_read(p->throttle, bpf_map__fd(p->skel->maps.workloads),
			  (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec, ret,
			  most);
	if (n >= 0 && (size_t)n < most)
		p->throttle->seen = seen;
	return n;
}

int probe_filter(struct probe *p, struct filter *rules, struct diag *d)
{
	if (filter_n(rules) && !p->skel->rodata->filters_possible)
		return diag_set(d, err_origin(-ENOTSUP), 0, 0,
				"it was started without filters, to cost nothing for them: restart "
				"it (with an empty list, filters: [], it takes some later)");
	return filter_state_set(&p->filter, rules, d);
}

void probe_filter_cgroup(struct probe *p, uint64_t id, const char *container)
{
	filter_state_cgroup(&p->filter, id, container);
}

int probe_filter_counts(struct probe *p, struct probe_filter_count *ret, size_t most)
{
	return filter_state_counts(&p->filter, ret, most);
}

int probe_ring_fd(const struct probe *p, enum rec_class class)
{
	return bpf_map__fd(class == REC_CLASS_PRIORITY ? p->skel->maps.priority_ring
						       : p->skel->maps.bulk_ring);
}

uint32_t probe_ring_bytes(const struct probe *p, enum rec_class class)
{
	return p->ring_bytes[class];
}

uint32_t probe_ring_mark(const struct probe *p, enum rec_class class)
{
	return p->marks[class];
}

uint32_t *probe_wake_word(struct probe *p)
{
	return &p->skel->bss->control.wake;
}
