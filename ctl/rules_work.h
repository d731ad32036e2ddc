/* SPDX-License-Identifier: Apache-2.0 */
/* rules_work - what the verbs of rtsecctl rules on files share.
 * Thread: one. */
#pragma once
#include "ctl/printer.h"
#include "ctl/rules.h"
#include "ctl/session.h"
#include "lib/json.h"

/* A verb at work. */
struct work {
	const struct cli_io *io;
	const struct cli_values *v;
	struct rules rules;
	struct printer *printer;
	struct session *session;
	enum printer_format format;
	uint64_t hits; /* backtest: of all rules */
	bool partial;  /* backtest: events are known to be missing */
};

/* What every row begins with; the object stays open, until rules_end_row() prints it. */
void rules_begin_row(struct json *j, const struct rules_entry *e);
NODISCARD int rules_end_row(struct work *w, struct json *j);
void rules_list(struct json *j, const char *key, const struct sigma_list *l);
void rules_problems(struct json *j, const struct rules_entry *e);
/* A cell of "problems": the first, and how many more there are. */
void rules_why_cell(const json_t *row, struct buf *out);
NODISCARD int rules_open_printer(struct work *w, const struct printer_column *columns, size_t n);
/* What lint, show and coverage end with. */
int rules_verdict(const struct work *w);
/* Says what is wrong with the rule, or the first that it lacks. */
void rules_say_entry(const struct work *w, const struct rules_entry *e);

/* The verbs; each returns an exit code or a negative errno. */
int rules_coverage(struct work *w);
int rules_backtest(struct work *w);
