/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/names.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "bpf/abi.h"

#define E(name) [name] = #name
static const char *const errors[] = {
	E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO), E(E2BIG), E(ENOEXEC), E(EBADF),
	E(ECHILD), E(EAGAIN), E(ENOMEM), E(EACCES), E(EFAULT), E(ENOTBLK), E(EBUSY), E(EEXIST),
	E(EXDEV), E(ENODEV), E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY),
	E(ETXTBSY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK), E(EPIPE), E(EDOM),
	E(ERANGE), E(EDEADLK), E(ENAMETOOLONG), E(ENOLCK), E(ENOSYS), E(ENOTEMPTY), E(ELOOP),
	E(ENODATA), E(ETIME), E(EPROTO), E(EBADMSG), E(EOVERFLOW), E(ELIBBAD), E(EUSERS),
	E(ENOTSOCK), E(EDESTADDRREQ), E(EMSGSIZE), E(EPROTOTYPE), E(ENOPROTOOPT),
	E(EPROTONOSUPPORT), E(ESOCKTNOSUPPORT), E(EOPNOTSUPP), E(EPFNOSUPPORT), E(EAFNOSUPPORT),
	E(EADDRINUSE), E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH), E(ENETRESET),
	E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN), E(ENOTCONN), E(ESHUTDOWN),
	E(ETIMEDOUT), E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY), E(EINPROGRESS),
	E(ESTALE), E(EDQUOT), E(ECANCELED), E(ENOKEY), E(EKEYEXPIRED), E(EKEYREVOKED),
	E(EKEYREJECTED), E(EOWNERDEAD), E(ENOTRECOVERABLE), E(ERFKILL), E(EHWPOISON),
	[512] = "ERESTARTSYS", [513] = "ERESTARTNOINTR", [514] = "ERESTARTNOHAND",
	[516] = "ERESTART_RESTARTBLOCK",
};

static const char *const signals[] = {
	E(SIGHUP), E(SIGINT), E(SIGQUIT), E(SIGILL), E(SIGTRAP), E(SIGABRT), E(SIGBUS), E(SIGFPE),
	E(SIGKILL), E(SIGUSR1), E(SIGSEGV), E(SIGUSR2), E(SIGPIPE), E(SIGALRM), E(SIGTERM),
	E(SIGSTKFLT), E(SIGCHLD), E(SIGCONT), E(SIGSTOP), E(SIGTSTP), E(SIGTTIN), E(SIGTTOU),
	E(SIGURG), E(SIGXCPU), E(SIGXFSZ), E(SIGVTALRM), E(SIGPROF), E(SIGWINCH), E(SIGIO),
	E(SIGPWR), E(SIGSYS),
};
#undef E

enum { KERNEL_SIGRTMIN = 32, LIBC_SIGRTMIN = 34, KERNEL_SIGRTMAX = 64 };

const char *name_of_error(uint32_t error)
{
	return error < ARRAY_SIZE(errors) ? errors[error] : NULL;
}

const char *name_of_signal(uint32_t signal, char *buf, size_t n)
{
	if (signal < ARRAY_SIZE(signals))
		return signals[signal];
	if (signal < KERNEL_SIGRTMIN || signal > KERNEL_SIGRTMAX)
		return NULL;
	if (signal < LIBC_SIGRTMIN)
		snprintf(buf, n, "SIG%u", signal);
	else if (signal == LIBC_SIGRTMIN)
		snprintf(buf, n, "SIGRTMIN");
	else
		snprintf(buf, n, "SIGRTMIN+%u", signal - LIBC_SIGRTMIN);
	return buf;
}

size_t names_of_open(uint32_t flags, const char *ret[WORDS_MAX])
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = {
		{ O_APPEND, "append" }, { O_CREAT, "create" },	      { O_EXCL, "exclusive" },
		{ O_TRUNC, "truncate" }, { O_DIRECTORY, "directory" },
	};
	uint32_t access = flags & O_ACCMODE;
	size_t n = 0;

	_Static_assert(2 + ARRAY_SIZE(words) <= WORDS_MAX, "all fit");

	if (flags & O_PATH) {
		ret[n++] = "path";
	} else {
		if (access == O_RDONLY || access == O_RDWR)
			ret[n++] = "read";
		if (access == O_WRONLY || access == O_RDWR)
			ret[n++] = "write";
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag)
			ret[n++] = words[i].word;
	return n;
}

