/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl - asks an rtsec collector.  The commands are a table; each lives in a cmd_NAME.c. */
#include <sys/ioctl.h>

#include "ctl/cmds.h"
#include "ctl/text.h"
#include "lib/service.h"

static const char *environment(const char *name)
{
	return getenv(name);
}

/* Columns of the terminal: what it says, else COLUMNS, else 80. */
static unsigned terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	unsigned long n;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		return w.ws_col;
	n = columns ? strtoul(columns, NULL, 10) : 0;
	return n >= 20 && n <= 10000 ? (unsigned)n : 80;
}

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

int main(int argc, char **argv)
{
	struct cli_io io = {
		.out = stdout,
		.err = stderr,
		.out_tty = isatty(STDOUT_FILENO),
		.err_tty = isatty(STDERR_FILENO),
		.env = environment,
	};

	service_no_core();
	text_init();
	io.width = io.out_tty ? terminal_width() : 0;
	io.color = io.out_tty && wants_color();
	return cli_main(&io, cmds_all(), argc, (const char *const *)argv);
}
