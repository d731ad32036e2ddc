/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd without threads of its own: its epoll descriptor is watched by the loop, which then
 * calls MHD_run(); before the loop sleeps, MHD_get_timeout() arms a timer.
 *
 * libmicrohttpd does not look at a suspended connection, and keeps one whose client left in the
 * middle of a request, so a slow tick asks poll(2) which of those clients have gone.  The same tick
 * ends connections whose request does not get ready: a client that sends a byte now and then never
 * meets libmicrohttpd's own, idle timeout. */
#include "collector/http.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "collector/alert_watch.h"
#include "collector/http_listen.h"
#include "collector/http_tls.h"
#include "collector/request_internal.h"
#include "collector/tail.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/timestamp.h"

enum {
	MAX_CONNECTIONS = 512,
	CONNECTION_BYTES = LIMIT_HTTP_URL_BYTES + (32 << 10), /* line, headers and a write buffer */
	IDLE_S = 30,
	READ_MS = 40000, /* until a request must be read whole */
	TICK_MS = 250,
	STAND_MS = 1000, /* between two looks whether the tokens of open requests are good */
};

struct connection {
	struct connection *previous, *next;
	int fd;
	uint64_t since_ms;	 /* loop time when it began to wait for a request */
	uint32_t n_requests;	 /* whose line was read */
	uint64_t client;	 /* request_client() */
	struct request *request; /* read whole, not finished */
	bool answering;		 /* something is sent */
};

struct http {
	struct server server;
	uv_loop_t *loop;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_timer_t timer, tick;
	struct connection *connections;
	uint64_t stood_ms; /* loop time of end_unwelcome() */
	uint32_t n_open_handles;
	uint16_t port;
	bool has_tls;
};

/* ---- requests ---- */

static struct connection *connection_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *c)
{
	struct connection *connection = connection_of(c);
	struct http *h = cls;

	if (connection)
		connection->n_requests++;
	return request_new(&h->server, uri);
}

static void take_upload(struct request *r, const char *data, size_t n)
{
	if (r->upload.n + n > request_upload_limit(r))
		r->body_too_long = true;
	else
		buf_add(&r->upload, data, n);
}

static bool has_body(const struct request *r)
{
	return request_header(r, "Content-Length") || request_header(r, "Transfer-Encoding");
}

static enum MHD_Result send_answer(struct request *r)
{
	struct connection *connection = connection_of(r->connection);

	if (connection)
		connection->answering = true;
	return request_send(r);
}

/* Called with the headers, with each piece of the body, with its end, and when resumed. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **con_cls)
{
	struct request *r = *con_cls;

	(void)cls;
	(void)url;
	(void)version;
	if (!r)
		return MHD_NO;
	r->connection = c;
	if (r->state == REQUEST_NEW) {
		request_begin(r, method);
		/* what is wrong is told before a body comes, which costs the connection; without a
		 * body it is told below, which does not */
		return r->state == REQUEST_ANSWERED && has_body(r) ? send_answer(r) : MHD_YES;
	}
	if (*n) {
		take_upload(r, data, *n);
		*n = 0;
		return MHD_YES;
	}
	if (r->state == REQUEST_HEADERS) {
		struct connection *connection = connection_of(c);

		if (!connection)
			return MHD_NO;
		connection->request = r;
		request_dispatch(r);
	}
	if (r->state == REQUEST_RUNNING) {
		r->suspended = true;
		MHD_suspend_connection(c);
		return MHD_YES;
	}
	return send_answer(r);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **con_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct connection *connection = connection_of(c);
	const struct request *r = *con_cls;
	struct http *h = cls;

	(void)code;
	if (r && (r->state == REQUEST_NEW || r->state == REQUEST_HEADERS))
		h->server.counters.refused[REFUSAL_REQUEST_UNFINISHED]++;
	*con_cls = request_free(*con_cls);
	if (!connection)
		return;
	connection->request = NULL;
	connection->answering = false;
	connection->since_ms = uv_now(h->loop);
}

/* ---- connections ---- */

static void on_tick(uv_timer_t *timer);

