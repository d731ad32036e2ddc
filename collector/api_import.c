/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/import: a piece of a file, gathered in a thread of the pool, stored by the one that
 * writes. */
#include "collector/api.h"
#include "collector/import.h"

static void answer(struct request *r, const struct import_result *got)
{
	struct json j = json_to(request_body(r));
	char note[96];

	snprintf(note, sizeof(note), "events=%llu duplicates=%llu", (unsigned long long)got->events,
		 (unsigned long long)got->there);
	request_note(r, note);
	json_begin_object(&j);
	json_key_uint(&j, "batches", got->batches);
	json_key_uint(&j, "events", got->events);
	json_key_uint(&j, "duplicates", got->there);
	json_key_uint(&j, "refused", got->refused);
	json_key_uint(&j, "lines", got->lines);
	api_took(r, &j);
	api_finish(r, &j);
}

static void refuse(struct request *r, int e, const struct diag *d)
{
	struct problem p = { .status = 400, .kind = "import", .diag = *d };

	if (e == -EBADMSG)
		request_problem(r, &p);
	else if (e == -EBUSY)
		request_problem_text(r, 503, "another import is under way: ask again");
	else if (e == -ENOSPC)
		request_problem_text(r, 507, "the collector's disk is nearly full");
	else
		request_problem_errno(r, e);
	if (e == -EBUSY)
		request_add_header(r, "Retry-After", "1");
}

static void work(struct request *r, struct query_worker *w, void *task)
{
	const struct http_config *c = &request_server(r)->config;
	const struct buf *body = request_upload(r);
	AUTO_BUF struct buf records = { 0 };
	struct import_result got = { 0 };
	AUTO(importer) *im = NULL;
	struct diag d = { 0 };
	int e = importer_new(&im, query_worker_reader(w)), gathered;

	(void)task;
	if (e == 0)
		e = import_gather(im, body->data, body->n, 1, request_cancel(r), &records, &got,
				  &d);
	gathered = e;
	if ((e == 0 || e == -EBADMSG) && records.n)
		e = c->import(&records, &got, c->import_arg);
	if (e == 0)
		e = gathered;
	if (e < 0)
		refuse(r, e, &d);
	else
		answer(r, &got);
}

void api_import(struct request *r)
{
	if (!request_server(r)->config.import) {
		request_problem_text(r, 503, "this collector stores nothing");
		return;
	}
	request_run(r, work, NULL, NULL);
}