/* ---- flags ---- */

struct flag_word {
	uint32_t flag;
	const char *word;
};

static size_t words_of(uint32_t flags, const struct flag_word *words, size_t n_words,
		       const char *ret[WORDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < n_words && n < WORDS_MAX; i++)
		if (flags & words[i].flag)
			ret[n++] = words[i].word;
	return n;
}

static const struct flag_word namespaces[] = {
	{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWNS, "mnt" },	       { CLONE_NEWNET, "net" },
	{ CLONE_NEWPID, "pid" },       { 0x80, "time" }, /* CLONE_NEWTIME: not in every libc */
	{ CLONE_NEWUSER, "user" },     { CLONE_NEWUTS, "uts" },
};

size_t names_of_namespaces(uint32_t types, const char *ret[WORDS_MAX])
{
	return words_of(types, namespaces, ARRAY_SIZE(namespaces), ret);
}

const char *name_of_namespace(const char *s, size_t n)
{
	size_t length = strnlen(s, n);

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (strlen(namespaces[i].word) == length &&
		    memcmp(namespaces[i].word, s, length) == 0)
			return namespaces[i].word;
	return NULL;
}

size_t names_of_clone(uint32_t flags, const char *ret[WORDS_MAX])
{
	static const struct flag_word words[] = {
		{ REC_CLONE_VM, "vm" },	       { REC_CLONE_FILES, "files" },
		{ REC_CLONE_FS, "fs" },	       { REC_CLONE_PARENT, "parent" },
		{ REC_CLONE_CGROUP, "cgroup" },
	};

	return words_of(flags, words, ARRAY_SIZE(words), ret);
}

size_t names_of_rename(uint32_t flags, const char *ret[WORDS_MAX])
{
	static const struct flag_word words[] = {
		{ RENAME_NOREPLACE, "noreplace" },
		{ RENAME_EXCHANGE, "exchange" },
		{ RENAME_WHITEOUT, "whiteout" },
	};

	return words_of(flags, words, ARRAY_SIZE(words), ret);
}

size_t names_of_memfd(uint32_t flags, const char *ret[WORDS_MAX])
{
	static const struct flag_word words[] = {
		{ 1, "cloexec" }, { 2, "allow_sealing" }, { 4, "hugetlb" },
		{ 8, "noexec_seal" }, { 16, "exec" },
	};

	return words_of(flags, words, ARRAY_SIZE(words), ret);
}

size_t names_of_mount(uint64_t flags, const char *ret[WORDS_MAX])
{
	static const struct flag_word words[] = {
		{ MS_RDONLY, "read_only" }, { MS_NOSUID, "nosuid" },   { MS_NODEV, "nodev" },
		{ MS_NOEXEC, "noexec" },    { MS_REMOUNT, "remount" }, { MS_BIND, "bind" },
		{ MS_MOVE, "move" },	    { MS_REC, "recursive" },   { MS_SHARED, "shared" },
		{ MS_SLAVE, "slave" },	    { MS_PRIVATE, "private" },
	};

	return words_of((uint32_t)flags, words, ARRAY_SIZE(words), ret);
}

/* ---- ptrace and capabilities ---- */

const char *name_of_ptrace(uint32_t request)
{
	static const struct flag_word words[] = {
		{ 0, "PTRACE_TRACEME" },      { 4, "PTRACE_POKETEXT" },
		{ 5, "PTRACE_POKEDATA" },     { 6, "PTRACE_POKEUSR" },
		{ 13, "PTRACE_SETREGS" },     { 15, "PTRACE_SETFPREGS" },
		{ 16, "PTRACE_ATTACH" },      { 0x4205, "PTRACE_SETREGSET" },
		{ 0x4206, "PTRACE_SEIZE" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].flag == request)
			return words[i].word;
	return NULL;
}

const char *name_of_capability(uint32_t bit)
{
	static const char *const names[CAPABILITIES_MAX] = {
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
		"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
		"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
		"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
		"CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
		"CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
		"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
		"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN",
		"CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ",
		"CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
	};

	return bit < CAPABILITIES_MAX ? names[bit] : NULL;
}

