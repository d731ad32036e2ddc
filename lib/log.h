/* SPDX-License-Identifier: Apache-2.0 */
/* log - one line a fact on stderr: time, level, a stable identifier, key=value pairs.
 * Used by the programs only; lib/ and proto/ never log (a test holds that).
 *   log_info("sensor.attached", "kind=%s tier=%s", kind, tier);
 * In systemd's journal a line has its level as the journal's priority too.
 * Values from outside must be passed through log_value(): it quotes and escapes.
 * Thread: any; a line is written by one write(2).  Memory: the stack. */
#pragma once
#include "lib/util.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *id, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_debug(id, ...) log_write(LOG_DEBUG, id, __VA_ARGS__)
#define log_info(id, ...)  log_write(LOG_INFO, id, __VA_ARGS__)
#define log_warn(id, ...)  log_write(LOG_WARN, id, __VA_ARGS__)
#define log_error(id, ...) log_write(LOG_ERROR, id, __VA_ARGS__)

/* Writes @s to @buf quoted, control characters and quotes as \xNN, cut to fit.  Returns @buf. */
const char *log_value(const char *s, size_t n, char *buf, size_t buf_n);
