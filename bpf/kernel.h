/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kernel - the few kernel types that the programs read, each with only the members they read.
 * libbpf moves every access to where the running kernel keeps the member (CO-RE), so nothing of the
 * build machine's kernel is baked in.
 *
 * Two ways to read: a load, through a pointer whose type the verifier knows, or a call of
 * bpf_probe_read_kernel(), ten times as dear, as each return of each function within is.  WALK()
 * loads where the walk began at the running task or at an argument of a tp_btf program (5.11).
 * GET() loads where the kernel can give a type to any address (bpf_rdonly_cast, 6.2): the loader
 * tries that and sets direct_loads.  The verifier removes what is not taken.
 *
 * What a program costs to verify is most of what the sensor costs to start: see has_loop and
 * LOOSE().
 */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- names and files --- */
typedef struct {
	__u32 val;
} kuid_t;
typedef struct {
	__u32 val;
} kgid_t;
struct qstr {
	__u32 len;
	const unsigned char *name;
};
struct file_system_type {
	const char *name;
};
struct super_block {
	__u32 s_dev;
	struct file_system_type *s_type;
	unsigned long s_magic;
};
struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	long long i_size;
	void *i_private;
};
/* Where the kernel keeps an inode's times: before 6.7 (change: 6.6), before 6.11, and since. */
struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};
struct inode___plain {
	struct timespec64 i_mtime, i_ctime;
};
struct inode___hidden {
	struct timespec64 __i_mtime, __i_ctime;
};
struct inode___split {
	long long i_mtime_sec, i_ctime_sec;
	__u32 i_mtime_nsec, i_ctime_nsec;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mnt_namespace;
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	const char *mnt_devname;
	struct mnt_namespace *mnt_ns;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	unsigned int f_mode;
	void *private_data;
	struct inode *f_inode;
	unsigned int f_flags;
	struct path f_path;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct {
	struct path root;
	struct path pwd;
};

/* --- processes --- */
struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct tty_driver {
	int major;
	int minor_start;
};
struct tty_struct {
	int index;
	struct tty_driver *driver;
	char name[64];
};
typedef struct {
	int counter;
} atomic_t;
enum pid_type { PIDTYPE_TGID = 1, PIDTYPE_SID = 3 };
struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
	struct tty_struct *tty;
};
typedef struct {
	__u64 bits; /* never read by name: kernels differ in it, but it is always 8 bytes */
} kernel_cap_t;
struct cred {
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
	void *user_ns;
};
struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
	struct file *exe_file;
};
struct proc_ns_operations {
	const char *name;
};
struct ns_common {
	const struct proc_ns_operations *ops;
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
struct nsproxy {
	void *uts_ns;
	void *ipc_ns;
	void *mnt_ns;
	void *pid_ns_for_children;
	struct net *net_ns;
	void *time_ns_for_children;
	void *cgroup_ns;
};
struct list_head {
	struct list_head *next;
};
struct kernel_siginfo {
	int si_code;
};
struct kernfs_node {
	__u64 id;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};
enum cgroup_subsys_id { cpu_cgrp_id = 1 };
struct thread_info {
	unsigned long flags;
#if defined(__TARGET_ARCH_x86)
	__u32 status;
#endif
};
struct task_struct {
	struct thread_info thread_info;
	void *stack;
	struct css_set *cgroups;
	struct list_head ptraced;
	struct list_head ptrace_entry;
	struct pid *thread_pid;
	struct task_struct *parent;
	struct mm_struct *mm;
	unsigned int personality;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	const struct cred *real_cred, *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
};
struct bpf_iter__task {
	struct task_struct *task;
};
struct vm_area_struct {
	unsigned long vm_start, vm_end;
	unsigned long vm_flags;
	struct file *vm_file;
	void *anon_vma;
};
struct linux_binprm {
	const char *filename;
	const char *interp;
	unsigned int secureexec : 1;
	unsigned int per_clear; /* of the personality: set-id bits or capabilities counted */
	char buf[20];		/* beginning of the executable; longer in the kernel */
};
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10;
	unsigned long r8;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long bx;
	unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	unsigned long regs[31];
	unsigned long orig_x0;
	int syscallno;
};
#endif

