/* SPDX-License-Identifier: Apache-2.0 */
/* probe - the kernel side of the sensor: loads the BPF programs, attaches for each event kind the
 * best tier that works here, tells which it took, counts what the kernel lost.
 *
 * A feature is detected by attaching, never by kernel version.  Where tracefs is not mounted it is
 * reached through a detached mount that nobody else sees.
 *
 * Thread: any one at a time; while the sensor runs, probe_loss() from the consumer, and who is left
 * out and probe_wrong() from the main thread.
 * Memory: descriptors, links, counters of each CPU; libbpf's object and the kernel's BTF are freed
 * after loading. */
#pragma once
#include "bpf/abi.h"
#include "lib/diag.h"
#include "lib/fields.h"
#include "sensor/filter.h"
#include "sensor/guard.h"

struct probe;

struct probe_settings {
	uint32_t priority_ring_bytes; /* powers of two and multiples of a page; 0: 1 MiB */
	uint32_t bulk_ring_bytes;     /* 0: 4 MiB */
	uint32_t fill_percent;	      /* of a ring that wakes the reader, 1..90; 0: 25 */
	uint32_t sockets;	      /* connections remembered until they close; 0: 16384 */
	uint32_t only_netns;	      /* inode of the one network namespace to watch; 0: all */
	uint64_t throttle;	      /* bulk records a second of one workload; 0: no limit */
	bool filters;		      /* probe_filter() may be called with rules */
	uint64_t kinds; /* bit k: wants events of enum kind k; 0: all that there are */
};

/* How one kind is watched. */
struct probe_tier {
	enum kind kind;
	const char *name;   /* action of lib/kinds.def, such as "open" */
	const char *tier;   /* such as "tp_btf" or "tp/syscalls"; "none" when no tier works */
	const char *report; /* "open=tp/syscalls", for SensorStats.tiers */
};

/* Loads and attaches; leaves out the calling process (probe_unignore_tgid() brings it back).
 * *ret is the caller's, freed with probe_free(), which detaches.
 * Returns 0, or a negative errno with the reason in @d: -EPERM (not root or without CAP_BPF,
 * CAP_PERFMON, CAP_SYS_ADMIN), -ENOTSUP (kernel without BTF, ring buffers or a tracepoint: too
 * old), -EINVAL (a setting), -ENOMEM, or what libbpf gave. */
NODISCARD int probe_new(struct probe **ret, const struct probe_settings *settings, struct diag *d);
struct probe *probe_free(struct probe *p);
DEFINE_FREEP(probe)

/* Tiers in the order of kinds.def; the array lives as long as @p. */
const struct probe_tier *probe_tiers(const struct probe *p, size_t *ret_n);

/* Notes that a person should see once, such as how tracefs was reached; NULL after the last. */
const char *probe_note(const struct probe *p, size_t i);

/* Leaves out what process @tgid does from now on, and counts it: for the sensor and the collector
 * on its own node.  That ends with it, or by probe_unignore_tgid(): ids are used again.
 * Returns 0, or -ENOSPC (REC_IGNORED of them already). */
NODISCARD int probe_ignore_tgid(struct probe *p, uint32_t tgid);
void probe_unignore_tgid(struct probe *p, uint32_t tgid);

/* What the kernel side counted since it was loaded. */
struct probe_counts {
	uint64_t left_out;    /* records of left out processes */
	uint64_t undecided;   /* events told as the filter that comes first could not be judged */
	uint64_t unfollowed;  /* processes for which the table of executables had no room */
	uint64_t unthrottled; /* records of workloads for which the table of them had none */
	uint64_t arrivals_missed; /* datagrams whose sender is not known: the table of them was full
				   */
};
void probe_counts(const struct probe *p, struct probe_counts *ret);

/* What of the programs is not as it was left, in words; NULL: nothing.  Opens a file, which
 * programs that run see and leave out: finds whether they run at all, and who wrote
 * into the memory that is shared with them.  Blocks for some 50 ms when they seem not to run.  One
 * thread at a time. */
const char *probe_wrong(struct probe *p);

/* Has @to take note of every link that holds a program. */
void probe_links(const struct probe *p, struct guard_links *to);

/* Ids of all maps, programs and links; they live as long as @p. */
const struct guard_ids *probe_ids(const struct probe *p);

/* Lost since the last call; from and to are CLOCK_BOOTTIME ns, exact per CPU. */
struct probe_loss {
	uint64_t count, from_ns, to_ns;
};
/* Fills @ret for each class and cause; all zero when nothing was lost.  One syscall.
 * Returns 0 or a negative errno. */
NODISCARD int probe_loss(struct probe *p, struct probe_loss ret[REC_CLASSES][REC_CAUSES]);

/* Bulk records of one workload that were suppressed, since this was asked last. */
struct probe_throttle {
	struct rec_workload_key workload;
	uint64_t count, from_ns, to_ns; /* CLOCK_BOOTTIME */
	uint64_t start_ns;		/* of a process of it */
	uint32_t tgid;
};
/* Fills @ret with up to @most workloads.  Returns how many, or a negative errno.  Without any
 * suppression since the last call it is no syscall. */
NODISCARD int probe_throttles(struct probe *p, struct probe_throttle *ret, size_t most);

/* Has the kernel judge by @rules from now on, at once and for all CPUs; no rules: everything is
 * told. Events under way are judged by the rules before or these.  Takes @rules over when 0 is
 * returned. Else a negative errno with @d, and the rules before are in force as they were. Blocks
 * for some 10 ms: from the consumer, or before it runs. */
NODISCARD int probe_filter(struct probe *p, struct filter *rules, struct diag *d);

/* Cgroup @id is that of container @container ("": of none).  Until this is said, rules that ask
 * about containers leave out nothing of it. */
void probe_filter_cgroup(struct probe *p, uint64_t id, const char *container);

/* Events that a rule decided, since the sensor began, also under rules of its name before. */
struct probe_filter_count {
	const char *name; /* lent until the next probe_filter() */
	enum filter_action action;
	uint64_t events;
};
/* Fills @ret with up to @most rules in their order.  Returns how many, or a negative errno. */
NODISCARD int probe_filter_counts(struct probe *p, struct probe_filter_count *ret, size_t most);

/* For ring_new(): the ring's descriptor, its size, and the word in which the reader tells the
 * kernel when to wake it (enum rec_wake).  All owned by @p. */
int probe_ring_fd(const struct probe *p, enum rec_class class);
uint32_t probe_ring_bytes(const struct probe *p, enum rec_class class);
uint32_t probe_ring_mark(const struct probe *p, enum rec_class class); /* fill mark, bytes */
uint32_t *probe_wake_word(struct probe *p);
