/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cri.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <nghttp2/nghttp2.h>

#include "lib/buf.h"
#include "proto/cri.pb-c.h"
#include "sensor/runtime.h"

enum {
	HEAD = 5, /* of a gRPC message: a byte whether it is compressed, four of its length */
	MOST_S = 4,
	CHUNK = 16 << 10,
	GRPC_OK = 0,
	GRPC_NOT_FOUND = 5,
	GRPC_UNIMPLEMENTED = 12,
};

/* ---- the answer ---- */

/* What does not fit is not told at all. */
static void take(const char *s, char *to, size_t room)
{
	size_t n = s ? strlen(s) : 0;

	if (n && n < room)
		memcpy(to, s, n + 1);
}

static void take_labels(const Rtsec__Cri__ContainerStatus *s, struct container_facts *ret)
{
#define FACT(member) \
	offsetof(struct container_facts, member), sizeof(((struct container_facts *)0)->member)
	static const struct {
		const char *key;
		size_t offset, room;
	} labels[] = {
		{ "io.kubernetes.pod.name", FACT(pod) },
		{ "io.kubernetes.pod.namespace", FACT(namespace) },
		{ "io.kubernetes.pod.uid", FACT(pod_uid) },
	};
#undef FACT
	for (size_t i = 0; i < s->n_labels; i++)
		for (size_t k = 0; k < ARRAY_SIZE(labels); k++)
			if (strcmp(s->labels[i]->key, labels[k].key) == 0)
				take(s->labels[i]->value, (char *)ret + labels[k].offset,
				     labels[k].room);
}

int cri_parse(const uint8_t *body, size_t n, struct container_facts *ret)
{
	Rtsec__Cri__ContainerStatusResponse *r;
	const Rtsec__Cri__ContainerStatus *s;
	size_t length;

	*ret = (struct container_facts){ 0 };
	if (n < HEAD || body[0] != 0) /* we said that we take nothing compressed */
		return err_origin(-EBADMSG);
	length = (size_t)body[1] << 24 | (size_t)body[2] << 16 | (size_t)body[3] << 8 | body[4];
	if (length != n - HEAD)
		return err_origin(-EBADMSG);
	r = rtsec__cri__container_status_response__unpack(NULL, length, body + HEAD);
	s = r ? r->status : NULL;
	if (s && s->metadata)
		take(s->metadata->name, ret->name, sizeof(ret->name));
	if (s && s->image) {
		take(s->image->image, ret->image, sizeof(ret->image));
		take(s->image->user_specified_image, ret->image, sizeof(ret->image));
	}
	if (s)
		take_labels(s, ret);
	if (r)
		rtsec__cri__container_status_response__free_unpacked(r, NULL);
	return s ? 0 : err_origin(-EBADMSG);
}

/* ---- the call ---- */

struct call {
	uint8_t request[HEAD + 2 + 2 * CONTAINER_ID_BYTES];
	size_t n_request, sent;
	struct buf body;
	int status; /* of gRPC; -1: not said */
	bool done;
};

static ssize_t give_request(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
			    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct call *c = arg;
	size_t n = MIN(room, c->n_request - c->sent);

	(void)session;
	(void)stream;
	(void)source;
	memcpy(to, c->request + c->sent, n);
	c->sent += n;
	if (c->sent == c->n_request)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int take_body(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
		     size_t n, void *arg)
{
	struct call *c = arg;

	(void)session;
	(void)flags;
	(void)stream;
	if (n > RUNTIME_ANSWER_BYTES - c->body.n)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	buf_add(&c->body, data, n);
	return buf_ok(&c->body) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int take_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		       size_t n_name, const uint8_t *value, size_t n, uint8_t flags, void *arg)
{
	static const char status[] = "grpc-status";
	struct call *c = arg;

	(void)session;
	(void)frame;
	(void)flags;
	if (n_name != sizeof(status) - 1 || memcmp(name, status, n_name) != 0)
		return 0;
	c->status = 0;
	for (size_t i = 0; i < n && i < 3; i++)
		c->status =
			c->status * 10 + (value[i] >= '0' && value[i] <= '9' ? value[i] - '0' : 99);
	return 0;
}

static int end_stream(nghttp2_session *session, int32_t stream, uint32_t error, void *arg)
{
	struct call *c = arg;

	(void)session;
	(void)stream;
	(void)error;
	c->done = true;
	return 0;
}

static nghttp2_session *new_session(struct call *c)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_session *session = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, take_body);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, take_header);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, end_stream);
	if (nghttp2_session_client_new(&session, callbacks, c) != 0)
		session = NULL;
	nghttp2_session_callbacks_del(callbacks);
	return session;
}

