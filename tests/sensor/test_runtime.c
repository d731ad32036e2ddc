/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes: recorded answers from a server on a unix socket of the test's own, and bundles in a
 * folder. */
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
static const char docker_answer[] =
	"HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n\r\n"
	"{\"Id\":\"" ID "\",\"Created\":\"2026-01-01T00:00:00Z\",\"Path\":\"nginx\","
	"\"State\":{\"Status\":\"running\",\"Pid\":4242},\"Image\":\"sha256:abc\","
	"\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx:1.25\",\"Labels\":{\"a\":\"b\"}}}";

/* podman 4.3, the same by its compatible API. */
static const char podman_answer[] =
	"HTTP/1.0 200 OK\r\nLibpod-Api-Version: 4.3.1\r\n\r\n"
	"{\"Id\":\"" ID "\",\"Name\":\"/db\",\"ImageName\":\"docker.io/library/postgres:15\","
	"\"Config\":{\"Image\":\"docker.io/library/postgres:15\",\"Labels\":{}}}";

static const char kubernetes_answer[] =
	"HTTP/1.0 200 "
	"OK\r\n\r\n{\"Name\":\"/k8s_app_shop-1_prod_uid_0\",\"Config\":{\"Image\":\"sha256:1\","
	"\"Labels\":{\"io.kubernetes.container.name\":\"app\",\"io.kubernetes.pod.name\":\"shop-"
	"1\","
	"\"io.kubernetes.pod.namespace\":\"prod\","
	"\"io.kubernetes.pod.uid\":\"12345678-1234-1234-1234-123456789012\"}}}";

struct server {
	char dir[64], path[96];
	int fd;
	pthread_mutex_t mutex; /* of these two */
	const char *answer;
	char request[512];
	pthread_t thread;
	int stop[2];
};

static struct server server = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void will_answer(const char *answer)
{
	pthread_mutex_lock(&server.mutex);
	server.answer = answer;
	pthread_mutex_unlock(&server.mutex);
}

static void answer_one(struct server *s, int fd)
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

static void *serve(void *arg)
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

static int setup(void **state)
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

static int teardown(void **state)
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

static struct runtime_config config(void)
{
	return (struct runtime_config){
		.docker_socket = server.path,
		.podman_socket = server.path,
		.containerd_dir = server.dir,
		.storage_dir = server.dir,
	};
}

static struct container_ref ref_of(enum container_runtime runtime)
{
	struct container_ref ref = { .runtime = runtime };

	snprintf(ref.id, sizeof(ref.id), "%s", ID);
	return ref;
}

static void test_runtime_given_docker_when_asked_then_name_and_image(void **state)
{
	const struct runtime_config c = config();
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	struct container_facts f;

	(void)state;
	assert_int_equal(runtime_ask(&c, &ref, &f), 0);
	assert_string_equal(f.name, "web");
	assert_string_equal(f.image, "nginx:1.25");
	assert_string_equal(f.pod, "");
	pthread_mutex_lock(&server.mutex);
	assert_memory_equal(server.request, "GET /containers/" ID "/json HTTP/1.0\r\n", 90);
	pthread_mutex_unlock(&server.mutex);
}

static void test_runtime_given_podman_or_kubelet_when_asked_then_theirs(void **state)
{
	const struct runtime_config c = config();
	const struct container_ref podman = ref_of(RUNTIME_PODMAN), docker = ref_of(RUNTIME_DOCKER);
	struct container_facts f;

	(void)state;
	will_answer(podman_answer);
	assert_int_equal(runtime_ask(&c, &podman, &f), 0);
	assert_string_equal(f.name, "db");
	assert_string_equal(f.image, "docker.io/library/postgres:15");
	will_answer(kubernetes_answer);
	assert_int_equal(runtime_ask(&c, &docker, &f), 0);
	assert_string_equal(f.name, "app");
	assert_string_equal(f.pod, "shop-1");
	assert_string_equal(f.namespace, "prod");
	assert_string_equal(f.pod_uid, "12345678-1234-1234-1234-123456789012");
}

