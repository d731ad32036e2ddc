/* SPDX-License-Identifier: Apache-2.0 */
/* known - keeps the process table true: from /proc at start, from records afterwards.
 *
 * A process that no record began (it ran before, or its record was lost) is read from /proc if it
 * still runs with the same start time, else known by what the event itself says.
 * Thread: sensor consumer.  Memory: the process table, caches, and pieces of long arguments. */
#pragma once
#include "sensor/cgroups.h"
#include "sensor/hashes.h"
#include "sensor/procfs.h"
#include "sensor/proctab.h"
#include "sensor/record.h"
#include "sensor/users.h"

struct known;

struct guard_ids;
struct known_config {
	const char *node_id;
	const uint8_t *boot_id;	     /* 16 bytes */
	const char *state_dir;	     /* who opens it is told; NULL: nobody */
	const struct guard_ids *own; /* likewise who gets hold of these; borrowed; NULL: nobody */
	uint32_t max_processes;	     /* 0: 16384 */
	const char *proc_root;	     /* NULL: /proc */
	const char *passwd, *group;  /* NULL: those of /etc */
	uint64_t kinds;		     /* bit k: tell kind k, of those that share a probe; 0: all */
	struct hashes *hashes;	     /* borrowed; NULL: executables are not hashed */
	struct conntrack *conntrack; /* borrowed; NULL: translated addresses are not told */
	const struct runtime_config *runtime; /* NULL: container runtimes are not asked */
	/* As cgroups_tell(); NULL: nobody asks. */
	void (*cgroup_seen)(void *arg, uint64_t id, const char *container);
	void *arg;
};

struct known_counters {
	uint64_t guessed;    /* processes whose begin was not seen */
	uint64_t proc_reads; /* of them found in /proc */
	uint64_t args_lost;  /* execs of which pieces of the arguments are missing */
};

/* Returns 0, -ENOMEM or what opening /proc gave.  *ret is freed with known_free(). */
NODISCARD int known_new(struct known **ret, const struct known_config *config);
struct known *known_free(struct known *k);
DEFINE_FREEP(known)

/* Reads all of /proc: once, after the probes were attached. */
void known_scan(struct known *k);

/* Looks after users' files and the dead.  @now_ns since boot. */
void known_tick(struct known *k, uint64_t now_ns);

/* After priority records were lost: marks those dead that /proc no longer has. */
void known_reconcile(struct known *k, uint64_t now_ns);

/* The process that did @head; NULL when it names none (tgid 0).  Its user, group and cgroup are
 * then those of the event. */
struct proc *known_actor(struct known *k, const struct rec_head *head);

/* The same without taking over user and cgroup: for events told long after their cause. */
struct proc *known_named(struct known *k, const struct rec_head *head);

/* The process that an event at @at_ns acted upon; NULL: not known. */
struct proc *known_target(struct known *k, const struct rec_target *target, uint64_t at_ns);

/* Apply a record and return its process (of a fork the child). */
struct proc *known_credentials(struct known *k, const struct record *r);
struct proc *known_exec(struct known *k, const struct record *r);
struct proc *known_fork(struct known *k, const struct record *r);

/* Gives the process that asked for a hash, if it is still known, what was found; its rows are
 * written anew.  Returns it with the version that runs the file; NULL: not known any more. */
struct proc *known_hashed(struct known *k, const struct hash_found *found,
			  struct proc_version **ret_version);

/* Keeps a piece of the arguments of the exec that follows. */
void known_args(struct known *k, const struct record *r);

/* Has the rows of @p written anew, also into a batch that has them. */
void known_forget_rows(struct proc *p);

struct proctab *known_processes(struct known *k);
struct containers *known_containers(struct known *k);
const struct users *known_users(const struct known *k);
void known_counters(const struct known *k, struct known_counters *ret);
