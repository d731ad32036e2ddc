/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_text.h"

#include "lib/find.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	REGEX_MATCH_LIMIT = 1000000,
	REGEX_DEPTH_LIMIT = 10000,
	REGEX_HEAP_KIB = 8192,
	REGEX_STACK_BYTES = 512 << 10,
	REGEX_BYTES = 32 << 10,	   /* of one when compiled */
	REGEX_JIT_BYTES = 2 << 10, /* larger ones are interpreted: their machine code is too much */
};

int expr_text_scratch_init(struct expr_text_scratch *s)
{
	s->match_data = pcre2_match_data_create(1, NULL);
	s->match_context = pcre2_match_context_create(NULL);
	s->jit_stack = pcre2_jit_stack_create(32 << 10, REGEX_STACK_BYTES, NULL);
	if (!s->match_data || !s->match_context || !s->jit_stack)
		return err_origin(-ENOMEM);
	pcre2_set_match_limit(s->match_context, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(s->match_context, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(s->match_context, REGEX_HEAP_KIB);
	pcre2_jit_stack_assign(s->match_context, NULL, s->jit_stack);
	return 0;
}

void expr_text_scratch_done(struct expr_text_scratch *s)
{
	pcre2_match_data_free(s->match_data);
	pcre2_match_context_free(s->match_context);
	pcre2_jit_stack_free(s->jit_stack);
	buf_done(&s->lowered);
}

static void pattern_done(struct expr_pattern *p)
{
	free(p->text);
	pcre2_code_free(p->code_utf);
	pcre2_code_free(p->code_bytes);
}

void expr_text_done(struct expr_text *t)
{
	for (size_t i = 0; i < t->n; i++)
		pattern_done(&t->patterns[i]);
	free(t->patterns);
	*t = (struct expr_text){ 0 };
}

static void lower_copy(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = expr_lower(from[i]);
}

static struct expr_pattern *pattern_new(struct expr_text *t, enum expr_pattern_type type)
{
	if ((t->n & (t->n - 1)) == 0) { /* full at every power of two */
		size_t cap = t->n ? t->n * 2 : 1;
		struct expr_pattern *p = reallocarray(t->patterns, cap, sizeof(*p));

		if (!p)
			return NULL;
		t->patterns = p;
	}
	t->patterns[t->n] = (struct expr_pattern){ .type = type };
	return &t->patterns[t->n++];
}

int expr_text_add(struct expr_text *t, enum expr_pattern_type type, const char *s, size_t n)
{
	struct expr_pattern *p = pattern_new(t, type);

	if (!p)
		return err_origin(-ENOMEM);
	p->text = malloc(n + 1);
	if (!p->text)
		return err_origin(-ENOMEM);
	if (t->nocase)
		lower_copy(p->text, s, n);
	else if (n)
		memcpy(p->text, s, n);
	p->text[n] = '\0';
	p->n = n;
	return 0;
}

static bool has_wildcard(const char *s, size_t n)
{
	return n && (memchr(s, '*', n) || memchr(s, '?', n));
}

int expr_text_add_wildcard(struct expr_text *t, const char *s, size_t n)
{
	size_t head = 0, tail = 0;
	int r;

	while (head < n && s[head] == '*')
		head++;
	if (n && head == n)
		return expr_text_add(t, PATTERN_ANY, "", 0);
	while (tail < n && s[n - 1 - tail] == '*')
		tail++;
	if (!has_wildcard(s + head, n - head - tail)) {
		if (head && tail)
			return expr_text_add(t, PATTERN_CONTAINS, s + head, n - head - tail);
		if (head)
			return expr_text_add(t, PATTERN_SUFFIX, s + head, n - head);
		return expr_text_add(t, tail ? PATTERN_PREFIX : PATTERN_EXACT, s, n - tail);
	}
	r = expr_text_add(t, PATTERN_GLOB, s, n);
	if (r == 0)
		t->patterns[t->n - 1].has_one = memchr(s, '?', n) != NULL;
	return r;
}

int expr_text_add_net(struct expr_text *t, enum expr_pattern_type type, const struct expr_net *net)
{
	int r = expr_text_add(t, type, "", 0);

	if (r == 0)
		t->patterns[t->n - 1].net = *net;
	return r;
}

int expr_text_add_length(struct expr_text *t, uint64_t low, uint64_t high)
{
	int r = expr_text_add(t, PATTERN_LENGTH, "", 0);

	if (r == 0) {
		t->patterns[t->n - 1].low = low;
		t->patterns[t->n - 1].high = high;
	}
	return r;
}

/* Width of the UTF-8 sequence that starts with @c; 0: none does. */
static size_t sequence_bytes(uint8_t c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Bytes of the well-formed UTF-8 sequence at @s (Unicode, table 3-7); 0: there is none. */
static size_t well_formed(const char *s, size_t n)
{
	const uint8_t *u = (const uint8_t *)s;
	size_t len = sequence_bytes(u[0]);

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return len;
}

size_t expr_character(const char *s, size_t n)
{
	size_t len = well_formed(s, n);

	return len ? len : 1;
}

static bool is_utf8(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = well_formed(s + i, n - i);
		if (len == 0)
			return false;
	}
	return true;
}

static pcre2_code *compile(const char *s, size_t n, uint32_t options, struct diag *d)
{
	PCRE2_SIZE at;
	size_t bytes = 0;
	PCRE2_UCHAR reason[256];
	int error;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)s, n, options, &error, &at, NULL);

	if (!code) {
		pcre2_get_error_message(error, reason, sizeof(reason));
		diag_set(d, -EINVAL, 0, 0, "the regular expression is broken at its byte %zu: %s",
			 (size_t)at + 1, (const char *)reason);
		return NULL;
	}
	pcre2_pattern_info(code, PCRE2_INFO_SIZE, &bytes);
	if (bytes > REGEX_BYTES) {
		pcre2_code_free(code);
		diag_set(d, -EINVAL, 0, 0,
			 "the regular expression is too large: expected fewer or smaller "
			 "repetitions");
		return NULL;
	}
	if (bytes <= REGEX_JIT_BYTES) /* without JIT it is slower, not wrong */
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return code;
}

