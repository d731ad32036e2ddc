/* SPDX-License-Identifier: Apache-2.0 */
/* sigma_build - what the files sigma*.c share while a rule becomes a tree.
 *
 * Functions that build return 0, GAP (told by sigma_gap(); there is no tree, but go on, so that all
 * gaps are told), or a negative errno.
 * Thread: the one that builds.  Memory: the rule's arena. */
#pragma once
#include "lib/arena.h"
#include "lib/sigma.h"

enum { GAP = 1 };

/* Log sources whose events we have. */
enum sigma_source {
	SOURCE_NONE, /* none of ours: the rule is only checked */
	SOURCE_PROCESS,
	SOURCE_FILE,
	SOURCE_FILE_DELETE,
	SOURCE_FILE_RENAME,
	SOURCE_FILE_ACCESS,
	SOURCE_NETWORK,
	SOURCE_PROCESS_END,
	SOURCE_DNS,
	SOURCE_AUDITD,
	SOURCE_LINUX,  /* any log of Linux: of these we have commands */
	SOURCE_HASHED, /* PROCESS, of a rule that asks for a hash, which is known later */
	SOURCE_MAX
};

enum sigma_modifier {
	MOD_CONTAINS,
	MOD_STARTSWITH,
	MOD_ENDSWITH,
	MOD_ALL,
	MOD_EXISTS,
	MOD_CASED,
	MOD_RE,
	MOD_I,
	MOD_M,
	MOD_S,
	MOD_CIDR,
	MOD_LT,
	MOD_LTE,
	MOD_GT,
	MOD_GTE,
	MOD_BASE64,
	MOD_BASE64OFFSET,
	MOD_UTF16,
	MOD_UTF16LE,
	MOD_UTF16BE,
	MOD_WIDE,
	MOD_WINDASH,
	MOD_FIELDREF,
	MOD_EXPAND,
	MOD_NEQ,
	MOD_MINUTE,
	MOD_HOUR,
	MOD_DAY,
	MOD_WEEK,
	MOD_MONTH,
	MOD_YEAR,
	MOD_MAX
};

struct sigma_build {
	struct sigma_rule *rule;
	const struct yaml_node *detection;
	const struct yaml_node *placeholders; /* what %name% stands for; NULL: nothing is told */
	struct diag *diag;
	enum sigma_source source;
	bool odd;	/* under an odd number of NOTs */
	bool whole;	/* a gap in one branch of an OR is one of the whole */
	bool asks_hash; /* for the SHA-256 of an executable */
	uint32_t n_uses;
};

/* How the values of a field are written. */
enum sigma_form {
	FORM_PLAIN,
	FORM_HASHES, /* SHA256=... among others */
	FORM_UNIT,   /* a unit of systemd, with .service behind it or not */
};

/* What a Sigma field is on our events. */
struct sigma_target {
	enum { TARGET_ABSENT, TARGET_FIELD, TARGET_WORDS } type;
	struct field_ref field;
	bool is_element; /* one value of a list */
	uint32_t element;
	enum sigma_form form;
	const char *guard;  /* FIELD: EQL that must hold, too; NULL: none */
	const char *reason; /* ABSENT: why */
};

/* "Field|modifier|modifier" of a detection. */
struct sigma_item {
	const struct yaml_node *key; /* NULL: an unbound value */
	char field[96];		     /* "": none */
	uint64_t modifiers;	     /* bit m: enum sigma_modifier m */
	struct sigma_target target;  /* of a field */
};

static inline UNUSED bool sigma_has(const struct sigma_item *i, enum sigma_modifier m)
{
	return i->modifiers >> m & 1;
}

