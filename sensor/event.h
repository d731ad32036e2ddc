/* SPDX-License-Identifier: Apache-2.0 */
/* event - what the handlers of all record types share: the record on its way into a batch, and
 * setters for the fields that many kinds have.  Inside of enrich only.
 * Thread: sensor consumer.  Memory: of struct enrich. */
#pragma once
#include "bpf/abi_filter.h"
#include "sensor/conntrack.h"
#include "sensor/guard.h"
#include "sensor/domains.h"
#include "sensor/enrich.h"
#include "sensor/names.h"
#include "sensor/resolve.h"
#include "sensor/rows.h"

struct enrich {
	struct known *known;
	struct domains *domains;
	struct conntrack *conntrack; /* borrowed; NULL: none */
	struct rows rows;
	uint64_t kinds;		    /* bits of those that are told */
	uint64_t offset_ns, now_ns; /* now_ns: of the last tick, since 1970 */
	struct resolve resolve;
	struct guard guard;
	char path[RESOLVE_PATH_BYTES];
};

/* One record on its way into a batch. */
struct event {
	struct enrich *e;
	const struct record *r;
	struct gather *g;
	struct batch *b; /* of g */
	uint64_t *seq;
};

/* True when events of @kind are told: for records that stand for several kinds. */
static inline UNUSED bool event_wanted(const struct event *c, enum kind kind)
{
	uint32_t part = kind == KIND_CAPSET				   ? REC_LEFT_THIRD
			: kind == KIND_CREATION || kind == KIND_GID_CHANGE ? REC_LEFT_SECOND
									   : REC_LEFT_FIRST;

	return (c->e->kinds >> kind & 1) && !(c->r->head->left_out & part);
}

/* Row of @p in the batch, as it was at the time of the record; 0 for NULL. */
uint32_t event_row(struct event *c, struct proc *p);

/* Begins the row of an event with what every event has.  @row: its process; 0: not known. */
void event_begin(struct event *c, enum kind kind, uint32_t row);

/* Sets a field to a word that lives for ever (NULL: null), or a list of such words (0: null). */
void event_word(struct event *c, enum kind kind, enum field f, const char *word);
void event_words(struct event *c, enum kind kind, enum field f, const char *const *words, size_t n);

/* Sets a field of words to a number's digits: for numbers without a word. */
void event_number(struct event *c, enum kind kind, enum field f, uint64_t v);

/* Sets event.outcome and error.code.  @error: positive errno; 0: success. */
void event_outcome(struct event *c, enum kind kind, uint32_t error);

/* Sets @f to permission bits as octal digits; other bits of @mode are left out. */
void event_mode(struct event *c, enum kind kind, enum field f, uint32_t mode);

/* Sets inode, mode, device and type. */
void event_file(struct event *c, enum kind kind, const struct rec_file *f);

/* Sets file.path to the record's first walked path, and whether that is cut. */
void event_walked(struct event *c, enum kind kind);

/* Sets rtsec.namespace.types from CLONE_NEW* flags. */
void event_namespaces(struct event *c, enum kind kind, uint32_t types);

/* Sets the two lists of capabilities. */
void event_capabilities(struct event *c, enum kind kind, uint64_t effective, uint64_t permitted);

/* Begins an alarm: somebody did @what to the sensor.  @message lives for ever. */
void event_alarm(struct event *c, uint32_t row, enum guard_what what, const char *message);

/* Handlers of record types: enrich_act.c, enrich_exec.c, enrich_file.c, enrich_net.c,
 * enrich_driver.c. */
void enrich_link(struct event *c);
void enrich_symlink(struct event *c);
void enrich_create(struct event *c);
void enrich_attributes(struct event *c);
void enrich_mount(struct event *c);
void enrich_credentials(struct event *c);
void enrich_ptrace(struct event *c);
void enrich_signal(struct event *c);
void enrich_namespace(struct event *c);
void enrich_memfd(struct event *c);
void enrich_open(struct event *c);
void enrich_delete(struct event *c);
void enrich_rename(struct event *c);
void enrich_connect(struct event *c);
void enrich_close(struct event *c);
void enrich_socket(struct event *c);
void enrich_datagram(struct event *c);
void enrich_unix(struct event *c);
void enrich_dns(struct event *c);
void enrich_module(struct event *c);
void enrich_bpf(struct event *c);
void enrich_bpf_taken(struct event *c);
void enrich_probe(struct event *c);
void enrich_uring(struct event *c);
void enrich_exec(struct event *c);
void enrich_protect(struct event *c);
void enrich_prctl(struct event *c);
void enrich_memory(struct event *c);
void enrich_chroot(struct event *c);
void enrich_pivot(struct event *c);
void enrich_xattr(struct event *c);
void enrich_written(struct event *c);
