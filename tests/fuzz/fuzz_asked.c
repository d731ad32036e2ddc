/* SPDX-License-Identifier: Apache-2.0 */
/* What container runtimes answer on their sockets, read as the sensor does: HTTP of Docker and
 * podman, gRPC over HTTP/2 of containerd and CRI-O.  The first byte says which is asked; the rest
 * is sent once a question has come, then the connection ends. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sensor/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ANSWER_BYTES = 64 << 10 }; /* that a socket takes at once */

static struct {
	char dir[64], path[96];
	int listener;
	bool began;
	pthread_mutex_t mutex; /* of the answer: who asks may have given up */
	uint8_t answer[ANSWER_BYTES];
	size_t n;
} server = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void end(void)
{
	unlink(server.path);
	rmdir(server.dir);
}

static bool send_answer(int fd)
{
	ssize_t sent;

	pthread_mutex_lock(&server.mutex);
	sent = send(fd, server.answer, server.n, MSG_NOSIGNAL);
	pthread_mutex_unlock(&server.mutex);
	return sent >= 0;
}

static void set_answer(const uint8_t *data, size_t n)
{
	pthread_mutex_lock(&server.mutex);
	memcpy(server.answer, data, n);
	server.n = n;
	pthread_mutex_unlock(&server.mutex);
}

static void *serve(void *arg)
{
	uint8_t question[4096];

	for (;;) {
		AUTO_FD int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 || read(fd, question, sizeof(question)) <= 0)
			continue;
		if (!send_answer(fd))
			continue;
		shutdown(fd, SHUT_WR);
		while (read(fd, question, sizeof(question)) > 0)
			;
	}
	return arg;
}

static void begin(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	pthread_t thread;

	snprintf(server.dir, sizeof(server.dir), "/tmp/rtsec-fuzz-XXXXXX");
	assert(mkdtemp(server.dir));
	snprintf(server.path, sizeof(server.path), "%s/socket", server.dir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", server.path);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(server.listener >= 0);
	assert(bind(server.listener, (const struct sockaddr *)&a, sizeof(a)) == 0);
	assert(listen(server.listener, 8) == 0);
	assert(pthread_create(&thread, NULL, serve, NULL) == 0);
	pthread_detach(thread);
	atexit(end);
	server.began = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *docker = "/nonexistent", *cri = "/nonexistent";
	struct container_ref ref = { .id = "0123456789abcdef0123456789abcdef"
					   "0123456789abcdef0123456789abcdef" };
	struct container_facts f = { 0 };
	int r;

	if (n < 2 || n > ANSWER_BYTES)
		return 0;
	if (!server.began)
		begin();
	*(data[0] & 1 ? &docker : &cri) = server.path;
	ref.runtime = data[0] & 1 ? RUNTIME_DOCKER : RUNTIME_CONTAINERD;
	set_answer(data + 1, n - 1);
	r = runtime_ask(&(const struct runtime_config){ .docker_socket = docker,
							.podman_socket = "/nonexistent",
							.containerd_dir = "/nonexistent",
							.storage_dir = "/nonexistent",
							.containerd_socket = cri,
							.crio_socket = "/nonexistent",
							.proc_root = "/proc" },
			&ref, &f);
	assert(r == 0 || r == RUNTIME_E_NONE || r < 0);
	assert(strnlen(f.name, sizeof(f.name)) < sizeof(f.name) &&
	       strnlen(f.image, sizeof(f.image)) < sizeof(f.image) &&
	       strnlen(f.pod, sizeof(f.pod)) < sizeof(f.pod) &&
	       strnlen(f.namespace, sizeof(f.namespace)) < sizeof(f.namespace));
	return 0;
}
