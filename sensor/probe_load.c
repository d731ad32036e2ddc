/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probe_load.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sensor/probe_skel.h"
#include "sensor/tracefs.h"

enum { PROGRAM_IDLE, PROGRAM_ATTACHED, PROGRAM_FAILED };

/* What is needed until all is attached. */
struct loading {
	struct probe_kept *kept;
	const struct probe_settings *settings;
	int n_cpus;
	struct rtsec_bpf *skel;
	bool trampolines;	      /* of the kernel work */
	int states[PROBE_HOOKS_MOST]; /* PROGRAM_*, as probe_hooks[] */
	int events;		      /* tracefs; -1: not opened */
};

static void note(struct probe_kept *k, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct probe_kept *k, const char *fmt, ...)
{
	va_list ap;

	if (k->n_notes == PROBE_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(k->notes[k->n_notes], sizeof(k->notes[0]), fmt, ap);
	va_end(ap);
	k->n_notes++;
}

/* ---- what libbpf says, for the diag ---- */

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

/* ---- settings ---- */

static const uint64_t throttle_windows_per_1000_s = UINT64_C(1000000000000) >> REC_THROTTLE_SHIFT;

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int set_ring(struct loading *l, struct bpf_map *map, enum rec_class class, uint32_t bytes,
		    struct diag *d)
{
	uint32_t percent = l->settings->fill_percent ? l->settings->fill_percent : 25;

	if (percent > 90)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"fill mark of %u %%: expected 1 to 90", percent);
	if (!power_of_two(bytes) || bytes < (uint32_t)sysconf(_SC_PAGESIZE) || bytes > 1u << 30)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"ring of %u bytes: expected a power of two from a page to 1 GiB",
				bytes);
	l->kept->ring_bytes[class] = bytes;
	l->kept->marks[class] = (uint32_t)((uint64_t)bytes * percent / 100);
	return bpf_map__set_max_entries(map, bytes);
}

/* Kernels before 6.1 warn of a tracing program with a hash map whose memory is taken at run time,
 * which halts those with panic_on_warn, and refuse it with PREEMPT_RT.  That map came with 6.1. */
static bool takes_memory_later(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_USER_RINGBUF, NULL) == 1;
}

static int set_up(struct loading *l, struct diag *d)
{
	const struct probe_settings *s = l->settings;
	uint32_t priority = s->priority_ring_bytes ? s->priority_ring_bytes : 1 << 20;
	uint32_t bulk = s->bulk_ring_bytes ? s->bulk_ring_bytes : 4 << 20;
	uint64_t quota = s->throttle ? s->throttle * 1000 / throttle_windows_per_1000_s + 1 : 0;
	struct rtsec_bpf *skel = l->skel;
	int r;

	r = set_ring(l, skel->maps.priority_ring, REC_CLASS_PRIORITY, priority, d);
	if (r == 0)
		r = set_ring(l, skel->maps.bulk_ring, REC_CLASS_BULK, bulk, d);
	if (r == 0)
		r = bpf_map__set_max_entries(skel->maps.connections,
					     s->sockets ? s->sockets : 16384);
	if (r == 0 && !takes_memory_later())
		r = bpf_map__set_map_flags(skel->maps.identities, 0);
	skel->rodata->fill_priority = l->kept->marks[REC_CLASS_PRIORITY];
	skel->rodata->fill_bulk = l->kept->marks[REC_CLASS_BULK];
	skel->rodata->only_netns = s->only_netns;
	skel->rodata->filters_possible = s->filters;
	skel->rodata->throttle_quota = quota;
	skel->rodata->throttle_share = quota / (2 * (uint64_t)MAX(l->n_cpus, 1));
	return r;
}

/* ---- choosing ---- */

static bool wanted(const struct loading *l, enum kind kind)
{
	return !l->settings->kinds || (l->settings->kinds >> kind & 1);
}

/* Loads a program of nothing for the entry of a kernel function.  Returns its descriptor; -1: the
 * kernel has no such function, or cannot have a program there: before 6.0 where one of its
 * parameters is a struct, as kuid_t is one. */
static int load_nothing(const struct btf *kernel, const char *function)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC);

	if (id <= 0)
		return -1;
	opts.attach_btf_id = (uint32_t)id;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "rtsec_nothing", "GPL", nothing,
			     ARRAY_SIZE(nothing), &opts);
}

