/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "sensor/container.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "12345678-1234-1234-1234-123456789012"

static void test_container_given_paths_when_parsed_then_id_runtime_and_pod_are_found(void **state)
{
	static const struct {
		const char *path, *id, *runtime, *pod;
	} cases[] = {
		{ "0::/docker/" HEX "\n", HEX, "docker", "" },
		{ "0::/system.slice/docker-" HEX ".scope\n", HEX, "docker", "" },
		{ "12:memory:/docker/" HEX "\n0::/\n", HEX, "docker", "" },
		{ "0::/\n1:name=systemd:/docker/" HEX "\n", HEX, "docker", "" },
		{ "0::/docker/" HEX "/nested/docker/" HEX "/init.scope\n", HEX, "docker", "" },
		{ "0::/system.slice/nerdctl-" HEX ".scope", HEX, "containerd", "" },
		{ "0::/default/" HEX, HEX, NULL, "" },
		{ "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod"
		  "12345678_1234_1234_1234_123456789012.slice/cri-containerd-" HEX ".scope\n",
		  HEX, "containerd", UID },
		{ "0::/kubepods.slice/kubepods-pod12345678_1234_1234_1234_123456789012.slice/"
		  "crio-" HEX ".scope/container\n",
		  HEX, "cri-o", UID },
		{ "0::/kubepods/burstable/pod" UID "/" HEX "\n", HEX, NULL, UID },
		{ "0::/kubepods/pod0123456789abcdef0123456789abcdef/" HEX "\n", HEX, NULL,
		  "0123456789abcdef0123456789abcdef" },
		{ "11:cpu:/system.slice/containerd.service/kubepods-pod12345678_1234_1234_1234_"
		  "123456789012.slice:cri-containerd:" HEX "\n",
		  HEX, "containerd", UID },
		{ "0::/machine.slice/libpod-" HEX ".scope\n", HEX, "podman", "" },
		{ "0::/machine.slice/libpod-" HEX ".scope/container\n", HEX, "podman", "" },
		{ "0::/libpod_parent/libpod-" HEX "\n", HEX, "podman", "" },
		{ "0::/machine.slice/machine-web\\x2d1.scope/payload/init.scope\n", "web-1",
		  "systemd-nspawn", "" },
		{ "0::/machine.slice/systemd-nspawn@db.service/payload\n", "db", "systemd-nspawn",
		  "" },
		{ "1:name=systemd:/machine.slice/machine-old.scope\n", "old", "systemd-nspawn",
		  "" },
		{ "0::/lxc.payload.c1/init.scope\n", "c1", "lxc", "" },
		{ "4:memory:/lxc/c2\n", "c2", "lxc", "" },
		{ "0::/lxc.payload.c1/docker/" HEX "\n", HEX, "docker", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct container_ref ref;
		const char *runtime;

		if (!container_parse(cases[i].path, strlen(cases[i].path), &ref))
			fail_msg("no container in %s", cases[i].path);
		assert_string_equal(ref.id, cases[i].id);
		assert_string_equal(ref.pod_uid, cases[i].pod);
		runtime = container_runtime_name(ref.runtime);
		assert_int_equal(runtime == NULL, cases[i].runtime == NULL);
		if (runtime)
			assert_string_equal(runtime, cases[i].runtime);
	}
}

static void test_container_given_other_paths_when_parsed_then_there_is_none(void **state)
{
	static const char *const outside[] = {
		"0::/\n",
		"",
		"0::/user.slice/user-1000.slice/session-3.scope\n",
		"0::/machine.slice/libpod-conmon-" HEX ".scope\n",
		"0::/kubepods.slice/crio-conmon-" HEX ".scope\n",
		"4:memory:/process_api/a7ab55fb603a0137e78b2808f79a3c7d\n",
		"0::/x/" HEX "0\n",
		"0::/lxc.monitor.c1\n",
		"0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope\n",
		"0::/machine.slice/systemd-nspawn@db.service/supervisor\n",
		"0::/machine.slice/machine-.scope\n",
		"0::/kubepods.slice/kubepods-pod12345678_1234_1234_1234_123456789012.slice\n",
	};
	struct container_ref ref;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		if (container_parse(outside[i], strlen(outside[i]), &ref))
			fail_msg("%s: %s", outside[i], ref.id);
		assert_string_equal("", ref.id);
		assert_string_equal("", ref.pod_uid);
	}
}

static void test_container_given_a_name_that_is_too_long_when_parsed_then_there_is_none(
	void **state)
{
	struct container_ref ref;
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "0::/lxc/%.*s\n", 64, "n" HEX);
	assert_true(container_parse(path, strlen(path), &ref));
	assert_int_equal(strlen(ref.id), 64);
	snprintf(path, sizeof(path), "0::/lxc/nn%s\n", HEX);
	assert_true(container_parse(path, strlen(path), &ref)); /* has 64 hex digits in it */
	snprintf(path, sizeof(path), "0::/lxc/%s%s\n", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
		 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
	assert_false(container_parse(path, strlen(path), &ref));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_container_given_paths_when_parsed_then_id_runtime_and_pod_are_found),
		cmocka_unit_test(test_container_given_other_paths_when_parsed_then_there_is_none),
		cmocka_unit_test(
			test_container_given_a_name_that_is_too_long_when_parsed_then_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
