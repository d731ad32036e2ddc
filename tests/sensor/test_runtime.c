/* SPDX-License-Identifier: Apache-2.0 */
/* What a container runtime is asked, and what of its answers is believed. */
#include "tests/sensor/runtime_fixture.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
