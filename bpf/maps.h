/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* maps - every map and every load-time setting of the kernel side, in one place.
 * Sizes that say 1 are set by sensor/probe_load.c before loading. */
#pragma once
#include "bpf/abi_filter.h"

/* --- settings, constant once loaded (and direct_loads of kernel.h) --- */
const volatile uint32_t only_netns __weak;	  /* network namespace to watch; 0: all */
const volatile uint64_t fill_priority __weak = 1; /* bytes waiting that wake the reader */
const volatile uint64_t fill_bulk __weak = 1;
const volatile bool keeps_resolved __weak; /* resolve.bpf.c is loaded */

const volatile uint64_t throttle_quota __weak; /* bulk records of a workload in a window; 0: any */
const volatile uint64_t throttle_share __weak; /* of a CPU, below which no workload is looked at */

const volatile bool filters_possible __weak; /* else what is for filters is never run, nor verified
					      * (from kernel 6.8 on) */

/* --- memory shared with the sensor (mapped, no syscalls) --- */
struct {
	uint32_t wake;		       /* enum rec_wake; written by both */
	uint32_t loss_epoch;	       /* written by the sensor at each reading of the losses */
	uint32_t ignored[REC_IGNORED]; /* tgids left out; 0: free */
} control __weak __attribute__((aligned(64)));
uint64_t left_out __weak __attribute__((aligned(64))); /* records of ignored tgids */

uint64_t throttled __weak __attribute__((aligned(64))); /* bulk records suppressed */
uint64_t unthrottled __weak; /* not counted for their workload, as the table was full */

/* Which set of filters counts; 0: none.  Written by the sensor. */
uint32_t filter_generation __weak __attribute__((aligned(64)));
uint32_t filter_follows __weak; /* processes are followed for sets that ask about executables */
uint64_t regs_at __weak;	/* see read_regs_direct(); 0: not asked yet.  Not for the sensor */

uint64_t filter_undecided __weak
	__attribute__((aligned(64))); /* told as a rule could not be judged */
uint64_t filter_unfollowed __weak;    /* processes for which filter_actors had no room */
uint64_t arrivals_missed __weak;      /* datagrams received of which arrivals knew nothing */

/* --- throttling --- */
struct throttle_cpu {
	uint64_t window, count;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct throttle_cpu);
} throttle_cpus __weak SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REC_WORKLOADS);
	__type(key, struct rec_workload_key);
	__type(value, struct rec_workload);
} workloads __weak SEC(".maps");

/* --- rings --- */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} priority_ring __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bulk_ring __weak SEC(".maps");

/* Records of the CPU, of which every 16th looks at the fill of the ring: see emit.h. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint32_t);
} unlooked __weak SEC(".maps");

/* --- losses --- */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct rec_losses);
} losses __weak SEC(".maps");

/* --- where records of variable size are built --- */
enum { SCRATCH_BYTES = REC_MAX_BYTES + REC_NAME_BYTES + 256 };
struct scratch {
	uint32_t busy; /* in use on this CPU: a nested run must go without */
	uint32_t at;   /* where the next byte of the record goes.  In memory, not in a register: so
			* the verifier need not follow its ranges through the loops */
	uint32_t which;
	uint32_t begin;	      /* where what fill_env() appends begins */
	uint64_t mnt, dentry; /* arguments of fill_walk(), fill_env(); then where they are */
	uint64_t root;
	uint32_t end;
	int32_t flags;
	uint8_t bytes[SCRATCH_BYTES];
};
/* One for the process programs, one for the file programs, one for those of resolve.bpf.c. */
enum { SCRATCH_PROCESS, SCRATCH_FILE, SCRATCH_RESOLVED, SCRATCHES };
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, uint32_t);
	__type(value, struct scratch);
} scratches __weak SEC(".maps");

/* --- what the kernel resolved the names of a call to; from there until the call returns --- */
enum { RESOLVED_BYTES = REC_PATH_BYTES + 256 };
struct resolved_name {
	struct rec_path dir;
	uint16_t bytes; /* of data: the walked directory, then the last name (none: dir is all) */
	uint16_t known;
	uint8_t data[RESOLVED_BYTES];
};
struct resolved {
	int nr; /* of the call */
	struct resolved_name names[2];
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct resolved);
} resolved_paths __weak SEC(".maps");

