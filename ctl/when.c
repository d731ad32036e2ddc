/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/when.h"

#include <ctype.h>

#include "lib/timestamp.h"

enum { DAY_S = 86400, NEAR_DAYS = 300 };

static const uint64_t ns_per_s = UINT64_C(1000000000);

/* ---- calendar of either zone ---- */

static struct tm broken_down(int64_t seconds, bool local)
{
	struct tm tm = { 0 };
	time_t t = (time_t)seconds;

	if (local)
		localtime_r(&t, &tm);
	else
		gmtime_r(&t, &tm);
	return tm;
}

static int64_t seconds_of(struct tm tm, bool local)
{
	tm.tm_isdst = -1;
	return local ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm);
}

/* ---- reading ---- */

struct reading {
	const char *at;
	enum when_side side;
	bool local;
	uint64_t now_ns;
};

static bool eat_word(struct reading *r, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(r->at, word, n) != 0 || isalpha((unsigned char)r->at[n]))
		return false;
	r->at += n;
	r->at += strspn(r->at, " ");
	return true;
}

/* HH:MM or HH:MM:SS, Z behind it. */
static bool eat_clock(struct reading *r, struct tm *tm)
{
	int used = 0, n = sscanf(r->at, "%2d:%2d%n", &tm->tm_hour, &tm->tm_min, &used);

	if (n != 2 || !isdigit((unsigned char)*r->at))
		return false;
	r->at += used;
	used = 0;
	tm->tm_sec = 0;
	if (*r->at == ':' && sscanf(r->at, ":%2d%n", &tm->tm_sec, &used) != 1)
		return false;
	r->at += used;
	if (*r->at == '.' && isdigit((unsigned char)r->at[1])) /* as shown: to the millisecond */
		r->at += 1 + strspn(r->at + 1, "0123456789");
	if (*r->at == 'Z') {
		r->local = false;
		r->at++;
	}
	return tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
	       tm->tm_sec >= 0 && tm->tm_sec < 61;
}

static bool write_seconds(int64_t seconds, char ret[WHEN_BYTES])
{
	char text[TIMESTAMP_TEXT_BYTES];

	if (seconds < 0)
		return false;
	timestamp_format((uint64_t)seconds * ns_per_s, text);
	snprintf(ret, WHEN_BYTES, "%.19sZ", text);
	return true;
}

/* today 14:30, yesterday, 14:30 */
static bool read_day(struct reading r, char ret[WHEN_BYTES])
{
	static const struct {
		const char *word;
		int days;
	} words[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };
	int64_t now = (int64_t)(r.now_ns / ns_per_s), t;
	struct tm clock = { 0 }, tm;
	size_t i = 0;

	while (i < ARRAY_SIZE(words) && !eat_word(&r, words[i].word))
		i++;
	if ((i == ARRAY_SIZE(words) || *r.at) && !eat_clock(&r, &clock))
		return false;
	if (*r.at)
		return false;
	tm = broken_down(now, r.local);
	tm.tm_hour = clock.tm_hour;
	tm.tm_min = clock.tm_min;
	tm.tm_sec = clock.tm_sec;
	tm.tm_mday += i < ARRAY_SIZE(words) ? words[i].days : 0;
	t = seconds_of(tm, r.local);
	if (i == ARRAY_SIZE(words) && (r.side == WHEN_PAST ? t > now : t <= now)) {
		tm.tm_mday += r.side == WHEN_PAST ? -1 : 1;
		t = seconds_of(tm, r.local);
	}
	return write_seconds(t, ret);
}

/* 2026-11-22 14:30, 11-22 14:30: a date with a clock or without, in the zone that is asked for. */
static bool read_date(struct reading r, char ret[WHEN_BYTES])
{
	struct tm tm = broken_down((int64_t)(r.now_ns / ns_per_s), r.local), clock = { 0 };
	int year = tm.tm_year + 1900, month, day, used = 0;
	bool has_year = sscanf(r.at, "%4d-%2d-%2d%n", &year, &month, &day, &used) == 3;
	int64_t t;

	if (!has_year) {
		year = tm.tm_year + 1900;
		used = 0;
		if (sscanf(r.at, "%2d-%2d%n", &month, &day, &used) != 2 || r.at[used] != ' ')
			return false;
	}
	r.at += used;
	if (*r.at && ((*r.at != ' ' && *r.at != 'T') || (r.at++, !eat_clock(&r, &clock)) || *r.at))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	clock.tm_year = year - 1900;
	clock.tm_mon = month - 1;
	clock.tm_mday = day;
	t = seconds_of(clock, r.local);
	if (!has_year && r.side == WHEN_PAST && t > (int64_t)(r.now_ns / ns_per_s)) {
		clock.tm_year--; /* as shown around New Year */
		t = seconds_of(clock, r.local);
	}
	return write_seconds(t, ret);
}