int expr_text_add_regex(struct expr_text *t, const char *s, size_t n, struct diag *d)
{
	uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL |
			   PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C |
			   (t->nocase ? PCRE2_CASELESS : 0);
	struct expr_pattern *p = pattern_new(t, PATTERN_REGEX);

	if (!p)
		return err_origin(-ENOMEM);
	if (is_utf8(s, n)) {
		p->code_utf = compile(s, n, options | PCRE2_UTF, d);
		if (!p->code_utf)
			return err_origin(-EINVAL);
	}
	/* What only UTF-8 text can match, such as \x{100}, has no bytewise form. */
	p->code_bytes =
		compile(s, n, options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, p->code_utf ? NULL : d);
	return p->code_utf || p->code_bytes ? 0 : err_origin(-EINVAL);
}

static int by_text(const void *a, const void *b)
{
	const struct expr_pattern *x = a, *y = b;

	if (x->type != y->type && (x->type == PATTERN_EXACT || y->type == PATTERN_EXACT))
		return x->type == PATTERN_EXACT ? -1 : 1;
	if (x->type != PATTERN_EXACT)
		return 0;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return memcmp(x->text, y->text, x->n);
}

void expr_text_finish(struct expr_text *t)
{
	if (t->n > 1)
		qsort(t->patterns, t->n, sizeof(*t->patterns), by_text);
	while (t->n_exact < t->n && t->patterns[t->n_exact].type == PATTERN_EXACT)
		t->n_exact++;
}

