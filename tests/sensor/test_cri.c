/* SPDX-License-Identifier: Apache-2.0 */
/* A server of the Container Runtime Interface on a unix socket of the test's own, whose answers are
 * written after the protocol, with fields that we do not know among them. */
#include "tests/test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <nghttp2/nghttp2.h>

#include "sensor/cri.h"
#include "sensor/runtime.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* status{ id, metadata{name, attempt}, state, created_at, image{image, user_specified_image},
 * image_ref, labels, annotations } */
static const uint8_t app_answer[] = { "\x00\x00\x00\x00\xdd\x0a\xd6\x01\x0a\x04"
				      "0123"
				      "\x12\x07\x0a\x03"
				      "app"
				      "\x10\x02\x18\x01\x20\x80\x01\x42\x1c\x0a\x09"
				      "sha256:12"
				      "\x92\x01\x0e"
				      "shop/app:1.2.3J"
				      "\x09"
				      "sha256:12b!"
				      "\x0a\x16"
				      "io.kubernetes.pod.name"
				      "\x12\x07"
				      "shop-12b#"
				      "\x0a\x1b"
				      "io.kubernetes.pod.namespace"
				      "\x12\x04"
				      "prodb="
				      "\x0a\x15"
				      "io.kubernetes.pod.uid"
				      "\x12"
				      "$12345678-1234-1234-1234-123456789012j"
				      "\x10\x0a\x03"
				      "key"
				      "\x12\x09"
				      "something"
				      "\x12\x02\x0a\x00" };

enum mode { ANSWER, NOT_FOUND, UNIMPLEMENTED, INTERNAL, RESET, CLOSE, NOISE, ENDLESS, NO_STATUS };

struct server {
	char dir[64], path[96];
	int fd, stop[2];
	pthread_t thread;
	pthread_mutex_t mutex; /* of these */
	enum mode mode;
	const uint8_t *body;
	size_t n_body;
	char path_asked[80];
	uint8_t request[128];
	size_t n_request;
};

static struct server server = { .mutex = PTHREAD_MUTEX_INITIALIZER };

struct client {
	enum mode mode;
	const uint8_t *body;
	size_t n_body, at;
};

#define NV(name_, value_)                                                                \
	{                                                                                \
		.name = (uint8_t *)(uintptr_t)(name_), .namelen = sizeof(name_) - 1,     \
		.value = (uint8_t *)(uintptr_t)(value_), .valuelen = sizeof(value_) - 1, \
		.flags = NGHTTP2_NV_FLAG_NONE                                            \
	}

static ssize_t give_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	const nghttp2_nv ok = NV("grpc-status", "0");
	struct client *c = arg;
	size_t n = c->mode == ENDLESS ? room : MIN(MIN(room, c->n_body - c->at), 7u);

	(void)source;
	if (c->mode == ENDLESS) {
		memset(to, 'x', n);
		return (ssize_t)n;
	}
	memcpy(to, c->body + c->at, n);
	c->at += n;
	if (c->at == c->n_body) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, stream, &ok, c->mode != NO_STATUS);
	}
	return (ssize_t)n;
}

