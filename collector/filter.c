/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter.h"

#include "lib/token.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "filters are stored little-endian");

enum { WORDS = 8, BLOCK_BYTES = WORDS * 8, BITS_PER_TOKEN = 10, MIN_SLOTS = 1024 };

/* First the distinct tokens are gathered in an open hash set (0: free), then their bits are set. */
struct filter_builder {
	uint64_t *slots;
	size_t n_slots, room; /* a power of two in use; how many there is memory for */
	size_t n;
	uint64_t *bits; /* aligned to BLOCK_BYTES */
	size_t bits_room;
	bool failed;
};

int filter_builder_new(struct filter_builder **ret)
{
	struct filter_builder *f = calloc(1, sizeof(*f));

	if (!f)
		return err_origin(-ENOMEM);
	*ret = f;
	return 0;
}

struct filter_builder *filter_builder_free(struct filter_builder *f)
{
	if (!f)
		return NULL;
	free(f->slots);
	free(f->bits);
	free(f);
	return NULL;
}

static void insert(uint64_t *slots, size_t mask, uint64_t token)
{
	size_t at = token & mask;

	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = token;
}

static bool grow(struct filter_builder *f)
{
	size_t n_slots = f->n_slots * 2;
	uint64_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < f->n_slots; i++)
		if (f->slots[i])
			insert(slots, n_slots - 1, f->slots[i]);
	free(f->slots);
	f->slots = slots;
	f->n_slots = f->room = n_slots;
	return true;
}

static void add(uint64_t token, void *arg)
{
	struct filter_builder *f = arg;
	size_t mask = f->n_slots - 1, at;

	token += token == 0;
	for (at = token & mask; f->slots[at]; at = (at + 1) & mask)
		if (f->slots[at] == token)
			return;
	if (f->failed)
		return;
	f->slots[at] = token;
	if (++f->n * 2 > f->n_slots)
		f->failed = !grow(f);
}

/* Empties the set, with slots for about @expected tokens. */
static int begin(struct filter_builder *f, size_t expected)
{
	size_t n = MIN_SLOTS;

	while (n < expected * 2)
		n *= 2;
	f->n = 0;
	f->failed = false;
	if (n > f->room) {
		uint64_t *slots = realloc(f->slots, n * sizeof(*slots));

		if (!slots)
			return err_origin(-ENOMEM);
		f->slots = slots;
		f->room = n;
	}
	f->n_slots = n;
	memset(f->slots, 0, n * sizeof(*f->slots));
	return 0;
}

static void add_text(struct filter_builder *f, struct block_string s)
{
	token_each(s.s, s.n, add, f);
}

static void add_header(struct filter_builder *f, const struct block_info *i)
{
	add_text(f, i->node_id);
	add_text(f, i->node_name);
	add_text(f, i->architecture);
	add_text(f, i->os_kernel);
	add_text(f, i->agent_version);
	token_each(i->boot_text, strlen(i->boot_text), add, f);
	for (uint32_t k = 0; k < i->n_labels; k++) {
		add_text(f, i->labels[k].key);
		add_text(f, i->labels[k].value);
	}
}

static void add_ids(struct filter_builder *f, struct block *b, uint32_t table)
{
	enum field_home home = table == BLOCK_PROCESSES ? HOME_PROCESS : HOME_EVENT;
	uint32_t rows = block_rows(b, table);

	for (uint32_t k = 1; k < FIELD_MAX; k++) {
		const struct field_info *info = field_info(k);
		const uint64_t *ids;

		if (!info || info->type != TYPE_ID || info->home != home || info->rule)
			continue;
		ids = block_column(b, table, info->field);
		for (uint32_t row = 0; ids && row < rows; row++)
			if (ids[row])
				add(token_of_id(ids[row]), f);
	}
}

static inline size_t block_of(uint64_t token, size_t n_blocks)
{
	return (size_t)(((token >> 32) * n_blocks) >> 32);
}

/* Mixed again: the low half's top bits alone would be the same as the block number's neighbours. */
static inline uint64_t bits_of(uint64_t token)
{
	return (token ^ (token >> 29)) * 0x9e3779b97f4a7c15u >> 16;
}

static int write_bits(struct filter_builder *f, const void **ret_bits, size_t *ret_n)
{
	size_t n_blocks = (f->n * BITS_PER_TOKEN + BLOCK_BYTES * 8 - 1) / (BLOCK_BYTES * 8);
	size_t n = MAX(n_blocks, (size_t)1) * BLOCK_BYTES;

	n_blocks = n / BLOCK_BYTES;
	if (n + BLOCK_BYTES > f->bits_room) {
		free(f->bits);
		f->bits = aligned_alloc(BLOCK_BYTES, n + BLOCK_BYTES);
		f->bits_room = f->bits ? n + BLOCK_BYTES : 0;
		if (!f->bits)
			return err_origin(-ENOMEM);
	}
	memset(f->bits, 0, n);
	for (size_t i = 0; i < f->n_slots; i++) {
		uint64_t token = f->slots[i], at = bits_of(token);
		uint64_t *words = f->bits + block_of(token, n_blocks) * WORDS;

		for (uint32_t w = 0; token && w < WORDS; w++, at >>= 6)
			words[w] |= 1ull << (at & 63);
	}
	((uint8_t *)f->bits)[n] = FILTER_PREFIXES;
	*ret_bits = f->bits;
	*ret_n = n + 1;
	return 0;
}

int filter_build(struct filter_builder *f, struct block *b, const void **ret_bits, size_t *ret_n)
{
	const struct block_info *i = block_info(b);
	int r = begin(f, (size_t)i->n_strings + i->n_processes + 64);

	if (r < 0)
		return r;
	for (uint32_t s = 1; s <= i->n_strings; s++)
		add_text(f, block_string(b, s));
	add_header(f, i);
	add_ids(f, b, BLOCK_PROCESSES);
	for (uint32_t t = 0; t < i->n_tables; t++)
		add_ids(f, b, t);
	if (f->failed || block_failed(b))
		return err_origin(-ENOMEM);
	return write_bits(f, ret_bits, ret_n);
}

bool filter_has_prefixes(const void *bits, size_t n)
{
	return n % BLOCK_BYTES == 1 && ((const uint8_t *)bits)[n - 1] == FILTER_PREFIXES;
}

bool filter_has(const void *bits, size_t n, uint64_t token)
{
	size_t n_blocks = n / BLOCK_BYTES;
	uint64_t words[WORDS], at, miss = 0;

	if (n_blocks == 0 || n % BLOCK_BYTES > 1)
		return true;
	token += token == 0;
	memcpy(words, (const uint8_t *)bits + block_of(token, n_blocks) * BLOCK_BYTES,
	       sizeof(words));
	at = bits_of(token);
	for (uint32_t w = 0; w < WORDS; w++, at >>= 6)
		miss |= ~words[w] & 1ull << (at & 63);
	return miss == 0;
}
