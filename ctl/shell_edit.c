/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/shell_edit.h"

#include <fcntl.h>
#include <histedit.h>
#include <unistd.h>

#include "lib/buf.h"

enum { KEEP_LINES = 1000, SHOWN = 100 };

struct shell_edit {
	const struct cli_io *io;
	EditLine *edit; /* NULL: no terminal */
	History *history;
	HistEvent event;
	const char *path;
	char *line; /* of getline(), or a copy */
	size_t room;
	struct shell_source source;
	struct shell_names known;
	bool asked;
};

static char *prompt(EditLine *edit)
{
	static char text[] = "rtsec> ";

	(void)edit;
	return text;
}

/* ---- completion ---- */

struct found {
	char common[256]; /* what all have in common */
	size_t n;
	struct buf list;
};

static void on_word(const char *word, void *arg)
{
	struct found *f = arg;
	size_t same = 0;

	if (f->n == 0)
		snprintf(f->common, sizeof(f->common), "%s", word);
	while (f->common[same] && f->common[same] == word[same])
		same++;
	f->common[same] = '\0';
	if (f->n++ < SHOWN)
		buf_printf(&f->list, "%s%s", f->n > 1 ? "  " : "", word);
}

static void complete_word(struct shell_edit *e, const char *line, size_t n, struct found *f,
			  size_t *ret_at)
{
	if (!e->asked)
		e->source.names(&e->known, e->source.arg);
	e->asked = true;
	shell_complete(line, n, &e->known, on_word, f, ret_at);
}

static unsigned char on_tab(EditLine *edit, int key)
{
	const LineInfo *line = el_line(edit);
	size_t n = (size_t)(line->cursor - line->buffer), at;
	char field[SHELL_FIELD_BYTES];
	bool is_value;
	struct found f = { 0 };
	struct shell_edit *e;
	unsigned char result = CC_REFRESH;

	(void)key;
	el_get(edit, EL_CLIENTDATA, &e);
	is_value = shell_value_at(line->buffer, n, field, &at);
	if (is_value)
		e->source.values(field, line->buffer + at, n - at, on_word, &f, e->source.arg);
	else
		complete_word(e, line->buffer, n, &f, &at);
	if (f.n == 1)
		strncat(f.common, is_value ? "\" " : " ", sizeof(f.common) - strlen(f.common) - 1);
	if (strlen(f.common) > n - at) {
		el_insertstr(edit, f.common + (n - at));
	} else if (f.n > 1 && buf_ok(&f.list)) {
		fprintf(e->io->out, "\n%.*s%s\n", (int)f.list.n, (const char *)f.list.data,
			f.n > SHOWN ? "  ..." : "");
		fflush(e->io->out);
		result = CC_REDISPLAY;
	} else {
		result = CC_REFRESH_BEEP;
	}
	buf_done(&f.list);
	return result;
}

/* ---- lines ---- */

static int open_terminal(struct shell_edit *e)
{
	e->edit = el_init("rtsecctl", stdin, e->io->out, e->io->err);
	e->history = history_init();
	if (!e->edit || !e->history)
		return err_origin(-ENOMEM);
	history(e->history, &e->event, H_SETSIZE, KEEP_LINES);
	history(e->history, &e->event, H_SETUNIQUE, 1);
	if (e->path)
		history(e->history, &e->event, H_LOAD, e->path);
	el_set(e->edit, EL_CLIENTDATA, e);
	el_set(e->edit, EL_PROMPT, prompt);
	el_set(e->edit, EL_EDITOR, "emacs");
	el_set(e->edit, EL_SIGNAL, 1);
	el_set(e->edit, EL_HIST, history, e->history);
	el_set(e->edit, EL_ADDFN, "rtsec-complete", "completes a word", on_tab);
	el_set(e->edit, EL_BIND, "^I", "rtsec-complete", NULL);
	el_set(e->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	return 0;
}

int shell_edit_new(struct shell_edit **ret, const struct cli_io *io, const char *path,
		   const struct shell_source *source)
{
	AUTO(shell_edit) *e = calloc(1, sizeof(*e));
	int r = 0;

	if (!e)
		return err_origin(-ENOMEM);
	e->io = io;
	e->path = path;
	e->source = *source;
	if (io->out_tty && isatty(STDIN_FILENO))
		r = open_terminal(e);
	if (r == 0)
		*ret = TAKE(e);
	return r;
}

/* Lines may hold what is nobody else's business. */
static void save_history(struct shell_edit *e)
{
	int fd = open(e->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return;
	close(fd);
	history(e->history, &e->event, H_SAVE, e->path);
}

struct shell_edit *shell_edit_free(struct shell_edit *e)
{
	if (!e)
		return NULL;
	if (e->history && e->path)
		save_history(e);
	if (e->edit)
		el_end(e->edit);
	if (e->history)
		history_end(e->history);
	free(e->line);
	free(e);
	return NULL;
}

char *shell_edit_line(struct shell_edit *e)
{
	const char *typed;
	int n = 0;

	if (!e->edit) {
		if (getline(&e->line, &e->room, stdin) < 0)
			return NULL;
		e->line[strcspn(e->line, "\r\n")] = '\0';
		return e->line;
	}
	typed = el_gets(e->edit, &n);
	if (!typed || n <= 0)
		return NULL;
	if (typed[strspn(typed, " \t\r\n")])
		history(e->history, &e->event, H_ENTER, typed);
	free(e->line);
	e->line = strndup(typed, strcspn(typed, "\r\n"));
	return e->line;
}