/* Attaches such a program: whether the kernel has trampolines and lets us use them cannot be told
 * from anything less.  What they find is kept with the task, which 5.11 has. */
static bool trampolines_work(const struct btf *kernel)
{
	int prog, link;

	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) != 1)
		return false;
	prog = load_nothing(kernel, "security_path_unlink");
	if (prog < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, prog);
	if (link >= 0)
		close(link);
	close(prog);
	return link >= 0;
}

static struct bpf_program *find_program(const struct loading *l, const char *name)
{
	return bpf_object__find_program_by_name(l->skel->obj, name);
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

static bool takes_programs(const struct btf *kernel, const char *function)
{
	int prog = load_nothing(kernel, function);

	if (prog >= 0)
		close(prog);
	return prog >= 0;
}

/* The running kernel has the tracepoint or function that the program's section names, or it names
 * none. */
static bool has_place(const struct loading *l, const struct btf *kernel, const char *program)
{
	static const char tracepoint[] = "tp_btf/", entry[] = "fentry/";
	const char *section = bpf_program__section_name(find_program(l, program));
	int params = probe_hooks[probe_hook_of(program)].params, id;
	char name[80];

	if (strncmp(section, entry, sizeof(entry) - 1) == 0)
		return l->trampolines && takes_programs(kernel, section + sizeof(entry) - 1);
	if (strncmp(section, tracepoint, sizeof(tracepoint) - 1) != 0)
		return true;
	snprintf(name, sizeof(name), "btf_trace_%s", section + sizeof(tracepoint) - 1);
	id = btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF);
	return id > 0 && (!params || params == n_params(kernel, id));
}

static bool has_places(const struct loading *l, const struct btf *kernel, const struct tier *tier)
{
	for (size_t i = 0; i < TIER_PROGRAMS && tier->programs[i]; i++)
		if (!has_place(l, kernel, tier->programs[i]))
			return false;
	return true;
}

/* Only programs of wanted kinds are loaded, of each kind those of the first row that this kernel
 * has a place for; the verifier refuses a program without one, and all others with it. */
static int choose_programs(struct loading *l)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	enum kind done = KIND_NONE;
	struct bpf_program *prog;

	if (!kernel)
		return err_origin(errno ? -errno : -ENOTSUP);
	l->trampolines = trampolines_work(kernel);
	bpf_object__for_each_program(prog, l->skel->obj) bpf_program__set_autoload(prog, false);
	for (const struct tier *tier = probe_rows; tier->kind_name; tier++) {
		if (!wanted(l, tier->kind) || tier->kind == done || !has_places(l, kernel, tier))
			continue;
		done = tier->kind;
		for (size_t k = 0; k < TIER_PROGRAMS && tier->programs[k]; k++)
			bpf_program__set_autoload(find_program(l, tier->programs[k]), true);
	}
	btf__free(kernel);
	bpf_map__set_autocreate(l->skel->maps.resolved_paths, l->trampolines);
	l->skel->rodata->keeps_resolved = l->trampolines;
	return 0;
}

/* ---- loading ---- */

/* The object for kernels before 5.17 in the place of the other. */
static struct rtsec_bpf *open_old(void)
{
	struct rtsec_bpf *skel = calloc(1, sizeof(*skel));
	size_t n;

	if (!skel)
		return NULL;
	if (rtsec_bpf__create_skeleton(skel) == 0) {
		skel->skeleton->data = rtsec_old_bpf__elf_bytes(&n);
		skel->skeleton->data_sz = n;
		if (bpf_object__open_skeleton(skel->skeleton, NULL) == 0)
			return skel;
	}
	rtsec_bpf__destroy(skel);
	return NULL;
}

static bool is_old(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACEPOINT, BPF_FUNC_loop, NULL) == 0;
}

static int open_and_load(struct loading *l, bool direct, struct diag *d)
{
	int r;

	complaint[0] = 0;
	l->skel = is_old() ? open_old() : rtsec_bpf__open();
	if (!l->skel)
		return err_origin(errno ? -errno : -ENOMEM);
	r = set_up(l, d);
	if (r < 0)
		return r;
	l->skel->rodata->direct_loads = direct;
	r = choose_programs(l);
	return r < 0 ? r : rtsec_bpf__load(l->skel);
}

