/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl rules coverage: which rules can fire on our events, and what they use. */
#include "ctl/rules_work.h"

struct tally {
	struct {
		const char *word;
		size_t n;
	} v[512];
	size_t n;
};

static void count(struct tally *t, const struct sigma_list *words)
{
	for (size_t i = 0; i < words->n; i++) {
		size_t k = 0;

		while (k < t->n && strcmp(t->v[k].word, words->v[i]) != 0)
			k++;
		if (k == ARRAY_SIZE(t->v))
			continue;
		t->n = MAX(t->n, k + 1);
		t->v[k].word = words->v[i];
		t->v[k].n++;
	}
	for (size_t i = 1; i < t->n; i++) /* nearly sorted: the most used first */
		for (size_t k = i; k > 0 && t->v[k].n > t->v[k - 1].n; k--) {
			__typeof__(t->v[0]) swap = t->v[k];

			t->v[k] = t->v[k - 1];
			t->v[k - 1] = swap;
		}
}

/* Is there a kind of ours of which an event could be a hit? */
static bool can_fire(const struct rule *r)
{
	uint64_t kinds = r && r->expr ? expr_kinds(r->expr) : 0;

	for (uint32_t k = 0; k < KIND_MAX; k++)
		if ((kinds >> k & 1) && kind_info(k))
			return true;
	return false;
}

struct coverage {
	size_t fire;
	struct tally fields, modifiers;
};

static int coverage_row(struct work *w, const struct rules_entry *e, struct coverage *c)
{
	static const struct sigma_list nothing;
	AUTO_BUF struct buf row = { 0 };
	struct json j = json_to(&row);
	const struct sigma_list *fields = e->rule ? &e->rule->used_fields : &nothing;
	const struct sigma_list *modifiers = e->rule ? &e->rule->used_modifiers : &nothing;

	rules_begin_row(&j, e);
	json_key_bool(&j, "compiles", e->rule && e->rule->expr);
	json_key_bool(&j, "can_fire", can_fire(e->rule));
	rules_list(&j, "fields", fields);
	rules_list(&j, "modifiers", modifiers);
	rules_problems(&j, e);
	c->fire += can_fire(e->rule);
	count(&c->fields, fields);
	count(&c->modifiers, modifiers);
	return rules_end_row(w, &j);
}

static void tally_json(struct json *j, const char *key, const struct tally *t)
{
	json_key(j, key);
	json_begin_object(j);
	for (size_t i = 0; i < t->n; i++)
		json_key_uint(j, t->v[i].word, t->v[i].n);
	json_end_object(j);
}

static void tally_text(FILE *out, const char *title, const struct tally *t)
{
	fprintf(out, "%s:", title);
	for (size_t i = 0; i < t->n; i++)
		fprintf(out, "%s %s %zu", i ? "," : "", t->v[i].word, t->v[i].n);
	fputc('\n', out);
}

static int coverage_end(struct work *w, const struct coverage *c)
{
	const struct rules *r = &w->rules;
	AUTO_BUF struct buf members = { 0 };
	struct json j = json_to(&members);
	int e;

	json_key_uint(&j, "n_rules", r->n);
	json_key_uint(&j, "n_compile", r->n - r->n_wrong - r->n_unmapped);
	json_key_uint(&j, "n_can_fire", c->fire);
	json_key_uint(&j, "n_partial", r->n_partial);
	json_key_uint(&j, "n_unmapped", r->n_unmapped);
	json_key_uint(&j, "n_wrong", r->n_wrong);
	tally_json(&j, "used_fields", &c->fields);
	tally_json(&j, "used_modifiers", &c->modifiers);
	buf_byte(&members, 0);
	if (!buf_ok(&members))
		return err_origin(-ENOMEM);
	e = printer_finish(w->printer, (const char *)members.data);
	if (e < 0 || w->format != PRINTER_TABLE)
		return e;
	fprintf(w->io->out,
		"\n%zu rules: %zu compile, %zu can fire on our events (%zu in part), %zu need what "
		"we lack, %zu are wrong\n",
		r->n, r->n - r->n_wrong - r->n_unmapped, c->fire, r->n_partial, r->n_unmapped,
		r->n_wrong);
	tally_text(w->io->out, "fields", &c->fields);
	tally_text(w->io->out, "modifiers", &c->modifiers);
	return 0;
}

int rules_coverage(struct work *w)
{
	static const struct printer_column columns[] = {
		{ .title = "STATUS", .field = "status" },
		{ .title = "FIRES", .field = "can_fire" },
		{ .title = "RULE", .field = "title" },
		{ .title = "FIELDS", .field = "fields" },
		{ .title = "MODIFIERS", .field = "modifiers" },
		{ .title = "WHY NOT",
		  .field = "problems",
		  .cell = rules_why_cell,
		  .gives_way = true },
	};
	AUTO_MEM struct coverage *c = calloc(1, sizeof(*c));
	int r = c ? rules_open_printer(w, columns, ARRAY_SIZE(columns)) : err_origin(-ENOMEM);

	for (size_t i = 0; r == 0 && i < w->rules.n; i++)
		r = coverage_row(w, &w->rules.v[i], c);
	if (r == 0)
		r = coverage_end(w, c);
	return r < 0 ? r : rules_verdict(w);
}
