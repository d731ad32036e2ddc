/* SPDX-License-Identifier: Apache-2.0 */
/* names - words for the kernel's numbers: errors, signals, open flags, file types.
 * Thread: any.  Memory: constant. */
#pragma once
#include "lib/util.h"

/* "ENOENT" for 2; NULL for a number without a name. */
const char *name_of_error(uint32_t error);

/* "SIGKILL" for 9, "SIGRTMIN+3" and the like, counted as kill -l and libc do (32 and 33, which libc
 * keeps for itself, are "SIG32" and "SIG33"), written to @buf; NULL for a number that is no signal.
 */
const char *name_of_signal(uint32_t signal, char *buf, size_t n);

/* Most words that one of names_of_...() fills. */
enum { WORDS_MAX = 12 };

/* What open flags asked for, as words of file.open.flags, at most 7.  Returns how many of @ret are
 * filled. */
size_t names_of_open(uint32_t flags, const char *ret[WORDS_MAX]);

/* "PTRACE_ATTACH" for 16; NULL for a request without a name here. */
const char *name_of_ptrace(uint32_t request);

enum { CAPABILITIES_MAX = 64 };

/* "CAP_CHOWN" for bit 0; NULL for a bit without a name. */
const char *name_of_capability(uint32_t bit);

/* Words for the namespace types in CLONE_NEW* flags, and for MFD_* flags of memfd_create.  Return
 * how many of @ret are filled. */
size_t names_of_namespaces(uint32_t types, const char *ret[WORDS_MAX]);
size_t names_of_memfd(uint32_t flags, const char *ret[WORDS_MAX]);

/* Words for REC_CLONE_* bits of a fork, and for RENAME_* flags of renameat2. */
size_t names_of_clone(uint32_t flags, const char *ret[WORDS_MAX]);
size_t names_of_rename(uint32_t flags, const char *ret[WORDS_MAX]);

/* "x86-64" for EM_X86_64; NULL for a machine without a name here. */
const char *name_of_machine(uint16_t machine);

/* Words for MS_* flags of mount(2). */
size_t names_of_mount(uint64_t flags, const char *ret[WORDS_MAX]);

/* The constant that is equal to @s ("mnt", "net" and so on, at most @n bytes); NULL: none. */
const char *name_of_namespace(const char *s, size_t n);

/* "file", "dir", "symlink", "block", "char", "fifo", "socket"; NULL when @mode has no type. */
const char *name_of_type(uint32_t mode);

/* "tcp" for 6; NULL for a number of an IP protocol without a name here. */
const char *name_of_protocol(uint32_t protocol);

/* "kprobe" for program type 2, "hash" for map type 1; NULL for a number without a name here. */
const char *name_of_bpf_program(uint32_t type);
const char *name_of_bpf_map(uint32_t type);

/* Words for IORING_SETUP_* flags of io_uring_setup. */
size_t names_of_uring(uint32_t flags, const char *ret[WORDS_MAX]);

/* Words for PROT_* flags. */
size_t names_of_protection(uint32_t flags, const char *ret[WORDS_MAX]);

/* "PR_SET_DUMPABLE" and "PR_SET_NO_NEW_PRIVS"; NULL for others. */
const char *name_of_prctl(uint32_t option);