static void unload(struct loading *l)
{
	rtsec_bpf__destroy(l->skel);
	l->skel = NULL;
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
static int load(struct loading *l, struct diag *d)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_complaint);
	int r = open_and_load(l, true, d);

	if (r < 0 && r != -EPERM && l->skel && !(d && d->text[0])) {
		unload(l);
		r = open_and_load(l, false, d);
		if (r == 0)
			note(l->kept, "file paths are read by helper calls: this kernel has no "
				      "typed loads");
	}
	if (r < 0)
		r = explain(r, d);
	libbpf_set_print(before);
	return r;
}

/* ---- keeping ---- */

/* All three kinds of info begin with the type, then the id. */
static void note_id(struct probe_kept *k, enum rec_bpf_object object, int fd)
{
	union {
		struct bpf_prog_info program;
		struct bpf_map_info map;
		struct bpf_link_info link;
	} info = { 0 };
	uint32_t n = sizeof(info);

	_Static_assert(offsetof(struct bpf_prog_info, id) == offsetof(struct bpf_map_info, id) &&
			       offsetof(struct bpf_map_info, id) ==
				       offsetof(struct bpf_link_info, id),
		       "<linux/bpf.h>");
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &n) == 0)
		guard_ids_add(&k->ids, object, info.map.id);
}

static void note_ids(struct probe_kept *k, const struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object)
		note_id(k, REC_BPF_OBJECT_PROGRAM, bpf_program__fd(program));
	bpf_object__for_each_map(map, object) note_id(k, REC_BPF_OBJECT_MAP, bpf_map__fd(map));
	for (size_t i = 0; i < k->n_links; i++)
		note_id(k, REC_BPF_OBJECT_LINK, bpf_link__fd(k->links[i]));
}

static int keep_map(const struct bpf_map *map, int *ret)
{
	*ret = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
	return *ret < 0 ? err_origin(-errno) : 0;
}

static int keep_memory(struct probe_kept *k, const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *m;

	k->memory_bytes = (sizeof(*k->memory) + page - 1) / page * page;
	m = mmap(NULL, k->memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (m == MAP_FAILED)
		return err_origin(-errno);
	k->memory = m;
	return 0;
}

static int keep(struct probe_kept *k, const struct rtsec_bpf *skel)
{
	const struct {
		const struct bpf_map *map;
		int *fd;
	} maps[] = {
		{ skel->maps.priority_ring, &k->rings[REC_CLASS_PRIORITY] },
		{ skel->maps.bulk_ring, &k->rings[REC_CLASS_BULK] },
		{ skel->maps.losses, &k->losses },
		{ skel->maps.workloads, &k->workloads },
		{ skel->maps.filter_sets, &k->filter_sets },
		{ skel->maps.filter_values, &k->filter_values },
		{ skel->maps.filter_hits, &k->filter_hits },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		*maps[i].fd = -1;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(maps); i++)
		r = keep_map(maps[i].map, maps[i].fd);
	return r < 0 ? r : keep_memory(k, skel->maps.bss);
}

void probe_kept_done(struct probe_kept *k)
{
	const int maps[] = { k->rings[0],    k->rings[1],      k->losses,     k->workloads,
			     k->filter_sets, k->filter_values, k->filter_hits };

	for (size_t i = 0; i < k->n_links; i++)
		bpf_link__destroy(k->links[i]);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (maps[i] > 0)
			close(maps[i]);
	if (k->memory)
		munmap(k->memory, k->memory_bytes);
	memset(k, 0, sizeof(*k));
}

/* ---- attaching ---- */

static int add_link(struct probe_kept *k, struct bpf_link *link)
{
	if (!link)
		return err_origin(-errno);
	if (k->n_links == PROBE_LINKS) {
		bpf_link__destroy(link);
		return err_origin(-ENOSPC);
	}
	k->links[k->n_links++] = link;
	return 0;
}

static int events_folder(struct loading *l)
{
	enum tracefs_how how;

	if (l->events >= 0)
		return l->events;
	l->events = tracefs_open(&how);
	if (l->events >= 0 && how == TRACEFS_DETACHED)
		note(l->kept, "tracefs is not mounted: reached through a detached mount of our "
			      "own");
	return l->events;
}

static int attach_call(struct loading *l, struct bpf_program *prog, const char *call)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.sample_period = 1,
					.wakeup_events = 1 };
	int folder = events_folder(l), id, fd, r;
	char name[64];

	if (folder < 0)
		return folder;
	snprintf(name, sizeof(name), "sys_exit_%s", call);
	id = tracefs_event(folder, "syscalls", name);
	if (id < 0)
		return id;
	attr.config = (uint32_t)id;
	/* for BPF an event on one CPU stands for all */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return err_origin(-errno);
	r = add_link(l->kept, bpf_program__attach_perf_event(prog, fd));
	if (r < 0)
		close(fd);
	return r;
}

