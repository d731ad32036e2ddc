/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/conntrack.h"

#include <string.h>
#include <sys/socket.h>

#include "tests/sensor/conntrack_message.h"
#include "tests/test.h"

/* Reads a copy of exactly @n bytes, so that ASan sees a read past its end. */
static bool read_copy(struct conntrack_translation *ret, const uint8_t *data, size_t n)
{
	AUTO_MEM uint8_t *copy = malloc(n + 1);

	assert_non_null(copy);
	memcpy(copy + 1, data, n);
	return conntrack_read(copy + 1, n, ret);
}

static void test_conntrack_given_a_message_of_the_kernel_when_read_then_both_tuples(void **state)
{
	static const uint8_t local[16] = { 127, 0, 0, 1 };
	struct conntrack_translation t;

	(void)state;
	assert_true(read_copy(&t, tcp4, sizeof(tcp4)));
	assert_false(t.ipv6);
	assert_int_equal(t.protocol, 6);
	assert_memory_equal(t.asked.source, local, 16);
	assert_memory_equal(t.led.dest, local, 16);
	assert_int_equal(t.asked.source_port, 48972);
	assert_int_equal(t.asked.dest_port, 7009);
	assert_int_equal(t.led.source_port, 48972);
	assert_int_equal(t.led.dest_port, 7010);
}

static void test_conntrack_given_both_ends_translated_when_read_then_as_the_accepting_side_has_it(
	void **state)
{
	struct conntrack_translation t;

	(void)state;
	assert_true(read_copy(&t, udp6, sizeof(udp6)));
	assert_true(t.ipv6);
	assert_int_equal(t.protocol, 17);
	assert_int_equal(t.asked.source[15], 1);
	assert_int_equal(t.asked.dest[15], 9);
	assert_int_equal(t.led.source[15], 3);
	assert_int_equal(t.led.source_port, 6000);
	assert_int_equal(t.led.dest[15], 2);
	assert_int_equal(t.led.dest_port, 5353);
}

static void test_conntrack_given_a_message_when_cut_anywhere_then_it_is_none(void **state)
{
	struct conntrack_translation t;

	(void)state;
	for (size_t n = 0; n < sizeof(tcp4); n++)
		assert_false(read_copy(&t, tcp4, n));
}

static void test_conntrack_given_any_byte_changed_when_read_then_nothing_is_read_past_the_end(
	void **state)
{
	uint8_t data[sizeof(tcp4)];
	struct conntrack_translation t;
	size_t read = 0;

	(void)state;
	for (size_t at = 0; at < sizeof(tcp4); at++)
		for (unsigned to = 0; to < 256; to++) {
			memcpy(data, tcp4, sizeof(data));
			data[at] = (uint8_t)to;
			read += read_copy(&t, data, sizeof(data));
		}
	assert_true(read > sizeof(tcp4)); /* addresses may be any */
}

static void test_conntrack_given_a_connection_as_it_was_asked_when_read_then_it_is_none(
	void **state)
{
	uint8_t data[sizeof(tcp4)];
	struct conntrack_translation t;

	(void)state;
	memcpy(data, tcp4, sizeof(data));
	for (size_t i = 0; i + 1 < sizeof(data); i++)
		if (data[i] == 0x1b && data[i + 1] == 0x62)
			data[i + 1] = 0x61; /* the answer comes from the port that was asked */
	assert_false(read_copy(&t, data, sizeof(data)));
}

static void test_conntrack_given_a_socket_when_messages_wait_then_each_is_taken_once(void **state)
{
	static const uint8_t noise[40] = { 40 };
	struct conntrack *c = NULL;
	struct conntrack_translation t;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(conntrack_of(&c, fds[0]), 0);
	assert_false(conntrack_next(c, &t));
	assert_int_equal(send(fds[1], noise, sizeof(noise), 0), sizeof(noise));
	assert_int_equal(send(fds[1], tcp4, sizeof(tcp4), 0), sizeof(tcp4));
	assert_int_equal(send(fds[1], udp6, sizeof(udp6), 0), sizeof(udp6));
	assert_true(conntrack_next(c, &t));
	assert_int_equal(t.led.dest_port, 7010);
	assert_true(conntrack_next(c, &t));
	assert_int_equal(t.led.dest_port, 5353);
	assert_false(conntrack_next(c, &t));
	assert_false(conntrack_overran(c));
	close(fds[1]);
	conntrack_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_conntrack_given_a_message_of_the_kernel_when_read_then_both_tuples),
		cmocka_unit_test(
			test_conntrack_given_both_ends_translated_when_read_then_as_the_accepting_side_has_it),
		cmocka_unit_test(test_conntrack_given_a_message_when_cut_anywhere_then_it_is_none),
		cmocka_unit_test(
			test_conntrack_given_any_byte_changed_when_read_then_nothing_is_read_past_the_end),
		cmocka_unit_test(
			test_conntrack_given_a_connection_as_it_was_asked_when_read_then_it_is_none),
		cmocka_unit_test(
			test_conntrack_given_a_socket_when_messages_wait_then_each_is_taken_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