/* Asked before libmicrohttpd takes a connection. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *a, socklen_t n_address)
{
	struct http *h = cls;
	uint64_t client = request_client(a);
	uint32_t n = 0;

	(void)n_address;
	for (const struct connection *c = h->connections; c; c = c->next)
		n += c->client == client;
	if (n < MAX_CONNECTIONS / 2)
		return MHD_YES;
	h->server.counters.refused[REFUSAL_REQUEST_CONNECTIONS]++;
	return MHD_NO;
}

static void connection_open(struct http *h, struct MHD_Connection *c, void **ret_context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = calloc(1, sizeof(*connection));

	*ret_context = connection;
	if (!connection || !info)
		return;
	connection->fd = info->connect_fd;
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	connection->client = request_client(info ? info->client_addr : NULL);
	connection->since_ms = uv_now(h->loop);
	connection->next = h->connections;
	if (connection->next)
		connection->next->previous = connection;
	else
		uv_timer_start(&h->tick, on_tick, TICK_MS, TICK_MS);
	h->connections = connection;
	h->server.counters.connections++;
}

static void connection_closed(struct http *h, struct connection *connection)
{
	if (!connection)
		return;
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		h->connections = connection->next;
	if (!h->connections)
		uv_timer_stop(&h->tick);
	if (connection->n_requests == 0)
		h->server.counters.refused[REFUSAL_REQUEST_UNFINISHED]++;
	free(connection);
	/* libmicrohttpd begins to accept again when it is run next, not when a place is free */
	if (h->server.counters.connections-- >= MAX_CONNECTIONS)
		h->server.resumed = true;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *h = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_open(h, c, context);
		return;
	}
	connection_closed(h, *context);
	*context = NULL;
}

/* ---- the tick ---- */

/* Those that wait for their next request line are left to libmicrohttpd's timeout, which is
 * shorter. */
static void end_slow(struct http *h)
{
	uint64_t now_ms = uv_now(h->loop);

	for (struct connection *c = h->connections; c; c = c->next)
		if (!c->request && now_ms - c->since_ms > READ_MS)
			shutdown(c->fd, SHUT_RDWR);
}

/* Its client has closed its side, and nothing is left to read. */
static void client_is_gone(const struct connection *c)
{
	int unread = 0;

	if (c->request)
		request_gone(c->request);
	else if (ioctl(c->fd, FIONREAD, &unread) == 0 && unread == 0)
		shutdown(c->fd, SHUT_RDWR); /* its request will never be whole */
}

static void find_gone(struct http *h)
{
	struct pollfd fds[MAX_CONNECTIONS];
	const struct connection *of[MAX_CONNECTIONS];
	nfds_t n = 0;

	for (struct connection *c = h->connections; c && n < MAX_CONNECTIONS; c = c->next) {
		if (c->request ? !c->request->suspended : c->answering)
			continue;
		fds[n] = (struct pollfd){ .fd = c->fd, .events = POLLRDHUP };
		of[n++] = c;
	}
	if (n == 0 || poll(fds, n, 0) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents)
			client_is_gone(of[i]);
}

/* A token that ended takes with it what is still under way: a live tail may go on for days. */
static void end_unwelcome(struct http *h)
{
	if (uv_now(h->loop) - h->stood_ms < STAND_MS)
		return;
	h->stood_ms = uv_now(h->loop);
	for (struct connection *c = h->connections; c; c = c->next)
		if (c->request && !request_may_stay(c->request))
			request_gone(c->request);
}

static void tell_progress(struct http *h)
{
	for (struct connection *c = h->connections; c; c = c->next)
		if (c->request)
			request_tick(c->request);
}

static void on_tick(uv_timer_t *timer)
{
	struct http *h = timer->data;

	find_gone(h);
	end_unwelcome(h);
	tell_progress(h);
	end_slow(h);
	if (h->server.tails)
		tails_tick(h->server.tails);
	if (h->server.watches)
		alert_watches_tick(h->server.watches);
}

/* ---- libmicrohttpd in the loop ---- */

static void run(struct http *h)
{
	h->server.resumed = false; /* before: a stream may be woken while it runs */
	MHD_run(h->daemon);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct http *h = poll->data;

	(void)status;
	(void)events;
	run(h);
}

static void on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct http *h = prepare->data;
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->server.resumed)
		uv_timer_start(&h->timer, on_timer, 0, 0);
	else if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		uv_timer_start(&h->timer, on_timer, ms, 0);
	else
		uv_timer_stop(&h->timer);
}

__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *cls, const char *format,
							     va_list ap)
{
	char text[256], quoted[512];

	(void)cls;
	vsnprintf(text, sizeof(text), format, ap);
	log_debug("http.library", "text=%s",
		  log_value(text, strcspn(text, "\n"), quoted, sizeof(quoted)));
}

/* TLS 1.2 with forward secrecy and AEAD, and 1.3. */
#define TLS_PRIORITIES                                                        \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:" \
	"+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM"

