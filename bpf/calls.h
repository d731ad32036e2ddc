/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* calls - numbers of the system calls that the programs tell apart, for the target architecture;
 * calls that an architecture does not have get numbers that never occur. */
#pragma once
#if defined(__TARGET_ARCH_x86)
enum {
	CALL_OPEN = 2,
	CALL_RENAME = 82,
	CALL_RMDIR = 84,
	CALL_CREAT = 85,
	CALL_UNLINK = 87,
	CALL_CONNECT = 42,
	CALL_OPENAT = 257,
	CALL_UNLINKAT = 263,
	CALL_RENAMEAT = 264,
	CALL_RENAMEAT2 = 316,
	CALL_OPENAT2 = 437,
	CALL_MKDIR = 83,
	CALL_LINK = 86,
	CALL_SYMLINK = 88,
	CALL_CHMOD = 90,
	CALL_FCHMOD = 91,
	CALL_CHOWN = 92,
	CALL_FCHOWN = 93,
	CALL_LCHOWN = 94,
	CALL_MKNOD = 133,
	CALL_MOUNT = 165,
	CALL_MKNODAT = 259,
	CALL_MKDIRAT = 258,
	CALL_FCHOWNAT = 260,
	CALL_MOVE_MOUNT = 429,
	CALL_RT_SIGQUEUEINFO = 129,
	CALL_RT_TGSIGQUEUEINFO = 297,
	CALL_PIDFD_SEND_SIGNAL = 424,
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_READV = 19,
	CALL_WRITEV = 20,
	CALL_SENDTO = 44,
	CALL_RECVFROM = 45,
	CALL_SENDMSG = 46,
	CALL_RECVMSG = 47,
	CALL_RECVMMSG = 299,
	CALL_SENDMMSG = 307,
};
#elif defined(__TARGET_ARCH_arm64)
enum {
	CALL_OPEN = -2,
	CALL_RENAME = -3,
	CALL_RMDIR = -4,
	CALL_CREAT = -5,
	CALL_UNLINK = -6,
	CALL_UNLINKAT = 35,
	CALL_RENAMEAT = 38,
	CALL_OPENAT = 56,
	CALL_CONNECT = 203,
	CALL_RENAMEAT2 = 276,
	CALL_OPENAT2 = 437,
	CALL_MKDIR = -7,
	CALL_LINK = -8,
	CALL_SYMLINK = -9,
	CALL_CHMOD = -10,
	CALL_FCHMOD = 52,
	CALL_CHOWN = -11,
	CALL_FCHOWN = 55,
	CALL_LCHOWN = -12,
	CALL_MKNOD = -13,
	CALL_MOUNT = 40,
	CALL_MKNODAT = 33,
	CALL_MKDIRAT = 34,
	CALL_FCHOWNAT = 54,
	CALL_MOVE_MOUNT = 429,
	CALL_RT_SIGQUEUEINFO = 138,
	CALL_RT_TGSIGQUEUEINFO = 240,
	CALL_PIDFD_SEND_SIGNAL = 424,
	CALL_READ = 63,
	CALL_WRITE = 64,
	CALL_READV = 65,
	CALL_WRITEV = 66,
	CALL_SENDTO = 206,
	CALL_RECVFROM = 207,
	CALL_SENDMSG = 211,
	CALL_RECVMSG = 212,
	CALL_RECVMMSG = 243,
	CALL_SENDMMSG = 269,
};
#else
#error "system call numbers of this architecture are not known"
#endif

/* What a program on syscalls:sys_enter_X gets. */
struct call_enter {
	unsigned long common;
	int nr;
	int pad;
	unsigned long args[6];
};

/* What a program on syscalls:sys_exit_X gets. */
struct call_exit {
	unsigned long common;
	int nr;
	int pad;
	long ret;
};
