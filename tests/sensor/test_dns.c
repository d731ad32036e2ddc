/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns.h"

#include "sensor/domains.h"
#include "tests/sensor/dns_message.h"
#include "tests/test.h"

static const uint64_t second = 1000000000;

/* Reads a copy of exactly @n bytes, so that ASan sees a read past its end. */
static int read_copy(struct dns_answer *ret, const uint8_t *data, size_t n)
{
	AUTO_MEM uint8_t *copy = malloc(n + 1);
	int r;

	assert_non_null(copy);
	memcpy(copy + 1, data, n);
	r = dns_read(ret, copy + 1, n);
	return r;
}

static void test_dns_given_an_answer_when_read_then_question_and_addresses_are_told(void **state)
{
	static const uint8_t four[] = { 192, 0, 2, 7 };
	struct dns_answer a;

	(void)state;
	assert_int_equal(0, read_copy(&a, dns_message, sizeof(dns_message)));
	assert_string_equal("www.example.org", a.name);
	assert_int_equal(15, a.n_name);
	assert_string_equal("A", dns_type_name(a.type));
	assert_string_equal("NOERROR", dns_rcode_name(a.rcode));
	assert_int_equal(2, a.n_addresses);
	assert_false(a.addresses[0].v6);
	assert_memory_equal(four, a.addresses[0].address, 4);
	assert_int_equal(60, a.addresses[0].ttl_s);
	assert_true(a.addresses[1].v6);
	assert_int_equal(7, a.addresses[1].address[15]);
}

static void test_dns_given_an_answer_when_cut_anywhere_then_no_more_than_is_there_is_told(
	void **state)
{
	const size_t question_end = 33;
	struct dns_answer a;

	(void)state;
	for (size_t n = 0; n < sizeof(dns_message); n++) {
		int r = read_copy(&a, dns_message, n);

		assert_int_equal(n < question_end ? -EBADMSG : 0, r);
		if (r == 0)
			assert_true(a.n_addresses < 2);
	}
}

/* Reads the message with byte @at set to @to. */
static int read_changed(struct dns_answer *ret, size_t at, uint8_t to)
{
	uint8_t data[sizeof(dns_message)];

	memcpy(data, dns_message, sizeof(data));
	data[at] = to;
	return read_copy(ret, data, sizeof(data));
}

static void test_dns_given_no_answer_when_read_then_it_says_so(void **state)
{
	struct dns_answer a;

	(void)state;
	assert_int_equal(DNS_E_NO_ANSWER, read_changed(&a, 2, 0x01)); /* a query */
	assert_int_equal(DNS_E_NO_ANSWER, read_changed(&a, 2, 0xa8)); /* an update */
	assert_int_equal(DNS_E_NO_ANSWER, read_changed(&a, 5, 0));
	assert_int_equal(DNS_E_NO_ANSWER, read_changed(&a, 5, 2));
	assert_int_equal(0, read_changed(&a, 3, 0x83));
	assert_string_equal("NXDOMAIN", dns_rcode_name(a.rcode));
	assert_null(dns_rcode_name(15));
	assert_null(dns_type_name(60000));
}

static void test_dns_given_pointers_that_do_not_go_back_when_read_then_it_ends(void **state)
{
	struct dns_answer a;

	(void)state;
	assert_int_equal(0, read_changed(&a, 34, 33)); /* a record's name: itself */
	assert_int_equal(0, a.n_addresses);
	assert_int_equal(0, read_changed(&a, 34, 80)); /* forwards */
	assert_int_equal(0, a.n_addresses);
	assert_int_equal(-EBADMSG, read_changed(&a, 12, 0xc0)); /* the question's */
	assert_int_equal(-EBADMSG, read_changed(&a, 12, 0x43)); /* a label of a kind unknown */
}

static void test_dns_given_odd_bytes_in_names_when_read_then_they_are_escaped(void **state)
{
	struct dns_answer a;

	(void)state;
	assert_int_equal(0, read_changed(&a, 13, '.'));
	assert_string_equal("\\046ww.example.org", a.name);
	assert_int_equal(0, read_changed(&a, 13, 0));
	assert_string_equal("\\000ww.example.org", a.name);
	assert_int_equal(0, read_changed(&a, 13, 0xff));
	assert_string_equal("\\255ww.example.org", a.name);
	assert_int_equal(0, read_changed(&a, 13, '\\'));
	assert_string_equal("\\092ww.example.org", a.name);
}

static void test_dns_given_the_longest_name_when_read_then_it_fits(void **state)
{
	uint8_t data[12 + 255 + 4] = { [2] = 0x80, [5] = 1 };
	struct dns_answer a;
	size_t at = 12;

	(void)state;
	for (int i = 0; i < 4; i++) { /* 64 + 64 + 64 + 62 + 1 bytes */
		uint8_t length = i < 3 ? 63 : 61;

		data[at] = length;
		memset(data + at + 1, 0xff, length);
		at += length + 1u;
	}
	assert_int_equal(0, read_copy(&a, data, sizeof(data)));
	assert_int_equal(250 * 4 + 3, a.n_name);
	data[at - 62] = 62; /* one more */
	data[at] = 'x';
	assert_int_equal(-EBADMSG, read_copy(&a, data, sizeof(data)));
}

