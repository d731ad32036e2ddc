/* SPDX-License-Identifier: Apache-2.0 */
/* domains - which name the newest DNS answer gave for an address, for destination.domain.
 *
 * Bounded: sets of a few places; where a set is full the oldest goes, counted.  A name is forgotten
 * an hour after its answer, or when its time to live is over if that is later.
 * Thread: sensor consumer.  Memory: one table of fixed size, whose pages are touched as it
 * fills. */
#pragma once
#include "lib/util.h"

enum {
	DOMAINS_DEFAULT = 4096,
	DOMAINS_NAME_BYTES = 256, /* longer names are not kept */
};

struct domains;

/* @n places, rounded up to whole sets.  *ret is freed with domains_free().  Returns 0 or -ENOMEM.
 */
NODISCARD int domains_new(struct domains **ret, uint32_t n);
struct domains *domains_free(struct domains *d);
DEFINE_FREEP(domains)

/* @address: IPv6, or IPv4 as mapped into it.  @now_ns: since boot. */
void domains_add(struct domains *d, const uint8_t address[16], const char *name, size_t n,
		 uint64_t now_ns, uint32_t ttl_s);

/* NULL: none is known.  Valid until the next domains_add(). */
const char *domains_find(const struct domains *d, const uint8_t address[16], uint64_t now_ns);

/* Names that went before their time because there was no room. */
uint64_t domains_evicted(const struct domains *d);
