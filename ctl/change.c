/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/change.h"

#include "ctl/session.h"

const char *change_text(const json_t *answer, const char *key)
{
	const char *s = json_string_value(json_object_get(answer, key));

	return s ? s : "";
}

bool change_words(const struct cli_values *v, const char *words, bool has_value,
		  const char **ret_value)
{
	size_t i = 0;

	for (; *words; i++) {
		size_t n = strcspn(words, " ");

		if (i >= v->n_operands || strlen(v->operands[i]) != n ||
		    memcmp(v->operands[i], words, n) != 0)
			return false;
		words += n + (words[n] == ' ');
	}
	if (has_value && i < v->n_operands)
		*ret_value = v->operands[i];
	return v->n_operands == i + (has_value ? 1 : 0);
}

static int show(const struct change *c, const struct cli_io *io, const struct cli_values *v,
		struct slice doc)
{
	json_error_t error;
	json_t *answer = json_loadb(doc.s, doc.n, 0, &error);

	if (!answer)
		return session_failed(io, err_origin(-ENOMEM), NULL);
	if (v->output && (strcmp(v->output, "json") == 0 || strcmp(v->output, "ndjson") == 0))
		fprintf(io->out, "%.*s", (int)doc.n, doc.s);
	else
		c->tell(io, answer);
	json_decref(answer);
	return cli_finish(io, EXIT_HITS);
}

int change_run(const struct change *c, const struct cli_io *io, const struct cli_values *v)
{
	AUTO(session) *s = NULL;
	AUTO_BUF struct buf body = { 0 };
	struct client_request q = c->request;
	struct slice doc;
	int code = session_open(&s, io, v);

	if (q.method != CLIENT_DELETE)
		q.method = CLIENT_POST;
	if (code == 0)
		code = session_ask(s, &q, &body, &doc);
	return code == 0 ? show(c, io, v, doc) : code;
}