static void test_runtime_given_bad_answers_when_asked_then_refused(void **state)
{
	static const struct {
		const char *answer;
		int want;
	} cases[] = {
		{ "HTTP/1.0 404 Not Found\r\n\r\n{\"message\":\"no such container\"}",
		  RUNTIME_E_NONE },
		{ "HTTP/1.0 500 Oops\r\n\r\n{}", -EBADMSG },
		{ "HTTP/1.0 200 OK\r\n\r\n{\"Name\":", -EBADMSG },
		{ "HTTP/1.0 200 OK\r\n\r\n[]", -EBADMSG },
		{ "HTTP/1.0 200 OK\r\n\r\n", -EBADMSG },
		{ "HTTP/1.0 200 OK\r\nNo-End: 1\r\n", -EBADMSG },
		{ "SSH-2.0-x\r\n\r\n", -EBADMSG },
		{ "", -EBADMSG },
	};
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	const struct runtime_config c = config();
	struct container_facts f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		will_answer(cases[i].answer);
		assert_int_equal(runtime_ask(&c, &ref, &f), cases[i].want);
		assert_string_equal(f.name, "");
	}
}

static void test_runtime_given_no_runtime_when_asked_then_none(void **state)
{
	const struct runtime_config c = { .docker_socket = "/nowhere/docker.sock",
					  .podman_socket = "/nowhere/podman.sock",
					  .containerd_dir = "/nowhere",
					  .storage_dir = "/nowhere" };
	struct container_facts f;

	(void)state;
	for (enum container_runtime r = RUNTIME_UNKNOWN; r <= RUNTIME_LXC; r++) {
		const struct container_ref ref = ref_of(r);

		assert_int_equal(runtime_ask(&c, &ref, &f), RUNTIME_E_NONE);
	}
}

static void write_bundle(const char *below, const char *text)
{
	char path[256], command[300];
	AUTO_FD int fd = -1;

	snprintf(command, sizeof(command), "mkdir -p %s/%s", server.dir, below);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/%s/config.json", server.dir, below);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_runtime_given_bundles_when_asked_then_their_annotations(void **state)
{
	const struct container_ref containerd = ref_of(RUNTIME_CONTAINERD),
				   crio = ref_of(RUNTIME_CRIO);
	const struct runtime_config c = config();
	struct container_facts f;

	(void)state;
	assert_int_equal(runtime_ask(&c, &containerd, &f), RUNTIME_E_NONE);
	write_bundle("k8s.io/" ID, "{\"ociVersion\":\"1.0.2\",\"annotations\":{"
				   "\"io.kubernetes.cri.container-name\":\"app\","
				   "\"io.kubernetes.cri.image-name\":\"docker.io/shop:2\","
				   "\"io.kubernetes.cri.sandbox-name\":\"shop-1\","
				   "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
	assert_int_equal(runtime_ask(&c, &containerd, &f), 0);
	assert_string_equal(f.name, "app");
	assert_string_equal(f.image, "docker.io/shop:2");
	assert_string_equal(f.pod, "shop-1");
	assert_string_equal(f.namespace, "prod");
	write_bundle(ID "/userdata", "{\"annotations\":{\"io.kubernetes.pod.name\":\"p\","
				     "\"io.kubernetes.container.name\":\"c\","
				     "\"io.kubernetes.cri-o.ImageName\":\"quay.io/i:1\"}}");
	assert_int_equal(runtime_ask(&c, &crio, &f), 0);
	assert_string_equal(f.pod, "p");
	assert_string_equal(f.name, "c");
	assert_string_equal(f.image, "quay.io/i:1");
	write_bundle(ID "/userdata", "{\"annotations\":[1]}");
	assert_int_equal(runtime_ask(&c, &crio, &f), 0);
	assert_string_equal(f.name, "");
	write_bundle(ID "/userdata", "not json");
	assert_int_equal(runtime_ask(&c, &crio, &f), -EBADMSG);
}

static void test_runtime_given_a_process_with_our_root_when_users_are_asked_then_none(void **state)
{
	const struct runtime_config c = config();
	struct users *users = NULL;

	(void)state;
	assert_int_equal(runtime_users(&c, ID, (uint32_t)getpid(), &users), RUNTIME_E_NONE);
	assert_int_equal(runtime_users(&c, ID, UINT32_MAX, &users), RUNTIME_E_NONE);
	assert_null(users);
}

/* A process of its own root, as in a container: /proc/PID/root is a link in this test's /proc. */
static void test_runtime_given_another_root_when_users_are_asked_then_its_own_names(void **state)
{
	struct runtime_config c = config();
	struct users *users = NULL;
	char command[700];

	(void)state;
	c.proc_root = server.dir;
	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p 7 7/r/etc 7/r/real && ln -s r 7/root &&"
		 "printf 'app:x:10:10::/:/bin/sh\\n' >7/r/real/passwd &&"
		 "ln -s /real/passwd 7/r/etc/passwd && ln -s /etc/group 7/r/etc/group &&"
		 "printf '0 100000 65536\\n' >7/uid_map && printf '0 0 4294967295\\n' >7/gid_map &&"
		 "echo 0::/docker/" ID " >7/cgroup",
		 server.dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(runtime_users(&c, ID, 7, &users), 0);
	assert_string_equal(users_name(users, 100010), "app"); /* the link stays inside */
	assert_null(users_name(users, 10));
	assert_null(users_group(users, 0)); /* a link to itself, not to the host's */
	users_free(users);
	users = NULL;
	assert_int_equal(runtime_users(&c, "another", 7, &users), RUNTIME_E_NONE);
	assert_null(users);
}

/* ---- containers ---- */

static struct container *next_until(struct containers *all, uint64_t at_ns,
				    enum container_news *news)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct container *c;

	for (int i = 0; i < 30000; i++) {
		c = containers_next(all, at_ns, news);
		if (c)
			return c;
		nanosleep(&pause, NULL);
	}
	fail_msg("no news of a container");
	return NULL;
}

static const uint64_t second = 1000000000;

static void test_containers_given_processes_when_first_comes_and_last_goes_then_news(void **state)
{
	const struct container_process a = { 10, 100, 5, 1 }, b = { 20, 200, 5, 2 };
	const struct runtime_config c = config();
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, &c), 0);
	one = containers_find(all, &ref);
	assert_null(containers_next(all, 100, &news));
	container_enter(one, &a);
	container_enter(one, &b);
	assert_ptr_equal(next_until(all, 200, &news), one); /* when the runtime has answered */
	assert_int_equal(news, CONTAINER_STARTED);
	assert_string_equal(one->facts.name, "web");
	assert_int_equal(one->first.tgid, 1);
	container_leave(one, &a);
	assert_null(containers_next(all, 300, &news));
	container_leave(one, &b);
	assert_null(containers_next(all, b.at_ns + second - 1, &news));
	assert_ptr_equal(containers_next(all, b.at_ns + 2 * second, &news), one);
	assert_int_equal(news, CONTAINER_STOPPED);
	assert_int_equal(one->last.tgid, 2);
	assert_null(containers_next(all, 9 * second, &news));
	container_enter(one, &a); /* started again */
	assert_ptr_equal(containers_next(all, 9 * second, &news), one);
	assert_int_equal(news, CONTAINER_STARTED);
	container_leave(one, &a);
	container_unref(one);
}