static void test_dns_given_the_root_when_read_then_it_is_a_dot(void **state)
{
	static const uint8_t data[12 + 5] = { [2] = 0x80, [5] = 1, [14] = 2, [16] = 1 };
	struct dns_answer a;

	(void)state;
	assert_int_equal(0, read_copy(&a, data, sizeof(data)));
	assert_string_equal(".", a.name);
	assert_string_equal("NS", dns_type_name(a.type));
}

static void test_dns_given_hundreds_of_records_when_read_then_addresses_are_bounded(void **state)
{
	static uint8_t data[17 + 400 * 15] = { [2] = 0x80, [5] = 1, [6] = 1, [7] = 0x90 };
	struct dns_answer a;

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		uint8_t *r = data + 17 + i * 15;

		r[2] = r[4] = 1;
		r[10] = 4;
		r[14] = (uint8_t)i;
	}
	assert_int_equal(0, read_copy(&a, data, sizeof(data)));
	assert_int_equal(DNS_ADDRESSES_MAX, a.n_addresses);
}

/* ---- domains ---- */

static void add(struct domains *d, uint32_t number, const char *name, uint64_t now_ns, uint32_t ttl)
{
	uint8_t address[16] = { 0 };

	memcpy(address, &number, sizeof(number));
	domains_add(d, address, name, strlen(name), now_ns, ttl);
}

static const char *find(const struct domains *d, uint32_t number, uint64_t now_ns)
{
	uint8_t address[16] = { 0 };

	memcpy(address, &number, sizeof(number));
	return domains_find(d, address, now_ns);
}

static void test_domains_given_answers_when_asked_then_the_newest_until_its_time_is_over(
	void **state)
{
	AUTO(domains) *d = NULL;

	(void)state;
	assert_int_equal(0, domains_new(&d, 64));
	assert_null(find(d, 0, second));
	assert_null(find(d, 1, second));
	add(d, 1, "old.example", second, 60);
	add(d, 1, "new.example", 2 * second, 60);
	assert_string_equal("new.example", find(d, 1, 3 * second));
	assert_null(find(d, 2, 3 * second));
	assert_string_equal("new.example", find(d, 1, 3601 * second));
	assert_null(find(d, 1, 3602 * second));
	add(d, 1, "long.example", second, 7200);
	assert_string_equal("long.example", find(d, 1, 7200 * second));
	assert_int_equal(0, domains_evicted(d));
}

static void test_domains_given_more_than_fit_when_added_then_the_oldest_go_and_are_counted(
	void **state)
{
	AUTO(domains) *d = NULL;
	uint64_t found = 0;

	(void)state;
	assert_int_equal(0, domains_new(&d, 64));
	for (uint32_t i = 1; i <= 1000; i++)
		add(d, i, "x.example", i * second, 60);
	for (uint32_t i = 1; i <= 1000; i++)
		found += find(d, i, 1000 * second) != NULL;
	assert_true(found <= 64);
	assert_int_equal(1000, found + domains_evicted(d));
	assert_non_null(find(d, 1000, 1000 * second));
}

static void test_domains_given_a_name_too_long_when_added_then_it_is_not_kept(void **state)
{
	char name[DOMAINS_NAME_BYTES + 1];
	AUTO(domains) *d = NULL;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(0, domains_new(&d, 1));
	name[DOMAINS_NAME_BYTES] = 0;
	add(d, 1, name, second, 60);
	assert_null(find(d, 1, second));
	name[DOMAINS_NAME_BYTES - 1] = 0;
	add(d, 1, name, second, 60);
	assert_string_equal(name, find(d, 1, second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_dns_given_an_answer_when_read_then_question_and_addresses_are_told),
		cmocka_unit_test(
			test_dns_given_an_answer_when_cut_anywhere_then_no_more_than_is_there_is_told),
		cmocka_unit_test(test_dns_given_no_answer_when_read_then_it_says_so),
		cmocka_unit_test(
			test_dns_given_pointers_that_do_not_go_back_when_read_then_it_ends),
		cmocka_unit_test(test_dns_given_odd_bytes_in_names_when_read_then_they_are_escaped),
		cmocka_unit_test(test_dns_given_the_longest_name_when_read_then_it_fits),
		cmocka_unit_test(test_dns_given_the_root_when_read_then_it_is_a_dot),
		cmocka_unit_test(
			test_dns_given_hundreds_of_records_when_read_then_addresses_are_bounded),
		cmocka_unit_test(
			test_domains_given_answers_when_asked_then_the_newest_until_its_time_is_over),
		cmocka_unit_test(
			test_domains_given_more_than_fit_when_added_then_the_oldest_go_and_are_counted),
		cmocka_unit_test(test_domains_given_a_name_too_long_when_added_then_it_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
