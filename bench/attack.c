/* SPDX-License-Identifier: Apache-2.0 */
/* attack - does one thing that a shipped rule is about, on itself or on a child of its own: what a
 * shell cannot do.  tests/e2e/test_rules.sh runs it, under this name and under names that the rules
 * leave out.
 *
 *   attack ptrace-poke | ptrace-attach | traceme | vm-write | vm-read | mprotect | bpf |
 *          take-maps | root | euid
 *   attack memfd PROGRAM      runs PROGRAM out of memory
 *   attack unix PATH          listens at PATH and connects to it
 *
 * Exits with 0 when it was done.  Thread: one.  Memory: none. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/util.h"

static long victim_word = 42; /* lies at the same address in the child */

/* ---- on a child ---- */

static pid_t start_child(void)
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static int with_child(int (*act)(pid_t child))
{
	pid_t child = start_child();
	int r;

	if (child < 0)
		return -1;
	r = act(child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return r;
}

static int attach(pid_t child)
{
	int status;

	if (ptrace(PTRACE_ATTACH, child, NULL, NULL) < 0)
		return -1;
	return waitpid(child, &status, 0) == child ? 0 : -1;
}

static int poke(pid_t child)
{
	return attach(child) < 0 ? -1
				 : (int)ptrace(PTRACE_POKEDATA, child, &victim_word, (void *)7L);
}

static int vm_write(pid_t child)
{
	struct iovec v = { &victim_word, sizeof(victim_word) };

	return process_vm_writev(child, &v, 1, &v, 1, 0) == (ssize_t)v.iov_len ? 0 : -1;
}

static int vm_read(pid_t child)
{
	struct iovec v = { &victim_word, sizeof(victim_word) };

	return process_vm_readv(child, &v, 1, &v, 1, 0) == (ssize_t)v.iov_len ? 0 : -1;
}

static int ptrace_poke(const char *unused)
{
	(void)unused;
	return with_child(poke);
}

static int ptrace_attach(const char *unused)
{
	(void)unused;
	return with_child(attach);
}

static int write_memory(const char *unused)
{
	(void)unused;
	return with_child(vm_write);
}

static int read_memory(const char *unused)
{
	(void)unused;
	return with_child(vm_read);
}

/* ---- on itself ---- */

static int traceme(const char *unused)
{
	(void)unused;
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int make_executable(const char *unused)
{
	size_t n = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	return page == MAP_FAILED ? -1 : mprotect(page, n, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int load_program(const char *unused)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uint64_t)(uintptr_t)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (uint64_t)(uintptr_t) "GPL",
	};

	(void)unused;
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? -1 : 0;
}

/* A descriptor of each map that there is. */
static int take_maps(const char *unused)
{
	union bpf_attr attr = { 0 };
	int n = 0;

	(void)unused;
	while (syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr)) == 0) {
		union bpf_attr map = { .map_id = attr.next_id };
		int fd = (int)syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &map, sizeof(map));

		attr.start_id = attr.next_id;
		n += fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return n > 0 ? 0 : -1;
}

/* All three ids become those of an ordinary user and root's again, by a capability that was kept.
 */
static int become_root(const char *unused)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	(void)unused;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresuid(1000, 1000, 1000) < 0 ||
	    syscall(SYS_capget, &header, data) < 0)
		return -1;
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	return syscall(SYS_capset, &header, data) < 0 ? -1 : setresuid(0, 0, 0);
}

/* As a setuid program does: the saved id stays root's. */
static int change_euid(const char *unused)
{
	(void)unused;
	return seteuid(1000) < 0 ? -1 : seteuid(0);
}

static int run_from_memory(const char *program)
{
	char *const args[] = { (char *)(uintptr_t)program, NULL }, *const none[] = { NULL };
	int from = open(program, O_RDONLY | O_CLOEXEC), memory = memfd_create("x", MFD_CLOEXEC);
	struct stat s;

	if (from < 0 || memory < 0 || fstat(from, &s) < 0 ||
	    sendfile(memory, from, NULL, (size_t)s.st_size) != s.st_size)
		return -1;
	return fexecve(memory, args, none);
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	if (bind(listening, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listening, 1) < 0)
		return -1;
	return connect(s, (struct sockaddr *)&a, sizeof(a));
}

static const struct {
	const char *name;
	int (*act)(const char *operand);
	bool takes;
} acts[] = {
	{ "ptrace-poke", ptrace_poke, false }, { "ptrace-attach", ptrace_attach, false },
	{ "traceme", traceme, false },	       { "vm-write", write_memory, false },
	{ "vm-read", read_memory, false },     { "mprotect", make_executable, false },
	{ "bpf", load_program, false },	       { "root", become_root, false },
	{ "euid", change_euid, false },	       { "memfd", run_from_memory, true },
	{ "unix", connect_to, true },	       { "take-maps", take_maps, false },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(acts); i++) {
		if (strcmp(acts[i].name, argv[1]) != 0 || argc != 2 + acts[i].takes)
			continue;
		if (acts[i].act(argv[2]) == 0)
			return 0;
		perror(argv[1]);
		return 1;
	}
	fprintf(stderr, "attack: unknown act, or too many or few arguments\n");
	return 2;
}