/* --- credentials of each thread, by its id; memory is taken as threads come,
 * where the kernel likes that (sensor/probe_load.c) --- */
struct credentials {
	struct rec_ids ids;
	uint64_t effective, permitted;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, uint32_t);
	__type(value, struct credentials);
} identities __weak SEC(".maps");

/* --- when something that comes in floods was told last; what gave way is told once more --- */
struct poke {
	uint32_t actor, target, what, told; /* told: enum told of emit.h */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct poke);
	__type(value, uint64_t);
} pokes __weak SEC(".maps");

/* --- processes that ended lately: two threads may see it at one time, and one tells it --- */
struct ended {
	uint64_t start_ns;
	uint32_t tgid;
	uint32_t pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ended);
	__type(value, uint8_t);
} ends __weak SEC(".maps");

/* --- connections: who connected or accepted, until they close; by address of struct sock --- */
struct connection {
	struct rec_head head; /* of the thread that connected or accepted */
	uint64_t since_ns;    /* connecting: began; else: established */
	uint16_t dport;	      /* network order, as in the socket: another socket at the same address
			       * is known by it */
	uint8_t direction;    /* REC_EGRESS or REC_INGRESS */
	uint8_t connecting;
	uint32_t daddr;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, uint64_t);
	__type(value, struct connection);
} connections __weak SEC(".maps");

/* --- datagrams: who was told lately to exchange them; what gave way is told once more --- */
struct peer {
	uint8_t own[16], other[16]; /* as rec_tcp.source */
	uint16_t own_port, other_port;
	uint32_t tgid;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct peer);
	__type(value, uint8_t);
} peers __weak SEC(".maps");

/* A datagram as its headers say. */
struct datagram {
	uint8_t source[16], dest[16];		/* as rec_tcp.source */
	uint16_t source_port, dest_port, bytes; /* host order */
	uint8_t version;
	uint8_t pad;
};
/* What came last to sockets that are not connected; by address of struct sock.  Nothing tells of
 * their end, so the oldest gives way: of which something is received later is counted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, uint64_t);
	__type(value, struct datagram);
} arrivals __weak SEC(".maps");

/* --- names of modules that are being loaded; by pid_tgid.  Of more threads that load at one time
 * the name is not told, the path of its file is --- */
struct module_name {
	char text[56];
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, uint64_t);
	__type(value, struct module_name);
} loading __weak SEC(".maps");

/* --- filters: see abi_filter.h --- */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILTER_SETS);
	__type(key, uint32_t);
	__type(value, struct filter_set);
} filter_sets __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FILTER_SETS *FILTER_VALUES);
	__type(key, struct filter_key);
	__type(value, struct filter_mask);
} filter_values __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FILTER_SETS);
	__type(key, uint32_t);
	__type(value, struct filter_hits);
} filter_hits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_ACTORS);
	__type(key, uint32_t);
	__type(value, struct filter_actor);
} filter_actors __weak SEC(".maps");

/* What one judgement needs.  @text grows from its end to its beginning; behind the end is room, so
 * that the verifier need not know that beginning and length belong together. */
enum { FILTER_TEXT_END = REC_PATH_BYTES + REC_NAME_BYTES + 512 };
enum { FILTER_PARTS = 3 };
struct filter_work {
	uint32_t busy; /* in use on this CPU: a nested run must go without */
	uint32_t generation;
	uint64_t record, task; /* addresses, as is the next */
	uint64_t from, dentry; /* of what is put before the text */
	uint32_t bytes;	       /* of it */
	uint32_t at;	       /* beginning of the text */
	uint32_t rows[FILTER_PARTS],
		parts[FILTER_PARTS]; /* kinds of the record, see filter.bpf.c */
	struct filter_mask holds;    /* slots whose conditions hold so far */
	struct filter_mask maybe;    /* of them those with one that is not known to hold */
	struct filter_mask found;
	struct filter_actor actor;
	struct filter_key key;
	uint8_t part[256];
	uint8_t fixed[256]; /* the record's fixed part */
	uint8_t text[FILTER_TEXT_END + REC_NAME_BYTES];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct filter_work);
} filter_works __weak SEC(".maps");
