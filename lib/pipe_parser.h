/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_parser - what lib/pipe.c, lib/pipe_stats.c and lib/pipe_rows.c share.  Between calls the
 * lexer's current token is the first that is not yet used. */
#pragma once
#include "lib/eql_parser.h"
#include "lib/pipe.h"

struct pipe_parser {
	struct eql_parser eql;
	struct pipe *pipe;
	const char *cut; /* name of the pipe that made the number of events matter; NULL: none */
};

/* Current token; moving on; errors: as lib/eql_parser.h has them. */
static inline UNUSED const struct eql_token *pipe_token(const struct pipe_parser *p)
{
	return &p->eql.lex.token;
}

/* The current token is the symbol "=". */
bool pipe_at_equals(const struct pipe_parser *p);

/* The current token ends a pipe: "|" or the end. */
bool pipe_at_end(const struct pipe_parser *p);

/* Passes over the token of type @type, which must be the current one: "expected @what". */
NODISCARD int pipe_pass(struct pipe_parser *p, enum eql_type type, const char *what);

/* The current token as a field; the next becomes current.  Its text goes to @name. */
NODISCARD int pipe_parse_field(struct pipe_parser *p, struct field_ref *ret,
			       char name[PIPE_NAME_BYTES]);

/* A number of rows, PIPE_DEFAULT_N when none is there. */
NODISCARD int pipe_parse_n(struct pipe_parser *p, uint64_t *ret);

/* The pipes of tables, behind their names. */
NODISCARD int pipe_parse_stats(struct pipe_parser *p);
NODISCARD int pipe_parse_top(struct pipe_parser *p, bool rare);
NODISCARD int pipe_parse_count(struct pipe_parser *p);
NODISCARD int pipe_parse_sort(struct pipe_parser *p);
NODISCARD int pipe_parse_where(struct pipe_parser *p);
/* A column of the table as it is called; *ret is its number. */
NODISCARD int pipe_parse_column(struct pipe_parser *p, uint32_t *ret);
NODISCARD int pipe_parse_pick(struct pipe_parser *p, bool keep); /* keep, drop */
NODISCARD int pipe_add_cut(struct pipe_parser *p, size_t at, bool tail, uint64_t n);