/* ---- files ---- */

const char *name_of_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "symlink";
	case S_IFBLK:
		return "block";
	case S_IFCHR:
		return "char";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return NULL;
	}
}

const char *name_of_protocol(uint32_t protocol)
{
	static const char *const names[] = {
		[IPPROTO_TCP] = "tcp",	 [IPPROTO_UDP] = "udp",		[IPPROTO_DCCP] = "dccp",
		[IPPROTO_SCTP] = "sctp", [IPPROTO_UDPLITE] = "udplite",
	};

	return protocol < ARRAY_SIZE(names) ? names[protocol] : NULL;
}

/* ---- driver ---- */

/* <linux/bpf.h>, of any version */
const char *name_of_bpf_program(uint32_t type)
{
	static const char *const names[] = {
		"unspec",	   "socket_filter",
		"kprobe",	   "sched_cls",
		"sched_act",	   "tracepoint",
		"xdp",		   "perf_event",
		"cgroup_skb",	   "cgroup_sock",
		"lwt_in",	   "lwt_out",
		"lwt_xmit",	   "sock_ops",
		"sk_skb",	   "cgroup_device",
		"sk_msg",	   "raw_tracepoint",
		"cgroup_sock_addr", "lwt_seg6local",
		"lirc_mode2",	   "sk_reuseport",
		"flow_dissector",   "cgroup_sysctl",
		"raw_tracepoint_writable", "cgroup_sockopt",
		"tracing",	   "struct_ops",
		"ext",		   "lsm",
		"sk_lookup",	   "syscall",
		"netfilter",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

const char *name_of_bpf_map(uint32_t type)
{
	static const char *const names[] = {
		"unspec",	  "hash",
		"array",	  "prog_array",
		"perf_event_array", "percpu_hash",
		"percpu_array",	  "stack_trace",
		"cgroup_array",	  "lru_hash",
		"lru_percpu_hash", "lpm_trie",
		"array_of_maps",  "hash_of_maps",
		"devmap",	  "sockmap",
		"cpumap",	  "xskmap",
		"sockhash",	  "cgroup_storage",
		"reuseport_sockarray", "percpu_cgroup_storage",
		"queue",	  "stack",
		"sk_storage",	  "devmap_hash",
		"struct_ops",	  "ringbuf",
		"inode_storage",  "task_storage",
		"bloom_filter",	  "user_ringbuf",
		"cgrp_storage",	  "arena",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

size_t names_of_uring(uint32_t flags, const char *ret[WORDS_MAX])
{
	static const struct flag_word words[] = {
		{ 1 << 0, "iopoll" },	     { 1 << 1, "sqpoll" },	  { 1 << 2, "sq_aff" },
		{ 1 << 3, "cqsize" },	     { 1 << 4, "clamp" },	  { 1 << 5, "attach_wq" },
		{ 1 << 6, "r_disabled" },    { 1 << 7, "submit_all" },	  { 1 << 8, "coop_taskrun" },
		{ 1 << 12, "single_issuer" }, { 1 << 13, "defer_taskrun" }, { 1 << 14, "no_mmap" },
	};

	return words_of(flags, words, ARRAY_SIZE(words), ret);
}

/* ---- processes ---- */

size_t names_of_protection(uint32_t flags, const char *ret[WORDS_MAX])
{
	static const struct flag_word words[] = {
		{ PROT_READ, "read" }, { PROT_WRITE, "write" }, { PROT_EXEC, "exec" }
	};

	return words_of(flags, words, ARRAY_SIZE(words), ret);
}

const char *name_of_prctl(uint32_t option)
{
	return option == PR_SET_DUMPABLE       ? "PR_SET_DUMPABLE"
	       : option == PR_SET_NO_NEW_PRIVS ? "PR_SET_NO_NEW_PRIVS"
					       : NULL;
}

const char *name_of_machine(uint16_t machine)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} machines[] = {
		{ EM_386, "x86" },     { EM_X86_64, "x86-64" }, { EM_ARM, "arm" },
		{ EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" }, { EM_PPC, "ppc" },
		{ EM_PPC64, "ppc64" }, { EM_S390, "s390" },	{ EM_MIPS, "mips" },
		{ EM_LOONGARCH, "loongarch" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return NULL;
}
