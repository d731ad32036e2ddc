/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/timestamp.h"

#define NS_PER_S UINT64_C(1000000000)

static const char expected[] =
	"expected a time such as 2026-11-22T21:44:19Z, -15m, now or seconds since 1970";

struct scan {
	const char *s;
	size_t n, at;
};

static int fail(const struct scan *in, struct diag *d)
{
	return diag_set(d, -EINVAL, 1, (uint32_t)in->at + 1, "%s", expected);
}

uint64_t timestamp_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

const char *timestamp_format(uint64_t ns, char buf[TIMESTAMP_TEXT_BYTES])
{
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;
	size_t at;

	gmtime_r(&seconds, &tm);
	at = strftime(buf, TIMESTAMP_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + at, TIMESTAMP_TEXT_BYTES - at, ".%09uZ", (unsigned)(ns % NS_PER_S));
	return buf;
}

static bool at_digit(const struct scan *in)
{
	return in->at < in->n && in->s[in->at] >= '0' && in->s[in->at] <= '9';
}

static bool eat(struct scan *in, char c)
{
	if (in->at >= in->n || in->s[in->at] != c)
		return false;
	in->at++;
	return true;
}

/* Reads @digits decimal digits (0: one or more, as many as there are). */
static bool eat_number(struct scan *in, size_t digits, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	while (at_digit(in) && (digits == 0 || n < digits)) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(in->s[in->at] - '0'), &v))
			return false;
		in->at++;
		n++;
	}
	*ret = v;
	return digits ? n == digits : n > 0;
}

static bool eat_unit(struct scan *in, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		/* the longer name first */
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", NS_PER_S },
		{ "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S },
		{ "d", 86400 * NS_PER_S },
		{ "w", 7 * 86400 * NS_PER_S },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);

		if (in->n - in->at < len || memcmp(in->s + in->at, units[i].name, len) != 0)
			continue;
		in->at += len;
		*ret_ns = units[i].ns;
		return true;
	}
	return false;
}

/* A sum such as 1h30m up to the end. */
static bool eat_duration(struct scan *in, uint64_t *ret_ns)
{
	uint64_t sum = 0, v, unit;

	do {
		if (!eat_number(in, 0, &v) || !eat_unit(in, &unit) ||
		    __builtin_mul_overflow(v, unit, &v) || __builtin_add_overflow(sum, v, &sum))
			return false;
	} while (in->at < in->n);
	*ret_ns = sum;
	return true;
}

int duration_parse(const char *s, size_t n, uint64_t *ret, struct diag *d)
{
	struct scan in = { s, n, 0 };

	if (!eat_duration(&in, ret))
		return diag_set(d, -EINVAL, 1, (uint32_t)in.at + 1,
				"expected a length of time such as 30s, 15m or 1h30m");
	return 0;
}

static int parse_epoch(struct scan *in, uint64_t *ret, struct diag *d)
{
	uint64_t v, scale = 1;

	if (!eat_number(in, 0, &v) || in->at != in->n)
		return fail(in, d);
	if (v < UINT64_C(100000000000))
		scale = NS_PER_S;
	else if (v < UINT64_C(100000000000000))
		scale = 1000000;
	else if (v < UINT64_C(100000000000000000))
		scale = 1000;
	if (__builtin_mul_overflow(v, scale, ret))
		return fail(in, d);
	return 0;
}

static bool eat_fraction(struct scan *in, uint64_t *ret_ns)
{
	uint64_t v = 0, scale = NS_PER_S;

	if (!at_digit(in))
		return false;
	for (; at_digit(in); in->at++) {
		if (scale == 1)
			continue; /* finer than a nanosecond */
		scale /= 10;
		v += (uint64_t)(in->s[in->at] - '0') * scale;
	}
	*ret_ns = v;
	return true;
}

/* Z, +hh:mm, -hh:mm or nothing; the offset in seconds. */
static bool eat_zone(struct scan *in, int64_t *ret_s)
{
	uint64_t h, m;
	int64_t sign = 1;

	*ret_s = 0;
	if (in->at == in->n || eat(in, 'Z') || eat(in, 'z'))
		return true;
	if (eat(in, '-'))
		sign = -1;
	else if (!eat(in, '+'))
		return false;
	if (!eat_number(in, 2, &h) || !eat(in, ':') || !eat_number(in, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_s = sign * (int64_t)(h * 3600 + m * 60);
	return true;
}

static bool eat_clock(struct scan *in, struct tm *tm, uint64_t *ret_ns, int64_t *ret_zone_s)
{
	uint64_t h, m, s;

	if (!eat(in, 'T') && !eat(in, 't') && !eat(in, ' '))
		return false;
	if (!eat_number(in, 2, &h) || !eat(in, ':') || !eat_number(in, 2, &m) || !eat(in, ':') ||
	    !eat_number(in, 2, &s) || h > 23 || m > 59 || s > 60)
		return false;
	if (eat(in, '.') && !eat_fraction(in, ret_ns))
		return false;
	tm->tm_hour = (int)h;
	tm->tm_min = (int)m;
	tm->tm_sec = (int)s;
	return eat_zone(in, ret_zone_s);
}

static int parse_calendar(struct scan *in, uint64_t *ret, struct diag *d)
{
	struct tm tm = { 0 };
	uint64_t year, month, day, ns = 0;
	int64_t zone_s = 0, seconds;

	if (!eat_number(in, 4, &year) || !eat(in, '-') || !eat_number(in, 2, &month) ||
	    !eat(in, '-') || !eat_number(in, 2, &day))
		return fail(in, d);
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	if (in->at < in->n && !eat_clock(in, &tm, &ns, &zone_s))
		return fail(in, d);
	seconds = timegm(&tm) - zone_s;
	/* timegm() carries what is out of range over: such a date does not exist */
	if (in->at != in->n || month < 1 || month > 12 || tm.tm_mday != (int)day || day < 1 ||
	    seconds < 0 || (uint64_t)seconds > UINT64_MAX / NS_PER_S - 1)
		return fail(in, d);
	*ret = (uint64_t)seconds * NS_PER_S + ns;
	return 0;
}

int timestamp_parse(const char *s, size_t n, uint64_t now_ns, uint64_t *ret, struct diag *d)
{
	struct scan in = { s, n, 0 };
	uint64_t back = 0;

	if (n > 4 && s[4] == '-' && s[0] != '-' && memcmp(s, "now", 3) != 0)
		return parse_calendar(&in, ret, d);
	if (at_digit(&in))
		return parse_epoch(&in, ret, d);
	if (n >= 3 && memcmp(s, "now", 3) == 0)
		in.at = 3;
	else if (n == 0 || s[0] != '-')
		return fail(&in, d);
	if (in.at < n && (!eat(&in, '-') || !eat_duration(&in, &back)))
		return fail(&in, d);
	*ret = back < now_ns ? now_ns - back : 0;
	return 0;
}
