/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/powers.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* The consumer's nice value of -10, as RLIMIT_NICE counts: 20 - nice. */
enum { NICE_LIMIT = 30 };

static const uint64_t kept = UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_DAC_READ_SEARCH;
static const uint64_t kept_for_maps = UINT64_C(1) << CAP_BPF;

/* ---- system calls ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the seccomp filter does not know this architecture"
#endif

enum { X32_BIT = 0x40000000 };

/* What no sensor does.  Numbers that this architecture's headers lack are left out. */
static const int calls[] = {
	/* run and trace programs */
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_pidfd_getfd,
	SYS_personality,
	SYS_userfaultfd,
	SYS_perf_event_open,
	/* mounts, roots, namespaces */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
	/* the kernel */
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_syslog,
	SYS_lookup_dcookie,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
#endif
	/* users */
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_capset,
	/* keys, clocks, names */
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_vhangup,
	/* ways around this filter, ways in */
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
};

/* Of bpf(2) only these. */
static const int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	BPF_OBJ_GET_INFO_BY_FD, /* whether its programs are still attached: sensor/guard.c */
};

enum { PROGRAM_MAX = 16 + ARRAY_SIZE(calls) + ARRAY_SIZE(bpf_commands) };

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short n;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	p->code[p->n++] = (struct sock_filter){ code, yes, no, k };
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void end(struct program *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Refused calls fail with EPERM; another architecture's, whose numbers mean other calls, kill. */
static void build(struct program *p)
{
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;

	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	end(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
	add(p, BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 0, 1);
	end(p, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i],
		    (uint8_t)(ARRAY_SIZE(calls) - 1 - i), i + 1 == ARRAY_SIZE(calls) ? 1 : 0);
	}
	end(p, refuse);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 1, 0);
	end(p, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, args[0]));
	for (size_t i = 0; i < ARRAY_SIZE(bpf_commands); i++)
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)bpf_commands[i],
		    (uint8_t)(ARRAY_SIZE(bpf_commands) - i), 0);
	end(p, refuse);
	end(p, SECCOMP_RET_ALLOW);
}

static int filter_calls(void)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog = { .filter = p.code };

	build(&p);
	prog.len = p.n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? err_origin(-errno) : 0;
}

/* ---- capabilities ---- */

static int get_permitted(uint64_t *ret)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return err_origin(-errno);
	*ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

static int set(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = {
		{ .permitted = (uint32_t)permitted, .effective = (uint32_t)effective },
		{ .permitted = (uint32_t)(permitted >> 32),
		  .effective = (uint32_t)(effective >> 32) },
	};

	return syscall(SYS_capset, &head, data) < 0 ? err_origin(-errno) : 0;
}

static void shrink_bounding_set(uint64_t to)
{
	for (int c = 0; c <= 63; c++)
		if (!(to >> c & 1))
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0,
				    0); /* not there, or not ours to drop */
}

/* Who has no CAP_SYS_NICE may still be as nice as this. */
static void allow_nice(void)
{
	const struct rlimit l = { NICE_LIMIT, NICE_LIMIT };

	(void)setrlimit(RLIMIT_NICE, &l); /* without, the consumer is only less quick */
}

static int drop_capabilities(int (*works)(void *arg), void *arg)
{
	uint64_t have = 0, want;
	int r = get_permitted(&have);

	if (r < 0)
		return r;
	allow_nice();
	want = have & kept;
	r = set(have, want); /* a try */
	if (r == 0 && works(arg) < 0)
		want |= have & kept_for_maps;
	if (r == 0)
		r = set(have, have);
	if (r < 0)
		return r;
	shrink_bounding_set(want);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return set(want, want);
}

int powers_drop(int (*works)(void *arg), void *arg, struct diag *d)
{
	int r = drop_capabilities(works, arg);

	if (r < 0)
		return diag_set(d, r, 0, 0, "capabilities cannot be given up: %s", strerror(-r));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "no_new_privs cannot be set: %s",
				strerror(errno));
	r = filter_calls();
	if (r < 0)
		return diag_set(d, r, 0, 0,
				"system calls cannot be filtered: %s (expected a kernel with "
				"CONFIG_SECCOMP_FILTER)",
				strerror(-r));
	return 0;
}
