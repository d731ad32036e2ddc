/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/facts_seen.h"

#include <xxhash.h>

void facts_seen_done(struct facts_seen *s)
{
	slots_done(&s->slots);
	buf_done(&s->text);
	free(s->list);
}

const char *facts_seen_text(const struct facts_seen *s, const struct fact_seen *of)
{
	return (const char *)s->text.data + of->at;
}

static struct fact_seen *find(struct facts_seen *s, enum fact_kind kind,
			      const struct block_string *v, uint64_t hash)
{
	uint32_t at = slots_first(&s->slots, hash), number;

	while ((number = slots_next(&s->slots, hash, &at))) {
		struct fact_seen *seen = &s->list[number - 1];

		if (seen->kind == kind && seen->n_value == v->n &&
		    memcmp(s->text.data + seen->at, v->s, v->n) == 0)
			return seen;
	}
	return NULL;
}

static struct fact_seen *add(struct facts_seen *s, enum fact_kind kind,
			     const struct block_string *v, uint64_t hash)
{
	struct fact_seen *seen;

	if (s->n == s->room) {
		seen = reallocarray(s->list, s->room * 2 + 256, sizeof(*seen));
		if (!seen)
			return NULL;
		s->list = seen;
		s->room = s->room * 2 + 256;
	}
	if (!slots_room(&s->slots))
		return NULL;
	seen = &s->list[s->n++];
	*seen = (struct fact_seen){
		.kind = kind, .at = s->text.n, .n_value = v->n, .first_ns = UINT64_MAX
	};
	buf_add(&s->text, v->s, v->n);
	slots_put(&s->slots, hash, s->n);
	return buf_ok(&s->text) ? seen : NULL;
}

static int note(struct facts_seen *s, enum fact_kind kind, struct block_string v, uint64_t time_ns)
{
	struct fact_seen *seen;
	uint64_t hash;

	if (v.n == 0)
		return 0;
	v.n = MIN(v.n, (uint32_t)FACTS_VALUE_BYTES);
	hash = XXH3_64bits_withSeed(v.s, v.n, (uint64_t)kind);
	seen = find(s, kind, &v, hash);
	if (!seen)
		seen = add(s, kind, &v, hash);
	if (!seen)
		return err_origin(-ENOMEM);
	seen->first_ns = MIN(seen->first_ns, time_ns);
	seen->last_ns = MAX(seen->last_ns, time_ns);
	seen->n++;
	return 0;
}

static struct block_string string_at(struct facts_seen *s, uint32_t table, uint32_t row,
				     enum field field)
{
	const uint64_t *column = block_column(s->block, table, field);

	if (!column || !column[row])
		return (struct block_string){ "", 0 };
	return block_string(s->block, (uint32_t)column[row]);
}

static struct block_string of_process(struct facts_seen *s, uint32_t process, enum field field)
{
	return process ? string_at(s, BLOCK_PROCESSES, process - 1, field)
		       : (struct block_string){ "", 0 };
}

static int note_pair(struct facts_seen *s, struct block_string parent, struct block_string child,
		     uint64_t time_ns)
{
	char text[FACTS_VALUE_BYTES];
	int n = snprintf(text, sizeof(text), "%.*s > %.*s", (int)MIN(parent.n, 500u), parent.s,
			 (int)MIN(child.n, 500u), child.s);

	if (parent.n == 0 || child.n == 0)
		return 0;
	return note(s, FACT_PAIR, (struct block_string){ text, (uint32_t)n }, time_ns);
}

static int note_user(struct facts_seen *s, uint32_t process, uint64_t time_ns)
{
	struct block_string name = of_process(s, process, FIELD_USER_NAME);
	const uint64_t *id = block_column(s->block, BLOCK_PROCESSES, FIELD_USER_ID);
	char text[24];
	int n;

	if (name.n || !process || !id || !id[process - 1])
		return note(s, FACT_USER, name, time_ns);
	n = snprintf(text, sizeof(text), "%llu", (unsigned long long)(id[process - 1] - 1));
	return note(s, FACT_USER, (struct block_string){ text, (uint32_t)n }, time_ns);
}