/* --- what programs add to the kernel --- */
struct module {
	char name[56];
};
struct bpf_prog_aux {
	__u32 id;
	char name[16];
};
struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};
struct bpf_link {
	__u32 id;
};
struct bpf_map {
	enum bpf_map_type map_type;
	__u32 id;
	char name[16];
};
struct pmu {
	const char *name;
};
struct perf_event {
	struct pmu *pmu;
};

/* --- io_uring --- */
struct filename {
	const char *name;
};
struct io_kiocb {
	struct file *file;
	__u8 opcode;
};
struct io_uring_cqe {
	__s32 res;
};
struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
};
struct io_accept {
	__u32 file_slot;
};
struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};
struct io_rename {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
};
struct io_link {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
};
struct io_mkdir {
	int dfd;
	struct filename *filename;
};

/* --- sockets --- */
struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
};
struct sock;
struct sk_buff {
	struct sock *sk;
	unsigned char *head;
	unsigned char *data;
	unsigned int len;
	unsigned int data_len;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
};
struct sk_buff_head {
	struct sk_buff *prev;
};
struct socket;
struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct sk_buff_head sk_receive_queue;
	int sk_err;
	__u16 sk_protocol;
};
struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};
struct tcp_sock {
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u64 bytes_received;
};
struct mptcp_sock {
	struct sock *first;
};
struct socket {
	struct file *file;
	struct sock *sk;
};
struct unix_sock {
	struct path path;
	struct sock *peer;
};
#pragma clang attribute pop

/* --- numbers of the kernel's ABI --- */
enum {
	EEXIST = 17,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_MPTCP = 262,
	MSG_PEEK = 2,
	UINT16_MAX = 0xffff,
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_CLOSE = 7,
	SOCK_DONE_BIT = 1, /* enum sock_flags */
	FMODE_WRITE = 2,
	FMODE_CREATED = 0x100000,
	SIGNAL_GROUP_EXIT = 4,
	AT_FDCWD = -100,
	AT_REMOVEDIR = 0x200,
	O_WRONLY = 1,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_TRUNC = 01000,
	TS_COMPAT = 2,	     /* x86: thread_info.status */
	TIF_32BIT = 1 << 22, /* arm64: thread_info.flags */
	S_IFDIR = 0040000,
	NSFS_MAGIC = 0x6e736673,
	OVERLAYFS_MAGIC = 0x794c7630,
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFREG = 0100000,
};

/* --- the two ways to read --- */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
const volatile bool direct_loads = false; /* set by sensor/probe_load.c */

/* Typed pointer to the @type at the address @p (any value: a bad one reads as zeroes). */
#define TYPED(type, p)                                                                             \
	((type *)(direct_loads ? bpf_rdonly_cast((const void *)(p), bpf_core_type_id_kernel(type)) \
			       : (void *)(p)))

/* Member @f of what the typed pointer @p points at. */
#define GET(p, f) (direct_loads ? (p)->f : BPF_CORE_READ((p), f))

/* The kernel has bpf_loop() (5.17), of which the verifier looks at one turn and not at all; and
 * bpf_find_vma() (5.17).  Kernels before 5.13 refuse the address of a function even in what is never
 * reached, so all is compiled once more, without, for those that have neither (RTSEC_NO_CALLBACKS).
 */
#ifdef RTSEC_NO_CALLBACKS
#define has_loop     false
#define has_find_vma false
#else
#define has_loop     bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)
#define has_find_vma bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_find_vma)
#endif

/* The kernel gives the running task with its type. */
#define typed_task bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

/* Member @f of what @p points at; @p: task_now(), an argument of a tp_btf program, or a pointer
 * that WALK() itself has read from one. */
#define WALK(p, f) (typed_task ? (p)->f : BPF_CORE_READ((p), f))

/* The running task, typed. */
static __always_inline struct task_struct *task_now(void)
{
	return typed_task ? (struct task_struct *)bpf_get_current_task_btf()
			  : (struct task_struct *)bpf_get_current_task();
}

/* The same typed pointer, but not one that the verifier trusts: where a pointer is loaded from one
 * that it does, it looks through all of the kernel's types by name, for some 0.4 ms, up to thrice.
 * No helper takes it any more. */
#define LOOSE(type, p) TYPED(type, p)

/* Keeps the compiler from reasoning about @x, so that the verifier sees the check that follows. */
#define OPAQUE(x) asm volatile("" : "+r"(x))