/* "2 hours ago" as 2h; false: these are no such words. */
static bool in_short(const char *typed, char ret[WHEN_BYTES])
{
	static const char *const units[][5] = {
		{ "s", "sec", "secs", "second", "seconds" },
		{ "m", "min", "mins", "minute", "minutes" },
		{ "h", "hr", "hrs", "hour", "hours" },
		{ "d", "day", "days", NULL, NULL },
		{ "w", "week", "weeks", NULL, NULL },
	};
	struct reading r = { .at = typed };
	size_t n = strspn(typed, "0123456789");

	if (n == 0 || n > 18)
		return false;
	r.at += n;
	r.at += strspn(r.at, " ");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		for (size_t j = 0; j < ARRAY_SIZE(units[i]) && units[i][j]; j++)
			if (eat_word(&r, units[i][j])) {
				snprintf(ret, WHEN_BYTES, "%.*s%s", (int)n, typed, units[i][0]);
				return !*r.at || (eat_word(&r, "ago") && !*r.at);
			}
	return false;
}

/* 15m, 2 hours, 1h30m ago: before now, or after it. */
static bool read_length(const struct reading *r, char ret[WHEN_BYTES])
{
	char text[WHEN_BYTES];
	uint64_t ns;
	size_t n = strcspn(r->at, " ");

	if (!in_short(r->at, text)) {
		if ((r->at[n] && strcmp(r->at + n, " ago") != 0) || n >= sizeof(text))
			return false;
		snprintf(text, sizeof(text), "%.*s", (int)n, r->at);
	}
	if (duration_parse(text, strlen(text), &ns, NULL) < 0)
		return false;
	if (r->side == WHEN_AHEAD)
		return ns < INT64_MAX - r->now_ns &&
		       write_seconds((int64_t)((r->now_ns + ns) / ns_per_s), ret);
	snprintf(ret, WHEN_BYTES, "-%.*s", WHEN_BYTES - 2, text);
	return true;
}

/* True for what the collector reads as it is, and would read the same in either zone. */
static bool is_plain(const struct reading *r)
{
	size_t n = strlen(r->at);
	const char *clock = strchr(r->at, 'T') ? strchr(r->at, 'T') : strchr(r->at, ' ');
	bool date = n >= 10 && r->at[4] == '-';
	bool zone = clock && strpbrk(clock, "Zz+-");
	uint64_t ns;

	return (!date || zone || !r->local) && timestamp_parse(r->at, n, r->now_ns, &ns, NULL) == 0;
}

int when_read(const char *typed, enum when_side side, bool local, uint64_t now_ns,
	      char ret[WHEN_BYTES], struct diag *d)
{
	struct reading r = { typed, side, local, now_ns };

	r.at += strspn(r.at, " ");
	if (strlen(typed) < WHEN_BYTES && is_plain(&r)) {
		snprintf(ret, WHEN_BYTES, "%s", r.at);
		return 0;
	}
	if (read_day(r, ret) || read_date(r, ret) || read_length(&r, ret))
		return 0;
	return diag_set(d, -EINVAL, 0, 0,
			"wants a time such as %s, 14:30, today, yesterday or "
			"2026-11-22T21:44:19Z, not \"%s\"",
			side == WHEN_PAST ? "15m" : "7d", typed);
}

/* ---- showing ---- */

static void show_zone(const struct tm *tm, bool local, struct buf *out)
{
	long minutes = labs(tm->tm_gmtoff) / 60;

	if (local)
		buf_printf(out, "%c%02ld:%02ld", tm->tm_gmtoff < 0 ? '-' : '+', minutes / 60,
			   minutes % 60);
	else
		buf_byte(out, 'Z');
}

void when_show(const char *rfc3339, const struct when_style *style, struct buf *out)
{
	int64_t now = (int64_t)(style->now_ns / ns_per_s);
	struct tm tm, today;
	char text[40];
	uint64_t ns;

	if (!isdigit((unsigned char)*rfc3339) || !strchr(rfc3339, 'T') ||
	    timestamp_parse(rfc3339, strlen(rfc3339), 0, &ns, NULL) < 0) {
		buf_str(out, rfc3339);
		return;
	}
	tm = broken_down((int64_t)(ns / ns_per_s), style->local);
	today = broken_down(now, style->local);
	if (!style->brief)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	else if (tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday)
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	else if (llabs((int64_t)(ns / ns_per_s) - now) < (int64_t)NEAR_DAYS * DAY_S)
		strftime(text, sizeof(text), "%m-%d %H:%M:%S", &tm);
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_str(out, text);
	if (style->millis)
		buf_printf(out, ".%03u", (unsigned)(ns % ns_per_s / 1000000));
	if (!style->brief || !style->local)
		show_zone(&tm, style->local, out);
}

void when_span(uint64_t ns, struct buf *out)
{
	static const struct {
		uint64_t below_s, unit_s;
		char letter;
	} units[] = {
		{ 60, 1, 's' },
		{ 3600, 60, 'm' },
		{ 2 * DAY_S, 3600, 'h' },
		{ UINT64_MAX, DAY_S, 'd' },
	};
	uint64_t seconds = ns / ns_per_s;
	size_t i = 0;

	while (seconds >= units[i].below_s)
		i++;
	buf_printf(out, "%llu%c", (unsigned long long)(seconds / units[i].unit_s), units[i].letter);
}
