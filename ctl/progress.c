/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/progress.h"

#include <stdarg.h>

void progress_show(struct progress *p, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	if (!p->io->err_tty)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(p->io->err, "\r%s ...\033[K", text);
	fflush(p->io->err);
	p->shown = true;
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", p->io->err);
	fflush(p->io->err);
	p->shown = false;
}
