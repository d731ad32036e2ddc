/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alert_watch.h"

#include "collector/api_alerts.h"

enum {
	MAX_WATCHES = 100,
	FULL_BYTES = 1 << 20, /* what waits for a client before no more is looked up for it */
	PAGE = 100,
	QUIET_TICKS = 40, /* ten seconds: then a comment keeps the connection open */
};

struct alert_watch {
	struct alert_watches *all;
	struct alert_watch *previous, *next;
	struct request *request;
	struct alert_query query;
	uint64_t change; /* of the last alert told */
	struct buf out;
	size_t sent;
	uint32_t quiet;
};

struct alert_watches {
	struct server *server;
	struct alert_watch *first;
	uint32_t n;
};

int alert_watches_new(struct alert_watches **ret, struct server *s)
{
	struct alert_watches *w = calloc(1, sizeof(*w));

	if (!w)
		return err_origin(-ENOMEM);
	w->server = s;
	*ret = w;
	return 0;
}

struct alert_watches *alert_watches_free(struct alert_watches *w)
{
	free(w);
	return NULL;
}

/* ---- one ---- */

static ssize_t on_read(void *buf, size_t max, void *arg)
{
	struct alert_watch *w = arg;
	size_t n = MIN(max, w->out.n - w->sent);

	if (w->out.failed)
		return -1;
	if (n)
		memcpy(buf, w->out.data + w->sent, n);
	w->sent += n;
	if (w->sent == w->out.n) {
		buf_clear(&w->out);
		w->sent = 0;
	}
	return (ssize_t)n;
}

static void on_closed(void *arg)
{
	struct alert_watch *w = arg;

	if (w->previous)
		w->previous->next = w->next;
	else
		w->all->first = w->next;
	if (w->next)
		w->next->previous = w->previous;
	w->all->n--;
	alert_query_done(&w->query);
	buf_done(&w->out);
	free(w);
}

static int tell(const struct alert *a, void *arg)
{
	struct alert_watch *w = arg;
	struct json j = json_to(&w->out);

	buf_printf(&w->out, "id: %llu\nevent: alert\ndata: ", (unsigned long long)a->change);
	alert_write(&j, a);
	buf_str(&w->out, "\n\n");
	w->change = a->change;
	w->query.filter.after_change = a->change;
	return 0;
}

static void look(struct alert_watch *w)
{
	struct alertbook *book = w->all->server->config.alertbook;
	size_t before = w->out.n;

	if (w->out.n - w->sent > FULL_BYTES)
		return;
	if (alertbook_changes(book) > w->change) {
		uint64_t now = alertbook_changes(book);
		uint64_t told = w->change;

		if (alertbook_list(book, &w->query.filter, tell, w) < 0)
			w->out.failed = true;
		if (w->change == told) { /* the changes were of alerts that are not wanted */
			w->change = now;
			w->query.filter.after_change = now;
		}
	}
	w->quiet = w->out.n > before ? 0 : w->quiet + 1;
	if (w->quiet >= QUIET_TICKS) {
		buf_str(&w->out, ": still here\n\n");
		w->quiet = 0;
	}
	if (w->out.n > before || w->out.failed)
		request_wake(w->request);
}

void alert_watches_tick(struct alert_watches *all)
{
	for (struct alert_watch *w = all->first, *next; w; w = next) {
		next = w->next;
		look(w);
	}
}

/* ---- opening ---- */

static bool read_place(struct alert_watch *w, struct request *r)
{
	const char *id = request_header(r, "Last-Event-ID");
	char *end;

	w->change = alertbook_changes(w->all->server->config.alertbook);
	if (!id)
		return true;
	w->change = strtoull(id, &end, 10);
	if (*id >= '0' && *id <= '9' && !*end)
		return true;
	request_problem_text(r, 400,
			     "Last-Event-ID: an id that this resource has sent is expected");
	return false;
}

void alert_watch_open(struct alert_watches *all, struct request *r)
{
	struct alert_watch *w = calloc(1, sizeof(*w));
	struct stream stream = { on_read, on_closed, w };

	if (w)
		w->all = all;
	if (!w || all->n >= MAX_WATCHES || all->server->stopping) {
		free(w);
		request_problem_text(r, 503, "too many watches are open");
		return;
	}
	if (!read_place(w, r) || !alert_query_read(r, &w->query)) {
		alert_query_done(&w->query);
		free(w);
		return;
	}
	w->request = r;
	w->query.filter.by_change = true;
	w->query.filter.after_change = w->change;
	w->query.filter.limit = PAGE;
	buf_str(&w->out, "retry: 1000\n: rtsec\n\n");
	w->next = all->first;
	if (w->next)
		w->next->previous = w;
	all->first = w;
	all->n++;
	request_add_header(r, "X-Accel-Buffering", "no");
	request_stream(r, "text/event-stream", &stream);
}
