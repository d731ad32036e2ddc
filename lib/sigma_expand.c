/* SPDX-License-Identifier: Apache-2.0 */
/* The modifier expand: %name% of a value becomes what the rule's placeholders say. */
#include "lib/sigma_build.h"

enum { EXPAND_MAX = 8 /* placeholders in a text */ };

/* Length of the %name% that begins at byte @at, 0: none does. */
static size_t placeholder(const struct buf *text, size_t at)
{
	const char *s = (const char *)text->data + at;
	size_t left = text->n - at, n = 1;

	if (left < 3 || s[0] != '%')
		return 0;
	while (n < left && ((s[n] >= '0' && s[n] <= '9') || s[n] == '_' ||
			    (s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z')))
		n++;
	return n > 1 && n < left && s[n] == '%' ? n + 1 : 0;
}

static const struct yaml_node *stands_for(const struct sigma_build *b, const struct buf *text,
					  size_t at, size_t n)
{
	for (const struct yaml_node *i = b->placeholders ? b->placeholders->first : NULL; i;
	     i = i->next)
		if (i->key->n == n - 2 && memcmp(i->key->text, text->data + at + 1, n - 2) == 0)
			return i;
	return NULL;
}

static int add_expanded(struct sigma_pieces *p, const struct yaml_node *node,
			const struct buf *text, size_t at, unsigned left);

/* @text with the placeholder of @n bytes at @at replaced by each of @values.  Recursion:
 * EXPAND_MAX. */
static int add_replaced(struct sigma_pieces *p, const struct yaml_node *node,
			const struct buf *text, size_t at, unsigned left)
{
	size_t n = placeholder(text, at);
	const struct yaml_node *values = stands_for(p->b, text, at, n);
	bool list = values && values->type == YAML_LIST;
	int r = 0;

	if (!values) {
		p->gap = true;
		return MIN(0, sigma_gap(p->b, node, "nothing here says what %.*s stands for",
					(int)MIN(n, (size_t)60), (const char *)text->data + at));
	}
	if (left == 0)
		return sigma_wrong(p->b, node, 0, "more than %d placeholders in a text",
				   EXPAND_MAX);
	for (const struct yaml_node *v = list ? values->first : values; r == 0 && v;
	     v = list ? v->next : NULL) {
		AUTO_BUF struct buf other = { 0 };

		buf_add(&other, text->data, at);
		buf_add(&other, v->text, v->n);
		buf_add(&other, text->data + at + n, text->n - at - n);
		if (!buf_ok(&other))
			return err_origin(-ENOMEM);
		r = add_expanded(p, node, &other, at + v->n, left - 1);
	}
	return r;
}

/* What @text is with its placeholders from byte @at on replaced; \% is a plain %. */
static int add_expanded(struct sigma_pieces *p, const struct yaml_node *node,
			const struct buf *text, size_t at, unsigned left)
{
	AUTO_BUF struct buf plain = { 0 };

	for (size_t i = at; i < text->n; i++)
		if (text->data[i] == '\\' && i + 1 < text->n && text->data[i + 1] == '%')
			i++;
		else if (placeholder(text, i))
			return add_replaced(p, node, text, i, left);
	for (size_t i = 0; i < text->n; i++)
		if (text->data[i] != '\\' || i + 1 == text->n || text->data[i + 1] != '%')
			buf_byte(&plain, text->data[i]);
	if (!buf_ok(&plain))
		return err_origin(-ENOMEM);
	return sigma_add_plain(p, node, (const char *)plain.data, plain.n);
}

int sigma_add_expanded(struct sigma_pieces *p, const struct yaml_node *node)
{
	AUTO_BUF struct buf text = { 0 };

	buf_add(&text, node->text, node->n);
	if (!buf_ok(&text))
		return err_origin(-ENOMEM);
	return add_expanded(p, node, &text, 0, EXPAND_MAX);
}
