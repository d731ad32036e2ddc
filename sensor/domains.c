/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/domains.h"

#include <sys/random.h>

enum { WAYS = 4, KEEP_S = 3600 };

struct place {
	uint8_t address[16];
	uint64_t told_ns, until_ns; /* 0: empty */
	char name[DOMAINS_NAME_BYTES];
};

struct domains {
	uint64_t seed; /* so that nobody can choose addresses that fall into one set */
	uint64_t evicted;
	uint32_t n_sets;
	struct place places[];
};

int domains_new(struct domains **ret, uint32_t n)
{
	uint32_t n_sets = MAX(1u, (n + WAYS - 1) / WAYS);
	struct domains *d = calloc(1, sizeof(*d) + (size_t)n_sets * WAYS * sizeof(d->places[0]));

	if (!d)
		return err_origin(-ENOMEM);
	d->n_sets = n_sets;
	if (getrandom(&d->seed, sizeof(d->seed), GRND_NONBLOCK) < 0)
		d->seed = (uintptr_t)d;
	*ret = d;
	return 0;
}

struct domains *domains_free(struct domains *d)
{
	free(d);
	return NULL;
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static size_t set_of(const struct domains *d, const uint8_t address[16])
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return (size_t)(mix(mix(half[0] ^ d->seed) ^ half[1]) % d->n_sets) * WAYS;
}

void domains_add(struct domains *d, const uint8_t address[16], const char *name, size_t n,
		 uint64_t now_ns, uint32_t ttl_s)
{
	struct place *set = &d->places[set_of(d, address)], *p = set;

	if (n >= DOMAINS_NAME_BYTES)
		return;
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].address, address, 16) == 0) {
			p = &set[i];
			break;
		}
		if (set[i].told_ns < p->told_ns)
			p = &set[i];
	}
	if (p->until_ns > now_ns && memcmp(p->address, address, 16) != 0)
		d->evicted++;
	memcpy(p->address, address, 16);
	memcpy(p->name, name, n);
	p->name[n] = 0;
	p->told_ns = now_ns;
	p->until_ns = now_ns + (uint64_t)MAX(ttl_s, (uint32_t)KEEP_S) * 1000000000u;
}

const char *domains_find(const struct domains *d, const uint8_t address[16], uint64_t now_ns)
{
	const struct place *set = &d->places[set_of(d, address)];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].until_ns > now_ns && memcmp(set[i].address, address, 16) == 0)
			return set[i].name;
	return NULL;
}

uint64_t domains_evicted(const struct domains *d)
{
	return d->evicted;
}