/* Has the iterator @prog look at all that it is for. */
static int run_once(const struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	ssize_t n;
	char byte;
	int fd, r;

	if (!link)
		return err_origin(-errno);
	fd = bpf_iter_create(bpf_link__fd(link));
	do /* until its end: it writes nothing.  The kernel stops at each million */
		n = fd >= 0 ? read(fd, &byte, 1) : -1;
	while (n < 0 && fd >= 0 && errno == EAGAIN);
	r = n < 0 ? err_origin(-errno) : 0;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return r;
}

static int attach_hook(struct loading *l, const struct hook *hook)
{
	struct bpf_program *prog = find_program(l, hook->program);
	int r;

	if (!bpf_program__autoload(prog)) /* there is no place for it */
		return err_origin(-ENOTSUP);
	if (hook->once)
		return run_once(prog);
	if (!hook->calls[0])
		return add_link(l->kept, bpf_program__attach(prog));
	for (size_t i = 0; i < HOOK_CALLS && hook->calls[i]; i++) {
		r = attach_call(l, prog, hook->calls[i]);
		if (r < 0 && (r != -ENOENT || i == 0))
			return r;
	}
	return 0;
}

static int attach_program(struct loading *l, const char *program)
{
	size_t i = probe_hook_of(program);
	int *state = &l->states[i];

	if (*state == PROGRAM_IDLE)
		*state = attach_hook(l, &probe_hooks[i]) < 0 ? PROGRAM_FAILED : PROGRAM_ATTACHED;
	return *state == PROGRAM_ATTACHED ? 0 : err_origin(-ENOTSUP);
}

static int attach_tier(struct loading *l, const struct tier *tier)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < TIER_PROGRAMS && tier->programs[i]; i++)
		r = attach_program(l, tier->programs[i]);
	return r;
}

static void report(struct probe_kept *k, const struct tier *tier, const char *name)
{
	char *text = k->reports[k->n_tiers];

	snprintf(text, sizeof(k->reports[0]), "%s=%s", tier->kind_name, name);
	k->tiers[k->n_tiers++] = (struct probe_tier){
		.kind = tier->kind, .name = tier->kind_name, .tier = name, .report = text
	};
}

/* Tries the rows of each kind in order. */
static size_t attach(struct loading *l)
{
	size_t n_attached = 0;
	bool done = false;

	for (const struct tier *tier = probe_rows; tier->kind_name; tier++) {
		bool last = tier[1].kind != tier->kind;

		if (wanted(l, tier->kind) && !done) {
			done = attach_tier(l, tier) == 0;
			if (done || last)
				report(l->kept, tier, done ? tier->name : "none");
			n_attached += done;
		}
		if (last)
			done = false;
	}
	if (l->events >= 0)
		close(l->events);
	return n_attached;
}

/* ---- all of it ---- */

static int load_and_attach(struct loading *l, struct diag *d)
{
	int r = load(l, d);

	if (r == 0)
		r = keep(l->kept, l->skel);
	if (r < 0)
		return r;
	l->kept->memory->control.ignored[0] = (uint32_t)getpid();
	if (attach(l) == 0)
		return diag_set(d, err_origin(-ENOTSUP), 0, 0,
				"no probe could be attached: expected tracepoints with BPF (kernel "
				"5.8 or newer, CONFIG_FTRACE_SYSCALLS, CONFIG_BPF_EVENTS)");
	note_ids(l->kept, l->skel->obj);
	return 0;
}

int probe_load(struct probe_kept *ret, const struct probe_settings *s, int n_cpus, struct diag *d)
{
	struct loading l = { .kept = ret, .settings = s, .n_cpus = n_cpus, .events = -1 };
	int r = load_and_attach(&l, d);

	unload(&l);
	malloc_trim(0); /* libbpf's copies of our types and the kernel's: more than 10 MB */
	return r;
}
