/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of EQL that give values.  Meaning: the EQL function reference of Elastic; arguments
 * are never null here, and of the types that the table says. */
#include <math.h>
#include <time.h>

#include "lib/expr_calc.h"
#include "lib/find.h"
#include "lib/limits.h"

static struct calc nothing(void)
{
	return (struct calc){ .type = CALC_NULL };
}

static struct calc of_int(int64_t v)
{
	return (struct calc){ .type = CALC_INT, .integer = v };
}

static struct calc of_real(double v)
{
	return isfinite(v) ? (struct calc){ .type = CALC_REAL, .real = v } : nothing();
}

static struct calc of_bool(bool v)
{
	return (struct calc){ .type = CALC_BOOL, .boolean = v };
}

static struct calc of_text(const char *s, size_t n)
{
	return (struct calc){ .type = CALC_TEXT, .s = s, .n = n };
}

static double real_of(const struct calc *v)
{
	return v->type == CALC_INT ? (double)v->integer : v->real;
}

/* ---- numbers ---- */

static bool both_int(const struct calc *args)
{
	return args[0].type == CALC_INT && args[1].type == CALC_INT;
}

#define ARITHMETIC(name, overflows, operator)                                            \
	static struct calc name(struct calc_run *run, const struct calc *args, size_t n, \
				bool nocase)                                             \
	{                                                                                \
		int64_t v;                                                               \
                                                                                         \
		(void)run, (void)n, (void)nocase;                                        \
		if (both_int(args) && !overflows(args[0].integer, args[1].integer, &v))  \
			return of_int(v);                                                \
		return of_real(real_of(&args[0]) operator real_of(&args[1]));            \
	}
ARITHMETIC(add, __builtin_add_overflow, +)
ARITHMETIC(subtract, __builtin_sub_overflow, -)
ARITHMETIC(multiply, __builtin_mul_overflow, *)

static struct calc divide(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	(void)run, (void)n, (void)nocase;
	if (real_of(&args[1]) == 0)
		return nothing();
	if (both_int(args) && args[1].integer != -1)
		return of_int(args[0].integer / args[1].integer);
	if (both_int(args) && args[0].integer != INT64_MIN)
		return of_int(-args[0].integer);
	return of_real(real_of(&args[0]) / real_of(&args[1]));
}

static struct calc modulo(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	(void)run, (void)n, (void)nocase;
	if (real_of(&args[1]) == 0)
		return nothing();
	if (both_int(args))
		return of_int(args[1].integer == -1 ? 0 : args[0].integer % args[1].integer);
	return of_real(fmod(real_of(&args[0]), real_of(&args[1])));
}

static bool copy_number(const struct calc *v, char text[64])
{
	if (v->n == 0 || v->n >= 64 || v->s[0] == ' ' || memchr(v->s, '\0', v->n))
		return false;
	memcpy(text, v->s, v->n);
	text[v->n] = '\0';
	return true;
}

/* number("12"), number("0x1f"), number("ff", 16) */
static struct calc number(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	int64_t base = n > 1 && args[1].type == CALC_INT ? args[1].integer : 10;
	char text[64], *end;
	double real;
	int64_t v;
	bool hex;

	(void)run, (void)nocase;
	if (args[0].type == CALC_INT || args[0].type == CALC_REAL)
		return args[0];
	if (args[0].type != CALC_TEXT || !copy_number(&args[0], text) || base < 2 || base > 36)
		return nothing();
	hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && (n < 2 || base == 16);
	errno = 0;
	v = strtoll(text, &end, hex ? 16 : (int)base);
	if (*end == '\0' && errno == 0)
		return of_int(v);
	if (hex || (n > 1 && base != 10) || strpbrk(text, "xXnNpP"))
		return nothing();
	real = strtod(text, &end);
	return *end == '\0' ? of_real(real) : nothing();
}

/* ---- text ---- */

static char *alloc(struct calc_run *run, size_t n)
{
	return n > LIMIT_STRING_BYTES ? NULL : arena_alloc(&run->scratch->calc, n + 1);
}

static struct calc string(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	char *text;
	int len;

	(void)n, (void)nocase;
	switch (args[0].type) {
	case CALC_BOOL:
		return args[0].boolean ? of_text("true", 4) : of_text("false", 5);
	case CALC_INT:
	case CALC_REAL:
		text = alloc(run, 40);
		if (!text)
			return nothing();
		if (args[0].type == CALC_INT)
			len = snprintf(text, 40, "%lld", (long long)args[0].integer);
		else
			len = snprintf(text, 40, "%.15g", args[0].real);
		return of_text(text, (size_t)len);
	default:
		return args[0];
	}
}

