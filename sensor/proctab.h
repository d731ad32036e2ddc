/* SPDX-License-Identifier: Apache-2.0 */
/* proctab - the processes of this node, alive and lately dead.
 *
 * Bounded: at capacity the oldest dead process without children goes first, then the oldest dead
 * one, then the alive one that was silent longest; evictions are counted.  The dead stay for a
 * while, because a late event may name them, and as long as a child is there that names them.
 *
 * A process is known by pid and start time.  The kernel tells the start in ns, /proc in ticks of
 * 10 ms; identity uses ticks, so both give the same entity id.  A pid cannot come round in 10 ms.
 * Links between processes are an index and the entity id that must be found there.
 * Thread: sensor consumer.  Memory: one table made at start, touched as it fills; an image
 * (program, arguments, folder) per exec, shared by forked children. */
#pragma once
#include "lib/fields.h"
#include "sensor/container.h"
#include "sensor/hash_file.h"

enum {
	PROCTAB_TICK_NS = 10000000,
	PROCTAB_DEPTH = 64,	      /* ancestors that are followed */
};

/* What an exec made of a process; never changed once made but for its hash, shared by reference
 * count. */
struct proc_image {
	uint32_t refs;
	uint32_t n_exe, n_cwd, n_comm, n_args; /* bytes */
	struct hash_key file;		       /* the executable; inode 0: not known */
	uint32_t fs_magic;
	bool hashed; /* sha256 is known */
	uint8_t sha256[HASH_BYTES];
	bool args_truncated, kernel_thread;
	const char *exe, *cwd, *comm, *args; /* point into data[]; args: each ends in NUL */
	const char *name;		     /* last component of exe; comm without an exe */
	uint32_t n_name;
	char data[];
};

/* The same while it is told; strings are borrowed. */
struct proc_program {
	const char *exe, *cwd, *comm, *args;
	uint32_t n_exe, n_cwd, n_comm, n_args;
	struct hash_key file;
	uint32_t fs_magic;
	bool args_truncated, kernel_thread;
};

struct proc_link {
	uint32_t index;
	uint64_t entity; /* 0: none */
};

struct proc_identity {
	uint32_t uid, gid, euid, egid, suid, sgid;
	uint32_t sid, tty; /* tty: device number as stat(5) has it; 0: none */
};

/* A process between two execs. */
struct proc_version {
	struct proc_image *image; /* NULL: not known */
	struct proc_identity id;
	uint32_t generation; /* execs seen before it */
	uint64_t since_ns;   /* since boot; 0: from its start on */
	/* Its row in the batch of each class being gathered, valid while row_stamp is the stamp of
	 * that batch. */
	uint32_t row[CLASS_MAX];
	uint64_t row_stamp[CLASS_MAX];
};

struct proc {
	uint64_t entity;		  /* never 0 while in use */
	uint64_t start_ns;		  /* since boot; exact, or of the tick */
	uint64_t start_time_ns;		  /* since 1970, as first worked out; 0: not yet */
	uint64_t exit_ns;		  /* since boot; 0: alive */
	uint64_t cgroup;		  /* id, as last seen; 0: not known */
	uint32_t tgid, vpid;		  /* vpid 0: not known */
	uint32_t ppid;			  /* as /proc told; 0: not asked */
	struct proc_version now, before;  /* before: for late events; its image NULL: none */
	struct container *container; /* NULL: none */
	struct proc_link parent;
	bool told_end; /* its end event was told */
	bool guessed;  /* made from an event's own facts: its begin was not seen */

	/* the table's own */
	uint8_t list;
	uint32_t children;
	uint32_t hash_next, next, prev; /* indices + 1; 0: none */
};

struct proctab;

struct proctab_counters {
	uint64_t alive, dead, evicted, evicted_alive;
};

/* Makes a table of at most @capacity processes (2 to 2^24).  @node_id and @boot_id go into every
 * entity id.  *ret is freed with proctab_free().  Returns 0, -EINVAL or -ENOMEM. */
NODISCARD int proctab_new(struct proctab **ret, uint32_t capacity, const char *node_id,
			  const uint8_t boot_id[16]);
struct proctab *proctab_free(struct proctab *t);
DEFINE_FREEP(proctab)

/* Entity id of a process, whether known or not: XXH3-64 over node id, boot id, pid, start tick. */
uint64_t proctab_entity(const struct proctab *t, uint32_t tgid, uint64_t start_ns);

/* The process, which then counts as active just now; NULL: not known. */
struct proc *proctab_find(struct proctab *t, uint32_t tgid, uint64_t start_ns);

/* The youngest process known with this pid that started at or before @at_ns; NULL: none. */
struct proc *proctab_find_pid(struct proctab *t, uint32_t tgid, uint64_t at_ns);

/* Adds a process that proctab_find() does not know; all but its identity is zero.  Never NULL. */
struct proc *proctab_add(struct proctab *t, uint32_t tgid, uint64_t start_ns);

/* Notes what the process runs, as found.  On -ENOMEM the process has no image. */
NODISCARD int proctab_set_image(struct proc *p, const struct proc_program *program);

/* Notes an exec at @at_ns (since boot): the version before is kept for late events, the identity
 * stays until the caller sets it.  Returns as proctab_set_image(). */
NODISCARD int proctab_exec(struct proc *p, const struct proc_program *program, uint64_t at_ns);

/* The version that was there at @at_ns. */
struct proc_version *proctab_version(struct proc *p, uint64_t at_ns);

/* Lets the child of a fork at @at_ns have its parent's image, identity and container. */
void proctab_inherit(struct proc *child, struct proc *parent, uint64_t at_ns);

/* Puts the process into @c (may be NULL), which gets a reference, at @at_ns (0: it was there before). */
void proctab_set_container(struct proc *p, struct container *c, uint64_t at_ns);

void proctab_set_parent(struct proctab *t, struct proc *child, struct proc *parent);
struct proc *proctab_parent(const struct proctab *t, const struct proc *p);

/* Process whose pid is the session id; NULL: not known or no session. */
struct proc *proctab_session_leader(struct proctab *t, const struct proc *p);

/* Where a person or a service entered: of the session leaders on the way from @p to init, the first
 * whose parent is what lets people and services in (init, a service manager, sshd, login, a
 * container runtime, cron) or is not known. */
struct proc *proctab_entry_leader(struct proctab *t, struct proc *p);

/* Notes the end; the entry stays for a while. */
void proctab_exit(struct proctab *t, struct proc *p, uint64_t now_ns);

/* Forgets those without a child that ended more than 10 s before @now_ns (since boot), or longer
 * ago than an eighth of the table. */
void proctab_expire(struct proctab *t, uint64_t now_ns);

/* Calls @each for every process that is alive as far as the table knows. */
void proctab_each_alive(struct proctab *t, void (*each)(struct proc *p, void *arg), void *arg);

void proctab_counters(const struct proctab *t, struct proctab_counters *ret);