/* runc's own first process has ended before the container's program begins. */
static void test_containers_given_a_moment_without_a_process_when_asked_then_one_run(void **state)
{
	const struct container_process a = { 10, 100, 5, 1 }, b = { 20, 200, 5, 2 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_ptr_equal(containers_next(all, 100, &news), one);
	assert_int_equal(news, CONTAINER_STARTED);
	container_leave(one, &a);
	assert_null(containers_next(all, 150, &news));
	container_enter(one, &b);
	assert_null(containers_next(all, 300 + 5 * second, &news));
	assert_int_equal(one->n_members, 1);
	assert_int_equal(one->members[0], 2);
	container_leave(one, &b);
	assert_ptr_equal(containers_next(all, UINT64_MAX, &news), one); /* the sensor ends */
	assert_int_equal(news, CONTAINER_STOPPED);
	container_unref(one);
}

static void test_containers_given_another_cgroup_when_it_begins_again_then_end_and_begin(
	void **state)
{
	const struct container_process a = { 10, 100, 5, 1 }, b = { 20, 200, 6, 2 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_ptr_equal(containers_next(all, 100, &news), one);
	container_leave(one, &a);
	container_enter(one, &b);
	assert_ptr_equal(containers_next(all, 300, &news), one);
	assert_int_equal(news, CONTAINER_STOPPED);
	assert_int_equal(one->last.tgid, 1);
	assert_ptr_equal(containers_next(all, 300, &news), one);
	assert_int_equal(news, CONTAINER_STARTED);
	assert_int_equal(one->first.tgid, 2);
	assert_null(containers_next(all, 300 + 5 * second, &news));
	container_leave(one, &b);
	container_unref(one);
}

/* What is read now may have happened after the turn began. */
static void test_containers_given_a_process_of_later_when_asked_then_the_begin_waits(void **state)
{
	const struct container_process a = { 10, 200, 5, 1 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	struct runtime_config c = config();
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	c.docker_socket = "/nowhere/docker.sock";
	assert_int_equal(containers_new(&all, &c), 0);
	one = containers_find(all, &ref);
	one->asked = true; /* the answer is on its way */
	container_enter(one, &a);
	assert_null(containers_next(all, 100, &news));
	assert_null(containers_next(all, a.at_ns + second - 1, &news));
	assert_ptr_equal(containers_next(all, a.at_ns + second, &news), one);
	container_leave(one, &a);
	container_unref(one);
}

/* The runtime knows it a moment later; the path did not say which runtime it is. */
static void test_containers_given_a_runtime_that_does_not_know_it_yet_when_asked_again_then_known(
	void **state)
{
	const struct container_process a = { 10, 100, 5, 1 };
	const struct container_ref ref = ref_of(RUNTIME_UNKNOWN);
	struct runtime_config c = config();
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;
	uint64_t at_ns = 100;

	(void)state;
	c.podman_socket = "/nowhere/podman.sock";
	will_answer("HTTP/1.0 404 Not Found\r\n\r\n{}");
	assert_int_equal(containers_new(&all, &c), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_ptr_equal(next_until(all, at_ns, &news), one);
	assert_string_equal(one->facts.name, "");
	assert_int_equal(one->tries, 1);
	assert_null(containers_next(all, at_ns + second - 1, &news));
	assert_false(one->asked);
	will_answer(docker_answer);
	for (int i = 0; i < 30000 && !one->facts.name[0]; i++) {
		const struct timespec pause = { .tv_nsec = 1000000 };

		assert_null(containers_next(all, at_ns += second, &news));
		nanosleep(&pause, NULL);
	}
	assert_string_equal(one->facts.name, "web");
	assert_int_equal(one->ref.runtime, RUNTIME_DOCKER);
	container_leave(one, &a);
	container_unref(one);
}

static void test_containers_given_one_from_before_when_it_ends_then_only_that_is_told(void **state)
{
	const struct container_process a = { 10, 0, 0, 1 }, end = { 10, 50, 5, 1 };
	const struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	struct container *one;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	one = containers_find(all, &ref);
	container_enter(one, &a);
	assert_null(containers_next(all, 100, &news));
	container_leave(one, &end);
	assert_ptr_equal(containers_next(all, 50 + second, &news), one);
	assert_int_equal(news, CONTAINER_STOPPED);
	container_unref(one);
}

static void test_containers_given_more_than_fit_when_found_then_dead_make_room(void **state)
{
	struct container_process a = { 10, 5, 5, 1 };
	struct container_ref ref = ref_of(RUNTIME_DOCKER);
	AUTO(containers) *all = NULL;
	enum container_news news;

	(void)state;
	assert_int_equal(containers_new(&all, NULL), 0);
	for (unsigned i = 0; i < CONTAINERS_MOST + 10; i++) {
		struct container *c;

		snprintf(ref.id, sizeof(ref.id), "c%u", i);
		c = containers_find(all, &ref);
		assert_non_null(c);
		container_enter(c, &a);
		if (i == 0)
			container_leave(c, &a);
		container_unref(c);
		while (containers_next(all, 5 + second, &news))
			;
	}
	assert_int_equal(containers_refused(all), 9);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_runtime_given_docker_when_asked_then_name_and_image),
		T(test_runtime_given_podman_or_kubelet_when_asked_then_theirs),
		T(test_runtime_given_bad_answers_when_asked_then_refused),
		T(test_runtime_given_no_runtime_when_asked_then_none),
		T(test_runtime_given_bundles_when_asked_then_their_annotations),
		T(test_runtime_given_a_process_with_our_root_when_users_are_asked_then_none),
		T(test_runtime_given_another_root_when_users_are_asked_then_its_own_names),
		T(test_containers_given_processes_when_first_comes_and_last_goes_then_news),
		T(test_containers_given_a_moment_without_a_process_when_asked_then_one_run),
		T(test_containers_given_another_cgroup_when_it_begins_again_then_end_and_begin),
		T(test_containers_given_a_process_of_later_when_asked_then_the_begin_waits),
		T(test_containers_given_a_runtime_that_does_not_know_it_yet_when_asked_again_then_known),
		T(test_containers_given_one_from_before_when_it_ends_then_only_that_is_told),
		T(test_containers_given_more_than_fit_when_found_then_dead_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
