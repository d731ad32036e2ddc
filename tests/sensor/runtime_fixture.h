/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_fixture - a runtime of canned answers, in a thread of the test.
 * Thread: the test's own.  Memory: freed with the fixture. */
#pragma once
#include "tests/test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sensor/containers.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Docker Engine 20.10, GET /containers/ID/json, shortened. */
static UNUSED const char docker_answer[] =
	"HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n\r\n"
	"{\"Id\":\"" ID "\",\"Created\":\"2026-01-01T00:00:00Z\",\"Path\":\"nginx\","
	"\"State\":{\"Status\":\"running\",\"Pid\":4242},\"Image\":\"sha256:abc\","
	"\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx:1.25\",\"Labels\":{\"a\":\"b\"}}}";

struct server {
	char dir[64], path[96];
	int fd;
	pthread_mutex_t mutex; /* of these two */
	const char *answer;
	char request[512];
	pthread_t thread;
	int stop[2];
};

static UNUSED struct server server = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static inline UNUSED void will_answer(const char *answer)
{
	pthread_mutex_lock(&server.mutex);
	server.answer = answer;
	pthread_mutex_unlock(&server.mutex);
}

static inline UNUSED void answer_one(struct server *s, int fd)
{
	char request[sizeof(s->request)] = "";
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0), sent = 1;
	const char *answer;

	pthread_mutex_lock(&s->mutex);
	memcpy(s->request, request, sizeof(request));
	answer = s->answer;
	pthread_mutex_unlock(&s->mutex);
	for (; n > 0 && *answer && sent > 0; answer += MAX(sent, 0)) /* in small pieces */
		sent = send(fd, answer, MIN(strlen(answer), 40u), MSG_NOSIGNAL);
}

static inline UNUSED void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN },
				 { .fd = s->stop[0], .events = POLLIN } };

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		AUTO_FD int fd = accept(s->fd, NULL, NULL);

		answer_one(s, fd);
	}
	return NULL;
}

static inline UNUSED int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	snprintf(server.dir, sizeof(server.dir), "/tmp/rtsec-runtime-XXXXXX");
	if (!mkdtemp(server.dir) || pipe2(server.stop, O_CLOEXEC) < 0)
		return -1;
	snprintf(server.path, sizeof(server.path), "%s/sock", server.dir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", server.path);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(server.fd, 8) < 0)
		return -1;
	will_answer(docker_answer);
	return pthread_create(&server.thread, NULL, serve, &server);
}

static inline UNUSED int teardown(void **state)
{
	char command[96];

	(void)state;
	assert_int_equal(write(server.stop[1], "x", 1), 1);
	pthread_join(server.thread, NULL);
	close(server.fd);
	close(server.stop[0]);
	close(server.stop[1]);
	snprintf(command, sizeof(command), "rm -rf %s", server.dir);
	return system(command);
}

static inline UNUSED struct runtime_config config(void)
{
	return (struct runtime_config){
		.docker_socket = server.path,
		.podman_socket = server.path,
		.containerd_dir = server.dir,
		.storage_dir = server.dir,
	};
}

static inline UNUSED struct container_ref ref_of(enum container_runtime runtime)
{
	struct container_ref ref = { .runtime = runtime };

	snprintf(ref.id, sizeof(ref.id), "%s", ID);
	return ref;
}
