/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

static _Atomic enum log_level min_level = LOG_INFO;
static const char *const names[] = { "debug", "info", "warn", "error" };
static const int priorities[] = { 7, 6, 4, 3 }; /* as syslog.h has them */

/* stderr leads to systemd's journal, which takes a line's level from how it begins (sd-daemon(3)).
 */
static bool is_journal(void)
{
	const char *said = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (!said || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(here, said) == 0;
}

static bool to_journal(void)
{
	static _Atomic enum { UNKNOWN, NO, YES } known;

	if (atomic_load(&known) == UNKNOWN)
		atomic_store(&known, is_journal() ? YES : NO);
	return atomic_load(&known) == YES;
}

void log_set_level(enum log_level level)
{
	atomic_store(&min_level, level);
}

void log_write(enum log_level level, const char *id, const char *fmt, ...)
{
	char line[2048];
	struct timespec now;
	struct tm tm;
	size_t at, room;
	va_list ap;
	int n;

	if (level < atomic_load(&min_level))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	at = to_journal() ? (size_t)snprintf(line, sizeof(line), "<%d>", priorities[level]) : 0;
	at += strftime(line + at, sizeof(line) - at, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line + at, sizeof(line) - at, ".%03ldZ %s %s ", now.tv_nsec / 1000000,
		     names[level], id);
	at += n > 0 ? (size_t)n : 0;
	room = sizeof(line) - 1 - at;
	va_start(ap, fmt);
	n = vsnprintf(line + at, room, fmt, ap);
	va_end(ap);
	at += n > 0 ? MIN((size_t)n, room - 1) : 0;
	for (size_t i = 0; i < at; i++) /* what others wrote begins no line and moves no cursor */
		if ((uint8_t)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, at) < 0)
		return; /* there is nobody left to tell */
}

const char *log_value(const char *s, size_t n, char *buf, size_t buf_n)
{
	size_t at = 0;

	if (buf_n < 8)
		return "";
	buf[at++] = '"';
	for (size_t i = 0; i < n && at + 6 < buf_n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
			at += (size_t)snprintf(buf + at, 5, "\\x%02x", c);
		else
			buf[at++] = (char)c;
	}
	buf[at++] = '"';
	buf[at] = '\0';
	return buf;
}
