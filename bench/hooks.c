/* SPDX-License-Identifier: Apache-2.0 */
/* hooks - holds a BPF program that does nothing at each place named, until it is ended: what no
 * sensor on the same hooks can go below.
 *
 *   hooks PLACE...
 *
 * PLACE: sys_exit_NAME or sys_enter_NAME, an event of a system call; else the name of a tracepoint
 * of the kernel, such as sys_exit or inet_sock_set_state.  Prints "ready" when all are held.
 * Thread: one.  Memory: the kernel's types while places are looked up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sensor/tracefs.h"

static const struct bpf_insn nothing[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static int die(const char *place)
{
	fprintf(stderr, "hooks: %s: %s\n", place, strerror(errno));
	return 1;
}

/* Both stay until the process ends.  Returns 0 or -1 with errno. */
static int hold_event(int events, const char *place)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.sample_period = 1,
					.wakeup_events = 1 };
	int prog = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "rtsec_nothing", "GPL", nothing,
				 ARRAY_SIZE(nothing), NULL);
	int id = tracefs_event(events, "syscalls", place), fd;

	if (id < 0)
		errno = -id;
	if (prog < 0 || id < 0)
		return -1;
	attr.config = (uint32_t)id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) < 0)
		return -1;
	return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}

static int hold_tracepoint(const struct btf *kernel, const char *place)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	char name[80];
	int prog, id;

	snprintf(name, sizeof(name), "btf_trace_%s", place);
	id = btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF);
	errno = ENOENT;
	if (id <= 0)
		return -1;
	opts.attach_btf_id = (uint32_t)id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "rtsec_nothing", "GPL", nothing,
			     ARRAY_SIZE(nothing), &opts);
	return prog < 0 || bpf_raw_tracepoint_open(NULL, prog) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	enum tracefs_how how;
	int events = tracefs_open(&how), r;

	if (!kernel || events < 0)
		return die("types and events of the kernel");
	for (int i = 1; i < argc; i++) {
		bool call = strncmp(argv[i], "sys_exit_", 9) == 0 ||
			    strncmp(argv[i], "sys_enter_", 10) == 0;

		r = call ? hold_event(events, argv[i]) : hold_tracepoint(kernel, argv[i]);
		if (r < 0)
			return die(argv[i]);
	}
	btf__free(kernel);
	close(events);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
