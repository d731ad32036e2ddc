/* SPDX-License-Identifier: Apache-2.0 */
/* Community ID v1 against the public baseline where it lies beside the checkout, and against
 * vectors of our own (computed with an independent SHA-1 and base64: Python's) everywhere. */
#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "lib/community_id.h"

#define BASELINE TEST_SOURCE_DIR "/../shared/corpora/community-id/baseline/baseline_deflt.json"

static struct community_flow flow(unsigned protocol, const char *source, const char *destination,
				  int source_port, int destination_port)
{
	struct community_flow f = { .protocol = (uint8_t)protocol };

	f.ipv6 = strchr(source, ':') != NULL;
	assert_int_equal(1, inet_pton(f.ipv6 ? AF_INET6 : AF_INET, source, f.source));
	assert_int_equal(1, inet_pton(f.ipv6 ? AF_INET6 : AF_INET, destination, f.destination));
	f.has_ports = source_port >= 0;
	if (f.has_ports) {
		f.source_port = (uint16_t)source_port;
		f.destination_port = (uint16_t)destination_port;
	}
	return f;
}

/* Text after the first @key in @s up to a quote or comma, copied to @buf. */
static const char *value_of(const char *s, const char *key, char *buf, size_t n)
{
	const char *p = strstr(s, key);
	size_t i = 0;

	assert_non_null(p);
	for (p += strlen(key); *p && !strchr("\",}", *p) && i + 1 < n; p++)
		buf[i++] = *p;
	buf[i] = 0;
	return buf;
}

static int port_of(const char *row, const char *key)
{
	char text[16];

	value_of(row, key, text, sizeof(text));
	return strcmp(text, "null") == 0 ? -1 : (int)strtol(text, NULL, 10);
}

static void check_row(const char *row)
{
	char source[64], destination[64], want[64], got[COMMUNITY_ID_BYTES];
	struct community_flow f;

	value_of(row, "\"saddr\": \"", source, sizeof(source));
	value_of(row, "\"daddr\": \"", destination, sizeof(destination));
	value_of(row, "\"communityid\": \"", want, sizeof(want));
	f = flow((unsigned)port_of(row, "\"proto\": "), source, destination,
		 port_of(row, "\"sport\": "), port_of(row, "\"dport\": "));
	assert_string_equal(want, community_id(&f, 0, got));
}

static void test_community_id_given_the_baseline_when_hashed_then_all_rows_agree(void **state)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(BASELINE, "rb");
	int rows = 0;

	(void)state;
	assert_non_null(text);
	if (!f) { /* not on this machine: the vectors below stand alone */
		print_message("no baseline at %s: checked with our own vectors only\n", BASELINE);
		free(text);
		return;
	}
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	for (char *row = strchr(text, '{'); row; row = strchr(row + 1, '{')) {
		char *end = strchr(row, '}');

		assert_non_null(end);
		*end = 0;
		check_row(row);
		*end = '}';
		rows++;
	}
	assert_true(rows >= 20);
	free(text);
}

static void test_community_id_given_known_flows_when_hashed_then_the_text_is_exact(void **state)
{
	static const struct {
		unsigned protocol;
		const char *source, *destination;
		int source_port, destination_port;
		const char *want;
	} rows[] = {
		{ 6, "10.20.30.40", "10.20.30.41", 51000, 443, "1:EViGcgBbB4WSg5XJ6I5LvTiH7lQ=" },
		{ 6, "127.0.0.1", "127.0.0.1", 40000, 80, "1:5rFr+y3i0wpQbEhThSaj08U8BaE=" },
		{ 17, "192.0.2.7", "198.51.100.9", 5353, 53, "1:x+IKhceBY0PGMA+Q2Wg1ztH0Yio=" },
		{ 6, "2001:db8::1", "2001:db8::2", 50000, 22, "1:aUOeQPSeMVBzrAA6FouROQPBXVo=" },
		{ 1, "192.0.2.1", "192.0.2.2", 8, 0, "1:IOfYZQoUwQ3ZLk3+qU6KcSd9W5k=" },
		{ 1, "192.0.2.2", "192.0.2.1", 3, 1, "1:EBIAE7qvAT3HwYAIi4T6COC6KV8=" },
	};
	char got[COMMUNITY_ID_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct community_flow f = flow(rows[i].protocol, rows[i].source,
					       rows[i].destination, rows[i].source_port,
					       rows[i].destination_port);

		assert_string_equal(rows[i].want, community_id(&f, 0, got));
	}
}

static void test_community_id_given_a_tcp_flow_when_turned_round_then_the_id_is_the_same(void **state)
{
	struct community_flow out = flow(6, "127.0.0.1", "127.0.0.1", 40000, 80);
	struct community_flow back = flow(6, "127.0.0.1", "127.0.0.1", 80, 40000);
	char a[COMMUNITY_ID_BYTES], b[COMMUNITY_ID_BYTES];

	(void)state;
	assert_string_equal(community_id(&out, 0, a), community_id(&back, 0, b));
	assert_string_not_equal(a, community_id(&out, 1, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_community_id_given_the_baseline_when_hashed_then_all_rows_agree),
		cmocka_unit_test(
			test_community_id_given_known_flows_when_hashed_then_the_text_is_exact),
		cmocka_unit_test(
			test_community_id_given_a_tcp_flow_when_turned_round_then_the_id_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
