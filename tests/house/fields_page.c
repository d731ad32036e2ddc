/* SPDX-License-Identifier: Apache-2.0 */
/* fields_page - writes docs/fields.md, the reference of event kinds and fields, from the registry
 * (lib/kinds.def, lib/fields.def) to standard output.  A test holds the committed page equal;
 * renew it with:  build/dev/bin/fields_page > docs/fields.md
 * Thread: one.  Memory: none. */
#include <stdio.h>

#include "lib/fields.h"

static int print_field(struct field_ref ref, void *arg)
{
	const struct field_info *f = ref.info;
	const enum field_home *home = arg;
	char name[64];

	if (f->home != *home || ref.via != VIA_ACTOR)
		return 0;
	printf("| `%s` | %s%s | %s |\n", field_name(ref, name, sizeof(name)),
	       field_type_name(f->type), f->type == TYPE_KEYWORDS ? " list" : "", f->help);
	return 0;
}

static void print_fields(const char *title, const char *text, enum field_home home)
{
	printf("\n## %s\n\n%s\n\n| field | type | what it says |\n|---|---|---|\n", title, text);
	field_each(print_field, &home);
}

static void print_kinds(void)
{
	printf("## Kinds\n\n"
	       "Under pressure bulk kinds are dropped before priority kinds; each loss becomes a `gap`.\n\n"
	       "| `event.category` | `event.action` | `event.type` | class | what happened |\n"
	       "|---|---|---|---|---|\n");
	for (uint32_t i = 0; i < KIND_MAX; i++) {
		const struct kind_info *k = kind_info(i);

		if (k)
			printf("| `%s` | `%s` | `%s` | %s | %s |\n", k->category, k->action,
			       k->type, k->class == CLASS_PRIORITY ? "priority" : "bulk", k->help);
	}
}

static void print_vias(void)
{
	printf("\n## Other processes of an event\n\n"
	       "Each field of a process whose name begins with `process.` is there for these processes "
	       "too, under another beginning. Names of the process table itself (`container.id`) "
	       "are the acting process's.\n\n| begins with | whose |\n|---|---|\n");
	printf("| `%s` | the parent of the acting process |\n", field_via_prefix(VIA_PARENT));
	printf("| `%s` | the leader of its session |\n", field_via_prefix(VIA_SESSION_LEADER));
	printf("| `%s` | the process by which a person or service entered |\n",
	       field_via_prefix(VIA_ENTRY_LEADER));
	printf("| `%s` | the process that was acted upon |\n", field_via_prefix(VIA_TARGET));
}

static void print_aliases(void)
{
	const char *alias, *name;

	printf("\n## Other names\n\n| in a query | stands for |\n|---|---|\n");
	for (size_t i = 0; field_alias(i, &alias, &name); i++)
		printf("| `%s` | `%s` |\n", alias, name);
}

int main(void)
{
	printf("# Event kinds and fields\n\n"
	       "Made by `build/dev/bin/fields_page` from lib/kinds.def and lib/fields.def; do not edit. "
	       "A running collector tells the same with `GET /api/v1/fields`.\n\n");
	print_kinds();
	print_fields("Fields of events", "A field is null where a kind does not have it.", HOME_EVENT);
	print_fields("Fields of the acting process", "Known for every event.", HOME_PROCESS);
	print_vias();
	print_fields("Fields of the node", "The same for all events of a batch.", HOME_BATCH);
	print_aliases();
	return ferror(stdout) != 0;
}
