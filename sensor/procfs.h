/* SPDX-License-Identifier: Apache-2.0 */
/* procfs - reads what /proc tells of a process, to know what ran before the sensor started.
 *
 * The parsers take buffers and believe nothing: a process may name itself so that stat looks like
 * something else, and may end between two reads.  Source: proc(5), Documentation/filesystems/proc.
 * Thread: sensor consumer.  Memory: one scratch in struct procfs. */
#pragma once
#include "sensor/container.h"
#include "sensor/hash_file.h"

enum {
	PROCFS_TICK_NS =
		10000000, /* /proc counts start times in USER_HZ, 100 a second everywhere */
	PROCFS_PATH_BYTES = 4096,
	PROCFS_ARGS_BYTES = 16384,   /* more of a command line is cut */
	PROCFS_COMM_BYTES = 64,	     /* kernel threads have up to 63 */
};

/* What /proc/PID/stat says, of what we need. */
struct procfs_stat {
	uint32_t pid, ppid, sid;
	uint32_t tty;	      /* device number as stat(5) encodes it; 0: none */
	uint32_t flags;	      /* PF_* */
	uint64_t start_ticks; /* since boot */
	uint32_t n_comm;
	char comm[PROCFS_COMM_BYTES]; /* NUL-terminated, any bytes */
};

/* What /proc/PID/status says, of what we need. */
struct procfs_status {
	uint32_t uid, euid, suid, gid, egid, sgid;
	uint32_t vpid; /* last of NSpid; 0: not told */
};

/* A process as found.  Strings live in the struct procfs until the next read. */
struct procfs_process {
	struct procfs_stat stat;
	struct procfs_status status;
	char exe[PROCFS_PATH_BYTES], cwd[PROCFS_PATH_BYTES]; /* "" when not readable */
	size_t n_exe, n_cwd;
	char args[PROCFS_ARGS_BYTES]; /* each argument ends in NUL */
	size_t n_args;		      /* bytes */
	bool args_truncated;
	bool kernel_thread;
	struct container_ref container; /* its id is "" outside containers */
	struct hash_key exe_file;		/* inode 0: not readable */
	uint32_t loginuid;			/* UINT32_MAX: never logged in */
};

/* Parsers of one file's bytes.  Return 0 or -EBADMSG (*ret is then undefined). */
NODISCARD int procfs_parse_stat(const char *s, size_t n, struct procfs_stat *ret);
NODISCARD int procfs_parse_status(const char *s, size_t n, struct procfs_status *ret);

struct procfs;

/* Opens @root ("/proc"; a test has its own).  *ret is the caller's, freed with procfs_free().
 * Returns 0, -ENOMEM or what open(2) said. */
NODISCARD int procfs_new(struct procfs **ret, const char *root);
struct procfs *procfs_free(struct procfs *p);
DEFINE_FREEP(procfs)

/* Reads process @pid.  *ret lives in @p until the next read.  Returns 0, -ENOENT (no such process,
 * or it ended meanwhile) or -EBADMSG. */
NODISCARD int procfs_read(struct procfs *p, uint32_t pid, const struct procfs_process **ret);

/* Start time of @pid in ticks since boot, by one file only.  Returns as procfs_read(). */
NODISCARD int procfs_start_ticks(struct procfs *p, uint32_t pid, uint64_t *ret);

/* Calls @each for every process, in ascending pid; those that end meanwhile are passed over.  Stops
 * and returns what @each returned when that is not 0. */
int procfs_each(struct procfs *p, int (*each)(const struct procfs_process *found, void *arg),
		void *arg);

/* Text of a controlling terminal's device number, such as "pts/3" or "tty1", written to @buf; NULL
 * for 0 and for devices that are no terminals known here. */
const char *procfs_tty_name(uint32_t tty, char *buf, size_t n);
