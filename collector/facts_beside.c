/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/facts_beside.h"

#include <time.h>

#include <xxhash.h>

#include "lib/timestamp.h"

#define NS_PER_S UINT64_C(1000000000)

struct answer {
	uint64_t hash, until_ms;
	uint64_t nodes, first_ns;
};

struct facts_beside {
	struct block_beside columns;
	uint64_t since_ns, since_until_ms; /* when the first fact of all was seen */
	const struct facts *facts;
	struct facts_reader *reader;
	struct answer cache[FACTS_BESIDE_CACHE];
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What cannot be read is as not known: null. */
static bool look_up(struct facts_beside *b, enum fact_kind kind, struct block_string value,
		    struct answer *ret)
{
	struct fact fact = { 0 };
	int r = b->reader ? 0 : facts_reader_new(&b->reader, b->facts);

	if (r == 0)
		r = facts_get(b->reader, kind, value.s, value.n, &fact);
	ret->nodes = fact.nodes;
	ret->first_ns = fact.first_ns;
	return r == 0 || r == -ENOENT;
}

/* Whether something is new can only be said of a fleet that is known for some time. */
static bool knows_the_fleet(struct facts_beside *b)
{
	if (b->since_until_ms < now_ms()) {
		b->since_until_ms = now_ms() + FACTS_BESIDE_MS;
		if (!b->reader || facts_since(b->reader, &b->since_ns) < 0)
			b->since_ns = UINT64_MAX;
	}
	return b->since_ns < timestamp_now() - FACTS_BESIDE_LEARN_S * NS_PER_S;
}

static uint64_t seen_for(struct facts_beside *b, uint64_t first_ns)
{
	uint64_t now = timestamp_now();

	if (!knows_the_fleet(b))
		return 0;
	return first_ns && first_ns < now ? (now - first_ns) / NS_PER_S + 1 : 1;
}

static uint64_t ask(enum field f, struct block_string value, struct block_string sha256, void *arg)
{
	enum fact_kind kind = sha256.n ? FACT_HASH : FACT_EXECUTABLE;
	struct facts_beside *b = arg;
	struct answer *a;
	uint64_t hash;

	if (f == FIELD_DEST_NODES || f == FIELD_DEST_SEEN_FOR)
		kind = FACT_DESTINATION;
	value = sha256.n ? sha256 : value;
	if (value.n == 0)
		return 0;
	hash = XXH3_64bits_withSeed(value.s, value.n, (uint64_t)kind);
	a = &b->cache[hash % FACTS_BESIDE_CACHE];
	if (a->hash != hash || a->until_ms < now_ms()) {
		*a = (struct answer){ .hash = hash, .until_ms = now_ms() + FACTS_BESIDE_MS };
		if (!look_up(b, kind, value, a)) {
			a->until_ms = 0;
			return 0;
		}
	}
	if (f == FIELD_FIRST_SEEN)
		return a->first_ns ? a->first_ns + 1 : 0;
	if (f == FIELD_SEEN_FOR || f == FIELD_DEST_SEEN_FOR)
		return seen_for(b, a->first_ns);
	return a->nodes + 1;
}

int facts_beside_new(struct facts_beside **ret, const struct facts *f)
{
	struct facts_beside *b = calloc(1, sizeof(*b));

	if (!b)
		return err_origin(-ENOMEM);
	b->facts = f;
	b->columns = (struct block_beside){ ask, b };
	*ret = b;
	return 0;
}

struct facts_beside *facts_beside_free(struct facts_beside *b)
{
	if (b)
		facts_reader_free(b->reader);
	free(b);
	return NULL;
}

const struct block_beside *facts_beside_columns(const struct facts_beside *b)
{
	return &b->columns;
}
