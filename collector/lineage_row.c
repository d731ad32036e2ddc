/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_row - what a row of a block's process table says, as the object that /processes answers.
 */
#include "collector/lineage_internal.h"

static const struct {
	const char *object, *key; /* object NULL: none around it */
	enum field field;
} parts[] = {
	{ NULL, "pid", FIELD_PID },
	{ NULL, "name", FIELD_NAME },
	{ NULL, "executable", FIELD_EXECUTABLE },
	{ NULL, "args", FIELD_ARGS },
	{ NULL, "working_directory", FIELD_CWD },
	{ NULL, "start", FIELD_START },
	{ NULL, "tty", FIELD_TTY },
	{ NULL, "vpid", FIELD_VPID },
	{ "user", "id", FIELD_USER_ID },
	{ "user", "name", FIELD_USER_NAME },
	{ "group", "id", FIELD_GROUP_ID },
	{ "group", "name", FIELD_GROUP_NAME },
	{ "real_user", "id", FIELD_REAL_USER_ID },
	{ "session", "id", FIELD_SESSION_ID },
	{ "hash", "sha256", FIELD_SHA256 },
	{ "container", "id", FIELD_CONTAINER_ID },
};

static void write_list(struct lineage *l, struct json *j, const struct block_list *list,
		       uint32_t row)
{
	json_begin_array(j);
	for (uint32_t i = list->starts[row]; i < list->starts[row + 1]; i++)
		lineage_write_string(j, block_string(l->block, list->values[i]));
	json_end_array(j);
}

static void write_number(struct lineage *l, struct json *j, enum field_type type, uint64_t raw)
{
	if (type == TYPE_KEYWORD)
		lineage_write_string(j, block_string(l->block, (uint32_t)raw));
	else if (type == TYPE_DATE)
		json_time(j, raw - 1);
	else
		json_uint(j, raw - 1);
}

static void write_part(struct lineage *l, struct json *j, size_t i, uint32_t row,
		       const char **object)
{
	enum field_type type = field_info(parts[i].field)->type;
	struct block_list list;
	const uint64_t *column = NULL;

	if (type == TYPE_KEYWORDS) {
		if (!block_list(l->block, BLOCK_PROCESSES, parts[i].field, &list) ||
		    list.starts[row] == list.starts[row + 1])
			return;
	} else {
		column = block_column(l->block, BLOCK_PROCESSES, parts[i].field);
		if (!column || !column[row])
			return;
	}
	if (*object && *object != parts[i].object)
		json_end_object(j);
	if (parts[i].object && *object != parts[i].object) {
		json_key(j, parts[i].object);
		json_begin_object(j);
	}
	*object = parts[i].object;
	json_key(j, parts[i].key);
	if (column)
		write_number(l, j, type, column[row]);
	else
		write_list(l, j, &list, row);
}

struct lineage_text lineage_write_row(struct lineage *l, uint32_t row)
{
	struct lineage_text text = { .at = l->text.n };
	struct json j = json_to(&l->text);
	const char *object = NULL;

	if (l->text.n > LINEAGE_BYTES) {
		l->cut = true;
		return (struct lineage_text){ 0 };
	}
	json_begin_object(&j);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		write_part(l, &j, i, row, &object);
	if (object)
		json_end_object(&j);
	json_end_object(&j);
	text.n = l->text.n - text.at;
	return text;
}
