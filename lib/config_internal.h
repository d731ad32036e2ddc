/* SPDX-License-Identifier: Apache-2.0 */
/* config_internal - what the parts of config share: rows by name, values from text. */
#pragma once
#include "lib/arena.h"
#include "lib/config.h"

struct config {
	struct yaml *yaml; /* NULL: no file */
	char *file, *text;
	struct arena arena;
};

/* Where settings come from; a list that comes from a later one replaces what was there. */
enum config_phase { CONFIG_DEFAULTS = 1, CONFIG_FILE, CONFIG_ARGUMENTS };

struct config_reader {
	const struct config_table *table;
	void *settings;
	struct config *config;
	struct diag *diag;
	int argc, at; /* at: the next argument */
	char *const *argv;
	enum config_phase phase;
	uint8_t seen[CONFIG_SETTINGS]; /* enum config_phase that set a row last */
};

/* The row of that name among the table's and the common ones; NULL: none. */
const struct config_setting *config_find(const struct config_reader *r, const char *name, size_t n);

/* The rows that every program has.  Returns how many. */
size_t config_common_rows(const struct config_setting **ret);

/* A name that may have been meant; NULL: none is near. */
const char *config_near(const struct config_reader *r, const char *name, size_t n);

/* Sets one value (of a list: adds one) as text has it.  @node: where it stands in the file, or
 * NULL. Returns 0, -EINVAL with r->diag, or -ENOMEM. */
NODISCARD int config_set(struct config_reader *r, const struct config_setting *s, const char *text,
			 const struct yaml_node *node);
NODISCARD int config_set_pair(struct config_reader *r, const struct config_setting *s,
			      struct config_pair pair, const struct yaml_node *node);

/* Says that @s was given as @got but wants something else. */
int config_wrong(struct config_reader *r, const struct config_setting *s, const char *got,
		 const struct yaml_node *node);

/* Where @s lies. */
void *config_at(const struct config_reader *r, const struct config_setting *s);

/* The file's settings.  Returns 0, -EINVAL with r->diag, or -ENOMEM. */
NODISCARD int config_take_file(struct config_reader *r, const char *name);
