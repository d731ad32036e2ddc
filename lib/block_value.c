/* SPDX-License-Identifier: Apache-2.0 */
/* The slow, plain way to one field of one event: for documents, tables and as the yardstick of the
 * vectorised engine's tests. */
#include "lib/block.h"

static struct block_value number_of(enum block_value_type type, uint64_t raw)
{
	if (raw == 0)
		return (struct block_value){ .type = VALUE_NULL };
	return (struct block_value){ .type = type, .number = type == VALUE_ID ? raw : raw - 1 };
}

static struct block_value text_of(struct block_string s)
{
	if (!s.s)
		return (struct block_value){ .type = VALUE_NULL };
	return (struct block_value){ .type = VALUE_STRING, .string = s };
}

static struct block_value word_of(const char *s)
{
	return text_of((struct block_string){ s, s ? (uint32_t)strlen(s) : 0 });
}

struct block_string block_derive(enum field_rule rule, struct block_string path)
{
	const char *slash = path.n ? memrchr(path.s, '/', path.n) : NULL;
	uint32_t base = slash ? (uint32_t)(slash - path.s) + 1 : 0;
	struct block_string name = { path.s + base, path.n - base };
	const char *dot;

	switch (rule) {
	case RULE_BASENAME:
		return name.n ? name : (struct block_string){ NULL, 0 };
	case RULE_DIRNAME:
		if (!slash)
			return (struct block_string){ NULL, 0 };
		return (struct block_string){ path.s, base > 1 ? base - 1 : 1 };
	case RULE_EXTENSION:
		dot = name.n ? memrchr(name.s, '.', name.n) : NULL;
		if (!dot || dot == name.s || dot + 1 == name.s + name.n)
			return (struct block_string){ NULL, 0 };
		return (struct block_string){ dot + 1, (uint32_t)(name.s + name.n - dot - 1) };
	default:
		return path;
	}
}

/* Where the cell of @ref is: an event's row or a process row.  Returns false when there is none. */
static bool place(struct block *b, uint32_t *table, uint32_t *row, struct field_ref ref)
{
	uint32_t process;

	if (ref.info->home != HOME_PROCESS)
		return true;
	process = block_process(b, *table, *row, ref.via);
	*table = BLOCK_PROCESSES;
	*row = process - 1;
	return process != 0;
}

static struct block_value list_of(struct block *b, uint32_t table, uint32_t row, enum field f)
{
	struct block_value v = { .type = VALUE_NULL };
	struct block_list list;

	if (!block_list(b, table, f, &list) || list.starts[row] == list.starts[row + 1])
		return v;
	v.type = VALUE_STRINGS;
	v.strings = list.values + list.starts[row];
	v.n_strings = list.starts[row + 1] - list.starts[row];
	return v;
}

static struct block_value stored(struct block *b, uint32_t table, uint32_t row,
				 const struct field_info *info)
{
	const uint64_t *values;
	uint64_t raw;

	if (info->type == TYPE_KEYWORDS)
		return list_of(b, table, row, info->field);
	values = block_column(b, table, info->field);
	raw = values ? values[row] : 0;
	switch (info->type) {
	case TYPE_BOOL:
		return number_of(VALUE_BOOL, raw);
	case TYPE_DATE:
		return number_of(VALUE_DATE, raw);
	case TYPE_ID:
		return number_of(VALUE_ID, raw);
	case TYPE_KEYWORD:
	case TYPE_IP:
		return raw ? text_of(block_string(b, (uint32_t)raw))
			   : (struct block_value){ .type = VALUE_NULL };
	default:
		return number_of(VALUE_LONG, raw);
	}
}

static struct block_value joined(struct block *b, struct block_value list)
{
	struct buf *out = block_scratch(b);

	if (list.type != VALUE_STRINGS)
		return list;
	buf_clear(out);
	for (uint32_t i = 0; i < list.n_strings; i++) {
		struct block_string s = block_string(b, list.strings[i]);

		if (i)
			buf_byte(out, ' ');
		buf_add(out, s.s, s.n);
	}
	if (!buf_ok(out))
		return (struct block_value){ .type = VALUE_NULL };
	/* one empty argument gives an empty command line, which is not null */
	return text_of(
		(struct block_string){ out->n ? (const char *)out->data : "", (uint32_t)out->n });
}

static struct block_value derived(struct block *b, uint32_t table, uint32_t row,
				  const struct field_info *info)
{
	struct block_value v = stored(b, table, row, field_info(info->source));

	switch (info->rule) {
	case RULE_JOIN:
		return joined(b, v);
	case RULE_COUNT:
		if (v.type == VALUE_NULL)
			return v;
		return (struct block_value){ .type = VALUE_LONG, .number = v.n_strings };
	default:
		return v.type == VALUE_STRING ? text_of(block_derive(info->rule, v.string)) : v;
	}
}

static struct block_value of_batch(const struct block_info *i, enum field f)
{
	switch (f) {
	case FIELD_HOST_ID:
		return text_of(i->node_id);
	case FIELD_HOST_NAME:
		return text_of(i->node_name);
	case FIELD_BOOT_ID:
		return word_of(i->boot_text);
	case FIELD_ARCHITECTURE:
		return text_of(i->architecture);
	case FIELD_OS_KERNEL:
		return text_of(i->os_kernel);
	case FIELD_AGENT_VERSION:
		return text_of(i->agent_version);
	case FIELD_OS_TYPE:
		return word_of("linux");
	case FIELD_EVENT_KIND:
		return word_of("event");
	case FIELD_INGESTED:
		return number_of(VALUE_DATE, i->ingested_ns ? i->ingested_ns + 1 : 0);
	default:
		return (struct block_value){ .type = VALUE_NULL };
	}
}

struct block_value block_value(struct block *b, uint32_t table, uint32_t row, struct field_ref ref)
{
	const struct field_info *info = ref.info;
	const struct kind_info *kind = kind_info(block_kind(b, table));

	if (info->home == HOME_BATCH)
		return of_batch(block_info(b), info->field);
	switch (info->rule) {
	case RULE_KIND_CATEGORY:
		return word_of(kind ? kind->category : NULL);
	case RULE_KIND_ACTION:
		return word_of(kind ? kind->action : NULL);
	case RULE_KIND_TYPE:
		return word_of(kind ? kind->type : NULL);
	default:
		break;
	}
	if (!place(b, &table, &row, ref))
		return (struct block_value){ .type = VALUE_NULL };
	return info->rule == RULE_STORED ? stored(b, table, row, info)
					 : derived(b, table, row, info);
}
