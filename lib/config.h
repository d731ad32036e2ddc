/* SPDX-License-Identifier: Apache-2.0 */
/* config - a program's settings from one table: defaults, then a YAML file, then the command line,
 * each over the one before.  Parser, file and --help come from the same rows.
 *
 * In the file a setting has the name of its option: "--ring-bytes 8M" is "ring-bytes: 8M".  A name
 * that is not known, a value of another type, a key twice are errors with file, line and column.
 * A list that is given again, by the command line, replaces the one before.
 *
 * Every program has these options, which the file cannot have: --config FILE, --check-config,
 * --version, --help.
 *
 * Thread: one.  Memory: texts lie in argv, in the table and in struct config. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/yaml.h"

enum {
	CONFIG_ITEMS = 64,    /* most values of one list */
	CONFIG_SETTINGS = 96, /* most rows of a table */
};

#define CONFIG_WORD UINT64_MAX /* a NUMBER or SIZE for which setting.word was given */

enum config_type {
	CONFIG_FLAG,	/* bool; in the file true or false */
	CONFIG_TEXT,	/* const char *, not empty */
	CONFIG_NUMBER,	/* uint64_t */
	CONFIG_SIZE,	/* uint64_t bytes, with K, M, G or T (powers of 1024) */
	CONFIG_TIME,	/* uint64_t seconds, not 0, with s, m, h or d */
	CONFIG_CHOICE,	/* unsigned: which of the words of value, "a|b|c" */
	CONFIG_TEXTS,	/* struct config_texts; the option may be repeated, the file has a list */
	CONFIG_NUMBERS, /* struct config_numbers; likewise */
	CONFIG_PAIRS,	/* struct config_pairs; --label KEY=VALUE; the file has a map */
	CONFIG_TREE, /* const struct yaml_node *, NULL: not there.  Only in the file; whoever owns
		      * the setting reads it */
};

struct config_setting {
	const char *name;
	enum config_type type;
	const char *value; /* what stands for it in the help; of a CHOICE its words; FLAG: NULL */
	size_t offset;	   /* in the program's struct */
	const char *fallback; /* default, parsed as if given; NULL: zero */
	const char *help;
	uint64_t min, max; /* of NUMBER, NUMBERS, SIZE, TIME; both 0: no bounds */
	const char *word;  /* taken instead of a number, such as "auto"; NULL: none */
	bool no_file;	   /* only on the command line */
	char letter;	   /* "-o" for it; 0: none */
};

struct config_texts {
	const char *at[CONFIG_ITEMS];
	size_t n;
};

struct config_numbers {
	uint64_t at[CONFIG_ITEMS];
	size_t n;
};

struct config_pair {
	const char *key, *value;
};

struct config_pairs {
	struct config_pair at[CONFIG_ITEMS];
	size_t n;
};

/* What every program has; a member of its struct. */
struct config_common {
	const char *file; /* --config; NULL: the default one, if it exists */
	bool check, version, help;
};

struct config_table {
	const struct config_setting *settings;
	size_t n, size;		  /* rows; bytes of the program's struct */
	size_t common;		  /* offset of its struct config_common */
	const char *default_file; /* read when it exists and --config is not given; NULL: none */
	/* Takes a word that is no option.  Returns 0 or -EINVAL with @d.  NULL: there are none. */
	int (*word)(void *settings, const char *word, struct diag *d);
};

struct config;

/* Fills @settings (t->size bytes, zeroed first).  *ret holds texts and trees that it points to and
 * is freed with config_free() after it; untouched unless 0 is returned.  With --help or --version
 * no file is read. Returns 0, -EINVAL or a negative errno of reading the file, with @d; or -ENOMEM.
 */
NODISCARD int config_read(struct config **ret, const struct config_table *t, void *settings,
			  int argc, char *const *argv, struct diag *d);
struct config *config_free(struct config *c);
DEFINE_FREEP(config)

/* Path of the file that was read; NULL: none. */
const char *config_file(const struct config *c);

/* Fills @settings from @text as if it were the file @name and the command line were empty. */
NODISCARD int config_parse(struct config **ret, const struct config_table *t, void *settings,
			   const char *name, const char *text, size_t n, struct diag *d);

/* Appends one line of help for each option. */
void config_help(const struct config_table *t, struct buf *out);

/* Returns true when @text is a whole number. */
bool config_number(const char *text, uint64_t *ret);