static struct MHD_Daemon *start_daemon(struct http *h, int fd)
{
	const struct http_config *c = &h->server.config;
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, http_tls_callback() },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	return MHD_start_daemon(
		flags | (c->cert ? MHD_USE_TLS : 0), 0, on_accept, h, on_request, h,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, h, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY,
		c->cert ? tls : tls + ARRAY_SIZE(tls) - 1, MHD_OPTION_END);
}

static void start_handles(struct http *h, int epoll_fd)
{
	uv_poll_init(h->loop, &h->poll, epoll_fd);
	uv_prepare_init(h->loop, &h->prepare);
	uv_timer_init(h->loop, &h->timer);
	uv_timer_init(h->loop, &h->tick);
	h->poll.data = h->prepare.data = h->timer.data = h->tick.data = h;
	h->n_open_handles = 4;
	uv_poll_start(&h->poll, UV_READABLE, on_readable);
	uv_prepare_start(&h->prepare, on_prepare);
}

static int start_mhd(struct http *h, struct diag *d)
{
	int fd = http_listen(h->server.config.address, h->server.config.port, &h->port, d);
	const union MHD_DaemonInfo *info;
	int r;

	if (fd < 0)
		return fd;
	r = h->server.config.cert ? http_tls_set(h->server.config.cert, h->server.config.key, d)
				  : 0;
	if (r < 0) {
		close(fd);
		return r;
	}
	h->has_tls = h->server.config.cert != NULL;
	h->daemon = start_daemon(h, fd);
	if (!h->daemon) {
		close(fd);
		return diag_set(d, err_origin(-EIO), 0, 0, "libmicrohttpd does not start");
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	start_handles(h, info->epoll_fd);
	return 0;
}

static struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	tails_free(h->server.tails);
	alert_watches_free(h->server.watches);
	pool_free(h->server.pool);
	free(h->server.access);
	if (h->has_tls)
		http_tls_clear();
	free(h);
	return NULL;
}
DEFINE_FREEP(http)

int http_start(struct http **ret, uv_loop_t *loop, const struct http_config *config, struct diag *d)
{
	AUTO(http) *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_origin(-ENOMEM);
	h->loop = loop;
	h->server.config = *config;
	h->server.started_ns = timestamp_now();
	h->server.access = access_new();
	r = h->server.access ? pool_new(&h->server.pool, loop, config->store) : err_origin(-ENOMEM);
	if (r == 0)
		pool_set_facts(h->server.pool, config->facts);
	if (r == 0 && config->hub)
		r = tails_new(&h->server.tails, &h->server, loop);
	if (r == 0)
		r = alert_watches_new(&h->server.watches, &h->server);
	if (r == 0)
		r = start_mhd(h, d);
	if (r < 0)
		return r;
	h->server.config.address = h->server.config.cert = h->server.config.key = NULL;
	*ret = TAKE(h);
	return 0;
}

int http_set_certificate(struct http *h, const char *cert, const char *key, struct diag *d)
{
	if (!h->has_tls)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "this server has no TLS");
	return http_tls_set(cert, key, d);
}

void http_set_outputs(struct http *h, struct outputs *o)
{
	h->server.config.outputs = o;
}

void http_set_keep(struct http *h, const struct retention_limits *keep)
{
	h->server.config.keep = *keep;
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct http *h = handle->data;

	h->n_open_handles--;
}

static void end_requests(struct http *h)
{
	for (struct connection *c = h->connections; c; c = c->next)
		if (c->request)
			request_gone(c->request);
}

struct http *http_stop(struct http *h)
{
	int fd;

	if (!h)
		return NULL;
	h->server.stopping = true;
	fd = MHD_quiesce_daemon(h->daemon);
	end_requests(h);
	while (pool_jobs(h->server.pool)) /* their connections are resumed as they end */
		uv_run(h->loop, UV_RUN_ONCE);
	end_requests(h);
	MHD_run(h->daemon);
	uv_close((uv_handle_t *)&h->poll, on_handle_closed);
	uv_close((uv_handle_t *)&h->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&h->timer, on_handle_closed);
	uv_close((uv_handle_t *)&h->tick, on_handle_closed);
	MHD_stop_daemon(h->daemon);
	if (fd >= 0)
		close(fd);
	while (h->n_open_handles)
		uv_run(h->loop, UV_RUN_ONCE);
	return http_free(h);
}

void http_deliver(struct block *b, uint64_t block_id, uint64_t dropped, void *arg)
{
	struct http *h = *(struct http **)arg;

	(void)block_id;
	if (h && h->server.tails)
		tails_deliver(h->server.tails, b, dropped);
}