static bool exact_has(const struct expr_text *t, const char *s, size_t n)
{
	size_t low = 0, high = t->n_exact;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct expr_pattern *p = &t->patterns[mid];
		int order = p->n != n ? (p->n < n ? -1 : 1) : memcmp(p->text, s, n);

		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* The pattern's pieces between its stars, each found as early as possible. */
static bool glob_stars(const struct expr_pattern *p, const char *s, size_t n)
{
	const char *from = p->text, *end = p->text + p->n, *star = memchr(from, '*', p->n);
	size_t piece = (size_t)(star - from);

	if (n < piece || memcmp(s, from, piece) != 0)
		return false;
	s += piece;
	n -= piece;
	for (from = star + 1; (star = memchr(from, '*', (size_t)(end - from))); from = star + 1) {
		const char *hit;

		piece = (size_t)(star - from);
		hit = find_text(s, n, from, piece);
		if (!hit)
			return false;
		n -= (size_t)(hit - s) + piece;
		s = hit + piece;
	}
	piece = (size_t)(end - from);
	return n >= piece && memcmp(s + n - piece, from, piece) == 0;
}

/* Character by character; a mismatch gives the last star one more character. */
static bool glob_characters(const struct expr_pattern *p, const char *s, size_t n)
{
	size_t i = 0, j = 0, star = SIZE_MAX, back = 0;

	while (i < n) {
		size_t len = expr_character(s + i, n - i);

		if (j < p->n && p->text[j] == '*') {
			star = ++j;
			back = i;
			continue;
		}
		if (j < p->n && p->text[j] == '?') {
			j++;
			i += len;
			continue;
		}
		if (p->n - j >= len && memcmp(p->text + j, s + i, len) == 0) {
			j += len;
			i += len;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		back += expr_character(s + back, n - back);
		i = back;
		j = star;
	}
	while (j < p->n && p->text[j] == '*')
		j++;
	return j == p->n;
}

static enum expr_state regex_test(const struct expr_pattern *p, struct expr_text_scratch *s,
				  const char *text, size_t n)
{
	bool utf = p->code_utf && is_utf8(text, n);
	const pcre2_code *code = utf ? p->code_utf : p->code_bytes;
	int r;

	if (!code)
		return STATE_FALSE;
	if (s->most_gave_up && s->gave_up >= s->most_gave_up)
		return STATE_NULL;
	r = pcre2_match(code, (PCRE2_SPTR)text, n, 0, utf ? PCRE2_NO_UTF_CHECK : 0, s->match_data,
			s->match_context);
	if (r >= 0)
		return STATE_TRUE;
	if (r == PCRE2_ERROR_NOMATCH)
		return STATE_FALSE;
	s->gave_up++;
	return STATE_NULL;
}

static bool order_test(const struct expr_pattern *p, const char *s, size_t n)
{
	int order = memcmp(s, p->text, MIN(n, p->n));

	if (order == 0)
		order = n == p->n ? 0 : n < p->n ? -1 : 1;
	if (order == 0)
		return p->or_equal;
	return (order < 0) == (p->type == PATTERN_BELOW);
}

static bool ip_test(const struct expr_pattern *p, const char *s, size_t n)
{
	uint8_t address[16];
	int order;

	if (!expr_ip_parse(s, n, address))
		return false;
	if (p->type == PATTERN_NET)
		return expr_net_has(&p->net, address);
	order = memcmp(address, p->net.address, sizeof(address));
	if (order == 0)
		return p->or_equal;
	return (order < 0) == (p->type == PATTERN_IP_BELOW);
}

static bool length_test(const struct expr_pattern *p, const char *s, size_t n)
{
	uint64_t characters = 0;

	for (size_t i = 0; i < n; i += expr_character(s + i, n - i))
		characters++;
	return characters >= p->low && characters <= p->high;
}

static enum expr_state pattern_test(const struct expr_pattern *p, struct expr_text_scratch *x,
				    const char *s, size_t n)
{
	bool yes = false;

	switch (p->type) {
	case PATTERN_EXACT:
		yes = n == p->n && memcmp(s, p->text, n) == 0;
		break;
	case PATTERN_PREFIX:
		yes = n >= p->n && memcmp(s, p->text, p->n) == 0;
		break;
	case PATTERN_SUFFIX:
		yes = n >= p->n && memcmp(s + n - p->n, p->text, p->n) == 0;
		break;
	case PATTERN_CONTAINS:
		yes = find_text(s, n, p->text, p->n) != NULL;
		break;
	case PATTERN_GLOB:
		yes = p->has_one ? glob_characters(p, s, n) : glob_stars(p, s, n);
		break;
	case PATTERN_ANY:
		yes = true;
		break;
	case PATTERN_REGEX:
		return regex_test(p, x, s, n);
	case PATTERN_NET:
	case PATTERN_IP_BELOW:
	case PATTERN_IP_ABOVE:
		yes = ip_test(p, s, n);
		break;
	case PATTERN_BELOW:
	case PATTERN_ABOVE:
		yes = order_test(p, s, n);
		break;
	case PATTERN_LENGTH:
		yes = length_test(p, s, n);
		break;
	}
	return yes ? STATE_TRUE : STATE_FALSE;
}

static const char *lowered(struct expr_text_scratch *x, const char *s, size_t n)
{
	buf_clear(&x->lowered);
	if (!buf_reserve(&x->lowered, n + 1)) {
		x->failed = true;
		return s;
	}
	lower_copy((char *)x->lowered.data, s, n);
	return (const char *)x->lowered.data;
}

enum expr_state expr_text_test(const struct expr_text *t, struct expr_text_scratch *x,
			       const char *text, size_t n)
{
	const char *s = text;
	bool unsure = false;

	if (t->nocase && !(t->n && t->patterns[0].type == PATTERN_REGEX))
		s = lowered(x, text, n);
	if (t->n_exact && exact_has(t, s, n))
		return STATE_TRUE;
	for (size_t i = t->n_exact; i < t->n; i++) {
		enum expr_state r = pattern_test(&t->patterns[i], x, s, n);

		if (r == STATE_TRUE)
			return r;
		unsure |= r == STATE_NULL;
	}
	return unsure ? STATE_NULL : STATE_FALSE;
}