static void fail_with(nghttp2_session *session, int32_t stream, const nghttp2_nv *status)
{
	const nghttp2_nv headers[] = { NV(":status", "200"), NV("content-type", "application/grpc"),
				       *status };

	nghttp2_submit_response(session, stream, headers, ARRAY_SIZE(headers), NULL);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	static const nghttp2_nv headers[] = { NV(":status", "200"),
					      NV("content-type", "application/grpc") };
	static const nghttp2_nv codes[] = { [NOT_FOUND] = NV("grpc-status", "5"),
					    [UNIMPLEMENTED] = NV("grpc-status", "12"),
					    [INTERNAL] = NV("grpc-status", "13") };
	const nghttp2_data_provider body = { .read_callback = give_body };
	struct client *c = arg;

	if (frame->hd.type != NGHTTP2_DATA || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	if (c->mode == RESET)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
					  NGHTTP2_REFUSED_STREAM);
	else if (c->mode == NOT_FOUND || c->mode == UNIMPLEMENTED || c->mode == INTERNAL)
		fail_with(session, frame->hd.stream_id, &codes[c->mode]);
	else
		nghttp2_submit_response(session, frame->hd.stream_id, headers, ARRAY_SIZE(headers),
					&body);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t n_name, const uint8_t *value, size_t n, uint8_t flags, void *arg)
{
	(void)session;
	(void)frame;
	(void)flags;
	(void)arg;
	pthread_mutex_lock(&server.mutex);
	if (n_name == 5 && memcmp(name, ":path", 5) == 0)
		snprintf(server.path_asked, sizeof(server.path_asked), "%.*s", (int)n,
			 (const char *)value);
	pthread_mutex_unlock(&server.mutex);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
		   size_t n, void *arg)
{
	(void)session;
	(void)flags;
	(void)stream;
	(void)arg;
	pthread_mutex_lock(&server.mutex);
	n = MIN(n, sizeof(server.request) - server.n_request);
	memcpy(server.request + server.n_request, data, n);
	server.n_request += n;
	pthread_mutex_unlock(&server.mutex);
	return 0;
}

static bool flush(nghttp2_session *session, int fd)
{
	const uint8_t *data;
	ssize_t n, sent;

	while ((n = nghttp2_session_mem_send(session, &data)) > 0)
		for (; n > 0; n -= sent, data += sent) {
			sent = send(fd, data, (size_t)n, MSG_NOSIGNAL);
			if (sent <= 0)
				return false;
		}
	return n == 0;
}

static void speak(int fd, struct client *c)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;
	uint8_t bytes[4096];
	ssize_t n;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_server_new(&session, callbacks, c);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
	while (flush(session, fd) && (n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		if (nghttp2_session_mem_recv(session, bytes, (size_t)n) != n)
			break;
	nghttp2_session_del(session);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN },
				 { .fd = s->stop[0], .events = POLLIN } };

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		AUTO_FD int fd = accept(s->fd, NULL, NULL);
		struct client c;

		pthread_mutex_lock(&s->mutex);
		c = (struct client){ s->mode, s->body, s->n_body, 0 };
		s->n_request = 0;
		pthread_mutex_unlock(&s->mutex);
		if (c.mode == NOISE)
			(void)!send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
		if (c.mode != CLOSE && c.mode != NOISE)
			speak(fd, &c);
	}
	return NULL;
}

static void will(enum mode mode, const uint8_t *body, size_t n)
{
	pthread_mutex_lock(&server.mutex);
	server.mode = mode;
	server.body = body;
	server.n_body = n;
	pthread_mutex_unlock(&server.mutex);
}

static int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	snprintf(server.dir, sizeof(server.dir), "/tmp/rtsec-cri-XXXXXX");
	if (!mkdtemp(server.dir) || pipe2(server.stop, O_CLOEXEC) < 0)
		return -1;
	snprintf(server.path, sizeof(server.path), "%s/sock", server.dir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", server.path);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(server.fd, 8) < 0)
		return -1;
	return pthread_create(&server.thread, NULL, serve, &server);
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(write(server.stop[1], "x", 1), 1);
	pthread_join(server.thread, NULL);
	close(server.fd);
	close(server.stop[0]);
	close(server.stop[1]);
	unlink(server.path);
	return rmdir(server.dir);
}

static void assert_app(const struct container_facts *f)
{
	assert_string_equal(f->name, "app");
	assert_string_equal(f->image, "shop/app:1.2.3");
	assert_string_equal(f->pod, "shop-12");
	assert_string_equal(f->namespace, "prod");
	assert_string_equal(f->pod_uid, "12345678-1234-1234-1234-123456789012");
}