static struct calc concat(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	struct calc parts[CALC_ARGS];
	size_t all = 0;
	char *text;

	for (size_t i = 0; i < n; i++) {
		parts[i] = string(run, &args[i], 1, nocase);
		all += parts[i].n;
	}
	text = alloc(run, all);
	if (!text)
		return nothing();
	for (size_t i = 0, at = 0; i < n; at += parts[i++].n)
		if (parts[i].n)
			memcpy(text + at, parts[i].s, parts[i].n);
	return of_text(text, all);
}

static struct calc length(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	int64_t count = 0;

	(void)run, (void)n, (void)nocase;
	for (size_t at = 0; at < args[0].n; count++)
		at += expr_character(args[0].s + at, args[0].n - at);
	return of_int(count);
}

/* Byte at which character @index begins; the end where there are fewer. */
static size_t byte_of(const struct calc *v, int64_t index)
{
	size_t at = 0;

	for (; index > 0 && at < v->n; index--)
		at += expr_character(v->s + at, v->n - at);
	return at;
}

static int64_t whole(const struct calc *v)
{
	if (v->type == CALC_INT)
		return v->integer;
	return v->real >= 1e18	  ? INT64_MAX / 2
	       : v->real <= -1e18 ? -(INT64_MAX / 2)
				  : (int64_t)v->real;
}

/* Below 0 counts from the end, as in Python. */
static int64_t position(int64_t index, int64_t count)
{
	if (index < 0)
		index = index < -count ? 0 : index + count;
	return MIN(index, count);
}

static struct calc substring(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	int64_t count = length(run, args, 1, nocase).integer;
	int64_t from = position(whole(&args[1]), count);
	int64_t to = n > 2 ? position(whole(&args[2]), count) : count;
	size_t start = byte_of(&args[0], from), end = byte_of(&args[0], MAX(from, to));

	return of_text(args[0].s + start, end - start);
}

static bool same(const char *a, const char *b, size_t n, bool nocase)
{
	if (!nocase)
		return n == 0 || memcmp(a, b, n) == 0;
	for (size_t i = 0; i < n; i++)
		if (expr_lower(a[i]) != expr_lower(b[i]))
			return false;
	return true;
}

/* Place of @what in @in at or after byte @from; SIZE_MAX: none. */
static size_t find(const struct calc *in, const struct calc *what, size_t from, bool nocase)
{
	if (!nocase && what->n && from < in->n) {
		const char *at = find_text(in->s + from, in->n - from, what->s, what->n);

		return at ? (size_t)(at - in->s) : SIZE_MAX;
	}
	for (; from + what->n <= in->n; from++)
		if (same(in->s + from, what->s, what->n, nocase))
			return from;
	return SIZE_MAX;
}

static struct calc index_of(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	size_t from = n > 2 ? byte_of(&args[0], MAX(whole(&args[2]), (int64_t)0)) : 0;
	size_t at = find(&args[0], &args[1], from, nocase);
	struct calc before;

	if (at == SIZE_MAX)
		return nothing();
	before = of_text(args[0].s, at);
	return length(run, &before, 1, false);
}

/* What stands between @left and @right; "" where one is missing. */
static struct calc between(struct calc_run *run, const struct calc *args, size_t n, bool nocase)
{
	size_t start = find(&args[0], &args[1], 0, nocase), end = SIZE_MAX, next;
	bool greedy = n > 3 && args[3].boolean;

	(void)run;
	if (args[0].n == 0 || args[1].n == 0 || args[2].n == 0)
		return args[0];
	if (start == SIZE_MAX)
		return of_text("", 0);
	start += args[1].n;
	for (next = start; (next = find(&args[0], &args[2], next, nocase)) != SIZE_MAX; next++) {
		end = next;
		if (!greedy)
			break;
	}
	return end == SIZE_MAX ? of_text("", 0) : of_text(args[0].s + start, end - start);
}

