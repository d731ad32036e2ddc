/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/diag.h"

#include <stdarg.h>

int diag_set(struct diag *d, int r, uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return err_origin(r);
	d->line = line;
	d->column = column;
	d->code = 0;
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return err_origin(r);
}

int diag_code(struct diag *d, unsigned code, int r)
{
	if (d)
		d->code = code;
	return r;
}

void diag_file(struct diag *d, const char *file)
{
	if (d && file)
		snprintf(d->file, sizeof(d->file), "%s", file);
}

const char *diag_format(const struct diag *d, char *buf, size_t n)
{
	if (d->line && d->file[0])
		snprintf(buf, n, "%s:%u:%u: %s", d->file, d->line, d->column, d->text);
	else if (d->line)
		snprintf(buf, n, "%u:%u: %s", d->line, d->column, d->text);
	else if (d->file[0])
		snprintf(buf, n, "%s: %s", d->file, d->text);
	else
		snprintf(buf, n, "%s", d->text);
	return buf;
}

void diag_position(const char *text, size_t offset, uint32_t *ret_line, uint32_t *ret_column)
{
	uint32_t line = 1, column = 1;

	for (size_t i = 0; i < offset && text[i]; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	*ret_line = line;
	*ret_column = column;
}
