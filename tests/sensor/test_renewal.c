/* SPDX-License-Identifier: Apache-2.0 */
/* When the node's certificate is taken anew. */
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/timestamp.h"
#include "sensor/renewal.h"

struct fixture {
	uv_loop_t loop;
	struct identity ours;
	char dir[64];
	int taken;
};

/* An identity of a CA of its own, good for a year from @from_ns on. */
static void make_identity(struct identity *ret, uint64_t from_ns)
{
	char ca_key[CERT_PEM_BYTES], key[CERT_PEM_BYTES], request[CERT_PEM_BYTES],
		certificate[CERT_PEM_BYTES];
	AUTO(cert_issuer) *issuer = NULL;
	struct diag d = { 0 };

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(cert_key_new(ca_key), 0);
	assert_int_equal(cert_ca_new(ca_key, from_ns, 3650, ret->ca, &d), 0);
	assert_int_equal(cert_issuer_new(&issuer, ret->ca, ca_key, &d), 0);
	assert_int_equal(cert_key_new(key), 0);
	assert_int_equal(cert_request_new(key, "a-node", request, &d), 0);
	assert_int_equal(
		cert_issue_node(issuer, request, from_ns, 365, certificate, &ret->cert, &d), 0);
	snprintf(ret->pem, sizeof(ret->pem), "%s%s", key, certificate);
	snprintf(ret->api, sizeof(ret->api), "https://127.0.0.1:1"); /* nobody listens */
	snprintf(ret->events, sizeof(ret->events), "tls+tcp://127.0.0.1:1");
}

static int take(void *arg, struct diag *d)
{
	struct fixture *f = arg;

	(void)d;
	f->taken++;
	uv_stop(&f->loop);
	return 0;
}

static void test_renewal_given_a_newer_certificate_on_disk_when_ours_is_due_then_it_is_taken(
	void **state)
{
	static const char *const files[] = { "ca.pem", "api", "collector", "node.pem", "" };
	const uint64_t day_ns = UINT64_C(86400) * 1000000000;
	struct fixture f = { .dir = "/tmp/rtsec-renewal-XXXXXX" };
	struct renewal_config config = {
		.loop = &f.loop, .identity = &f.ours, .state_dir = f.dir, .take = take, .arg = &f
	};
	struct identity newer;
	struct renewal r;
	struct diag d = { 0 };
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(f.dir));
	make_identity(&f.ours, timestamp_now() - 300 * day_ns);
	make_identity(&newer, timestamp_now() - day_ns);
	assert_int_equal(identity_save(&newer, f.dir, &d), 0);
	assert_int_equal(uv_loop_init(&f.loop), 0);
	assert_int_equal(renewal_start(&r, &config), 0);
	alarm(60); /* else it would look again in an hour */
	uv_run(&f.loop, UV_RUN_DEFAULT);
	alarm(0);
	assert_int_equal(f.taken, 1);
	uv_close((uv_handle_t *)&r.timer, NULL);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/tls/%s", f.dir, files[i]);
		assert_int_equal(files[i][0] ? unlink(path) : rmdir(path), 0);
	}
	assert_int_equal(rmdir(f.dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_renewal_given_a_newer_certificate_on_disk_when_ours_is_due_then_it_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
