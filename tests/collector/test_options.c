/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "collector/options.h"

/* Static, so that what options keep of it lives on. */
#define ARGV(...) static char *argv[] = { __VA_ARGS__, NULL }
#define ARGC	  ((int)ARRAY_SIZE(argv) - 1)

static void test_options_given_no_words_when_parsed_then_defaults(void **state)
{
	static char name[] = "rtsec-collector";
	struct diag d = { 0 };
	struct options o;
	ARGV(name);

	(void)state;
	assert_int_equal(options_parse(&o, ARGC, argv, &d), 0);
	assert_string_equal(o.dir, "/var/lib/rtsec/collector");
	assert_string_equal(o.listen, "tls+tcp://127.0.0.1:7443");
	assert_false(o.http_plain);
	assert_string_equal(o.http, "127.0.0.1:8443");
	assert_int_equal(o.keep_days, 30);
	assert_int_equal(o.keep_bytes, 0);
	assert_true(o.min_free_bytes == OPTIONS_AUTO);
	assert_int_equal(o.n_words, 0);
	options_done(&o);
}

static void test_options_given_both_spellings_when_parsed_then_values_are_taken(void **state)
{
	static char name[] = "x", dir[] = "--dir=/a=b", http[] = "--http", port[] = "[::1]:0",
		    plain[] = "--http-plain", token[] = "token", create[] = "create";
	struct diag d = { 0 };
	struct options o;
	ARGV(name, token, dir, http, port, create, plain);

	(void)state;
	assert_int_equal(options_parse(&o, ARGC, argv, &d), 0);
	assert_string_equal(o.dir, "/a=b");
	assert_string_equal(o.http, "[::1]:0");
	assert_true(o.http_plain);
	assert_int_equal(o.n_words, 2);
	assert_string_equal(o.words[1], "create");
	options_done(&o);
}

static void test_options_given_mistakes_when_parsed_then_each_is_named(void **state)
{
	static char name[] = "x", unknown[] = "--colour", bare[] = "--dir", flag[] = "--help=1",
		    dash[] = "-v", word[] = "w";
	static char *const wrong[][6] = {
		{ name, unknown },
		{ name, bare },
		{ name, flag },
		{ name, dash },
		{ name, word, word, word, word },
	};
	static const char *const said[] = { "--colour", "--dir", "--help", "-v", "unexpected" };
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct diag d = { 0 };
		int argc = 0;

		while (wrong[i][argc])
			argc++;
		assert_int_equal(options_parse(&o, argc, wrong[i], &d), -EINVAL);
		assert_non_null(strstr(d.text, said[i]));
	}
}

/* Leaves numbers in @o, no texts. */
static int parse_two(struct options *o, char *option, char *value, struct diag *d)
{
	static char name[] = "x";
	char *argv[] = { name, option, value, NULL };
	int r = options_parse(o, 3, argv, d);

	if (r == 0)
		options_done(o);
	return r;
}

static void test_options_given_sizes_when_parsed_then_units_are_powers_of_1024(void **state)
{
	static char keep[] = "--keep-bytes", days[] = "--keep-days", least[] = "--min-free-bytes",
		    good[][24] = { "0", "17", "3K", "500M", "200G", "2T" }, automatic[] = "auto",
		    bad[][24] = { "",
				  "G",
				  "1g",
				  "1GB",
				  "-1",
				  "1.5G",
				  " 1",
				  "18446744073709551616",
				  "18446744073709551615",
				  "17179869184T",
				  "auto" };
	static const uint64_t wanted[] = { 0, 17, 3 << 10, 500u << 20, 200ull << 30, 2ull << 40 };
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(parse_two(&o, keep, good[i], NULL), 0);
		assert_true(o.keep_bytes == wanted[i]);
	}
	assert_int_equal(parse_two(&o, least, good[1], NULL), 0);
	assert_int_equal(o.min_free_bytes, 17);
	assert_int_equal(parse_two(&o, least, automatic, NULL), 0);
	assert_true(o.min_free_bytes == OPTIONS_AUTO);
	assert_int_equal(parse_two(&o, days, good[1], NULL), 0);
	assert_int_equal(o.keep_days, 17);
	assert_int_equal(parse_two(&o, days, good[2], NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct diag d = { 0 };

		assert_int_equal(parse_two(&o, keep, bad[i], &d), -EINVAL);
		assert_non_null(strstr(d.text, "--keep-bytes"));
	}
}

static void test_options_given_addresses_when_split_then_port_and_host(void **state)
{
	static const char *const wrong[] = { "",	   ":80",	 "127.0.0.1",
					     "1.2.3.4:",   "1.2.3.4:x",	 "1.2.3.4:65536",
					     "1.2.3.4:-1", "1.2.3.4: 1", "[]:1" };
	char address[32];
	uint16_t port;

	(void)state;
	assert_int_equal(options_address("127.0.0.1:8443", address, 32, &port, NULL), 0);
	assert_string_equal(address, "127.0.0.1");
	assert_int_equal(port, 8443);
	assert_int_equal(options_address("[::1]:0", address, 32, &port, NULL), 0);
	assert_string_equal(address, "::1");
	assert_int_equal(port, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(options_address(wrong[i], address, 32, &port, NULL), -EINVAL);
	assert_int_equal(options_address("123456789:1", address, 9, &port, NULL), -EINVAL);
}

static void test_options_given_urls_when_asked_then_only_this_machine_is_loopback(void **state)
{
	static const char *const safe[] = { "tcp://127.0.0.1:7443", "tcp://127.9.9.9:1",
					    "tcp://[::1]:7443",	    "tcp://localhost:7443",
					    "ipc:///run/x",	    "inproc://x" };
	static const char *const open[] = {
		"tcp://0.0.0.0:7443", "tcp://:7443",
		"tcp://*:7443",	      "tcp://10.0.0.1:7443",
		"tcp://[::]:7443",    "tcp://127.0.0.1.evil.example:7443",
		"nonsense",	      "tcp://128.0.0.1:1"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		assert_true(options_loopback_url(safe[i]));
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		assert_false(options_loopback_url(open[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_given_no_words_when_parsed_then_defaults),
		cmocka_unit_test(
			test_options_given_both_spellings_when_parsed_then_values_are_taken),
		cmocka_unit_test(test_options_given_mistakes_when_parsed_then_each_is_named),
		cmocka_unit_test(
			test_options_given_sizes_when_parsed_then_units_are_powers_of_1024),
		cmocka_unit_test(test_options_given_addresses_when_split_then_port_and_host),
		cmocka_unit_test(
			test_options_given_urls_when_asked_then_only_this_machine_is_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
