/* SPDX-License-Identifier: Apache-2.0 */
/* guard - the sensor's eye on itself: who opens its state or looks into its memory, where the rings
 * are, who gets hold of its maps, programs and links, and whether its programs are still attached.
 * Thread: the consumer for guard_minds(), any one for links.  Memory: fixed. */
#pragma once
#include "bpf/abi.h"
#include "lib/util.h"

enum guard_what { GUARD_NOTHING, GUARD_STATE, GUARD_RING, GUARD_BPF, GUARD_WHATS };

/* Ids that the kernel gave to what the sensor made for itself, by enum rec_bpf_object. */
enum { GUARD_IDS = 256 };
struct guard_ids {
	uint32_t at[REC_BPF_OBJECTS][GUARD_IDS];
	size_t n[REC_BPF_OBJECTS];
};
/* What has no place is not watched. */
void guard_ids_add(struct guard_ids *ids, enum rec_bpf_object object, uint32_t id);

struct guard {
	char state[4096], proc[32]; /* folders, with a slash at the end; "": not watched */
	size_t n_state, n_proc;
	const struct guard_ids *own;   /* NULL: none */
	uint64_t next_ns[GUARD_WHATS]; /* no alarm of the same before this */
};

/* Watches the folder @state_dir (NULL or not there: not), the process that calls, and what @own
 * (NULL: nothing) has, which is borrowed. */
void guard_init(struct guard *g, const char *state_dir, const struct guard_ids *own);

/* Whether somebody else's open of @path at @time_ns (of any clock that does not go back) is to be
 * told. At most once a second each. */
enum guard_what guard_minds(struct guard *g, const char *path, size_t n, uint64_t time_ns);
/* The same of a descriptor that somebody got by its id. */
enum guard_what guard_minds_bpf(struct guard *g, enum rec_bpf_object object, uint32_t id,
				uint64_t time_ns);
const char *guard_reason(enum guard_what what); /* of rtsec.alarm.reason */

/* ---- what holds the programs in the kernel ---- */

enum { GUARD_LINKS = 192 };

struct guard_links {
	int fds[GUARD_LINKS];
	uint32_t ids[GUARD_LINKS]; /* as bpf(2) tells; 0: it tells nothing */
	char targets[GUARD_LINKS][32];
	size_t n;
};

/* Takes note of @fd, a link of a program.  Returns false when it is none, or there are too many. */
bool guard_links_note(struct guard_links *l, int fd);

/* How many of them are no more what they were: closed, another file, or without their program. */
size_t guard_links_dead(const struct guard_links *l);