/* The three questions take several texts, any of which may be it. */
#define QUESTION(name, condition)                                                        \
	static struct calc name(struct calc_run *run, const struct calc *args, size_t n, \
				bool nocase)                                             \
	{                                                                                \
		const struct calc *in = &args[0];                                        \
                                                                                         \
		(void)run;                                                               \
		for (size_t i = 1; i < n; i++) {                                         \
			const struct calc *what = &args[i];                              \
                                                                                         \
			if (what->n <= in->n && (condition))                             \
				return of_bool(true);                                    \
		}                                                                        \
		return of_bool(false);                                                   \
	}
QUESTION(starts_with, same(in->s, what->s, what->n, nocase))
QUESTION(ends_with, same(in->s + in->n - what->n, what->s, what->n, nocase))
QUESTION(contains, what->n == 0 || find(in, what, 0, nocase) != SIZE_MAX)

/* ---- dates ---- */

/* The date's parts by the calendar, in UTC. */
static struct tm calendar(const struct calc *date)
{
	const int64_t ns_per_s = 1000000000;
	time_t seconds = (time_t)(date->type == CALC_INT ? date->integer / ns_per_s : 0);
	struct tm tm = { 0 };

	gmtime_r(&seconds, &tm);
	return tm;
}

/* Of ISO 8601: week 1 holds the year's first Thursday. */
static int64_t week_of(const struct tm *tm)
{
	int weekday = (tm->tm_wday + 6) % 7; /* Monday is 0 */
	int week = (tm->tm_yday - weekday + 10) / 7;
	int years = tm->tm_year + 1900 - (week < 1);
	bool leap = (years % 4 == 0 && years % 100 != 0) || years % 400 == 0;
	int days = 365 + leap;

	if (week < 1) /* of the year before */
		return (tm->tm_yday + days - weekday + 10) / 7;
	if (week == 53 && tm->tm_yday - weekday + 3 >= days) /* its Thursday is in the next year */
		return 1;
	return week;
}

#define DATE_PART(name, part)                                                            \
	static struct calc name(struct calc_run *run, const struct calc *args, size_t n, \
				bool nocase)                                             \
	{                                                                                \
		struct tm tm = calendar(&args[0]);                                       \
                                                                                         \
		(void)run, (void)n, (void)nocase;                                        \
		return of_int(part);                                                     \
	}
DATE_PART(minute_of, tm.tm_min)
DATE_PART(hour_of, tm.tm_hour)
DATE_PART(day_of, tm.tm_mday)
DATE_PART(week_number_of, week_of(&tm))
DATE_PART(month_of, tm.tm_mon + 1)
DATE_PART(year_of, tm.tm_year + 1900)

const struct calc_function calc_functions[] = {
	{ "add", EXPR_NUMBER, "n", 2, 2, false, add },
	{ "subtract", EXPR_NUMBER, "n", 2, 2, false, subtract },
	{ "multiply", EXPR_NUMBER, "n", 2, 2, false, multiply },
	{ "divide", EXPR_NUMBER, "n", 2, 2, false, divide },
	{ "modulo", EXPR_NUMBER, "n", 2, 2, false, modulo },
	{ "between", EXPR_TEXT, "sssb", 3, 4, true, between },
	{ "concat", EXPR_TEXT, "a", 1, CALC_ARGS, false, concat },
	{ "indexOf", EXPR_NUMBER, "ssn", 2, 3, true, index_of },
	{ "length", EXPR_NUMBER, "s", 1, 1, false, length },
	{ "number", EXPR_NUMBER, "an", 1, 2, false, number },
	{ "string", EXPR_TEXT, "a", 1, 1, false, string },
	{ "substring", EXPR_TEXT, "snn", 2, 3, false, substring },
	{ "startsWith", EXPR_BOOL, "s", 2, CALC_ARGS, true, starts_with },
	{ "endsWith", EXPR_BOOL, "s", 2, CALC_ARGS, true, ends_with },
	{ "stringContains", EXPR_BOOL, "s", 2, CALC_ARGS, true, contains },
	{ "minuteOf", EXPR_NUMBER, "d", 1, 1, false, minute_of },
	{ "hourOf", EXPR_NUMBER, "d", 1, 1, false, hour_of },
	{ "dayOf", EXPR_NUMBER, "d", 1, 1, false, day_of },
	{ "weekOf", EXPR_NUMBER, "d", 1, 1, false, week_number_of },
	{ "monthOf", EXPR_NUMBER, "d", 1, 1, false, month_of },
	{ "yearOf", EXPR_NUMBER, "d", 1, 1, false, year_of },
};
const size_t n_calc_functions = ARRAY_SIZE(calc_functions);
