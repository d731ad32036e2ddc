/* SPDX-License-Identifier: Apache-2.0 */
/* expr_tree - the tree behind lib/expr.h, for the files expr*.c alone.
 *
 * A node knows the size of its subtree, so that each node of a whole has a number (its slot: the
 * place in preorder) without being told of the whole: the root has 0, a child its parent's number
 * + its offset.  What a thread keeps per node lies in its expr_scratch under that number. */
#pragma once
#include "lib/expr.h"
#include "lib/expr_text.h"

enum expr_node {
	NODE_FALSE,
	NODE_TRUE,
	NODE_NULL,
	NODE_NOT,
	NODE_AND,
	NODE_OR,
	NODE_TEXT,    /* a bare word: its child is true; never null */
	NODE_IS_NULL, /* the leaf is not true; the leaf takes any value */
	NODE_COMPARE,
	NODE_FIELDS,
	NODE_CALC, /* computed values: lib/expr_calc.h */
	NODE_KIN,  /* child of and the like: lib/expr_kin.h */
};

/* Whose row decides a subtree: then it is asked once per process, not per event. */
enum expr_group {
	GROUP_NONE, /* constants only */
	GROUP_EVENT,
	GROUP_ACTOR,  /* the acting process and those its row leads to */
	GROUP_TARGET, /* the process acted upon */
};

/* Raw column values (lib/block.h) within lo .. lo + span. */
struct expr_range {
	uint64_t lo, span;
};

/* A field and what is asked of its value. */
struct expr_leaf {
	struct field_ref field;
	enum expr_op op;
	bool negated;	  /* EXPR_NE */
	bool length;	  /* of its length */
	bool numeric;	  /* ranges decide, else text */
	uint32_t element; /* of a list: only its n-th value, from 1; 0: any */
	struct expr_literal *values;
	size_t n_values;
	struct expr_range *ranges;
	size_t n_ranges;
	struct expr_text text;
};

struct expr {
	enum expr_node type;
	enum expr_group group;
	uint32_t cost;	  /* cheap children are asked first */
	uint32_t depth;	  /* 1: a leaf */
	uint32_t n_nodes; /* of the subtree */
	union {
		struct {
			struct expr **child; /* as written */
			uint32_t *offset;    /* slot of a child - slot of this */
			uint32_t *order;     /* cheapest first */
			uint32_t n_children, cap;
		};
		struct expr_leaf leaf; /* IS_NULL COMPARE */
		struct {
			struct field_ref a, b;
			enum expr_op fields_op;
			bool fields_negated;
		};
		struct expr_calc *calc;
		struct expr_kin *kin;
	};
	char *word; /* TEXT: as written */
	size_t n_word;
};

/* Fills ranges or text of a leaf whose field, op and values are set.
 * Returns 0, -EINVAL with @d, or -ENOMEM. */
NODISCARD int expr_leaf_compile(struct expr_leaf *l, struct diag *d);
/* The same for "any value at all". */
NODISCARD int expr_leaf_compile_any(struct expr_leaf *l);
void expr_leaf_done(struct expr_leaf *l);
/* Gives it a copy of the literals.  Returns 0 or -ENOMEM. */
NODISCARD int expr_leaf_copy_values(struct expr_leaf *l, const struct expr_literal *values,
				    size_t n);

/* A node of no children; NULL: no memory. */
struct expr *expr_node_new(enum expr_node type);

/* True for fields whose values are strings. */
static inline UNUSED bool expr_is_textual(enum field_type t)
{
	return t == TYPE_KEYWORD || t == TYPE_KEYWORDS || t == TYPE_IP;
}

/* True for fields that have one value for a whole table. */
static inline UNUSED bool expr_is_constant(const struct field_info *f)
{
	return f->home == HOME_BATCH || f->rule == RULE_KIND_CATEGORY ||
	       f->rule == RULE_KIND_ACTION || f->rule == RULE_KIND_TYPE;
}