static int take_exec(struct facts_seen *s, uint32_t table, uint32_t row, uint64_t time_ns)
{
	uint32_t actor = block_process(s->block, table, row, VIA_ACTOR);
	uint32_t parent = block_process(s->block, table, row, VIA_PARENT);
	struct block_string executable = of_process(s, actor, FIELD_EXECUTABLE);
	int r = note(s, FACT_EXECUTABLE, executable, time_ns);

	if (r == 0)
		r = note(s, FACT_HASH, of_process(s, actor, FIELD_SHA256), time_ns);
	if (r == 0)
		r = note_pair(s, of_process(s, parent, FIELD_EXECUTABLE), executable, time_ns);
	return r == 0 ? note_user(s, actor, time_ns) : r;
}

static int take_hash(struct facts_seen *s, uint32_t table, uint32_t row, uint64_t time_ns)
{
	uint32_t actor = block_process(s->block, table, row, VIA_ACTOR);

	return note(s, FACT_HASH, of_process(s, actor, FIELD_SHA256), time_ns);
}

static bool is_loopback(struct block_string ip)
{
	return (ip.n > 4 && memcmp(ip.s, "127.", 4) == 0) ||
	       (ip.n == 3 && memcmp(ip.s, "::1", 3) == 0);
}

static int take_connect(struct facts_seen *s, uint32_t table, uint32_t row, uint64_t time_ns)
{
	struct block_string direction = string_at(s, table, row, FIELD_DIRECTION);
	struct block_string ip = string_at(s, table, row, FIELD_DEST_IP);
	int r;

	if (direction.n && direction.s[0] == 'i')
		return 0;
	r = is_loopback(ip) ? 0 : note(s, FACT_DESTINATION, ip, time_ns);
	return r == 0 ? note(s, FACT_DOMAIN, string_at(s, table, row, FIELD_DEST_DOMAIN), time_ns)
		      : r;
}

static int take_dns(struct facts_seen *s, uint32_t table, uint32_t row, uint64_t time_ns)
{
	return note(s, FACT_DOMAIN, string_at(s, table, row, FIELD_DNS_NAME), time_ns);
}

static const struct {
	enum kind kind;
	int (*take)(struct facts_seen *s, uint32_t table, uint32_t row, uint64_t time_ns);
} takers[] = {
	{ KIND_EXEC, take_exec },	 { KIND_HASHED, take_hash }, { KIND_CONNECT, take_connect },
	{ KIND_DATAGRAM, take_connect }, { KIND_DNS, take_dns },
};

static int take_table(struct facts_seen *s, uint32_t table)
{
	const uint64_t *times = block_column(s->block, table, FIELD_TIMESTAMP);
	size_t t = 0;
	int r = 0;

	while (t < ARRAY_SIZE(takers) && takers[t].kind != block_kind(s->block, table))
		t++;
	if (t == ARRAY_SIZE(takers) || !times)
		return 0;
	for (uint32_t row = 0; row < block_rows(s->block, table) && r == 0; row++)
		if (times[row])
			r = takers[t].take(s, table, row, times[row] - 1 - (uint64_t)s->ahead_ns);
	return r;
}

int facts_seen_in(struct facts_seen *s, struct block *b)
{
	struct block_stats stats;
	int r = 0;

	block_stats(b, &stats);
	s->block = b;
	s->ahead_ns = stats.clock_error_ns ? stats.clock_offset_ns : 0;
	s->n = 0;
	slots_clear(&s->slots);
	buf_clear(&s->text);
	for (uint32_t t = 0; t < block_info(b)->n_tables && r == 0; t++)
		r = take_table(s, t);
	return r == 0 && block_failed(b) ? err_origin(-ENOMEM) : r;
}

uint64_t facts_seen_kinds(void)
{
	uint64_t kinds = 0;

	for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
		kinds |= UINT64_C(1) << takers[i].kind;
	return kinds;
}