#define HEADER(name_, value_)                                                            \
	{                                                                                \
		.name = (uint8_t *)(uintptr_t)(name_), .namelen = sizeof(name_) - 1,     \
		.value = (uint8_t *)(uintptr_t)(value_), .valuelen = sizeof(value_) - 1, \
		.flags = NGHTTP2_NV_FLAG_NONE                                            \
	}

static int submit(nghttp2_session *session, struct call *c, const char *id)
{
	static const nghttp2_nv headers[] = {
		HEADER(":method", "POST"),
		HEADER(":scheme", "http"),
		HEADER(":path", "/runtime.v1.RuntimeService/ContainerStatus"),
		HEADER(":authority", "localhost"),
		HEADER("content-type", "application/grpc"),
		HEADER("te", "trailers"),
		HEADER("user-agent", "rtsec-sensor"),
	};
	const nghttp2_settings_entry window = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
						RUNTIME_ANSWER_BYTES };
	const nghttp2_data_provider body = { .read_callback = give_request };
	Rtsec__Cri__ContainerStatusRequest r;
	size_t n;

	rtsec__cri__container_status_request__init(&r);
	r.container_id = (char *)(uintptr_t)id;
	n = rtsec__cri__container_status_request__get_packed_size(&r);
	if (n > sizeof(c->request) - HEAD)
		return err_origin(-EINVAL);
	c->request[3] = (uint8_t)(n >> 8);
	c->request[4] = (uint8_t)n;
	c->n_request = HEAD + rtsec__cri__container_status_request__pack(&r, c->request + HEAD);
	if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &window, 1) != 0 ||
	    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
						  RUNTIME_ANSWER_BYTES) != 0 ||
	    nghttp2_submit_request(session, NULL, headers, ARRAY_SIZE(headers), &body, NULL) < 0)
		return err_origin(-ENOMEM);
	return 0;
}

static int send_all(nghttp2_session *session, int fd)
{
	const uint8_t *data;
	ssize_t n, sent;

	while ((n = nghttp2_session_mem_send(session, &data)) > 0)
		for (; n > 0; n -= sent, data += sent) {
			sent = send(fd, data, (size_t)n, MSG_NOSIGNAL);
			if (sent < 0)
				return err_origin(errno == EAGAIN ? -ETIMEDOUT : -errno);
		}
	return n < 0 ? err_origin(-EBADMSG) : 0;
}

static int exchange(nghttp2_session *session, struct call *c, int fd)
{
	struct timespec now, end;
	uint8_t chunk[CHUNK];
	ssize_t got;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += MOST_S;
	while (!c->done) {
		r = send_all(session, fd);
		if (r < 0)
			return r;
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got < 0)
			return err_origin(errno == EAGAIN ? -ETIMEDOUT : -errno);
		if (got == 0 || nghttp2_session_mem_recv(session, chunk, (size_t)got) != got)
			return err_origin(buf_ok(&c->body) ? -EBADMSG : -ENOMEM);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec)
			return err_origin(-ETIMEDOUT);
	}
	return 0;
}

int cri_ask(const char *socket_path, const char *id, struct container_facts *ret)
{
	struct call c = { .status = -1 };
	nghttp2_session *session;
	AUTO_FD int fd = runtime_connect(socket_path);
	int r;

	*ret = (struct container_facts){ 0 };
	if (fd < 0)
		return fd == -ENOENT || fd == -ECONNREFUSED ? RUNTIME_E_NONE : fd;
	session = new_session(&c);
	r = session ? submit(session, &c, id) : err_origin(-ENOMEM);
	if (r == 0)
		r = exchange(session, &c, fd);
	if (r == 0 && (c.status == GRPC_NOT_FOUND || c.status == GRPC_UNIMPLEMENTED))
		r = RUNTIME_E_NONE;
	else if (r == 0)
		r = c.status == GRPC_OK ? cri_parse(c.body.data, c.body.n, ret)
					: err_origin(-EBADMSG);
	nghttp2_session_del(session);
	buf_done(&c.body);
	return r;
}
