/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* abi - the records that the BPF programs write and the sensor reads: one header for both sides.
 *
 * A record is a fixed struct, whose first member is struct rec_head, followed by its data: the
 * variable parts named in the struct, in the order of their length members, without padding
 * between them.  rec_head.size counts all of it.  Records lie in the ring at 8-byte alignment.
 * Native byte order; ports and addresses as told below.
 *
 * Paths travel as the kernel keeps them: components leaf first, each ended by a NUL, without
 * slashes: "/usr/bin/true" is "true\0bin\0usr\0"; "/" is no component at all.  A rename that runs
 * at the same moment may leave a NUL inside a component: cut there.
 *
 * All times are CLOCK_BOOTTIME nanoseconds.  A process is known by (tgid, start of its leader).
 * Thread: none.  Memory: none. */
#pragma once
#ifdef __bpf__
#include "bpf/kernel.h"
#define ABI_ASSERT(type, member, offset) \
	_Static_assert(__builtin_offsetof(struct type, member) == (offset), #type "." #member)
#else
#include <stddef.h>
#include <stdint.h>
#define ABI_ASSERT(type, member, offset) \
	_Static_assert(offsetof(struct type, member) == (offset), #type "." #member)
#endif

enum rec_type {
	REC_EXEC = 1, /* struct rec_exec    priority ring */
	REC_ARGS,     /* struct rec_args    priority ring */
	REC_FORK,     /* struct rec_fork    priority ring */
	REC_EXIT,     /* struct rec_exit    priority ring */
	REC_OPEN,     /* struct rec_open    bulk ring */
	REC_DELETE,   /* struct rec_delete  bulk ring */
	REC_RENAME,   /* struct rec_rename  bulk ring */
	REC_CONNECT,  /* struct rec_tcp     bulk ring */
	REC_ACCEPT,   /* struct rec_tcp     bulk ring */
	REC_CLOSE,    /* struct rec_tcp     bulk ring */
	REC_CREDENTIALS, /* struct rec_credentials  priority ring */
	REC_PTRACE,   /* struct rec_ptrace  priority ring */
	REC_SIGNAL,   /* struct rec_signal  bulk ring */
	REC_SETNS,    /* struct rec_namespace  priority ring */
	REC_UNSHARE,  /* struct rec_namespace  priority ring */
	REC_MEMFD,    /* struct rec_open    priority ring */
	REC_LINK,     /* struct rec_rename  bulk ring */
	REC_SYMLINK,  /* struct rec_rename  bulk ring */
	REC_CREATE,   /* struct rec_create  bulk ring */
	REC_CHMOD,    /* struct rec_attributes  bulk ring */
	REC_CHOWN,    /* struct rec_attributes  bulk ring */
	REC_MOUNT,    /* struct rec_mount   priority ring */
	REC_UMOUNT,   /* struct rec_mount   priority ring */
	REC_LISTEN,   /* struct rec_tcp     bulk ring */
	REC_BIND,     /* struct rec_tcp     bulk ring */
	REC_DATAGRAM, /* struct rec_tcp     bulk ring */
	REC_UNIX,     /* struct rec_unix    bulk ring */
	REC_DNS,      /* struct rec_dns     bulk ring */
	REC_MODULE,   /* struct rec_module  priority ring */
	REC_BPF_LOAD, /* struct rec_bpf     priority ring */
	REC_BPF_MAP,  /* struct rec_bpf     priority ring */
	REC_PROBE,    /* struct rec_probe   priority ring */
	REC_URING,    /* struct rec_uring   priority ring */
	REC_PROTECT,  /* struct rec_protect priority ring */
	REC_PRCTL,    /* struct rec_prctl   priority ring */
	REC_VM_READ,  /* struct rec_ptrace  priority ring */
	REC_VM_WRITE, /* struct rec_ptrace  priority ring */
	REC_CHROOT,   /* struct rec_attributes  priority ring */
	REC_PIVOT,    /* struct rec_rename  priority ring */
	REC_XATTR,    /* struct rec_xattr   bulk ring */
	REC_WRITTEN,  /* struct rec_open    bulk ring */
	REC_BPF_TAKEN, /* struct rec_bpf    priority ring */
	REC_END,      /* number of types + 1 */
};

enum {
	REC_NAME_BYTES = 4096,	      /* a path as asked, its NUL included */
	REC_PATH_BYTES = 4096,	      /* a walked path, all NULs included */
	REC_PATH_PARTS = 128,	      /* components of a walked path, mount points counted twice */
	REC_ARGS_CHUNK = 8192,	      /* argument bytes in one record */
	REC_ARGS_BYTES = 128 << 10,   /* argument bytes of one exec */
	REC_MAX_BYTES = 20 << 10,     /* rec_head.size of the largest record */
	REC_COMM_BYTES = 16,
	REC_TTY_BYTES = 16,
	REC_FSTYPE_BYTES = 32,
	REC_XATTR_BYTES = 64,
	REC_ENV_BYTES = 4096, /* of the chosen environment of an exec */
	REC_DNS_BYTES = 4096, /* of one answer */
};

/* rec_head.flags */
enum {
	REC_F_CREATED = 1 << 0,	    /* open: this open made the file */
	REC_F_ARGS_CUT = 1 << 1,    /* exec: arguments are missing at their end */
	REC_F_NOT_LEADER = 1 << 2,  /* exec: old_tid, not the leader, called execve */
	REC_F_DIRECTORY = 1 << 3,   /* delete: rmdir, or unlinkat with AT_REMOVEDIR */
	REC_F_AS_ASKED = 1 << 4,    /* names are what user memory said when the call returned, not what
				     * the kernel resolved: they may be raced, and symbolic links in
				     * them are not followed */
	REC_F_NAME_CUT = 1 << 5,    /* a name as asked could not be read, or only in part */
	REC_F_NO_OWNER = 1 << 6,    /* close, datagram: the process that has the socket is not known */
	REC_F_SUBMITTED = 1 << 8,   /* asked for over io_uring: what came of it is not known */
	REC_F_BY_HANDLE = 1 << 9,   /* open: by open_by_handle_at */
	REC_F_ENV_CUT = 1 << 10,    /* exec: not all variables were looked at */
	REC_F_SECURE = 1 << 7,	    /* exec: privileges were gained (set-id file or capabilities) */
};

/* rec_path.flags */
enum {
	REC_PATH_TRUNCATED = 1 << 0, /* too long or too deep: the beginning (at /) is missing */
	REC_PATH_DELETED = 1 << 1,   /* no name leads to the file any more (link count 0) */
	REC_PATH_DETACHED = 1 << 2,  /* its mount is in no mount namespace: memfd, pipe, socket, a file
				      * of a mount that was taken away */
};

/* A walked path: @bytes of data. */
struct rec_path {
	uint16_t bytes;
	uint16_t flags; /* REC_PATH_* */
};

/* Who did it, and when. */
struct rec_head {
	uint32_t size;	    /* bytes, this head included */
	uint16_t type;	    /* enum rec_type */
	uint16_t flags;	    /* REC_F_* */
	uint64_t time_ns;   /* when it happened; connect: when it began */
	uint64_t start_ns;  /* start of the acting process (its leader's start_boottime) */
	uint64_t cgroup_id; /* cgroup v2 id of the acting thread */
	uint32_t tgid;	    /* in the initial pid namespace, as is tid */
	uint32_t tid;
	uint32_t uid; /* effective, in the initial user namespace, as is gid */
	uint32_t gid;
	uint32_t cpu;
	uint32_t left_out;	   /* kinds that are not told of it: REC_LEFT_* of abi_filter.h */
	char comm[REC_COMM_BYTES]; /* of the acting thread, NUL-padded */
};
ABI_ASSERT(rec_head, time_ns, 8);
ABI_ASSERT(rec_head, tgid, 32);
ABI_ASSERT(rec_head, comm, 56);

struct rec_file {
	uint64_t inode;
	uint32_t dev_major, dev_minor; /* as st_dev of its filesystem */
	uint32_t mode;		       /* i_mode: type and permission bits */
	uint32_t fs_magic;	       /* magic number of the filesystem (statfs f_type) */
	uint32_t uid, gid;	       /* its owner, in the initial user namespace */
};

/* What tells one content of a file from the next. */
struct rec_stamp {
	uint64_t bytes;
	uint64_t mtime_ns, ctime_ns; /* since 1970 */
};

/* A program was started.  head: the process after it, with the identity that it kept.
 * Data: exe, cwd, args, env, script_dir, script. */
struct rec_exec {
	struct rec_head head;
	uint64_t parent_start_ns;
	uint32_t parent_tgid; /* real parent; 0: none */
	uint32_t old_tid;     /* tid before the exec; differs from tgid with REC_F_NOT_LEADER */
	struct rec_file file; /* the executable; of a script the interpreter */
	struct rec_stamp stamp; /* of the same */
	uint32_t uid, gid, euid, egid;
	uint32_t suid, sgid;
	uint32_t sid;  /* session id; 0: none */
	uint32_t vpid; /* tgid in the process's own pid namespace */
	uint32_t tty_major, tty_minor; /* 0, 0: no controlling terminal */
	char tty[REC_TTY_BYTES];       /* kernel's name, such as pts3; NUL-padded */
	uint32_t args_before; /* argument bytes in the REC_ARGS records of this exec */
	uint32_t args_total;  /* argument bytes in all that the process has; may be more than told */
	struct rec_path exe, cwd;
	uint32_t args_bytes; /* argument bytes here, after args_before: strings, each NUL-ended */
	uint16_t env_bytes;  /* variables of ENV_NAMES (bpf/process.bpf.c): strings, each NUL-ended */
	uint16_t script_bytes; /* the script's path as asked, NUL included; 0: the executable is no
				* interpreter of one */
	uint64_t effective, permitted; /* capability bits */
	uint64_t cpu_cgroup_id; /* in the hierarchy of the cpu controller, v1 or v2; 0: none */
	uint8_t elf_class; /* ELFCLASS* of the executable, as the kernel read it; 0: no ELF file */
	uint8_t pad;
	uint16_t elf_machine;	    /* EM_* of <elf.h> */
	struct rec_path script_dir; /* of a script executed by descriptor: the file; script is empty */
};
ABI_ASSERT(rec_exec, parent_start_ns, 72);
ABI_ASSERT(rec_exec, file, 88);
ABI_ASSERT(rec_exec, uid, 144);
ABI_ASSERT(rec_exec, tty, 184);
ABI_ASSERT(rec_exec, exe, 208);
ABI_ASSERT(rec_exec, effective, 224);
_Static_assert(sizeof(struct rec_exec) == 256, "rec_exec");

/* A piece of long arguments, ahead of the rec_exec with the same tgid, start and time on the same
 * ring.  Pieces come in order; a gap between @offset and what came before, or fewer bytes than
 * rec_exec.args_before, means that pieces were lost.  Data: the bytes. */
struct rec_args {
	struct rec_head head;
	uint32_t offset; /* of its first byte in the argument block */
	uint32_t bytes;
};

/* What a child shares with the process that made it, or got otherwise, as the kernel has it. */
enum {
	REC_CLONE_VM = 1 << 0,
	REC_CLONE_FILES = 1 << 1,
	REC_CLONE_FS = 1 << 2,
	REC_CLONE_PARENT = 1 << 3, /* is the child of another process */
	REC_CLONE_CGROUP = 1 << 4, /* began in another cgroup */
};

/* A process (not a mere thread) was created.  head: the thread that called fork. */
struct rec_fork {
	struct rec_head head;
	uint64_t child_start_ns;
	uint64_t parent_start_ns; /* the child's real parent: with CLONE_PARENT not head's process */
	uint32_t child_tgid;
	uint32_t parent_tgid;
	uint32_t child_vpid; /* in its own pid namespace */
	uint32_t namespaces; /* CLONE_NEW* that were made for the child */
	uint32_t clone;	     /* REC_CLONE_* */
	uint32_t pad;
};

/* The last thread of a process ended.  head.tid: that thread.  Where two last threads end in the
 * same instant on kernels before 6.16 it may come twice. */
struct rec_exit {
	struct rec_head head;
	uint64_t duration_ns; /* since head.start_ns */
	uint32_t status;      /* wait status: code << 8, or signal | 0x80 if core was dumped */
	uint32_t pad;
};

/* open, openat, openat2, creat or open_by_handle_at returned.
 * Without REC_F_AS_ASKED: path is the file's; name is empty.  Data: path, name.
 * REC_F_AS_ASKED (it failed, or another thread has closed it already): name is what was asked; path is the directory that a relative name
 * starts from (cwd or dirfd), empty for an absolute name; file is zero. */
struct rec_open {
	struct rec_head head;
	struct rec_file file;
	uint32_t error;	     /* positive errno */
	uint32_t open_flags; /* O_* of this architecture: f_flags (the kernel may add O_LARGEFILE) with
			      * O_CREAT, O_EXCL, O_TRUNC as asked; all as asked when it failed */
	struct rec_path path;
	uint16_t name_bytes; /* NUL included; 0: none */
	uint16_t pad;
};
_Static_assert(sizeof(struct rec_open) == 120, "rec_open");

/* memfd_create returned: the same struct.
 * path is "memfd:NAME", detached; with REC_F_AS_ASKED name is NAME.  open_flags: MFD_*. */

/* Of calls that name a file: with REC_F_AS_ASKED the name is what was asked, and dir what a relative
 * name starts from; without it dir is what the kernel resolved and name the last component in it, or
 * empty where dir is all of it. */

/* unlink, unlinkat or rmdir returned.  Data: dir, name. */
struct rec_delete {
	struct rec_head head;
	uint32_t error;
	struct rec_path dir; /* that a relative name starts from; empty for an absolute name */
	uint16_t name_bytes;
	uint16_t pad[3];
};

/* rename, renameat or renameat2 returned.  Data:
 * old_dir, old_name, new_dir, new_name. */
struct rec_rename {
	struct rec_head head;
	uint32_t error;
	uint32_t rename_flags; /* RENAME_* of renameat2 */
	struct rec_path old_dir;
	struct rec_path new_dir;
	uint16_t old_name_bytes;
	uint16_t new_name_bytes;
	uint32_t pad;
};

/* link, linkat, symlink or symlinkat returned: struct rec_rename.  old: the
 * file that the link leads to (linkat of a descriptor: old_dir is the file, its name empty); of a
 * symbolic link its text, old_dir empty.  new: the link. */

/* mkdir, mkdirat, mknod or mknodat succeeded.  Data: dir, name. */
struct rec_create {
	struct rec_head head;
	uint32_t mode;	     /* type bits */
	struct rec_path dir; /* that a relative name starts from; empty for an absolute name */
	uint16_t name_bytes;
	uint16_t pad[3];
};

/* chmod, chown or one of their kin returned.  Data: path, name.
 * By descriptor: path is the file's, name is empty. */
struct rec_attributes {
	struct rec_head head;
	uint32_t error;
	uint32_t mode;	   /* chmod */
	uint32_t uid, gid; /* chown; UINT32_MAX: not changed */
	struct rec_path path;
	uint16_t name_bytes;
	uint16_t pad;
};

/* mount, move_mount, mount_setattr or umount2 returned.  Data: dir, name (the mount point),
 * source_dir, source.  Of a mount moved that had no place before, type and source are those it has. */
struct rec_mount {
	struct rec_head head;
	uint64_t mount_flags; /* MS_* of mount, or what mount_setattr means by them */
	uint32_t error;
	struct rec_path dir, source_dir; /* source_dir: of move_mount */
	uint16_t name_bytes, source_bytes;
	char type[REC_FSTYPE_BYTES]; /* NUL-padded */
};

/* init_module or finit_module returned.  Data: path of the file, of finit_module. */
struct rec_module {
	struct rec_head head;
	uint32_t error;
	struct rec_path path;
	char name[56]; /* as the module calls itself; NUL-padded; empty: not known */
};

/* A BPF program was loaded or a map made, or the attempt failed (REC_F_AS_ASKED). */
struct rec_bpf {
	struct rec_head head;
	uint32_t error;
	uint32_t type; /* BPF_PROG_TYPE_*, BPF_MAP_TYPE_*; of REC_BPF_TAKEN enum rec_bpf_object */
	uint32_t id;   /* of the kernel; 0: none */
	uint32_t pad;
	char name[16]; /* NUL-padded */
};

/* Of what a descriptor was got by its id. */
enum rec_bpf_object {
	REC_BPF_OBJECT_PROGRAM,
	REC_BPF_OBJECT_MAP,
	REC_BPF_OBJECT_LINK,
	REC_BPF_OBJECTS
};

enum { REC_PROBE_RETURN = 1, REC_PROBE_USER = 2 };

/* A kprobe or uprobe was attached by perf_event_open or as a BPF link.  Data: name: the symbol; of a
 * uprobe the path, as the caller named it (REC_F_AS_ASKED). */
struct rec_probe {
	struct rec_head head;
	uint64_t offset; /* in the symbol or file; an address when there is no symbol */
	uint16_t flags;	 /* REC_PROBE_* */
	uint16_t name_bytes;
	uint32_t pad;
};

/* io_uring_setup returned. */
struct rec_uring {
	struct rec_head head;
	uint32_t error;
	uint32_t entries;
	uint32_t flags; /* IORING_SETUP_* */
	uint32_t pad;
};

enum { REC_EGRESS = 1, REC_INGRESS = 2 }; /* this side connected; this side accepted */
enum { REC_IPV4 = 4, REC_IPV6 = 6 };

/* An IP socket that did something:
 * connect came to a result (time_ns: when it began); a connection was accepted; a connection that
 * was told before is closed.  source is the side that connected, whichever side this is.
 * head of REC_CONNECT and REC_CLOSE: the thread that connected or accepted; zero but for time, cpu
 * with REC_F_NO_OWNER.
 * REC_ACCEPT with REC_F_AS_ASKED: another thread has closed it already: dest is the listener's end,
 * source is zero but with its version.
 * Listen, bind: the call returned; dest is the socket's own end (as asked when it failed:
 * REC_F_AS_ASKED), source is zero but with its version.
 * Datagram: the first UDP datagram between these two ends that this process sent (egress) or took
 * (ingress), as its headers say; source is the side that sent it. */
struct rec_tcp {
	struct rec_head head;
	uint64_t socket;      /* opaque: the same for the records of one connection while it lives */
	uint64_t duration_ns; /* connect: until its result; close: since it was established */
	uint64_t source_bytes; /* close: payload that the source sent, as this side saw it */
	uint64_t dest_bytes;
	uint32_t error;	      /* connect: positive errno; close: what ended it, such as ECONNRESET */
	uint16_t source_port; /* host order, as is dest_port */
	uint16_t dest_port;
	uint8_t version;   /* REC_IPV4 or REC_IPV6; IPv4 over an IPv6 socket is REC_IPV4 */
	uint8_t direction; /* REC_EGRESS or REC_INGRESS */
	uint8_t protocol;  /* IPPROTO_* */
	uint8_t pad[5];
	uint8_t source[16]; /* network order; IPv4 in the first 4 bytes, the rest zero */
	uint8_t dest[16];
};
ABI_ASSERT(rec_tcp, error, 104);
ABI_ASSERT(rec_tcp, source, 120);
_Static_assert(sizeof(struct rec_tcp) == 152, "rec_tcp");

/* connect to a unix socket of interest (see bpf/socket.bpf.c) succeeded.  Data: path, as the kernel
 * found it when the socket was bound. */
struct rec_unix {
	struct rec_head head;
	struct rec_path path;
	uint32_t pad;
};

/* A process took a datagram from port 53 of somebody.  Data: the message, cut at REC_DNS_BYTES.
 * With REC_F_AS_ASKED it was read from the process's own buffer right after the kernel put it
 * there: another thread could have changed it. */
struct rec_dns {
	struct rec_head head;
	uint16_t bytes; /* of data */
	uint16_t total; /* of the message */
	uint8_t version;
	uint8_t pad[3];
	uint8_t server[16]; /* as rec_tcp.source */
};

struct rec_ids {
	uint32_t uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
};

enum { REC_CHANGED_UIDS = 1, REC_CHANGED_GIDS = 2, REC_CHANGED_CAPS = 4 };

/* setuid, setgid, setreuid, setregid, setresuid, setresgid, setfsuid, setfsgid or capset returned, and the ids or (by
 * capset) the capabilities of the calling thread are other ones than before.  head: after it. */
struct rec_credentials {
	struct rec_head head;
	struct rec_ids before, after;
	uint64_t effective, permitted; /* capability bits, after */
	uint32_t changed;	       /* REC_CHANGED_* */
	uint32_t pad;
};
ABI_ASSERT(rec_credentials, effective, 136);

/* A process acted upon. */
struct rec_target {
	uint64_t start_ns; /* of its leader */
	uint32_t tgid;	   /* 0: not known */
	uint32_t tid;	   /* of the thread meant; with tgid 0 as asked, 0: not known either */
};

/* ptrace(2) returned from a request that begins tracing or writes to the other process. */
struct rec_ptrace {
	struct rec_head head;
	struct rec_target target; /* of PTRACE_TRACEME the one that traces from now on */
	uint32_t request;	  /* PTRACE_* */
	uint32_t error;
};

/* A process sent a signal to another one that it was allowed to send. */
struct rec_signal {
	struct rec_head head;
	struct rec_target target;
	uint32_t signal;
	uint32_t error; /* EAGAIN: the target's queue was full */
};

/* process_vm_readv or process_vm_writev returned: struct rec_ptrace, request 0, target as asked. */

/* Memory became executable that is no mere image of a file: anonymous, written by the process, or of a
 * file that nobody can open by a name.  One a second for each process and call.  Data: path of the
 * file behind it. */
enum { REC_MMAP = 1, REC_MPROTECT, REC_PKEY_MPROTECT, REC_SHMAT };
struct rec_protect {
	struct rec_head head;
	uint64_t address, bytes;
	uint32_t protection; /* PROT_* */
	uint8_t call;	     /* REC_MMAP .. REC_SHMAT */
	uint8_t anonymous;   /* no file is behind it */
	uint16_t pad;
	struct rec_path path;
	uint32_t pad2;
};
_Static_assert(sizeof(struct rec_protect) == 104, "rec_protect");

/* prctl of one of a few options succeeded.  head.comm: name of the thread after it. */
struct rec_prctl {
	struct rec_head head;
	uint32_t option; /* PR_* */
	uint32_t pad;
	uint64_t value;
};

/* chroot returned: struct rec_attributes.  error == 0: path is the new root, as the kernel resolved it;
 * else as asked.  pivot_root returned: struct rec_rename: old is the new root, new the place of the old
 * one. */

/* setxattr, removexattr or one of their kin returned.  As rec_attributes.  Data: path, name. */
struct rec_xattr {
	struct rec_head head;
	uint32_t error;
	uint32_t bytes;	 /* of the value that was set */
	uint8_t removed; /* the attribute was taken away */
	uint8_t pad[3];
	struct rec_path path;
	uint16_t name_bytes;
	uint16_t pad2;
	char attribute[REC_XATTR_BYTES]; /* such as security.capability; NUL-padded, cut */
	uint32_t pad3;
};
ABI_ASSERT(rec_xattr, attribute, 92);
_Static_assert(sizeof(struct rec_xattr) == 160, "rec_xattr");

/* A process wrote to a file by a call on a descriptor: struct rec_open, error 0.  One a second for each
 * process and file.  Or truncated one by its name: with REC_F_AS_ASKED, file is zero. */

/* setns or unshare returned. */
struct rec_namespace {
	struct rec_head head;
	uint32_t types; /* CLONE_NEW* asked for; setns: 0: that of the descriptor */
	uint32_t error;
	char name[16]; /* setns: kernel's name of the descriptor's type, such as "mnt"; NUL-padded */
};

/* What was lost in the kernel, by class and cause. */
enum rec_class { REC_CLASS_PRIORITY, REC_CLASS_BULK, REC_CLASSES };
enum rec_cause {
	REC_LOST_RING, /* the ring was full */
	REC_LOST_MAP,  /* a socket could not be remembered: its close will lack the owner */
	REC_LOST_BUSY, /* the program ran nested on one CPU; its buffer was in use */
	REC_CAUSES,
};

/* Per CPU; first_ns belongs to the newest epoch in which something was lost. */
struct rec_loss {
	uint64_t count;
	uint64_t first_ns, last_ns;
	uint64_t epoch;
};
struct rec_losses {
	struct rec_loss by[REC_CLASSES][REC_CAUSES];
};

/* A workload whose bulk records are too many: a cgroup, else a session, else a process. */
enum {
	REC_WORKLOADS = 1024,
	REC_THROTTLE_SHIFT = 27, /* records are counted in windows of 2^27 ns, 134 ms */
};
enum rec_workload_kind { REC_BY_CGROUP = 1, REC_BY_SESSION, REC_BY_PROCESS };
struct rec_workload_key {
	uint64_t id; /* of the cgroup, session or process */
	uint64_t kind;
};
struct rec_workload {
	uint64_t window, count; /* records in this window */
	uint64_t suppressed;	/* since the sensor began */
	uint64_t first_ns, last_ns; /* when suppressed; first_ns: since the epoch began */
	uint64_t epoch;
	uint64_t start_ns; /* of a process of it */
	uint32_t tgid, pad;
};

/* When the kernel wakes the reader. */
enum rec_wake {
	REC_WAKE_NONE,	/* it is awake, or will look by itself */
	REC_WAKE_FILL,	/* when a ring has reached its fill mark */
	REC_WAKE_FIRST, /* with the next record */
	REC_WAKE_PRIORITY, /* with the next priority record, or when a ring has reached its mark */
};

enum { REC_IGNORED = 8 };