/* Tells a gap at @at (once for each place).  Returns GAP. */
int sigma_gap(struct sigma_build *b, const struct yaml_node *at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Tells a mistake at @at, @offset bytes behind its begin where that is known.  Returns -EINVAL. */
int sigma_wrong(struct sigma_build *b, const struct yaml_node *at, size_t offset, const char *fmt,
		...) PRINTF_LIKE(4, 5);

/* Adds @word to @list unless it has it.  Returns 0 or -ENOMEM. */
NODISCARD int sigma_note(struct sigma_build *b, struct sigma_list *list, const char *word,
			 size_t n);

/* *all = *all AND (OR) @e; NULL is nothing yet.  Takes @e over.  Returns as expr_new_and(). */
NODISCARD int sigma_join(struct expr **all, struct expr *e, bool and);

/* An AND or an OR of what builders make, one after the other: AUTO_JOINT struct sigma_joint. */
struct sigma_joint {
	struct expr *all; /* NULL: nothing yet */
	bool and;
	bool gap; /* one could not be built */
};
void sigma_joint_done(struct sigma_joint *j);
#define AUTO_JOINT __attribute__((cleanup(sigma_joint_done)))

/* Takes what a builder made of @e (NULL: nothing) when it returned @r.  Returns 0, also after a
 * gap, so that more are found, or a negative errno. */
NODISCARD int sigma_joint_add(struct sigma_joint *j, struct expr *e, int r);

/* Moves all to *ret.  Returns 0 or GAP: of an OR only where less of it could make more hits, else
 * what could not be built is left out of the rule (told as a gap). */
NODISCARD int sigma_joint_end(struct sigma_build *b, struct sigma_joint *j, struct expr **ret);

/* Is the entry @i of the detection a search identifier? */
bool sigma_is_selection(const struct sigma_build *b, const struct yaml_node *i);

/* ---- sigma_attributes.c ---- */

/* What the rule says of itself: title, level, tags ...  Returns 0 or a negative errno. */
NODISCARD int sigma_read_attributes(struct sigma_build *b, const struct yaml_node *document);
/* A text of @map, copied to *ret (NULL: none), and a list of texts; one text alone is a list of
 * one. Return 0 or a negative errno. */
NODISCARD int sigma_read_text(struct sigma_build *b, const struct yaml_node *map, const char *key,
			      const char **ret);
NODISCARD int sigma_read_list(struct sigma_build *b, const struct yaml_node *map, const char *key,
			      struct sigma_list *ret);

/* ---- sigma_correlation.c ---- */

/* Reads the map of a correlation into the rule.  Returns 0, GAP or a negative errno. */
NODISCARD int sigma_read_correlation(struct sigma_build *b, const struct yaml_node *map);

/* ---- sigma_map.c ---- */

/* Which of our sources a logsource is; SOURCE_NONE: none, and the gap is told. */
enum sigma_source sigma_source_of(struct sigma_build *b, const struct yaml_node *logsource);
/* The events of a source, as a tree. */
NODISCARD int sigma_source_expr(enum sigma_source source, struct expr **ret);
/* What @field is there; TARGET_ABSENT with reason when it is nothing. */
void sigma_find_field(enum sigma_source source, const char *field, struct sigma_target *ret);
/* EQL for the value @word of a field of words; NULL: not known. */
const char *sigma_find_word(enum sigma_source source, const char *field, const char *word);

/* ---- sigma_value.c ---- */

#define SIGMA_BIT(m)   (UINT64_C(1) << MOD_##m)
#define SIGMA_SHAPE    (SIGMA_BIT(CONTAINS) | SIGMA_BIT(STARTSWITH) | SIGMA_BIT(ENDSWITH))
#define SIGMA_ORDER    (SIGMA_BIT(LT) | SIGMA_BIT(LTE) | SIGMA_BIT(GT) | SIGMA_BIT(GTE))
#define SIGMA_UTF16    (SIGMA_BIT(UTF16) | SIGMA_BIT(UTF16LE) | SIGMA_BIT(UTF16BE) | SIGMA_BIT(WIDE))
#define SIGMA_BASE64   (SIGMA_BIT(BASE64) | SIGMA_BIT(BASE64OFFSET))
#define SIGMA_TIME     (UINT64_C(0x3f) << MOD_MINUTE) /* up to MOD_YEAR */
#define SIGMA_FLAGS    (SIGMA_BIT(I) | SIGMA_BIT(M) | SIGMA_BIT(S))
#define SIGMA_ANYWHERE (SIGMA_BIT(ALL) | SIGMA_BIT(NEQ) | SIGMA_BIT(CASED))

/* One thing to be equal to, out of a value. */
struct sigma_piece {
	enum expr_op op;
	struct expr_literal literal; /* its text lies in the rule's arena */
	const struct yaml_node *node;
	bool bare; /* a keyword without wildcards of its own: the literal is the word */
	bool done;
};

/* Zero-initialise but for b and item; v is freed by its owner. */
struct sigma_pieces {
	struct sigma_piece *v;
	size_t n, cap;
	struct sigma_build *b;
	const struct sigma_item *item;
	bool gap; /* one of the values is a gap */
};

/* Reads a key; @key NULL: an unbound value. */
NODISCARD int sigma_read_key(struct sigma_build *b, const struct yaml_node *key,
			     struct sigma_item *ret);
/* Adds what @node asks for.  Returns 0 or a negative errno; a gap is told in p->gap. */
NODISCARD int sigma_add_value(struct sigma_pieces *p, const struct yaml_node *node);

/* Adds the text @s as a value of the field, whatever placeholders it looks like. */
NODISCARD int sigma_add_plain(struct sigma_pieces *p, const struct yaml_node *node, const char *s,
			      size_t n);

/* ---- sigma_expand.c ---- */

/* Adds the value @node with its placeholders replaced, in each way there is. */
NODISCARD int sigma_add_expanded(struct sigma_pieces *p, const struct yaml_node *node);

/* ---- sigma_item.c ---- */

/* One entry of a map, a keyword, or a list of them. */
NODISCARD int sigma_build_item(struct sigma_build *b, struct sigma_item *item,
			       const struct yaml_node *values, struct expr **ret);

/* ---- sigma_condition.c ---- */

/* The search identifier @node of the detection. */
NODISCARD int sigma_build_selection(struct sigma_build *b, const struct yaml_node *node,
				    struct expr **ret);
NODISCARD int sigma_build_condition(struct sigma_build *b, const struct yaml_node *condition,
				    struct expr **ret);

/* ---- sigma_text.c: texts with wildcards ----
 * A marked text holds wildcards as bytes that UTF-8 never has; all other bytes are themselves.
 */
enum { MARK_DASH = 0xfd, MARK_MANY = 0xfe, MARK_ONE = 0xff }; /* DASH: any sign of an option */

void sigma_text_parse(const char *s, size_t n, struct buf *out);
bool sigma_text_is_plain(const struct buf *text);
void sigma_text_utf16(const struct buf *text, bool big_endian, struct buf *out);
/* Base64; @offset 0..2: as it looks from that place of a longer text on, without what depends on
 * its neighbours; -1: alone, padded. */
void sigma_text_base64(const struct buf *text, int offset, struct buf *out);
/* Byte at which the next dash or slash that begins an option stands, from @at on; text->n: none. */
size_t sigma_text_dash(const struct buf *text, size_t at);
/* Operator and literal that ask for @text. */
enum expr_op sigma_text_question(const struct buf *text, bool cased, struct buf *out);