static void test_cri_given_a_container_when_asked_then_name_image_and_pod(void **state)
{
	struct container_facts f;

	(void)state;
	will(ANSWER, app_answer, sizeof(app_answer) - 1);
	assert_int_equal(cri_ask(server.path, ID, &f), 0);
	assert_app(&f);
	pthread_mutex_lock(&server.mutex);
	assert_string_equal(server.path_asked, "/runtime.v1.RuntimeService/ContainerStatus");
	assert_int_equal(server.n_request, 5 + 2 + 64);
	assert_memory_equal(server.request, "\0\0\0\0\x42\x0a\x40" ID, 5 + 2 + 64);
	pthread_mutex_unlock(&server.mutex);
}

static void test_cri_given_no_such_container_when_asked_then_none(void **state)
{
	struct container_facts f;

	(void)state;
	will(NOT_FOUND, NULL, 0);
	assert_int_equal(cri_ask(server.path, ID, &f), RUNTIME_E_NONE);
	will(UNIMPLEMENTED, NULL, 0);
	assert_int_equal(cri_ask(server.path, ID, &f), RUNTIME_E_NONE);
	assert_int_equal(cri_ask("/nowhere/socket", ID, &f), RUNTIME_E_NONE);
	assert_string_equal(f.name, "");
}

static void test_cri_given_bad_answers_when_asked_then_refused(void **state)
{
	static const enum mode modes[] = { INTERNAL, RESET, CLOSE, NOISE, ENDLESS, NO_STATUS };
	static const uint8_t longer[] = "\0\0\0\0\x05\x0a\x00";
	struct container_facts f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int r;

		will(modes[i], app_answer, sizeof(app_answer) - 1);
		r = cri_ask(server.path, ID, &f);
		if (r >= 0 || (r != -EBADMSG && modes[i] != CLOSE && modes[i] != NOISE))
			fail_msg("mode %d: %d", modes[i], r);
	}
	will(ANSWER, longer, sizeof(longer) - 1);
	assert_int_equal(cri_ask(server.path, ID, &f), -EBADMSG);
}

static void test_cri_given_any_byte_changed_when_parsed_then_refused_or_within_bounds(void **state)
{
	uint8_t copy[sizeof(app_answer)];
	struct container_facts f;

	(void)state;
	for (size_t n = 0; n < sizeof(app_answer) - 1; n++)
		assert_int_equal(cri_parse(app_answer, n, &f), -EBADMSG);
	for (size_t i = 0; i < sizeof(app_answer) - 1; i++)
		for (int bit = 0; bit < 8; bit++) {
			int r;

			memcpy(copy, app_answer, sizeof(copy));
			copy[i] ^= (uint8_t)(1 << bit);
			r = cri_parse(copy, sizeof(app_answer) - 1, &f);
			assert_true(r == 0 || r == -EBADMSG);
			assert_true(strlen(f.name) < sizeof(f.name));
			assert_true(strlen(f.image) < sizeof(f.image));
		}
}

static void test_cri_given_a_runtime_without_a_bundle_when_asked_then_by_its_socket(void **state)
{
	const struct runtime_config config = { .containerd_dir = "/nowhere",
					       .storage_dir = "/nowhere",
					       .containerd_socket = server.path,
					       .crio_socket = server.path };
	struct container_ref ref = { .id = ID, .runtime = RUNTIME_CONTAINERD };
	struct container_facts f;

	(void)state;
	will(ANSWER, app_answer, sizeof(app_answer) - 1);
	assert_int_equal(runtime_ask(&config, &ref, &f), 0);
	assert_app(&f);
	ref.runtime = RUNTIME_CRIO;
	assert_int_equal(runtime_ask(&config, &ref, &f), 0);
	assert_app(&f);
	will(NOT_FOUND, NULL, 0);
	assert_int_equal(runtime_ask(&config, &ref, &f), RUNTIME_E_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cri_given_a_container_when_asked_then_name_image_and_pod),
		cmocka_unit_test(test_cri_given_no_such_container_when_asked_then_none),
		cmocka_unit_test(test_cri_given_bad_answers_when_asked_then_refused),
		cmocka_unit_test(
			test_cri_given_any_byte_changed_when_parsed_then_refused_or_within_bounds),
		cmocka_unit_test(
			test_cri_given_a_runtime_without_a_bundle_when_asked_then_by_its_socket),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
